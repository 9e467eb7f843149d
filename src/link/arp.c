/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ARP: answers for our own addresses, asks for neighbours, and learns. Hosts that ask for us are
 * entered into the cache (we are about to answer them and they to send); everything else only
 * updates entries that exist, so that announcements nobody asked for fill nothing. A claim to an
 * address of ours changes nothing here: it is counted and answered by an announcement.
 *
 * Called by link input and the neighbour cache, on the worker's thread.
 */
#include "link/arp.h"

#include "link/link.h"
#include "link/neigh.h"
#include "wire/arp.h"

/* RFC 5227 2.4 b, DEFEND_INTERVAL: answer conflicts about an address at most this often. */
#define DEFEND_NS (10 * UINT64_C(1000000000))

static void arp_output(struct stack *s, unsigned iface, const struct ethaddr *to,
		       const struct arp *a)
{
	mbuf_own own = mbuf_alloc(s->pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_TX);
	uint8_t *p;

	if (!own.m) {
		mbuf_pool_count_drop(s->pool, DROP_NOBUF);
		return;
	}
	p = mbuf_append(own.m, ARP_LEN);
	MUST(p != NULL); /* an empty buffer holds 28 bytes */
	arp_emit(p, a);
	link_output(s, iface, to, ETHERTYPE_ARP, own);
}

void arp_request(struct stack *s, unsigned iface, const struct ipaddr *target,
		 const struct ethaddr *mac)
{
	const struct iface *ifc = link_iface(s, iface);
	struct ethaddr to = mac ? *mac : ethaddr_broadcast();
	struct arp a = {.op = ARP_REQUEST, .tpa = ipaddr_to_v4(target)};
	struct ipaddr src;

	if (!ifc)
		return;
	a.sha = ifc->mac;
	/* Without an address of our own it is an RFC 5227 probe: it is answered, and teaches
	 * nobody. */
	if (s->link->upper->source_for(s, iface, target, &src))
		a.spa = ipaddr_to_v4(&src);
	s->link->cnt.arp_request_out++;
	arp_output(s, iface, &to, &a);
}

void arp_announce(struct stack *s, unsigned iface, const struct ipaddr *addr)
{
	const struct iface *ifc = link_iface(s, iface);
	struct ethaddr to = ethaddr_broadcast();
	struct arp a = {.op = ARP_REQUEST, .spa = ipaddr_to_v4(addr), .tpa = ipaddr_to_v4(addr)};

	if (!ifc)
		return;
	a.sha = ifc->mac;
	s->link->cnt.arp_announce++;
	arp_output(s, iface, &to, &a);
}

static void arp_reply(struct stack *s, unsigned iface, const struct arp *q)
{
	const struct iface *ifc = link_iface(s, iface);
	struct arp a = {
		.op = ARP_REPLY, .sha = ifc->mac, .spa = q->tpa, .tha = q->sha, .tpa = q->spa};

	s->link->cnt.arp_reply_out++;
	arp_output(s, iface, &q->sha, &a);
}

/* May these addresses be in an ARP packet of a host? An unspecified sender is a probe. */
static bool addresses_ok(const struct arp *a)
{
	struct ipaddr spa = ipaddr_v4(a->spa);

	if (ethaddr_is_multicast(&a->sha) || ethaddr_is_zero(&a->sha))
		return false;
	if (a->spa == 0)
		return a->op == ARP_REQUEST;
	return !ipaddr_is_bad_source(&spa);
}

/* Somebody else claims an address of ours: keep it (RFC 5227 2.4 b). */
static void defend(struct stack *s, unsigned iface, const struct ipaddr *addr)
{
	struct link *l = s->link;
	uint64_t *not_before =
		&l->defend_ns[hash_addr_u32(&s->hash_key, addr, iface) % LINK_DEFENCES];

	l->cnt.arp_conflict++;
	/* Two that share a place share its time: so the answers are bounded whatever is claimed. */
	if (s->now_ns < *not_before)
		return;
	*not_before = s->now_ns + DEFEND_NS;
	arp_announce(s, iface, addr);
}

/* Update what is known of the sender; enter it when it asked for us. False: nothing to learn. */
static bool arp_learn(struct stack *s, unsigned iface, const struct arp *a, bool asked_us,
		      bool answers_us)
{
	struct ipaddr spa = ipaddr_v4(a->spa);
	struct neigh *n = neigh_find(s, iface, &spa);

	if (!n && asked_us && s->link->upper->is_onlink(s, iface, &spa))
		n = neigh_get_passive(s, iface, &spa);
	if (!n)
		return false;
	if (answers_us &&
	    (n->state == NEIGH_INCOMPLETE || n->state == NEIGH_DELAY || n->state == NEIGH_PROBE))
		neigh_on_advert(s, n, &a->sha, NEIGH_SOLICITED | NEIGH_OVERRIDE);
	else if (asked_us)
		neigh_on_solicit(s, n, &a->sha);
	else
		neigh_on_advert(s, n, &a->sha, NEIGH_OVERRIDE);
	return true;
}

/* Act on it. Returns why it is dropped, DROP_COUNT when it was of use. */
static enum drop_reason arp_handle(struct stack *s, unsigned iface, const struct arp *a,
				   const struct mbuf *m)
{
	const struct link_upper *up = s->link->upper;
	const struct iface *ifc = link_iface(s, iface);
	struct ipaddr spa = ipaddr_v4(a->spa), tpa = ipaddr_v4(a->tpa);
	bool for_us, learned = false;

	if (a->op != ARP_REQUEST && a->op != ARP_REPLY)
		return DROP_ARP_IGNORED;
	if (!addresses_ok(a))
		return DROP_ARP_MALFORMED;
	if (a->op == ARP_REQUEST)
		s->link->cnt.arp_request_in++;
	else
		s->link->cnt.arp_reply_in++;
	if (ethaddr_eq(&a->sha, &ifc->mac))
		return DROP_ARP_IGNORED; /* our own, come back */
	if (a->spa != 0 && up->is_own(s, iface, &spa)) {
		defend(s, iface, &spa);
		return DROP_ARP_IGNORED;
	}
	for_us = up->is_own(s, iface, &tpa);
	if (a->spa != 0)
		learned = arp_learn(s, iface, a, for_us && a->op == ARP_REQUEST,
				    for_us && a->op == ARP_REPLY && m->meta.l2_flags == 0);
	if (for_us && a->op == ARP_REQUEST) {
		arp_reply(s, iface, a);
		return DROP_COUNT;
	}
	return learned ? DROP_COUNT : DROP_ARP_IGNORED;
}

void arp_input(struct stack *s, unsigned iface, mbuf_own in)
{
	enum drop_reason why = DROP_ARP_MALFORMED;
	MBUF(m, in);
	struct arp a;

	if (mbuf_pull(m, ARP_LEN) == 0 && arp_parse(&a, mbuf_view(m)) == 0)
		why = arp_handle(s, iface, &a, m);
	if (why == DROP_COUNT)
		mbuf_done(&m);
	else
		mbuf_drop(&m, why);
}
