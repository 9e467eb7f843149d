/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP input (RFC 768, RFC 1122 4.1, RFC 8200 8.1): check, find the socket, queue. A queued packet
 * carries its addresses in front of the payload, where its headers were. Every loss is a counted
 * drop. Worker thread.
 */
#include "udp/pcb.h"

#include "wire/pseudo.h"
#include "wire/udp.h"

#include <string.h>

/* A datagram this small is copied out of a buffer this large, so that a queue cannot tie up more
 * memory than it looks. */
#define SMALL_BYTES     1024u
#define LARGE_BYTES     4096u
#define ICMP4_CODE_PORT 3u
#define ICMP6_CODE_PORT 4u
/* Free shares of the packet pool: below the first a socket that has datagrams waiting gets no more,
 * below the second nobody does. Queues must never hold what reception and control need, and short
 * frames come in on the reserve too. Above TCP's marks (tcp/pressure.h): UDP's peers do not slow
 * down. */
#define SHED_QUEUED 4u
#define SHED_FIRST  32u
/* Sockets that get a copy of one multicast datagram. */
#define MULTICAST_MAX 64u

static bool csum_ok(const struct mbuf *m, const struct udphdr *h, const struct inet_in *in)
{
	uint32_t sum;

	/* The port has verified it, or it never was on a wire; over IPv4 it may be missing. */
	if (m->meta.csum != MBUF_CSUM_NONE || h->csum == 0)
		return true;
	sum = pseudo_sum(&in->src, &in->dst, INET_PROTO_UDP, h->len);
	return csum_fold(mbuf_csum(m, 0, h->len, sum)) == 0;
}

static mbuf_own compact(struct stack *s, mbuf_own own)
{
	MBUF(m, own);
	mbuf_own copy;

	if (mbuf_writable(m) && (mbuf_len(m) > SMALL_BYTES || mbuf_truesize(m) < LARGE_BYTES))
		return mbuf_move(&m);
	copy = mbuf_copy(s->pool, m, 0, mbuf_len(m), MBUF_PRIO_BULK);
	if (!copy.m) {
		mbuf_drop(&m, DROP_NOBUF);
		return MBUF_NULL;
	}
	mbuf_done(&m);
	return copy;
}

static bool shed(const struct stack *s, const struct udp_pcb *pcb, const struct mbuf *m)
{
	enum mbuf_class cls = mbuf_class_of(m);

	return UNLIKELY(mbuf_pool_below(s->pool, cls, SHED_QUEUED)) &&
	       (pcb->rcv.count > 0 || mbuf_pool_below(s->pool, cls, SHED_FIRST));
}

/* Into the receive queue, header replaced by the addresses. Consumes own. */
static void deliver(struct stack *s, struct udp_pcb *pcb, const struct inet_in *in,
		    const struct udphdr *h, mbuf_own own)
{
	struct udp_from from = {
		.src = in->src,
		.dst = in->dst,
		.sport = h->sport,
		.tos = in->tos,
		.ttl = in->ttl,
		.iface = in->iface,
	};
	MBUF(m, compact(s, own));
	uint32_t size;
	uint8_t *p;

	if (!m)
		return;
	if (shed(s, pcb, m)) {
		s->udp->cnt.pool_low++;
		mbuf_drop(&m, DROP_NOBUF);
		return;
	}
	size = mbuf_truesize(m);
	if (pcb->rcv_true + size > pcb->rcvbuf && pcb->rcv.count > 0) {
		s->udp->cnt.rcvbuf_full++;
		mbuf_drop(&m, DROP_UDP_RCVBUF);
		return;
	}
	mbuf_trim_head(m, UDP_HLEN);
	p = mbuf_prepend(m, sizeof(from));
	if (!p) {
		mbuf_drop(&m, DROP_NOBUF);
		return;
	}
	memcpy(p, &from, sizeof(from));
	/* Taken again: a first segment that held the header alone may be gone. */
	pcb->rcv_true += mbuf_truesize(m);
	mbufq_push(&pcb->rcv, mbuf_move(&m));
	s->udp->cnt.in++;
	s->udp->ev->readable(s, pcb->so);
}

/* To every socket of that port that takes it; RFC 1122 4.1.3.5. Consumes own. */
static void deliver_all(struct stack *s, const struct inet_in *in, const struct udphdr *h,
			mbuf_own own)
{
	struct udp_pcb *to[MULTICAST_MAX];
	struct htab_iter it;
	unsigned n = 0;
	MBUF(m, own);

	for (struct udp_pcb *p = htab_first(&s->udp->by_port, udp_port_hash(s, h->dport), &it);
	     p && n < MULTICAST_MAX; p = htab_next(&it))
		if (p->lport == h->dport && udp_takes(p, in, h->sport))
			to[n++] = p;
	if (n == 0) {
		s->udp->cnt.no_port++;
		mbuf_drop(&m, DROP_UDP_NO_PORT);
		return;
	}
	for (unsigned i = 0; i + 1 < n; i++) {
		mbuf_own copy = mbuf_copy(s->pool, m, 0, mbuf_len(m), MBUF_PRIO_BULK);

		if (copy.m)
			deliver(s, to[i], in, h, copy);
		else
			mbuf_pool_count_drop(s->pool, DROP_NOBUF);
	}
	deliver(s, to[n - 1], in, h, mbuf_move(&m));
}

void udp_input(struct stack *s, const struct inet_in *in, mbuf_own own)
{
	struct udp_pcb *pcb;
	struct udphdr h;
	MBUF(m, own);

	if (udp_parse_first(&h, mbuf_view(m), mbuf_len(m), !ipaddr_is_v4(&in->dst)) < 0) {
		s->udp->cnt.errors++;
		mbuf_drop(&m, DROP_UDP_MALFORMED);
		return;
	}
	mbuf_trim_to(m, h.len);
	if (!csum_ok(m, &h, in)) {
		s->udp->cnt.errors++;
		mbuf_drop(&m, DROP_UDP_CSUM);
		return;
	}
	if (in->multicast) {
		deliver_all(s, in, &h, mbuf_move(&m));
		return;
	}
	pcb = udp_find(s, &in->src, h.sport, &in->dst, h.dport);
	if (!pcb) {
		s->udp->cnt.no_port++;
		/* RFC 1122 4.1.3.1 */
		inet_error_output(s, m, INET_ERR_PORT,
				  ipaddr_is_v4(&in->dst) ? ICMP4_CODE_PORT : ICMP6_CODE_PORT, 0);
		mbuf_drop(&m, DROP_UDP_NO_PORT);
		return;
	}
	deliver(s, pcb, in, &h, mbuf_move(&m));
}

/*
 * An error about a datagram of ours. Connected sockets hear of a refusal; the others of nothing,
 * RFC 1122 4.1.3.3, since they could not tell which datagram it was (Linux without IP_RECVERR).
 */
void udp_error(struct stack *s, const struct inet_err *e)
{
	struct udp_pcb *pcb = udp_find_flow(s, &e->src, e->sport, &e->dst, e->dport);

	if (e->kind == INET_ERR_TOO_BIG) {
		/* Only about what a socket of ours may have sent. */
		if (pcb || udp_find(s, &e->dst, e->dport, &e->src, e->sport))
			inet_pmtu_update(s, &e->dst, e->mtu);
		return;
	}
	if (pcb && (e->kind == INET_ERR_PORT || e->kind == INET_ERR_PARAM))
		s->udp->ev->error(s, pcb->so, e->err);
}
