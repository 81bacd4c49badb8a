#include "memory-limit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* A decimal number, or a word such as "max". */
static uint64_t read_limit(const char *path)
{
	char text[32] = "";
	char *end;
	int file = open(path, O_RDONLY | O_CLOEXEC);

	if (file < 0)
		return UINT64_MAX;
	ssize_t length = read(file, text, sizeof text - 1);
	close(file);

	uint64_t limit = strtoull(text, &end, 10);

	return length > 0 && end > text ? limit : UINT64_MAX;
}

uint64_t memory_limit(void)
{
	uint64_t version_2 = read_limit("/sys/fs/cgroup/memory.max");
	uint64_t version_1 = read_limit("/sys/fs/cgroup/memory/memory.limit_in_bytes");

	return version_2 < version_1 ? version_2 : version_1;
}
