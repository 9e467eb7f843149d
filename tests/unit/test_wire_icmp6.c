/* SPDX-License-Identifier: BSD-2-Clause */
/* ICMPv6: messages as scapy writes them, fields by type, checksum with pseudo header, reply. */
#include "wire/icmp6.h"

#include "base/csum.h"
#include "test_wire_util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* 2001:db8::1 > 2001:db8:1::2 */
static const char echo[] = "80 00 12 36 12 34 00 07 70 69 6e 67 21";
/* 2001:db8:9::9 > 2001:db8::1 */
static const char too_big[] =
	"02 00 30 aa 00 00 05 78 60 00 00 00 05 b4 06 40 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 "
	"00 01 20 01 0d b8 00 01 00 00 00 00 00 00 00 00 00 02 9c 40 00 50 11 22 33 44 00 00 00 00 "
	"50 02 20 00 53 76 00 00";

static struct ipaddr addr(const char *text)
{
	struct ipaddr a;

	assert_int_equal(ipaddr_parse(text, &a), 0);
	return a;
}

static void test_echo(void **state)
{
	struct ipaddr src = addr("2001:db8::1"), dst = addr("2001:db8:1::2");
	struct ipaddr other = addr("2001:db8:1::3");
	struct pkt p = pkt_hex(echo);
	struct icmp6 h;

	(void)state;
	assert_int_equal(icmp6_parse(&h, pkt_view(&p), &src, &dst, true), 0);
	assert_int_equal(h.type, ICMP6_ECHO_REQUEST);
	assert_int_equal(h.id, 0x1234);
	assert_int_equal(h.seq, 7);
	assert_memory_equal(h.body.p, "ping!", 5);
	assert_int_equal(icmp6_parse(&h, pkt_view(&p), &src, &other, true), ICMP_ECSUM);
	/* The reply goes the other way ... */
	icmp6_echo_reply(p.b);
	assert_int_equal(icmp6_parse(&h, pkt_view(&p), &dst, &src, true), 0);
	assert_int_equal(h.type, ICMP6_ECHO_REPLY);
	/* ... or comes from another address than the request went to. */
	icmp6_readdress(p.b, &dst, &other);
	assert_int_equal(icmp6_parse(&h, pkt_view(&p), &other, &src, true), 0);
	assert_int_equal(icmp6_parse(&h, pkt_view(&p), &dst, &src, true), ICMP_ECSUM);
}

static void test_too_big(void **state)
{
	struct ipaddr src = addr("2001:db8:9::9"), dst = addr("2001:db8::1");
	struct pkt p = pkt_hex(too_big);
	struct icmp6 h;

	(void)state;
	assert_int_equal(icmp6_parse(&h, pkt_view(&p), &src, &dst, true), 0);
	assert_int_equal(h.mtu, 1400);
	assert_int_equal(h.body.len, 60);
	p.b[4] = 0xff;
	assert_int_equal(icmp6_parse(&h, pkt_view(&p), &src, &dst, true), ICMP_ECSUM);
	assert_int_equal(icmp6_parse(&h, pkt_view(&p), &src, &dst, false), 0);
	assert_int_equal(h.mtu, 0xff000578);
}

static void test_fields(void **state)
{
	static const struct icmp6 rows[] = {
		{.type = ICMP6_ECHO_REPLY, .id = 1, .seq = 0xffff},
		{.type = ICMP6_UNREACHABLE, .code = ICMP6_UNREACH_PORT},
		{.type = ICMP6_TOO_BIG, .mtu = 0xffffffff},
		{.type = ICMP6_TIME_EXCEEDED, .code = ICMP6_TIME_REASSEMBLY},
		{.type = ICMP6_PARAM_PROBLEM, .code = ICMP6_PARAM_OPTION, .ptr = 0x12345678},
		{.type = 200, .code = 9},
	};
	struct ipaddr src = addr("fe80::1"), dst = addr("ff02::1");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct icmp6 h = rows[i], back;
		uint8_t out[ICMP6_HLEN + 5];
		struct view v = view_make(out, sizeof(out));

		h.body = view_make("12345", 5);
		assert_int_equal(icmp6_emit(out, sizeof(out), &h, &src, &dst), sizeof(out));
		assert_int_equal(icmp6_parse(&back, v, &src, &dst, true), 0);
		assert_int_equal(back.type, h.type);
		assert_int_equal(back.code, h.code);
		assert_int_equal(back.id, h.id);
		assert_int_equal(back.seq, h.seq);
		assert_int_equal(back.mtu, h.mtu);
		assert_int_equal(back.ptr, h.ptr);
		assert_true(view_eq(back.body, h.body));
		assert_int_equal(icmp6_emit(out, sizeof(out) - 1, &h, &src, &dst), 0);
		assert_int_equal(icmp6_emit(out, 7, &h, &src, &dst), 0);
	}
}

static void test_emit(void **state)
{
	struct ipaddr src = addr("2001:db8:9::9"), dst = addr("2001:db8::1");
	struct pkt p = pkt_hex(too_big);
	uint8_t out[128];
	struct icmp6 h;

	(void)state;
	assert_int_equal(icmp6_parse(&h, pkt_view(&p), &src, &dst, true), 0);
	assert_int_equal(icmp6_emit(out, sizeof(out), &h, &src, &dst), p.len);
	assert_memory_equal(out, p.b, p.len);
	memset(out, 0xee, sizeof(out));
	assert_int_equal(
		icmp6_emit_header(out, &h, &src, &dst, csum_partial(h.body.p, h.body.len, 0), 60),
		8);
	assert_memory_equal(out, p.b, 8);
	assert_int_equal(out[8], 0xee);
}

static void test_kinds(void **state)
{
	(void)state;
	assert_true(icmp6_is_error(ICMP6_UNREACHABLE) && icmp6_is_error(127));
	assert_false(icmp6_is_error(ICMP6_ECHO_REQUEST));
	assert_true(icmp6_is_nd(ICMP6_RS) && icmp6_is_nd(ICMP6_REDIRECT));
	assert_false(icmp6_is_nd(ICMP6_MLD_DONE) || icmp6_is_nd(138));
}

static void try_cut(struct view v, void *ctx)
{
	struct ipaddr src = addr("2001:db8::1"), dst = addr("2001:db8:1::2");
	const size_t *whole = ctx;
	struct icmp6 h;
	int err = icmp6_parse(&h, v, &src, &dst, true);

	if (v.len < ICMP6_HLEN)
		assert_int_equal(err, ICMP_ESHORT);
	else
		assert_int_equal(err, v.len == *whole ? 0 : ICMP_ECSUM);
}

static void try_damaged(struct view v, void *ctx)
{
	struct ipaddr a = ipaddr_any6();
	struct icmp6 h;

	(void)ctx;
	if (icmp6_parse(&h, v, &a, &a, false) == 0)
		assert_true(wire_within(v, h.body));
}

static void test_cut_and_damaged(void **state)
{
	struct pkt p = pkt_hex(echo);

	(void)state;
	wire_try_cuts(pkt_view(&p), try_cut, &p.len);
	wire_try_damaged(pkt_view(&p), 20000, try_damaged, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo),   cmocka_unit_test(test_too_big),
		cmocka_unit_test(test_fields), cmocka_unit_test(test_emit),
		cmocka_unit_test(test_kinds),  cmocka_unit_test(test_cut_and_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
