/* SPDX-License-Identifier: BSD-2-Clause */
/* Wire integers: bytes in their order at every alignment, wrapper types, views. */
#include "base/endian.h"

#include "base/view.h"
#include "test_base_util.h"

static const uint8_t bytes[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0xf8};

static void test_load(void **state)
{
	(void)state;
	for (size_t off = 0; off < 8; off++) {
		uint8_t buf[16];

		memcpy(buf + off, bytes, 8);
		assert_int_equal(load_be16(buf + off), 0x0102);
		assert_int_equal(load_be24(buf + off), 0x010203);
		assert_int_equal(load_be32(buf + off), 0x01020304);
		assert_true(load_be64(buf + off) == UINT64_C(0x01020304050607f8));
		assert_int_equal(load_le16(buf + off), 0x0201);
		assert_int_equal(load_le32(buf + off), 0x04030201);
		assert_true(load_le64(buf + off) == UINT64_C(0xf807060504030201));
	}
}

static void test_store(void **state)
{
	static const uint8_t reversed[] = {0xf8, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01};

	(void)state;
	for (size_t off = 0; off < 8; off++) {
		uint8_t buf[18] = {0};
		uint8_t *p = buf + 1 + off;

		store_be16(p, 0x0102);
		assert_memory_equal(p, bytes, 2);
		store_be24(p, 0x010203);
		assert_memory_equal(p, bytes, 3);
		assert_int_equal(p[3], 0);
		store_be32(p, 0x01020304);
		assert_memory_equal(p, bytes, 4);
		store_be64(p, UINT64_C(0x01020304050607f8));
		assert_memory_equal(p, bytes, 8);
		store_le64(p, UINT64_C(0x01020304050607f8));
		assert_memory_equal(p, reversed, 8);
		store_le32(p, 0x050607f8);
		assert_memory_equal(p, reversed, 4);
		store_le16(p, 0x07f8);
		assert_memory_equal(p, reversed, 2);
		assert_int_equal(p[-1], 0);
		assert_int_equal(p[8], 0);
	}
}

static void test_wrappers(void **state)
{
	be16 a = be16_make(0x0102);
	be32 b = be32_make(0x01020304);
	be64 c = be64_make(UINT64_C(0x01020304050607f8));

	(void)state;
	assert_int_equal(sizeof(a) + sizeof(b) + sizeof(c), 2 + 4 + 8);
	assert_memory_equal(&a, bytes, 2);
	assert_memory_equal(&b, bytes, 4);
	assert_memory_equal(&c, bytes, 8);
	assert_int_equal(be16_get(a), 0x0102);
	assert_int_equal(be32_get(b), 0x01020304);
	assert_true(be64_get(c) == UINT64_C(0x01020304050607f8));
	assert_int_equal(be16_get(be16_from_raw(a.raw)), 0x0102);
	assert_int_equal(be32_get(be32_from_raw(b.raw)), 0x01020304);
}

static void test_native(void **state)
{
	uint8_t buf[8];

	(void)state;
	store_native64(buf, load_native64(bytes));
	assert_memory_equal(buf, bytes, 8);
	store_native32(buf, load_native32(bytes + 4));
	assert_memory_equal(buf, bytes + 4, 4);
	store_native16(buf, load_native16(bytes + 1));
	assert_memory_equal(buf, bytes + 1, 2);
}

static void test_view(void **state)
{
	struct view v = view_make(bytes, sizeof(bytes));

	(void)state;
	assert_false(view_empty(v));
	assert_int_equal(view_skip(v, 3).p[0], 0x04);
	assert_int_equal(view_skip(v, 3).len, 5);
	assert_true(view_empty(view_skip(v, 8)));
	assert_int_equal(view_first(v, 3).len, 3);
	assert_int_equal(view_first(v, 30).len, 8);
	assert_true(view_eq(view_first(v, 3), view_make(bytes, 3)));
	assert_false(view_eq(view_first(v, 3), view_make(bytes + 1, 3)));
	assert_false(view_eq(view_first(v, 3), view_first(v, 4)));
	assert_true(view_eq(view_make(NULL, 0), view_skip(v, 8)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load),     cmocka_unit_test(test_store),
		cmocka_unit_test(test_wrappers), cmocka_unit_test(test_native),
		cmocka_unit_test(test_view),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
