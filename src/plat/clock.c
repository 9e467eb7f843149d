/* SPDX-License-Identifier: BSD-2-Clause */
/* Clock reads through the vDSO; any thread. */
#include "plat/clock.h"

#include <time.h>

#include <rte_cycles.h>

#define MEASURE_NS (10 * PLAT_NS_PER_MS)

static uint64_t read_clock_ns(clockid_t id)
{
	struct timespec ts;

	/* Cannot fail: both clocks exist on every Linux and ts is ours. */
	(void)clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * PLAT_NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t plat_mono_ns(void)
{
	return read_clock_ns(CLOCK_MONOTONIC);
}

uint64_t plat_wall_ns(void)
{
	return read_clock_ns(CLOCK_REALTIME);
}

uint64_t plat_cycles_hz(void)
{
	uint64_t hz = rte_get_tsc_hz(); /* 0 until the EAL has measured it */
	uint64_t ns, cycles, elapsed;

	if (hz != 0)
		return hz;
	ns = plat_mono_ns();
	cycles = plat_cycles();
	do
		elapsed = plat_mono_ns() - ns;
	while (elapsed < MEASURE_NS);
	cycles = plat_cycles() - cycles;
	return (uint64_t)((double)cycles * (double)PLAT_NS_PER_S / (double)elapsed);
}
