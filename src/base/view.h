/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A borrowed range of bytes, passed by value. A view owns nothing and must not outlive what it
 * looks at. Parsers take a view, check its length, and only then read.
 */
#ifndef LEAT_BASE_VIEW_H
#define LEAT_BASE_VIEW_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct view {
	const uint8_t *p;
	size_t len;
};

static inline struct view view_make(const void *p, size_t len)
{
	return (struct view){p, len};
}

static inline bool view_empty(struct view v)
{
	return v.len == 0;
}

/* The view without its first n bytes; the caller has checked that there are n. */
static inline struct view view_skip(struct view v, size_t n)
{
	assert(n <= v.len);
	return (struct view){v.p + n, v.len - n};
}

/* The first n bytes, or all when there are fewer. */
static inline struct view view_first(struct view v, size_t n)
{
	return (struct view){v.p, n < v.len ? n : v.len};
}

static inline bool view_eq(struct view a, struct view b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

#endif
