/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clocks of the machine. Only the worker loop and the tools read them: protocol code is given
 * now_ns as an argument, so that it runs under virtual time too.
 */
#ifndef LEAT_PLAT_CLOCK_H
#define LEAT_PLAT_CLOCK_H

#include <stdint.h>

#define PLAT_NS_PER_US UINT64_C(1000)
#define PLAT_NS_PER_MS UINT64_C(1000000)
#define PLAT_NS_PER_S  UINT64_C(1000000000)

/* Monotonic time: no meaning but its differences, not stepped by anyone. */
uint64_t plat_mono_ns(void);

/* Time of day since 1970-01-01 UTC; it may jump. */
uint64_t plat_wall_ns(void);

/* How fast plat_cycles() counts. May measure for 10 ms: ask once at start-up and keep it. */
uint64_t plat_cycles_hz(void);

/* The processor's time-stamp counter, for profiles: not serialising, its unit is
 * plat_cycles_hz(). */
static inline uint64_t plat_cycles(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t v;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(v));
	return v;
#else
	return plat_mono_ns();
#endif
}

#endif
