/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the internet layer up: local packets to their transport, foreign ones to interception. The
 * headers are cut off and stay in front of the data (meta.l3_off), so an ICMP error can quote them
 * and a packet that nobody claims gets them back.
 *
 * Called by ip4_input.c and ip6_input.c; consumes what it takes.
 */
#include "inet/state.h"

#include "wire/icmp4.h"
#include "wire/icmp6.h"

/* What a transport may read without a look at segments: see struct inet_proto. */
#define CONTIGUOUS 60u

/* Cut the headers off and make the transport's contiguous. */
static bool strip(struct mbuf *m, const struct ip_rx *rx)
{
	m->meta.l3_off = mbuf_here(m);
	mbuf_trim_head(m, rx->upper_off);
	m->meta.l4_off = mbuf_here(m);
	return mbuf_pull(m, min_u32(mbuf_len(m), CONTIGUOUS)) == 0;
}

/* RFC 1122 3.2.2.1, RFC 8200 4.1: nobody handles the protocol. */
static void no_proto(struct stack *s, const struct ip_rx *rx, mbuf_own in)
{
	if (!rx->v6)
		inet_error_output(s, in.m, INET_ERR_PORT, ICMP4_UNREACH_PROTO, 0);
	else if (rx->in.proto != PROTO_NONE)
		inet_error_output(s, in.m, INET_ERR_PARAM, ICMP6_PARAM_NEXT,
				  (uint32_t)rx->next_off);
	mbuf_drop_own(in, DROP_IP_NO_PROTO);
}

void inet_deliver(struct stack *s, struct ip_rx *rx, mbuf_own in)
{
	const struct inet_proto *ops = s->inet->protos[rx->in.proto];
	MBUF(m, in);

	if (!strip(m, rx)) {
		mbuf_drop(&m, DROP_MBUF_PULL);
		return;
	}
	s->inet->cnt[rx->v6].delivered++;
	if (LIKELY(ops))
		ops->input(s, &rx->in, mbuf_move(&m));
	else if (rx->in.proto == PROTO_ICMP4 && !rx->v6)
		icmp4_input(s, rx, mbuf_move(&m));
	else if (rx->in.proto == PROTO_IGMP && !rx->v6)
		igmp_input(s, rx, mbuf_move(&m));
	else if (rx->in.proto == PROTO_ICMP6 && rx->v6)
		icmp6_input(s, rx, mbuf_move(&m));
	else
		no_proto(s, rx, mbuf_move(&m));
}

bool inet_make_writable(struct stack *s, struct mbuf **mp, enum mbuf_prio prio)
{
	mbuf_own copy;

	if (LIKELY(mbuf_writable(*mp)))
		return true;
	copy = mbuf_copy(s->pool, *mp, 0, mbuf_len(*mp), prio);
	if (!copy.m) {
		mbuf_drop(mp, DROP_NOBUF);
		return false;
	}
	copy.m->meta.l2_flags = (*mp)->meta.l2_flags;
	mbuf_done(mp);
	*mp = copy.m;
	return true;
}

static bool is_icmp(const struct ip_rx *rx)
{
	return rx->in.proto == (rx->v6 ? PROTO_ICMP6 : PROTO_ICMP4);
}

bool inet_claim(struct stack *s, struct ip_rx *rx, struct mbuf **mp)
{
	const struct inet_proto *ops = s->inet->protos[rx->in.proto];
	bool claims = ops && ops->claim;
	struct mbuf *m;

	if (!inet_make_writable(s, mp, MBUF_PRIO_BULK))
		return true;
	if (!claims && !is_icmp(rx))
		return false;
	m = *mp;
	rx->in.foreign = true;
	if (!strip(m, rx)) {
		mbuf_drop(mp, DROP_NOBUF);
		return true;
	}
	if (claims && ops->claim(s, &rx->in, m)) {
		s->inet->cnt[rx->v6].claimed++;
		ops->input(s, &rx->in, mbuf_move(mp));
		return true;
	}
	if (!claims && icmp_claim_error(s, rx, m)) {
		mbuf_done(mp);
		return true;
	}
	MUST(mbuf_prepend(m, rx->upper_off) != NULL); /* the bytes are where strip() left them */
	return false;
}
