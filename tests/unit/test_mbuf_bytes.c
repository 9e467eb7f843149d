/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Byte functions over chains: every function for every segment size and every place, against the
 * same on a flat buffer.
 */
#include "testutil.h"

#include "base/compiler.h"
#include "base/csum.h"

#include <errno.h>
#include <string.h>

#define LEN 24u

static uint8_t bytes[LEN];

/* All ways to cut LEN bytes into equal segments, and n from 0 to LEN. */
#define FOR_EACH_CUT(seg, n) \
	for (uint32_t seg = 1; seg <= LEN; seg++) \
		for (uint32_t n = 0; n <= LEN; n++)

static void test_pull(void **state)
{
	FOR_EACH_CUT(seg, n)
	{
		MBUF(m, ut_packet_split(*state, bytes, LEN, seg));

		assert_int_equal(mbuf_pull(m, n), 0);
		assert_true(mbuf_view(m).len >= n);
		assert_memory_equal(mbuf_view(m).p, bytes, n);
		ut_assert_bytes(m, bytes, LEN);
		mbuf_done(&m);
	}
}

static void test_pull_refuses(void **state)
{
	struct mbuf_pool *pool = *state;
	MBUF(m, ut_packet_split(pool, bytes, LEN, 5));
	MBUF(full, mbuf_alloc(pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_TEST));

	assert_int_equal(mbuf_pull(m, LEN + 1), -EMSGSIZE);
	ut_assert_bytes(m, bytes, LEN);
	assert_int_equal(m->rte.nb_segs, 5);
	/* Three bytes of room behind 1853: four do not fit, three do. */
	memset(mbuf_append(full, MBUF_SMALL_ROOM - 3), 1, MBUF_SMALL_ROOM - 3);
	assert_int_equal(mbuf_join(full, ut_packet(pool, bytes, 6)), 0);
	assert_int_equal(mbuf_pull(full, MBUF_SMALL_ROOM + 1), -EMSGSIZE);
	assert_int_equal(mbuf_seg_len(full), MBUF_SMALL_ROOM - 3);
	assert_int_equal(mbuf_pull(full, MBUF_SMALL_ROOM), 0);
	assert_int_equal(mbuf_seg_len(full), MBUF_SMALL_ROOM);
	assert_memory_equal(mbuf_data(full) + MBUF_SMALL_ROOM - 3, bytes, 3);
	assert_int_equal(mbuf_len(full), MBUF_SMALL_ROOM + 3);
	mbuf_done(&m);
	mbuf_done(&full);
}

static void test_pull_leaves_shared_bytes(void **state)
{
	struct mbuf_pool *pool = *state;
	MBUF(m, ut_packet_split(pool, bytes, LEN, 8));
	MBUF(s, mbuf_share(pool, m, 0, 4, MBUF_PRIO_CTL));

	/* Behind the first four bytes of the shared buffer lie bytes that m still has. */
	assert_int_equal(mbuf_join(s, ut_packet(pool, "xyz", 3)), 0);
	assert_int_equal(mbuf_pull(s, 4), 0);
	assert_int_equal(mbuf_pull(s, 5), -EMSGSIZE);
	assert_int_equal(mbuf_pull(m, 9), -EMSGSIZE);
	mbuf_done(&s);
	assert_int_equal(mbuf_pull(m, 9), 0);
	ut_assert_bytes(m, bytes, LEN);
	mbuf_done(&m);
}

static void test_trim_head(void **state)
{
	FOR_EACH_CUT(seg, n)
	{
		MBUF(m, ut_packet_split(*state, bytes, LEN, seg));
		struct mbuf *was = m;

		mbuf_trim_head(m, n);
		assert_ptr_equal(m, was);
		ut_assert_bytes(m, bytes + n, LEN - n);
		/* What a parser does next works wherever the cut was. */
		assert_int_equal(mbuf_pull(m, LEN - n), 0);
		assert_memory_equal(mbuf_view(m).p, bytes + n, LEN - n);
		mbuf_done(&m);
	}
}

static void test_trim_head_releases(void **state)
{
	struct mbuf_pool *pool = *state;
	MBUF(m, ut_packet_split(pool, bytes, LEN, 4));

	assert_int_equal(mbuf_pool_avail(pool, MBUF_SMALL), UT_SMALL - 6);
	mbuf_trim_head(m, 12);
	/* First (empty), fourth, fifth, sixth. */
	assert_int_equal(m->rte.nb_segs, 4);
	assert_int_equal(mbuf_pool_avail(pool, MBUF_SMALL), UT_SMALL - 4);
	mbuf_done(&m);
}

static void test_shed_head(void **state)
{
	struct mbuf_pool *pool = *state;

	FOR_EACH_CUT(seg, n)
	{
		MBUF(m, ut_packet_split(pool, bytes, LEN, seg));
		struct mbuf mark = {.rte.nb_segs = 0};

		m->meta.next_pkt = &mark;
		m->meta.cb64[1] = 42;
		m->meta.l3_off = 200;
		m->rte.vlan_tci = 7;
		mbuf_trim_head(m, n);
		mbuf_shed_head(&m);
		ut_assert_bytes(m, bytes + n, LEN - n);
		assert_true(n == LEN || mbuf_seg_len(m) > 0);
		assert_ptr_equal(m->meta.next_pkt, &mark);
		assert_int_equal(m->meta.cb64[1], 42);
		assert_int_equal(m->meta.l3_off, n < seg || n == LEN ? 200 : 0);
		assert_int_equal(m->rte.vlan_tci, 7);
		assert_int_equal(mbuf_holder_of(m), MBUF_TEST);
		mbuf_done(&m);
	}
}

static void test_trim_to(void **state)
{
	struct mbuf_pool *pool = *state;

	FOR_EACH_CUT(seg, n)
	{
		MBUF(m, ut_packet_split(pool, bytes, LEN, seg));
		uint32_t segs = n == 0 ? 1 : (n + seg - 1) / seg;

		mbuf_trim_to(m, n);
		ut_assert_bytes(m, bytes, n);
		assert_int_equal(m->rte.nb_segs, segs);
		assert_int_equal(mbuf_pool_avail(pool, MBUF_SMALL), UT_SMALL - segs);
		mbuf_done(&m);
	}
}

static void test_prepend(void **state)
{
	struct mbuf_pool *pool = *state;

	for (uint32_t n = 0; n <= MBUF_HEADROOM; n++) {
		MBUF(m, ut_packet(pool, bytes, LEN));
		uint8_t *old = mbuf_data(m);

		assert_ptr_equal(mbuf_prepend(m, n), old - n);
		assert_int_equal(mbuf_len(m), LEN + n);
		assert_int_equal(mbuf_seg_len(m), LEN + n);
		assert_null(mbuf_prepend(m, MBUF_HEADROOM - n + 1));
		assert_int_equal(mbuf_len(m), LEN + n);
		mbuf_trim_head(m, n);
		ut_assert_bytes(m, bytes, LEN);
		mbuf_done(&m);
	}
}

static void test_append(void **state)
{
	struct mbuf_pool *pool = *state;
	MBUF(m, ut_packet_split(pool, bytes, LEN, 10));
	uint8_t *p = mbuf_append(m, 3);

	assert_non_null(p);
	memcpy(p, "xyz", 3);
	assert_int_equal(mbuf_len(m), LEN + 3);
	assert_null(mbuf_append(m, MBUF_SMALL_ROOM - 4 - 3 + 1));
	assert_non_null(mbuf_append(m, MBUF_SMALL_ROOM - 4 - 3));
	mbuf_trim_to(m, LEN + 3);
	mbuf_trim_head(m, LEN);
	ut_assert_bytes(m, "xyz", 3);
	mbuf_done(&m);
}

static void test_shared_does_not_grow(void **state)
{
	struct mbuf_pool *pool = *state;
	MBUF(m, ut_packet(pool, bytes, LEN));
	MBUF(s, mbuf_share(pool, m, 4, 8, MBUF_PRIO_CTL));

	assert_false(mbuf_writable(m));
	assert_false(mbuf_writable(s));
	assert_null(mbuf_prepend(m, 1));
	assert_null(mbuf_append(m, 1));
	assert_null(mbuf_prepend(s, 1));
	assert_null(mbuf_append(s, 1));
	/* The owner gone, the one that is left has the buffer for itself. */
	mbuf_done(&m);
	assert_true(mbuf_writable(s));
	assert_non_null(mbuf_prepend(s, 1));
	assert_non_null(mbuf_append(s, 1));
	mbuf_trim_head(s, 1);
	mbuf_trim_to(s, 8);
	ut_assert_bytes(s, bytes + 4, 8);
	mbuf_done(&s);
}

static void test_copy_out(void **state)
{
	for (uint32_t seg = 1; seg <= LEN; seg++) {
		MBUF(m, ut_packet_split(*state, bytes, LEN, seg));

		for (uint32_t off = 0; off <= LEN + 1; off++) {
			for (uint32_t n = 0; n <= LEN + 2; n++) {
				uint32_t want = off > LEN ? 0 : min_u32(n, LEN - off);
				uint8_t out[LEN + 4];

				memset(out, 0xee, sizeof(out));
				assert_int_equal(mbuf_copy_out(m, off, out, n), want);
				assert_memory_equal(out, bytes + min_u32(off, LEN), want);
				assert_int_equal(out[want], 0xee);
			}
		}
		mbuf_done(&m);
	}
}

static void test_csum(void **state)
{
	for (uint32_t seg = 1; seg <= LEN; seg++) {
		MBUF(m, ut_packet_split(*state, bytes, LEN, seg));

		for (uint32_t off = 0; off <= LEN; off++) {
			for (uint32_t n = 0; n <= LEN - off; n++) {
				uint32_t want = csum_partial(bytes + off, n, 0xdeadbeef);
				uint32_t got = mbuf_csum(m, off, n, 0xdeadbeef);

				assert_int_equal(csum_fold(got), csum_fold(want));
			}
		}
		mbuf_done(&m);
	}
}

static void test_csum_long(void **state)
{
	static uint8_t flat[60000];

	ut_fill(flat, sizeof(flat), 5);
	for (uint32_t seg = 997; seg < 1700; seg += 100) {
		MBUF(m, ut_packet_split(*state, flat, sizeof(flat), seg));
		uint32_t want = csum_partial(flat + 33, sizeof(flat) - 33, 0);

		assert_int_equal(csum_fold(mbuf_csum(m, 33, sizeof(flat) - 33, 0)),
				 csum_fold(want));
		mbuf_done(&m);
	}
}

static void test_join(void **state)
{
	struct mbuf_pool *pool = *state;

	for (uint32_t a = 0; a <= LEN; a++) {
		MBUF(m, ut_packet_split(pool, bytes, a, 5));

		assert_int_equal(mbuf_join(m, ut_packet_split(pool, bytes + a, LEN - a, 3)), 0);
		ut_assert_bytes(m, bytes, LEN);
		mbuf_done(&m);
	}
	assert_int_equal(ut_drops(pool, DROP_MBUF_SEGS), 0);
}

static void test_join_limit(void **state)
{
	struct mbuf_pool *pool = *state;
	MBUF(m, ut_packet(pool, "a", 1));

	/* Not that many buffers here: say so in the header. */
	m->rte.nb_segs = UINT16_MAX;
	assert_int_equal(mbuf_join(m, ut_packet(pool, "b", 1)), -EOVERFLOW);
	m->rte.nb_segs = UINT16_MAX - 1;
	assert_int_equal(mbuf_join(m, ut_packet_split(pool, "bc", 2, 1)), -EOVERFLOW);
	assert_int_equal(ut_drops(pool, DROP_MBUF_SEGS), 2);
	m->rte.nb_segs = 1;
	ut_assert_bytes(m, "a", 1);
	mbuf_done(&m);
}

static void test_truesize(void **state)
{
	struct mbuf_pool *pool = *state;
	MBUF(s, ut_packet(pool, bytes, 1));
	MBUF(b, mbuf_alloc(pool, MBUF_BIG, MBUF_PRIO_CTL, MBUF_TEST));
	uint32_t small = mbuf_truesize(s), big = mbuf_truesize(b);
	MBUF(shared, mbuf_share(pool, s, 0, 1, MBUF_PRIO_CTL));

	assert_true(small >= sizeof(struct mbuf) + MBUF_HEADROOM + MBUF_SMALL_ROOM);
	assert_true(big >= sizeof(struct mbuf) + MBUF_HEADROOM + MBUF_BIG_ROOM);
	assert_int_equal(mbuf_truesize(shared), 2 * small);
	assert_int_equal(mbuf_join(b, mbuf_move(&s)), 0);
	assert_int_equal(mbuf_truesize(b), big + small);
	mbuf_done(&shared);
	mbuf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UT_TEST(test_pull),
		UT_TEST(test_pull_refuses),
		UT_TEST(test_pull_leaves_shared_bytes),
		UT_TEST(test_trim_head),
		UT_TEST(test_trim_head_releases),
		UT_TEST(test_shed_head),
		UT_TEST(test_trim_to),
		UT_TEST(test_prepend),
		UT_TEST(test_append),
		UT_TEST(test_shared_does_not_grow),
		UT_TEST(test_copy_out),
		UT_TEST(test_csum),
		UT_TEST(test_csum_long),
		UT_TEST(test_join),
		UT_TEST(test_join_limit),
		UT_TEST(test_truesize),
	};

	ut_fill(bytes, sizeof(bytes), 1);
	return ut_run(tests);
}
