/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors about datagrams of ours (RFC 1122 4.1.3.3): to the socket as a pending error, and with
 * IP_RECVERR or IPV6_RECVERR into its error queue, bounded by the receive buffer. Which of them a
 * socket hears of is what Linux does: without RECVERR a connected one of the hard errors, the
 * others of nothing, since they could not tell which datagram it was. Worker thread.
 */
#include "udp/pcb.h"

#include "wire/udp.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <string.h>

/* Keep an error with the datagram's first bytes. Lost (and counted) when there is no room. */
static void keep(struct udp_pcb *pcb, const struct udp_err *e, struct view payload)
{
	struct stack *s = pcb->stack;
	uint32_t n = (uint32_t)min_size(payload.len, MBUF_SMALL_ROOM - sizeof(*e));
	MBUF(m, mbuf_alloc(s->pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_UDP_RCV));
	uint8_t *p;

	if (!m) {
		mbuf_pool_count_drop(s->pool, DROP_NOBUF);
		return;
	}
	if (pcb->rcv_true + mbuf_truesize(m) > pcb->rcvbuf && pcb->errq.count > 0) {
		mbuf_drop(&m, DROP_UDP_RCVBUF);
		return;
	}
	p = mbuf_append(m, (uint32_t)sizeof(*e) + n);
	if (!p) {
		mbuf_drop(&m, DROP_NOBUF);
		return;
	}
	memcpy(p, e, sizeof(*e));
	if (n > 0)
		memcpy(p + sizeof(*e), payload.p, n);
	pcb->rcv_true += mbuf_truesize(m);
	mbufq_push(&pcb->errq, mbuf_move(&m));
	s->udp->cnt.err_queued++;
}

/* Did we ask the path for its MTU at all? */
static bool wants_mtu(const struct udp_pcb *pcb, bool v6)
{
	return pcb->opts.pmtudisc[v6] != UDP_PMTUDISC_DONT;
}

void udp_error(struct stack *s, const struct inet_err *e)
{
	struct udp_pcb *pcb = udp_find(s, &e->dst, e->dport, &e->src, e->sport);
	bool v6 = !ipaddr_is_v4(&e->dst), hard = e->hard;
	struct view payload = e->quoted;
	struct udp_err q = {
		.err = e->err,
		.origin = v6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP,
		.type = e->type,
		.code = e->code,
		.info = e->kind == INET_ERR_TOO_BIG ? e->mtu : e->ptr,
		.dst = e->dst,
		.from = e->from,
		.dport = e->dport,
		.iface = e->iface,
	};

	if (!pcb)
		return;
	if (e->kind == INET_ERR_TOO_BIG) {
		/* Only about what a socket of ours may have sent. */
		inet_pmtu_update(s, &e->dst, e->mtu);
		if (!wants_mtu(pcb, v6))
			return;
		hard = true;
	}
	if (pcb->opts.recverr[v6]) {
		payload = payload.len > UDP_HLEN
				  ? view_make(payload.p + UDP_HLEN, payload.len - UDP_HLEN)
				  : view_make(NULL, 0);
		keep(pcb, &q, payload);
	} else if (!hard || !(pcb->flags & UDPF_CONNECTED)) {
		return;
	}
	s->udp->ev->error(s, pcb->so, e->err);
}

void udp_err_local(struct udp_pcb *pcb, const struct ipaddr *dst, uint16_t port, uint32_t mtu)
{
	struct udp_err q = {
		.err = EMSGSIZE,
		.origin = SO_EE_ORIGIN_LOCAL,
		.info = mtu,
		.dst = *dst,
		.dport = port,
	};

	if (!pcb->opts.recverr[!ipaddr_is_v4(dst)])
		return;
	keep(pcb, &q, view_make(NULL, 0));
	pcb->stack->udp->ev->error(pcb->stack, pcb->so, 0);
}

int udp_err_pending(const struct udp_pcb *pcb)
{
	const struct mbuf *m = mbufq_peek(&pcb->errq);
	struct udp_err e;

	if (!m)
		return 0;
	(void)mbuf_copy_out(m, 0, &e, sizeof(e));
	return e.origin == SO_EE_ORIGIN_LOCAL ? 0 : e.err;
}
