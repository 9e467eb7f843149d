/* SPDX-License-Identifier: BSD-2-Clause */
/* IPv6 fixed header: a packet as scapy writes it, each bad field, every truncation. */
#include "wire/ip6.h"

#include "test_wire_util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* 2001:db8::1 > 2001:db8:1::2, traffic class 0x28, flow label 0x12345 */
static const char plain[] =
	"62 81 23 45 00 08 11 40 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01 "
	"20 01 0d b8 00 01 00 00 00 00 00 00 00 00 00 02 61 62 63 64 65 66 67 68";

static void test_plain(void **state)
{
	struct pkt p = pkt_hex(plain);
	uint8_t out[IP6_HLEN];
	struct ip6 h;

	(void)state;
	assert_int_equal(ip6_parse(&h, pkt_view(&p)), 0);
	assert_int_equal(h.traffic_class, 0x28);
	assert_int_equal(h.flow_label, 0x12345);
	assert_int_equal(h.payload_len, 8);
	assert_int_equal(h.next_header, PROTO_UDP);
	assert_int_equal(h.hop_limit, 64);
	assert_memory_equal(h.src.b, p.b + 8, 16);
	assert_memory_equal(h.dst.b, p.b + 24, 16);
	assert_int_equal(ip6_emit(out, &h), IP6_HLEN);
	assert_memory_equal(out, p.b, IP6_HLEN);
}

static void test_lengths(void **state)
{
	struct pkt p = pkt_hex(plain);
	struct ip6 h;

	(void)state;
	assert_int_equal(ip6_parse(&h, view_make(p.b, p.len + 18)), 0);
	assert_int_equal(ip6_parse_first(&h, view_make(p.b, IP6_HLEN), 48), 0);
	assert_int_equal(ip6_parse_first(&h, view_make(p.b, IP6_HLEN), 47), IP6_ELEN);
	p.b[4] = 0xff;
	p.b[5] = 0xff;
	assert_int_equal(ip6_parse(&h, pkt_view(&p)), IP6_ELEN);
	assert_int_equal(ip6_parse_first(&h, view_make(p.b, IP6_HLEN), 65575), 0);
}

static void test_bad_fields(void **state)
{
	struct pkt p = pkt_hex(plain);
	struct ipaddr mapped = ipaddr_v4(0x0a000001);
	struct ip6 h;

	(void)state;
	p.b[0] = 0x45;
	assert_int_equal(ip6_parse(&h, pkt_view(&p)), IP6_EVERSION);
	p.b[0] = 0x72;
	assert_int_equal(ip6_parse(&h, pkt_view(&p)), IP6_EVERSION);
	p.b[0] = 0x62;
	memcpy(p.b + IP6_OFF_DST, mapped.b, 16);
	assert_int_equal(ip6_parse(&h, pkt_view(&p)), IP6_EMAPPED);
	p.b[IP6_OFF_DST] = 0x20;
	memcpy(p.b + IP6_OFF_SRC, mapped.b, 16);
	assert_int_equal(ip6_parse(&h, pkt_view(&p)), IP6_EMAPPED);
}

static void try_cut(struct view v, void *ctx)
{
	struct ip6 h;

	(void)ctx;
	assert_int_equal(ip6_parse(&h, v), v.len < IP6_HLEN ? IP6_ESHORT
					   : v.len < 48     ? IP6_ELEN
							    : 0);
}

static void try_damaged(struct view v, void *ctx)
{
	uint8_t out[IP6_HLEN];
	struct ip6 h;

	(void)ctx;
	if (ip6_parse(&h, v) != 0)
		return;
	assert_true((size_t)IP6_HLEN + h.payload_len <= v.len);
	ip6_emit(out, &h);
	assert_memory_equal(out, v.p, IP6_HLEN);
}

static void test_cut_and_damaged(void **state)
{
	struct pkt p = pkt_hex(plain);

	(void)state;
	wire_try_cuts(pkt_view(&p), try_cut, NULL);
	wire_try_damaged(pkt_view(&p), 20000, try_damaged, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_bad_fields),
		cmocka_unit_test(test_cut_and_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
