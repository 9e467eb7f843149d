/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Circular doubly linked list, linked through members of the objects. The same struct is head and
 * link. A link that is in no list points to itself, so that list_linked() can tell; a link must be
 * set up with list_init() before its first use.
 */
#ifndef LEAT_BASE_LIST_H
#define LEAT_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

struct list {
	struct list *next;
	struct list *prev;
};

/* pos and tmp are struct list *. The body of the plain form must not remove pos. */
#define LIST_FOR_EACH(pos, head) for ((pos) = (head)->next; (pos) != (head); (pos) = (pos)->next)
/* The body may remove pos, and pos only. */
#define LIST_FOR_EACH_SAFE(pos, tmp, head) \
	for ((pos) = (head)->next, (tmp) = (pos)->next; (pos) != (head); \
	     (pos) = (tmp), (tmp) = (pos)->next)

static inline void list_init(struct list *l)
{
	l->next = l;
	l->prev = l;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

static inline bool list_linked(const struct list *link)
{
	return link->next != link;
}

static inline void list_insert_between(struct list *link, struct list *prev, struct list *next)
{
	link->prev = prev;
	link->next = next;
	prev->next = link;
	next->prev = link;
}

static inline void list_add_head(struct list *head, struct list *link)
{
	list_insert_between(link, head, head->next);
}

static inline void list_add_tail(struct list *head, struct list *link)
{
	list_insert_between(link, head->prev, head);
}

/* Harmless for a link that is in no list. */
static inline void list_del(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

/* NULL when the list is empty. */
static inline struct list *list_first(const struct list *head)
{
	return list_empty(head) ? NULL : head->next;
}

static inline struct list *list_last(const struct list *head)
{
	return list_empty(head) ? NULL : head->prev;
}

/* Removes and returns the first link; NULL when the list is empty. */
static inline struct list *list_pop_head(struct list *head)
{
	struct list *link = list_first(head);

	if (link != NULL)
		list_del(link);
	return link;
}

/* Takes link out of the list it is in, if any, and appends it to head. */
static inline void list_move_tail(struct list *head, struct list *link)
{
	list_del(link);
	list_add_tail(head, link);
}

/* Appends all of from to head, in order; from is empty afterwards. */
static inline void list_splice_tail(struct list *head, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = head->prev;
	head->prev->next = from->next;
	from->prev->next = head;
	head->prev = from->prev;
	list_init(from);
}

#endif
