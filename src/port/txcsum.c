/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Software checksums for what leaves through a port without TX_CSUM. Called by port_tx() and the
 * simulated wire, in the worker's thread.
 */
#include "port/txcsum.h"

#include "base/csum.h"
#include "wire/udp.h"

/* May the first segment be written? The others are only read. */
static bool head_ours(const struct mbuf *m)
{
	return rte_mbuf_refcnt_read(&m->rte) == 1 && !RTE_MBUF_CLONED(&m->rte);
}

mbuf_own txcsum_own_head(struct mbuf_pool *pool, mbuf_own in)
{
	MBUF(m, in);
	mbuf_own copy;

	if (LIKELY(head_ours(m)))
		return mbuf_move(&m);
	copy = mbuf_copy(pool, m, 0, mbuf_len(m), MBUF_PRIO_BULK);
	if (copy.m)
		mbuf_done(&m);
	else
		mbuf_drop(&m, DROP_NOBUF);
	return copy;
}

mbuf_own txcsum_finish(struct mbuf_pool *pool, mbuf_own in)
{
	MBUF(m, in);
	uint32_t l4 = (uint32_t)m->meta.l4_off - mbuf_here(m);
	uint32_t field = l4 + m->meta.csum_field;
	uint16_t csum;

	if (m->meta.l4_off < mbuf_here(m) || field + 2 > mbuf_len(m)) {
		mbuf_drop(&m, DROP_PORT_TX_ERROR);
		return MBUF_NULL;
	}
	m = txcsum_own_head(pool, mbuf_move(&m)).m;
	if (!m)
		return MBUF_NULL;
	if (mbuf_seg_len(m) < field + 2 && mbuf_pull(m, field + 2) < 0) {
		mbuf_drop(&m, DROP_PORT_TX_ERROR);
		return MBUF_NULL;
	}
	csum = csum_fold(mbuf_csum(m, l4, mbuf_len(m) - l4, 0));
	if (m->meta.csum_field == UDP_OFF_CSUM && csum == 0)
		csum = 0xffff; /* RFC 768: 0 means that there is none */
	store_native16(mbuf_data(m) + field, csum);
	m->meta.csum = MBUF_CSUM_NONE;
	return mbuf_move(&m);
}
