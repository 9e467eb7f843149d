/* SPDX-License-Identifier: BSD-2-Clause */
/* See testutil.h. The one static variable is the pool of the test that runs. */
#include "testutil.h"

#include "base/compiler.h"
#include "plat/clock.h"
#include "plat/eal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DUMP_MAX 20u

static struct {
	struct mbuf_pool *pool;
	unsigned pools;
} ut;

static int create_pool(void)
{
	char name[MBUF_POOL_NAME_MAX + 1];
	struct mbuf_pool_conf conf = {
		.name = name,
		.count = {[MBUF_SMALL] = UT_SMALL, [MBUF_BIG] = UT_BIG},
		.reserve = {[MBUF_SMALL] = UT_RESERVE_SMALL, [MBUF_BIG] = UT_RESERVE_BIG},
	};

	(void)snprintf(name, sizeof(name), "ut-%u", ut.pools++);
	return mbuf_pool_create(&conf, &ut.pool);
}

int ut_begin(void **state)
{
	struct plat_eal_conf conf = {.huge = PLAT_HUGE_NEVER};
	char err[256];

	(void)state;
	if (plat_eal_init(&conf, err, sizeof(err)) < 0) {
		print_error("%s\n", err);
		return -1;
	}
	return create_pool();
}

int ut_end(void **state)
{
	(void)state;
	return mbuf_pool_destroy(ut.pool) == 0 ? 0 : -1;
}

int ut_setup(void **state)
{
	/* A test that leaked has failed; the others shall not fail because of it. */
	if (!mbuf_pool_full(ut.pool) && create_pool() < 0)
		return -1;
	memset(&ut.pool->stats, 0, sizeof(ut.pool->stats));
	mbuf_pool_fail(ut.pool, -1, false);
	mbuf_pool_tick(ut.pool, UT_TICK_MS * PLAT_NS_PER_MS);
	*state = ut.pool;
	return 0;
}

static void print_buffer(void *ctx, const char *text)
{
	(void)ctx;
	print_error("  not back: %s\n", text);
}

int ut_teardown(void **state)
{
	int r = 0;

	(void)state;
	if (!mbuf_pool_full(ut.pool)) {
		mbuf_pool_dump(ut.pool, DUMP_MAX, print_buffer, NULL);
		r = -1;
	}
	if (ut_drops(ut.pool, DROP_UNSPEC) != 0) {
		print_error("  packets dropped without a reason: %" PRIu64 "\n",
			    ut_drops(ut.pool, DROP_UNSPEC));
		r = -1;
	}
	return r;
}

void ut_fill(void *buf, size_t len, uint32_t seed)
{
	uint8_t *p = buf;
	uint64_t x = seed + UINT64_C(0x9e3779b97f4a7c15);

	for (size_t i = 0; i < len; i++) {
		x ^= x << 13; /* xorshift64 */
		x ^= x >> 7;
		x ^= x << 17;
		p[i] = (uint8_t)(x >> 32);
	}
}

mbuf_own ut_packet(struct mbuf_pool *pool, const void *bytes, uint32_t len)
{
	enum mbuf_class cls = len > MBUF_SMALL_ROOM ? MBUF_BIG : MBUF_SMALL;
	MBUF(m, mbuf_alloc(pool, cls, MBUF_PRIO_CTL, MBUF_TEST));

	assert_non_null(m);
	assert_int_equal(mbuf_append_bytes(m, bytes, len, MBUF_PRIO_CTL), 0);
	return mbuf_move(&m);
}

mbuf_own ut_packet_split(struct mbuf_pool *pool, const void *bytes, uint32_t len, uint32_t seg)
{
	const uint8_t *p = bytes;
	uint32_t off = min_u32(seg, len);
	MBUF(m, ut_packet(pool, p, off));

	for (; off < len; off += min_u32(seg, len - off))
		assert_int_equal(mbuf_join(m, ut_packet(pool, p + off, min_u32(seg, len - off))),
				 0);
	return mbuf_move(&m);
}

void ut_assert_bytes(const struct mbuf *m, const void *bytes, uint32_t len)
{
	uint32_t sum = 0;
	unsigned segs = 0;
	uint8_t *copy = malloc(len + 1);

	assert_non_null(copy);
	for (const struct mbuf *seg = m; seg != NULL; seg = mbuf_seg_next(seg)) {
		sum += mbuf_seg_len(seg);
		segs++;
		/* What the audit and drivers rely on. */
		assert_true(seg == m || seg->rte.nb_segs == 1);
	}
	assert_int_equal(segs, m->rte.nb_segs);
	assert_int_equal(sum, mbuf_len(m));
	assert_int_equal(mbuf_len(m), len);
	/* One more is asked for than there may be. */
	assert_int_equal(mbuf_copy_out(m, 0, copy, len + 1), len);
	assert_memory_equal(copy, bytes, len);
	free(copy);
}

uint64_t ut_drops(const struct mbuf_pool *pool, enum drop_reason why)
{
	struct mbuf_pool_stats st;

	mbuf_pool_stats(pool, &st);
	return st.drops[why];
}
