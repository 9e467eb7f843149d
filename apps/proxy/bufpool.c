/* SPDX-License-Identifier: BSD-2-Clause */
/* The proxy's buffers, see bufpool.h. */
#include "bufpool.h"

#include <assert.h>
#include <stdlib.h>

/* Spare chunks kept after a peak; more go back to the system. */
enum { SPARE_MAX = 64 };

void bufpool_init(struct bufpool *pool, size_t chunk_bytes, size_t limit)
{
	*pool = (struct bufpool){.chunk_bytes = chunk_bytes, .limit = limit};
}

void bufpool_fini(struct bufpool *pool)
{
	struct chunk *chunk;

	assert(pool->used == 0);
	while ((chunk = pool->free)) {
		pool->free = chunk->next;
		free(chunk);
	}
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
		chunk = malloc(sizeof(*chunk) + pool->chunk_bytes);
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
