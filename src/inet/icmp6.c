/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMPv6 in (RFC 4443): echo requests are answered, errors go to the transport of the packet that
 * they quote, neighbour discovery and MLD to nd.c and mld.c. Echo requests to groups are not
 * answered: RFC 4443 4.2 allows it, and it spares the victim of a forged source.
 *
 * Called by deliver.c with a packet that begins at the ICMPv6 header; consumes it.
 */
#include "inet/state.h"

#include "wire/icmp6.h"

/* The longest message that is looked at as a whole: neighbour discovery with all its options. */
#define ND_PULL 1500u

static void echo(struct stack *s, const struct ip_rx *rx, mbuf_own in)
{
	struct inet_out out = {.src = rx->in.dst,
			       .dst = rx->in.src,
			       .proto = PROTO_ICMP6,
			       .tos = rx->in.tos & 0xfc,
			       .zone = inet_zone(rx->in.iface)};
	MBUF(m, in);

	s->inet->cnt[1].echo_in++;
	if (!inet_make_writable(s, &m, MBUF_PRIO_CTL))
		return;
	icmp6_echo_reply(mbuf_data(m));
	m->meta.csum = MBUF_CSUM_NONE;
	m->meta.gso_size = 0;
	mbuf_mark(m, MBUF_TX);
	s->inet->cnt[1].echo_out++;
	(void)inet_output(s, mbuf_move(&m), &out, NULL);
}

static enum drop_reason other(struct stack *s, const struct ip_rx *rx, const struct icmp6 *h,
			      struct mbuf *m)
{
	if (icmp6_is_error(h->type))
		return rx->in.multicast ? DROP_ICMP_IGNORED : icmp6_error_input(s, rx, m);
	if (h->type != ICMP6_MLD_QUERY && h->type != ICMP6_MLD_REPORT && !icmp6_is_nd(h->type))
		return DROP_ICMP_IGNORED;
	if (rx->loop || mbuf_len(m) > ND_PULL || mbuf_pull(m, mbuf_len(m)) < 0)
		return DROP_ND_MALFORMED;
	if (h->type == ICMP6_MLD_QUERY)
		return mld_query_input(s, rx, mbuf_view(m));
	if (h->type == ICMP6_MLD_REPORT)
		return mld_report_input(s, rx, mbuf_view(m));
	return nd_input(s, rx, mbuf_view(m));
}

void icmp6_input(struct stack *s, const struct ip_rx *rx, mbuf_own in)
{
	enum drop_reason why = DROP_ICMP_MALFORMED;
	struct icmp6 h;
	MBUF(m, in);

	if (mbuf_len(m) < ICMP6_HLEN || !icmp_csum_ok(m, rx) ||
	    icmp6_parse(&h, mbuf_view(m), &rx->in.src, &rx->in.dst, false) < 0)
		goto drop;
	if (h.type == ICMP6_ECHO_REQUEST && !rx->in.multicast) {
		echo(s, rx, mbuf_move(&m));
		return;
	}
	why = other(s, rx, &h, m);
	if (why == DROP_COUNT) {
		mbuf_done(&m);
		return;
	}
drop:
	mbuf_drop(&m, why);
}
