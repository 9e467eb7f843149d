/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The records of what is in flight: against a naive model with one state for each byte, with and
 * without memory; joining, cutting, bounds, order of time, and what an acknowledgement delivers.
 */
#include "tcp/sent.h"

#include "base/memfail.h"
#include "base/seq.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SPAN 20000u
#define MS   UINT64_C(1000000)

static const struct tcp_tx_stamp no_stamp;

static uint64_t rng_next(uint64_t *s)
{
	uint64_t z = (*s += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	return z ^ (z >> 31);
}

static uint32_t rng_below(uint64_t *s, uint32_t n)
{
	return (uint32_t)(rng_next(s) % n);
}

static struct tcp_range range(uint32_t lo, uint32_t hi)
{
	return (struct tcp_range){lo, hi};
}

static struct tcp_delivery delivery(uint64_t now_ns)
{
	return (struct tcp_delivery){.now_ns = now_ns, .echo_ns = UINT64_MAX};
}

/* ---- what must always hold ---- */

static unsigned check(const struct tcp_sent *s, uint32_t una, uint32_t nxt)
{
	uint32_t sacked = 0, lost = 0, at = una;
	unsigned flying = 0, listed = 0;
	uint64_t last_ns = 0;

	for (unsigned k = 0; k < s->n; k++) {
		const struct tcp_tx *tx = &s->tx[s->order[(s->head + k) & (s->cap - 1u)]];

		assert_int_equal(tx->seq, at);
		assert_true(seq_lt(tx->seq, tx->end));
		at = tx->end;
		sacked += tx->state == TCP_TX_SACKED ? tx->end - tx->seq : 0;
		lost += tx->state == TCP_TX_LOST ? tx->end - tx->seq : 0;
		flying += tx->state == TCP_TX_FLIGHT;
		if (tx->state == TCP_TX_LOST)
			assert_true(seq_geq(tx->seq, s->lost_from));
	}
	assert_int_equal(at, nxt);
	assert_int_equal(s->sacked_bytes, sacked);
	assert_int_equal(s->lost_bytes, lost);
	for (uint16_t i = s->oldest; i != TCP_SENT_NIL; i = s->tx[i].next) {
		assert_int_equal(s->tx[i].state, TCP_TX_FLIGHT);
		assert_true(s->tx[i].sent_ns >= last_ns);
		last_ns = s->tx[i].sent_ns;
		listed++;
	}
	assert_int_equal(listed, flying);
	assert_true(s->n <= TCP_SENT_MAX);
	return s->n;
}

/* ---- model: a state, a time and a count for each byte ---- */

struct model {
	uint8_t st[SPAN];
	uint8_t rexmits[SPAN];
	uint64_t ns[SPAN];
	uint32_t una, nxt;
	uint64_t now;
};

static void compare(const struct tcp_sent *s, const struct model *m, uint32_t isn)
{
	check(s, isn + m->una, isn + m->nxt);
	for (uint32_t b = m->una; b < m->nxt; b++) {
		const struct tcp_tx *tx = tcp_sent_find(s, isn + b);

		assert_non_null(tx);
		assert_int_equal(tx->state, m->st[b]);
		/* What is SACKED is joined: when it was sent is forgotten. */
		if (tx->state == TCP_TX_SACKED)
			continue;
		assert_int_equal(tx->rexmits, m->rexmits[b]);
		assert_int_equal(tx->sent_ns, m->ns[b]);
	}
	assert_null(tcp_sent_find(s, isn + m->nxt));
}

static void step_push(struct tcp_sent *s, struct model *m, uint32_t isn, uint64_t *rng)
{
	uint32_t len = 1 + rng_below(rng, 300);

	if (m->nxt + len >= SPAN)
		return;
	tcp_sent_push(s, mem_libc(), range(isn + m->nxt, isn + m->nxt + len), m->now, &no_stamp);
	for (uint32_t b = m->nxt; b < m->nxt + len; b++)
		m->ns[b] = m->now;
	m->nxt += len;
}

static void step_ack(struct tcp_sent *s, struct model *m, uint32_t isn, uint64_t *rng)
{
	uint32_t una = m->una + rng_below(rng, (m->nxt - m->una) / 3 + 2), fresh = 0;
	struct tcp_delivery d = delivery(m->now);

	una = una > m->nxt ? m->nxt : una;
	for (uint32_t b = m->una; b < una; b++)
		fresh += m->st[b] != TCP_TX_SACKED;
	m->una = una;
	tcp_sent_ack(s, mem_libc(), isn + una, &d);
	assert_int_equal(d.acked_bytes, fresh);
}

static struct tcp_range some_range(const struct model *m, uint64_t *rng)
{
	uint32_t lo = m->una + rng_below(rng, m->nxt - m->una);
	uint32_t hi = lo + 1 + rng_below(rng, 400);

	return range(lo, hi > m->nxt ? m->nxt : hi);
}

static void step_sack(struct tcp_sent *s, struct model *m, uint32_t isn, uint64_t *rng)
{
	struct tcp_range r = some_range(m, rng);
	struct tcp_delivery d = delivery(m->now);
	uint32_t fresh = 0, unlost = 0;

	for (uint32_t b = r.seq; b < r.end; b++) {
		fresh += m->st[b] != TCP_TX_SACKED;
		unlost += m->st[b] == TCP_TX_LOST;
		m->st[b] = TCP_TX_SACKED;
	}
	tcp_sent_sack(s, mem_libc(), range(isn + r.seq, isn + r.end), &d);
	assert_int_equal(d.sacked_bytes, fresh);
	assert_int_equal(d.unlost_bytes, unlost);
}

static void step_lose(struct tcp_sent *s, struct model *m, uint32_t isn, uint64_t *rng)
{
	struct tcp_range r = some_range(m, rng);
	uint32_t fresh = 0;

	for (uint32_t b = r.seq; b < r.end; b++) {
		fresh += m->st[b] == TCP_TX_FLIGHT;
		if (m->st[b] == TCP_TX_FLIGHT)
			m->st[b] = TCP_TX_LOST;
	}
	assert_int_equal(tcp_sent_lose(s, mem_libc(), range(isn + r.seq, isn + r.end)), fresh);
}

static void step_again(struct tcp_sent *s, struct model *m, uint32_t isn, uint64_t *rng)
{
	uint32_t max = 1 + rng_below(rng, 500), lo = m->una;
	struct tcp_range r;

	while (lo < m->nxt && m->st[lo] != TCP_TX_LOST)
		lo++;
	if (!tcp_sent_next_lost(s, max, &r)) {
		assert_int_equal(lo, m->nxt);
		return;
	}
	assert_int_equal(r.seq - isn, lo);
	assert_true(r.end != r.seq && r.end - r.seq <= max);
	tcp_sent_again(s, mem_libc(), r, m->now, &no_stamp);
	for (uint32_t b = lo; b < r.end - isn; b++) {
		assert_int_equal(m->st[b], TCP_TX_LOST);
		m->st[b] = TCP_TX_FLIGHT;
		m->ns[b] = m->now;
		m->rexmits[b]++;
	}
}

static void test_model(void **state)
{
	static struct model m;

	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		uint64_t rng = seed;
		uint32_t isn = seed % 2 ? (uint32_t)rng_next(&rng) : UINT32_MAX - 1000;
		struct tcp_sent s;

		memset(&m, 0, sizeof(m));
		tcp_sent_init(&s, isn);
		for (int step = 0; step < 150; step++) {
			m.now += rng_below(&rng, 3) * MS;
			step_push(&s, &m, isn, &rng);
			if (m.una == m.nxt)
				continue;
			switch (rng_below(&rng, 5)) {
			case 0:
				step_ack(&s, &m, isn, &rng);
				break;
			case 1:
				step_sack(&s, &m, isn, &rng);
				break;
			case 2:
				step_lose(&s, &m, isn, &rng);
				break;
			default:
				step_again(&s, &m, isn, &rng);
			}
			compare(&s, &m, isn);
		}
		tcp_sent_unlose(&s);
		assert_int_equal(s.lost_bytes, 0);
		check(&s, isn + m.una, isn + m.nxt);
		tcp_sent_renege(&s);
		assert_int_equal(s.sacked_bytes, 0);
		check(&s, isn + m.una, isn + m.nxt);
		tcp_sent_clear(&s, mem_libc(), isn);
	}
}

/* Whatever allocations fail: the records stay whole, and what is lost can be sent until none is. */
static void test_no_memory(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		uint64_t rng = seed;
		struct memfail mf;
		struct tcp_sent s;
		uint32_t nxt = 0, una = 0;

		memfail_init(&mf, mem_libc());
		memfail_arm(&mf, 1 + rng_below(&rng, 3), true);
		tcp_sent_init(&s, 0);
		for (unsigned i = 0; i < 60; i++) {
			struct tcp_delivery d = delivery(i * MS);
			struct tcp_range r;

			tcp_sent_push(&s, &mf.mem, range(nxt, nxt + 1000), i * MS, &no_stamp);
			nxt += 1000;
			r.seq = una + rng_below(&rng, nxt - una);
			r.end = r.seq + 1 + rng_below(&rng, nxt - r.seq);
			if (i % 3 == 0)
				tcp_sent_sack(&s, &mf.mem, r, &d);
			else if (i % 3 == 1)
				tcp_sent_lose(&s, &mf.mem, r);
			check(&s, una, nxt);
			for (unsigned k = 0; tcp_sent_next_lost(&s, 100, &r); k++) {
				tcp_sent_again(&s, &mf.mem, r, i * MS, &no_stamp);
				assert_true(k < 1000);
			}
			check(&s, una, nxt);
			una += rng_below(&rng, nxt - una);
			tcp_sent_ack(&s, &mf.mem, una, &d);
			check(&s, una, nxt);
		}
		tcp_sent_clear(&s, &mf.mem, nxt);
		assert_int_equal(memfail_outstanding(&mf), 0);
	}
}

/* A round is one record, also a superpacket's; another time or another knowledge is another. */
static void test_joins(void **state)
{
	struct tcp_tx_stamp later = {.delivered = 5};
	struct tcp_sent s;

	(void)state;
	tcp_sent_init(&s, 0);
	tcp_sent_push(&s, mem_libc(), range(0, 60000), MS, &no_stamp);
	tcp_sent_push(&s, mem_libc(), range(60000, 61000), MS, &no_stamp);
	assert_int_equal(check(&s, 0, 61000), 1);
	tcp_sent_push(&s, mem_libc(), range(61000, 62000), MS, &later);
	tcp_sent_push(&s, mem_libc(), range(62000, 63000), 2 * MS, &later);
	assert_int_equal(check(&s, 0, 63000), 3);
	/* Cut to pieces and sent again in one go: one record. */
	tcp_sent_lose(&s, mem_libc(), range(0, 60000));
	for (uint32_t b = 0; b < 60000; b += 1000)
		tcp_sent_again(&s, mem_libc(), range(b, b + 1000), 3 * MS, &later);
	assert_int_equal(check(&s, 0, 63000), 4);
	tcp_sent_clear(&s, mem_libc(), 0);
}

/* Every other byte of a window SACKed by a hostile peer: bounded, and right for what it holds. */
static void test_many_holes(void **state)
{
	struct memfail mf;
	struct tcp_sent s;
	struct tcp_delivery d = delivery(MS);

	(void)state;
	memfail_init(&mf, mem_libc());
	tcp_sent_init(&s, 0);
	tcp_sent_push(&s, &mf.mem, range(0, 100000), 0, &no_stamp);
	for (uint32_t b = 1; b < 20000; b += 2)
		tcp_sent_sack(&s, &mf.mem, range(b, b + 1), &d);
	assert_int_equal(check(&s, 0, 100000), TCP_SENT_MAX);
	assert_int_equal(s.sacked_bytes, d.sacked_bytes);
	/* Filling the holes makes room again. */
	tcp_sent_sack(&s, &mf.mem, range(1, 20000), &d);
	assert_true(check(&s, 0, 100000) <= 3);
	tcp_sent_ack(&s, &mf.mem, 100000, &d);
	assert_int_equal(memfail_outstanding(&mf), 0);
	tcp_sent_clear(&s, &mf.mem, 0);
}

/* RFC 8985 6.2: the newest that arrived; copies that an early acknowledgement cannot be for. */
static void test_newest(void **state)
{
	struct tcp_delivery d = delivery(100 * MS);
	struct tcp_sent s;

	(void)state;
	tcp_sent_init(&s, 0);
	for (uint32_t i = 0; i < 4; i++)
		tcp_sent_push(&s, mem_libc(), range(i * 100, i * 100 + 100), i * MS, &no_stamp);
	tcp_sent_lose(&s, mem_libc(), range(0, 200));
	tcp_sent_again(&s, mem_libc(), range(0, 100), 95 * MS, &no_stamp);
	tcp_sent_again(&s, mem_libc(), range(100, 200), 95 * MS, &no_stamp);
	/* Faster than the path can be: of the first copy. */
	d.min_rtt_ns = 10 * MS;
	tcp_sent_sack(&s, mem_libc(), range(100, 200), &d);
	assert_false(d.any);
	assert_false(d.original);
	/* The echo is older than the copy. */
	d.min_rtt_ns = 1 * MS;
	d.echo_ns = 50 * MS;
	tcp_sent_ack(&s, mem_libc(), 50, &d);
	assert_false(d.any);
	d.echo_ns = 96 * MS;
	tcp_sent_ack(&s, mem_libc(), 100, &d);
	assert_true(d.any);
	assert_int_equal(d.newest.sent_ns, 95 * MS);
	assert_int_equal(d.newest.end, 100);
	assert_int_equal(d.acked_bytes, 100);
	assert_int_equal(d.sacked_bytes, 100);
	assert_false(d.reordered);
	tcp_sent_clear(&s, mem_libc(), 0);
}

/* Below what has arrived already, and sent once only: the network changed the order. */
static void test_reordered(void **state)
{
	struct tcp_delivery d = delivery(10 * MS);
	struct tcp_sent s;

	(void)state;
	tcp_sent_init(&s, 0);
	tcp_sent_push(&s, mem_libc(), range(0, 1000), 0, &no_stamp);
	tcp_sent_sack(&s, mem_libc(), range(300, 400), &d);
	tcp_sent_sack(&s, mem_libc(), range(500, 600), &d);
	assert_false(d.reordered);
	tcp_sent_lose(&s, mem_libc(), range(0, 100));
	tcp_sent_again(&s, mem_libc(), range(0, 100), 5 * MS, &no_stamp);
	tcp_sent_ack(&s, mem_libc(), 100, &d);
	assert_false(d.reordered);
	tcp_sent_sack(&s, mem_libc(), range(200, 250), &d);
	assert_true(d.reordered);
	tcp_sent_clear(&s, mem_libc(), 0);
}

static void test_renege(void **state)
{
	struct tcp_delivery d = delivery(MS);
	struct tcp_sent s;

	(void)state;
	tcp_sent_init(&s, 100);
	tcp_sent_push(&s, mem_libc(), range(100, 1000), 0, &no_stamp);
	tcp_sent_sack(&s, mem_libc(), range(200, 300), &d);
	assert_false(tcp_sent_reneged(&s));
	tcp_sent_ack(&s, mem_libc(), 200, &d);
	assert_true(tcp_sent_reneged(&s));
	tcp_sent_ack(&s, mem_libc(), 300, &d);
	assert_false(tcp_sent_reneged(&s));
	assert_int_equal(s.sacked_bytes, 0);
	tcp_sent_clear(&s, mem_libc(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),  cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_joins),  cmocka_unit_test(test_many_holes),
		cmocka_unit_test(test_newest), cmocka_unit_test(test_reordered),
		cmocka_unit_test(test_renege),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
