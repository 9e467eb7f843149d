/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model's view of the control blocks. Each is compared with itself one step ago (simshadow) and
 * with what the wire has shown (simhalf). Rules that cannot be judged from outside, such as how
 * much of the flight is lost, are judged as upper bounds.
 */
#include "simmodel.h"

#include "tcp/output.h"
#include "tcp/pcb.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SIMAPP_PORT 20000u
/* A wheel tick, and a round of the other hosts. */
#define LATE_NS UINT64_C(1000000)

const char *const simrule_name[SIMRULES] = {
#define X(id, text) [SIMRULE_##id] = #id,
	SIMRULE_TABLE(X)
#undef X
};

const char *const simrule_text[SIMRULES] = {
#define X(id, text) [SIMRULE_##id] = (text),
	SIMRULE_TABLE(X)
#undef X
};

void simmodel_break(struct simmodel *m, enum simrule rule, const char *fmt, ...)
{
	va_list ap;

	if (m->broken)
		return;
	m->broken = true;
	m->rule = rule;
	m->at_ns = *m->now_ns;
	va_start(ap, fmt);
	(void)vsnprintf(m->detail, sizeof(m->detail), fmt, ap);
	va_end(ap);
}

struct simconn *simmodel_conn(struct simmodel *m, uint16_t client_port)
{
	unsigned i = client_port - SIMAPP_PORT;

	return client_port >= SIMAPP_PORT && i < SIMAPP_ENDS ? &m->conn[i] : NULL;
}

uint64_t simmodel_lost_below(const struct stack *s)
{
	const uint64_t *drops = s->pool->stats.drops;

	return drops[DROP_NOBUF] + drops[DROP_NEIGH_QUEUE_FULL] + drops[DROP_NEIGH_TABLE_FULL] +
	       drops[DROP_NEIGH_UNREACHABLE];
}

void simmodel_init(struct simmodel *m, struct simapp *client, struct simapp *server,
		   const uint64_t *now_ns, bool offload)
{
	*m = (struct simmodel){.now_ns = now_ns, .offload = offload};
	m->app[SIM_CLIENT] = client;
	m->app[SIM_SERVER] = server;
	for (unsigned i = 0; i < SIM_SIDES; i++)
		m->lost_below[i] = simmodel_lost_below(m->app[i]->stack);
	simstate_watch(m);
}

int simmodel_tap(struct simmodel *m, struct sim_wire *w, bool has_client, bool has_server)
{
	struct simtap *t = &m->tap[m->n_taps++];

	*t = (struct simtap){.model = m, .has_client = has_client, .has_server = has_server};
	return sim_wire_hook(w, simwire_event, t);
}

void simmodel_fini(struct simmodel *m)
{
	simstate_watch(NULL);
	for (unsigned i = 0; i < SIMAPP_ENDS; i++)
		for (unsigned k = 0; k < SIM_SIDES; k++)
			simset_clear(&m->conn[i].half[k].got);
}

/* ---- one control block ---- */

/* What is looked at together. */
struct look {
	struct simmodel *m;
	enum simside side;
	struct simconn *conn;
	struct simhalf *own, *peer;
	const struct tcp_pcb *pcb;
	struct simshadow *was;
	uint32_t flight;
	bool again;   /* was is of the same connection, open then as now */
	bool in_sync; /* data may flow */
};

#define BREAK(k, rule, fmt, ...) \
	simmodel_break((k)->m, SIMRULE_##rule, "port %u, %s, state %u: " fmt, \
		       (unsigned)(SIMAPP_PORT + ((k)->conn - (k)->m->conn)), \
		       (k)->side == SIM_CLIENT ? "client" : "server", (k)->pcb->state, \
		       __VA_ARGS__)

static void check_numbers(const struct look *k)
{
	const struct tcp_pcb *p = k->pcb;
	uint32_t have = simset_prefix(&k->peer->got);
	uint32_t nxt = p->snd_nxt - p->iss, una = p->snd_una - p->iss;

	if (seq_gt(p->snd_una, p->snd_nxt) || seq_gt(p->snd_nxt, tcp_pcb_snd_end(p)))
		BREAK(k, NUMBERS, "una %u nxt %u", una, nxt);
	if (k->again && (seq_lt(p->snd_una, k->was->una) || seq_lt(p->snd_nxt, k->was->nxt)))
		BREAK(k, NUMBERS, "back: una %u nxt %u", una, nxt);
	if (!k->own->syn || k->own->iss != p->iss || k->conn->odd)
		return;
	if ((int32_t)(una - k->own->ack_seen) > 0)
		BREAK(k, NUMBERS, "una %u, acknowledged is %u", una, k->own->ack_seen);
	if (k->peer->syn && (int32_t)(p->rcv_nxt - p->irs - have) > 0)
		BREAK(k, NUMBERS, "rcv_nxt %u, %u have arrived", p->rcv_nxt - p->irs, have);
	if ((int32_t)(nxt - k->own->edge_seen) > 0)
		BREAK(k, WINDOW, "nxt %u, the window ends at %u", nxt, k->own->edge_seen);
}

static void check_queues(const struct look *k)
{
	const struct tcp_pcb *p = k->pcb;
	uint32_t queued = seq_gt(p->write_seq, p->snd_una) ? p->write_seq - p->snd_una : 0;
	uint64_t mem = (uint64_t)p->rcv.mem_bytes + p->ooo.mem_bytes;

	if (p->snd.q.bytes < queued || p->snd.q.bytes > queued + MBUF_BIG_ROOM)
		BREAK(k, QUEUE, "%u bytes queued, %u unacknowledged", p->snd.q.bytes, queued);
	/* Packets as they came for as much memory as the limit, then two bytes for one of payload
	 * (rcvbuf.c), and twice the limit out of order (input_data.c); one packet at each border.
	 */
	if (mem > UINT64_C(5) * p->rcv.limit + 4 * MBUF_BIG_ROOM)
		BREAK(k, MEMORY, "%llu bytes, the limit is %u", (unsigned long long)mem,
		      p->rcv.limit);
	if (seq_gt(p->rcv_nxt, p->rcv_adv))
		BREAK(k, NUMBERS, "rcv_nxt %u beyond the window by %u", p->rcv_nxt - p->irs,
		      p->rcv_nxt - p->rcv_adv);
}

/* One record of what is in flight; at: where it has to begin. */
static void check_record(const struct look *k, const struct tcp_tx *tx, uint32_t at)
{
	const struct tcp_pcb *p = k->pcb;
	uint32_t seq = tx->seq - p->iss, end = tx->end - p->iss;

	if (tx->seq != at || seq_geq(tx->seq, tx->end) || seq_gt(tx->end, p->snd_nxt))
		BREAK(k, BOARD, "record %u..%u, expected at %u, una %u nxt %u", seq, end,
		      at - p->iss, p->snd_una - p->iss, p->snd_nxt - p->iss);
	else if (tx->state == TCP_TX_SACKED && !k->conn->odd && k->own->iss == p->iss &&
		 !simset_has(&k->own->got, seq, end))
		BREAK(k, BOARD, "%u..%u has not arrived", seq, end);
	if (tx->sent_ns > p->stack->now_ns)
		BREAK(k, BOARD, "%u..%u was sent in the future", seq, end);
}

static void check_board(const struct look *k)
{
	const struct tcp_sent *s = &k->pcb->sent;
	uint32_t at = k->pcb->snd_una, sum[TCP_TX_LOST + 1] = {0};

	for (unsigned i = 0; i < s->n; i++) {
		const struct tcp_tx *tx = &s->tx[s->order[(s->head + i) % s->cap]];

		check_record(k, tx, at);
		sum[tx->state] += tx->end - tx->seq;
		at = tx->end;
	}
	if (at != k->pcb->snd_nxt)
		BREAK(k, BOARD, "records end at %u, nxt %u", at - k->pcb->iss,
		      k->pcb->snd_nxt - k->pcb->iss);
	if (sum[TCP_TX_SACKED] != s->sacked_bytes || sum[TCP_TX_LOST] != s->lost_bytes)
		BREAK(k, BOARD, "sums %u %u, records %u %u", s->sacked_bytes, s->lost_bytes,
		      sum[TCP_TX_SACKED], sum[TCP_TX_LOST]);
}

/* ---- congestion control ---- */

/* Bytes that left the network since the last step, at most: a SACKed one may count twice. */
static uint32_t delivered(const struct look *k)
{
	uint32_t sacked = k->pcb->sent.sacked_bytes;

	return k->pcb->snd_una - k->was->una +
	       (sacked > k->was->sacked ? sacked - k->was->sacked : 0);
}

static bool undone(const struct look *k)
{
	return k->was->undo_cwnd != 0 && k->pcb->cc.undo_cwnd == 0;
}

static void check_growth(const struct look *k)
{
	const struct tcp_cc *cc = &k->pcb->cc;
	uint64_t most = (uint64_t)k->was->cwnd + delivered(k) + cc->mss;

	/* In recovery cwnd follows what is under way and comes down from where it was (RFC 9937).
	 */
	if (undone(k) || k->pcb->recovery == TCP_REC_FAST)
		most = max_u64(most, (uint64_t)k->was->undo_cwnd + delivered(k) + cc->mss);
	if (k->was->recovery != TCP_REC_OPEN)
		most = max_u64(most, (uint64_t)cc->ssthresh + delivered(k) + cc->mss);
	if (cc->cwnd > most)
		BREAK(k, CWND_GROWTH,
		      "cwnd from %u to %u, delivered %u, mss %u, recovery %u then %u, "
		      "ssthresh %u, undo %u",
		      k->was->cwnd, cc->cwnd, delivered(k), cc->mss, k->was->recovery,
		      k->pcb->recovery, cc->ssthresh, k->was->undo_cwnd);
}

/* RFC 5681 3.1 equation 4, RFC 9438 4.6: how much may be left, in tenths. */
static uint32_t beta_tenths(const struct tcp_cc *cc)
{
	return cc->kind == TCP_CC_CUBIC ? 7 : 5;
}

static void check_loss(const struct look *k)
{
	const struct tcp_cc *cc = &k->pcb->cc;
	uint64_t flight = max_u32(k->was->nxt, k->pcb->snd_nxt) - k->was->una;
	uint64_t top = max_u64(flight, (uint64_t)k->was->cwnd + delivered(k));
	uint64_t most = max_u64(top * beta_tenths(cc) / 10, 2 * cc->mss) + cc->mss;

	if (cc->ssthresh > most)
		BREAK(k, LOSS, "ssthresh %u, flight %llu, cwnd was %u", cc->ssthresh,
		      (unsigned long long)flight, k->was->cwnd);
}

/* All that is new is a tail loss probe, which goes whatever cwnd says (RFC 8985 7.3). */
static bool only_probe(const struct look *k)
{
	const struct tcp_pcb *p = k->pcb;

	return p->rack.tlp_out && !p->rack.tlp_rexmit && p->snd_nxt - k->was->nxt <= p->mss + 1u;
}

static void check_cc(const struct look *k)
{
	const struct tcp_pcb *p = k->pcb;
	const struct tcp_cc *cc = &p->cc;

	if (cc->cwnd < cc->mss || cc->mss != p->mss || cc->ssthresh < 2 * k->was->min_mss)
		BREAK(k, CWND_MIN, "cwnd %u ssthresh %u mss %u/%u", cc->cwnd, cc->ssthresh, cc->mss,
		      p->mss);
	if (!k->again || k->was->state < TCPS_ESTABLISHED || k->was->mss != p->mss)
		return;
	/* BBR's window follows its model of the path, not losses and acknowledgements. */
	if (!cc->has_model)
		check_growth(k);
	if (!cc->has_model && k->was->recovery == TCP_REC_OPEN && p->recovery == TCP_REC_FAST)
		check_loss(k);
	if (p->rexmits > k->was->rexmits && cc->cwnd > cc->mss)
		BREAK(k, RTO_WINDOW, "cwnd %u mss %u", cc->cwnd, cc->mss);
	/* Without memory what is lost may be taken for in flight again (tcp/sent.h). */
	if (k->m->faults)
		return;
	/* The FIN counts nowhere; what limited transmit lets out is subtracted by tcp_pipe(). */
	if (seq_gt(p->snd_nxt, k->was->nxt) && tcp_pipe(p) > cc->cwnd + 1 && !only_probe(k) &&
	    p->rexmits == k->was->rexmits)
		BREAK(k, CWND_SENT,
		      "pipe %u cwnd %u, was %u, una %u to %u, nxt %u to %u, recovery %u then %u",
		      tcp_pipe(p), cc->cwnd, k->was->cwnd, k->was->una - p->iss,
		      p->snd_una - p->iss, k->was->nxt - p->iss, p->snd_nxt - p->iss,
		      k->was->recovery, p->recovery);
}

/* ---- timers ---- */

static bool work_waits(const struct tcp_pcb *p)
{
	return list_linked(&p->work.link) || tcp_timer_on(p, TCP_TIMER_RETRY);
}

static void check_wheel(const struct look *k)
{
	const struct tcp_pcb *p = k->pcb;
	uint64_t first = TCP_TIMER_OFF;

	for (unsigned i = 0; i < TCP_TIMER_COUNT; i++)
		first = min_u64(first, p->deadline[i]);
	if (first == TCP_TIMER_OFF)
		return;
	if (!wheel_armed(&p->timer) || p->timer.expires_ns > first)
		BREAK(k, WHEEL, "deadline in %lld ns, the wheel does not know",
		      (long long)(first - *k->m->now_ns));
	if (first + LATE_NS < p->stack->now_ns)
		BREAK(k, WHEEL, "late by %llu ns", (unsigned long long)(p->stack->now_ns - first));
}

static void check_timers(const struct look *k)
{
	const struct tcp_pcb *p = k->pcb;
	bool rexmit = tcp_timer_on(p, TCP_TIMER_REXMIT);
	bool persist = tcp_timer_on(p, TCP_TIMER_PERSIST);

	check_wheel(k);
	if (p->state == TCPS_SYN_SENT || p->state == TCPS_SYN_RECEIVED) {
		if (!rexmit && !(p->flags & PCBF_EMBRYO))
			BREAK(k, REXMIT_TIMER, "%s", "a SYN waits");
		return;
	}
	if (!k->in_sync)
		return;
	if (rexmit != (k->flight > 0))
		BREAK(k, REXMIT_TIMER, "flight %u, timer %d", k->flight, rexmit);
	if (k->flight == 0 && tcp_pcb_snd_end(p) != p->snd_nxt && !persist && !work_waits(p))
		BREAK(k, PERSIST_TIMER, "%u bytes to send", tcp_pcb_snd_end(p) - p->snd_nxt);
	if (k->flight == 0 &&
	    (tcp_timer_on(p, TCP_TIMER_PROBE) || tcp_timer_on(p, TCP_TIMER_REORDER)))
		BREAK(k, REXMIT_TIMER, "%s", "a timer of RACK-TLP with nothing in flight");
	if (persist && k->flight > 0)
		BREAK(k, PERSIST_TIMER, "armed with %u in flight", k->flight);
}

/* ---- all ---- */

static void remember(const struct look *k)
{
	const struct tcp_pcb *p = k->pcb;
	uint32_t min_mss = k->again ? min_u32(k->was->min_mss, p->mss) : p->mss;

	*k->was = (struct simshadow){
		.pcb = p,
		.iss = p->iss,
		.una = p->snd_una,
		.nxt = p->snd_nxt,
		.cwnd = p->cc.cwnd,
		.ssthresh = p->cc.ssthresh,
		.undo_cwnd = p->cc.undo_cwnd,
		.mss = p->mss,
		.min_mss = min_mss,
		.sacked = p->sent.sacked_bytes,
		.state = p->state,
		.recovery = p->recovery,
		.rexmits = p->rexmits,
	};
}

static void look_at(struct look *k)
{
	const struct tcp_pcb *p = k->pcb;

	k->again = k->was->pcb == p && k->was->iss == p->iss;
	if (!k->again)
		k->was->min_mss = p->mss;
	k->was->min_mss = min_u32(k->was->min_mss, p->mss);
	k->in_sync = p->state >= TCPS_ESTABLISHED && p->state != TCPS_TIME_WAIT;
	k->flight = p->snd_nxt - p->snd_una;
	check_timers(k);
	if (k->in_sync) {
		check_numbers(k);
		check_queues(k);
		check_board(k);
		check_cc(k);
	}
	remember(k);
}

/* The control block of one side, once there is one; half-open entries are none. */
static const struct tcp_pcb *find(struct simmodel *m, const struct simconn *c, enum simside side)
{
	const struct stack *s = m->app[side]->stack;
	struct tcp_flow *f =
		side == SIM_CLIENT ? tcp_flow_lookup(s, &c->local, c->lport, &c->remote, c->rport)
				   : tcp_flow_lookup(s, &c->remote, c->rport, &c->local, c->lport);

	return f && f->kind == TCP_FLOW_PCB ? tcp_pcb_of_flow(f) : NULL;
}

static void learn_tuple(struct simmodel *m, unsigned i)
{
	const struct tcp_pcb *p = m->app[SIM_CLIENT]->end[i].pcb;
	struct simconn *c = &m->conn[i];

	if (c->lport || !p || p->flow.lport == 0)
		return;
	c->local = p->flow.local;
	c->remote = p->flow.remote;
	c->rport = p->flow.rport;
	c->lport = p->flow.lport;
}

/* It is gone since the last step: was its state one that ends so, in one round? */
static void check_gone(struct simmodel *m, struct simconn *c, enum simside side)
{
	struct simshadow *was = &c->shadow[side];
	const struct simend *e = &m->app[side]->end[c - m->conn];

	if (was->state == TCPS_ESTABLISHED && !e->err && !c->rst)
		simmodel_break(m, SIMRULE_STATE, "port %u, %s: ESTABLISHED, then gone",
			       (unsigned)(SIMAPP_PORT + (c - m->conn)),
			       side == SIM_CLIENT ? "client" : "server");
	was->pcb = NULL;
}

static void step_conn(struct simmodel *m, struct simconn *c, enum simside side)
{
	struct look k = {.m = m,
			 .side = side,
			 .conn = c,
			 .own = &c->half[side],
			 .peer = &c->half[!side],
			 .pcb = find(m, c, side),
			 .was = &c->shadow[side]};

	if (k.pcb)
		look_at(&k);
	else if (k.was->pcb)
		check_gone(m, c, side);
}

void simmodel_step(struct simmodel *m)
{
	m->n_steps++;
	for (unsigned i = 0; i < m->app[SIM_CLIENT]->n_ends; i++) {
		learn_tuple(m, i);
		if (m->conn[i].lport == 0)
			continue;
		for (unsigned side = 0; side < SIM_SIDES && !m->broken; side++)
			step_conn(m, &m->conn[i], side);
	}
}
