#define _GNU_SOURCE
#include "unpack.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>

#include <zstd.h>

#include "parallel.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

struct unpacking {
	const struct payload_header *header;
	uint8_t *image;
	ZSTD_DCtx *contexts[PAYLOAD_BLOCKS];
	atomic_int error;
};

/*
 * Makes all of them before any is used: a thread that allocates or frees memory waits for another
 * that populates a whole block.
 */
static bool create_contexts(struct unpacking *unpacking)
{
	for (size_t i = 0; i < unpacking->header->block_count; i++)
		if ((unpacking->contexts[i] = ZSTD_createDCtx()) == NULL)
			return false;
	return true;
}

static void free_contexts(struct unpacking *unpacking)
{
	for (size_t i = 0; i < unpacking->header->block_count; i++)
		ZSTD_freeDCtx(unpacking->contexts[i]);
}

/*
 * All pages of a block at once if the kernel can (Linux 5.14), not one fault per page. No huge
 * pages: a virtual machine that returns unused memory to its host must request each of them again,
 * and the program then takes twice as long to start.
 */
static void take_memory(uint8_t *start, size_t size)
{
	madvise(start, size, MADV_POPULATE_WRITE);
}

/* The whole frame in one call: libzstd then needs no window besides its output. */
static bool unpack_frame(ZSTD_DCtx *context, const struct payload_block *block, const uint8_t *packed,
			 uint8_t *content)
{
	return payload_frame_checksum(packed, block->packed_size) == block->checksum &&
		ZSTD_decompressDCtx(context, content, block->size, packed, block->packed_size) == block->size;
}

static void unpack_block(void *argument, size_t index)
{
	struct unpacking *unpacking = argument;
	const struct payload_header *header = unpacking->header;
	const struct payload_block *block = &header->blocks[index];
	const uint8_t *packed = (const uint8_t *)(header + 1);
	uint8_t *content = unpacking->image + block->start;

	for (const struct payload_block *before = header->blocks; before < block; before++)
		packed += before->packed_size;

	take_memory(content, block->size);
	if (unpack_frame(unpacking->contexts[index], block, packed, content))
		filter_decode((enum filter)header->filter, content + block->code_start, block->code_size,
			      block->start + block->code_start);
	else
		unpacking->error = EBADMSG;
}

int unpack(const struct payload_header *header, uint8_t *image)
{
	struct unpacking unpacking = { .header = header, .image = image };

	if (create_contexts(&unpacking))
		parallel_for(header->block_count, unpack_block, &unpacking);
	else
		unpacking.error = ENOMEM;
	free_contexts(&unpacking);
	return unpacking.error;
}
