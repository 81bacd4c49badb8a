/*
 * pack LAUNCHER PROGRAM OUTPUT
 *
 * Writes an executable that consists of the launcher and, as its payload, the compressed program.
 * The same files, packed with the same libzstd, make the same output.
 */
#include <elf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <zstd.h>

#include "parallel.h"
#include "payload.h"
#include "unpack.h"

/* The highest level: an image is packed once, but pulled and stored often. */
enum { COMPRESSION_LEVEL = 22 };

/*
 * Level 22, with three changes that make unpacking faster. Level 22 uses every match that saves a
 * bit (ZSTD_btultra2); this strategy prefers fewer and longer matches: 1 % larger, 10 % faster.
 * Matches of 3 and 4 bytes save little each, and cost as much time as others: without them 4 %
 * larger, 7 % faster. Level 22 looks for matches in the whole block; a window of 4 MiB stays in the
 * cache of a CPU: 2 % larger, 5 % faster, and more if other processes use the cache too.
 */
enum { STRATEGY = ZSTD_btopt, SHORTEST_MATCH = 5, WINDOW_LOG = 22 };

enum { PAGE_SIZE = 4096 };

struct buffer {
	uint8_t *bytes;
	size_t size;
};

struct range {
	size_t start, end;
};

struct packing {
	struct buffer image;
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

/* is_elf() checks that both lie within the file. */
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

static bool is_loadable(struct buffer file, const Elf64_Phdr *segment)
{
	if (segment->p_type != PT_LOAD)
		return false;
	if (segment->p_offset > file.size || segment->p_filesz > file.size - segment->p_offset ||
	    segment->p_filesz > segment->p_memsz)
		fail("a segment of the program lies outside of its file");
	if (segment->p_memsz > UINT64_MAX - segment->p_vaddr)
		fail("a segment of the program lies outside of memory");
	return true;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The program's place in memory. It begins with its headers, which are read there. */
static void find_place(struct payload_header *header, struct buffer program)
{
	const Elf64_Ehdr *elf = elf_header(program);
	const Elf64_Phdr *lowest = NULL;
	uint64_t image_end = 0, memory_end = 0, alignment = PAGE_SIZE;

	for (size_t i = 0; i < elf_header(program)->e_phnum; i++) {
		const Elf64_Phdr *segment = &segments(program)[i];

		if (!is_loadable(program, segment))
			continue;
		if (lowest == NULL || segment->p_vaddr < lowest->p_vaddr)
			lowest = segment;
		image_end = larger(image_end, segment->p_vaddr + segment->p_filesz);
		memory_end = larger(memory_end, segment->p_vaddr + segment->p_memsz);
		alignment = larger(alignment, segment->p_align);
	}
	if (lowest == NULL || lowest->p_offset != 0 ||
	    elf->e_phoff + elf->e_phnum * sizeof(Elf64_Phdr) > lowest->p_filesz)
		fail("the headers of the program are not in its first segment");
	header->address = lowest->p_vaddr;
	header->alignment = alignment;
	header->image_size = image_end - lowest->p_vaddr;
	header->memory_size = memory_end - lowest->p_vaddr;
}

static struct buffer make_image(const struct payload_header *header, struct buffer program)
{
	struct buffer image = allocate(header->image_size);

	memset(image.bytes, 0, image.size);
	for (size_t i = 0; i < elf_header(program)->e_phnum; i++) {
		const Elf64_Phdr *segment = &segments(program)[i];

		if (is_loadable(program, segment))
			memcpy(image.bytes + (segment->p_vaddr - header->address),
			       program.bytes + segment->p_offset, segment->p_filesz);
	}
	return image;
}

/* The part of the image that is executable; empty if there is none. */
static struct range find_code(const struct payload_header *header, struct buffer program)
{
	for (size_t i = 0; i < elf_header(program)->e_phnum; i++) {
		const Elf64_Phdr *segment = &segments(program)[i];
		size_t start = segment->p_vaddr - header->address;

		if (segment->p_type == PT_LOAD && segment->p_flags & PF_X)
			return (struct range){ start, start + segment->p_filesz };
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

static size_t zstd_checked(size_t result)
{
	if (ZSTD_isError(result))
		fail("zstd: %s", ZSTD_getErrorName(result));
	return result;
}

/* The widest part of the image between two segments, in whole pages; empty if none is worth a block. */
static struct range find_gap(const struct payload_header *header, struct buffer program)
{
	enum { LEAST = 1 << 20 };
	struct range widest = { 0, 0 };
	size_t loaded = 0;

	/* Loadable segments are in the order of their addresses. (System V ABI, chapter 5) */
	for (size_t i = 0; i < elf_header(program)->e_phnum; i++) {
		const Elf64_Phdr *segment = &segments(program)[i];

		if (!is_loadable(program, segment))
			continue;

		size_t start = segment->p_vaddr - header->address;
		struct range gap = { (loaded + PAGE_SIZE - 1) & ~(size_t)(PAGE_SIZE - 1),
				     start & ~(size_t)(PAGE_SIZE - 1) };

		if (gap.start < gap.end && gap.end - gap.start > widest.end - widest.start)
			widest = gap;
		loaded = start + segment->p_filesz;
	}
	return widest.end - widest.start < LEAST ? (struct range){ 0, 0 } : widest;
}

/* Small enough for equal shares. Its pages split no instruction of AArch64. */
enum { PIECE_SIZE = 16 * PAGE_SIZE };

/*
 * How long a piece takes to unpack, in the time that the kernel takes to provide a byte of memory. A
 * byte of packed content takes eight times as long. A low level tells which pieces pack well.
 */
static size_t cost_of(struct buffer piece)
{
	enum { LOW_LEVEL = 1, COST_OF_PACKED_BYTE = 8 };
	struct buffer packed = allocate(ZSTD_compressBound(piece.size));
	size_t packed_size = zstd_checked(
		ZSTD_compress(packed.bytes, packed.size, piece.bytes, piece.size, LOW_LEVEL));

	free(packed.bytes);
	return piece.size + COST_OF_PACKED_BYTE * packed_size;
}

struct piece {
	struct range range;
	size_t cost_before; /* of all pieces before it */
};

struct pieces {
	struct piece *list;
	size_t count, cost;
};

static void add_pieces(struct pieces *pieces, struct buffer image, struct range range)
{
	for (size_t start = range.start, end; start < range.end; start = end) {
		end = clamp(start + PIECE_SIZE, start, range.end);
		pieces->list[pieces->count++] = (struct piece){ { start, end }, pieces->cost };
		pieces->cost += cost_of((struct buffer){ image.bytes + start, end - start });
	}
}

/* The image without its gap. */
static struct pieces cut_into_pieces(struct buffer image, struct range gap)
{
	struct buffer list = allocate((image.size / PIECE_SIZE + 2) * sizeof(struct piece));
	struct pieces pieces = { .list = (struct piece *)list.bytes };

	add_pieces(&pieces, image, (struct range){ 0, gap.start });
	add_pieces(&pieces, image, (struct range){ gap.end, image.size });
	return pieces;
}

static size_t share_of(const struct pieces *pieces, const struct piece *piece)
{
	return piece->cost_before * PAYLOAD_SHARES / pieces->cost;
}

/* How many pieces from this one on lie together, and belong to the same share. */
static size_t count_together(const struct pieces *pieces, size_t first)
{
	const struct piece *piece = &pieces->list[first];
	size_t next = first + 1;

	while (next < pieces->count && pieces->list[next].range.start == pieces->list[next - 1].range.end &&
	       share_of(pieces, &pieces->list[next]) == share_of(pieces, piece))
		next++;
	return next - first;
}

static struct payload_block make_block(struct range range, struct range code)
{
	size_t code_start = clamp(code.start, range.start, range.end);

	return (struct payload_block){
		.start = range.start,
		.size = range.end - range.start,
		.code_start = code_start - range.start,
		.code_size = clamp(code.end, range.start, range.end) - code_start,
	};
}

/* The gap cuts a share in two; whole shares come before its parts. */
static void cut_into_blocks(struct payload_header *header, const struct pieces *pieces, struct range code)
{
	size_t costs[PAYLOAD_BLOCKS];

	for (size_t first = 0, next; first < pieces->count; first = next) {
		next = first + count_together(pieces, first);

		struct range range = { pieces->list[first].range.start, pieces->list[next - 1].range.end };
		size_t cost_after = next < pieces->count ? pieces->list[next].cost_before : pieces->cost;
		size_t cost = cost_after - pieces->list[first].cost_before;
		size_t place = header->block_count++;

		for (; place > 0 && costs[place - 1] < cost; place--) {
			costs[place] = costs[place - 1];
			header->blocks[place] = header->blocks[place - 1];
		}
		costs[place] = cost;
		header->blocks[place] = make_block(range, code);
	}
}

static struct buffer compress(struct buffer content)
{
	struct buffer packed = allocate(ZSTD_compressBound(content.size));
	ZSTD_CCtx *context = ZSTD_createCCtx();

	zstd_checked(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, COMPRESSION_LEVEL));
	zstd_checked(ZSTD_CCtx_setParameter(context, ZSTD_c_strategy, STRATEGY));
	zstd_checked(ZSTD_CCtx_setParameter(context, ZSTD_c_minMatch, SHORTEST_MATCH));
	zstd_checked(ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, WINDOW_LOG));
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

	memcpy(content.bytes, packing->image.bytes + block->start, block->size);
	filter_encode((enum filter)header->filter, content.bytes + block->code_start, block->code_size,
		      block->start + block->code_start);

	struct buffer frame = compress(content);

	packing->packed[index] = frame;
	block->packed_size = frame.size;
	block->checksum = payload_frame_checksum(frame.bytes, frame.size);
	free(content.bytes);
}

static struct buffer join_payload(const struct packing *packing)
{
	const struct payload_header *header = &packing->header;
	struct buffer payload = allocate(payload_size(header));
	uint8_t *end = payload.bytes;

	memcpy(end, header, sizeof *header);
	end += sizeof *header;
	for (size_t i = 0; i < header->block_count; i++) {
		memcpy(end, packing->packed[i].bytes, packing->packed[i].size);
		end += packing->packed[i].size;
	}
	return payload;
}

static struct packing pack(struct buffer program)
{
	struct packing packing = {
		.header = { .magic = PAYLOAD_MAGIC, .filter = find_filter(program) },
	};
	struct payload_header *header = &packing.header;

	find_place(header, program);
	packing.image = make_image(header, program);

	struct pieces pieces = cut_into_pieces(packing.image, find_gap(header, program));

	cut_into_blocks(header, &pieces, find_code(header, program));
	free(pieces.list);
	parallel_for(header->block_count, pack_block, &packing);
	return packing;
}

/* Unpacks like the launcher, before anything is written. */
static void verify(struct buffer payload, struct buffer image)
{
	struct buffer unpacked = allocate(image.size);

	memset(unpacked.bytes, 0, unpacked.size); /* for the gap */
	if (unpack((const struct payload_header *)payload.bytes, unpacked.bytes) != 0 ||
	    memcmp(unpacked.bytes, image.bytes, image.size) != 0)
		fail("the packed program does not unpack to itself");
	free(unpacked.bytes);
}

/* The segment of the empty payload, which must be the last one of the file. */
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

/* Cuts off the payload and the section headers, which nothing reads. */
static struct buffer make_room(struct buffer launcher, size_t payload_size)
{
	Elf64_Ehdr *header = elf_header(launcher);
	Elf64_Phdr *segment = find_payload_segment(launcher);

	segment->p_filesz = segment->p_memsz = payload_size;
	header->e_shoff = 0;
	header->e_shnum = header->e_shstrndx = SHN_UNDEF;
	return (struct buffer){ .bytes = launcher.bytes, .size = segment->p_offset };
}

/* When launcher and payload are as they will be written. */
static void add_checksums(struct payload_header *header, struct buffer launcher)
{
	uint64_t address = find_payload_segment(launcher)->p_vaddr;

	header->launcher = payload_launcher_checksum(elf_header(launcher), LAUNCHER_IN_FILE, address);
	header->checksum = payload_header_checksum(header);
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
	if (elf_header(launcher)->e_machine != elf_header(program)->e_machine)
		fail("the launcher and the program are for different machines");

	struct packing packing = pack(program);
	struct buffer front = make_room(launcher, payload_size(&packing.header));

	add_checksums(&packing.header, launcher);

	struct buffer payload = join_payload(&packing);

	verify(payload, packing.image);
	write_executable(argv[3], front, payload);
	return EXIT_SUCCESS;
}
