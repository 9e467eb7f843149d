/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One datagram under reassembly: where a fragment belongs in it, whether the fragments agree, and
 * the whole packet made of them. ECN by RFC 3168 5.3. Called by reass.c.
 */
#include "inet/reass_state.h"

#include "inet/state.h"

/* A buffer that is so much larger than its fragment is copied into a small one. */
#define WASTE_FACTOR 4u

enum place { PLACE_NEW, PLACE_DUP, PLACE_OVERLAP };

/* Where [start, end) belongs in the tree; *parent and *link are where to hang it. */
static enum place find_place(struct dgram *d, uint32_t start, uint32_t end, struct rb_node **parent,
			     struct rb_node ***link)
{
	*parent = NULL;
	*link = &d->frags.node;
	if (d->last && start >= d->last->end) { /* in order: nothing right of the last */
		*parent = &d->last->node;
		*link = &d->last->node.right;
		return PLACE_NEW;
	}
	while (**link) {
		const struct frag *at = RB_ENTRY(**link, struct frag, node);

		if (start < at->end && at->start < end)
			return start == at->start && end == at->end ? PLACE_DUP : PLACE_OVERLAP;
		*parent = **link;
		*link = start < at->start ? &(*parent)->left : &(*parent)->right;
	}
	return PLACE_NEW;
}

/* Do the ends agree? A second last fragment at another place, or data behind the last, do not. */
static bool end_fits(const struct dgram *d, uint32_t end, bool more)
{
	if (d->total != 0)
		return more ? end <= d->total : end == d->total;
	return more || !d->last || d->last->end <= end;
}

/* ECN of the whole (RFC 3168 5.3): CE with Not-ECT in one datagram is an error. */
static bool ecn_join(uint8_t seen, uint8_t first, uint8_t *out)
{
	bool not_ect = (seen & 1u) != 0, ce = (seen & 8u) != 0;

	if (ce && not_ect)
		return false;
	*out = ce ? 3 : not_ect ? 0 : first;
	return true;
}

static void insert(struct dgram *d, struct frag *fr, struct rb_node *parent, struct rb_node **link)
{
	rb_insert_at(&d->frags, &fr->node, parent, link);
	if (!d->last || fr->start > d->last->start)
		d->last = fr;
	d->n_frags++;
	d->have += fr->end - fr->start;
	d->bytes += fr->size;
	d->src->bytes += fr->size;
	d->r->bytes += fr->size;
}

/* A small fragment in a big buffer ties up the big one: copy it out, if there is a buffer. */
static mbuf_own shrink(struct stack *s, mbuf_own in)
{
	MBUF(m, in);
	mbuf_own copy;

	if (mbuf_len(m) > MBUF_SMALL_ROOM || mbuf_truesize(m) < WASTE_FACTOR * MBUF_SMALL_ROOM)
		return mbuf_move(&m);
	copy = mbuf_copy(s->pool, m, 0, mbuf_len(m), MBUF_PRIO_BULK);
	if (!copy.m)
		return mbuf_move(&m);
	copy.m->meta.l3_off = mbuf_here(copy.m);
	mbuf_done(&m);
	return copy;
}

/* Hold it. False: it was dropped, and d with it when d had nothing else. */
static bool frag_hold(struct dgram *d, const struct reass_frag_in *f, mbuf_own in, uint32_t start,
		      uint32_t end)
{
	struct rb_node *parent, **link;
	MBUF(m, shrink(d->r->s, in));
	uint32_t size = mbuf_truesize(m);
	struct frag *fr = NULL;

	if (reass_make_room(d, size))
		fr = slab_get(&d->r->frag_slab);
	if (!fr) {
		mbuf_drop(&m, DROP_REASS_LIMIT);
		return false;
	}
	(void)find_place(d, start, end, &parent, &link); /* reass_make_room() left d as it was */
	if (start == 0) {
		d->hlen = f->hlen;
		d->next_off = f->next_off;
		d->next = f->next;
	} else {
		mbuf_trim_head(m, f->hlen);
		mbuf_shed_head(&m);
	}
	if (!f->more)
		d->total = end;
	d->ecn_seen |= (uint8_t)(1u << f->ecn);
	d->frag_max = max_u32(d->frag_max, f->hlen + end - start);
	mbuf_mark(m, MBUF_REASS);
	fr->m = mbuf_move(&m).m;
	fr->start = start;
	fr->end = end;
	fr->size = size;
	insert(d, fr, parent, link);
	return true;
}

/* ---- the whole ---- */

/* Chain the fragments in order behind the first. */
static mbuf_own chain(struct dgram *d)
{
	struct mbuf *head = NULL, *last = NULL;
	struct rb_node *n;

	while ((n = rb_first(&d->frags)) != NULL) {
		struct frag *f = RB_ENTRY(n, struct frag, node);
		struct mbuf *m = f->m;

		reass_frag_forget(d, f);
		if (head) {
			last = mbuf_join_at(head, last, mbuf_own_of(m));
			continue;
		}
		head = m;
		for (last = m; mbuf_seg_next(last);)
			last = mbuf_seg_next(last);
	}
	return mbuf_own_of(head);
}

/* Don't Fragment stays: when it goes on in pieces, they must have it as they came with it. */
static void header_whole4(struct mbuf *m, uint8_t ecn)
{
	uint8_t *h = mbuf_data(m);

	ip4_set16(h, IP4_OFF_TOTAL_LEN, (uint16_t)mbuf_len(m));
	ip4_set16(h, IP4_OFF_FRAG, load_be16(h + IP4_OFF_FRAG) & IP4_DF);
	/* Version, header length and TOS are one aligned word. */
	ip4_set16(h, 0, (uint16_t)((load_be16(h) & ~3u) | ecn));
}

/* Take the fragment header out: what is before it moves up. */
static void header_whole6(struct mbuf *m, const struct dgram *d, uint8_t ecn)
{
	uint32_t before = (uint32_t)d->hlen - IP6_FRAG_HLEN;
	uint8_t *h = mbuf_data(m);

	h[d->next_off] = d->next;
	memmove(h + IP6_FRAG_HLEN, h, before);
	mbuf_trim_head(m, IP6_FRAG_HLEN);
	h = mbuf_data(m);
	store_be16(h + IP6_OFF_PAYLOAD_LEN, (uint16_t)(mbuf_len(m) - IP6_HLEN));
	h[1] = (uint8_t)((h[1] & ~0x30u) | (unsigned)ecn << 4);
}

static uint8_t ecn_of(const struct dgram *d, const struct mbuf *m)
{
	const uint8_t *h = mbuf_data(m);

	return d->v6 ? (h[1] >> 4) & 3u : h[1] & 3u;
}

static mbuf_own complete(struct dgram *d, struct reass_out *out)
{
	struct inet_counters *cnt = inet_cnt(d->r->s, &d->from);
	uint32_t max = d->v6 ? IP6_HLEN + IP6_PAYLOAD_MAX + IP6_FRAG_HLEN : IP4_TOTAL_MAX;
	MBUF(m, chain(d));
	uint8_t ecn;

	/* The headers are rewritten: of a packet that others look at too, a copy's. */
	if (!inet_make_writable(d->r->s, &m, MBUF_PRIO_BULK)) {
		cnt->reass_failed++;
		return MBUF_NULL;
	}
	if (mbuf_len(m) > max || mbuf_pull(m, d->hlen) < 0 ||
	    !ecn_join(d->ecn_seen, ecn_of(d, m), &ecn)) {
		cnt->reass_failed++;
		mbuf_drop(&m, DROP_REASS_MALFORMED);
		return MBUF_NULL;
	}
	if (d->v6)
		header_whole6(m, d, ecn);
	else
		header_whole4(m, ecn);
	out->frag_max = d->frag_max;
	out->unfrag_len = (uint16_t)(d->v6 ? d->hlen - IP6_FRAG_HLEN : 0);
	out->next_off = d->next_off;
	m->meta.l3_off = mbuf_here(m);
	m->meta.csum = MBUF_CSUM_NONE;
	mbuf_mark(m, MBUF_RX);
	cnt->reass_ok++;
	return mbuf_move(&m);
}

mbuf_own dgram_add(struct dgram *d, const struct reass_frag_in *f, mbuf_own in,
		   struct reass_out *out)
{
	MBUF(m, in);
	uint32_t start = f->off_bytes, end = start + mbuf_len(m) - f->hlen;
	struct rb_node *parent, **link;
	enum place place;
	mbuf_own whole;

	if (d->dead) {
		mbuf_drop(&m, DROP_REASS_OVERLAP);
		return MBUF_NULL;
	}
	place = find_place(d, start, end, &parent, &link);
	if (place == PLACE_DUP && end_fits(d, end, f->more)) {
		mbuf_drop(&m, DROP_REASS_DUP);
		return MBUF_NULL;
	}
	if (place != PLACE_NEW || !end_fits(d, end, f->more)) {
		mbuf_drop(&m, DROP_REASS_OVERLAP);
		dgram_overlap(d);
		return MBUF_NULL;
	}
	if (!frag_hold(d, f, mbuf_move(&m), start, end)) {
		/* The rest is of no use without it, unless it comes again. */
		if (d->n_frags == 0 || d->n_frags >= REASS_MAX_FRAGS)
			dgram_drop(d, DROP_REASS_LIMIT);
		return MBUF_NULL;
	}
	if (d->total == 0 || d->have != d->total)
		return MBUF_NULL;
	whole = complete(d, out);
	dgram_free(d);
	return whole;
}
