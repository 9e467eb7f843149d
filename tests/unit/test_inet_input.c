/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What IP input accepts, drops and answers: headers, addresses, options, extension headers. Every
 * case names the drop that must be counted and the ICMP message that must, or must not, be sent.
 */
#include "fakenet.h"

#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/udp.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#define SILENT 0xff

static struct fakenet net;
static uint8_t pkt[FAKENET_MAX];

static void setup(void)
{
	fakenet_create(&net, &(struct fakenet_conf){0});
	fakenet_neigh(&net, false, 0, 2);
	fakenet_neigh(&net, true, 0, 2);
}

/* UDP from host 2 to us, in pkt. */
static uint32_t udp_packet(struct fakeip *ip)
{
	uint8_t udp[64];
	uint32_t n = fakeudp_emit(udp, &ip->src, &ip->dst, 12);

	if (ip->proto == 0)
		ip->proto = PROTO_UDP;
	return fakeip_emit(pkt, ip, udp, n);
}

static struct fakeip from_peer(bool v6)
{
	return (struct fakeip){.src = fakenet_addr(v6, 0, 2), .dst = fakenet_addr(v6, 0, 1)};
}

/* Exactly one ICMP error with this type, code and 32-bit field; type SILENT: nothing. */
static void expect_error(const char *name, uint8_t type, uint8_t code, uint32_t word)
{
	struct fakesent t = fakenet_sent_ip(&net, 0);

	if (type == SILENT) {
		if (t.f)
			fail_msg("%s: answered", name);
		return;
	}
	if (!t.f || t.payload.p[0] != type || t.payload.p[1] != code ||
	    load_be32(t.payload.p + 4) != word)
		fail_msg("%s: type %d code %d word %x", name, t.f ? t.payload.p[0] : -1,
			 t.f ? t.payload.p[1] : -1, t.f ? load_be32(t.payload.p + 4) : 0);
	assert_true(fakesent_csum_ok(&t));
	/* It quotes what came. */
	assert_memory_equal(t.payload.p + 8, pkt, t.payload.len - 8 > 40 ? 40 : t.payload.len - 8);
	fakesent_free(&t);
	assert_null(fakenet_sent_ip(&net, 0).f);
}

static void expect_drop(const char *name, enum drop_reason why, uint64_t before)
{
	if (fakehost_drops(&net.h, why) != before + 1)
		fail_msg("%s: not counted as %s", name, drop_rows[why].name);
}

/* ---- IPv4 headers ---- */

static void fix_csum4(void)
{
	uint32_t len = (pkt[0] & 0x0fu) * 4;

	store_native16(pkt + IP4_OFF_CSUM, 0);
	store_native16(pkt + IP4_OFF_CSUM, csum_fold(csum_partial(pkt, len < 20 ? 20 : len, 0)));
}

static const struct {
	const char *name;
	uint8_t off, value;
	bool fix; /* checksum made right again */
	enum drop_reason why;
} bytes4[] = {
	{"version 5", 0, 0x55, true, DROP_IP4_MALFORMED},
	{"version 0", 0, 0x05, true, DROP_IP4_MALFORMED},
	{"IHL 4", 0, 0x44, true, DROP_IP4_MALFORMED},
	{"IHL 0", 0, 0x40, true, DROP_IP4_MALFORMED},
	{"IHL past the end", 0, 0x4f, true, DROP_IP4_MALFORMED},
	{"total length below the header", 3, 19, true, DROP_IP4_MALFORMED},
	{"total length 0", 3, 0, true, DROP_IP4_MALFORMED},
	{"total length past the frame", 3, 41, true, DROP_IP4_MALFORMED},
	{"total length far past the frame", 2, 0xff, true, DROP_IP4_MALFORMED},
	{"checksum", 10, 0x12, false, DROP_IP4_CSUM},
	{"a bit of the TTL", 8, 65, false, DROP_IP4_CSUM},
};

static void test_header4(void **state)
{
	(void)state;
	setup();
	for (unsigned i = 0; i < ARRAY_LEN(bytes4); i++) {
		struct fakeip ip = from_peer(false);
		uint64_t before = fakehost_drops(&net.h, bytes4[i].why);
		uint32_t len = udp_packet(&ip);

		pkt[bytes4[i].off] = bytes4[i].value;
		if (bytes4[i].fix)
			fix_csum4();
		fakenet_rx(&net, 0, pkt, len);
		expect_drop(bytes4[i].name, bytes4[i].why, before);
		expect_error(bytes4[i].name, SILENT, 0, 0);
	}
	assert_int_equal(net.n_in, 0);
	assert_int_equal(fakehost_drops_all(&net.h), ARRAY_LEN(bytes4));
	fakenet_destroy(&net);
}

static const struct {
	const char *name;
	uint8_t off, value;
	enum drop_reason why;
} bytes6[] = {
	{"version 4", 0, 0x40, DROP_IP6_MALFORMED},
	{"version 7", 0, 0x70, DROP_IP6_MALFORMED},
	{"payload length past the frame", 5, 21, DROP_IP6_MALFORMED},
	{"payload length far past the frame", 4, 0xff, DROP_IP6_MALFORMED},
};

static void test_header6(void **state)
{
	struct ethaddr own;

	(void)state;
	setup();
	own = fakenet_own_mac(&net, 0);
	for (unsigned i = 0; i < ARRAY_LEN(bytes6); i++) {
		struct fakeip ip = from_peer(true);
		uint64_t before = fakehost_drops(&net.h, bytes6[i].why);
		struct eth e = {.dst = own, .src = fakenet_mac(0, 2), .type = ETHERTYPE_IP6};
		uint32_t len = udp_packet(&ip);

		pkt[bytes6[i].off] = bytes6[i].value;
		/* Under the IPv6 ethertype whatever the version says. */
		memmove(pkt + ETH_HLEN, pkt, len);
		eth_emit(pkt, &e);
		fakeport_feed(net.h.port[0], pkt, ETH_HLEN + len);
		fakehost_run(&net.h);
		expect_drop(bytes6[i].name, bytes6[i].why, before);
	}
	assert_int_equal(net.n_in, 0);
	fakenet_destroy(&net);
}

/* What the frame holds behind the packet is padding. */
static void test_padding(void **state)
{
	(void)state;
	setup();
	for (int v6 = 0; v6 < 2; v6++) {
		struct fakeip ip = from_peer(v6);
		uint32_t len = udp_packet(&ip);

		memset(pkt + len, 0xee, 30);
		fakenet_rx(&net, 0, pkt, len + 30);
		assert_int_equal(net.n_in, 1 + v6);
		assert_int_equal(net.len, UDP_HLEN + 12);
		assert_true(ipaddr_eq(&net.in.src, &ip.src));
		assert_true(ipaddr_eq(&net.in.dst, &ip.dst));
		assert_false(net.in.multicast);
		assert_false(net.in.foreign);
	}
	fakenet_destroy(&net);
}

/* ---- addresses ---- */

static void one_address(const char *text, bool source, enum drop_reason why)
{
	struct ipaddr a;
	struct fakeip ip;
	uint64_t before = fakehost_drops(&net.h, why);
	uint32_t len;

	assert_int_equal(ipaddr_parse(text, &a), 0);
	ip = from_peer(!ipaddr_is_v4(&a));
	if (source)
		ip.src = a;
	else
		ip.dst = a;
	len = udp_packet(&ip);
	fakenet_rx(&net, 0, pkt, len);
	expect_drop(text, why, before);
	expect_error(text, SILENT, 0, 0);
}

static void test_addresses(void **state)
{
	static const char *const bad_src[] = {
		"10.0.0.1",        "127.0.0.1", "127.1.2.3",  "224.0.0.1", "239.1.1.1",
		"255.255.255.255", "240.0.0.1", "10.0.0.255", "0.0.0.0",   "0.0.0.1",
		"fd00::1",         "::1",       "ff02::1",    "ff0e::1",   "::"};
	static const char *const bad_dst[] = {"127.0.0.1", "127.255.0.1", "0.0.0.0", "240.0.0.1",
					      "::1",       "::",          "ff01::1", "ff00::1"};
	static const char *const foreign[] = {"10.0.0.7",          "192.0.2.1",   "224.0.0.5",
					      "fd00::7",           "2001:db8::1", "ff02::5",
					      "ff02::1:ff12:3456", "ff02::2"};

	(void)state;
	setup();
	for (unsigned i = 0; i < ARRAY_LEN(bad_src); i++)
		one_address(bad_src[i], true, DROP_IP_BAD_SRC);
	for (unsigned i = 0; i < ARRAY_LEN(bad_dst); i++)
		one_address(bad_dst[i], false, DROP_IP_BAD_DST);
	for (unsigned i = 0; i < ARRAY_LEN(foreign); i++)
		one_address(foreign[i], false, DROP_IP_NOT_LOCAL);
	assert_int_equal(net.n_in, 0);
	assert_int_equal(net.n_claim, 0);
	fakenet_destroy(&net);
}

/* IPv4 addresses in an IPv6 header would be believed everywhere above. */
static void test_mapped(void **state)
{
	struct ipaddr v4 = fakenet_addr(false, 0, 2);

	(void)state;
	setup();
	for (unsigned off = IP6_OFF_SRC; off <= IP6_OFF_DST; off += 16) {
		struct fakeip ip = from_peer(true);
		uint32_t len = udp_packet(&ip);

		memcpy(pkt + off, v4.b, 16);
		fakenet_rx(&net, 0, pkt, len);
	}
	assert_drops(&net, DROP_IP_BAD_SRC, 2);
	assert_int_equal(net.n_in, 0);
	fakenet_destroy(&net);
}

static void test_groups(void **state)
{
	static const char *const groups[] = {"255.255.255.255", "10.0.0.255", "224.0.0.1",
					     "ff02::1"};

	(void)state;
	setup();
	for (unsigned i = 0; i < ARRAY_LEN(groups); i++) {
		struct ethaddr to = ethaddr_broadcast();
		struct ipaddr a;
		struct fakeip ip;
		uint32_t len;

		assert_int_equal(ipaddr_parse(groups[i], &a), 0);
		ip = from_peer(!ipaddr_is_v4(&a));
		ip.dst = a;
		len = udp_packet(&ip);
		fakenet_rx_to(&net, 0, &to, pkt, len);
		assert_int_equal(net.n_in, i + 1);
		assert_true(net.in.multicast);
	}
	/* Who has no address yet may shout. */
	for (int v6 = 0; v6 < 2; v6++) {
		struct fakeip ip = {.src = v6 ? ipaddr_any6() : ipaddr_any4(),
				    .dst = v6 ? (struct ipaddr){.b = {0xff, 2, [15] = 1}}
					      : ipaddr_v4(UINT32_MAX)};

		fakenet_rx(&net, 0, pkt, udp_packet(&ip));
	}
	assert_int_equal(net.n_in, 6);
	assert_int_equal(fakehost_drops_all(&net.h), 0);
	fakenet_destroy(&net);
}

/* ---- IPv4 options ---- */

static const struct {
	const char *name;
	uint8_t opts[8];
	uint8_t len;
	enum drop_reason why; /* DROP_COUNT: accepted */
	uint8_t ptr;          /* of a Parameter Problem; 0: silent */
} options[] = {
	{"no-ops", {1, 1, 1, 1}, 4, DROP_COUNT, 0},
	{"end of list", {0, 7, 0, 0}, 4, DROP_COUNT, 0},
	{"record route", {7, 7, 4, 0, 0, 0, 0, 0}, 8, DROP_COUNT, 0},
	{"router alert", {148, 4, 0, 0}, 4, DROP_COUNT, 0},
	{"length 0", {7, 0, 4, 0}, 4, DROP_IP4_MALFORMED, 20},
	{"length 1", {7, 1, 4, 0}, 4, DROP_IP4_MALFORMED, 20},
	{"past the end", {7, 11, 4, 0}, 4, DROP_IP4_MALFORMED, 20},
	{"no length", {1, 1, 1, 7}, 4, DROP_IP4_MALFORMED, 23},
	{"pointer before the data", {7, 7, 3, 0, 0, 0, 0, 0}, 8, DROP_IP4_MALFORMED, 22},
	{"loose source route", {131, 7, 4, 10, 0, 0, 9, 0}, 8, DROP_IP4_OPTIONS, 0},
	{"strict source route", {137, 7, 4, 10, 0, 0, 9, 0}, 8, DROP_IP4_OPTIONS, 0},
	{"two source routes", {131, 3, 4, 137, 3, 4, 0, 0}, 8, DROP_IP4_MALFORMED, 23},
};

static void test_options4(void **state)
{
	unsigned accepted = 0;

	(void)state;
	setup();
	for (unsigned i = 0; i < ARRAY_LEN(options); i++) {
		struct fakeip ip = from_peer(false);
		uint64_t before = 0;

		net.h.now_ns += UINT64_C(1000000000); /* no rate limit here */
		ip.ext = options[i].opts;
		ip.ext_len = options[i].len;
		if (options[i].why != DROP_COUNT)
			before = fakehost_drops(&net.h, options[i].why);
		else
			accepted++;
		fakenet_rx(&net, 0, pkt, udp_packet(&ip));
		if (net.n_in != accepted)
			fail_msg("%s", options[i].name);
		if (options[i].why == DROP_COUNT)
			continue;
		expect_drop(options[i].name, options[i].why, before);
		expect_error(options[i].name, options[i].ptr ? ICMP4_PARAM_PROBLEM : SILENT, 0,
			     (uint32_t)options[i].ptr << 24);
	}
	fakenet_destroy(&net);
}

/* ---- IPv6 extension headers ---- */

struct ext_case {
	const char *name;
	uint8_t first; /* number of the first header */
	uint8_t len;   /* of bytes */
	uint8_t bytes[32];
	enum drop_reason why; /* DROP_COUNT: delivered */
	uint8_t code;         /* of a Parameter Problem; SILENT */
	uint32_t ptr;
	bool group; /* to ff02::1 */
};

#define UDP PROTO_UDP

static const struct ext_case exts[] = {
	{"hop-by-hop, padding", 0, 8, {UDP, 0, 1, 4}, DROP_COUNT, SILENT, 0, false},
	{"destination options", 60, 8, {UDP, 0, 1, 4}, DROP_COUNT, SILENT, 0, false},
	{"hop-by-hop second",
	 60,
	 16,
	 {0, 0, 1, 4, 0, 0, 0, 0, UDP, 0, 1, 4},
	 DROP_IP6_EXT,
	 1,
	 40,
	 false},
	{"option 00: skip", 60, 8, {UDP, 0, 0x1e, 4}, DROP_COUNT, SILENT, 0, false},
	{"option 01: drop", 60, 8, {UDP, 0, 0x5e, 4}, DROP_IP6_EXT, SILENT, 0, false},
	{"option 10: say so", 60, 8, {UDP, 0, 0x9e, 4}, DROP_IP6_EXT, 2, 42, false},
	{"option 11: say so", 60, 8, {UDP, 0, 0xde, 4}, DROP_IP6_EXT, 2, 42, false},
	{"option 10 to a group", 60, 8, {UDP, 0, 0x9e, 4}, DROP_IP6_EXT, 2, 42, true},
	{"option 11 to a group", 60, 8, {UDP, 0, 0xde, 4}, DROP_IP6_EXT, SILENT, 0, true},
	{"option past its header", 60, 8, {UDP, 0, 0x1e, 5}, DROP_IP6_EXT, SILENT, 0, false},
	{"header past the packet", 60, 8, {UDP, 200, 1, 4}, DROP_IP6_EXT, SILENT, 0, false},
	{"routing header 0", 43, 8, {UDP, 2, 0, 1}, DROP_IP6_EXT, 0, 42, false},
	{"routing header, none left", 43, 8, {UDP, 0, 0, 0}, DROP_COUNT, SILENT, 0, false},
	{"routing header 253", 43, 8, {UDP, 0, 253, 1}, DROP_IP6_EXT, 0, 42, false},
	{"unknown next header", 60, 8, {200, 0, 1, 4}, DROP_IP_NO_PROTO, 1, 40, false},
	{"no next header", 60, 8, {59, 0, 1, 4}, DROP_IP_NO_PROTO, SILENT, 0, false},
	{"fragment not of 8", 44, 8, {UDP, 0, 0, 1, 0, 0, 0, 1}, DROP_IP6_EXT, 0, 4, false},
	{"fragment beyond 65535",
	 44,
	 8,
	 {UDP, 0, 0xff, 0xf8, 0, 0, 0, 1},
	 DROP_IP6_EXT,
	 0,
	 42,
	 false},
	{"fragment in a fragment",
	 44,
	 16,
	 {44, 0, 0, 0, 0, 0, 0, 1, UDP, 0, 0, 0, 0, 0, 0, 2},
	 DROP_IP6_EXT,
	 0,
	 48,
	 false},
	{"chain not in the first", 44, 8, {60, 0, 0, 1, 0, 0, 0, 1}, DROP_IP6_EXT, 3, 0, false},
};

static void one_ext(const struct ext_case *c, unsigned *delivered)
{
	struct fakeip ip = from_peer(true);
	uint64_t before = c->why == DROP_COUNT ? 0 : fakehost_drops(&net.h, c->why);
	uint32_t len;

	net.h.now_ns += UINT64_C(1000000000);
	ip.ext = c->bytes;
	ip.ext_len = c->len;
	ip.ext_first = c->first;
	if (c->group)
		ip.dst = (struct ipaddr){.b = {0xff, 2, [15] = 1}};
	len = udp_packet(&ip);
	if (c->code == 3 && c->first == 44) { /* cut inside the header that it names */
		len = IP6_HLEN + 16;
		pkt[IP6_HLEN + 9] = 4; /* 40 bytes, there are 8 */
		store_be16(pkt + IP6_OFF_PAYLOAD_LEN, 16);
	}
	fakenet_rx(&net, 0, pkt, len);
	*delivered += c->why == DROP_COUNT;
	if (net.n_in != *delivered)
		fail_msg("%s", c->name);
	if (c->why != DROP_COUNT)
		expect_drop(c->name, c->why, before);
	if (c->code == 3) { /* where the chain ends, RFC 7112 leaves open */
		struct fakesent t = fakenet_sent_ip(&net, 0);

		assert_non_null(t.f);
		assert_int_equal(t.payload.p[1], 3);
		fakesent_free(&t);
		return;
	}
	expect_error(c->name, c->code == SILENT ? SILENT : ICMP6_PARAM_PROBLEM, c->code, c->ptr);
}

static void test_extensions(void **state)
{
	unsigned delivered = 0;

	(void)state;
	setup();
	for (unsigned i = 0; i < ARRAY_LEN(exts); i++)
		one_ext(&exts[i], &delivered);
	fakenet_destroy(&net);
}

/* 150 headers in a row end early. */
static void test_many_headers(void **state)
{
	struct fakeip ip = from_peer(true);
	uint8_t chain[150 * 8], udp[64];
	uint32_t n, len;

	(void)state;
	setup();
	memset(chain, 0, sizeof(chain));
	for (unsigned i = 0; i < 150; i++) {
		chain[i * 8] = i == 149 ? PROTO_UDP : PROTO_DSTOPTS;
		chain[i * 8 + 2] = 1;
		chain[i * 8 + 3] = 4;
	}
	n = fakeudp_emit(udp, &ip.src, &ip.dst, 12);
	ip.proto = PROTO_DSTOPTS;
	len = fakeip_emit(pkt, &ip, chain, sizeof(chain));
	memcpy(pkt + len, udp, n);
	store_be16(pkt + IP6_OFF_PAYLOAD_LEN, (uint16_t)(sizeof(chain) + n));
	fakenet_rx(&net, 0, pkt, len + n);
	assert_drops(&net, DROP_IP6_EXT, 1);
	assert_int_equal(net.n_in, 0);
	fakenet_destroy(&net);
}

/* A protocol that nobody handles is said to be none. */
static void test_no_proto(void **state)
{
	(void)state;
	setup();
	for (int v6 = 0; v6 < 2; v6++) {
		struct fakeip ip = from_peer(v6);

		ip.proto = 200;
		fakenet_rx(&net, 0, pkt, udp_packet(&ip));
		if (v6)
			expect_error("v6", ICMP6_PARAM_PROBLEM, ICMP6_PARAM_NEXT, IP6_OFF_NEXT);
		else
			expect_error("v4", ICMP4_UNREACHABLE, ICMP4_UNREACH_PROTO, 0);
	}
	assert_drops(&net, DROP_IP_NO_PROTO, 2);
	fakenet_destroy(&net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header4),      cmocka_unit_test(test_header6),
		cmocka_unit_test(test_padding),      cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_mapped),       cmocka_unit_test(test_groups),
		cmocka_unit_test(test_options4),     cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_many_headers), cmocka_unit_test(test_no_proto),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
