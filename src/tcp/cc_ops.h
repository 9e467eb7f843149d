/* SPDX-License-Identifier: BSD-2-Clause */
/* One congestion control algorithm, as cc.c calls it. */
#ifndef LEAT_TCP_CC_OPS_H
#define LEAT_TCP_CC_OPS_H

#include "tcp/cc.h"

struct tcp_cc_ops {
	/* Congestion avoidance: bytes (of ack->acked_bytes) were acknowledged beyond slow start. */
	void (*avoid)(struct tcp_cc *cc, const struct tcp_cc_ack *ack, uint32_t bytes);
	/* A loss: the new slow-start threshold; the floor of two segments is the caller's. */
	uint32_t (*ssthresh)(struct tcp_cc *cc, uint32_t flight_bytes, uint64_t now_ns);
	/* The sender was idle; may be NULL. */
	void (*idle)(struct tcp_cc *cc, uint64_t now_ns);
	/* An acknowledgement while the window was not used up; may be NULL. */
	void (*unused)(struct tcp_cc *cc, uint64_t now_ns);
	/* After a timeout's reduction; may be NULL. */
	void (*timeout)(struct tcp_cc *cc);
	bool hystart; /* the first slow start ends by delay, too */
};

extern const struct tcp_cc_ops tcp_cc_newreno_ops;
extern const struct tcp_cc_ops tcp_cc_cubic_ops;

/* cwnd += bytes, within TCP_CC_CWND_MAX. */
void tcp_cc_grow(struct tcp_cc *cc, uint32_t bytes);

#endif
