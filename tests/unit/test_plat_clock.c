/* SPDX-License-Identifier: BSD-2-Clause */
/* Clocks: they advance, and the units are what they say. */
#include "plat/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <time.h>

#include <cmocka.h>

static void test_mono_advances(void **state)
{
	const struct timespec ms = {.tv_nsec = 1000000};
	uint64_t last = plat_mono_ns();

	(void)state;
	for (int i = 0; i < 10000; i++) {
		uint64_t now = plat_mono_ns();

		assert_true(now >= last);
		last = now;
	}
	assert_int_equal(nanosleep(&ms, NULL), 0);
	assert_true(plat_mono_ns() - last >= PLAT_NS_PER_MS);
	assert_true(plat_mono_ns() - last < 10 * PLAT_NS_PER_S);
}

static void test_wall_is_time_of_day(void **state)
{
	time_t before = time(NULL);
	uint64_t now = plat_wall_ns();
	time_t after = time(NULL);

	(void)state;
	/* time() may lag by the kernel's tick. */
	assert_in_range(now / PLAT_NS_PER_S, (uint64_t)before, (uint64_t)after + 1);
}

static void test_cycles_hz(void **state)
{
	uint64_t hz = plat_cycles_hz();
	uint64_t ns = plat_mono_ns();
	uint64_t cycles = plat_cycles();
	uint64_t measured;

	(void)state;
	assert_true(hz > 1000000);
	while (plat_mono_ns() - ns < 20 * PLAT_NS_PER_MS)
		;
	cycles = plat_cycles() - cycles;
	ns = plat_mono_ns() - ns;
	measured = cycles * 1000 / (ns / 1000000);
	assert_in_range(measured, hz / 10 * 9, hz / 10 * 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mono_advances),
		cmocka_unit_test(test_wall_is_time_of_day),
		cmocka_unit_test(test_cycles_hz),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
