/*
 * A reversible rewriting of machine code that makes it compress better.
 *
 * A call holds the distance to its target, so two calls of one function differ. With the position
 * of the call added to the distance they are alike, and a compressor finds the repetition.
 */
#ifndef FILTER_H
#define FILTER_H

#include <stddef.h>
#include <stdint.h>

enum filter { FILTER_NONE, FILTER_X86_64, FILTER_AARCH64 };

/* `position` is where `bytes` begin in the program: the same for both directions. */
void filter_encode(enum filter filter, uint8_t *bytes, size_t size, uint64_t position);
void filter_decode(enum filter filter, uint8_t *bytes, size_t size, uint64_t position);

#endif
