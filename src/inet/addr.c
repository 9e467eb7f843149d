/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses of our own: table and lists by interface, connected routes, announcements, and what an
 * address that a packet carries is to us. An address that was configured is used from the moment it
 * is added, without RFC 4862's tentative time: a box in the path cannot stay silent for a second
 * after a restart. Conflicts are seen and counted (arp.c, nd.c), never obeyed. Addresses that we
 * make ourselves as a host are tested first (dad.c).
 *
 * Called by configuration and input, on the worker's thread.
 */
#include "inet/host.h"
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

struct inet_addr *addr_on(const struct stack *s, unsigned iface, const struct ipaddr *a)
{
	const struct inet_iface *ii = &s->inet->ifaces[iface];

	for (unsigned i = 0; i < ii->n_addrs; i++)
		if (ipaddr_eq(&ii->addrs[i]->addr, a))
			return ii->addrs[i];
	return NULL;
}

bool addr_is_own_on(struct stack *s, unsigned iface, const struct ipaddr *a)
{
	const struct inet_addr *ia = addr_on(s, iface, a);

	return ia && addr_usable(ia);
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

		/* RFC 5942 4: a prefix that made an address says nothing of who is on the link. */
		if (!ii->addrs[i]->autoconf && ipprefix_match(&p, a))
			return true;
	}
	return !ipaddr_is_v4(a) && host_is_onlink(s, iface, a);
}

enum inet_scope addr_scope(struct stack *s, unsigned iface, const struct ipaddr *dst)
{
	bool maybe = addr_maybe(s->inet, dst);

	if (maybe && addr_is_own(s, iface, dst))
		return INET_LOCAL;
	if (!ipaddr_is_multicast(dst))
		return maybe && addr_is_broadcast(s, iface, dst) ? INET_BROADCAST : INET_FOREIGN;
	return group_joined(s, iface, dst) ? INET_MULTICAST : INET_NOT_JOINED;
}

/* ---- look-ups by interface ---- */

bool addr_link_local(const struct stack *s, unsigned iface, struct ipaddr *out)
{
	const struct inet_iface *ii = &s->inet->ifaces[iface];

	for (unsigned i = 0; i < ii->n_addrs; i++) {
		const struct ipaddr *a = &ii->addrs[i]->addr;

		if (!ipaddr_is_v4(a) && ipaddr_is_link_local(a) && addr_usable(ii->addrs[i])) {
			*out = *a;
			return true;
		}
	}
	return false;
}

int inet_addr_iface(const struct stack *s, const struct ipaddr *addr)
{
	const struct inet_addr *ia;

	if (ipaddr_is_loopback(addr))
		return INET_IFACE_LOOPBACK;
	ia = addr_find(s, addr);
	return ia ? ia->iface : -1;
}

/* ---- configuration ---- */

/* Everybody, whoever sends: a group of our own. */
static const struct inet_filter everybody = {.exclude = true};

/* RFC 4291 2.8: the solicited-node group of an address. */
static int group_of(struct stack *s, const struct inet_addr *ia, bool join)
{
	struct ipaddr group = nd_solicited_node(&ia->addr);

	if (ipaddr_is_v4(&ia->addr))
		return 0;
	return inet_group_change(s, ia->iface, &group, join ? NULL : &everybody,
				 join ? &everybody : NULL);
}

void addr_router_groups(struct stack *s, unsigned iface, bool join)
{
	struct ipaddr group = nd_all_routers();

	/* A leave without its join, which found no memory, must not count. */
	if (join == group_joined(s, iface, &group))
		return;
	if (inet_group_change(s, iface, &group, join ? NULL : &everybody,
			      join ? &everybody : NULL) < 0)
		s->inet->cnt[1].group_refused++;
}

static void announce_timer(void *ctx, struct wheel_timer *t)
{
	struct inet_addr *ia = CONTAINER_OF(t, struct inet_addr, timer);
	struct stack *s = ctx;

	if (ipaddr_is_v4(&ia->addr)) {
		arp_announce(s, ia->iface, &ia->addr);
	} else {
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
	return !ia->autoconf && ia->len < 128 &&
	       (ipaddr_is_v4(&ia->addr) || !ipaddr_is_link_local(&ia->addr));
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

			if (addr_usable(ia))
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

/* Unless another address keeps it: the same prefix on the interface. */
static void disconnect_route(struct stack *s, const struct inet_addr *gone)
{
	const struct inet_iface *ii = &s->inet->ifaces[gone->iface];
	struct ipprefix p = addr_prefix(gone);

	if (!wants_route(gone))
		return;
	for (unsigned i = 0; i < ii->n_addrs; i++) {
		const struct inet_addr *other = ii->addrs[i];
		struct ipprefix q = addr_prefix(other);

		if (other != gone && wants_route(other) && p.len == q.len &&
		    ipaddr_eq(&p.addr, &q.addr))
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
	ia->len = len;
	ia->iface = (uint8_t)iface;
	ia->valid_until_ns = ia->preferred_until_ns = UINT64_MAX;
	ia->state = ADDR_TENTATIVE;
	wheel_timer_init(&ia->timer, announce_timer);
	return ia;
}

int addr_publish(struct stack *s, struct inet_addr *ia)
{
	int err = htab_insert(&s->inet->addrs, hash_addr(&s->hash_key, &ia->addr), ia);

	if (err < 0)
		return err;
	ia->state = ADDR_PREFERRED;
	ia->announcements = ANNOUNCEMENTS;
	wheel_timer_init(&ia->timer, announce_timer);
	filter_rebuild(s->inet);
	inet_gen_bump(s->inet);
	wheel_arm(&s->wheel, &ia->timer, s->now_ns);
	return 0;
}

void addr_unpublish(struct stack *s, struct inet_addr *ia)
{
	wheel_disarm(&s->wheel, &ia->timer);
	if (!addr_usable(ia))
		return;
	MUST(htab_remove(&s->inet->addrs, hash_addr(&s->hash_key, &ia->addr), ia));
	ia->state = ADDR_TENTATIVE;
	filter_rebuild(s->inet);
	inet_gen_bump(s->inet);
}

/* Onto the interface's list and into its group. */
static int enlist(struct stack *s, struct inet_addr *ia)
{
	struct inet_iface *ii = &s->inet->ifaces[ia->iface];
	int err;

	if (ii->n_addrs == INET_ADDRS_PER_IFACE)
		return -ENOSPC;
	err = group_of(s, ia, true);
	if (err == 0)
		ii->addrs[ii->n_addrs++] = ia;
	return err;
}

static void delist(struct stack *s, struct inet_addr *ia)
{
	struct inet_iface *ii = &s->inet->ifaces[ia->iface];
	unsigned i = 0;

	while (ii->addrs[i] != ia)
		i++;
	memmove(&ii->addrs[i], &ii->addrs[i + 1], (ii->n_addrs - i - 1) * sizeof(ii->addrs[0]));
	ii->n_addrs--;
	MUST(group_of(s, ia, false) == 0);
}

int addr_add(struct stack *s, unsigned iface, const struct ipaddr *addr, uint8_t len,
	     bool tentative, struct inet_addr **out)
{
	struct inet_addr *ia;
	int err;

	if (addr_is_own(s, iface, addr) || addr_on(s, iface, addr))
		return -EEXIST;
	ia = addr_new(s, iface, addr, len);
	if (!ia)
		return -ENOMEM;
	err = enlist(s, ia);
	if (err < 0)
		goto put;
	if (tentative) {
		dad_start(s, ia);
	} else {
		err = connect_route(s, ia);
		if (err < 0)
			goto delist;
		err = addr_publish(s, ia);
		if (err < 0)
			goto disconnect;
	}
	*out = ia;
	return 0;
disconnect:
	disconnect_route(s, ia);
delist:
	delist(s, ia);
put:
	slab_put(&s->inet->addr_slab, ia);
	return err;
}

void addr_remove(struct stack *s, struct inet_addr *ia)
{
	addr_unpublish(s, ia);
	disconnect_route(s, ia);
	delist(s, ia);
	slab_put(&s->inet->addr_slab, ia);
	filter_rebuild(s->inet);
	inet_gen_bump(s->inet);
}

int inet_addr_add(struct stack *s, unsigned iface, const struct ipaddr *addr, uint8_t len)
{
	struct inet_addr *ia;

	if (!link_iface(s, iface) || !addr_valid(addr, len))
		return -EINVAL;
	if (ipaddr_is_v4(addr))
		len = (uint8_t)(len + IPPREFIX_V4_BITS);
	return addr_add(s, iface, addr, len, false, &ia);
}

int inet_addr_del(struct stack *s, unsigned iface, const struct ipaddr *addr)
{
	struct inet_addr *ia;

	if (!link_iface(s, iface))
		return -EINVAL;
	ia = addr_on(s, iface, addr);
	if (!ia)
		return -EADDRNOTAVAIL;
	addr_remove(s, ia);
	return 0;
}

/* RFC 5453: identifiers that have a meaning of their own. */
static bool iid_reserved(const struct ipaddr *a)
{
	uint64_t iid = load_be64(&a->b[8]);

	return iid == 0 ||
	       (iid >= UINT64_C(0xfdffffffffffff80) && iid <= UINT64_C(0xfdffffffffffffff));
}

struct ipaddr addr_stable_make(const struct stack *s, unsigned iface, const struct ipaddr *prefix,
			       uint32_t attempt)
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
	} id = {.prefix = prefix->d[0], .mac = ifc->mac, .vid = ifc->vid, .attempt = attempt};
	struct ipaddr a = {.d = {prefix->d[0], 0}};

	static_assert(sizeof(id) == 8 + PORT_NAME_LEN + 16, "no padding is hashed");
	memcpy(id.name, s->ports[ifc->port]->name, sizeof(id.name));
	do { /* ends: a hash that stays in 129 of 2^64 */
		store_be64(&a.b[8], stack_keyed_hash(s, &id, sizeof(id)));
		id.zero++;
	} while (iid_reserved(&a));
	return a;
}

struct ipaddr addr_link_local_make(const struct stack *s, unsigned iface, uint32_t attempt)
{
	static const struct ipaddr link_local = {.b = {0xfe, 0x80}};

	return addr_stable_make(s, iface, &link_local, attempt);
}

static int iface_up(struct stack *s, unsigned iface)
{
	struct ipaddr ll = addr_link_local_make(s, iface, 0);
	int err;

	s->inet->ifaces[iface].used = true;
	if (link_iface(s, iface)->mtu < IP6_MIN_MTU)
		return 0; /* no link for IPv6 (RFC 8200 5) */
	err = inet_addr_add(s, iface, &ll, LL_PREFIX_LEN);
	if (err < 0) {
		s->inet->ifaces[iface].used = false;
		link_iface_del(s, iface);
	} else if (s->inet->forward6) {
		addr_router_groups(s, iface, true);
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

		host_destroy(s, i);
		while (ii->n_addrs > 0)
			addr_remove(s, ii->addrs[0]);
	}
	htab_fini(&s->inet->addrs);
	slab_fini(&s->inet->addr_slab);
}
