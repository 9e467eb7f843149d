/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Goodput of one connection on a simulated path, in virtual time: rate x round trip x loss, for
 *each congestion control, beside what is possible: the rate less headers and, with loss, the
 *response function of the algorithm (RFC 3649 2 for NewReno, RFC 9438 5.2 for CUBIC, the larger one
 *as 9438 4.3 has it). Prints a table in Markdown. Same numbers at every run.
 *
 *	bench_goodput [--seconds N] [--v6] [RATE_MBIT RTT_MS LOSS_PERCENT]
 */
#include "simapp.h"
#include "simnet.h"

#include "plat/eal.h"
#include "tcp/pcb.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEC     UINT64_C(1000000000)
#define PORT    7000u
#define MSS     1448.0
#define FRAME   1514.0
#define BUF_MAX (UINT32_C(128) << 20)

static const double rates[] = {1, 10, 100, 1000};
static const double rtts[] = {1, 10, 30, 100, 300};
static const double losses[] = {0, 0.01, 0.1, 1, 5};

struct cell {
	double rate_mbit, rtt_ms, loss; /* loss: a fraction */
	uint64_t seconds;
	bool v6;
};

struct run {
	struct simnet net;
	struct simapp client, server;
	uint64_t from_ns, until_ns; /* measured between */
	uint64_t at_from;
	bool started;
};

static bool step(void *ctx)
{
	struct run *r = ctx;
	bool any = simapp_step(&r->client);

	any |= simapp_step(&r->server);
	if (!r->started && r->net.now_ns >= r->from_ns) {
		r->started = true;
		r->at_from = r->server.end[0].received;
	}
	return any;
}

static bool done(void *ctx)
{
	struct run *r = ctx;

	return r->net.now_ns >= r->until_ns || r->client.end[0].err != 0;
}

static uint64_t next_ns(void *ctx)
{
	struct run *r = ctx;

	return r->started ? r->until_ns : r->from_ns;
}

static struct sim_wire_conf path_of(const struct cell *c)
{
	double bdp = c->rate_mbit * 1e6 / 8 * c->rtt_ms / 1e3;
	struct sim_path p = {
		.delay_ns = (uint64_t)(c->rtt_ms / 2 * 1e6),
		.keep_order = true,
		.rate_bps = (uint64_t)(c->rate_mbit * 1e6),
		/* One product of rate and round trip, 20 frames at least. */
		.queue_bytes = (uint32_t)fmax(bdp, 20 * FRAME),
		.loss_ppm = (uint32_t)(c->loss * 1e6),
	};
	struct sim_wire_conf w = {.seed = 7, .ab = p, .ba = p};

	w.ba.loss_ppm = 0;
	return w;
}

static int build(struct run *r, const struct cell *c, struct mbuf_pool **pools)
{
	struct sim_wire_conf w = path_of(c);
	unsigned ia, ib;
	int rc = simnet_host(&r->net, "client", &pools[0]);

	if (rc == 0)
		rc = simnet_host(&r->net, "server", &pools[1]);
	if (rc == 0)
		rc = simnet_wire(&r->net, 0, 1, &w, &ia, &ib);
	if (rc == 0)
		rc = simnet_addr(&r->net, 0, ia, c->v6 ? "fd09::1/64" : "10.9.0.1/24");
	if (rc == 0)
		rc = simnet_addr(&r->net, 1, ib, c->v6 ? "fd09::2/64" : "10.9.0.2/24");
	return rc;
}

static int start(struct run *r, const struct cell *c, unsigned kind)
{
	struct ipaddr to;
	int rc = simapp_init(&r->client, r->net.host[0].stack);

	if (rc < 0)
		return rc;
	rc = simapp_init(&r->server, r->net.host[1].stack);
	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < 2; i++) {
		struct tcp_limits *lim = &r->net.host[i].stack->tcp->limits;

		lim->cc = kind;
		lim->wmem[TCP_MEM_MAX] = lim->rmem[TCP_MEM_MAX] = BUF_MAX;
	}
	r->client.n_ends = r->server.n_ends = 1;
	r->client.end[0].to_send = r->server.end[0].to_recv = UINT64_MAX;
	rc = simapp_listen(&r->server, c->v6, PORT);
	if (rc == 0)
		rc = ipaddr_parse(c->v6 ? "fd09::2" : "10.9.0.2", &to);
	return rc < 0 ? rc : simapp_connect(&r->client, 0, &to, PORT);
}

/* Mbit/s of payload; negative: something went wrong. */
static double measure(const struct cell *c, unsigned kind, struct mbuf_pool **pools)
{
	static struct run r;
	struct simnet_prog prog = {.step = step,
				   .done = done,
				   .next_ns = next_ns,
				   .ctx = &r,
				   .until_ns = UINT64_MAX,
				   .max_steps = UINT64_MAX};
	double mbit = -1;

	memset(&r, 0, sizeof(r));
	simnet_init(&r.net, 1, mem_libc());
	r.from_ns = r.net.now_ns;
	r.until_ns = r.net.now_ns + c->seconds * SEC;
	if (build(&r, c, pools) == 0 && start(&r, c, kind) == 0) {
		(void)simnet_run(&r.net, &prog);
		if (!r.server.end[0].wrong && r.client.end[0].err == 0)
			mbit = (double)(r.server.end[0].received - r.at_from) * 8 / 1e6 /
			       (double)c->seconds;
		simapp_fini(&r.client);
		simapp_fini(&r.server);
	}
	simnet_fini(&r.net);
	return mbit;
}

/* Average window in segments at a loss rate p: RFC 3649 2, RFC 9438 5.2 (C = 0.4, beta = 0.7). */
static double response_segs(unsigned kind, double p, double rtt_s)
{
	double reno = 1.2 / sqrt(p);
	double cubic = 1.054 * pow(rtt_s, 0.75) / pow(p, 0.75);

	return kind == TCP_CC_CUBIC ? fmax(reno, cubic) : reno;
}

static double limit(const struct cell *c, unsigned kind)
{
	double line = c->rate_mbit * (MSS - (c->v6 ? 20 : 0)) / FRAME;
	double segs;

	if (c->loss <= 0 || kind > TCP_CC_NEWRENO)
		return line * (1 - c->loss);
	segs = response_segs(kind, c->loss, c->rtt_ms / 1e3);
	return fmin(line * (1 - c->loss), segs * MSS * 8 / (c->rtt_ms / 1e3) / 1e6);
}

static int print_cell(const struct cell *c, struct mbuf_pool **pools)
{
	int bad = 0;

	printf("| %g | %g | %g |", c->rate_mbit, c->rtt_ms, c->loss * 100);
	for (unsigned kind = 0; kind < TCP_CC_COUNT; kind++) {
		double got = measure(c, kind, pools);

		bad |= got < 0;
		printf(" %.2f of %.2f |", got, limit(c, kind));
	}
	printf("\n");
	fflush(stdout);
	return bad;
}

static int print_all(uint64_t seconds, bool v6, struct mbuf_pool **pools)
{
	int bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(rates); i++)
		for (size_t j = 0; j < ARRAY_LEN(rtts); j++)
			for (size_t k = 0; k < ARRAY_LEN(losses); k++) {
				/* Rounds count, not seconds; and packets cost time here. */
				struct cell c = {rates[i], rtts[j], losses[k] / 100, seconds, v6};

				if (rates[i] >= 1000)
					c.seconds = max_u64(seconds / 3, 1);
				bad |= print_cell(&c, pools);
			}
	return bad;
}

static int make_pools(struct mbuf_pool **pools)
{
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < 2; i++) {
		struct mbuf_pool_conf pc = {.name = i ? "server" : "client",
					    .count = {100000, 10000},
					    .reserve = {256, 32}};

		rc = mbuf_pool_create(&pc, &pools[i]);
	}
	return rc;
}

int main(int argc, char **argv)
{
	struct plat_eal_conf eal = {.huge = PLAT_HUGE_NEVER, .mem_mb = 1536};
	struct mbuf_pool *pools[2] = {NULL, NULL};
	uint64_t seconds = 30;
	bool v6 = false;
	char err[256];
	int i = 1, bad;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--v6") == 0)
			v6 = true;
		else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc)
			seconds = strtoull(argv[++i], NULL, 10);
		else
			return 2;
	}
	if (plat_eal_init(&eal, err, sizeof(err)) < 0 || make_pools(pools) < 0) {
		fprintf(stderr, "no memory: %s\n", err);
		return 1;
	}
	printf("| rate Mbit/s | round trip ms | loss %% |");
	for (unsigned kind = 0; kind < TCP_CC_COUNT; kind++)
		printf(" %s |", tcp_cc_name((enum tcp_cc_kind)kind));
	printf("\n|---|---|---|");
	for (unsigned kind = 0; kind < TCP_CC_COUNT; kind++)
		printf("---|");
	printf("\n");
	if (i + 2 < argc) {
		struct cell c = {strtod(argv[i], NULL), strtod(argv[i + 1], NULL),
				 strtod(argv[i + 2], NULL) / 100, seconds, v6};

		bad = print_cell(&c, pools);
	} else {
		bad = print_all(seconds, v6, pools);
	}
	return bad;
}
