/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sets that somebody waits for in the kernel: another library's epoll, poll or event loop.
 *
 * A set's number is an epoll set of the kernel. Watched, it holds what makes a wait on the set
 * worth while: the kernel descriptors below the set, a flag that is up while its row is not empty,
 * and what the stack sleeps on (ports, the next timer), since nobody else runs the stack meanwhile.
 * So it may be readable and leat_epoll_wait() still return 0. Worker thread.
 */
#ifndef LEAT_SOCK_WATCH_H
#define LEAT_SOCK_WATCH_H

#include "sock/set.h"

struct watch_layer;

struct watch {
	struct list link; /* in the layer's row */
	struct evfile *ef;
	struct evitem hook; /* on the set's word */
	int number;         /* a duplicate of the set's, ours */
	bool up;            /* the flag */
};

/* The set is closing. */
void watch_end(struct evfile *ef);
/* The set has its wfd now. */
NODISCARD int watch_join(struct evfile *ef);
/* Bring flags and timer in line; before the program goes on. */
void watch_update(struct stack *s);
void watch_fini(struct stack *s);

static inline void watch_settle(struct stack *s)
{
	if (UNLIKELY(s->sock->watch != NULL))
		watch_update(s);
}

#endif
