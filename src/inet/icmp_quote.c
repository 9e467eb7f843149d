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

static int unreachable4_errno(uint8_t code)
{
	switch (code) {
	case ICMP4_UNREACH_NET:
	case ICMP4_UNREACH_NET_UNKNOWN:
	case ICMP4_UNREACH_NET_PROHIBITED:
	case ICMP4_UNREACH_NET_TOS:
		return ENETUNREACH;
	case ICMP4_UNREACH_PROTO:
		return ENOPROTOOPT;
	case ICMP4_UNREACH_PORT:
		return ECONNREFUSED;
	case ICMP4_UNREACH_FRAG_NEEDED:
		return EMSGSIZE;
	default: /* a number from the wire, not an enum */
		return EHOSTUNREACH;
	}
}

static bool classify4(const struct icmp4 *h, const struct quote *q, struct inet_err *e)
{
	switch (h->type) {
	case ICMP4_UNREACHABLE:
		e->err = unreachable4_errno(h->code);
		e->kind = INET_ERR_UNREACHABLE;
		if (h->code == ICMP4_UNREACH_PORT || h->code == ICMP4_UNREACH_PROTO)
			e->kind = INET_ERR_PORT;
		if (h->code != ICMP4_UNREACH_FRAG_NEEDED)
			return true;
		e->kind = INET_ERR_TOO_BIG;
		e->mtu = max_u32(h->mtu ? h->mtu : plateau_below(q->packet_len), PMTU_FLOOR4);
		return true;
	case ICMP4_TIME_EXCEEDED:
		e->kind = INET_ERR_TIME;
		e->err = EHOSTUNREACH;
		return true;
	case ICMP4_PARAM_PROBLEM:
		e->kind = INET_ERR_PARAM;
		e->err = EPROTO;
		return true;
	default: /* a number from the wire: source quench, redirect, unknown */
		return false;
	}
}

static bool classify6(const struct icmp6 *h, struct inet_err *e)
{
	switch (h->type) {
	case ICMP6_UNREACHABLE:
		e->kind = h->code == ICMP6_UNREACH_PORT ? INET_ERR_PORT : INET_ERR_UNREACHABLE;
		e->err = h->code == ICMP6_UNREACH_PORT       ? ECONNREFUSED
			 : h->code == ICMP6_UNREACH_NO_ROUTE ? ENETUNREACH
							     : EHOSTUNREACH;
		return true;
	case ICMP6_TOO_BIG:
		if (h->mtu < IP6_MIN_MTU) /* no link has it: discarded (RFC 8201 4) */
			return false;
		e->kind = INET_ERR_TOO_BIG;
		e->err = EMSGSIZE;
		e->mtu = h->mtu;
		return true;
	case ICMP6_TIME_EXCEEDED:
		e->kind = INET_ERR_TIME;
		e->err = EHOSTUNREACH;
		return true;
	case ICMP6_PARAM_PROBLEM:
		e->kind = h->code == ICMP6_PARAM_NEXT ? INET_ERR_PORT : INET_ERR_PARAM;
		e->err = h->code == ICMP6_PARAM_NEXT ? ENOPROTOOPT : EPROTO;
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

static void fill_flow(struct inet_err *e, const struct quote *q)
{
	e->src = q->src;
	e->dst = q->dst;
	e->sport = q->sport;
	e->dport = q->dport;
	e->tcp_seq = q->tcp_seq;
}

static enum drop_reason give(struct stack *s, const struct ip_rx *rx, const struct quote *q,
			     struct inet_err *e)
{
	const struct inet_proto *ops = s->inet->protos[q->proto];

	/* It went back to who sent the packet, or it is made up. */
	if (!ipaddr_eq(&q->src, &rx->in.dst))
		return DROP_ICMP_MALFORMED;
	if (!quote_useful(q) || !ops)
		return DROP_ICMP_IGNORED;
	fill_flow(e, q);
	e->from = rx->in.src;
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
	return give(s, rx, &q, &e);
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
	return give(s, rx, &q, &e);
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
	fill_flow(&e, &q);
	if (quote_useful(&q) && ops && ours && ops->error)
		ops->error(s, &e);
	else if (quote_useful(&q) && ops && !ours && ops->claim_error && ops->claim_error(s, &e))
		return;
	if (!ours)
		inet_error_output(s, m, INET_ERR_UNREACHABLE, e.code, 0);
}
