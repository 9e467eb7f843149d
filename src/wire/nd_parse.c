/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Neighbour discovery, received: format and validity checks (RFC 4861 4, 6.1, 7.1, 8.1; RFC 6980
 * 5). Called by inet after the checksum. Mapped addresses are refused too: a neighbour or a
 * redirect for
 * ::ffff:10.0.0.1 would reach into IPv4's tables.
 */
#include "wire/nd.h"

#include "base/endian.h"

#define FLAG_ROUTER     0x80u
#define FLAG_SOLICITED  0x40u
#define FLAG_OVERRIDE   0x20u
#define FLAG_MANAGED    0x80u
#define FLAG_OTHER      0x40u
#define FLAG_ONLINK     0x80u
#define FLAG_AUTONOMOUS 0x40u

enum {
	OFF_CODE = 1,
	OFF_FLAGS = 4,
	OFF_TARGET = 8,
	OFF_REDIRECT_DST = 24,
	OFF_RA_HOPS = 4,
	OFF_RA_FLAGS = 5,
	OFF_RA_LIFETIME = 6,
	OFF_RA_REACHABLE = 8,
	OFF_RA_RETRANS = 12,
};

#define OPT_BIT(type) (1u << (type))

/* Length before the options, and the options that mean something; others are skipped. */
struct form {
	uint8_t fixed_len;
	uint32_t opts;
};

static const struct form forms[] = {
	[ICMP6_RS - ICMP6_RS] = {8, OPT_BIT(ND_OPT_SLLA)},
	[ICMP6_RA - ICMP6_RS] = {16, OPT_BIT(ND_OPT_SLLA) | OPT_BIT(ND_OPT_PREFIX) |
					     OPT_BIT(ND_OPT_MTU)},
	[ICMP6_NS - ICMP6_RS] = {24, OPT_BIT(ND_OPT_SLLA) | OPT_BIT(ND_OPT_NONCE)},
	[ICMP6_NA - ICMP6_RS] = {24, OPT_BIT(ND_OPT_TLLA)},
	[ICMP6_REDIRECT - ICMP6_RS] = {40, OPT_BIT(ND_OPT_TLLA) | OPT_BIT(ND_OPT_REDIRECTED)},
};

/* ---- options: p has len bytes, a multiple of 8 above 0 ---- */

static int parse_lladdr(const uint8_t *p, size_t len, bool *has, struct ethaddr *out)
{
	struct ethaddr a;

	if (len != 8) /* RFC 2464 6 */
		return ND_EOPTLEN;
	memcpy(a.b, p + 2, ETH_ALEN);
	if (ethaddr_is_multicast(&a) || ethaddr_is_zero(&a))
		return ND_ELLADDR;
	if (!*has)
		*out = a;
	*has = true;
	return 0;
}

static int parse_prefix(struct nd *n, const uint8_t *p, size_t len)
{
	struct nd_prefix *x = &n->prefix[n->n_prefixes];
	struct ipaddr addr;

	if (len != 32)
		return ND_EOPTLEN;
	addr = ipaddr_v6(p + 16);
	if (p[2] > 128 || ipaddr_is_v4(&addr) || n->n_prefixes == ND_MAX_PREFIXES) {
		if (n->n_prefixes_skipped != UINT8_MAX)
			n->n_prefixes_skipped++;
		return 0;
	}
	x->len = p[2];
	x->addr = ipaddr_mask(&addr, p[2]);
	x->onlink = (p[3] & FLAG_ONLINK) != 0;
	x->autonomous = (p[3] & FLAG_AUTONOMOUS) != 0;
	x->valid_s = load_be32(p + 4);
	x->preferred_s = load_be32(p + 8);
	n->n_prefixes++;
	return 0;
}

static int parse_mtu(struct nd *n, const uint8_t *p, size_t len)
{
	if (len != 8)
		return ND_EOPTLEN;
	n->has_mtu = true;
	n->mtu = load_be32(p + 4);
	return 0;
}

static int parse_option(struct nd *n, const uint8_t *p, size_t len)
{
	switch (p[0]) {
	case ND_OPT_SLLA:
		return parse_lladdr(p, len, &n->has_slla, &n->slla);
	case ND_OPT_TLLA:
		return parse_lladdr(p, len, &n->has_tlla, &n->tlla);
	case ND_OPT_PREFIX:
		return parse_prefix(n, p, len);
	case ND_OPT_REDIRECTED:
		n->redirected = view_make(p + 8, len - 8);
		return 0;
	case ND_OPT_MTU:
		return parse_mtu(n, p, len);
	case ND_OPT_NONCE:
		/* Longer ones are SEND's, which is not spoken here. */
		n->has_nonce = len == 8;
		if (n->has_nonce)
			memcpy(n->nonce, p + 2, ND_NONCE_LEN);
		return 0;
	default:
		return 0;
	}
}

/* Every step takes 8 bytes at least. */
static int parse_options(struct nd *n, struct view v, uint32_t known)
{
	while (v.len != 0) {
		size_t len = v.len < 2 ? 0 : (size_t)v.p[1] * 8;
		int err = 0;

		if (len == 0 || len > v.len)
			return ND_EOPTLEN;
		if (v.p[0] < 32 && (known & OPT_BIT(v.p[0])) != 0)
			err = parse_option(n, v.p, len);
		if (err != 0)
			return err;
		v = view_skip(v, len);
	}
	return 0;
}

/* ---- fixed parts ---- */

static void parse_ra(struct nd_ra *ra, const uint8_t *p)
{
	ra->hop_limit = p[OFF_RA_HOPS];
	ra->managed = (p[OFF_RA_FLAGS] & FLAG_MANAGED) != 0;
	ra->other = (p[OFF_RA_FLAGS] & FLAG_OTHER) != 0;
	ra->lifetime_s = load_be16(p + OFF_RA_LIFETIME);
	ra->reachable_ms = load_be32(p + OFF_RA_REACHABLE);
	ra->retrans_ms = load_be32(p + OFF_RA_RETRANS);
}

static void parse_fixed(struct nd *n, const uint8_t *p)
{
	if (n->type == ICMP6_RS)
		return;
	if (n->type == ICMP6_RA) {
		parse_ra(&n->ra, p);
		return;
	}
	n->target = ipaddr_v6(p + OFF_TARGET);
	if (n->type == ICMP6_REDIRECT)
		n->dst = ipaddr_v6(p + OFF_REDIRECT_DST);
	if (n->type != ICMP6_NA)
		return;
	n->router = (p[OFF_FLAGS] & FLAG_ROUTER) != 0;
	n->solicited = (p[OFF_FLAGS] & FLAG_SOLICITED) != 0;
	n->override = (p[OFF_FLAGS] & FLAG_OVERRIDE) != 0;
}

/* ---- validity ---- */

static bool is_unicast6(const struct ipaddr *a)
{
	return !ipaddr_is_multicast(a) && !ipaddr_is_v4(a);
}

/* RFC 4861 7.1.1 */
static int check_ns(const struct nd *n, const struct ip6 *h)
{
	if (!is_unicast6(&n->target))
		return ND_ETARGET;
	if (!ipaddr_is_unspecified(&h->src))
		return 0;
	if (!nd_is_solicited_node(&h->dst))
		return ND_EDST;
	return n->has_slla ? ND_ESRC : 0;
}

/* RFC 4861 7.1.2 */
static int check_na(const struct nd *n, const struct ip6 *h)
{
	if (!is_unicast6(&n->target))
		return ND_ETARGET;
	return ipaddr_is_multicast(&h->dst) && n->solicited ? ND_EFLAGS : 0;
}

/* RFC 4861 8.1; the target is a router, or the destination itself when it is on the link. */
static int check_redirect(const struct nd *n, const struct ip6 *h)
{
	if (!ipaddr_is_link_local(&h->src) || !is_unicast6(&h->src))
		return ND_ESRC;
	if (!is_unicast6(&n->dst) || !is_unicast6(&n->target))
		return ND_ETARGET;
	if (!ipaddr_is_link_local(&n->target) && !ipaddr_eq(&n->target, &n->dst))
		return ND_ETARGET;
	return 0;
}

static int check(const struct nd *n, const struct ip6 *h)
{
	switch (n->type) {
	case ICMP6_RS: /* RFC 4861 6.1.1 */
		return ipaddr_is_unspecified(&h->src) && n->has_slla ? ND_ESRC : 0;
	case ICMP6_RA: /* RFC 4861 6.1.2 */
		return ipaddr_is_link_local(&h->src) ? 0 : ND_ESRC;
	case ICMP6_NS:
		return check_ns(n, h);
	case ICMP6_NA:
		return check_na(n, h);
	default:
		return check_redirect(n, h);
	}
}

int nd_parse(struct nd *n, struct view v, const struct ip6 *h, bool fragmented)
{
	const struct form *form;
	int err;

	if (v.len < 4)
		return ND_ESHORT;
	if (!icmp6_is_nd(v.p[0]))
		return ND_ETYPE;
	if (fragmented)
		return ND_EFRAG;
	if (h->hop_limit != ND_HOP_LIMIT)
		return ND_EHOPS;
	if (v.p[OFF_CODE] != 0)
		return ND_ECODE;
	form = &forms[v.p[0] - ICMP6_RS];
	if (v.len < form->fixed_len)
		return ND_ESHORT;
	*n = (struct nd){.type = v.p[0]};
	parse_fixed(n, v.p);
	err = parse_options(n, view_skip(v, form->fixed_len), form->opts);
	return err != 0 ? err : check(n, h);
}
