/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The proxy's buffers: chunks of one size, at most so many in use. A chunk is held only while it
 * has bytes that the receiver does not take; the one that was given back last is given out next, so
 * that it is still in cache. When all are held, bytes still pass through the scratch chunk, which
 * nobody holds.
 */
#ifndef PROXY_BUFPOOL_H
#define PROXY_BUFPOOL_H

#include <stddef.h>
#include <stdint.h>

struct chunk {
	struct chunk *next; /* of the free ones */
	unsigned char data[];
};

struct bufpool {
	struct chunk *free;
	struct chunk *scratch;
	size_t nfree;
	size_t chunk_bytes;
	size_t used, used_max, limit;
};

/* Returns 0 or -ENOMEM. */
int bufpool_init(struct bufpool *pool, size_t chunk_bytes, size_t limit);

/* Frees the spare chunks; all must be back. */
void bufpool_fini(struct bufpool *pool);

/* A chunk, or NULL: the limit is reached or the system has no memory. */
struct chunk *bufpool_get(struct bufpool *pool);

/* Give a chunk back. */
void bufpool_put(struct bufpool *pool, struct chunk *chunk);

#endif
