/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses of our own: table and lists by interface, connected routes, announcements, choice of
 * a source address, and what an address that a packet carries is to us. An address is used from
 * the moment it is added, without RFC 4862's tentative time: a box in the path cannot stay silent
 * for a second after a restart. Conflicts are seen and counted (arp.c, nd.c), never obeyed.
 *
 * Called by configuration and input, on the worker's thread.
 */
#include "inet/state.h"

#include "link/arp.h"
#include "wire/nd.h"

#include <errno.h>

/* RFC 5227 1.1: ANNOUNCE_NUM, ANNOUNCE_INTERVAL; ND does the same (RFC 4861 7.2.6). */
#define ANNOUNCEMENTS   2u
#define ANNOUNCE_GAP_NS (2 * UINT64_C(1000000000))
#define LL_PREFIX_LEN   64u

#define MAX_ADDRS       (LINK_MAX_IFACES * INET_ADDRS_PER_IFACE)

static bool scope_fits(const struct inet_addr *ia, unsigned iface)
{
	return !ipaddr_is_link_local(&ia->addr) || ipaddr_is_v4(&ia->addr) || ia->iface == iface;
}

const struct inet_addr *addr_find(const struct stack *s, const struct ipaddr *a)
{
	struct htab_iter it;

	for (struct inet_addr *ia = htab_first(&s->inet->addrs, hash_addr(&s->hash_key, a), &it);
	     ia != NULL; ia = htab_next(&it))
		if (ipaddr_eq(&ia->addr, a))
			return ia;
	return NULL;
}

bool addr_is_own(struct stack *s, unsigned iface, const struct ipaddr *a)
{
	struct htab_iter it;

	for (struct inet_addr *ia = htab_first(&s->inet->addrs, hash_addr(&s->hash_key, a), &it);
	     ia != NULL; ia = htab_next(&it))
		if (ipaddr_eq(&ia->addr, a) && scope_fits(ia, iface))
			return true;
	return false;
}

bool addr_is_own_on(struct stack *s, unsigned iface, const struct ipaddr *a)
{
	const struct inet_iface *ii = &s->inet->ifaces[iface];

	for (unsigned i = 0; i < ii->n_addrs; i++)
		if (ipaddr_eq(&ii->addrs[i]->addr, a))
			return true;
	return false;
}

bool inet_addr_is_local(const struct stack *s, const struct ipaddr *addr)
{
	return ipaddr_is_loopback(addr) || addr_find(s, addr) != NULL;
}

/* Ones where an IPv4 subnet numbers its hosts. */
static uint32_t host_bits(const struct inet_addr *ia)
{
	return (uint32_t)(UINT64_C(0xffffffff) >> (ia->len - IPPREFIX_V4_BITS));
}

/* Has the subnet a broadcast address? Not a /31 (RFC 3021) or a /32. */
static bool is_subnet_broadcast(const struct inet_addr *ia, const struct ipaddr *a)
{
	return ipaddr_is_v4(&ia->addr) && ia->len <= 126 &&
	       ipaddr_to_v4(a) == (ipaddr_to_v4(&ia->addr) | host_bits(ia));
}

bool addr_is_broadcast(const struct stack *s, unsigned iface, const struct ipaddr *a)
{
	const struct inet_iface *ii = &s->inet->ifaces[iface];

	if (!ipaddr_is_v4(a))
		return false;
	if (ipaddr_to_v4(a) == UINT32_MAX)
		return true;
	for (unsigned i = 0; i < ii->n_addrs; i++)
		if (is_subnet_broadcast(ii->addrs[i], a))
			return true;
	return false;
}

bool addr_is_onlink(struct stack *s, unsigned iface, const struct ipaddr *a)
{
	const struct inet_iface *ii = &s->inet->ifaces[iface];

	if (ipaddr_is_multicast(a) || addr_is_broadcast(s, iface, a))
		return false;
	if (!ipaddr_is_v4(a) && ipaddr_is_link_local(a))
		return true;
	for (unsigned i = 0; i < ii->n_addrs; i++) {
		struct ipprefix p = ipprefix_make(&ii->addrs[i]->addr, ii->addrs[i]->len);

		if (ipprefix_match(&p, a))
			return true;
	}
	return false;
}

enum inet_scope addr_scope(struct stack *s, unsigned iface, const struct ipaddr *dst)
{
	bool maybe = addr_maybe(s->inet, dst);

	if (maybe && addr_is_own(s, iface, dst))
		return INET_LOCAL;
	if (!ipaddr_is_multicast(dst))
		return maybe && addr_is_broadcast(s, iface, dst) ? INET_BROADCAST : INET_FOREIGN;
	if (ipaddr_is_v4(dst)) /* all hosts: the one group we are in */
		return ipaddr_to_v4(dst) == 0xe0000001 ? INET_MULTICAST : INET_NOT_JOINED;
	return nd_group_joined(s, iface, dst) ? INET_MULTICAST : INET_NOT_JOINED;
}

/* ---- choice of a source ---- */

static unsigned common_len(const struct ipaddr *a, const struct ipaddr *b)
{
	unsigned n = 0;

	while (n < 128 && ((a->b[n / 8] ^ b->b[n / 8]) & (0x80u >> (n % 8))) == 0)
		n++;
	return n;
}

/* On one link only: fe80::/10 and ff02::/16. */
static bool is_link_scope(const struct ipaddr *a)
{
	if (ipaddr_is_v4(a))
		return ipaddr_is_link_local(a);
	return ipaddr_is_multicast(a) ? (a->b[1] & 0x0f) == 2 : ipaddr_is_link_local(a);
}

/* RFC 6724 5 in short: rule 2 (scope), then rule 8 (longest match, at most the prefix). */
static unsigned source_rank(const struct inet_addr *ia, const struct ipaddr *dst)
{
	bool same_scope = is_link_scope(&ia->addr) == is_link_scope(dst);

	return (same_scope ? 256u : 0u) + min_uint(common_len(&ia->addr, dst), ia->len);
}

static const struct inet_addr *source_on(const struct stack *s, unsigned iface,
					 const struct ipaddr *dst)
{
	const struct inet_iface *ii = &s->inet->ifaces[iface];
	const struct inet_addr *best = NULL;
	unsigned rank = 0;

	for (unsigned i = 0; i < ii->n_addrs; i++) {
		const struct inet_addr *ia = ii->addrs[i];

		if (ipaddr_is_v4(&ia->addr) != ipaddr_is_v4(dst))
			continue;
		if (!best || source_rank(ia, dst) > rank) {
			best = ia;
			rank = source_rank(ia, dst);
		}
	}
	return best;
}

bool addr_source_for(struct stack *s, unsigned iface, const struct ipaddr *target,
		     struct ipaddr *out)
{
	const struct inet_addr *ia = source_on(s, iface, target);

	if (ia)
		*out = ia->addr;
	return ia != NULL;
}

/* An address of another interface, for a way whose interface has none of the family or only a
 * link-local one for a destination beyond the link. */
static const struct inet_addr *source_elsewhere(const struct stack *s, const struct ipaddr *dst)
{
	for (unsigned i = 0; i < LINK_MAX_IFACES; i++) {
		const struct inet_addr *ia = source_on(s, i, dst);

		if (ia && !ipaddr_is_link_local(&ia->addr))
			return ia;
	}
	return NULL;
}

int inet_src_select(struct stack *s, const struct inet_dst *d, const struct ipaddr *dst,
		    struct ipaddr *out)
{
	const struct inet_addr *ia, *other;

	if (inet_dst_is_loop(d)) {
		*out = *dst;
		return 0;
	}
	/* The next hop's subnet first: with several addresses the gateway knows that one. */
	ia = source_on(s, d->iface, ipaddr_is_multicast(dst) ? dst : &d->nexthop);
	if (!ipaddr_is_link_local(dst) && !ipaddr_is_multicast(dst) &&
	    (!ia || ipaddr_is_link_local(&ia->addr))) {
		other = source_on(s, d->iface, dst);
		if (!other || ipaddr_is_link_local(&other->addr))
			other = source_elsewhere(s, dst);
		ia = other ? other : ia;
	}
	if (!ia)
		return -EADDRNOTAVAIL;
	*out = ia->addr;
	return 0;
}

/* ---- configuration ---- */

static void announce_timer(void *ctx, struct wheel_timer *t)
{
	struct inet_addr *ia = CONTAINER_OF(t, struct inet_addr, timer);
	struct stack *s = ctx;

	if (ipaddr_is_v4(&ia->addr)) {
		arp_announce(s, ia->iface, &ia->addr);
	} else {
		mld_report(s, ia->iface);
		nd_announce(s, ia->iface, &ia->addr);
	}
	if (--ia->announcements > 0)
		wheel_arm(&s->wheel, t, s->now_ns + ANNOUNCE_GAP_NS);
}

static bool addr_valid(const struct ipaddr *a, uint8_t len)
{
	uint32_t v4, host;

	if (ipaddr_is_unspecified(a) || ipaddr_is_bad_source(a))
		return false;
	if (!ipaddr_is_v4(a))
		return len <= 128;
	if (len > 32)
		return false;
	v4 = ipaddr_to_v4(a);
	host = len == 0 ? UINT32_MAX : (uint32_t)((UINT64_C(1) << (32 - len)) - 1);
	/* The subnet's own number and its broadcast address are no host's (RFC 1122 3.2.1.3). */
	return len > 30 || ((v4 & host) != 0 && (v4 & host) != host);
}

static struct ipprefix addr_prefix(const struct inet_addr *ia)
{
	return ipprefix_make(&ia->addr, ia->len);
}

/* A link-local prefix is on every interface's link: no route says more. */
static bool wants_route(const struct inet_addr *ia)
{
	return ia->len < 128 && (ipaddr_is_v4(&ia->addr) || !ipaddr_is_link_local(&ia->addr));
}

static void filter_add(struct inet *in, const struct ipaddr *a)
{
	unsigned bit = addr_filter_bit(a);

	in->addr_filter[bit / 64] |= UINT64_C(1) << bit % 64;
}

/* See addr_maybe(). */
static void filter_rebuild(struct inet *in)
{
	struct ipaddr all = ipaddr_v4(UINT32_MAX);

	memset(in->addr_filter, 0, sizeof(in->addr_filter));
	filter_add(in, &all);
	for (unsigned i = 0; i < LINK_MAX_IFACES; i++) {
		for (unsigned k = 0; k < in->ifaces[i].n_addrs; k++) {
			const struct inet_addr *ia = in->ifaces[i].addrs[k];
			struct ipaddr last;

			filter_add(in, &ia->addr);
			if (!ipaddr_is_v4(&ia->addr))
				continue;
			last = ipaddr_v4(ipaddr_to_v4(&ia->addr) | host_bits(ia));
			filter_add(in, &last);
		}
	}
}

static int connect_route(struct stack *s, const struct inet_addr *ia)
{
	struct fib_route r = {.iface = ia->iface, .connected = true};
	struct ipprefix p = addr_prefix(ia);
	int err;

	if (!wants_route(ia))
		return 0;
	err = fib_add(&s->inet->fib, &p, &r);
	return err == -EEXIST ? 0 : err; /* a second address in the subnet */
}

/* Unless another address has the same prefix on the interface. */
static void disconnect_route(struct stack *s, const struct inet_addr *gone)
{
	const struct inet_iface *ii = &s->inet->ifaces[gone->iface];
	struct ipprefix p = addr_prefix(gone);

	if (!wants_route(gone))
		return;
	for (unsigned i = 0; i < ii->n_addrs; i++) {
		struct ipprefix q = addr_prefix(ii->addrs[i]);

		if (ii->addrs[i] != gone && p.len == q.len && ipaddr_eq(&p.addr, &q.addr))
			return;
	}
	if (fib_del(&s->inet->fib, &p, NULL, gone->iface) < 0)
		return; /* inet_route_del() took it */
}

static struct inet_addr *addr_new(struct stack *s, unsigned iface, const struct ipaddr *addr,
				  uint8_t len)
{
	struct inet_addr *ia = slab_get(&s->inet->addr_slab);

	if (!ia)
		return NULL;
	ia->addr = *addr;
	ia->len = (uint8_t)(ipaddr_is_v4(addr) ? len + IPPREFIX_V4_BITS : len);
	ia->iface = (uint8_t)iface;
	ia->announcements = ANNOUNCEMENTS;
	wheel_timer_init(&ia->timer, announce_timer);
	return ia;
}

int inet_addr_add(struct stack *s, unsigned iface, const struct ipaddr *addr, uint8_t len)
{
	struct inet *in = s->inet;
	struct inet_addr *ia;
	int err;

	if (!link_iface(s, iface) || !addr_valid(addr, len))
		return -EINVAL;
	if (addr_is_own(s, iface, addr))
		return -EEXIST;
	if (in->ifaces[iface].n_addrs == INET_ADDRS_PER_IFACE)
		return -ENOSPC;
	ia = addr_new(s, iface, addr, len);
	if (!ia)
		return -ENOMEM;
	err = htab_insert(&in->addrs, hash_addr(&s->hash_key, addr), ia);
	if (err < 0)
		goto put;
	err = connect_route(s, ia);
	if (err < 0)
		goto remove;
	in->ifaces[iface].addrs[in->ifaces[iface].n_addrs++] = ia;
	filter_rebuild(in);
	inet_gen_bump(in);
	wheel_arm(&s->wheel, &ia->timer, s->now_ns);
	return 0;
remove:
	MUST(htab_remove(&in->addrs, hash_addr(&s->hash_key, addr), ia));
put:
	slab_put(&in->addr_slab, ia);
	return err;
}

int inet_addr_del(struct stack *s, unsigned iface, const struct ipaddr *addr)
{
	struct inet *in = s->inet;
	struct inet_iface *ii;

	if (!link_iface(s, iface))
		return -EINVAL;
	ii = &in->ifaces[iface];
	for (unsigned i = 0; i < ii->n_addrs; i++) {
		struct inet_addr *ia = ii->addrs[i];

		if (!ipaddr_eq(&ia->addr, addr))
			continue;
		disconnect_route(s, ia);
		memmove(&ii->addrs[i], &ii->addrs[i + 1],
			(ii->n_addrs - i - 1) * sizeof(ii->addrs[0]));
		ii->n_addrs--;
		MUST(htab_remove(&in->addrs, hash_addr(&s->hash_key, addr), ia));
		wheel_disarm(&s->wheel, &ia->timer);
		slab_put(&in->addr_slab, ia);
		filter_rebuild(in);
		inet_gen_bump(in);
		return 0;
	}
	return -EADDRNOTAVAIL;
}

struct ipaddr addr_link_local_make(const struct stack *s, unsigned iface, uint32_t attempt)
{
	const struct iface *ifc = link_iface(s, iface);
	/* RFC 7217 5: prefix, interface, network (none here), attempt, under the secret. */
	struct {
		uint64_t prefix;
		char name[PORT_NAME_LEN];
		struct ethaddr mac;
		uint16_t vid;
		uint32_t attempt;
		uint32_t zero;
	} id = {.prefix = LEAT_BE64(UINT64_C(0xfe80000000000000)),
		.mac = ifc->mac,
		.vid = ifc->vid,
		.attempt = attempt};
	struct ipaddr a = {.d = {LEAT_BE64(UINT64_C(0xfe80000000000000)), 0}};

	static_assert(sizeof(id) == 8 + PORT_NAME_LEN + 16, "no padding is hashed");
	memcpy(id.name, s->ports[ifc->port]->name, sizeof(id.name));
	store_be64(&a.b[8], stack_keyed_hash(s, &id, sizeof(id)));
	return a;
}

/* RFC 5453: identifiers that have a meaning of their own. */
static bool iid_reserved(const struct ipaddr *a)
{
	uint64_t iid = load_be64(&a->b[8]);

	return iid == 0 ||
	       (iid >= UINT64_C(0xfdffffffffffff80) && iid <= UINT64_C(0xfdffffffffffffff));
}

static int iface_up(struct stack *s, unsigned iface)
{
	struct ipaddr ll = addr_link_local_make(s, iface, 0);
	int err;

	for (uint32_t i = 1; iid_reserved(&ll); i++) /* ends: a hash that stays in 129 of 2^64 */
		ll = addr_link_local_make(s, iface, i);
	s->inet->ifaces[iface].used = true;
	wheel_timer_init(&s->inet->ifaces[iface].mld_timer, mld_timer);
	if (link_iface(s, iface)->mtu < IP6_MIN_MTU)
		return 0; /* no link for IPv6 (RFC 8200 5) */
	err = inet_addr_add(s, iface, &ll, LL_PREFIX_LEN);
	if (err < 0) {
		s->inet->ifaces[iface].used = false;
		link_iface_del(s, iface);
	}
	return err;
}

int inet_iface_add(struct stack *s, unsigned port)
{
	int err = link_iface_add(s, port);

	return err < 0 ? err : iface_up(s, port);
}

int inet_vlan_add(struct stack *s, unsigned port, uint16_t vid)
{
	int iface = link_vlan_add(s, port, vid);
	int err;

	if (iface < 0)
		return iface;
	err = iface_up(s, (unsigned)iface);
	return err < 0 ? err : iface;
}

int addr_init(struct stack *s)
{
	filter_rebuild(s->inet);
	slab_init(&s->inet->addr_slab, s->env.mem, "addresses", sizeof(struct inet_addr),
		  MAX_ADDRS);
	return htab_init(&s->inet->addrs, s->env.mem, 4);
}

void addr_fini(struct stack *s)
{
	for (unsigned i = 0; i < LINK_MAX_IFACES; i++) {
		struct inet_iface *ii = &s->inet->ifaces[i];

		while (ii->n_addrs > 0)
			MUST(inet_addr_del(s, i, &ii->addrs[0]->addr) == 0);
		if (ii->used)
			wheel_disarm(&s->wheel, &ii->mld_timer);
	}
	htab_fini(&s->inet->addrs);
	slab_fini(&s->inet->addr_slab);
}
