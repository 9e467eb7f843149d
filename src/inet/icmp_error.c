/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMP errors out: whether a packet may be answered at all (RFC 1122 3.2.2, RFC 1812 4.3.2.7,
 * RFC 4443 2.4 e), the rate limit, and the message with as much of the packet as it may hold
 * (RFC 1812 4.3.2.3: 576 bytes; RFC 4443 2.4 c: 1280).
 *
 * Called by every layer from inet up with a packet that it is about to drop; borrows it.
 */
#include "inet/state.h"

#include "wire/icmp4.h"
#include "wire/icmp6.h"

/* A packet as an error quotes it: from its IP header, however far it has been stripped. */
struct offender {
	const struct mbuf *m;
	struct view head; /* contiguous bytes from the IP header on */
	uint32_t hidden;  /* bytes before the present start of m */
	uint32_t len;     /* of the whole packet */
	struct ipaddr src, dst;
	bool v6;
};

static bool offender_init(struct offender *o, const struct mbuf *m)
{
	uint16_t l3 = m->meta.l3_off, here = mbuf_here(m);

	if (l3 > here)
		return false;
	o->m = m;
	o->hidden = (uint32_t)here - l3;
	o->head = view_make(mbuf_at(m, l3), o->hidden + mbuf_seg_len(m));
	o->len = o->hidden + mbuf_len(m);
	return o->head.len >= IP4_HLEN;
}

/* Link-level groups are for all, and so is nobody's answer. */
static bool addresses_ok(struct stack *s, const struct offender *o, bool group_ok)
{
	/* Loopback never comes from a wire: it is ourselves. */
	if (ipaddr_is_unspecified(&o->src) ||
	    (ipaddr_is_bad_source(&o->src) && !ipaddr_is_loopback(&o->src)))
		return false;
	if (group_ok)
		return true;
	if (o->m->meta.l2_flags != 0 || ipaddr_is_multicast(&o->dst) ||
	    ipaddr_is_v4_broadcast(&o->dst))
		return false;
	if (o->v6 || !(addr_maybe(s->inet, &o->dst) || addr_maybe(s->inet, &o->src)))
		return true;
	for (unsigned i = 0; i < LINK_MAX_IFACES; i++)
		if (addr_is_broadcast(s, i, &o->dst) || addr_is_broadcast(s, i, &o->src))
			return false;
	return true;
}

static bool may_answer4(struct stack *s, struct offender *o)
{
	uint8_t type;
	struct ip4 h;

	if (ip4_parse_first(&h, o->head, o->len, false) < 0)
		return false;
	o->src = h.src;
	o->dst = h.dst;
	if (h.frag_off_bytes != 0 || !addresses_ok(s, o, false))
		return false;
	if (h.proto != PROTO_ICMP4)
		return true;
	/* Only what is known not to be an error itself. */
	if (o->head.len <= h.ihl_bytes)
		return false;
	type = o->head.p[h.ihl_bytes];
	return type == ICMP4_ECHO_REQUEST || type == ICMP4_TIMESTAMP;
}

/* Is it an ICMPv6 error or a redirect (RFC 4443 2.4 e.1, e.2)? Where the chain cannot be walked,
 * what the error is about says no more than that. */
static bool is_icmp6_error(const struct offender *o, const struct ip6 *h, enum inet_err_kind kind,
			   bool *later_fragment)
{
	struct ip6_ext x = {.proto = h->next_header, .upper_off = IP6_HLEN};
	uint8_t type;

	*later_fragment = false;
	if (ip6_is_ext(h->next_header)) {
		if (ip6_ext_parse(&x, h, o->head, IP6_ROUTER) < 0)
			return kind != INET_ERR_PARAM;
		*later_fragment = x.has_frag && x.frag_off_bytes != 0;
	}
	if (x.proto != PROTO_ICMP6 || *later_fragment)
		return false;
	if (o->head.len <= x.upper_off)
		return true;
	type = o->head.p[x.upper_off];
	return icmp6_is_error(type) || type == ICMP6_REDIRECT;
}

static bool may_answer6(struct stack *s, struct offender *o, enum inet_err_kind kind, uint8_t code)
{
	/* RFC 4443 2.4 e.3: path MTU discovery works for groups, and so do unknown options. */
	bool group_ok =
		kind == INET_ERR_TOO_BIG || (kind == INET_ERR_PARAM && code == ICMP6_PARAM_OPTION);
	bool later;
	struct ip6 h;

	if (ip6_parse_first(&h, o->head, o->len) < 0)
		return false;
	o->src = h.src;
	o->dst = h.dst;
	if (!addresses_ok(s, o, group_ok) || is_icmp6_error(o, &h, kind, &later))
		return false;
	/* A later fragment may be too big, or of a wrong length; nothing else is its fault. */
	return !later || kind == INET_ERR_TOO_BIG || kind == INET_ERR_PARAM;
}

static bool may_answer(struct stack *s, struct offender *o, enum inet_err_kind kind, uint8_t code)
{
	o->v6 = (o->head.p[0] >> 4) == 6;
	return o->v6 ? may_answer6(s, o, kind, code) : may_answer4(s, o);
}

/* Our address that the packet was sent to, or one that the sender sees us by. */
static bool choose_source(struct stack *s, const struct offender *o, struct ipaddr *src)
{
	struct inet_dst d;

	if (inet_addr_is_local(s, &o->dst)) {
		*src = o->dst;
		return true;
	}
	return inet_dst_lookup_zone(s, o->m->meta.zone, &o->src, &d) == 0 &&
	       inet_src_select(s, &d, &o->src, src) == 0;
}

static void fill4(struct icmp4 *h, enum inet_err_kind kind, uint8_t code, uint32_t arg)
{
	*h = (struct icmp4){.code = code};
	switch (kind) {
	case INET_ERR_TOO_BIG:
		h->type = ICMP4_UNREACHABLE;
		h->code = ICMP4_UNREACH_FRAG_NEEDED;
		h->mtu = (uint16_t)min_u32(arg, UINT16_MAX);
		break;
	case INET_ERR_UNREACHABLE:
		h->type = ICMP4_UNREACHABLE;
		break;
	case INET_ERR_PORT:
		h->type = ICMP4_UNREACHABLE;
		if (code != ICMP4_UNREACH_PROTO)
			h->code = ICMP4_UNREACH_PORT;
		break;
	case INET_ERR_TIME:
		h->type = ICMP4_TIME_EXCEEDED;
		break;
	case INET_ERR_PARAM:
		h->type = ICMP4_PARAM_PROBLEM;
		h->ptr = (uint8_t)arg;
		break;
	}
}

static void fill6(struct icmp6 *h, enum inet_err_kind kind, uint8_t code, uint32_t arg)
{
	*h = (struct icmp6){.code = code};
	switch (kind) {
	case INET_ERR_TOO_BIG:
		h->type = ICMP6_TOO_BIG;
		h->code = 0;
		h->mtu = arg;
		break;
	case INET_ERR_UNREACHABLE:
		h->type = ICMP6_UNREACHABLE;
		break;
	case INET_ERR_PORT:
		h->type = ICMP6_UNREACHABLE;
		h->code = ICMP6_UNREACH_PORT;
		break;
	case INET_ERR_TIME:
		h->type = ICMP6_TIME_EXCEEDED;
		break;
	case INET_ERR_PARAM:
		h->type = ICMP6_PARAM_PROBLEM;
		h->ptr = arg;
		break;
	}
}

/* Copy the packet's first n bytes, also those that were stripped. */
static void quote(const struct offender *o, uint8_t *to, uint32_t n)
{
	uint32_t k = min_u32(n, o->hidden);

	memcpy(to, o->head.p, k);
	mbuf_copy_out(o->m, 0, to + k, n - k);
}

static void send_error(struct stack *s, const struct offender *o, const struct ipaddr *src,
		       enum inet_err_kind kind, uint8_t code, uint32_t arg)
{
	uint32_t n = min_u32(o->len, o->v6 ? ICMP6_QUOTE_MAX : ICMP4_QUOTE_MAX), sum;
	struct inet_out out = {.src = *src,
			       .dst = o->src,
			       .proto = o->v6 ? PROTO_ICMP6 : PROTO_ICMP4,
			       .tos = 0xc0, /* RFC 1812 4.3.2.5: internetwork control */
			       .zone = o->m->meta.zone};
	MBUF(m, mbuf_alloc(s->pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_TX));
	uint8_t *p = m ? mbuf_append(m, ICMP4_HLEN + n) : NULL;
	struct icmp4 h4;
	struct icmp6 h6;

	static_assert(ICMP4_HLEN == ICMP6_HLEN, "one layout");
	if (!p) {
		if (m)
			mbuf_drop(&m, DROP_NOBUF);
		else
			mbuf_pool_count_drop(s->pool, DROP_NOBUF);
		return;
	}
	quote(o, p + ICMP4_HLEN, n);
	sum = csum_partial(p + ICMP4_HLEN, n, 0);
	if (o->v6) {
		fill6(&h6, kind, code, arg);
		icmp6_emit_header(p, &h6, src, &o->src, sum, n);
	} else {
		fill4(&h4, kind, code, arg);
		icmp4_emit_header(p, &h4, sum);
	}
	s->inet->cnt[o->v6].err_out++;
	(void)inet_output(s, mbuf_move(&m), &out, NULL);
}

void inet_error_output(struct stack *s, const struct mbuf *m, enum inet_err_kind kind, uint8_t code,
		       uint32_t mtu_or_pointer)
{
	struct offender o = {.m = m};
	struct ipaddr src;

	if (!offender_init(&o, m) || !may_answer(s, &o, kind, code)) {
		s->inet->cnt[o.v6].err_never++;
		return;
	}
	if (!choose_source(s, &o, &src)) {
		s->inet->cnt[o.v6].err_no_way++;
		return;
	}
	/* Nobody else can come from an address of ours: to ourselves nothing is limited. */
	if (!inet_addr_is_local(s, &o.src) && !icmp_limit_allow(s, &o.src)) {
		s->inet->cnt[o.v6].err_limited++;
		return;
	}
	send_error(s, &o, &src, kind, code, mtu_or_pointer);
}
