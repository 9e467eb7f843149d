/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Forwarding (RFC 1812 5.2, 5.3; RFC 8200): a hop less, the way looked up, too large packets cut
 * (IPv4 without DF) or refused by ICMP. Superpackets travel whole: what counts is the size of the
 * segments that they will be cut into. Redirects are not sent: a box in the path serves links where
 * the better way round it is not wanted.
 *
 * Called by input with packets that interception did not take, which nobody else looks at.
 */
#include "inet/state.h"

#include "link/neigh.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/tcp.h"

#include <errno.h>

/* Length of the IP packets that leave on the wire; superpackets: of their segments. */
static uint32_t wire_len(const struct ip_rx *rx, const struct mbuf *m)
{
	uint32_t hlen = rx->upper_off;

	if (LIKELY(m->meta.gso_size == 0))
		return mbuf_len(m);
	if (mbuf_seg_len(m) < hlen + TCP_HLEN)
		return mbuf_len(m);
	hlen += (uint32_t)(mbuf_data(m)[hlen + TCP_OFF_DOFF] >> 4) * 4;
	return hlen + m->meta.gso_size;
}

/* The way, or the ICMP error and the reason to drop. */
static struct inet_dst *way(struct stack *s, const struct ip_rx *rx, const struct mbuf *m,
			    struct neigh **n, enum drop_reason *why)
{
	struct inet_dst *d;
	int err;

	d = dst_cached(s, &rx->in.dst, &err);
	if (!d || inet_dst_is_loop(d)) {
		inet_error_output(s, m, INET_ERR_UNREACHABLE, 0, 0); /* no route, both families */
		*why = DROP_IP_NO_ROUTE;
		return NULL;
	}
	/* RFC 2644: no directed broadcasts. */
	if (ipaddr_is_v4_broadcast(&d->nexthop)) {
		*why = DROP_IP_BAD_DST;
		return NULL;
	}
	*n = dst_neigh(s, d);
	if (*n && !neigh_refuses(s, *n))
		return d;
	*why = *n ? DROP_NEIGH_UNREACHABLE : DROP_NEIGH_TABLE_FULL;
	if (*n)
		inet_error_output(s, m, INET_ERR_UNREACHABLE,
				  rx->v6 ? ICMP6_UNREACH_ADDRESS : ICMP4_UNREACH_HOST, 0);
	return NULL;
}

/* Of the link, not of the path: what our own connections learned of a path binds nobody else. */
static uint32_t link_mtu(const struct stack *s, const struct inet_dst *d)
{
	return link_iface(s, d->iface)->mtu;
}

static void forward_queue(struct stack *s, struct neigh *n, struct mbufq *q)
{
	struct mbuf *m;

	while ((m = mbufq_pop(q).m) != NULL) {
		m->meta.l3_off = mbuf_here(m);
		(void)neigh_output(s, n, mbuf_own_of(m));
	}
}

static enum drop_reason refuse4(struct stack *s, const struct ip_rx *rx, const struct mbuf *m)
{
	if (!s->inet->forward4)
		return DROP_IP_NOT_LOCAL;
	if (ipaddr_is_unspecified(&rx->in.src))
		return DROP_IP_BAD_SRC;
	/* RFC 3927 2.7: link-local stays on its link. */
	if (ipaddr_is_link_local(&rx->in.src) || ipaddr_is_link_local(&rx->in.dst))
		return DROP_IP_SCOPE;
	if (rx->in.ttl > 1)
		return DROP_COUNT;
	inet_error_output(s, m, INET_ERR_TIME, ICMP4_TIME_TTL, 0);
	return DROP_IP_TTL;
}

/* A superpacket whose segments are too large, without DF: cut into smaller ones. To TCP that is the
 * same, and it saves the receiver the reassembly. */
static bool resize_segments(const struct ip_rx *rx, struct mbuf *m, uint32_t mtu)
{
	uint32_t hdr = wire_len(rx, m) - m->meta.gso_size;

	if (m->meta.gso_size == 0 || hdr >= mtu)
		return false;
	m->meta.gso_size = (uint16_t)(mtu - hdr);
	return true;
}

void ip4_forward(struct stack *s, const struct ip_rx *rx, const struct ip4 *h, mbuf_own in)
{
	enum drop_reason why;
	struct inet_dst *d;
	struct neigh *n;
	uint32_t mtu;
	struct mbufq q;
	MBUF(m, in);

	why = refuse4(s, rx, m);
	if (why != DROP_COUNT)
		goto drop;
	d = way(s, rx, m, &n, &why);
	if (!d)
		goto drop;
	mtu = link_mtu(s, d);
	if (h->df && (rx->frag_max ? rx->frag_max : wire_len(rx, m)) > mtu) {
		inet_error_output(s, m, INET_ERR_TOO_BIG, 0, mtu);
		why = DROP_IP_TOO_BIG;
		goto drop;
	}
	/* Put together for interception only: in pieces no larger than it came. */
	if (rx->frag_max)
		mtu = min_u32(mtu, rx->frag_max);
	ip4_ttl_decrement(mbuf_data(m));
	m->meta.l3_off = mbuf_here(m);
	mbuf_mark(m, MBUF_TX);
	s->inet->cnt[0].forwarded++;
	if (LIKELY(wire_len(rx, m) <= mtu) || resize_segments(rx, m, mtu)) {
		(void)neigh_output(s, n, mbuf_move(&m));
		return;
	}
	mbufq_init(&q, MBUF_TX);
	if (frag_ip4(s, mtu, mbuf_move(&m), &q) == 0)
		forward_queue(s, n, &q);
	return;
drop:
	mbuf_drop(&m, why);
}

static enum drop_reason refuse6(struct stack *s, const struct ip_rx *rx, const struct mbuf *m)
{
	if (!s->inet->forward6)
		return DROP_IP_NOT_LOCAL;
	if (ipaddr_is_unspecified(&rx->in.src))
		return DROP_IP_BAD_SRC;
	if (ipaddr_is_link_local(&rx->in.dst))
		return DROP_IP_SCOPE;
	if (ipaddr_is_link_local(&rx->in.src)) { /* RFC 4443 3.1, RFC 4007 9 */
		inet_error_output(s, m, INET_ERR_UNREACHABLE, ICMP6_UNREACH_SCOPE, 0);
		return DROP_IP_SCOPE;
	}
	if (rx->in.ttl > 1)
		return DROP_COUNT;
	inet_error_output(s, m, INET_ERR_TIME, ICMP6_TIME_HOPS, 0);
	return DROP_IP_TTL;
}

/* It came in fragments and was put together for interception only: as it came it goes. */
static void forward_again6(struct stack *s, const struct ip_rx *rx, struct neigh *n, uint32_t mtu,
			   mbuf_own in)
{
	struct frag6 f = {.unfrag_len = rx->unfrag_len,
			  .next_off = rx->unfrag_next_off,
			  .id = rx->frag_id,
			  .mtu = min_u32(mtu, rx->frag_max)};
	struct mbufq q;

	mbufq_init(&q, MBUF_TX);
	if (frag_ip6(s, &f, in, &q) == 0)
		forward_queue(s, n, &q);
}

void ip6_forward(struct stack *s, const struct ip_rx *rx, mbuf_own in)
{
	enum drop_reason why;
	struct inet_dst *d;
	struct neigh *n;
	uint32_t len, mtu;
	MBUF(m, in);

	why = refuse6(s, rx, m);
	if (why != DROP_COUNT)
		goto drop;
	d = way(s, rx, m, &n, &why);
	if (!d)
		goto drop;
	mtu = link_mtu(s, d);
	len = rx->frag_max ? rx->frag_max : wire_len(rx, m);
	if (len > mtu) { /* RFC 8200 4.5: only a source fragments */
		inet_error_output(s, m, INET_ERR_TOO_BIG, 0, mtu);
		why = DROP_IP_TOO_BIG;
		goto drop;
	}
	mbuf_data(m)[IP6_OFF_HOPS]--;
	m->meta.l3_off = mbuf_here(m);
	mbuf_mark(m, MBUF_TX);
	s->inet->cnt[1].forwarded++;
	if (LIKELY(rx->frag_max == 0))
		(void)neigh_output(s, n, mbuf_move(&m));
	else
		forward_again6(s, rx, n, mtu, mbuf_move(&m));
	return;
drop:
	mbuf_drop(&m, why);
}
