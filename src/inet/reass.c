/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fragments wait in a tree by offset, in a datagram found by its key. A fragment that overlaps
 * another without being its duplicate ends the datagram (RFC 5722; for IPv4 as well, RFC 1858 and
 * teardrop): for IPv6 the key is then remembered until the timeout, so that later fragments do not
 * start it anew; for IPv4 it is not, because its 16-bit identifications come back soon.
 *
 * Limits: memory over all and by source, datagrams over all and by source, fragments of a datagram.
 * A source above its share loses its own oldest; above the whole the oldest goes (CVE-2018-5391).
 *
 * Called by ip4_input.c and ip6_input.c; owns the fragments until they are delivered or dropped.
 */
#include "inet/reass_state.h"

#include "inet/state.h"

#include <errno.h>

#define BYTES_MIN     (512u * 1024)
#define BYTES_MAX     (4u * 1024 * 1024)
#define BYTES_SRC_MIN (256u * 1024) /* a datagram of 64 KB in small fragments */

/* ---- look-up ---- */

static uint32_t key_hash(const struct reass *r, const struct reass_frag_in *f)
{
	const struct hash_key *k = &r->s->hash_key;

	return hash_addr_u32(k, &f->src, f->id) ^ hash_addr_u32(k, &f->dst, f->proto);
}

static struct dgram *dgram_find(const struct reass *r, const struct reass_frag_in *f, uint32_t hash)
{
	struct htab_iter it;

	for (struct dgram *d = htab_first(&r->dgrams, hash, &it); d != NULL; d = htab_next(&it))
		if (d->id == f->id && d->proto == f->proto && ipaddr_eq(&d->from, &f->src) &&
		    ipaddr_eq(&d->to, &f->dst))
			return d;
	return NULL;
}

static struct ipaddr source_key(const struct ipaddr *a)
{
	return ipaddr_is_v4(a) ? *a : ipaddr_mask(a, 64);
}

static struct source *source_get(struct reass *r, const struct ipaddr *from)
{
	struct ipaddr key = source_key(from);
	uint32_t hash = hash_addr(&r->s->hash_key, &key);
	struct htab_iter it;
	struct source *src;

	for (src = htab_first(&r->sources, hash, &it); src != NULL; src = htab_next(&it))
		if (ipaddr_eq(&src->addr, &key))
			return src;
	src = slab_get(&r->source_slab);
	if (!src)
		return NULL;
	src->addr = key;
	list_init(&src->dgrams);
	if (htab_insert(&r->sources, hash, src) < 0) {
		slab_put(&r->source_slab, src);
		return NULL;
	}
	return src;
}

static void source_put(struct reass *r, struct source *src)
{
	if (src->count > 0)
		return;
	MUST(htab_remove(&r->sources, hash_addr(&r->s->hash_key, &src->addr), src));
	slab_put(&r->source_slab, src);
}

/* ---- end of a datagram ---- */

void reass_frag_forget(struct dgram *d, struct frag *f)
{
	struct reass *r = d->r;

	rb_erase(&d->frags, &f->node);
	d->n_frags--;
	d->bytes -= f->size;
	d->src->bytes -= f->size;
	r->bytes -= f->size;
	slab_put(&r->frag_slab, f);
}

static void dgram_empty(struct dgram *d, enum drop_reason why)
{
	struct rb_node *n;

	while ((n = rb_first(&d->frags)) != NULL) {
		struct frag *f = RB_ENTRY(n, struct frag, node);
		struct mbuf *m = f->m;

		reass_frag_forget(d, f);
		mbuf_drop(&m, why);
	}
	d->last = NULL;
}

void dgram_free(struct dgram *d)
{
	struct reass *r = d->r;

	MUST(htab_remove(&r->dgrams, d->hash, d));
	list_del(&d->by_age);
	list_del(&d->by_src);
	d->src->count--;
	source_put(r, d->src);
	slab_put(&r->dgram_slab, d);
}

void dgram_drop(struct dgram *d, enum drop_reason why)
{
	if (!d->dead) /* counted when it died */
		inet_cnt(d->r->s, &d->from)->reass_failed++;
	dgram_empty(d, why);
	dgram_free(d);
}

void dgram_overlap(struct dgram *d)
{
	if (!d->v6) {
		dgram_drop(d, DROP_REASS_OVERLAP);
		return;
	}
	inet_cnt(d->r->s, &d->from)->reass_failed++;
	dgram_empty(d, DROP_REASS_OVERLAP);
	d->dead = true;
}

/* ---- timeout ---- */

static struct dgram *oldest(const struct reass *r, unsigned v6)
{
	struct list *l = list_first(&r->by_age[v6]);

	return l ? CONTAINER_OF(l, struct dgram, by_age) : NULL;
}

/* RFC 1122 3.3.2, RFC 8200 4.5: say so when the first fragment came. */
static void report_timeout(struct dgram *d)
{
	struct rb_node *n = rb_first(&d->frags);
	struct frag *f;

	if (!n || !d->local)
		return;
	f = RB_ENTRY(n, struct frag, node);
	if (f->start == 0) /* code 1 in both families: reassembly */
		inet_error_output(d->r->s, f->m, INET_ERR_TIME, 1, 0);
}

static void arm(struct reass *r)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < 2; i++) {
		struct dgram *d = oldest(r, i);

		if (d)
			next = min_u64(next, d->deadline_ns);
	}
	if (next == UINT64_MAX)
		wheel_disarm(&r->s->wheel, &r->timer);
	else if (!wheel_armed(&r->timer) || r->timer.expires_ns != next)
		wheel_arm(&r->s->wheel, &r->timer, next);
}

static void on_timer(void *ctx, struct wheel_timer *t)
{
	struct reass *r = CONTAINER_OF(t, struct reass, timer);
	struct stack *s = ctx;

	for (unsigned i = 0; i < 2; i++) {
		struct dgram *d;

		while ((d = oldest(r, i)) != NULL && d->deadline_ns <= s->now_ns) {
			report_timeout(d);
			dgram_drop(d, DROP_REASS_TIMEOUT);
		}
	}
	arm(r);
}

/* ---- limits ---- */

static bool evict_of(struct source *src, const struct dgram *keep)
{
	struct list *l;

	LIST_FOR_EACH (l, &src->dgrams) {
		struct dgram *d = CONTAINER_OF(l, struct dgram, by_src);

		if (d == keep)
			continue;
		dgram_drop(d, DROP_REASS_LIMIT);
		return true;
	}
	return false;
}

static bool evict_any(struct reass *r, const struct dgram *keep)
{
	struct dgram *best = NULL;

	for (unsigned i = 0; i < 2; i++) {
		struct list *l;

		LIST_FOR_EACH (l, &r->by_age[i]) {
			struct dgram *d = CONTAINER_OF(l, struct dgram, by_age);

			if (d == keep)
				continue;
			if (!best || d->deadline_ns < best->deadline_ns)
				best = d;
			break;
		}
	}
	if (best)
		dgram_drop(best, DROP_REASS_LIMIT);
	return best != NULL;
}

bool reass_make_room(struct dgram *d, uint32_t size)
{
	struct reass *r = d->r;

	while (d->src->bytes + size > r->max_src_bytes)
		if (!evict_of(d->src, d))
			return false;
	while (r->bytes + size > r->max_bytes)
		if (!evict_any(r, d))
			return false;
	return d->n_frags < REASS_MAX_FRAGS;
}

static struct dgram *dgram_new(struct reass *r, const struct reass_frag_in *f, uint32_t hash)
{
	struct source *src = source_get(r, &f->src);
	bool v6 = !ipaddr_is_v4(&f->src);
	struct dgram *d;

	if (!src)
		return NULL;
	src->count++; /* evictions must not take it away */
	if (src->count > REASS_MAX_BY_SRC)
		(void)evict_of(src, NULL);
	if (slab_count(&r->dgram_slab) == REASS_MAX_DGRAMS)
		(void)evict_any(r, NULL);
	d = slab_get(&r->dgram_slab);
	if (!d || htab_insert(&r->dgrams, hash, d) < 0)
		goto fail;
	d->r = r;
	d->src = src;
	d->from = f->src;
	d->to = f->dst;
	d->id = f->id;
	d->proto = f->proto;
	d->hash = hash;
	d->v6 = v6;
	d->local = f->local;
	d->deadline_ns = r->s->now_ns + (v6 ? REASS_TIMEOUT6_NS : REASS_TIMEOUT4_NS);
	list_init(&d->by_age);
	list_init(&d->by_src);
	list_add_tail(&r->by_age[v6], &d->by_age);
	list_add_tail(&src->dgrams, &d->by_src);
	return d;
fail:
	if (d)
		slab_put(&r->dgram_slab, d);
	src->count--;
	source_put(r, src);
	return NULL;
}

/* ---- entry ---- */

mbuf_own reass_add(struct reass *r, const struct reass_frag_in *f, mbuf_own in,
		   struct reass_out *out)
{
	uint32_t hash = key_hash(r, f);
	struct dgram *d = dgram_find(r, f, hash);
	mbuf_own whole;

	inet_cnt(r->s, &f->src)->frag_in++;
	if (!d)
		d = dgram_new(r, f, hash);
	if (!d) {
		mbuf_drop_own(in, DROP_REASS_LIMIT);
		return MBUF_NULL;
	}
	whole = dgram_add(d, f, in, out);
	arm(r);
	return whole;
}

/* ---- life ---- */

uint32_t reass_bytes(const struct reass *r)
{
	return r->bytes;
}

uint32_t reass_count(const struct reass *r)
{
	return (uint32_t)slab_count(&r->dgram_slab);
}

static uint32_t bytes_limit(const struct stack *s)
{
	struct mbuf_pool_stats st;

	mbuf_pool_stats(s->pool, &st);
	/* An eighth of the small buffers. */
	return clamp_u32(st.size[MBUF_SMALL] / 8 * 2048, BYTES_MIN, BYTES_MAX);
}

static bool pool_is_low(const struct mbuf_pool *pool)
{
	for (unsigned c = 0; c < MBUF_CLASSES; c++)
		if (mbuf_pool_avail(pool, (enum mbuf_class)c) <
		    pool->reserve[c] + mbuf_pool_size(pool, (enum mbuf_class)c) / REASS_SHED_SHARE)
			return true;
	return false;
}

void reass_shed(struct reass *r)
{
	while (r->bytes > 0 && pool_is_low(r->s->pool) && evict_any(r, NULL))
		;
}

int reass_create(struct stack *s, struct reass **out)
{
	struct reass *r = mem_zalloc(s->env.mem, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	err = htab_init(&r->dgrams, s->env.mem, 4);
	if (err < 0)
		goto free_reass;
	err = htab_init(&r->sources, s->env.mem, 4);
	if (err < 0)
		goto fini_dgrams;
	r->s = s;
	r->max_bytes = bytes_limit(s);
	r->max_src_bytes = max_u32(r->max_bytes / 4, BYTES_SRC_MIN);
	slab_init(&r->dgram_slab, s->env.mem, "reass-datagrams", sizeof(struct dgram),
		  REASS_MAX_DGRAMS);
	/* One more: a source is entered before another's datagram makes room for its own. */
	slab_init(&r->source_slab, s->env.mem, "reass-sources", sizeof(struct source),
		  REASS_MAX_DGRAMS + 1);
	slab_init(&r->frag_slab, s->env.mem, "reass-fragments", sizeof(struct frag),
		  BYTES_MAX / 2048);
	list_init(&r->by_age[0]);
	list_init(&r->by_age[1]);
	wheel_timer_init(&r->timer, on_timer);
	*out = r;
	return 0;
fini_dgrams:
	htab_fini(&r->dgrams);
free_reass:
	mem_free(s->env.mem, r, sizeof(*r));
	return err;
}

void reass_destroy(struct reass *r)
{
	struct dgram *d;

	for (unsigned i = 0; i < 2; i++) {
		while ((d = oldest(r, i)) != NULL)
			dgram_drop(d, DROP_STACK_FINI);
	}
	wheel_disarm(&r->s->wheel, &r->timer);
	slab_fini(&r->frag_slab);
	slab_fini(&r->source_slab);
	slab_fini(&r->dgram_slab);
	htab_fini(&r->sources);
	htab_fini(&r->dgrams);
	mem_free(r->s->env.mem, r, sizeof(*r));
}
