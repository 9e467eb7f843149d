/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sources, items and ready lists; see ev.h. Called by the protocol events (activation) and by
 * the epoll and kqueue faces (registration, nested sets). A source owns nothing; items belong to
 * the face that made them. Worker thread.
 */
#include "sock/ev.h"

/* Which activations must be passed on although the bits hold already. */
#define EVERY_TIME (EVI_EDGE | EVI_EXCLUSIVE | EVI_CALC | EVI_HOOK)

static struct evitem *item_of_src(struct list *l)
{
	return CONTAINER_OF(l, struct evitem, src_link);
}

static struct evitem *item_of_ready(struct list *l)
{
	return CONTAINER_OF(l, struct evitem, ready_link);
}

void evsrc_init(struct evsrc *src)
{
	src->ready = 0;
	src->edge = 0;
	list_init(&src->items);
}

void evsrc_fini(struct evsrc *src)
{
	while (!list_empty(&src->items)) {
		struct evitem *it = item_of_src(src->items.next);

		it->set->item_gone(it);
	}
}

static void sum_edges(struct evsrc *src)
{
	struct list *pos;

	src->edge = 0;
	LIST_FOR_EACH (pos, &src->items) {
		struct evitem *it = item_of_src(pos);

		if (it->flags & EVERY_TIME)
			src->edge |= it->mask;
	}
}

void evitem_fire(struct evitem *it)
{
	struct evset *set = it->set;

	if (!list_linked(&it->ready_link))
		list_add_tail(&set->ready, &it->ready_link);
	/* Edges of the set around are told each time, as Linux has it. */
	if (UNLIKELY(!list_empty(&set->src->items)))
		ev_activate(set->src, RDY_IN | RDY_RDNORM);
}

/* One exclusive item is enough; it goes to the end of the row, so that sets take turns. */
static void fire_exclusive(struct evsrc *src, uint32_t bits)
{
	struct list *pos;

	LIST_FOR_EACH (pos, &src->items) {
		struct evitem *it = item_of_src(pos);

		if (!(it->flags & EVI_EXCLUSIVE) || !(it->mask & bits) ||
		    list_linked(&it->ready_link))
			continue;
		evitem_fire(it);
		list_move_tail(&src->items, &it->src_link);
		return;
	}
}

void ev_raise(struct evsrc *src, uint32_t bits)
{
	bool exclusive = false;
	struct list *pos, *tmp;

	src->ready |= bits;
	LIST_FOR_EACH_SAFE (pos, tmp, &src->items) {
		struct evitem *it = item_of_src(pos);

		if (!(it->mask & bits))
			continue;
		if (LIKELY(!(it->flags & (EVI_EXCLUSIVE | EVI_HOOK))))
			evitem_fire(it);
		else if (it->flags & EVI_HOOK)
			it->set->item_hook(it);
		else
			exclusive = true;
	}
	if (UNLIKELY(exclusive))
		fire_exclusive(src, bits);
}

void evhook_link(struct evset *set, struct evitem *it)
{
	it->set = set;
	it->flags |= EVI_HOOK;
	list_init(&it->ready_link);
	list_init(&it->set_link);
	list_add_tail(&it->src->items, &it->src_link);
	sum_edges(it->src);
}

void evset_init(struct evset *set, struct evsrc *src)
{
	list_init(&set->ready);
	list_init(&set->items);
	set->src = src;
}

void evitem_link(struct evset *set, struct evitem *it)
{
	it->set = set;
	list_init(&it->ready_link);
	list_init(&it->src_link);
	list_init(&it->set_link);
	list_add_tail(&set->items, &it->set_link);
	if (!it->src)
		return;
	list_add_tail(&it->src->items, &it->src_link);
	evitem_rearm(it);
}

void evitem_unlink(struct evitem *it)
{
	list_del(&it->ready_link);
	list_del(&it->set_link);
	if (!it->src)
		return;
	list_del(&it->src_link);
	sum_edges(it->src);
}

void evitem_rearm(struct evitem *it)
{
	if (it->flags & EVERY_TIME || it->src->edge)
		sum_edges(it->src);
	if (it->src->ready & it->mask)
		evitem_fire(it);
}

void evset_refresh(struct evset *set)
{
	while (!list_empty(&set->ready)) {
		struct evitem *it = item_of_ready(set->ready.next);

		if (it->set->item_ready(it)) {
			set->src->ready |= RDY_IN | RDY_RDNORM;
			return;
		}
		list_del(&it->ready_link);
	}
	ev_clear(set->src, RDY_IN | RDY_RDNORM);
}
