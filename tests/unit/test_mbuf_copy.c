/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared and copied packets and appended bytes: every range, every boundary, every failure. */
#include "testutil.h"

#include "base/compiler.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LEN    20u
#define LONG   66000u
#define IP_AT  14u
#define TCP_AT 34u

typedef mbuf_own second_fn(struct mbuf_pool *pool, struct mbuf *m, uint32_t off, uint32_t len,
			   enum mbuf_prio prio);

static mbuf_own do_copy(struct mbuf_pool *pool, struct mbuf *m, uint32_t off, uint32_t len,
			enum mbuf_prio prio)
{
	return mbuf_copy(pool, m, off, len, prio);
}

static second_fn *const second_fns[] = {mbuf_share, do_copy};

/* ---- bytes ---- */

static void check_range(struct mbuf_pool *pool, second_fn *fn, struct mbuf *m, const uint8_t *bytes,
			uint32_t off, uint32_t len)
{
	uint32_t total = mbuf_len(m);
	MBUF(s, fn(pool, m, off, len, MBUF_PRIO_CTL));

	assert_non_null(s);
	ut_assert_bytes(s, bytes + off, len);
	ut_assert_bytes(m, bytes, total);
	assert_int_equal(s->meta.mark, m->meta.mark);
	mbuf_done(&s);
	assert_true(mbuf_writable(m));
}

static void test_every_range(void **state)
{
	struct mbuf_pool *pool = *state;
	uint8_t bytes[LEN];

	ut_fill(bytes, sizeof(bytes), 3);
	for (size_t f = 0; f < ARRAY_LEN(second_fns); f++) {
		for (uint32_t seg = 1; seg <= LEN; seg++) {
			MBUF(m, ut_packet_split(pool, bytes, LEN, seg));

			for (uint32_t off = 0; off <= LEN; off++)
				for (uint32_t len = 0; len <= LEN - off; len++)
					check_range(pool, second_fns[f], m, bytes, off, len);
			mbuf_done(&m);
		}
	}
}

static void test_either_goes_first(void **state)
{
	struct mbuf_pool *pool = *state;
	uint8_t bytes[LEN];

	ut_fill(bytes, sizeof(bytes), 4);
	for (unsigned owner_first = 0; owner_first < 2; owner_first++) {
		MBUF(m, ut_packet_split(pool, bytes, LEN, 7));
		MBUF(s, mbuf_share(pool, m, 2, 15, MBUF_PRIO_CTL));
		/* A share of a share looks at the same buffers. */
		MBUF(t, mbuf_share(pool, s, 3, 9, MBUF_PRIO_CTL));

		assert_ptr_equal(mbuf_data(t), mbuf_data(m) + 5);
		if (owner_first)
			mbuf_done(&m);
		mbuf_done(&s);
		ut_assert_bytes(t, bytes + 5, 9);
		mbuf_done(&t);
		if (!owner_first)
			ut_assert_bytes(m, bytes, LEN);
		mbuf_done(&m);
		assert_true(mbuf_pool_full(pool));
	}
}

static void test_share_reuses_no_stale_state(void **state)
{
	struct mbuf_pool *pool = *state;
	uint8_t bytes[LEN] = {0};
	MBUF(m, ut_packet(pool, bytes, LEN));
	MBUF(s, mbuf_share(pool, m, 0, LEN, MBUF_PRIO_CTL));

	mbuf_done(&s);
	mbuf_done(&m);
	/* The buffer that was indirect comes first out of the pool and is its own again. */
	for (unsigned i = 0; i < 2; i++) {
		MBUF(again, mbuf_alloc(pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_TEST));

		assert_true(RTE_MBUF_DIRECT(&again->rte));
		assert_ptr_equal(again->rte.buf_addr, again + 1);
		assert_int_equal(mbuf_here(again), MBUF_HEADROOM);
		mbuf_done(&again);
	}
}

static void test_header_before_share(void **state)
{
	struct mbuf_pool *pool = *state;
	uint8_t bytes[LEN], want[LEN + 4];
	MBUF(h, mbuf_alloc(pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_TX));

	ut_fill(bytes, sizeof(bytes), 9);
	MBUF(m, ut_packet(pool, bytes, LEN));
	assert_int_equal(mbuf_join(h, mbuf_share(pool, m, 0, LEN, MBUF_PRIO_CTL)), 0);
	memcpy(mbuf_prepend(h, 4), "head", 4);
	memcpy(want, "head", 4);
	memcpy(want + 4, bytes, LEN);
	ut_assert_bytes(h, want, sizeof(want));
	ut_assert_bytes(m, bytes, LEN);
	mbuf_done(&h);
	mbuf_done(&m);
}

/* ---- meta ---- */

/* A frame of 14 + 20 + 20 + 46 bytes as a port delivers it. */
static mbuf_own make_frame(struct mbuf_pool *pool)
{
	uint8_t bytes[100];

	ut_fill(bytes, sizeof(bytes), 6);
	MBUF(m, ut_packet(pool, bytes, sizeof(bytes)));
	m->meta.l2_off = mbuf_here(m);
	m->meta.l3_off = (uint16_t)(mbuf_here(m) + IP_AT);
	m->meta.l4_off = (uint16_t)(mbuf_here(m) + TCP_AT);
	m->meta.csum = MBUF_CSUM_PARTIAL;
	m->meta.csum_field = 16;
	m->meta.gso_size = 1448;
	m->meta.gso_type = MBUF_GSO_TCP6;
	m->meta.gso_ecn = 1;
	m->meta.l2_flags = MBUF_L2_MULTICAST;
	m->meta.cb64[0] = 1;
	m->meta.next_pkt = m;
	return mbuf_move(&m);
}

static void check_header(const struct mbuf *s, uint16_t at, const struct mbuf *m, uint16_t was,
			 bool kept)
{
	if (!kept)
		assert_int_equal(at, 0);
	else
		assert_int_equal(*mbuf_at(s, at), *mbuf_at(m, was));
}

static void test_meta(void **state)
{
	struct mbuf_pool *pool = *state;
	static const struct {
		uint32_t trim, off, len;
		bool l2, l3, l4, offload;
	} rows[] = {
		{0, 0, 100, true, true, true, true},
		{0, 14, 86, false, true, true, true},
		{0, 34, 66, false, false, true, true},
		{0, 35, 65, false, false, false, false},
		{0, 0, 99, true, true, true, false},
		{0, 0, 34, true, true, false, false},
		{0, 0, 14, true, false, false, false},
		{0, 0, 0, false, false, false, false},
		{0, 100, 0, false, false, false, false},
		{14, 0, 86, false, true, true, true},
		{14, 20, 66, false, false, true, true},
		/* The whole of what is left, though its headers are gone. */
		{54, 0, 46, false, false, false, true},
	};

	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		MBUF(m, make_frame(pool));
		size_t k = i / 2;

		mbuf_trim_head(m, rows[k].trim);
		MBUF(s, second_fns[i % 2](pool, m, rows[k].off, rows[k].len, MBUF_PRIO_CTL));
		check_header(s, s->meta.l2_off, m, m->meta.l2_off, rows[k].l2);
		check_header(s, s->meta.l3_off, m, m->meta.l3_off, rows[k].l3);
		check_header(s, s->meta.l4_off, m, m->meta.l4_off, rows[k].l4);
		assert_int_equal(s->meta.csum, rows[k].offload ? MBUF_CSUM_PARTIAL : 0);
		assert_int_equal(s->meta.csum_field, rows[k].offload ? 16 : 0);
		assert_int_equal(s->meta.gso_size, rows[k].offload ? 1448 : 0);
		assert_int_equal(s->meta.gso_type, rows[k].offload ? MBUF_GSO_TCP6 : 0);
		assert_int_equal(s->meta.gso_ecn, rows[k].offload);
		assert_int_equal(s->meta.l2_flags, MBUF_L2_MULTICAST);
		assert_null(s->meta.next_pkt);
		assert_int_equal(s->meta.cb64[0], 0);
		mbuf_done(&s);
		mbuf_done(&m);
	}
}

/* ---- sizes ---- */

static const uint32_t sizes[] = {
	0,
	1,
	MBUF_SMALL_ROOM - 1,
	MBUF_SMALL_ROOM,
	MBUF_SMALL_ROOM + 1,
	MBUF_BIG_ROOM - 1,
	MBUF_BIG_ROOM,
	MBUF_BIG_ROOM + 1,
	MBUF_BIG_ROOM + MBUF_SMALL_ROOM,
	MBUF_BIG_ROOM + MBUF_SMALL_ROOM + 1,
	4 * MBUF_BIG_ROOM,
	65535,
	LONG - 1,
};

static void test_copy_sizes(void **state)
{
	struct mbuf_pool *pool = *state;
	uint8_t *bytes = malloc(LONG);

	assert_non_null(bytes);
	ut_fill(bytes, LONG, 7);
	MBUF(m, ut_packet_split(pool, bytes, LONG, 1500));
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		MBUF(s, mbuf_copy(pool, m, 1, sizes[i], MBUF_PRIO_CTL));

		ut_assert_bytes(s, bytes + 1, sizes[i]);
		assert_int_equal(UT_BIG - mbuf_pool_avail(pool, MBUF_BIG),
				 (sizes[i] + MBUF_BIG_ROOM - MBUF_SMALL_ROOM - 1) / MBUF_BIG_ROOM);
		mbuf_done(&s);
	}
	mbuf_done(&m);
	free(bytes);
}

static void test_append_sizes(void **state)
{
	struct mbuf_pool *pool = *state;
	uint8_t *bytes = malloc(2 * LONG);

	assert_non_null(bytes);
	ut_fill(bytes, 2 * LONG, 8);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
			MBUF(m, mbuf_alloc(pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_TEST));

			assert_int_equal(mbuf_append_bytes(m, bytes, sizes[i], MBUF_PRIO_BULK), 0);
			assert_int_equal(
				mbuf_append_bytes(m, bytes + sizes[i], sizes[k], MBUF_PRIO_BULK),
				0);
			ut_assert_bytes(m, bytes, sizes[i] + sizes[k]);
			mbuf_done(&m);
		}
	}
	free(bytes);
}

static void test_append_leaves_shared_bytes(void **state)
{
	struct mbuf_pool *pool = *state;
	MBUF(m, ut_packet(pool, "abcdef", 6));
	MBUF(s, mbuf_share(pool, m, 0, 3, MBUF_PRIO_CTL));

	assert_int_equal(mbuf_append_bytes(s, "xyz", 3, MBUF_PRIO_CTL), 0);
	assert_int_equal(mbuf_append_bytes(m, "gh", 2, MBUF_PRIO_CTL), 0);
	ut_assert_bytes(s, "abcxyz", 6);
	ut_assert_bytes(m, "abcdefgh", 8);
	mbuf_done(&m);
	ut_assert_bytes(s, "abcxyz", 6);
	mbuf_done(&s);
}

static void test_append_segment_limit(void **state)
{
	struct mbuf_pool *pool = *state;
	uint8_t *bytes = calloc(1, LONG);
	MBUF(m, ut_packet(pool, "a", 1));

	assert_non_null(bytes);
	m->rte.nb_segs = UINT16_MAX - 3;
	assert_int_equal(mbuf_append_bytes(m, bytes, LONG, MBUF_PRIO_CTL), -EOVERFLOW);
	m->rte.nb_segs = 1;
	ut_assert_bytes(m, "a", 1);
	assert_int_equal(mbuf_pool_avail(pool, MBUF_SMALL), UT_SMALL - 1);
	assert_int_equal(mbuf_pool_avail(pool, MBUF_BIG), UT_BIG);
	mbuf_done(&m);
	free(bytes);
}

/* ---- out of buffers ---- */

static void test_big_falls_back_to_small(void **state)
{
	struct mbuf_pool *pool = *state;
	uint8_t *bytes = malloc(LONG);
	struct mbufq q;

	assert_non_null(bytes);
	ut_fill(bytes, LONG, 9);
	mbufq_init(&q, MBUF_TEST);
	for (unsigned i = 0; i < UT_BIG; i++)
		mbufq_push(&q, mbuf_alloc(pool, MBUF_BIG, MBUF_PRIO_CTL, MBUF_TEST));
	MBUF(m, mbuf_alloc(pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_TEST));
	assert_int_equal(mbuf_append_bytes(m, bytes, LONG, MBUF_PRIO_BULK), 0);
	ut_assert_bytes(m, bytes, LONG);
	mbuf_done(&m);
	mbufq_purge(&q, DROP_STACK_FINI);
	free(bytes);
}

/* With the nth allocation failing, and with all from the nth: works, or is refused and nothing has
 * changed. Returns whether any failed. */
static bool fail_nth(struct mbuf_pool *pool, struct mbuf *m, unsigned what, int64_t n,
		     bool for_good)
{
	uint32_t small = mbuf_pool_avail(pool, MBUF_SMALL), big = mbuf_pool_avail(pool, MBUF_BIG);
	uint32_t len = mbuf_len(m);
	bool hit, refused;

	mbuf_pool_fail(pool, n, for_good);
	if (what == 2) {
		uint8_t more[2 * MBUF_BIG_ROOM] = {0};
		int r = mbuf_append_bytes(m, more, sizeof(more), MBUF_PRIO_BULK);

		refused = r < 0;
		assert_true(r == 0 || r == -ENOBUFS);
		assert_int_equal(mbuf_len(m), refused ? len : len + sizeof(more));
		mbuf_trim_to(m, len);
	} else {
		MBUF(s, second_fns[what](pool, m, 0, len, MBUF_PRIO_BULK));

		refused = s == NULL;
		mbuf_done(&s);
	}
	hit = pool->fail_in < 0 || (for_good && pool->fail_in == 0);
	assert_true(!refused || hit);
	assert_true(refused || !hit || !for_good || n > 0);
	mbuf_pool_fail(pool, -1, false);
	assert_int_equal(mbuf_pool_avail(pool, MBUF_SMALL), small);
	assert_int_equal(mbuf_pool_avail(pool, MBUF_BIG), big);
	return hit;
}

static void test_every_allocation_fails(void **state)
{
	struct mbuf_pool *pool = *state;
	uint8_t *bytes = malloc(LONG);

	assert_non_null(bytes);
	ut_fill(bytes, LONG, 10);
	for (unsigned what = 0; what < 6; what++) {
		MBUF(m, ut_packet_split(pool, bytes, LONG, 9000));
		int64_t n = 0;

		while (fail_nth(pool, m, what % 3, n, what >= 3))
			n++;
		assert_true(n > 1);
		ut_assert_bytes(m, bytes, LONG);
		assert_true(mbuf_writable(m));
		mbuf_done(&m);
	}
	free(bytes);
}

static void test_bulk_leaves_reserve(void **state)
{
	struct mbuf_pool *pool = *state;
	struct mbufq q;

	mbufq_init(&q, MBUF_TEST);
	MBUF(m, ut_packet(pool, "a", 1));
	while (mbuf_pool_avail(pool, MBUF_SMALL) > UT_RESERVE_SMALL)
		mbufq_push(&q, mbuf_alloc(pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_TEST));
	assert_null(mbuf_share(pool, m, 0, 1, MBUF_PRIO_BULK).m);
	assert_null(mbuf_copy(pool, m, 0, 1, MBUF_PRIO_BULK).m);
	MBUF(s, mbuf_share(pool, m, 0, 1, MBUF_PRIO_CTL));
	MBUF(c, mbuf_copy(pool, m, 0, 1, MBUF_PRIO_CTL));
	assert_non_null(s);
	assert_non_null(c);
	mbuf_done(&s);
	mbuf_done(&c);
	mbuf_done(&m);
	mbufq_purge(&q, DROP_STACK_FINI);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UT_TEST(test_every_range),
		UT_TEST(test_either_goes_first),
		UT_TEST(test_share_reuses_no_stale_state),
		UT_TEST(test_header_before_share),
		UT_TEST(test_meta),
		UT_TEST(test_copy_sizes),
		UT_TEST(test_append_sizes),
		UT_TEST(test_append_leaves_shared_bytes),
		UT_TEST(test_append_segment_limit),
		UT_TEST(test_big_falls_back_to_small),
		UT_TEST(test_every_allocation_fails),
		UT_TEST(test_bulk_leaves_reserve),
	};

	return ut_run(tests);
}
