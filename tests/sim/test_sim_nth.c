/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a connection (stacks made, listen, connect, both ways, half-close, close, stacks
 * gone) again and again, with the Nth allocation failing: N = 1, 2, 3 ... until a life needs fewer.
 * Once for memory, once for packet buffers, once each with only that one failing and with all later
 * ones failing too. A life may end in errors; it must end, and nothing may be left.
 */
#include "simapp.h"
#include "simnet.h"

#include "base/memfail.h"
#include "plat/eal.h"

#include <stdio.h>
#include <string.h>

#define PORT      7000u
#define BYTES     20000u
#define UNTIL_NS  (UINT64_C(4) * 3600 * 1000000000)
#define MAX_STEPS 20000u
#define N_MAX     100000u

enum what { FAIL_MEMORY, FAIL_CLIENT_BUFFER, FAIL_SERVER_BUFFER, FAIL_KINDS };

static const char *const what_names[FAIL_KINDS] = {"memory", "client's buffers",
						   "server's buffers"};

struct life {
	struct simnet net;
	struct simapp client, server;
	struct memfail mem;
	const char *why;
};

static bool step(void *ctx)
{
	struct life *l = ctx;
	bool any = simapp_step(&l->client);

	return simapp_step(&l->server) || any;
}

static bool done(void *ctx)
{
	struct life *l = ctx;

	return simapp_done(&l->client);
}

static int start(struct life *l, bool v6)
{
	struct simend *c = &l->client.end[0], *s = &l->server.end[0];
	struct ipaddr to;
	int rc;

	l->client.n_ends = l->server.n_ends = 1;
	c->pattern_out = s->pattern_in = 1;
	c->pattern_in = s->pattern_out = 2;
	c->to_send = s->to_recv = BYTES;
	c->to_recv = s->to_send = BYTES;
	rc = simapp_listen(&l->server, v6, PORT);
	if (rc == 0)
		rc = ipaddr_parse(v6 ? "fd09::2" : "10.9.0.2", &to);
	return rc < 0 ? rc : simapp_connect(&l->client, 0, &to, PORT);
}

static void talk(struct life *l, bool v6, bool must_end)
{
	struct simnet_prog prog = {
		.step = step, .done = done, .ctx = l, .until_ns = UNTIL_NS, .max_steps = MAX_STEPS};

	if (simapp_init(&l->client, l->net.host[0].stack) < 0)
		return;
	if (simapp_init(&l->server, l->net.host[1].stack) == 0) {
		if (start(l, v6) == 0 && !simnet_run(&l->net, &prog) && must_end)
			l->why = "did not end";
		if (l->client.end[0].wrong || l->server.end[0].wrong)
			l->why = "a byte was wrong";
		simapp_fini(&l->server);
	}
	simapp_fini(&l->client);
}

static int build(struct life *l, struct mbuf_pool **pools, bool v6)
{
	/* Loss, so that recovery and reordering allocate as well. */
	struct sim_wire_conf wire = {
		.seed = 7,
		.mtu = 1500,
		.ab = {.delay_ns = 1000000, .jitter_ns = 500000, .loss_ppm = 20000},
		.ba = {.delay_ns = 1000000, .jitter_ns = 500000, .loss_ppm = 20000},
	};
	unsigned ia, ib;
	int rc = simnet_host(&l->net, "client", &pools[0]);

	if (rc == 0)
		rc = simnet_host(&l->net, "server", &pools[1]);
	if (rc == 0)
		rc = simnet_wire(&l->net, 0, 1, &wire, &ia, &ib);
	if (rc == 0)
		rc = simnet_addr(&l->net, 0, ia, v6 ? "fd09::1/64" : "10.9.0.1/24");
	if (rc == 0)
		rc = simnet_addr(&l->net, 1, ib, v6 ? "fd09::2/64" : "10.9.0.2/24");
	return rc;
}

static void arm(struct life *l, struct mbuf_pool **pools, enum what what, uint64_t n, bool for_good)
{
	if (what == FAIL_MEMORY)
		memfail_arm(&l->mem, n, for_good);
	else
		mbuf_pool_fail(pools[what - FAIL_CLIENT_BUFFER], (int64_t)n - 1, for_good);
}

static uint64_t buffer_failures(const struct mbuf_pool *pool)
{
	struct mbuf_pool_stats st;
	uint64_t sum = 0;

	mbuf_pool_stats(pool, &st);
	for (unsigned c = 0; c < MBUF_CLASSES; c++)
		for (unsigned p = 0; p < MBUF_PRIOS; p++)
			sum += st.alloc_fail[c][p];
	return sum;
}

static void check_pool(struct life *l, struct mbuf_pool *pool)
{
	mbuf_pool_fail(pool, -1, false);
	if (!mbuf_pool_full(pool))
		l->why = "packet buffers are missing";
	if (pool->stats.drops[DROP_UNSPEC] != 0)
		l->why = "a packet was dropped without a reason";
}

/* One life. Returns whether the failure was met, that is, whether a larger N makes sense. */
static bool live(struct mbuf_pool **pools, enum what what, uint64_t n, bool for_good, bool *ok)
{
	static struct life l;
	uint64_t before = buffer_failures(pools[0]) + buffer_failures(pools[1]);
	bool v6 = n % 2 == 0, met;

	memset(&l, 0, sizeof(l));
	memfail_init(&l.mem, mem_libc());
	simnet_init(&l.net, 1, memfail_mem(&l.mem));
	arm(&l, pools, what, n, for_good);
	if (build(&l, pools, v6) == 0)
		talk(&l, v6, what == FAIL_MEMORY || !for_good);
	simnet_fini(&l.net);
	check_pool(&l, pools[0]);
	check_pool(&l, pools[1]);
	if (memfail_outstanding(&l.mem) != 0)
		l.why = "memory was not given back";
	met = what == FAIL_MEMORY ? memfail_hit(&l.mem)
				  : buffer_failures(pools[0]) + buffer_failures(pools[1]) > before;
	if (l.why)
		fprintf(stderr, "%s, allocation %llu%s, %s: %s\n", what_names[what],
			(unsigned long long)n, for_good ? " and all later" : "",
			v6 ? "IPv6" : "IPv4", l.why);
	*ok = !l.why;
	return met;
}

static int make_pool(const char *name, struct mbuf_pool **out)
{
	struct mbuf_pool_conf pc = {.name = name, .count = {2048, 128}, .reserve = {128, 8}};

	return mbuf_pool_create(&pc, out);
}

int main(void)
{
	struct plat_eal_conf eal = {.huge = PLAT_HUGE_NEVER, .mem_mb = 64};
	struct mbuf_pool *pools[2];
	unsigned bad = 0, lives = 0;
	char err[256];

	if (plat_eal_init(&eal, err, sizeof(err)) < 0 || make_pool("client", &pools[0]) < 0 ||
	    make_pool("server", &pools[1]) < 0) {
		fprintf(stderr, "test_sim_nth: cannot start: %s\n", err);
		return 1;
	}
	for (unsigned what = 0; what < FAIL_KINDS; what++) {
		for (unsigned for_good = 0; for_good < 2; for_good++) {
			uint64_t n = 1;
			bool ok = true;

			while (bad < 10 && n < N_MAX &&
			       live(pools, (enum what)what, n, for_good, &ok)) {
				bad += !ok;
				n++;
			}
			bad += !ok;
			lives += (unsigned)n;
			printf("%s%s: %llu allocations failed in turn\n", what_names[what],
			       for_good ? ", for good" : "", (unsigned long long)n - 1);
			if (n < 5)
				bad++; /* nothing failed: the injection does not work */
		}
	}
	printf("%u lives, %u failed\n", lives, bad);
	if (mbuf_pool_destroy(pools[0]) || mbuf_pool_destroy(pools[1]))
		bad++;
	return bad ? 1 : 0;
}
