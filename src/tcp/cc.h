/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Congestion control: how many bytes may be in flight. One row of operations for each algorithm
 * (NewReno RFC 5681, CUBIC RFC 9438 with HyStart++ RFC 9406, BBRv3 draft-ietf-ccwg-bbr), a small
 * state in each connection, no clock and no packet. What is lost, and what is sent again, is the
 * business of the recovery (recovery.c, sack.h): it calls on events here and then obeys cwnd.
 *
 * cwnd and ssthresh are in bytes. In recovery cwnd is never inflated: the recovery compares it with
 * its estimate of the bytes in the pipe (RFC 6675), with or without SACK.
 */
#ifndef LEAT_TCP_CC_H
#define LEAT_TCP_CC_H

#include "base/mem.h"
#include "tcp/hystart.h"
#include "tcp/rate.h"

#include <stdbool.h>
#include <stdint.h>

#define TCP_CC_TABLE(X) \
	X(CUBIC, "cubic") \
	X(NEWRENO, "reno") \
	X(BBR, "bbr")

enum tcp_cc_kind {
#define X(id, name) TCP_CC_##id,
	TCP_CC_TABLE(X)
#undef X
		TCP_CC_COUNT
};

#define TCP_CC_SSTHRESH_MAX UINT32_MAX
#define TCP_CC_CWND_MAX     (UINT32_C(1) << 30)

struct tcp_cc_newreno {
	uint32_t acked_bytes; /* since cwnd last grew by one segment (RFC 3465) */
};

struct tcp_cc_cubic {
	uint64_t epoch_ns; /* start of this congestion avoidance stage, 0: none yet */
	uint64_t last_ns;  /* last acknowledgement: what was not used is taken out of the stage */
	uint64_t k_ns;     /* RFC 9438 4.2: time until W_cubic reaches origin again */
	uint64_t est_frac; /* of w_est_bytes, in 1 / (cwnd * alpha's denominator) */
	uint32_t w_max_bytes; /* window just before the last reduction, less by fast convergence */
	uint32_t prior_bytes; /* cwnd_prior: the same without (4.3) */
	uint32_t origin_bytes;
	uint32_t w_est_bytes; /* Reno-friendly region, 4.3 */
	uint32_t frac_bytes;  /* acknowledged bytes not yet turned into window */
};

struct tcp_bbr;

struct tcp_cc {
	uint32_t cwnd;
	uint32_t ssthresh;
	uint32_t mss;       /* payload of a full segment as we send it, at least 1 */
	uint32_t undo_cwnd; /* before the last reduction, 0: nothing to undo */
	uint32_t undo_ssthresh;
	uint8_t kind;          /* enum tcp_cc_kind */
	bool has_model;        /* BBR: rate samples govern, not acknowledgements and losses */
	bool mark_app_limited; /* asked of the caller: samples from now on say little */
	uint32_t quantum;      /* paced: at most so much in one packet */
	uint64_t pacing_rate;  /* bytes a second, 0: not paced */
	struct tcp_hystart hystart;
	union {
		struct tcp_cc_newreno newreno;
		struct tcp_cc_cubic cubic;
		struct tcp_bbr *bbr;
	} u, undo_u;
};

/* An acknowledgement of new data outside of fast recovery. */
struct tcp_cc_ack {
	uint64_t now_ns;
	uint64_t srtt_ns;     /* 0: not known yet */
	uint64_t min_rtt_ns;  /* 0: not known yet */
	uint32_t acked_bytes; /* newly acknowledged, cumulative */
	uint32_t rtt_us;      /* of the newest segment acknowledged, 0: no sample */
	uint32_t una, nxt;    /* SND.UNA after it, SND.NXT: rounds are counted by them */
	bool cwnd_limited;    /* cwnd, not the program or the peer, held the sender (RFC 7661,
				 9438 4.2) */
};

/* What an algorithm with a model begins with. */
struct tcp_cc_start {
	uint64_t now_ns;
	uint64_t srtt_ns;   /* 0: not known yet */
	uint32_t delivered; /* C.delivered */
	uint32_t seed;      /* of its random decisions */
};

/* An acknowledgement that delivered something, for an algorithm with a model. */
struct tcp_cc_sample {
	uint64_t now_ns;
	uint64_t srtt_ns;
	struct tcp_rate_sample rs; /* zero unless any */
	uint32_t newly_bytes;
	uint32_t pipe_bytes; /* C.inflight */
	uint32_t delivered;  /* C.delivered */
	bool any;            /* rs is of a segment */
	bool sack;           /* losses are told apart */
	bool cwnd_limited;
};

/* Something was found lost. */
struct tcp_cc_lost {
	uint64_t now_ns;
	const struct tcp_tx_stamp *stamp; /* of when it left */
	struct tcp_range range;
	uint32_t lost; /* C.lost with it */
	uint32_t delivered;
	bool sack;
};

/* Initial window of RFC 6928; ssthresh unbounded. kind must be one without a model. */
void tcp_cc_init(struct tcp_cc *cc, enum tcp_cc_kind kind, uint32_t mss);
/* Another algorithm from now on; cwnd stays. -ENOMEM: the old one does. */
int tcp_cc_switch(struct tcp_cc *cc, enum tcp_cc_kind kind, const struct mem *mem,
		  const struct tcp_cc_start *start);
/* The handshake is done: initial window again, the algorithm stays. */
void tcp_cc_restart(struct tcp_cc *cc, uint32_t mss, const struct tcp_cc_start *start);
/* Give back what the algorithm holds. */
void tcp_cc_fini(struct tcp_cc *cc, const struct mem *mem);
/* The segment size changed (path MTU): cwnd keeps its bytes but at least one segment. RFC 5681 3.1:
 * the initial window shrinks with it while nothing was acknowledged. */
void tcp_cc_set_mss(struct tcp_cc *cc, uint32_t mss);

void tcp_cc_on_ack(struct tcp_cc *cc, const struct tcp_cc_ack *ack);
/*
 * Loss found by duplicate ACKs or SACK: entering fast recovery. flight_bytes: outstanding data.
 * Sets ssthresh and cwnd = ssthresh, keeps what undo needs.
 */
void tcp_cc_on_loss(struct tcp_cc *cc, uint32_t flight_bytes, uint64_t now_ns);
/* The network marked instead of dropping (RFC 3168 6.1.2): the same reduction, and final. */
void tcp_cc_on_ecn(struct tcp_cc *cc, uint32_t flight_bytes, uint64_t now_ns);
/* Retransmission timeout: cwnd one segment; ssthresh is lowered at the first of a series only
 * (RFC 5681 3.1 equation 4). */
void tcp_cc_on_rto(struct tcp_cc *cc, uint32_t flight_bytes, bool first, uint64_t now_ns);
/* Fast recovery ended: cwnd = ssthresh (RFC 9937 6, RFC 6582 3.2 step 3 option 2); PRR has brought
 * the flight close to it. */
void tcp_cc_on_recovered(struct tcp_cc *cc);
/* Nothing sent for idle_ns, longer than an RTO: restart window (RFC 5681 4.1). */
void tcp_cc_on_idle(struct tcp_cc *cc, uint64_t idle_ns, uint64_t rto_ns, uint64_t now_ns);
/* The loss was none (Eifel RFC 4015 / D-SACK): back to the state before. No-op when nothing is
 * kept. */
void tcp_cc_undo(struct tcp_cc *cc);

/* A tail loss probe repaired a loss: as one of fast recovery, but there is none to go through. */
void tcp_cc_on_repaired(struct tcp_cc *cc, uint32_t flight_bytes, uint64_t now_ns);

/* For an algorithm with a model alone (has_model). */
void tcp_cc_on_sample(struct tcp_cc *cc, const struct tcp_cc_sample *s);
void tcp_cc_on_lost(struct tcp_cc *cc, const struct tcp_cc_lost *l);
/* About to send with nothing in flight, after the program had nothing to send. */
void tcp_cc_on_restart(struct tcp_cc *cc, uint64_t now_ns, uint32_t delivered);

static inline bool tcp_cc_in_slow_start(const struct tcp_cc *cc)
{
	return cc->cwnd < cc->ssthresh;
}

/* By the name that TCP_CONGESTION has for it; -1: no such algorithm. */
int tcp_cc_by_name(const char *name);
const char *tcp_cc_name(enum tcp_cc_kind kind);

#endif
