#include "payload.h"

/* What `pack` replaces. In a file of its own, lest the compiler reads it in advance. */
__attribute__((section(".payload"))) const struct payload_header payload = {
	.magic = PAYLOAD_MAGIC_EMPTY,
};
