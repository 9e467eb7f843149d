/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stats.h: counters and the packet-buffer balance. See leat_stats(3).
 */
#ifndef LEAT_STATS_H
#define LEAT_STATS_H

#include <leat/leat.h>

#ifdef __cplusplus
extern "C" {
#endif

struct leat_counter {
	const char *group; /* "tcp", "ip4", "drop", "port.in0", "cpu", ... */
	const char *name;
	const char *text; /* what it means, one line */
	uint64_t value;
};

/* Call fn for each counter, zero ones too; the strings are valid during that call. ENOTCONN: no
 * stack. */
LEAT_API int leat_stats_each(void (*fn)(void *ctx, const struct leat_counter *c), void *ctx);

/* Where the worker's time went, in CPU cycles since leat_init(). */
struct leat_cpu {
	uint64_t cycles_total;
	uint64_t cycles_app;   /* the program, between two waits */
	uint64_t cycles_stack; /* packets, timers, output */
	uint64_t cycles_idle;  /* polling without finding anything, and sleeping */
	uint64_t cycles_hz;
};

LEAT_API int leat_cpu_get(struct leat_cpu *out);

/* size = free + held + unaccounted, for both buffer sizes together. */
struct leat_buffers {
	uint32_t size;
	uint32_t free;
	uint32_t held;        /* by a named holder */
	uint32_t unaccounted; /* anything but 0 is a bug in Leat */
};

/* With fn: also each holder that has any: its name, how many, and the age of the oldest in ms. */
LEAT_API int leat_buffers_get(struct leat_buffers *out,
			      void (*fn)(void *ctx, const char *holder, uint32_t count,
					 uint32_t oldest_ms),
			      void *ctx);

#ifdef __cplusplus
}
#endif

#endif
