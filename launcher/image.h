/*
 * A program in memory, in the kernel's layout: everything that its loadable segments cover, in one
 * piece that begins with the ELF header.
 */
#ifndef IMAGE_H
#define IMAGE_H

#include <elf.h>
#include <stdint.h>

#include "payload.h"

struct image {
	uint8_t *memory;
	uintptr_t distance; /* from an address in its headers to its place in memory */
};

/* Writable memory, at the address that the payload's program requires. */
struct image image_reserve(const struct payload_header *payload);

/* Loads the dynamic linker that a program names, ready to run. */
struct image image_load_linker(struct image program, const char *path);

/* Gives each segment the protection that it requests, and no access to the gaps between them. */
void image_protect(struct image image);

const Elf64_Ehdr *image_header(struct image image);
const Elf64_Phdr *image_segments(struct image image);
uintptr_t image_entry(struct image image);

/* The path of the dynamic linker that the program names; NULL if it needs none. */
const char *image_linker(struct image image);

#endif
