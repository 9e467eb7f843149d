/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Forwarding and interception between two interfaces: what comes out is what went in, a hop older;
 * what cannot go on is answered; superpackets go whole.
 */
#include "fakenet.h"

#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/tcp.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#define SEC         UINT64_C(1000000000)
#define TAKES_SUPER (PORT_CAP_TX_CSUM | PORT_CAP_TSO | PORT_CAP_SG)

static struct fakenet net;
static uint8_t pkt[FAKENET_MAX], data[FAKENET_MAX];

static void setup_caps(uint32_t mtu1, uint32_t caps)
{
	fakenet_create(&net, &(struct fakenet_conf){
				     .n_ports = 2, .forward = true, .caps = caps, .n_small = 4096});
	for (unsigned i = 0; i < 2; i++) {
		fakenet_neigh(&net, false, i, 2);
		fakenet_neigh(&net, true, i, 2);
	}
	net.s->link->ifaces[1].mtu = mtu1;
	inet_gen_bump(net.s->inet);
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 5 + (i >> 8));
}

static void setup(uint32_t mtu1)
{
	setup_caps(mtu1, 0);
}

/* UDP-like packet from host 2 on interface 0 to host 2 on interface 1. */
static struct fakeip across(bool v6)
{
	return (struct fakeip){.src = fakenet_addr(v6, 0, 2),
			       .dst = fakenet_addr(v6, 1, 2),
			       .proto = PROTO_UDP,
			       .id = 0x1234,
			       .tos = 0x29};
}

/* An ICMP error came back; returns its 32-bit field. */
static uint32_t expect_error(uint8_t type, uint8_t code)
{
	struct fakesent t = fakenet_sent_ip(&net, 0);
	uint32_t word;

	assert_non_null(t.f);
	assert_true(fakesent_csum_ok(&t));
	assert_int_equal(t.payload.p[0], type);
	assert_int_equal(t.payload.p[1], code);
	word = load_be32(t.payload.p + 4);
	fakesent_free(&t);
	assert_null(fakenet_sent_ip(&net, 0).f);
	assert_null(fakenet_sent_ip(&net, 1).f);
	return word;
}

static void check_plain(bool v6)
{
	struct ethaddr to = fakenet_mac(1, 2), own;
	struct fakeip ip = across(v6);

	setup(1500);
	own = fakenet_own_mac(&net, 1);
	for (uint32_t len = 0; len <= 1440; len += 96) {
		uint32_t n = fakeip_emit(pkt, &ip, data, len);
		struct fakesent t;

		fakenet_rx(&net, 0, pkt, n);
		t = fakenet_sent_ip(&net, 1);
		assert_non_null(t.f);
		assert_true(ethaddr_eq(&t.eth.dst, &to));
		assert_true(ethaddr_eq(&t.eth.src, &own));
		assert_int_equal(t.ttl, 63);
		pkt[v6 ? IP6_OFF_HOPS : IP4_OFF_TTL]--;
		if (!v6)
			memcpy(pkt + IP4_OFF_CSUM, t.f->data + ETH_HLEN + IP4_OFF_CSUM, 2);
		assert_int_equal(t.f->len, ETH_HLEN + n);
		assert_memory_equal(t.f->data + ETH_HLEN, pkt, n);
		fakesent_free(&t);
	}
	assert_int_equal(inet_counters(net.s, v6)->forwarded, 16);
	assert_int_equal(fakehost_drops_all(&net.h), 0);
	/* Options are carried along. */
	if (!v6) {
		static const uint8_t rr[8] = {7, 7, 4};
		struct fakesent t;

		ip.ext = rr;
		ip.ext_len = 8;
		fakenet_rx_ip(&net, 0, &ip, data, 100);
		t = fakenet_sent_ip(&net, 1);
		assert_int_equal(t.ip4.opts_len, 8);
		fakesent_free(&t);
	}
	fakenet_destroy(&net);
}

static void check_ttl(bool v6)
{
	struct fakeip ip = across(v6);

	setup(1500);
	ip.ttl = 1;
	fakenet_rx_ip(&net, 0, &ip, data, 64);
	expect_error(v6 ? ICMP6_TIME_EXCEEDED : ICMP4_TIME_EXCEEDED, 0);
	fakeip_emit(pkt, &ip, data, 64);
	pkt[v6 ? IP6_OFF_HOPS : IP4_OFF_TTL] = 0;
	if (!v6) {
		store_native16(pkt + IP4_OFF_CSUM, 0);
		store_native16(pkt + IP4_OFF_CSUM, csum_fold(csum_partial(pkt, 20, 0)));
	}
	fakenet_rx(&net, 0, pkt, 64 + (v6 ? 40 : 20));
	expect_error(v6 ? ICMP6_TIME_EXCEEDED : ICMP4_TIME_EXCEEDED, 0);
	assert_drops(&net, DROP_IP_TTL, 2);
	/* To ourselves it is enough. */
	ip.dst = fakenet_addr(v6, 0, 1);
	fakenet_rx_ip(&net, 0, &ip, data, 64);
	assert_int_equal(net.n_in, 1);
	fakenet_destroy(&net);
}

/* A wire that brings what left by port 1 back into port 0: it ends with the TTL. */
static void check_loop(bool v6)
{
	struct ethaddr own;
	struct fakeip ip = across(v6);
	unsigned rounds = 0;

	setup(1500);
	own = fakenet_own_mac(&net, 0);
	ip.ttl = 20;
	fakenet_rx_ip(&net, 0, &ip, data, 64);
	for (;; rounds++) {
		struct fakesent t = fakenet_sent_ip(&net, 1);

		if (!t.f)
			break;
		memcpy(t.f->data, own.b, 6);
		fakeport_feed(net.h.port[0], t.f->data, t.f->len);
		fakesent_free(&t);
		fakehost_run(&net.h);
	}
	assert_int_equal(rounds, 19);
	assert_drops(&net, DROP_IP_TTL, 1);
	fakenet_destroy(&net);
}

static void check_routes(bool v6)
{
	struct ipaddr any = v6 ? ipaddr_any6() : ipaddr_any4(), gw = fakenet_addr(v6, 1, 2);
	struct ipprefix def = ipprefix_make(&any, v6 ? 0 : 96);
	struct ethaddr to = fakenet_mac(1, 2);
	struct fakeip ip = across(v6);
	struct fakesent t;

	setup(1500);
	ip.dst = fakenet_addr(v6, 9, 9);
	fakenet_rx_ip(&net, 0, &ip, data, 64);
	expect_error(v6 ? ICMP6_UNREACHABLE : ICMP4_UNREACHABLE, 0);
	assert_drops(&net, DROP_IP_NO_ROUTE, 1);
	assert_int_equal(inet_route_add(net.s, &def, &gw, 1, 5), 0);
	fakenet_rx_ip(&net, 0, &ip, data, 64);
	t = fakenet_sent_ip(&net, 1);
	assert_non_null(t.f);
	assert_true(ethaddr_eq(&t.eth.dst, &to));
	assert_true(ipaddr_eq(&t.dst, &ip.dst));
	fakesent_free(&t);
	/* A better one takes over at once, whatever was cached. */
	gw = fakenet_addr(v6, 0, 2);
	assert_int_equal(inet_route_add(net.s, &def, &gw, 0, 4), 0);
	fakenet_rx_ip(&net, 1, &ip, data, 64);
	t = fakenet_sent_ip(&net, 0);
	assert_non_null(t.f);
	fakesent_free(&t);
	assert_int_equal(inet_route_del(net.s, &def, &gw, 0), 0);
	fakenet_rx_ip(&net, 0, &ip, data, 64);
	t = fakenet_sent_ip(&net, 1);
	assert_non_null(t.f);
	fakesent_free(&t);
	fakenet_destroy(&net);
}

static void check_refused(bool v6)
{
	struct ethaddr all = ethaddr_broadcast();
	struct fakeip ip = across(v6);
	uint32_t n = fakeip_emit(pkt, &ip, data, 64);

	setup(1500);
	fakenet_rx_to(&net, 0, &all, pkt, n);
	assert_drops(&net, DROP_IP_L2_GROUP, 1);
	if (v6) {
		ip.src = fakenet_ll(2);
		fakenet_rx_ip(&net, 0, &ip, data, 64);
		assert_drops(&net, DROP_IP_SCOPE, 1);
		ip = across(v6);
		ip.dst = fakenet_ll(7);
		fakenet_rx_ip(&net, 0, &ip, data, 64);
		assert_drops(&net, DROP_IP_SCOPE, 2);
	} else {
		ip.dst = ipaddr_v4(0x0a0001ff); /* RFC 2644 */
		fakenet_rx_ip(&net, 0, &ip, data, 64);
		assert_drops(&net, DROP_IP_BAD_DST, 1);
		ip = across(v6);
		ip.src = ipaddr_v4(0xa9fe0101); /* RFC 3927 */
		fakenet_rx_ip(&net, 0, &ip, data, 64);
		assert_drops(&net, DROP_IP_SCOPE, 1);
		ip = across(v6);
		ip.dst = ipaddr_v4(0xa9fe0101);
		fakenet_rx_ip(&net, 0, &ip, data, 64);
		assert_drops(&net, DROP_IP_SCOPE, 2);
	}
	inet_forwarding_set(net.s, false, false);
	fakenet_settle(&net);
	ip = across(v6);
	fakenet_rx_ip(&net, 0, &ip, data, 64);
	assert_drops(&net, DROP_IP_NOT_LOCAL, 1);
	assert_null(fakenet_sent_ip(&net, 1).f);
	fakenet_destroy(&net);
}

/* Nobody there: what waited is answered when the questions are over, what comes then at once. */
static void check_unreachable(bool v6)
{
	struct fakeip ip = across(v6);
	uint8_t code = v6 ? (uint8_t)ICMP6_UNREACH_ADDRESS : (uint8_t)ICMP4_UNREACH_HOST;
	uint8_t type = v6 ? (uint8_t)ICMP6_UNREACHABLE : (uint8_t)ICMP4_UNREACHABLE;
	struct fakesent t;
	unsigned n = 0;

	setup(1500);
	ip.dst = fakenet_addr(v6, 1, 66);
	for (unsigned i = 0; i < 3; i++)
		fakenet_rx_ip(&net, 0, &ip, data, 64);
	fakehost_advance(&net.h, 3 * SEC + 16 * WHEEL_TICK_NS);
	assert_drops(&net, DROP_NEIGH_UNREACHABLE, 3);
	while ((t = fakenet_sent_ip(&net, 0)).f) {
		assert_int_equal(t.payload.p[0], type);
		assert_int_equal(t.payload.p[1], code);
		fakesent_free(&t);
		n++;
	}
	assert_int_equal(n, 3);
	fakenet_rx_ip(&net, 0, &ip, data, 64);
	fakeport_forget(net.h.port[1]);
	expect_error(type, code);
	assert_drops(&net, DROP_NEIGH_UNREACHABLE, 4);
	fakenet_destroy(&net);
}

/* ---- too big ---- */

/* Collect fragments from port 1; returns the length of what they make. */
static uint32_t collect(bool v6, uint32_t mtu, uint8_t *out, unsigned *n_frags, uint32_t *id)
{
	uint32_t len = 0, total = 0;

	*n_frags = 0;
	for (;;) {
		struct fakesent t = fakenet_sent_ip(&net, 1);
		uint32_t off;
		bool more;

		if (!t.f)
			break;
		off = v6 ? t.ext.frag_off_bytes : t.ip4.frag_off_bytes;
		more = v6 ? t.ext.frag_more : t.ip4.mf;
		assert_true(t.f->len - ETH_HLEN <= mtu);
		assert_true(!more || t.payload.len % 8 == 0);
		assert_int_equal(t.ttl, 63);
		*id = v6 ? t.ext.frag_id : t.ip4.id;
		memcpy(out + off, t.payload.p, t.payload.len);
		len += (uint32_t)t.payload.len;
		if (!more)
			total = off + (uint32_t)t.payload.len;
		(*n_frags)++;
		fakesent_free(&t);
	}
	assert_int_equal(len, total);
	return len;
}

static void test_too_big4(void **state)
{
	static uint8_t got[FAKENET_MAX];
	struct fakeip ip = across(false);
	uint32_t len, id;
	unsigned n;

	(void)state;
	setup(600);
	ip.df = true;
	fakenet_rx_ip(&net, 0, &ip, data, 1400);
	assert_int_equal(expect_error(ICMP4_UNREACHABLE, ICMP4_UNREACH_FRAG_NEEDED), 600);
	assert_drops(&net, DROP_IP_TOO_BIG, 1);
	ip.df = false;
	for (len = 570; len < 1480; len += 13) {
		fakenet_rx_ip(&net, 0, &ip, data, len);
		assert_int_equal(collect(false, 600, got, &n, &id), len);
		assert_memory_equal(got, data, len);
		assert_int_equal(id, 0x1234);
		assert_int_equal(n, len <= 580 ? 1 : len <= 576 * 2 ? 2 : 3);
	}
	assert_drops(&net, DROP_IP_TOO_BIG, 1);
	fakenet_destroy(&net);
}

/* What is a fragment already is cut further; later pieces have fewer options. */
static void test_refragment4(void **state)
{
	static const uint8_t opts[12] = {0x94, 4, 0, 0, 7, 7, 4, 0, 0, 0, 0, 0};
	struct fakeip ip = across(false);
	struct fakesent t;
	uint32_t at = 1000, got = 0;

	(void)state;
	setup(600);
	ip.off_bytes = 1000;
	ip.more = true;
	ip.ext = opts;
	ip.ext_len = 12;
	fakenet_rx_ip(&net, 0, &ip, data, 1400);
	for (unsigned i = 0; (t = fakenet_sent_ip(&net, 1)).f; i++) {
		assert_int_equal(t.ip4.frag_off_bytes, at);
		assert_true(t.ip4.mf);
		assert_memory_equal(t.payload.p, data + got, t.payload.len);
		/* RFC 791 3.1: router alert is copied, record route is not. */
		assert_int_equal(t.ip4.opts_len, i == 0 ? 12 : 4);
		at += (uint32_t)t.payload.len;
		got += (uint32_t)t.payload.len;
		fakesent_free(&t);
	}
	assert_int_equal(got, 1400);
	fakenet_destroy(&net);
}

static void test_too_big6(void **state)
{
	struct fakeip ip = across(true);

	(void)state;
	setup(1300);
	fakenet_rx_ip(&net, 0, &ip, data, 1400);
	assert_int_equal(expect_error(ICMP6_TOO_BIG, 0), 1300);
	/* Also of a later fragment, and to a group (none is forwarded). */
	ip.off_bytes = 800;
	ip.more = true;
	fakenet_rx_ip(&net, 0, &ip, data, 1400);
	assert_int_equal(expect_error(ICMP6_TOO_BIG, 0), 1300);
	assert_drops(&net, DROP_IP_TOO_BIG, 2);
	fakenet_destroy(&net);
}

/* What our own connections learned of a path binds them alone. */
static void check_own_pmtu(bool v6)
{
	struct fakeip ip = across(v6);
	struct fakesent t;

	setup(1500);
	inet_pmtu_update(net.s, &ip.dst, 1300);
	assert_int_equal(inet_pmtu(net.s, &ip.dst), 1300);
	ip.df = true;
	fakenet_rx_ip(&net, 0, &ip, data, 1400);
	t = fakenet_sent_ip(&net, 1);
	assert_non_null(t.f);
	fakesent_free(&t);
	fakenet_destroy(&net);
}

/* ---- superpackets ---- */

static void rx_super(bool v6, bool df, uint32_t len, uint16_t gso_size)
{
	struct faketcp tcp = {
		.sport = 1, .dport = 2, .seq = 100, .flags = TCP_ACK | TCP_PSH, .wnd = 9};
	struct eth e = {.dst = fakenet_own_mac(&net, 0),
			.src = fakenet_mac(0, 2),
			.type = v6 ? ETHERTYPE_IP6 : ETHERTYPE_IP4};
	struct fakeframe *f = fakeframe_alloc(FAKENET_MAX);
	static uint8_t seg[FAKENET_MAX];
	struct fakeip ip = across(v6);
	uint32_t n, hlen = v6 ? IP6_HLEN : IP4_HLEN;

	ip.proto = PROTO_TCP;
	ip.df = df;
	n = faketcp_emit(seg, &ip.src, &ip.dst, &tcp, data, len);
	f->len = (uint32_t)eth_emit(f->data, &e);
	f->len += fakeip_emit(f->data + f->len, &ip, seg, n);
	f->gso_size = gso_size;
	f->gso_type = v6 ? MBUF_GSO_TCP6 : MBUF_GSO_TCP4;
	f->csum = MBUF_CSUM_PARTIAL;
	f->csum_field = TCP_OFF_CSUM;
	f->l4_off = (uint16_t)(ETH_HLEN + hlen);
	store_native16(f->data + f->l4_off + TCP_OFF_CSUM,
		       csum_reduce(csum_pseudo(&ip.src, &ip.dst, PROTO_TCP, n)));
	fakeport_feed_frame(net.h.port[0], f);
	fakehost_run(&net.h);
}

static void check_super(bool v6)
{
	uint32_t hdr = (v6 ? 40u : 20u) + 20;
	struct fakesent t;

	setup_caps(1500, TAKES_SUPER);
	for (uint32_t len = 3000; len < 65000; len += 12345) {
		rx_super(v6, true, len, (uint16_t)(1500 - hdr));
		t = fakenet_sent_ip(&net, 1);
		assert_non_null(t.f);
		assert_int_equal(t.f->gso_size, 1500 - hdr);
		assert_int_equal(t.f->csum, MBUF_CSUM_PARTIAL);
		assert_int_equal(t.f->l4_off, ETH_HLEN + hdr - 20);
		assert_int_equal(t.ttl, 63);
		assert_int_equal(t.payload.len, len + 20);
		assert_memory_equal(t.payload.p + 20, data, len);
		fakesent_free(&t);
	}
	/* Segments a byte too large for the way. */
	rx_super(v6, true, 9000, (uint16_t)(1501 - hdr));
	assert_int_equal(v6 ? expect_error(ICMP6_TOO_BIG, 0)
			    : expect_error(ICMP4_UNREACHABLE, ICMP4_UNREACH_FRAG_NEEDED),
			 1500);
	if (!v6) { /* without DF it may be cut smaller */
		rx_super(false, false, 9000, 4000);
		t = fakenet_sent_ip(&net, 1);
		assert_int_equal(t.f->gso_size, 1460);
		fakesent_free(&t);
	}
	fakenet_destroy(&net);
}

/* A port that takes no superpackets gets them cut, with all checksums right. */
static void check_super_cut(bool v6)
{
	struct fakesent t;
	uint32_t got = 0;

	setup(1500);
	rx_super(v6, true, 20000, 1400);
	while ((t = fakenet_sent_ip(&net, 1)).f) {
		assert_true(fakesent_csum_ok(&t));
		assert_memory_equal(t.payload.p + 20, data + got, t.payload.len - 20);
		got += (uint32_t)t.payload.len - 20;
		fakesent_free(&t);
	}
	assert_int_equal(got, 20000);
	fakenet_destroy(&net);
}

/* ---- interception ---- */

static void claim_run(bool v6, bool shared)
{
	struct fakeip ip = across(v6);
	struct faketcp tcp = {.sport = 1, .dport = 2, .seq = 100, .flags = TCP_SYN};
	uint8_t seg[200];
	uint32_t n = faketcp_emit(seg, &ip.src, &ip.dst, &tcp, data, 100);
	struct fakesent t;

	setup(1500);
	net.h.port[0]->rx_shared = shared;
	ip.proto = PROTO_TCP;
	for (int claim = 0; claim < 2; claim++) {
		net.claim = claim;
		fakenet_rx_ip(&net, 0, &ip, seg, n);
		assert_int_equal(net.n_claim, claim + 1);
		assert_int_equal(net.n_in, claim);
		t = fakenet_sent_ip(&net, 1);
		assert_int_equal(t.f == NULL, claim);
		if (t.f) {
			assert_true(fakesent_csum_ok(&t));
			assert_memory_equal(t.payload.p, seg, n);
		}
		fakesent_free(&t);
	}
	assert_true(net.in.foreign);
	assert_true(ipaddr_eq(&net.in.dst, &ip.dst));
	assert_int_equal(net.in.iface, 0);
	assert_int_equal(net.len, n);
	assert_memory_equal(net.data, seg, n);
	/* Interception does not need forwarding. */
	inet_forwarding_set(net.s, false, false);
	fakenet_rx_ip(&net, 0, &ip, seg, n);
	assert_int_equal(net.n_in, 2);
	assert_int_equal(inet_counters(net.s, v6)->claimed, 2);
	fakenet_destroy(&net);
}

static void check_claim(bool v6)
{
	claim_run(v6, false);
	claim_run(v6, true);
}

/* A segment in fragments is put together for it; when nobody wants it, it goes on in fragments. */
static void check_claim_fragments(bool v6)
{
	static uint8_t got[FAKENET_MAX];
	struct fakeip ip = across(v6);
	struct faketcp tcp = {.sport = 1, .dport = 2, .seq = 100, .flags = TCP_ACK};
	uint8_t seg[3020];
	uint32_t n = faketcp_emit(seg, &ip.src, &ip.dst, &tcp, data, 3000), id;
	unsigned frags;

	setup(1500);
	ip.proto = PROTO_TCP;
	for (int claim = 0; claim < 2; claim++) {
		net.claim = claim;
		for (uint32_t at = 0; at < n; at += 1400) {
			ip.off_bytes = (uint16_t)at;
			ip.more = at + 1400 < n;
			ip.id = 555;
			fakenet_rx_ip(&net, 0, &ip, seg + at, min_u32(1400, n - at));
		}
		assert_int_equal(net.n_claim, claim + 1);
		assert_int_equal(net.n_in, claim);
		if (claim)
			break;
		assert_int_equal(collect(v6, v6 ? 1448 : 1420, got, &frags, &id), n);
		assert_memory_equal(got, seg, n);
		assert_int_equal(id, 555);
	}
	assert_int_equal(net.len, n);
	assert_memory_equal(net.data, seg, n);
	/* UDP fragments are nobody's business here: each on its own. */
	ip.proto = PROTO_UDP;
	ip.off_bytes = 1400;
	ip.more = true;
	fakenet_rx_ip(&net, 0, &ip, data, 800);
	assert_int_equal(fakeport_forget(net.h.port[1]), 1);
	fakenet_destroy(&net);
}

/* Fragments that must not be cut are refused when the first hop is narrower, as each would have
 * been alone, and go on with the bit when it is not. */
static void test_claim_fragments_df(void **state)
{
	struct fakeip ip = across(false);
	struct faketcp tcp = {.sport = 1, .dport = 2, .seq = 100, .flags = TCP_ACK};
	uint8_t seg[3020];
	uint32_t n = faketcp_emit(seg, &ip.src, &ip.dst, &tcp, data, 3000);

	(void)state;
	ip.proto = PROTO_TCP;
	ip.df = true;
	for (uint32_t mtu = 1400; mtu <= 1500; mtu += 100) {
		setup(mtu);
		for (uint32_t at = 0; at < n; at += 1400) {
			ip.off_bytes = (uint16_t)at;
			ip.more = at + 1400 < n;
			fakenet_rx_ip(&net, 0, &ip, seg + at, min_u32(1400, n - at));
		}
		if (mtu == 1400) {
			assert_int_equal(expect_error(ICMP4_UNREACHABLE, ICMP4_UNREACH_FRAG_NEEDED),
					 mtu);
			assert_drops(&net, DROP_IP_TOO_BIG, 1);
		}
		for (uint32_t at = 0; mtu == 1500 && at < n; at += 1400) {
			struct fakesent t = fakenet_sent_ip(&net, 1);

			assert_non_null(t.f);
			assert_true(t.ip4.df);
			assert_int_equal(t.ip4.frag_off_bytes, at);
			fakesent_free(&t);
		}
		assert_null(fakenet_sent_ip(&net, 1).f);
		fakenet_destroy(&net);
	}
}

#define TWINS(name) \
	static void test_##name(void **state) \
	{ \
		(void)state; \
		check_##name(false); \
		check_##name(true); \
	}

TWINS(plain)
TWINS(ttl)
TWINS(loop)
TWINS(routes)
TWINS(refused)
TWINS(unreachable)
TWINS(own_pmtu)
TWINS(super)
TWINS(super_cut)
TWINS(claim)
TWINS(claim_fragments)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_ttl),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_unreachable),
		cmocka_unit_test(test_too_big4),
		cmocka_unit_test(test_refragment4),
		cmocka_unit_test(test_too_big6),
		cmocka_unit_test(test_super),
		cmocka_unit_test(test_super_cut),
		cmocka_unit_test(test_claim),
		cmocka_unit_test(test_claim_fragments),
		cmocka_unit_test(test_claim_fragments_df),
		cmocka_unit_test(test_own_pmtu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
