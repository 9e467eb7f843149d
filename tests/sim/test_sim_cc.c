/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Congestion control end to end: one bulk transfer through a bottleneck of known rate, delay, queue
 * and loss for each row, IPv4 and IPv6 in turn. A row says which share of the rate the payload must
 * reach, and how long the queue may delay on average of the round trips that the sender measured.
 *
 *	client ==== rate, queue, loss, delay ==== server
 *
 * --verbose prints what each row reached; --verbose N runs that row alone.
 */
#include "simapp.h"
#include "simnet.h"

#include "plat/eal.h"
#include "tcp/pcb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS       UINT64_C(1000000)
#define S        UINT64_C(1000000000)
#define PORT     7000u
#define UNTIL_NS (300 * S)

struct row {
	enum tcp_cc_kind cc;
	uint32_t mbit;
	uint32_t rtt_ms;
	uint32_t queue_pct; /* of rate times round trip */
	uint32_t loss_ppm;
	uint32_t seconds;   /* so much data that the rate would take so long */
	uint32_t share_pct; /* of the rate, at least */
	uint32_t rtt_pct;   /* smoothed round trip at the end, of the path's, at most; 0: any */
};

/* Payload is 94 to 95 % of what the wire carries; the start costs some of the rest. */
static const struct row rows[] = {
	{TCP_CC_CUBIC, 10, 20, 100, 0, 8, 88, 0},
	{TCP_CC_NEWRENO, 10, 20, 100, 0, 8, 88, 0},
	{TCP_CC_BBR, 10, 20, 100, 0, 8, 85, 160},
	{TCP_CC_CUBIC, 50, 40, 100, 0, 8, 85, 0},
	{TCP_CC_BBR, 50, 40, 100, 0, 8, 83, 160},
	/* a queue of a tenth of the path: loss comes early */
	{TCP_CC_CUBIC, 50, 40, 10, 0, 8, 60, 0},
	{TCP_CC_BBR, 50, 40, 10, 0, 8, 75, 0},
	/* bufferbloat: BBR leaves the queue alone */
	{TCP_CC_CUBIC, 10, 20, 1000, 0, 8, 88, 0},
	{TCP_CC_BBR, 10, 20, 1000, 0, 8, 85, 200},
	/* random loss: what the window algorithms can do is little, BBR bears 1 % */
	{TCP_CC_CUBIC, 10, 20, 100, 1000, 8, 70, 0},
	{TCP_CC_CUBIC, 50, 40, 100, 1000, 8, 12, 0},
	{TCP_CC_BBR, 50, 40, 100, 1000, 8, 75, 0},
	{TCP_CC_BBR, 50, 40, 100, 10000, 8, 55, 0},
	/* slow and far */
	{TCP_CC_CUBIC, 1, 300, 100, 0, 60, 70, 0},
	{TCP_CC_BBR, 1, 300, 100, 0, 60, 60, 0},
};

struct run {
	struct simnet net;
	struct simapp client, server;
	uint64_t srtt_ns;
	uint64_t done_ns; /* when the last byte had arrived */
};

struct pools {
	struct mbuf_pool *client, *server;
};

static bool step(void *ctx)
{
	struct run *r = ctx;
	const struct simend *e = &r->client.end[0];
	bool any = simapp_step(&r->client);

	any |= simapp_step(&r->server);
	if (e->pcb && e->pcb->rtt.srtt_ns != 0)
		r->srtt_ns = e->pcb->rtt.srtt_ns;
	if (r->done_ns == 0 && r->server.end[0].received == r->server.end[0].to_recv)
		r->done_ns = r->net.now_ns;
	return any;
}

static bool done(void *ctx)
{
	struct run *r = ctx;

	return simapp_done(&r->client) && simapp_done(&r->server);
}

static uint64_t bytes_of(const struct row *row)
{
	return (uint64_t)row->mbit * 125000 * row->seconds;
}

static struct sim_wire_conf wire_of(const struct row *row, uint64_t seed)
{
	uint64_t bdp = (uint64_t)row->mbit * 125 * row->rtt_ms;
	struct sim_path there = {
		.delay_ns = row->rtt_ms * MS / 2,
		.rate_bps = (uint64_t)row->mbit * 1000000,
		.queue_bytes = (uint32_t)(bdp * row->queue_pct / 100) + 3000,
		.loss_ppm = row->loss_ppm,
	};

	return (struct sim_wire_conf){
		.seed = seed, .mtu = 1500, .ab = there, .ba = {.delay_ns = row->rtt_ms * MS / 2}};
}

static int build(struct run *r, const struct row *row, bool v6, struct pools *p)
{
	struct sim_wire_conf wire = wire_of(row, r->net.seed);
	unsigned ia, ib;
	int rc = simnet_host(&r->net, "client", &p->client);

	if (rc == 0)
		rc = simnet_host(&r->net, "server", &p->server);
	if (rc == 0)
		rc = simnet_wire(&r->net, 0, 1, &wire, &ia, &ib);
	if (rc == 0)
		rc = simnet_addr(&r->net, 0, ia, v6 ? "fd09::1/64" : "10.9.0.1/24");
	if (rc == 0)
		rc = simnet_addr(&r->net, 1, ib, v6 ? "fd09::2/64" : "10.9.0.2/24");
	return rc;
}

static int start(struct run *r, const struct row *row, bool v6)
{
	struct ipaddr to;
	int rc = simapp_init(&r->client, r->net.host[0].stack);

	if (rc == 0)
		rc = simapp_init(&r->server, r->net.host[1].stack);
	if (rc < 0)
		return rc;
	r->client.stack->tcp->limits.cc = (uint8_t)row->cc;
	r->client.n_ends = r->server.n_ends = 1;
	r->client.end[0].to_send = r->server.end[0].to_recv = bytes_of(row);
	r->client.end[0].pattern_out = r->server.end[0].pattern_in = r->net.seed;
	rc = simapp_listen(&r->server, v6, PORT);
	if (rc == 0)
		rc = ipaddr_parse(v6 ? "fd09::2" : "10.9.0.2", &to);
	if (rc == 0)
		rc = simapp_connect(&r->client, 0, &to, PORT);
	return rc;
}

static bool judge(const struct run *r, const struct row *row, unsigned i, bool verbose)
{
	const struct tcp_counters *c = tcp_counters(r->client.stack);
	double seconds = (double)(r->done_ns - S) / 1e9;
	double share = seconds > 0 ? 100.0 * row->seconds / seconds : 0;
	double rtt = 100.0 * (double)r->srtt_ns / (double)(row->rtt_ms * MS);
	bool ok = r->done_ns != 0 && !r->server.end[0].wrong && share >= row->share_pct &&
		  (row->rtt_pct == 0 || rtt <= row->rtt_pct);

	if (verbose || !ok)
		fprintf(stderr,
			"%s %2u: %-5s %4u Mbit/s %3u ms, queue %4u %%, loss %5u ppm: "
			"%5.1f %% (%u), round trip %4.0f %% (%u), again %llu, timeouts %llu\n",
			ok ? "ok " : "BAD", i, tcp_cc_name(row->cc), row->mbit, row->rtt_ms,
			row->queue_pct, row->loss_ppm, share, row->share_pct, rtt, row->rtt_pct,
			(unsigned long long)c->retrans_segs, (unsigned long long)c->rto);
	return ok;
}

static bool run_row(unsigned i, bool verbose, struct pools *p)
{
	static struct run r;
	const struct row *row = &rows[i];
	bool v6 = i % 2, ok = false;
	struct simnet_prog prog = {
		.step = step, .done = done, .ctx = &r, .until_ns = UNTIL_NS, .max_steps = 50000000};

	memset(&r, 0, sizeof(r));
	simnet_init(&r.net, 1 + i, mem_libc());
	if (build(&r, row, v6, p) == 0 && start(&r, row, v6) == 0) {
		(void)simnet_run(&r.net, &prog);
		ok = judge(&r, row, i, verbose);
		simapp_fini(&r.client);
		simapp_fini(&r.server);
	}
	simnet_fini(&r.net);
	return ok && mbuf_pool_full(p->client) && mbuf_pool_full(p->server);
}

int main(int argc, char **argv)
{
	struct plat_eal_conf eal = {.huge = PLAT_HUGE_NEVER, .mem_mb = 128};
	bool verbose = argc > 1 && strcmp(argv[1], "--verbose") == 0;
	unsigned only = argc > 2 ? (unsigned)atoi(argv[2]) : ARRAY_LEN(rows);
	struct pools p = {0};
	unsigned bad = 0;
	char err[256];

	if (plat_eal_init(&eal, err, sizeof(err)) < 0) {
		fprintf(stderr, "%s\n", err);
		return 1;
	}
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		if (only == ARRAY_LEN(rows) || only == i)
			bad += !run_row(i, verbose, &p);
	printf("%zu paths, %u failed\n", ARRAY_LEN(rows), bad);
	if (mbuf_pool_destroy(p.client) || mbuf_pool_destroy(p.server))
		return 1;
	return bad ? 1 : 0;
}
