/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs the named cases, all without names, for IPv4 and IPv6, and prints what they observe:
 *
 *	== epoll_edge IPv4
 *	21 add: 0
 *	...
 *
 * With --own, Leat talks to itself over the address of a port instead of its loopback.
 */
#include "conform.h"

#include <signal.h>
#include <stdlib.h>

struct conform_case {
	const char *name;
	void (*fn)(int family);
};

static const struct conform_case cases[] = {
#define CASE(name) {#name, conform_##name},
	CONFORM_CASES(CASE)
#undef CASE
};

#define N_CASES (sizeof(cases) / sizeof(cases[0]))

static void start_stack(void)
{
#ifdef CONFORM_LEAT
	static const struct leat_config conf = {
		.name = "conform", .buffers_small = 8192, .buffers_big = 1024, .max_sockets = 4096};

	if (leat_init(&conf) < 0) {
		(void)fprintf(stderr, "conform: %s\n", leat_strerror());
		exit(2);
	}
#endif
}

static void add_port(void)
{
#ifdef CONFORM_LEAT
	static const struct leat_port port = {.name = "p0", .spec = "dpdk:net_null0"};

	if (leat_port_add(&port) < 0 || leat_addr_add("p0", OWN_ADDRESS "/24") < 0 ||
	    leat_addr_add("p0", OWN_ADDRESS6 "/64") < 0) {
		(void)fprintf(stderr, "conform: %s\n", leat_strerror());
		exit(2);
	}
#endif
}

static void end_stack(void)
{
#ifdef CONFORM_LEAT
	unsigned lost = leat_fini();

	if (lost == 0)
		return;
	(void)fprintf(stderr, "conform: %u packet buffers are not back\n", lost);
	exit(3);
#endif
}

static void run(const struct conform_case *c)
{
	note("== %s IPv4", c->name);
	c->fn(AF_INET);
	note("== %s IPv6", c->name);
	c->fn(AF_INET6);
}

static bool wanted(const char *name, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc == 0;
}

int main(int argc, char **argv)
{
	unsigned ran = 0;

	argc--;
	argv++;
	own_address = argc > 0 && strcmp(argv[0], "--own") == 0;
	if (own_address) {
		argc--;
		argv++;
	}
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	start_stack();
	if (own_address)
		add_port();
	for (size_t i = 0; i < N_CASES; i++) {
		if (!wanted(cases[i].name, argc, argv))
			continue;
		run(&cases[i]);
		ran++;
	}
	end_stack();
	return ran > 0 ? 0 : 2;
}
