/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What C17 lacks and both gcc and clang have: attributes, branch hints, container lookup, typed
 * minimum and maximum. The functions are typed on purpose: a macro that takes any two types lets
 * a signed and an unsigned number meet without a warning.
 */
#ifndef LEAT_BASE_COMPILER_H
#define LEAT_BASE_COMPILER_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define LIKELY(x)        __builtin_expect(!!(x), 1)
#define UNLIKELY(x)      __builtin_expect(!!(x), 0)
#define UNREACHABLE()    __builtin_unreachable()

#define CACHE_LINE       64
#define ALIGNED(n)       __attribute__((aligned(n)))
#define PACKED           __attribute__((packed))
#define NODISCARD        __attribute__((warn_unused_result))
#define PRINTF_FMT(a, b) __attribute__((format(printf, a, b)))
#define CLEANUP(fn)      __attribute__((cleanup(fn)))
#define MAYBE_UNUSED     __attribute__((unused))
#define ALWAYS_INLINE    inline __attribute__((always_inline))
#define NOINLINE         __attribute__((noinline))
#define COLD             __attribute__((cold))
#define NONNULL          __attribute__((nonnull))

#define ARRAY_LEN(a)     (sizeof(a) / sizeof((a)[0]))

/* Read ahead, into every cache level; a wrong address is harmless. */
#define PREFETCH(p)       __builtin_prefetch((p), 0, 3)
#define PREFETCH_WRITE(p) __builtin_prefetch((p), 1, 3)

/*
 * The object that holds *ptr as its member. The comparison inside sizeof is never evaluated: it
 * makes the compiler reject a ptr whose type is not that of the member.
 */
#define CONTAINER_OF(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member) + \
			  0 * sizeof((ptr) == &((type *)0)->member)))
#define CONTAINER_OF_CONST(ptr, type, member) \
	((const type *)(const void *)((const char *)(ptr)-offsetof(type, member) + \
				      0 * sizeof((ptr) == &((const type *)0)->member)))

/* For what must succeed and has a side effect: unlike assert, evaluated and checked always. */
#define MUST(cond) \
	do { \
		if (UNLIKELY(!(cond))) \
			abort(); \
	} while (0)

#define LEAT_DEFINE_MINMAX(suffix, type) \
	static inline type min_##suffix(type a, type b) \
	{ \
		return a < b ? a : b; \
	} \
	static inline type max_##suffix(type a, type b) \
	{ \
		return a > b ? a : b; \
	} \
	static inline type clamp_##suffix(type v, type lo, type hi) \
	{ \
		return v < lo ? lo : v > hi ? hi : v; \
	}

LEAT_DEFINE_MINMAX(int, int)
LEAT_DEFINE_MINMAX(uint, unsigned)
LEAT_DEFINE_MINMAX(u16, uint16_t)
LEAT_DEFINE_MINMAX(u32, uint32_t)
LEAT_DEFINE_MINMAX(u64, uint64_t)
LEAT_DEFINE_MINMAX(i32, int32_t)
LEAT_DEFINE_MINMAX(i64, int64_t)
LEAT_DEFINE_MINMAX(size, size_t)

#undef LEAT_DEFINE_MINMAX

#endif
