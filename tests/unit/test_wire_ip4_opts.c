/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv4 options: what is recognised, what is refused and where the pointer then points. Linux 6.18,
 * given the same options, answers with the same pointers.
 */
#include "wire/ip4.h"

#include "test_wire_util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SRR   0x01u
#define RR    0x02u
#define TS    0x04u
#define ALERT 0x08u

static const struct row {
	const char *hex;
	unsigned seen;
	unsigned bad_ptr; /* 0: accepted */
} rows[] = {
	{"", 0, 0},
	{"00", 0, 0},
	{"01 01 01 01", 0, 0},
	{"01 00 83 00", 0, 0}, /* behind end-of-list: not looked at */
	{"94 04 00 00", ALERT, 0},
	{"01 94 04 00 00 01 94 04 00 00 00 00", ALERT, 0},
	{"07 07 04 00 00 00 00 00", RR, 0},
	{"07 0b 0c 01 02 03 04 05 06 07 08 00", RR, 0}, /* full */
	{"83 07 04 01 02 03 04 00", SRR, 0},
	{"89 0b 08 01 02 03 04 05 06 07 08 00", SRR, 0},
	{"44 08 05 00 00 00 00 00", TS, 0},
	{"44 0c 05 01 00 00 00 00 00 00 00 00", TS, 0},
	{"44 0c 05 f3 00 00 00 00 00 00 00 00", TS, 0}, /* overflow count 15 */
	{"44 08 05 02 00 00 00 00", TS, 0},             /* no such flag: let pass */
	{"44 0c 0d 01 00 00 00 00 00 00 00 00", TS, 0}, /* full */
	{"1e 06 00 00 00 00 01 00", 0, 0},              /* unknown: skipped */
	{"82 0b 00 00 00 00 00 00 00 00 00 00", 0, 0},  /* security, RFC 1108: skipped */
	/* lengths */
	{"07", 0, 20},
	{"01 01 01 83", 0, 23},
	{"07 00 00 00", 0, 20},
	{"07 01 00 00", 0, 20},
	{"1e 00 00 00", 0, 20},
	{"1e 05 00 00", 0, 20},
	{"01 1e ff 00", 0, 21},
	{"07 02 00 00", 0, 21},
	{"44 03 05 00", 0, 21},
	{"94 03 00 00", 0, 21},
	/* pointers */
	{"07 07 03 00 00 00 00 00", 0, 22},
	{"07 07 00 00 00 00 00 00", 0, 22},
	{"07 07 05 00 00 00 00 00", 0, 22},
	{"01 83 07 06 00 00 00 00", 0, 23},
	{"44 08 04 00 00 00 00 00", 0, 22},
	{"44 08 06 00 00 00 00 00", 0, 22},
	{"44 08 05 01 00 00 00 00", 0, 22}, /* address and time do not fit */
	/* given twice */
	{"83 07 04 01 02 03 04 83 07 04 01 02 03 04 00 00", 0, 27},
	{"83 07 04 01 02 03 04 89 07 04 01 02 03 04 00 00", 0, 27},
	{"07 07 04 00 00 00 00 07 07 04 00 00 00 00 00 00", 0, 27},
	{"44 08 05 00 00 00 00 00 44 08 05 00 00 00 00 00", 0, 28},
};

static struct ip4 header_of(struct view opts)
{
	return (struct ip4){
		.ihl_bytes = (uint8_t)(IP4_HLEN + opts.len),
		.opts = opts.p,
		.opts_len = (uint8_t)opts.len,
	};
}

static void try_row(struct view v, void *ctx)
{
	const struct row *row = ctx;
	struct ip4 h = header_of(v);
	struct ip4_opts o;

	assert_int_equal(ip4_opts_parse(&o, &h), row->bad_ptr == 0 ? 0 : IP4_EOPT);
	assert_int_equal(o.bad_ptr, row->bad_ptr);
	if (row->bad_ptr != 0)
		return;
	assert_int_equal(o.source_route, (row->seen & SRR) != 0);
	assert_int_equal(o.record_route, (row->seen & RR) != 0);
	assert_int_equal(o.timestamp, (row->seen & TS) != 0);
	assert_int_equal(o.router_alert, (row->seen & ALERT) != 0);
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

static void try_any(struct view v, void *ctx)
{
	struct ip4 h = header_of(v);
	uint8_t out[IP4_OPTS_MAX];
	struct ip4_opts o;

	(void)ctx;
	if (ip4_opts_parse(&o, &h) != 0) {
		assert_in_range(o.bad_ptr, IP4_HLEN, IP4_HLEN + v.len - 1);
		return;
	}
	assert_true(o.srr_off < IP4_HLEN + v.len);
	assert_true(o.rr_off < IP4_HLEN + v.len);
	assert_true(o.ts_off < IP4_HLEN + v.len);
	assert_true(ip4_opts_copied(out, &h) <= (v.len + 3) / 4 * 4);
}

static void test_cut_and_damaged(void **state)
{
	struct pkt p = pkt_hex("01 83 07 04 01 02 03 04 07 07 04 00 00 00 00 44 0c 05 01 00 00 00 "
			       "00 00 00 00 00 94 04 00 00 1e 06 00 00 00 00 01 01 00");

	(void)state;
	assert_int_equal(p.len, IP4_OPTS_MAX);
	wire_try_cuts(pkt_view(&p), try_any, NULL);
	wire_try_damaged(pkt_view(&p), 100000, try_any, NULL);
}

/* RFC 791 3.1: source routes go into every fragment, recorded ones into the first only. */
static void test_copied(void **state)
{
	struct pkt p = pkt_hex("07 07 04 00 00 00 00 01 83 07 04 01 02 03 04 01 94 04 00 00");
	struct pkt want = pkt_hex("83 07 04 01 02 03 04 94 04 00 00 00");
	struct ip4 h = header_of(pkt_view(&p));
	uint8_t out[IP4_OPTS_MAX];

	(void)state;
	assert_int_equal(ip4_opts_copied(out, &h), want.len);
	assert_memory_equal(out, want.b, want.len);
	h.opts_len = 8;
	assert_int_equal(ip4_opts_copied(out, &h), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_cut_and_damaged),
		cmocka_unit_test(test_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
