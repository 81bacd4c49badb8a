#ifndef START_H
#define START_H

#include "image.h"

/*
 * Starts a program in memory, as execve(2) starts one in a file: through its dynamic linker, if it
 * has one. `auxiliary` is the vector that the kernel gave the launcher, and still shows in
 * /proc/PID/auxv.
 */
__attribute__((noreturn))
void start(struct image program, const struct image *linker, char **arguments, char **environment,
	   const Elf64_auxv_t *auxiliary);

#endif
