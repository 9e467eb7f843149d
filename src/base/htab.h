/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hash table from a 32-bit hash to objects, which it does not own. The table knows no keys: a
 * lookup returns candidates with an equal hash one by one and the caller compares.
 *
 *	struct htab_iter it;
 *
 *	for (struct pcb *p = htab_first(h, hash, &it); p != NULL; p = htab_next(&it))
 *		if (pcb_matches(p, tuple))
 *			return p;
 *
 * Robin hood hashing with the hash beside the pointer: four slots to a cache line, a search starts
 * at a line's start, so a lookup usually costs one miss and touches no foreign object.
 *
 * Growth is incremental. A larger array is cleared and then filled a few slots at each insertion,
 * while lookups see both arrays: no insertion pays for more than one call of the allocator, 64
 * slots cleared and 16 moved. The call itself can cost more: the heap's free of a 16 MB array takes
 * a millisecond in munmap(), so size the table at start-up where that matters. Without memory to
 * grow, it fills up to 15/16 and then refuses. It never shrinks. Hashes must be keyed (hash.h)
 * where strangers choose the keys; many objects under one hash make a long run, so hash on what is
 * almost unique.
 */
#ifndef LEAT_BASE_HTAB_H
#define LEAT_BASE_HTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/mem.h"

struct htab_slot {
	uint32_t hash;
	void *obj; /* NULL: empty */
};

/* slots: 2^n of them, cache-line aligned; NULL when the array does not exist. */
struct htab_arr {
	struct htab_slot *slots;
	uint32_t mask;
};

struct htab {
	struct htab_arr cur;  /* takes insertions */
	struct htab_arr old;  /* while growing: being emptied into cur, top down */
	struct htab_arr next; /* while growing: being cleared, not in use yet */
	const struct mem *mem;
	size_t count;
	uint32_t cleared;  /* slots of next that are clear */
	uint32_t old_left; /* slots of old that may still hold something */
	uint32_t old_pos;  /* where the emptying is */
};

struct htab_iter {
	const struct htab_arr *arr;
	const struct htab_arr *then; /* to be searched after arr, or NULL */
	uint32_t hash;
	uint32_t pos;
	uint32_t dist; /* slots gone from the home slot */
};

#define HTAB_MIN_ORDER      3
#define HTAB_MAX_ORDER      30
#define HTAB_SLOTS_PER_LINE (CACHE_LINE / sizeof(struct htab_slot))

/* 2^min_order slots to begin with (at least 8). 0 or -ENOMEM. */
int htab_init(struct htab *h, const struct mem *mem, unsigned min_order) NODISCARD;
void htab_fini(struct htab *h);

/* Any number of objects may share a hash; obj is not NULL. 0 or -ENOMEM. */
int htab_insert(struct htab *h, uint32_t hash, void *obj) NODISCARD;

/* Takes out what was inserted with just these two; false when it is not there. */
bool htab_remove(struct htab *h, uint32_t hash, const void *obj);

/*
 * Calls fn for every object. fn may remove the object it is given, and no other, and may insert
 * nothing. For many removals at once this is the way; any order.
 */
void htab_for_each(struct htab *h, void (*fn)(void *obj, void *arg), void *arg);

static inline size_t htab_count(const struct htab *h)
{
	return h->count;
}

/* The first slot of the line where a search for hash begins. */
static inline uint32_t htab_home(const struct htab_arr *a, uint32_t hash)
{
	return hash & a->mask & ~(uint32_t)(HTAB_SLOTS_PER_LINE - 1);
}

/* Bring the line in that a lookup will need; for bursts. */
static inline void htab_prefetch(const struct htab *h, uint32_t hash)
{
	PREFETCH(&h->cur.slots[htab_home(&h->cur, hash)]);
	if (UNLIKELY(h->old.slots != NULL))
		PREFETCH(&h->old.slots[htab_home(&h->old, hash)]);
}

/* The next candidate in the array, from it->pos on; NULL at the end of the run. */
static inline void *htab_scan(struct htab_iter *it)
{
	const struct htab_arr *a = it->arr;

	for (;;) {
		const struct htab_slot *s = &a->slots[it->pos];

		/* Robin hood order: behind an entry nearer to its home than we are to ours,
		 * nothing. */
		if (s->obj == NULL || ((it->pos - htab_home(a, s->hash)) & a->mask) < it->dist)
			return NULL;
		it->pos = (it->pos + 1) & a->mask;
		it->dist++;
		if (s->hash == it->hash)
			return s->obj;
	}
}

static inline void *htab_next(struct htab_iter *it)
{
	void *obj = htab_scan(it);

	if (LIKELY(obj != NULL || it->then == NULL))
		return obj;
	it->arr = it->then;
	it->then = NULL;
	it->pos = htab_home(it->arr, it->hash);
	it->dist = 0;
	return htab_scan(it);
}

/* Candidates for hash, in no order. The table must not change while it is in use. */
static inline void *htab_first(const struct htab *h, uint32_t hash, struct htab_iter *it)
{
	it->arr = &h->cur;
	it->then = h->old.slots != NULL ? &h->old : NULL;
	it->hash = hash;
	it->pos = htab_home(&h->cur, hash);
	it->dist = 0;
	return htab_next(it);
}

#endif
