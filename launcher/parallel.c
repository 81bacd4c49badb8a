#define _GNU_SOURCE
#include "parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { MAX_HELPERS = 7 };

struct work {
	size_t count;
	void (*job)(void *context, size_t index);
	void *context;
	atomic_size_t next;
};

static void *take_jobs(void *argument)
{
	struct work *work = argument;
	size_t index;

	while ((index = atomic_fetch_add(&work->next, 1)) < work->count)
		work->job(work->context, index);
	return NULL;
}

/* The CPUs that this process may use: a container often has fewer than the machine. */
static size_t usable_cpus(void)
{
	cpu_set_t cpus;

	return sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? (size_t)CPU_COUNT(&cpus) : 1;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

void parallel_for(size_t count, void (*job)(void *context, size_t index), void *context)
{
	struct work work = { .count = count, .job = job, .context = context };
	size_t wanted = smaller(smaller(usable_cpus(), count), MAX_HELPERS + 1);
	pthread_t helpers[MAX_HELPERS];
	size_t started = 0;

	while (started + 1 < wanted && pthread_create(&helpers[started], NULL, take_jobs, &work) == 0)
		started++;
	take_jobs(&work);
	while (started > 0)
		pthread_join(helpers[--started], NULL);
}
