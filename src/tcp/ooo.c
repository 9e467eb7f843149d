/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The out-of-order queue of a connection (RFC 9293 3.10.7.4, seventh step): runs of contiguous
 * packets in a red-black tree. Called by TCP's data processing; owns the packets it holds.
 */
#include "tcp/ooo.h"

#include "base/seq.h"

/* A payload up to this size is copied behind the previous one when that has room: a stream of
 * single bytes must not tie up a buffer for each. */
#define COPY_MAX 256u

static struct ooo_run *run_of(struct rb_node *n)
{
	return n ? RB_ENTRY(n, struct ooo_run, node) : NULL;
}

void ooo_init(struct ooo *q)
{
	*q = (struct ooo){0};
	rb_init(&q->runs);
}

/* The last run that begins at or before seq, or NULL. */
static struct ooo_run *find_floor(const struct ooo *q, uint32_t seq)
{
	struct rb_node *n = q->runs.node;
	struct ooo_run *best = NULL;

	while (n) {
		struct ooo_run *r = run_of(n);

		if (seq_leq(r->range.seq, seq)) {
			best = r;
			n = n->right;
		} else {
			n = n->left;
		}
	}
	return best;
}

static void insert_run(struct ooo *q, struct ooo_run *run)
{
	struct rb_node **link = &q->runs.node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = seq_lt(run->range.seq, run_of(parent)->range.seq) ? &parent->left
									 : &parent->right;
	}
	rb_insert_at(&q->runs, &run->node, parent, link);
	q->n_runs++;
}

/* Take a run out of the books and the tree; its packets are gone or purged here. */
static void release_run(struct ooo *q, struct slab *runs, struct ooo_run *run, enum drop_reason why)
{
	mbufq_purge(&run->pkts, why);
	q->bytes -= tcp_range_len(run->range);
	q->mem_bytes -= run->mem_bytes;
	q->n_runs--;
	rb_erase(&q->runs, &run->node);
	slab_put(runs, run);
}

/* Throw away runs that begin at or above seq, far end first, until `need` more bytes fit. */
static bool make_room(struct ooo *q, struct slab *runs, uint32_t seq, uint32_t need,
		      uint32_t mem_limit, struct tcp_range *lost)
{
	while (q->mem_bytes > mem_limit || mem_limit - q->mem_bytes < need) {
		struct ooo_run *run = run_of(rb_last(&q->runs));

		if (!run || seq_lt(run->range.seq, seq))
			return false;
		if (lost->seq == lost->end)
			lost->end = run->range.end;
		lost->seq = run->range.seq;
		release_run(q, runs, run, DROP_TCP_OOO_LIMIT);
	}
	return true;
}

/* Behind the bytes of the run's last packet, when they are few and it has room. */
static bool append_copy(struct ooo *q, struct ooo_run *run, struct mbuf *m)
{
	uint32_t len = mbuf_len(m);
	uint8_t *to;

	if (len > COPY_MAX || !mbuf_writable(run->pkts.tail))
		return false;
	to = mbuf_append(run->pkts.tail, len);
	if (!to)
		return false;
	(void)mbuf_copy_out(m, 0, to, len);
	run->pkts.bytes += len;
	run->range.end += len;
	q->bytes += len;
	return true;
}

static void append(struct ooo *q, struct ooo_run *run, mbuf_own in)
{
	MBUF(m, in);
	uint32_t size;

	if (run->pkts.tail && append_copy(q, run, m)) {
		mbuf_done(&m);
		return;
	}
	size = mbuf_truesize(m);
	run->range.end += mbuf_len(m);
	run->mem_bytes += size;
	q->bytes += mbuf_len(m);
	q->mem_bytes += size;
	mbufq_push(&run->pkts, mbuf_move(&m));
}

/* `run` ends where `next` begins: one run from now on. */
static void merge(struct ooo *q, struct slab *runs, struct ooo_run *run, struct ooo_run *next)
{
	mbufq_splice(&run->pkts, &next->pkts);
	run->range.end = next->range.end;
	run->mem_bytes += next->mem_bytes;
	q->bytes += tcp_range_len(next->range);
	q->mem_bytes += next->mem_bytes;
	release_run(q, runs, next, DROP_UNSPEC);
}

/* Cut off what is held already. Returns false when nothing is new. */
static bool trim(struct mbuf *m, struct tcp_range *seg, const struct ooo_run *floor,
		 const struct ooo_run *next, struct ooo_added *out)
{
	if (floor && seq_gt(floor->range.end, seg->seq)) {
		out->dup = (struct tcp_range){seg->seq, seq_min(seg->end, floor->range.end)};
		if (seq_leq(seg->end, floor->range.end)) {
			out->block = floor->range;
			return false;
		}
		mbuf_trim_head(m, floor->range.end - seg->seq);
		seg->seq = floor->range.end;
	}
	if (next && seq_lt(next->range.seq, seg->end)) {
		if (out->dup.seq == out->dup.end)
			out->dup = (struct tcp_range){next->range.seq,
						      seq_min(seg->end, next->range.end)};
		mbuf_trim_to(m, next->range.seq - seg->seq);
		seg->end = next->range.seq;
	}
	return true;
}

static struct ooo_run *new_run(struct ooo *q, struct slab *runs, uint32_t seq)
{
	struct ooo_run *run = slab_get(runs);

	if (!run)
		return NULL;
	mbufq_init(&run->pkts, MBUF_TCP_OOO);
	run->range = (struct tcp_range){seq, seq};
	insert_run(q, run);
	return run;
}

enum ooo_result ooo_add(struct ooo *q, struct slab *runs, mbuf_own in, uint32_t seq,
			uint32_t mem_limit, struct ooo_added *out)
{
	MBUF(m, in);
	struct tcp_range seg = {seq, seq + mbuf_len(m)};
	struct ooo_run *floor = find_floor(q, seq);
	struct ooo_run *run = run_of(floor ? rb_next(&floor->node) : rb_first(&q->runs));

	*out = (struct ooo_added){0};
	if (!trim(m, &seg, floor, run, out)) {
		mbuf_drop(&m, DROP_TCP_DUP);
		return OOO_DUP;
	}
	if (!make_room(q, runs, seg.end, mbuf_truesize(m), mem_limit, &out->lost)) {
		mbuf_drop(&m, DROP_TCP_OOO_LIMIT);
		return OOO_FULL;
	}
	run = floor && floor->range.end == seg.seq ? floor : new_run(q, runs, seg.seq);
	if (!run) {
		mbuf_drop(&m, DROP_TCP_OOO_LIMIT);
		return OOO_FULL;
	}
	append(q, run, mbuf_move(&m));
	/* Looked up anew: making room may have thrown the former neighbour away. */
	floor = run_of(rb_next(&run->node));
	if (floor && floor->range.seq == run->range.end)
		merge(q, runs, run, floor);
	out->block = run->range;
	return OOO_QUEUED;
}

/* Drop the first n bytes of a queue of packets. */
static void skip_bytes(struct mbufq *pkts, uint32_t n)
{
	while (n > 0) {
		uint32_t len = mbuf_len(mbufq_peek(pkts));

		if (len > n) {
			mbufq_trim_head(pkts, n);
			return;
		}
		mbuf_drop_own(mbufq_pop(pkts), DROP_TCP_DUP);
		n -= len;
	}
}

uint32_t ooo_take(struct ooo *q, struct slab *runs, uint32_t rcv_nxt, struct mbufq *to)
{
	struct ooo_run *run;
	uint32_t moved = 0;

	while ((run = run_of(rb_first(&q->runs))) && seq_leq(run->range.seq, rcv_nxt)) {
		if (seq_gt(run->range.end, rcv_nxt)) {
			uint32_t old = rcv_nxt - run->range.seq;

			skip_bytes(&run->pkts, old);
			moved += run->range.end - rcv_nxt;
			rcv_nxt = run->range.end;
			mbufq_splice(to, &run->pkts);
		}
		release_run(q, runs, run, DROP_TCP_DUP);
	}
	return moved;
}

void ooo_purge(struct ooo *q, struct slab *runs, enum drop_reason why)
{
	struct ooo_run *run;

	while ((run = run_of(rb_first(&q->runs))))
		release_run(q, runs, run, why);
}
