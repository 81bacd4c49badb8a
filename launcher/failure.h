#ifndef FAILURE_H
#define FAILURE_H

/* Say in one line what keeps the program from running and what to do about it, and end. */

/* Also for signal handlers. */
__attribute__((noreturn))
void die_of_damage(void);

/* `call` is the system call, or the part of the work, that failed with `error`. */
__attribute__((noreturn))
void die_of_error(const char *call, int error);

#endif
