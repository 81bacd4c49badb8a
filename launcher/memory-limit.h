#ifndef MEMORY_LIMIT_H
#define MEMORY_LIMIT_H

#include <stdint.h>

/*
 * Bytes the control group of this process may use, UINT64_MAX if that is unlimited or not to be
 * seen from here.
 */
uint64_t memory_limit(void);

/* Bytes of it that its processes hold, without the cache of files, which the kernel takes back. */
uint64_t memory_in_use(void);

#endif
