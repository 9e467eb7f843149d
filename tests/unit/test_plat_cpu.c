/* SPDX-License-Identifier: BSD-2-Clause */
/* Affinity: the list is the kernel's, pinning pins, nonsense is refused. */
#include "plat/cpu.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <sched.h>

#include <cmocka.h>

static void test_allowed(void **state)
{
	unsigned cpus[PLAT_CPU_MAX], first;
	cpu_set_t set;
	int n = plat_cpu_allowed(cpus, PLAT_CPU_MAX);

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	assert_int_equal(n, CPU_COUNT(&set));
	for (int i = 0; i < n; i++) {
		assert_true(CPU_ISSET(cpus[i], &set));
		assert_true(i == 0 || cpus[i] > cpus[i - 1]);
	}
	/* Room for fewer: the count is still true, nothing is written behind the room. */
	assert_int_equal(plat_cpu_allowed(NULL, 0), n);
	assert_int_equal(plat_cpu_allowed(&first, 1), n);
	assert_int_equal(first, cpus[0]);
}

static void test_pin(void **state)
{
	unsigned cpus[PLAT_CPU_MAX], now[2];
	cpu_set_t old;
	int n = plat_cpu_allowed(cpus, PLAT_CPU_MAX);

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(old), &old), 0);
	for (int i = 0; i < n; i++) {
		assert_int_equal(plat_cpu_pin(cpus[i]), 0);
		assert_int_equal(plat_cpu_allowed(now, 2), 1);
		assert_int_equal(now[0], cpus[i]);
		assert_int_equal(sched_getcpu(), cpus[i]);
	}
	assert_int_equal(sched_setaffinity(0, sizeof(old), &old), 0);
}

static void test_pin_refuses(void **state)
{
	unsigned cpus[PLAT_CPU_MAX];
	int n = plat_cpu_allowed(cpus, PLAT_CPU_MAX);

	(void)state;
	assert_int_equal(plat_cpu_pin(PLAT_CPU_MAX), -EINVAL);
	assert_int_equal(plat_cpu_pin(UINT32_MAX), -EINVAL);
	if (n < (int)PLAT_CPU_MAX && cpus[n - 1] < PLAT_CPU_MAX - 1)
		assert_int_equal(plat_cpu_pin(PLAT_CPU_MAX - 1), -EINVAL);
	assert_int_equal(plat_cpu_allowed(NULL, 0), n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_pin),
		cmocka_unit_test(test_pin_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
