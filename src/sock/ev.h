/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event core: one readiness word for each source, one ready list for each event set.
 *
 * A source (socket, or an event set inside another) keeps its readiness word up to date: protocol
 * events set bits with ev_activate(), the calls that use readiness up clear them with ev_clear().
 * An item ties a source to a set; raising a bit that an item asks for links the item into the set's
 * ready list. Harvesting walks that list and takes the level from the word again, so a level that
 * has vanished is never reported and clearing a bit never searches a list. epoll items and kqueue
 * knotes are the two kinds of items.
 *
 * Thread: the worker that owns the stack. Nothing here allocates, locks or reads a clock.
 */
#ifndef LEAT_SOCK_EV_H
#define LEAT_SOCK_EV_H

#include "base/compiler.h"
#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

/* Linux's poll bits, so that harvesting is one AND; from bit 16 on for kqueue's filters. */
#define RDY_IN       0x00000001u
#define RDY_PRI      0x00000002u
#define RDY_OUT      0x00000004u
#define RDY_ERR      0x00000008u
#define RDY_HUP      0x00000010u
#define RDY_RDNORM   0x00000040u
#define RDY_WRNORM   0x00000100u
#define RDY_RDHUP    0x00002000u
#define RDY_POLL     0x0000ffffu /* what poll and epoll may see */
#define RDY_DATA     0x00010000u /* any bytes at all, below SO_RCVLOWAT too */
#define RDY_ROOM     0x00020000u /* connected and send space is free */
#define RDY_EMPTY    0x00040000u /* nothing unsent or unacknowledged */
#define RDY_WREOF    0x00080000u /* sending is over */

#define RDY_READABLE (RDY_IN | RDY_RDNORM | RDY_DATA)
#define RDY_WRITABLE (RDY_OUT | RDY_WRNORM | RDY_ROOM)

/* Of an item. */
#define EVI_EDGE      0x01u /* leaves the ready list when delivered; every activation counts */
#define EVI_ONESHOT   0x02u /* delivered, then gone (kqueue) or disarmed (epoll) */
#define EVI_DISPATCH  0x04u /* delivered, then disabled */
#define EVI_EXCLUSIVE 0x08u /* of several such items on a source, one is woken */
#define EVI_NESTED    0x10u /* the source is an event set: ask it again when harvesting */
#define EVI_DISABLED  0x20u
#define EVI_CALC      0x40u /* readiness is not the word alone: NOTE_LOWAT */
#define EVI_HOOK      0x80u /* no item of a set: its set's item_hook is called each time */

struct evset;

struct evsrc {
	uint32_t ready; /* RDY_* that hold now */
	uint32_t edge;  /* bits that items want to hear of each time */
	struct list items;
};

/* One registration; the first line is all that harvesting touches. */
struct evitem {
	struct list ready_link; /* in set->ready */
	uint32_t mask;          /* RDY_* that fire it; 0: none */
	uint32_t flags;         /* EVI_* */
	struct evsrc *src;      /* NULL: a knote without a descriptor */
	uint64_t data;          /* the user's */
	struct evset *set;
	int fd;
	struct list src_link; /* in src->items */
	struct list set_link; /* in set->items */
};

struct evset {
	struct list ready;
	struct evsrc *src; /* the set as a source: IN while ready is not empty. Kept up to date
			    * while it has items, else by evset_refresh() */
	struct list items;
	/* Would the item be delivered now? For nested sets. */
	bool (*item_ready)(struct evitem *it);
	/* The item's source is going away: forget the item. */
	void (*item_gone)(struct evitem *it);
	/* A bit that a hook asks for was raised. May unlink the hook, and nothing else. */
	void (*item_hook)(struct evitem *it);
};

void evsrc_init(struct evsrc *src);
/* Drop every item on it, through its set; the last descriptor is closed. */
void evsrc_fini(struct evsrc *src);

void evset_init(struct evset *set, struct evsrc *src);

/* Tie it (all but the links and set filled in) to set and to it->src, and fire when it is ready. */
void evitem_link(struct evset *set, struct evitem *it);
void evitem_unlink(struct evitem *it);
/* mask or flags were changed: bring the source's summary up to date and fire when it is ready. */
void evitem_rearm(struct evitem *it);
/* Into the ready list. */
void evitem_fire(struct evitem *it);

/* Tie a hook (src, mask) to its source; only item_hook and item_gone of set are used.
 * evitem_unlink() ends it. */
void evhook_link(struct evset *set, struct evitem *it);

/* Drop stale items, update the word: before it is read, and before the set becomes a member. */
void evset_refresh(struct evset *set);

void ev_raise(struct evsrc *src, uint32_t bits);

/* Some bits hold now, or hold anew. Two loads when that changes nothing. */
static inline void ev_activate(struct evsrc *src, uint32_t bits)
{
	if ((bits & (~src->ready | src->edge)) != 0)
		ev_raise(src, bits);
}

static inline void ev_clear(struct evsrc *src, uint32_t bits)
{
	src->ready &= ~bits;
}

#endif
