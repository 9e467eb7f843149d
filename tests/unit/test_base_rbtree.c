/* SPDX-License-Identifier: BSD-2-Clause */
/* The tree against a sorted array, its color rules checked after every change. */
#include "base/rbtree.h"

#include <string.h>

#include "test_base_util.h"

#define ITEMS 400

struct item {
	unsigned key;
	unsigned serial; /* order of insertion */
	bool in;
	struct rb_node node;
};

static struct item *item_of(const struct rb_node *n)
{
	return CONTAINER_OF((struct rb_node *)(uintptr_t)n, struct item, node);
}

static int by_key(const struct rb_node *a, const struct rb_node *b)
{
	unsigned x = item_of(a)->key, y = item_of(b)->key;

	return (x > y) - (x < y);
}

static bool red(const struct rb_node *n)
{
	return n != NULL && (n->parent_red & 1) != 0;
}

/* Parents right, no red below red, equally many black nodes on every path: returned. */
static unsigned check_subtree(const struct rb_node *n, const struct rb_node *parent)
{
	unsigned left, right;

	if (n == NULL)
		return 1;
	assert_ptr_equal((const void *)(n->parent_red & ~(uintptr_t)1), parent);
	assert_false(red(n) && (red(n->left) || red(n->right)));
	left = check_subtree(n->left, n);
	right = check_subtree(n->right, n);
	assert_int_equal(left, right);
	return left + !red(n);
}

static int by_key_then_serial(const struct item *a, const struct item *b)
{
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->serial < b->serial ? -1 : 1;
}

/* In order both ways, everything that is in, equal keys in order of insertion. */
static void check(const struct rb_root *root, size_t count)
{
	struct rb_node *n, *before = NULL;
	size_t seen = 0;

	assert_false(red(root->node));
	(void)check_subtree(root->node, NULL);
	for (n = rb_first(root); n != NULL; before = n, n = rb_next(n), seen++) {
		assert_true(item_of(n)->in);
		if (before != NULL)
			assert_true(by_key_then_serial(item_of(before), item_of(n)) < 0);
		assert_ptr_equal(rb_prev(n), before);
	}
	assert_int_equal(seen, count);
	assert_ptr_equal(rb_last(root), before);
	assert_int_equal(rb_empty(root), count == 0);
}

static void churn(uint64_t seed, unsigned keys, unsigned rounds)
{
	static struct item items[ITEMS];
	struct prng r = {seed};
	struct rb_root root;
	size_t count = 0;

	memset(items, 0, sizeof(items));
	rb_init(&root);
	for (unsigned i = 0; i < rounds; i++) {
		struct item *it = &items[prng_below(&r, ITEMS)];

		if (it->in) {
			it->in = false;
			rb_erase(&root, &it->node);
			count--;
		} else {
			it->in = true;
			it->key = prng_below(&r, keys);
			it->serial = i;
			rb_insert(&root, &it->node, by_key);
			count++;
		}
		check(&root, count);
	}
}

static void test_random_churn(void **state)
{
	(void)state;
	churn(1, UINT32_MAX, 6000);
	churn(2, 50, 6000); /* many equal keys */
	churn(3, 1, 2000);  /* only equal keys */
}

/* Rising, falling and from both ends inwards; then erased in the order of insertion. */
static void test_regular_orders(void **state)
{
	static struct item items[ITEMS];

	(void)state;
	for (unsigned order = 0; order < 3; order++) {
		struct rb_root root;

		rb_init(&root);
		for (unsigned i = 0; i < ITEMS; i++) {
			unsigned inward = i % 2 != 0 ? ITEMS - i : i;

			items[i].key = order == 0 ? i : order == 1 ? ITEMS - i : inward;
			items[i].serial = i;
			items[i].in = true;
			rb_insert(&root, &items[i].node, by_key);
			check(&root, i + 1);
		}
		for (unsigned i = 0; i < ITEMS; i++) {
			items[i].in = false;
			rb_erase(&root, &items[i].node);
			check(&root, ITEMS - i - 1);
		}
	}
}

static void test_insert_at(void **state)
{
	struct item a = {.key = 2, .in = true}, b = {.key = 1, .in = true};
	struct rb_root root;

	(void)state;
	rb_init(&root);
	assert_null(rb_first(&root));
	assert_null(rb_last(&root));
	rb_insert_at(&root, &a.node, NULL, &root.node);
	rb_insert_at(&root, &b.node, &a.node, &a.node.left);
	check(&root, 2);
	assert_ptr_equal(rb_first(&root), &b.node);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_churn),
		cmocka_unit_test(test_regular_orders),
		cmocka_unit_test(test_insert_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
