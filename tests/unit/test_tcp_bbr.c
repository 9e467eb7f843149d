/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BBRv3's states, after the example cases of draft-ietf-ccwg-bbr's appendix: a path is told to the
 * algorithm sample by sample, a round trip at a time. The whole of it on a simulated path is in
 * tests/sim/test_sim_cc.c.
 */
#include "tcp/bbr.h"

#include "base/memfail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MS  UINT64_C(1000000)
#define S   UINT64_C(1000000000)
#define MSS 1000u
#define RTT (20 * MS)

struct flow {
	struct tcp_cc cc;
	struct tcp_bbr *b;
	uint64_t now;
	uint32_t delivered, lost;
	bool app_limited, cwnd_limited;
};

static void start(struct flow *f)
{
	struct tcp_cc_start st = {.now_ns = S, .srtt_ns = RTT, .seed = 7};

	*f = (struct flow){.now = S};
	tcp_cc_init(&f->cc, TCP_CC_CUBIC, MSS);
	assert_int_equal(tcp_cc_switch(&f->cc, TCP_CC_BBR, mem_libc(), &st), 0);
	f->b = f->cc.u.bbr;
}

static void stop(struct flow *f)
{
	tcp_cc_fini(&f->cc, mem_libc());
}

/* One round trip at bw bytes a second, told by ten acknowledgements, with pipe bytes in flight at
 * the end of each. */
static void round_trip(struct flow *f, uint64_t bw, uint64_t rtt_ns, uint32_t pipe)
{
	uint32_t bytes = (uint32_t)(bw * rtt_ns / S), sent_at = f->delivered;

	for (unsigned i = 0; i < 10; i++) {
		struct tcp_cc_sample s = {
			.srtt_ns = rtt_ns,
			.newly_bytes = bytes / 10,
			.pipe_bytes = pipe,
			.any = true,
			.sack = true,
			.cwnd_limited = f->cwnd_limited,
		};

		f->now += rtt_ns / 10;
		f->delivered += bytes / 10;
		s.now_ns = f->now;
		s.delivered = f->delivered;
		s.rs = (struct tcp_rate_sample){
			.delivered = bytes,
			.interval_us = (uint32_t)(rtt_ns / 1000),
			.prior_delivered = sent_at,
			.in_flight = pipe,
			.rtt_us = (uint32_t)(rtt_ns / 1000),
			.app_limited = f->app_limited,
		};
		tcp_cc_on_sample(&f->cc, &s);
	}
}

/* A range of MSS bytes that left with so much in flight is lost. */
static void lose(struct flow *f, uint32_t in_flight, uint32_t seq)
{
	struct tcp_tx_stamp stamp = {.in_flight = in_flight, .lost = f->lost};
	struct tcp_cc_lost l = {
		.now_ns = f->now,
		.stamp = &stamp,
		.range = {seq, seq + MSS},
		.delivered = f->delivered,
		.sack = true,
	};

	f->lost += MSS;
	/* The losses of one burst add up: it left before the first of them was known. */
	stamp.lost = 0;
	l.lost = f->lost;
	tcp_cc_on_lost(&f->cc, &l);
}

#define BW  UINT64_C(10000000)
#define BDP 200000u

/* Into ProbeBW at BW. */
static void fill(struct flow *f)
{
	start(f);
	for (unsigned i = 0; i < 12 && f->b->state == BBR_STARTUP; i++)
		round_trip(f, BW, RTT, 2 * BDP);
	assert_int_equal(f->b->state, BBR_DRAIN);
	round_trip(f, BW, RTT, BDP / 2);
	assert_true(f->b->state == BBR_DOWN || f->b->state == BBR_CRUISE);
}

/* Until a state is reached, within n rounds. */
static void until(struct flow *f, enum bbr_state state, unsigned n, uint32_t pipe)
{
	for (unsigned i = 0; i < n && f->b->state != state; i++)
		round_trip(f, BW, RTT, pipe);
	assert_int_equal(f->b->state, state);
}

/* As long as the bandwidth grows Startup lasts; three rounds without growth end it. */
static void test_startup_plateau(void **state)
{
	uint64_t bw = 1000000;
	struct flow f;

	(void)state;
	start(&f);
	assert_true(f.cc.pacing_rate > 0);
	for (unsigned i = 0; i < 4; i++, bw *= 2) {
		round_trip(&f, bw, RTT, BDP);
		assert_int_equal(f.b->state, BBR_STARTUP);
	}
	bw /= 2;
	for (unsigned i = 0; i < 2; i++) {
		round_trip(&f, bw, RTT, BDP * 2);
		assert_int_equal(f.b->state, BBR_STARTUP);
	}
	round_trip(&f, bw, RTT, BDP * 2);
	assert_int_equal(f.b->state, BBR_DRAIN);
	assert_in_range(f.b->max_bw, bw * 99 / 100, bw);
	assert_true(f.cc.pacing_rate < bw);
	stop(&f);
}

/* Samples that the program limited say nothing about a plateau. */
static void test_app_limited(void **state)
{
	struct flow f;

	(void)state;
	start(&f);
	f.app_limited = true;
	for (unsigned i = 0; i < 50; i++)
		round_trip(&f, 1000000, RTT, 2 * MSS);
	assert_int_equal(f.b->state, BBR_STARTUP);
	assert_false(f.b->full_bw_reached);
	stop(&f);
}

/* Drain ends when the queue is gone, or after three rounds. */
static void test_drain(void **state)
{
	struct flow f;

	(void)state;
	start(&f);
	until(&f, BBR_DRAIN, 12, 2 * BDP);
	for (unsigned i = 0; i < 3; i++) {
		round_trip(&f, BW, RTT, 2 * BDP);
		assert_int_equal(f.b->state, BBR_DRAIN);
	}
	round_trip(&f, BW, RTT, 2 * BDP);
	assert_int_equal(f.b->state, BBR_DOWN);
	stop(&f);
}

/* Down, cruise, refill for one round, up until the plateau, down. */
static void test_cycle(void **state)
{
	struct flow f;
	uint64_t began;

	(void)state;
	fill(&f);
	until(&f, BBR_CRUISE, 3, BDP / 2);
	began = f.now;
	/* Two to three seconds, or sixty-three rounds. */
	until(&f, BBR_REFILL, 64, BDP / 2);
	assert_true(f.now - began > S);
	round_trip(&f, BW, RTT, BDP);
	until(&f, BBR_UP, 2, BDP);
	assert_true(f.cc.pacing_rate > BW);
	until(&f, BBR_DOWN, 5, 2 * BDP);
	assert_true(f.cc.pacing_rate < BW * 91 / 100);
	assert_int_equal(f.b->inflight_longterm, BBR_INFINITE_INFLIGHT);
	stop(&f);
}

/* More than 2 % lost while probing: the long-term bound, and the next probe is a careful one. */
static void test_probe_too_high(void **state)
{
	struct flow f;

	(void)state;
	fill(&f);
	until(&f, BBR_UP, 200, BDP / 2);
	for (uint32_t i = 0; i < 10 && f.b->state == BBR_UP; i++)
		lose(&f, 300 * MSS, i * 5 * MSS);
	assert_int_equal(f.b->state, BBR_DOWN);
	assert_true(f.b->prev_probe_too_high);
	assert_in_range(f.b->inflight_longterm, 290 * MSS, 300 * MSS);
	/* Up again only to where it was too much. */
	until(&f, BBR_UP, 200, BDP / 2);
	round_trip(&f, BW, RTT, 301 * MSS);
	assert_int_equal(f.b->state, BBR_DOWN);
	assert_true(f.b->prev_probe_precautionary);
	/* It went well: another one at once. */
	round_trip(&f, BW, RTT, BDP / 2);
	round_trip(&f, BW, RTT, BDP / 2);
	assert_true(f.b->state == BBR_REFILL || f.b->state == BBR_UP);
	stop(&f);
}

/* Loss while cruising: towards what was delivered, at most by three tenths a round. */
static void test_shortterm(void **state)
{
	struct flow f;

	(void)state;
	fill(&f);
	until(&f, BBR_CRUISE, 3, BDP / 2);
	round_trip(&f, BW / 2, RTT, BDP / 2);
	lose(&f, 100 * MSS, 0);
	round_trip(&f, BW / 2, RTT, BDP / 2);
	assert_in_range(f.b->bw_shortterm, BW * 69 / 100, BW * 71 / 100);
	assert_int_equal(f.b->bw, f.b->bw_shortterm);
	/* Forgotten when it probes again. */
	until(&f, BBR_REFILL, 64, BDP / 2);
	assert_int_equal(f.b->bw_shortterm, BBR_INFINITE_BW);
	stop(&f);
}

/* Startup ends by loss: a round in recovery, six ranges, more than 2 %. */
static void test_startup_loss(void **state)
{
	struct flow f;
	uint64_t bw = 1000000;

	(void)state;
	start(&f);
	round_trip(&f, bw, RTT, BDP);
	tcp_cc_on_loss(&f.cc, BDP, f.now);
	for (unsigned r = 0; r < 3 && f.b->state == BBR_STARTUP; r++) {
		struct tcp_cc_sample s = {.now_ns = f.now,
					  .srtt_ns = RTT,
					  .newly_bytes = MSS,
					  .any = true,
					  .sack = true};

		bw *= 2;
		for (uint32_t i = 0; i < 6; i++)
			lose(&f, 100 * MSS, (r * 100 + i * 5) * MSS);
		f.delivered += MSS;
		s.delivered = f.delivered;
		s.rs = (struct tcp_rate_sample){.delivered = 100 * MSS,
						.interval_us = 1000000 / 10,
						.prior_delivered = f.delivered - MSS,
						.in_flight = 100 * MSS,
						.lost = 6 * MSS,
						.rtt_us = 20000};
		tcp_cc_on_sample(&f.cc, &s);
	}
	assert_true(f.b->full_bw_reached);
	assert_true(f.b->inflight_longterm != BBR_INFINITE_INFLIGHT);
	/* It was no loss: back to Startup, with the window of before. */
	tcp_cc_undo(&f.cc);
	assert_int_equal(f.b->state, BBR_STARTUP);
	assert_false(f.b->full_bw_reached);
	stop(&f);
}

/* Five seconds without a shorter round trip: little in flight for 200 ms, then as before. */
static void test_probe_rtt(void **state)
{
	uint32_t before;
	struct flow f;
	uint64_t end;

	(void)state;
	fill(&f);
	before = f.cc.cwnd;
	for (unsigned i = 0; i < 400 && f.b->state != BBR_PROBE_RTT; i++)
		round_trip(&f, BW, RTT + MS, BDP);
	assert_int_equal(f.b->state, BBR_PROBE_RTT);
	assert_in_range(f.now, 5 * S, 8 * S);
	round_trip(&f, BW, RTT + MS, BDP / 2);
	assert_true(f.cc.cwnd <= BDP * 55 / 100);
	end = f.now + S;
	while (f.b->state == BBR_PROBE_RTT && f.now < end)
		round_trip(&f, BW / 2, RTT, BDP / 2);
	assert_int_equal(f.b->state, BBR_CRUISE);
	assert_in_range(f.now, end - S + 150 * MS, end - S + 350 * MS);
	assert_true(f.cc.cwnd >= before * 9 / 10);
	assert_int_equal(f.b->min_rtt_ns, RTT);
	stop(&f);
}

static void test_timeout(void **state)
{
	struct flow f;
	uint32_t before;

	(void)state;
	fill(&f);
	before = f.cc.cwnd;
	tcp_cc_on_rto(&f.cc, BDP, true, f.now);
	assert_int_equal(f.cc.cwnd, MSS);
	tcp_cc_on_recovered(&f.cc);
	assert_int_equal(f.cc.cwnd, before);
	stop(&f);
}

static void test_quantum(void **state)
{
	struct flow f;

	(void)state;
	fill(&f);
	assert_int_equal(f.cc.quantum, f.cc.pacing_rate / 1000);
	f.b->max_bw = f.b->max_bw_filter[1] = 1000000000;
	round_trip(&f, 1000000000, RTT, BDP);
	assert_int_equal(f.cc.quantum, 65536);
	stop(&f);
}

/* No memory: the old algorithm stays; leaving BBR gives all back and does not search anew. */
static void test_switch(void **state)
{
	struct tcp_cc_start st = {.now_ns = S, .srtt_ns = RTT};
	struct memfail mf;
	struct tcp_cc cc;

	(void)state;
	memfail_init(&mf, mem_libc());
	tcp_cc_init(&cc, TCP_CC_CUBIC, MSS);
	memfail_arm(&mf, 1, true);
	assert_int_not_equal(tcp_cc_switch(&cc, TCP_CC_BBR, &mf.mem, &st), 0);
	assert_int_equal(cc.kind, TCP_CC_CUBIC);
	assert_int_equal(cc.pacing_rate, 0);
	memfail_arm(&mf, 0, false);
	assert_int_equal(tcp_cc_switch(&cc, TCP_CC_BBR, &mf.mem, &st), 0);
	assert_true(cc.has_model && cc.pacing_rate > 0);
	assert_int_equal(tcp_cc_switch(&cc, TCP_CC_NEWRENO, &mf.mem, &st), 0);
	assert_false(cc.has_model);
	assert_int_equal(cc.pacing_rate, 0);
	assert_int_equal(cc.ssthresh, cc.cwnd);
	assert_int_equal(memfail_outstanding(&mf), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_startup_plateau), cmocka_unit_test(test_app_limited),
		cmocka_unit_test(test_drain),           cmocka_unit_test(test_cycle),
		cmocka_unit_test(test_probe_too_high),  cmocka_unit_test(test_shortterm),
		cmocka_unit_test(test_startup_loss),    cmocka_unit_test(test_probe_rtt),
		cmocka_unit_test(test_timeout),         cmocka_unit_test(test_quantum),
		cmocka_unit_test(test_switch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
