/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP output: one datagram, copied into buffers of ours, its checksum left to the port when it
 * fits into one packet. Worker thread.
 */
#include "udp/pcb.h"

#include "wire/pseudo.h"
#include "wire/udp.h"

#include <errno.h>

#define UDP_MAX_V4  65507u /* payload: 65535 less both headers */
#define UDP_MAX_V6  65527u
#define IP_HLEN_MAX 40u

/* Where to, by which way and from which address. */
struct route {
	struct ipaddr src, dst;
	uint16_t dport;
	struct inet_dst *dst_way;
	struct inet_dst tmp;
};

static int find_way(struct udp_pcb *pcb, struct route *r)
{
	struct stack *s = pcb->stack;
	int rc;

	if (pcb->dst_known && pcb->flags & UDPF_CONNECTED && ipaddr_eq(&r->dst, &pcb->raddr)) {
		r->dst_way = &pcb->dst;
		rc = inet_dst_valid(s, &pcb->dst) ? 0 : inet_dst_lookup(s, &r->dst, &pcb->dst);
	} else {
		r->dst_way = &r->tmp;
		rc = inet_dst_lookup(s, &r->dst, &r->tmp);
	}
	if (rc < 0)
		return rc;
	r->src = pcb->laddr;
	/* A multicast or broadcast address to receive on is no address to send from. */
	if (ipaddr_is_unspecified(&r->src) || ipaddr_is_multicast(&r->src) ||
	    ipaddr_is_v4_broadcast(&r->src))
		return inet_src_select(s, r->dst_way, &r->dst, &r->src);
	return ipaddr_is_v4(&r->src) == ipaddr_is_v4(&r->dst) ? 0 : -ENETUNREACH;
}

/* Header and payload in buffers. .m NULL: no buffers. */
static mbuf_own build(struct udp_pcb *pcb, const struct iovec *iov, int n_iov, size_t len,
		      const struct route *r)
{
	struct udphdr h = {
		.sport = pcb->lport,
		.dport = r->dport,
		.len = (uint16_t)(UDP_HLEN + len),
	};
	enum mbuf_class cls = len + UDP_HLEN > MBUF_SMALL_ROOM ? MBUF_BIG : MBUF_SMALL;
	MBUF(m, mbuf_alloc(pcb->stack->pool, cls, MBUF_PRIO_BULK, MBUF_TX));
	uint8_t *p;

	if (!m)
		return MBUF_NULL;
	p = mbuf_append(m, UDP_HLEN);
	(void)udp_emit(p, &h);
	for (int i = 0; i < n_iov; i++)
		if (iov[i].iov_len > 0 &&
		    mbuf_append_bytes(m, iov[i].iov_base, (uint32_t)iov[i].iov_len,
				      MBUF_PRIO_BULK) < 0) {
			mbuf_drop(&m, DROP_NOBUF);
			return MBUF_NULL;
		}
	if (mbuf_len(m) + IP_HLEN_MAX <= r->dst_way->mtu) {
		h.csum = pseudo_partial(&r->src, &r->dst, INET_PROTO_UDP, h.len);
		m->meta.csum = MBUF_CSUM_PARTIAL;
		m->meta.l4_off = mbuf_here(m);
		m->meta.csum_field = UDP_OFF_CSUM;
	} else {
		/* It will be fragmented, and no port adds up several packets. */
		h.csum = udp_csum(&h, mbuf_csum(m, UDP_HLEN, (uint32_t)len, 0), &r->src, &r->dst);
	}
	(void)udp_emit(p, &h);
	return mbuf_move(&m);
}

static size_t iov_bytes(const struct iovec *iov, int n_iov)
{
	size_t len = 0;

	for (int i = 0; i < n_iov; i++)
		len += iov[i].iov_len;
	return len;
}

ssize_t udp_send(struct udp_pcb *pcb, const struct iovec *iov, int n_iov, const struct ipaddr *to,
		 uint16_t port)
{
	struct route r = {.dst = to ? *to : pcb->raddr, .dport = to ? port : pcb->rport};
	struct inet_out o = {.proto = INET_PROTO_UDP, .tos = pcb->tos, .ttl = pcb->ttl};
	size_t len = iov_bytes(iov, n_iov);
	mbuf_own m;
	int rc;

	if (len > (ipaddr_is_v4(&r.dst) ? UDP_MAX_V4 : UDP_MAX_V6))
		return -EMSGSIZE;
	rc = udp_autobind(pcb);
	/* After the port was taken, as Linux has it. */
	if (rc == 0 && !to && !(pcb->flags & UDPF_CONNECTED))
		rc = -EDESTADDRREQ;
	if (rc == 0)
		rc = find_way(pcb, &r);
	if (rc < 0)
		return rc;
	m = build(pcb, iov, n_iov, len, &r);
	if (!m.m)
		return -ENOBUFS;
	o.src = r.src;
	o.dst = r.dst;
	rc = inet_output(pcb->stack, m, &o, r.dst_way);
	if (rc < 0)
		return rc;
	pcb->stack->udp->cnt.out++;
	return (ssize_t)len;
}
