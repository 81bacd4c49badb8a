#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "report.h"

#define MIB (UINT64_C(1) << 20)

/* Where glibc finds the stack of the first thread, of which JavaScriptCore asks for the bounds. */
#define MEMORY_MAP "/proc/self/maps"

/* What the service has on two CPUs once all its threads are loaded, and a health check next to it. */
enum { THREADS = 8 };

/* What the service needs besides its own image; it requests more, and does without. */
#define WORKING_ADDRESS_SPACE (288 * MIB)

static void require_proc(void)
{
	if (access(MEMORY_MAP, R_OK) != 0)
		die(EX_OSERR, "the program needs %s, which cannot be read (%s); mount /proc",
		    MEMORY_MAP, strerror(errno));
}

static void require_address_space(uint64_t image_size)
{
	uint64_t needed = image_size + WORKING_ADDRESS_SPACE;
	struct rlimit limit;

	if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur < needed)
		die(EX_OSERR, "the address space is limited to %" PRIu64 " MiB and %" PRIu64 " MiB are needed; "
		    "raise `ulimit -v`", (uint64_t)limit.rlim_cur / MIB, (needed + MIB - 1) / MIB);
}

static void *wait_for_end(void *end)
{
	sem_wait(end);
	return NULL;
}

/* Tried, not computed from limits: a user, a control group or a filter of system calls may set one. */
static size_t count_possible_threads(void)
{
	pthread_attr_t attributes;
	pthread_t others[THREADS - 1];
	size_t made = 0;
	sem_t end;

	sem_init(&end, 0, 0);
	/* A guard would need mprotect(), which has its own message if it fails (image.c). */
	pthread_attr_init(&attributes);
	pthread_attr_setguardsize(&attributes, 0);
	while (made < THREADS - 1 && pthread_create(&others[made], &attributes, wait_for_end, &end) == 0)
		made++;
	for (size_t i = 0; i < made; i++)
		sem_post(&end);
	for (size_t i = 0; i < made; i++)
		pthread_join(others[i], NULL);
	return 1 + made;
}

static void require_threads(void)
{
	size_t possible = count_possible_threads();

	if (possible < THREADS)
		die(EX_OSERR, "only %zu of %d threads can be made; raise the limit of processes "
		    "(`--pids-limit`, `ulimit -u`)", possible, THREADS);
}

void check_host(const struct payload_header *payload)
{
	require_proc();
	require_address_space(payload->memory_size);
	require_threads();
}
