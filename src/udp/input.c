/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP input (RFC 768, RFC 1122 4.1, RFC 8200 8.1): check, find the socket, queue. A queued packet
 * carries its addresses in front of the payload, where its headers were; for a socket with UDP_GRO
 * those of one flow that came in one round are joined. Every loss is a counted drop. Worker thread.
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
/* Bytes that UDP_GRO joins: what a program's 64 KB buffer holds, and no datagram is larger. */
#define UDP_JOINED_MAX 65507u

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

/* What of a datagram its socket will ask for. */
static struct udp_from from_of(const struct stack *s, const struct inet_in *in,
			       const struct udphdr *h, uint32_t len)
{
	return (struct udp_from){
		.src = in->src,
		.dst = in->dst,
		.arrived_ns = s->now_ns,
		.sport = h->sport,
		.dport = h->dport,
		.seg_bytes = (uint16_t)len,
		.n_segs = 1,
		.tos = in->tos,
		.ttl = in->ttl,
		.iface = in->iface,
	};
}

/* May a datagram follow those in a? One flow, one round, all of one size but the last. */
static bool may_join(const struct udp_from *a, const struct udp_from *b, uint32_t len)
{
	return !a->closed && b->seg_bytes > 0 && b->seg_bytes <= a->seg_bytes &&
	       a->n_segs < UDP_MAX_SEGMENTS && len + b->seg_bytes <= UDP_JOINED_MAX &&
	       a->arrived_ns == b->arrived_ns && a->sport == b->sport && a->iface == b->iface &&
	       a->tos == b->tos && a->ttl == b->ttl && ipaddr_eq(&a->src, &b->src) &&
	       ipaddr_eq(&a->dst, &b->dst);
}

/* UDP_GRO: behind the last datagram of the queue, if it may. True: *mp was taken or dropped. */
static bool join(struct udp_pcb *pcb, const struct udp_from *from, struct mbuf **mp)
{
	struct mbuf *tail = pcb->rcv.tail;
	uint32_t len = mbuf_len(*mp), size = mbuf_truesize(*mp);
	struct udp_from head;

	if (!tail)
		return false;
	memcpy(&head, mbuf_data(tail), sizeof(head));
	if (!may_join(&head, from, mbuf_len(tail) - (uint32_t)sizeof(head)))
		return false;
	head.n_segs++;
	head.closed = from->seg_bytes < head.seg_bytes;
	if (mbuf_join(tail, mbuf_move(mp)) < 0)
		return true;
	memcpy(mbuf_data(tail), &head, sizeof(head));
	pcb->rcv.bytes += len;
	pcb->rcv_true += size;
	pcb->stack->udp->cnt.in++;
	pcb->stack->udp->cnt.in_joined++;
	return true;
}

/* Into the receive queue, header replaced by the addresses. Consumes own. */
static void deliver(struct stack *s, struct udp_pcb *pcb, const struct inet_in *in,
		    const struct udphdr *h, mbuf_own own)
{
	MBUF(m, compact(s, own));
	struct udp_from from;
	uint8_t *p;

	if (!m)
		return;
	if (shed(s, pcb, m)) {
		s->udp->cnt.pool_low++;
		mbuf_drop(&m, DROP_NOBUF);
		return;
	}
	if (pcb->rcv_true + mbuf_truesize(m) > pcb->rcvbuf && pcb->rcv.count > 0) {
		s->udp->cnt.rcvbuf_full++;
		pcb->rcv_lost++;
		mbuf_drop(&m, DROP_UDP_RCVBUF);
		return;
	}
	mbuf_trim_head(m, UDP_HLEN);
	from = from_of(s, in, h, mbuf_len(m));
	if (pcb->opts.gro && join(pcb, &from, &m))
		return;
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
		if (p->lport == h->dport && udp_takes(p, in, h->sport) && udp_group_takes(p, in))
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
