/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HyStart++ (RFC 9406): leave the first slow start when round trips grow longer, before the queue
 * at the bottleneck overflows. Between slow start and congestion avoidance lies conservative slow
 * start, which goes back when the delay turns out to have been a whim. Pure; called by cc.c.
 */
#ifndef LEAT_TCP_HYSTART_H
#define LEAT_TCP_HYSTART_H

#include <stdbool.h>
#include <stdint.h>

enum tcp_hystart_phase {
	TCP_HYSTART_SLOW_START,
	TCP_HYSTART_CSS, /* conservative slow start */
	TCP_HYSTART_DONE,
};

struct tcp_hystart {
	uint32_t window_end; /* the round ends when this is acknowledged */
	uint32_t last_us;    /* lastRoundMinRTT, currentRoundMinRTT, cssBaselineMinRtt */
	uint32_t now_us;
	uint32_t base_us;
	uint8_t samples; /* of this round */
	uint8_t rounds;  /* in conservative slow start */
	uint8_t phase;   /* enum tcp_hystart_phase */
	bool begun;
};

void tcp_hystart_init(struct tcp_hystart *h);
/* Loss, a mark, a timeout: the first slow start is over. */
void tcp_hystart_stop(struct tcp_hystart *h);
/* An acknowledgement in slow start up to una, nxt being sent; rtt_us 0: no sample. The phase from
 * now on. */
enum tcp_hystart_phase tcp_hystart_on_ack(struct tcp_hystart *h, uint32_t una, uint32_t nxt,
					  uint32_t rtt_us);
/* How much cwnd grows for bytes acknowledged. */
uint32_t tcp_hystart_growth(const struct tcp_hystart *h, uint32_t bytes);

#endif
