/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP output: datagrams, copied into buffers of ours, their checksum left to the port when they fit
 * into one packet. A segment size (UDP_SEGMENT) makes several of one call. Worker thread.
 */
#include "udp/pcb.h"

#include "wire/pseudo.h"
#include "wire/udp.h"

#include <errno.h>

#define UDP_MAX_V4 65507u /* payload: 65535 less both headers */
#define UDP_MAX_V6 65527u
#define IP4_HLEN   20u
#define IP6_HLEN   40u

/* Where to, by which way and from which address. */
struct route {
	struct ipaddr src, dst;
	uint16_t dport;
	bool v6, group;
	struct inet_dst *dst_way;
	struct inet_dst tmp;
};

/* What is still to be sent of the program's bytes. */
struct cursor {
	const struct iovec *iov;
	int n_iov;
	size_t off; /* into the first */
};

/* The interface that was asked for, + 1. 0: the route says. */
static uint32_t iface_of(const struct udp_pcb *pcb, const struct udp_to *to, const struct route *r)
{
	if (to->iface)
		return to->iface;
	if (!to->addr && pcb->flags & UDPF_CONNECTED)
		return pcb->peer_iface;
	return r->group ? pcb->opts.mc_iface[r->v6] : 0;
}

static int find_way(struct udp_pcb *pcb, const struct udp_to *to, struct route *r)
{
	struct stack *s = pcb->stack;
	uint32_t iface = iface_of(pcb, to, r);

	if (iface && !inet_iface_exists(s, iface - 1))
		return -ENODEV;
	r->dst_way = &r->tmp;
	if (pcb->dst_known && pcb->flags & UDPF_CONNECTED && ipaddr_eq(&r->dst, &pcb->raddr) &&
	    iface == pcb->peer_iface) {
		r->dst_way = &pcb->dst;
		if (inet_dst_valid(s, &pcb->dst))
			return 0;
	}
	return iface ? inet_dst_lookup_on(s, iface - 1, &r->dst, r->dst_way)
		     : inet_dst_lookup(s, &r->dst, r->dst_way);
}

static int find_source(struct udp_pcb *pcb, const struct udp_to *to, struct route *r)
{
	struct stack *s = pcb->stack;

	r->src = to->src ? *to->src : pcb->laddr;
	if (to->src && !ipaddr_is_unspecified(to->src) && !pcb->opts.foreign &&
	    !inet_addr_is_local(s, to->src))
		return r->v6 ? -EINVAL : -ENETUNREACH; /* as Linux */
	if (r->group && !r->v6 && ipaddr_is_unspecified(&r->src))
		r->src = pcb->opts.mc_src4;
	/* A multicast or broadcast address to receive on is no address to send from. */
	if (ipaddr_is_unspecified(&r->src) || ipaddr_is_multicast(&r->src) ||
	    ipaddr_is_v4_broadcast(&r->src))
		return inet_src_select(s, r->dst_way, &r->dst, &r->src);
	return ipaddr_is_v4(&r->src) == ipaddr_is_v4(&r->dst) ? 0 : -ENETUNREACH;
}

/* len bytes of the program's to m's end. */
static bool append(struct mbuf *m, struct cursor *c, size_t len)
{
	while (len > 0) {
		size_t n = min_size(c->iov->iov_len - c->off, len);

		if (n > 0 && mbuf_append_bytes(m, (const uint8_t *)c->iov->iov_base + c->off,
					       (uint32_t)n, MBUF_PRIO_BULK) < 0)
			return false;
		c->off += n;
		len -= n;
		if (c->off == c->iov->iov_len) {
			c->iov++;
			c->off = 0;
		}
	}
	return true;
}

/* Header and payload in buffers. .m NULL: no buffers. */
static mbuf_own build(struct udp_pcb *pcb, struct cursor *c, size_t len, const struct route *r,
		      bool fits)
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
	if (!append(m, c, len)) {
		mbuf_drop(&m, DROP_NOBUF);
		return MBUF_NULL;
	}
	if (fits) {
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

static uint32_t mtu_of(const struct udp_pcb *pcb, const struct route *r)
{
	return pcb->opts.pmtudisc[r->v6] >= UDP_PMTUDISC_PROBE ? r->dst_way->link_mtu
							       : r->dst_way->mtu;
}

static bool must_fit(const struct udp_pcb *pcb, const struct udp_to *to, const struct route *r)
{
	uint8_t disc = pcb->opts.pmtudisc[r->v6];

	if (r->v6 && (to->dontfrag >= 0 ? to->dontfrag : pcb->opts.dontfrag))
		return true;
	return disc == UDP_PMTUDISC_DO || disc == UDP_PMTUDISC_PROBE;
}

static void fill_out(const struct udp_pcb *pcb, const struct udp_to *to, const struct route *r,
		     struct inet_out *o)
{
	const struct udp_opts *opt = &pcb->opts;
	int ttl = to->ttl >= 0 ? to->ttl : r->group ? opt->mc_ttl[r->v6] : opt->ttl;

	*o = (struct inet_out){.src = r->src,
			       .dst = r->dst,
			       .proto = INET_PROTO_UDP,
			       .tos = to->tos >= 0 ? (uint8_t)to->tos : opt->tos,
			       .ttl = (uint8_t)ttl,
			       .loop_copy = r->group ? opt->mc_loop[r->v6]
						     : ipaddr_is_v4_broadcast(&r->dst),
			       .keep_home = r->group && ttl == 0,
			       .ignore_pmtu = opt->pmtudisc[r->v6] >= UDP_PMTUDISC_PROBE};
}

/* One datagram of the next len bytes. */
static int send_one(struct udp_pcb *pcb, struct cursor *c, size_t len, const struct route *r,
		    struct inet_out *o)
{
	uint8_t disc = pcb->opts.pmtudisc[r->v6];
	bool fits = len + UDP_HLEN + (r->v6 ? IP6_HLEN : IP4_HLEN) <= mtu_of(pcb, r);
	mbuf_own m = build(pcb, c, len, r, fits);
	int rc;

	if (!m.m)
		return -ENOBUFS;
	o->dont_fragment = fits && (disc == UDP_PMTUDISC_WANT || disc == UDP_PMTUDISC_DO ||
				    disc == UDP_PMTUDISC_PROBE);
	rc = inet_output(pcb->stack, m, o, r->dst_way);
	if (rc == 0)
		pcb->stack->udp->cnt.out++;
	return rc;
}

/* Are so many bytes in segments of seg (0: none) allowed? */
static int check_size(struct udp_pcb *pcb, const struct udp_to *to, const struct route *r,
		      size_t len, size_t seg)
{
	size_t hlen = UDP_HLEN + (r->v6 ? IP6_HLEN : IP4_HLEN),
	       one = seg ? min_size(len, seg) : len;

	if (one + hlen > mtu_of(pcb, r) && (seg || must_fit(pcb, to, r))) {
		udp_err_local(pcb, &r->dst, r->dport, mtu_of(pcb, r));
		return -EMSGSIZE;
	}
	return seg && len > seg * UDP_MAX_SEGMENTS ? -EINVAL : 0;
}

static int prepare(struct udp_pcb *pcb, const struct udp_to *to, struct route *r)
{
	int rc = udp_autobind(pcb);

	/* After the port was taken, as Linux has it. */
	if (rc == 0 && !to->addr && !(pcb->flags & UDPF_CONNECTED))
		rc = -EDESTADDRREQ;
	if (rc == 0)
		rc = find_way(pcb, to, r);
	return rc < 0 ? rc : find_source(pcb, to, r);
}

ssize_t udp_send(struct udp_pcb *pcb, const struct iovec *iov, int n_iov, const struct udp_to *to)
{
	struct route r = {.dst = to->addr ? *to->addr : pcb->raddr,
			  .dport = to->addr ? to->port : pcb->rport};
	size_t len = iov_bytes(iov, n_iov), seg, left;
	struct cursor c = {iov, n_iov, 0};
	struct inet_out o;
	int rc;

	r.v6 = !ipaddr_is_v4(&r.dst);
	r.group = ipaddr_is_multicast(&r.dst);
	if (len > (r.v6 ? UDP_MAX_V6 : UDP_MAX_V4))
		return -EMSGSIZE;
	rc = prepare(pcb, to, &r);
	if (rc < 0)
		return rc;
	seg = to->gso_size >= 0 ? (size_t)to->gso_size : pcb->opts.gso_size;
	rc = check_size(pcb, to, &r, len, seg);
	if (rc < 0)
		return rc;
	fill_out(pcb, to, &r, &o);
	left = len;
	do { /* at most UDP_MAX_SEGMENTS times */
		size_t n = seg ? min_size(left, seg) : left;

		rc = send_one(pcb, &c, n, &r, &o);
		if (rc < 0)
			return rc;
		left -= n;
	} while (left > 0);
	return (ssize_t)len;
}
