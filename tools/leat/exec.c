/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leat exec [options] -- PROGRAM ...: tells the preload library what to do, in the environment, and
 * becomes the program. See leat-exec(1).
 */
#include "exec.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exec_conf.h"

/* Where the library lies in the build tree, seen from this program. */
#define BUILD_TREE "/../../src/preload"
#define LIBRARY    "libleat_preload.so"

enum { STATUS_USAGE = 2, STATUS_CANNOT_RUN = 126, STATUS_NOT_FOUND = 127 };

static const char short_options[] = "+c:p:a:r:l:k:ovnh";
static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"port", required_argument, NULL, 'p'},
	{"address", required_argument, NULL, 'a'},
	{"route", required_argument, NULL, 'r'},
	{"leat", required_argument, NULL, 'l'},
	{"kernel", required_argument, NULL, 'k'},
	{"one-port-each", no_argument, NULL, 'o'},
	{"verbose", no_argument, NULL, 'v'},
	{"print", no_argument, NULL, 'n'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static void usage(FILE *out)
{
	fprintf(out,
		"usage: leat exec [OPTIONS] -- PROGRAM [ARGUMENTS]\n\n"
		"Runs an unmodified program with its sockets on Leat.\n\n"
		"  -c, --config FILE          ports, addresses, routes, sizes; in YAML\n"
		"  -p, --port NAME=DEVICE     af_packet:IFNAME, tap:IFNAME, dpdk:DEVARGS\n"
		"  -a, --address PORT=ADDRESS/LENGTH\n"
		"  -r, --route PREFIX=GATEWAY\n"
		"  -l, --leat PREFIX          addresses that go to Leat\n"
		"  -k, --kernel PREFIX        addresses that stay with the kernel\n"
		"  -o, --one-port-each        each process takes one port, the first that is free\n"
		"  -v, --verbose              say on standard error what goes where\n"
		"  -n, --print                print the environment instead of running\n\n"
		"Keys of the file besides those of a stack (leat-proxy(1)):\n");
	exec_conf_help(out);
}

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "leat exec: %s%s%s\n", what, why ? ": " : "", why ? why : "");
	return -1;
}

/* "NAME=VALUE" cut in two. The text is the command line's, which is ours to write to. */
static int cut(char *text, char **value, const char *option)
{
	*value = strchr(text, '=');
	if (!*value || *value == text)
		return fail(option, "want two words with = between them");
	*(*value)++ = '\0';
	return 0;
}

static int read_file(struct statements *s, const char *path)
{
	char error[600];

	return exec_conf_read(path, s, error, sizeof(error)) < 0 ? fail(error, NULL) : 0;
}

static int read_route(struct statements *s, char *text)
{
	char via[128];
	char *gateway;

	if (cut(text, &gateway, "--route") < 0)
		return -1;
	(void)snprintf(via, sizeof(via), "via=%s", gateway);
	statements_add(s, "route", text, via, NULL);
	return 0;
}

static int read_option(struct statements *s, int c, char *arg)
{
	char *value;

	switch (c) {
	case 'c':
		return read_file(s, arg);
	case 'p':
		if (cut(arg, &value, "--port") < 0)
			return -1;
		statements_add(s, "port", arg, value, NULL);
		return 0;
	case 'a':
		if (cut(arg, &value, "--address") < 0)
			return -1;
		statements_add(s, "address", arg, value, NULL);
		return 0;
	case 'r':
		return read_route(s, arg);
	case 'l':
		statements_add(s, "leat", arg, NULL);
		return 0;
	case 'k':
		statements_add(s, "kernel", arg, NULL);
		return 0;
	case 'o':
		statements_add(s, "one-port-each", NULL);
		return 0;
	case 'v':
		statements_add(s, "verbose", NULL);
		return 0;
	default:
		return -1;
	}
}

/* Beside this program in the build tree, else where it is installed. */
static void find_library(char *path, size_t len)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash;

	if (n > 0) {
		char near[PATH_MAX + sizeof(BUILD_TREE "/" LIBRARY)];
		char whole[PATH_MAX];

		exe[n] = '\0';
		slash = strrchr(exe, '/');
		*slash = '\0';
		(void)snprintf(near, sizeof(near), "%s%s/%s", exe, BUILD_TREE, LIBRARY);
		if (realpath(near, whole)) {
			(void)snprintf(path, len, "%s", whole);
			return;
		}
	}
	(void)snprintf(path, len, "%s/%s", LEAT_LIBDIR, LIBRARY);
}

/* Before others that are preloaded: theirs then see what goes to the kernel. */
static int set_environment(const char *text)
{
	const char *old = getenv("LD_PRELOAD");
	char path[PATH_MAX];
	char *all;
	int rc;

	find_library(path, sizeof(path));
	if (access(path, R_OK) < 0)
		return fail(path, strerror(errno));
	if (asprintf(&all, "%s%s%s", path, old && old[0] ? ":" : "", old ? old : "") < 0)
		return fail("out of memory", NULL);
	rc = setenv("LD_PRELOAD", all, 1) < 0 || setenv("LEAT_PRELOAD", text, 1) < 0;
	free(all);
	return rc ? fail("environment", strerror(errno)) : 0;
}

static int run(char **argv)
{
	execvp(argv[0], argv);
	(void)fail(argv[0], strerror(errno));
	return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_RUN;
}

static int print_environment(void)
{
	printf("LD_PRELOAD='%s'\nLEAT_PRELOAD='%s'\n", getenv("LD_PRELOAD"),
	       getenv("LEAT_PRELOAD"));
	return 0;
}

/* With all options read. */
static int start(struct statements *s, char **program, bool print)
{
	const char *text = statements_text(s);

	if (s->bad) {
		(void)fail(s->bad, "a name without blanks and ; is wanted");
		return STATUS_USAGE;
	}
	if (!text || !strstr(text, "port ")) {
		(void)fail("no port", "give --config or --port");
		return STATUS_USAGE;
	}
	if (!*program && !print) {
		(void)fail("no program", "leat exec [OPTIONS] -- PROGRAM [ARGUMENTS]");
		return STATUS_USAGE;
	}
	if (set_environment(text) < 0)
		return STATUS_CANNOT_RUN;
	return print ? print_environment() : run(program);
}

int exec_main(int argc, char **argv)
{
	struct statements s;
	bool print = false;
	int c, status = -1;

	if (statements_init(&s) < 0) {
		(void)fail("out of memory", NULL);
		return STATUS_CANNOT_RUN;
	}
	while (status < 0 &&
	       (c = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
		if (c == 'h') {
			usage(stdout);
			status = 0;
		} else if (c == 'n') {
			print = true;
		} else if (read_option(&s, c, optarg) < 0) {
			status = STATUS_USAGE;
		}
	}
	if (status < 0)
		status = start(&s, argv + optind, print);
	statements_fini(&s);
	return status;
}
