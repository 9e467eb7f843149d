/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Proportional rate reduction (RFC 9937): in fast recovery the flight goes from where it was down
 * to ssthresh smoothly, each delivery letting out its share, and is rebuilt when losses took more.
 * Pure; called by recovery.c for each acknowledgement, by emit.c for what is sent.
 */
#ifndef LEAT_TCP_PRR_H
#define LEAT_TCP_PRR_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_prr {
	uint32_t recover_fs; /* RecoverFS: flight when recovery began, at least 1 */
	uint32_t delivered;  /* prr_delivered */
	uint32_t out;        /* prr_out */
};

struct tcp_prr_ack {
	uint32_t delivered; /* DeliveredData */
	uint32_t pipe;      /* inflight, after this acknowledgement's losses */
	uint32_t ssthresh;
	uint32_t mss;
	bool safe; /* SafeACK: SND.UNA advanced and nothing more was lost */
};

void tcp_prr_start(struct tcp_prr *p, uint32_t recover_fs);
/* The congestion window from now on. delivered must not be 0. */
uint32_t tcp_prr_cwnd(struct tcp_prr *p, const struct tcp_prr_ack *a);

static inline void tcp_prr_on_send(struct tcp_prr *p, uint32_t bytes)
{
	p->out += bytes;
}

#endif
