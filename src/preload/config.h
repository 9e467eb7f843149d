/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the library is told, in the environment: LEAT_PRELOAD holds statements between ';', each of
 * words between blanks. leat-exec(1) writes it from a file and from its options.
 *
 *   port NAME DEVICE [mtu=N] [mac=MAC] [offload=false]
 *   address PORT ADDRESS/LENGTH
 *   route PREFIX [via=ADDRESS] [port=PORT]
 *   leat PREFIX          addresses that go to Leat,
 *   kernel PREFIX        and that stay with the kernel; the longest prefix decides
 *   one-port-each        each process takes the first port that is free, not all
 *   set KEY VALUE        instance, secret_file, buffers_small, ... as in leat-proxy(1)
 *   eal ARGUMENT         for DPDK's EAL
 *   verbose              say what goes where
 */
#ifndef LEAT_PRELOAD_CONFIG_H
#define LEAT_PRELOAD_CONFIG_H

#include "preload/rules.h"

#include <leat/leat.h>

#include <stdbool.h>
#include <stddef.h>

enum {
	CONFIG_PORTS = 16,
	CONFIG_ADDRS = 128,
	CONFIG_ROUTES = 256,
	CONFIG_EAL = 32,
};

struct config_addr {
	const char *port, *addr;
};

struct config_route {
	const char *to, *via, *port;
};

struct preload_config {
	char *text; /* the strings below lie in it */
	struct leat_config leat;
	struct leat_port ports[CONFIG_PORTS];
	struct config_addr addrs[CONFIG_ADDRS];
	struct config_route routes[CONFIG_ROUTES];
	const char *eal[CONFIG_EAL + 1];
	unsigned n_ports, n_addrs, n_routes, n_eal;
	struct rules rules;
	bool one_port_each;
	bool verbose;
};

/* Read text into an empty configuration. 0, or -1 with a line in error. */
int config_parse(struct preload_config *c, const char *text, char *error, size_t len);

#endif
