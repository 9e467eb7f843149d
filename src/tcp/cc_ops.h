/* SPDX-License-Identifier: BSD-2-Clause */
/* One congestion control algorithm, as cc.c calls it. */
#ifndef LEAT_TCP_CC_OPS_H
#define LEAT_TCP_CC_OPS_H

#include "tcp/cc.h"

/* An algorithm that goes by rate samples; its state is memory of its own. */
struct tcp_cc_model {
	int (*create)(struct tcp_cc *cc, const struct mem *mem); /* 0, -ENOMEM */
	void (*destroy)(struct tcp_cc *cc, const struct mem *mem);
	void (*start)(struct tcp_cc *cc, const struct tcp_cc_start *st);
	void (*on_sample)(struct tcp_cc *cc, const struct tcp_cc_sample *s);
	void (*on_lost)(struct tcp_cc *cc, const struct tcp_cc_lost *l);
	void (*on_mark)(struct tcp_cc *cc); /* ECN, or a loss already repaired */
	void (*on_recovery)(struct tcp_cc *cc, bool timeout);
	void (*on_recovered)(struct tcp_cc *cc);
	void (*on_undo)(struct tcp_cc *cc);
	void (*on_restart)(struct tcp_cc *cc, uint64_t now_ns, uint32_t delivered);
};

/* With a model the other members are NULL. */
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
	const struct tcp_cc_model *model;
	bool hystart; /* the first slow start ends by delay, too */
};

extern const struct tcp_cc_ops tcp_cc_newreno_ops;
extern const struct tcp_cc_ops tcp_cc_cubic_ops;
extern const struct tcp_cc_ops tcp_cc_bbr_ops;

/* cwnd += bytes, within TCP_CC_CWND_MAX. */
void tcp_cc_grow(struct tcp_cc *cc, uint32_t bytes);

#endif
