/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * getopt_long() for DPDK's start-up inside packetdrill. packetdrill has copies of libc's optind
 * and optarg, which libc itself uses then; we are loaded with our own symbols first (DEEPBIND), so
 * DPDK sees libc's originals, which nobody uses. This function, which DPDK finds before libc's,
 * carries the values from the one to the other and back.
 */
#include <dlfcn.h>
#include <getopt.h>
#include <stddef.h>

typedef int getopt_long_fn(int argc, char *const *argv, const char *shorts,
			   const struct option *longs, int *index);

__attribute__((visibility("default"))) int
getopt_long(int argc, char *const *argv, const char *shorts, const struct option *longs, int *index)
{
	void *program = dlopen(NULL, RTLD_NOW); /* its symbols, not ours, come first there */
	int *used_ind = dlsym(program, "optind");
	char **used_arg = dlsym(program, "optarg");
	union {
		void *object;
		getopt_long_fn *fn;
	} real = {.object = dlsym(program, "getopt_long")};
	int theirs;
	int rc;

	if (!used_ind || !used_arg || !real.fn)
		return -1;
	theirs = *used_ind;
	/* At the start libc begins anew with 0 only, whoever was there before. */
	*used_ind = optind <= 1 ? 0 : optind;
	rc = real.fn(argc, argv, shorts, longs, index);
	optind = *used_ind;
	optarg = *used_arg;
	*used_ind = theirs;
	return rc;
}
