/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multicast groups as a host, IGMPv3 and MLDv2 with the versions before them: what routers are told
 * when listeners come, go and change their minds, answers to queries, queries that must be ignored,
 * and which packets come in.
 */
#include "fakenet.h"

#include "inet/group.h"
#include "wire/icmp6.h"
#include "wire/igmp.h"
#include "wire/nd.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#define SEC UINT64_C(1000000000)

static struct fakenet net;

static struct ipaddr group_of(bool v6, unsigned i)
{
	uint8_t b[16] = {0xff, 0x05, [14] = 9, [15] = (uint8_t)i};

	return v6 ? ipaddr_v6(b) : ipaddr_v4(0xefff0900u + i);
}

static struct ipaddr src_of(bool v6, unsigned i)
{
	return fakenet_addr(v6, 0, 100 + i);
}

/* A filter with sources first .. first + n - 1. */
static struct inet_filter filter(bool v6, bool exclude, unsigned first, unsigned n)
{
	struct inet_filter f = {.exclude = exclude, .n = (uint16_t)n};

	for (unsigned i = 0; i < n; i++)
		f.src[i] = src_of(v6, first + i);
	return f;
}

/* ---- what was sent ---- */

struct record {
	uint8_t type;
	uint16_t n;
	struct ipaddr group;
	struct ipaddr src[GROUP_MAX_SOURCES];
};

/* The next frame must be a report of one record. False: nothing was sent. */
static bool sent_record(bool v6, struct record *r)
{
	static const uint8_t mld2[16] = {0xff, 2, [15] = 0x16};
	struct ipaddr routers = v6 ? ipaddr_v6(mld2) : ipaddr_v4(0xe0000016);
	struct fakesent t = fakenet_sent(&net, 0);
	size_t alen = v6 ? 16 : 4;
	const uint8_t *p = t.payload.p;

	if (!t.f)
		return false;
	assert_int_equal(t.v6, v6);
	assert_true(ipaddr_eq(&t.dst, &routers));
	assert_int_equal(t.ttl, 1);
	assert_int_equal(p[0], v6 ? (int)ICMP6_MLD2_REPORT : (int)IGMP_V3_REPORT);
	if (v6) {
		assert_true(fakesent_csum_ok(&t));
		assert_true(t.ext.router_alert);
		assert_true(ipaddr_is_link_local(&t.src));
	} else {
		assert_int_equal(csum_fold(csum_partial(p, t.payload.len, 0)), 0);
		assert_int_equal(t.ip4.opts_len, 4);
		assert_int_equal(t.ip4.opts[0], IP4_OPT_RA);
		assert_int_equal(t.ip4.tos, 0xc0);
	}
	assert_int_equal(load_be16(p + 6), 1);
	r->type = p[8];
	r->n = load_be16(p + 10);
	assert_int_equal(t.payload.len, 12 + alen * (r->n + 1u));
	for (unsigned i = 0; i <= r->n; i++) {
		const uint8_t *a = p + 12 + alen * i;
		struct ipaddr x = v6 ? ipaddr_v6(a) : ipaddr_v4(load_be32(a));

		if (i == 0)
			r->group = x;
		else
			r->src[i - 1] = x;
	}
	fakesent_free(&t);
	return true;
}

/* One report of that type with the sources first .. first + n - 1 (in any order), and no more. */
static void expect(bool v6, unsigned type, unsigned group, unsigned first, unsigned n)
{
	struct ipaddr g = group_of(v6, group);
	struct record r;

	assert_true(sent_record(v6, &r));
	assert_int_equal(r.type, type);
	assert_true(ipaddr_eq(&r.group, &g));
	assert_int_equal(r.n, n);
	for (unsigned i = 0; i < n; i++) {
		struct ipaddr want = src_of(v6, first + i);
		bool has = false;

		for (unsigned k = 0; k < n; k++)
			has |= ipaddr_eq(&r.src[k], &want);
		assert_true(has);
	}
	assert_null(fakenet_sent(&net, 0).f);
}

static void expect_nothing(void)
{
	assert_null(fakenet_sent(&net, 0).f);
}

/* Now, and once more within a second. */
static void expect_twice(bool v6, unsigned type, unsigned group, unsigned first, unsigned n)
{
	fakehost_run(&net.h);
	expect(v6, type, group, first, n);
	fakehost_advance(&net.h, SEC + 2 * WHEEL_TICK_NS);
	expect(v6, type, group, first, n);
	fakehost_advance(&net.h, 20 * SEC);
	expect_nothing();
}

static void setup(void)
{
	fakenet_create(&net, &(struct fakenet_conf){0});
	fakehost_advance(&net.h, 5 * SEC); /* our own solicited-node groups have been reported */
	fakenet_settle(&net);
}

static int change(bool v6, unsigned group, const struct inet_filter *from,
		  const struct inet_filter *to)
{
	struct ipaddr g = group_of(v6, group);

	return inet_group_change(net.s, 0, &g, from, to);
}

static size_t groups_known(void)
{
	return htab_count(&net.s->inet->groups->by_addr);
}

/* ---- listeners ---- */

static void check_join(bool v6)
{
	struct inet_filter any = {.exclude = true};
	size_t before;

	setup();
	before = groups_known();
	assert_int_equal(change(v6, 1, NULL, &any), 0);
	expect_twice(v6, GROUP_TO_EXCLUDE, 1, 0, 0);
	/* A second listener is no news, nor is the first to go. */
	assert_int_equal(change(v6, 1, NULL, &any), 0);
	assert_int_equal(change(v6, 1, &any, NULL), 0);
	fakehost_advance(&net.h, 5 * SEC);
	expect_nothing();
	assert_int_equal(change(v6, 1, &any, NULL), 0);
	expect_twice(v6, GROUP_TO_INCLUDE, 1, 0, 0);
	assert_int_equal(groups_known(), before);
	fakenet_destroy(&net);
}

/* RFC 3376 3.2 and 5.1, row by row. */
static void check_sources(bool v6)
{
	struct inet_filter in02 = filter(v6, false, 0, 2), in12 = filter(v6, false, 1, 2);
	struct inet_filter ex04 = filter(v6, true, 0, 4), ex24 = filter(v6, true, 2, 4);
	struct inet_filter any = {.exclude = true};

	setup();
	assert_int_equal(change(v6, 1, NULL, &in02), 0);
	expect_twice(v6, GROUP_ALLOW, 1, 0, 2);
	/* {0,1} + {1,2}: 2 is new. */
	assert_int_equal(change(v6, 1, NULL, &in12), 0);
	expect_twice(v6, GROUP_ALLOW, 1, 2, 1);
	/* 0 goes. */
	assert_int_equal(change(v6, 1, &in02, NULL), 0);
	expect_twice(v6, GROUP_BLOCK, 1, 0, 1);
	/* Somebody wants all but 0..3: 1 and 2 are wanted by the other. */
	assert_int_equal(change(v6, 1, NULL, &ex04), 0);
	fakehost_run(&net.h);
	{
		struct record r;

		assert_true(sent_record(v6, &r));
		assert_int_equal(r.type, GROUP_TO_EXCLUDE);
		assert_int_equal(r.n, 2);
	}
	fakehost_advance(&net.h, 5 * SEC);
	fakenet_settle(&net);
	assert_int_equal(change(v6, 1, &in12, NULL), 0); /* now 1 and 2 are excluded too */
	expect_twice(v6, GROUP_BLOCK, 1, 1, 2);
	/* Excluded by both of two only: 2 and 3. */
	assert_int_equal(change(v6, 1, NULL, &ex24), 0);
	expect_twice(v6, GROUP_ALLOW, 1, 0, 2);
	assert_int_equal(change(v6, 1, &ex24, &any), 0);
	expect_twice(v6, GROUP_ALLOW, 1, 2, 2);
	assert_int_equal(change(v6, 1, &ex04, NULL), 0);
	fakehost_advance(&net.h, 5 * SEC);
	expect_nothing();
	assert_int_equal(change(v6, 1, &any, NULL), 0);
	expect_twice(v6, GROUP_TO_INCLUDE, 1, 0, 0);
	fakenet_destroy(&net);
}

/* More sources than a record takes, groups without end, no memory, no interface. */
static void check_limits(bool v6)
{
	struct inet_filter a = filter(v6, false, 0, 64), b = filter(v6, false, 60, 20);
	struct inet_filter any = {.exclude = true};
	struct ipaddr g = group_of(v6, 1);

	setup();
	assert_int_equal(change(v6, 1, NULL, &a), 0);
	assert_int_equal(change(v6, 1, NULL, &b), -ENOBUFS);
	fakehost_run(&net.h);
	expect(v6, GROUP_ALLOW, 1, 0, 64);
	fakehost_advance(&net.h, 5 * SEC);
	assert_int_equal(change(v6, 1, &a, NULL), 0);
	fakehost_advance(&net.h, 5 * SEC);
	/* What nobody names any more makes room. */
	assert_int_equal(change(v6, 1, NULL, &b), 0);
	assert_int_equal(change(v6, 1, &b, NULL), 0);
	fakehost_advance(&net.h, 5 * SEC);
	fakenet_settle(&net);
	assert_int_equal(inet_group_change(net.s, 7, &g, NULL, &any), -ENODEV);
	/* Silent ones: loopback, all hosts. */
	assert_int_equal(inet_group_change(net.s, INET_IFACE_LOOPBACK, &g, NULL, &any), 0);
	g = v6 ? nd_all_nodes() : ipaddr_v4(0xe0000001);
	assert_int_equal(inet_group_change(net.s, 0, &g, NULL, &any), 0);
	fakehost_advance(&net.h, 5 * SEC);
	expect_nothing();
	fakenet_destroy(&net);
}

/* ---- queries ---- */

struct query {
	unsigned version; /* 1, 2, 3 as IGMP counts */
	const struct ipaddr *group;
	unsigned n, first; /* sources */
	uint32_t max_ms;
	uint8_t ttl; /* 0: 1 */
	bool bad_csum, bad_count, cut, to_group, no_alert;
	bool general, far; /* about all groups though sent to one; IPv6: from beyond the link */
};

static uint32_t query_body(bool v6, const struct query *q, uint8_t *p)
{
	struct ipaddr any = v6 ? ipaddr_any6() : ipaddr_any4();
	const struct ipaddr *g = q->group && !q->general ? q->group : &any;
	size_t alen = v6 ? 16 : 4, fixed = v6 ? 24 : 8;
	uint32_t len = (uint32_t)fixed;

	memset(p, 0, 2048);
	memcpy(p + (v6 ? 8 : 4), &g->b[16 - alen], alen);
	if (v6)
		store_be16(p + 4, (uint16_t)q->max_ms);
	else
		p[1] = q->version == 1 ? 0 : (uint8_t)(q->max_ms / 100);
	p[0] = v6 ? (uint8_t)ICMP6_MLD_QUERY : (uint8_t)IGMP_QUERY;
	if (q->version < 3)
		return len - (q->cut ? 2 : 0);
	store_be16(p + fixed + 2, (uint16_t)(q->n + (q->bad_count ? 1 : 0)));
	len += 4;
	for (unsigned i = 0; i < q->n; i++, len += (uint32_t)alen) {
		struct ipaddr s = src_of(v6, q->first + i);

		memcpy(p + len, &s.b[16 - alen], alen);
	}
	return len - (q->cut ? 2 : 0);
}

static void rx_query(bool v6, const struct query *q)
{
	static const uint8_t alert6[8] = {PROTO_ICMP6, 0, 5, 2, 0, 0, 1, 0};
	static const uint8_t alert4[4] = {IP4_OPT_RA, 4, 0, 0};
	struct ipaddr all = v6 ? nd_all_nodes() : ipaddr_v4(0xe0000001);
	struct fakeip ip = {.src = v6 && !q->far ? fakenet_ll(9) : fakenet_addr(v6, 0, 9),
			    .dst = q->to_group ? *q->group : all,
			    .proto = v6 ? PROTO_ICMP6 : PROTO_IGMP,
			    .ttl = q->ttl ? q->ttl : 1,
			    .ext = v6 ? alert6 : alert4,
			    .ext_len = q->no_alert ? 0
				       : v6        ? 8
						   : 4,
			    .ext_first = PROTO_HOPOPTS};
	struct ethaddr to = eth_multicast(&ip.dst);
	static uint8_t m[2048], p[4096];
	uint32_t len = query_body(v6, q, m), sum;

	sum = v6 ? csum_pseudo(&ip.src, &ip.dst, PROTO_ICMP6, len) : 0;
	store_native16(m + 2, csum_fold(csum_partial(m, len, sum)));
	m[2] ^= q->bad_csum;
	fakenet_rx_to(&net, 0, &to, p, fakeip_emit(p, &ip, m, len));
}

static void check_queries(bool v6)
{
	struct inet_filter any = {.exclude = true}, in03 = filter(v6, false, 0, 3);
	struct ipaddr g = group_of(v6, 1), other = group_of(v6, 5);
	struct record r;
	bool found = false;

	setup();
	assert_int_equal(change(v6, 1, NULL, &any), 0);
	fakehost_advance(&net.h, 5 * SEC);
	fakenet_settle(&net);
	/* For the group: one answer, not before its time is drawn, for two questions. */
	rx_query(v6, &(struct query){.version = 3, .group = &g, .max_ms = 1000});
	rx_query(v6, &(struct query){.version = 3, .group = &g, .max_ms = 1000, .to_group = true});
	expect_nothing();
	fakehost_advance(&net.h, SEC + 2 * WHEEL_TICK_NS);
	expect(v6, GROUP_IS_EXCLUDE, 1, 0, 0);
	/* About sources that everybody-but-none excludes: all wanted. */
	rx_query(v6,
		 &(struct query){.version = 3, .group = &g, .max_ms = 1000, .n = 2, .first = 5});
	fakehost_advance(&net.h, SEC + 2 * WHEEL_TICK_NS);
	expect(v6, GROUP_IS_INCLUDE, 1, 5, 2);
	/* A group that we are not in. */
	rx_query(v6, &(struct query){.version = 3, .group = &other, .max_ms = 1000});
	fakehost_advance(&net.h, 2 * SEC);
	expect_nothing();
	/* Only some sources wanted, some of them asked for. */
	assert_int_equal(change(v6, 1, &any, &in03), 0);
	fakehost_advance(&net.h, 5 * SEC);
	fakenet_settle(&net);
	rx_query(v6,
		 &(struct query){.version = 3, .group = &g, .max_ms = 1000, .n = 4, .first = 1});
	fakehost_advance(&net.h, SEC + 2 * WHEEL_TICK_NS);
	expect(v6, GROUP_IS_INCLUDE, 1, 1, 2);
	rx_query(v6,
		 &(struct query){.version = 3, .group = &g, .max_ms = 1000, .n = 4, .first = 10});
	fakehost_advance(&net.h, 2 * SEC);
	expect_nothing();
	/* For all: IPv6 tells of the solicited-node groups in the same report. */
	rx_query(v6, &(struct query){.version = 3, .max_ms = 10000});
	fakehost_advance(&net.h, 10 * SEC + 2 * WHEEL_TICK_NS);
	if (v6) {
		struct fakesent t = fakenet_sent(&net, 0);

		assert_non_null(t.f);
		assert_int_equal(load_be16(t.payload.p + 6), groups_known());
		for (size_t i = 8; i + 16 <= t.payload.len && !found; i++)
			found = memcmp(t.payload.p + i, g.b, 16) == 0;
		assert_true(found);
		fakesent_free(&t);
		expect_nothing();
	} else {
		expect(v6, GROUP_IS_INCLUDE, 1, 0, 3);
	}
	assert_false(sent_record(v6, &r));
	fakenet_destroy(&net);
}

/* Who leaves before its answer about sources was due is forgotten all the same. */
static void check_left_when_asked(bool v6)
{
	struct inet_filter any = {.exclude = true};
	struct ipaddr g = group_of(v6, 1);
	size_t before;

	setup();
	before = groups_known();
	assert_int_equal(change(v6, 1, NULL, &any), 0);
	fakehost_advance(&net.h, 5 * SEC);
	rx_query(v6, &(struct query){.version = 3, .group = &g, .max_ms = 10000, .n = 2});
	assert_int_equal(change(v6, 1, &any, NULL), 0);
	fakehost_advance(&net.h, 20 * SEC);
	fakenet_settle(&net);
	assert_int_equal(groups_known(), before);
	/* The same when an older router is heard in between, which ends all answers. */
	assert_int_equal(change(v6, 1, NULL, &any), 0);
	fakehost_advance(&net.h, 5 * SEC);
	rx_query(v6, &(struct query){.version = 3, .group = &g, .max_ms = 10000, .n = 2});
	rx_query(v6, &(struct query){.version = 2, .max_ms = 100});
	assert_int_equal(change(v6, 1, &any, NULL), 0);
	fakehost_advance(&net.h, 20 * SEC);
	fakenet_settle(&net);
	assert_int_equal(groups_known(), before);
	/* And when one asks about sources though the older version is in force. */
	assert_int_equal(change(v6, 1, NULL, &any), 0);
	fakehost_advance(&net.h, 30 * SEC);
	rx_query(v6, &(struct query){.version = 3, .group = &g, .max_ms = 100, .n = 2});
	fakehost_advance(&net.h, SEC);
	assert_int_equal(change(v6, 1, &any, NULL), 0);
	fakehost_advance(&net.h, 20 * SEC);
	fakenet_settle(&net);
	assert_int_equal(groups_known(), before);
	fakenet_destroy(&net);
}

static void check_bad_queries(bool v6)
{
	struct inet_filter any = {.exclude = true};
	struct ipaddr g = group_of(v6, 1), uni = fakenet_addr(v6, 0, 1);
	const struct query bad[] = {
		{.version = 3, .max_ms = 100, .bad_csum = true},
		{.version = 3, .max_ms = 100, .ttl = 2},
		{.version = 3, .max_ms = 100, .ttl = 255},
		{.version = 3, .group = &g, .max_ms = 100, .n = 2, .bad_count = true},
		{.version = 3, .max_ms = 100, .cut = true},
		{.version = 3, .group = &uni, .max_ms = 100},
		{.version = 2, .max_ms = 100, .bad_csum = true},
		{.version = 1, .max_ms = 100, .ttl = 64},
		{.version = 1, .max_ms = 100, .cut = true},
	};
	const struct query bad4[] = {
		{.version = 3, .group = &g, .max_ms = 100, .general = true, .to_group = true},
	};
	const struct query bad6[] = {
		{.version = 3, .max_ms = 100, .no_alert = true},
		{.version = 2, .max_ms = 100, .no_alert = true},
		{.version = 3, .max_ms = 100, .far = true},
	};
	const struct query *own = v6 ? bad6 : bad4;
	unsigned n_own = v6 ? ARRAY_LEN(bad6) : ARRAY_LEN(bad4);

	setup();
	assert_int_equal(change(v6, 1, NULL, &any), 0);
	fakehost_advance(&net.h, 5 * SEC);
	fakenet_settle(&net);
	for (unsigned i = 0; i < ARRAY_LEN(bad) + n_own; i++) {
		uint64_t drops = fakehost_drops_all(&net.h);

		rx_query(v6, i < ARRAY_LEN(bad) ? &bad[i] : &own[i - ARRAY_LEN(bad)]);
		fakehost_advance(&net.h, SEC);
		if (fakehost_drops_all(&net.h) != drops + 1 || net.h.port[0]->n_tx != 0)
			fail_msg("query %u", i);
	}
	fakenet_destroy(&net);
}

/* ---- the versions before ---- */

/* The next frame is a message of an older version for the group. */
static void expect_older(bool v6, unsigned group, unsigned type, bool to_routers)
{
	struct ipaddr g = group_of(v6, group),
		      routers = v6 ? nd_all_routers() : ipaddr_v4(0xe0000002);
	struct fakesent t = fakenet_sent(&net, 0);

	assert_non_null(t.f);
	assert_int_equal(t.payload.p[0], type);
	assert_int_equal(t.payload.len, v6 ? 24 : 8);
	assert_true(ipaddr_eq(&t.dst, to_routers ? &routers : &g));
	assert_memory_equal(t.payload.p + (v6 ? 8 : 4), &g.b[v6 ? 0 : 12], v6 ? 16 : 4);
	if (v6)
		assert_true(fakesent_csum_ok(&t));
	else
		assert_int_equal(csum_fold(csum_partial(t.payload.p, 8, 0)), 0);
	assert_int_equal(t.ttl, 1);
	fakesent_free(&t);
	expect_nothing();
}

/* Another host's report of an older version. */
static void rx_report(bool v6, unsigned group)
{
	struct ipaddr g = group_of(v6, group);
	struct fakeip ip = {.src = v6 ? fakenet_ll(9) : fakenet_addr(false, 0, 9),
			    .dst = g,
			    .proto = v6 ? PROTO_ICMP6 : PROTO_IGMP,
			    .ttl = 1};
	static const uint8_t alert6[8] = {PROTO_ICMP6, 0, 5, 2, 0, 0, 1, 0};
	struct ethaddr to = eth_multicast(&g);
	uint8_t m[24] = {0}, p[128];

	if (v6) {
		ip.ext = alert6;
		ip.ext_len = sizeof(alert6);
		ip.ext_first = PROTO_HOPOPTS;
		m[0] = ICMP6_MLD_REPORT;
		memcpy(m + 8, g.b, 16);
		store_native16(m + 2, csum_fold(csum_partial(
					      m, 24, csum_pseudo(&ip.src, &g, PROTO_ICMP6, 24))));
	} else {
		igmp_emit_older(m, IGMP_V2_REPORT, &g);
	}
	fakenet_rx_to(&net, 0, &to, p, fakeip_emit(p, &ip, m, v6 ? 24 : 8));
}

static void check_older(bool v6)
{
	unsigned report = v6 ? (unsigned)ICMP6_MLD_REPORT : (unsigned)IGMP_V2_REPORT;
	unsigned leave = v6 ? (unsigned)ICMP6_MLD_DONE : (unsigned)IGMP_V2_LEAVE;
	struct inet_filter any = {.exclude = true};
	struct ipaddr g = group_of(v6, 1), other = group_of(v6, 5);
	struct query q = {.version = 2, .group = &other, .max_ms = 1000};

	setup();
	rx_query(v6, &q); /* an older router lives here */
	assert_int_equal(change(v6, 1, NULL, &any), 0);
	fakehost_run(&net.h);
	expect_older(v6, 1, report, false);
	fakehost_advance(&net.h, 10 * SEC + 2 * WHEEL_TICK_NS);
	expect_older(v6, 1, report, false);
	fakehost_advance(&net.h, 20 * SEC);
	expect_nothing();
	/* Asked: we answer, unless somebody else has. */
	q.group = &g;
	rx_query(v6, &q);
	fakehost_advance(&net.h, SEC + 2 * WHEEL_TICK_NS);
	expect_older(v6, 1, report, false);
	q.max_ms = 10000;
	rx_query(v6, &q);
	rx_report(v6, 1);
	fakehost_advance(&net.h, 11 * SEC);
	expect_nothing();
	/* Not the last who reported: leaves without a word; else it says so. */
	assert_int_equal(change(v6, 1, &any, NULL), 0);
	fakehost_advance(&net.h, SEC);
	expect_nothing();
	assert_int_equal(change(v6, 1, NULL, &any), 0);
	fakehost_advance(&net.h, 11 * SEC);
	fakenet_settle(&net);
	assert_int_equal(change(v6, 1, &any, NULL), 0);
	fakehost_run(&net.h);
	expect_older(v6, 1, leave, true);
	/* The old router has not been heard for long: the newest version again. */
	fakehost_advance(&net.h, GROUP_OLDER_NS);
	fakenet_settle(&net);
	assert_int_equal(change(v6, 1, NULL, &any), 0);
	expect_twice(v6, GROUP_TO_EXCLUDE, 1, 0, 0);
	fakenet_destroy(&net);
}

/* IGMPv1 knows no leave. */
static void test_version1(void **state)
{
	struct inet_filter any = {.exclude = true};
	struct query q = {.version = 1};

	(void)state;
	setup();
	rx_query(false, &q);
	fakehost_advance(&net.h, 11 * SEC);
	fakenet_settle(&net);
	assert_int_equal(change(false, 1, NULL, &any), 0);
	fakehost_run(&net.h);
	expect_older(false, 1, IGMP_V1_REPORT, false);
	fakehost_advance(&net.h, 11 * SEC);
	fakenet_settle(&net);
	assert_int_equal(change(false, 1, &any, NULL), 0);
	fakehost_advance(&net.h, 5 * SEC);
	expect_nothing();
	fakenet_destroy(&net);
}

/* ---- packets ---- */

static void rx_udp(bool v6, unsigned group)
{
	struct ipaddr g = group_of(v6, group), src = fakenet_addr(v6, 0, 2);
	struct fakeip ip = {.src = src, .dst = g, .proto = PROTO_UDP};
	struct ethaddr to = eth_multicast(&g);
	uint8_t d[64], p[256];

	fakenet_rx_to(&net, 0, &to, p, fakeip_emit(p, &ip, d, fakeudp_emit(d, &src, &g, 8)));
}

static void check_packets(bool v6)
{
	struct inet_filter any = {.exclude = true};

	setup();
	rx_udp(v6, 1);
	assert_int_equal(net.n_in, 0);
	assert_drops(&net, DROP_IP_NOT_LOCAL, 1);
	assert_int_equal(change(v6, 1, NULL, &any), 0);
	rx_udp(v6, 1);
	assert_int_equal(net.n_in, 1);
	assert_true(net.in.multicast);
	rx_udp(v6, 2);
	assert_int_equal(net.n_in, 1);
	assert_int_equal(change(v6, 1, &any, NULL), 0);
	rx_udp(v6, 1); /* while the leave is still being told */
	assert_int_equal(net.n_in, 1);
	fakenet_destroy(&net);
}

/* Our own copy of what we send, when we are in the group; TTL 0 stays at home. */
static void check_loop(bool v6)
{
	struct inet_filter any = {.exclude = true};
	struct inet_out o = {.src = fakenet_addr(v6, 0, 1),
			     .dst = group_of(v6, 1),
			     .proto = PROTO_UDP,
			     .loop_copy = true};

	setup();
	for (unsigned i = 0; i < 4; i++) {
		struct ipaddr src = o.src;
		uint8_t d[64];
		mbuf_own m = mbuf_alloc(net.h.pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_TX);
		uint32_t len = fakeudp_emit(d, &src, &o.dst, 8);

		o.loop_copy = i != 2;
		o.keep_home = i == 3;
		memcpy(mbuf_append(m.m, len), d, len);
		assert_int_equal(inet_output(net.s, m, &o, NULL), 0);
		fakehost_run(&net.h);
		assert_int_equal(net.n_in, i == 0 ? 0 : i == 3 ? 2 : 1);
		assert_int_equal(net.h.port[0]->n_tx, i == 3 ? 0 : 1);
		fakenet_settle(&net);
		if (i == 0)
			assert_int_equal(change(v6, 1, NULL, &any), 0);
		fakehost_advance(&net.h, 5 * SEC);
		fakenet_settle(&net);
	}
	assert_int_equal(net.in.iface, 0);
	fakenet_destroy(&net);
}

#define TWINS(name) \
	static void test_##name(void **state) \
	{ \
		(void)state; \
		check_##name(false); \
		check_##name(true); \
	}

TWINS(join)
TWINS(sources)
TWINS(limits)
TWINS(queries)
TWINS(left_when_asked)
TWINS(bad_queries)
TWINS(older)
TWINS(packets)
TWINS(loop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_join),        cmocka_unit_test(test_sources),
		cmocka_unit_test(test_limits),      cmocka_unit_test(test_queries),
		cmocka_unit_test(test_bad_queries), cmocka_unit_test(test_older),
		cmocka_unit_test(test_version1),    cmocka_unit_test(test_packets),
		cmocka_unit_test(test_loop),        cmocka_unit_test(test_left_when_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
