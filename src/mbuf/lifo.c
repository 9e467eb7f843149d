/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mempool ops over the stack of lifo.h: what drivers call, on the worker's thread, when they post
 * receive buffers and when they free what was transmitted.
 */
#include "mbuf/lifo.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_mempool.h>

#define OPS_NAME "leat_lifo"

const char mbuf_lifo_ops_name[] = OPS_NAME;

/* On the heap: memory of the EAL stays shared after fork(), and a child that frees a packet would
 * change its parent's pool. */
static int create_lifo(struct rte_mempool *mp)
{
	struct mbuf_lifo *l = calloc(1, sizeof(*l) + mp->size * sizeof(l->obj[0]));

	if (l == NULL)
		return -ENOMEM;
	l->size = mp->size;
	l->elt_size = mp->elt_size;
	mp->pool_data = l;
	return 0;
}

static void destroy_lifo(struct rte_mempool *mp)
{
	free(mp->pool_data);
}

static int enqueue(struct rte_mempool *mp, void *const *obj, unsigned n)
{
	struct mbuf_lifo *l = mp->pool_data;

	for (unsigned i = 0; i < n; i++)
		mbuf_lifo_push(l, obj[i]);
	return 0;
}

/* All or nothing. The mark is a stale one from the buffer's last use: replace it. */
static int dequeue(struct rte_mempool *mp, void **obj, unsigned n)
{
	struct mbuf_lifo *l = mp->pool_data;

	if (l->count < l->keep || n > l->count - l->keep)
		return -ENOBUFS;
	for (unsigned i = 0; i < n; i++) {
		struct mbuf *m = mbuf_lifo_pop(l);

		m->meta.in_pool = 0;
		mbuf_mark(m, MBUF_DRIVER);
		obj[i] = m;
	}
	return 0;
}

static unsigned get_count(const struct rte_mempool *mp)
{
	const struct mbuf_lifo *l = mp->pool_data;

	return l->count;
}

static const struct rte_mempool_ops lifo_ops = {
	.name = OPS_NAME,
	.alloc = create_lifo,
	.free = destroy_lifo,
	.enqueue = enqueue,
	.dequeue = dequeue,
	.get_count = get_count,
};

RTE_MEMPOOL_REGISTER_OPS(lifo_ops)
