/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Red-black tree (Bayer 1972; Guibas and Sedgewick 1978). Left and right mirror each other, so
 * every step is written once, with a direction. An absent child counts as black.
 */
#include "base/rbtree.h"

#define RED ((uintptr_t)1)

enum dir { LEFT, RIGHT };

static inline enum dir other(enum dir d)
{
	return d == LEFT ? RIGHT : LEFT;
}

static inline struct rb_node **child(struct rb_node *n, enum dir d)
{
	return d == LEFT ? &n->left : &n->right;
}

static inline struct rb_node *parent_of(const struct rb_node *n)
{
	return (struct rb_node *)(n->parent_red & ~RED);
}

static inline bool is_red(const struct rb_node *n)
{
	return n != NULL && (n->parent_red & RED) != 0;
}

static inline void set_parent(struct rb_node *n, struct rb_node *parent)
{
	n->parent_red = (uintptr_t)parent | (n->parent_red & RED);
}

static inline void set_red(struct rb_node *n)
{
	n->parent_red |= RED;
}

static inline void set_black(struct rb_node *n)
{
	n->parent_red &= ~RED;
}

static inline enum dir side_of(const struct rb_node *n, const struct rb_node *parent)
{
	return parent->left == n ? LEFT : RIGHT;
}

/* Puts n (or nothing) where was hangs below parent, or at the root. */
static void replace_child(struct rb_root *root, struct rb_node *parent, const struct rb_node *was,
			  struct rb_node *n)
{
	if (parent == NULL)
		root->node = n;
	else
		*child(parent, side_of(was, parent)) = n;
}

/* n goes down to side d, and its child on the other side takes its place. */
static void rotate(struct rb_root *root, struct rb_node *n, enum dir d)
{
	struct rb_node *up = *child(n, other(d));
	struct rb_node *moved = *child(up, d);
	struct rb_node *parent = parent_of(n);

	replace_child(root, parent, n, up);
	set_parent(up, parent);
	*child(up, d) = n;
	set_parent(n, up);
	*child(n, other(d)) = moved;
	if (moved != NULL)
		set_parent(moved, n);
}

/* node is red; its parent may be too, which the loop moves up or rotates away. */
static void fix_insert(struct rb_root *root, struct rb_node *node)
{
	struct rb_node *parent;

	while ((parent = parent_of(node)) != NULL && is_red(parent)) {
		/* A red parent is not the root, so there is a grandparent. */
		struct rb_node *grand = parent_of(parent);
		enum dir d = side_of(parent, grand);
		struct rb_node *uncle = *child(grand, other(d));

		if (is_red(uncle)) {
			set_black(parent);
			set_black(uncle);
			set_red(grand);
			node = grand;
			continue;
		}
		if (side_of(node, parent) != d) {
			rotate(root, parent, d);
			parent = node;
		}
		set_black(parent);
		set_red(grand);
		rotate(root, grand, other(d));
		break;
	}
	set_black(root->node);
}

void rb_insert_at(struct rb_root *root, struct rb_node *node, struct rb_node *parent,
		  struct rb_node **link)
{
	node->parent_red = (uintptr_t)parent | RED;
	node->left = NULL;
	node->right = NULL;
	*link = node;
	fix_insert(root, node);
}

void rb_insert(struct rb_root *root, struct rb_node *node, rb_cmp cmp)
{
	struct rb_node **link = &root->node, *parent = NULL;

	while (*link != NULL) {
		parent = *link;
		link = child(parent, cmp(node, parent) < 0 ? LEFT : RIGHT);
	}
	rb_insert_at(root, node, parent, link);
}

/* Sibling is black and one of its children red: a rotation gives side d its black node back. */
static void borrow_black(struct rb_root *root, struct rb_node *parent, enum dir d)
{
	struct rb_node *sibling = *child(parent, other(d));

	if (!is_red(*child(sibling, other(d)))) {
		set_black(*child(sibling, d));
		set_red(sibling);
		rotate(root, sibling, other(d));
		sibling = *child(parent, other(d));
	}
	sibling->parent_red = (sibling->parent_red & ~RED) | (parent->parent_red & RED);
	set_black(parent);
	set_black(*child(sibling, other(d)));
	rotate(root, parent, d);
}

/* The paths through side d of parent lack a black node. */
static void fix_erase(struct rb_root *root, struct rb_node *parent, enum dir d)
{
	while (parent != NULL) {
		struct rb_node *node = *child(parent, d);
		struct rb_node *sibling = *child(parent, other(d));

		if (is_red(node)) {
			set_black(node);
			return;
		}
		if (is_red(sibling)) {
			set_black(sibling);
			set_red(parent);
			rotate(root, parent, d);
			sibling = *child(parent, other(d));
		}
		if (is_red(sibling->left) || is_red(sibling->right)) {
			borrow_black(root, parent, d);
			return;
		}
		set_red(sibling);
		node = parent;
		parent = parent_of(node);
		if (is_red(node) || parent == NULL) {
			set_black(node);
			return;
		}
		d = side_of(node, parent);
	}
}

/* Takes out a node that has at most one child. */
static void unlink_single(struct rb_root *root, struct rb_node *node)
{
	struct rb_node *below = node->left != NULL ? node->left : node->right;
	struct rb_node *parent = parent_of(node);
	enum dir d = parent != NULL ? side_of(node, parent) : LEFT;

	replace_child(root, parent, node, below);
	if (below != NULL)
		set_parent(below, parent);
	if (is_red(node))
		return;
	if (parent != NULL)
		fix_erase(root, parent, d);
	else if (below != NULL)
		set_black(below);
}

/* stand takes over the place, children and color of node. */
static void take_place(struct rb_root *root, struct rb_node *node, struct rb_node *stand)
{
	*stand = *node;
	replace_child(root, parent_of(node), node, stand);
	if (stand->left != NULL)
		set_parent(stand->left, stand);
	if (stand->right != NULL)
		set_parent(stand->right, stand);
}

void rb_erase(struct rb_root *root, struct rb_node *node)
{
	struct rb_node *next;

	if (node->left == NULL || node->right == NULL) {
		unlink_single(root, node);
		return;
	}
	next = node->right;
	while (next->left != NULL)
		next = next->left;
	unlink_single(root, next);
	take_place(root, node, next);
}

static struct rb_node *outermost(struct rb_node *n, enum dir d)
{
	if (n != NULL) {
		while (*child(n, d) != NULL)
			n = *child(n, d);
	}
	return n;
}

static struct rb_node *step(const struct rb_node *n, enum dir d)
{
	struct rb_node *below = d == LEFT ? n->left : n->right;
	struct rb_node *parent;

	if (below != NULL)
		return outermost(below, other(d));
	while ((parent = parent_of(n)) != NULL && side_of(n, parent) == d)
		n = parent;
	return parent;
}

struct rb_node *rb_first(const struct rb_root *root)
{
	return outermost(root->node, LEFT);
}

struct rb_node *rb_last(const struct rb_root *root)
{
	return outermost(root->node, RIGHT);
}

struct rb_node *rb_next(const struct rb_node *node)
{
	return step(node, RIGHT);
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	return step(node, LEFT);
}
