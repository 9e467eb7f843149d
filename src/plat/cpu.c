/* SPDX-License-Identifier: BSD-2-Clause */
/* Processor affinity of the calling thread. */
#include "plat/cpu.h"

#include <assert.h>
#include <errno.h>

#include <sched.h>

static_assert(PLAT_CPU_MAX == CPU_SETSIZE, "the size of a cpu_set_t");

int plat_cpu_allowed(unsigned *cpus, unsigned max)
{
	cpu_set_t set;
	unsigned n = 0;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return -errno;
	for (unsigned cpu = 0; cpu < PLAT_CPU_MAX; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		if (n < max)
			cpus[n] = cpu;
		n++;
	}
	return (int)n;
}

int plat_cpu_pin(unsigned cpu)
{
	cpu_set_t set;

	if (cpu >= PLAT_CPU_MAX)
		return -EINVAL;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) < 0 ? -errno : 0;
}
