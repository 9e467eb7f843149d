/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Neighbour discovery (RFC 4861, RFC 6980): solicitations for our addresses are answered, those of
 * hosts that test an address of ours for uniqueness too (RFC 4862 5.4.3), advertisements go to the
 * neighbour cache. Advertisements update entries that exist, only who asks for us is entered; a
 * claim to an address of ours is counted and changes nothing, unless that one is still being tested
 * (dad.c). Router advertisements and redirects are for interfaces where we are a host (host.c).
 *
 * Called by icmp6.c with checked messages, by addr.c and the neighbour cache to send.
 */
#include "inet/host.h"
#include "inet/state.h"

#include "link/neigh.h"
#include "wire/nd.h"

/* ---- out ---- */

static mbuf_own message(struct stack *s, const struct nd *n, const struct ipaddr *src,
			const struct ipaddr *dst)
{
	MBUF(m, mbuf_alloc(s->pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_TX));
	uint8_t *p;
	size_t len;

	if (!m) {
		mbuf_pool_count_drop(s->pool, DROP_NOBUF);
		return MBUF_NULL;
	}
	p = mbuf_append(m, ND_EMIT_MAX);
	MUST(p != NULL); /* an empty buffer holds it */
	len = nd_emit(p, ND_EMIT_MAX, n, src, dst);
	mbuf_trim_to(m, (uint32_t)len);
	return mbuf_move(&m);
}

/* To a link address; mac NULL: that of the group dst. */
static void send(struct stack *s, unsigned iface, const struct nd *n, const struct ipaddr *src,
		 const struct ipaddr *dst, const struct ethaddr *mac)
{
	struct ip6_direct d = {.src = *src, .dst = *dst, .hops = ND_HOP_LIMIT};
	struct ethaddr group = mac ? *mac : eth_multicast(dst);
	mbuf_own m = message(s, n, src, dst);

	if (m.m)
		ip6_output_direct(s, iface, &group, &d, m);
}

void nd_solicit(struct stack *s, unsigned iface, const struct ipaddr *target,
		const struct ethaddr *mac)
{
	const struct iface *ifc = link_iface(s, iface);
	struct nd n = {.type = ICMP6_NS, .target = *target, .has_slla = true};
	struct ipaddr src, dst = mac ? *target : nd_solicited_node(target);

	if (!ifc || !addr_source_for(s, iface, target, &src))
		return;
	n.slla = ifc->mac;
	s->inet->cnt[1].nd_solicit_out++;
	send(s, iface, &n, &src, &dst, mac);
}

/* RFC 4862 5.4.2, RFC 7527 4.1: from nobody, with a nonce to know it again. */
void nd_probe(struct stack *s, const struct inet_addr *ia)
{
	struct nd n = {.type = ICMP6_NS, .target = ia->addr, .has_nonce = true};
	struct ipaddr src = ipaddr_any6(), dst = nd_solicited_node(&ia->addr);

	memcpy(n.nonce, ia->nonce, sizeof(n.nonce));
	s->inet->cnt[1].nd_solicit_out++;
	send(s, ia->iface, &n, &src, &dst, NULL);
}

/* RFC 4861 6.3.7 */
void nd_solicit_routers(struct stack *s, unsigned iface)
{
	const struct iface *ifc = link_iface(s, iface);
	struct nd n = {.type = ICMP6_RS};
	struct ipaddr src = ipaddr_any6(), dst = nd_all_routers();

	n.has_slla = addr_link_local(s, iface, &src);
	n.slla = ifc->mac;
	s->inet->cnt[1].rs_out++;
	send(s, iface, &n, &src, &dst, NULL);
}

static struct nd advert(struct stack *s, const struct iface *ifc, const struct ipaddr *target)
{
	return (struct nd){.type = ICMP6_NA,
			   .router = s->inet->forward6,
			   .override = true,
			   .target = *target,
			   .has_tlla = true,
			   .tlla = ifc->mac};
}

void nd_announce(struct stack *s, unsigned iface, const struct ipaddr *addr)
{
	const struct iface *ifc = link_iface(s, iface);
	struct ipaddr dst = nd_all_nodes();
	struct nd n;

	if (!ifc)
		return;
	n = advert(s, ifc, addr);
	s->inet->cnt[1].nd_advert_out++;
	send(s, iface, &n, addr, &dst, NULL);
}

/* Answer a solicitation of src, at mac when it said so (RFC 4861 7.2.4). */
static void answer(struct stack *s, unsigned iface, const struct ipaddr *target,
		   const struct ipaddr *src, const struct ethaddr *mac)
{
	struct nd n = advert(s, link_iface(s, iface), target);
	struct inet_out out = {.src = *target,
			       .dst = *src,
			       .proto = PROTO_ICMP6,
			       .ttl = ND_HOP_LIMIT,
			       .zone = inet_zone(iface)};
	mbuf_own m;

	n.solicited = true;
	s->inet->cnt[1].nd_advert_out++;
	if (mac) {
		send(s, iface, &n, target, src, mac);
		return;
	}
	m = message(s, &n, target, src);
	if (m.m)
		(void)inet_output(s, m, &out, NULL);
}

/* ---- in ---- */

/* RFC 4862 5.4.3: somebody tests the address that we test. Who only asks for it gets no answer. */
static enum drop_reason solicit_tentative(struct stack *s, const struct ip_rx *rx,
					  const struct nd *n)
{
	struct inet_addr *ia = addr_on(s, rx->in.iface, &n->target);

	if (!ia || ia->state != ADDR_TENTATIVE || !ipaddr_is_unspecified(&rx->in.src))
		return DROP_ND_IGNORED;
	if (n->has_nonce && memcmp(n->nonce, ia->nonce, sizeof(ia->nonce)) == 0)
		return DROP_ND_IGNORED; /* our own, looped back */
	dad_conflict(s, ia);
	return DROP_COUNT;
}

static enum drop_reason solicit_input(struct stack *s, const struct ip_rx *rx, const struct nd *n)
{
	const struct ethaddr *mac =
		n->has_slla && !ethaddr_is_multicast(&n->slla) ? &n->slla : NULL;
	unsigned iface = rx->in.iface;
	struct neigh *nb;

	if (!addr_is_own_on(s, iface, &n->target))
		return solicit_tentative(s, rx, n);
	s->inet->cnt[1].nd_solicit_in++;
	if (ipaddr_is_unspecified(&rx->in.src)) { /* somebody wants our address: it is taken */
		nd_announce(s, iface, &n->target);
		return DROP_COUNT;
	}
	if (mac) {
		nb = addr_is_onlink(s, iface, &rx->in.src)
			     ? neigh_get_passive(s, iface, &rx->in.src)
			     : neigh_find(s, iface, &rx->in.src);
		if (nb)
			neigh_on_solicit(s, nb, mac);
	}
	answer(s, iface, &n->target, &rx->in.src, mac);
	return DROP_COUNT;
}

static enum drop_reason advert_input(struct stack *s, const struct ip_rx *rx, const struct nd *n)
{
	struct inet_addr *ia = addr_on(s, rx->in.iface, &n->target);
	unsigned flags = NEIGH_ADVERT;
	struct neigh *nb;

	if (ia && ia->state == ADDR_TENTATIVE) { /* RFC 4862 5.4.4 */
		dad_conflict(s, ia);
		return DROP_COUNT;
	}
	if (addr_is_own_on(s, rx->in.iface, &n->target)) {
		s->inet->cnt[1].nd_conflict++;
		return DROP_ND_IGNORED;
	}
	nb = neigh_find(s, rx->in.iface, &n->target);
	if (!nb || (n->has_tlla && ethaddr_is_multicast(&n->tlla)))
		return DROP_ND_IGNORED;
	flags |= (n->solicited ? NEIGH_SOLICITED : 0) | (n->override ? NEIGH_OVERRIDE : 0) |
		 (n->router ? NEIGH_ROUTER : 0);
	s->inet->cnt[1].nd_advert_in++;
	neigh_on_advert(s, nb, n->has_tlla ? &n->tlla : NULL, flags);
	return DROP_COUNT;
}

enum drop_reason nd_input(struct stack *s, const struct ip_rx *rx, struct view v)
{
	struct ip6 h = {.next_header = PROTO_ICMP6,
			.hop_limit = rx->in.ttl,
			.payload_len = (uint16_t)v.len,
			.src = rx->in.src,
			.dst = rx->in.dst};
	struct nd n;

	if (nd_parse(&n, v, &h, rx->fragmented) < 0)
		return DROP_ND_MALFORMED;
	if (n.type == ICMP6_NS)
		return solicit_input(s, rx, &n);
	if (n.type == ICMP6_NA)
		return advert_input(s, rx, &n);
	if (n.type == ICMP6_RA)
		return host_advert_input(s, rx, &n);
	if (n.type != ICMP6_REDIRECT)
		return DROP_ND_IGNORED; /* solicitations are for routers that advertise */
	s->inet->cnt[1].redirect_in++;
	return host_redirect_input(s, rx, &n);
}
