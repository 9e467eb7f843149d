/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the library remembers of the kernel's descriptors: sockets that no address has been given
 * yet, event sets of the kernel's, and numbers of its own that the program must not close.
 *
 * Looking is lock-free; changes are made under preload.lock.
 */
#ifndef LEAT_PRELOAD_SLOT_H
#define LEAT_PRELOAD_SLOT_H

#include "preload/state.h"

#define SLOT_CHUNK  1024u
#define SLOT_CHUNKS 4096u

enum slot_kind {
	SLOT_SOCKET = 1, /* pending.c */
	SLOT_SET,        /* epset.c */
	SLOT_HIDDEN,     /* ours: to the program it does not exist */
};

/* The head of what a descriptor refers to; dup() makes several refer to one. */
struct slot {
	enum slot_kind kind;
	unsigned refs;
};

struct slot_chunk {
	struct slot *_Atomic of[SLOT_CHUNK];
};

struct slots {
	struct slot_chunk *_Atomic chunk[SLOT_CHUNKS];
};

/* Takes no reference. Without a lock it says that there was one; under it, that there is. */
static inline struct slot *slot_of(int fd)
{
	struct slots *s = atomic_load_explicit(&preload.slots, memory_order_acquire);
	unsigned n = (unsigned)fd;
	struct slot_chunk *c;

	if (!s || n >= SLOT_CHUNK * SLOT_CHUNKS)
		return NULL;
	c = atomic_load_explicit(&s->chunk[n / SLOT_CHUNK], memory_order_acquire);
	return c ? atomic_load_explicit(&c->of[n % SLOT_CHUNK], memory_order_acquire) : NULL;
}

static inline bool slot_is(int fd, enum slot_kind kind)
{
	const struct slot *s = slot_of(fd);

	return __builtin_expect(s != NULL, 0) && s->kind == kind;
}

void slots_lock(void);
void slots_unlock(void);

/* All of the following under the lock. fd refers to s from now on (one reference more). -ENOMEM. */
int slot_put(int fd, struct slot *s);
/* It refers to nothing; the last reference gives the memory back. */
void slot_drop(int fd);
/* The first descriptor from fd up to last that refers to something; -1: none. */
int slot_next(unsigned fd, unsigned last);
/* Keep a number of ours from the program. */
void slot_hide(int fd);

#endif
