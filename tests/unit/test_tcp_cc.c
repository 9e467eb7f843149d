/* SPDX-License-Identifier: BSD-2-Clause */
/* Congestion control: RFC 5681, 6582, 6928 rules, and CUBIC against the formulas of RFC 9438 in
 * doubles. */
#include "tcp/cc.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MS  UINT64_C(1000000)
#define MSS 1448u

static void ack(struct tcp_cc *cc, uint64_t now_ns, uint32_t bytes)
{
	struct tcp_cc_ack a = {
		.now_ns = now_ns,
		.srtt_ns = 50 * MS,
		.min_rtt_ns = 50 * MS,
		.acked_bytes = bytes,
		.cwnd_limited = true,
	};

	tcp_cc_on_ack(cc, &a);
}

/* One round trip: a whole window is acknowledged, two segments an ACK. */
static void round_trip(struct tcp_cc *cc, uint64_t now_ns)
{
	uint32_t left = cc->cwnd;

	while (left > 0) {
		uint32_t n = left < 2 * MSS ? left : 2 * MSS;

		ack(cc, now_ns, n);
		left -= n;
	}
}

static void test_initial_window(void **state)
{
	static const struct {
		uint32_t mss, cwnd;
	} rows[] = {{1448, 14480}, {536, 5360},    {1460, 14600},
		    {8948, 17896}, {20000, 40000}, {1, 10}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tcp_cc cc;

		tcp_cc_init(&cc, TCP_CC_CUBIC, rows[i].mss);
		assert_int_equal(cc.cwnd, rows[i].cwnd);
		assert_true(tcp_cc_in_slow_start(&cc));
	}
}

static void slow_start(enum tcp_cc_kind kind)
{
	struct tcp_cc cc;

	tcp_cc_init(&cc, kind, MSS);
	round_trip(&cc, 0);
	assert_int_equal(cc.cwnd, 20 * MSS);
	/* Not limited by cwnd: no growth. */
	tcp_cc_on_ack(&cc, &(struct tcp_cc_ack){.acked_bytes = 10 * MSS, .srtt_ns = MS});
	assert_int_equal(cc.cwnd, 20 * MSS);
	cc.ssthresh = 25 * MSS;
	round_trip(&cc, 0);
	assert_true(cc.cwnd >= 25 * MSS && cc.cwnd <= 26 * MSS);
}

static void test_slow_start(void **state)
{
	(void)state;
	slow_start(TCP_CC_NEWRENO);
	slow_start(TCP_CC_CUBIC);
}

static void test_newreno(void **state)
{
	struct tcp_cc cc;

	(void)state;
	tcp_cc_init(&cc, TCP_CC_NEWRENO, MSS);
	cc.cwnd = 100 * MSS;
	tcp_cc_on_loss(&cc, 100 * MSS, 0);
	assert_int_equal(cc.ssthresh, 50 * MSS);
	assert_int_equal(cc.cwnd, 50 * MSS);
	for (unsigned i = 1; i <= 10; i++) {
		round_trip(&cc, 0);
		assert_in_range(cc.cwnd, (50 + i) * MSS - MSS, (50 + i) * MSS);
	}
	/* Flight smaller than cwnd: what was not used does not count. */
	tcp_cc_on_loss(&cc, 10 * MSS, 0);
	assert_int_equal(cc.ssthresh, 5 * MSS);
	tcp_cc_on_loss(&cc, 0, 0);
	assert_int_equal(cc.ssthresh, 2 * MSS);
}

static void test_rto(void **state)
{
	struct tcp_cc cc;

	(void)state;
	for (int kind = 0; kind <= TCP_CC_NEWRENO; kind++) {
		uint32_t ss;

		tcp_cc_init(&cc, (enum tcp_cc_kind)kind, MSS);
		cc.cwnd = 100 * MSS;
		tcp_cc_on_rto(&cc, 100 * MSS, true, 0);
		assert_int_equal(cc.cwnd, MSS);
		ss = cc.ssthresh;
		assert_int_equal(ss, kind == TCP_CC_CUBIC ? 70 * MSS : 50 * MSS);
		tcp_cc_on_rto(&cc, MSS, false, 0);
		assert_int_equal(cc.ssthresh, ss);
		/* Spurious: all comes back, once. */
		tcp_cc_undo(&cc);
		assert_int_equal(cc.cwnd, 100 * MSS);
		assert_int_equal(cc.ssthresh, TCP_CC_SSTHRESH_MAX);
		cc.cwnd = 5 * MSS;
		tcp_cc_undo(&cc);
		assert_int_equal(cc.cwnd, 5 * MSS);
	}
}

static void test_recovered(void **state)
{
	struct tcp_cc cc;

	(void)state;
	tcp_cc_init(&cc, TCP_CC_NEWRENO, MSS);
	cc.cwnd = 100 * MSS;
	tcp_cc_on_loss(&cc, 100 * MSS, 0);
	cc.cwnd = 42 * MSS; /* as PRR left it */
	tcp_cc_on_recovered(&cc);
	assert_int_equal(cc.cwnd, 50 * MSS);
}

/* After one loss at 100 segments, every RTT for 30 s within 5 % (the growth during the RTT itself)
 * of max(W_cubic, W_est). */
static void test_cubic_curve(void **state)
{
	const double rtt = 0.05, wmax = 100, k = cbrt(wmax * 0.3 / 0.4);
	double west = 70;
	struct tcp_cc cc;
	uint64_t now = 1000 * MS;

	(void)state;
	tcp_cc_init(&cc, TCP_CC_CUBIC, MSS);
	cc.cwnd = 100 * MSS;
	tcp_cc_on_loss(&cc, 100 * MSS, now);
	assert_int_equal(cc.cwnd, 70 * MSS);
	for (int i = 0; i < 600; i++) {
		double t = i * rtt, cubic = 0.4 * pow(t + rtt - k, 3) + wmax, want;

		west += west < wmax ? 9.0 / 17 : 1;
		want = cubic > west ? cubic : west;
		round_trip(&cc, now);
		if (i > 2)
			assert_true(fabs(cc.cwnd / (double)MSS - want) < 0.05 * want);
		now += 50 * MS;
	}
	assert_true(cc.cwnd > 1000 * MSS);
}

static void test_fast_convergence(void **state)
{
	struct tcp_cc cc;

	(void)state;
	tcp_cc_init(&cc, TCP_CC_CUBIC, MSS);
	cc.cwnd = 100 * MSS;
	tcp_cc_on_loss(&cc, 100 * MSS, 0);
	assert_int_equal(cc.u.cubic.w_max_bytes, 100 * MSS);
	tcp_cc_on_loss(&cc, 70 * MSS, 0); /* before it got back to 100 */
	assert_in_range(cc.u.cubic.w_max_bytes, 59 * MSS, 60 * MSS);
}

/* 4.3: alpha is 1 beyond the window before the reduction, not beyond what fast convergence makes of
 * it; and an estimate of a large window grows too. */
static void test_reno_friendly(void **state)
{
	struct tcp_cc cc;

	(void)state;
	tcp_cc_init(&cc, TCP_CC_CUBIC, MSS);
	cc.cwnd = 100 * MSS;
	tcp_cc_on_loss(&cc, 100 * MSS, MS);
	tcp_cc_on_loss(&cc, 70 * MSS, MS);
	assert_int_equal(cc.u.cubic.prior_bytes, 70 * MSS);
	assert_int_equal(cc.cwnd, 49 * MSS);
	for (unsigned i = 0; i < 17; i++)
		round_trip(&cc, MS);
	assert_in_range(cc.u.cubic.w_est_bytes, 57 * MSS, 58 * MSS + MSS / 2);

	tcp_cc_init(&cc, TCP_CC_CUBIC, MSS);
	cc.cwnd = 20000 * MSS;
	tcp_cc_on_loss(&cc, 20000 * MSS, MS);
	for (unsigned i = 0; i < 17; i++)
		round_trip(&cc, MS);
	assert_in_range(cc.u.cubic.w_est_bytes, 14008 * MSS, 14010 * MSS);
}

/* 4.8: after a timeout the curve begins flat at where slow start ended. */
static void test_cubic_timeout(void **state)
{
	struct tcp_cc cc;

	(void)state;
	tcp_cc_init(&cc, TCP_CC_CUBIC, MSS);
	cc.cwnd = 100 * MSS;
	tcp_cc_on_rto(&cc, 100 * MSS, true, MS);
	assert_int_equal(cc.cwnd, MSS);
	cc.cwnd = cc.ssthresh;
	ack(&cc, 2 * MS, MSS);
	assert_int_equal(cc.u.cubic.k_ns, 0);
	assert_int_equal(cc.u.cubic.origin_bytes, 70 * MSS);
}

/* 5.8: a minute in which the program did not use the window is no minute of growth. */
static void test_unused(void **state)
{
	struct tcp_cc cc;
	uint32_t before;
	uint64_t now = MS;

	(void)state;
	tcp_cc_init(&cc, TCP_CC_CUBIC, MSS);
	cc.cwnd = 100 * MSS;
	tcp_cc_on_loss(&cc, 100 * MSS, now);
	round_trip(&cc, now);
	for (unsigned i = 0; i < 600; i++) {
		now += 100 * MS;
		tcp_cc_on_ack(&cc, &(struct tcp_cc_ack){.now_ns = now, .acked_bytes = MSS});
	}
	before = cc.cwnd;
	round_trip(&cc, now);
	assert_true(cc.cwnd < before + 5 * MSS);
}

/* The first slow start of CUBIC ends when round trips grow, NewReno's by loss alone. */
static void test_hystart(void **state)
{
	static const uint32_t rtt_us[] = {20000, 30000};

	(void)state;
	for (int kind = 0; kind <= TCP_CC_NEWRENO; kind++) {
		struct tcp_cc cc;
		uint32_t una = 0;

		tcp_cc_init(&cc, (enum tcp_cc_kind)kind, MSS);
		for (unsigned r = 0; r < 8; r++) {
			uint32_t end = una + cc.cwnd;

			for (; una < end; una += MSS) {
				struct tcp_cc_ack a = {
					.now_ns = MS,
					.acked_bytes = MSS,
					.cwnd_limited = true,
					.rtt_us = rtt_us[r > 1],
					.una = una,
					.nxt = end,
				};

				tcp_cc_on_ack(&cc, &a);
			}
		}
		assert_int_equal(tcp_cc_in_slow_start(&cc), kind == TCP_CC_NEWRENO);
		assert_true(kind == TCP_CC_NEWRENO ? cc.cwnd == 2560 * MSS : cc.cwnd < 200 * MSS);
	}
}

static void test_extremes(void **state)
{
	struct tcp_cc cc;

	(void)state;
	for (int kind = 0; kind <= TCP_CC_NEWRENO; kind++) {
		tcp_cc_init(&cc, (enum tcp_cc_kind)kind, 1);
		cc.cwnd = TCP_CC_CWND_MAX;
		tcp_cc_on_loss(&cc, TCP_CC_CWND_MAX, 1);
		for (int i = 0; i < 200; i++) {
			ack(&cc, UINT64_C(1) << (i % 64), UINT32_MAX);
			assert_in_range(cc.cwnd, 1, TCP_CC_CWND_MAX);
		}
	}
}

static void test_idle_and_mss(void **state)
{
	struct tcp_cc cc;

	(void)state;
	tcp_cc_init(&cc, TCP_CC_CUBIC, MSS);
	tcp_cc_set_mss(&cc, 536);
	assert_int_equal(cc.cwnd, 5360);
	cc.cwnd = 80 * 536;
	tcp_cc_on_idle(&cc, 250 * MS, 100 * MS, 0);
	assert_int_equal(cc.cwnd, 20 * 536);
	tcp_cc_on_idle(&cc, UINT64_MAX / 2, 100 * MS, 0);
	assert_int_equal(cc.cwnd, 10 * 536);
	cc.cwnd = 600;
	tcp_cc_set_mss(&cc, 1448);
	assert_int_equal(cc.cwnd, 1448);
}

static void test_names(void **state)
{
	(void)state;
	assert_int_equal(tcp_cc_by_name("cubic"), TCP_CC_CUBIC);
	assert_int_equal(tcp_cc_by_name("reno"), TCP_CC_NEWRENO);
	assert_int_equal(tcp_cc_by_name("newreno"), TCP_CC_NEWRENO);
	assert_int_equal(tcp_cc_by_name("bbr"), TCP_CC_BBR);
	assert_int_equal(tcp_cc_by_name("bbr9"), -1);
	assert_string_equal(tcp_cc_name(TCP_CC_NEWRENO), "reno");
}

/* Where cwnd is far below the flight, as after a timeout, a loss must not raise it. */
static void test_loss_never_raises(void **state)
{
	(void)state;
	for (int kind = 0; kind <= TCP_CC_NEWRENO; kind++) {
		struct tcp_cc cc;

		tcp_cc_init(&cc, (enum tcp_cc_kind)kind, MSS);
		cc.cwnd = 6 * MSS;
		tcp_cc_on_loss(&cc, 60 * MSS, 0);
		assert_true(cc.cwnd < 6 * MSS);
		assert_true(cc.ssthresh < 6 * MSS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_initial_window),
		cmocka_unit_test(test_slow_start),
		cmocka_unit_test(test_newreno),
		cmocka_unit_test(test_rto),
		cmocka_unit_test(test_recovered),
		cmocka_unit_test(test_cubic_curve),
		cmocka_unit_test(test_fast_convergence),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_idle_and_mss),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_reno_friendly),
		cmocka_unit_test(test_cubic_timeout),
		cmocka_unit_test(test_unused),
		cmocka_unit_test(test_hystart),
		cmocka_unit_test(test_loss_never_raises),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
