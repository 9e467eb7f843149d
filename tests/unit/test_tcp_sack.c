/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SACK: the blocks of a segment as the sender reads them, hostile ones too, and the receiver's
 * block list in the order of RFC 2018 and RFC 2883.
 */
#include "tcp/sack.h"

#include "base/seq.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define BACK 1000u

static void test_sorted(void **state)
{
	const struct tcp_range blocks[] = {{700, 800}, {300, 400}, {900, 950}, {500, 600}};
	struct sack_news n = sack_read(blocks, 4, 100, 1000, BACK);

	(void)state;
	assert_int_equal(n.n, 4);
	assert_false(n.dsack);
	assert_int_equal(n.block[0].seq, 300);
	assert_int_equal(n.block[1].seq, 500);
	assert_int_equal(n.block[2].seq, 700);
	assert_int_equal(n.block[3].end, 950);
}

/* Numbers around the wrap sort as sequence numbers do. */
static void test_wrap(void **state)
{
	const struct tcp_range blocks[] = {{10, 20}, {UINT32_MAX - 20, UINT32_MAX - 10}};
	struct sack_news n = sack_read(blocks, 2, UINT32_MAX - 100, 100, BACK);

	(void)state;
	assert_int_equal(n.n, 2);
	assert_int_equal(n.block[0].seq, UINT32_MAX - 20);
	assert_int_equal(n.block[1].seq, 10);
}

static void test_hostile(void **state)
{
	static const struct tcp_range bad[] = {
		{500, 400},      {400, 400},
		{90, 200},       {50, 1200},
		{900, 1001},     {1000, 1100},
		{0, UINT32_MAX}, {UINT32_MAX, 0},
		{2000, 3000},    {0x80000400, 0x80000500},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct tcp_range blocks[2] = {{300, 310}, bad[i]};
		struct sack_news n = sack_read(blocks, 2, 100, 1000, BACK);

		assert_int_equal(n.n, 1);
		assert_int_equal(n.block[0].seq, 300);
		assert_false(n.dsack);
	}
}

static void test_dsack(void **state)
{
	const struct tcp_range below[] = {{50, 100}, {300, 400}};
	const struct tcp_range inside[] = {{320, 350}, {300, 400}};
	const struct tcp_range ancient[] = {{(uint32_t)-2000, (uint32_t)-1900}, {300, 400}};
	struct sack_news n;

	(void)state;
	n = sack_read(below, 2, 100, 1000, BACK);
	assert_true(n.dsack);
	assert_int_equal(n.dup.seq, 50);
	assert_int_equal(n.n, 1);
	n = sack_read(inside, 2, 100, 1000, BACK);
	assert_true(n.dsack);
	assert_int_equal(n.dup.end, 350);
	assert_int_equal(n.n, 1);
	/* Older than anything that can still be on its way: nonsense. */
	n = sack_read(ancient, 2, 100, 1000, BACK);
	assert_false(n.dsack);
	assert_int_equal(n.n, 1);
}

static void test_receiver(void **state)
{
	struct sack_rcv r = {0};
	struct tcp_range out[4];

	(void)state;
	assert_false(sack_rcv_any(&r));
	for (uint32_t i = 0; i < 8; i++)
		sack_rcv_add(&r, (struct tcp_range){100 + 20 * i, 110 + 20 * i});
	assert_int_equal(r.n, SACK_RCV_MAX);
	/* RFC 2018 4: the block with the newest segment first. */
	sack_rcv_add(&r, (struct tcp_range){200, 212});
	assert_int_equal(sack_rcv_emit(&r, out, 4), 4);
	assert_int_equal(out[0].seq, 200);
	assert_int_equal(out[0].end, 212);
	assert_int_equal(out[1].seq, 240);
	/* RFC 2883: the duplicate comes once, in front. */
	sack_rcv_dup(&r, (struct tcp_range){50, 60});
	assert_int_equal(sack_rcv_emit(&r, out, 3), 3);
	assert_int_equal(out[0].seq, 50);
	assert_int_equal(out[1].seq, 200);
	assert_int_equal(sack_rcv_emit(&r, out, 3), 3);
	assert_int_equal(out[0].seq, 200);
	/* A block that joins others replaces them. */
	sack_rcv_add(&r, (struct tcp_range){200, 250});
	assert_int_equal(r.block[0].end, 250);
	for (unsigned i = 1; i < r.n; i++)
		assert_true(r.block[i].end < 200 || r.block[i].seq > 250);
	sack_rcv_advance(&r, 250);
	assert_false(sack_rcv_any(&r));
	sack_rcv_add(&r, (struct tcp_range){300, 400});
	sack_rcv_forget_from(&r, 350);
	assert_int_equal(r.block[0].end, 350);
	sack_rcv_forget_from(&r, 300);
	assert_false(sack_rcv_any(&r));
	sack_rcv_add(&r, (struct tcp_range){300, 300});
	sack_rcv_dup(&r, (struct tcp_range){300, 300});
	assert_false(sack_rcv_any(&r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sorted),   cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_hostile),  cmocka_unit_test(test_dsack),
		cmocka_unit_test(test_receiver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
