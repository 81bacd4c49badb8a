#ifndef UNPACK_H
#define UNPACK_H

#include "payload.h"

/*
 * Unpacks the image that follows `header`, which has been inspected, on several threads.
 * Returns 0, EBADMSG if the payload is damaged, or ENOMEM.
 */
int unpack(const struct payload_header *header, uint8_t *image);

#endif
