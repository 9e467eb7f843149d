/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue operations that touch more than one packet; on the thread of the pool. */
#include "mbuf/mbuf.h"

/* The head of the queue after its first bytes went: its emptied segments too. */
static void trim_first(struct mbufq *q, uint32_t n)
{
	bool only = q->head == q->tail;

	mbufq_trim_head(q, n);
	mbuf_shed_head(&q->head);
	if (only)
		q->tail = q->head;
}

uint32_t mbufq_consume(struct mbufq *q, uint32_t n)
{
	uint32_t left = n;

	while (left > 0 && q->head != NULL) {
		uint32_t len = mbuf_len(q->head);

		if (left < len) {
			trim_first(q, left);
			return n;
		}
		MBUF(m, mbufq_pop(q));
		mbuf_done(&m);
		left -= len;
	}
	return n - left;
}

void mbufq_splice(struct mbufq *dst, struct mbufq *src)
{
	if (src->head == NULL)
		return;
	MBUFQ_FOR_EACH (m, src)
		mbuf_mark(m, dst->holder);
	if (dst->tail != NULL)
		dst->tail->meta.next_pkt = src->head;
	else
		dst->head = src->head;
	dst->tail = src->tail;
	dst->count += src->count;
	dst->bytes += src->bytes;
	mbufq_init(src, src->holder);
}

void mbufq_purge(struct mbufq *q, enum drop_reason why)
{
	while (q->head != NULL)
		mbuf_drop_own(mbufq_pop(q), why);
}
