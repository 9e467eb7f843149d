/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP of a stack: set-up, teardown, counters. Called by the socket layer. */
#include "tcp/tcp.h"

#include "tcp/ecn.h"
#include "tcp/input.h"
#include "tcp/listen.h"

#include <errno.h>

#define BUF_DEFAULT (256u << 10) /* of one direction of a connection */
#define BUF_MAX     (4u << 20)
/* The largest part of the packet pool that autotuning gives to one direction. */
#define POOL_SHARE      2u
#define RUNS_PER_SOCKET 4u
#define FLOWS_ORDER     10u
#define BINDS_ORDER     6u

static const struct inet_proto proto = {
	.input = tcp_input,
	.error = tcp_error,
	.claim = tcp_claim,
	.claim_error = tcp_claim_error,
};

static void set_limits(const struct stack *s, struct tcp_limits *lim)
{
	uint32_t most = (uint32_t)min_u64(mbuf_pool_bytes(s->pool) / POOL_SHARE, BUF_MAX);
	uint32_t usual = min_u32(most, BUF_DEFAULT);

	*lim = (struct tcp_limits){
		.timestamps = 1,
		.window_scaling = 1,
		.sack = 1,
		.dsack = 1,
		.ecn = TCP_ECN_PASSIVE,
		.rmem = {min_u32(4096, usual), usual, most},
		.wmem = {min_u32(4608, usual), usual, most},
		.moderate_rcvbuf = 1,
		.notsent_lowat = UINT32_MAX,
		.cc = TCP_CC_CUBIC,
		.slow_start_after_idle = 1,
		.syncookies = 1,
		.syn_retries = 6,
		.synack_retries = 5,
		.retries1 = 3,
		.retries2 = 15, /* RFC 9293 3.8.3 R2: over 100 s in any case */
		.keepalive_time_s = 7200,
		.keepalive_intvl_s = 75,
		.keepalive_probes = 9,
		.fin_timeout_s = 60,
		.tw_reuse = 1,
		.mtu_probing = TCP_PMTUD_DOUBT,
		.base_mss = 1024,
		.mtu_probe_floor = TCP_LEAST_MSS, /* beside what every way takes */
		.probe_interval_s = 600,
		.fastopen = TCP_FASTOPEN_CLIENT,
		.ports = {32768, 60999},
		.half_open = max_u32(s->max_sockets / 4, 256),
		.timewait = s->max_sockets,
		.orphans = s->max_sockets / 2,
		.timewait_ns = UINT64_C(60000000000), /* 2 MSL of 30 s, as BSD and Linux */
	};
}

static void init_slabs(struct stack *s, struct tcp *t)
{
	const struct mem *mem = s->env.mem;

	slab_init(&t->pcbs, mem, "tcp-pcb", sizeof(struct tcp_pcb), s->max_sockets);
	slab_init(&t->halves, mem, "tcp-half-open", sizeof(struct tcp_half), t->limits.half_open);
	slab_init(&t->timewaits, mem, "tcp-time-wait", sizeof(struct tcp_timewait),
		  t->limits.timewait);
	slab_init(&t->runs, mem, "tcp-run", OOO_RUN_BYTES,
		  (size_t)RUNS_PER_SOCKET * s->max_sockets);
}

static void fini_slabs(struct tcp *t)
{
	slab_fini(&t->runs);
	slab_fini(&t->timewaits);
	slab_fini(&t->halves);
	slab_fini(&t->pcbs);
}

int tcp_init(struct stack *s, const struct tcp_events *ev)
{
	struct tcp *t = mem_zalloc_aligned(s->env.mem, sizeof(*t), CACHE_LINE);
	int err;

	if (!t)
		return -ENOMEM;
	s->tcp = t;
	t->ev = ev;
	list_init(&t->dead);
	set_limits(s, &t->limits);
	init_slabs(s, t);
	err = htab_init(&t->flows, s->env.mem, FLOWS_ORDER);
	if (err < 0)
		goto free_tcp;
	err = htab_init(&t->binds, s->env.mem, BINDS_ORDER);
	if (err < 0)
		goto fini_flows;
	err = tcp_listeners_init(s);
	if (err < 0)
		goto fini_binds;
	err = tcp_rules_init(s);
	if (err < 0)
		goto fini_listeners;
	tcp_isn_init(s, &t->isn);
	tcp_synq_init(s);
	tcp_timewait_init(s);
	inet_proto_register(s, INET_PROTO_TCP, &proto);
	return 0;

fini_listeners:
	tcp_listeners_fini(s);
fini_binds:
	htab_fini(&t->binds);
fini_flows:
	htab_fini(&t->flows);
free_tcp:
	fini_slabs(t);
	s->tcp = NULL;
	mem_free(s->env.mem, t, sizeof(*t));
	return err;
}

static void kill_one(void *obj, void *arg)
{
	(void)arg;
	tcp_pcb_kill(obj);
}

void tcp_fini(struct stack *s)
{
	struct tcp *t = s->tcp;

	tcp_enter(s);
	tcp_listeners_fini(s);
	tcp_rules_fini(s);
	tcp_synq_fini(s);
	tcp_timewait_fini(s);
	slab_for_each(&t->pcbs, kill_one, NULL);
	tcp_leave(s);
	htab_fini(&t->binds);
	htab_fini(&t->flows);
	fini_slabs(t);
	s->tcp = NULL;
	mem_free(s->env.mem, t, sizeof(*t));
}

const struct tcp_counters *tcp_counters(const struct stack *s)
{
	return &s->tcp->cnt;
}

uint32_t tcp_pcb_count(const struct stack *s)
{
	return (uint32_t)slab_count(&s->tcp->pcbs);
}

uint32_t tcp_timewait_count(const struct stack *s)
{
	return (uint32_t)slab_count(&s->tcp->timewaits);
}
