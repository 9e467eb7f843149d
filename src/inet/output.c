/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Output: the way is looked up unless the caller has it, the IP header goes in front, what is
 * larger than the path is cut or refused, the neighbour takes the rest. Superpackets pass whole
 * when the segments that they will be cut into fit the path.
 *
 * Called by the transports and ICMP on the worker's thread; consumes the packet.
 */
#include "inet/state.h"

#include "link/neigh.h"
#include "wire/tcp.h"

#include <errno.h>

/* On which interface a link-local or group destination is: as the sender says, as it was before,
 * as the source's address says. */
static uint8_t zone_of(const struct stack *s, const struct inet_out *o, const struct inet_dst *dst)
{
	const struct inet_addr *from;

	if (o->zone != 0)
		return o->zone;
	if (dst && dst->gen != 0)
		return inet_zone(dst->iface);
	from = addr_find(s, &o->src);
	return from ? inet_zone(from->iface) : 0;
}

/* The way for o: the caller's, made valid again, or one from the cache or in tmp. NULL: *err. */
static struct inet_dst *way(struct stack *s, const struct inet_out *o, struct inet_dst *dst,
			    struct inet_dst *tmp, int *err)
{
	if (dst && LIKELY(inet_dst_valid(s, dst)))
		return dst;
	if (dst_wants_iface(&o->dst)) {
		tmp = dst ? dst : tmp;
		*err = inet_dst_lookup_zone(s, zone_of(s, o, dst), &o->dst, tmp);
		return *err < 0 ? NULL : tmp;
	}
	if (!dst)
		return dst_cached(s, &o->dst, err);
	*err = inet_dst_lookup(s, &o->dst, dst);
	return *err < 0 ? NULL : dst;
}

static bool put_header4(struct stack *s, struct mbuf *m, const struct inet_out *o)
{
	uint32_t len = mbuf_len(m) + IP4_HLEN;
	uint8_t *p = mbuf_prepend(m, IP4_HLEN);
	struct ip4 h = {
		.tos = o->tos,
		.ttl = o->ttl ? o->ttl : INET_TTL_DEFAULT,
		.proto = o->proto,
		.total_len = (uint16_t)len,
		.df = o->dont_fragment,
		.src = o->src,
		.dst = o->dst,
	};

	if (UNLIKELY(!p))
		return false;
	/* RFC 6864 4.1: under DF nobody looks at it, and a constant tells nobody anything. */
	if (!o->dont_fragment)
		h.id = (uint16_t)ids_next(s, &o->src, &o->dst, o->proto);
	ip4_emit(p, &h);
	return true;
}

/* What a router of the link says, or the default. */
static uint8_t default_hops(const struct stack *s, const struct inet_dst *d)
{
	uint8_t hops = d->iface < LINK_MAX_IFACES ? s->inet->ifaces[d->iface].hops6 : 0;

	return hops ? hops : (uint8_t)INET_TTL_DEFAULT;
}

static bool put_header6(const struct stack *s, struct mbuf *m, const struct inet_out *o,
			const struct inet_dst *d)
{
	uint32_t len = mbuf_len(m);
	uint8_t *p = mbuf_prepend(m, IP6_HLEN);
	struct ip6 h = {
		.traffic_class = o->tos,
		.next_header = o->proto,
		.hop_limit = o->ttl ? o->ttl : default_hops(s, d),
		.payload_len = (uint16_t)len,
		.flow_label = o->flow_label,
		.src = o->src,
		.dst = o->dst,
	};

	if (UNLIKELY(!p))
		return false;
	ip6_emit(p, &h);
	return true;
}

/* IP length of the largest packet on the wire; m begins at the transport header. */
static uint32_t wire_len(const struct mbuf *m, uint32_t hlen)
{
	if (LIKELY(m->meta.gso_size == 0) || mbuf_seg_len(m) < TCP_HLEN)
		return hlen + mbuf_len(m);
	return hlen + (uint32_t)(mbuf_data(m)[TCP_OFF_DOFF] >> 4) * 4 + m->meta.gso_size;
}

static void output_fragments(struct stack *s, const struct inet_out *o, struct inet_dst *d,
			     struct neigh *n, mbuf_own in)
{
	uint32_t mtu = o->ignore_pmtu ? d->link_mtu : d->mtu;
	struct frag6 f = {.unfrag_len = IP6_HLEN, .next_off = IP6_OFF_NEXT, .mtu = mtu};
	struct mbufq q;
	struct mbuf *m;
	int err;

	mbufq_init(&q, MBUF_TX);
	if (ipaddr_is_v4(&o->dst)) {
		err = frag_ip4(s, mtu, in, &q);
	} else {
		f.id = ids_next(s, &o->src, &o->dst, PROTO_FRAGMENT);
		err = frag_ip6(s, &f, in, &q);
	}
	while (err == 0 && (m = mbufq_pop(&q).m) != NULL)
		(void)neigh_output(s, n, mbuf_own_of(m));
}

/* To our own sockets in the group, or to all when it is a broadcast (RFC 1112 6.4). */
static void loop_copy(struct stack *s, const struct inet_out *o, const struct inet_dst *d,
		      const struct mbuf *m)
{
	mbuf_own copy;

	if (ipaddr_is_multicast(&o->dst) && !group_joined(s, d->iface, &o->dst))
		return;
	copy = mbuf_copy(s->pool, m, 0, mbuf_len(m), MBUF_PRIO_BULK);
	if (!copy.m) {
		mbuf_pool_count_drop(s->pool, DROP_NOBUF);
		return;
	}
	inet_cnt(s, &o->dst)->looped++;
	loop_output(s, d->iface, copy);
}

/* Everything was decided: m has its header and goes to d, in pieces when it does not fit. */
static int transmit(struct stack *s, const struct inet_out *o, struct inet_dst *d, bool fits,
		    mbuf_own in)
{
	struct neigh *n;
	MBUF(m, in);

	if (inet_dst_is_loop(d)) {
		inet_cnt(s, &o->dst)->looped++;
		loop_output(s, INET_IFACE_LOOPBACK, mbuf_move(&m));
		return 0;
	}
	if (UNLIKELY(o->loop_copy))
		loop_copy(s, o, d, m);
	if (UNLIKELY(o->keep_home)) {
		mbuf_done(&m);
		return 0;
	}
	n = dst_neigh(s, d);
	if (UNLIKELY(!n)) {
		mbuf_drop(&m, DROP_NEIGH_TABLE_FULL);
		return 0;
	}
	if (LIKELY(fits))
		return neigh_output(s, n, mbuf_move(&m));
	if (neigh_refuses(s, n)) {
		mbuf_drop(&m, DROP_NEIGH_UNREACHABLE);
		return -EHOSTUNREACH;
	}
	output_fragments(s, o, d, n, mbuf_move(&m));
	return 0;
}

int inet_output(struct stack *s, mbuf_own in, const struct inet_out *o, struct inet_dst *dst)
{
	bool v4 = ipaddr_is_v4(&o->dst), fits;
	uint32_t hlen = v4 ? IP4_HLEN : IP6_HLEN;
	struct inet_dst tmp, *d;
	int err = 0;
	MBUF(m, in);

	d = way(s, o, dst, &tmp, &err);
	if (UNLIKELY(!d)) {
		mbuf_drop(&m, DROP_IP_NO_ROUTE);
		return err;
	}
	/* RFC 1122 3.2.1.3 g, RFC 4291 2.5.3: a loopback source never leaves the host. */
	if (UNLIKELY(ipaddr_is_loopback(&o->src)) && !inet_dst_is_loop(d)) {
		mbuf_drop(&m, DROP_IP_BAD_SRC);
		return -EINVAL;
	}
	fits = wire_len(m, hlen) <= (UNLIKELY(o->ignore_pmtu) ? d->link_mtu : d->mtu);
	if (UNLIKELY(mbuf_len(m) > (v4 ? IP4_TOTAL_MAX - IP4_HLEN : IP6_PAYLOAD_MAX)) ||
	    UNLIKELY(!fits && (o->dont_fragment || m->meta.gso_size != 0))) {
		mbuf_drop(&m, DROP_IP_TOO_BIG);
		return -EMSGSIZE;
	}
	m->meta.l4_off = mbuf_here(m);
	if (UNLIKELY(!(v4 ? put_header4(s, m, o) : put_header6(s, m, o, d)))) {
		mbuf_drop(&m, DROP_NOBUF);
		return 0;
	}
	m->meta.l3_off = mbuf_here(m);
	s->inet->cnt[v4 ? 0 : 1].out++;
	return transmit(s, o, d, fits, mbuf_move(&m));
}

void ip6_output_direct(struct stack *s, unsigned iface, const struct ethaddr *mac,
		       const struct ip6_direct *d, mbuf_own in)
{
	/* Hop-by-hop options: router alert for MLD (RFC 2711), padding. */
	static const uint8_t alert[8] = {PROTO_ICMP6, 0, 5, 2, 0, 0, 1, 0};
	uint32_t opts = d->router_alert ? sizeof(alert) : 0;
	struct ip6 h = {.next_header = opts ? PROTO_HOPOPTS : PROTO_ICMP6,
			.hop_limit = d->hops,
			.src = d->src,
			.dst = d->dst};
	MBUF(m, in);
	uint8_t *p;

	m->meta.l4_off = mbuf_here(m);
	h.payload_len = (uint16_t)(mbuf_len(m) + opts);
	p = mbuf_prepend(m, IP6_HLEN + opts);
	if (!p) {
		mbuf_drop(&m, DROP_NOBUF);
		return;
	}
	ip6_emit(p, &h);
	memcpy(p + IP6_HLEN, alert, opts);
	s->inet->cnt[1].out++;
	link_output(s, iface, mac, ETHERTYPE_IP6, mbuf_move(&m));
}
