/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes of a packet, whatever its segments: cut, grow, gather, read, sum. Called by every layer on
 * the thread of the pool. Never writes to a buffer that another packet shares.
 */
#include "mbuf/mbuf.h"

#include "base/csum.h"
#include "mbuf/seg.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Flags that describe a segment and not the packet. */
#define SEG_FLAGS (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL)

static inline void cut_seg_head(struct mbuf *seg, uint32_t n)
{
	seg->rte.data_off = (uint16_t)(seg->rte.data_off + n);
	seg->rte.data_len = (uint16_t)(seg->rte.data_len - n);
}

/* ---- cut ---- */

/* Take n bytes away right behind the first segment; pkt_len is the caller's. */
static void cut_behind_first(struct mbuf *m, uint32_t n)
{
	while (n > 0) {
		struct mbuf *seg = mbuf_seg_next(m);

		if (n < seg->rte.data_len) {
			cut_seg_head(seg, n);
			return;
		}
		n -= seg->rte.data_len;
		m->rte.next = seg->rte.next;
		m->rte.nb_segs--;
		seg->rte.next = NULL;
		mbuf_free_seg(seg);
	}
}

void mbuf_trim_head(struct mbuf *m, uint32_t n)
{
	uint32_t first = m->rte.data_len;

	assert(n <= m->rte.pkt_len);
	m->rte.pkt_len -= n;
	if (LIKELY(n <= first)) {
		cut_seg_head(m, n);
		return;
	}
	cut_seg_head(m, first);
	cut_behind_first(m, n - first);
}

/* The second segment becomes the first. */
static struct mbuf *replace_first(struct mbuf *m)
{
	struct mbuf *next = mbuf_seg_next(m);
	struct mbuf_pool *home = next->meta.pool;

	next->rte.pkt_len = m->rte.pkt_len;
	next->rte.nb_segs = (uint16_t)(m->rte.nb_segs - 1);
	next->rte.port = m->rte.port;
	next->rte.ol_flags = (m->rte.ol_flags & ~SEG_FLAGS) | (next->rte.ol_flags & SEG_FLAGS);
	next->rte.packet_type = m->rte.packet_type;
	next->rte.vlan_tci = m->rte.vlan_tci;
	next->rte.tx_offload = m->rte.tx_offload;
	next->meta = m->meta;
	next->meta.pool = home;
	next->meta.l2_off = 0;
	next->meta.l3_off = 0;
	next->meta.l4_off = 0;
	m->rte.next = NULL;
	mbuf_free_seg(m);
	return next;
}

void mbuf_shed_head(struct mbuf **mp)
{
	while ((*mp)->rte.data_len == 0 && (*mp)->rte.nb_segs > 1)
		*mp = replace_first(*mp);
}

void mbuf_trim_to(struct mbuf *m, uint32_t n)
{
	struct mbuf *seg = m;
	uint32_t left = n;
	uint16_t segs = 1;

	assert(n <= m->rte.pkt_len);
	while (left > seg->rte.data_len) {
		left -= seg->rte.data_len;
		seg = mbuf_seg_next(seg);
		segs++;
	}
	seg->rte.data_len = (uint16_t)left;
	m->rte.pkt_len = n;
	if (segs == m->rte.nb_segs)
		return;
	m->rte.nb_segs = segs;
	for (struct mbuf *rest = mbuf_seg_next(seg), *next; rest != NULL; rest = next) {
		next = mbuf_seg_next(rest);
		mbuf_free_seg(rest);
	}
	seg->rte.next = NULL;
}

/* ---- grow and gather ---- */

int mbuf_pull_slow(struct mbuf *m, uint32_t n)
{
	uint32_t have = m->rte.data_len;
	uint32_t need = n - have;

	if (n > m->rte.pkt_len || need > mbuf_seg_tailroom(m) || !mbuf_seg_exclusive(m))
		return -EMSGSIZE;
	(void)mbuf_copy_out(m, have, mbuf_data(m) + have, need);
	m->rte.data_len = (uint16_t)n;
	cut_behind_first(m, need);
	return 0;
}

uint8_t *mbuf_prepend(struct mbuf *m, uint32_t n)
{
	if (UNLIKELY(n > m->rte.data_off || !mbuf_seg_exclusive(m)))
		return NULL;
	m->rte.data_off = (uint16_t)(m->rte.data_off - n);
	m->rte.data_len = (uint16_t)(m->rte.data_len + n);
	m->rte.pkt_len += n;
	return mbuf_data(m);
}

uint8_t *mbuf_append(struct mbuf *m, uint32_t n)
{
	struct mbuf *seg = m->rte.nb_segs == 1 ? m : mbuf_last_seg(m);
	uint8_t *end = mbuf_data(seg) + seg->rte.data_len;

	if (UNLIKELY(n > mbuf_seg_tailroom(seg) || !mbuf_seg_exclusive(seg)))
		return NULL;
	seg->rte.data_len = (uint16_t)(seg->rte.data_len + n);
	m->rte.pkt_len += n;
	return end;
}

int mbuf_join(struct mbuf *m, mbuf_own tail)
{
	MBUF(t, tail);
	uint32_t segs = (uint32_t)m->rte.nb_segs + t->rte.nb_segs;

	if (segs > UINT16_MAX || t->rte.pkt_len > UINT32_MAX - m->rte.pkt_len) {
		mbuf_drop(&t, DROP_MBUF_SEGS);
		return -EOVERFLOW;
	}
	m->rte.nb_segs = (uint16_t)segs;
	m->rte.pkt_len += t->rte.pkt_len;
	t->rte.nb_segs = 1;
	t->rte.pkt_len = t->rte.data_len;
	mbuf_last_seg(m)->rte.next = &mbuf_move(&t).m->rte;
	return 0;
}

/* ---- read ---- */

uint32_t mbuf_copy_out(const struct mbuf *m, uint32_t off, void *dst, uint32_t n)
{
	const struct mbuf *seg = mbuf_find_byte(m, &off);
	uint32_t left = n;
	uint8_t *to = dst;

	for (; seg != NULL && left > 0; seg = mbuf_seg_next(seg), off = 0) {
		uint32_t k = min_u32(left, seg->rte.data_len - off);

		memcpy(to, mbuf_data(seg) + off, k);
		to += k;
		left -= k;
	}
	return n - left;
}

uint32_t mbuf_csum(const struct mbuf *m, uint32_t off, uint32_t n, uint32_t sum)
{
	const struct mbuf *seg = mbuf_find_byte(m, &off);
	uint32_t done = 0;

	for (; seg != NULL && done < n; seg = mbuf_seg_next(seg), off = 0) {
		uint32_t k = min_u32(n - done, seg->rte.data_len - off);

		sum = csum_block_add(sum, csum_partial(mbuf_data(seg) + off, k, 0), done);
		done += k;
	}
	assert(done == n);
	return sum;
}

uint32_t mbuf_truesize(const struct mbuf *m)
{
	uint32_t size = 0;

	for (const struct mbuf *seg = m; seg != NULL; seg = mbuf_seg_next(seg)) {
		size += seg->rte.pool->elt_size;
		if (RTE_MBUF_CLONED(&seg->rte))
			size += mbuf_seg_direct(seg)->rte.pool->elt_size;
	}
	return size;
}

bool mbuf_writable(const struct mbuf *m)
{
	for (const struct mbuf *seg = m; seg != NULL; seg = mbuf_seg_next(seg))
		if (!mbuf_seg_exclusive(seg))
			return false;
	return true;
}
