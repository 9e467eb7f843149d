/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting: run the stack until something holds. */
#ifndef LEAT_SOCK_WAIT_H
#define LEAT_SOCK_WAIT_H

#include "sock/socket.h"

struct sock_wait {
	/* Asked after every round; slept: the one before it was a sleep. */
	bool (*done)(struct stack *s, void *arg, bool slept);
	void *arg;
	uint64_t timeout_ns;     /* 0: one round; SOCK_FOREVER */
	int fd;                  /* of the kernel, wakes a sleep; -1: none */
	const sigset_t *sigmask; /* during sleeps; NULL: the thread's */
	bool restart;            /* goes on after handlers with SA_RESTART; without fd */
};

/* 0: done holds. -EAGAIN: the time is over. -EINTR: a signal handler ran. */
NODISCARD int sock_wait(struct stack *s, const struct sock_wait *w);
/* One round; the first step of every wait. */
static inline void sock_round(struct stack *s)
{
	struct sock_layer *l = s->sock;

	if (UNLIKELY(inbox_pending(&l->inbox) || l->inbox.running)) {
		/* A call of another thread is answered between rounds, not from inside one. */
		if (l->inbox.running)
			return;
		inbox_run(s, &l->inbox);
	}
	(void)stack_poll(s);
	l->pending = 0;
}

/* The rest of sock_wait(), for callers that have run a round and found nothing. */
NODISCARD int sock_wait_on(struct stack *s, const struct sock_wait *w);
/*
 * Wait until one of the bits holds for the socket; timeout_ns 0 means none, as SO_RCVTIMEO has it.
 * Handlers with SA_RESTART do not end it, unless there is a timeout or the call has moved
 * something.
 */
NODISCARD int sock_wait_bits(struct stack *s, struct socket *so, uint32_t bits, uint64_t timeout_ns,
			     bool moved);

#endif
