/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Router discovery (RFC 4861 6.3, RFC 7559), prefixes and addresses from it (RFC 4862 5.5), and
 * redirects (RFC 4861 8.3) on the interfaces where we are a host. What was learned ends with its
 * lifetime; one timer for each interface looks for what is next to end.
 *
 * Reachable time and retransmission timer of routers are not taken over: the neighbour cache serves
 * IPv4 too and has its own. Of several routers the first is used while its lifetime lasts.
 *
 * Called by nd.c, dad.c, configuration and timers, on the worker's thread.
 */
#include "inet/host.h"

#include "link/neigh.h"

#include <errno.h>

#define SEC_NS    UINT64_C(1000000000)
#define TWO_HOURS (UINT64_C(7200) * SEC_NS)
#define SLAAC_LEN 64u
#define FOR_EVER  UINT64_MAX

static uint64_t until(const struct stack *s, uint32_t seconds)
{
	return seconds == UINT32_MAX ? FOR_EVER : s->now_ns + seconds * SEC_NS;
}

/* ---- routes learned ---- */

static const struct ipprefix default6 = {.len = 0};

static void route(struct stack *s, const struct host *h, const struct ipprefix *dst,
		  const struct ipaddr *gateway, bool add)
{
	struct fib_route r = {.iface = h->iface, .metric = HOST_METRIC, .learned = true};
	int err;

	if (gateway) {
		r.gateway = *gateway;
		r.has_gateway = true;
	}
	err = add ? fib_add(&s->inet->fib, dst, &r)
		  : fib_del_learned(&s->inet->fib, dst, gateway, h->iface);
	/* One that found no memory is missed when it ends, too. */
	if (err < 0 && add)
		s->inet->cnt[1].group_refused++;
	inet_gen_bump(s->inet);
}

static void route_redirect(struct stack *s, const struct host *h, const struct host_redirect *r,
			   bool add)
{
	struct ipprefix p = ipprefix_make(&r->dst, 128);

	route(s, h, &p, ipaddr_eq(&r->dst, &r->target) ? NULL : &r->target, add);
}

/* ---- ends ---- */

/* Did it end by now? Else *next is at most when it will. */
static bool ended(const struct stack *s, uint64_t until_ns, uint64_t *next)
{
	if (until_ns == 0)
		return false;
	if (until_ns <= s->now_ns)
		return true;
	*next = min_u64(*next, until_ns);
	return false;
}

static void expire_addrs(struct stack *s, const struct host *h, uint64_t *next)
{
	struct inet_iface *ii = &s->inet->ifaces[h->iface];

	for (unsigned i = ii->n_addrs; i-- > 0;) {
		struct inet_addr *ia = ii->addrs[i];

		if (!ia->autoconf)
			continue;
		if (ended(s, ia->valid_until_ns, next)) {
			addr_remove(s, ia);
			continue;
		}
		if (ended(s, ia->preferred_until_ns, next) && ia->state == ADDR_PREFERRED) {
			ia->state = ADDR_DEPRECATED;
			inet_gen_bump(s->inet);
		}
	}
}

static void expire(struct stack *s, struct host *h)
{
	uint64_t next = FOR_EVER;

	for (unsigned i = 0; i < HOST_ROUTERS; i++) {
		if (!ended(s, h->routers[i].until_ns, &next))
			continue;
		route(s, h, &default6, &h->routers[i].addr, false);
		h->routers[i].until_ns = 0;
	}
	for (unsigned i = 0; i < HOST_PREFIXES; i++) {
		if (!ended(s, h->prefixes[i].until_ns, &next))
			continue;
		route(s, h, &h->prefixes[i].prefix, NULL, false);
		h->prefixes[i].until_ns = 0;
	}
	for (unsigned i = 0; i < HOST_REDIRECTS; i++) {
		if (!ended(s, h->redirects[i].until_ns, &next))
			continue;
		route_redirect(s, h, &h->redirects[i], false);
		h->redirects[i].until_ns = 0;
	}
	expire_addrs(s, h, &next);
	if (next == FOR_EVER)
		wheel_disarm(&s->wheel, &h->expiry);
	else
		wheel_arm(&s->wheel, &h->expiry, next);
}

static void expiry_timer(void *ctx, struct wheel_timer *t)
{
	expire(ctx, CONTAINER_OF(t, struct host, expiry));
}

/* ---- solicitations ---- */

static bool has_router(const struct host *h)
{
	for (unsigned i = 0; i < HOST_ROUTERS; i++)
		if (h->routers[i].until_ns)
			return true;
	return false;
}

/* RFC 7559: until a router is known, at ever longer intervals with some chance in them. */
static void solicit_timer(void *ctx, struct wheel_timer *t)
{
	struct host *h = CONTAINER_OF(t, struct host, solicit);
	struct stack *s = ctx;
	uint64_t spread;

	if (has_router(h))
		return;
	nd_solicit_routers(s, h->iface);
	spread = h->rs_interval_ns / 10;
	wheel_arm(&s->wheel, t,
		  s->now_ns + h->rs_interval_ns - spread +
			  stack_random_u32(s) % (2 * spread / 1000) * 1000);
	h->rs_interval_ns = min_u64(h->rs_interval_ns * 2, HOST_RS_MAX_NS);
}

void host_on_addr(struct stack *s, const struct inet_addr *ia)
{
	struct host *h = host_of(s, ia->iface);

	if (!h || !ipaddr_is_link_local(&ia->addr) || wheel_armed(&h->solicit))
		return;
	h->rs_interval_ns = HOST_RS_INTERVAL_NS;
	wheel_arm(&s->wheel, &h->solicit,
		  s->now_ns + (stack_random_u32(s) * (HOST_RS_DELAY_NS >> 16) >> 16));
}

/* ---- router advertisements ---- */

static void note_router(struct stack *s, struct host *h, const struct ipaddr *src,
			uint16_t lifetime_s)
{
	struct host_router *row = NULL;

	for (unsigned i = 0; i < HOST_ROUTERS; i++) {
		struct host_router *r = &h->routers[i];

		if (r->until_ns && ipaddr_eq(&r->addr, src)) {
			row = r;
			break;
		}
		if (!r->until_ns && !row)
			row = r;
	}
	if (!row || (lifetime_s == 0 && row->until_ns == 0))
		return; /* enough routers, or one that is none */
	if (row->until_ns == 0) {
		row->addr = *src;
		route(s, h, &default6, src, true);
	}
	row->until_ns = s->now_ns + lifetime_s * SEC_NS;
	if (lifetime_s > 0)
		wheel_disarm(&s->wheel, &h->solicit);
}

static void note_onlink(struct stack *s, struct host *h, const struct nd_prefix *p)
{
	struct ipprefix prefix = ipprefix_make(&p->addr, p->len);
	struct host_prefix *row = NULL;

	for (unsigned i = 0; i < HOST_PREFIXES; i++) {
		struct host_prefix *r = &h->prefixes[i];

		if (r->until_ns && r->prefix.len == p->len &&
		    ipaddr_eq(&r->prefix.addr, &prefix.addr)) {
			row = r;
			break;
		}
		if (!r->until_ns && !row)
			row = r;
	}
	if (!row || (p->valid_s == 0 && row->until_ns == 0))
		return;
	if (row->until_ns == 0) {
		row->prefix = prefix;
		route(s, h, &prefix, NULL, true);
	}
	row->until_ns = until(s, p->valid_s);
	if (p->valid_s == 0)
		row->until_ns = s->now_ns; /* ends at once */
}

bool host_is_onlink(const struct stack *s, unsigned iface, const struct ipaddr *a)
{
	const struct host *h = host_of(s, iface);

	for (unsigned i = 0; h && i < HOST_PREFIXES; i++)
		if (h->prefixes[i].until_ns && ipprefix_match(&h->prefixes[i].prefix, a))
			return true;
	return false;
}

static struct inet_addr *find_addr(const struct stack *s, const struct host *h,
				   const struct nd_prefix *p)
{
	const struct inet_iface *ii = &s->inet->ifaces[h->iface];
	struct ipprefix prefix = ipprefix_make(&p->addr, p->len);

	for (unsigned i = 0; i < ii->n_addrs; i++)
		if (ii->addrs[i]->autoconf && ipprefix_match(&prefix, &ii->addrs[i]->addr))
			return ii->addrs[i];
	return NULL;
}

/* RFC 4862 5.5.3 e: nobody may end an address sooner than in two hours with a forged message. */
static void prolong(struct stack *s, struct inet_addr *ia, const struct nd_prefix *p)
{
	uint64_t valid = until(s, p->valid_s), left = ia->valid_until_ns - s->now_ns;

	if (p->valid_s * SEC_NS > TWO_HOURS || valid > ia->valid_until_ns)
		ia->valid_until_ns = valid;
	else if (left > TWO_HOURS)
		ia->valid_until_ns = s->now_ns + TWO_HOURS;
	ia->preferred_until_ns = min_u64(until(s, p->preferred_s), ia->valid_until_ns);
	if (ia->state == ADDR_DEPRECATED && ia->preferred_until_ns > s->now_ns) {
		ia->state = ADDR_PREFERRED;
		inet_gen_bump(s->inet);
	}
}

static void note_autonomous(struct stack *s, struct host *h, const struct nd_prefix *p,
			    const struct ipaddr *router)
{
	struct inet_addr *ia = find_addr(s, h, p);
	struct ipaddr addr;

	if (p->preferred_s > p->valid_s || p->len != SLAAC_LEN)
		return;
	if (ia) {
		prolong(s, ia, p);
		ia->router = *router;
		return;
	}
	if (p->valid_s == 0)
		return;
	addr = addr_stable_make(s, h->iface, &p->addr, 0);
	if (addr_add(s, h->iface, &addr, SLAAC_LEN, true, &ia) < 0)
		return; /* as many addresses as an interface may have */
	ia->autoconf = true;
	ia->router = *router;
	ia->valid_until_ns = until(s, p->valid_s);
	/* Never 0, which would mean no end. */
	ia->preferred_until_ns = max_u64(until(s, p->preferred_s), 1);
	s->inet->cnt[1].autoconf_addr++;
}

static void note_prefix(struct stack *s, struct host *h, const struct nd_prefix *p,
			const struct ipaddr *router)
{
	if (ipaddr_is_link_local(&p->addr) || ipaddr_is_multicast(&p->addr) || p->len == 0)
		return; /* RFC 4861 6.3.4 */
	if (p->onlink)
		note_onlink(s, h, p);
	if (p->autonomous)
		note_autonomous(s, h, p, router);
}

static void note_link(struct stack *s, const struct host *h, const struct nd *n)
{
	struct inet_iface *ii = &s->inet->ifaces[h->iface];
	const struct iface *ifc = link_iface(s, h->iface);

	/* RFC 3756 4.2.7: so few that nothing gets far are an attack. */
	if (n->ra.hop_limit >= HOST_MIN_HOPS)
		ii->hops6 = n->ra.hop_limit;
	if (n->has_mtu && n->mtu >= IP6_MIN_MTU && n->mtu <= ifc->mtu && n->mtu != ii->mtu6) {
		ii->mtu6 = n->mtu;
		inet_gen_bump(s->inet);
	}
}

/* RFC 4861 6.3.4: its link address, and that it is a router. */
static void note_neighbour(struct stack *s, const struct ip_rx *rx, const struct nd *n)
{
	struct neigh *nb;

	if (!n->has_slla || ethaddr_is_multicast(&n->slla))
		return;
	nb = neigh_get_passive(s, rx->in.iface, &rx->in.src);
	if (!nb)
		return;
	neigh_on_solicit(s, nb, &n->slla);
	nb->is_router = true;
}

enum drop_reason host_advert_input(struct stack *s, const struct ip_rx *rx, const struct nd *n)
{
	struct host *h = host_of(s, rx->in.iface);

	if (!h)
		return DROP_ND_IGNORED;
	s->inet->cnt[1].ra_in++;
	note_neighbour(s, rx, n);
	note_link(s, h, n);
	note_router(s, h, &rx->in.src, n->ra.lifetime_s);
	for (unsigned i = 0; i < n->n_prefixes; i++)
		note_prefix(s, h, &n->prefix[i], &rx->in.src);
	expire(s, h);
	return DROP_COUNT;
}

/* ---- redirects ---- */

/* RFC 4861 8.1: only from who is the first hop to dst now. */
static bool from_first_hop(struct stack *s, const struct ip_rx *rx, const struct nd *n)
{
	struct inet_dst d;

	return !ipaddr_is_link_local(&n->dst) && inet_dst_lookup(s, &n->dst, &d) == 0 &&
	       d.iface == rx->in.iface && ipaddr_eq(&d.nexthop, &rx->in.src);
}

/* The row of dst, a free one, or the one that ends first. */
static struct host_redirect *redirect_row(struct host *h, const struct ipaddr *dst)
{
	struct host_redirect *row = &h->redirects[0];

	for (unsigned i = 0; i < HOST_REDIRECTS; i++) {
		struct host_redirect *r = &h->redirects[i];

		if (r->until_ns && ipaddr_eq(&r->dst, dst))
			return r;
		if (r->until_ns < row->until_ns)
			row = r;
	}
	return row;
}

enum drop_reason host_redirect_input(struct stack *s, const struct ip_rx *rx, const struct nd *n)
{
	struct host *h = host_of(s, rx->in.iface);
	struct host_redirect *row;
	struct neigh *nb;

	if (!h || !from_first_hop(s, rx, n) || addr_is_own(s, h->iface, &n->target))
		return DROP_ND_IGNORED;
	row = redirect_row(h, &n->dst);
	if (row->until_ns == 0 || !ipaddr_eq(&row->dst, &n->dst) ||
	    !ipaddr_eq(&row->target, &n->target)) {
		if (row->until_ns)
			route_redirect(s, h, row, false);
		row->dst = n->dst;
		row->target = n->target;
		route_redirect(s, h, row, true);
	}
	row->until_ns = s->now_ns + HOST_REDIRECT_NS;
	if (n->has_tlla && !ethaddr_is_multicast(&n->tlla)) {
		nb = neigh_get_passive(s, h->iface, &n->target);
		if (nb)
			neigh_on_solicit(s, nb, &n->tlla);
	}
	s->inet->cnt[1].redirect_used++;
	expire(s, h);
	return DROP_COUNT;
}

/* ---- configuration ---- */

/* The link-local address was used from the start; now it is tested like the others. */
static void retest_link_local(struct stack *s, unsigned iface)
{
	struct inet_iface *ii = &s->inet->ifaces[iface];

	for (unsigned i = 0; i < ii->n_addrs; i++) {
		struct inet_addr *ia = ii->addrs[i];

		if (ipaddr_is_v4(&ia->addr) || !ipaddr_is_link_local(&ia->addr))
			continue;
		addr_unpublish(s, ia);
		dad_start(s, ia);
		return;
	}
}

int inet_autoconf_set(struct stack *s, unsigned iface, bool on)
{
	struct host *h;

	if (iface >= LINK_MAX_IFACES || !s->inet->ifaces[iface].used)
		return -EINVAL;
	if (!on) {
		host_destroy(s, iface);
		return 0;
	}
	if (host_of(s, iface))
		return 0;
	h = mem_zalloc(s->env.mem, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->iface = (uint8_t)iface;
	wheel_timer_init(&h->solicit, solicit_timer);
	wheel_timer_init(&h->expiry, expiry_timer);
	s->inet->ifaces[iface].host = h;
	retest_link_local(s, iface);
	return 0;
}

/* All that was learned ends now. */
void host_destroy(struct stack *s, unsigned iface)
{
	struct inet_iface *ii = &s->inet->ifaces[iface];
	struct host *h = ii->host;

	if (!h)
		return;
	for (unsigned i = 0; i < HOST_ROUTERS; i++)
		h->routers[i].until_ns = min_u64(h->routers[i].until_ns, s->now_ns);
	for (unsigned i = 0; i < HOST_PREFIXES; i++)
		h->prefixes[i].until_ns = min_u64(h->prefixes[i].until_ns, s->now_ns);
	for (unsigned i = 0; i < HOST_REDIRECTS; i++)
		h->redirects[i].until_ns = min_u64(h->redirects[i].until_ns, s->now_ns);
	for (unsigned i = 0; i < ii->n_addrs; i++)
		if (ii->addrs[i]->autoconf)
			ii->addrs[i]->valid_until_ns = s->now_ns;
	expire(s, h);
	wheel_disarm(&s->wheel, &h->solicit);
	wheel_disarm(&s->wheel, &h->expiry);
	ii->host = NULL;
	ii->mtu6 = 0;
	ii->hops6 = 0;
	inet_gen_bump(s->inet);
	mem_free(s->env.mem, h, sizeof(*h));
}
