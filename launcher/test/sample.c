/*
 * A program to be packed. It reports what it received: `sample COMMAND ...`.
 *
 *     echo ARGUMENTS     writes every argument and a NUL
 *     cat                copies standard input to standard output
 *     exit STATUS        exits
 *     abort              dies of a signal
 *     vector             checks its stack and the auxiliary vector
 *     maps               checks the protection of its memory
 *     peak               writes the most KiB of memory that it has had
 *     state              writes its blocked, ignored and handled signals and its open files
 *     anything else      writes "program: " and its arguments
 */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <unistd.h>

/* Makes the unpacked program large for a test; the packed one stays small. */
#ifdef BALLAST_MIB
char ballast[BALLAST_MIB << 20] = { 1 };
#endif

/* Lies far from all else if a test has the linker place it there. */
#ifdef FAR
__attribute__((section(".far"))) int far = 1;
#endif

static int echo(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		fwrite(argv[i], 1, strlen(argv[i]) + 1, stdout);
	return 0;
}

static int cat(void)
{
	char buffer[4096];
	size_t size;

	while ((size = fread(buffer, 1, sizeof buffer, stdin)) > 0)
		fwrite(buffer, 1, size, stdout);
	return 0;
}

static int state(void)
{
	struct sigaction action;
	sigset_t blocked;

	sigprocmask(SIG_SETMASK, NULL, &blocked);
	for (int i = 1; i < NSIG; i++) {
		if (sigismember(&blocked, i) == 1)
			printf("blocked %d\n", i);
		if (sigaction(i, NULL, &action) != 0 || action.sa_handler == SIG_DFL)
			continue;
		printf("%s %d\n", action.sa_handler == SIG_IGN ? "ignored" : "handled", i);
	}
	for (int i = 0; i < 256; i++)
		if (fcntl(i, F_GETFD) >= 0)
			printf("open %d\n", i);
	return 0;
}

static int writable = 1;

/* Larger than a page, and unknown to the compiler, which would otherwise remove the check. */
static __attribute__((aligned(1 << 16))) int aligned = 1;
static volatile unsigned long alignment = 1 << 16;

/* Defined by the linker and by the C library. */
extern const Elf64_Ehdr __ehdr_start;
extern void _start(void);

static const char *interpreter(void)
{
	const Elf64_Phdr *segments = (const Elf64_Phdr *)((const char *)&__ehdr_start + __ehdr_start.e_phoff);

	for (int i = 0; i < __ehdr_start.e_phnum; i++)
		if (segments[i].p_type == PT_INTERP)
			return "an interpreter";
	return NULL;
}

static int vector(char **argv)
{
	const char *base = (const char *)getauxval(AT_BASE);

	if (getauxval(AT_PHDR) != (unsigned long)&__ehdr_start + __ehdr_start.e_phoff)
		return 1;
	if (getauxval(AT_PHNUM) != __ehdr_start.e_phnum)
		return 2;
	if (getauxval(AT_ENTRY) != (unsigned long)_start)
		return 3;
	if ((base == NULL) != (interpreter() == NULL))
		return 4;
	if (base != NULL && memcmp(base, ELFMAG, SELFMAG) != 0)
		return 5;
	if (strcmp((const char *)getauxval(AT_EXECFN), argv[0]) != 0)
		return 6;
	if (((unsigned long)argv - sizeof(long)) % 16 != 0)
		return 7;
	return (unsigned long)&aligned % alignment != 0 ? 8 : 0;
}

/* The protection of the memory at an address, such as "r-xp". */
static const char *protection(const void *address)
{
	static char found[5];
	char line[512], flags[5];
	unsigned long start, end;
	FILE *maps = fopen("/proc/self/maps", "r");

	strcpy(found, "none");
	while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
		if (sscanf(line, "%lx-%lx %4s", &start, &end, flags) != 3)
			continue;
		if (strncmp(flags, "rwx", 3) == 0)
			strcpy(found, flags);
		else if (start <= (unsigned long)address && (unsigned long)address < end)
			strcpy(found, flags);
		if (strncmp(found, "rwx", 3) == 0)
			break;
	}
	if (maps != NULL)
		fclose(maps);
	return found;
}

static int maps(void)
{
	if (strcmp(protection((const void *)(unsigned long)_start), "r-xp") != 0)
		return 1;
	if (strcmp(protection(&__ehdr_start), "r--p") != 0)
		return 2;
	return strcmp(protection(&writable), "rw-p") != 0 ? 3 : 0;
}

static int peak(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	printf("%ld\n", usage.ru_maxrss);
	return 0;
}

/* An entry that begins with a zero is no variable: only the launcher makes one. */
static int hint(void)
{
	for (char **entry = environ; *entry != NULL; entry++)
		if (**entry == '\0')
			printf("%s\n", *entry + 1);
	return 0;
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (strcmp(command, "echo") == 0)
		return echo(argc, argv);
	if (strcmp(command, "cat") == 0)
		return cat();
	if (strcmp(command, "exit") == 0)
		return atoi(argv[2]);
	if (strcmp(command, "abort") == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		abort();
	}
	if (strcmp(command, "vector") == 0)
		return vector(argv);
	if (strcmp(command, "maps") == 0)
		return maps();
	if (strcmp(command, "peak") == 0)
		return peak();
	if (strcmp(command, "state") == 0)
		return state();
	if (strcmp(command, "hint") == 0)
		return hint();
	printf("program:");
	for (int i = 1; i < argc; i++)
		printf(" %s", argv[i]);
	printf(" %s\n", getenv("SAMPLE") ? getenv("SAMPLE") : "");
	return 0;
}
