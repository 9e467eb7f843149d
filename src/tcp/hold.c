/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Held connections: the client's SYN has made a connection that the program may accept, and no
 * SYN-ACK has left. The program answers for it when it knows whether there is a server: with the
 * SYN-ACK, with a RST (a refusal, RFC 9293 3.5.2), or not at all. How many there are is bounded by
 * the listener's backlog and by the program's sockets. Called by synq.c, input.c, the timers and
 * the socket layer.
 */
#include "tcp/listen.h"
#include "tcp/output.h"
#include "tcp/pcb.h"
#include "tcp/synq.h"

#include <errno.h>

/* As long as a client asks: Linux sends its last SYN after 63 s and gives up after 127. */
#define HOLD_NS (130 * UINT64_C(1000000000))

void tcp_listener_hold(struct tcp_listener *l, bool on)
{
	l->hold = on;
}

bool tcp_is_held(const struct tcp_pcb *pcb)
{
	return (pcb->flags & PCBF_HELD) != 0;
}

int tcp_hold_syn(struct stack *s, const struct tcp_half *h)
{
	struct tcp_pcb *pcb = tcp_half_pcb(s, h);

	if (!pcb)
		return -ENOMEM;
	h->listener->n_embryo++;
	if (tcp_flow_insert(s, &pcb->flow, TCP_FLOW_PCB) < 0 || tcp_pcb_route(pcb) < 0) {
		tcp_pcb_kill(pcb);
		return -ENOMEM;
	}
	pcb->flags |= PCBF_HELD;
	tcp_timer_set(pcb, TCP_TIMER_REXMIT, s->now_ns + HOLD_NS);
	tcp_listener_ready(pcb);
	tcp_events_deliver(pcb);
	return 0;
}

/* Nobody has heard of one that still waits to be accepted: it just goes. */
void tcp_hold_fail(struct tcp_pcb *pcb, int err)
{
	if (pcb->flags & PCBF_QUEUED)
		tcp_pcb_kill(pcb);
	else
		tcp_pcb_fail(pcb, err);
}

bool tcp_hold_input(struct tcp_pcb *pcb, const struct tcp_seg *seg, enum drop_reason *why)
{
	*why = DROP_TCP_DUP; /* the SYN again: the program has not decided */
	if (seg->h.flags & TCP_RST) {
		*why = DROP_TCP_RST;
		if (seg->h.seq == pcb->rcv_nxt) {
			pcb->stack->tcp->cnt.rst_in++;
			tcp_hold_fail(pcb, ECONNRESET);
		}
	} else if (!(seg->h.flags & TCP_SYN)) {
		*why = DROP_TCP_FLAGS;
	}
	return false;
}

int tcp_hold_answer(struct tcp_pcb *pcb)
{
	struct stack *s = pcb->stack;

	if (!tcp_is_held(pcb))
		return -EINVAL;
	tcp_enter(s);
	pcb->flags &= ~PCBF_HELD;
	pcb->rtt_start_ns = s->now_ns;
	tcp_emit_syn(pcb);
	tcp_timer_rexmit(pcb);
	tcp_leave(s);
	return 0;
}

int tcp_hold_forget(struct tcp_pcb *pcb)
{
	struct stack *s = pcb->stack;

	if (!tcp_is_held(pcb))
		return -EINVAL;
	tcp_enter(s);
	tcp_pcb_fail(pcb, ETIMEDOUT);
	tcp_events_deliver(pcb);
	tcp_leave(s);
	return 0;
}
