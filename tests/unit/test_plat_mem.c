/* SPDX-License-Identifier: BSD-2-Clause */
/* Large memory: aligned, zero, given back whole. */
#include "plat/mem.h"

#include "base/bits.h"
#include "base/compiler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* Is this page part of a mapping? */
static bool mapped(const uint8_t *p)
{
	unsigned char in_core;

	return mincore((void *)align_down((uintptr_t)p, 4096), 1, &in_core) == 0;
}

static void test_map(void **state)
{
	static const size_t lens[] = {1,
				      4096,
				      PLAT_HUGE_BYTES - 1,
				      PLAT_HUGE_BYTES,
				      PLAT_HUGE_BYTES + 1,
				      5 * PLAT_HUGE_BYTES};
	uint8_t *p[ARRAY_LEN(lens)];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		p[i] = plat_mem_map(lens[i], i % 2 != 0);
		assert_non_null(p[i]);
		assert_true(is_aligned(p[i], PLAT_HUGE_BYTES));
		for (size_t k = 0; k < lens[i]; k += 1000) {
			assert_int_equal(p[i][k], 0);
			p[i][k] = 0xff;
		}
		p[i][lens[i] - 1] = 0xff;
	}
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		size_t whole = align_up(lens[i], PLAT_HUGE_BYTES);

		assert_true(mapped(p[i]) && mapped(p[i] + whole - 1));
		plat_mem_unmap(p[i], lens[i]);
		assert_false(mapped(p[i]) || mapped(p[i] + whole - 1));
	}
	plat_mem_unmap(NULL, 5);
}

static void test_map_refuses(void **state)
{
	static const size_t lens[] = {0, SIZE_MAX, SIZE_MAX - PLAT_HUGE_BYTES, (size_t)1 << 62};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		assert_null(plat_mem_map(lens[i], false));
		assert_null(plat_mem_map(lens[i], true));
	}
}

static long address_space_pages(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long pages = 0;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld", &pages), 1);
	(void)fclose(f);
	return pages;
}

static void test_leaves_no_holes(void **state)
{
	long before = address_space_pages();

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		size_t len = PLAT_HUGE_BYTES / 2 * (i + 1);
		void *p = plat_mem_map(len, i % 2 != 0);

		assert_non_null(p);
		/* Exactly the size asked for, rounded up. */
		assert_true(address_space_pages() - before < (long)(len / 4096 + 512 + 16));
		plat_mem_unmap(p, len);
	}
	assert_true(address_space_pages() - before < 16);
}

static unsigned long free_reserved(void)
{
	FILE *f = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "r");
	unsigned long n = 0;

	if (f == NULL)
		return 0;
	assert_int_equal(fscanf(f, "%lu", &n), 1);
	(void)fclose(f);
	return n;
}

/* Of those that are free some are taken; of more than there are, none, and it works all the same.
 * Others may take some meanwhile: look again. */
static void test_reserved(void **state)
{
	(void)state;
	for (unsigned tries = 0; tries < 10; tries++) {
		unsigned long before = free_reserved(), after;
		uint8_t *some = plat_mem_map(PLAT_HUGE_BYTES, true);
		uint8_t *many = plat_mem_map((before + 1) * PLAT_HUGE_BYTES, true);

		after = free_reserved();
		assert_non_null(some);
		assert_non_null(many);
		some[0] = many[before * PLAT_HUGE_BYTES] = 1;
		plat_mem_unmap(some, PLAT_HUGE_BYTES);
		plat_mem_unmap(many, (before + 1) * PLAT_HUGE_BYTES);
		if (free_reserved() == before && after == before - (before > 0))
			return;
	}
	fail_msg("reserved huge pages were not taken, or not given back");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map),
		cmocka_unit_test(test_map_refuses),
		cmocka_unit_test(test_leaves_no_holes),
		cmocka_unit_test(test_reserved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
