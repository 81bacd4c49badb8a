/* A program of a few pages, without a library: exits with 7. */
#include <stdint.h>

__attribute__((used))
static const uint8_t ballast[8 * 4096] = { 1 };

__attribute__((noreturn))
void _start(void)
{
#if defined(__x86_64__)
	__asm__ volatile("syscall" : : "a"(60), "D"(7));
#elif defined(__aarch64__)
	__asm__ volatile("mov x8, 93\n\tmov x0, 7\n\tsvc 0" : : : "x0", "x8");
#endif
	__builtin_unreachable();
}
