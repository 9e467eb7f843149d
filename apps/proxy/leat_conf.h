/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration keys of the Leat platform: ports, addresses, routes, interception, sizes. */
#ifndef PROXY_LEAT_CONF_H
#define PROXY_LEAT_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"

enum {
	LEAT_CONF_PORTS = 16,
	LEAT_CONF_ADDRS = 32, /* of one port */
	LEAT_CONF_ROUTES = 256,
	LEAT_CONF_RULES = 256,
	LEAT_CONF_EAL = 32,
	LEAT_CONF_TEXT = 128,
	LEAT_CONF_PREFIX = 56, /* an IPv6 address, '/', three digits */
	LEAT_CONF_NAME = 16,
};

struct leat_conf_addrs {
	size_t count;
	char text[LEAT_CONF_ADDRS][LEAT_CONF_PREFIX];
};

struct leat_conf_port {
	struct conf_place place;
	char name[LEAT_CONF_NAME];
	char device[LEAT_CONF_TEXT];
	char mac[18];
	uint64_t mtu;
	uint64_t offload;
	struct leat_conf_addrs addrs;
};

struct leat_conf_route {
	struct conf_place place;
	char to[LEAT_CONF_PREFIX];
	char via[LEAT_CONF_PREFIX];
	char port[LEAT_CONF_NAME];
};

struct leat_conf_range {
	uint16_t low, high; /* 0, 0: any */
};

struct leat_conf_rule {
	struct conf_place place;
	char from[LEAT_CONF_PREFIX];
	char to[LEAT_CONF_PREFIX];
	char in[LEAT_CONF_NAME];
	struct leat_conf_range dports;
};

struct leat_conf_eal {
	size_t count;
	char text[LEAT_CONF_EAL][LEAT_CONF_TEXT];
};

struct platform_conf {
	size_t nports, nroutes, nrules;
	struct leat_conf_port ports[LEAT_CONF_PORTS];
	struct leat_conf_route routes[LEAT_CONF_ROUTES];
	struct leat_conf_rule rules[LEAT_CONF_RULES];
	struct leat_conf_eal eal;
	uint64_t forward;
	uint64_t connect_first;
	uint64_t buffers_small, buffers_big, memory_mb;
	uint64_t max_sockets, max_neighbours, spin_us;
	char instance[13];
	char secret[LEAT_CONF_TEXT];
};

/* What one key or entry alone cannot tell; ip4, ip6: there is a listener of that family. Returns 0,
 * or -1 with a line in error. */
int leat_conf_check(const struct platform_conf *conf, bool ip4, bool ip6, char *error, size_t len);

/* The rows of the keys; base is a struct platform_conf. */
void leat_conf_table(struct platform_conf *conf, struct conf_table *table);

#endif
