#ifndef START_H
#define START_H

#include "image.h"

/*
 * Gives the process over to a program in memory, as execve(2) gives it to one in a file: by way of its
 * dynamic linker, if it has one. `auxiliary` is the vector that the kernel gave the launcher, and goes
 * on giving those who ask it (/proc/PID/auxv).
 */
__attribute__((noreturn))
void start(struct image program, const struct image *linker, char **arguments, char **environment,
	   const Elf64_auxv_t *auxiliary);

#endif
