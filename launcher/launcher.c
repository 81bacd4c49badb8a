/*
 * A small static executable that carries a large one compressed, unpacks it into memory and
 * becomes it. Arguments, environment (but for one hint, see name_free_memory), working directory and
 * open files pass through untouched; the process stays the same one, and so its exit status is the
 * program's.
 *
 * It needs nothing around it: no /proc, no /tmp, no writable file system, no privilege.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "failure.h"
#include "healthcheck.h"
#include "image.h"
#include "memory-limit.h"
#include "payload.h"
#include "report.h"
#include "start.h"
#include "unpack.h"

#define MIB (UINT64_C(1) << 20)

/* What the program itself needs under load, beside its own image in memory. */
#define WORKING_MEMORY (32 * MIB)

extern const struct payload_header payload;

static void inspect_payload(void)
{
	switch (payload_inspect(&payload)) {
	case PAYLOAD_INTACT:
		return;
	case PAYLOAD_EMPTY:
		die(EX_SOFTWARE, "there is no program in this executable");
	case PAYLOAD_DAMAGED:
		die_of_damage();
	}
}

/*
 * A process that outgrows the limit of its control group is killed without a word, so this is the
 * only moment to speak. Who is killed may also be another one: the service, where this is a second
 * program beside it (`docker exec`).
 */
static void compare_with_memory_limit(uint64_t limit)
{
	uint64_t needed = memory_in_use() + payload.memory_size + WORKING_MEMORY;

	if (needed > limit)
		die(EX_OSERR, "the memory limit is %" PRIu64 " MiB and %" PRIu64 " MiB are needed; "
		    "raise it or use the `standard` image", limit / MIB, (needed + MIB - 1) / MIB);
}

/*
 * JavaScriptCore sizes its heap by the memory limit, and does not know that the program itself fills
 * most of it. A limit above the memory there is limits nothing.
 */
static void name_free_memory(uint64_t limit)
{
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	char bytes[sizeof "18446744073709551615"];

	if (limit >= memory)
		return;
	snprintf(bytes, sizeof bytes, "%" PRIu64, limit - payload.memory_size);
	setenv("BUN_JSC_forceRAMSize", bytes, 0);
}

static void end_at_once(int signal_number)
{
	_exit(128 + signal_number);
}

/* A page of this executable cannot be read: its file is cut short, or its disk fails. */
static void on_bus_error(int signal_number)
{
	(void)signal_number;
	die_of_damage();
}

/* What the caller ignores stays ignored, here and in the program. */
static void handle_unless_ignored(int signal_number, void (*handler)(int))
{
	struct sigaction action;

	sigaction(signal_number, NULL, &action);
	if (action.sa_handler == SIG_IGN)
		return;
	action.sa_handler = handler;
	sigaction(signal_number, &action, NULL);
}

static void handle_signals(void (*end)(int), void (*bus_error)(int))
{
	handle_unless_ignored(SIGTERM, end);
	handle_unless_ignored(SIGINT, end);
	handle_unless_ignored(SIGBUS, bus_error);
}

static struct image unpack_program(void)
{
	struct image program = image_reserve(&payload);
	int error = unpack(&payload, program.memory);

	if (error != 0)
		die_of_error("unpack", error);
	image_protect(program);
	/* The pages of its file are not this process's memory any more. */
	munmap((void *)&payload, payload_size(&payload));
	return program;
}

/* Behind the environment that the kernel gave the process; setenv() may have made another since. */
static const Elf64_auxv_t *find_auxiliary_vector(char **first_environment)
{
	while (*first_environment != NULL)
		first_environment++;
	return (const Elf64_auxv_t *)(first_environment + 1);
}

int main(int argc, char **argv, char **first_environment)
{
	if (argc == 2 && strcmp(argv[1], "healthcheck") == 0) {
		enum health health = check_health();

		if (health != HEALTH_LEFT_TO_PROGRAM)
			return health == HEALTH_READY ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	/* Without a handler PID 1 would not notice its end being asked for. */
	handle_signals(end_at_once, on_bus_error);
	inspect_payload();

	uint64_t limit = memory_limit();

	compare_with_memory_limit(limit);
	name_free_memory(limit);

	struct image program = unpack_program();
	const char *path = image_linker(program);
	struct image linker;

	if (path != NULL)
		linker = image_load_linker(program, path);
	/* As an exec would leave them to the program. */
	handle_signals(SIG_DFL, SIG_DFL);
	start(program, path == NULL ? NULL : &linker, argv, environ,
	      find_auxiliary_vector(first_environment));
}
