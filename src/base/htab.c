/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Robin hood hash table with incremental growth; lookups are in the header. One thread.
 *
 * An entry's distance is how far it lies behind its home, the start of the cache line its hash
 * selects. An insertion takes the place of the first entry with a smaller distance and pushes that
 * one on; a removal moves the followers back by one. So homes never decrease along a run, and a
 * search may stop at the first entry nearer to its home than the search is to its own.
 *
 * Growing goes through two states, driven by insertions alone, so that removing while walking
 * moves nothing else: `next` is being cleared; then it becomes `cur`, and what was `cur` is `old`
 * and emptied from the top of its runs downwards, which needs no moving back.
 */
#include "base/htab.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define CLEAR_STEP 64
#define MOVE_STEP  16

static inline size_t arr_len(const struct htab_arr *a)
{
	return (size_t)a->mask + 1;
}

static inline uint32_t distance(const struct htab_arr *a, uint32_t pos)
{
	return (pos - htab_home(a, a->slots[pos].hash)) & a->mask;
}

static int arr_alloc(struct htab_arr *a, const struct mem *mem, size_t len)
{
	a->slots = mem_alloc_aligned(mem, len * sizeof(a->slots[0]), CACHE_LINE);
	a->mask = (uint32_t)(len - 1);
	return a->slots != NULL ? 0 : -ENOMEM;
}

static void arr_free(struct htab_arr *a, const struct mem *mem)
{
	mem_free(mem, a->slots, a->slots != NULL ? arr_len(a) * sizeof(a->slots[0]) : 0);
	a->slots = NULL;
}

/* There is an empty slot: the fill limit leaves one in sixteen, and one at least. */
static void arr_insert(struct htab_arr *a, struct htab_slot in)
{
	uint32_t pos = htab_home(a, in.hash);
	uint32_t dist = 0;

	while (a->slots[pos].obj != NULL) {
		uint32_t there = distance(a, pos);

		if (there < dist) {
			struct htab_slot out = a->slots[pos];

			a->slots[pos] = in;
			in = out;
			dist = there;
		}
		pos = (pos + 1) & a->mask;
		dist++;
	}
	a->slots[pos] = in;
}

static bool arr_remove(struct htab_arr *a, uint32_t hash, const void *obj)
{
	uint32_t pos = htab_home(a, hash);
	uint32_t dist = 0;

	for (;; pos = (pos + 1) & a->mask, dist++) {
		if (a->slots[pos].obj == NULL || distance(a, pos) < dist)
			return false;
		if (a->slots[pos].obj == obj && a->slots[pos].hash == hash)
			break;
	}
	for (;;) {
		uint32_t from = (pos + 1) & a->mask;

		if (a->slots[from].obj == NULL || distance(a, from) == 0)
			break;
		a->slots[pos] = a->slots[from];
		pos = from;
	}
	a->slots[pos].obj = NULL;
	return true;
}

/* An empty slot: no run crosses it, so going down from there meets every run from its end. */
static uint32_t find_gap(const struct htab_arr *a)
{
	uint32_t pos = a->mask;

	while (a->slots[pos].obj != NULL)
		pos--;
	return pos;
}

static void start_moving(struct htab *h)
{
	assert(h->old.slots == NULL);
	h->old = h->cur;
	h->cur = h->next;
	h->next.slots = NULL;
	h->old_left = h->old.mask;
	h->old_pos = find_gap(&h->old);
}

static void clear_some(struct htab *h, size_t slots)
{
	size_t n = min_size(slots, arr_len(&h->next) - h->cleared);

	memset(&h->next.slots[h->cleared], 0, n * sizeof(h->next.slots[0]));
	h->cleared += (uint32_t)n;
	if (h->cleared == arr_len(&h->next))
		start_moving(h);
}

static void move_some(struct htab *h)
{
	for (unsigned i = 0; i < MOVE_STEP && h->old_left > 0; i++, h->old_left--) {
		struct htab_slot *s;

		h->old_pos = (h->old_pos - 1) & h->old.mask;
		s = &h->old.slots[h->old_pos];
		if (s->obj != NULL) {
			arr_insert(&h->cur, *s);
			s->obj = NULL;
		}
	}
	if (h->old_left == 0)
		arr_free(&h->old, h->mem);
}

/*
 * Begins at 5/8. Clearing 2n slots by 64 takes n/32 insertions and moving n by 16 takes n/16, so
 * the growth is over long before the larger array is at its own 5/8. A failed allocation is no
 * error yet: the next insertion tries again, and the table works on up to its limit.
 */
static void grow_step(struct htab *h)
{
	size_t len = arr_len(&h->cur);

	if (LIKELY(h->next.slots == NULL && h->old.slots == NULL && h->count < len / 8 * 5))
		return;
	if (h->next.slots != NULL)
		clear_some(h, CLEAR_STEP);
	else if (h->old.slots != NULL)
		move_some(h);
	else if (len < (size_t)1 << HTAB_MAX_ORDER && arr_alloc(&h->next, h->mem, 2 * len) == 0)
		h->cleared = 0;
}

static size_t fill_limit(const struct htab *h)
{
	size_t len = arr_len(&h->cur);

	return len - max_size(len / 16, 1);
}

int htab_init(struct htab *h, const struct mem *mem, unsigned min_order)
{
	size_t len = (size_t)1 << clamp_uint(min_order, HTAB_MIN_ORDER, HTAB_MAX_ORDER);

	*h = (struct htab){.mem = mem};
	if (arr_alloc(&h->cur, mem, len) < 0)
		return -ENOMEM;
	memset(h->cur.slots, 0, len * sizeof(h->cur.slots[0]));
	return 0;
}

void htab_fini(struct htab *h)
{
	arr_free(&h->next, h->mem);
	arr_free(&h->old, h->mem);
	arr_free(&h->cur, h->mem);
	h->count = 0;
}

int htab_insert(struct htab *h, uint32_t hash, void *obj)
{
	assert(obj != NULL);
	grow_step(h);
	if (UNLIKELY(h->count >= fill_limit(h))) {
		if (h->next.slots == NULL)
			return -ENOMEM;
		/* Memory came late, at a full table: only then is the rest cleared in one go. */
		clear_some(h, arr_len(&h->next));
	}
	arr_insert(&h->cur, (struct htab_slot){.hash = hash, .obj = obj});
	h->count++;
	return 0;
}

bool htab_remove(struct htab *h, uint32_t hash, const void *obj)
{
	bool found = arr_remove(&h->cur, hash, obj);

	if (!found && h->old.slots != NULL)
		found = arr_remove(&h->old, hash, obj);
	if (found)
		h->count--;
	return found;
}

/* Downwards: what a removal moves back has been visited already. */
static void arr_walk(const struct htab_arr *a, void (*fn)(void *obj, void *arg), void *arg)
{
	uint32_t gap = find_gap(a);

	for (uint32_t i = 1; i <= a->mask; i++) {
		void *obj = a->slots[(gap - i) & a->mask].obj;

		if (obj != NULL)
			fn(obj, arg);
	}
}

void htab_for_each(struct htab *h, void (*fn)(void *obj, void *arg), void *arg)
{
	arr_walk(&h->cur, fn, arg);
	if (h->old.slots != NULL)
		arr_walk(&h->old, fn, arg);
}
