/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Choice of a source address (RFC 6724 4 and 5) with the default policy table (2.1). Candidates are
 * the addresses of the interface that the packet leaves by; those of the others only when that has
 * none that reaches so far. IPv4 goes by the same rules (3.2), but matches the next hop: with
 * several subnets on a link the gateway knows its own.
 *
 * Rules 4 (home addresses) and 7 (temporary ones) have no subject here: we have neither.
 *
 * Called by the transports and ICMP, on the worker's thread.
 */
#include "inet/state.h"

#include <errno.h>

/* ---- what an address is like ---- */

struct policy {
	struct ipprefix prefix;
	uint8_t label;
};

#define V6(...) \
	{ \
		.b = { __VA_ARGS__ } \
	}

/* RFC 6724 2.1, longest first. The precedence orders destinations, which a resolver does. */
static const struct policy policies[] = {
	{{V6([15] = 1), 128}, 0},
	{{V6([10] = 0xff, [11] = 0xff), 96}, 4},
	{{V6(0), 96}, 3},
	{{V6(0x20, 0x01), 32}, 5},
	{{V6(0x20, 0x02), 16}, 2},
	{{V6(0x3f, 0xfe), 16}, 12},
	{{V6(0xfe, 0xc0), 10}, 11},
	{{V6(0xfc), 7}, 13},
	{{V6(0), 0}, 1},
};

static uint8_t label_of(const struct ipaddr *a)
{
	for (size_t i = 0; i + 1 < ARRAY_LEN(policies); i++)
		if (ipprefix_match(&policies[i].prefix, a))
			return policies[i].label;
	return policies[ARRAY_LEN(policies) - 1].label;
}

#define SCOPE_LINK   0x2u
#define SCOPE_SITE   0x5u
#define SCOPE_GLOBAL 0xeu

/* RFC 6724 3.1, 3.2. */
static uint8_t scope_of(const struct ipaddr *a)
{
	if (!ipaddr_is_v4(a) && ipaddr_is_multicast(a))
		return a->b[1] & 0x0f;
	if (ipaddr_is_link_local(a) || ipaddr_is_loopback(a))
		return SCOPE_LINK;
	if (ipaddr_is_v4(a)) /* 224.0.0.0/24 stays on the link */
		return (ipaddr_to_v4(a) >> 8) == 0xe00000 ? SCOPE_LINK : SCOPE_GLOBAL;
	return (load_be16(a->b) & 0xffc0) == 0xfec0 ? SCOPE_SITE : SCOPE_GLOBAL;
}

static unsigned common_len(const struct ipaddr *a, const struct ipaddr *b)
{
	unsigned n = 0;

	while (n < 128 && ((a->b[n / 8] ^ b->b[n / 8]) & (0x80u >> (n % 8))) == 0)
		n++;
	return n;
}

/* ---- the rules ---- */

struct wish {
	const struct ipaddr *dst;     /* for rules 1, 2, 6 */
	const struct ipaddr *match;   /* for rule 8 */
	const struct ipaddr *nexthop; /* for rule 5.5; NULL: not known */
	unsigned iface;
};

/* Above 0: a is better; below: b; 0: the rules do not care. */
typedef int (*rule_fn)(const struct inet_addr *a, const struct inet_addr *b, const struct wish *w);

static int rule_same(const struct inet_addr *a, const struct inet_addr *b, const struct wish *w)
{
	return ipaddr_eq(&a->addr, w->dst) - ipaddr_eq(&b->addr, w->dst);
}

/* Rule 2: the smallest scope that still reaches. */
static int rule_scope(const struct inet_addr *a, const struct inet_addr *b, const struct wish *w)
{
	int sa = scope_of(&a->addr), sb = scope_of(&b->addr), sd = scope_of(w->dst);

	if (sa == sb)
		return 0;
	if (sa < sb)
		return sa < sd ? -1 : 1;
	return sb < sd ? 1 : -1;
}

static int rule_deprecated(const struct inet_addr *a, const struct inet_addr *b,
			   const struct wish *w)
{
	(void)w;
	return (b->state == ADDR_DEPRECATED) - (a->state == ADDR_DEPRECATED);
}

static int rule_iface(const struct inet_addr *a, const struct inet_addr *b, const struct wish *w)
{
	return (a->iface == w->iface) - (b->iface == w->iface);
}

/* Rule 5.5: the next hop advertised its prefix. */
static int rule_router(const struct inet_addr *a, const struct inet_addr *b, const struct wish *w)
{
	if (!w->nexthop)
		return 0;
	return ipaddr_eq(&a->router, w->nexthop) - ipaddr_eq(&b->router, w->nexthop);
}

static int rule_label(const struct inet_addr *a, const struct inet_addr *b, const struct wish *w)
{
	uint8_t d = label_of(w->dst);

	return (label_of(&a->addr) == d) - (label_of(&b->addr) == d);
}

/* Rule 8: at most the prefix counts, hosts' numbers say nothing. */
static int rule_match(const struct inet_addr *a, const struct inet_addr *b, const struct wish *w)
{
	return (int)min_uint(common_len(&a->addr, w->match), a->len) -
	       (int)min_uint(common_len(&b->addr, w->match), b->len);
}

static bool better(const struct inet_addr *a, const struct inet_addr *b, const struct wish *w)
{
	static const rule_fn rules[] = {
		rule_same,   rule_scope, rule_deprecated, rule_iface,
		rule_router, rule_label, rule_match,
	};

	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		int c = rules[i](a, b, w);

		if (c != 0)
			return c > 0;
	}
	return false; /* the one that was added first */
}

static const struct inet_addr *choose_on(const struct stack *s, unsigned iface,
					 const struct wish *w, const struct inet_addr *best)
{
	const struct inet_iface *ii = &s->inet->ifaces[iface];

	for (unsigned i = 0; i < ii->n_addrs; i++) {
		const struct inet_addr *ia = ii->addrs[i];

		if (ipaddr_is_v4(&ia->addr) != ipaddr_is_v4(w->dst) || !addr_usable(ia))
			continue;
		if (!best || better(ia, best, w))
			best = ia;
	}
	return best;
}

bool addr_source_for(struct stack *s, unsigned iface, const struct ipaddr *target,
		     struct ipaddr *out)
{
	struct wish w = {.dst = target, .match = target, .iface = iface};
	const struct inet_addr *ia = choose_on(s, iface, &w, NULL);

	if (ia)
		*out = ia->addr;
	return ia != NULL;
}

/* A link-local address is of no use beyond its link, so other interfaces are asked. */
static bool reaches(const struct inet_addr *ia, const struct ipaddr *dst)
{
	return ia && (scope_of(&ia->addr) > SCOPE_LINK || scope_of(dst) <= SCOPE_LINK ||
		      ipaddr_is_multicast(dst));
}

int inet_src_select(struct stack *s, const struct inet_dst *d, const struct ipaddr *dst,
		    struct ipaddr *out)
{
	struct wish w = {.dst = dst, .match = dst, .nexthop = &d->nexthop, .iface = d->iface};
	const struct inet_addr *ia;

	if (inet_dst_is_loop(d)) {
		*out = *dst;
		if (ipaddr_is_multicast(dst))
			*out = ipaddr_is_v4(dst) ? ipaddr_loopback4() : ipaddr_loopback6();
		return 0;
	}
	if (ipaddr_is_v4(dst) && !ipaddr_is_multicast(dst))
		w.match = &d->nexthop;
	ia = choose_on(s, d->iface, &w, NULL);
	if (!reaches(ia, dst)) {
		for (unsigned i = 0; i < LINK_MAX_IFACES; i++) {
			const struct inet_addr *other = choose_on(s, i, &w, NULL);

			if (reaches(other, dst) && (!reaches(ia, dst) || better(other, ia, &w)))
				ia = other;
		}
	}
	if (!ia)
		return -EADDRNOTAVAIL;
	*out = ia->addr;
	return 0;
}
