/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMP errors in: what a stranger says about a packet that he quotes. The quote must be of a packet
 * from the address that the error came to; it is unwrapped and given to the transport, which checks
 * that it really sent such a packet (RFC 5927). Errors to foreign addresses are offered to
 * interception. Also: errors that we find ourselves, when a neighbour does not answer.
 *
 * Called by icmp4.c, icmp6.c, deliver.c and the neighbour cache; borrows the packet.
 */
#include "inet/state.h"

#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/quote.h"

#include <errno.h>

#define PMTU_FLOOR4 552u
/* Contiguous bytes of an error: its header, the quoted headers with some options, ports. */
#define QUOTE_PULL 256u

/* RFC 1191 7.1: what routers older than that RFC may have meant. */
static uint32_t plateau_below(uint32_t len)
{
	static const uint16_t plateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006};

	for (unsigned i = 0; i < ARRAY_LEN(plateaus); i++)
		if (plateaus[i] < len)
			return plateaus[i];
	return PMTU_FLOOR4;
}

struct meaning {
	int err;
	bool hard;
};

/* By code, as Linux's sockets hear it. RFC 1122 4.2.3.9 names the soft ones. */
static struct meaning unreachable4(uint8_t code)
{
	static const struct meaning codes[] = {
		[ICMP4_UNREACH_NET] = {ENETUNREACH, false},
		[ICMP4_UNREACH_HOST] = {EHOSTUNREACH, false},
		[ICMP4_UNREACH_PROTO] = {ENOPROTOOPT, true},
		[ICMP4_UNREACH_PORT] = {ECONNREFUSED, true},
		[ICMP4_UNREACH_FRAG_NEEDED] = {EMSGSIZE, false},
		[ICMP4_UNREACH_SOURCE_ROUTE] = {EOPNOTSUPP, false},
		[ICMP4_UNREACH_NET_UNKNOWN] = {ENETUNREACH, true},
		[ICMP4_UNREACH_HOST_UNKNOWN] = {EHOSTDOWN, true},
		[ICMP4_UNREACH_ISOLATED] = {ENONET, true},
		[ICMP4_UNREACH_NET_PROHIBITED] = {ENETUNREACH, true},
		[ICMP4_UNREACH_HOST_PROHIBITED] = {EHOSTUNREACH, true},
		[ICMP4_UNREACH_NET_TOS] = {ENETUNREACH, false},
		[ICMP4_UNREACH_HOST_TOS] = {EHOSTUNREACH, false},
		[ICMP4_UNREACH_PROHIBITED] = {EHOSTUNREACH, true},
		[ICMP4_UNREACH_PRECEDENCE] = {EHOSTUNREACH, true},
		[ICMP4_UNREACH_CUTOFF] = {EHOSTUNREACH, true},
	};

	return code < ARRAY_LEN(codes) ? codes[code] : (struct meaning){EHOSTUNREACH, false};
}

static struct meaning unreachable6(uint8_t code)
{
	static const struct meaning codes[] = {
		[ICMP6_UNREACH_NO_ROUTE] = {ENETUNREACH, false},
		[ICMP6_UNREACH_PROHIBITED] = {EACCES, true},
		[ICMP6_UNREACH_SCOPE] = {EHOSTUNREACH, false},
		[ICMP6_UNREACH_ADDRESS] = {EHOSTUNREACH, false},
		[ICMP6_UNREACH_PORT] = {ECONNREFUSED, true},
		[ICMP6_UNREACH_POLICY] = {EACCES, true},
		[ICMP6_UNREACH_REJECT] = {EACCES, true},
	};

	return code < ARRAY_LEN(codes) ? codes[code] : (struct meaning){EHOSTUNREACH, false};
}

static void mean(struct inet_err *e, enum inet_err_kind kind, struct meaning what)
{
	e->kind = kind;
	e->err = what.err;
	e->hard = what.hard;
}

static bool classify4(const struct icmp4 *h, const struct quote *q, struct inet_err *e)
{
	switch (h->type) {
	case ICMP4_UNREACHABLE:
		mean(e, INET_ERR_UNREACHABLE, unreachable4(h->code));
		if (h->code == ICMP4_UNREACH_PORT || h->code == ICMP4_UNREACH_PROTO)
			e->kind = INET_ERR_PORT;
		if (h->code != ICMP4_UNREACH_FRAG_NEEDED)
			return true;
		e->kind = INET_ERR_TOO_BIG;
		e->mtu = max_u32(h->mtu ? h->mtu : plateau_below(q->packet_len), PMTU_FLOOR4);
		return true;
	case ICMP4_TIME_EXCEEDED:
		mean(e, INET_ERR_TIME, (struct meaning){EHOSTUNREACH, false});
		return true;
	case ICMP4_PARAM_PROBLEM:
		mean(e, INET_ERR_PARAM, (struct meaning){EPROTO, true});
		e->ptr = h->ptr;
		return true;
	default: /* a number from the wire: source quench, redirect, unknown */
		return false;
	}
}

static bool classify6(const struct icmp6 *h, struct inet_err *e)
{
	switch (h->type) {
	case ICMP6_UNREACHABLE:
		mean(e, h->code == ICMP6_UNREACH_PORT ? INET_ERR_PORT : INET_ERR_UNREACHABLE,
		     unreachable6(h->code));
		return true;
	case ICMP6_TOO_BIG:
		if (h->mtu < IP6_MIN_MTU) /* no link has it: discarded (RFC 8201 4) */
			return false;
		mean(e, INET_ERR_TOO_BIG, (struct meaning){EMSGSIZE, false});
		e->mtu = h->mtu;
		return true;
	case ICMP6_TIME_EXCEEDED:
		mean(e, INET_ERR_TIME, (struct meaning){EHOSTUNREACH, false});
		return true;
	case ICMP6_PARAM_PROBLEM:
		mean(e, h->code == ICMP6_PARAM_NEXT ? INET_ERR_PORT : INET_ERR_PARAM,
		     (struct meaning){EPROTO, true});
		e->ptr = h->ptr;
		return true;
	default: /* a number from the wire */
		return false;
	}
}

/* Has the quote what the transport needs to find and check its flow? */
static bool quote_useful(const struct quote *q)
{
	return !q->fragment && q->has_ports && (q->proto != PROTO_TCP || q->has_tcp_seq);
}

static void fill_flow(struct inet_err *e, const struct quote *q, struct view packet)
{
	e->quoted = view_skip(packet, min_size(q->upper_off, packet.len));
	e->src = q->src;
	e->dst = q->dst;
	e->sport = q->sport;
	e->dport = q->dport;
	e->tcp_seq = q->tcp_seq;
}

static enum drop_reason give(struct stack *s, const struct ip_rx *rx, const struct quote *q,
			     struct view packet, struct inet_err *e)
{
	const struct inet_proto *ops = s->inet->protos[q->proto];

	/* It went back to who sent the packet, or it is made up. */
	if (!ipaddr_eq(&q->src, &rx->in.dst))
		return DROP_ICMP_MALFORMED;
	if (!quote_useful(q) || !ops)
		return DROP_ICMP_IGNORED;
	fill_flow(e, q, packet);
	e->from = rx->in.src;
	e->iface = rx->in.iface;
	if (rx->in.foreign) {
		if (!ops->claim_error || !ops->claim_error(s, e))
			return DROP_ICMP_IGNORED;
	} else {
		if (!ops->error)
			return DROP_ICMP_IGNORED;
		ops->error(s, e);
	}
	s->inet->cnt[rx->v6].err_in++;
	return DROP_COUNT;
}

enum drop_reason icmp4_error_input(struct stack *s, const struct ip_rx *rx, struct mbuf *m)
{
	struct inet_err e = {0};
	struct icmp4 h;
	struct quote q;

	if (mbuf_pull(m, min_u32(mbuf_len(m), QUOTE_PULL)) < 0)
		return DROP_MBUF_PULL;
	if (icmp4_parse(&h, mbuf_view(m), false) < 0 || quote_parse4(&q, h.body) < 0)
		return DROP_ICMP_MALFORMED;
	e.type = h.type;
	e.code = h.code;
	if (!classify4(&h, &q, &e))
		return DROP_ICMP_IGNORED;
	return give(s, rx, &q, h.body, &e);
}

enum drop_reason icmp6_error_input(struct stack *s, const struct ip_rx *rx, struct mbuf *m)
{
	struct inet_err e = {0};
	struct icmp6 h;
	struct quote q;

	if (mbuf_pull(m, min_u32(mbuf_len(m), QUOTE_PULL)) < 0)
		return DROP_MBUF_PULL;
	if (icmp6_parse(&h, mbuf_view(m), &rx->in.src, &rx->in.dst, false) < 0 ||
	    quote_parse6(&q, h.body) < 0)
		return DROP_ICMP_MALFORMED;
	e.type = h.type;
	e.code = h.code;
	if (!classify6(&h, &e))
		return DROP_ICMP_IGNORED;
	return give(s, rx, &q, h.body, &e);
}

bool icmp_claim_error(struct stack *s, const struct ip_rx *rx, struct mbuf *m)
{
	if (rx->fragmented || mbuf_len(m) < ICMP4_HLEN || !icmp_csum_ok(m, rx))
		return false;
	if (!rx->v6)
		return icmp4_error_input(s, rx, m) == DROP_COUNT;
	return icmp6_is_error(mbuf_data(m)[0]) && icmp6_error_input(s, rx, m) == DROP_COUNT;
}

void icmp_unreachable_local(struct stack *s, unsigned iface, struct mbuf *m)
{
	bool v6 = mbuf_seg_len(m) > 0 && (mbuf_data(m)[0] >> 4) == 6;
	struct inet_err e = {.kind = INET_ERR_UNREACHABLE, .err = EHOSTUNREACH};
	const struct inet_proto *ops;
	struct quote q;
	bool ours;

	if ((v6 ? quote_parse6(&q, mbuf_view(m)) : quote_parse4(&q, mbuf_view(m))) < 0)
		return;
	ops = s->inet->protos[q.proto];
	ours = inet_addr_is_local(s, &q.src);
	e.type = v6 ? (uint8_t)ICMP6_UNREACHABLE : (uint8_t)ICMP4_UNREACHABLE;
	e.code = v6 ? (uint8_t)ICMP6_UNREACH_ADDRESS : (uint8_t)ICMP4_UNREACH_HOST;
	e.from = q.src;
	(void)addr_source_for(s, iface, &q.src, &e.from);
	e.iface = iface;
	fill_flow(&e, &q, mbuf_view(m));
	if (quote_useful(&q) && ops && ours && ops->error)
		ops->error(s, &e);
	else if (quote_useful(&q) && ops && !ours && ops->claim_error && ops->claim_error(s, &e))
		return;
	if (!ours)
		inet_error_output(s, m, INET_ERR_UNREACHABLE, e.code, 0);
}
