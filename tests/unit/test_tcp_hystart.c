/* SPDX-License-Identifier: BSD-2-Clause */
/* HyStart++ (RFC 9406): thresholds, rounds, the way back, the end. */
#include "tcp/hystart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A round of n acknowledgements with one round-trip time; sequence numbers wrap on the way. */
struct flow {
	struct tcp_hystart h;
	uint32_t una;
};

static enum tcp_hystart_phase round_of(struct flow *f, unsigned n, uint32_t rtt_us)
{
	enum tcp_hystart_phase p = TCP_HYSTART_SLOW_START;

	for (unsigned i = 0; i < n; i++)
		p = tcp_hystart_on_ack(&f->h, f->una + i, f->una + n, rtt_us);
	f->una += n;
	return p;
}

static void start(struct flow *f)
{
	f->una = UINT32_MAX - 50;
	tcp_hystart_init(&f->h);
}

/* RttThresh is an eighth of the last round's minimum, within 4 and 16 ms. */
static void test_threshold(void **state)
{
	static const struct {
		uint32_t last_us, now_us;
		bool leaves;
	} rows[] = {
		{1000, 4999, false},     {1000, 5000, true},      {80000, 89999, false},
		{80000, 90000, true},    {400000, 415999, false}, {400000, 416000, true},
		{400000, 300000, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct flow f;

		start(&f);
		assert_int_equal(round_of(&f, 20, rows[i].last_us), TCP_HYSTART_SLOW_START);
		assert_int_equal(round_of(&f, 20, rows[i].now_us),
				 rows[i].leaves ? TCP_HYSTART_CSS : TCP_HYSTART_SLOW_START);
	}
}

/* Seven samples are too few to judge by. */
static void test_samples(void **state)
{
	struct flow f;

	(void)state;
	start(&f);
	round_of(&f, 20, 10000);
	assert_int_equal(round_of(&f, 7, 90000), TCP_HYSTART_SLOW_START);
	start(&f);
	round_of(&f, 20, 10000);
	assert_int_equal(round_of(&f, 8, 90000), TCP_HYSTART_CSS);
	/* Acknowledgements without a sample do not count. */
	start(&f);
	round_of(&f, 20, 10000);
	assert_int_equal(round_of(&f, 100, 0), TCP_HYSTART_SLOW_START);
}

/* Five rounds of growth by a quarter, then congestion avoidance. */
static void test_css(void **state)
{
	struct flow f;

	(void)state;
	start(&f);
	round_of(&f, 20, 10000);
	assert_int_equal(tcp_hystart_growth(&f.h, 4000), 4000);
	round_of(&f, 20, 20000);
	assert_int_equal(tcp_hystart_growth(&f.h, 4000), 1000);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(round_of(&f, 20, 20000), TCP_HYSTART_CSS);
	assert_int_equal(round_of(&f, 20, 20000), TCP_HYSTART_DONE);
	assert_int_equal(round_of(&f, 20, 1000), TCP_HYSTART_DONE);
}

/* The delay was a whim: back to slow start, and it can be left again. */
static void test_back(void **state)
{
	struct flow f;

	(void)state;
	start(&f);
	round_of(&f, 20, 10000);
	assert_int_equal(round_of(&f, 20, 20000), TCP_HYSTART_CSS);
	assert_int_equal(round_of(&f, 20, 12000), TCP_HYSTART_SLOW_START);
	assert_int_equal(round_of(&f, 20, 12000), TCP_HYSTART_SLOW_START);
	assert_int_equal(round_of(&f, 20, 20000), TCP_HYSTART_CSS);
}

static void test_stop(void **state)
{
	struct flow f;

	(void)state;
	start(&f);
	tcp_hystart_stop(&f.h);
	assert_int_equal(round_of(&f, 20, 10000), TCP_HYSTART_DONE);
	assert_int_equal(tcp_hystart_growth(&f.h, 4000), 4000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threshold), cmocka_unit_test(test_samples),
		cmocka_unit_test(test_css),       cmocka_unit_test(test_back),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
