/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects of one size, with a maximum. Memory is taken in chunks as it is needed and kept until
 * slab_fini(), so that a burst of connections pays for it once. Objects of 64 bytes and more lie
 * on cache lines of their own. Used by one thread.
 */
#ifndef LEAT_BASE_SLAB_H
#define LEAT_BASE_SLAB_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/list.h"
#include "base/mem.h"

struct slab {
	const struct mem *mem;
	const char *name; /* borrowed; for reports */
	struct list chunks;
	void *free_head;    /* released objects, last one first */
	uint8_t *fresh;     /* next object never handed out in the newest chunk */
	uint8_t *fresh_end; /* end of these */
	size_t obj_size;    /* as asked for: this much is zeroed */
	size_t stride;      /* distance of two objects */
	size_t chunk_size;  /* a power of two, and the alignment of chunks */
	size_t per_chunk;
	size_t count; /* handed out now */
	size_t peak;  /* most ever handed out */
	size_t capacity;
	size_t max;
	uint64_t refused; /* slab_get() calls that returned NULL */
};

/* Allocates nothing yet. name must outlive the slab; obj_size and max_objs are not 0. */
void slab_init(struct slab *s, const struct mem *mem, const char *name, size_t obj_size,
	       size_t max_objs);

/* Releases all memory. Objects still handed out become invalid: the caller checks slab_count(). */
void slab_fini(struct slab *s);

/* A zeroed object, or NULL at the maximum or without memory (counted in refused). */
void *slab_get(struct slab *s) NODISCARD;

/* obj must come from this slab and not have been put already: asserted. */
void slab_put(struct slab *s, void *obj);

static inline size_t slab_count(const struct slab *s)
{
	return s->count;
}

/*
 * Calls fn for every object handed out. fn may get and put any object: one that was put is not
 * visited any more, one that is got meanwhile may be visited or not.
 */
void slab_for_each(struct slab *s, void (*fn)(void *obj, void *arg), void *arg);

#endif
