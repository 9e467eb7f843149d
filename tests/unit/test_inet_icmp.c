/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMP of both families: echo of every size, what is never answered, the rate limit and what an
 * outsider sees of it, errors in with good and bad quotes.
 */
#include "fakenet.h"

#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/nd.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#define SEC UINT64_C(1000000000)

static struct fakenet net;
static uint8_t msg[FAKENET_MAX], pkt[FAKENET_MAX];

static void setup(bool forward)
{
	fakenet_create(&net, &(struct fakenet_conf){.n_ports = forward ? 2 : 1,
						    .forward = forward,
						    .n_small = 4096});
	for (unsigned i = 0; i < (forward ? 2u : 1u); i++) {
		fakenet_neigh(&net, false, i, 2);
		fakenet_neigh(&net, true, i, 2);
	}
}

static struct fakeip ip_of(bool v6, const struct ipaddr *src, const struct ipaddr *dst)
{
	return (struct fakeip){
		.src = *src, .dst = *dst, .proto = v6 ? PROTO_ICMP6 : PROTO_ICMP4, .tos = 0x28};
}

/* ---- echo ---- */

static uint32_t echo_request(bool v6, const struct ipaddr *src, const struct ipaddr *dst,
			     uint32_t n)
{
	static uint8_t body[FAKENET_MAX];

	for (uint32_t i = 0; i < n; i++)
		body[i] = (uint8_t)(i * 3 + (i >> 8));
	return fakeicmp_emit(msg, src, dst, v6 ? ICMP6_ECHO_REQUEST : ICMP4_ECHO_REQUEST, 0,
			     0x12340007, body, n);
}

static void rx_pieces(struct fakeip ip, uint32_t len)
{
	for (uint32_t at = 0; at < len; at += 1400) {
		uint32_t k = min_u32(1400, len - at);

		ip.id = 77;
		ip.off_bytes = (uint16_t)at;
		ip.more = at + k < len;
		fakenet_rx_ip(&net, 0, &ip, msg + at, k);
	}
}

/* Put the answer together and compare: all but type and checksum come back. */
static void expect_reply(bool v6, const struct ipaddr *src, const struct ipaddr *dst, uint32_t len)
{
	static uint8_t got[FAKENET_MAX];
	uint32_t have = 0, sum = 0;

	for (;;) {
		struct fakesent t = fakenet_sent_ip(&net, 0);
		uint32_t off;

		if (!t.f)
			break;
		off = v6 ? t.ext.frag_off_bytes : t.ip4.frag_off_bytes;
		assert_true(t.f->len - t.eth.hlen <= 1500);
		assert_true(ipaddr_eq(&t.src, dst));
		assert_true(ipaddr_eq(&t.dst, src));
		memcpy(got + off, t.payload.p, t.payload.len);
		have += (uint32_t)t.payload.len;
		fakesent_free(&t);
	}
	assert_int_equal(have, len);
	assert_int_equal(got[0], v6 ? ICMP6_ECHO_REPLY : ICMP4_ECHO_REPLY);
	assert_int_equal(got[1], 0);
	assert_memory_equal(got + 4, msg + 4, len - 4);
	if (v6)
		sum = csum_pseudo(dst, src, PROTO_ICMP6, len);
	assert_int_equal(csum_fold(csum_partial(got, len, sum)), 0);
}

static void echo_sizes(bool v6, bool shared)
{
	const uint32_t sizes[] = {0, 1, 56, 1392, 1393, 1452, 1453, 1472, 1473, 4001, 65507};
	struct ipaddr src = fakenet_addr(v6, 0, 2), dst = fakenet_addr(v6, 0, 1);

	setup(false);
	net.h.port[0]->rx_shared = shared;
	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		uint32_t len = echo_request(v6, &src, &dst, sizes[i]);

		rx_pieces(ip_of(v6, &src, &dst), len);
		expect_reply(v6, &src, &dst, len);
	}
	assert_int_equal(inet_counters(net.s, v6)->echo_out, ARRAY_LEN(sizes));
	assert_int_equal(fakehost_drops_all(&net.h), 0);
	fakenet_destroy(&net);
}

static void check_echo(bool v6)
{
	echo_sizes(v6, false);
	echo_sizes(v6, true);
}

/* A port that makes one big packet of it: the answer is cut. */
static void check_echo_in_one(bool v6)
{
	struct ipaddr src = fakenet_addr(v6, 0, 2), dst = fakenet_addr(v6, 0, 1);
	struct fakeip ip = ip_of(v6, &src, &dst);
	uint32_t len;

	setup(false);
	len = echo_request(v6, &src, &dst, 60000);
	fakenet_rx_ip(&net, 0, &ip, msg, len);
	expect_reply(v6, &src, &dst, len);
	fakenet_destroy(&net);
}

/* From a link-local address to ours: the interface is known from the source. */
static void test_echo_link_local(void **state)
{
	struct ipaddr src = fakenet_ll(2), dst;
	struct ethaddr mac = fakenet_mac(1, 2);
	struct fakeip ip;
	struct fakesent t;
	struct neigh *n;
	uint32_t len;

	(void)state;
	setup(true);
	dst = fakenet_own_ll(&net, 1);
	n = neigh_get(net.s, 1, &src);
	neigh_on_advert(net.s, n, &mac, NEIGH_SOLICITED | NEIGH_OVERRIDE);
	ip = ip_of(true, &src, &dst);
	len = echo_request(true, &src, &dst, 10);
	fakenet_rx_ip(&net, 1, &ip, msg, len);
	t = fakenet_sent_ip(&net, 1);
	assert_non_null(t.f);
	assert_true(ethaddr_eq(&t.eth.dst, &mac));
	fakesent_free(&t);
	/* It is an address of interface 1 alone. */
	fakenet_rx_ip(&net, 0, &ip, msg, len);
	assert_null(fakenet_sent_ip(&net, 0).f);
	assert_drops(&net, DROP_IP_SCOPE, 1);
	fakenet_destroy(&net);
}

/* The one datagram that port sends goes to its own host 2, and nothing leaves by the other. */
static void expect_on(unsigned port)
{
	struct ethaddr mac = fakenet_mac(port, 2);
	struct fakesent t = fakenet_sent_ip(&net, port);

	assert_non_null(t.f);
	assert_true(ethaddr_eq(&t.eth.dst, &mac));
	fakesent_free(&t);
	assert_null(fakenet_sent_ip(&net, port).f);
	assert_null(fakenet_sent_ip(&net, 1 - port).f);
}

/* Two ports with the same link-local addresses on both sides: replies and errors go back where the
 * packet came from. */
static void test_link_local_twins(void **state)
{
	struct ipaddr src = fakenet_ll(2), own;
	struct ethaddr mac;
	struct fakeip ip;
	uint32_t len;

	(void)state;
	setup(true);
	assert_int_equal(ipaddr_parse("fe80::1", &own), 0);
	for (unsigned port = 0; port < 2; port++) {
		struct neigh *n = neigh_get(net.s, port, &src);

		mac = fakenet_mac(port, 2);
		neigh_on_advert(net.s, n, &mac, NEIGH_SOLICITED | NEIGH_OVERRIDE);
		assert_int_equal(inet_addr_add(net.s, port, &own, 64), 0);
	}
	fakehost_advance(&net.h, 3 * UINT64_C(1000000000));
	(void)fakeport_forget(net.h.port[0]);
	(void)fakeport_forget(net.h.port[1]);
	for (unsigned port = 0; port < 2; port++) {
		ip = ip_of(true, &src, &own);
		len = echo_request(true, &src, &own, 10);
		fakenet_rx_ip(&net, port, &ip, msg, len);
		expect_on(port);
		ip.proto = 200; /* nobody there: an error */
		fakenet_rx_ip(&net, port, &ip, msg, len);
		expect_on(port);
		ip.dst = fakenet_addr(true, 9, 9); /* may not go on: an error */
		fakenet_rx_ip(&net, port, &ip, msg, len);
		expect_on(port);
	}
	fakenet_destroy(&net);
}

static void check_echo_refused(bool v6)
{
	struct ipaddr src = fakenet_addr(v6, 0, 2), dst = fakenet_addr(v6, 0, 1);
	struct ipaddr group =
		v6 ? (struct ipaddr){.b = {0xff, 2, [15] = 1}} : ipaddr_v4(0xe0000001);
	struct ethaddr all = ethaddr_broadcast();
	struct fakeip ip;
	uint32_t len;

	setup(false);
	for (unsigned i = 0; i < (v6 ? 1u : 3u); i++) {
		if (i > 0)
			group = ipaddr_v4(i == 1 ? UINT32_MAX : 0x0a0000ff);
		ip = ip_of(v6, &src, &group);
		len = echo_request(v6, &src, &group, 20);
		fakenet_rx_to(&net, 0, &all, pkt, fakeip_emit(pkt, &ip, msg, len));
	}
	assert_drops(&net, DROP_ICMP_IGNORED, v6 ? 1 : 3);
	ip = ip_of(v6, &src, &dst);
	len = echo_request(v6, &src, &dst, 20);
	msg[9] ^= 1;
	fakenet_rx_ip(&net, 0, &ip, msg, len);
	assert_drops(&net, DROP_ICMP_MALFORMED, 1);
	for (uint32_t n = 0; n < 8; n++)
		fakenet_rx_ip(&net, 0, &ip, msg, n);
	assert_drops(&net, DROP_ICMP_MALFORMED, 9);
	assert_null(fakenet_sent_ip(&net, 0).f);
	fakenet_destroy(&net);
}

/* ---- errors out: never ---- */

/* UDP to dst from src in an Ethernet frame to `to`: answered by port unreachable? */
static bool answered(const struct ipaddr *src, const struct ipaddr *dst, const struct ethaddr *to)
{
	struct fakeip ip = {.src = *src, .dst = *dst, .proto = PROTO_UDP};
	uint8_t udp[64];
	uint32_t n = fakeudp_emit(udp, src, dst, 20);
	struct fakesent t;
	bool yes;

	net.h.now_ns += SEC;
	fakenet_rx_to(&net, 0, to, pkt, fakeip_emit(pkt, &ip, udp, n));
	t = fakenet_sent_ip(&net, 0);
	yes = t.f != NULL;
	if (yes) {
		assert_true(fakesent_csum_ok(&t));
		assert_int_equal(t.payload.p[0], t.v6 ? ICMP6_UNREACHABLE : ICMP4_UNREACHABLE);
		assert_int_equal(t.payload.p[1], t.v6 ? ICMP6_UNREACH_PORT : ICMP4_UNREACH_PORT);
		assert_true(ipaddr_eq(&t.src, dst));
		assert_memory_equal(t.payload.p + 8, pkt, t.payload.len - 8);
	}
	fakesent_free(&t);
	return yes;
}

static void check_never(bool v6)
{
	struct ipaddr src = fakenet_addr(v6, 0, 2), dst = fakenet_addr(v6, 0, 1);
	struct ipaddr none = v6 ? ipaddr_any6() : ipaddr_any4();
	struct ipaddr group =
		v6 ? (struct ipaddr){.b = {0xff, 2, [15] = 1}} : ipaddr_v4(0xe0000001);
	struct ethaddr own, all = ethaddr_broadcast();
	struct ipaddr bcast = ipaddr_v4(0x0a0000ff);

	setup(false);
	net.answer_port = true;
	own = fakenet_own_mac(&net, 0);
	assert_true(answered(&src, &dst, &own));
	assert_false(answered(&src, &group, &own));
	assert_false(answered(&none, &group, &own));
	if (!v6) {
		assert_false(answered(&src, &bcast, &all));
		assert_false(answered(&src, &bcast, &own));
	}
	assert_int_equal(inet_counters(net.s, v6)->err_never, v6 ? 2 : 4);
	assert_int_equal(net.n_in, v6 ? 3 : 5);
	fakenet_destroy(&net);
}

/* A packet with TTL 1 that is to be forwarded: is its time's end told? */
static bool time_exceeded(struct fakeip ip, const void *payload, uint32_t len)
{
	struct fakesent t;
	bool yes;

	net.h.now_ns += SEC;
	ip.ttl = 1;
	fakenet_rx_ip(&net, 0, &ip, payload, len);
	t = fakenet_sent_ip(&net, 0);
	yes = t.f != NULL;
	fakesent_free(&t);
	return yes;
}

static void check_never_about_errors(bool v6)
{
	const uint8_t errors4[] = {ICMP4_UNREACHABLE,   ICMP4_SOURCE_QUENCH, ICMP4_REDIRECT,
				   ICMP4_TIME_EXCEEDED, ICMP4_PARAM_PROBLEM, 99};
	const uint8_t errors6[] = {ICMP6_UNREACHABLE,   ICMP6_TOO_BIG, ICMP6_TIME_EXCEEDED,
				   ICMP6_PARAM_PROBLEM, 100,           ICMP6_REDIRECT};
	struct ipaddr src = fakenet_addr(v6, 0, 2), dst = fakenet_addr(v6, 1, 2);
	struct fakeip ip = ip_of(v6, &src, &dst), udp = ip;
	uint32_t len;

	setup(true);
	len = echo_request(v6, &src, &dst, 20);
	assert_true(time_exceeded(ip, msg, len));
	for (unsigned i = 0; i < 6; i++) {
		len = fakeicmp_emit(msg, &src, &dst, v6 ? errors6[i] : errors4[i], 0, 0, pkt, 60);
		assert_false(time_exceeded(ip, msg, len));
	}
	/* Of a datagram in fragments the first alone is answered. */
	udp.proto = PROTO_UDP;
	udp.more = true;
	assert_true(time_exceeded(udp, msg, 64));
	udp.off_bytes = 64;
	assert_false(time_exceeded(udp, msg, 64));
	assert_int_equal(inet_counters(net.s, v6)->err_never, 7);
	fakenet_destroy(&net);
}

/* ---- rate limit ---- */

static unsigned burst(bool v6, unsigned host, unsigned n)
{
	struct ipaddr src = fakenet_addr(v6, 0, host), dst = fakenet_addr(v6, 0, 1);
	struct fakeip ip = {.src = src, .dst = dst, .proto = PROTO_UDP};
	unsigned sent = 0;
	uint8_t udp[64];
	uint32_t len = fakeudp_emit(udp, &src, &dst, 20);

	for (unsigned i = 0; i < n; i++) {
		struct fakesent t;

		fakenet_rx_ip(&net, 0, &ip, udp, len);
		while ((t = fakenet_sent_ip(&net, 0)).f) {
			fakesent_free(&t);
			sent++;
		}
	}
	return sent;
}

static void check_rate(bool v6)
{
	unsigned seen[32] = {0}, different = 0;

	setup(false);
	net.answer_port = true;
	for (unsigned h = 10; h < 60; h++) {
		unsigned n;

		fakenet_neigh(&net, v6, 0, h);
		net.h.now_ns += SEC / 10; /* the budget over all is not what is tested */
		fakehost_run(&net.h);
		n = burst(v6, h, 50);
		/* Its own tokens, however many others had. */
		assert_in_range(n, 6, 13);
		seen[n]++;
		assert_int_equal(burst(v6, h, 10), 0);
	}
	for (unsigned i = 0; i < ARRAY_LEN(seen); i++)
		different += seen[i] > 0;
	assert_true(different >= 4); /* drawn, not known */
	/* They come back. */
	fakehost_advance(&net.h, SEC / 4);
	fakenet_neigh(&net, v6, 0, 59);
	assert_in_range(burst(v6, 59, 50), 2, 3);
	assert_true(inet_counters(net.s, v6)->err_limited > 2000);
	fakenet_destroy(&net);
}

/* Backscatter: errors to forged sources have a budget, and none of them costs memory. */
static void test_rate_flood(void **state)
{
	size_t live;

	(void)state;
	setup(false);
	live = net.h.mem.live_bytes;
	for (unsigned i = 0; i < 20000; i++) {
		struct ipaddr a = fakenet_addr(true, 0, 1);

		store_be32(&a.b[8], i);
		(void)icmp_limit_allow(net.s, &a);
	}
	assert_int_equal(net.h.mem.live_bytes, live);
	assert_true(net.s->inet->limit.window_left == 0);
	fakenet_destroy(&net);
}

/* ---- errors in ---- */

struct in_case {
	const char *name;
	uint8_t type, code;
	uint32_t word;
	bool given;
	enum inet_err_kind kind;
	int err;
	uint32_t mtu;
};

static const struct in_case in4[] = {
	{"network", 3, 0, 0, true, INET_ERR_UNREACHABLE, ENETUNREACH, 0},
	{"host", 3, 1, 0, true, INET_ERR_UNREACHABLE, EHOSTUNREACH, 0},
	{"protocol", 3, 2, 0, true, INET_ERR_PORT, ENOPROTOOPT, 0},
	{"port", 3, 3, 0, true, INET_ERR_PORT, ECONNREFUSED, 0},
	{"prohibited", 3, 13, 0, true, INET_ERR_UNREACHABLE, EHOSTUNREACH, 0},
	{"unknown code", 3, 200, 0, true, INET_ERR_UNREACHABLE, EHOSTUNREACH, 0},
	{"too big, MTU 0", 3, 4, 0, true, INET_ERR_TOO_BIG, EMSGSIZE, 1006},
	{"too big, MTU 1", 3, 4, 1, true, INET_ERR_TOO_BIG, EMSGSIZE, 552},
	{"too big, MTU 68", 3, 4, 68, true, INET_ERR_TOO_BIG, EMSGSIZE, 552},
	{"too big, MTU 296", 3, 4, 296, true, INET_ERR_TOO_BIG, EMSGSIZE, 552},
	{"too big, MTU 1279", 3, 4, 1279, true, INET_ERR_TOO_BIG, EMSGSIZE, 1279},
	{"too big, MTU 65535", 3, 4, 65535, true, INET_ERR_TOO_BIG, EMSGSIZE, 65535},
	{"time", 11, 0, 0, true, INET_ERR_TIME, EHOSTUNREACH, 0},
	{"parameter", 12, 0, 0, true, INET_ERR_PARAM, EPROTO, 0},
	{"source quench", 4, 0, 0, false, 0, 0, 0},
	{"redirect", 5, 1, 0x0a000009, false, 0, 0, 0},
	{"unknown type", 77, 0, 0, false, 0, 0, 0},
	{"timestamp", 13, 0, 0, false, 0, 0, 0},
	{"echo reply", 0, 0, 0, false, 0, 0, 0},
};

static const struct in_case in6[] = {
	{"no route", 1, 0, 0, true, INET_ERR_UNREACHABLE, ENETUNREACH, 0},
	{"prohibited", 1, 1, 0, true, INET_ERR_UNREACHABLE, EACCES, 0},
	{"address", 1, 3, 0, true, INET_ERR_UNREACHABLE, EHOSTUNREACH, 0},
	{"port", 1, 4, 0, true, INET_ERR_PORT, ECONNREFUSED, 0},
	{"too big, MTU 0", 2, 0, 0, false, 0, 0, 0}, /* RFC 8201 4 */
	{"too big, MTU 1279", 2, 0, 1279, false, 0, 0, 0},
	{"too big, MTU 1280", 2, 0, 1280, true, INET_ERR_TOO_BIG, EMSGSIZE, 1280},
	{"too big, MTU 1400", 2, 0, 1400, true, INET_ERR_TOO_BIG, EMSGSIZE, 1400},
	{"too big, MTU 2^32-1", 2, 0, UINT32_MAX, true, INET_ERR_TOO_BIG, EMSGSIZE, UINT32_MAX},
	{"time", 3, 0, 0, true, INET_ERR_TIME, EHOSTUNREACH, 0},
	{"parameter", 4, 0, 6, true, INET_ERR_PARAM, EPROTO, 0},
	{"next header", 4, 1, 6, true, INET_ERR_PORT, EPROTO, 0},
	{"unknown error", 99, 0, 0, false, 0, 0, 0},
	{"echo reply", 129, 0, 0, false, 0, 0, 0},
	{"unknown message", 200, 0, 0, false, 0, 0, 0},
};

/* An error of host 9 behind interface 0 about a TCP segment of ours to 192.0.2.9, or like it. */
static uint32_t error_about(bool v6, const struct in_case *c, const struct fakeip *inner,
			    uint32_t quoted)
{
	struct ipaddr from = fakenet_addr(v6, 0, 9);
	struct faketcp t = {.sport = 4000, .dport = 80, .seq = 0xdeadbeef, .flags = 0x10};
	uint8_t tcp[64], buf[256];
	uint32_t n = faketcp_emit(tcp, &inner->src, &inner->dst, &t, NULL, 0);

	n = fakeip_emit(buf, inner, tcp, n);
	if (!v6)
		store_be16(buf + IP4_OFF_TOTAL_LEN, 1492); /* it was longer */
	return fakeicmp_emit(msg, &from, &inner->src, c->type, c->code, c->word, buf,
			     min_u32(n, quoted));
}

static struct fakeip our_segment(bool v6)
{
	struct fakeip ip = {
		.src = fakenet_addr(v6, 0, 1), .dst = fakenet_addr(v6, 7, 9), .proto = PROTO_TCP};

	return ip;
}

static void check_in(bool v6)
{
	const struct in_case *cases = v6 ? in6 : in4;
	unsigned n = v6 ? ARRAY_LEN(in6) : ARRAY_LEN(in4), given = 0, ignored = 0;
	struct fakeip inner = our_segment(v6), ip;

	setup(false);
	for (unsigned i = 0; i < n; i++) {
		uint32_t len = error_about(v6, &cases[i], &inner, UINT32_MAX);
		struct ipaddr from = fakenet_addr(v6, 0, 9);

		ip = ip_of(v6, &from, &inner.src);
		fakenet_rx_ip(&net, 0, &ip, msg, len);
		given += cases[i].given;
		ignored += !cases[i].given;
		if (net.n_err != given || fakehost_drops(&net.h, DROP_ICMP_IGNORED) != ignored)
			fail_msg("%s", cases[i].name);
		if (!cases[i].given)
			continue;
		if (net.err.kind != cases[i].kind || net.err.err != cases[i].err ||
		    net.err.mtu != cases[i].mtu)
			fail_msg("%s: kind %d errno %d mtu %u", cases[i].name, net.err.kind,
				 net.err.err, net.err.mtu);
		assert_true(ipaddr_eq(&net.err.src, &inner.src));
		assert_true(ipaddr_eq(&net.err.dst, &inner.dst));
		assert_true(ipaddr_eq(&net.err.from, &from));
		assert_int_equal(net.err.sport, 4000);
		assert_int_equal(net.err.dport, 80);
		assert_int_equal(net.err.tcp_seq, 0xdeadbeef);
		assert_int_equal(net.err.type, cases[i].type);
		assert_int_equal(net.err.code, cases[i].code);
	}
	assert_int_equal(inet_counters(net.s, v6)->err_in, given);
	assert_null(fakenet_sent_ip(&net, 0).f);
	fakenet_destroy(&net);
}

static void check_bad_quotes(bool v6)
{
	const struct in_case c = v6 ? in6[0] : in4[0];
	struct ipaddr from = fakenet_addr(v6, 0, 9), us = fakenet_addr(v6, 0, 1);
	struct fakeip inner = our_segment(v6), ip = ip_of(v6, &from, &us);
	uint32_t hlen = v6 ? IP6_HLEN : IP4_HLEN;
	unsigned malformed = 0;

	setup(false);
	for (uint32_t n = 0; n < hlen + 8; n++) {
		uint32_t len = error_about(v6, &c, &inner, n);

		fakenet_rx_ip(&net, 0, &ip, msg, len);
		malformed += n < hlen;
		assert_drops(&net, DROP_ICMP_MALFORMED, malformed);
		assert_drops(&net, DROP_ICMP_IGNORED, n + 1 - malformed);
	}
	/* Quotes what somebody else sent. */
	inner.src = fakenet_addr(v6, 0, 3);
	ip.dst = us;
	{
		uint32_t len = error_about(v6, &c, &inner, UINT32_MAX);

		len = fakeicmp_emit(msg, &from, &us, c.type, c.code, 0, msg + 8, len - 8);
		fakenet_rx_ip(&net, 0, &ip, msg, len);
	}
	assert_drops(&net, DROP_ICMP_MALFORMED, malformed + 1);
	/* A later fragment tells no ports. */
	inner = our_segment(v6);
	inner.off_bytes = 64;
	fakenet_rx_ip(&net, 0, &ip, msg, error_about(v6, &c, &inner, UINT32_MAX));
	assert_drops(&net, DROP_ICMP_IGNORED, 8 + 1);
	assert_int_equal(net.n_err, 0);
	fakenet_destroy(&net);
}

/* To a foreign address: interception is asked; else it is forwarded. */
static void check_foreign(bool v6)
{
	const struct in_case c = v6 ? in6[0] : in4[0];
	struct ipaddr from = fakenet_addr(v6, 0, 9);
	struct fakeip inner = our_segment(v6), ip;
	struct fakesent t;
	uint32_t len;

	setup(true);
	inner.src = fakenet_addr(v6, 1, 2);
	ip = ip_of(v6, &from, &inner.src);
	len = error_about(v6, &c, &inner, UINT32_MAX);
	for (int claim = 0; claim < 2; claim++) {
		net.claim_error = claim;
		fakenet_rx_ip(&net, 0, &ip, msg, len);
		assert_int_equal(net.n_claim_err, claim + 1);
		t = fakenet_sent_ip(&net, 1);
		assert_int_equal(t.f == NULL, claim);
		if (t.f) {
			assert_true(fakesent_csum_ok(&t));
			assert_int_equal(t.ttl, 63);
			assert_memory_equal(t.payload.p, msg, len);
		}
		fakesent_free(&t);
	}
	assert_int_equal(net.n_err, 0);
	assert_int_equal(fakehost_drops_all(&net.h), 0);
	fakenet_destroy(&net);
}

#define TWINS(name) \
	static void test_##name(void **state) \
	{ \
		(void)state; \
		check_##name(false); \
		check_##name(true); \
	}

TWINS(echo)
TWINS(echo_in_one)
TWINS(echo_refused)
TWINS(never)
TWINS(never_about_errors)
TWINS(rate)
TWINS(in)
TWINS(bad_quotes)
TWINS(foreign)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_echo_in_one),
		cmocka_unit_test(test_echo_link_local),
		cmocka_unit_test(test_link_local_twins),
		cmocka_unit_test(test_echo_refused),
		cmocka_unit_test(test_never),
		cmocka_unit_test(test_never_about_errors),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_rate_flood),
		cmocka_unit_test(test_in),
		cmocka_unit_test(test_bad_quotes),
		cmocka_unit_test(test_foreign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
