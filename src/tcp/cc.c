/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Congestion control: what all algorithms share (RFC 5681, RFC 6928, RFC 6582), and the dispatch to
 * their rows. NewReno is here, CUBIC in cc_cubic.c. Called by TCP's input and timers; pure.
 */
#include "tcp/cc_ops.h"

#include "base/compiler.h"

#include <errno.h>
#include <string.h>

#define CWND_MIN_SEGS 2u /* RFC 5681 3.1: ssthresh >= 2 segments */

static const struct tcp_cc_ops *const rows[TCP_CC_COUNT] = {
	[TCP_CC_CUBIC] = &tcp_cc_cubic_ops,
	[TCP_CC_NEWRENO] = &tcp_cc_newreno_ops,
	[TCP_CC_BBR] = &tcp_cc_bbr_ops,
};

static const char *const names[TCP_CC_COUNT] = {
#define X(id, name) [TCP_CC_##id] = name,
	TCP_CC_TABLE(X)
#undef X
};

static const struct tcp_cc_ops *ops_of(const struct tcp_cc *cc)
{
	return rows[cc->kind];
}

void tcp_cc_grow(struct tcp_cc *cc, uint32_t bytes)
{
	cc->cwnd = min_u32(cc->cwnd + min_u32(bytes, TCP_CC_CWND_MAX), TCP_CC_CWND_MAX);
}

/* RFC 6928: min(10 segments, max(2 segments, 14600 bytes)). */
static uint32_t initial_window(uint32_t mss)
{
	return min_u32(10 * mss, max_u32(2 * mss, 14600));
}

void tcp_cc_init(struct tcp_cc *cc, enum tcp_cc_kind kind, uint32_t mss)
{
	memset(cc, 0, sizeof(*cc));
	cc->mss = max_u32(mss, 1);
	cc->cwnd = initial_window(cc->mss);
	cc->ssthresh = TCP_CC_SSTHRESH_MAX;
	cc->kind = (uint8_t)kind;
	tcp_hystart_init(&cc->hystart);
}

/* From a model's hands into a window's: no second exponential search. */
static void leave_model(struct tcp_cc *cc, const struct mem *mem)
{
	ops_of(cc)->model->destroy(cc, mem);
	cc->has_model = false;
	cc->pacing_rate = 0;
	cc->ssthresh = cc->cwnd;
}

int tcp_cc_switch(struct tcp_cc *cc, enum tcp_cc_kind kind, const struct mem *mem,
		  const struct tcp_cc_start *start)
{
	const struct tcp_cc_model *model = rows[kind]->model;
	struct tcp_cc next = *cc;

	if (cc->kind == kind)
		return 0;
	memset(&next.u, 0, sizeof(next.u));
	if (model && model->create(&next, mem) < 0)
		return -ENOMEM;
	if (cc->has_model) {
		leave_model(cc, mem);
		next.pacing_rate = 0;
		next.ssthresh = cc->ssthresh;
	}
	*cc = next;
	cc->kind = (uint8_t)kind;
	cc->has_model = model != NULL;
	cc->undo_cwnd = 0;
	if (model) {
		cc->ssthresh = TCP_CC_SSTHRESH_MAX;
		model->start(cc, start);
	}
	return 0;
}

void tcp_cc_restart(struct tcp_cc *cc, uint32_t mss, const struct tcp_cc_start *start)
{
	struct tcp_cc old = *cc;

	tcp_cc_init(cc, (enum tcp_cc_kind)old.kind, mss);
	if (!old.has_model)
		return;
	cc->has_model = true;
	cc->u = old.u;
	ops_of(cc)->model->start(cc, start);
}

void tcp_cc_fini(struct tcp_cc *cc, const struct mem *mem)
{
	if (!cc->has_model)
		return;
	leave_model(cc, mem);
	cc->kind = TCP_CC_CUBIC;
}

void tcp_cc_set_mss(struct tcp_cc *cc, uint32_t mss)
{
	bool untouched = cc->cwnd == initial_window(cc->mss) && cc->ssthresh == TCP_CC_SSTHRESH_MAX;

	cc->mss = max_u32(mss, 1);
	if (untouched)
		cc->cwnd = initial_window(cc->mss);
	cc->cwnd = max_u32(cc->cwnd, cc->mss);
}

/* How much of the acknowledged bytes slow start turns into window. RFC 9406 4.2; without a limit L:
 * stretch ACKs of receivers with GRO are the rule (RFC 3465 2.2 has the limit against bursts). */
static uint32_t slow_start_growth(struct tcp_cc *cc, const struct tcp_cc_ack *ack, uint32_t bytes)
{
	/* The first slow start alone: later ones know where to stop (RFC 9406 4.3). */
	if (!ops_of(cc)->hystart || cc->ssthresh != TCP_CC_SSTHRESH_MAX)
		return bytes;
	if (tcp_hystart_on_ack(&cc->hystart, ack->una, ack->nxt, ack->rtt_us) == TCP_HYSTART_DONE) {
		cc->ssthresh = cc->cwnd;
		return 0;
	}
	return tcp_hystart_growth(&cc->hystart, bytes);
}

static void slow_start(struct tcp_cc *cc, const struct tcp_cc_ack *ack)
{
	uint32_t n = slow_start_growth(cc, ack, ack->acked_bytes);
	uint32_t room = cc->ssthresh - cc->cwnd;

	tcp_cc_grow(cc, min_u32(n, room));
	if (n > room)
		ops_of(cc)->avoid(cc, ack, n - room);
}

void tcp_cc_on_ack(struct tcp_cc *cc, const struct tcp_cc_ack *ack)
{
	if (cc->has_model)
		return;
	/* A window that was not used proves nothing: it must not grow (RFC 7661 4.4, RFC 9438 5.8).
	 */
	if (!ack->cwnd_limited || ack->acked_bytes == 0) {
		if (ops_of(cc)->unused)
			ops_of(cc)->unused(cc, ack->now_ns);
		return;
	}
	if (tcp_cc_in_slow_start(cc))
		slow_start(cc, ack);
	else
		ops_of(cc)->avoid(cc, ack, ack->acked_bytes);
}

static void keep_for_undo(struct tcp_cc *cc)
{
	cc->undo_cwnd = cc->cwnd;
	cc->undo_ssthresh = cc->ssthresh;
	cc->undo_u = cc->u;
}

static void reduce(struct tcp_cc *cc, uint32_t flight_bytes, uint64_t now_ns)
{
	uint32_t to;

	keep_for_undo(cc);
	to = ops_of(cc)->ssthresh(cc, flight_bytes, now_ns);
	cc->ssthresh = max_u32(to, CWND_MIN_SEGS * cc->mss);
}

void tcp_cc_on_loss(struct tcp_cc *cc, uint32_t flight_bytes, uint64_t now_ns)
{
	if (cc->has_model) {
		ops_of(cc)->model->on_recovery(cc, false);
		return;
	}
	reduce(cc, flight_bytes, now_ns);
	cc->cwnd = cc->ssthresh;
}

void tcp_cc_on_repaired(struct tcp_cc *cc, uint32_t flight_bytes, uint64_t now_ns)
{
	if (cc->has_model)
		ops_of(cc)->model->on_mark(cc);
	else
		tcp_cc_on_loss(cc, flight_bytes, now_ns);
}

void tcp_cc_on_ecn(struct tcp_cc *cc, uint32_t flight_bytes, uint64_t now_ns)
{
	tcp_cc_on_repaired(cc, flight_bytes, now_ns);
	cc->undo_cwnd = 0; /* a mark is no mistake */
}

void tcp_cc_on_rto(struct tcp_cc *cc, uint32_t flight_bytes, bool first, uint64_t now_ns)
{
	if (cc->has_model) {
		ops_of(cc)->model->on_recovery(cc, true);
		return;
	}
	if (first)
		reduce(cc, flight_bytes, now_ns);
	if (ops_of(cc)->timeout)
		ops_of(cc)->timeout(cc);
	cc->cwnd = cc->mss; /* RFC 5681 3.1: loss window */
}

void tcp_cc_on_recovered(struct tcp_cc *cc)
{
	if (cc->has_model)
		ops_of(cc)->model->on_recovered(cc);
	else
		cc->cwnd = cc->ssthresh;
}

void tcp_cc_on_sample(struct tcp_cc *cc, const struct tcp_cc_sample *s)
{
	ops_of(cc)->model->on_sample(cc, s);
}

void tcp_cc_on_lost(struct tcp_cc *cc, const struct tcp_cc_lost *l)
{
	ops_of(cc)->model->on_lost(cc, l);
}

void tcp_cc_on_restart(struct tcp_cc *cc, uint64_t now_ns, uint32_t delivered)
{
	ops_of(cc)->model->on_restart(cc, now_ns, delivered);
}

void tcp_cc_on_idle(struct tcp_cc *cc, uint64_t idle_ns, uint64_t rto_ns, uint64_t now_ns)
{
	uint32_t restart = initial_window(cc->mss);

	if (cc->has_model)
		return;
	/* Halve once for each RTO of silence, down to the restart window (RFC 5681 4.1 would fall
	 * there at once; RFC 2861's decay keeps what is still likely true). */
	while (idle_ns > rto_ns && cc->cwnd > restart) {
		cc->cwnd = max_u32(cc->cwnd / 2, restart);
		idle_ns -= rto_ns;
	}
	if (ops_of(cc)->idle)
		ops_of(cc)->idle(cc, now_ns);
	cc->undo_cwnd = 0;
}

void tcp_cc_undo(struct tcp_cc *cc)
{
	if (cc->has_model) {
		ops_of(cc)->model->on_undo(cc);
		return;
	}
	if (cc->undo_cwnd == 0)
		return;
	cc->cwnd = max_u32(cc->cwnd, cc->undo_cwnd);
	cc->ssthresh = max_u32(cc->ssthresh, cc->undo_ssthresh);
	cc->u = cc->undo_u;
	cc->undo_cwnd = 0;
}

int tcp_cc_by_name(const char *name)
{
	if (strcmp(name, "newreno") == 0)
		return TCP_CC_NEWRENO; /* as FreeBSD calls it */
	for (int i = 0; i < TCP_CC_COUNT; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

const char *tcp_cc_name(enum tcp_cc_kind kind)
{
	return names[kind];
}

/* ---- NewReno ---- */

/* One segment for each window of acknowledged bytes (RFC 5681 3.1 equation 3 counted in bytes). */
static void newreno_avoid(struct tcp_cc *cc, const struct tcp_cc_ack *ack, uint32_t bytes)
{
	struct tcp_cc_newreno *r = &cc->u.newreno;

	(void)ack;
	r->acked_bytes += min_u32(bytes, TCP_CC_CWND_MAX);
	while (r->acked_bytes >= cc->cwnd) {
		r->acked_bytes -= cc->cwnd;
		tcp_cc_grow(cc, cc->mss);
	}
}

/* RFC 5681 3.1 equation 4. */
static uint32_t newreno_ssthresh(struct tcp_cc *cc, uint32_t flight_bytes, uint64_t now_ns)
{
	(void)now_ns;
	cc->u.newreno.acked_bytes = 0;
	/* Equation 4 has the flight alone; where cwnd was lowered below it, as after a timeout, a
	 * loss must not raise it. */
	return min_u32(flight_bytes, cc->cwnd) / 2;
}

const struct tcp_cc_ops tcp_cc_newreno_ops = {
	.avoid = newreno_avoid,
	.ssthresh = newreno_ssthresh,
};
