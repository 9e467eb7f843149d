/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data that came out of order: runs of contiguous packets in a tree by sequence number, so that
 * the price of a segment is O(log runs) whatever a peer sends (CVE-2018-5390).
 *
 * Bytes once queued never change: of an overlapping segment only what is new is kept (RFC 9293
 * 3.10.7.4 leaves the choice; the first copy wins, always). A segment that is new in several places
 * keeps its first new piece; the rest comes again. Memory is counted in buffers, not payload; small
 * payloads are copied behind the previous packet's bytes where it has room.
 */
#ifndef LEAT_TCP_OOO_H
#define LEAT_TCP_OOO_H

#include "base/rbtree.h"
#include "base/slab.h"
#include "mbuf/mbuf.h"
#include "tcp/range.h"

struct ooo {
	struct rb_root runs;
	uint32_t bytes;     /* payload held */
	uint32_t mem_bytes; /* true memory held */
	uint32_t n_runs;
};

/* One contiguous run; from the slab that all connections of a stack share. */
struct ooo_run {
	struct rb_node node;
	struct tcp_range range;
	uint32_t mem_bytes; /* true memory of pkts */
	struct mbufq pkts;  /* holder MBUF_TCP_OOO; packets begin at payload and are contiguous */
};

enum ooo_result {
	OOO_QUEUED, /* held, all or in part */
	OOO_DUP,    /* nothing new in it; dropped as DROP_TCP_DUP */
	OOO_FULL,   /* over the limit, or no memory for a run; dropped as DROP_TCP_OOO_LIMIT */
};

struct ooo_added {
	struct tcp_range block; /* the whole run that now holds it (QUEUED, DUP): for SACK */
	struct tcp_range dup;   /* part of the segment that was held already; empty: none */
	struct tcp_range lost;  /* held data thrown away to make room, from seq up; empty: none */
};

void ooo_init(struct ooo *q);

/*
 * Hold a segment: in begins at its payload, [seq, seq + mbuf_len) lies wholly above RCV.NXT and in
 * the window. Consumes in. mem_limit: true memory allowed; when it is passed, data above the new
 * segment is thrown away first (far end first), then the segment itself is refused. `out` may be
 * written in every case.
 */
enum ooo_result ooo_add(struct ooo *q, struct slab *runs, mbuf_own in, uint32_t seq,
			uint32_t mem_limit, struct ooo_added *out);

/*
 * Move what continues rcv_nxt to the end of `to`; bytes below rcv_nxt are cut off and dropped as
 * DROP_TCP_DUP. Returns how many bytes were moved. Runs wholly below are dropped too.
 */
uint32_t ooo_take(struct ooo *q, struct slab *runs, uint32_t rcv_nxt, struct mbufq *to);

void ooo_purge(struct ooo *q, struct slab *runs, enum drop_reason why);

static inline bool ooo_empty(const struct ooo *q)
{
	return rb_empty(&q->runs);
}

/* Cells for `slab_init`: how large one is. */
#define OOO_RUN_BYTES sizeof(struct ooo_run)

#endif
