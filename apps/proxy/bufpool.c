/* SPDX-License-Identifier: BSD-2-Clause */
/* The proxy's buffers, see bufpool.h. */
#include "bufpool.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* Spare chunks kept after a peak; more go back to the system. */
enum { SPARE_MAX = 64 };

static struct chunk *create(const struct bufpool *pool)
{
	return malloc(sizeof(struct chunk) + pool->chunk_bytes);
}

int bufpool_init(struct bufpool *pool, size_t chunk_bytes, size_t limit)
{
	*pool = (struct bufpool){.chunk_bytes = chunk_bytes, .limit = limit};
	pool->scratch = create(pool);
	return pool->scratch ? 0 : -ENOMEM;
}

void bufpool_fini(struct bufpool *pool)
{
	struct chunk *chunk;

	assert(pool->used == 0);
	while ((chunk = pool->free)) {
		pool->free = chunk->next;
		free(chunk);
	}
	free(pool->scratch);
	pool->scratch = NULL;
}

struct chunk *bufpool_get(struct bufpool *pool)
{
	struct chunk *chunk = pool->free;

	if (pool->used == pool->limit)
		return NULL;
	if (chunk) {
		pool->free = chunk->next;
		pool->nfree--;
	} else {
		chunk = create(pool);
		if (!chunk)
			return NULL;
	}
	pool->used++;
	if (pool->used > pool->used_max)
		pool->used_max = pool->used;
	return chunk;
}

void bufpool_put(struct bufpool *pool, struct chunk *chunk)
{
	pool->used--;
	if (pool->nfree == SPARE_MAX) {
		free(chunk);
		return;
	}
	chunk->next = pool->free;
	pool->free = chunk;
	pool->nfree++;
}
