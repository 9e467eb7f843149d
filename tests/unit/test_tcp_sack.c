/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SACK: the scoreboard against a naive model that keeps one state a byte, hostile blocks, lack of
 * memory, and the receiver's block list in the order of RFC 2018 and RFC 2883.
 */
#include "tcp/sack.h"

#include "base/memfail.h"
#include "base/seq.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MSS  100u
#define SPAN 6000u

static uint64_t rng_next(uint64_t *s)
{
	uint64_t z = (*s += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	return z ^ (z >> 31);
}

/* ---- naive model: one flag a byte, everything recomputed ---- */

struct model {
	uint8_t sacked[SPAN];
	uint8_t lost[SPAN];
	uint32_t una, nxt; /* relative */
};

static void model_lost(struct model *m)
{
	for (uint32_t s = m->una; s < m->nxt; s++) {
		unsigned ranges = 0, bytes = 0;

		for (uint32_t t = s + 1; t < m->nxt; t++) {
			bytes += m->sacked[t];
			ranges += (m->sacked[t] && !m->sacked[t - 1]) ? 1u : 0u;
		}
		if (!m->sacked[s] && (ranges >= 3 || bytes > 2 * MSS))
			m->lost[s] = 1;
	}
}

static uint32_t model_pipe(const struct model *m, uint32_t high_rxt)
{
	uint32_t pipe = 0;

	for (uint32_t s = m->una; s < m->nxt; s++)
		if (!m->sacked[s])
			pipe += (m->lost[s] ? 0u : 1u) + (s < high_rxt ? 1u : 0u);
	return pipe;
}

static void compare(const struct sack_board *b, const struct model *m, uint32_t isn)
{
	uint32_t sacked = 0;

	for (uint32_t s = m->una; s < m->nxt; s++) {
		sacked += m->sacked[s];
		assert_int_equal(sack_is_sacked(b, isn + s), m->sacked[s]);
		assert_int_equal(sack_is_lost(b, isn + s), m->lost[s] && !m->sacked[s]);
	}
	assert_int_equal(b->sacked_bytes, sacked);
	assert_int_equal(sack_pipe(b, isn + m->una, isn + m->nxt),
			 model_pipe(m, b->high_rxt - isn));
}

static void random_ack(struct sack_board *b, struct model *m, uint32_t isn, uint64_t *rng)
{
	struct tcp_range blocks[3];
	unsigned n = 1 + (unsigned)(rng_next(rng) % 3);
	uint32_t newly = 0;
	struct sack_news news;

	if (rng_next(rng) % 4 == 0) {
		m->una += (uint32_t)(rng_next(rng) % (m->nxt - m->una + 1)) / 4;
		sack_board_ack(b, isn + m->una);
	}
	for (unsigned i = 0; i < n; i++) {
		uint32_t lo = m->una + 1 + (uint32_t)(rng_next(rng) % (m->nxt - m->una));
		uint32_t hi = lo + (uint32_t)(rng_next(rng) % 250);

		blocks[i] = (struct tcp_range){isn + lo, isn + hi};
		/* The first inside the second would be a D-SACK: another test. */
		if (i == 1 && lo <= blocks[0].seq - isn && hi >= blocks[0].end - isn)
			blocks[i].end = blocks[i].seq;
		for (uint32_t s = lo; blocks[i].end != blocks[i].seq && hi <= m->nxt && s < hi;
		     s++) {
			newly += !m->sacked[s];
			m->sacked[s] = 1;
		}
	}
	news = sack_board_update(b, mem_libc(), isn + m->una, isn + m->nxt, MSS, blocks, n);
	assert_false(news.dsack);
	assert_int_equal(news.newly_bytes, newly);
	model_lost(m);
}

static void test_model(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 150; seed++) {
		static struct model m;
		uint64_t rng = seed;
		uint32_t isn = seed % 2 ? (uint32_t)rng_next(&rng) : UINT32_MAX - 1000;
		struct sack_board b;

		memset(&m, 0, sizeof(m));
		m.nxt = 500 + (uint32_t)(rng_next(&rng) % 1000);
		sack_board_init(&b, isn);
		for (int step = 0; step < 25 && m.una + 2 < m.nxt; step++) {
			struct tcp_range r;

			random_ack(&b, &m, isn, &rng);
			compare(&b, &m, isn);
			if (sack_next_seg(&b, isn + m.una, isn + m.nxt, MSS, MSS, true, &r)) {
				assert_true(seq_lt(r.seq, r.end) && r.end - r.seq <= MSS);
				for (uint32_t s = r.seq - isn; s < r.end - isn; s++)
					assert_true(m.lost[s] && !m.sacked[s]);
				sack_on_rexmit(&b, r);
				assert_int_equal(b.high_rxt, r.end);
				compare(&b, &m, isn);
			}
		}
		sack_board_clear(&b, mem_libc(), isn);
	}
}

/* RFC 6675 4: the holes in order, then what is not yet lost, then one rescue. */
static void test_next_seg(void **state)
{
	struct sack_board b;
	struct tcp_range r;
	const struct tcp_range blocks[] = {{1000, 1300}, {600, 700}};

	(void)state;
	sack_board_init(&b, 100);
	(void)sack_board_update(&b, mem_libc(), 100, 1500, MSS, blocks, 2);
	sack_recovery_start(&b, 100);
	/* 300 bytes above 1000 make everything below lost. */
	for (uint32_t s = 100; s < 600; s += MSS) {
		assert_true(sack_next_seg(&b, 100, 1500, MSS, MSS, true, &r));
		assert_int_equal(r.seq, s);
		assert_int_equal(r.end, s + MSS);
		sack_on_rexmit(&b, r);
	}
	assert_true(sack_next_seg(&b, 100, 1500, MSS, 10000, true, &r));
	assert_int_equal(r.seq, 700);
	assert_int_equal(r.end, 1000);
	sack_on_rexmit(&b, r);
	assert_false(sack_next_seg(&b, 100, 1500, MSS, MSS, true, &r));
	assert_true(sack_next_seg(&b, 100, 1500, MSS, MSS, false, &r));
	assert_int_equal(r.seq, 1400);
	assert_int_equal(r.end, 1500);
	sack_on_rexmit(&b, r);
	assert_int_equal(b.high_rxt, 1000);
	assert_false(sack_next_seg(&b, 100, 1500, MSS, MSS, false, &r));
	sack_board_clear(&b, mem_libc(), 100);
}

/* One small block: nothing is lost yet, rule 3 offers the hole. */
static void test_rule3(void **state)
{
	struct sack_board b;
	struct tcp_range r;
	const struct tcp_range block = {300, 400};

	(void)state;
	sack_board_init(&b, 100);
	(void)sack_board_update(&b, mem_libc(), 100, 500, MSS, &block, 1);
	assert_false(sack_next_seg(&b, 100, 500, MSS, MSS, true, &r));
	assert_true(sack_next_seg(&b, 100, 500, MSS, MSS, false, &r));
	assert_int_equal(r.seq, 100);
	sack_board_clear(&b, mem_libc(), 100);
}

/* Without SACK: a timeout loses everything, which is then sent again in order. */
static void test_lose_to(void **state)
{
	struct sack_board b;
	struct tcp_range r;

	(void)state;
	sack_board_init(&b, 100);
	sack_recovery_start(&b, 100);
	sack_board_lose_to(&b, 450);
	assert_int_equal(sack_pipe(&b, 100, 450), 0);
	for (uint32_t s = 100; s < 450; s += MSS) {
		assert_true(sack_next_seg(&b, 100, 450, MSS, MSS, true, &r));
		assert_int_equal(r.seq, s);
		sack_on_rexmit(&b, r);
	}
	assert_int_equal(sack_pipe(&b, 100, 450), 350);
	assert_false(sack_next_seg(&b, 100, 450, MSS, MSS, true, &r));
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
	struct sack_board b;

	(void)state;
	sack_board_init(&b, 100);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct tcp_range blocks[2] = {{300, 310}, bad[i]};
		struct sack_news n = sack_board_update(&b, mem_libc(), 100, 1000, MSS, blocks, 2);

		assert_int_equal(n.newly_bytes, i == 0 ? 10 : 0);
		assert_int_equal(b.n, 1);
	}
	sack_board_clear(&b, mem_libc(), 100);
}

static void test_dsack(void **state)
{
	struct sack_board b;
	struct tcp_range below[] = {{50, 100}, {300, 400}};
	struct tcp_range inside[] = {{320, 350}, {300, 400}};
	struct sack_news n;

	(void)state;
	sack_board_init(&b, 100);
	n = sack_board_update(&b, mem_libc(), 100, 1000, MSS, below, 2);
	assert_true(n.dsack);
	assert_int_equal(n.dup.seq, 50);
	assert_int_equal(n.newly_bytes, 100);
	n = sack_board_update(&b, mem_libc(), 100, 1000, MSS, inside, 2);
	assert_true(n.dsack);
	assert_int_equal(n.dup.end, 350);
	assert_int_equal(n.newly_bytes, 0);
	sack_board_clear(&b, mem_libc(), 100);
}

/* A thousand one-byte holes: the board stays bounded and stays right for what it holds. */
static void test_many_holes(void **state)
{
	struct memfail mf;
	struct sack_board b;

	(void)state;
	memfail_init(&mf, mem_libc());
	sack_board_init(&b, 0);
	for (uint32_t i = 0; i < 1000; i++) {
		struct tcp_range r = {1 + 2 * i, 2 + 2 * i};

		(void)sack_board_update(&b, &mf.mem, 0, 100000, MSS, &r, 1);
		assert_true(b.n <= SACK_BOARD_MAX);
	}
	assert_int_equal(b.n, SACK_BOARD_MAX);
	assert_int_equal(b.sacked_bytes, SACK_BOARD_MAX);
	/* Filling a hole merges and makes room. */
	(void)sack_board_update(&b, &mf.mem, 0, 100000, MSS, &(struct tcp_range){1, 400}, 1);
	assert_int_equal(b.ranges[0].end, 400);
	sack_board_clear(&b, &mf.mem, 0);
	assert_int_equal(memfail_outstanding(&mf), 0);
}

static void test_no_memory(void **state)
{
	struct memfail mf;
	struct sack_board b;
	struct tcp_range r = {200, 300};

	(void)state;
	memfail_init(&mf, mem_libc());
	memfail_arm(&mf, 1, true);
	sack_board_init(&b, 100);
	assert_int_equal(sack_board_update(&b, &mf.mem, 100, 1000, MSS, &r, 1).newly_bytes, 0);
	assert_int_equal(b.n, 0);
	sack_board_clear(&b, &mf.mem, 100);
}

static void test_renege(void **state)
{
	struct sack_board b;
	struct tcp_range r = {200, 300};

	(void)state;
	sack_board_init(&b, 100);
	(void)sack_board_update(&b, mem_libc(), 100, 1000, MSS, &r, 1);
	assert_false(sack_reneged(&b, 100));
	sack_board_ack(&b, 200);
	assert_true(sack_reneged(&b, 200));
	sack_board_ack(&b, 300);
	assert_false(sack_reneged(&b, 300));
	assert_int_equal(b.sacked_bytes, 0);
	sack_board_clear(&b, mem_libc(), 100);
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
		cmocka_unit_test(test_model),      cmocka_unit_test(test_next_seg),
		cmocka_unit_test(test_rule3),      cmocka_unit_test(test_lose_to),
		cmocka_unit_test(test_hostile),    cmocka_unit_test(test_dsack),
		cmocka_unit_test(test_many_holes), cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_renege),     cmocka_unit_test(test_receiver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
