#ifndef REPORT_H
#define REPORT_H

/* Writes "thimble: ", the message and a line end to standard error. */
__attribute__((format(printf, 1, 2)))
void report(const char *format, ...);

/* Reports and ends the process; of several threads only the first one reports. */
__attribute__((noreturn, format(printf, 2, 3)))
void die(int status, const char *format, ...);

/* The same with a whole line, for signal handlers, which may not format. */
__attribute__((noreturn))
void die_from_signal(int status, const char *line);

#endif
