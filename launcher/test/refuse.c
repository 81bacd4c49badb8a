/*
 * refuse SYSCALL ERRNO FLAGS PROGRAM ARGUMENTS...
 *
 * Runs a program for which one system call fails, as hosts and container engines make it fail.
 * With FLAGS other than 0 it fails only where its second argument has one of these bits.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint32_t number_of(const char *name)
{
	if (strcmp(name, "clone") == 0)
		return SYS_clone;
	if (strcmp(name, "madvise") == 0)
		return SYS_madvise;
	if (strcmp(name, "mmap") == 0)
		return SYS_mmap;
	if (strcmp(name, "mprotect") == 0)
		return SYS_mprotect;
	fprintf(stderr, "refuse: unknown system call %s\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	if (argc < 5)
		return 2;

	uint32_t error = (uint32_t)atoi(argv[2]);
	uint32_t flags = (uint32_t)atoi(argv[3]);
	uint32_t always = flags == 0;
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number_of(argv[1]), 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_STMT(BPF_ALU | BPF_OR | BPF_K, always),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, flags | always, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof filter / sizeof *filter, .filter = filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
		perror("refuse");
		return 2;
	}
	execv(argv[4], argv + 4);
	perror("refuse");
	return 2;
}
