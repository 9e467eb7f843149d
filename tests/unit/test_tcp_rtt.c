/* SPDX-License-Identifier: BSD-2-Clause */
/* RTT estimator: RFC 6298's formulas, backoff, and the windowed minimum against a naive one. */
#include "tcp/rtt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)

static void test_first_sample(void **state)
{
	struct tcp_rtt r;

	(void)state;
	tcp_rtt_init(&r);
	assert_int_equal(tcp_rtt_rto_ns(&r), 1000 * MS);
	assert_int_equal(tcp_rtt_min_ns(&r, 0), 0);
	tcp_rtt_sample(&r, 100 * MS, 1, 1000 * MS);
	assert_int_equal(r.srtt_ns, 100 * MS);
	assert_int_equal(r.rttvar_ns, 50 * MS);
	assert_int_equal(tcp_rtt_rto_ns(&r), 300 * MS);
	assert_int_equal(tcp_rtt_min_ns(&r, 1000 * MS), 100 * MS);
}

/* RFC 6298 2.3 with alpha 1/8, beta 1/4: 100 then 180 ms. */
static void test_second_sample(void **state)
{
	struct tcp_rtt r;

	(void)state;
	tcp_rtt_init(&r);
	tcp_rtt_sample(&r, 100 * MS, 1, 0);
	tcp_rtt_sample(&r, 180 * MS, 1, 0);
	assert_int_equal(r.srtt_ns, 110 * MS);
	assert_int_equal(r.rttvar_ns, 57500000); /* 50 + (80 - 50) / 4 */
	assert_int_equal(tcp_rtt_rto_ns(&r), 340 * MS);
}

/* RFC 7323 appendix G: with 16 segments in flight eight samples weigh as much as one. */
static void test_many_samples(void **state)
{
	struct tcp_rtt r;

	(void)state;
	tcp_rtt_init(&r);
	tcp_rtt_sample(&r, 100 * MS, 16, 0);
	tcp_rtt_sample(&r, 164 * MS, 16, 0);
	assert_int_equal(r.srtt_ns, 101 * MS);
}

static void test_bounds(void **state)
{
	struct tcp_rtt r;

	(void)state;
	tcp_rtt_init(&r);
	for (int i = 0; i < 100; i++)
		tcp_rtt_sample(&r, 1000, 1, 0);
	assert_int_equal(tcp_rtt_rto_ns(&r), TCP_RTO_MIN_NS);
	tcp_rtt_sample(&r, UINT64_MAX, 1, 0);
	assert_true(tcp_rtt_rto_ns(&r) <= TCP_RTO_MAX_NS);
	tcp_rtt_sample(&r, 0, 1, 0);
	assert_true(r.srtt_ns > 0);
}

static void test_backoff(void **state)
{
	struct tcp_rtt r;
	uint64_t want = 1000 * MS;

	(void)state;
	tcp_rtt_init(&r);
	for (int i = 0; i < 40; i++) {
		assert_int_equal(tcp_rtt_rto_ns(&r), want);
		tcp_rtt_backoff(&r);
		want = want * 2 > TCP_RTO_MAX_NS ? TCP_RTO_MAX_NS : want * 2;
	}
	tcp_rtt_backoff_end(&r);
	assert_int_equal(tcp_rtt_rto_ns(&r), 1000 * MS);
	tcp_rtt_backoff(&r);
	tcp_rtt_syn_lost(&r);
	assert_int_equal(tcp_rtt_rto_ns(&r), 3000 * MS); /* RFC 6298 5.7 */
	tcp_rtt_sample(&r, 100 * MS, 1, 0);
	tcp_rtt_backoff(&r);
	assert_int_equal(tcp_rtt_rto_ns(&r), 600 * MS);
	tcp_rtt_sample(&r, 100 * MS, 1, 0);
	assert_true(tcp_rtt_rto_ns(&r) < 300 * MS);
}

/* The filter may report an older minimum for a while but never one that was not measured, never one
 * below the window's true minimum by age, and finds a lower sample at once. */
static void test_minimum(void **state)
{
	enum { N = 3000 };
	static uint64_t at[N], rtt[N];
	uint64_t rng = 7, now = 0;
	struct tcp_rtt r;

	(void)state;
	tcp_rtt_init(&r);
	for (int i = 0; i < N; i++) {
		uint64_t all = UINT64_MAX, recent = UINT64_MAX, got;

		rng = rng * UINT64_C(6364136223846793005) + 1442695040888963407;
		now += (rng >> 40) % 50 * MS;
		at[i] = now;
		rtt[i] = (1 + (rng >> 33) % (i < N / 2 ? 200 : 2000)) * MS;
		tcp_rtt_sample(&r, rtt[i], 1, now);
		for (int j = i; j >= 0 && now - at[j] <= 2 * TCP_RTT_MIN_WINDOW_NS; j--) {
			all = rtt[j] < all ? rtt[j] : all;
			if (now - at[j] <= TCP_RTT_MIN_WINDOW_NS / 2)
				recent = all;
		}
		got = tcp_rtt_min_ns(&r, now);
		assert_true(got >= all);
		assert_true(got <= recent);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_sample), cmocka_unit_test(test_second_sample),
		cmocka_unit_test(test_many_samples), cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_backoff),      cmocka_unit_test(test_minimum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
