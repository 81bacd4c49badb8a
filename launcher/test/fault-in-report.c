/*
 * Calls die() with a message that cannot be read, and a handler of the fault that calls it too:
 * `fault-in-report EMPTY_FILE`.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../report.h"

static void on_fault(int signal_number)
{
	(void)signal_number;
	die_from_signal(3, "the report has failed\n");
}

int main(int argc, char **argv)
{
	int file = argc == 2 ? open(argv[1], O_RDONLY) : -1;
	const char *unreadable = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, file, 0);

	if (unreadable == MAP_FAILED)
		return 2;
	signal(SIGBUS, on_fault);
	die(4, "%s", unreadable);
}
