/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Somebody outside the stack's loop who waits for readiness: a hook on a descriptor's word. Worker
 * thread; the caller owns the waiter and keeps it in place until it fired or was cancelled.
 */
#ifndef LEAT_SOCK_WAITER_H
#define LEAT_SOCK_WAITER_H

#include "sock/socket.h"

struct sock_waiter {
	struct evitem hook;
	/* Fired, once: rc holds the bits, or -EBADF when the descriptor was closed. */
	void (*fired)(struct sock_waiter *w, int rc);
	int kernel_fd; /* of a set: to be waited for besides, -1: none */
};

/* May fire before it returns. */
void sock_waiter_arm(struct stack *s, struct sock_waiter *w, int fd, uint32_t bits);
/* Harmless when it fired. */
void sock_waiter_cancel(struct sock_waiter *w);

#endif
