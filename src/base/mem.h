/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory as an argument. Whoever allocates is given a struct mem: the heap, per-core huge-page
 * memory, or one that fails on purpose (memfail.h). Size is told again on free, so that an
 * allocator needs no header per block and can keep count.
 */
#ifndef LEAT_BASE_MEM_H
#define LEAT_BASE_MEM_H

#include <stddef.h>
#include <string.h>

#include "base/compiler.h"

struct mem {
	/* NULL when out of memory. align is a power of two; size is not 0. */
	void *(*alloc)(void *ctx, size_t size, size_t align);
	/* p is not NULL; size is what alloc was given. */
	void (*free)(void *ctx, void *p, size_t size);
	void *ctx;
};

/* The C library's heap. */
const struct mem *mem_libc(void);

/* Not zeroed. NULL when out of memory. */
static inline NODISCARD void *mem_alloc_aligned(const struct mem *m, size_t size, size_t align)
{
	return m->alloc(m->ctx, size, align);
}

static inline NODISCARD void *mem_alloc(const struct mem *m, size_t size)
{
	return mem_alloc_aligned(m, size, _Alignof(max_align_t));
}

static inline NODISCARD void *mem_zalloc_aligned(const struct mem *m, size_t size, size_t align)
{
	void *p = mem_alloc_aligned(m, size, align);

	if (p != NULL)
		memset(p, 0, size);
	return p;
}

static inline NODISCARD void *mem_zalloc(const struct mem *m, size_t size)
{
	return mem_zalloc_aligned(m, size, _Alignof(max_align_t));
}

/* size is the one given at allocation. Harmless for NULL. */
static inline void mem_free(const struct mem *m, void *p, size_t size)
{
	if (p != NULL)
		m->free(m->ctx, p, size);
}

#endif
