#ifndef UNPACK_H
#define UNPACK_H

#include "payload.h"

/*
 * Unpacks the program behind `header`, which has been inspected, into `file` on several threads.
 * Returns 0, EBADMSG if the payload is damaged, or what the system has refused.
 */
int unpack(const struct payload_header *header, int file);

#endif
