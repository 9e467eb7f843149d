/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMP for IPv4 in (RFC 792, RFC 1122 3.2.2): echo requests are answered, errors go to the
 * transport of the packet that they quote. Requests to broadcast and multicast addresses are not
 * answered (RFC 1122 3.2.2.6 allows it; smurf). Source quench and redirects are ignored (RFC 6633,
 * RFC 1812 5.2.7.2), timestamp and the rest too.
 *
 * Called by deliver.c with a packet that begins at the ICMP header; consumes it.
 */
#include "inet/state.h"

#include "wire/icmp4.h"

bool icmp_csum_ok(const struct mbuf *m, const struct ip_rx *rx)
{
	uint32_t sum = 0;

	if (m->meta.csum != MBUF_CSUM_NONE)
		return true;
	if (rx->v6)
		sum = csum_pseudo(&rx->in.src, &rx->in.dst, PROTO_ICMP6, mbuf_len(m));
	return csum_fold(mbuf_csum(m, 0, mbuf_len(m), sum)) == 0;
}

/* The request becomes its reply in place; it goes back as long as it came. */
static void echo(struct stack *s, const struct ip_rx *rx, mbuf_own in)
{
	struct inet_out out = {.src = rx->in.dst,
			       .dst = rx->in.src,
			       .proto = PROTO_ICMP4,
			       .tos = rx->in.tos & 0xfc,
			       .zone = inet_zone(rx->in.iface)};
	MBUF(m, in);

	s->inet->cnt[0].echo_in++;
	if (!inet_make_writable(s, &m, MBUF_PRIO_CTL))
		return;
	icmp4_echo_reply(mbuf_data(m));
	m->meta.csum = MBUF_CSUM_NONE;
	m->meta.gso_size = 0;
	mbuf_mark(m, MBUF_TX);
	s->inet->cnt[0].echo_out++;
	(void)inet_output(s, mbuf_move(&m), &out, NULL);
}

static enum drop_reason other(struct stack *s, const struct ip_rx *rx, const struct icmp4 *h,
			      struct mbuf *m)
{
	if (h->type == ICMP4_REDIRECT)
		s->inet->cnt[0].redirect_in++;
	/* RFC 1122 3.2.2.4 and others speak of errors for us alone. */
	if (rx->in.multicast || !icmp4_is_error(h->type))
		return DROP_ICMP_IGNORED;
	return icmp4_error_input(s, rx, m);
}

void icmp4_input(struct stack *s, const struct ip_rx *rx, mbuf_own in)
{
	enum drop_reason why = DROP_ICMP_MALFORMED;
	struct icmp4 h;
	MBUF(m, in);

	if (mbuf_len(m) < ICMP4_HLEN || !icmp_csum_ok(m, rx) ||
	    icmp4_parse(&h, mbuf_view(m), false) < 0)
		goto drop;
	if (h.type == ICMP4_ECHO_REQUEST && !rx->in.multicast) {
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
