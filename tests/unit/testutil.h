/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What unit tests with packets have in common. The EAL is started once per program, without huge
 * pages; every test gets a pool in *state which is full before it; after it the pool must be full
 * again, no packet may have been dropped without a reason, and otherwise the test fails and the
 * buffers that are missing are printed with their last holder. The next test gets a new pool.
 *
 *	static void test_something(void **state)
 *	{
 *		MBUF(m, ut_packet(*state, "abc", 3));
 *
 *		ut_assert_bytes(m, "abc", 3);
 *		mbuf_done(&m);
 *	}
 *
 *	int main(void)
 *	{
 *		const struct CMUnitTest tests[] = {
 *			UT_TEST(test_something),
 *		};
 *
 *		return ut_run(tests);
 *	}
 *
 * In tests/unit/meson.build: ['folder_file', [folder_dep, ut_dep]].
 */
#ifndef LEAT_TESTS_TESTUTIL_H
#define LEAT_TESTS_TESTUTIL_H

#include "mbuf/mbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The pool of a test: counters zero, tick UT_TICK_MS, no fault injection. */
#define UT_SMALL         1024u
#define UT_BIG           128u
#define UT_RESERVE_SMALL 64u
#define UT_RESERVE_BIG   8u
#define UT_TICK_MS       1000u

int ut_begin(void **state);
int ut_end(void **state);
int ut_setup(void **state);
int ut_teardown(void **state);

#define UT_TEST(fn)   cmocka_unit_test_setup_teardown(fn, ut_setup, ut_teardown)
#define ut_run(tests) cmocka_run_group_tests(tests, ut_begin, ut_end)

/* len bytes that look random and depend on seed only. */
void ut_fill(void *buf, size_t len, uint32_t seed);

/* A packet with these bytes in as few segments as possible, held by MBUF_TEST. */
mbuf_own ut_packet(struct mbuf_pool *pool, const void *bytes, uint32_t len);

/* The same in segments of seg bytes each (the last may be shorter). */
mbuf_own ut_packet_split(struct mbuf_pool *pool, const void *bytes, uint32_t len, uint32_t seg);

/* The packet is sound (segment count, lengths) and has exactly these bytes. */
void ut_assert_bytes(const struct mbuf *m, const void *bytes, uint32_t len);

/* DROP_x of the pool, to be compared with what the test expects. */
uint64_t ut_drops(const struct mbuf_pool *pool, enum drop_reason why);

#endif
