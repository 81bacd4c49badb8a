/*
 * pack LAUNCHER PROGRAM OUTPUT
 *
 * Writes an executable that consists of the launcher and, as its payload, the compressed program.
 * The same files, packed with the same libzstd, make the same output.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

#include "parallel.h"
#include "payload.h"
#include "unpack.h"

/* The highest there is: packing is done once, pulling and storing often. */
enum { COMPRESSION_LEVEL = 22 };

/*
 * Level 22 looks for matches from 3 bytes on. Leaving out the shortest makes the result 1.4 %
 * larger and unpacking 8 % faster; with 5 bytes the gain is lost in the noise, the cost is not.
 */
enum { SHORTEST_MATCH = 4 };

enum { PAGE_SIZE = 4096 };

struct buffer {
	uint8_t *bytes;
	size_t size;
};

struct range {
	size_t start, end;
};

struct packing {
	struct buffer program;
	struct payload_header header;
	struct buffer packed[PAYLOAD_BLOCKS];
};

__attribute__((noreturn, format(printf, 1, 2)))
static void fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("pack: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(EXIT_FAILURE);
}

static struct buffer allocate(size_t size)
{
	struct buffer buffer = { .bytes = malloc(size), .size = size };

	if (buffer.bytes == NULL)
		fail("out of memory");
	return buffer;
}

static struct buffer read_file(const char *path)
{
	struct stat status;
	FILE *file = fopen(path, "rb");

	if (file == NULL || fstat(fileno(file), &status) != 0)
		fail("cannot read %s", path);

	struct buffer content = allocate((size_t)status.st_size);

	if (fread(content.bytes, 1, content.size, file) != content.size)
		fail("cannot read %s", path);
	fclose(file);
	return content;
}

/* Both are checked to lie within the file by is_elf(). */
static Elf64_Ehdr *elf_header(struct buffer file)
{
	return (Elf64_Ehdr *)file.bytes;
}

static Elf64_Phdr *segments(struct buffer file)
{
	return (Elf64_Phdr *)(file.bytes + elf_header(file)->e_phoff);
}

static bool is_elf(struct buffer file)
{
	const Elf64_Ehdr *header = elf_header(file);

	return file.size >= sizeof *header && memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
		header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_phoff % _Alignof(Elf64_Phdr) == 0 &&
		header->e_phoff <= file.size &&
		header->e_phnum <= (file.size - header->e_phoff) / sizeof(Elf64_Phdr);
}

/* The part of the file that is mapped executable; empty if there is none. */
static struct range find_code(struct buffer program)
{
	for (size_t i = 0; i < elf_header(program)->e_phnum; i++) {
		const Elf64_Phdr *segment = &segments(program)[i];

		if (segment->p_type == PT_LOAD && segment->p_flags & PF_X &&
		    segment->p_offset <= program.size && segment->p_filesz <= program.size - segment->p_offset)
			return (struct range){ segment->p_offset, segment->p_offset + segment->p_filesz };
	}
	return (struct range){ 0, 0 };
}

static enum filter find_filter(struct buffer program)
{
	switch (elf_header(program)->e_machine) {
	case EM_X86_64:
		return FILTER_X86_64;
	case EM_AARCH64:
		return FILTER_AARCH64;
	default:
		return FILTER_NONE;
	}
}

static size_t clamp(size_t value, size_t low, size_t high)
{
	return value < low ? low : value > high ? high : value;
}

/* Into equal blocks. A cut at a page cuts through no instruction of AArch64. */
static void cut_into_blocks(struct payload_header *header, struct range code)
{
	size_t pages = (header->program_size + PAGE_SIZE - 1) / PAGE_SIZE;
	size_t block_size = (pages + PAYLOAD_BLOCKS - 1) / PAYLOAD_BLOCKS * PAGE_SIZE;

	for (size_t start = 0, end; start < header->program_size; start = end) {
		end = clamp(start + block_size, 0, header->program_size);

		size_t code_start = clamp(code.start, start, end);

		header->blocks[header->block_count++] = (struct payload_block){
			.size = end - start,
			.code_start = code_start - start,
			.code_size = clamp(code.end, start, end) - code_start,
		};
	}
}

static size_t zstd_checked(size_t result)
{
	if (ZSTD_isError(result))
		fail("zstd: %s", ZSTD_getErrorName(result));
	return result;
}

static struct buffer compress(struct buffer content)
{
	struct buffer packed = allocate(ZSTD_compressBound(content.size));
	ZSTD_CCtx *context = ZSTD_createCCtx();

	zstd_checked(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, COMPRESSION_LEVEL));
	zstd_checked(ZSTD_CCtx_setParameter(context, ZSTD_c_minMatch, SHORTEST_MATCH));
	zstd_checked(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1));
	packed.size = zstd_checked(
		ZSTD_compress2(context, packed.bytes, packed.size, content.bytes, content.size));
	ZSTD_freeCCtx(context);
	return packed;
}

static void pack_block(void *argument, size_t index)
{
	struct packing *packing = argument;
	const struct payload_header *header = &packing->header;
	struct payload_block *block = &packing->header.blocks[index];
	struct buffer content = allocate(block->size);
	size_t start = 0;

	for (size_t before = 0; before < index; before++)
		start += header->blocks[before].size;
	memcpy(content.bytes, packing->program.bytes + start, block->size);
	filter_encode((enum filter)header->filter, content.bytes + block->code_start, block->code_size,
		      start + block->code_start);
	packing->packed[index] = compress(content);
	block->packed_size = packing->packed[index].size;
	free(content.bytes);
}

static struct buffer join_payload(const struct packing *packing)
{
	const struct payload_header *header = &packing->header;
	size_t size = sizeof *header;

	for (size_t i = 0; i < header->block_count; i++)
		size += packing->packed[i].size;

	struct buffer payload = allocate(size);
	uint8_t *end = payload.bytes;

	memcpy(end, header, sizeof *header);
	end += sizeof *header;
	for (size_t i = 0; i < header->block_count; i++) {
		memcpy(end, packing->packed[i].bytes, packing->packed[i].size);
		end += packing->packed[i].size;
	}
	return payload;
}

static struct buffer make_payload(struct buffer program)
{
	struct packing packing = {
		.program = program,
		.header = {
			.magic = PAYLOAD_MAGIC,
			.program_size = program.size,
			.filter = find_filter(program),
		},
	};

	cut_into_blocks(&packing.header, find_code(program));
	parallel_for(packing.header.block_count, pack_block, &packing);
	packing.header.checksum = payload_header_checksum(&packing.header);
	return join_payload(&packing);
}

/* Unpacks as the launcher will, before anything is written. */
static void verify(struct buffer payload, struct buffer program)
{
	int file = memfd_create("unpacked", MFD_CLOEXEC);

	if (file < 0 || unpack((const struct payload_header *)payload.bytes, file) != 0)
		fail("the packed program cannot be unpacked");

	void *unpacked = mmap(NULL, program.size, PROT_READ, MAP_SHARED, file, 0);

	if (unpacked == MAP_FAILED || memcmp(unpacked, program.bytes, program.size) != 0)
		fail("the packed program does not unpack to itself");
	munmap(unpacked, program.size);
	close(file);
}

/* The segment of the empty payload, which has to be the last one of the file. */
static Elf64_Phdr *find_payload_segment(struct buffer launcher)
{
	Elf64_Phdr *last = NULL;
	uint64_t magic = 0;

	for (size_t i = 0; i < elf_header(launcher)->e_phnum; i++) {
		Elf64_Phdr *segment = &segments(launcher)[i];

		if (segment->p_type == PT_LOAD && (last == NULL || segment->p_offset > last->p_offset))
			last = segment;
	}
	if (last != NULL && last->p_offset + sizeof magic <= launcher.size)
		memcpy(&magic, launcher.bytes + last->p_offset, sizeof magic);
	if (magic != PAYLOAD_MAGIC_EMPTY)
		fail("the first file is not the launcher, or already packed");
	return last;
}

/* Cuts the launcher off where its payload begins, with the section headers, which nothing reads. */
static struct buffer make_room(struct buffer launcher, size_t payload_size)
{
	Elf64_Ehdr *header = elf_header(launcher);
	Elf64_Phdr *segment = find_payload_segment(launcher);

	segment->p_filesz = segment->p_memsz = payload_size;
	header->e_shoff = 0;
	header->e_shnum = header->e_shstrndx = SHN_UNDEF;
	return (struct buffer){ .bytes = launcher.bytes, .size = segment->p_offset };
}

static void write_executable(const char *path, struct buffer launcher, struct buffer payload)
{
	FILE *file = fopen(path, "wb");

	if (file == NULL || fwrite(launcher.bytes, 1, launcher.size, file) != launcher.size ||
	    fwrite(payload.bytes, 1, payload.size, file) != payload.size ||
	    fchmod(fileno(file), 0755) != 0 || fclose(file) != 0)
		fail("cannot write %s", path);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		fail("usage: pack LAUNCHER PROGRAM OUTPUT");

	struct buffer launcher = read_file(argv[1]);
	struct buffer program = read_file(argv[2]);

	if (!is_elf(launcher) || !is_elf(program))
		fail("the launcher and the program have to be 64-bit ELF files");

	struct buffer payload = make_payload(program);

	verify(payload, program);
	write_executable(argv[3], make_room(launcher, payload.size), payload);
	return EXIT_SUCCESS;
}
