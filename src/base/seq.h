/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arithmetic modulo 2^32 for sequence numbers and timestamps (RFC 9293 3.4, RFC 7323 5.3). a is
 * "before" b when the way forward from a to b is shorter than 2^31; two numbers exactly 2^31 apart
 * are each before the other's successor only by convention: seq_diff() is then negative.
 */
#ifndef LEAT_BASE_SEQ_H
#define LEAT_BASE_SEQ_H

#include <stdbool.h>
#include <stdint.h>

/* a - b as a signed distance. */
static inline int32_t seq_diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

static inline bool seq_lt(uint32_t a, uint32_t b)
{
	return seq_diff(a, b) < 0;
}

static inline bool seq_leq(uint32_t a, uint32_t b)
{
	return seq_diff(a, b) <= 0;
}

static inline bool seq_gt(uint32_t a, uint32_t b)
{
	return seq_diff(a, b) > 0;
}

static inline bool seq_geq(uint32_t a, uint32_t b)
{
	return seq_diff(a, b) >= 0;
}

static inline uint32_t seq_max(uint32_t a, uint32_t b)
{
	return seq_gt(a, b) ? a : b;
}

static inline uint32_t seq_min(uint32_t a, uint32_t b)
{
	return seq_lt(a, b) ? a : b;
}

/* lo <= a < hi. Exact for ranges of any length below 2^32, unlike two comparisons. */
static inline bool seq_between(uint32_t a, uint32_t lo, uint32_t hi)
{
	return a - lo < hi - lo;
}

#endif
