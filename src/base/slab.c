/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects of one size in chunks; see the header. A chunk is as large as its alignment, so that its
 * head is found from any object in it. The head has one bit per object, set while the object is
 * handed out: that is what walks and the checks against a second put read. Under AddressSanitizer
 * a released object is poisoned, so using it is reported at once.
 */
#include "base/slab.h"

#include <assert.h>
#include <string.h>

#include "base/bits.h"

#if defined(__SANITIZE_ADDRESS__)
#define SLAB_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLAB_ASAN 1
#endif
#endif

#ifdef SLAB_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, size)   ASAN_POISON_MEMORY_REGION(p, size)
#define UNPOISON(p, size) ASAN_UNPOISON_MEMORY_REGION(p, size)
#else
#define POISON(p, size)   ((void)(p), (void)(size))
#define UNPOISON(p, size) ((void)(p), (void)(size))
#endif

#define CHUNK_BYTES    ((size_t)64 << 10)
#define CHUNK_MIN_OBJS 8

struct chunk {
	struct list link;
	struct slab *slab;
	uint64_t live[]; /* then the objects */
};

static size_t head_bytes(size_t objs)
{
	return align_up(sizeof(struct chunk) + div_round_up(objs, 64) * 8, CACHE_LINE);
}

/*
 * An odd number of cache lines between larger objects: with a power of two, the first lines of
 * all connections would compete for a few sets of the cache.
 */
static size_t stride_for(size_t obj_size)
{
	size_t stride = align_up(max_size(obj_size, sizeof(void *)), 16);

	if (stride >= CACHE_LINE)
		stride = align_up(stride, CACHE_LINE);
	if (stride >= 8 * (size_t)CACHE_LINE)
		stride |= CACHE_LINE;
	return stride;
}

static size_t chunk_bytes(size_t objs, size_t stride)
{
	return round_up_pow2(head_bytes(objs) + objs * stride);
}

/* A chunk for all objects if they are few, else CHUNK_BYTES, else what a few large ones need. */
static size_t chunk_size_for(size_t stride, size_t max_objs)
{
	size_t all = min_size(max_objs, CHUNK_BYTES / stride + 1);
	size_t few = min_size(max_objs, CHUNK_MIN_OBJS);

	return max_size(chunk_bytes(few, stride), min_size(chunk_bytes(all, stride), CHUNK_BYTES));
}

void slab_init(struct slab *s, const struct mem *mem, const char *name, size_t obj_size,
	       size_t max_objs)
{
	size_t stride = stride_for(obj_size);
	size_t chunk_size = chunk_size_for(stride, max_objs);
	size_t fit = chunk_size / stride;

	assert(obj_size > 0 && max_objs > 0);
	while (head_bytes(fit) + fit * stride > chunk_size)
		fit--;
	*s = (struct slab){
		.mem = mem,
		.name = name,
		.obj_size = obj_size,
		.stride = stride,
		.chunk_size = chunk_size,
		.per_chunk = fit,
		.max = max_objs,
	};
	list_init(&s->chunks);
}

void slab_fini(struct slab *s)
{
	struct list *l;

	while ((l = list_pop_head(&s->chunks)) != NULL) {
		struct chunk *c = CONTAINER_OF(l, struct chunk, link);

		UNPOISON(c, s->chunk_size);
		mem_free(s->mem, c, s->chunk_size);
	}
	s->free_head = NULL;
	s->fresh = NULL;
	s->fresh_end = NULL;
	s->count = 0;
	s->capacity = 0;
}

static bool add_chunk(struct slab *s)
{
	size_t head = head_bytes(s->per_chunk);
	struct chunk *c = mem_alloc_aligned(s->mem, s->chunk_size, s->chunk_size);

	if (c == NULL)
		return false;
	memset(c, 0, head);
	c->slab = s;
	list_add_tail(&s->chunks, &c->link);
	s->fresh = (uint8_t *)c + head;
	s->fresh_end = s->fresh + s->per_chunk * s->stride;
	s->capacity += s->per_chunk;
	POISON(s->fresh, s->per_chunk * s->stride);
	return true;
}

/* The newest released object first: its lines may still be in the cache. */
static void *take_free(struct slab *s)
{
	void *obj = s->free_head;

	if (obj != NULL) {
		UNPOISON(obj, s->obj_size < sizeof(void *) ? sizeof(void *) : s->obj_size);
		memcpy(&s->free_head, obj, sizeof(s->free_head));
		return obj;
	}
	if (s->fresh == s->fresh_end && !add_chunk(s))
		return NULL;
	obj = s->fresh;
	s->fresh += s->stride;
	UNPOISON(obj, s->obj_size);
	return obj;
}

static struct chunk *chunk_of(const struct slab *s, const void *obj)
{
	return (struct chunk *)((uintptr_t)obj & ~(uintptr_t)(s->chunk_size - 1));
}

static size_t index_of(const struct slab *s, const struct chunk *c, const void *obj)
{
	size_t offset = (size_t)((uintptr_t)obj - (uintptr_t)c) - head_bytes(s->per_chunk);

	assert(offset % s->stride == 0 && offset / s->stride < s->per_chunk);
	return offset / s->stride;
}

void *slab_get(struct slab *s)
{
	void *obj = s->count < s->max ? take_free(s) : NULL;
	struct chunk *c;
	size_t i;

	if (obj == NULL) {
		s->refused++;
		return NULL;
	}
	c = chunk_of(s, obj);
	i = index_of(s, c, obj);
	c->live[i / 64] |= UINT64_C(1) << (i % 64);
	s->count++;
	s->peak = max_size(s->peak, s->count);
	return memset(obj, 0, s->obj_size);
}

void slab_put(struct slab *s, void *obj)
{
	struct chunk *c = chunk_of(s, obj);
	size_t i = index_of(s, c, obj);
	uint64_t bit = UINT64_C(1) << (i % 64);

	assert(c->slab == s && (c->live[i / 64] & bit) != 0);
	c->live[i / 64] &= ~bit;
	s->count--;
	UNPOISON(obj, sizeof(void *));
	memcpy(obj, &s->free_head, sizeof(s->free_head));
	s->free_head = obj;
	POISON(obj, s->stride);
}

/* The word is read again after each call, so that what fn put is not visited any more. */
static void walk_word(struct slab *s, struct chunk *c, size_t word,
		      void (*fn)(void *obj, void *arg), void *arg)
{
	uint8_t *first = (uint8_t *)c + head_bytes(s->per_chunk);
	uint64_t ahead = UINT64_MAX;

	while ((c->live[word] & ahead) != 0) {
		unsigned bit = first_bit_u64(c->live[word] & ahead);

		ahead = bit == 63 ? 0 : UINT64_MAX << (bit + 1);
		fn(first + (word * 64 + bit) * s->stride, arg);
	}
}

void slab_for_each(struct slab *s, void (*fn)(void *obj, void *arg), void *arg)
{
	size_t words = div_round_up(s->per_chunk, 64);
	struct list *l;

	LIST_FOR_EACH (l, &s->chunks) {
		for (size_t w = 0; w < words; w++)
			walk_word(s, CONTAINER_OF(l, struct chunk, link), w, fn, arg);
	}
}
