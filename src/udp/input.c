/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP input: RFC 768, RFC 8200 8.1, RFC 1122 4.1. Called by the internet layer with whole
 * datagrams; queues them, with where they came from in front, for the socket's reader.
 */
#include "udp/pcb.h"

#include "wire/pseudo.h"
#include "wire/udp.h"

#include <errno.h>
#include <string.h>

#define ICMP4_CODE_PORT 3u
#define ICMP6_CODE_PORT 4u

static bool csum_good(const struct mbuf *m, const struct inet_in *in, uint16_t len, uint16_t csum)
{
	if (m->meta.csum != MBUF_CSUM_NONE || csum == 0)
		return true;
	return csum_fold(mbuf_csum(m, 0, len,
				   pseudo_sum(&in->src, &in->dst, INET_PROTO_UDP, len))) == 0;
}

static void queue(struct udp_pcb *pcb, const struct inet_in *in, uint16_t sport, mbuf_own own)
{
	struct stack *s = pcb->s;
	MBUF(m, own);
	struct udp_from from = {
		.src = in->src,
		.dst = in->dst,
		.sport = sport,
		.tos = in->tos,
		.ttl = in->ttl,
		.iface = in->iface,
	};
	uint8_t *front;

	if (pcb->rcv_mem + mbuf_truesize(m) > pcb->rcv_limit) {
		s->udp->cnt.rcvbuf_full++;
		mbuf_drop(&m, DROP_UDP_RCVBUF);
		return;
	}
	if (!mbuf_writable(m) || m->rte.data_off < sizeof(from)) {
		mbuf_own copy = mbuf_copy(s->pool, m, 0, mbuf_len(m), MBUF_PRIO_BULK);

		if (!copy.m) {
			mbuf_drop(&m, DROP_NOBUF);
			return;
		}
		mbuf_done(&m);
		m = copy.m;
	}
	front = mbuf_prepend(m, sizeof(from));
	if (!front) {
		mbuf_drop(&m, DROP_NOBUF);
		return;
	}
	memcpy(front, &from, sizeof(from));
	pcb->rcv_mem += mbuf_truesize(m);
	mbufq_push(&pcb->rcvq, mbuf_move(&m));
	s->udp->cnt.in++;
	s->udp->ev->readable(s, pcb->so);
}

/* RFC 1122 4.1.3.1; never to what came by multicast: inet_error_output() sees to it too. */
static void answer_no_port(struct stack *s, const struct inet_in *in, mbuf_own own)
{
	MBUF(m, own);

	s->udp->cnt.no_port++;
	if (!in->multicast)
		inet_error_output(s, m, INET_ERR_PORT,
				  ipaddr_is_v4(&in->dst) ? ICMP4_CODE_PORT : ICMP6_CODE_PORT, 0);
	mbuf_drop(&m, DROP_UDP_NO_PORT);
}

static void udp_input(struct stack *s, const struct inet_in *in, mbuf_own own)
{
	MBUF(m, own);
	struct udp_pcb *pcb;
	struct udphdr h;

	if (udp_parse_first(&h, mbuf_view(m), mbuf_len(m), !ipaddr_is_v4(&in->dst)) < 0) {
		s->udp->cnt.errors++;
		mbuf_drop(&m, DROP_UDP_MALFORMED);
		return;
	}
	mbuf_trim_to(m, h.len);
	if (!csum_good(m, in, h.len, h.csum)) {
		s->udp->cnt.errors++;
		mbuf_drop(&m, DROP_UDP_CSUM);
		return;
	}
	pcb = udp_find(s, &in->dst, h.dport, &in->src, h.sport);
	if (!pcb) {
		answer_no_port(s, in, mbuf_move(&m));
		return;
	}
	mbuf_trim_head(m, UDP_HLEN);
	queue(pcb, in, h.sport, mbuf_move(&m));
}

/* Only a connected socket learns of errors (RFC 1122 4.1.3.3 as BSD and Linux do it). */
static void udp_error(struct stack *s, const struct inet_err *e)
{
	struct udp_pcb *pcb = udp_find(s, &e->src, e->sport, &e->dst, e->dport);

	if (!pcb)
		return;
	if (e->kind == INET_ERR_TOO_BIG)
		inet_pmtu_update(s, &e->dst, e->mtu);
	if (pcb->hashed == UDP_HASHED_CONN)
		s->udp->ev->error(s, pcb->so, e->err);
}

const struct inet_proto udp_proto = {
	.input = udp_input,
	.error = udp_error,
};

static void take_mark(const struct mbuf *m, struct udp_from *from)
{
	(void)mbuf_copy_out(m, 0, from, sizeof(*from));
}

ssize_t udp_recv(struct udp_pcb *pcb, const struct iovec *iov, int n_iov, struct udp_from *from,
		 size_t *full, bool peek)
{
	struct mbuf *m = mbufq_peek(&pcb->rcvq);
	uint32_t off = sizeof(*from);
	struct udp_from mark;

	if (!m)
		return -EAGAIN;
	take_mark(m, &mark);
	if (from)
		*from = mark;
	*full = mbuf_len(m) - sizeof(mark);
	for (int i = 0; i < n_iov && off < mbuf_len(m); i++)
		off += mbuf_copy_out(m, off, iov[i].iov_base,
				     (uint32_t)min_size(iov[i].iov_len, UINT16_MAX));
	if (!peek) {
		mbuf_own own = mbufq_pop(&pcb->rcvq);

		pcb->rcv_mem -= mbuf_truesize(own.m);
		m = own.m;
		mbuf_done(&m);
	}
	return (ssize_t)(off - sizeof(mark));
}

uint32_t udp_rcv_next(const struct udp_pcb *pcb)
{
	struct mbuf *m = mbufq_peek(&pcb->rcvq);

	return m ? mbuf_len(m) - (uint32_t)sizeof(struct udp_from) : 0;
}

uint32_t udp_rcv_count(const struct udp_pcb *pcb)
{
	return pcb->rcvq.count;
}

uint32_t udp_rcv_bytes(const struct udp_pcb *pcb)
{
	return pcb->rcvq.bytes - pcb->rcvq.count * (uint32_t)sizeof(struct udp_from);
}
