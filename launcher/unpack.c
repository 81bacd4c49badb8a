#include "unpack.h"

#include <stdatomic.h>

#include <zstd.h>

#include "parallel.h"

struct unpacking {
	const struct payload_header *header;
	uint8_t *program;
	_Atomic enum unpack_result result;
};

/*
 * The whole frame in one call: libzstd then copies earlier text out of `program` itself instead
 * of keeping a window beside it, and verifies the checksum piece by piece, still in the cache.
 */
static enum unpack_result decompress(uint8_t *to, size_t size, const uint8_t *from, size_t packed_size)
{
	ZSTD_DCtx *context = ZSTD_createDCtx();

	if (context == NULL)
		return UNPACK_NO_MEMORY;
	size_t written = ZSTD_decompressDCtx(context, to, size, from, packed_size);
	ZSTD_freeDCtx(context);
	return written == size ? UNPACK_DONE : UNPACK_DAMAGED;
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

	uint8_t *to = unpacking->program + start;
	enum unpack_result result = decompress(to, block->size, packed, block->packed_size);

	if (result == UNPACK_DONE)
		filter_decode((enum filter)header->filter, to + block->code_start, block->code_size,
			      start + block->code_start);
	else
		unpacking->result = result;
}

enum unpack_result unpack(const struct payload_header *header, uint8_t *program)
{
	struct unpacking unpacking = { .header = header, .program = program, .result = UNPACK_DONE };

	parallel_for(header->block_count, unpack_block, &unpacking);
	return unpacking.result;
}
