#define _GNU_SOURCE
#include "report.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
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

/*
 * The first thread that comes here reports. All others wait until the process ends. If a signal interrupts
 * the first one, it continues: it would wait for itself for ever.
 */
static void claim_last_report(void)
{
	static atomic_flag claimed = ATOMIC_FLAG_INIT;
	static _Thread_local bool is_owner;

	while (!is_owner && atomic_flag_test_and_set(&claimed))
		pause();
	is_owner = true;
}

void die(int status, const char *format, ...)
{
	va_list arguments;

	claim_last_report();
	va_start(arguments, format);
	report_list(format, arguments);
	va_end(arguments);
	_exit(status);
}

void die_from_signal(int status, const char *line)
{
	claim_last_report();
	(void)!write(STDERR_FILENO, line, strlen(line));
	_exit(status);
}
