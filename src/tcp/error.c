/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMP errors about our segments (RFC 9293 3.9.2.2, RFC 5461, RFC 5927). Anybody can send them, so
 * a report counts only when it quotes a number in flight; then it ends a connection that is being
 * opened, is remembered by an open one, and lowers the path MTU. Called by inet.
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
		pcb->soft_err = e->err;
		break;
	case INET_ERR_PORT:
		/* Hard while opening (RFC 1122 4.2.3.9), never afterwards (RFC 5461 4.1). */
		pcb->soft_err = e->err;
		if (pcb->state == TCPS_SYN_SENT)
			tcp_pcb_fail(pcb, e->err);
		break;
	}
}

/* The connection that the report quotes, or NULL. */
static struct tcp_pcb *find(struct stack *s, const struct inet_err *e)
{
	struct tcp_flow *f = tcp_flow_lookup(s, &e->src, e->sport, &e->dst, e->dport);

	return f && f->kind == TCP_FLOW_PCB ? tcp_pcb_of_flow(f) : NULL;
}

static void act(struct tcp_pcb *pcb, const struct inet_err *e)
{
	struct stack *s = pcb->stack;

	tcp_enter(s);
	on_error(pcb, e);
	tcp_events_deliver(pcb);
	tcp_leave(s);
}

void tcp_error(struct stack *s, const struct inet_err *e)
{
	struct tcp_pcb *pcb = find(s, e);

	if (pcb)
		act(pcb, e);
}

bool tcp_claim_error(struct stack *s, const struct inet_err *e)
{
	struct tcp_pcb *pcb = find(s, e);

	if (!pcb)
		return false;
	act(pcb, e);
	return true;
}
