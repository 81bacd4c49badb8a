#include "start.h"

#include <alloca.h>
#include <stddef.h>
#include <string.h>

/*
 * When a program begins, the stack pointer points to the number of its arguments. After that
 * follow: arguments, NULL, environment, NULL, auxiliary vector. There is no exit function and no
 * outer frame. (System V ABI, AMD64 supplement 3.4.1; AArch64 does the same.)
 */
__attribute__((noreturn))
static void jump(uintptr_t entry, const uintptr_t *stack)
{
#if defined(__x86_64__)
	__asm__ volatile("mov %0, %%rsp\n\txor %%edx, %%edx\n\txor %%ebp, %%ebp\n\tjmp *%1"
			 : : "r"(stack), "a"(entry) : "memory", "rdx");
#elif defined(__aarch64__)
	register uintptr_t target __asm__("x16") = entry;
	register const uintptr_t *top __asm__("x17") = stack;

	__asm__ volatile("mov sp, %0\n\tmov x0, xzr\n\tmov x29, xzr\n\tmov x30, xzr\n\tbr %1"
			 : : "r"(top), "r"(target) : "memory", "x0", "x30");
#else
#error "this architecture is not supported: how does a program begin on it?"
#endif
	__builtin_unreachable();
}

static size_t count(char **strings)
{
	size_t length = 0;

	while (strings[length] != NULL)
		length++;
	return length;
}

static size_t count_auxiliary(const Elf64_auxv_t *auxiliary)
{
	size_t length = 0;

	while (auxiliary[length].a_type != AT_NULL)
		length++;
	return length;
}

/* Replaces what the kernel says about the launcher with the program's values. */
static uintptr_t auxiliary_value(Elf64_auxv_t entry, struct image program, uintptr_t linker)
{
	switch (entry.a_type) {
	case AT_PHDR:
		return (uintptr_t)image_segments(program);
	case AT_PHNUM:
		return image_header(program)->e_phnum;
	case AT_ENTRY:
		return image_entry(program);
	case AT_BASE:
		return linker;
	default:
		return entry.a_un.a_val;
	}
}

static uintptr_t *append_strings(uintptr_t *to, char **strings, size_t length)
{
	memcpy(to, strings, (length + 1) * sizeof *strings);
	return to + length + 1;
}

static void append_auxiliary(uintptr_t *to, const Elf64_auxv_t *auxiliary, size_t length,
			     struct image program, uintptr_t linker)
{
	for (size_t i = 0; i < length; i++) {
		*to++ = auxiliary[i].a_type;
		*to++ = auxiliary_value(auxiliary[i], program, linker);
	}
	*to++ = AT_NULL;
	*to = 0;
}

void start(struct image program, const struct image *linker, char **arguments, char **environment,
	   const Elf64_auxv_t *auxiliary)
{
	enum { ALIGNMENT = 16 };
	size_t argument_count = count(arguments);
	size_t environment_count = count(environment);
	size_t auxiliary_count = count_auxiliary(auxiliary);
	size_t words = 1 + argument_count + 1 + environment_count + 1 + 2 * (auxiliary_count + 1);
	uintptr_t room = (uintptr_t)alloca(words * sizeof(uintptr_t) + ALIGNMENT);
	uintptr_t *stack = (uintptr_t *)((room + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1));
	uintptr_t *end = stack;

	*end++ = argument_count;
	end = append_strings(end, arguments, argument_count);
	end = append_strings(end, environment, environment_count);
	append_auxiliary(end, auxiliary, auxiliary_count, program, linker == NULL ? 0 : linker->distance);
	jump(image_entry(linker == NULL ? program : *linker), stack);
}
