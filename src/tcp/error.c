/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMP errors about our segments (RFC 9293 3.9.2.2, RFC 5461, RFC 5927). Anybody can send them, so
 * a report counts only when it quotes a number in flight; then it may end a connection that is
 * being opened, is remembered by an open one, and lowers the path MTU. Called by inet.
 */
#include "tcp/input.h"
#include "tcp/output.h"
#include "tcp/recovery.h"

static void too_big(struct tcp_pcb *pcb, uint32_t mtu)
{
	struct stack *s = pcb->stack;
	uint16_t old = pcb->mss;

	inet_pmtu_update(s, &pcb->flow.remote, mtu);
	if (inet_dst_lookup_zone(s, pcb->flow.zone, &pcb->flow.remote, &pcb->dst) < 0)
		return;
	tcp_pcb_update_mss(pcb);
	if (pcb->mss >= old)
		return;
	s->tcp->cnt.pmtu_lowered++;
	if (tcp_pcb_synchronised(pcb)) {
		tcp_recovery_mtu(pcb);
		tcp_output_later(pcb);
	}
}

static void on_error(struct tcp_pcb *pcb, const struct inet_err *e)
{
	/* RFC 5927 4.1: the quoted number must be in flight. */
	if (!seq_between(e->tcp_seq, pcb->snd_una, pcb->snd_nxt + 1))
		return;
	switch (e->kind) {
	case INET_ERR_TOO_BIG:
		too_big(pcb, e->mtu);
		break;
	case INET_ERR_UNREACHABLE:
	case INET_ERR_TIME:
	case INET_ERR_PARAM:
		/* The way may come back: the SYN goes again, and when it has gone often enough the
		 * program hears of this instead of a timeout (RFC 1122 4.2.3.9, RFC 5461 3). */
		pcb->soft_err = e->err;
		break;
	case INET_ERR_PORT:
		/* The host itself says that nobody is there: the end of an attempt. Of a
		 * connection that is open it is only remembered (RFC 5927 5.2). */
		pcb->soft_err = e->err;
		if (pcb->state == TCPS_SYN_SENT || pcb->state == TCPS_SYN_RECEIVED)
			tcp_pcb_fail(pcb, e->err);
		break;
	}
}

static void on_connection(struct tcp_pcb *pcb, const struct inet_err *e)
{
	on_error(pcb, e);
	tcp_events_deliver(pcb);
}

/* False: the quoted flow is none of ours. */
static bool act(struct stack *s, const struct inet_err *e)
{
	struct tcp_flow *f = tcp_flow_lookup(s, &e->src, e->sport, &e->dst, e->dport);

	if (!f || (f->kind != TCP_FLOW_PCB && f->kind != TCP_FLOW_HALF))
		return false;
	tcp_enter(s);
	if (f->kind == TCP_FLOW_PCB)
		on_connection(tcp_pcb_of_flow(f), e);
	else
		tcp_synq_error(s, CONTAINER_OF(f, struct tcp_half, flow), e);
	tcp_leave(s);
	return true;
}

void tcp_error(struct stack *s, const struct inet_err *e)
{
	act(s, e);
}

bool tcp_claim_error(struct stack *s, const struct inet_err *e)
{
	return act(s, e);
}
