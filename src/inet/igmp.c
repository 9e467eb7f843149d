/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IGMP as a host: version 3 (RFC 3376) and, while such a router is heard, 2 (RFC 2236) and 1
 * (RFC 1112). When to say what is group_report.c's.
 *
 * Called by deliver.c with a packet that begins at the IGMP header, and by group_report.c.
 */
#include "inet/group.h"
#include "inet/state.h"

#include "wire/igmp.h"

#include <string.h>

#define IGMP_TTL        1u
#define TOS_CONTROL     0xc0u /* RFC 3376 4 */
#define GROUP_ALL_HOSTS 0xe0000001u
#define GROUP_ROUTERS   0xe0000002u
#define GROUP_IGMP3     0xe0000016u /* 224.0.0.22 */

static void send(struct stack *s, unsigned iface, const struct ipaddr *dst, mbuf_own in)
{
	/* RFC 2113 */
	static const uint8_t alert[4] = {IP4_OPT_RA, 4, 0, 0};
	struct ip4 h = {.tos = TOS_CONTROL,
			.ttl = IGMP_TTL,
			.proto = PROTO_IGMP,
			.df = true,
			.opts_len = sizeof(alert),
			.opts = alert,
			.src = ipaddr_any4(), /* RFC 3376 4.2.13: when there is none */
			.dst = *dst};
	struct ethaddr mac = eth_multicast(dst);
	MBUF(m, in);
	uint8_t *p;

	(void)addr_source_for(s, iface, dst, &h.src);
	h.total_len = (uint16_t)(mbuf_len(m) + IP4_HLEN + sizeof(alert));
	p = mbuf_prepend(m, IP4_HLEN + sizeof(alert));
	if (!p) {
		mbuf_drop(&m, DROP_NOBUF);
		return;
	}
	(void)ip4_emit(p, &h);
	s->inet->cnt[0].out++;
	s->inet->cnt[0].mld_report_out++;
	link_output(s, iface, &mac, ETHERTYPE_IP4, mbuf_move(&m));
}

void igmp_send_report(struct stack *s, unsigned iface, unsigned n_records, mbuf_own in)
{
	struct ipaddr dst = ipaddr_v4(GROUP_IGMP3);
	uint8_t *p = mbuf_data(in.m);

	p[0] = IGMP_V3_REPORT;
	store_be16(p + 6, (uint16_t)n_records);
	store_native16(p + 2, csum_fold(csum_partial(p, mbuf_len(in.m), 0)));
	send(s, iface, &dst, in);
}

void igmp_send_older(struct stack *s, const struct group *g, bool v1, bool leave)
{
	struct ipaddr dst = leave ? ipaddr_v4(GROUP_ROUTERS) : g->addr;
	mbuf_own m = mbuf_alloc(s->pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_TX);

	if (!m.m) {
		mbuf_pool_count_drop(s->pool, DROP_NOBUF);
		return;
	}
	igmp_emit_older(mbuf_append(m.m, IGMP_HLEN),
			leave ? IGMP_V2_LEAVE
			: v1  ? IGMP_V1_REPORT
			      : IGMP_V2_REPORT,
			&g->addr);
	send(s, g->iface, &dst, m);
}

/* RFC 3376 4.1.12, 9.1: from a neighbour, to all hosts or to the group. */
static bool query_ok(const struct ip_rx *rx, const struct igmp *h)
{
	if (rx->in.ttl != IGMP_TTL)
		return false;
	if (!ipaddr_is_unspecified(&h->group))
		return ipaddr_is_multicast(&h->group);
	return ipaddr_is_v4(&rx->in.dst) && ipaddr_to_v4(&rx->in.dst) == GROUP_ALL_HOSTS;
}

static enum drop_reason input(struct stack *s, const struct ip_rx *rx, const struct igmp *h)
{
	struct group_family *f = group_family_of(s, rx->in.iface, false);
	struct group_query q = {.group = h->group,
				.max_ms = h->max_ms,
				.version = h->version,
				.robustness = h->robustness,
				.n_sources = h->n_sources,
				.sources = h->sources};

	switch (h->type) {
	case IGMP_QUERY:
		if (!query_ok(rx, h))
			return DROP_IGMP_MALFORMED;
		group_query(s, f, &q);
		return DROP_COUNT;
	case IGMP_V1_REPORT:
	case IGMP_V2_REPORT:
		if (!ipaddr_eq(&h->group, &rx->in.dst))
			return DROP_IGMP_MALFORMED;
		group_heard(s, f, &h->group);
		return DROP_COUNT;
	default: /* a number from the wire: leaves, version 3 reports are for routers */
		return DROP_ICMP_IGNORED;
	}
}

void igmp_input(struct stack *s, const struct ip_rx *rx, mbuf_own in)
{
	enum drop_reason why = DROP_IGMP_MALFORMED;
	struct igmp h;
	MBUF(m, in);

	if (!rx->loop && rx->in.multicast && mbuf_pull(m, mbuf_len(m)) == 0 &&
	    igmp_parse(&h, mbuf_view(m)) == 0)
		why = input(s, rx, &h);
	if (why == DROP_COUNT)
		mbuf_done(&m);
	else
		mbuf_drop(&m, why);
}
