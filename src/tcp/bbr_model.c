/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BBRv3's model of the path, draft-ietf-ccwg-bbr 5.5: rounds, maximal bandwidth, minimal round
 * trip, aggregation of acknowledgements, and what losses say. Called by cc_bbr.c only.
 */
#include "tcp/bbr.h"

#include "base/compiler.h"
#include "base/seq.h"

#define S_NS                  UINT64_C(1000000000)
#define MIN_RTT_FILTER_NS     (10 * S_NS)
#define PROBE_RTT_INTERVAL_NS (5 * S_NS)
#define FULL_BW_GROWTH_PCT    125u
#define FULL_BW_ROUNDS        3u
#define EXTRA_ACKED_SLOT      5u /* two slots: BBR.ExtraAckedFilterLen, 10 rounds */

void bbr_model_init(struct tcp_bbr *b, uint64_t now_ns, uint64_t srtt_ns, uint32_t delivered)
{
	b->min_rtt_ns = b->probe_rtt_min_delay = srtt_ns ? srtt_ns : BBR_NO_RTT;
	b->min_rtt_stamp = b->probe_rtt_min_stamp = now_ns;
	b->extra_acked_start = now_ns;
	b->inflight_longterm = BBR_INFINITE_INFLIGHT;
	b->delivered_start = delivered;
	b->next_round_delivered = b->loss_round_delivered = delivered;
	bbr_reset_congestion_signals(b);
	bbr_reset_shortterm(b);
	bbr_reset_full_bw(b);
}

uint32_t bbr_bdp(const struct tcp_bbr *b, uint64_t bw, uint32_t gain_pct)
{
	__extension__ unsigned __int128 v;

	if (b->min_rtt_ns == BBR_NO_RTT)
		return b->initial_cwnd;
	v = (unsigned __int128)bw * b->min_rtt_ns / S_NS * gain_pct / 100;
	return v > TCP_CC_CWND_MAX ? TCP_CC_CWND_MAX : (uint32_t)v;
}

bool bbr_is_probing_bw(const struct tcp_bbr *b)
{
	return b->state == BBR_STARTUP || b->state == BBR_REFILL || b->state == BBR_UP;
}

/* ---- 5.5.1 rounds ---- */

void bbr_start_round(struct tcp_bbr *b, uint32_t delivered)
{
	b->next_round_delivered = delivered;
}

static void update_round(struct tcp_bbr *b, const struct bbr_sample *rs)
{
	b->round_start = rs->s->any && seq_geq(rs->s->rs.prior_delivered, b->next_round_delivered);
	if (!b->round_start)
		return;
	bbr_start_round(b, rs->s->delivered);
	b->round_count++;
	b->rounds_since_probe_up++;
}

/* ---- 5.5.5 maximal bandwidth: the best of this cycle and the one before ---- */

static void update_max_bw(struct tcp_bbr *b, const struct bbr_sample *rs)
{
	update_round(b, rs);
	if (rs->delivery_rate == 0 || (rs->delivery_rate < b->max_bw && rs->app_limited))
		return;
	b->max_bw_filter[1] = max_u64(b->max_bw_filter[1], rs->delivery_rate);
	b->max_bw = max_u64(b->max_bw_filter[0], b->max_bw_filter[1]);
}

void bbr_advance_max_bw_filter(struct tcp_bbr *b)
{
	/* A cycle without a sample says nothing: what was measured before stays. */
	if (b->max_bw_filter[1] == 0)
		return;
	b->max_bw_filter[0] = b->max_bw_filter[1];
	b->max_bw_filter[1] = 0;
	b->max_bw = b->max_bw_filter[0];
}

/* ---- 5.3.1.2 has the bandwidth stopped growing? ---- */

void bbr_reset_full_bw(struct tcp_bbr *b)
{
	b->full_bw = 0;
	b->full_bw_count = 0;
	b->full_bw_now = false;
}

void bbr_check_full_bw_reached(struct tcp_bbr *b, const struct bbr_sample *rs)
{
	if (b->full_bw_now || !b->round_start || rs->app_limited)
		return;
	if (rs->delivery_rate >= b->full_bw / 100 * FULL_BW_GROWTH_PCT) {
		bbr_reset_full_bw(b);
		b->full_bw = rs->delivery_rate;
		return;
	}
	b->full_bw_count++;
	b->full_bw_now = b->full_bw_count >= FULL_BW_ROUNDS;
	b->full_bw_reached |= b->full_bw_now;
}

/* ---- 5.5.9 aggregation ---- */

static void filter_extra_acked(struct tcp_bbr *b, uint32_t extra)
{
	uint32_t slot = b->full_bw_reached ? EXTRA_ACKED_SLOT : 1;

	if (b->round_count - b->extra_acked_round >= slot) {
		b->extra_acked_round = b->round_count;
		b->extra_acked_filter[0] = b->full_bw_reached ? b->extra_acked_filter[1] : 0;
		b->extra_acked_filter[1] = 0;
	}
	b->extra_acked_filter[1] = max_u32(b->extra_acked_filter[1], extra);
	b->extra_acked = max_u32(b->extra_acked_filter[0], b->extra_acked_filter[1]);
}

void bbr_update_ack_aggregation(struct tcp_cc *cc, const struct bbr_sample *rs)
{
	struct tcp_bbr *b = cc->u.bbr;
	__extension__ unsigned __int128 expected =
		(unsigned __int128)b->bw * (rs->s->now_ns - b->extra_acked_start) / S_NS;

	if (b->extra_acked_delivered <= expected) {
		b->extra_acked_delivered = 0;
		b->extra_acked_start = rs->s->now_ns;
		expected = 0;
	}
	b->extra_acked_delivered = (uint32_t)min_u64(
		(uint64_t)b->extra_acked_delivered + rs->s->newly_bytes, TCP_CC_CWND_MAX);
	if (expected > b->extra_acked_delivered)
		expected = b->extra_acked_delivered;
	filter_extra_acked(b, min_u32(b->extra_acked_delivered - (uint32_t)expected, cc->cwnd));
}

/* ---- 5.3.4.3 minimal round trip ---- */

void bbr_update_min_rtt(struct tcp_bbr *b, const struct bbr_sample *rs)
{
	uint64_t now = rs->s->now_ns, rtt = rs->s->any ? rs->s->rs.rtt_us * UINT64_C(1000) : 0;

	b->probe_rtt_expired = now > b->probe_rtt_min_stamp + PROBE_RTT_INTERVAL_NS;
	if (rtt > 0 && (rtt < b->probe_rtt_min_delay || b->probe_rtt_expired)) {
		b->probe_rtt_min_delay = rtt;
		b->probe_rtt_min_stamp = now;
	}
	if (b->probe_rtt_min_delay < b->min_rtt_ns || now > b->min_rtt_stamp + MIN_RTT_FILTER_NS) {
		b->min_rtt_ns = b->probe_rtt_min_delay;
		b->min_rtt_stamp = b->probe_rtt_min_stamp;
	}
}

/* ---- 5.5.10 losses ---- */

void bbr_reset_congestion_signals(struct tcp_bbr *b)
{
	b->is_loss_in_round = false;
	b->bw_latest = 0;
	b->inflight_latest = 0;
}

void bbr_reset_shortterm(struct tcp_bbr *b)
{
	b->bw_shortterm = BBR_INFINITE_BW;
	b->inflight_shortterm = BBR_INFINITE_INFLIGHT;
}

void bbr_update_latest_signals(struct tcp_bbr *b, const struct bbr_sample *rs)
{
	b->loss_round_start = false;
	b->bw_latest = max_u64(b->bw_latest, rs->delivery_rate);
	b->inflight_latest = max_u32(b->inflight_latest, rs->s->rs.delivered);
	if (rs->s->any && seq_geq(rs->s->rs.prior_delivered, b->loss_round_delivered)) {
		b->loss_round_delivered = rs->s->delivered;
		b->loss_round_start = true;
	}
}

void bbr_advance_latest_signals(struct tcp_bbr *b, const struct bbr_sample *rs)
{
	if (!b->loss_round_start)
		return;
	b->bw_latest = rs->delivery_rate;
	b->inflight_latest = rs->s->rs.delivered;
}

/* Once a round, when not probing: slow down towards what was delivered, at most by Beta. */
static void adapt_lower_bounds(struct tcp_cc *cc)
{
	struct tcp_bbr *b = cc->u.bbr;

	if (bbr_is_probing_bw(b) || !b->is_loss_in_round)
		return;
	if (b->bw_shortterm == BBR_INFINITE_BW)
		b->bw_shortterm = b->max_bw;
	if (b->inflight_shortterm == BBR_INFINITE_INFLIGHT)
		b->inflight_shortterm = cc->cwnd;
	b->bw_shortterm = max_u64(b->bw_latest, b->bw_shortterm / 100 * BBR_BETA_PCT);
	b->inflight_shortterm =
		max_u32(b->inflight_latest,
			(uint32_t)((uint64_t)b->inflight_shortterm * BBR_BETA_PCT / 100));
}

void bbr_update_congestion_signals(struct tcp_cc *cc, const struct bbr_sample *rs)
{
	struct tcp_bbr *b = cc->u.bbr;

	update_max_bw(b, rs);
	if (!b->loss_round_start)
		return;
	adapt_lower_bounds(cc);
	b->is_loss_in_round = false;
}

void bbr_save_state_upon_loss(struct tcp_cc *cc)
{
	struct tcp_bbr *b = cc->u.bbr;

	bbr_save_cwnd(cc, b);
	b->undo_state = BBR_STATE_COUNT;
	b->undo_bw_shortterm = b->bw_shortterm;
	b->undo_inflight_shortterm = b->inflight_shortterm;
	b->undo_inflight_longterm = b->inflight_longterm;
}

void bbr_note_loss(struct tcp_cc *cc, uint32_t delivered)
{
	struct tcp_bbr *b = cc->u.bbr;

	if (!b->is_loss_in_round) {
		b->loss_round_delivered = delivered;
		bbr_save_state_upon_loss(cc);
	}
	b->is_loss_in_round = true;
}

bool bbr_is_inflight_too_high(uint32_t lost, uint32_t tx_in_flight, bool sack)
{
	return (uint64_t)lost * 100 > (uint64_t)tx_in_flight * BBR_LOSS_THRESH_PCT ||
	       (lost > 0 && !sack);
}

uint32_t bbr_inflight_at_loss(uint32_t tx_in_flight, uint32_t lost, uint32_t size)
{
	uint32_t inflight_prev = tx_in_flight > size ? tx_in_flight - size : 0;
	uint32_t lost_prev = lost > size ? lost - size : 0;
	uint64_t allowed = (uint64_t)inflight_prev * BBR_LOSS_THRESH_PCT;
	uint64_t had = (uint64_t)lost_prev * 100;
	/* (LossThresh * inflight_prev - lost_prev) / (1 - LossThresh), in hundredths. */
	uint64_t prefix = allowed > had ? (allowed - had) / (100 - BBR_LOSS_THRESH_PCT) : 0;

	return inflight_prev + (uint32_t)prefix;
}
