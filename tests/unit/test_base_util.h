/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of src/base share: cmocka with what it needs before it, and seeded numbers. */
#ifndef LEAT_TEST_BASE_UTIL_H
#define LEAT_TEST_BASE_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* splitmix64: every seed, also 0, gives a full sequence. */
struct prng {
	uint64_t state;
};

static inline uint64_t prng_u64(struct prng *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline uint32_t prng_u32(struct prng *r)
{
	return (uint32_t)(prng_u64(r) >> 32);
}

/* 0 to n - 1. */
static inline unsigned prng_below(struct prng *r, unsigned n)
{
	return (unsigned)(((uint64_t)prng_u32(r) * n) >> 32);
}

static inline void prng_fill(struct prng *r, uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)prng_u32(r);
}

#endif
