/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-net header: as Linux fills it (little-endian rows), each value that must be refused. */
#include "wire/vnet.h"

#include "base/endian.h"
#include "test_wire_util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define FRAME_LEN 3000

static const struct row {
	const char *hex; /* flags, type, then 16-bit fields in hex digits as a number, see fill() */
	size_t frame_len;
	int err;
	struct vnet want;
} rows[] = {
	{"00 00 0000 0000 0000 0000", FRAME_LEN, 0, {.gso = VNET_GSO_NONE}},
	{"02 00 0000 0000 0000 0000", FRAME_LEN, 0, {.data_valid = true}},
	{"01 01 0042 05a8 0022 0010",
	 FRAME_LEN,
	 0,
	 {.gso = VNET_GSO_TCP4,
	  .needs_csum = true,
	  .hdr_len = 0x42,
	  .gso_size = 1448,
	  .csum_start = 34,
	  .csum_offset = 16}},
	{"01 84 0056 0594 0036 0010",
	 FRAME_LEN,
	 0,
	 {.gso = VNET_GSO_TCP6,
	  .ecn = true,
	  .needs_csum = true,
	  .hdr_len = 0x56,
	  .gso_size = 1428,
	  .csum_start = 54,
	  .csum_offset = 16}},
	{"01 05 002a 04b0 0022 0006",
	 FRAME_LEN,
	 0,
	 {.gso = VNET_GSO_UDP_L4,
	  .needs_csum = true,
	  .hdr_len = 42,
	  .gso_size = 1200,
	  .csum_start = 34,
	  .csum_offset = 6}},
	/* hardware LRO: merged, verified, not unfinished */
	{"02 01 0042 05a8 0000 0000",
	 FRAME_LEN,
	 0,
	 {.gso = VNET_GSO_TCP4, .data_valid = true, .hdr_len = 0x42, .gso_size = 1448}},
	/* a header length past the frame is a hint that is wrong */
	{"01 00 ffff 0000 0022 0010",
	 60,
	 0,
	 {.needs_csum = true, .hdr_len = 60, .csum_start = 34, .csum_offset = 16}},

	{"01 02 0042 05a8 0022 0010", FRAME_LEN, VNET_EGSOTYPE, {0}},
	{"01 03 0042 05a8 0022 0006", FRAME_LEN, VNET_EGSOTYPE, {0}}, /* UFO */
	{"01 7f 0042 05a8 0022 0010", FRAME_LEN, VNET_EGSOTYPE, {0}},
	{"01 01 0042 0000 0022 0010", FRAME_LEN, VNET_EGSO, {0}},
	{"00 01 0042 05a8 0022 0010", FRAME_LEN, VNET_EGSO, {0}},
	{"00 80 0000 0000 0000 0000", FRAME_LEN, VNET_EGSO, {0}},
	{"01 85 002a 04b0 0022 0006", FRAME_LEN, VNET_EGSO, {0}},
	{"01 01 0042 05a8 0022 0006", FRAME_LEN, VNET_ECSUM, {0}},
	{"01 05 002a 04b0 0022 0010", FRAME_LEN, VNET_ECSUM, {0}},
	{"01 00 0000 0000 0022 0010", 51, VNET_ECSUM, {0}},
	{"01 00 0000 0000 ffff ffff", FRAME_LEN, VNET_ECSUM, {0}},
	{"01 00 0000 0000 ffff 0001", FRAME_LEN, VNET_ECSUM, {0}},
	{"01 00 0000 0000 0000 0000", 1, VNET_ECSUM, {0}},
	{"01 00 0000 0000 0000 0000", 0, VNET_ECSUM, {0}},
};

/* The 16-bit fields are in the processor's order on this wire. */
static struct pkt fill(const char *hex, size_t hlen)
{
	struct pkt p = pkt_hex(hex);

	for (size_t i = 2; i < VNET_HLEN; i += 2)
		store_native16(p.b + i, load_be16(p.b + i));
	store_native16(p.b + VNET_HLEN, 1);
	p.len = hlen;
	return p;
}

static void assert_vnet_equal(const struct vnet *a, const struct vnet *b)
{
	assert_int_equal(a->gso, b->gso);
	assert_int_equal(a->ecn, b->ecn);
	assert_int_equal(a->needs_csum, b->needs_csum);
	assert_int_equal(a->data_valid, b->data_valid);
	assert_int_equal(a->hdr_len, b->hdr_len);
	assert_int_equal(a->gso_size, b->gso_size);
	assert_int_equal(a->csum_start, b->csum_start);
	assert_int_equal(a->csum_offset, b->csum_offset);
}

static void check_row(const struct row *row, size_t hlen)
{
	struct pkt p = fill(row->hex, hlen);
	uint8_t out[VNET_HLEN_MRG];
	struct vnet n;

	assert_int_equal(vnet_parse(&n, pkt_view(&p), row->frame_len), row->err);
	if (row->err != 0)
		return;
	assert_vnet_equal(&n, &row->want);
	if (n.hdr_len == row->frame_len)
		return;
	assert_int_equal(vnet_emit(out, &n, hlen), hlen);
	assert_memory_equal(out, p.b, hlen);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		check_row(&rows[i], VNET_HLEN);
		check_row(&rows[i], VNET_HLEN_MRG);
	}
}

static void try_cut(struct view v, void *ctx)
{
	bool whole = v.len == VNET_HLEN || v.len == VNET_HLEN_MRG;
	struct vnet n;

	(void)ctx;
	assert_int_equal(vnet_parse(&n, v, FRAME_LEN), whole ? 0 : VNET_ESHORT);
}

static void try_damaged(struct view v, void *ctx)
{
	const size_t *frame_len = ctx;
	struct vnet n;

	if (vnet_parse(&n, v, *frame_len) != 0)
		return;
	assert_true(n.hdr_len <= *frame_len);
	assert_true(!n.needs_csum || n.csum_start + n.csum_offset + 2u <= *frame_len);
	assert_true(n.gso == VNET_GSO_NONE || n.gso_size > 0);
}

static void test_cut_and_damaged(void **state)
{
	static const size_t frame_lens[] = {0, 1, 14, 60, FRAME_LEN, 65549};
	struct pkt p = fill(rows[2].hex, VNET_HLEN_MRG);

	(void)state;
	wire_try_cuts(pkt_view(&p), try_cut, NULL);
	for (size_t i = 0; i < ARRAY_LEN(frame_lens); i++) {
		size_t frame_len = frame_lens[i];

		wire_try_damaged(pkt_view(&p), 10000, try_damaged, &frame_len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_cut_and_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
