/*
 * The payload: a program, compressed, inside the executable that starts it.
 *
 * The linker gives the section `.payload` its own loadable segment, the last one of the launcher.
 * It holds an empty header (empty-payload.c); `pack` puts the real header and the compressed blocks
 * in its place and enlarges the segment. So the kernel maps the payload together with the launcher,
 * which needs neither its own path nor /proc to read it.
 *
 *     header | frame of block 0 | frame of block 1 | ...
 *
 * The packed data is not a file but an image, the program as it is in memory (image.h): its
 * segments at their distances, without the other contents of the file. A block is a part of it,
 * compressed as one zstd frame. Blocks are independent, so that each can be unpacked by its own
 * thread; those that take longest come first, so that no thread ends long after the others. The
 * widest gap between segments is in no block.
 */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#include "filter.h"

/* "thimble1" and "thimble0", as they are read from a file. */
#define PAYLOAD_MAGIC UINT64_C(0x31656c626d696874)
#define PAYLOAD_MAGIC_EMPTY UINT64_C(0x30656c626d696874)

/*
 * Two CPUs and four share the work of four blocks evenly. Twice as many blocks make the payload 1 %
 * larger. A gap cuts one of them in two.
 */
enum { PAYLOAD_SHARES = 4, PAYLOAD_BLOCKS = PAYLOAD_SHARES + 1 };

struct payload_block {
	uint64_t start;       /* in the image */
	uint64_t size;        /* there */
	uint64_t packed_size; /* in the payload */
	uint64_t checksum;    /* of the frame */
	uint64_t code_start;  /* the part of the block that is filtered */
	uint64_t code_size;
};

struct payload_header {
	uint64_t magic;
	uint64_t checksum;    /* of everything below */
	uint64_t address;     /* where the program begins in memory; 0 if it runs anywhere */
	uint64_t alignment;   /* of that place */
	uint64_t memory_size; /* of the program, including zeros at its start, which are not packed */
	uint64_t image_size;  /* of the packed image */
	uint64_t filter;      /* enum filter */
	uint64_t block_count; /* less for a program of a few pages */
	uint64_t launcher;    /* checksum of the code and data of the launcher */
	struct payload_block blocks[PAYLOAD_BLOCKS];
};

enum payload_state { PAYLOAD_INTACT, PAYLOAD_EMPTY, PAYLOAD_DAMAGED };

/*
 * Checks the header, and the launcher that is running; the blocks are checked while they are
 * unpacked.
 */
enum payload_state payload_inspect(const struct payload_header *header);

/* The checksum of a launcher, which runs or was read from a file. The payload is left out. */
enum launcher_state { LAUNCHER_RUNS, LAUNCHER_IN_FILE };
uint64_t payload_launcher_checksum(const Elf64_Ehdr *launcher, enum launcher_state state,
				   uint64_t payload_address);

uint64_t payload_header_checksum(const struct payload_header *header);

/* Of the packed bytes: zstd's own checksum of the unpacked bytes takes four times as long. */
uint64_t payload_frame_checksum(const uint8_t *frame, size_t size);

/* Bytes, with the header. */
size_t payload_size(const struct payload_header *header);

#endif
