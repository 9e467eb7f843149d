/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Path MTUs learned from ICMP (RFC 1191, RFC 8201): only ever lowered, never under the floors, and
 * forgotten after ten minutes, when a larger one may be tried again. Whether the ICMP error is to
 * be believed is the transport's to check before it calls here. Bounded; the oldest goes.
 *
 * Called by the transports on the worker's thread.
 */
#include "inet/state.h"

#include <errno.h>

#define PMTU_MAX     4096u
#define PMTU_LIFE_NS (600 * UINT64_C(1000000000)) /* RFC 1191 6.3, RFC 8201 5.3 */
#define PMTU_FLOOR4  552u /* below, ICMP is an attack rather than a path (RFC 5927 7) */

struct pmtu_entry {
	struct list link;
	struct ipaddr dst;
	uint32_t mtu;
	uint64_t expires_ns;
};

static struct pmtu_entry *find(const struct stack *s, const struct ipaddr *dst)
{
	struct htab_iter it;

	for (struct pmtu_entry *e =
		     htab_first(&s->inet->pmtu.by_addr, hash_addr(&s->hash_key, dst), &it);
	     e != NULL; e = htab_next(&it))
		if (ipaddr_eq(&e->dst, dst))
			return e;
	return NULL;
}

uint32_t pmtu_find(const struct stack *s, const struct ipaddr *dst)
{
	const struct pmtu_entry *e;

	if (htab_count(&s->inet->pmtu.by_addr) == 0)
		return 0;
	e = find(s, dst);
	return e ? e->mtu : 0;
}

uint32_t inet_pmtu(const struct stack *s, const struct ipaddr *dst)
{
	const struct fib_route *r = fib_lookup(&s->inet->fib, dst);
	const struct iface *ifc = r ? link_iface(s, r->iface) : NULL;
	uint32_t known = pmtu_find(s, dst);

	if (inet_addr_is_local(s, dst))
		return INET_LOOP_MTU;
	if (!ifc)
		return known;
	return known ? min_u32(known, ifc->mtu) : ifc->mtu;
}

static void forget(struct stack *s, struct pmtu_entry *e)
{
	struct pmtu_table *t = &s->inet->pmtu;

	MUST(htab_remove(&t->by_addr, hash_addr(&s->hash_key, &e->dst), e));
	list_del(&e->link);
	slab_put(&t->slab, e);
	inet_gen_bump(s->inet);
}

static struct pmtu_entry *oldest(const struct pmtu_table *t)
{
	struct list *l = list_first(&t->fifo);

	return l ? CONTAINER_OF(l, struct pmtu_entry, link) : NULL;
}

static void on_timer(void *ctx, struct wheel_timer *timer)
{
	struct stack *s = ctx;
	struct pmtu_table *t = &s->inet->pmtu;
	struct pmtu_entry *e;

	while ((e = oldest(t)) != NULL && e->expires_ns <= s->now_ns) {
		inet_cnt(s, &e->dst)->pmtu_expired++;
		forget(s, e);
	}
	if (e)
		wheel_arm(&s->wheel, timer, e->expires_ns);
}

static struct pmtu_entry *enter(struct stack *s, const struct ipaddr *dst)
{
	struct pmtu_table *t = &s->inet->pmtu;
	struct pmtu_entry *e;

	if (slab_count(&t->slab) == PMTU_MAX)
		forget(s, oldest(t));
	e = slab_get(&t->slab);
	if (!e)
		return NULL;
	if (htab_insert(&t->by_addr, hash_addr(&s->hash_key, dst), e) < 0) {
		slab_put(&t->slab, e);
		return NULL;
	}
	e->dst = *dst;
	list_init(&e->link);
	return e;
}

void inet_pmtu_update(struct stack *s, const struct ipaddr *dst, uint32_t mtu)
{
	struct pmtu_table *t = &s->inet->pmtu;
	uint32_t now = inet_pmtu(s, dst);
	struct pmtu_entry *e;

	mtu = max_u32(mtu, ipaddr_is_v4(dst) ? PMTU_FLOOR4 : IP6_MIN_MTU);
	if (mtu >= now) /* no route counts as 0: nothing to lower */
		return;
	e = find(s, dst);
	if (!e)
		e = enter(s, dst);
	if (!e)
		return;
	e->mtu = mtu;
	e->expires_ns = s->now_ns + PMTU_LIFE_NS;
	list_move_tail(&t->fifo, &e->link);
	if (!wheel_armed(&t->timer))
		wheel_arm(&s->wheel, &t->timer, e->expires_ns);
	inet_cnt(s, dst)->pmtu_lowered++;
	inet_gen_bump(s->inet);
}

int pmtu_init(struct stack *s)
{
	struct pmtu_table *t = &s->inet->pmtu;

	slab_init(&t->slab, s->env.mem, "path-mtus", sizeof(struct pmtu_entry), PMTU_MAX);
	list_init(&t->fifo);
	wheel_timer_init(&t->timer, on_timer);
	return htab_init(&t->by_addr, s->env.mem, 4);
}

void pmtu_fini(struct stack *s)
{
	struct pmtu_table *t = &s->inet->pmtu;

	wheel_disarm(&s->wheel, &t->timer);
	htab_fini(&t->by_addr);
	slab_fini(&t->slab);
}
