#ifndef UNPACK_H
#define UNPACK_H

#include "payload.h"

enum unpack_result { UNPACK_DONE, UNPACK_DAMAGED, UNPACK_NO_MEMORY };

/*
 * Unpacks the program behind `header` to `program`, which has header->program_size bytes, on
 * several threads. The header has been inspected.
 */
enum unpack_result unpack(const struct payload_header *header, uint8_t *program);

#endif
