/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time limits. All connections of one queue have the same limit, so the queue is in order of expiry
 * when each (re)start goes to its tail: start, restart, stop and expiry cost O(1), whatever the
 * number of connections.
 */
#ifndef PROXY_DEADLINE_H
#define PROXY_DEADLINE_H

#include <stdint.h>
#include <sys/queue.h>

struct deadline_queue;

struct deadline {
	TAILQ_ENTRY(deadline) link;
	struct deadline_queue *queue; /* NULL: not started */
	uint64_t at_ns;
};

struct deadline_queue {
	TAILQ_HEAD(deadline_list, deadline) list;
	uint64_t limit_ns; /* 0: never */
};

void deadline_queue_init(struct deadline_queue *queue, uint64_t limit_ns);

/* Start anew, in this queue. */
void deadline_start(struct deadline *d, struct deadline_queue *queue, uint64_t now_ns);
void deadline_stop(struct deadline *d);

/* One that has expired, stopped; NULL when there is none. */
struct deadline *deadline_expired(struct deadline_queue *queue, uint64_t now_ns);

/* When the next one expires, UINT64_MAX: none is running. */
uint64_t deadline_next(const struct deadline_queue *queue);

#endif
