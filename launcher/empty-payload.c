#include "payload.h"

/* `pack` replaces this. It is in its own file so that the compiler cannot read it in advance. */
__attribute__((section(".payload"))) const struct payload_header payload = {
	.magic = PAYLOAD_MAGIC_EMPTY,
};
