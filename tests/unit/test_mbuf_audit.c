/* SPDX-License-Identifier: BSD-2-Clause */
/* The audit names the holder of every buffer: chains, shares, drivers, what was forgotten. */
#include "testutil.h"

#include "base/compiler.h"
#include "plat/clock.h"

#include <stdio.h>
#include <string.h>

static const uint8_t bytes[64];

/* The numbers of buffers expected, by holder; everything else is 0. */
struct expect {
	enum mbuf_class cls;
	enum mbuf_holder holder;
	uint32_t n;
};

static void check_audit(struct mbuf_pool *pool, const struct expect *rows, size_t n)
{
	struct mbuf_audit a;
	uint32_t held[MBUF_CLASSES] = {0, 0};

	mbuf_pool_audit(pool, &a);
	assert_int_equal(a.unaccounted, 0);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(a.held[rows[i].cls][rows[i].holder], rows[i].n);
		held[rows[i].cls] += rows[i].n;
	}
	assert_int_equal(a.size[MBUF_SMALL], UT_SMALL);
	assert_int_equal(a.size[MBUF_BIG], UT_BIG);
	assert_int_equal(a.avail[MBUF_SMALL], UT_SMALL - held[MBUF_SMALL]);
	assert_int_equal(a.avail[MBUF_BIG], UT_BIG - held[MBUF_BIG]);
}

#define CHECK_AUDIT(pool, ...) \
	check_audit(pool, (const struct expect[]){__VA_ARGS__}, \
		    ARRAY_LEN(((const struct expect[]){__VA_ARGS__})))

static void test_each_holder(void **state)
{
	struct mbuf_pool *pool = *state;

	for (unsigned h = 1; h < MBUF_HOLDER_COUNT; h++) {
		MBUF(s, mbuf_alloc(pool, MBUF_SMALL, MBUF_PRIO_CTL, (enum mbuf_holder)h));
		MBUF(b, mbuf_alloc(pool, MBUF_BIG, MBUF_PRIO_CTL, (enum mbuf_holder)h));

		CHECK_AUDIT(pool, {MBUF_SMALL, (enum mbuf_holder)h, 1},
			    {MBUF_BIG, (enum mbuf_holder)h, 1});
		mbuf_done(&s);
		mbuf_done(&b);
	}
	CHECK_AUDIT(pool, {MBUF_SMALL, MBUF_TEST, 0});
}

static void test_segments_follow_their_packet(void **state)
{
	struct mbuf_pool *pool = *state;
	struct mbufq q;

	mbufq_init(&q, MBUF_TCP_RCV);
	MBUF(m, ut_packet_split(pool, bytes, sizeof(bytes), 10));
	CHECK_AUDIT(pool, {MBUF_SMALL, MBUF_TEST, 7});
	assert_int_equal(mbuf_join(m, mbuf_alloc(pool, MBUF_BIG, MBUF_PRIO_CTL, MBUF_APP)), 0);
	mbufq_push(&q, mbuf_move(&m));
	/* Only the first segment's mark was written at the hand-over. */
	CHECK_AUDIT(pool, {MBUF_SMALL, MBUF_TCP_RCV, 7}, {MBUF_BIG, MBUF_TCP_RCV, 1});
	/* A segment that becomes a packet of its own has a mark that means something. */
	(void)mbufq_consume(&q, 25);
	CHECK_AUDIT(pool, {MBUF_SMALL, MBUF_TCP_RCV, 5}, {MBUF_BIG, MBUF_TCP_RCV, 1});
	mbufq_purge(&q, DROP_SOCK_CLOSED);
}

static void test_shares(void **state)
{
	struct mbuf_pool *pool = *state;
	MBUF(m, ut_packet_split(pool, bytes, 30, 10));
	MBUF(s, mbuf_share(pool, m, 0, 30, MBUF_PRIO_CTL));
	MBUF(t, mbuf_share(pool, m, 0, 10, MBUF_PRIO_CTL));

	mbuf_mark(m, MBUF_TCP_SND);
	mbuf_mark_all(s, MBUF_DRIVER);
	mbuf_mark(t, MBUF_WIRE);
	CHECK_AUDIT(pool, {MBUF_SMALL, MBUF_TCP_SND, 3}, {MBUF_SMALL, MBUF_DRIVER, 3},
		    {MBUF_SMALL, MBUF_WIRE, 1});
	/* The owner lets go: two of its buffers are the driver's alone, one has two holders and
	 * counts for one of them. */
	mbuf_done(&m);
	{
		struct mbuf_audit a;

		mbuf_pool_audit(pool, &a);
		assert_int_equal(a.unaccounted, 0);
		assert_int_equal(a.held[MBUF_SMALL][MBUF_DRIVER] + a.held[MBUF_SMALL][MBUF_WIRE],
				 7);
		assert_true(a.held[MBUF_SMALL][MBUF_DRIVER] >= 5);
	}
	mbuf_done(&t);
	CHECK_AUDIT(pool, {MBUF_SMALL, MBUF_DRIVER, 6});
	/* It goes on: its holder is asked anew each time. */
	mbuf_mark_all(s, MBUF_TXQ);
	CHECK_AUDIT(pool, {MBUF_SMALL, MBUF_TXQ, 6});
	mbuf_done(&s);
	CHECK_AUDIT(pool, {MBUF_SMALL, MBUF_TEST, 0});
}

static void test_driver_frees_segment_by_segment(void **state)
{
	struct mbuf_pool *pool = *state;
	MBUF(m, ut_packet_split(pool, bytes, 30, 10));
	struct rte_mbuf *second = m->rte.next, *third = second->next;

	mbuf_mark_all(m, MBUF_DRIVER);
	rte_pktmbuf_free_seg(&mbuf_move(&m).m->rte);
	CHECK_AUDIT(pool, {MBUF_SMALL, MBUF_DRIVER, 2});
	rte_pktmbuf_free_seg(third);
	CHECK_AUDIT(pool, {MBUF_SMALL, MBUF_DRIVER, 1});
	rte_pktmbuf_free_seg(second);
}

static void test_driver_takes_stale_buffers(void **state)
{
	struct mbuf_pool *pool = *state;
	struct rte_mbuf *r;
	MBUF(m, mbuf_alloc(pool, MBUF_BIG, MBUF_PRIO_CTL, MBUF_TCP_SND));

	mbuf_mark(m, MBUF_TCP_OOO);
	rte_pktmbuf_free(&mbuf_move(&m).m->rte); /* by a driver: the mark stays */
	CHECK_AUDIT(pool, {MBUF_BIG, MBUF_TCP_OOO, 0});
	r = rte_pktmbuf_alloc(pool->mp[MBUF_BIG]);
	assert_non_null(r);
	CHECK_AUDIT(pool, {MBUF_BIG, MBUF_DRIVER, 1});
	rte_pktmbuf_free(r);
}

static void test_age(void **state)
{
	struct mbuf_pool *pool = *state;
	struct mbuf_audit a;

	mbuf_pool_tick(pool, 5000 * PLAT_NS_PER_MS);
	MBUF(old, mbuf_alloc(pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_REASS));
	mbuf_pool_tick(pool, 5700 * PLAT_NS_PER_MS);
	MBUF(young, mbuf_alloc(pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_REASS));
	mbuf_pool_tick(pool, 6000 * PLAT_NS_PER_MS);
	mbuf_pool_audit(pool, &a);
	assert_int_equal(a.oldest_ms[MBUF_REASS], 1000);
	assert_int_equal(a.oldest_ms[MBUF_RX], 0);
	mbuf_done(&old);
	mbuf_pool_audit(pool, &a);
	assert_int_equal(a.oldest_ms[MBUF_REASS], 300);
	mbuf_done(&young);
}

static void test_damage_is_unaccounted(void **state)
{
	struct mbuf_pool *pool = *state;
	struct mbuf_audit a;
	MBUF(m, mbuf_alloc(pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_TEST));
	MBUF(n, mbuf_alloc(pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_TEST));

	m->meta.mark = MBUF_HOLDER_COUNT;
	n->meta.mark = MBUF_FREE;
	mbuf_pool_audit(pool, &a);
	assert_int_equal(a.unaccounted, 2);
	assert_int_equal(a.held[MBUF_SMALL][MBUF_TEST], 0);
	mbuf_done(&m);
	mbuf_done(&n);
}

/* ---- dump ---- */

struct lines {
	unsigned n;
	char text[8][200];
};

static void add_line(void *ctx, const char *text)
{
	struct lines *l = ctx;

	assert_true(l->n < ARRAY_LEN(l->text));
	(void)snprintf(l->text[l->n++], sizeof(l->text[0]), "%s", text);
}

static void test_dump(void **state)
{
	struct mbuf_pool *pool = *state;
	struct lines l = {0};
	char want[64];
	unsigned line;

	mbuf_pool_dump(pool, 8, add_line, &l);
	assert_int_equal(l.n, 0);
	line = __LINE__ + 1;
	MBUF(m, mbuf_alloc(pool, MBUF_BIG, MBUF_PRIO_CTL, MBUF_NEIGH));
	assert_non_null(mbuf_append(m, 123));
	mbuf_pool_tick(pool, (UT_TICK_MS + 44) * PLAT_NS_PER_MS);
	mbuf_pool_dump(pool, 8, add_line, &l);
	assert_int_equal(l.n, 1);
	assert_ptr_equal(strstr(l.text[0], "big "), l.text[0]);
	assert_non_null(strstr(l.text[0], ": neighbour since 44 ms"));
	assert_non_null(strstr(l.text[0], "bytes 123"));
	(void)snprintf(want, sizeof(want), "at line %u ", line);
	assert_non_null(strstr(l.text[0], want));
	MBUF(s, mbuf_share(pool, m, 0, 9, MBUF_PRIO_CTL));
	mbuf_done(&m);
	l.n = 0;
	mbuf_pool_dump(pool, 8, add_line, &l);
	assert_int_equal(l.n, 2);
	assert_non_null(strstr(l.text[0], "neighbour"));
	assert_non_null(strstr(l.text[0], "shares"));
	assert_non_null(strstr(l.text[1], "nobody (shared)"));
	l.n = 0;
	mbuf_pool_dump(pool, 1, add_line, &l);
	assert_int_equal(l.n, 1);
	mbuf_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UT_TEST(test_each_holder),
		UT_TEST(test_segments_follow_their_packet),
		UT_TEST(test_shares),
		UT_TEST(test_driver_frees_segment_by_segment),
		UT_TEST(test_driver_takes_stale_buffers),
		UT_TEST(test_age),
		UT_TEST(test_damage_is_unaccounted),
		UT_TEST(test_dump),
	};

	return ut_run(tests);
}
