/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Red-black tree, linked through members of the objects. Searching is written by the user, who
 * knows the key; it goes down through left and right:
 *
 *	struct rb_node **link = &root->node, *parent = NULL;
 *
 *	while (*link != NULL) {
 *		parent = *link;
 *		link = key < key_of(parent) ? &parent->left : &parent->right;
 *	}
 *	rb_insert_at(root, node, parent, link);
 */
#ifndef LEAT_BASE_RBTREE_H
#define LEAT_BASE_RBTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

struct rb_node {
	uintptr_t parent_red; /* parent, and in bit 0 whether this node is red */
	struct rb_node *left;
	struct rb_node *right;
};

struct rb_root {
	struct rb_node *node;
};

#define RB_ENTRY(ptr, type, member) CONTAINER_OF(ptr, type, member)

/* Below 0, 0, above 0 as memcmp. */
typedef int (*rb_cmp)(const struct rb_node *a, const struct rb_node *b);

static inline void rb_init(struct rb_root *root)
{
	root->node = NULL;
}

static inline bool rb_empty(const struct rb_root *root)
{
	return root->node == NULL;
}

/* Hangs node at *link, an empty place below parent, and balances. */
void rb_insert_at(struct rb_root *root, struct rb_node *node, struct rb_node *parent,
		  struct rb_node **link);

/* Inserts by cmp; equal nodes stay in order of insertion. */
void rb_insert(struct rb_root *root, struct rb_node *node, rb_cmp cmp);

void rb_erase(struct rb_root *root, struct rb_node *node);

/* In order; NULL at the ends. O(log n), and O(1) on average over a whole walk. */
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

#endif
