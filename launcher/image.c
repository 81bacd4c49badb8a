#define _GNU_SOURCE
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "failure.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

/* Enough for the headers of a dynamic linker; those of glibc and musl take 600 bytes. */
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

const char *image_interpreter(struct image image)
{
	const Elf64_Phdr *segment = find_segment(image, PT_INTERP);

	return segment == NULL ? NULL : (const char *)(segment->p_vaddr + image.distance);
}

static uintptr_t page_of(uintptr_t address)
{
	return address & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1);
}

/* At any address for a program that runs anywhere, whose addresses begin at 0. */
static uint8_t *reserve(uintptr_t address, size_t size)
{
	uintptr_t start = page_of(address);
	int fixed = address == 0 ? 0 : MAP_FIXED_NOREPLACE;
	uint8_t *memory = mmap((void *)start, size + (address - start), PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | fixed, -1, 0);

	if (memory == MAP_FAILED)
		die_of_error("mmap", errno);
	/* Before Linux 4.17 the flag is unknown, and the address a wish. */
	if (fixed != 0 && memory != (uint8_t *)start)
		die_of_error("mmap", EEXIST);
	return memory + (address - start);
}

struct image image_reserve(const struct payload_header *payload)
{
	uint8_t *memory = reserve(payload->address, payload->memory_size);

	/* Faster to fill, and to run: a huge page takes one fault and one entry of the TLB. */
	madvise((void *)page_of((uintptr_t)memory), payload->image_size, MADV_HUGEPAGE);
	return (struct image){ .memory = memory, .distance = (uintptr_t)memory - payload->address };
}

static void read_at(int file, void *to, size_t size, uint64_t offset)
{
	ssize_t length = pread(file, to, size, (off_t)offset);

	if (length < 0)
		die_of_error("read", errno);
	if ((size_t)length < size)
		die_of_error("read", ENOEXEC);
}

static size_t memory_size(const Elf64_Ehdr *header, const Elf64_Phdr *segments)
{
	size_t size = 0;

	for (size_t i = 0; i < header->e_phnum; i++)
		if (segments[i].p_type == PT_LOAD && segments[i].p_vaddr + segments[i].p_memsz > size)
			size = segments[i].p_vaddr + segments[i].p_memsz;
	return size;
}

/* Read, not mapped from the file: it is small, and there are no two ways to lay out an image. */
struct image image_load(const char *path)
{
	_Alignas(Elf64_Ehdr) uint8_t headers[HEADERS_SIZE];
	const struct image on_disk = { .memory = headers };
	const Elf64_Ehdr *header = image_header(on_disk);
	int file = open(path, O_RDONLY | O_CLOEXEC);

	if (file < 0)
		die_of_error(path, errno);
	read_at(file, headers, sizeof headers, 0);
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_type != ET_DYN ||
	    header->e_phoff + header->e_phnum * sizeof(Elf64_Phdr) > sizeof headers)
		die_of_error(path, ENOEXEC);

	uint8_t *memory = reserve(0, memory_size(header, image_segments(on_disk)));

	for (size_t i = 0; i < header->e_phnum; i++) {
		const Elf64_Phdr *segment = &image_segments(on_disk)[i];

		if (segment->p_type == PT_LOAD)
			read_at(file, memory + segment->p_vaddr, segment->p_filesz, segment->p_offset);
	}
	close(file);

	struct image image = { .memory = memory, .distance = (uintptr_t)memory };

	image_protect(image);
	return image;
}

static int protection(const Elf64_Phdr *segment)
{
	return (segment->p_flags & PF_R ? PROT_READ : 0) | (segment->p_flags & PF_W ? PROT_WRITE : 0) |
		(segment->p_flags & PF_X ? PROT_EXEC : 0);
}

void image_protect(struct image image)
{
	for (size_t i = 0; i < image_header(image)->e_phnum; i++) {
		const Elf64_Phdr *segment = &image_segments(image)[i];
		uintptr_t start = page_of(segment->p_vaddr + image.distance);
		uintptr_t end = segment->p_vaddr + image.distance + segment->p_memsz;

		if (segment->p_type != PT_LOAD)
			continue;
		/* A CPU may fetch instructions past its data cache, and see what was there before. */
		if (segment->p_flags & PF_X)
			__builtin___clear_cache((char *)start, (char *)end);
		if (mprotect((void *)start, end - start, protection(segment)) != 0)
			die_of_error("mprotect", errno);
	}
}
