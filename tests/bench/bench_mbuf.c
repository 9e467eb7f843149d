/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the packet buffer costs: cycles per operation, the best of several runs. "warm" uses the
 * same few buffers again and again, "queue of 8192" as many as a loaded stack holds, so that cache
 * and TLB misses count. Usage: bench_mbuf [huge]; with huge it wants huge pages.
 */
#include "base/compiler.h"
#include "mbuf/mbuf.h"
#include "plat/clock.h"
#include "plat/eal.h"

#include <stdio.h>
#include <string.h>

#define RUNS   15u
#define LOOPS  20000u
#define BURST  64u
#define QUEUED 8192u
#define POOL   16384u

struct bench {
	struct mbuf_pool *pool;
	struct mbuf *m; /* a packet to work on */
	uint8_t bytes[65536];
};

struct row {
	const char *name;
	void (*fn)(struct bench *b);
	uint32_t bytes; /* per operation, 0: not about bytes */
};

static void alloc_done_small(struct bench *b)
{
	MBUF(m, mbuf_alloc(b->pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_RX));

	mbuf_done(&m);
}

static void alloc_done_big(struct bench *b)
{
	MBUF(m, mbuf_alloc(b->pool, MBUF_BIG, MBUF_PRIO_BULK, MBUF_RX));

	mbuf_done(&m);
}

static void alloc_burst(struct bench *b)
{
	struct mbuf *m[BURST];

	for (unsigned i = 0; i < BURST; i++)
		m[i] = mbuf_alloc(b->pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_RX).m;
	for (unsigned i = 0; i < BURST; i++)
		mbuf_done(&m[i]);
}

static void mempool_burst(struct bench *b)
{
	struct rte_mbuf *m[BURST];

	if (rte_pktmbuf_alloc_bulk(b->pool->mp[MBUF_SMALL], m, BURST) == 0)
		for (unsigned i = 0; i < BURST; i++)
			rte_pktmbuf_free(m[i]);
}

static void share_done(struct bench *b)
{
	MBUF(m, mbuf_share(b->pool, b->m, 100, 1000, MBUF_PRIO_BULK));

	mbuf_done(&m);
}

static void mark(struct bench *b)
{
	mbuf_mark(b->m, MBUF_TX);
	__asm__ volatile("" ::: "memory");
}

static void prepend_trim(struct bench *b)
{
	(void)mbuf_prepend(b->m, 20);
	mbuf_trim_head(b->m, 20);
}

static void pull(struct bench *b)
{
	if (mbuf_pull(b->m, 54) < 0)
		b->m = NULL;
	__asm__ volatile("" ::: "memory");
}

static void copy_out(struct bench *b)
{
	(void)mbuf_copy_out(b->m, 0, b->bytes, 1448);
}

static void append_small(struct bench *b)
{
	MBUF(m, mbuf_alloc(b->pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_TX));

	if (mbuf_append_bytes(m, b->bytes, 1448, MBUF_PRIO_BULK) == 0)
		mbuf_done(&m);
}

static void append_big(struct bench *b)
{
	MBUF(m, mbuf_alloc(b->pool, MBUF_BIG, MBUF_PRIO_BULK, MBUF_TX));

	if (mbuf_append_bytes(m, b->bytes, sizeof(b->bytes), MBUF_PRIO_BULK) == 0)
		mbuf_done(&m);
}

static void csum(struct bench *b)
{
	b->m->meta.cb32[0] = mbuf_csum(b->m, 0, 1448, 0);
}

static void run(struct bench *b, const struct row *r, double hz, unsigned per_call)
{
	uint64_t best = UINT64_MAX;
	double cycles;

	for (unsigned k = 0; k < RUNS; k++) {
		uint64_t t = plat_cycles();

		for (unsigned i = 0; i < LOOPS / per_call; i++)
			r->fn(b);
		best = min_u64(best, plat_cycles() - t);
	}
	cycles = (double)best / (LOOPS / per_call) / per_call;
	if (r->bytes != 0)
		printf("%-34s %8.1f cycles %7.2f ns %7.1f cycles/KB\n", r->name, cycles,
		       cycles / hz * 1e9, cycles * 1024 / r->bytes);
	else
		printf("%-34s %8.1f cycles %7.2f ns\n", r->name, cycles, cycles / hz * 1e9);
}

/* Give the pool's buffers a random order, as after hours of traffic. */
static void shuffle_pool(struct mbuf_pool *pool)
{
	static struct mbuf *m[POOL + 1];
	uint32_t n = 0, x = 1;

	while ((m[n] = mbuf_alloc(pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_TEST).m) != NULL)
		n++;
	for (uint32_t i = 0; i < n; i++) {
		struct mbuf *t = m[i];
		uint32_t k;

		x = x * 1664525u + 1013904223u;
		k = (uint32_t)((uint64_t)x * n >> 32);
		m[i] = m[k];
		m[k] = t;
	}
	while (n > 0)
		mbuf_done(&m[--n]);
}

/* Take one, put it behind QUEUED others, give the first of these back: touch its first line. */
static void run_queue(struct bench *b, double hz)
{
	uint64_t best = UINT64_MAX;
	struct mbufq q;

	mbufq_init(&q, MBUF_RX);
	for (unsigned i = 0; i < QUEUED; i++)
		mbufq_push(&q, mbuf_alloc(b->pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_RX));
	for (unsigned k = 0; k < RUNS; k++) {
		uint64_t t = plat_cycles();

		for (unsigned i = 0; i < LOOPS; i++) {
			MBUF(m, mbufq_pop(&q));

			mbuf_done(&m);
			m = mbuf_alloc(b->pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_RX).m;
			memset(mbuf_append(m, 64), 0, 64);
			mbufq_push(&q, mbuf_move(&m));
		}
		best = min_u64(best, plat_cycles() - t);
	}
	printf("%-34s %8.1f cycles %7.2f ns\n", "queue of 8192: pop, done, alloc, push",
	       (double)best / LOOPS, (double)best / LOOPS / hz * 1e9);
	mbufq_purge(&q, DROP_STACK_FINI);
}

static const struct row rows[] = {
	{"alloc + done, small", alloc_done_small, 0},
	{"alloc + done, big", alloc_done_big, 0},
	{"share + done", share_done, 0},
	{"mark", mark, 0},
	{"prepend + trim_head 20", prepend_trim, 0},
	{"pull 54, there already", pull, 0},
	{"copy_out 1448", copy_out, 1448},
	{"csum 1448", csum, 1448},
	{"alloc + append 1448 + done", append_small, 1448},
	{"alloc + append 65536 + done", append_big, 65536},
};

static const struct row burst_rows[] = {
	{"alloc 64 + done 64, per buffer", alloc_burst, 0},
	{"the same through rte_pktmbuf_*", mempool_burst, 0},
};

int main(int argc, char **argv)
{
	static struct bench b;
	struct plat_eal_conf conf = {.huge = argc > 1 && strcmp(argv[1], "huge") == 0
						     ? PLAT_HUGE_ALWAYS
						     : PLAT_HUGE_NEVER};
	struct mbuf_pool_conf pool = {.name = "bench", .count = {POOL, 512}, .reserve = {64, 8}};
	char err[256];
	double hz;

	if (plat_eal_init(&conf, err, sizeof(err)) < 0) {
		(void)fprintf(stderr, "bench_mbuf: %s\n", err);
		return 1;
	}
	if (mbuf_pool_create(&pool, &b.pool) < 0) {
		(void)fprintf(stderr, "bench_mbuf: no memory for the pool\n");
		return 1;
	}
	hz = (double)plat_cycles_hz();
	b.m = mbuf_alloc(b.pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_TEST).m;
	(void)mbuf_append(b.m, 1448);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		run(&b, &rows[i], hz, 1);
	for (size_t i = 0; i < ARRAY_LEN(burst_rows); i++)
		run(&b, &burst_rows[i], hz, BURST);
	shuffle_pool(b.pool);
	run_queue(&b, hz);
	mbuf_done(&b.m);
	return mbuf_pool_destroy(b.pool) == 0 ? 0 : 1;
}
