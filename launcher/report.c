#include "report.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { LINE_SIZE = 256 };

/* One write, so that other output cannot split the line. */
static void report_list(const char *format, va_list arguments)
{
	char message[LINE_SIZE];

	vsnprintf(message, sizeof message, format, arguments);
	dprintf(STDERR_FILENO, "thimble: %s\n", message);
}

void report(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report_list(format, arguments);
	va_end(arguments);
}

void die(int status, const char *format, ...)
{
	static atomic_flag dying = ATOMIC_FLAG_INIT;
	va_list arguments;

	while (atomic_flag_test_and_set(&dying))
		pause();
	va_start(arguments, format);
	report_list(format, arguments);
	va_end(arguments);
	_exit(status);
}
