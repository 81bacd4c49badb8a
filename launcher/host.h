#ifndef HOST_H
#define HOST_H

#include "payload.h"

/*
 * Reports what the host does not offer and the program needs, and ends. Bun would abort instead, and
 * call that a bug of its own.
 */
void check_host(const struct payload_header *payload);

#endif
