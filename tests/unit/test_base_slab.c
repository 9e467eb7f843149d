/* SPDX-License-Identifier: BSD-2-Clause */
/* Slabs of many sizes: zeroed, apart, aligned, bounded, walkable, and nothing left behind. */
#include "base/slab.h"

#include <string.h>

#include "base/bits.h"
#include "base/memfail.h"
#include "test_base_util.h"

#define OBJS 500

static void fill_and_check(struct slab *s, uint8_t **obj, size_t size)
{
	for (size_t i = 0; i < OBJS; i++) {
		obj[i] = slab_get(s);
		assert_non_null(obj[i]);
		for (size_t b = 0; b < size; b++)
			assert_int_equal(obj[i][b], 0);
		assert_true(is_aligned(obj[i], size >= CACHE_LINE ? CACHE_LINE : 16));
		memset(obj[i], (int)(i % 251) + 1, size);
	}
	assert_int_equal(slab_count(s), OBJS);
	for (size_t i = 0; i < OBJS; i++) { /* nobody wrote over another's bytes */
		for (size_t b = 0; b < size; b++)
			assert_int_equal(obj[i][b], i % 251 + 1);
	}
}

static void test_sizes(void **state)
{
	static const size_t sizes[] = {1, 8, 16, 24, 63, 64, 65, 200, 512, 1000, 1024, 9000};
	static uint8_t *obj[OBJS];

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
		struct memfail mf;
		struct slab s;

		memfail_init(&mf, mem_libc());
		slab_init(&s, memfail_mem(&mf), "test", sizes[k], OBJS);
		assert_int_equal(memfail_outstanding(&mf), 0);
		for (unsigned round = 0; round < 2; round++) {
			fill_and_check(&s, obj, sizes[k]);
			assert_null(slab_get(&s));
			assert_int_equal(s.refused, round + 1);
			for (size_t i = 0; i < OBJS; i++)
				slab_put(&s, obj[i]);
			assert_int_equal(slab_count(&s), 0);
		}
		assert_int_equal(s.peak, OBJS);
		assert_true(s.capacity >= OBJS);
		slab_fini(&s);
		assert_int_equal(memfail_outstanding(&mf), 0);
	}
}

/* Few and small objects must not cost a whole large chunk. */
static void test_small_maximum_is_small(void **state)
{
	struct memfail mf;
	struct slab s;

	(void)state;
	memfail_init(&mf, mem_libc());
	slab_init(&s, memfail_mem(&mf), "few", 40, 3);
	assert_non_null(slab_get(&s));
	assert_true(mf.live_bytes <= 512);
	slab_fini(&s);
}

/* The last object of a chunk ends inside it, for every size and maximum. */
static void test_chunk_layout(void **state)
{
	(void)state;
	for (size_t size = 1; size < 20000; size += 1 + size / 8) {
		for (size_t max = 1; max < 20000; max = max * 3 + 1) {
			struct slab s;
			uint8_t *obj = NULL;

			slab_init(&s, mem_libc(), "layout", size, max);
			assert_true(s.chunk_size <= 65536 || s.per_chunk < 2 * 8);
			for (size_t i = 0; i < min_size(max, s.per_chunk); i++)
				obj = slab_get(&s);
			assert_non_null(obj);
			assert_true(((uintptr_t)obj & (s.chunk_size - 1)) + size <= s.chunk_size);
			assert_int_equal(s.capacity, s.per_chunk); /* all from one chunk */
			slab_fini(&s);
		}
	}
}

static void test_without_memory(void **state)
{
	struct memfail mf;
	struct slab s;
	void *obj;

	(void)state;
	memfail_init(&mf, mem_libc());
	slab_init(&s, memfail_mem(&mf), "poor", 64, 10);
	memfail_arm(&mf, 1, false);
	assert_null(slab_get(&s));
	assert_int_equal(s.refused, 1);
	assert_int_equal(slab_count(&s), 0);
	obj = slab_get(&s);
	assert_non_null(obj);
	slab_put(&s, obj);
	slab_fini(&s);
	assert_int_equal(memfail_outstanding(&mf), 0);
}

static void test_last_released_first(void **state)
{
	struct slab s;
	void *a, *b;

	(void)state;
	slab_init(&s, mem_libc(), "lifo", 128, 10);
	a = slab_get(&s);
	b = slab_get(&s);
	slab_put(&s, a);
	slab_put(&s, b);
	assert_ptr_equal(slab_get(&s), b);
	assert_ptr_equal(slab_get(&s), a);
	slab_fini(&s);
}

struct walk {
	struct slab *s;
	unsigned seen;
	bool put;
};

struct numbered {
	unsigned number;
	unsigned visits;
};

static void visit(void *obj, void *arg)
{
	struct walk *w = arg;
	struct numbered *n = obj;

	w->seen++;
	n->visits++;
	if (w->put && n->number % 2 != 0)
		slab_put(w->s, n);
}

static void test_walk(void **state)
{
	struct walk w = {.put = false};
	struct numbered *obj[OBJS];
	struct slab s;

	(void)state;
	w.s = &s;
	slab_init(&s, mem_libc(), "walk", sizeof(struct numbered), OBJS);
	slab_for_each(&s, visit, &w);
	assert_int_equal(w.seen, 0);
	for (unsigned i = 0; i < OBJS; i++) {
		obj[i] = slab_get(&s);
		assert_non_null(obj[i]);
		obj[i]->number = i;
	}
	for (unsigned i = 0; i < OBJS; i += 5)
		slab_put(&s, obj[i]);
	slab_for_each(&s, visit, &w);
	assert_int_equal(w.seen, OBJS - OBJS / 5);
	for (unsigned i = 0; i < OBJS; i++) {
		if (i % 5 != 0)
			assert_int_equal(obj[i]->visits, 1);
	}
	w = (struct walk){.s = &s, .put = true};
	slab_for_each(&s, visit, &w);
	assert_int_equal(w.seen, OBJS - OBJS / 5);
	assert_int_equal(slab_count(&s), 200); /* the even ones that are not multiples of 5 */
	slab_fini(&s);
}

static void test_random_churn(void **state)
{
	static uint64_t *obj[OBJS];
	struct prng r = {9};
	struct memfail mf;
	struct slab s;

	(void)state;
	memset(obj, 0, sizeof(obj));
	memfail_init(&mf, mem_libc());
	slab_init(&s, memfail_mem(&mf), "churn", 72, OBJS);
	for (unsigned i = 0; i < 100000; i++) {
		uint64_t **o = &obj[prng_below(&r, OBJS)];

		if (*o != NULL) {
			assert_int_equal(**o, (uintptr_t)o);
			slab_put(&s, *o);
			*o = NULL;
		} else {
			*o = slab_get(&s);
			assert_non_null(*o);
			assert_int_equal(**o, 0);
			**o = (uintptr_t)o;
		}
	}
	slab_fini(&s);
	assert_int_equal(memfail_outstanding(&mf), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_small_maximum_is_small),
		cmocka_unit_test(test_chunk_layout),
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_last_released_first),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_random_churn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
