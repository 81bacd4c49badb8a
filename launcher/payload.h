/*
 * The payload: a program, compressed, inside the executable that starts it.
 *
 * The linker gives the section `.payload` a loadable segment of its own, the last one of the
 * launcher. It holds an empty header (empty-payload.c); `pack` puts the real header and the
 * compressed blocks in its place and enlarges the segment. So the kernel maps the payload together
 * with the launcher, which needs neither its own path nor /proc to read it.
 *
 *     header | frame of block 0 | frame of block 1 | ...
 *
 * What is packed is no file but an image, the program as it lies in memory (image.h): its segments
 * at their distances, without what a file holds beside them. A block is a stretch of it, compressed
 * as one zstd frame. The blocks depend on nothing but themselves, so that each can be unpacked by a
 * thread of its own.
 */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

#include "filter.h"

/* "thimble1" and "thimble0", as they are read from a file. */
#define PAYLOAD_MAGIC UINT64_C(0x31656c626d696874)
#define PAYLOAD_MAGIC_EMPTY UINT64_C(0x30656c626d696874)

/* Two CPUs and four share the work evenly. Twice as many blocks make the payload 1 % larger. */
enum { PAYLOAD_BLOCKS = 4 };

struct payload_block {
	uint64_t size;        /* in the image */
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
	uint64_t memory_size; /* of the program, with what is zero at its start and not packed */
	uint64_t image_size;  /* of what is packed */
	uint64_t filter;      /* enum filter */
	uint64_t block_count; /* less for a program of a few pages */
	struct payload_block blocks[PAYLOAD_BLOCKS];
};

enum payload_state { PAYLOAD_INTACT, PAYLOAD_EMPTY, PAYLOAD_DAMAGED };

/* Judges the header alone; the blocks are judged while they are unpacked. */
enum payload_state payload_inspect(const struct payload_header *header);

uint64_t payload_header_checksum(const struct payload_header *header);

/* Of what is packed: zstd's own checksum, of what comes out, takes four times as long. */
uint64_t payload_frame_checksum(const uint8_t *frame, size_t size);

/* Bytes, with the header. */
size_t payload_size(const struct payload_header *header);

#endif
