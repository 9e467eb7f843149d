/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pacing (draft-ietf-ccwg-bbr 5.6.2): packets of a connection leave no faster than its congestion
 * control's rate, a quantum at a time, woken by the timing wheel. Called by output.c and emit.c.
 */
#ifndef LEAT_TCP_PACE_H
#define LEAT_TCP_PACE_H

#include "tcp/pcb.h"

/* The wheel wakes a tick late on average: what was due meanwhile may follow at once. */
#define TCP_PACE_SLACK_NS (2 * WHEEL_TICK_NS)

static inline bool tcp_pace_ready(const struct tcp_pcb *pcb)
{
	return pcb->cc.pacing_rate == 0 || pcb->stack->now_ns >= pcb->pace_next_ns;
}

/* Not ready: output goes on when it is. */
static inline void tcp_pace_wait(struct tcp_pcb *pcb)
{
	tcp_timer_set(pcb, TCP_TIMER_PACE, pcb->pace_next_ns);
}

/* Most payload of one packet: max, or the quantum in whole segments. */
static inline uint32_t tcp_pace_len(const struct tcp_pcb *pcb, uint32_t max)
{
	uint32_t q = pcb->cc.quantum;

	if (pcb->cc.pacing_rate == 0 || q >= max)
		return max;
	return q > pcb->mss ? q - q % pcb->mss : pcb->mss;
}

void tcp_pace_on_send(struct tcp_pcb *pcb, uint32_t bytes);

#endif
