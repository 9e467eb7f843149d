/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multicast listener reports (RFC 3810), so that switches that listen in let neighbour
 * solicitations through: one report of all our groups with each announcement of an address, and
 * after a query, put off at random as it asks. Only version 2: a router of version 1 alone hears
 * nothing. IPv4 needs no IGMP: we are in no group but 224.0.0.1.
 *
 * Called by addr.c and icmp6.c on the worker's thread.
 */
#include "inet/state.h"

#include "wire/icmp6.h"
#include "wire/nd.h"

#define MLD_HOPS     1u
#define REPORT_HLEN  8u
#define RECORD_LEN   20u
#define TO_EXCLUDE   4u /* record type: we are in it, whoever sends */
#define QUERY_V1_LEN 24u
#define QUERY_GROUP  8u
#define MAX_GROUPS   (INET_ADDRS_PER_IFACE + 1)
#define MS_NS        UINT64_C(1000000)

static unsigned add_group(struct ipaddr *groups, unsigned n, const struct ipaddr *group)
{
	for (unsigned i = 0; i < n; i++)
		if (ipaddr_eq(&groups[i], group))
			return n;
	groups[n] = *group;
	return n + 1;
}

/* All but ff02::1, which is never reported (RFC 3810 6). */
static unsigned collect(const struct stack *s, unsigned iface, struct ipaddr *groups)
{
	const struct inet_iface *ii = &s->inet->ifaces[iface];
	struct ipaddr routers = nd_all_routers();
	unsigned n = 0;

	for (unsigned i = 0; i < ii->n_addrs; i++) {
		struct ipaddr g = nd_solicited_node(&ii->addrs[i]->addr);

		if (!ipaddr_is_v4(&ii->addrs[i]->addr))
			n = add_group(groups, n, &g);
	}
	return s->inet->forward6 ? add_group(groups, n, &routers) : n;
}

static void emit(uint8_t *p, const struct ipaddr *groups, unsigned n, const struct ipaddr *src,
		 const struct ipaddr *dst)
{
	uint32_t len = REPORT_HLEN + n * RECORD_LEN;

	memset(p, 0, len);
	p[0] = ICMP6_MLD2_REPORT;
	store_be16(p + 6, (uint16_t)n);
	for (unsigned i = 0; i < n; i++) {
		uint8_t *r = p + REPORT_HLEN + (size_t)i * RECORD_LEN;

		r[0] = TO_EXCLUDE;
		memcpy(r + 4, groups[i].b, 16);
	}
	store_native16(p + 2,
		       csum_fold(csum_partial(p, len, csum_pseudo(src, dst, PROTO_ICMP6, len))));
}

void mld_report(struct stack *s, unsigned iface)
{
	/* ff02::16, all MLDv2 routers */
	struct ip6_direct d = {
		.dst = {.b = {0xff, 2, [15] = 0x16}}, .hops = MLD_HOPS, .router_alert = true};
	struct ipaddr groups[MAX_GROUPS];
	unsigned n = collect(s, iface, groups);
	struct ethaddr mac = eth_multicast(&d.dst);
	uint8_t *p;

	if (n == 0 || !addr_source_for(s, iface, &d.dst, &d.src))
		return;
	MBUF(m, mbuf_alloc(s->pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_TX));
	if (!m) {
		mbuf_pool_count_drop(s->pool, DROP_NOBUF);
		return;
	}
	p = mbuf_append(m, REPORT_HLEN + n * RECORD_LEN);
	MUST(p != NULL);
	emit(p, groups, n, &d.src, &d.dst);
	s->inet->cnt[1].mld_report_out++;
	ip6_output_direct(s, iface, &mac, &d, mbuf_move(&m));
}

void mld_timer(void *ctx, struct wheel_timer *t)
{
	struct inet_iface *ii = CONTAINER_OF(t, struct inet_iface, mld_timer);
	struct stack *s = ctx;

	mld_report(s, (unsigned)(ii - s->inet->ifaces));
}

/* RFC 3810 5.1.3: large values are a mantissa and an exponent. */
static uint32_t max_delay_ms(uint16_t code)
{
	if (code < 32768)
		return code;
	return (uint32_t)((code & 0x0fff) | 0x1000) << (((code >> 12) & 7) + 3);
}

enum drop_reason mld_query_input(struct stack *s, const struct ip_rx *rx, struct view v)
{
	struct inet_iface *ii = &s->inet->ifaces[rx->in.iface];
	struct ipaddr group;
	uint64_t at;

	if (v.len < QUERY_V1_LEN || rx->in.ttl != MLD_HOPS || !ipaddr_is_link_local(&rx->in.src))
		return DROP_ND_MALFORMED; /* RFC 3810 5.1.14, 6.2 */
	group = ipaddr_v6(v.p + QUERY_GROUP);
	if (!ipaddr_is_unspecified(&group) && !nd_group_joined(s, rx->in.iface, &group))
		return DROP_ND_IGNORED;
	at = s->now_ns + stack_random_u32(s) % (max_delay_ms(load_be16(v.p + 4)) + 1) * MS_NS;
	if (!wheel_armed(&ii->mld_timer) || ii->mld_timer.expires_ns > at)
		wheel_arm(&s->wheel, &ii->mld_timer, at);
	return DROP_COUNT;
}
