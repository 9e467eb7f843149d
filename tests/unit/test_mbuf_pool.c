/* SPDX-License-Identifier: BSD-2-Clause */
/* Pools: creation, counts, reserve, fault injection, release, what drivers do behind our back. */
#include "testutil.h"

#include "base/compiler.h"
#include "plat/clock.h"

#include <errno.h>
#include <string.h>

/* Take all that may be taken into the queue; returns how many. */
static uint32_t take_all(struct mbuf_pool *pool, enum mbuf_class cls, enum mbuf_prio prio,
			 struct mbufq *q)
{
	uint32_t n = 0;

	for (;;) {
		mbuf_own o = mbuf_alloc(pool, cls, prio, MBUF_TEST);

		if (o.m == NULL)
			return n;
		mbufq_push(q, o);
		n++;
	}
}

static void test_fresh_buffer(void **state)
{
	struct mbuf_pool *pool = *state;
	const uint32_t room[] = {[MBUF_SMALL] = MBUF_SMALL_ROOM, [MBUF_BIG] = MBUF_BIG_ROOM};

	for (unsigned cls = 0; cls < MBUF_CLASSES; cls++) {
		uint32_t avail = mbuf_pool_avail(pool, (enum mbuf_class)cls);
		MBUF(m, mbuf_alloc(pool, (enum mbuf_class)cls, MBUF_PRIO_BULK, MBUF_RX));

		assert_int_equal(mbuf_pool_avail(pool, (enum mbuf_class)cls), avail - 1);
		assert_false(mbuf_pool_full(pool));
		assert_int_equal(mbuf_len(m), 0);
		assert_int_equal(mbuf_here(m), MBUF_HEADROOM);
		assert_ptr_equal(m->meta.pool, pool);
		assert_int_equal(mbuf_holder_of(m), MBUF_RX);
		assert_non_null(mbuf_append(m, room[cls]));
		assert_null(mbuf_append(m, 1));
		mbuf_done(&m);
		assert_null(m);
		assert_true(mbuf_pool_full(pool));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UT_TEST(test_fresh_buffer),
	};

	(void)take_all;
	return ut_run(tests);
}
