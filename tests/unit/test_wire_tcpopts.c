/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP options: one table row per list of bytes; what is emitted, byte for byte and for all masks.
 */
#include "wire/tcp.h"

#include "test_wire_util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SYN_OPTS (TCPOPTS_MSS | TCPOPTS_WSCALE | TCPOPTS_SACK_PERMITTED | TCPOPTS_TS)
#define TS       "08 0a 01 02 03 04 05 06 07 08 "
#define BLOCK(n) "00 00 0" n " 00 00 00 0" n " 80 "

static const struct row {
	const char *hex;
	uint32_t present;
	bool malformed;
} rows[] = {
	{"", 0, false},
	{"00", 0, false},
	{"01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 "
	 "01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01",
	 0, false},
	{"02 04 05 b4", TCPOPTS_MSS, false},
	{"01 01 " TS, TCPOPTS_TS, false},
	{TS "01 01", TCPOPTS_TS, false}, /* not the usual place */
	{"02 04 05 b4 04 02 " TS "01 03 03 07", SYN_OPTS, false},
	{"01 01 " TS "01 01 05 0a " BLOCK("1"), TCPOPTS_TS | TCPOPTS_SACK, false},
	{"01 01 05 22 " BLOCK("1") BLOCK("2") BLOCK("3") BLOCK("4"), TCPOPTS_SACK, false},
	{"1e 04 00 00 02 04 05 b4", TCPOPTS_MSS, false}, /* unknown (MPTCP): skipped */
	{"22 02 00 00", TCPOPTS_FASTOPEN, false},
	{"22 0a 01 02 03 04 05 06 07 08 00 00", TCPOPTS_FASTOPEN, false},
	{"00 02 04 05 b4", 0, false}, /* behind end-of-list */

	/* a length that its kind does not have: ignored, the walk goes on */
	{"02 03 05 01 03 03 07", TCPOPTS_WSCALE, false},
	{"02 05 05 b4 00 03 03 07", TCPOPTS_WSCALE, false},
	{"03 02 02 04 05 b4", TCPOPTS_MSS, false},
	{"04 03 00 02 04 05 b4", TCPOPTS_MSS, false},
	{"08 09 00 00 00 00 00 00 00 02 04 05 b4", TCPOPTS_MSS, false},
	{"08 0b 01 02 03 04 05 06 07 08 09 02 04 05 b4", TCPOPTS_MSS, false},
	{"05 02 02 04 05 b4", TCPOPTS_MSS, false},
	{"05 03 00 02 04 05 b4", TCPOPTS_MSS, false},
	{"05 09 00 00 00 00 00 00 00 02 04 05 b4", TCPOPTS_MSS, false},
	/* five blocks: no header has that much room, the parser does not rely on it */
	{"05 2a " BLOCK("1") BLOCK("2") BLOCK("3") BLOCK("4") BLOCK("5") "02 04 05 b4", TCPOPTS_MSS,
	 false},
	{"22 03 00 02 04 05 b4", TCPOPTS_MSS, false},
	{"22 05 00 00 00 02 04 05 b4", TCPOPTS_MSS, false},
	{"22 14 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 02 04 05 b4", TCPOPTS_MSS,
	 false},

	/* a length under 2 or past the end: what was before counts */
	{"02", 0, true},
	{"02 00 05 b4", 0, true},
	{"02 01 05 b4", 0, true},
	{"02 04 05", 0, true},
	{"02 04 05 b4 08 0a 00 00", TCPOPTS_MSS, true},
	{"02 04 05 b4 fe 00 03 03 07", TCPOPTS_MSS, true},
	{"02 04 05 b4 fe ff 03 03 07", TCPOPTS_MSS, true},
	{"01 01 08 0b 01 02 03 04 05 06 07 08", 0, true},
	{"01 01 08 00 01 02 03 04 05 06 07 08", 0, true},
};

static void try_row(struct view v, void *ctx)
{
	const struct row *row = ctx;
	struct tcpopts o;

	memset(&o, 0xa5, sizeof(o));
	tcpopts_parse(&o, v);
	assert_int_equal(o.present, row->present);
	assert_int_equal(o.malformed, row->malformed);
	assert_int_equal(o.sack_permitted, (row->present & TCPOPTS_SACK_PERMITTED) != 0);
	assert_int_equal(o.n_sack != 0, (row->present & TCPOPTS_SACK) != 0);
	if ((o.present & TCPOPTS_MSS) != 0)
		assert_int_equal(o.mss, 1460);
	if ((o.present & TCPOPTS_WSCALE) != 0)
		assert_true(o.wscale == 7 && !o.wscale_clamped);
	if ((o.present & TCPOPTS_TS) != 0)
		assert_true(o.tsval == 0x01020304 && o.tsecr == 0x05060708);
	for (unsigned i = 0; i < o.n_sack; i++) {
		assert_int_equal(o.sack[i].start, (i + 1) << 8);
		assert_int_equal(o.sack[i].end, ((i + 1) << 8) + 0x80);
	}
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pkt p = pkt_hex(rows[i].hex);
		struct row row = rows[i];

		wire_try_exact(pkt_view(&p), try_row, &row);
	}
}

static void test_values(void **state)
{
	struct pkt p = pkt_hex("03 03 0f 02 04 00 00 02 04 ff ff 22 06 01 02 03 04");
	struct tcpopts o;

	(void)state;
	tcpopts_parse(&o, view_make(p.b, 7));
	assert_int_equal(o.mss, 0);
	/* RFC 7323 2.3 */
	assert_int_equal(o.wscale, 14);
	assert_true(o.wscale_clamped);
	tcpopts_parse(&o, pkt_view(&p));
	assert_int_equal(o.mss, 65535); /* the last one counts */
	assert_int_equal(o.cookie.len, 4);
	assert_memory_equal(o.cookie.p, "\x01\x02\x03\x04", 4);
	p.b[2] = 14;
	tcpopts_parse(&o, pkt_view(&p));
	assert_true(o.wscale == 14 && !o.wscale_clamped);
	p.b[2] = 255;
	tcpopts_parse(&o, pkt_view(&p));
	assert_true(o.wscale == 14 && o.wscale_clamped);
}

static struct tcpopts opts_of(uint32_t present, uint8_t n_sack, size_t cookie_len)
{
	static const uint8_t cookie[TCP_COOKIE_MAX] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct tcpopts o = {
		.present = present,
		.tsval = 0x01020304,
		.tsecr = 0x05060708,
		.mss = 1460,
		.wscale = 7,
		.n_sack = n_sack,
		.cookie = {cookie, cookie_len},
	};

	for (unsigned i = 0; i < TCP_SACK_MAX; i++)
		o.sack[i] = (struct tcp_sackblk){(i + 1) << 8, ((i + 1) << 8) + 0x80};
	return o;
}

/* As Linux lays them out. */
static void test_emit_bytes(void **state)
{
	static const struct {
		uint32_t present;
		uint8_t n_sack;
		uint8_t cookie_len;
		const char *hex;
	} want[] = {
		{0, 4, 0, ""},
		{TCPOPTS_TS, 0, 0, "01 01 " TS},
		{SYN_OPTS, 0, 0, "02 04 05 b4 04 02 " TS "01 03 03 07"},
		{TCPOPTS_MSS | TCPOPTS_SACK_PERMITTED, 0, 0, "02 04 05 b4 01 01 04 02"},
		{TCPOPTS_WSCALE, 0, 0, "01 03 03 07"},
		{TCPOPTS_SACK, 1, 0, "01 01 05 0a " BLOCK("1")},
		{TCPOPTS_SACK, 0, 0, ""},
		{TCPOPTS_SACK | TCPOPTS_TS, 4, 0,
		 "01 01 " TS "01 01 05 1a " BLOCK("1") BLOCK("2") BLOCK("3")},
		{TCPOPTS_SACK, 9, 0, "01 01 05 22 " BLOCK("1") BLOCK("2") BLOCK("3") BLOCK("4")},
		{TCPOPTS_FASTOPEN, 0, 0, "01 01 22 02"},
		{TCPOPTS_FASTOPEN, 0, 4, "01 01 22 06 01 02 03 04"},
		{TCPOPTS_FASTOPEN, 0, 6, "22 08 01 02 03 04 05 06"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		struct tcpopts o = opts_of(want[i].present, want[i].n_sack, want[i].cookie_len);
		struct pkt p = pkt_hex(want[i].hex);
		uint8_t out[TCP_OPTS_MAX];

		assert_int_equal(tcpopts_emit(out, &o), p.len);
		assert_int_equal(tcpopts_len(&o), p.len);
		assert_memory_equal(out, p.b, p.len);
	}
}

static void check_round_trip(const struct tcpopts *o)
{
	uint8_t *out = malloc(tcpopts_len(o) + 1); /* just as long: ASan sees a byte too many */
	struct tcpopts back;
	size_t len;

	assert_non_null(out);
	len = tcpopts_emit(out, o);
	assert_int_equal(len, tcpopts_len(o));
	assert_true(len <= TCP_OPTS_MAX && len % 4 == 0);
	tcpopts_parse(&back, view_make(out, len));
	assert_false(back.malformed);
	assert_int_equal(back.present | TCPOPTS_SACK, o->present | TCPOPTS_SACK);
	/* Blocks are left out only where one more (the first: with its 4 bytes) has no room. */
	if ((o->present & TCPOPTS_SACK) != 0 && back.n_sack != o->n_sack)
		assert_true(len + 8 + (back.n_sack == 0 ? 4 : 0) > TCP_OPTS_MAX);
	if ((o->present & TCPOPTS_FASTOPEN) != 0)
		assert_true(view_eq(back.cookie, o->cookie));
	if ((o->present & TCPOPTS_TS) != 0)
		assert_int_equal(back.tsval, o->tsval);
	free(out);
}

/* Every mask, every number of blocks, every legal cookie: fits, and reads back. */
static void test_emit_all(void **state)
{
	(void)state;
	for (uint32_t present = 0; present < 64; present++) {
		for (uint8_t n_sack = 0; n_sack <= TCP_SACK_MAX; n_sack++) {
			for (size_t cookie = 0; cookie <= TCP_COOKIE_MAX; cookie += 2) {
				struct tcpopts o = opts_of(present, n_sack, cookie);

				if (cookie != 2)
					check_round_trip(&o);
			}
		}
	}
}

static void try_any(struct view v, void *ctx)
{
	struct tcpopts o;

	(void)ctx;
	tcpopts_parse(&o, v);
	assert_true(o.n_sack <= TCP_SACK_MAX);
	assert_int_equal(o.n_sack != 0, (o.present & TCPOPTS_SACK) != 0);
	if ((o.present & TCPOPTS_WSCALE) != 0)
		assert_true(o.wscale <= TCP_WSCALE_MAX);
	if ((o.present & TCPOPTS_FASTOPEN) != 0)
		assert_true(wire_within(v, o.cookie) && o.cookie.len <= TCP_COOKIE_MAX);
}

static void test_cut_and_damaged(void **state)
{
	(void)state;
	for (size_t i = 1; i < ARRAY_LEN(rows); i++) {
		struct pkt p = pkt_hex(rows[i].hex);

		wire_try_cuts(pkt_view(&p), try_any, NULL);
		wire_try_damaged(pkt_view(&p), 20000, try_any, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_emit_bytes),
		cmocka_unit_test(test_emit_all),
		cmocka_unit_test(test_cut_and_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
