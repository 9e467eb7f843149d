/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two stacks on virtual time with a bad wire between them; everything is drawn from a seed: the
 * path (delay, jitter, loss, bursts, duplicates, corruption, rate, queue), the family, the
 *offloads, sizes and numbers of connections, pauses of the readers. Each run ends with every byte
 *right, every connection closed in good order, and every buffer and every byte of memory back. With
 *--faults packet buffers and memory fail at random too: then connections may fail, but nothing may
 *leak, hang or be wrong.
 *
 *	client 10.9.0.1 / fd09::1 ======== server 10.9.0.2 / fd09::2
 *
 * A seed that fails prints the command that repeats it.
 */
#include "simapp.h"
#include "simnet.h"

#include "base/memfail.h"
#include "plat/eal.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVER_PORT 7000u
#define HOUR_NS     (UINT64_C(3600) * 1000000000)
#define MS          UINT64_C(1000000)
#define MAX_STEPS   20000000u
/* A connection whose path loses everything for long may end by timeout; the paths drawn here do
 * not. */
#define UNTIL_NS (12 * HOUR_NS)

struct options {
	uint64_t first, seeds;
	bool verbose;
	bool faults;
	const char *pcap;
	const char *program;
};

struct run {
	struct simnet net;
	struct simapp client, server;
	struct memfail mem;
	struct sim_wire_conf wire;
	bool v6;
	unsigned n_conns;
	uint64_t fail_next_ns;
	const struct options *opt;
	const char *why; /* what went wrong */
};

/* The pools outlive the runs: making them is the dearest part. */
struct pools {
	struct mbuf_pool *client, *server;
};

static void draw_path(struct run *r, struct sim_path *p)
{
	struct simnet *n = &r->net;

	p->delay_ns = simnet_range(n, 10000, simnet_chance(n, 4) ? 150 * MS : 5 * MS);
	if (!simnet_chance(n, 3))
		p->jitter_ns = simnet_range(n, 0, p->delay_ns);
	p->keep_order = simnet_chance(n, 2);
	if (!simnet_chance(n, 3))
		p->loss_ppm = (uint32_t)simnet_range(n, 0, simnet_chance(n, 3) ? 50000 : 10000);
	if (simnet_chance(n, 6)) {
		p->burst_ppm = 2000;
		p->burst_end_ppm = 200000;
	}
	if (simnet_chance(n, 3))
		p->dup_ppm = (uint32_t)simnet_range(n, 0, 30000);
	if (simnet_chance(n, 3))
		p->corrupt_ppm = (uint32_t)simnet_range(n, 0, 20000);
	if (simnet_chance(n, 4)) {
		p->reorder_ppm = (uint32_t)simnet_range(n, 1000, 100000);
		p->reorder_ns = simnet_range(n, MS, 20 * MS);
	}
	if (simnet_chance(n, 3)) {
		p->rate_bps = simnet_range(n, 1000000, 1000000000);
		p->queue_bytes = (uint32_t)simnet_range(n, 20000, 500000);
	}
}

static void draw_wire(struct run *r)
{
	struct simnet *n = &r->net;

	r->wire = (struct sim_wire_conf){.seed = simnet_random(n), .mtu = 1500};
	draw_path(r, &r->wire.ab);
	draw_path(r, &r->wire.ba);
	if (simnet_chance(n, 4))
		r->wire.mtu = (uint32_t)simnet_range(n, 1280, 9000);
	r->wire.offload = simnet_chance(n, 2);
	r->v6 = simnet_chance(n, 2);
}

static uint64_t draw_size(struct simnet *n)
{
	switch (simnet_range(n, 0, 4)) {
	case 0:
		return 0;
	case 1:
		return simnet_range(n, 1, 100);
	case 2:
		return simnet_range(n, 1, 20000);
	case 3:
		return simnet_range(n, 1, 200000);
	}
	return simnet_range(n, 1, 600000);
}

static void draw_pause(struct simnet *n, struct simend *e)
{
	if (e->to_recv == 0 || !simnet_chance(n, 6))
		return;
	e->pause_at = simnet_range(n, 1, e->to_recv);
	e->pause_ns = simnet_range(n, MS, 30000 * MS);
}

static void draw_ends(struct run *r)
{
	struct simnet *n = &r->net;

	r->n_conns = simnet_chance(n, 3) ? (unsigned)simnet_range(n, 1, 12) : 1;
	r->client.n_ends = r->server.n_ends = r->n_conns;
	for (unsigned i = 0; i < r->n_conns; i++) {
		struct simend *c = &r->client.end[i], *s = &r->server.end[i];

		c->pattern_out = s->pattern_in = simnet_random(n);
		c->pattern_in = s->pattern_out = simnet_random(n);
		c->to_send = s->to_recv = draw_size(n);
		c->to_recv = s->to_send = draw_size(n);
		draw_pause(n, c);
		draw_pause(n, s);
	}
}

static int build(struct run *r, struct pools *p)
{
	struct simnet *n = &r->net;
	unsigned ia, ib;
	int rc;

	rc = simnet_host(n, "client", &p->client);
	if (rc == 0)
		rc = simnet_host(n, "server", &p->server);
	if (rc == 0)
		rc = simnet_wire(n, 0, 1, &r->wire, &ia, &ib);
	if (rc == 0)
		rc = simnet_addr(n, 0, ia, r->v6 ? "fd09::1/64" : "10.9.0.1/24");
	if (rc == 0)
		rc = simnet_addr(n, 1, ib, r->v6 ? "fd09::2/64" : "10.9.0.2/24");
	return rc;
}

static int start(struct run *r)
{
	struct ipaddr to;
	int rc = simapp_init(&r->client, r->net.host[0].stack);

	if (rc < 0)
		return rc;
	rc = simapp_init(&r->server, r->net.host[1].stack);
	if (rc < 0) {
		simapp_fini(&r->client);
		return rc;
	}
	draw_ends(r);
	rc = simapp_listen(&r->server, r->v6, SERVER_PORT);
	if (rc == 0)
		rc = ipaddr_parse(r->v6 ? "fd09::2" : "10.9.0.2", &to);
	for (unsigned i = 0; rc == 0 && i < r->n_conns; i++)
		rc = simapp_connect(&r->client, i, &to, SERVER_PORT);
	if (rc < 0) {
		simapp_fini(&r->client);
		simapp_fini(&r->server);
	}
	return rc;
}

/* Every now and then the next allocation fails: of a buffer at either end, or of memory. */
static void inject(struct run *r)
{
	struct simnet *n = &r->net;

	if (!r->opt->faults || n->now_ns < r->fail_next_ns)
		return;
	r->fail_next_ns = n->now_ns + simnet_range(n, MS, 50 * MS);
	switch (simnet_range(n, 0, 2)) {
	case 0:
		memfail_arm(&r->mem, simnet_range(n, 1, 5), false);
		break;
	case 1:
		mbuf_pool_fail(n->host[0].pool, (int64_t)simnet_range(n, 0, 20), false);
		break;
	default:
		mbuf_pool_fail(n->host[1].pool, (int64_t)simnet_range(n, 0, 20), false);
	}
}

static bool step(void *ctx)
{
	struct run *r = ctx;
	bool any;

	inject(r);
	any = simapp_step(&r->client);
	return simapp_step(&r->server) || any;
}

static bool done(void *ctx)
{
	struct run *r = ctx;

	/* With faults one end may never hear that the other gave up before its own timeout. */
	return simapp_done(&r->client) && (r->opt->faults || simapp_done(&r->server));
}

static uint64_t next_ns(void *ctx)
{
	struct run *r = ctx;

	return min_u64(simapp_next_ns(&r->client), simapp_next_ns(&r->server));
}

static void check_end(struct run *r, const struct simend *e)
{
	if (e->wrong)
		r->why = "a byte was wrong";
	else if (r->opt->faults)
		return;
	else if (e->err)
		r->why = strerror(e->err);
	else if (e->received != e->to_recv || e->sent != e->to_send)
		r->why = "bytes are missing";
}

static void check_ends(struct run *r)
{
	for (unsigned i = 0; i < r->n_conns; i++) {
		check_end(r, &r->client.end[i]);
		check_end(r, &r->server.end[i]);
	}
}

static void check_pool(struct run *r, struct mbuf_pool *pool, const uint64_t *unspec_before)
{
	struct mbuf_pool_stats st;

	mbuf_pool_fail(pool, -1, false);
	mbuf_pool_stats(pool, &st);
	if (st.drops[DROP_UNSPEC] != *unspec_before)
		r->why = "a packet was dropped without a reason";
	if (!mbuf_pool_full(pool))
		r->why = "packet buffers are missing";
}

static void print_line(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "    %s\n", text);
}

static void describe(struct run *r, uint64_t seed, struct pools *p)
{
	fprintf(stderr,
		"seed %llu: %s\n  virtual time %.3f s, %u connections, %s, mtu %u, offload %d\n",
		(unsigned long long)seed, r->why, (double)r->net.now_ns / 1e9, r->n_conns,
		r->v6 ? "IPv6" : "IPv4", r->wire.mtu, r->wire.offload);
	for (unsigned i = 0; i < r->n_conns; i++) {
		const struct simend *c = &r->client.end[i], *s = &r->server.end[i];

		fprintf(stderr,
			"  %2u client sent %llu/%llu got %llu/%llu err %d done %d; server sent "
			"%llu/%llu got %llu/%llu err %d done %d\n",
			i, (unsigned long long)c->sent, (unsigned long long)c->to_send,
			(unsigned long long)c->received, (unsigned long long)c->to_recv, c->err,
			c->done, (unsigned long long)s->sent, (unsigned long long)s->to_send,
			(unsigned long long)s->received, (unsigned long long)s->to_recv, s->err,
			s->done);
	}
	mbuf_pool_dump(p->client, 10, print_line, NULL);
	mbuf_pool_dump(p->server, 10, print_line, NULL);
	fprintf(stderr, "  repeat: %s %s--seed %llu --pcap /tmp/seed%llu.pcapng\n", r->opt->program,
		r->opt->faults ? "--faults " : "", (unsigned long long)seed,
		(unsigned long long)seed);
}

static void capture(struct run *r)
{
	int rc = sim_wire_pcap(sim_wire_of(r->net.host[0].stack->ports[0]), r->opt->pcap);

	if (rc < 0)
		fprintf(stderr, "%s: %s\n", r->opt->pcap, strerror(-rc));
}

static void play(struct run *r)
{
	struct simnet_prog prog = {
		.step = step,
		.done = done,
		.next_ns = next_ns,
		.ctx = r,
		.until_ns = UNTIL_NS,
		.max_steps = MAX_STEPS,
	};

	if (r->opt->pcap)
		capture(r);
	if (!simnet_run(&r->net, &prog))
		r->why = "not done in time";
	memfail_arm(&r->mem, 0, false);
	check_ends(r);
	if (r->opt->verbose)
		printf("seed %llu: %.3f s virtual, %u connections, rto %llu, fast %llu, sack "
		       "%llu\n",
		       (unsigned long long)r->net.seed, (double)r->net.now_ns / 1e9, r->n_conns,
		       (unsigned long long)tcp_counters(r->client.stack)->rto,
		       (unsigned long long)tcp_counters(r->client.stack)->fast_recovery,
		       (unsigned long long)tcp_counters(r->client.stack)->sack_rexmits);
	simapp_fini(&r->client);
	simapp_fini(&r->server);
}

static bool run_seed(uint64_t seed, const struct options *opt, struct pools *p)
{
	static struct run r;
	uint64_t unspec[2] = {0, 0};
	int rc;

	memset(&r, 0, sizeof(r));
	r.opt = opt;
	memfail_init(&r.mem, mem_libc());
	simnet_init(&r.net, seed, memfail_mem(&r.mem));
	if (p->client) {
		unspec[0] = p->client->stats.drops[DROP_UNSPEC];
		unspec[1] = p->server->stats.drops[DROP_UNSPEC];
	}
	draw_wire(&r);
	rc = build(&r, p);
	if (rc == 0)
		rc = start(&r);
	if (rc == 0)
		play(&r);
	else
		r.why = strerror(-rc);
	simnet_fini(&r.net);
	check_pool(&r, p->client, &unspec[0]);
	check_pool(&r, p->server, &unspec[1]);
	if (memfail_outstanding(&r.mem) != 0)
		r.why = "memory was not given back";
	if (r.why)
		describe(&r, seed, p);
	return !r.why;
}

static void usage(FILE *f)
{
	fputs("usage: test_sim_tcp [--first N] [--seeds N] [--seed N] [--faults] [--pcap FILE] "
	      "[--verbose]\n"
	      "Simulated TCP over bad paths. --seed N runs that one and says more.\n",
	      f);
}

static bool parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"first", required_argument, NULL, 'f'}, {"seeds", required_argument, NULL, 'n'},
		{"seed", required_argument, NULL, 's'},  {"faults", no_argument, NULL, 'x'},
		{"pcap", required_argument, NULL, 'p'},  {"verbose", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'f':
			o->first = strtoull(optarg, NULL, 10);
			break;
		case 'n':
			o->seeds = strtoull(optarg, NULL, 10);
			break;
		case 's':
			o->first = strtoull(optarg, NULL, 10);
			o->seeds = 1;
			o->verbose = true;
			break;
		case 'x':
			o->faults = true;
			break;
		case 'p':
			o->pcap = optarg;
			break;
		case 'v':
			o->verbose = true;
			break;
		default:
			usage(c == 'h' ? stdout : stderr);
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	struct options o = {.first = 1, .seeds = 1000, .program = argv[0]};
	struct plat_eal_conf eal = {.huge = PLAT_HUGE_NEVER, .mem_mb = 128};
	struct pools p = {0};
	uint64_t bad = 0;
	char err[256];

	if (!parse_options(argc, argv, &o))
		return 2;
	if (plat_eal_init(&eal, err, sizeof(err)) < 0) {
		fprintf(stderr, "%s\n", err);
		return 1;
	}
	for (uint64_t seed = o.first; seed < o.first + o.seeds && bad < 10; seed++)
		if (!run_seed(seed, &o, &p))
			bad++;
	printf("%llu seeds, %llu failed\n", (unsigned long long)o.seeds, (unsigned long long)bad);
	if (mbuf_pool_destroy(p.client) || mbuf_pool_destroy(p.server))
		return 1;
	return bad ? 1 : 0;
}
