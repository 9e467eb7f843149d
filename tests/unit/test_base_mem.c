/* SPDX-License-Identifier: BSD-2-Clause */
/* The heap as an allocator. */
#include "base/mem.h"

#include "base/bits.h"
#include "test_base_util.h"

static void test_alignment_and_use(void **state)
{
	(void)state;
	for (size_t align = 1; align <= 65536; align *= 2) {
		for (size_t size = 1; size < 5000; size = size * 3 + 1) {
			uint8_t *p = mem_alloc_aligned(mem_libc(), size, align);

			assert_non_null(p);
			assert_true(is_aligned(p, align));
			memset(p, 0xa5, size);
			mem_free(mem_libc(), p, size);
		}
	}
}

static void test_zeroed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		uint8_t *p = mem_zalloc(mem_libc(), 1000);

		assert_non_null(p);
		assert_true(is_aligned(p, _Alignof(max_align_t)));
		for (size_t b = 0; b < 1000; b++)
			assert_int_equal(p[b], 0);
		memset(p, 0xff, 1000);
		mem_free(mem_libc(), p, 1000);
	}
}

static void test_free_of_nothing(void **state)
{
	(void)state;
	mem_free(mem_libc(), NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alignment_and_use),
		cmocka_unit_test(test_zeroed),
		cmocka_unit_test(test_free_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
