/* SPDX-License-Identifier: BSD-2-Clause */
/* The leat command: its first word says what to do. */
#include <stdio.h>
#include <string.h>

#include "exec.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{"exec", exec_main, "run an unmodified program on Leat"},
};

static void usage(FILE *out)
{
	fprintf(out, "usage: leat COMMAND [ARGUMENTS]\n\ncommands:\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "  %-8s  %s\n", commands[i].name, commands[i].help);
	fprintf(out, "\n`leat COMMAND --help` tells more.\n");
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return 2;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		usage(stdout);
		return 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("leat %s\n", LEAT_VERSION);
		return 0;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "leat: unknown command \"%s\"\n", argv[1]);
	usage(stderr);
	return 2;
}
