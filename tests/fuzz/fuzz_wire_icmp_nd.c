/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Input: an IPv4 or IPv6 packet with ICMP or IGMP in it. Checksums are not verified on the way in,
 * so that damage gets deep; what emit makes of the result must pass with checksum.
 */
#include "fuzz.h"

#include "base/csum.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/igmp.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/nd.h"
#include "wire/quote.h"

#include <string.h>

#define MAX_MESSAGE 4096

static bool is_within(struct view outer, struct view inner)
{
	return inner.len == 0 || (inner.p >= outer.p && inner.p + inner.len <= outer.p + outer.len);
}

static void check_quote(const struct quote *q, struct view v, bool v6)
{
	FUZZ_CHECK(q->upper_off <= v.len);
	FUZZ_CHECK(ipaddr_is_v4(&q->src) != v6 && ipaddr_is_v4(&q->dst) != v6);
	FUZZ_CHECK(!q->has_tcp_seq || q->has_ports);
	FUZZ_CHECK(!q->fragment || !(q->has_ports || q->has_echo || q->has_spi));
}

static void fuzz_icmp4(struct view v)
{
	uint8_t out[MAX_MESSAGE];
	struct icmp4 h, back;
	struct quote q;
	size_t len;

	if (icmp4_parse(&h, v, false) != 0)
		return;
	FUZZ_CHECK(is_within(v, h.body));
	if (icmp4_is_error(h.type) && quote_parse4(&q, h.body) == 0)
		check_quote(&q, h.body, false);
	len = icmp4_emit(out, sizeof(out), &h);
	if (len == 0)
		return;
	FUZZ_CHECK(len == v.len);
	FUZZ_CHECK(icmp4_parse(&back, view_make(out, len), true) == 0);
	FUZZ_CHECK(back.type == h.type && back.code == h.code && back.mtu == h.mtu);
	icmp4_echo_reply(out);
	FUZZ_CHECK(icmp4_parse(&back, view_make(out, len), true) == 0);
	FUZZ_CHECK(back.type == ICMP4_ECHO_REPLY);
}

/* Its checksum is always verified: made right, so that damage gets deep. */
static void fuzz_igmp(struct view v)
{
	uint8_t in[MAX_MESSAGE], out[IGMP_HLEN];
	struct igmp h, back;

	if (v.len < 4 || v.len > sizeof(in))
		return;
	memcpy(in, v.p, v.len);
	store_native16(in + 2, 0);
	store_native16(in + 2, csum_fold(csum_partial(in, v.len, 0)));
	v.p = in;
	if (igmp_parse(&h, v) != 0)
		return;
	FUZZ_CHECK(v.len >= IGMP_HLEN && ipaddr_is_v4(&h.group));
	FUZZ_CHECK(is_within(v, view_make(h.sources, (size_t)h.n_sources * 4)));
	FUZZ_CHECK(h.type != IGMP_QUERY || (h.version >= 1 && h.version <= 3));
	FUZZ_CHECK(h.max_ms <= 3174400); /* 31744 tenths of a second */
	igmp_emit_older(out, IGMP_V2_REPORT, &h.group);
	FUZZ_CHECK(igmp_parse(&back, view_make(out, sizeof(out))) == 0);
	FUZZ_CHECK(back.type == IGMP_V2_REPORT && ipaddr_eq(&back.group, &h.group));
	in[1] ^= 1; /* one wrong bit is seen */
	FUZZ_CHECK(igmp_parse(&back, v) != 0);
}

/* What was valid once can be sent again, if it is of a type that we send. */
static void fuzz_nd_emit(const struct nd *n, const struct ip6 *h)
{
	uint8_t out[ND_EMIT_MAX];
	size_t len = nd_emit(out, sizeof(out), n, &h->src, &h->dst);
	struct icmp6 icmp;
	struct nd back;

	FUZZ_CHECK((len == 0) == (n->type == ICMP6_RA || n->type == ICMP6_REDIRECT));
	if (len == 0)
		return;
	FUZZ_CHECK(icmp6_parse(&icmp, view_make(out, len), &h->src, &h->dst, true) == 0);
	FUZZ_CHECK(nd_parse(&back, view_make(out, len), h, false) == 0);
	FUZZ_CHECK(back.type == n->type && ipaddr_eq(&back.target, &n->target));
	FUZZ_CHECK(back.has_slla == n->has_slla && back.has_tlla == n->has_tlla);
	FUZZ_CHECK(back.solicited == n->solicited && back.has_nonce == n->has_nonce);
}

static void fuzz_nd(struct view v, const struct ip6 *h, bool fragmented)
{
	struct nd n;

	if (nd_parse(&n, v, h, fragmented) != 0)
		return;
	FUZZ_CHECK(!fragmented && h->hop_limit == ND_HOP_LIMIT && v.p[1] == 0);
	FUZZ_CHECK(is_within(v, n.redirected));
	FUZZ_CHECK(n.n_prefixes <= ND_MAX_PREFIXES);
	for (unsigned i = 0; i < n.n_prefixes; i++)
		FUZZ_CHECK(n.prefix[i].len <= 128 && !ipaddr_is_v4(&n.prefix[i].addr));
	FUZZ_CHECK(n.type < ICMP6_NS ||
		   !(ipaddr_is_multicast(&n.target) || ipaddr_is_v4(&n.target)));
	FUZZ_CHECK(!n.has_slla || !ethaddr_is_multicast(&n.slla));
	fuzz_nd_emit(&n, h);
}

static void fuzz_icmp6_emit(const struct icmp6 *h, const struct ip6 *ip)
{
	uint8_t out[MAX_MESSAGE];
	size_t len = icmp6_emit(out, sizeof(out), h, &ip->src, &ip->dst);
	struct view v = view_make(out, len);
	struct icmp6 back;

	if (len == 0)
		return;
	FUZZ_CHECK(icmp6_parse(&back, v, &ip->src, &ip->dst, true) == 0);
	FUZZ_CHECK(back.type == h->type && back.mtu == h->mtu && back.ptr == h->ptr);
	icmp6_echo_reply(out);
	FUZZ_CHECK(icmp6_parse(&back, v, &ip->dst, &ip->src, true) == 0);
	icmp6_readdress(out, &ip->src, &ip->dst);
	FUZZ_CHECK(icmp6_parse(&back, v, &ip->dst, &ip->dst, true) == 0);
}

static void fuzz_icmp6(struct view v, const struct ip6 *ip, bool fragmented)
{
	struct icmp6 h;
	struct quote q;

	if (icmp6_parse(&h, v, &ip->src, &ip->dst, false) != 0)
		return;
	FUZZ_CHECK(is_within(v, h.body));
	if (icmp6_is_error(h.type) && quote_parse6(&q, h.body) == 0)
		check_quote(&q, h.body, true);
	fuzz_icmp6_emit(&h, ip);
	fuzz_nd(v, ip, fragmented);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view v = view_make(data, size);
	struct ip6_ext x;
	struct ip4 h4;
	struct ip6 h6;

	if (ip4_parse(&h4, v, false) == 0) {
		if (h4.proto == PROTO_IGMP)
			fuzz_igmp(ip4_payload(&h4, v));
		else
			fuzz_icmp4(ip4_payload(&h4, v));
		return 0;
	}
	if (ip6_parse(&h6, v) != 0 || ip6_ext_parse(&x, &h6, v, IP6_HOST) != 0)
		return 0;
	v = view_skip(view_first(v, IP6_HLEN + (size_t)h6.payload_len), x.upper_off);
	if (x.proto == PROTO_ICMP6)
		fuzz_icmp6(v, &h6, x.has_frag);
	return 0;
}
