/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Selective acknowledgement, both sides.
 *
 * Sender: the scoreboard of RFC 6675, as sorted disjoint ranges of what the peer holds, at most
 * SACK_BOARD_MAX (further ones are forgotten from the low end of importance: the connection then
 * only sends more than it must). Since IsLost() is true for everything below some point, one edge
 * describes what is lost; since holes are filled in order, one edge (high_rxt) describes what was
 * sent again. The same board serves a connection without SACK and recovery after a timeout:
 * sack_board_lose_to() says "all below is lost".
 *
 * Receiver: the list of blocks in the order of RFC 2018 section 4, with D-SACK (RFC 2883).
 */
#ifndef LEAT_TCP_SACK_H
#define LEAT_TCP_SACK_H

#include "base/compiler.h"
#include "base/mem.h"
#include "tcp/range.h"

#include <stdbool.h>
#include <stdint.h>

#define SACK_BOARD_MAX  256u /* ranges remembered */
#define SACK_DUP_THRESH 3u   /* RFC 6675 2: DupThresh */
#define SACK_BLOCKS_MAX 4u   /* that fit into the option space */

/* ---- sender ---- */

struct sack_board {
	struct tcp_range *ranges; /* sorted; NULL until the first block */
	uint16_t n;
	uint16_t cap;
	uint32_t sacked_bytes; /* sum of ranges */
	uint32_t lost_edge;    /* un-SACKed bytes below are lost */
	uint32_t high_rxt;     /* un-SACKed bytes below were sent again in this recovery */
	uint32_t rescue_rxt;   /* RFC 6675 4 rule 4: done for this recovery when flagged */
	bool rescue_done;
};

/* What one ACK told. */
struct sack_news {
	uint32_t newly_bytes; /* bytes SACKed for the first time */
	uint32_t high;        /* highest end of a newly SACKed range; valid with newly_bytes */
	bool dsack;           /* the first block reported a duplicate (RFC 2883 4) */
	struct tcp_range dup; /* with dsack */
};

/* una: everything below is acknowledged and sent. */
void sack_board_init(struct sack_board *b, uint32_t una);
/* Give memory back; the board is as after init. */
void sack_board_clear(struct sack_board *b, const struct mem *mem, uint32_t una);

/*
 * Take the blocks of an acceptable ACK. una is SND.UNA after this ACK, nxt is SND.NXT (highest
 * sent). Blocks that are reversed, empty or not inside una..nxt are ignored (CVE-2019-11477),
 * except a first block that is a D-SACK. Without memory the news are partly forgotten: that is
 * harmless.
 */
struct sack_news sack_board_update(struct sack_board *b, const struct mem *mem, uint32_t una,
				   uint32_t nxt, uint32_t mss, const struct tcp_range *blocks,
				   unsigned n_blocks);
/* SND.UNA moved to una: forget what is below. Moves the edges up with it. */
void sack_board_ack(struct sack_board *b, uint32_t una);

/* RFC 6675 4: is the byte at seq, not SACKed, to be taken as lost? */
bool sack_is_lost(const struct sack_board *b, uint32_t seq);
bool sack_is_sacked(const struct sack_board *b, uint32_t seq);
/* SetPipe(): bytes estimated to be in the network. */
uint32_t sack_pipe(const struct sack_board *b, uint32_t una, uint32_t nxt);

/*
 * NextSeg() without its rule 2 (new data, the output's own): the next range to send again, at most
 * max_bytes, never reaching into a SACKed range. Rule 1 when `lost_only`; else also rule 3 (a hole
 * not yet called lost) and, once a recovery, rule 4 (rescue: the last un-SACKed segment, at most
 * mss). high: bytes at and above were never sent or must not be (RecoveryPoint / SND.NXT).
 */
bool sack_next_seg(const struct sack_board *b, uint32_t una, uint32_t high, uint32_t mss,
		   uint32_t max_bytes, bool lost_only, struct tcp_range *out);
/* [r.seq, r.end) has been sent again: moves high_rxt (or spends the rescue). */
void sack_on_rexmit(struct sack_board *b, struct tcp_range r);

/* Recovery begins: nothing sent again yet. */
void sack_recovery_start(struct sack_board *b, uint32_t una);
/* Everything un-SACKed below edge is lost (timeout; first segment without SACK). */
void sack_board_lose_to(struct sack_board *b, uint32_t edge);
/* Nothing was lost after all (a spurious timeout): only what is SACKed later says so again. */
void sack_board_unlose(struct sack_board *b, uint32_t una);
/* The peer dropped what it had SACKed: the range at una is in the board although una did not pass
 * it (RFC 2018 8). */
bool sack_reneged(const struct sack_board *b, uint32_t una);

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
