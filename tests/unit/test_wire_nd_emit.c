/* SPDX-License-Identifier: BSD-2-Clause */
/* Neighbour discovery, sent: the bytes that scapy writes, the groups, too small a buffer. */
#include "wire/nd.h"

#include "test_wire_util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LL2 "fe 80 00 00 00 00 00 00 00 00 00 00 00 00 00 02 "

static const struct row {
	struct nd n;
	const char *target, *src, *dst, *hex;
} rows[] = {
	{{.type = ICMP6_RS, .has_slla = true, .slla = {{2, 0, 0, 0, 0, 1}}},
	 "::",
	 "fe80::1",
	 "ff02::2",
	 "85 00 7a 2c 00 00 00 00 01 01 02 00 00 00 00 01"},
	{{.type = ICMP6_NS, .has_slla = true, .slla = {{2, 0, 0, 0, 0, 1}}},
	 "fe80::2",
	 "fe80::1",
	 "ff02::1:ff00:2",
	 "87 00 7a 97 00 00 00 00 " LL2 "01 01 02 00 00 00 00 01"},
	/* has_slla means nothing to an NA */
	{{.type = ICMP6_NA,
	  .solicited = true,
	  .override = true,
	  .has_slla = true,
	  .has_tlla = true,
	  .tlla = {{2, 0, 0, 0, 0, 2}}},
	 "fe80::2",
	 "fe80::2",
	 "fe80::1",
	 "88 00 18 1a 60 00 00 00 " LL2 "02 01 02 00 00 00 00 02"},
};

static void test_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pkt p = pkt_hex(rows[i].hex);
		struct nd n = rows[i].n;
		struct ipaddr src, dst;
		uint8_t out[ND_EMIT_MAX];

		assert_int_equal(ipaddr_parse(rows[i].target, &n.target), 0);
		assert_int_equal(ipaddr_parse(rows[i].src, &src), 0);
		assert_int_equal(ipaddr_parse(rows[i].dst, &dst), 0);
		assert_int_equal(nd_emit(out, sizeof(out), &n, &src, &dst), p.len);
		assert_memory_equal(out, p.b, p.len);
		assert_int_equal(nd_emit(out, p.len, &n, &src, &dst), p.len);
		assert_int_equal(nd_emit(out, p.len - 1, &n, &src, &dst), 0);
	}
}

/* Duplicate address detection with a nonce (RFC 7527) reads back. */
static void test_nonce(void **state)
{
	struct nd n = {.type = ICMP6_NS, .has_nonce = true, .nonce = {1, 2, 3, 4, 5, 6}};
	struct ip6 h = {.hop_limit = ND_HOP_LIMIT};
	uint8_t out[ND_EMIT_MAX];
	struct icmp6 icmp;
	struct nd back;
	struct view v;

	(void)state;
	assert_int_equal(ipaddr_parse("fe80::2", &n.target), 0);
	h.src = ipaddr_any6();
	h.dst = nd_solicited_node(&n.target);
	v = view_make(out, nd_emit(out, sizeof(out), &n, &h.src, &h.dst));
	assert_int_equal(v.len, 32);
	assert_int_equal(icmp6_parse(&icmp, v, &h.src, &h.dst, true), 0);
	assert_int_equal(nd_parse(&back, v, &h, false), 0);
	assert_true(back.has_nonce && !back.has_slla);
	assert_memory_equal(back.nonce, n.nonce, ND_NONCE_LEN);
	n.has_slla = true;
	assert_int_equal(nd_emit(out, sizeof(out), &n, &h.src, &h.dst), ND_EMIT_MAX);
}

static void test_other_types(void **state)
{
	static const uint8_t types[] = {ICMP6_RA, ICMP6_REDIRECT, ICMP6_ECHO_REQUEST, 0};
	struct ipaddr a = ipaddr_any6();
	uint8_t out[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct nd n = {.type = types[i]};

		assert_int_equal(nd_emit(out, sizeof(out), &n, &a, &a), 0);
	}
}

static void test_groups(void **state)
{
	struct ipaddr a, want, got;

	(void)state;
	assert_int_equal(ipaddr_parse("2001:db8::12:3456:789a", &a), 0);
	assert_int_equal(ipaddr_parse("ff02::1:ff56:789a", &want), 0);
	got = nd_solicited_node(&a);
	assert_true(ipaddr_eq(&got, &want));
	assert_true(nd_is_solicited_node(&got));
	assert_false(nd_is_solicited_node(&a));
	got = nd_all_nodes();
	assert_false(nd_is_solicited_node(&got));
	assert_int_equal(ipaddr_parse("ff02::1", &want), 0);
	assert_true(ipaddr_eq(&got, &want));
	got = nd_all_routers();
	assert_int_equal(ipaddr_parse("ff02::2", &want), 0);
	assert_true(ipaddr_eq(&got, &want));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_nonce),
		cmocka_unit_test(test_other_types),
		cmocka_unit_test(test_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
