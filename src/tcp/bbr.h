/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BBRv3 inside: what its parts share. The names are those of draft-ietf-ccwg-bbr 2, where each is
 * explained; gains are in hundredths, bandwidths in bytes a second. cc_bbr.c has the state machine
 * and the control parameters, bbr_model.c the model of the path.
 */
#ifndef LEAT_TCP_BBR_H
#define LEAT_TCP_BBR_H

#include "tcp/cc_ops.h"

#define BBR_INFINITE_BW       UINT64_MAX
#define BBR_INFINITE_INFLIGHT UINT32_MAX
#define BBR_NO_RTT            UINT64_MAX

#define BBR_LOSS_THRESH_PCT   2u
#define BBR_BETA_PCT          70u
#define BBR_MIN_PIPE_SEGS     4u

#define BBR_STATE_TABLE(X) \
	X(STARTUP, "Startup", 277, 200) \
	X(DRAIN, "Drain", 50, 200) \
	X(DOWN, "ProbeBW_DOWN", 90, 200) \
	X(CRUISE, "ProbeBW_CRUISE", 100, 200) \
	X(REFILL, "ProbeBW_REFILL", 100, 200) \
	X(UP, "ProbeBW_UP", 125, 225) \
	X(PROBE_RTT, "ProbeRTT", 100, 50)

enum bbr_state {
#define X(id, name, pacing, cwnd) BBR_##id,
	BBR_STATE_TABLE(X)
#undef X
		BBR_STATE_COUNT /* also "none" of the undo state */
};

enum bbr_ack_phase {
	BBR_ACKS_INIT,
	BBR_ACKS_REFILLING,
	BBR_ACKS_PROBE_STARTING,
	BBR_ACKS_PROBE_FEEDBACK,
	BBR_ACKS_PROBE_STOPPING,
};

struct tcp_bbr {
	/* the path, long-term and short-term */
	uint64_t max_bw, max_bw_filter[2]; /* of the previous and the current cycle */
	uint64_t bw_shortterm, bw, bw_latest, full_bw;
	uint64_t min_rtt_ns, min_rtt_stamp;
	uint64_t probe_rtt_min_delay, probe_rtt_min_stamp;
	uint32_t inflight_longterm, inflight_shortterm, inflight_latest;
	uint32_t extra_acked, extra_acked_filter[2];
	uint32_t extra_acked_round; /* when the current slot of the filter began */
	uint32_t extra_acked_delivered;
	uint64_t extra_acked_start;
	/* rounds: values of C.delivered */
	uint32_t round_count, next_round_delivered, loss_round_delivered;
	uint32_t drain_start_round, rounds_since_probe_up;
	/* the machine */
	uint64_t cycle_stamp, bw_probe_wait_ns, probe_rtt_done_stamp;
	uint32_t probe_up_acked_per_inc, bw_probe_up_acked;
	uint32_t max_inflight, prior_cwnd, initial_cwnd;
	uint32_t delivered, delivered_start; /* C.delivered, and when the connection began */
	uint32_t loss_end;                   /* end of the last lost range */
	uint32_t random;
	uint8_t loss_events; /* discontiguous ranges lost in the round */
	uint8_t state;       /* enum bbr_state */
	uint8_t ack_phase;   /* enum bbr_ack_phase */
	uint8_t full_bw_count, bw_probe_up_rounds;
	bool round_start, loss_round_start, is_loss_in_round;
	bool full_bw_now, full_bw_reached, is_bw_probe_sample;
	bool prev_probe_too_high, prev_probe_precautionary;
	bool probe_rtt_expired, probe_rtt_round_done, idle_restart;
	bool in_recovery, has_rtt;
	/* undo */
	uint64_t undo_bw_shortterm;
	uint32_t undo_inflight_shortterm, undo_inflight_longterm;
	uint8_t undo_state;
};

/* The sample at hand, in the draft's terms. */
struct bbr_sample {
	const struct tcp_cc_sample *s;
	uint64_t delivery_rate; /* 0: none */
	uint32_t tx_in_flight, lost;
	bool app_limited;
};

/* ---- bbr_model.c ---- */

void bbr_model_init(struct tcp_bbr *b, uint64_t now_ns, uint64_t srtt_ns, uint32_t delivered);
void bbr_start_round(struct tcp_bbr *b, uint32_t delivered);
void bbr_update_latest_signals(struct tcp_bbr *b, const struct bbr_sample *rs);
void bbr_update_congestion_signals(struct tcp_cc *cc, const struct bbr_sample *rs);
void bbr_update_ack_aggregation(struct tcp_cc *cc, const struct bbr_sample *rs);
void bbr_update_min_rtt(struct tcp_bbr *b, const struct bbr_sample *rs);
void bbr_advance_latest_signals(struct tcp_bbr *b, const struct bbr_sample *rs);
void bbr_advance_max_bw_filter(struct tcp_bbr *b);
void bbr_reset_congestion_signals(struct tcp_bbr *b);
void bbr_reset_shortterm(struct tcp_bbr *b);
void bbr_reset_full_bw(struct tcp_bbr *b);
void bbr_check_full_bw_reached(struct tcp_bbr *b, const struct bbr_sample *rs);
void bbr_note_loss(struct tcp_cc *cc, uint32_t delivered);
void bbr_save_state_upon_loss(struct tcp_cc *cc);
bool bbr_is_inflight_too_high(uint32_t lost, uint32_t tx_in_flight, bool sack);
uint32_t bbr_inflight_at_loss(uint32_t tx_in_flight, uint32_t lost, uint32_t size);
/* gain * bw * min_rtt; the initial window without a round-trip time. */
uint32_t bbr_bdp(const struct tcp_bbr *b, uint64_t bw, uint32_t gain_pct);
bool bbr_is_probing_bw(const struct tcp_bbr *b);

/* SaveCwnd(), RestoreCwnd() */
static inline void bbr_save_cwnd(struct tcp_cc *cc, struct tcp_bbr *b)
{
	if (!b->in_recovery && b->state != BBR_PROBE_RTT)
		b->prior_cwnd = cc->cwnd;
	else if (cc->cwnd > b->prior_cwnd)
		b->prior_cwnd = cc->cwnd;
}

static inline void bbr_restore_cwnd(struct tcp_cc *cc, const struct tcp_bbr *b)
{
	if (b->prior_cwnd > cc->cwnd)
		cc->cwnd = b->prior_cwnd;
}

#endif
