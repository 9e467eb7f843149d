/* SPDX-License-Identifier: BSD-2-Clause */
/* Time limits, see deadline.h. Time is an argument; the loop reads the clock once a round. */
#include "deadline.h"

#include <stddef.h>

void deadline_queue_init(struct deadline_queue *queue, uint64_t limit_ns)
{
	TAILQ_INIT(&queue->list);
	queue->limit_ns = limit_ns;
}

void deadline_start(struct deadline *d, struct deadline_queue *queue, uint64_t now_ns)
{
	deadline_stop(d);
	if (queue->limit_ns == 0)
		return;
	d->queue = queue;
	d->at_ns = now_ns + queue->limit_ns;
	TAILQ_INSERT_TAIL(&queue->list, d, link);
}

void deadline_stop(struct deadline *d)
{
	if (!d->queue)
		return;
	TAILQ_REMOVE(&d->queue->list, d, link);
	d->queue = NULL;
}

struct deadline *deadline_expired(struct deadline_queue *queue, uint64_t now_ns)
{
	struct deadline *d = TAILQ_FIRST(&queue->list);

	if (!d || d->at_ns > now_ns)
		return NULL;
	deadline_stop(d);
	return d;
}

uint64_t deadline_next(const struct deadline_queue *queue)
{
	const struct deadline *d = TAILQ_FIRST(&queue->list);

	return d ? d->at_ns : UINT64_MAX;
}
