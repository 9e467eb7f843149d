/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP header: packets as scapy writes them, lengths, checksums of both families. */
#include "wire/udp.h"

#include "wire/proto.h"
#include "wire/pseudo.h"
#include "test_wire_util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* 5353 > 53, "hello" */
static const char data4[] = "14 e9 00 35 00 0d ba ac 68 65 6c 6c 6f";
static const char data6[] = "14 e9 00 35 00 0d 4b 6e 68 65 6c 6c 6f";

static const struct family {
	const char *src, *dst, *hex;
	bool v6;
} families[] = {
	{"192.0.2.1", "198.51.100.2", data4, false},
	{"2001:db8::1", "2001:db8:1::2", data6, true},
};

struct flow {
	struct ipaddr src, dst;
	struct pkt p;
	bool v6;
};

static struct flow flow_of(const struct family *f)
{
	struct flow flow = {.p = pkt_hex(f->hex), .v6 = f->v6};

	assert_int_equal(ipaddr_parse(f->src, &flow.src), 0);
	assert_int_equal(ipaddr_parse(f->dst, &flow.dst), 0);
	return flow;
}

static void test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		struct flow f = flow_of(&families[i]);
		struct udphdr h;

		assert_int_equal(udp_parse(&h, pkt_view(&f.p), f.v6), 0);
		assert_int_equal(h.sport, 5353);
		assert_int_equal(h.dport, 53);
		assert_int_equal(h.len, 13);
		assert_true(udp_csum_ok(&h, pkt_view(&f.p), &f.src, &f.dst));
		f.p.b[12] ^= 1;
		assert_false(udp_csum_ok(&h, pkt_view(&f.p), &f.src, &f.dst));
		f.p.b[12] ^= 1;
		/* What IP carries behind the datagram is not summed. */
		f.p.b[f.p.len++] = 0xff;
		assert_int_equal(udp_parse(&h, pkt_view(&f.p), f.v6), 0);
		assert_true(udp_csum_ok(&h, pkt_view(&f.p), &f.src, &f.dst));
		assert_false(udp_csum_ok(&h, pkt_view(&f.p), &f.src, &f.src));
	}
}

static void test_lengths(void **state)
{
	static const struct {
		uint16_t len;
		int err;
	} rows[] = {{0, UDP_ELEN}, {1, UDP_ELEN},  {7, UDP_ELEN},     {8, 0},
		    {13, 0},       {14, UDP_ELEN}, {0xffff, UDP_ELEN}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		for (size_t j = 0; j < ARRAY_LEN(rows); j++) {
			struct flow f = flow_of(&families[i]);
			struct udphdr h;

			store_be16(f.p.b + 4, rows[j].len);
			assert_int_equal(udp_parse(&h, pkt_view(&f.p), f.v6), rows[j].err);
		}
	}
}

/* RFC 768: IPv4 may go without; RFC 8200 8.1: IPv6 must not. */
static void test_no_checksum(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		struct flow f = flow_of(&families[i]);
		struct udphdr h;

		store_be16(f.p.b + UDP_OFF_CSUM, 0);
		assert_int_equal(udp_parse(&h, pkt_view(&f.p), f.v6), f.v6 ? UDP_ECSUM : 0);
		if (!f.v6)
			assert_true(udp_csum_ok(&h, pkt_view(&f.p), &f.src, &f.dst));
	}
}

static void test_emit(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		struct flow f = flow_of(&families[i]);
		struct udphdr h = {.sport = 5353, .dport = 53, .len = 13};
		uint8_t out[UDP_HLEN];

		h.csum = udp_csum(&h, csum_partial(f.p.b + 8, 5, 0), &f.src, &f.dst);
		assert_int_equal(udp_emit(out, &h), UDP_HLEN);
		assert_memory_equal(out, f.p.b, UDP_HLEN);
	}
}

/* Over all source ports the sum is 0 once: 0xffff is sent then, and accepted. */
static void test_never_zero(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		struct flow f = flow_of(&families[i]);
		unsigned n_ffff = 0;

		for (unsigned port = 0; port <= 0xffff; port++) {
			struct udphdr h = {.sport = (uint16_t)port, .dport = 53, .len = 13};

			h.csum = udp_csum(&h, csum_partial(f.p.b + 8, 5, 0), &f.src, &f.dst);
			assert_int_not_equal(h.csum, 0);
			n_ffff += h.csum == 0xffff;
			udp_emit(f.p.b, &h);
			assert_true(udp_csum_ok(&h, pkt_view(&f.p), &f.src, &f.dst));
		}
		assert_in_range(n_ffff, 1, 2);
	}
}

static void try_cut(struct view v, void *ctx)
{
	struct udphdr h;

	assert_int_equal(udp_parse(&h, v, *(bool *)ctx), v.len < 8    ? UDP_ESHORT
							 : v.len < 13 ? UDP_ELEN
								      : 0);
}

static void try_damaged(struct view v, void *ctx)
{
	const struct flow *f = ctx;
	struct udphdr h;

	if (udp_parse(&h, v, f->v6) != 0)
		return;
	assert_true(h.len >= UDP_HLEN && h.len <= v.len);
	/* Unchanged or checksum-free packets only are right (the odds of others are 1 in 65536). */
	(void)udp_csum_ok(&h, v, &f->src, &f->dst);
}

static void test_cut_and_damaged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		struct flow f = flow_of(&families[i]);

		wire_try_cuts(pkt_view(&f.p), try_cut, &f.v6);
		wire_try_damaged(pkt_view(&f.p), 20000, try_damaged, &f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),       cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_no_checksum), cmocka_unit_test(test_emit),
		cmocka_unit_test(test_never_zero),  cmocka_unit_test(test_cut_and_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
