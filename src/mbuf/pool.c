/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools: creation, taking and giving back buffers, reserve, fault injection. A class is one
 * rte_mempool whose free buffers lie on the stack of lifo.h; allocation and release go to that
 * stack directly, drivers through the mempool. On the owner's thread, except create.
 */
#include "mbuf/mbuf.h"

#include "mbuf/lifo.h"
#include "mbuf/seg.h"
#include "plat/clock.h"
#include "plat/eal.h"
#include "plat/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mempool.h>

static const uint16_t room_of[MBUF_CLASSES] = {
	[MBUF_SMALL] = MBUF_HEADROOM + MBUF_SMALL_ROOM,
	[MBUF_BIG] = MBUF_HEADROOM + MBUF_BIG_ROOM,
};

/* ---- create, destroy ---- */

/* So many buffers an allocation leaves to those of higher priority. */
static uint32_t leaves(const struct mbuf_pool *pool, enum mbuf_class cls, enum mbuf_prio prio)
{
	switch (prio) {
	case MBUF_PRIO_BULK:
		return pool->reserve[cls];
	case MBUF_PRIO_RX:
		return pool->reserve[cls] / 2;
	case MBUF_PRIO_CTL:
	case MBUF_PRIOS:
		return 0;
	}
	UNREACHABLE();
}

static void unmap_chunk(struct rte_mempool_memhdr *chunk, void *opaque)
{
	(void)opaque;
	plat_mem_unmap(chunk->addr, chunk->len);
}

/* Memory of this process, in huge pages if the kernel has them: see plat_eal_private_memory(). */
static int populate_private(struct rte_mempool *mp)
{
	size_t len = (size_t)mp->size * (mp->header_size + mp->elt_size + mp->trailer_size);
	void *p = plat_mem_map(len, plat_eal_may_huge());
	int n;

	if (p == NULL)
		return -ENOMEM;
	n = rte_mempool_populate_iova(mp, p, (rte_iova_t)(uintptr_t)p, len, unmap_chunk, NULL);
	if (n <= 0) {
		plat_mem_unmap(p, len);
		return n < 0 ? n : -ENOMEM;
	}
	return n;
}

static int populate(struct rte_mempool *mp)
{
	int n = plat_eal_private_memory() ? populate_private(mp) : rte_mempool_populate_default(mp);

	if (n < 0)
		return n;
	return (uint32_t)n == mp->size ? 0 : -ENOMEM;
}

static void init_buffer(struct rte_mempool *mp, void *arg, void *obj, unsigned idx)
{
	struct mbuf *m = obj;

	rte_pktmbuf_init(mp, NULL, obj, idx);
	m->meta = (struct mbuf_meta){.pool = arg};
	mbuf_mark(m, MBUF_FREE);
}

static int create_class(struct mbuf_pool *pool, enum mbuf_class cls, uint32_t count)
{
	static const char suffix[MBUF_CLASSES] = {[MBUF_SMALL] = 's', [MBUF_BIG] = 'b'};
	struct rte_pktmbuf_pool_private priv = {
		.mbuf_data_room_size = room_of[cls],
		.mbuf_priv_size = sizeof(struct mbuf_meta),
	};
	/* A buffer may cross a page where devices use virtual addresses or none are. */
	unsigned flags = rte_eal_iova_mode() == RTE_IOVA_VA ? RTE_MEMPOOL_F_NO_IOVA_CONTIG : 0;
	char name[RTE_MEMPOOL_NAMESIZE];
	struct rte_mempool *mp;
	int r;

	(void)snprintf(name, sizeof(name), "%s.%c", pool->name, suffix[cls]);
	mp = rte_mempool_create_empty(name, count, (unsigned)sizeof(struct mbuf) + room_of[cls], 0,
				      sizeof(priv), SOCKET_ID_ANY, flags);
	if (mp == NULL)
		return -rte_errno;
	r = rte_mempool_set_ops_byname(mp, mbuf_lifo_ops_name, NULL);
	if (r == 0) {
		rte_pktmbuf_pool_init(mp, &priv);
		r = populate(mp);
	}
	if (r < 0) {
		rte_mempool_free(mp);
		return r;
	}
	(void)rte_mempool_obj_iter(mp, init_buffer, pool);
	pool->mp[cls] = mp;
	pool->free[cls] = mp->pool_data;
	pool->free[cls]->guard = true;
	pool->free[cls]->keep = leaves(pool, cls, MBUF_PRIO_RX);
	for (uint32_t i = 0; i < pool->free[cls]->count; i++)
		mbuf_lifo_guard(pool->free[cls], pool->free[cls]->obj[i]);
	return 0;
}

static void destroy_class(struct mbuf_pool *pool, enum mbuf_class cls)
{
	struct mbuf_lifo *l = pool->free[cls];

	for (uint32_t i = 0; i < l->count; i++)
		mbuf_lifo_unguard(l, l->obj[i]);
	rte_mempool_free(pool->mp[cls]);
}

static void set_floors(struct mbuf_pool *pool)
{
	bool armed = pool->fail_in >= 0;

	for (unsigned cls = 0; cls < MBUF_CLASSES; cls++)
		for (unsigned prio = 0; prio < MBUF_PRIOS; prio++)
			pool->floor[cls][prio] =
				armed ? UINT32_MAX
				      : leaves(pool, (enum mbuf_class)cls, (enum mbuf_prio)prio);
}

static bool conf_valid(const struct mbuf_pool_conf *conf)
{
	size_t len = conf->name == NULL ? 0 : strlen(conf->name);

	if (len == 0 || len > MBUF_POOL_NAME_MAX)
		return false;
	for (unsigned cls = 0; cls < MBUF_CLASSES; cls++)
		if (conf->count[cls] == 0 || conf->reserve[cls] >= conf->count[cls])
			return false;
	return true;
}

/* Free part of the class that is shortest, beside the reserves; FREE_ALL is all of it. */
#define FREE_BITS 10u
#define FREE_ALL  (1u << FREE_BITS)

static uint64_t free_part(const struct mbuf_pool *pool)
{
	uint64_t least = FREE_ALL;

	for (unsigned cls = 0; cls < MBUF_CLASSES; cls++) {
		uint32_t avail = pool->free[cls]->count;
		uint32_t spare = avail > pool->reserve[cls] ? avail - pool->reserve[cls] : 0;

		least = min_u64(least, spare * pool->inverse[cls] >> 32);
	}
	return least;
}

void mbuf_pool_tick(struct mbuf_pool *pool, uint64_t now_ns)
{
	uint64_t f = free_part(pool);

	pool->tick_ms = (uint32_t)(now_ns / PLAT_NS_PER_MS);
	pool->share_bytes = (pool->bytes / 2 * (f * f * f >> FREE_BITS)) >> (2 * FREE_BITS);
}

int mbuf_pool_create(const struct mbuf_pool_conf *conf, struct mbuf_pool **out)
{
	struct mbuf_pool *pool;
	int r;

	*out = NULL;
	if (!conf_valid(conf))
		return -EINVAL;
	pool = calloc(1, sizeof(*pool));
	if (pool == NULL)
		return -ENOMEM;
	(void)snprintf(pool->name, sizeof(pool->name), "%s", conf->name);
	pool->core = conf->core;
	pool->fail_in = -1;
	memcpy(pool->reserve, conf->reserve, sizeof(pool->reserve));
	set_floors(pool);
	r = create_class(pool, MBUF_SMALL, conf->count[MBUF_SMALL]);
	if (r < 0)
		goto free_pool;
	r = create_class(pool, MBUF_BIG, conf->count[MBUF_BIG]);
	if (r < 0)
		goto destroy_small;
	for (unsigned cls = 0; cls < MBUF_CLASSES; cls++)
		pool->inverse[cls] =
			((uint64_t)FREE_ALL << 32) / (conf->count[cls] - conf->reserve[cls]) + 1;
	pool->bytes = mbuf_pool_bytes(pool);
	mbuf_pool_tick(pool, 0);
	*out = pool;
	return 0;

destroy_small:
	destroy_class(pool, MBUF_SMALL);
free_pool:
	free(pool);
	return r;
}

unsigned mbuf_pool_destroy(struct mbuf_pool *pool)
{
	unsigned missing = 0;

	for (unsigned cls = 0; cls < MBUF_CLASSES; cls++)
		missing += pool->free[cls]->size - pool->free[cls]->count;
	/* A buffer that is out can come from either class and leads back to pool: keep all. */
	if (missing > 0)
		return missing;
	destroy_class(pool, MBUF_SMALL);
	destroy_class(pool, MBUF_BIG);
	free(pool);
	return 0;
}

/* ---- state ---- */

uint32_t mbuf_pool_avail(const struct mbuf_pool *pool, enum mbuf_class cls)
{
	return pool->free[cls]->count;
}

uint32_t mbuf_pool_size(const struct mbuf_pool *pool, enum mbuf_class cls)
{
	return pool->free[cls]->size;
}

uint64_t mbuf_pool_bytes(const struct mbuf_pool *pool)
{
	return (uint64_t)mbuf_pool_size(pool, MBUF_SMALL) * MBUF_SMALL_ROOM +
	       (uint64_t)mbuf_pool_size(pool, MBUF_BIG) * MBUF_BIG_ROOM;
}

bool mbuf_pool_full(const struct mbuf_pool *pool)
{
	return pool->free[MBUF_SMALL]->count == pool->free[MBUF_SMALL]->size &&
	       pool->free[MBUF_BIG]->count == pool->free[MBUF_BIG]->size;
}

void mbuf_pool_stats(const struct mbuf_pool *pool, struct mbuf_pool_stats *out)
{
	*out = pool->stats;
	for (unsigned cls = 0; cls < MBUF_CLASSES; cls++) {
		out->size[cls] = pool->free[cls]->size;
		out->avail[cls] = pool->free[cls]->count;
	}
}

void mbuf_pool_fail(struct mbuf_pool *pool, int64_t after, bool for_good)
{
	pool->fail_in = after < 0 ? -1 : after;
	pool->fail_for_good = for_good;
	set_floors(pool);
}

void mbuf_pool_count_drop(struct mbuf_pool *pool, enum drop_reason why)
{
	pool->stats.drops[why]++;
}

/* ---- take ---- */

/* Is this the allocation that fault injection fails? */
static bool fails_on_purpose(struct mbuf_pool *pool)
{
	if (pool->fail_in < 0)
		return false;
	if (pool->fail_in > 0) {
		pool->fail_in--;
		return false;
	}
	if (!pool->fail_for_good)
		mbuf_pool_fail(pool, -1, false);
	return true;
}

static NOINLINE COLD bool may_not_take(struct mbuf_pool *pool, enum mbuf_class cls,
				       enum mbuf_prio prio)
{
	if (pool->free[cls]->count > leaves(pool, cls, prio) && !fails_on_purpose(pool))
		return false;
	pool->stats.alloc_fail[cls][prio]++;
	return true;
}

mbuf_own mbuf_alloc_at(struct mbuf_pool *pool, enum mbuf_class cls, enum mbuf_prio prio,
		       enum mbuf_holder holder, uint16_t line)
{
	struct mbuf_lifo *l = pool->free[cls];
	struct mbuf *m;

	if (UNLIKELY(l->count <= pool->floor[cls][prio]) && may_not_take(pool, cls, prio))
		return MBUF_NULL;
	m = mbuf_lifo_pop(l);
	/*
	 * Whoever freed it left refcnt 1, nb_segs 1 and next NULL (DPDK's rule for mempools), so
	 * the second cache line, which holds next and tx_offload, is not touched: tx_offload has
	 * a meaning only with flags in ol_flags, and who sets these writes it.
	 */
	m->rte.data_off = MBUF_HEADROOM;
	m->rte.port = RTE_MBUF_PORT_INVALID;
	m->rte.ol_flags = 0;
	m->rte.packet_type = 0;
	m->rte.pkt_len = 0;
	m->rte.data_len = 0;
	m->rte.vlan_tci = 0;
	m->meta = (struct mbuf_meta){.pool = pool};
	mbuf_mark_at(m, holder, line);
	return mbuf_own_of(m);
}

/* ---- give back ---- */

static void push_free(struct mbuf *m)
{
	m->meta.in_pool = 1;
	mbuf_lifo_push(m->rte.pool->pool_data, m);
}

static inline bool is_plain(const struct mbuf *m)
{
	return rte_mbuf_refcnt_read(&m->rte) == 1 && RTE_MBUF_DIRECT(&m->rte);
}

/*
 * A buffer that a shared packet still looks at stays out: its mark then says FREE, which tells
 * the audit that its owner let go.
 */
void mbuf_free_seg(struct mbuf *m)
{
	assert(m->meta.in_pool == 0);
	mbuf_mark(m, MBUF_FREE);
	/* Resets next and nb_segs, undoes sharing. */
	if (rte_pktmbuf_prefree_seg(&m->rte) != NULL)
		push_free(m);
}

static inline void free_chain(struct mbuf *m)
{
	/* The usual packet; its second cache line is not touched, next is NULL there already. */
	if (LIKELY(m->rte.nb_segs == 1 && is_plain(m))) {
		assert(m->meta.in_pool == 0);
		mbuf_mark(m, MBUF_FREE);
		push_free(m);
		return;
	}
	while (m != NULL) {
		struct mbuf *next = mbuf_seg_next(m);

		mbuf_free_seg(m);
		m = next;
	}
}

void mbuf_drop_own(mbuf_own in, enum drop_reason why)
{
	if (in.m == NULL)
		return;
	in.m->meta.pool->stats.drops[why]++;
	free_chain(in.m);
}

void mbuf_drop(struct mbuf **mp, enum drop_reason why)
{
	mbuf_drop_own(mbuf_move(mp), why);
}

void mbuf_cleanup(struct mbuf **mp)
{
	mbuf_drop_own(mbuf_move(mp), DROP_UNSPEC);
}

void mbuf_done(struct mbuf **mp)
{
	struct mbuf *m = *mp;

	*mp = NULL;
	if (m == NULL)
		return;
	m->meta.pool->stats.done++;
	free_chain(m);
}
