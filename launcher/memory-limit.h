#ifndef MEMORY_LIMIT_H
#define MEMORY_LIMIT_H

#include <stdint.h>

/*
 * Bytes that the control group of this process may use; UINT64_MAX if that is unlimited or unknown.
 */
uint64_t memory_limit(void);

/* Bytes that its processes hold, without the file cache, which the kernel can reclaim. */
uint64_t memory_in_use(void);

#endif
