#include "payload.h"

/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/: enough for two hundred bytes. */
static uint64_t fnv1a(const uint8_t *bytes, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3;
	return hash;
}

uint64_t payload_header_checksum(const struct payload_header *header)
{
	size_t start = offsetof(struct payload_header, address);

	return fnv1a((const uint8_t *)header + start, sizeof *header - start);
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
