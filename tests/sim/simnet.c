/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated network: hosts, wires and the loop that moves the virtual clock to the next thing
 * that happens anywhere. Single thread, deterministic by seed.
 */
#include "simnet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rounds of all hosts at one instant before the clock is made to move: an endless loop shows. */
#define ROUNDS_AT_ONE_INSTANT 1000u

uint64_t simnet_random(struct simnet *net)
{
	uint64_t z = (net->rng += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t simnet_range(struct simnet *net, uint64_t lo, uint64_t hi)
{
	return lo + simnet_random(net) % (hi - lo + 1);
}

bool simnet_chance(struct simnet *net, uint64_t n)
{
	return simnet_random(net) % n == 0;
}

static uint64_t env_mono(void *ctx)
{
	struct simhost *h = ctx;

	return h->net->now_ns;
}

static uint64_t env_wall(void *ctx)
{
	struct simhost *h = ctx;

	return h->net->now_ns + h->wall_ns;
}

static void env_random(void *ctx, void *buf, size_t len)
{
	struct simhost *h = ctx;
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)simnet_random(h->net);
}

void simnet_init(struct simnet *net, uint64_t seed, const struct mem *mem)
{
	*net = (struct simnet){.rng = seed, .seed = seed, .mem = mem, .now_ns = 1000000000};
}

static int make_pool(const char *name, struct mbuf_pool **pool)
{
	struct mbuf_pool_conf pc = {
		.name = name,
		.count = {4096, 512},
		.reserve = {256, 32},
	};

	return *pool ? 0 : mbuf_pool_create(&pc, pool);
}

int simnet_host(struct simnet *net, const char *name, struct mbuf_pool **pool)
{
	struct simhost *h = &net->host[net->n_hosts];
	struct stack_conf sc = {
		.env = {.mono_ns = env_mono,
			.wall_ns = env_wall,
			.random = env_random,
			.ctx = h,
			.mem = net->mem},
		.max_sockets = 1024,
		.max_neighbours = 64,
	};
	int rc;

	if (net->n_hosts == SIMNET_HOSTS)
		return -ENOSPC;
	rc = make_pool(name, pool);
	if (rc < 0)
		return rc;
	*h = (struct simhost){.net = net, .name = name, .pool = *pool};
	h->wall_ns = UINT64_C(1700000000000000000) + simnet_random(net) % 1000000000;
	env_random(h, sc.env.secret, sizeof(sc.env.secret));
	sc.pool = h->pool;
	rc = stack_create(&sc, &h->stack);
	if (rc < 0)
		return rc;
	rc = inet_init(h->stack);
	if (rc < 0) {
		stack_destroy(h->stack);
		return rc;
	}
	net->n_hosts++;
	return 0;
}

static int attach(struct simhost *h, struct port *p, unsigned *iface)
{
	int idx = stack_port_add(h->stack, p);

	if (idx < 0) {
		port_close(p);
		return idx;
	}
	*iface = (unsigned)idx;
	return inet_iface_add(h->stack, *iface);
}

int simnet_wire(struct simnet *net, unsigned a, unsigned b, const struct sim_wire_conf *conf,
		unsigned *ia, unsigned *ib)
{
	struct port *pa, *pb;
	int rc =
		sim_wire_create(conf, &net->now_ns, net->host[a].pool, net->host[b].pool, &pa, &pb);

	if (rc < 0)
		return rc;
	rc = attach(&net->host[a], pa, ia);
	if (rc < 0) {
		port_close(pb);
		return rc;
	}
	return attach(&net->host[b], pb, ib);
}

int simnet_addr(struct simnet *net, unsigned host, unsigned iface, const char *addr)
{
	char text[64];
	char *slash;
	struct ipaddr a;

	(void)snprintf(text, sizeof(text), "%s", addr);
	slash = strchr(text, '/');
	if (!slash)
		return -EINVAL;
	*slash = '\0';
	if (ipaddr_parse(text, &a) < 0)
		return -EINVAL;
	return inet_addr_add(net->host[host].stack, iface, &a,
			     (uint8_t)strtoul(slash + 1, NULL, 10));
}

int simnet_route(struct simnet *net, unsigned host, const char *dst, const char *gateway,
		 unsigned iface)
{
	struct ipprefix p;
	struct ipaddr gw;

	if (ipprefix_parse(dst, &p) < 0 || (gateway && ipaddr_parse(gateway, &gw) < 0))
		return -EINVAL;
	return inet_route_add(net->host[host].stack, &p, gateway ? &gw : NULL, iface, 0);
}

static unsigned poll_all(struct simnet *net)
{
	unsigned did = 0;

	for (unsigned i = 0; i < net->n_hosts; i++)
		did += stack_poll(net->host[i].stack);
	return did;
}

static uint64_t next_event(const struct simnet *net, const struct simnet_prog *prog)
{
	uint64_t next = prog->next_ns ? prog->next_ns(prog->ctx) : UINT64_MAX;

	for (unsigned i = 0; i < net->n_hosts; i++)
		next = min_u64(next, stack_next_ns(net->host[i].stack));
	return next;
}

bool simnet_run(struct simnet *net, const struct simnet_prog *prog)
{
	unsigned here = 0;

	for (uint64_t n = 0; n < prog->max_steps && net->now_ns < prog->until_ns; n++) {
		unsigned did = poll_all(net);
		uint64_t next;

		if (prog->step && prog->step(prog->ctx))
			did++;
		if (prog->done(prog->ctx))
			return true;
		if (did > 0 && ++here < ROUNDS_AT_ONE_INSTANT)
			continue;
		here = 0;
		next = next_event(net, prog);
		if (next == UINT64_MAX)
			return prog->done(prog->ctx);
		net->now_ns = max_u64(next, net->now_ns + 1000);
	}
	return prog->done(prog->ctx);
}

void simnet_fini(struct simnet *net)
{
	for (unsigned i = 0; i < net->n_hosts; i++) {
		inet_fini(net->host[i].stack);
		stack_destroy(net->host[i].stack);
	}
	net->n_hosts = 0;
}
