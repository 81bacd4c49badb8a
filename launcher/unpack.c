#define _GNU_SOURCE
#include "unpack.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include <zstd.h>

#include "parallel.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

struct unpacking {
	const struct payload_header *header;
	uint8_t *image;
	atomic_int error;
};

/*
 * The whole frame in one call: libzstd then keeps no window beside what it has decompressed, and
 * verifies the checksum piece by piece, still in the cache.
 */
static int decompress(uint8_t *to, size_t size, const uint8_t *from, size_t packed_size)
{
	ZSTD_DCtx *context = ZSTD_createDCtx();

	if (context == NULL)
		return ENOMEM;

	size_t written = ZSTD_decompressDCtx(context, to, size, from, packed_size);

	ZSTD_freeDCtx(context);
	return written == size ? 0 : EBADMSG;
}

/*
 * All pages of a block at once, where the kernel can (Linux 5.14), rather than by a fault each. Not
 * huge ones: a virtual machine that gives back to its host what it does not use has to ask for each
 * of them again, and the program then takes twice as long to start.
 */
static void take_memory(uint8_t *start, size_t size)
{
	madvise(start, size, MADV_POPULATE_WRITE);
}

static void unpack_block(void *argument, size_t index)
{
	struct unpacking *unpacking = argument;
	const struct payload_header *header = unpacking->header;
	const struct payload_block *block = &header->blocks[index];
	const uint8_t *packed = (const uint8_t *)(header + 1);
	uint64_t start = 0;

	for (const struct payload_block *before = header->blocks; before < block; before++) {
		packed += before->packed_size;
		start += before->size;
	}

	uint8_t *content = unpacking->image + start;

	take_memory(content, block->size);

	int error = decompress(content, block->size, packed, block->packed_size);

	if (error != 0)
		unpacking->error = error;
	else
		filter_decode((enum filter)header->filter, content + block->code_start, block->code_size,
			      start + block->code_start);
}

int unpack(const struct payload_header *header, uint8_t *image)
{
	struct unpacking unpacking = { .header = header, .image = image };

	parallel_for(header->block_count, unpack_block, &unpacking);
	return unpacking.error;
}
