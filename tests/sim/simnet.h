/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several stacks in one process on one virtual clock, joined by simulated wires. Everything
 * follows from the seed: a run with the same seed is the same run.
 */
#ifndef LEAT_TESTS_SIMNET_H
#define LEAT_TESTS_SIMNET_H

#include "core/stack.h"
#include "inet/inet.h"
#include "port/sim.h"

#define SIMNET_HOSTS 3u

struct simnet;

struct simhost {
	struct simnet *net;
	const char *name;
	struct mbuf_pool *pool;
	struct stack *stack;
	uint64_t wall_ns; /* offset of this host's wall clock */
};

struct simnet {
	uint64_t now_ns;
	uint64_t rng;
	uint64_t seed;
	unsigned n_hosts;
	struct simhost host[SIMNET_HOSTS];
	const struct mem *mem;
};

/* Splitmix64: the simulation's only source of randomness. */
uint64_t simnet_random(struct simnet *net);
/* Uniform in lo..hi. */
uint64_t simnet_range(struct simnet *net, uint64_t lo, uint64_t hi);
/* True once in n. */
bool simnet_chance(struct simnet *net, uint64_t n);

void simnet_init(struct simnet *net, uint64_t seed, const struct mem *mem);
/*
 * Add a host with its own stack, buffers and internet layer. The pool is made when *pool is NULL
 * and borrowed otherwise, so that thousands of runs share it. 0 or -errno.
 */
NODISCARD int simnet_host(struct simnet *net, const char *name, struct mbuf_pool **pool);
/* Join two hosts; gives each an interface: *ia, *ib are their numbers. 0 or -errno. */
NODISCARD int simnet_wire(struct simnet *net, unsigned a, unsigned b,
			  const struct sim_wire_conf *conf, unsigned *ia, unsigned *ib);
/* "10.0.0.1/24" on an interface. */
NODISCARD int simnet_addr(struct simnet *net, unsigned host, unsigned iface, const char *addr);
NODISCARD int simnet_route(struct simnet *net, unsigned host, const char *dst, const char *gateway,
			   unsigned iface);

/*
 * Run until done() says so, virtual time reaches until_ns, or steps are used up. step(), called
 * after each round of all hosts, is where the programs act; it returns true when it did something.
 * Returns true when done.
 */
struct simnet_prog {
	bool (*step)(void *ctx);
	bool (*done)(void *ctx);
	uint64_t (*next_ns)(void *ctx); /* when the programs act without an event; may be NULL */
	void *ctx;
	uint64_t until_ns;
	uint64_t max_steps;
};

bool simnet_run(struct simnet *net, const struct simnet_prog *prog);

/* Tear the hosts down (their transports are gone by now); pools stay with the caller. */
void simnet_fini(struct simnet *net);

#endif
