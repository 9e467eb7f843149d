/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a program chose for its connections: taken from one control block and given to another, by
 * way of a listener for accepted connections, or directly when a socket gets a new block.
 */
#include "tcp/listen.h"

#define PREF_FLAGS \
	(PCBF_NODELAY | PCBF_CORK | PCBF_KEEPALIVE | PCBF_SNDBUF_SET | PCBF_RCVBUF_SET | \
	 PCBF_OOBINLINE | PCBF_FASTOPEN_CONNECT)

void tcp_prefs_get(const struct tcp_pcb *pcb, struct tcp_prefs *out)
{
	*out = pcb->prefs;
	out->flags = pcb->flags & PREF_FLAGS;
	out->sndbuf = pcb->snd.limit;
	out->rcvbuf = pcb->rcv.limit;
	out->tos = pcb->tos;
	out->ttl = pcb->ttl;
	out->cc = pcb->cc.kind;
}

void tcp_prefs_set(struct tcp_pcb *pcb, const struct tcp_prefs *p)
{
	pcb->prefs = *p;
	pcb->flags = (pcb->flags & ~PREF_FLAGS) | p->flags;
	pcb->snd.limit = p->sndbuf;
	pcb->rcv.limit = p->rcvbuf;
	pcb->tos = p->tos;
	pcb->ttl = p->ttl;
	(void)tcp_pcb_set_cc(pcb, p->cc); /* or it keeps the one it has */
}

void tcp_opts_inherit(struct tcp_pcb *to, const struct tcp_pcb *from)
{
	struct tcp_prefs p;

	tcp_prefs_get(from, &p);
	tcp_prefs_set(to, &p);
	if (to->state != TCPS_CLOSED)
		tcp_pcb_update_mss(to);
	tcp_timer_keep(to);
}

void tcp_listener_opts(struct tcp_listener *l, const struct tcp_pcb *like)
{
	tcp_prefs_get(like, &l->prefs);
}
