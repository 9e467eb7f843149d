/* SPDX-License-Identifier: BSD-2-Clause */
/* The list against an array that holds the same numbers in the same order. */
#include "base/list.h"

#include <string.h>

#include "test_base_util.h"

#define ITEMS 40

struct item {
	unsigned number;
	struct list link;
};

struct model {
	unsigned at[ITEMS];
	size_t len;
};

static void check(const struct list *head, const struct model *m)
{
	const struct list *l = head;

	for (size_t i = 0; i < m->len; i++) {
		assert_ptr_equal(l->next->prev, l);
		l = l->next;
		assert_int_equal(CONTAINER_OF_CONST(l, struct item, link)->number, m->at[i]);
	}
	assert_ptr_equal(l->next, head);
	assert_ptr_equal(head->prev, l);
	assert_int_equal(list_empty(head), m->len == 0);
	assert_ptr_equal(list_first(head), m->len == 0 ? NULL : head->next);
	assert_ptr_equal(list_last(head), m->len == 0 ? NULL : head->prev);
}

static void model_put(struct model *m, size_t at, unsigned number)
{
	memmove(&m->at[at + 1], &m->at[at], (m->len - at) * sizeof(m->at[0]));
	m->at[at] = number;
	m->len++;
}

static bool model_take(struct model *m, unsigned number)
{
	for (size_t i = 0; i < m->len; i++) {
		if (m->at[i] != number)
			continue;
		m->len--;
		memmove(&m->at[i], &m->at[i + 1], (m->len - i) * sizeof(m->at[0]));
		return true;
	}
	return false;
}

static void model_splice(struct model *to, struct model *from)
{
	memcpy(&to->at[to->len], from->at, from->len * sizeof(from->at[0]));
	to->len += from->len;
	from->len = 0;
}

static void random_step(struct prng *r, struct list head[2], struct model m[2], struct item *it)
{
	unsigned k = prng_below(r, 2);
	bool in = list_linked(&it->link);

	switch (prng_below(r, 6)) {
	case 0:
	case 1:
		if (in)
			break;
		list_add_head(&head[k], &it->link);
		model_put(&m[k], 0, it->number);
		break;
	case 2:
		if (in)
			break;
		list_add_tail(&head[k], &it->link);
		model_put(&m[k], m[k].len, it->number);
		break;
	case 3:
		list_del(&it->link);
		assert_int_equal(model_take(&m[0], it->number) || model_take(&m[1], it->number),
				 in);
		assert_false(list_linked(&it->link));
		break;
	case 4:
		list_move_tail(&head[k], &it->link);
		(void)(model_take(&m[0], it->number) || model_take(&m[1], it->number));
		model_put(&m[k], m[k].len, it->number);
		break;
	default:
		if (prng_below(r, 8) != 0)
			break;
		list_splice_tail(&head[k], &head[1 - k]);
		model_splice(&m[k], &m[1 - k]);
		break;
	}
}

static void test_random_steps(void **state)
{
	struct model m[2] = {{.len = 0}, {.len = 0}};
	struct item items[ITEMS];
	struct prng r = {21};
	struct list head[2];

	(void)state;
	list_init(&head[0]);
	list_init(&head[1]);
	for (unsigned i = 0; i < ITEMS; i++) {
		items[i].number = i;
		list_init(&items[i].link);
	}
	for (unsigned i = 0; i < 50000; i++) {
		random_step(&r, head, m, &items[prng_below(&r, ITEMS)]);
		check(&head[0], &m[0]);
		check(&head[1], &m[1]);
	}
}

static void test_loops(void **state)
{
	struct item items[5];
	struct list head, *pos, *tmp;
	unsigned n = 0;

	(void)state;
	list_init(&head);
	LIST_FOR_EACH (pos, &head)
		fail();
	for (unsigned i = 0; i < 5; i++) {
		items[i].number = i;
		list_add_tail(&head, &items[i].link);
	}
	LIST_FOR_EACH (pos, &head)
		assert_int_equal(CONTAINER_OF(pos, struct item, link)->number, n++);
	assert_int_equal(n, 5);
	LIST_FOR_EACH_SAFE (pos, tmp, &head) {
		if (CONTAINER_OF(pos, struct item, link)->number % 2 == 0)
			list_del(pos);
	}
	assert_ptr_equal(list_pop_head(&head), &items[1].link);
	assert_false(list_linked(&items[1].link));
	assert_ptr_equal(list_pop_head(&head), &items[3].link);
	assert_null(list_pop_head(&head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_steps),
		cmocka_unit_test(test_loops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
