/* SPDX-License-Identifier: BSD-2-Clause */
/* Posting calls to a worker and running them there; see inbox.h. */
#include "sock/inbox.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

int inbox_init(struct inbox *in)
{
	atomic_init(&in->head, NULL);
	atomic_init(&in->asleep, false);
	in->running = false;
	in->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return in->fd < 0 ? -errno : 0;
}

void inbox_fini(struct inbox *in)
{
	if (in->fd >= 0)
		(void)close(in->fd);
	in->fd = -1;
}

/* A full counter is as good a wake-up: the result does not matter. */
static void wake(const struct inbox *in)
{
	const uint64_t one = 1;
	ssize_t n = write(in->fd, &one, sizeof(one));

	(void)n;
}

void inbox_post(struct inbox *in, struct inbox_call *c)
{
	struct inbox_call *head = atomic_load_explicit(&in->head, memory_order_relaxed);

	do
		c->next = head;
	while (!atomic_compare_exchange_weak(&in->head, &head, c));
	if (atomic_exchange(&in->asleep, false))
		wake(in);
}

void inbox_run(struct stack *s, struct inbox *in)
{
	struct inbox_call *c = atomic_exchange(&in->head, NULL);
	struct inbox_call *first = NULL;

	while (c) {
		struct inbox_call *next = c->next;

		c->next = first;
		first = c;
		c = next;
	}
	in->running = true;
	while (first) {
		struct inbox_call *next = first->next;

		first->run(s, first);
		first = next;
	}
	in->running = false;
}

/* Sequentially consistent on both sides: the poster sees asleep, or we see its call. */
bool inbox_before_sleep(struct inbox *in)
{
	atomic_store(&in->asleep, true);
	if (atomic_load(&in->head) == NULL)
		return true;
	inbox_after_sleep(in);
	return false;
}

void inbox_after_sleep(struct inbox *in)
{
	uint64_t count;

	/* Somebody cleared it and writes, or has written. */
	if (!atomic_exchange(&in->asleep, false))
		(void)!read(in->fd, &count, sizeof(count));
}
