/* SPDX-License-Identifier: BSD-2-Clause */
/* Proportional rate reduction: the examples of RFC 6937 and what RFC 9937 promises. */
#include "tcp/prr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MSS 1000u

/* A sender in recovery whose every acknowledgement delivers one segment. */
struct flow {
	struct tcp_prr prr;
	uint32_t pipe, ssthresh;
};

/* Returns how many segments that acknowledgement let out. */
static unsigned ack(struct flow *f, uint32_t lost, bool safe)
{
	struct tcp_prr_ack a = {
		.delivered = MSS, .ssthresh = f->ssthresh, .mss = MSS, .safe = safe};
	uint32_t cwnd;
	unsigned n = 0;

	f->pipe -= MSS + lost;
	a.pipe = f->pipe;
	cwnd = tcp_prr_cwnd(&f->prr, &a);
	for (; f->pipe + MSS <= cwnd; n++) {
		f->pipe += MSS;
		tcp_prr_on_send(&f->prr, MSS);
	}
	return n;
}

/* 20 in flight, one lost, down to 10: one for every second, and 10 in flight at the end. */
static void test_halving(void **state)
{
	struct flow f = {.pipe = 19 * MSS, .ssthresh = 10 * MSS};
	unsigned sent = 0;

	(void)state;
	tcp_prr_start(&f.prr, 20 * MSS);
	for (unsigned i = 1; i <= 18; i++) {
		unsigned n = ack(&f, 0, false);

		assert_true(n <= 1);
		sent += n;
		assert_in_range(sent, (i + 1) / 2 - 1, (i + 1) / 2);
	}
	assert_in_range(f.pipe, 9 * MSS, 10 * MSS);
}

/* Fifteen of twenty are lost at once: no burst; one for each delivered, one more while all goes
 * well, up to ssthresh. */
static void test_heavy_loss(void **state)
{
	struct flow f = {.pipe = 20 * MSS, .ssthresh = 10 * MSS};

	(void)state;
	tcp_prr_start(&f.prr, 20 * MSS);
	assert_int_equal(ack(&f, 15 * MSS, false), 1);
	assert_int_equal(f.pipe, 5 * MSS);
	assert_int_equal(ack(&f, 0, false), 1);
	assert_int_equal(ack(&f, 0, true), 2);
	assert_int_equal(f.pipe, 6 * MSS);
	for (unsigned i = 0; i < 10; i++)
		assert_true(ack(&f, 0, true) <= 2);
	assert_int_equal(f.pipe, 10 * MSS);
	/* More than it delivers never leaves over the whole. */
	assert_true(f.prr.out <= f.prr.delivered + 10 * MSS);
}

/* The first retransmission goes whatever the proportion says. */
static void test_first(void **state)
{
	struct tcp_prr p;
	struct tcp_prr_ack a = {.delivered = 1, .pipe = 100 * MSS, .ssthresh = 0, .mss = MSS};

	(void)state;
	tcp_prr_start(&p, 200 * MSS);
	assert_int_equal(tcp_prr_cwnd(&p, &a), 101 * MSS);
	tcp_prr_on_send(&p, MSS);
	assert_int_equal(tcp_prr_cwnd(&p, &a), 100 * MSS);
}

static void test_extremes(void **state)
{
	struct tcp_prr p;
	struct tcp_prr_ack a = {
		.delivered = 1u << 30, .pipe = 1u << 30, .ssthresh = 1u << 29, .mss = 65535};

	(void)state;
	tcp_prr_start(&p, 0);
	assert_int_equal(p.recover_fs, 1);
	tcp_prr_start(&p, 1u << 30);
	assert_int_equal(tcp_prr_cwnd(&p, &a), (1u << 30) + (1u << 29));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_halving),
		cmocka_unit_test(test_heavy_loss),
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
