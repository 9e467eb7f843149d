/* SPDX-License-Identifier: BSD-2-Clause */
/* Powers of two, alignment, and the positions of bits. */
#ifndef LEAT_BASE_BITS_H
#define LEAT_BASE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Index of the highest set bit; v must not be 0. */
static inline unsigned ilog2_u64(uint64_t v)
{
	return 63u - (unsigned)__builtin_clzll(v);
}

static inline unsigned ilog2_u32(uint32_t v)
{
	return 31u - (unsigned)__builtin_clz(v);
}

/* Index of the lowest set bit; v must not be 0. */
static inline unsigned first_bit_u64(uint64_t v)
{
	return (unsigned)__builtin_ctzll(v);
}

static inline unsigned count_bits_u64(uint64_t v)
{
	return (unsigned)__builtin_popcountll(v);
}

static inline bool is_pow2(uint64_t v)
{
	return v != 0 && (v & (v - 1)) == 0;
}

/* The smallest power of two that is not below v; 1 for 0. v must be at most 2^63. */
static inline uint64_t round_up_pow2(uint64_t v)
{
	return v <= 1 ? 1 : UINT64_C(1) << (ilog2_u64(v - 1) + 1);
}

/* v rounded to a multiple of align, a power of two. */
static inline size_t align_up(size_t v, size_t align)
{
	return (v + align - 1) & ~(align - 1);
}

static inline size_t align_down(size_t v, size_t align)
{
	return v & ~(align - 1);
}

static inline bool is_aligned(const void *p, size_t align)
{
	return ((uintptr_t)p & (align - 1)) == 0;
}

/* Quotient rounded up; d must not be 0. */
static inline uint64_t div_round_up(uint64_t n, uint64_t d)
{
	return n / d + (n % d != 0);
}

static inline uint32_t rotl32(uint32_t v, unsigned n)
{
	return (v << (n & 31)) | (v >> ((0u - n) & 31));
}

static inline uint64_t rotl64(uint64_t v, unsigned n)
{
	return (v << (n & 63)) | (v >> ((0u - n) & 63));
}

#endif
