/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BBRv3, draft-ietf-ccwg-bbr 5: the state machine and the control parameters (pacing rate, quantum,
 * cwnd). The model of the path is in bbr_model.c; both follow the draft's pseudocode step by step
 * and use its names. The ops row is called by cc.c only.
 */
#include "tcp/bbr.h"

#include "base/compiler.h"
#include "base/seq.h"

#include <errno.h>

#define MS_NS                 UINT64_C(1000000)
#define S_NS                  UINT64_C(1000000000)
#define HEADROOM_PCT          15u
#define PACING_MARGIN_PCT     1u
#define STARTUP_FULL_LOSS_CNT 6u
#define DRAIN_ROUNDS_MAX      3u
#define PROBE_RTT_DURATION_NS (200 * MS_NS)
#define PROBE_WAIT_NS         (2 * S_NS)
#define RENO_ROUNDS_MAX       63u
#define UP_ROUNDS_MAX         30u
#define QUANTUM_MAX           65536u

static const struct {
	uint16_t pacing_pct, cwnd_pct;
} gains[BBR_STATE_COUNT] = {
#define X(id, name, pacing, cwnd) [BBR_##id] = {pacing, cwnd},
	BBR_STATE_TABLE(X)
#undef X
};

static uint32_t next_random(struct tcp_bbr *b)
{
	b->random ^= b->random << 13;
	b->random ^= b->random >> 17;
	b->random ^= b->random << 5;
	return b->random;
}

static bool in_probe_bw(const struct tcp_bbr *b)
{
	return b->state >= BBR_DOWN && b->state <= BBR_UP;
}

static uint32_t min_pipe_cwnd(const struct tcp_cc *cc)
{
	return BBR_MIN_PIPE_SEGS * cc->mss;
}

/* ---- 5.6 control parameters ---- */

static uint32_t quantization_budget(const struct tcp_cc *cc, uint32_t cap)
{
	cap = max_u32(cap, 3 * cc->quantum);
	cap = max_u32(cap, min_pipe_cwnd(cc));
	if (cc->u.bbr->state == BBR_UP)
		cap += 2 * cc->mss;
	return min_u32(cap, TCP_CC_CWND_MAX);
}

static uint32_t inflight(const struct tcp_cc *cc, uint64_t bw)
{
	return quantization_budget(cc, bbr_bdp(cc->u.bbr, bw, 100));
}

static uint32_t inflight_with_headroom(const struct tcp_cc *cc)
{
	uint32_t top = cc->u.bbr->inflight_longterm;
	uint32_t headroom;

	if (top == BBR_INFINITE_INFLIGHT)
		return top;
	headroom = max_u32(cc->mss, (uint32_t)((uint64_t)top * HEADROOM_PCT / 100));
	return max_u32(top > headroom ? top - headroom : 0, min_pipe_cwnd(cc));
}

static void set_pacing_rate_with_gain(struct tcp_cc *cc, uint32_t gain_pct)
{
	const struct tcp_bbr *b = cc->u.bbr;
	uint64_t rate = b->bw / 100 * gain_pct / 100 * (100 - PACING_MARGIN_PCT);

	if (b->full_bw_reached || rate > cc->pacing_rate)
		cc->pacing_rate = max_u64(rate, 1);
}

static void set_send_quantum(struct tcp_cc *cc)
{
	uint64_t q = min_u64(cc->pacing_rate / 1000, QUANTUM_MAX);

	cc->quantum = max_u32((uint32_t)q, 2 * cc->mss);
}

static void init_pacing_rate(struct tcp_cc *cc, uint64_t srtt_ns)
{
	uint64_t nominal = cc->u.bbr->initial_cwnd * S_NS / (srtt_ns ? srtt_ns : MS_NS);

	cc->pacing_rate = max_u64(nominal * gains[BBR_STARTUP].pacing_pct / 100, 1);
	cc->u.bbr->has_rtt = srtt_ns != 0;
	set_send_quantum(cc);
}

static uint32_t probe_rtt_cwnd(const struct tcp_cc *cc)
{
	const struct tcp_bbr *b = cc->u.bbr;

	return max_u32(bbr_bdp(b, b->bw, gains[BBR_PROBE_RTT].cwnd_pct), min_pipe_cwnd(cc));
}

static void bound_cwnd_for_model(struct tcp_cc *cc)
{
	const struct tcp_bbr *b = cc->u.bbr;
	uint32_t cap = BBR_INFINITE_INFLIGHT;

	if (b->state == BBR_PROBE_RTT || b->state == BBR_CRUISE)
		cap = inflight_with_headroom(cc);
	else if (in_probe_bw(b))
		cap = b->inflight_longterm;
	cap = max_u32(min_u32(cap, b->inflight_shortterm), min_pipe_cwnd(cc));
	cc->cwnd = min_u32(cc->cwnd, cap);
}

static void set_cwnd(struct tcp_cc *cc, const struct tcp_cc_sample *s)
{
	struct tcp_bbr *b = cc->u.bbr;
	uint64_t cap = (uint64_t)bbr_bdp(b, b->bw, gains[b->state].cwnd_pct) + b->extra_acked;

	b->max_inflight = quantization_budget(cc, (uint32_t)min_u64(cap, TCP_CC_CWND_MAX));
	if (b->full_bw_reached) {
		tcp_cc_grow(cc, s->newly_bytes);
		cc->cwnd = min_u32(cc->cwnd, b->max_inflight);
	} else if (cc->cwnd < b->max_inflight ||
		   s->delivered - b->delivered_start < b->initial_cwnd) {
		tcp_cc_grow(cc, s->newly_bytes);
	}
	cc->cwnd = max_u32(cc->cwnd, min_pipe_cwnd(cc));
	if (b->state == BBR_PROBE_RTT)
		cc->cwnd = min_u32(cc->cwnd, probe_rtt_cwnd(cc));
	bound_cwnd_for_model(cc);
}

/* ---- 5.3.3 ProbeBW ---- */

static void pick_probe_wait(struct tcp_bbr *b)
{
	b->rounds_since_probe_up = next_random(b) & 1;
	b->bw_probe_wait_ns = PROBE_WAIT_NS + next_random(b) % S_NS;
}

static void start_down(struct tcp_bbr *b, uint64_t now_ns, uint32_t delivered)
{
	bbr_reset_congestion_signals(b);
	b->probe_up_acked_per_inc = UINT32_MAX;
	pick_probe_wait(b);
	b->cycle_stamp = now_ns;
	b->ack_phase = BBR_ACKS_PROBE_STOPPING;
	bbr_start_round(b, delivered);
	b->state = BBR_DOWN;
}

static void start_refill(struct tcp_bbr *b, uint32_t delivered)
{
	bbr_reset_shortterm(b);
	b->bw_probe_up_rounds = 0;
	b->bw_probe_up_acked = 0;
	b->prev_probe_precautionary = false;
	b->ack_phase = BBR_ACKS_REFILLING;
	bbr_start_round(b, delivered);
	b->state = BBR_REFILL;
}

static void raise_slope(struct tcp_cc *cc)
{
	struct tcp_bbr *b = cc->u.bbr;
	uint32_t growth = UINT32_C(1) << b->bw_probe_up_rounds;

	b->bw_probe_up_rounds = (uint8_t)min_u32(b->bw_probe_up_rounds + 1u, UP_ROUNDS_MAX);
	b->probe_up_acked_per_inc = max_u32(cc->cwnd / growth, cc->mss);
}

static void start_up(struct tcp_cc *cc, const struct bbr_sample *rs)
{
	struct tcp_bbr *b = cc->u.bbr;

	b->ack_phase = BBR_ACKS_PROBE_STARTING;
	bbr_start_round(b, rs->s->delivered);
	bbr_reset_full_bw(b);
	b->full_bw = rs->delivery_rate;
	b->state = BBR_UP;
	raise_slope(cc);
}

static uint32_t target_inflight(const struct tcp_cc *cc)
{
	return min_u32(bbr_bdp(cc->u.bbr, cc->u.bbr->bw, 100), cc->cwnd);
}

static bool time_to_probe_bw(struct tcp_cc *cc, const struct bbr_sample *rs)
{
	struct tcp_bbr *b = cc->u.bbr;
	uint32_t reno_rounds = min_u32(target_inflight(cc) / cc->mss, RENO_ROUNDS_MAX);

	if (rs->s->now_ns <= b->cycle_stamp + b->bw_probe_wait_ns &&
	    b->rounds_since_probe_up < reno_rounds)
		return false;
	start_refill(b, rs->s->delivered);
	return true;
}

static bool time_to_cruise(const struct tcp_cc *cc, const struct bbr_sample *rs)
{
	return rs->s->pipe_bytes <= inflight_with_headroom(cc) &&
	       rs->s->pipe_bytes <= inflight(cc, cc->u.bbr->max_bw);
}

static bool time_to_go_down(struct tcp_cc *cc, const struct bbr_sample *rs)
{
	struct tcp_bbr *b = cc->u.bbr;

	if (b->prev_probe_too_high && rs->s->pipe_bytes >= b->inflight_longterm) {
		b->prev_probe_precautionary = true;
		return true;
	}
	if (rs->s->cwnd_limited && cc->cwnd >= b->inflight_longterm) {
		bbr_reset_full_bw(b);
		b->full_bw = rs->delivery_rate;
		return false;
	}
	return b->full_bw_now;
}

static void probe_longterm_upward(struct tcp_cc *cc, const struct bbr_sample *rs)
{
	struct tcp_bbr *b = cc->u.bbr;
	uint32_t delta;

	if (!rs->s->cwnd_limited || cc->cwnd < b->inflight_longterm)
		return;
	b->bw_probe_up_acked += rs->s->newly_bytes;
	if (b->bw_probe_up_acked >= b->probe_up_acked_per_inc) {
		delta = b->bw_probe_up_acked / b->probe_up_acked_per_inc;
		b->bw_probe_up_acked -= delta * b->probe_up_acked_per_inc;
		b->inflight_longterm = (uint32_t)min_u64(
			b->inflight_longterm + (uint64_t)delta * cc->mss, TCP_CC_CWND_MAX);
	}
	if (b->round_start)
		raise_slope(cc);
}

/* True: it has decided on the state. */
static bool adapt_longterm_model(struct tcp_cc *cc, const struct bbr_sample *rs)
{
	struct tcp_bbr *b = cc->u.bbr;

	if (b->ack_phase == BBR_ACKS_PROBE_STARTING && b->round_start)
		b->ack_phase = BBR_ACKS_PROBE_FEEDBACK;
	if (b->ack_phase == BBR_ACKS_PROBE_STOPPING && b->round_start) {
		b->is_bw_probe_sample = false;
		b->ack_phase = BBR_ACKS_INIT;
		if (in_probe_bw(b) && !rs->app_limited)
			bbr_advance_max_bw_filter(b);
		if (in_probe_bw(b) && b->prev_probe_precautionary && !b->prev_probe_too_high) {
			start_refill(b, rs->s->delivered);
			return true;
		}
	}
	if (b->inflight_longterm == BBR_INFINITE_INFLIGHT ||
	    bbr_is_inflight_too_high(rs->lost, rs->tx_in_flight, rs->s->sack))
		return false;
	b->inflight_longterm = max_u32(b->inflight_longterm, rs->tx_in_flight);
	if (b->state == BBR_UP)
		probe_longterm_upward(cc, rs);
	return false;
}

static void update_cycle_phase(struct tcp_cc *cc, const struct bbr_sample *rs)
{
	struct tcp_bbr *b = cc->u.bbr;

	if (!b->full_bw_reached || adapt_longterm_model(cc, rs))
		return;
	switch ((enum bbr_state)b->state) {
	case BBR_DOWN:
		if (!time_to_probe_bw(cc, rs) && time_to_cruise(cc, rs))
			b->state = BBR_CRUISE;
		break;
	case BBR_CRUISE:
		(void)time_to_probe_bw(cc, rs);
		break;
	case BBR_REFILL:
		if (b->round_start) {
			b->is_bw_probe_sample = true;
			start_up(cc, rs);
		}
		break;
	case BBR_UP:
		if (time_to_go_down(cc, rs)) {
			b->prev_probe_too_high = false;
			start_down(b, rs->s->now_ns, rs->s->delivered);
		}
		break;
	case BBR_STARTUP:
	case BBR_DRAIN:
	case BBR_PROBE_RTT:
	case BBR_STATE_COUNT:
		break;
	}
}

/* ---- 5.3.1, 5.3.2 Startup and Drain ---- */

/* A round of recovery with more than the tolerated loss, in several places. */
static void check_startup_high_loss(struct tcp_cc *cc, const struct bbr_sample *rs)
{
	struct tcp_bbr *b = cc->u.bbr;
	bool enough = b->loss_events >= STARTUP_FULL_LOSS_CNT || !rs->s->sack;

	if (b->state == BBR_STARTUP && b->in_recovery && b->loss_round_start && enough &&
	    bbr_is_inflight_too_high(rs->lost, rs->tx_in_flight, rs->s->sack)) {
		b->undo_state = BBR_STARTUP;
		b->full_bw_reached = true;
		b->inflight_longterm = max_u32(bbr_bdp(b, b->bw, 100), b->inflight_latest);
	}
	if (b->loss_round_start)
		b->loss_events = 0;
}

static void check_startup_done(struct tcp_cc *cc, const struct bbr_sample *rs)
{
	struct tcp_bbr *b = cc->u.bbr;

	check_startup_high_loss(cc, rs);
	if (b->state != BBR_STARTUP || !b->full_bw_reached)
		return;
	b->state = BBR_DRAIN;
	b->drain_start_round = b->round_count;
}

static void check_drain_done(struct tcp_cc *cc, const struct bbr_sample *rs)
{
	struct tcp_bbr *b = cc->u.bbr;

	if (b->state == BBR_DRAIN && (rs->s->pipe_bytes <= inflight(cc, b->bw) ||
				      b->round_count > b->drain_start_round + DRAIN_ROUNDS_MAX))
		start_down(b, rs->s->now_ns, rs->s->delivered);
}

/* ---- 5.3.4 ProbeRTT ---- */

static void check_probe_rtt_done(struct tcp_cc *cc, uint64_t now_ns, uint32_t delivered)
{
	struct tcp_bbr *b = cc->u.bbr;

	if (b->probe_rtt_done_stamp == 0 || now_ns <= b->probe_rtt_done_stamp)
		return;
	b->probe_rtt_min_stamp = now_ns;
	bbr_restore_cwnd(cc, b);
	bbr_reset_shortterm(b);
	if (b->full_bw_reached) {
		start_down(b, now_ns, delivered);
		b->state = BBR_CRUISE;
	} else {
		b->state = BBR_STARTUP;
	}
}

static void handle_probe_rtt(struct tcp_cc *cc, const struct bbr_sample *rs)
{
	struct tcp_bbr *b = cc->u.bbr;

	cc->mark_app_limited = true;
	if (b->probe_rtt_done_stamp == 0) {
		if (rs->s->pipe_bytes > probe_rtt_cwnd(cc))
			return;
		b->probe_rtt_done_stamp = rs->s->now_ns + PROBE_RTT_DURATION_NS;
		b->probe_rtt_round_done = false;
		bbr_start_round(b, rs->s->delivered);
		return;
	}
	b->probe_rtt_round_done |= b->round_start;
	if (b->probe_rtt_round_done)
		check_probe_rtt_done(cc, rs->s->now_ns, rs->s->delivered);
}

static void check_probe_rtt(struct tcp_cc *cc, const struct bbr_sample *rs)
{
	struct tcp_bbr *b = cc->u.bbr;

	if (b->state != BBR_PROBE_RTT && b->probe_rtt_expired && !b->idle_restart) {
		bbr_save_cwnd(cc, b);
		b->state = BBR_PROBE_RTT;
		b->probe_rtt_done_stamp = 0;
		b->ack_phase = BBR_ACKS_PROBE_STOPPING;
		bbr_start_round(b, rs->s->delivered);
	}
	if (b->state == BBR_PROBE_RTT)
		handle_probe_rtt(cc, rs);
	if (rs->s->rs.delivered > 0)
		b->idle_restart = false;
}

/* ---- 5.2 what the connection tells ---- */

static void bbr_on_sample(struct tcp_cc *cc, const struct tcp_cc_sample *s)
{
	struct tcp_bbr *b = cc->u.bbr;
	struct bbr_sample rs = {
		.s = s,
		.tx_in_flight = s->rs.in_flight,
		.lost = s->rs.lost,
		.app_limited = s->rs.app_limited,
	};

	if (s->rs.interval_us > 0)
		rs.delivery_rate = (uint64_t)s->rs.delivered * 1000000 / s->rs.interval_us;
	if (!b->has_rtt && s->srtt_ns != 0)
		init_pacing_rate(cc, s->srtt_ns);
	b->delivered = s->delivered;
	bbr_update_latest_signals(b, &rs);
	bbr_update_congestion_signals(cc, &rs);
	bbr_update_ack_aggregation(cc, &rs);
	bbr_check_full_bw_reached(b, &rs);
	check_startup_done(cc, &rs);
	check_drain_done(cc, &rs);
	update_cycle_phase(cc, &rs);
	bbr_update_min_rtt(b, &rs);
	check_probe_rtt(cc, &rs);
	bbr_advance_latest_signals(b, &rs);
	b->bw = min_u64(b->max_bw, b->bw_shortterm);
	set_pacing_rate_with_gain(cc, gains[b->state].pacing_pct);
	set_send_quantum(cc);
	set_cwnd(cc, s);
}

static void handle_inflight_too_high(struct tcp_cc *cc, const struct tcp_cc_lost *l,
				     uint32_t tx_in_flight)
{
	struct tcp_bbr *b = cc->u.bbr;
	uint32_t floor = (uint32_t)((uint64_t)target_inflight(cc) * BBR_BETA_PCT / 100);

	b->prev_probe_too_high = true;
	b->is_bw_probe_sample = false;
	if (!l->stamp->app_limited)
		b->inflight_longterm = max_u32(tx_in_flight, floor);
	if (b->state == BBR_UP) {
		b->undo_state = BBR_UP;
		start_down(b, l->now_ns, l->delivered);
	}
}

static void bbr_on_lost(struct tcp_cc *cc, const struct tcp_cc_lost *l)
{
	struct tcp_bbr *b = cc->u.bbr;
	uint32_t tx = l->stamp->in_flight, lost = l->lost - l->stamp->lost;

	bbr_note_loss(cc, l->delivered);
	if (l->range.seq != b->loss_end && b->loss_events < UINT8_MAX)
		b->loss_events++;
	b->loss_end = l->range.end;
	if (b->is_bw_probe_sample && bbr_is_inflight_too_high(lost, tx, l->sack))
		handle_inflight_too_high(cc, l,
					 bbr_inflight_at_loss(tx, lost, tcp_range_len(l->range)));
}

static void bbr_on_mark(struct tcp_cc *cc)
{
	/* The draft has no answer to ECN yet; RFC 3168 wants that of a loss. */
	bbr_note_loss(cc, cc->u.bbr->delivered);
}

static void bbr_on_recovery(struct tcp_cc *cc, bool timeout)
{
	struct tcp_bbr *b = cc->u.bbr;

	bbr_save_state_upon_loss(cc);
	b->in_recovery = true;
	if (timeout)
		cc->cwnd = cc->mss;
}

static void bbr_on_recovered(struct tcp_cc *cc)
{
	cc->u.bbr->in_recovery = false;
	bbr_restore_cwnd(cc, cc->u.bbr);
}

static void bbr_on_undo(struct tcp_cc *cc)
{
	struct tcp_bbr *b = cc->u.bbr;

	bbr_on_recovered(cc);
	b->is_loss_in_round = false;
	bbr_reset_full_bw(b);
	b->bw_shortterm = max_u64(b->bw_shortterm, b->undo_bw_shortterm);
	b->inflight_shortterm = max_u32(b->inflight_shortterm, b->undo_inflight_shortterm);
	b->inflight_longterm = max_u32(b->inflight_longterm, b->undo_inflight_longterm);
	if (b->undo_state == BBR_STARTUP && b->state != BBR_STARTUP) {
		b->full_bw_reached = false;
		if (b->state != BBR_PROBE_RTT)
			b->state = BBR_STARTUP;
	} else if (b->undo_state == BBR_UP && b->state != BBR_UP && b->state != BBR_PROBE_RTT) {
		start_refill(b, b->next_round_delivered);
	}
	b->undo_state = BBR_STATE_COUNT;
}

/* 5.4: nothing was in flight, and the program was the reason. */
static void bbr_on_restart(struct tcp_cc *cc, uint64_t now_ns, uint32_t delivered)
{
	struct tcp_bbr *b = cc->u.bbr;

	b->idle_restart = true;
	b->extra_acked_start = now_ns;
	if (in_probe_bw(b))
		set_pacing_rate_with_gain(cc, 100);
	else if (b->state == BBR_PROBE_RTT)
		check_probe_rtt_done(cc, now_ns, delivered);
}

static void bbr_start(struct tcp_cc *cc, const struct tcp_cc_start *st)
{
	struct tcp_bbr *b = cc->u.bbr;

	*b = (struct tcp_bbr){
		.state = BBR_STARTUP,
		.undo_state = BBR_STATE_COUNT,
		.random = st->seed | 1,
		.initial_cwnd = cc->cwnd,
		.probe_up_acked_per_inc = UINT32_MAX,
	};
	bbr_model_init(b, st->now_ns, st->srtt_ns, st->delivered);
	init_pacing_rate(cc, st->srtt_ns);
}

static int bbr_create(struct tcp_cc *cc, const struct mem *mem)
{
	cc->u.bbr = mem_zalloc(mem, sizeof(struct tcp_bbr));
	return cc->u.bbr ? 0 : -ENOMEM;
}

static void bbr_destroy(struct tcp_cc *cc, const struct mem *mem)
{
	mem_free(mem, cc->u.bbr, sizeof(struct tcp_bbr));
	cc->u.bbr = NULL;
}

static const struct tcp_cc_model model = {
	.create = bbr_create,
	.destroy = bbr_destroy,
	.start = bbr_start,
	.on_sample = bbr_on_sample,
	.on_lost = bbr_on_lost,
	.on_mark = bbr_on_mark,
	.on_recovery = bbr_on_recovery,
	.on_recovered = bbr_on_recovered,
	.on_undo = bbr_on_undo,
	.on_restart = bbr_on_restart,
};

const struct tcp_cc_ops tcp_cc_bbr_ops = {.model = &model};
