/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Active open (RFC 9293 3.9.1.1, 3.10.1) and the names of a connection's ends. Called by the socket
 * layer.
 */
#include "tcp/input.h"
#include "tcp/listen.h"
#include "tcp/output.h"

#include <errno.h>

struct tcp_pcb *tcp_create(struct stack *s, bool v6, void *so)
{
	struct tcp_pcb *pcb = tcp_pcb_create(s);

	if (!pcb)
		return NULL;
	pcb->so = so;
	pcb->flow.local = v6 ? ipaddr_any6() : ipaddr_any4();
	pcb->flow.remote = pcb->flow.local;
	if (v6)
		pcb->flags |= PCBF_V6;
	return pcb;
}

void tcp_so_set(struct tcp_pcb *pcb, void *so)
{
	pcb->so = so;
}

enum tcp_state tcp_state(const struct tcp_pcb *pcb)
{
	return (enum tcp_state)pcb->state;
}

void tcp_local(const struct tcp_pcb *pcb, struct ipaddr *addr, uint16_t *port)
{
	*addr = pcb->flow.local;
	*port = pcb->flow.lport;
}

void tcp_peer(const struct tcp_pcb *pcb, struct ipaddr *addr, uint16_t *port)
{
	*addr = pcb->flow.remote;
	*port = pcb->flow.rport;
}

/* Both ends of the new connection. */
struct ends {
	struct ipaddr local, remote;
	uint16_t lport, rport;
	uint32_t min_iss; /* with has_min: what a TIME-WAIT entry leaves behind */
	bool has_min;
};

static int may_connect(const struct tcp_pcb *pcb, const struct ends *e)
{
	if (pcb->state == TCPS_SYN_SENT || pcb->state == TCPS_SYN_RECEIVED)
		return -EALREADY;
	if (pcb->state != TCPS_CLOSED || pcb->err != 0)
		return -EISCONN;
	if (e->rport == 0)
		return -EADDRNOTAVAIL;
	if (ipaddr_is_unspecified(&e->remote) || ipaddr_is_multicast(&e->remote) ||
	    ipaddr_is_v4_broadcast(&e->remote))
		return -ENETUNREACH;
	return 0;
}

static int choose_local(struct tcp_pcb *pcb, struct ends *e)
{
	int err = inet_dst_lookup(pcb->stack, &e->remote, &pcb->dst);

	if (err < 0)
		return err;
	if (ipaddr_is_unspecified(&e->local)) {
		err = inet_src_select(pcb->stack, &pcb->dst, &e->remote, &e->local);
		if (err < 0)
			return err;
	}
	if (ipaddr_is_v4(&e->local) != ipaddr_is_v4(&e->remote))
		return -EINVAL;
	if (e->lport == 0)
		return tcp_port_choose(pcb, &e->local, &e->remote, e->rport, &e->lport);
	return 0;
}

/* Nobody may have the tuple; a TIME-WAIT entry may give way (RFC 6191). */
static int claim_tuple(struct tcp_pcb *pcb, struct ends *e)
{
	struct stack *s = pcb->stack;
	struct tcp_flow *f = tcp_flow_lookup(s, &e->local, e->lport, &e->remote, e->rport);

	if (!f)
		return 0;
	if (f->kind != TCP_FLOW_TIMEWAIT || !s->tcp->limits.tw_reuse ||
	    !tcp_timewait_reuse(s, CONTAINER_OF(f, struct tcp_timewait, flow), &e->min_iss))
		return -EADDRINUSE;
	s->tcp->cnt.timewait_reused++;
	e->has_min = true;
	return 0;
}

/* All but the SYN itself. */
static void prepare(struct tcp_pcb *pcb, const struct ends *e)
{
	struct stack *s = pcb->stack;
	const struct tcp_limits *lim = &s->tcp->limits;
	uint32_t max = pcb->flags & PCBF_RCVBUF_SET ? 0 : lim->rmem[TCP_MEM_MAX];

	pcb->iss = tcp_isn_make(s, &pcb->flow);
	if (e->has_min && seq_leq(pcb->iss, e->min_iss))
		pcb->iss = e->min_iss + UINT16_MAX; /* RFC 9293 3.6.1 */
	pcb->snd_una = pcb->iss;
	pcb->snd_nxt = pcb->iss + 1;
	pcb->write_seq = pcb->iss + 1;
	pcb->rcv_scale = tcp_window_scale(max_u32(max, pcb->rcv.limit));
	/* What the SYN offers; the answer takes away what the peer does not want. */
	pcb->flags |= (lim->timestamps ? PCBF_TS : 0) | (lim->window_scaling ? PCBF_WSCALE : 0) |
		      (lim->sack ? PCBF_SACK : 0);
	if (!lim->window_scaling)
		pcb->rcv_scale = 0;
	s->tcp->cnt.active_opens++;
	tcp_pcb_update_mss(pcb);
	tcp_set_state(pcb, TCPS_SYN_SENT);
}

void tcp_connect_start(struct tcp_pcb *pcb)
{
	pcb->flags &= ~PCBF_FASTOPEN_WAIT;
	pcb->rtt_start_ns = pcb->stack->now_ns;
	tcp_emit_syn(pcb);
	tcp_timer_rexmit(pcb);
}

/* RFC 7413 4.2.1: with a cookie the SYN waits for text, else it asks for one. */
static bool wait_for_text(struct tcp_pcb *pcb)
{
	if (!(pcb->flags & PCBF_FASTOPEN_CONNECT) ||
	    !(pcb->stack->tcp->limits.fastopen & TCP_FASTOPEN_CLIENT))
		return false;
	pcb->flags |= PCBF_FASTOPEN_ASKED;
	if (!tcp_fastopen_ready(pcb))
		return false;
	pcb->flags |= PCBF_FASTOPEN_WAIT;
	return true;
}

bool tcp_connect_waits(const struct tcp_pcb *pcb)
{
	return (pcb->flags & PCBF_FASTOPEN_WAIT) != 0;
}

int tcp_connect(struct tcp_pcb *pcb, const struct ipaddr *addr, uint16_t port)
{
	struct tcp_flow before = pcb->flow;
	struct ends e = {
		.local = pcb->flow.local, .lport = pcb->flow.lport, .remote = *addr, .rport = port};
	int err = may_connect(pcb, &e);

	if (err == 0)
		err = choose_local(pcb, &e);
	if (err == 0)
		err = claim_tuple(pcb, &e);
	if (err < 0)
		return err;
	tcp_pcb_name(pcb, &e.local, e.lport, &e.remote, e.rport);
	pcb->flow.zone = inet_zone(pcb->dst.iface);
	err = tcp_flow_insert(pcb->stack, &pcb->flow, TCP_FLOW_PCB);
	if (err < 0) {
		pcb->flow = before;
		return err;
	}
	prepare(pcb, &e);
	if (!wait_for_text(pcb))
		tcp_connect_start(pcb);
	return 0;
}
