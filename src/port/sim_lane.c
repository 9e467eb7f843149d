/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a simulated wire does to frames. A frame meets, in this order: link state, MTU, the queue of
 * the rate limit, loss, corruption, duplication; then it waits in a heap until it is due. Called
 * by sim.c.
 */
#include "port/sim_lane.h"

#include "port/gso.h"
#include "port/rxprio.h"
#include "port/txcsum.h"
#include "wire/eth.h"

#include <string.h>

#define SECOND_NS UINT64_C(1000000000)

/* ---- chance ---- */

/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
static uint64_t random_u64(struct sim_lane *l)
{
	uint64_t z = l->rng += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t random_below(struct sim_lane *l, uint64_t n)
{
	return random_u64(l) % n;
}

static bool chance(struct sim_lane *l, uint32_t ppm)
{
	return ppm > 0 && random_below(l, SIM_PPM) < ppm;
}

/* ---- heap ---- */

static bool before(const struct sim_frame *a, const struct sim_frame *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->seq < b->seq;
}

static bool heap_grow(struct sim_lane *l)
{
	const struct mem *mem = sim_wire_conf(l->wire)->mem;
	uint32_t cap = l->cap_heap ? 2 * l->cap_heap : 64;
	struct sim_frame **heap = mem_alloc(mem, cap * sizeof(struct sim_frame *));

	if (!heap)
		return false;
	if (l->n_heap > 0)
		memcpy(heap, l->heap, l->n_heap * sizeof(struct sim_frame *));
	mem_free(mem, l->heap, l->cap_heap * sizeof(struct sim_frame *));
	l->heap = heap;
	l->cap_heap = cap;
	return true;
}

/* There is room: heap_grow() saw to that. */
static void heap_push(struct sim_lane *l, struct sim_frame *f)
{
	uint32_t i = l->n_heap++;

	while (i > 0 && before(f, l->heap[(i - 1) / 2])) {
		l->heap[i] = l->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	l->heap[i] = f;
}

static struct sim_frame *heap_pop(struct sim_lane *l)
{
	struct sim_frame *top = l->heap[0];
	struct sim_frame *last = l->heap[--l->n_heap];
	uint32_t i = 0;

	for (uint32_t kid = 1; kid < l->n_heap; kid = 2 * i + 1) {
		if (kid + 1 < l->n_heap && before(l->heap[kid + 1], l->heap[kid]))
			kid++;
		if (!before(l->heap[kid], last))
			break;
		l->heap[i] = l->heap[kid];
		i = kid;
	}
	l->heap[i] = last;
	return top;
}

/* ---- frames ---- */

static struct view frame_view(const struct sim_frame *f)
{
	return view_make(f->bytes, f->carried ? 0 : f->len);
}

static size_t frame_size(const struct sim_frame *f)
{
	return sizeof(*f) + (f->carried ? 0 : f->len);
}

static void frame_free(struct sim_lane *l, struct sim_frame *f)
{
	mem_free(sim_wire_conf(l->wire)->mem, f, frame_size(f));
}

/* Make a frame of *mp: carried, or copied and then done. NULL: no memory, *mp stays. */
static struct sim_frame *frame_make(struct sim_lane *l, struct mbuf **mp)
{
	const struct sim_wire_conf *conf = sim_wire_conf(l->wire);
	struct mbuf *m = *mp;
	uint32_t len = mbuf_len(m);
	struct sim_frame *f = mem_alloc(conf->mem, sizeof(*f) + (conf->move ? 0 : len));

	if (!f)
		return NULL;
	*f = (struct sim_frame){
		.len = len,
		.carried = conf->move,
		.l4_off = (uint16_t)(m->meta.l4_off - mbuf_here(m)),
		.gso_size = m->meta.gso_size,
		.csum = m->meta.csum == MBUF_CSUM_PARTIAL ? MBUF_CSUM_PARTIAL : MBUF_CSUM_NONE,
		.csum_field = m->meta.csum_field,
		.gso_type = m->meta.gso_type,
		.gso_ecn = m->meta.gso_ecn,
	};
	if (conf->move) {
		mbuf_mark(m, MBUF_WIRE);
		f->m = m;
		*mp = NULL;
	} else {
		(void)mbuf_copy_out(m, 0, f->bytes, len);
		mbuf_done(mp);
	}
	return f;
}

static void frame_drop(struct sim_lane *l, struct sim_frame *f, enum sim_event event,
		       enum drop_reason why)
{
	sim_wire_event(l, event, f->m, frame_view(f));
	mbuf_drop(&f->m, why);
	frame_free(l, f);
}

/* ---- send ---- */

/* Transmission time of n bytes, 0 without a rate. */
static uint64_t bytes_ns(const struct sim_lane *l, uint64_t n)
{
	return l->path.rate_bps ? n * 8 * SECOND_NS / l->path.rate_bps : 0;
}

bool sim_lane_full(const struct sim_lane *l)
{
	uint64_t now = sim_wire_now(l->wire);

	return l->path.rate_bps != 0 && l->path.queue_bytes != 0 && l->free_ns > now &&
	       l->free_ns - now > bytes_ns(l, l->path.queue_bytes);
}

/* When a frame that is sent now arrives. */
static uint64_t due_time(struct sim_lane *l, uint32_t len)
{
	uint64_t due = sim_wire_now(l->wire);

	if (l->path.rate_bps != 0) {
		l->free_ns = max_u64(l->free_ns, due) + bytes_ns(l, len);
		due = l->free_ns;
	}
	due += l->path.delay_ns;
	if (l->path.jitter_ns != 0)
		due += random_below(l, l->path.jitter_ns + 1);
	if (chance(l, l->path.reorder_ppm))
		due += l->path.reorder_ns;
	if (l->path.keep_order)
		due = max_u64(due, l->last_due_ns);
	l->last_due_ns = due;
	return due;
}

/* One bit of what is behind the link header. The bytes are nobody else's. */
static void flip(struct sim_lane *l, struct sim_frame *f)
{
	uint64_t bit = random_below(l, ((uint64_t)f->len - ETH_HLEN) * 8) + ETH_HLEN * 8u;
	uint32_t at = (uint32_t)(bit / 8);
	struct mbuf *seg = f->m;

	if (!seg) {
		f->bytes[at] ^= (uint8_t)(1u << (bit % 8));
		return;
	}
	for (; at >= mbuf_seg_len(seg); seg = mbuf_seg_next(seg))
		at -= mbuf_seg_len(seg);
	mbuf_data(seg)[at] ^= (uint8_t)(1u << (bit % 8));
}

/* The frame's way through the air; corrupt: damaged on it. Consumes in. */
static void launch(struct sim_lane *l, mbuf_own in, bool corrupt)
{
	MBUF(m, in);
	struct sim_frame *f = NULL;

	if (l->n_heap < l->cap_heap || heap_grow(l))
		f = frame_make(l, &m);
	if (!f) {
		sim_wire_event(l, SIM_NOMEM, m, view_make(NULL, 0));
		mbuf_drop(&m, DROP_NOBUF);
		return;
	}
	f->seq = l->next_seq++;
	f->due_ns = due_time(l, f->len);
	if (corrupt) {
		flip(l, f);
		sim_wire_event(l, SIM_CORRUPTED, f->m, frame_view(f));
	}
	heap_push(l, f);
}

/* In move mode the bytes may be the sender's too: then damage a copy. Consumes in. */
static mbuf_own damageable(struct sim_lane *l, mbuf_own in)
{
	MBUF(m, in);
	mbuf_own copy;

	if (!sim_wire_conf(l->wire)->move)
		return mbuf_move(&m);
	copy = mbuf_copy(m->meta.pool, m, 0, mbuf_len(m), MBUF_PRIO_BULK);
	if (copy.m) {
		mbuf_done(&m);
		return copy;
	}
	sim_wire_event(l, SIM_NOMEM, m, view_make(NULL, 0));
	mbuf_drop(&m, DROP_NOBUF);
	return MBUF_NULL;
}

/*
 * A damaged frame must fail its checksum, so that has to be complete first; of a superpacket one of
 * the frames that it stands for is damaged. ARP has no checksum: the link's would have caught it.
 */
static void launch_corrupt(struct sim_lane *l, mbuf_own in)
{
	MBUF(m, in);
	struct mbuf_pool *pool = m->meta.pool;
	struct mbufq cut;
	unsigned n, victim;

	mbufq_init(&cut, MBUF_WIRE);
	if (m->meta.gso_size != 0) {
		n = gso_cut(pool, mbuf_move(&m), GSO_TCP, false, &cut);
	} else {
		if (m->meta.csum == MBUF_CSUM_PARTIAL)
			m = txcsum_finish(pool, mbuf_move(&m)).m;
		n = m != NULL;
		if (m)
			mbufq_push(&cut, mbuf_move(&m));
	}
	if (n == 0) { /* no buffers, counted in the pool */
		sim_wire_event(l, SIM_NOMEM, NULL, view_make(NULL, 0));
		return;
	}
	l->stats.cut += n - 1;
	victim = (unsigned)random_below(l, n);
	for (unsigned i = 0; i < n; i++) {
		mbuf_own f = mbufq_pop(&cut);

		if (i == victim)
			f = damageable(l, f);
		if (f.m)
			launch(l, f, i == victim);
	}
}

static bool is_arp(const struct mbuf *m)
{
	struct eth eh;

	return eth_parse(&eh, mbuf_view(m)) < 0 || eh.type == ETHERTYPE_ARP ||
	       mbuf_len(m) <= ETH_HLEN_MAX;
}

static bool too_big(const struct sim_lane *l, const struct mbuf *m)
{
	uint32_t mtu = sim_wire_conf(l->wire)->mtu;

	return m->meta.gso_size == 0 && mbuf_len(m) > mtu + ETH_HLEN_MAX;
}

/* Does the wire lose this one, and how? SIM_SENT: no. */
static enum sim_event fate(struct sim_lane *l, const struct mbuf *m)
{
	if (!sim_wire_is_up(l->wire))
		return SIM_DOWN;
	if (too_big(l, m))
		return SIM_TOOBIG;
	if (sim_lane_full(l))
		return SIM_QUEUE;
	if (l->in_burst && chance(l, l->path.burst_end_ppm))
		l->in_burst = false;
	else if (!l->in_burst && chance(l, l->path.burst_ppm))
		l->in_burst = true;
	if (l->in_burst)
		return SIM_BURST;
	return chance(l, l->path.loss_ppm) ? SIM_LOST : SIM_SENT;
}

static enum drop_reason drop_of(enum sim_event event)
{
	if (event == SIM_DOWN)
		return DROP_PORT_DOWN;
	return event == SIM_TOOBIG ? DROP_PORT_TX_TOOBIG : DROP_SIM_LOSS;
}

static void duplicate(struct sim_lane *l, struct mbuf *m)
{
	mbuf_own copy = mbuf_copy(m->meta.pool, m, 0, mbuf_len(m), MBUF_PRIO_BULK);

	if (!copy.m)
		return; /* no second one then */
	sim_wire_event(l, SIM_DUPLICATED, m, view_make(NULL, 0));
	launch(l, copy, false);
}

void sim_lane_send(struct sim_lane *l, mbuf_own in)
{
	MBUF(m, in);
	enum sim_event event = fate(l, m);

	l->stats.bytes_sent += mbuf_len(m);
	sim_wire_event(l, SIM_SENT, m, view_make(NULL, 0));
	if (event != SIM_SENT) {
		sim_wire_event(l, event, m, view_make(NULL, 0));
		mbuf_drop(&m, drop_of(event));
		return;
	}
	if (chance(l, l->path.dup_ppm))
		duplicate(l, m);
	if (chance(l, l->path.corrupt_ppm) && !is_arp(m))
		launch_corrupt(l, mbuf_move(&m));
	else
		launch(l, mbuf_move(&m), false);
}

/* ---- receive ---- */

static struct mbuf *fill_buffer(struct mbuf_pool *pool, const struct sim_frame *f)
{
	enum mbuf_prio prio = rxprio(pool, view_make(f->bytes, f->len), f->len);
	enum mbuf_class cls = f->len <= MBUF_SMALL_ROOM ? MBUF_SMALL : MBUF_BIG;
	struct mbuf *m = mbuf_alloc(pool, cls, prio, MBUF_RX).m;

	if (!m)
		return NULL;
	if (mbuf_append_bytes(m, f->bytes, f->len, prio) < 0)
		mbuf_done(&m);
	return m;
}

/* A carried buffer that the sender looks at too (a retransmission queue) must not be written to by
 * the receiver. */
static struct mbuf *take_carried(struct mbuf_pool *pool, struct sim_frame *f)
{
	struct mbuf *m = f->m;
	struct mbuf *copy;

	f->m = NULL;
	if (mbuf_writable(m)) {
		m->meta = (struct mbuf_meta){.pool = m->meta.pool};
		return m;
	}
	copy = mbuf_copy(pool, m, 0, mbuf_len(m), MBUF_PRIO_BULK).m;
	mbuf_done(&m);
	return copy;
}

static void set_meta(struct mbuf *m, const struct sim_frame *f)
{
	mbuf_mark(m, MBUF_RX);
	m->meta.l2_off = mbuf_here(m);
	m->meta.csum = f->csum;
	m->meta.gso_size = f->gso_size;
	m->meta.gso_type = f->gso_type;
	m->meta.gso_ecn = f->gso_ecn;
	if (f->csum != MBUF_CSUM_PARTIAL)
		return;
	m->meta.l4_off = (uint16_t)(mbuf_here(m) + f->l4_off);
	m->meta.csum_field = f->csum_field;
}

static struct mbuf *arrive(struct sim_lane *l, struct sim_frame *f, struct port *p)
{
	struct mbuf *m = f->m ? take_carried(p->pool, f) : fill_buffer(p->pool, f);

	if (!m) {
		p->cnt.rx_nobuf++;
		mbuf_pool_count_drop(p->pool, DROP_NOBUF);
		frame_drop(l, f, SIM_NOBUF, DROP_NOBUF);
		return NULL;
	}
	set_meta(m, f);
	l->stats.bytes_delivered += f->len;
	if (f->seq < l->seen_seq)
		l->stats.reordered++;
	l->seen_seq = max_u64(l->seen_seq, f->seq + 1);
	sim_wire_event(l, SIM_DELIVERED, m, view_make(NULL, 0));
	frame_free(l, f);
	return m;
}

struct mbuf *sim_lane_receive(struct sim_lane *l, struct port *p)
{
	uint64_t now = sim_wire_now(l->wire);

	while (l->n_heap > 0 && l->heap[0]->due_ns <= now) {
		struct mbuf *m = arrive(l, heap_pop(l), p);

		if (m)
			return m;
	}
	return NULL;
}

uint64_t sim_lane_next_ns(const struct sim_lane *l)
{
	return l->n_heap > 0 ? l->heap[0]->due_ns : UINT64_MAX;
}

/* ---- life ---- */

void sim_lane_init(struct sim_lane *l, struct sim_wire *w, enum sim_dir dir,
		   const struct sim_wire_conf *conf)
{
	*l = (struct sim_lane){
		.wire = w,
		.dir = dir,
		.path = dir == SIM_AB ? conf->ab : conf->ba,
		.rng = conf->seed * SIM_DIRS + (uint64_t)dir,
	};
}

void sim_lane_purge(struct sim_lane *l)
{
	while (l->n_heap > 0)
		frame_drop(l, heap_pop(l), SIM_DOWN, DROP_PORT_DOWN);
}

void sim_lane_fini(struct sim_lane *l)
{
	sim_lane_purge(l);
	mem_free(sim_wire_conf(l->wire)->mem, l->heap, l->cap_heap * sizeof(struct sim_frame *));
}
