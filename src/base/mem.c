/* SPDX-License-Identifier: BSD-2-Clause */
/* The C library's heap as a struct mem. Any thread. */
#include "base/mem.h"

#include <stdlib.h>

static void *libc_alloc(void *ctx, size_t size, size_t align)
{
	void *p = NULL;

	(void)ctx;
	if (align <= _Alignof(max_align_t))
		return malloc(size);
	return posix_memalign(&p, align, size) == 0 ? p : NULL;
}

static void libc_free(void *ctx, void *p, size_t size)
{
	(void)ctx;
	(void)size;
	free(p);
}

const struct mem *mem_libc(void)
{
	static const struct mem libc = {.alloc = libc_alloc, .free = libc_free, .ctx = NULL};

	return &libc;
}
