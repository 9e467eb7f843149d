/* SPDX-License-Identifier: BSD-2-Clause */
/* The failing allocator fails where it was told, and its books are right. */
#include "base/memfail.h"

#include "test_base_util.h"

static void test_counts(void **state)
{
	struct memfail mf;
	void *a, *b;

	(void)state;
	memfail_init(&mf, mem_libc());
	a = mem_alloc(memfail_mem(&mf), 100);
	b = mem_zalloc_aligned(memfail_mem(&mf), 50, 256);
	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal(memfail_outstanding(&mf), 2);
	assert_int_equal(mf.live_bytes, 150);
	mem_free(memfail_mem(&mf), a, 100);
	mem_free(memfail_mem(&mf), NULL, 0);
	assert_int_equal(memfail_outstanding(&mf), 1);
	assert_int_equal(mf.live_bytes, 50);
	mem_free(memfail_mem(&mf), b, 50);
	assert_int_equal(memfail_outstanding(&mf), 0);
	assert_int_equal(mf.calls, 2);
	assert_false(memfail_hit(&mf));
}

/* Bit i of the result: the i-th of eight allocations failed. */
static unsigned failures(struct memfail *mf)
{
	void *p[8];
	unsigned failed = 0;

	for (unsigned i = 0; i < 8; i++) {
		p[i] = mem_alloc(memfail_mem(mf), 16);
		failed |= p[i] == NULL ? 1u << i : 0;
	}
	for (unsigned i = 0; i < 8; i++)
		mem_free(memfail_mem(mf), p[i], 16);
	assert_int_equal(memfail_outstanding(mf), 0);
	return failed;
}

static void test_nth_fails(void **state)
{
	struct memfail mf;

	(void)state;
	memfail_init(&mf, mem_libc());
	assert_int_equal(failures(&mf), 0);
	for (unsigned n = 1; n <= 8; n++) {
		memfail_arm(&mf, n, false);
		assert_int_equal(failures(&mf), 1u << (n - 1));
		memfail_arm(&mf, n, true);
		assert_int_equal(failures(&mf), 0xff & (0xffu << (n - 1)));
	}
	assert_true(memfail_hit(&mf));
	memfail_arm(&mf, 0, true);
	assert_int_equal(failures(&mf), 0);
	memfail_arm(&mf, 9, false);
	assert_int_equal(failures(&mf), 0);
	assert_int_equal(failures(&mf), 1);
}

/* A failure below is passed on and does not enter the books. */
static void test_failure_below(void **state)
{
	struct memfail below, mf;

	(void)state;
	memfail_init(&below, mem_libc());
	memfail_init(&mf, memfail_mem(&below));
	memfail_arm(&below, 1, false);
	assert_null(mem_alloc(memfail_mem(&mf), 8));
	assert_int_equal(memfail_outstanding(&mf), 0);
	assert_false(memfail_hit(&mf));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_nth_fails),
		cmocka_unit_test(test_failure_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
