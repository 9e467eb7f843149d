/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP's fixed header: a segment as scapy writes it, data offsets, flags, every truncation. */
#include "wire/tcp.h"

#include "base/endian.h"
#include "test_wire_util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char segment[] = "9c 40 00 50 11 22 33 44 55 66 77 88 80 18 01 f4 2f 48 00 09 "
			      "01 01 08 0a 01 02 03 04 05 06 07 08 47 45 54";

static void test_segment(void **state)
{
	struct pkt p = pkt_hex(segment);
	uint8_t out[TCP_HLEN];
	struct tcphdr h;

	(void)state;
	assert_int_equal(tcphdr_parse(&h, pkt_view(&p)), 0);
	assert_int_equal(h.sport, 40000);
	assert_int_equal(h.dport, 80);
	assert_int_equal(h.seq, 0x11223344);
	assert_int_equal(h.ack, 0x55667788);
	assert_int_equal(h.hlen, 32);
	assert_int_equal(h.flags, TCP_PSH | TCP_ACK);
	assert_false(h.ae);
	assert_int_equal(h.wnd, 500);
	assert_int_equal(h.csum, load_native16(p.b + TCP_OFF_CSUM));
	assert_int_equal(h.urg, 9);
	assert_int_equal(tcphdr_emit(out, &h), TCP_HLEN);
	assert_memory_equal(out, p.b, TCP_HLEN);
}

static void test_data_offset(void **state)
{
	(void)state;
	for (unsigned words = 0; words < 16; words++) {
		struct pkt p = pkt_hex(segment);
		bool ok = words >= 5 && words * 4 <= p.len;
		struct tcphdr h;

		p.b[TCP_OFF_DOFF] = (uint8_t)(words << 4);
		assert_int_equal(tcphdr_parse(&h, pkt_view(&p)), ok ? 0 : TCP_EHLEN);
		if (ok)
			assert_int_equal(h.hlen, words * 4);
	}
}

/* All 256 combinations pass through: what they mean is the state machine's to say. */
static void test_flags(void **state)
{
	struct pkt p = pkt_hex(segment);
	uint8_t out[TCP_HLEN];
	struct tcphdr h;

	(void)state;
	for (unsigned flags = 0; flags < 512; flags++) {
		p.b[TCP_OFF_DOFF] = (uint8_t)(0x80 | flags >> 8);
		p.b[TCP_OFF_FLAGS] = (uint8_t)flags;
		assert_int_equal(tcphdr_parse(&h, pkt_view(&p)), 0);
		assert_int_equal(h.flags, flags & 0xff);
		assert_int_equal(h.ae, flags >= 256);
		tcphdr_emit(out, &h);
		assert_memory_equal(out, p.b, TCP_HLEN);
	}
}

static void try_cut(struct view v, void *ctx)
{
	struct tcphdr h;

	(void)ctx;
	assert_int_equal(tcphdr_parse(&h, v), v.len < 20 ? TCP_ESHORT : v.len < 32 ? TCP_EHLEN : 0);
}

static void try_damaged(struct view v, void *ctx)
{
	struct tcphdr h;

	(void)ctx;
	if (tcphdr_parse(&h, v) != 0)
		return;
	assert_in_range(h.hlen, TCP_HLEN, TCP_HLEN_MAX);
	assert_true(h.hlen <= v.len && h.hlen % 4 == 0);
}

static void test_cut_and_damaged(void **state)
{
	struct pkt p = pkt_hex(segment);

	(void)state;
	wire_try_cuts(pkt_view(&p), try_cut, NULL);
	wire_try_damaged(pkt_view(&p), 20000, try_damaged, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segment),
		cmocka_unit_test(test_data_offset),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_cut_and_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
