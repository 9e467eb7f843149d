/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls of other threads, on their way to the worker that owns a stack.
 *
 * Any thread posts; the worker runs what was posted before its next round, in the order of posting.
 * A poster has one call under way at a time and waits for it, so the row needs no limit and no
 * memory of its own. A sleeping worker is woken by an eventfd; one that is busy finds the row by
 * itself. The only part of a stack that two threads touch.
 */
#ifndef LEAT_SOCK_INBOX_H
#define LEAT_SOCK_INBOX_H

#include "core/stack.h"

#include <stdatomic.h>

struct inbox_call {
	struct inbox_call *next;
	/* On the worker. The call is the poster's again when this says so; do not touch it then. */
	void (*run)(struct stack *s, struct inbox_call *c);
};

struct inbox {
	struct inbox_call *_Atomic head; /* newest first */
	_Atomic bool asleep;             /* whoever clears it writes to fd */
	bool running;                    /* a posted call is at work: no rounds inside it */
	int fd;                          /* -1: closed, nobody posts */
};

NODISCARD int inbox_init(struct inbox *in);
void inbox_fini(struct inbox *in);
/* Any thread. */
void inbox_post(struct inbox *in, struct inbox_call *c);

/* The worker: run what has come. */
void inbox_run(struct stack *s, struct inbox *in);
/* About to sleep on fd. False: something has come, do not. */
bool inbox_before_sleep(struct inbox *in);
void inbox_after_sleep(struct inbox *in);

static inline bool inbox_pending(struct inbox *in)
{
	return atomic_load_explicit(&in->head, memory_order_relaxed) != NULL;
}

#endif
