#include "payload.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t payload_header_checksum(const struct payload_header *header)
{
	size_t start = offsetof(struct payload_header, address);

	return XXH3_64bits((const uint8_t *)header + start, sizeof *header - start);
}

uint64_t payload_launcher_checksum(const Elf64_Ehdr *launcher, enum launcher_state state,
				   uint64_t payload_address)
{
	const uint64_t odd = 31; /* so that a change of one segment always changes the whole */
	const uint8_t *file = (const uint8_t *)launcher;
	const Elf64_Phdr *segments = (const Elf64_Phdr *)(file + launcher->e_phoff);
	uint64_t checksum = 0;

	for (size_t i = 0; i < launcher->e_phnum; i++) {
		const Elf64_Phdr *segment = &segments[i];
		const uint8_t *content = state == LAUNCHER_RUNS ? (const uint8_t *)segment->p_vaddr
								: file + segment->p_offset;

		if (segment->p_type == PT_LOAD && segment->p_vaddr != payload_address)
			checksum = checksum * odd + XXH3_64bits(content, segment->p_filesz);
	}
	return checksum;
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

/* Defined by the linker. */
extern const Elf64_Ehdr __ehdr_start;

enum payload_state payload_inspect(const struct payload_header *header)
{
	uint64_t address = (uint64_t)header;

	if (header->magic == PAYLOAD_MAGIC_EMPTY)
		return PAYLOAD_EMPTY;
	if (header->magic != PAYLOAD_MAGIC || header->checksum != payload_header_checksum(header))
		return PAYLOAD_DAMAGED;
	if (header->launcher != payload_launcher_checksum(&__ehdr_start, LAUNCHER_RUNS, address))
		return PAYLOAD_DAMAGED;
	return PAYLOAD_INTACT;
}
