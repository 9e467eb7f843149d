/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multicast listener discovery as a host: version 2 (RFC 3810) and, while such a router is heard, 1
 * (RFC 2710). Switches that listen in need it for neighbour solicitations too. When to say what is
 * group_report.c's.
 *
 * Called by icmp6.c with checked messages, and by group_report.c.
 */
#include "inet/group.h"
#include "inet/state.h"

#include "wire/icmp6.h"
#include "wire/nd.h"

#define MLD_HOPS      1u
#define V1_LEN        24u
#define V2_HLEN       28u
#define OFF_CODE      4u
#define OFF_GROUP     8u
#define OFF_ROBUST    24u
#define OFF_N_SOURCES 26u

static void send(struct stack *s, unsigned iface, const struct ipaddr *dst, mbuf_own in)
{
	struct ip6_direct d = {.dst = *dst, .hops = MLD_HOPS, .router_alert = true};
	struct ethaddr mac = eth_multicast(dst);
	uint32_t len = mbuf_len(in.m);
	uint8_t *p = mbuf_data(in.m);

	/* RFC 3810 5.2.13: unspecified while the link-local one is tentative. */
	if (!addr_link_local(s, iface, &d.src))
		d.src = ipaddr_any6();
	store_native16(p + 2, 0);
	store_native16(p + 2,
		       csum_fold(csum_partial(p, len, csum_pseudo(&d.src, dst, PROTO_ICMP6, len))));
	s->inet->cnt[1].mld_report_out++;
	ip6_output_direct(s, iface, &mac, &d, in);
}

void mld_send_report(struct stack *s, unsigned iface, unsigned n_records, mbuf_own in)
{
	struct ipaddr dst = {.b = {0xff, 2, [15] = 0x16}}; /* all MLDv2 routers */
	uint8_t *p = mbuf_data(in.m);

	p[0] = ICMP6_MLD2_REPORT;
	store_be16(p + 6, (uint16_t)n_records);
	send(s, iface, &dst, in);
}

void mld_send_older(struct stack *s, const struct group *g, bool leave)
{
	struct ipaddr routers = nd_all_routers();
	mbuf_own m = mbuf_alloc(s->pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_TX);
	uint8_t *p;

	if (!m.m) {
		mbuf_pool_count_drop(s->pool, DROP_NOBUF);
		return;
	}
	p = mbuf_append(m.m, V1_LEN);
	memset(p, 0, V1_LEN);
	p[0] = leave ? ICMP6_MLD_DONE : ICMP6_MLD_REPORT;
	memcpy(p + OFF_GROUP, g->addr.b, sizeof(g->addr.b));
	send(s, g->iface, leave ? &routers : &g->addr, m);
}

/* RFC 3810 5.1.3: large values are a mantissa and an exponent. */
static uint32_t max_delay_ms(uint16_t code)
{
	if (code < 32768)
		return code;
	return (uint32_t)((code & 0x0fff) | 0x1000) << (((code >> 12) & 7) + 3);
}

/* RFC 3810 8.1: by length. */
static bool parse_query(struct group_query *q, struct view v)
{
	uint16_t code = load_be16(v.p + OFF_CODE);

	*q = (struct group_query){.group = ipaddr_v6(v.p + OFF_GROUP)};
	if (v.len == V1_LEN) {
		q->version = 2;
		q->max_ms = code;
		return true;
	}
	if (v.len < V2_HLEN)
		return false;
	q->version = 3;
	q->max_ms = max_delay_ms(code);
	q->robustness = v.p[OFF_ROBUST] & 7;
	q->n_sources = load_be16(v.p + OFF_N_SOURCES);
	q->sources = v.p + V2_HLEN;
	return (size_t)q->n_sources * 16 <= v.len - V2_HLEN;
}

/* RFC 3810 5.1.14, 6.2; RFC 2710 3: from a neighbour, who marks all messages. */
static bool message_ok(const struct ip_rx *rx, struct view v)
{
	return v.len >= V1_LEN && rx->in.ttl == MLD_HOPS && rx->router_alert &&
	       ipaddr_is_link_local(&rx->in.src);
}

enum drop_reason mld_query_input(struct stack *s, const struct ip_rx *rx, struct view v)
{
	struct group_query q;

	if (!message_ok(rx, v) || !parse_query(&q, v))
		return DROP_ND_MALFORMED;
	if (!ipaddr_is_unspecified(&q.group) && !ipaddr_is_multicast(&q.group))
		return DROP_ND_MALFORMED;
	group_query(s, group_family_of(s, rx->in.iface, true), &q);
	return DROP_COUNT;
}

enum drop_reason mld_report_input(struct stack *s, const struct ip_rx *rx, struct view v)
{
	struct ipaddr group;

	if (!message_ok(rx, v))
		return DROP_ND_MALFORMED;
	group = ipaddr_v6(v.p + OFF_GROUP);
	group_heard(s, group_family_of(s, rx->in.iface, true), &group);
	return DROP_COUNT;
}
