/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hash table against a plain array of what is in it, through every state of growth, with few
 * hashes and with many, and with memory that fails.
 */
#include "base/htab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memfail.h"
#include "test_base_util.h"

struct item {
	uint32_t hash;
	unsigned times; /* inserted this often */
	unsigned seen;
};

static unsigned times_found(const struct htab *h, const struct item *item)
{
	struct htab_iter it;
	unsigned n = 0;

	for (struct item *i = htab_first(h, item->hash, &it); i != NULL; i = htab_next(&it)) {
		assert_int_equal(i->hash, item->hash);
		n += i == item;
	}
	return n;
}

/* Robin hood order in one array: no gap between an entry and its home, homes never decrease. */
static size_t check_arr(const struct htab_arr *a)
{
	size_t used = 0;

	for (uint32_t pos = 0; pos <= a->mask; pos++) {
		uint32_t before = (pos - 1) & a->mask;
		uint32_t dist, dist_before;

		if (a->slots[pos].obj == NULL)
			continue;
		used++;
		dist = (pos - htab_home(a, a->slots[pos].hash)) & a->mask;
		if (dist == 0)
			continue;
		assert_non_null(a->slots[before].obj);
		dist_before = (before - htab_home(a, a->slots[before].hash)) & a->mask;
		assert_true(dist <= dist_before + 1);
	}
	return used;
}

static void check_order(const struct htab *h)
{
	size_t used = check_arr(&h->cur);

	if (h->old.slots != NULL)
		used += check_arr(&h->old);
	assert_int_equal(used, htab_count(h));
}

static void count_visit(void *obj, void *arg)
{
	struct item *i = obj;

	(void)arg;
	i->seen++;
}

static void check_walk(struct htab *h, struct item *items, size_t n)
{
	htab_for_each(h, count_visit, NULL);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(items[i].seen, items[i].times);
		items[i].seen = 0;
	}
}

/* hashes: how many different ones; the fewer, the longer the runs. */
static void churn(uint64_t seed, unsigned n, uint64_t hashes, unsigned rounds)
{
	struct item *items = calloc(n, sizeof(*items));
	struct prng r = {seed};
	struct memfail mf;
	struct htab h;
	size_t count = 0;

	assert_non_null(items);
	memfail_init(&mf, mem_libc());
	assert_int_equal(htab_init(&h, memfail_mem(&mf), 0), 0);
	for (unsigned i = 0; i < n; i++)
		items[i].hash = (uint32_t)(prng_u64(&r) % hashes * UINT64_C(0x10001001));
	for (unsigned round = 0; round < rounds; round++) {
		struct item *it = &items[prng_below(&r, n)];

		if (prng_below(&r, 10) < (round * 2 < rounds ? 7 : 4) && it->times < 3) {
			assert_int_equal(htab_insert(&h, it->hash, it), 0);
			it->times++;
			count++;
		} else {
			bool removed = htab_remove(&h, it->hash, it);

			assert_int_equal(removed, it->times > 0);
			it->times -= removed;
			count -= removed;
		}
		assert_int_equal(htab_count(&h), count);
		assert_int_equal(times_found(&h, it), it->times);
		if (round % (rounds / 50) == 0) {
			check_order(&h);
			check_walk(&h, items, n);
		}
	}
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(times_found(&h, &items[i]), items[i].times);
	htab_fini(&h);
	assert_int_equal(memfail_outstanding(&mf), 0);
	free(items);
}

static void test_random_churn(void **state)
{
	(void)state;
	churn(1, 20000, UINT64_C(1) << 32, 200000);
	churn(2, 300, UINT64_C(1) << 32, 50000);
	churn(3, 2000, 200, 50000); /* ten objects to a hash */
	churn(4, 60, 1, 20000);     /* all under one hash */
	churn(5, 6, 3, 5000);       /* never grows */
}

/* Everything is found, and runs are in order, after every single insertion while growing. */
static void test_growth_step_by_step(void **state)
{
	enum { N = 1500 };
	static struct item items[N];
	struct prng r = {10};
	struct htab h;
	bool clearing = false, moving = false;

	(void)state;
	assert_int_equal(htab_init(&h, mem_libc(), 3), 0);
	for (unsigned i = 0; i < N; i++) {
		items[i] = (struct item){.hash = prng_u32(&r), .times = 1};
		assert_int_equal(htab_insert(&h, items[i].hash, &items[i]), 0);
		clearing |= h.next.slots != NULL;
		moving |= h.old.slots != NULL && h.old_left < h.old.mask;
		check_order(&h);
		for (unsigned j = 0; j <= i; j++)
			assert_int_equal(times_found(&h, &items[j]), 1);
		/* The share of the array that takes insertions stays below what is promised. */
		assert_true(htab_count(&h) <= ((size_t)h.cur.mask + 1) * 15 / 16);
	}
	assert_true(clearing && moving);
	htab_fini(&h);
}

/* A growth never asks one insertion to do more than a few steps: watch the cursors. */
static void test_growth_is_bounded(void **state)
{
	enum { N = 100000 };
	struct item *items = calloc(N, sizeof(*items));
	struct prng r = {11};
	struct htab h;

	(void)state;
	assert_non_null(items);
	assert_int_equal(htab_init(&h, mem_libc(), 6), 0);
	for (unsigned i = 0; i < N; i++) {
		const struct htab_slot *was_next = h.next.slots, *was_old = h.old.slots;
		uint32_t cleared = h.cleared, left = h.old_left;

		assert_int_equal(htab_insert(&h, prng_u32(&r), &items[i]), 0);
		if (h.next.slots != NULL && h.next.slots == was_next)
			assert_true(h.cleared - cleared <= 64);
		if (h.old.slots != NULL && h.old.slots == was_old)
			assert_true(left - h.old_left <= 16);
	}
	htab_fini(&h);
	free(items);
}

struct sweep {
	struct htab *h;
	unsigned every;
	unsigned seen;
};

static void remove_some(void *obj, void *arg)
{
	struct sweep *s = arg;
	struct item *i = obj;

	i->seen++;
	if (s->seen++ % s->every == 0) {
		assert_true(htab_remove(s->h, i->hash, i));
		i->times--;
	}
}

/* Removing the current one, at every size, so that it happens in every state of growth. */
static void test_remove_while_walking(void **state)
{
	enum { N = 900 };
	static struct item items[N];

	(void)state;
	for (unsigned n = 1; n < N; n += 7) {
		struct prng r = {n};
		struct sweep s = {.every = 1 + n % 3};
		struct htab h;

		assert_int_equal(htab_init(&h, mem_libc(), 0), 0);
		s.h = &h;
		for (unsigned i = 0; i < n; i++) {
			items[i] = (struct item){.hash = prng_u32(&r) % 256, .times = 1};
			assert_int_equal(htab_insert(&h, items[i].hash, &items[i]), 0);
		}
		htab_for_each(&h, remove_some, &s);
		assert_int_equal(s.seen, n);
		check_order(&h);
		for (unsigned i = 0; i < n; i++) {
			assert_int_equal(items[i].seen, 1);
			assert_int_equal(times_found(&h, &items[i]), items[i].times);
		}
		htab_fini(&h);
	}
}

/* No memory to grow: it fills to its limit, refuses, works on, and grows when there is some. */
static void test_without_memory(void **state)
{
	static struct item items[64];
	struct memfail mf;
	struct htab h;

	(void)state;
	memfail_init(&mf, mem_libc());
	memfail_arm(&mf, 1, false);
	assert_int_equal(htab_init(&h, memfail_mem(&mf), 5), -ENOMEM);
	assert_int_equal(htab_init(&h, memfail_mem(&mf), 5), 0);
	memfail_arm(&mf, 1, true);
	for (unsigned i = 0; i < 64; i++) {
		items[i] = (struct item){.hash = i * UINT32_C(0x9e3779b9), .times = 1};
		assert_int_equal(htab_insert(&h, items[i].hash, &items[i]), i < 30 ? 0 : -ENOMEM);
	}
	assert_int_equal(htab_count(&h), 30);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(times_found(&h, &items[i]), i < 30);
	memfail_arm(&mf, 0, false);
	for (unsigned i = 30; i < 64; i++)
		assert_int_equal(htab_insert(&h, items[i].hash, &items[i]), 0);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(times_found(&h, &items[i]), 1);
	check_order(&h);
	htab_fini(&h);
	assert_int_equal(memfail_outstanding(&mf), 0);
}

static void fini_at_size(struct memfail *mf, unsigned n)
{
	static int obj;
	struct htab h;

	assert_int_equal(htab_init(&h, memfail_mem(mf), 0), 0);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(htab_insert(&h, i * UINT32_C(0x9e3779b9), &obj), 0);
	htab_fini(&h);
	assert_int_equal(memfail_outstanding(mf), 0);
}

static void test_fini_in_every_state(void **state)
{
	struct memfail mf;

	(void)state;
	memfail_init(&mf, mem_libc());
	for (unsigned n = 0; n < 400; n++)
		fini_at_size(&mf, n);
}

/* Prefetching is only a hint, but its addresses must be computed inside the arrays. */
static void test_empty_table(void **state)
{
	struct htab_iter it;
	struct htab h;
	int obj;

	(void)state;
	assert_int_equal(htab_init(&h, mem_libc(), 0), 0);
	htab_prefetch(&h, 12345);
	assert_null(htab_first(&h, 12345, &it));
	assert_false(htab_remove(&h, 12345, &obj));
	assert_int_equal(htab_count(&h), 0);
	htab_fini(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_churn),
		cmocka_unit_test(test_growth_step_by_step),
		cmocka_unit_test(test_growth_is_bounded),
		cmocka_unit_test(test_remove_while_walking),
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_fini_in_every_state),
		cmocka_unit_test(test_empty_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
