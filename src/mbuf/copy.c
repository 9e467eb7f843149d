/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A second packet from the bytes of one: shared or copied; and bytes copied into a packet. On the
 * thread of the pool.
 */
#include "mbuf/mbuf.h"

#include "mbuf/seg.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* ---- meta of the second packet ---- */

struct range {
	uint32_t off;
	uint32_t len;
};

/* A header offset of the old first buffer as one of the new, 0 when the header was left behind. */
static uint16_t move_offset(uint16_t hdr, const struct mbuf *m, struct range r, uint16_t data_off)
{
	uint32_t from = m->rte.data_off + r.off;

	if (hdr < from || hdr >= from + r.len || r.off >= m->rte.data_len)
		return 0;
	return (uint16_t)(hdr - from + data_off);
}

/* Does the range say enough for a checksum or a segmentation that is still to be done? */
static bool has_transport(const struct mbuf *to, const struct mbuf *m, struct range r)
{
	return r.off + r.len == mbuf_len(m) && (r.off == 0 || to->meta.l4_off != 0);
}

static void derive_meta(struct mbuf *to, const struct mbuf *m, struct range r)
{
	const struct mbuf_meta *old = &m->meta;
	uint16_t data_off = to->rte.data_off;

	to->meta.l2_off = move_offset(old->l2_off, m, r, data_off);
	to->meta.l3_off = move_offset(old->l3_off, m, r, data_off);
	to->meta.l4_off = move_offset(old->l4_off, m, r, data_off);
	to->meta.l2_flags = old->l2_flags;
	to->meta.zone = old->zone;
	to->meta.mark = old->mark;
	if (!has_transport(to, m, r))
		return;
	to->meta.csum = old->csum;
	to->meta.csum_field = old->csum_field;
	to->meta.gso_size = old->gso_size;
	to->meta.gso_type = old->gso_type;
	to->meta.gso_ecn = old->gso_ecn;
}

/* ---- chains ---- */

/* Undo, without counting: nobody has seen this packet. */
static void discard(struct mbuf *m)
{
	for (struct mbuf *next; m != NULL; m = next) {
		next = mbuf_seg_next(m);
		mbuf_free_seg(m);
	}
}

/* What is asked of the pool for a chain. */
struct order {
	struct mbuf_pool *pool;
	enum mbuf_prio prio;
	enum mbuf_holder holder;
};

/* One buffer for up to n bytes. Out of BIG ones, several SMALL ones do. */
static struct mbuf *take_buffer(struct order o, uint32_t n)
{
	if (n > MBUF_SMALL_ROOM) {
		struct mbuf *m = mbuf_alloc(o.pool, MBUF_BIG, o.prio, o.holder).m;

		if (m != NULL)
			return m;
	}
	return mbuf_alloc(o.pool, MBUF_SMALL, o.prio, o.holder).m;
}

/* Put m behind last in the chain that begins at *first. NULL for m undoes the chain. */
static struct mbuf *link_seg(struct mbuf **first, struct mbuf *last, struct mbuf *m)
{
	if (m == NULL) {
		discard(*first);
		return NULL;
	}
	if (*first == NULL) {
		*first = m;
	} else {
		last->rte.next = &m->rte;
		(*first)->rte.nb_segs++;
	}
	return m;
}

/* Empty segments with room for n bytes, at least one, nb_segs set. NULL: no buffers. */
static struct mbuf *take_chain(struct order o, uint32_t n)
{
	struct mbuf *first = NULL, *last = NULL;
	uint32_t room = 0;

	do {
		last = link_seg(&first, last, take_buffer(o, n - room));
		if (last == NULL)
			return NULL;
		room += mbuf_seg_tailroom(last);
	} while (room < n);
	return first;
}

/* Copy n bytes into the free room of seg and those behind it; returns where it stopped. */
static struct mbuf *fill(struct mbuf *seg, const uint8_t *src, uint32_t n)
{
	while (n > 0) {
		uint32_t k = min_u32(n, mbuf_seg_tailroom(seg));

		memcpy(mbuf_data(seg) + seg->rte.data_len, src, k);
		seg->rte.data_len = (uint16_t)(seg->rte.data_len + k);
		src += k;
		n -= k;
		if (n > 0)
			seg = mbuf_seg_next(seg);
	}
	return seg;
}

/* ---- calls ---- */

int mbuf_append_bytes(struct mbuf *m, const void *src, uint32_t n, enum mbuf_prio prio)
{
	struct order o = {m->meta.pool, prio, mbuf_holder_of(m)};
	struct mbuf *last = mbuf_last_seg(m);
	struct mbuf *more;
	uint32_t here = mbuf_seg_exclusive(last) ? min_u32(n, mbuf_seg_tailroom(last)) : 0;

	if (here < n) {
		more = take_chain(o, n - here);
		if (more == NULL)
			return -ENOBUFS;
		if ((uint32_t)m->rte.nb_segs + more->rte.nb_segs > UINT16_MAX) {
			discard(more);
			return -EOVERFLOW;
		}
		(void)fill(more, (const uint8_t *)src + here, n - here);
		m->rte.nb_segs = (uint16_t)(m->rte.nb_segs + more->rte.nb_segs);
		more->rte.nb_segs = 1;
		last->rte.next = &more->rte;
	}
	(void)fill(last, src, here);
	m->rte.pkt_len += n;
	return 0;
}

mbuf_own mbuf_copy(struct mbuf_pool *pool, const struct mbuf *m, uint32_t off, uint32_t len,
		   enum mbuf_prio prio)
{
	struct order o = {pool, prio, mbuf_holder_of(m)};
	struct range r = {off, len};
	struct mbuf *first, *to;
	const struct mbuf *seg;
	uint32_t left = len;

	assert(off <= mbuf_len(m) && len <= mbuf_len(m) - off);
	to = first = take_chain(o, len);
	if (first == NULL)
		return MBUF_NULL;
	for (seg = mbuf_find_byte(m, &off); left > 0; seg = mbuf_seg_next(seg), off = 0) {
		uint32_t k = min_u32(left, seg->rte.data_len - off);

		to = fill(to, mbuf_data(seg) + off, k);
		left -= k;
	}
	first->rte.pkt_len = len;
	derive_meta(first, m, r);
	return mbuf_own_of(first);
}

/* A buffer that looks at k bytes of seg from off. */
static struct mbuf *share_seg(struct order o, struct mbuf *seg, uint32_t off, uint32_t k)
{
	struct mbuf *m = mbuf_alloc(o.pool, MBUF_SMALL, o.prio, o.holder).m;

	if (m == NULL)
		return NULL;
	rte_pktmbuf_attach(&m->rte, &seg->rte);
	m->rte.data_off = (uint16_t)(seg->rte.data_off + off);
	m->rte.data_len = (uint16_t)k;
	m->rte.pkt_len = k;
	return m;
}

mbuf_own mbuf_share(struct mbuf_pool *pool, struct mbuf *m, uint32_t off, uint32_t len,
		    enum mbuf_prio prio)
{
	struct order o = {pool, prio, mbuf_holder_of(m)};
	struct range r = {off, len};
	struct mbuf *first = NULL, *last = NULL;
	uint32_t left = len;

	assert(off <= mbuf_len(m) && len <= mbuf_len(m) - off);
	if (len == 0)
		return mbuf_copy(pool, m, off, 0, prio);
	for (struct mbuf *seg = m; left > 0; seg = mbuf_seg_next(seg)) {
		uint32_t have = seg->rte.data_len;
		uint32_t k;

		if (off >= have) {
			off -= have;
			continue;
		}
		k = min_u32(left, have - off);
		last = link_seg(&first, last, share_seg(o, seg, off, k));
		if (last == NULL)
			return MBUF_NULL;
		off = 0;
		left -= k;
	}
	first->rte.pkt_len = len;
	derive_meta(first, m, r);
	return mbuf_own_of(first);
}
