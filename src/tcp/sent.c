/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The records of what is in flight: see sent.h for what they are, what they cost and who calls.
 */
#include "tcp/sent.h"

#include "base/compiler.h"
#include "base/seq.h"

#include <string.h>

#define GROWTH 4u

static uint16_t slot(const struct tcp_sent *s, unsigned place)
{
	return (uint16_t)((s->head + place) & (s->cap - 1u));
}

static struct tcp_tx *at(const struct tcp_sent *s, unsigned place)
{
	return &s->tx[s->order[slot(s, place)]];
}

static uint32_t len_of(const struct tcp_tx *tx)
{
	return tx->end - tx->seq;
}

/* ---- storage ---- */

static void chain_free(struct tcp_sent *s, unsigned from, unsigned to)
{
	for (unsigned i = to; i > from; i--) {
		s->tx[i - 1].next = s->free;
		s->free = (uint16_t)(i - 1);
	}
}

static void use_inline(struct tcp_sent *s)
{
	s->tx = s->first;
	s->order = s->first_order;
	s->cap = TCP_SENT_INLINE;
	s->head = s->n = 0;
	s->free = s->oldest = s->newest = TCP_SENT_NIL;
	chain_free(s, 0, s->cap);
}

static size_t block_bytes(unsigned cap)
{
	return cap * (sizeof(struct tcp_tx) + sizeof(uint16_t));
}

static void release(struct tcp_sent *s, const struct mem *mem)
{
	if (s->tx != s->first)
		mem_free(mem, s->tx, block_bytes(s->cap));
	use_inline(s);
}

static bool grow(struct tcp_sent *s, const struct mem *mem)
{
	unsigned old = s->cap, cap = old * GROWTH;
	struct tcp_tx *tx;
	uint16_t *order;

	if (cap > TCP_SENT_MAX)
		return false;
	tx = mem_alloc(mem, block_bytes(cap));
	if (!tx)
		return false;
	order = (uint16_t *)(void *)(tx + cap);
	memcpy(tx, s->tx, old * sizeof(*tx));
	for (unsigned i = 0; i < s->n; i++)
		order[i] = s->order[slot(s, i)];
	if (s->tx != s->first)
		mem_free(mem, s->tx, block_bytes(old));
	s->tx = tx;
	s->order = order;
	s->head = 0;
	s->cap = (uint16_t)cap;
	chain_free(s, old, cap);
	return true;
}

/* A record that is in no order yet; NIL: none left. */
static uint16_t take(struct tcp_sent *s, const struct mem *mem)
{
	uint16_t i;

	if (s->free == TCP_SENT_NIL && !grow(s, mem))
		return TCP_SENT_NIL;
	i = s->free;
	s->free = s->tx[i].next;
	return i;
}

static void give(struct tcp_sent *s, uint16_t i)
{
	s->tx[i].next = s->free;
	s->free = i;
}

/* Into the order at a place: the shorter side moves. */
static void order_insert(struct tcp_sent *s, unsigned place, uint16_t i)
{
	if (place < s->n / 2u) {
		s->head = slot(s, s->cap - 1u);
		for (unsigned k = 0; k < place; k++)
			s->order[slot(s, k)] = s->order[slot(s, k + 1)];
	} else {
		for (unsigned k = s->n; k > place; k--)
			s->order[slot(s, k)] = s->order[slot(s, k - 1)];
	}
	s->order[slot(s, place)] = i;
	s->n++;
}

static void order_remove(struct tcp_sent *s, unsigned place)
{
	give(s, s->order[slot(s, place)]);
	if (place < s->n / 2u) {
		for (unsigned k = place; k > 0; k--)
			s->order[slot(s, k)] = s->order[slot(s, k - 1)];
		s->head = slot(s, 1);
	} else {
		for (unsigned k = place; k + 1 < s->n; k++)
			s->order[slot(s, k)] = s->order[slot(s, k + 1)];
	}
	s->n--;
}

/* ---- by time ---- */

static void time_add_after(struct tcp_sent *s, uint16_t i, uint16_t prev)
{
	uint16_t next = prev == TCP_SENT_NIL ? s->oldest : s->tx[prev].next;

	s->tx[i].prev = prev;
	s->tx[i].next = next;
	if (prev == TCP_SENT_NIL)
		s->oldest = i;
	else
		s->tx[prev].next = i;
	if (next == TCP_SENT_NIL)
		s->newest = i;
	else
		s->tx[next].prev = i;
}

static void time_remove(struct tcp_sent *s, uint16_t i)
{
	const struct tcp_tx *tx = &s->tx[i];

	if (tx->prev == TCP_SENT_NIL)
		s->oldest = tx->next;
	else
		s->tx[tx->prev].next = tx->next;
	if (tx->next == TCP_SENT_NIL)
		s->newest = tx->prev;
	else
		s->tx[tx->next].prev = tx->prev;
}

/* ---- life ---- */

void tcp_sent_init(struct tcp_sent *s, uint32_t una)
{
	s->sacked_bytes = s->lost_bytes = 0;
	s->lost_from = s->fack = una;
	use_inline(s);
}

void tcp_sent_clear(struct tcp_sent *s, const struct mem *mem, uint32_t una)
{
	release(s, mem);
	tcp_sent_init(s, una);
}

/* Sent in the same round as the last record, under the same knowledge: one record. */
static bool joins(const struct tcp_tx *last, struct tcp_range r, uint64_t now_ns,
		  const struct tcp_tx_stamp *stamp)
{
	return last->end == r.seq && last->sent_ns == now_ns && last->state == TCP_TX_FLIGHT &&
	       last->rexmits == 0 && last->stamp.delivered == stamp->delivered &&
	       last->stamp.app_limited == stamp->app_limited;
}

/* No record is left: the last one takes the range in, in flight and as young as it, so that nothing
 * is called lost too early or held that is not. */
static void extend(struct tcp_sent *s, struct tcp_range r, uint64_t now_ns)
{
	uint16_t i = s->order[slot(s, s->n - 1u)];
	struct tcp_tx *last = &s->tx[i];

	if (last->state == TCP_TX_SACKED)
		s->sacked_bytes -= len_of(last);
	else if (last->state == TCP_TX_LOST)
		s->lost_bytes -= len_of(last);
	else
		time_remove(s, i);
	last->state = TCP_TX_FLIGHT;
	last->end = r.end;
	last->sent_ns = now_ns;
	time_add_after(s, i, s->newest);
}

void tcp_sent_push(struct tcp_sent *s, const struct mem *mem, struct tcp_range r, uint64_t now_ns,
		   const struct tcp_tx_stamp *stamp)
{
	struct tcp_tx *last = s->n > 0 ? at(s, s->n - 1u) : NULL;
	uint16_t i;

	if (last && joins(last, r, now_ns, stamp)) {
		last->end = r.end;
		last->stamp.in_flight = stamp->in_flight;
		return;
	}
	i = take(s, mem);
	if (i == TCP_SENT_NIL) {
		extend(s, r, now_ns);
		return;
	}
	s->tx[i] = (struct tcp_tx){
		.seq = r.seq,
		.end = r.end,
		.sent_ns = now_ns,
		.stamp = *stamp,
		.state = TCP_TX_FLIGHT,
	};
	s->order[slot(s, s->n)] = i;
	s->n++;
	time_add_after(s, i, s->newest);
}

/* ---- places ---- */

/* The first record whose end lies above seq. */
static unsigned find(const struct tcp_sent *s, uint32_t seq)
{
	unsigned lo = 0, hi = s->n;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (seq_gt(at(s, mid)->end, seq))
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/* Cut the record at a place in two; the second part stands behind it. */
static bool split(struct tcp_sent *s, const struct mem *mem, unsigned place, uint32_t seq)
{
	uint16_t i = take(s, mem);
	struct tcp_tx *tx;

	if (i == TCP_SENT_NIL)
		return false;
	tx = at(s, place);
	s->tx[i] = *tx;
	s->tx[i].seq = seq;
	tx->end = seq;
	if (tx->state == TCP_TX_FLIGHT)
		time_add_after(s, i, s->order[slot(s, place)]);
	order_insert(s, place + 1, i);
	return true;
}

/* What becomes of a record that lies across an edge and cannot be cut. */
enum uncut { UNCUT_SKIP, UNCUT_WHOLE };

/* The next record from *place on that lies in r and is not SACKed, cut to r; NULL: no more. */
static struct tcp_tx *next_in(struct tcp_sent *s, const struct mem *mem, struct tcp_range r,
			      enum uncut uncut, unsigned *place)
{
	for (; *place < s->n; ++*place) {
		const struct tcp_tx *tx = at(s, *place);

		if (!seq_lt(tx->seq, r.end))
			return NULL;
		if (tx->state == TCP_TX_SACKED)
			continue;
		if (seq_lt(tx->seq, r.seq)) {
			/* The part inside is the next record, if the cut succeeds. */
			if (split(s, mem, *place, r.seq) || uncut == UNCUT_SKIP)
				continue;
		} else if (seq_gt(tx->end, r.end) && !split(s, mem, *place, r.end) &&
			   uncut == UNCUT_SKIP) {
			return NULL;
		}
		return at(s, *place);
	}
	return NULL;
}

/* Join the record at a place with its neighbours where both are SACKED. Returns its place. */
static unsigned join_sacked(struct tcp_sent *s, unsigned place)
{
	if (place + 1 < s->n && at(s, place + 1)->state == TCP_TX_SACKED) {
		at(s, place)->end = at(s, place + 1)->end;
		order_remove(s, place + 1);
	}
	if (place > 0 && at(s, place - 1)->state == TCP_TX_SACKED) {
		at(s, place - 1)->end = at(s, place)->end;
		order_remove(s, place);
		place--;
	}
	return place;
}

/* ---- delivery ---- */

/* RFC 8985 6.2 step 2: the acknowledgement may be for an earlier copy. */
static bool ambiguous(const struct tcp_delivery *d, const struct tcp_tx *tx)
{
	return tx->rexmits > 0 &&
	       (d->echo_ns < tx->sent_ns || d->now_ns - tx->sent_ns < d->min_rtt_ns);
}

/* The bytes of tx up to end have arrived. */
static void deliver(struct tcp_sent *s, struct tcp_delivery *d, const struct tcp_tx *tx,
		    uint32_t end)
{
	if (tx->state == TCP_TX_LOST) {
		s->lost_bytes -= end - tx->seq;
		d->unlost_bytes += end - tx->seq;
	}
	if (tx->rexmits == 0) {
		d->reordered |= seq_lt(end, s->fack);
		d->original_end = d->original ? seq_max(d->original_end, end) : end;
		d->original = true;
	}
	s->fack = seq_max(s->fack, end);
	if (ambiguous(d, tx))
		return;
	if (!d->any || tcp_sent_after(tx->sent_ns, end, d->newest.sent_ns, d->newest.end)) {
		d->newest = *tx;
		d->newest.end = end;
		d->any = true;
	}
}

static void deliver_acked(struct tcp_sent *s, struct tcp_delivery *d, const struct tcp_tx *tx,
			  uint32_t end)
{
	if (tx->state == TCP_TX_SACKED) {
		s->sacked_bytes -= end - tx->seq;
		return;
	}
	d->acked_bytes += end - tx->seq;
	d->again |= tx->rexmits > 0;
	deliver(s, d, tx, end);
}

void tcp_sent_ack(struct tcp_sent *s, const struct mem *mem, uint32_t una, struct tcp_delivery *d)
{
	while (s->n > 0) {
		uint16_t i = s->order[s->head];
		struct tcp_tx *tx = &s->tx[i];

		if (seq_gt(tx->end, una)) {
			if (seq_lt(tx->seq, una)) {
				deliver_acked(s, d, tx, una);
				tx->seq = una;
			}
			break;
		}
		deliver_acked(s, d, tx, tx->end);
		if (tx->state == TCP_TX_FLIGHT)
			time_remove(s, i);
		s->head = slot(s, 1);
		s->n--;
		give(s, i);
	}
	s->lost_from = seq_max(s->lost_from, una);
	s->fack = seq_max(s->fack, una);
	if (s->n == 0 && s->tx != s->first)
		release(s, mem);
}

void tcp_sent_sack(struct tcp_sent *s, const struct mem *mem, struct tcp_range r,
		   struct tcp_delivery *d)
{
	unsigned place = find(s, r.seq);
	struct tcp_tx *tx;

	while ((tx = next_in(s, mem, r, UNCUT_SKIP, &place)) != NULL) {
		d->sacked_bytes += len_of(tx);
		deliver(s, d, tx, tx->end);
		if (tx->state == TCP_TX_FLIGHT)
			time_remove(s, s->order[slot(s, place)]);
		tx->state = TCP_TX_SACKED;
		s->sacked_bytes += len_of(tx);
		place = join_sacked(s, place) + 1;
	}
}

/* ---- loss ---- */

uint32_t tcp_sent_lose_tx(struct tcp_sent *s, uint16_t i)
{
	struct tcp_tx *tx = &s->tx[i];

	time_remove(s, i);
	tx->state = TCP_TX_LOST;
	s->lost_from = s->lost_bytes == 0 ? tx->seq : seq_min(s->lost_from, tx->seq);
	s->lost_bytes += len_of(tx);
	return len_of(tx);
}

uint32_t tcp_sent_lose(struct tcp_sent *s, const struct mem *mem, struct tcp_range r)
{
	unsigned place = find(s, r.seq);
	uint32_t lost = 0;

	while (next_in(s, mem, r, UNCUT_WHOLE, &place) != NULL) {
		if (at(s, place)->state == TCP_TX_FLIGHT)
			lost += tcp_sent_lose_tx(s, s->order[slot(s, place)]);
		place++;
	}
	return lost;
}

/* Where a record belongs that was sent at t, seen from the newest. */
static uint16_t time_place(const struct tcp_sent *s, uint64_t t)
{
	uint16_t prev = s->newest;

	while (prev != TCP_SENT_NIL && s->tx[prev].sent_ns > t)
		prev = s->tx[prev].prev;
	return prev;
}

void tcp_sent_unlose(struct tcp_sent *s)
{
	for (unsigned k = 0; k < s->n && s->lost_bytes > 0; k++) {
		uint16_t i = s->order[slot(s, k)];
		struct tcp_tx *tx = &s->tx[i];

		if (tx->state != TCP_TX_LOST)
			continue;
		tx->state = TCP_TX_FLIGHT;
		s->lost_bytes -= len_of(tx);
		time_add_after(s, i, time_place(s, tx->sent_ns));
	}
}

void tcp_sent_renege(struct tcp_sent *s)
{
	for (unsigned k = 0; k < s->n && s->sacked_bytes > 0; k++) {
		uint16_t i = s->order[slot(s, k)];
		struct tcp_tx *tx = &s->tx[i];

		if (tx->state != TCP_TX_SACKED)
			continue;
		tx->state = TCP_TX_FLIGHT;
		s->sacked_bytes -= len_of(tx);
		time_add_after(s, i, time_place(s, tx->sent_ns));
	}
}

/* ---- again ---- */

/* Pieces of one hole that leave in one round become one record again. Returns its place. */
static unsigned join_again(struct tcp_sent *s, unsigned place)
{
	const struct tcp_tx *tx = at(s, place);
	struct tcp_tx *prev = place > 0 ? at(s, place - 1) : NULL;

	if (!prev || prev->state != TCP_TX_FLIGHT || prev->sent_ns != tx->sent_ns ||
	    prev->rexmits != tx->rexmits)
		return place;
	prev->end = tx->end;
	time_remove(s, s->order[slot(s, place)]);
	order_remove(s, place);
	return place - 1;
}

void tcp_sent_again(struct tcp_sent *s, const struct mem *mem, struct tcp_range r, uint64_t now_ns,
		    const struct tcp_tx_stamp *stamp)
{
	unsigned place = find(s, r.seq);
	struct tcp_tx *tx;

	while ((tx = next_in(s, mem, r, UNCUT_WHOLE, &place)) != NULL) {
		uint16_t i = s->order[slot(s, place)];

		if (tx->state == TCP_TX_FLIGHT)
			time_remove(s, i);
		else
			s->lost_bytes -= len_of(tx);
		tx->state = TCP_TX_FLIGHT;
		tx->sent_ns = now_ns;
		tx->stamp = *stamp;
		if (tx->rexmits < UINT8_MAX)
			tx->rexmits++;
		time_add_after(s, i, s->newest);
		place = join_again(s, place) + 1;
	}
}

bool tcp_sent_next_lost(struct tcp_sent *s, uint32_t max_bytes, struct tcp_range *out)
{
	unsigned place;

	if (s->lost_bytes == 0 || max_bytes == 0)
		return false;
	place = find(s, s->lost_from);
	while (place < s->n && at(s, place)->state != TCP_TX_LOST)
		place++;
	if (place == s->n)
		return false;
	s->lost_from = at(s, place)->seq;
	*out = (struct tcp_range){s->lost_from, s->lost_from};
	for (; place < s->n && at(s, place)->state == TCP_TX_LOST; place++) {
		out->end = at(s, place)->end;
		if (tcp_range_len(*out) >= max_bytes) {
			out->end = out->seq + max_bytes;
			break;
		}
	}
	return true;
}

const struct tcp_tx *tcp_sent_find(const struct tcp_sent *s, uint32_t seq)
{
	unsigned place = find(s, seq);

	if (place == s->n || seq_gt(at(s, place)->seq, seq))
		return NULL;
	return at(s, place);
}

bool tcp_sent_reneged(const struct tcp_sent *s)
{
	return s->n > 0 && at(s, 0)->state == TCP_TX_SACKED;
}
