/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Selective acknowledgement (RFC 2018, RFC 2883): the blocks of a received segment, and the list of
 * blocks that we report. What the sender knows of its own segments is in sent.h.
 */
#ifndef LEAT_TCP_SACK_H
#define LEAT_TCP_SACK_H

#include "tcp/range.h"

#include <stdbool.h>
#include <stdint.h>

#define SACK_BLOCKS_MAX 4u /* that fit into the option space */

/* ---- sender ---- */

struct sack_news {
	struct tcp_range block[SACK_BLOCKS_MAX]; /* sane ones, ascending */
	unsigned n;
	bool dsack;           /* the first block reported a duplicate (RFC 2883 4) */
	struct tcp_range dup; /* with dsack */
};

/*
 * Read n_blocks (at most SACK_BLOCKS_MAX) of an acceptable ACK. una is SND.UNA after it, nxt
 * SND.NXT. Blocks that are reversed, empty or not inside una..nxt are left out (CVE-2019-11477),
 * except a first block that is a D-SACK, which may lie as far as `back` below una.
 */
struct sack_news sack_read(const struct tcp_range *blocks, unsigned n_blocks, uint32_t una,
			   uint32_t nxt, uint32_t back);

/* ---- receiver ---- */

#define SACK_RCV_MAX 6u

struct sack_rcv {
	struct tcp_range block[SACK_RCV_MAX]; /* most recent first */
	struct tcp_range dup;                 /* D-SACK to be reported once */
	uint8_t n;
	bool dup_pending;
};

/* Out-of-order data is now held as [r.seq, r.end): the whole contiguous block around what just
 * came. */
void sack_rcv_add(struct sack_rcv *r, struct tcp_range block);
/* [seq, end) came although it was held or delivered already. */
void sack_rcv_dup(struct sack_rcv *r, struct tcp_range dup);
/* RCV.NXT moved: forget what is below. */
void sack_rcv_advance(struct sack_rcv *r, uint32_t rcv_nxt);
/* Held data at and above seq was thrown away (prune): it must not be reported again. */
void sack_rcv_forget_from(struct sack_rcv *r, uint32_t seq);
/* Up to max blocks for the option, in order; spends the D-SACK. Returns how many. */
unsigned sack_rcv_emit(struct sack_rcv *r, struct tcp_range *out, unsigned max);

static inline bool sack_rcv_any(const struct sack_rcv *r)
{
	return r->n != 0 || r->dup_pending;
}

#endif
