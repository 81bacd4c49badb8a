#include "payload.h"

#include <stddef.h>

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
	size_t start = offsetof(struct payload_header, program_size);

	return fnv1a((const uint8_t *)header + start, sizeof *header - start);
}

enum payload_state payload_inspect(const struct payload_header *header)
{
	if (header->magic == PAYLOAD_MAGIC_EMPTY)
		return PAYLOAD_EMPTY;
	if (header->magic != PAYLOAD_MAGIC || header->checksum != payload_header_checksum(header))
		return PAYLOAD_DAMAGED;
	return PAYLOAD_INTACT;
}
