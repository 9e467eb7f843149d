/* SPDX-License-Identifier: BSD-2-Clause */
/* Pseudo header: segments as scapy writes them; a partial value plus the data gives the same. */
#include "wire/pseudo.h"

#include "wire/proto.h"
#include "test_wire_util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
	const char *src, *dst, *hex;
} rows[] = {
	{"192.0.2.1", "198.51.100.2",
	 "9c 40 00 50 11 22 33 44 55 66 77 88 80 18 01 f4 2f 48 00 00 01 01 08 0a 01 02 03 04 05 "
	 "06 "
	 "07 08 47 45 54"},
	{"2001:db8::1", "2001:db8:1::2",
	 "9c 40 00 50 11 22 33 44 00 00 00 00 a0 c2 fa f0 0b f1 00 00 02 04 05 a0 04 02 08 0a 01 "
	 "02 "
	 "03 04 00 00 00 00 01 03 03 07"},
};

static void test_ok(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pkt p = pkt_hex(rows[i].hex);
		struct ipaddr src, dst;

		assert_int_equal(ipaddr_parse(rows[i].src, &src), 0);
		assert_int_equal(ipaddr_parse(rows[i].dst, &dst), 0);
		assert_true(pseudo_ok(pkt_view(&p), &src, &dst, PROTO_TCP));
		assert_false(pseudo_ok(pkt_view(&p), &src, &dst, PROTO_UDP));
		assert_false(pseudo_ok(view_first(pkt_view(&p), p.len - 2), &src, &dst, PROTO_TCP));
		p.b[20] ^= 0x80;
		assert_false(pseudo_ok(pkt_view(&p), &src, &dst, PROTO_TCP));
	}
}

/* The sender stores the partial value, the port finishes: the bytes are those of a whole sum. */
static void test_partial(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pkt p = pkt_hex(rows[i].hex);
		uint16_t want = load_native16(p.b + 16);
		struct ipaddr src, dst;

		assert_int_equal(ipaddr_parse(rows[i].src, &src), 0);
		assert_int_equal(ipaddr_parse(rows[i].dst, &dst), 0);
		store_native16(p.b + 16, pseudo_partial(&src, &dst, PROTO_TCP, (uint32_t)p.len));
		assert_int_equal(pseudo_finish(csum_partial(p.b, p.len, 0)), want);
	}
}

/* By hand: 10.0.0.1 > 10.0.0.2, TCP, 20 bytes: 0a00 + 0001 + 0a00 + 0002 + 0006 + 0014. */
static void test_by_hand(void **state)
{
	struct ipaddr src = ipaddr_v4(0x0a000001), dst = ipaddr_v4(0x0a000002);
	uint8_t out[2];

	(void)state;
	store_native16(out, pseudo_partial(&src, &dst, PROTO_TCP, 20));
	assert_int_equal(load_be16(out), 0x141d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ok),
		cmocka_unit_test(test_partial),
		cmocka_unit_test(test_by_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
