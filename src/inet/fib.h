/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Routes: longest-prefix match in a path-compressed binary trie, one for each family, 128-bit keys
 * for both. A lookup takes as many steps as prefixes lie on the way and no more than 128.
 *
 * Thread: the worker that owns the stack.
 */
#ifndef LEAT_INET_FIB_H
#define LEAT_INET_FIB_H

#include "base/compiler.h"
#include "base/ip.h"
#include "base/mem.h"
#include "base/slab.h"

#include <stdbool.h>
#include <stdint.h>

#define FIB_MAX_ROUTES 65536u

struct fib_route {
	struct fib_route *next; /* of the same prefix, by rising metric */
	struct ipaddr gateway;  /* unspecified: on link */
	uint32_t metric;
	uint8_t iface;
	bool has_gateway;
	bool connected; /* made from an address of ours */
	bool learned; /* from a router; beside the same one configured, which stays when it ends */
};

struct fib_node;

struct fib {
	struct fib_node *root[2]; /* IPv4, IPv6 */
	struct slab nodes, routes;
};

/* Allocates nothing yet. */
void fib_init(struct fib *f, const struct mem *mem);
void fib_fini(struct fib *f);

/* r is copied. -EEXIST: prefix, gateway and interface are there already, both learned or neither.
 * -ENOMEM. */
NODISCARD int fib_add(struct fib *f, const struct ipprefix *dst, const struct fib_route *r);
/* gateway NULL: the one on link. -ESRCH. */
NODISCARD int fib_del(struct fib *f, const struct ipprefix *dst, const struct ipaddr *gateway,
		      unsigned iface);
NODISCARD int fib_del_learned(struct fib *f, const struct ipprefix *dst,
			      const struct ipaddr *gateway, unsigned iface);

/* The route for addr: longest prefix, then lowest metric, then the first added. NULL: none. */
const struct fib_route *fib_lookup(const struct fib *f, const struct ipaddr *addr);

/* All routes, shorter prefixes before the longer ones under them. */
void fib_for_each(const struct fib *f,
		  void (*fn)(void *arg, const struct ipprefix *dst, const struct fib_route *r),
		  void *arg);

#endif
