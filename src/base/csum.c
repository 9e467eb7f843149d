/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sums over bytes for the Internet checksum (RFC 1071), alone and while copying. Pure functions,
 * any thread. The checksum's value does not depend on how wide the additions are, so both variants
 * add in wide lanes and fold at the end:
 *
 * - AVX2, when the processor has it: 16-bit words are made signed by flipping their top bit, which
 *   lets one multiply-add by 1 sum them in pairs; the known bias is added back. Three operations
 *   for 32 bytes, where widening by masks or shuffles takes four.
 * - Portable: 32-bit halves of 64-bit loads into 64-bit accumulators, which cannot overflow below
 *   32 GB. An add-with-carry chain is not used: gcc spills the carry flag and becomes eight times
 *   slower than this.
 *
 * Copying and not copying are the same code, with dst NULL known at compile time.
 */
#include "base/csum.h"

#include <stdbool.h>
#include <string.h>

#include "base/compiler.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define TARGET_AVX2 __attribute__((target("avx2")))
#endif

/* Below this the set-up of the wide loop costs more than it gains. */
#define WIDE_MIN 96

/* Two folds: the first may carry into bit 32 again. */
static inline uint32_t fold64(uint64_t sum)
{
	sum = (sum >> 32) + (uint32_t)sum;
	sum = (sum >> 32) + (uint32_t)sum;
	return (uint32_t)sum;
}

static ALWAYS_INLINE uint64_t step8(uint8_t *dst, const uint8_t *src)
{
	uint64_t v = load_native64(src);

	if (dst != NULL)
		store_native64(dst, v);
	return (v >> 32) + (uint32_t)v;
}

/* The last 0 to 7 bytes. */
static ALWAYS_INLINE uint64_t sum_rest(uint8_t *dst, const uint8_t *src, size_t len)
{
	uint64_t sum = 0;
	uint8_t last[2] = {0, 0};

	if ((len & 4) != 0) {
		sum += load_native32(src);
		if (dst != NULL)
			store_native32(dst, load_native32(src));
	}
	if ((len & 2) != 0) {
		sum += load_native16(src + (len & 4));
		if (dst != NULL)
			store_native16(dst + (len & 4), load_native16(src + (len & 4)));
	}
	if ((len & 1) != 0) {
		last[0] = src[len - 1];
		sum += load_native16(last);
		if (dst != NULL)
			dst[len - 1] = last[0];
	}
	return sum;
}

static ALWAYS_INLINE uint64_t sum_portable(uint8_t *dst, const uint8_t *src, size_t len)
{
	uint64_t a = 0, b = 0;
	size_t i = 0;

	for (; len - i >= 16; i += 16) {
		a += step8(dst != NULL ? dst + i : NULL, src + i);
		b += step8(dst != NULL ? dst + i + 8 : NULL, src + i + 8);
	}
	if (len - i >= 8) {
		a += step8(dst != NULL ? dst + i : NULL, src + i);
		i += 8;
	}
	return a + b + sum_rest(dst != NULL ? dst + i : NULL, src + i, len - i);
}

#if defined(__x86_64__)

/* A lane gains less than 2^16 in a step, and four accumulators meet at the end: 2^30 at most. */
#define WIDE_BLOCK ((size_t)128 * 4096)

/* Per byte: 2^15 for each 16-bit word, what flipping the top bit took away. */
#define WIDE_BIAS 16384u

static TARGET_AVX2 ALWAYS_INLINE __m256i step32(uint8_t *dst, const uint8_t *src, __m256i acc)
{
	__m256i v = _mm256_loadu_si256((const __m256i *)(const void *)src);
	__m256i biased = _mm256_xor_si256(v, _mm256_set1_epi16(INT16_MIN));

	if (dst != NULL)
		_mm256_storeu_si256((__m256i *)(void *)dst, v);
	return _mm256_add_epi32(acc, _mm256_madd_epi16(biased, _mm256_set1_epi16(1)));
}

/* The sum of eight signed 32-bit lanes. */
static TARGET_AVX2 ALWAYS_INLINE uint64_t add_lanes(__m256i v)
{
	__m256i wide = _mm256_add_epi64(_mm256_cvtepi32_epi64(_mm256_castsi256_si128(v)),
					_mm256_cvtepi32_epi64(_mm256_extracti128_si256(v, 1)));
	__m128i half =
		_mm_add_epi64(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));

	return (uint64_t)_mm_cvtsi128_si64(half) + (uint64_t)_mm_extract_epi64(half, 1);
}

/* len is a multiple of 32 and at most WIDE_BLOCK. */
static TARGET_AVX2 ALWAYS_INLINE uint64_t sum_block_avx2(uint8_t *dst, const uint8_t *src,
							 size_t len)
{
	__m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
	size_t i = 0;

	for (; len - i >= 128; i += 128) {
		a = step32(dst != NULL ? dst + i : NULL, src + i, a);
		b = step32(dst != NULL ? dst + i + 32 : NULL, src + i + 32, b);
		c = step32(dst != NULL ? dst + i + 64 : NULL, src + i + 64, c);
		d = step32(dst != NULL ? dst + i + 96 : NULL, src + i + 96, d);
	}
	for (; len - i >= 32; i += 32)
		a = step32(dst != NULL ? dst + i : NULL, src + i, a);
	a = _mm256_add_epi32(_mm256_add_epi32(a, b), _mm256_add_epi32(c, d));
	return add_lanes(a) + (uint64_t)len * WIDE_BIAS;
}

static TARGET_AVX2 ALWAYS_INLINE uint64_t sum_avx2(uint8_t *dst, const uint8_t *src, size_t len)
{
	size_t wide = len & ~(size_t)31;
	uint64_t sum = 0;

	for (size_t i = 0; i < wide; i += WIDE_BLOCK)
		sum += sum_block_avx2(dst != NULL ? dst + i : NULL, src + i,
				      min_size(wide - i, WIDE_BLOCK));
	return sum + sum_portable(dst != NULL ? dst + wide : NULL, src + wide, len - wide);
}

static TARGET_AVX2 NOINLINE uint64_t partial_avx2(const uint8_t *src, size_t len)
{
	return sum_avx2(NULL, src, len);
}

static TARGET_AVX2 NOINLINE uint64_t copy_avx2(uint8_t *dst, const uint8_t *src, size_t len)
{
	return sum_avx2(dst, src, len);
}

/* One load and one bit test: the C runtime asked the processor at start-up. */
static inline bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2") != 0;
}

#else

static inline bool has_avx2(void)
{
	return false;
}

static inline uint64_t partial_avx2(const uint8_t *src, size_t len)
{
	return sum_portable(NULL, src, len);
}

static inline uint64_t copy_avx2(uint8_t *dst, const uint8_t *src, size_t len)
{
	return sum_portable(dst, src, len);
}

#endif

uint32_t csum_partial_portable(const void *p, size_t len, uint32_t sum)
{
	return fold64(sum + sum_portable(NULL, p, len));
}

uint32_t csum_copy_portable(void *dst, const void *src, size_t len, uint32_t sum)
{
	return fold64(sum + sum_portable(dst, src, len));
}

uint32_t csum_partial(const void *p, size_t len, uint32_t sum)
{
	if (len >= WIDE_MIN && has_avx2())
		return fold64(sum + partial_avx2(p, len));
	return csum_partial_portable(p, len, sum);
}

uint32_t csum_copy(void *dst, const void *src, size_t len, uint32_t sum)
{
	if (len >= WIDE_MIN && has_avx2())
		return fold64(sum + copy_avx2(dst, src, len));
	return csum_copy_portable(dst, src, len, sum);
}
