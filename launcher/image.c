#define _GNU_SOURCE
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "failure.h"
#include "report.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

/* A dynamic linker is larger than this, and its headers are smaller (glibc: 600 bytes). */
enum { HEADERS_SIZE = 4096 };

const Elf64_Ehdr *image_header(struct image image)
{
	return (const Elf64_Ehdr *)image.memory;
}

const Elf64_Phdr *image_segments(struct image image)
{
	return (const Elf64_Phdr *)(image.memory + image_header(image)->e_phoff);
}

uintptr_t image_entry(struct image image)
{
	return image_header(image)->e_entry + image.distance;
}

static const Elf64_Phdr *find_segment(struct image image, Elf64_Word type)
{
	for (size_t i = 0; i < image_header(image)->e_phnum; i++)
		if (image_segments(image)[i].p_type == type)
			return &image_segments(image)[i];
	return NULL;
}

const char *image_linker(struct image image)
{
	const Elf64_Phdr *segment = find_segment(image, PT_INTERP);

	return segment == NULL ? NULL : (const char *)(segment->p_vaddr + image.distance);
}

static uintptr_t round_down(uintptr_t address, uintptr_t alignment)
{
	return address & ~(alignment - 1);
}

static uintptr_t round_up(uintptr_t address, uintptr_t alignment)
{
	return round_down(address + alignment - 1, alignment);
}

static uintptr_t page_size(void)
{
	return (uintptr_t)sysconf(_SC_PAGESIZE);
}

static uint8_t *map(uintptr_t address, size_t size, int flags)
{
	uint8_t *memory = mmap((void *)address, size, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	if (memory == MAP_FAILED)
		die_of_error("mmap", errno);
	return memory;
}

static uint8_t *reserve_anywhere(size_t size, uintptr_t alignment)
{
	return (uint8_t *)round_up((uintptr_t)map(0, size + alignment, 0), alignment);
}

static uint8_t *reserve_at(uintptr_t address, size_t size)
{
	uintptr_t start = round_down(address, page_size());
	uint8_t *memory = map(start, size + (address - start), MAP_FIXED_NOREPLACE);

	/* Linux before 4.17 ignores the flag, and may choose another address. */
	if (memory != (uint8_t *)start)
		die_of_error("mmap", EEXIST);
	return memory + (address - start);
}

struct image image_reserve(const struct payload_header *payload)
{
	uint8_t *memory = payload->address == 0 ? reserve_anywhere(payload->memory_size, payload->alignment)
						: reserve_at(payload->address, payload->memory_size);

	return (struct image){ .memory = memory, .distance = (uintptr_t)memory - payload->address };
}

__attribute__((noreturn))
static void die_of_linker(const char *path, int error)
{
	die(EX_OSERR, "cannot load the dynamic linker %s: %s", path, strerror(error));
}

static void read_at(int file, const char *path, void *to, size_t size, uint64_t offset)
{
	ssize_t length = pread(file, to, size, (off_t)offset);

	if (length < 0)
		die_of_linker(path, errno);
	if ((size_t)length < size)
		die_of_linker(path, ENOEXEC);
}

static bool is_linker(const Elf64_Ehdr *header, struct image program)
{
	return memcmp(header->e_ident, image_header(program)->e_ident, EI_CLASS + 1) == 0 &&
		header->e_machine == image_header(program)->e_machine && header->e_type == ET_DYN &&
		header->e_phoff <= HEADERS_SIZE &&
		header->e_phnum <= (HEADERS_SIZE - header->e_phoff) / sizeof(Elf64_Phdr);
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static uint8_t *reserve_for(struct image headers)
{
	size_t size = 0;
	uintptr_t alignment = page_size();

	for (size_t i = 0; i < image_header(headers)->e_phnum; i++) {
		const Elf64_Phdr *segment = &image_segments(headers)[i];

		if (segment->p_type != PT_LOAD)
			continue;
		size = larger(size, segment->p_vaddr + segment->p_memsz);
		alignment = larger(alignment, segment->p_align);
	}
	return reserve_anywhere(size, alignment);
}

/* Read, not mapped from the file: it is small, and this needs only one way to lay out an image. */
struct image image_load_linker(struct image program, const char *path)
{
	_Alignas(Elf64_Ehdr) uint8_t bytes[HEADERS_SIZE];
	struct image headers = { .memory = bytes };
	int file = open(path, O_RDONLY | O_CLOEXEC);

	if (file < 0)
		die_of_linker(path, errno);
	read_at(file, path, bytes, sizeof bytes, 0);
	if (!is_linker(image_header(headers), program))
		die_of_linker(path, ENOEXEC);

	uint8_t *memory = reserve_for(headers);

	for (size_t i = 0; i < image_header(headers)->e_phnum; i++) {
		const Elf64_Phdr *segment = &image_segments(headers)[i];

		if (segment->p_type == PT_LOAD)
			read_at(file, path, memory + segment->p_vaddr, segment->p_filesz, segment->p_offset);
	}
	close(file);

	struct image linker = { .memory = memory, .distance = (uintptr_t)memory };

	image_protect(linker);
	return linker;
}

static void protect(uintptr_t start, uintptr_t end, int protection)
{
	if (start < end && mprotect((void *)start, end - start, protection) != 0)
		die_of_error("mprotect", errno);
}

static int protection_of(const Elf64_Phdr *segment)
{
	return (segment->p_flags & PF_R ? PROT_READ : 0) | (segment->p_flags & PF_W ? PROT_WRITE : 0) |
		(segment->p_flags & PF_X ? PROT_EXEC : 0);
}

/* Nothing is in a gap, but unpacking a whole image took memory for it; a wide gap has megabytes. */
static void close_gap(uintptr_t start, uintptr_t end)
{
	protect(start, end, PROT_NONE);
	if (start < end)
		madvise((void *)start, end - start, MADV_DONTNEED);
}

void image_protect(struct image image)
{
	uintptr_t protected = round_down((uintptr_t)image.memory, page_size());

	for (size_t i = 0; i < image_header(image)->e_phnum; i++) {
		const Elf64_Phdr *segment = &image_segments(image)[i];
		uintptr_t start = round_down(segment->p_vaddr + image.distance, page_size());
		uintptr_t end = round_up(segment->p_vaddr + image.distance + segment->p_memsz, page_size());

		if (segment->p_type != PT_LOAD)
			continue;
		/* Two segments can share a page if they are linked for smaller pages than this machine's. */
		if (start < protected)
			die_of_error("mprotect", ENOEXEC);
		/* A CPU may fetch instructions without its data cache, and see the old content. */
		if (segment->p_flags & PF_X)
			__builtin___clear_cache((char *)start, (char *)end);
		close_gap(protected, start);
		protect(start, end, protection_of(segment));
		protected = end;
	}
}
