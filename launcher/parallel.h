#ifndef PARALLEL_H
#define PARALLEL_H

#include <stddef.h>

/*
 * Calls job(context, i) once for every i below `count`, on as many threads as there are CPUs to run
 * on, and returns when all calls have returned. The calling thread works too, so everything is
 * done, only slower, if no thread can be made.
 */
void parallel_for(size_t count, void (*job)(void *context, size_t index), void *context);

#endif
