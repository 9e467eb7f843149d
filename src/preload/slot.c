/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table from descriptors to what is remembered of them; see slot.h.
 *
 * A slot is freed with its last descriptor. A thread that looks at its kind just then uses a
 * descriptor that another thread closes.
 */
#include "preload/slot.h"

#include "preload/epset.h"
#include "preload/pending.h"

#include <errno.h>
#include <stdlib.h>

#define LOCK_STEP_NS 100000

/*
 * Whoever has the lock may be waiting for an answer of the worker: so the worker waits by
 * answering.
 */
void slots_lock(void)
{
	while (me.worker && me.inside == 0 && is_up()) {
		if (pthread_mutex_trylock(&preload.lock) == 0)
			return;
		(void)INSIDE(lib(poll_once)(LOCK_STEP_NS));
	}
	(void)pthread_mutex_lock(&preload.lock);
}

void slots_unlock(void)
{
	(void)pthread_mutex_unlock(&preload.lock);
}

static struct slot_chunk *chunk_for(unsigned fd)
{
	struct slots *s = atomic_load(&preload.slots);
	struct slot_chunk *c;

	if (!s) {
		s = calloc(1, sizeof(*s));
		if (!s)
			return NULL;
		atomic_store_explicit(&preload.slots, s, memory_order_release);
	}
	c = atomic_load(&s->chunk[fd / SLOT_CHUNK]);
	if (!c) {
		c = calloc(1, sizeof(*c));
		if (c)
			atomic_store_explicit(&s->chunk[fd / SLOT_CHUNK], c, memory_order_release);
	}
	return c;
}

int slot_put(int fd, struct slot *s)
{
	struct slot_chunk *c;

	if (fd < 0 || (unsigned)fd >= SLOT_CHUNK * SLOT_CHUNKS)
		return -ENOMEM;
	c = chunk_for((unsigned)fd);
	if (!c)
		return -ENOMEM;
	slot_drop(fd);
	s->refs++;
	atomic_store_explicit(&c->of[(unsigned)fd % SLOT_CHUNK], s, memory_order_release);
	return 0;
}

static void destroy(struct slot *s)
{
	switch (s->kind) {
	case SLOT_SOCKET:
		pending_destroy(s);
		return;
	case SLOT_SET:
		epset_destroy(s);
		return;
	case SLOT_HIDDEN:
		free(s);
		return;
	}
}

void slot_drop(int fd)
{
	struct slots *all = atomic_load(&preload.slots);
	struct slot *s = slot_of(fd);

	if (!s)
		return;
	atomic_store_explicit(&all->chunk[(unsigned)fd / SLOT_CHUNK]->of[(unsigned)fd % SLOT_CHUNK],
			      NULL, memory_order_release);
	if (--s->refs == 0)
		destroy(s);
}

int slot_next(unsigned fd, unsigned last)
{
	struct slots *s = atomic_load(&preload.slots);

	if (!s || fd >= SLOT_CHUNK * SLOT_CHUNKS)
		return -1;
	if (last >= SLOT_CHUNK * SLOT_CHUNKS)
		last = SLOT_CHUNK * SLOT_CHUNKS - 1;
	while (fd <= last) {
		struct slot_chunk *c = atomic_load(&s->chunk[fd / SLOT_CHUNK]);

		if (!c)
			fd = (fd / SLOT_CHUNK + 1) * SLOT_CHUNK;
		else if (atomic_load(&c->of[fd % SLOT_CHUNK]))
			return (int)fd;
		else
			fd++;
	}
	return -1;
}

void slot_hide(int fd)
{
	struct slot *s = calloc(1, sizeof(*s));

	if (!s)
		return;
	s->kind = SLOT_HIDDEN;
	if (slot_put(fd, s) < 0)
		free(s);
}
