#include "payload.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t payload_header_checksum(const struct payload_header *header)
{
	size_t start = offsetof(struct payload_header, address);

	return XXH3_64bits((const uint8_t *)header + start, sizeof *header - start);
}

uint64_t payload_frame_checksum(const uint8_t *frame, size_t size)
{
	return XXH3_64bits(frame, size);
}

size_t payload_size(const struct payload_header *header)
{
	size_t size = sizeof *header;

	for (size_t i = 0; i < header->block_count; i++)
		size += header->blocks[i].packed_size;
	return size;
}

enum payload_state payload_inspect(const struct payload_header *header)
{
	if (header->magic == PAYLOAD_MAGIC_EMPTY)
		return PAYLOAD_EMPTY;
	if (header->magic != PAYLOAD_MAGIC || header->checksum != payload_header_checksum(header))
		return PAYLOAD_DAMAGED;
	return PAYLOAD_INTACT;
}
