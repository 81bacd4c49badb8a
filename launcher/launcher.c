/*
 * A small static executable that carries a large one compressed, unpacks it into memory and becomes
 * it. Arguments, environment (except for one hint, see name_free_memory), working directory and
 * open files stay unchanged. The process stays the same, so its exit status is the program's.
 *
 * It needs no /tmp, no writable file system and no privilege.
 */
#define _GNU_SOURCE
#include <errno.h>
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
#include "host.h"
#include "image.h"
#include "memory-limit.h"
#include "payload.h"
#include "report.h"
#include "start.h"
#include "unpack.h"

#define MIB (UINT64_C(1) << 20)

/* The memory that the program needs under load, besides its own image. */
#define WORKING_MEMORY (32 * MIB)

extern const struct payload_header payload;

/*
 * A process that exceeds the limit of its control group is killed without a message, so report it
 * now. The kernel may also kill another process: the service, if this is a second program next to
 * it (`docker exec`).
 */
static void compare_with_memory_limit(uint64_t limit)
{
	uint64_t needed = memory_in_use() + payload.memory_size + WORKING_MEMORY;

	if (needed > limit)
		die(EX_OSERR, "the memory limit is %" PRIu64 " MiB and %" PRIu64 " MiB are needed; "
		    "raise it or use the `standard` image", limit / MIB, (needed + MIB - 1) / MIB);
}

/* No variable begins with a zero, so only this launcher can set it (scripts/build/unread-variables.ts). */
#define RAM_SIZE_OPTION "UN_JSC_forceRAMSize="

static char **append(char **environment, char *entry)
{
	size_t count = 0;

	while (environment[count] != NULL)
		count++;

	char **longer = malloc((count + 2) * sizeof *longer);

	if (longer == NULL)
		die_of_error("malloc", ENOMEM);
	memcpy(longer, environment, count * sizeof *longer);
	longer[count] = entry;
	longer[count + 1] = NULL;
	return longer;
}

/*
 * JavaScriptCore sizes its heap by the memory limit, and does not know that the program itself
 * fills most of it. A limit above the machine's memory has no effect.
 */
static char **name_free_memory(uint64_t limit, char **environment)
{
	static char entry[sizeof "\0" RAM_SIZE_OPTION "18446744073709551615"];
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

	if (limit >= memory)
		return environment;
	snprintf(entry + 1, sizeof entry - 1, RAM_SIZE_OPTION "%" PRIu64, limit - payload.memory_size);
	return append(environment, entry);
}

static void end_at_once(int signal_number)
{
	_exit(128 + signal_number);
}

/*
 * A page of this executable cannot be read, as its file is incomplete or its disk fails; or code is
 * damaged that runs before it can be checked.
 */
static void on_fault(int signal_number)
{
	(void)signal_number;
	die_of_damage();
}

/* Signals that the caller ignores stay ignored, here and in the program. */
static void handle_unless_ignored(int signal_number, void (*handler)(int))
{
	struct sigaction action;

	sigaction(signal_number, NULL, &action);
	if (action.sa_handler == SIG_IGN)
		return;
	action.sa_handler = handler;
	sigaction(signal_number, &action, NULL);
}

static void handle_signals(void (*end)(int), void (*fault)(int))
{
	handle_unless_ignored(SIGTERM, end);
	handle_unless_ignored(SIGINT, end);
	handle_unless_ignored(SIGBUS, fault);
	handle_unless_ignored(SIGFPE, fault);
	handle_unless_ignored(SIGILL, fault);
	handle_unless_ignored(SIGSEGV, fault);
	handle_unless_ignored(SIGTRAP, fault);
}

static struct image unpack_program(void)
{
	struct image program = image_reserve(&payload);
	int error = unpack(&payload, program.memory);

	if (error != 0)
		die_of_error("unpack", error);
	image_protect(program);
	/* The pages of the executable's file no longer count as this process's memory. */
	munmap((void *)&payload, payload_size(&payload));
	return program;
}

/* After the environment that the kernel gave the process. */
static const Elf64_auxv_t *find_auxiliary_vector(char **first_environment)
{
	while (*first_environment != NULL)
		first_environment++;
	return (const Elf64_auxv_t *)(first_environment + 1);
}

int main(int argc, char **argv, char **first_environment)
{
	/* Without a handler, PID 1 would ignore a signal to end. */
	handle_signals(end_at_once, on_fault);

	enum payload_state state = payload_inspect(&payload);

	if (state == PAYLOAD_DAMAGED)
		die_of_damage();
	if (argc == 2 && strcmp(argv[1], "healthcheck") == 0) {
		enum health health = check_health();

		if (health != HEALTH_LEFT_TO_PROGRAM)
			return health == HEALTH_READY ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	if (state == PAYLOAD_EMPTY)
		die(EX_SOFTWARE, "there is no program in this executable");
	check_host(&payload);

	uint64_t limit = memory_limit();

	compare_with_memory_limit(limit);

	char **environment = name_free_memory(limit, first_environment);
	struct image program = unpack_program();
	const char *path = image_linker(program);
	struct image linker;

	if (path != NULL)
		linker = image_load_linker(program, path);
	/* The program gets them as after an exec. */
	handle_signals(SIG_DFL, SIG_DFL);
	start(program, path == NULL ? NULL : &linker, argv, environment,
	      find_auxiliary_vector(first_environment));
}
