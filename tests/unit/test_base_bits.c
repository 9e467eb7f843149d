/* SPDX-License-Identifier: BSD-2-Clause */
/* Bit positions, powers of two, alignment, minimum and maximum, at the ends of their ranges. */
#include "base/bits.h"

#include "base/compiler.h"
#include "test_base_util.h"

static void test_every_position(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		uint64_t bit = UINT64_C(1) << i;

		assert_int_equal(ilog2_u64(bit), i);
		assert_int_equal(ilog2_u64(bit | (bit - 1)), i);
		assert_int_equal(first_bit_u64(bit), i);
		assert_int_equal(first_bit_u64(UINT64_MAX << i), i);
		assert_int_equal(count_bits_u64(bit | (bit - 1)), i + 1);
		assert_true(is_pow2(bit));
		assert_int_equal(is_pow2(bit | 1), i == 0);
		assert_true(round_up_pow2(bit) == bit);
		if (i > 1)
			assert_true(round_up_pow2(bit - 1) == bit);
		if (i > 0 && i < 63)
			assert_true(round_up_pow2(bit + 1) == bit * 2);
		if (i < 32)
			assert_int_equal(ilog2_u32((uint32_t)bit), i);
	}
	assert_false(is_pow2(0));
	assert_true(round_up_pow2(0) == 1);
}

static void test_alignment(void **state)
{
	(void)state;
	for (size_t align = 1; align <= 4096; align *= 2) {
		for (size_t v = 0; v < 10000; v += 37) {
			size_t up = align_up(v, align), down = align_down(v, align);

			assert_true(up % align == 0 && up >= v && up - v < align);
			assert_true(down % align == 0 && down <= v && v - down < align);
		}
	}
	assert_int_equal(div_round_up(0, 5), 0);
	assert_int_equal(div_round_up(10, 5), 2);
	assert_int_equal(div_round_up(11, 5), 3);
	assert_true(div_round_up(UINT64_MAX, 2) == UINT64_C(1) << 63);
}

static void test_rotation(void **state)
{
	(void)state;
	assert_int_equal(rotl32(0x80000001, 0), 0x80000001);
	assert_int_equal(rotl32(0x80000001, 1), 3);
	assert_int_equal(rotl32(1, 31), 0x80000000);
	assert_true(rotl64(UINT64_C(1) << 63 | 1, 4) == 0x18);
	assert_true(rotl64(5, 64) == 5);
}

static void test_min_max(void **state)
{
	(void)state;
	assert_int_equal(min_u32(1, UINT32_MAX), 1);
	assert_true(max_u64(1, UINT64_MAX) == UINT64_MAX);
	assert_int_equal(min_int(-1, 1), -1);
	assert_int_equal(max_i32(INT32_MIN, -1), -1);
	assert_true(min_i64(INT64_MIN, 0) == INT64_MIN);
	assert_int_equal(max_u16(3, 4), 4);
	assert_int_equal(min_size(3, 4), 3);
	assert_int_equal(max_uint(3, 4), 4);
	assert_int_equal(clamp_int(5, -1, 3), 3);
	assert_int_equal(clamp_int(-5, -1, 3), -1);
	assert_int_equal(clamp_u64(2, 1, 3), 2);
}

struct outer {
	char before[7];
	long member;
};

static void test_container_of(void **state)
{
	struct outer o = {.member = 1};
	const long *c = &o.member;

	(void)state;
	assert_ptr_equal(CONTAINER_OF(&o.member, struct outer, member), &o);
	assert_ptr_equal(CONTAINER_OF_CONST(c, struct outer, member), &o);
	assert_int_equal(ARRAY_LEN(o.before), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_position), cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_rotation),       cmocka_unit_test(test_min_max),
		cmocka_unit_test(test_container_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
