/* SPDX-License-Identifier: BSD-2-Clause */
/* IPv4 header: packets as scapy writes them, each bad field, every truncation, rewriting in place.
 */
#include "wire/ip4.h"

#include "test_wire_util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* 192.0.2.1 > 198.51.100.2, id 0x1234 */
static const char plain[] = "45 28 00 1c 12 34 40 00 40 06 3c 49 c0 00 02 01 c6 33 64 02 "
			    "61 62 63 64 65 66 67 68";
static const char fragment[] = "45 00 00 1c 12 34 20 b9 40 11 5b ad c0 00 02 01 c6 33 64 02 "
			       "61 62 63 64 65 66 67 68";
static const char alert[] = "46 00 00 1c 00 01 00 00 40 02 f9 a3 c0 00 02 01 c6 33 64 02 "
			    "94 04 00 00 61 62 63 64";

static void test_plain(void **state)
{
	struct pkt p = pkt_hex(plain);
	struct ip4 h;

	(void)state;
	assert_int_equal(ip4_parse(&h, pkt_view(&p), true), 0);
	assert_int_equal(h.ihl_bytes, 20);
	assert_int_equal(h.tos, 0x28);
	assert_int_equal(h.total_len, 28);
	assert_int_equal(h.id, 0x1234);
	assert_true(h.df && !h.mf && !ip4_is_fragment(&h));
	assert_int_equal(h.frag_off_bytes, 0);
	assert_int_equal(h.ttl, 64);
	assert_int_equal(h.proto, PROTO_TCP);
	assert_true(ipaddr_is_v4(&h.src));
	assert_int_equal(ipaddr_to_v4(&h.src), 0xc0000201);
	assert_int_equal(ipaddr_to_v4(&h.dst), 0xc6336402);
	assert_null(h.opts);
	assert_int_equal(h.opts_len, 0);
	assert_memory_equal(ip4_payload(&h, pkt_view(&p)).p, "abcdefgh", 8);
}

static void test_fragment(void **state)
{
	struct pkt p = pkt_hex(fragment);
	struct ip4 h;

	(void)state;
	assert_int_equal(ip4_parse(&h, pkt_view(&p), true), 0);
	assert_true(h.mf && !h.df && ip4_is_fragment(&h));
	assert_int_equal(h.frag_off_bytes, 1480);
	/* The highest offset does not wrap. */
	p.b[6] = 0x1f;
	p.b[7] = 0xff;
	assert_int_equal(ip4_parse(&h, pkt_view(&p), false), 0);
	assert_int_equal(h.frag_off_bytes, 65528);
	assert_true(ip4_is_fragment(&h) && !h.mf);
}

static void test_options(void **state)
{
	struct pkt p = pkt_hex(alert);
	struct ip4 h;

	(void)state;
	assert_int_equal(ip4_parse(&h, pkt_view(&p), true), 0);
	assert_int_equal(h.ihl_bytes, 24);
	assert_int_equal(h.opts_len, 4);
	assert_ptr_equal(h.opts, p.b + 20);
	assert_int_equal(ip4_payload(&h, pkt_view(&p)).len, 4);
}

/* Bytes behind the total length are padding; a packet may go on in another buffer. */
static void test_lengths(void **state)
{
	struct pkt p = pkt_hex(plain);
	struct ip4 h;

	(void)state;
	p.len += 18;
	assert_int_equal(ip4_parse(&h, pkt_view(&p), true), 0);
	assert_int_equal(ip4_payload(&h, pkt_view(&p)).len, 8);
	assert_int_equal(ip4_parse_first(&h, view_make(p.b, 20), 28, true), 0);
	assert_int_equal(ip4_payload(&h, view_make(p.b, 20)).len, 0);
	assert_int_equal(ip4_parse_first(&h, view_make(p.b, 20), 27, true), IP4_ELEN);
}

static void test_bad_fields(void **state)
{
	static const struct {
		unsigned off;
		uint8_t value;
		int err;
	} rows[] = {
		{0, 0x55, IP4_EVERSION}, {0, 0x65, IP4_EVERSION}, {0, 0x05, IP4_EVERSION},
		{0, 0x40, IP4_EIHL},     {0, 0x44, IP4_EIHL},     {0, 0x48, IP4_EIHL},
		{0, 0x4f, IP4_EIHL},     {0, 0x47, IP4_ECSUM},    {3, 0x1d, IP4_ELEN},
		{2, 0xff, IP4_ELEN},     {3, 0x00, IP4_ELEN},     {3, 0x13, IP4_ELEN},
		{3, 0x14, IP4_ECSUM},    {8, 63, IP4_ECSUM},      {10, 0, IP4_ECSUM},
		{19, 3, IP4_ECSUM},
	};
	struct ip4 h;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pkt p = pkt_hex(plain);

		p.b[rows[i].off] = rows[i].value;
		assert_int_equal(ip4_parse(&h, pkt_view(&p), true), rows[i].err);
		if (rows[i].err == IP4_ECSUM)
			assert_int_equal(ip4_parse(&h, pkt_view(&p), false), 0);
	}
}

static void try_cut(struct view v, void *ctx)
{
	const size_t *total = ctx;
	struct ip4 h;
	int err = ip4_parse(&h, v, true);

	assert_int_equal(err == 0, v.len == *total);
	if (v.len < IP4_HLEN)
		assert_int_equal(err, IP4_ESHORT);
}

static void try_damaged(struct view v, void *ctx)
{
	uint8_t out[IP4_HLEN_MAX];
	struct ip4 h;

	(void)ctx;
	if (ip4_parse(&h, v, false) != 0)
		return;
	assert_true(h.ihl_bytes <= h.total_len && h.total_len <= v.len);
	assert_true(wire_within(v, view_make(h.opts, h.opts_len)));
	assert_int_equal(ip4_emit(out, &h), h.ihl_bytes);
	/* All but the reserved flag and the checksum comes out as it went in. */
	out[6] |= v.p[6] & 0x80;
	memcpy(out + 10, v.p + 10, 2);
	assert_memory_equal(out, v.p, h.ihl_bytes);
}

static void test_cut_and_damaged(void **state)
{
	static const char *const packets[] = {plain, fragment, alert};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(packets); i++) {
		struct pkt p = pkt_hex(packets[i]);

		wire_try_cuts(pkt_view(&p), try_cut, &p.len);
		wire_try_damaged(pkt_view(&p), 20000, try_damaged, NULL);
	}
}

static void test_emit(void **state)
{
	static const char *const packets[] = {plain, fragment, alert};
	uint8_t out[IP4_HLEN_MAX];
	struct ip4 h;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(packets); i++) {
		struct pkt p = pkt_hex(packets[i]);

		assert_int_equal(ip4_parse(&h, pkt_view(&p), true), 0);
		h.csum = 0xdead;
		assert_int_equal(ip4_emit(out, &h), h.ihl_bytes);
		assert_memory_equal(out, p.b, h.ihl_bytes);
	}
	/* Options are padded with end-of-list. */
	h.opts = (const uint8_t *)"\x01\x01\x01\x01\x01";
	h.opts_len = 5;
	memset(out, 0xee, sizeof(out));
	assert_int_equal(ip4_emit(out, &h), 28);
	assert_memory_equal(out + 20, "\x01\x01\x01\x01\x01\0\0\0", 8);
	assert_int_equal(out[28], 0xee);
	assert_int_equal(csum_fold(csum_partial(out, 28, 0)), 0);
}

/* The adjusted checksum stays right over all values, also where it passes 0 and 0xffff. */
static void test_rewrite(void **state)
{
	struct pkt p = pkt_hex(plain);
	struct ip4 h;

	(void)state;
	for (unsigned id = 0; id <= 0xffff; id++) {
		ip4_set16(p.b, IP4_OFF_ID, (uint16_t)id);
		p.b[IP4_OFF_TTL] = (uint8_t)(2 + id % 254);
		store_native16(p.b + IP4_OFF_CSUM, 0);
		store_native16(p.b + IP4_OFF_CSUM, csum_fold(csum_partial(p.b, IP4_HLEN, 0)));
		assert_int_equal(ip4_ttl_decrement(p.b), 1 + id % 254);
		assert_int_equal(ip4_parse(&h, pkt_view(&p), true), 0);
		assert_int_equal(h.ttl, 1 + id % 254);
		ip4_set16(p.b, IP4_OFF_ID, (uint16_t)~id);
		assert_int_equal(ip4_parse(&h, pkt_view(&p), true), 0);
		assert_int_equal(h.id, (uint16_t)~id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),      cmocka_unit_test(test_fragment),
		cmocka_unit_test(test_options),    cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_bad_fields), cmocka_unit_test(test_cut_and_damaged),
		cmocka_unit_test(test_emit),       cmocka_unit_test(test_rewrite),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
