/* SPDX-License-Identifier: BSD-2-Clause */
/* Single segments of a packet. Private to mbuf: the others see packets. */
#ifndef LEAT_MBUF_SEG_H
#define LEAT_MBUF_SEG_H

#include "mbuf/mbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Release one segment, whatever its next points to. Counts nothing. */
void mbuf_free_seg(struct mbuf *m);

static inline uint32_t mbuf_seg_tailroom(const struct mbuf *seg)
{
	return (uint32_t)seg->rte.buf_len - seg->rte.data_off - seg->rte.data_len;
}

static inline struct mbuf *mbuf_last_seg(struct mbuf *m)
{
	while (m->rte.next != NULL)
		m = mbuf_seg_next(m);
	return m;
}

/* The segment that holds byte *off, which becomes an offset in it. NULL at the packet's end. */
static inline const struct mbuf *mbuf_find_byte(const struct mbuf *m, uint32_t *off)
{
	while (m != NULL && *off >= m->rte.data_len) {
		*off -= m->rte.data_len;
		m = mbuf_seg_next(m);
	}
	return m;
}

/* The buffer whose memory a segment looks at: another one when it is cloned, else itself. All
 * buffers of ours have the same private area. */
static inline struct mbuf *mbuf_seg_direct(const struct mbuf *seg)
{
	return (struct mbuf *)seg->rte.buf_addr - 1;
}

/* Does nobody else look at the bytes of this segment? Memory from elsewhere is never ours. */
static inline bool mbuf_seg_exclusive(const struct mbuf *seg)
{
	if (rte_mbuf_refcnt_read(&seg->rte) != 1 || RTE_MBUF_HAS_EXTBUF(&seg->rte))
		return false;
	return rte_mbuf_refcnt_read(&mbuf_seg_direct(seg)->rte) == 1;
}

#endif
