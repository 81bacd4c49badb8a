#include "memory-limit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The values needed are in the first lines. */
enum { TEXT_SIZE = 1024 };

/* Empty if there is no such file. */
static void read_text(const char *path, char *text, size_t size)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = file < 0 ? -1 : read(file, text, size - 1);

	text[length < 0 ? 0 : length] = '\0';
	if (file >= 0)
		close(file);
}

/* A decimal number, or a word such as "max". */
static uint64_t read_limit(const char *path)
{
	char text[TEXT_SIZE];
	char *end;

	read_text(path, text, sizeof text);

	uint64_t limit = strtoull(text, &end, 10);

	return end > text ? limit : UINT64_MAX;
}

/* The value in a line such as "anon 4096". */
static uint64_t read_statistic(const char *path, const char *name)
{
	char text[TEXT_SIZE] = "\n";
	char start[32];

	read_text(path, text + 1, sizeof text - 1);
	snprintf(start, sizeof start, "\n%s ", name);

	const char *line = strstr(text, start);

	return line == NULL ? 0 : strtoull(line + strlen(start), NULL, 10);
}

uint64_t memory_limit(void)
{
	uint64_t version_2 = read_limit("/sys/fs/cgroup/memory.max");
	uint64_t version_1 = read_limit("/sys/fs/cgroup/memory/memory.limit_in_bytes");

	return version_2 < version_1 ? version_2 : version_1;
}

uint64_t memory_in_use(void)
{
	return read_statistic("/sys/fs/cgroup/memory.stat", "anon") +
		read_statistic("/sys/fs/cgroup/memory/memory.stat", "rss");
}
