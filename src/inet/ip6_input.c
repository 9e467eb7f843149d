/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv6 input (RFC 8200, RFC 5095, RFC 7112): the header and the whole chain of extension headers
 * are walked with bounds before anything acts on them; then the packet is local, foreign or
 * refused.
 *
 * Called by link input with a packet that begins at its IP header; consumes it.
 */
#include "inet/state.h"

#include "inet/reass.h"

/* So many bytes are made contiguous for the walk, if they are not: chains are short. */
#define CHAIN_PULL 512u

/* RFC 4291 2.7: interface-local groups do not come from a wire, nor do reserved scopes. */
static bool scope_ok(const struct ipaddr *dst)
{
	return !ipaddr_is_multicast(dst) || (dst->b[1] & 0x0f) > 1;
}

static bool source_ok(struct stack *s, const struct ip_rx *rx)
{
	const struct ipaddr *src = &rx->in.src;

	if (rx->loop)
		return true;
	if (ipaddr_is_bad_source(src))
		return false;
	if (ipaddr_is_unspecified(src)) /* duplicate address detection, MLD: to a group only */
		return ipaddr_is_multicast(&rx->in.dst);
	return LIKELY(!addr_maybe(s->inet, src)) || !addr_is_own(s, rx->in.iface, src);
}

static bool dest_ok(const struct ip_rx *rx)
{
	const struct ipaddr *dst = &rx->in.dst;

	return rx->loop ||
	       (!ipaddr_is_unspecified(dst) && !ipaddr_is_loopback(dst) && scope_ok(dst));
}

static void fill_rx(struct ip_rx *rx, const struct ip6 *h)
{
	rx->in.src = h->src;
	rx->in.dst = h->dst;
	rx->in.proto = h->next_header;
	rx->in.tos = h->traffic_class;
	rx->in.ttl = h->hop_limit;
	rx->upper_off = IP6_HLEN;
	rx->next_off = IP6_OFF_NEXT;
}

/* Parse, check and trim *mp. False: dropped. */
static bool accept(struct stack *s, struct ip_rx *rx, struct ip6 *h, struct mbuf **mp)
{
	enum drop_reason why = DROP_IP6_MALFORMED;
	struct mbuf *m = *mp;
	int err;

	s->inet->cnt[1].in++;
	s->inet->cnt[1].in_bytes += mbuf_len(m);
	if (mbuf_pull(m, min_u32(mbuf_len(m), IP6_HLEN)) < 0)
		goto drop;
	err = ip6_parse_first(h, mbuf_view(m), mbuf_len(m));
	if (err == IP6_EMAPPED)
		why = DROP_IP_BAD_SRC;
	if (err < 0)
		goto drop;
	if (mbuf_len(m) > IP6_HLEN + (uint32_t)h->payload_len)
		mbuf_trim_to(m, IP6_HLEN + (uint32_t)h->payload_len);
	fill_rx(rx, h);
	why = DROP_IP_BAD_SRC;
	if (!source_ok(s, rx))
		goto drop;
	why = DROP_IP_BAD_DST;
	if (!dest_ok(rx))
		goto drop;
	return true;
drop:
	mbuf_drop(mp, why);
	return false;
}

/* Walk the chain. False: refused, dropped, and said so where RFC 8200 wants it. */
static bool walk(struct stack *s, struct ip_rx *rx, const struct ip6 *h, struct ip6_ext *x,
		 struct mbuf **mp, enum ip6_role role)
{
	struct mbuf *m = *mp;
	bool group = ipaddr_is_multicast(&h->dst);

	if (LIKELY(!ip6_is_ext(h->next_header))) {
		*x = (struct ip6_ext){.proto = h->next_header, .upper_off = IP6_HLEN};
		return true;
	}
	if (mbuf_pull(m, min_u32(mbuf_len(m), CHAIN_PULL)) < 0) {
		mbuf_drop(mp, DROP_MBUF_PULL);
		return false;
	}
	if (ip6_ext_parse(x, h, mbuf_view(m), role) < 0) {
		if (x->pp_code != IP6_PP_NONE && (!group || x->pp_multicast))
			inet_error_output(s, m, INET_ERR_PARAM, (uint8_t)x->pp_code, x->pp_ptr);
		mbuf_drop(mp, DROP_IP6_EXT);
		return false;
	}
	rx->in.proto = x->proto;
	rx->upper_off = (uint16_t)x->upper_off;
	rx->next_off = x->next_off;
	rx->router_alert = x->router_alert;
	return true;
}

/* Add to its datagram. True: *mp is the whole now, and h and rx are those of it. */
static bool reassemble(struct stack *s, struct ip_rx *rx, struct ip6 *h, const struct ip6_ext *x,
		       struct mbuf **mp, bool local)
{
	struct reass_frag_in f = {
		.src = h->src,
		.dst = h->dst,
		.id = x->frag_id,
		.ecn = h->traffic_class & 3u,
		.more = x->frag_more,
		.local = local,
		.hlen = (uint16_t)(x->frag_hdr_off + IP6_FRAG_HLEN),
		.next_off = (uint16_t)x->frag_next_off,
		.next = x->frag_next,
		.off_bytes = x->frag_off_bytes,
	};
	struct reass_out out;

	if (mbuf_len(*mp) <= f.hlen) {
		mbuf_drop(mp, DROP_REASS_MALFORMED);
		return false;
	}
	*mp = reass_add(s->inet->reass, &f, mbuf_move(mp), &out).m;
	if (!*mp)
		return false;
	if (mbuf_pull(*mp, IP6_HLEN) < 0 || ip6_parse_first(h, mbuf_view(*mp), mbuf_len(*mp)) < 0) {
		mbuf_drop(mp, DROP_REASS_MALFORMED);
		return false;
	}
	fill_rx(rx, h);
	rx->fragmented = true;
	rx->frag_max = out.frag_max;
	rx->frag_id = f.id;
	rx->unfrag_len = out.unfrag_len;
	rx->unfrag_next_off = out.next_off;
	return true;
}

/*
 * Put a fragment together and walk the whole. False: it waits or was dropped. A fragment header in
 * the whole is not possible: the walk of the first fragment, which has the whole chain (RFC 7112),
 * refused it.
 */
static bool whole(struct stack *s, struct ip_rx *rx, struct ip6 *h, struct ip6_ext *x,
		  struct mbuf **mp, bool local)
{
	return reassemble(s, rx, h, x, mp, local) &&
	       walk(s, rx, h, x, mp, local ? IP6_HOST : IP6_ROUTER);
}

static void input_foreign(struct stack *s, struct ip_rx *rx, struct ip6 *h, mbuf_own in)
{
	struct ip6_ext x;
	MBUF(m, in);

	if (m->meta.l2_flags != 0) {
		mbuf_drop(&m, DROP_IP_L2_GROUP);
		return;
	}
	if (!walk(s, rx, h, &x, &m, IP6_ROUTER))
		return;
	if (ip6_ext_is_fragment(&x)) {
		if (!inet_claims(s, x.frag_next)) {
			ip6_forward(s, rx, mbuf_move(&m));
			return;
		}
		if (!whole(s, rx, h, &x, &m, false))
			return;
	}
	if (inet_claim(s, rx, &m))
		return;
	ip6_forward(s, rx, mbuf_move(&m));
}

static void input_local(struct stack *s, struct ip_rx *rx, struct ip6 *h, mbuf_own in)
{
	struct ip6_ext x;
	MBUF(m, in);

	if (!rx->in.multicast && m->meta.l2_flags != 0) {
		mbuf_drop(&m, DROP_IP_L2_GROUP);
		return;
	}
	if (!walk(s, rx, h, &x, &m, IP6_HOST))
		return;
	if (ip6_ext_is_fragment(&x)) {
		if (!whole(s, rx, h, &x, &m, true))
			return;
	} else if (x.has_frag) {
		rx->fragmented = true; /* atomic (RFC 6946): handled alone; RFC 6980 asks */
	}
	inet_deliver(s, rx, mbuf_move(&m));
}

/* Every address that we send to ourselves at is our own. */
static enum inet_scope looped_scope(const struct stack *s, const struct ip_rx *rx)
{
	const struct ipaddr *dst = &rx->in.dst;

	if (ipaddr_is_multicast(dst))
		return group_joined(s, rx->in.iface, dst) ? INET_MULTICAST : INET_NOT_JOINED;
	return INET_LOCAL;
}

static void input(struct stack *s, struct ip_rx *rx, mbuf_own in)
{
	struct ip6 h;
	MBUF(m, in);

	m->meta.zone = inet_zone(rx->in.iface);
	if (!accept(s, rx, &h, &m))
		return;
	switch (rx->loop ? looped_scope(s, rx) : addr_scope(s, rx->in.iface, &h.dst)) {
	case INET_FOREIGN:
		input_foreign(s, rx, &h, mbuf_move(&m));
		return;
	case INET_NOT_JOINED:
		mbuf_drop(&m, DROP_IP_NOT_LOCAL);
		return;
	case INET_BROADCAST:
	case INET_MULTICAST:
		rx->in.multicast = true;
		break;
	case INET_LOCAL:
		break;
	}
	input_local(s, rx, &h, mbuf_move(&m));
}

void ip6_input(struct stack *s, unsigned iface, mbuf_own in)
{
	struct ip_rx rx = {.in.iface = iface, .v6 = true};

	input(s, &rx, in);
}

void ip6_input_looped(struct stack *s, unsigned iface, mbuf_own in)
{
	struct ip_rx rx = {.in.iface = iface, .loop = true, .v6 = true};

	input(s, &rx, in);
}
