/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv4 input (RFC 1122 3.2.1, RFC 1812 5.2): a header is checked before anything is believed, the
 * packet is cut to the length that it names, then it is local, foreign or refused.
 *
 * Called by link input with a packet that begins at its IP header; consumes it.
 */
#include "inet/state.h"

#include "inet/reass.h"

static enum drop_reason parse_drop(int err)
{
	return err == IP4_ECSUM ? DROP_IP4_CSUM : DROP_IP4_MALFORMED;
}

static bool options_ok(struct stack *s, const struct ip4 *h, const struct mbuf *m,
		       enum drop_reason *why)
{
	struct ip4_opts o;

	if (LIKELY(h->opts_len == 0))
		return true;
	if (ip4_opts_parse(&o, h) < 0) {
		inet_error_output(s, m, INET_ERR_PARAM, 0, o.bad_ptr);
		*why = DROP_IP4_MALFORMED;
		return false;
	}
	/* RFC 7126 4.3.5, 4.4.5: default is to refuse, and not to tell. */
	*why = DROP_IP4_OPTIONS;
	return !o.source_route;
}

/* RFC 1122 3.2.1.3; a source of our own is LAND. */
static bool source_ok(struct stack *s, const struct ip_rx *rx)
{
	const struct ipaddr *src = &rx->in.src, *dst = &rx->in.dst;

	if (rx->loop)
		return true;
	if (ipaddr_is_bad_source(src))
		return false;
	if (ipaddr_is_unspecified(src)) /* a host that asks for its address */
		return ipaddr_is_v4_broadcast(dst) || ipaddr_is_multicast(dst);
	if (LIKELY(!addr_maybe(s->inet, src)))
		return true;
	return !addr_is_own(s, rx->in.iface, src) && !addr_is_broadcast(s, rx->in.iface, src);
}

static bool dest_ok(const struct ip_rx *rx)
{
	const struct ipaddr *dst = &rx->in.dst;

	if (rx->loop)
		return true;
	return dst->b[12] != 0 && dst->b[12] != 127 &&
	       (dst->b[12] < 240 || ipaddr_is_v4_broadcast(dst));
}

/* Fragments that no host sends (RFC 791 3.2, RFC 1858, RFC 3128). */
static bool fragment_ok(const struct ip4 *h)
{
	uint32_t len = (uint32_t)h->total_len - h->ihl_bytes;

	if (len == 0 || (h->mf && len % 8 != 0))
		return false;
	if (h->ihl_bytes + h->frag_off_bytes + len > IP4_TOTAL_MAX)
		return false;
	if (h->proto != PROTO_TCP)
		return true;
	/* A filter must see the flags: all of the TCP header is in the first. */
	return h->frag_off_bytes == 0 ? len >= 20 : h->frag_off_bytes >= 16;
}

static void fill_rx(struct ip_rx *rx, const struct ip4 *h)
{
	rx->in.src = h->src;
	rx->in.dst = h->dst;
	rx->in.proto = h->proto;
	rx->in.tos = h->tos;
	rx->in.ttl = h->ttl;
	rx->upper_off = h->ihl_bytes;
}

/* Add to its datagram. True: *mp is the whole now, h its header. False: it waits or was dropped. */
static bool reassemble(struct stack *s, struct ip_rx *rx, struct ip4 *h, struct mbuf **mp,
		       bool local)
{
	struct reass_frag_in f = {
		.src = h->src,
		.dst = h->dst,
		.id = h->id,
		.proto = h->proto,
		.ecn = h->tos & 3u,
		.more = h->mf,
		.local = local,
		.hlen = h->ihl_bytes,
		.off_bytes = h->frag_off_bytes,
	};
	struct reass_out out;

	*mp = reass_add(s->inet->reass, &f, mbuf_move(mp), &out).m;
	if (!*mp)
		return false;
	if (mbuf_pull(*mp, min_u32(mbuf_len(*mp), IP4_HLEN_MAX)) < 0 ||
	    ip4_parse_first(h, mbuf_view(*mp), mbuf_len(*mp), false) < 0) {
		mbuf_drop(mp, DROP_REASS_MALFORMED);
		return false;
	}
	fill_rx(rx, h);
	rx->fragmented = true;
	rx->frag_max = out.frag_max;
	return true;
}

/* Parse, check and trim *mp. False: dropped. */
static bool accept(struct stack *s, struct ip_rx *rx, struct ip4 *h, struct mbuf **mp)
{
	struct mbuf *m = *mp;
	enum drop_reason why;
	int err;

	s->inet->cnt[0].in++;
	s->inet->cnt[0].in_bytes += mbuf_len(m);
	why = DROP_IP4_MALFORMED;
	if (mbuf_pull(m, min_u32(mbuf_len(m), IP4_HLEN)) < 0)
		goto drop;
	if (UNLIKELY(mbuf_seg_len(m) < IP4_HLEN_MAX) &&
	    mbuf_pull(m, min_u32(mbuf_len(m), IP4_HLEN_MAX)) < 0)
		goto drop;
	err = ip4_parse_first(h, mbuf_view(m), mbuf_len(m), true);
	if (err < 0) {
		why = parse_drop(err);
		goto drop;
	}
	if (mbuf_len(m) > h->total_len)
		mbuf_trim_to(m, h->total_len);
	fill_rx(rx, h);
	why = DROP_IP_BAD_SRC;
	if (!source_ok(s, rx))
		goto drop;
	why = DROP_IP_BAD_DST;
	if (!dest_ok(rx))
		goto drop;
	if (!options_ok(s, h, m, &why))
		goto drop;
	why = DROP_REASS_MALFORMED;
	if (ip4_is_fragment(h) && !fragment_ok(h))
		goto drop;
	return true;
drop:
	mbuf_drop(mp, why);
	return false;
}

static void input_foreign(struct stack *s, struct ip_rx *rx, struct ip4 *h, mbuf_own in)
{
	MBUF(m, in);

	/* RFC 1122 3.3.6, RFC 1812 5.3.4: came by link-level broadcast. */
	if (m->meta.l2_flags != 0) {
		mbuf_drop(&m, DROP_IP_L2_GROUP);
		return;
	}
	if (ip4_is_fragment(h) && inet_claims(s, h->proto) && !reassemble(s, rx, h, &m, false))
		return;
	if (!ip4_is_fragment(h) && inet_claim(s, rx, &m))
		return;
	ip4_forward(s, rx, h, mbuf_move(&m));
}

static void input_local(struct stack *s, struct ip_rx *rx, struct ip4 *h, mbuf_own in)
{
	MBUF(m, in);

	if (!rx->in.multicast && m->meta.l2_flags != 0) {
		mbuf_drop(&m, DROP_IP_L2_GROUP);
		return;
	}
	if (ip4_is_fragment(h) && !reassemble(s, rx, h, &m, !rx->in.multicast))
		return;
	inet_deliver(s, rx, mbuf_move(&m));
}

/* Every address that we send to ourselves at is our own. */
static enum inet_scope looped_scope(const struct stack *s, const struct ip_rx *rx)
{
	const struct ipaddr *dst = &rx->in.dst;

	if (ipaddr_is_multicast(dst))
		return group_joined(s, rx->in.iface, dst) ? INET_MULTICAST : INET_NOT_JOINED;
	/* Broadcast: the limited one, or that of a subnet, which comes with its interface. */
	return ipaddr_is_v4_broadcast(dst) || rx->in.iface != INET_IFACE_LOOPBACK ? INET_BROADCAST
										  : INET_LOCAL;
}

static void input(struct stack *s, struct ip_rx *rx, mbuf_own in)
{
	struct ip4 h;
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

void ip4_input(struct stack *s, unsigned iface, mbuf_own in)
{
	struct ip_rx rx = {.in.iface = iface};

	input(s, &rx, in);
}

void ip4_input_looped(struct stack *s, unsigned iface, mbuf_own in)
{
	struct ip_rx rx = {.in.iface = iface, .loop = true};

	input(s, &rx, in);
}
