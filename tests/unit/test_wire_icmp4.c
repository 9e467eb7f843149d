/* SPDX-License-Identifier: BSD-2-Clause */
/* ICMP: messages as scapy writes them, fields by type, checksum, reply in place. */
#include "wire/icmp4.h"

#include "base/csum.h"
#include "test_wire_util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char echo[] = "08 00 e5 f3 12 34 00 07 70 69 6e 67 21";
static const char frag_needed[] = "03 04 e9 89 00 00 05 78 45 00 05 dc 00 01 40 00 40 06 48 e4 "
				  "c0 00 02 01 c6 33 64 02 9c 40 00 50 11 22 33 44 00 00 00 00 "
				  "50 02 20 00 bd 00 00 00";

static void test_echo(void **state)
{
	struct pkt p = pkt_hex(echo);
	struct icmp4 h;

	(void)state;
	assert_int_equal(icmp4_parse(&h, pkt_view(&p), true), 0);
	assert_int_equal(h.type, ICMP4_ECHO_REQUEST);
	assert_int_equal(h.id, 0x1234);
	assert_int_equal(h.seq, 7);
	assert_int_equal(h.body.len, 5);
	assert_memory_equal(h.body.p, "ping!", 5);
	icmp4_echo_reply(p.b);
	assert_int_equal(icmp4_parse(&h, pkt_view(&p), true), 0);
	assert_int_equal(h.type, ICMP4_ECHO_REPLY);
	assert_int_equal(h.id, 0x1234);
}

/* The reply's checksum is right for whatever the request's was, also when nothing is left but 0. */
static void test_echo_reply(void **state)
{
	static const uint8_t zeros[8];
	struct icmp4 h = {.type = ICMP4_ECHO_REQUEST, .body = view_make(zeros, sizeof(zeros))};

	(void)state;
	for (unsigned id = 0; id <= 0xffff; id++) {
		struct icmp4 back;
		uint8_t out[64];
		size_t len;

		h.id = (uint16_t)id;
		len = icmp4_emit(out, sizeof(out), &h);
		icmp4_echo_reply(out);
		assert_int_equal(icmp4_parse(&back, view_make(out, len), true), 0);
		assert_int_equal(back.id, id);
	}
}

static void test_frag_needed(void **state)
{
	struct pkt p = pkt_hex(frag_needed);
	struct icmp4 h;

	(void)state;
	assert_int_equal(icmp4_parse(&h, pkt_view(&p), true), 0);
	assert_int_equal(h.type, ICMP4_UNREACHABLE);
	assert_int_equal(h.code, ICMP4_UNREACH_FRAG_NEEDED);
	assert_int_equal(h.mtu, 1400);
	assert_int_equal(h.body.len, 40);
	/* The MTU means something with that code alone. */
	p.b[1] = ICMP4_UNREACH_PORT;
	assert_int_equal(icmp4_parse(&h, pkt_view(&p), false), 0);
	assert_int_equal(h.mtu, 0);
}

static void test_fields(void **state)
{
	static const struct icmp4 rows[] = {
		{.type = ICMP4_ECHO_REPLY, .id = 1, .seq = 0xffff},
		{.type = ICMP4_UNREACHABLE, .code = ICMP4_UNREACH_PROHIBITED},
		{.type = ICMP4_UNREACHABLE, .code = ICMP4_UNREACH_FRAG_NEEDED, .mtu = 576},
		{.type = ICMP4_REDIRECT, .code = 1, .gateway = 0x0a000001},
		{.type = ICMP4_TIME_EXCEEDED, .code = ICMP4_TIME_REASSEMBLY},
		{.type = ICMP4_PARAM_PROBLEM, .ptr = 20},
		{.type = ICMP4_TIMESTAMP, .id = 2, .seq = 3},
		{.type = 200, .code = 9},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct icmp4 h = rows[i], back;
		uint8_t out[ICMP4_HLEN + 5];

		h.body = view_make("12345", 5);
		assert_int_equal(icmp4_emit(out, sizeof(out), &h), sizeof(out));
		assert_int_equal(icmp4_parse(&back, view_make(out, sizeof(out)), true), 0);
		assert_int_equal(back.type, h.type);
		assert_int_equal(back.code, h.code);
		assert_int_equal(back.id, h.id);
		assert_int_equal(back.seq, h.seq);
		assert_int_equal(back.mtu, h.mtu);
		assert_int_equal(back.gateway, h.gateway);
		assert_int_equal(back.ptr, h.ptr);
		assert_true(view_eq(back.body, h.body));
		assert_int_equal(icmp4_emit(out, sizeof(out) - 1, &h), 0);
		assert_int_equal(icmp4_emit(out, 7, &h), 0);
	}
}

static void test_emit(void **state)
{
	static const char *const packets[] = {echo, frag_needed};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(packets); i++) {
		struct pkt p = pkt_hex(packets[i]);
		uint8_t out[64];
		struct icmp4 h;

		assert_int_equal(icmp4_parse(&h, pkt_view(&p), true), 0);
		assert_int_equal(icmp4_emit(out, sizeof(out), &h), p.len);
		assert_memory_equal(out, p.b, p.len);
		/* The body may lie elsewhere, with its sum. */
		memset(out, 0xee, sizeof(out));
		assert_int_equal(icmp4_emit_header(out, &h, csum_partial(h.body.p, h.body.len, 0)),
				 8);
		assert_memory_equal(out, p.b, 8);
		assert_int_equal(out[8], 0xee);
	}
}

static void test_is_error(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		bool want = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;

		assert_int_equal(icmp4_is_error((uint8_t)type), want);
	}
}

static void try_cut(struct view v, void *ctx)
{
	const size_t *whole = ctx;
	struct icmp4 h;
	int err = icmp4_parse(&h, v, true);

	if (v.len < ICMP4_HLEN)
		assert_int_equal(err, ICMP_ESHORT);
	else
		assert_int_equal(err, v.len == *whole ? 0 : ICMP_ECSUM);
	assert_true(v.len < ICMP4_HLEN || icmp4_parse(&h, v, false) == 0);
}

static void try_damaged(struct view v, void *ctx)
{
	struct icmp4 h;

	(void)ctx;
	if (icmp4_parse(&h, v, false) == 0)
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
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_echo_reply),
		cmocka_unit_test(test_frag_needed),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_emit),
		cmocka_unit_test(test_is_error),
		cmocka_unit_test(test_cut_and_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
