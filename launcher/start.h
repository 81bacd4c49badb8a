#ifndef START_H
#define START_H

#include "image.h"

/*
 * Gives the process over to a program in memory, as execve(2) gives it to one in a file. `stack` is
 * what the kernel has put on the launcher's own: arguments, environment, auxiliary vector.
 */
__attribute__((noreturn))
void start(struct image program, char **arguments, char **environment, const Elf64_auxv_t *auxiliary);

#endif
