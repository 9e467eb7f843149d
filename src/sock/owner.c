/* SPDX-License-Identifier: BSD-2-Clause */
/* The map from numbers to workers; see owner.h. Any thread. */
#include "sock/owner.h"

#include "base/bits.h"

#include <errno.h>
#include <stdlib.h>

int owner_room(struct owner_map *m, int fd)
{
	const unsigned i = (unsigned)fd / OWNER_CHUNK;
	struct owner_chunk *none = NULL;
	struct owner_chunk *c;

	if (fd < 0 || i >= OWNER_CHUNKS)
		return -EMFILE;
	if (atomic_load_explicit(&m->chunk[i], memory_order_acquire))
		return 0;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	/* Another thread was quicker: its chunk is as good. */
	if (!atomic_compare_exchange_strong(&m->chunk[i], &none, c))
		free(c);
	return 0;
}

void owner_set(struct owner_map *m, int fd, unsigned who)
{
	const unsigned n = (unsigned)fd;
	struct owner_chunk *c;

	if (n >= OWNER_CHUNK * OWNER_CHUNKS)
		return;
	c = atomic_load_explicit(&m->chunk[n / OWNER_CHUNK], memory_order_acquire);
	if (c)
		atomic_store_explicit(&c->of[n % OWNER_CHUNK], (uint8_t)who, memory_order_release);
}

int owner_next(struct owner_map *m, unsigned fd, unsigned last)
{
	last = min_uint(last, OWNER_CHUNK * OWNER_CHUNKS - 1);
	while (fd <= last) {
		if (!atomic_load_explicit(&m->chunk[fd / OWNER_CHUNK], memory_order_acquire))
			fd = (fd / OWNER_CHUNK + 1) * OWNER_CHUNK;
		else if (owner_of(m, (int)fd) != OWNER_NONE)
			return (int)fd;
		else
			fd++;
	}
	return -1;
}

void owner_fini(struct owner_map *m)
{
	for (unsigned i = 0; i < OWNER_CHUNKS; i++) {
		free(atomic_load(&m->chunk[i]));
		atomic_store(&m->chunk[i], NULL);
	}
}
