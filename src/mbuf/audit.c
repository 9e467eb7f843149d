/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who holds which buffer. The marks say it, with three corrections that make the count exact: what
 * lies on the stack of free buffers is free whatever its mark; a later segment counts for the
 * holder of its packet; a buffer whose owner let go while shared packets look at it counts for
 * the holder of one of these. On the owner's thread; walks whole pools.
 */
#include "mbuf/mbuf.h"

#include "mbuf/lifo.h"
#include "mbuf/seg.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rte_mempool.h>

/* Values of meta.audit. */
enum {
	SEEN_NOT,
	SEEN_FREE,    /* on the stack */
	SEEN_COUNTED, /* for a holder */
};

struct walk {
	struct mbuf_pool *pool;
	struct mbuf_audit *out;
	enum mbuf_class cls;
	unsigned max;
	void (*line)(void *ctx, const char *text);
	void *ctx;
};

static void walk_all(struct walk *w, rte_mempool_obj_cb_t *fn)
{
	for (unsigned cls = 0; cls < MBUF_CLASSES; cls++) {
		w->cls = (enum mbuf_class)cls;
		(void)rte_mempool_obj_iter(w->pool->mp[cls], fn, w);
	}
}

static void set_free_seen(struct mbuf_pool *pool, uint8_t seen)
{
	for (unsigned cls = 0; cls < MBUF_CLASSES; cls++) {
		struct mbuf_lifo *l = pool->free[cls];

		for (uint32_t i = 0; i < l->count; i++)
			l->obj[i]->meta.audit = seen;
	}
}

static bool is_held(const struct mbuf *m)
{
	return m->meta.audit != SEEN_FREE && mbuf_holder_of(m) != MBUF_FREE &&
	       mbuf_holder_of(m) < MBUF_HOLDER_COUNT;
}

/* Give later segments their packet's mark. A later segment says nb_segs 1, so it stops here. */
static void spread_mark(struct rte_mempool *mp, void *arg, void *obj, unsigned idx)
{
	struct mbuf *m = obj;
	struct mbuf *seg;

	(void)mp;
	(void)arg;
	(void)idx;
	if (!is_held(m))
		return;
	seg = m;
	for (unsigned left = m->rte.nb_segs; left > 1; left--) {
		seg = mbuf_seg_next(seg);
		if (seg == NULL)
			return;
		seg->meta.mark = m->meta.mark;
	}
}

static enum mbuf_class class_of(const struct mbuf_pool *pool, const struct mbuf *m)
{
	return m->rte.pool == pool->mp[MBUF_BIG] ? MBUF_BIG : MBUF_SMALL;
}

/* Count buffer m for the holder that mark names. */
static void count_for(struct walk *w, struct mbuf *m, uint64_t mark)
{
	unsigned holder = (unsigned)(mark & 0xff);
	uint32_t age = w->pool->tick_ms - (uint32_t)(mark >> 32);

	m->meta.audit = SEEN_COUNTED;
	w->out->held[class_of(w->pool, m)][holder]++;
	w->out->oldest_ms[holder] = max_u32(w->out->oldest_ms[holder], age);
}

static void count_held(struct rte_mempool *mp, void *arg, void *obj, unsigned idx)
{
	struct walk *w = arg;
	struct mbuf *m = obj;

	(void)mp;
	(void)idx;
	if (is_held(m))
		count_for(w, m, m->meta.mark);
}

/* A direct buffer that its owner let go (mark FREE) and that m still looks at. */
static struct mbuf *abandoned_by(const struct mbuf_pool *pool, const struct mbuf *m)
{
	struct mbuf *direct;

	if (!is_held(m) || !RTE_MBUF_CLONED(&m->rte))
		return NULL;
	direct = mbuf_seg_direct(m);
	return direct->meta.pool == pool && !is_held(direct) ? direct : NULL;
}

static void count_abandoned(struct rte_mempool *mp, void *arg, void *obj, unsigned idx)
{
	struct walk *w = arg;
	struct mbuf *m = obj;
	struct mbuf *direct = abandoned_by(w->pool, m);

	(void)mp;
	(void)idx;
	if (direct != NULL && direct->meta.audit == SEEN_NOT)
		count_for(w, direct, m->meta.mark);
}

static void clear_seen(struct rte_mempool *mp, void *arg, void *obj, unsigned idx)
{
	struct mbuf *m = obj;

	(void)mp;
	(void)arg;
	(void)idx;
	m->meta.audit = SEEN_NOT;
}

void mbuf_pool_audit(struct mbuf_pool *pool, struct mbuf_audit *out)
{
	struct walk w = {.pool = pool, .out = out};

	memset(out, 0, sizeof(*out));
	set_free_seen(pool, SEEN_FREE);
	walk_all(&w, spread_mark);
	walk_all(&w, count_held);
	walk_all(&w, count_abandoned);
	walk_all(&w, clear_seen);
	for (unsigned cls = 0; cls < MBUF_CLASSES; cls++) {
		uint32_t held = 0;

		out->avail[cls] = pool->free[cls]->count;
		out->size[cls] = pool->free[cls]->size;
		for (unsigned holder = 0; holder < MBUF_HOLDER_COUNT; holder++)
			held += out->held[cls][holder];
		out->unaccounted += out->size[cls] - out->avail[cls] - held;
	}
}

/* ---- one line a buffer ---- */

static const char *holder_name(const struct mbuf *m)
{
	unsigned holder = mbuf_holder_of(m);

	if (holder == MBUF_FREE)
		return "nobody (shared)";
	return holder < MBUF_HOLDER_COUNT ? mbuf_holder_rows[holder].name : "mark damaged";
}

static void dump_buffer(struct rte_mempool *mp, void *arg, void *obj, unsigned idx)
{
	struct walk *w = arg;
	const struct mbuf *m = obj;
	char text[160];

	(void)mp;
	if (m->meta.audit == SEEN_FREE || w->max == 0)
		return;
	w->max--;
	(void)snprintf(text, sizeof(text),
		       "%s %u: %s since %" PRIu32 " ms, handed over at line %u on core %u, "
		       "segments %u, bytes %" PRIu32 ", references %u%s",
		       w->cls == MBUF_BIG ? "big" : "small", idx, holder_name(m),
		       w->pool->tick_ms - (uint32_t)(m->meta.mark >> 32),
		       (unsigned)(m->meta.mark >> 16 & 0xffff),
		       (unsigned)(m->meta.mark >> 8 & 0xff), m->rte.nb_segs, m->rte.pkt_len,
		       rte_mbuf_refcnt_read(&m->rte), RTE_MBUF_CLONED(&m->rte) ? ", shares" : "");
	w->line(w->ctx, text);
}

void mbuf_pool_dump(struct mbuf_pool *pool, unsigned max, void (*line)(void *ctx, const char *text),
		    void *ctx)
{
	struct walk w = {.pool = pool, .max = max, .line = line, .ctx = ctx};

	set_free_seen(pool, SEEN_FREE);
	walk_all(&w, spread_mark);
	walk_all(&w, dump_buffer);
	walk_all(&w, clear_seen);
}
