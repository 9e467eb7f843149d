/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Input: an Ethernet frame; its first bytes are tried as a virtio-net header too. Ethernet, ARP,
 * IPv4 with options, IPv6 with extension headers, UDP. What is accepted must be within the frame
 * and must come out of emit as it went in.
 */
#include "fuzz.h"

#include "base/csum.h"
#include "base/endian.h"
#include "wire/arp.h"
#include "wire/eth.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/udp.h"
#include "wire/vnet.h"

#include <string.h>

static bool is_within(struct view outer, struct view inner)
{
	return inner.len == 0 || (inner.p >= outer.p && inner.p + inner.len <= outer.p + outer.len);
}

static void fuzz_vnet(struct view v, size_t hlen)
{
	uint8_t out[VNET_HLEN_MRG];
	struct vnet n, back;

	if (v.len < hlen || vnet_parse(&n, view_first(v, hlen), v.len - hlen) != 0)
		return;
	FUZZ_CHECK(!n.needs_csum || (size_t)n.csum_start + n.csum_offset + 2 <= v.len - hlen);
	FUZZ_CHECK(n.hdr_len <= v.len - hlen);
	FUZZ_CHECK(vnet_emit(out, &n, hlen) == hlen);
	FUZZ_CHECK(vnet_parse(&back, view_make(out, hlen), v.len - hlen) == 0);
	FUZZ_CHECK(back.gso == n.gso && back.ecn == n.ecn && back.gso_size == n.gso_size);
}

static void fuzz_udp(struct view v, const struct ipaddr *src, const struct ipaddr *dst)
{
	uint8_t out[UDP_HLEN];
	struct udphdr h;

	if (udp_parse(&h, v, !ipaddr_is_v4(src)) != 0)
		return;
	FUZZ_CHECK(h.len >= UDP_HLEN && h.len <= v.len);
	udp_emit(out, &h);
	FUZZ_CHECK(memcmp(out, v.p, UDP_HLEN) == 0);
	h.csum = udp_csum(&h, csum_partial(v.p + UDP_HLEN, h.len - UDP_HLEN, 0), src, dst);
	if (udp_csum_ok(&h, v, src, dst))
		FUZZ_CHECK(h.csum != 0);
}

static void fuzz_ip4_opts(const struct ip4 *h)
{
	uint8_t out[IP4_OPTS_MAX];
	struct ip4_opts o;

	if (ip4_opts_parse(&o, h) != 0)
		FUZZ_CHECK(o.bad_ptr >= IP4_HLEN && o.bad_ptr < h->ihl_bytes);
	else
		FUZZ_CHECK(ip4_opts_copied(out, h) <= (h->opts_len + 3u) / 4 * 4);
}

/* A header of our own making is right, and stays right when it is rewritten. */
static void fuzz_ip4_emit(const struct ip4 *h, struct view v)
{
	uint8_t out[IP4_HLEN_MAX];
	struct ip4 back;

	FUZZ_CHECK(ip4_emit(out, h) == h->ihl_bytes);
	FUZZ_CHECK(ip4_parse_first(&back, view_make(out, h->ihl_bytes), v.len, true) == 0);
	out[IP4_OFF_FRAG] |= v.p[IP4_OFF_FRAG] & 0x80;
	FUZZ_CHECK(memcmp(out, v.p, IP4_OFF_CSUM) == 0);
	FUZZ_CHECK(memcmp(out + IP4_OFF_SRC, v.p + IP4_OFF_SRC, h->ihl_bytes - IP4_OFF_SRC) == 0);
	ip4_emit(out, h);
	if (h->ttl > 1)
		FUZZ_CHECK(ip4_ttl_decrement(out) == h->ttl - 1);
	ip4_set16(out, IP4_OFF_ID, (uint16_t)(h->id + 1));
	FUZZ_CHECK(ip4_parse_first(&back, view_make(out, h->ihl_bytes), v.len, true) == 0);
}

static void fuzz_ip4(struct view v)
{
	struct ip4 h;

	if (ip4_parse(&h, v, false) != 0) {
		FUZZ_CHECK(ip4_parse(&h, v, true) != 0);
		return;
	}
	FUZZ_CHECK(is_within(v, view_make(h.opts, h.opts_len)));
	FUZZ_CHECK(is_within(v, ip4_payload(&h, v)));
	fuzz_ip4_opts(&h);
	fuzz_ip4_emit(&h, v);
	if (h.proto == PROTO_UDP)
		fuzz_udp(ip4_payload(&h, v), &h.src, &h.dst);
}

static void fuzz_ip6_ext(const struct ip6 *h, struct view v, enum ip6_role role)
{
	struct ip6_ext x;
	int err = ip6_ext_parse(&x, h, v, role);

	FUZZ_CHECK(x.upper_off >= IP6_HLEN && x.upper_off <= v.len);
	FUZZ_CHECK(x.next_off < x.upper_off && v.p[x.next_off] == x.proto);
	FUZZ_CHECK(x.n_headers <= IP6_EXT_MAX_HEADERS + 1);
	FUZZ_CHECK(err == 0 || role != IP6_OBSERVER);
	FUZZ_CHECK(err != 0 || x.pp_code == IP6_PP_NONE);
	FUZZ_CHECK(x.pp_code == IP6_PP_NONE || x.pp_ptr < v.len);
	if (x.has_frag) {
		FUZZ_CHECK(v.p[x.frag_next_off] == PROTO_FRAGMENT);
		FUZZ_CHECK(v.p[x.frag_hdr_off] == x.frag_next);
		FUZZ_CHECK(x.frag_off_bytes % 8 == 0);
	}
	if (err == 0 && x.proto == PROTO_UDP && !ip6_ext_is_fragment(&x))
		fuzz_udp(view_skip(v, x.upper_off), &h->src, &h->dst);
}

static void fuzz_ip6(struct view v)
{
	uint8_t out[IP6_HLEN];
	struct ip6 h;

	if (ip6_parse(&h, v) != 0)
		return;
	v = view_first(v, IP6_HLEN + (size_t)h.payload_len);
	ip6_emit(out, &h);
	FUZZ_CHECK(memcmp(out, v.p, IP6_HLEN) == 0);
	fuzz_ip6_ext(&h, v, IP6_HOST);
	fuzz_ip6_ext(&h, v, IP6_ROUTER);
	fuzz_ip6_ext(&h, v, IP6_OBSERVER);
}

static void fuzz_arp(struct view v)
{
	uint8_t out[ARP_LEN];
	struct arp a;

	if (arp_parse(&a, v) != 0)
		return;
	arp_emit(out, &a);
	FUZZ_CHECK(memcmp(out, v.p, ARP_LEN) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view v = view_make(data, size);
	uint8_t out[ETH_HLEN_MAX];
	struct eth h;

	fuzz_vnet(v, VNET_HLEN);
	fuzz_vnet(v, VNET_HLEN_MRG);
	if (eth_parse(&h, v) != 0)
		return 0;
	FUZZ_CHECK(eth_emit(out, &h) == h.hlen && memcmp(out, data, h.hlen) == 0);
	v = view_skip(v, h.hlen);
	if (h.type == ETHERTYPE_ARP)
		fuzz_arp(v);
	else if (h.type == ETHERTYPE_IP4)
		fuzz_ip4(v);
	else if (h.type == ETHERTYPE_IP6)
		fuzz_ip6(v);
	return 0;
}
