/* SPDX-License-Identifier: BSD-2-Clause */
/* Delivery-rate samples of draft-ietf-ccwg-bbr 4.1, by hand. */
#include "tcp/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MS  UINT64_C(1000000)
#define MSS 1000u

struct path {
	struct tcp_rate rate;
	struct tcp_sent sent;
	uint32_t nxt, una;
};

static void start(struct path *p, uint32_t delivered)
{
	*p = (struct path){.rate.delivered = delivered};
	tcp_sent_init(&p->sent, 0);
}

static void send(struct path *p, uint64_t now_ns, uint32_t len)
{
	struct tcp_tx_stamp st = tcp_rate_on_send(&p->rate, now_ns, p->nxt - p->una, len);

	tcp_sent_push(&p->sent, mem_libc(), (struct tcp_range){p->nxt, p->nxt + len}, now_ns, &st);
	p->nxt += len;
}

static struct tcp_rate_sample ack(struct path *p, uint64_t now_ns, uint32_t una)
{
	struct tcp_delivery d = {.now_ns = now_ns, .min_rtt_ns = 20 * MS, .echo_ns = UINT64_MAX};
	struct tcp_rate_sample rs;

	p->una = una;
	tcp_sent_ack(&p->sent, mem_libc(), una, &d);
	tcp_rate_on_ack(&p->rate, &d, d.acked_bytes, &rs);
	return rs;
}

/* Ten segments a millisecond apart, acknowledged so after 20 ms: one a millisecond is the rate. */
static void test_steady(void **state)
{
	struct tcp_rate_sample rs = {0};
	struct path p;

	(void)state;
	start(&p, UINT32_MAX - 30000); /* wraps on the way */
	for (uint64_t t = 1; t <= 100; t++) {
		if (t > 20)
			rs = ack(&p, t * MS, (uint32_t)(t - 20) * MSS);
		send(&p, t * MS, MSS);
	}
	assert_int_equal(rs.interval_us, 20000);
	assert_int_equal(rs.delivered, 20 * MSS);
	assert_int_equal(rs.rtt_us, 20000);
	assert_int_equal(rs.in_flight, 20 * MSS);
	assert_false(rs.app_limited);
	tcp_sent_clear(&p.sent, mem_libc(), 0);
}

/* Acknowledgements that come in a bunch do not make the path faster than it was sent. */
static void test_compressed(void **state)
{
	struct tcp_rate_sample rs = {0};
	struct path p;

	(void)state;
	start(&p, 0);
	for (uint64_t t = 1; t <= 40; t++)
		send(&p, t * MS, MSS);
	for (uint32_t i = 1; i <= 40; i++)
		rs = ack(&p, 60 * MS, i * MSS);
	/* 40 segments left within 39 ms, and no acknowledgement came for 59. */
	assert_int_equal(rs.interval_us, 59000);
	assert_int_equal(rs.delivered, 40 * MSS);
	tcp_sent_clear(&p.sent, mem_libc(), 0);
}

/* After a pause the clock starts anew. */
static void test_idle(void **state)
{
	struct tcp_rate_sample rs;
	struct path p;

	(void)state;
	start(&p, 0);
	send(&p, 1 * MS, MSS);
	(void)ack(&p, 21 * MS, MSS);
	send(&p, 1000 * MS, MSS);
	rs = ack(&p, 1020 * MS, 2 * MSS);
	assert_int_equal(rs.delivered, MSS);
	assert_int_equal(rs.interval_us, 20000);
	tcp_sent_clear(&p.sent, mem_libc(), 0);
}

static void test_app_limited(void **state)
{
	struct tcp_rate_sample rs;
	struct path p;

	(void)state;
	start(&p, 0);
	send(&p, 1 * MS, MSS);
	tcp_rate_app_limited(&p.rate, MSS);
	send(&p, 2 * MS, MSS);
	rs = ack(&p, 21 * MS, MSS);
	assert_false(rs.app_limited);
	rs = ack(&p, 22 * MS, 2 * MSS);
	assert_true(rs.app_limited);
	/* What was in flight then has arrived: a bubble no longer. */
	assert_false(p.rate.app_limited);
	tcp_sent_clear(&p.sent, mem_libc(), 0);
}

/* An interval shorter than the path's round trip is no measurement; nothing new is none either. */
static void test_no_sample(void **state)
{
	struct tcp_rate_sample rs;
	struct path p;

	(void)state;
	start(&p, 0);
	send(&p, 1 * MS, MSS);
	rs = ack(&p, 6 * MS, MSS);
	assert_int_equal(rs.interval_us, 0);
	rs = ack(&p, 7 * MS, MSS);
	assert_int_equal(rs.delivered, 0);
	assert_int_equal(rs.interval_us, 0);
	tcp_sent_clear(&p.sent, mem_libc(), 0);
}

static void test_lost(void **state)
{
	struct tcp_rate_sample rs;
	struct path p;

	(void)state;
	start(&p, 0);
	send(&p, 1 * MS, MSS);
	p.rate.lost += 3 * MSS;
	rs = ack(&p, 31 * MS, MSS);
	assert_int_equal(rs.lost, 3 * MSS);
	tcp_sent_clear(&p.sent, mem_libc(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steady),    cmocka_unit_test(test_compressed),
		cmocka_unit_test(test_idle),      cmocka_unit_test(test_app_limited),
		cmocka_unit_test(test_no_sample), cmocka_unit_test(test_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
