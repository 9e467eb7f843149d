/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who listens to which multicast group on which interface. Each listener (a socket; we ourselves
 * for solicited-node addresses) has a filter; counted by source they make the interface's state of
 * RFC 3376 3.2 and RFC 3810 4.2 without a walk over the listeners: it excludes when anybody does,
 * and then what all of these exclude and nobody includes.
 *
 * Called by udp and addr.c on the worker's thread.
 */
#include "inet/group.h"

#include "inet/state.h"

#include "wire/nd.h"

#include <errno.h>

static uint32_t hash_of(const struct stack *s, unsigned iface, const struct ipaddr *addr)
{
	return hash_addr_u32(&s->hash_key, addr, iface);
}

struct group *group_find(const struct stack *s, unsigned iface, const struct ipaddr *addr)
{
	const struct htab *t = &s->inet->groups->by_addr;
	struct htab_iter it;

	for (struct group *g = htab_first(t, hash_of(s, iface, addr), &it); g; g = htab_next(&it))
		if (g->iface == iface && ipaddr_eq(&g->addr, addr))
			return g;
	return NULL;
}

bool group_joined(const struct stack *s, unsigned iface, const struct ipaddr *addr)
{
	struct ipaddr all_nodes = nd_all_nodes();
	const struct group *g;

	/* All hosts, all nodes: by nature (RFC 1112 4, RFC 4291 2.8). */
	if (ipaddr_is_v4(addr) ? ipaddr_to_v4(addr) == 0xe0000001 : ipaddr_eq(addr, &all_nodes))
		return true;
	g = group_find(s, iface, addr);
	return g && group_has_listener(g);
}

bool inet_filter_passes(const struct inet_filter *f, const struct ipaddr *src)
{
	for (unsigned i = 0; i < f->n; i++)
		if (ipaddr_eq(&f->src[i], src))
			return !f->exclude;
	return f->exclude;
}

static unsigned slot_of(unsigned iface)
{
	return iface == INET_IFACE_LOOPBACK ? LINK_MAX_IFACES : iface;
}

struct group_family *group_family_of(struct stack *s, unsigned iface, bool v6)
{
	return &s->inet->groups->fam[slot_of(iface)][v6];
}

bool inet_iface_exists(const struct stack *s, unsigned iface)
{
	return iface == INET_IFACE_LOOPBACK ||
	       (iface < LINK_MAX_IFACES && s->inet->ifaces[iface].used);
}

/* ---- groups and sources ---- */

static struct group *group_get(struct stack *s, unsigned iface, const struct ipaddr *addr)
{
	struct group_table *t = s->inet->groups;
	struct group *g = group_find(s, iface, addr);

	if (g)
		return g;
	g = slab_get(&t->slab);
	if (!g)
		return NULL;
	g->addr = *addr;
	g->iface = iface;
	wheel_timer_init(&g->timer, group_timer);
	if (htab_insert(&t->by_addr, hash_of(s, iface, addr), g) < 0) {
		slab_put(&t->slab, g);
		return NULL;
	}
	list_add_tail(&group_family_of(s, iface, !ipaddr_is_v4(addr))->groups, &g->link);
	return g;
}

static void group_free(struct stack *s, struct group *g)
{
	struct group_table *t = s->inet->groups;

	wheel_disarm(&s->wheel, &g->timer);
	list_del(&g->link);
	MUST(htab_remove(&t->by_addr, hash_of(s, g->iface, &g->addr), g));
	slab_put(&t->slab, g);
}

/* Sources that nobody names and nothing is to be said about make room. */
static void forget_sources(struct group *g)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < g->n_sources; i++) {
		const struct group_source *src = &g->source[i];

		if (src->n_incl || src->n_excl || src->pending || src->asked)
			g->source[kept++] = *src;
	}
	g->n_sources = kept;
}

void group_put_if_done(struct stack *s, struct group *g)
{
	forget_sources(g);
	if (!group_has_listener(g) && g->pending == 0 && g->n_sources == 0)
		group_free(s, g);
}

static struct group_source *source_find(struct group *g, const struct ipaddr *addr)
{
	for (unsigned i = 0; i < g->n_sources; i++)
		if (ipaddr_eq(&g->source[i].addr, addr))
			return &g->source[i];
	return NULL;
}

/* Enter what f names. False: too many. */
static bool enter_sources(struct group *g, const struct inet_filter *f)
{
	forget_sources(g);
	for (unsigned i = 0; i < f->n; i++) {
		if (source_find(g, &f->src[i]))
			continue;
		if (g->n_sources == GROUP_MAX_SOURCES)
			return false;
		g->source[g->n_sources++] = (struct group_source){.addr = f->src[i]};
	}
	return true;
}

/* Add (1) or take away (-1) a listener. */
static void count(struct group *g, const struct inet_filter *f, int by)
{
	if (f->exclude)
		g->n_excl += (uint32_t)by;
	else
		g->n_incl += (uint32_t)by;
	for (unsigned i = 0; i < f->n; i++) {
		struct group_source *src = source_find(g, &f->src[i]);

		if (f->exclude)
			src->n_excl = (uint16_t)(src->n_excl + by);
		else
			src->n_incl = (uint16_t)(src->n_incl + by);
	}
}

static struct group_before remember(const struct group *g)
{
	struct group_before b = {.listened = group_has_listener(g), .excluded = group_excludes(g)};

	static_assert(GROUP_MAX_SOURCES <= 64, "a bit for each");
	for (unsigned i = 0; i < g->n_sources; i++)
		if (group_lists(g, &g->source[i]))
			b.listed |= UINT64_C(1) << i;
	return b;
}

int inet_group_change(struct stack *s, unsigned iface, const struct ipaddr *group,
		      const struct inet_filter *from, const struct inet_filter *to)
{
	struct group_before before;
	struct group *g;

	if (!from && !to)
		return 0;
	if (to && !inet_iface_exists(s, iface))
		return -ENODEV;
	g = group_get(s, iface, group);
	if (!g)
		return -ENOMEM;
	if (to && !enter_sources(g, to)) {
		group_put_if_done(s, g);
		return -ENOBUFS;
	}
	before = remember(g);
	if (from)
		count(g, from, -1);
	if (to)
		count(g, to, 1);
	group_changed(s, g, &before);
	group_put_if_done(s, g);
	return 0;
}

/* ---- life ---- */

int group_init(struct stack *s)
{
	struct group_table *t = mem_zalloc(s->env.mem, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	err = htab_init(&t->by_addr, s->env.mem, HTAB_MIN_ORDER);
	if (err < 0) {
		mem_free(s->env.mem, t, sizeof(*t));
		return err;
	}
	slab_init(&t->slab, s->env.mem, "multicast groups", sizeof(struct group), GROUP_MAX);
	for (unsigned i = 0; i < GROUP_IFACES; i++) {
		for (unsigned v6 = 0; v6 < 2; v6++) {
			struct group_family *f = &t->fam[i][v6];

			list_init(&f->groups);
			wheel_timer_init(&f->general, group_general_timer);
			wheel_timer_init(&f->change, group_change_timer);
			f->robustness = GROUP_ROBUSTNESS;
			f->v6 = v6;
			f->iface = (uint8_t)(i == LINK_MAX_IFACES ? INET_IFACE_LOOPBACK : i);
		}
	}
	s->inet->groups = t;
	return 0;
}

void group_fini(struct stack *s)
{
	struct group_table *t = s->inet->groups;

	for (unsigned i = 0; i < GROUP_IFACES; i++) {
		for (unsigned v6 = 0; v6 < 2; v6++) {
			struct group_family *f = &t->fam[i][v6];

			while (!list_empty(&f->groups))
				group_free(s, CONTAINER_OF(list_first(&f->groups), struct group,
							   link));
			wheel_disarm(&s->wheel, &f->general);
			wheel_disarm(&s->wheel, &f->change);
		}
	}
	slab_fini(&t->slab);
	htab_fini(&t->by_addr);
	mem_free(s->env.mem, t, sizeof(*t));
	s->inet->groups = NULL;
}
