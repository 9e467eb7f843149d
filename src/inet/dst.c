/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way to a destination: route, interface, path MTU, neighbour. What is found is cached here by
 * destination and by users in their struct inet_dst; both are void when the generation changes,
 * which every change of routes, addresses and path MTUs does. The neighbour pointer has its own
 * check (link/neigh.h).
 *
 * Called by output, forwarding and the transports, on the worker's thread.
 */
#include "inet/state.h"

#include "link/neigh.h"

#include <errno.h>

bool inet_dst_is_loop(const struct inet_dst *d)
{
	return d->iface == INET_IFACE_LOOPBACK;
}

bool inet_dst_valid(const struct stack *s, const struct inet_dst *d)
{
	return d->gen == s->inet->gen;
}

/* To ourselves: nothing is ever cut or summed. */
static void fill_loop(const struct stack *s, const struct ipaddr *dst, struct inet_dst *out)
{
	*out = (struct inet_dst){
		.gen = s->inet->gen,
		.mtu = INET_LOOP_MTU,
		.link_mtu = INET_LOOP_MTU,
		.iface = INET_IFACE_LOOPBACK,
		.nexthop = *dst,
		.caps = PORT_CAP_TX_CSUM | PORT_CAP_TSO | PORT_CAP_SG,
		.max_gso_bytes = INET_LOOP_MTU,
	};
}

static int fill(const struct stack *s, unsigned iface, const struct ipaddr *dst,
		const struct ipaddr *nexthop, struct inet_dst *out)
{
	const struct iface *ifc = link_iface(s, iface);
	uint32_t pmtu = pmtu_find(s, dst), mtu;

	if (!ifc)
		return -ENETUNREACH;
	mtu = ifc->mtu;
	if (!ipaddr_is_v4(dst) && s->inet->ifaces[iface].mtu6)
		mtu = s->inet->ifaces[iface].mtu6; /* RFC 4861 6.3.4, never above the link's */
	*out = (struct inet_dst){
		.gen = s->inet->gen,
		.mtu = pmtu ? min_u32(pmtu, mtu) : mtu,
		.link_mtu = mtu,
		.iface = iface,
		.nexthop = addr_is_broadcast(s, iface, nexthop) ? ipaddr_v4(UINT32_MAX) : *nexthop,
		.caps = ifc->caps,
		.max_gso_bytes = ifc->max_gso_bytes,
	};
	return 0;
}

/* Which interface it is on, its address does not say. */
bool dst_wants_iface(const struct ipaddr *dst)
{
	return ipaddr_is_multicast(dst) || ipaddr_is_v4_broadcast(dst) ||
	       (!ipaddr_is_v4(dst) && ipaddr_is_link_local(dst));
}

int inet_dst_lookup_on(struct stack *s, unsigned iface, const struct ipaddr *dst,
		       struct inet_dst *out)
{
	if (iface == INET_IFACE_LOOPBACK || ipaddr_is_loopback(dst) || addr_is_own(s, iface, dst)) {
		fill_loop(s, dst, out);
		return 0;
	}
	if (!dst_wants_iface(dst)) {
		const struct fib_route *r = fib_lookup(&s->inet->fib, dst);

		if (r && r->iface == iface && r->has_gateway)
			return fill(s, iface, dst, &r->gateway, out);
	}
	return fill(s, iface, dst, dst, out);
}

/* The interface of a link-local or multicast destination that no route names. */
static int guess_iface(struct stack *s, const struct ipaddr *dst)
{
	int first = -1;

	for (unsigned i = 0; i < LINK_MAX_IFACES; i++) {
		if (!s->inet->ifaces[i].used)
			continue;
		if (first < 0)
			first = (int)i;
		if (!ipaddr_is_multicast(dst) && neigh_find(s, i, dst))
			return (int)i;
	}
	return first;
}

static int lookup_guessed(struct stack *s, const struct ipaddr *dst, struct inet_dst *out)
{
	/* A route decides where multicast goes; no gateway takes it there. */
	const struct fib_route *r = fib_lookup(&s->inet->fib, dst);
	int iface = r && ipaddr_is_multicast(dst) ? r->iface : guess_iface(s, dst);

	return iface < 0 ? -ENETUNREACH : fill(s, (unsigned)iface, dst, dst, out);
}

int inet_dst_lookup(struct stack *s, const struct ipaddr *dst, struct inet_dst *out)
{
	const struct fib_route *r;

	if (ipaddr_is_unspecified(dst))
		return -ENETUNREACH;
	if (inet_addr_is_local(s, dst)) {
		fill_loop(s, dst, out);
		return 0;
	}
	if (dst_wants_iface(dst))
		return lookup_guessed(s, dst, out);
	r = fib_lookup(&s->inet->fib, dst);
	if (!r)
		return -ENETUNREACH;
	return fill(s, r->iface, dst, r->has_gateway ? &r->gateway : dst, out);
}

int inet_dst_lookup_zone(struct stack *s, uint8_t zone, const struct ipaddr *dst,
			 struct inet_dst *out)
{
	if (zone != 0 && dst_wants_iface(dst))
		return inet_dst_lookup_on(s, zone - 1u, dst, out);
	return inet_dst_lookup(s, dst, out);
}

struct inet_dst *dst_cached(struct stack *s, const struct ipaddr *dst, int *err)
{
	struct dst_entry *e = &s->inet->dst_cache[hash_addr(&s->hash_key, dst) % DST_CACHE_SIZE];

	if (LIKELY(e->dst.gen == s->inet->gen && ipaddr_eq(&e->addr, dst)))
		return &e->dst;
	e->dst.gen = 0;
	*err = inet_dst_lookup(s, dst, &e->dst);
	if (*err < 0)
		return NULL;
	e->addr = *dst;
	return &e->dst;
}

struct neigh *dst_neigh(struct stack *s, struct inet_dst *d)
{
	if (UNLIKELY(!d->neigh || !neigh_is(d->neigh, d->iface, &d->nexthop)))
		d->neigh = neigh_get(s, d->iface, &d->nexthop);
	return d->neigh;
}

void inet_dst_confirm(struct stack *s, struct inet_dst *d)
{
	struct neigh *n = d->neigh;

	if (n && inet_dst_valid(s, d) && neigh_is(n, d->iface, &d->nexthop))
		neigh_confirm(s, n);
}

/* ---- routes ---- */

int inet_route_add(struct stack *s, const struct ipprefix *dst, const struct ipaddr *gateway,
		   unsigned iface, uint32_t metric)
{
	struct fib_route r = {.iface = (uint8_t)iface, .metric = metric};
	int err;

	if (!link_iface(s, iface))
		return -EINVAL;
	if (gateway) {
		if (ipaddr_is_v4(gateway) != ipprefix_is_v4(dst) ||
		    ipaddr_is_unspecified(gateway) || ipaddr_is_bad_source(gateway) ||
		    addr_is_own(s, iface, gateway))
			return -EINVAL;
		r.gateway = *gateway;
		r.has_gateway = true;
	}
	err = fib_add(&s->inet->fib, dst, &r);
	if (err == 0)
		inet_gen_bump(s->inet);
	return err;
}

int inet_route_del(struct stack *s, const struct ipprefix *dst, const struct ipaddr *gateway,
		   unsigned iface)
{
	int err = fib_del(&s->inet->fib, dst, gateway, iface);

	if (err == 0)
		inet_gen_bump(s->inet);
	return err;
}
