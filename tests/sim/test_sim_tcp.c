/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two stacks on virtual time with a bad path between them; everything is drawn from a seed: the
 * world (simworld.h), the family, the offloads, sizes and numbers of connections, pauses of the
 * readers. At every step the model (simmodel.h) looks at the wire and at both stacks. Each run ends
 * with every byte right, every connection closed in good order, and every buffer and every byte of
 * memory back. With --faults packet buffers and memory fail at random too: then connections may
 * fail, but nothing may leak, hang or be wrong.
 *
 *	client 10.9.0.1 / fd09::1 ======== server 10.9.0.2 / fd09::2
 *
 * A seed that fails prints the command that repeats it.
 */
#include "simapp.h"
#include "simmodel.h"
#include "simnet.h"
#include "simworld.h"

#include "base/memfail.h"
#include "plat/eal.h"
#include "tcp/pcb.h"

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
	int world; /* enum simworld_kind, -1: by chance */
	bool no_model;
	const char *pcap;
	const char *program;
};

struct run {
	struct simnet net;
	struct simapp client, server;
	struct memfail mem;
	struct simworld world;
	struct simmodel model;
	uint64_t start_ns;
	uint64_t fail_next_ns;
	const struct options *opt;
	const char *why; /* what went wrong */
	bool gave_up;
};

/* The pools outlive the runs: making them is the dearest part. */
struct pools {
	struct mbuf_pool *of[SIMNET_HOSTS];
	uint64_t gave_up; /* runs that a burst of loss ended */
};

/* The model looks at both ends of the path. */
static int watch(struct run *r)
{
	struct simmodel *m = &r->model;
	struct sim_wire *near = sim_wire_of(r->net.host[0].stack->ports[0]);
	struct sim_wire *far = sim_wire_of(r->net.host[1].stack->ports[0]);
	int rc;

	simmodel_init(m, &r->client, &r->server, &r->net.now_ns, r->world.wire.offload);
	m->faults = r->opt->faults;
	rc = simmodel_tap(m, near, true, near == far);
	if (rc == 0 && near != far)
		rc = simmodel_tap(m, far, false, true);
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
	/* Each end has an algorithm of its own. */
	r->client.stack->tcp->limits.cc = (uint8_t)(r->net.seed % TCP_CC_COUNT);
	r->server.stack->tcp->limits.cc = (uint8_t)(r->net.seed / TCP_CC_COUNT % TCP_CC_COUNT);
	simworld_wrap(&r->world, &r->net);
	simworld_draw_ends(&r->world, &r->net, &r->client, &r->server);
	r->start_ns = r->net.now_ns;
	rc = watch(r);
	if (rc == 0)
		rc = simapp_listen(&r->server, r->world.v6, SERVER_PORT);
	if (rc == 0)
		rc = ipaddr_parse(simworld_server(&r->world), &to);
	for (unsigned i = 0; rc == 0 && i < r->world.n_conns; i++)
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

static void look(struct run *r)
{
	if (!r->opt->no_model)
		simmodel_step(&r->model);
}

static bool step(void *ctx)
{
	struct run *r = ctx;
	bool any;

	inject(r);
	simworld_turn(&r->world, &r->net, r->start_ns);
	look(r);
	any = simapp_step(&r->client);
	any |= simapp_step(&r->server);
	look(r);
	return any;
}

static bool done(void *ctx)
{
	struct run *r = ctx;

	if (r->model.broken)
		return true;
	/* With faults one end may never hear that the other gave up before its own timeout. */
	return simapp_done(&r->client) && (r->opt->faults || simapp_done(&r->server));
}

static uint64_t next_ns(void *ctx)
{
	struct run *r = ctx;

	uint64_t next = min_u64(simapp_next_ns(&r->client), simapp_next_ns(&r->server));

	return min_u64(next, simworld_next_ns(&r->world, r->start_ns));
}

/* A burst of loss may outlast the patience of a connection that its program has closed already:
 * nobody is left to be told, and the other end never hears the rest. */
static bool gave_up(const struct run *r)
{
	return (r->world.wire.ab.burst_ppm || r->world.wire.ba.burst_ppm) &&
	       tcp_counters(r->client.stack)->timeouts + tcp_counters(r->server.stack)->timeouts >
		       0;
}

static void check_end(struct run *r, const struct simend *e)
{
	if (e->wrong)
		r->why = "a byte was wrong";
	else if (r->opt->faults || r->gave_up)
		return;
	else if (e->err)
		r->why = strerror(e->err);
	else if (e->received != e->to_recv || e->sent != e->to_send)
		r->why = "bytes are missing";
}

static void check_ends(struct run *r)
{
	r->gave_up = gave_up(r);
	for (unsigned i = 0; i < r->world.n_conns; i++) {
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
		"seed %llu: %s\n  virtual time %.3f s, world %s, %u connections, %s, mtu %u, "
		"offload %d\n",
		(unsigned long long)seed, r->why, (double)r->net.now_ns / 1e9,
		simworld_name[r->world.kind], r->world.n_conns, r->world.v6 ? "IPv6" : "IPv4",
		r->world.wire.mtu, r->world.wire.offload);
	if (r->model.broken)
		fprintf(stderr, "  rule %s at %.6f s: %s\n  %s\n", simrule_name[r->model.rule],
			(double)r->model.at_ns / 1e9, simrule_text[r->model.rule], r->model.detail);
	for (unsigned i = 0; i < r->world.n_conns; i++) {
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
	for (unsigned i = 0; i < SIMNET_HOSTS; i++)
		if (p->of[i])
			mbuf_pool_dump(p->of[i], 10, print_line, NULL);
	fprintf(stderr, "  repeat: %s %s", r->opt->program, r->opt->faults ? "--faults " : "");
	if (r->opt->world >= 0)
		fprintf(stderr, "--world %s ", simworld_name[r->opt->world]);
	fprintf(stderr, "--seed %llu --pcap /tmp/seed%llu.pcapng\n", (unsigned long long)seed,
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
	if (r->model.broken)
		r->why = "a rule of the model was broken";
	else
		check_ends(r);
	if (r->opt->verbose)
		printf("seed %llu: %s, %.3f s virtual, %u connections, %llu segments, rto %llu, "
		       "fast %llu, sack %llu\n",
		       (unsigned long long)r->net.seed, simworld_name[r->world.kind],
		       (double)r->net.now_ns / 1e9, r->world.n_conns,
		       (unsigned long long)r->model.n_segments,
		       (unsigned long long)tcp_counters(r->client.stack)->rto,
		       (unsigned long long)tcp_counters(r->client.stack)->fast_recovery,
		       (unsigned long long)tcp_counters(r->client.stack)->sack_rexmits);
	simapp_fini(&r->client);
	simapp_fini(&r->server);
}

/* What the pools had counted when the run began. */
static void note_unspec(const struct pools *p, uint64_t *unspec)
{
	for (unsigned i = 0; i < SIMNET_HOSTS; i++)
		unspec[i] = p->of[i] ? p->of[i]->stats.drops[DROP_UNSPEC] : 0;
}

static bool run_seed(uint64_t seed, const struct options *opt, struct pools *p)
{
	static struct run r;
	uint64_t unspec[SIMNET_HOSTS];
	int rc;

	memset(&r, 0, sizeof(r));
	r.opt = opt;
	memfail_init(&r.mem, mem_libc());
	simnet_init(&r.net, seed, memfail_mem(&r.mem));
	note_unspec(p, unspec);
	simworld_draw(&r.world, &r.net, opt->world);
	rc = simworld_build(&r.world, &r.net, p->of);
	if (rc == 0)
		rc = start(&r);
	if (rc == 0)
		play(&r);
	else
		r.why = strerror(-rc);
	simmodel_fini(&r.model);
	simisn_near_wrap(NULL);
	simnet_fini(&r.net);
	for (unsigned i = 0; i < SIMNET_HOSTS; i++)
		if (p->of[i])
			check_pool(&r, p->of[i], &unspec[i]);
	if (memfail_outstanding(&r.mem) != 0)
		r.why = "memory was not given back";
	p->gave_up += r.gave_up;
	if (r.why)
		describe(&r, seed, p);
	return !r.why;
}

static void usage(FILE *f)
{
	fputs("usage: test_sim_tcp [--first N] [--seeds N] [--seed N] [--world NAME] [--faults] "
	      "[--no-model] [--pcap FILE] [--verbose]\n"
	      "Simulated TCP over bad paths. --seed N runs that one and says more.\nworlds:",
	      f);
	for (unsigned i = 0; i < SIMWORLDS; i++)
		fprintf(f, " %s", simworld_name[i]);
	fputc('\n', f);
}

static bool parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"first", required_argument, NULL, 'f'}, {"seeds", required_argument, NULL, 'n'},
		{"seed", required_argument, NULL, 's'},  {"faults", no_argument, NULL, 'x'},
		{"pcap", required_argument, NULL, 'p'},  {"verbose", no_argument, NULL, 'v'},
		{"world", required_argument, NULL, 'w'}, {"no-model", no_argument, NULL, 'm'},
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
		case 'w':
			o->world = simworld_by_name(optarg);
			if (o->world < 0) {
				usage(stderr);
				return false;
			}
			break;
		case 'm':
			o->no_model = true;
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
	struct options o = {.first = 1, .seeds = 1000, .world = -1, .program = argv[0]};
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
	printf("%llu seeds, %llu failed, %llu given up in a burst of loss\n",
	       (unsigned long long)o.seeds, (unsigned long long)bad, (unsigned long long)p.gave_up);
	/* What is not looked at for its bytes must stay the exception. */
	if (!o.faults && p.gave_up > 1 + o.seeds / 500)
		bad++;
	for (unsigned i = 0; i < SIMNET_HOSTS; i++)
		if (p.of[i] && mbuf_pool_destroy(p.of[i]))
			return 1;
	return bad ? 1 : 0;
}
