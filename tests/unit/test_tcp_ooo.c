/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The out-of-order queue against a model that keeps one value a byte: what comes out is, byte for
 * byte, the first copy that was accepted; the books (bytes, memory, runs) are right after each
 * step; every buffer is back.
 */
#include "tcp/ooo.h"

#include "base/seq.h"
#include "fakeport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SPAN 4000u

static struct fakehost host;
static struct slab runs;

static int setup(void **state)
{
	(void)state;
	fakehost_create(&host, &(struct fakehost_conf){.n_ports = 1});
	slab_init(&runs, host.s->env.mem, "ooo", OOO_RUN_BYTES, 4096);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(slab_count(&runs), 0);
	slab_fini(&runs);
	fakehost_destroy(&host);
	return 0;
}

static uint32_t rnd(uint64_t *s, uint32_t n)
{
	uint64_t z = (*s += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	return (uint32_t)((z ^ (z >> 31)) % n);
}

/* Each copy of a byte is different, so that the order of arrival shows. */
static mbuf_own make(uint32_t len, uint8_t fill)
{
	mbuf_own o = mbuf_alloc(host.pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_TEST);
	uint8_t buf[SPAN];

	assert_non_null(o.m);
	memset(buf, fill, len);
	assert_int_equal(mbuf_append_bytes(o.m, buf, len, MBUF_PRIO_BULK), 0);
	return o;
}

static void check_books(const struct ooo *q)
{
	uint32_t bytes = 0, mem = 0, n = 0;
	const struct ooo_run *prev = NULL;

	for (struct rb_node *nd = rb_first(&q->runs); nd; nd = rb_next(nd)) {
		struct ooo_run *r = RB_ENTRY(nd, struct ooo_run, node);
		uint32_t len = 0;

		MBUFQ_FOR_EACH (m, &r->pkts) {
			len += mbuf_len(m);
			mem += mbuf_truesize(m);
		}
		assert_int_equal(len, tcp_range_len(r->range));
		assert_int_equal(r->pkts.bytes, len);
		if (prev)
			assert_true(seq_lt(prev->range.end, r->range.seq));
		prev = r;
		bytes += len;
		n++;
	}
	assert_int_equal(q->bytes, bytes);
	assert_int_equal(q->n_runs, n);
	assert_int_equal(q->mem_bytes, mem);
}

struct model {
	uint8_t val[SPAN]; /* 0: not held */
	uint32_t base;     /* sequence number of val[0] */
	uint32_t nxt;      /* index of RCV.NXT */
};

/* Learn from the queue itself which bytes it took, and require that it changed none it had. */
static void absorb(struct model *m, struct ooo *q, uint32_t off, uint32_t len, uint8_t fill)
{
	static uint8_t now[SPAN];

	memset(now, 0, sizeof(now));
	for (struct rb_node *nd = rb_first(&q->runs); nd; nd = rb_next(nd)) {
		struct ooo_run *r = RB_ENTRY(nd, struct ooo_run, node);
		uint32_t at = r->range.seq - m->base;

		MBUFQ_FOR_EACH (p, &r->pkts) {
			assert_int_equal(mbuf_copy_out(p, 0, now + at, mbuf_len(p)), mbuf_len(p));
			at += mbuf_len(p);
		}
	}
	for (uint32_t i = 0; i < SPAN; i++) {
		if (m->val[i])
			assert_int_equal(now[i], m->val[i]);
		else if (now[i])
			assert_true(i >= off && i < off + len && now[i] == fill);
	}
	memcpy(m->val, now, SPAN);
}

static void take(struct model *m, struct ooo *q)
{
	struct mbufq out;
	uint32_t n, at = m->nxt;

	mbufq_init(&out, MBUF_TCP_RCV);
	n = ooo_take(q, &runs, m->base + m->nxt, &out);
	assert_int_equal(n, out.bytes);
	for (mbuf_own o = mbufq_pop(&out); o.m; o = mbufq_pop(&out)) {
		uint8_t buf[SPAN];
		uint32_t len = mbuf_copy_out(o.m, 0, buf, SPAN);
		struct mbuf *p = o.m;

		assert_memory_equal(buf, &m->val[at], len);
		at += len;
		mbuf_done(&p);
	}
	assert_int_equal(at - m->nxt, n);
	assert_true(m->val[at] == 0 || n == 0);
	memset(m->val, 0, at);
	m->nxt = at;
}

static void run_seed(uint64_t seed)
{
	static struct model m;
	uint64_t rng = seed;
	struct ooo q;

	memset(&m, 0, sizeof(m));
	m.base = seed % 2 ? UINT32_MAX - 1500 : (uint32_t)seed * 7919;
	ooo_init(&q);
	for (unsigned step = 1; step < 200 && m.nxt < SPAN - 700; step++) {
		uint32_t off = m.nxt + 1 + rnd(&rng, 600),
			 len = 1 + rnd(&rng, rnd(&rng, 4) ? 60 : 500);
		uint8_t fill = (uint8_t)(1 + step % 250);
		struct ooo_added a;
		enum ooo_result res;

		if (off + len > SPAN - 1)
			continue;
		res = ooo_add(&q, &runs, make(len, fill), m.base + off, UINT32_MAX, &a);
		check_books(&q);
		assert_true(res == OOO_QUEUED || res == OOO_DUP);
		assert_true(seq_leq(a.block.seq, m.base + off));
		if (res == OOO_DUP)
			assert_true(seq_geq(a.block.end, m.base + off + len));
		if (a.dup.seq != a.dup.end)
			assert_true(m.val[a.dup.seq - m.base] != 0);
		absorb(&m, &q, off, len, fill);
		if (rnd(&rng, 5) == 0) {
			/* What was missing comes in order: RCV.NXT moves. */
			uint32_t step_bytes = 1 + rnd(&rng, 300);

			memset(m.val + m.nxt, 0, step_bytes);
			m.nxt += step_bytes;
			take(&m, &q);
			check_books(&q);
		}
	}
	ooo_purge(&q, &runs, DROP_TCP_ABORT);
	assert_true(ooo_empty(&q));
	assert_int_equal(q.bytes, 0);
	assert_int_equal(q.mem_bytes, 0);
}

static void test_model(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++)
		run_seed(seed);
}

/* The memory limit: the far end goes first, and what was given up is told. */
static void test_limit(void **state)
{
	struct ooo_added a;
	uint32_t one;
	struct ooo q;

	(void)state;
	ooo_init(&q);
	assert_int_equal(ooo_add(&q, &runs, make(100, 1), 9000, UINT32_MAX, &a), OOO_QUEUED);
	one = q.mem_bytes;
	assert_int_equal(ooo_add(&q, &runs, make(100, 2), 7000, 3 * one, &a), OOO_QUEUED);
	assert_int_equal(ooo_add(&q, &runs, make(100, 3), 5000, 3 * one, &a), OOO_QUEUED);
	assert_int_equal(a.lost.seq, a.lost.end);
	/* Full: a nearer segment pushes the farthest out. */
	assert_int_equal(ooo_add(&q, &runs, make(100, 4), 3000, 3 * one, &a), OOO_QUEUED);
	assert_int_equal(a.lost.seq, 9000);
	assert_int_equal(a.lost.end, 9100);
	/* A farther one is refused. */
	assert_int_equal(ooo_add(&q, &runs, make(100, 5), 9500, 3 * one, &a), OOO_FULL);
	assert_int_equal(q.n_runs, 3);
	check_books(&q);
	ooo_purge(&q, &runs, DROP_TCP_ABORT);
}

/* CVE-2018-5390: single bytes, every other one, then each gap filled: bounded buffers, all merged.
 */
static void test_single_bytes(void **state)
{
	struct ooo_added a;
	struct ooo q;

	(void)state;
	ooo_init(&q);
	for (uint32_t i = 0; i < 1000; i++)
		(void)ooo_add(&q, &runs, make(1, 1), 100 + 2 * i,
			      100 * (MBUF_SMALL_ROOM + MBUF_HEADROOM), &a);
	assert_true(q.mem_bytes <= 100 * (MBUF_SMALL_ROOM + MBUF_HEADROOM));
	assert_true(q.n_runs <= 100);
	check_books(&q);
	ooo_purge(&q, &runs, DROP_TCP_ABORT);
	/* In a row they share buffers. */
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(ooo_add(&q, &runs, make(1, 1), 100 + i, UINT32_MAX, &a),
				 OOO_QUEUED);
	assert_int_equal(q.n_runs, 1);
	assert_int_equal(q.bytes, 1000);
	assert_true(q.mem_bytes <= 2 * (MBUF_SMALL_ROOM + MBUF_HEADROOM) + 512);
	check_books(&q);
	ooo_purge(&q, &runs, DROP_TCP_ABORT);
}

static void test_no_memory(void **state)
{
	struct ooo_added a;
	struct ooo q;

	(void)state;
	ooo_init(&q);
	memfail_arm(&host.mem, 1, true);
	assert_int_equal(ooo_add(&q, &runs, make(10, 1), 100, UINT32_MAX, &a), OOO_FULL);
	assert_true(ooo_empty(&q));
	memfail_arm(&host.mem, 0, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* First: the slab keeps memory that it once had. */
		cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_model, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_single_bytes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
