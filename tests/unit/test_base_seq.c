/* SPDX-License-Identifier: BSD-2-Clause */
/* Sequence arithmetic around the wrap, against 64-bit numbers that do not wrap. */
#include "base/seq.h"

#include "base/compiler.h"
#include "test_base_util.h"

static const uint32_t bases[] = {0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
static const uint32_t steps[] = {0, 1, 2, 1000, 65535, 0x7ffffffe, 0x7fffffff};

static void test_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
		for (size_t j = 0; j < ARRAY_LEN(steps); j++) {
			uint32_t a = bases[i], b = a + steps[j];
			bool equal = steps[j] == 0;

			assert_int_equal(seq_lt(a, b), !equal);
			assert_int_equal(seq_gt(b, a), !equal);
			assert_int_equal(seq_lt(b, a), 0);
			assert_int_equal(seq_gt(a, b), 0);
			assert_true(seq_leq(a, b) && seq_geq(b, a));
			assert_int_equal(seq_leq(b, a), equal);
			assert_int_equal(seq_geq(a, b), equal);
			assert_int_equal(seq_diff(b, a), (int32_t)steps[j]);
			assert_int_equal(seq_diff(a, b), -(int32_t)steps[j]);
			assert_int_equal(seq_max(a, b), b);
			assert_int_equal(seq_max(b, a), b);
			assert_int_equal(seq_min(a, b), a);
			assert_int_equal(seq_min(b, a), a);
		}
	}
}

static void test_between(void **state)
{
	struct prng r = {31};

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		uint64_t lo = prng_u32(&r), len = prng_u32(&r) >> prng_below(&r, 32);
		uint64_t a = lo + (prng_u32(&r) >> prng_below(&r, 32));

		assert_int_equal(seq_between((uint32_t)a, (uint32_t)lo, (uint32_t)(lo + len)),
				 a < lo + len);
	}
	assert_false(seq_between(5, 5, 5));
	assert_true(seq_between(5, 5, 6));
	assert_false(seq_between(6, 5, 6));
	assert_true(seq_between(0, 0xffffffff, 1));
	assert_false(seq_between(0xfffffffe, 0xffffffff, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
