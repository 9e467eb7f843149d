/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an ICMP error says about the packet that caused it (RFC 1122 3.2.2, RFC 4443 2.4). Called by
 * inet. The flow that comes out must still be checked against real ones (RFC 5927 4).
 */
#include "wire/quote.h"

#include "base/endian.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

static void take_ports(struct quote *q, struct view v)
{
	if (v.len < 4)
		return;
	q->has_ports = true;
	q->sport = load_be16(v.p);
	q->dport = load_be16(v.p + 2);
	if (q->proto != PROTO_TCP || v.len < 8)
		return;
	q->has_tcp_seq = true;
	q->tcp_seq = load_be32(v.p + 4);
}

static void take_echo(struct quote *q, struct view v, uint8_t request, uint8_t reply)
{
	if (v.len < 8 || (v.p[0] != request && v.p[0] != reply))
		return;
	q->has_echo = true;
	q->echo_id = load_be16(v.p + 4);
	q->echo_seq = load_be16(v.p + 6);
}

/* v: what is left of the quote from the transport header on. */
static void take_transport(struct quote *q, struct view v)
{
	if (q->fragment)
		return;
	if (q->proto == PROTO_TCP || q->proto == PROTO_UDP)
		take_ports(q, v);
	else if (q->proto == PROTO_ICMP4)
		take_echo(q, v, ICMP4_ECHO_REQUEST, ICMP4_ECHO_REPLY);
	else if (q->proto == PROTO_ICMP6)
		take_echo(q, v, ICMP6_ECHO_REQUEST, ICMP6_ECHO_REPLY);
	else if (q->proto == PROTO_ESP && v.len >= 4) {
		q->has_spi = true;
		q->spi = load_be32(v.p);
	}
}

int quote_parse4(struct quote *q, struct view v)
{
	struct ip4 h;

	/* The packet was longer than its quote: its total length is not held against it. */
	if (ip4_parse_first(&h, v, IP4_TOTAL_MAX, false) < 0)
		return ICMP_EQUOTE;
	*q = (struct quote){
		.src = h.src,
		.dst = h.dst,
		.proto = h.proto,
		.fragment = h.frag_off_bytes != 0,
		.packet_len = h.total_len,
		.upper_off = h.ihl_bytes,
	};
	take_transport(q, ip4_payload(&h, v));
	return 0;
}

int quote_parse6(struct quote *q, struct view v)
{
	struct ip6_ext x;
	struct ip6 h;

	if (ip6_parse_first(&h, v, IP6_HLEN + IP6_PAYLOAD_MAX) < 0 ||
	    ip6_ext_parse(&x, &h, v, IP6_OBSERVER) < 0)
		return ICMP_EQUOTE;
	*q = (struct quote){
		.src = h.src,
		.dst = h.dst,
		.proto = x.proto,
		.fragment = x.frag_off_bytes != 0,
		.packet_len = IP6_HLEN + (uint32_t)h.payload_len,
		.upper_off = (uint16_t)x.upper_off,
	};
	take_transport(q, view_skip(view_first(v, q->packet_len), x.upper_off));
	return 0;
}
