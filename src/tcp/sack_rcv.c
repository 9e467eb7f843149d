/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The receiver's list of SACK blocks: most recent first (RFC 2018 4), a duplicate reported once in
 * front (RFC 2883 4). Pure; called by TCP's data processing and when an ACK is built.
 */
#include "tcp/sack.h"

#include "base/seq.h"

#include <string.h>

static void remove_at(struct sack_rcv *r, unsigned i)
{
	r->n--;
	memmove(&r->block[i], &r->block[i + 1], (r->n - i) * sizeof(r->block[0]));
}

static bool touches(struct tcp_range a, struct tcp_range b)
{
	return seq_leq(a.seq, b.end) && seq_leq(b.seq, a.end);
}

void sack_rcv_add(struct sack_rcv *r, struct tcp_range block)
{
	if (block.seq == block.end)
		return;
	for (unsigned i = r->n; i > 0; i--)
		if (touches(r->block[i - 1], block))
			remove_at(r, i - 1);
	if (r->n == SACK_RCV_MAX)
		r->n--;
	memmove(&r->block[1], &r->block[0], r->n * sizeof(r->block[0]));
	r->block[0] = block;
	r->n++;
}

void sack_rcv_dup(struct sack_rcv *r, struct tcp_range dup)
{
	if (dup.seq == dup.end)
		return;
	r->dup = dup;
	r->dup_pending = true;
}

void sack_rcv_advance(struct sack_rcv *r, uint32_t rcv_nxt)
{
	for (unsigned i = r->n; i > 0; i--) {
		struct tcp_range *b = &r->block[i - 1];

		if (seq_leq(b->end, rcv_nxt))
			remove_at(r, i - 1);
		else
			b->seq = seq_max(b->seq, rcv_nxt);
	}
}

void sack_rcv_forget_from(struct sack_rcv *r, uint32_t seq)
{
	for (unsigned i = r->n; i > 0; i--) {
		struct tcp_range *b = &r->block[i - 1];

		if (seq_geq(b->seq, seq))
			remove_at(r, i - 1);
		else
			b->end = seq_min(b->end, seq);
	}
}

unsigned sack_rcv_emit(struct sack_rcv *r, struct tcp_range *out, unsigned max)
{
	unsigned n = 0;

	if (max == 0)
		return 0;
	if (r->dup_pending) {
		out[n++] = r->dup;
		r->dup_pending = false;
	}
	for (unsigned i = 0; i < r->n && n < max; i++)
		out[n++] = r->block[i];
	return n;
}
