/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames for the tests of the ports: TCP or UDP over IPv4 or IPv6, with link tags, IP options or
 * extension headers, built byte by byte here and checked with the parsers of src/wire.
 */
#ifndef LEAT_TESTS_PORT_UTIL_H
#define LEAT_TESTS_PORT_UTIL_H

#include "testutil.h"

#include "base/csum.h"
#include "wire/eth.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/proto.h"
#include "wire/pseudo.h"
#include "wire/tcp.h"
#include "wire/udp.h"

#include <string.h>

#define PF_BYTES 66000u
#define PF_SEQ   0xfffff000u /* wraps in the middle of a superpacket */
#define PF_ID    0xfff0u     /* so does this */
#define PF_SEED  7u

struct pf {
	bool v6;
	bool udp;
	unsigned tags;      /* VLAN tags, 0..2 */
	unsigned ip_extra;  /* bytes of IPv4 options or of a destination options header (8) */
	unsigned tcp_extra; /* bytes of TCP options */
	uint8_t flags;
	uint16_t urg;
	uint32_t payload;
	bool complete; /* checksum finished */
};

/* A frame and where its headers lie. */
struct pf_frame {
	uint32_t len, l3, l4, hlen;
	uint8_t bytes[PF_BYTES];
};

static inline struct ipaddr pf_addr(bool v6, uint8_t host)
{
	static const uint8_t net6[16] = {0x20, 0x01, 0x0d, 0xb8};
	struct ipaddr a = v6 ? ipaddr_v6(net6) : ipaddr_v4(0xc0000200);

	a.b[15] = host;
	return a;
}

static inline uint32_t pf_put_eth(uint8_t *p, const struct pf *f)
{
	struct eth eh = {
		.dst = {{2, 0, 0, 0, 0, 2}},
		.src = {{2, 0, 0, 0, 0, 1}},
		.type = f->v6 ? ETHERTYPE_IP6 : ETHERTYPE_IP4,
		.has_vlan = f->tags > 0,
		.vlan_tpid = f->tags > 1 ? ETHERTYPE_QINQ : ETHERTYPE_VLAN,
		.vlan_tci = 0x2005,
		.has_vlan2 = f->tags > 1,
		.vlan2_tci = 7,
	};

	return (uint32_t)eth_emit(p, &eh);
}

static inline uint32_t pf_put_ip6(uint8_t *p, const struct pf *f, uint32_t l4_len)
{
	struct ip6 h = {
		.next_header = f->ip_extra ? PROTO_DSTOPTS
			       : f->udp    ? PROTO_UDP
					   : PROTO_TCP,
		.hop_limit = 64,
		.traffic_class = 2,
		.payload_len = (uint16_t)(l4_len + f->ip_extra),
		.src = pf_addr(true, 1),
		.dst = pf_addr(true, 2),
	};

	(void)ip6_emit(p, &h);
	if (f->ip_extra == 0)
		return IP6_HLEN;
	assert_int_equal(f->ip_extra, 8);
	memcpy(p + IP6_HLEN, (const uint8_t[]){f->udp ? PROTO_UDP : PROTO_TCP, 0, 1, 4, 0, 0, 0, 0},
	       8);
	return IP6_HLEN + 8;
}

static inline uint32_t pf_put_ip4(uint8_t *p, const struct pf *f, uint32_t l4_len)
{
	static const uint8_t nops[IP4_OPTS_MAX] = {[0 ... IP4_OPTS_MAX - 1] = IP4_OPT_NOP};
	struct ip4 h = {
		.ttl = 64,
		.tos = 2,
		.proto = f->udp ? PROTO_UDP : PROTO_TCP,
		.df = true,
		.id = PF_ID,
		.total_len = (uint16_t)(IP4_HLEN + f->ip_extra + l4_len),
		.opts = nops,
		.opts_len = (uint8_t)f->ip_extra,
		.src = pf_addr(false, 1),
		.dst = pf_addr(false, 2),
	};

	return (uint32_t)ip4_emit(p, &h);
}

static inline uint32_t pf_put_l4(uint8_t *p, const struct pf *f)
{
	struct udphdr uh = {.sport = 1000, .dport = 2000, .len = (uint16_t)(UDP_HLEN + f->payload)};
	struct tcphdr th = {
		.sport = 1000,
		.dport = 2000,
		.seq = PF_SEQ,
		.ack = 0x01020304,
		.wnd = 500,
		.flags = f->flags,
		.urg = f->urg,
		.hlen = (uint8_t)(TCP_HLEN + f->tcp_extra),
	};

	if (f->udp)
		return (uint32_t)udp_emit(p, &uh);
	(void)tcphdr_emit(p, &th);
	memset(p + TCP_HLEN, 1, f->tcp_extra); /* NOP */
	return TCP_HLEN + f->tcp_extra;
}

/* The checksum field is unfinished unless f->complete. */
static inline void pf_build(struct pf_frame *out, const struct pf *f)
{
	struct ipaddr src = pf_addr(f->v6, 1), dst = pf_addr(f->v6, 2);
	uint8_t proto = f->udp ? PROTO_UDP : PROTO_TCP;
	uint32_t l4_len = f->payload + (f->udp ? UDP_HLEN : TCP_HLEN + f->tcp_extra);
	uint8_t *p = out->bytes;
	uint8_t *l4;
	uint16_t csum;

	out->l3 = pf_put_eth(p, f);
	out->l4 = out->l3 +
		  (f->v6 ? pf_put_ip6(p + out->l3, f, l4_len) : pf_put_ip4(p + out->l3, f, l4_len));
	l4 = p + out->l4;
	out->hlen = out->l4 + pf_put_l4(l4, f);
	out->len = out->hlen + f->payload;
	assert_true(out->len <= PF_BYTES);
	ut_fill(p + out->hlen, f->payload, PF_SEED);
	csum = pseudo_partial(&src, &dst, proto, l4_len);
	store_native16(l4 + (f->udp ? UDP_OFF_CSUM : TCP_OFF_CSUM), csum);
	if (f->complete)
		store_native16(l4 + (f->udp ? UDP_OFF_CSUM : TCP_OFF_CSUM),
			       csum_fold(csum_partial(l4, l4_len, 0)));
}

/* As a packet in segments of seg bytes (0: as few as possible), checksum and segmentation (mss, 0:
 * none) as metadata. */
static inline mbuf_own pf_packet(struct mbuf_pool *pool, const struct pf_frame *fr,
				 const struct pf *f, uint32_t seg, uint16_t mss)
{
	struct mbuf *m = (seg ? ut_packet_split(pool, fr->bytes, fr->len, seg)
			      : ut_packet(pool, fr->bytes, fr->len))
				 .m;

	m->meta.l2_off = mbuf_here(m);
	m->meta.l3_off = (uint16_t)(mbuf_here(m) + fr->l3);
	m->meta.l4_off = (uint16_t)(mbuf_here(m) + fr->l4);
	m->meta.csum_field = f->udp ? UDP_OFF_CSUM : TCP_OFF_CSUM;
	if (!f->complete)
		m->meta.csum = MBUF_CSUM_PARTIAL;
	m->meta.gso_size = mss;
	if (mss != 0 && !f->udp)
		m->meta.gso_type = f->v6 ? MBUF_GSO_TCP6 : MBUF_GSO_TCP4;
	return mbuf_own_of(m);
}

/* What a frame says, with every checksum in it verified (but for partial ones). */
struct pf_read {
	uint32_t l3, l4, hlen, payload;
	uint16_t id;
	struct eth eth;
	struct tcphdr tcp;
	struct udphdr udp;
};

static inline void pf_read_ip(struct pf_read *r, struct view ip, bool v6, uint8_t proto)
{
	struct ip6_ext x;
	struct ip4 h4;
	struct ip6 h6;

	if (!v6) {
		assert_int_equal(ip4_parse(&h4, ip, true), 0);
		assert_int_equal(h4.total_len, ip.len);
		assert_int_equal(h4.proto, proto);
		assert_true(h4.df);
		r->id = h4.id;
		r->l4 = r->l3 + h4.ihl_bytes;
		return;
	}
	assert_int_equal(ip6_parse(&h6, ip), 0);
	assert_int_equal(h6.payload_len + IP6_HLEN, ip.len);
	assert_int_equal(ip6_ext_parse(&x, &h6, ip, IP6_HOST), 0);
	assert_int_equal(x.proto, proto);
	r->l4 = r->l3 + (uint32_t)x.upper_off;
}

static inline void pf_read(struct pf_read *r, const uint8_t *bytes, uint32_t len,
			   const struct pf *f, bool partial)
{
	struct ipaddr src = pf_addr(f->v6, 1), dst = pf_addr(f->v6, 2);
	uint8_t proto = f->udp ? PROTO_UDP : PROTO_TCP;
	struct view v = view_make(bytes, len);

	assert_int_equal(eth_parse(&r->eth, v), 0);
	r->l3 = r->eth.hlen;
	pf_read_ip(r, view_skip(v, r->l3), f->v6, proto);
	if (f->udp) {
		assert_int_equal(udp_parse(&r->udp, view_skip(v, r->l4), f->v6), 0);
		assert_int_equal(r->udp.len, len - r->l4);
		r->hlen = r->l4 + UDP_HLEN;
	} else {
		assert_int_equal(tcphdr_parse(&r->tcp, view_skip(v, r->l4)), 0);
		r->hlen = r->l4 + r->tcp.hlen;
	}
	r->payload = len - r->hlen;
	if (partial)
		assert_int_equal(
			load_native16(bytes + r->l4 + (f->udp ? UDP_OFF_CSUM : TCP_OFF_CSUM)),
			pseudo_partial(&src, &dst, proto, len - r->l4));
	else
		assert_true(pseudo_ok(view_skip(v, r->l4), &src, &dst, proto));
}

#endif
