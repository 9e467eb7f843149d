/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Neighbour discovery: who is answered and how, what is learned, what RFC 4861 says to
 * discard, conflicts, announcements. The cache's life is in test_link_neigh.c.
 */
#include "fakenet.h"

#include "wire/icmp6.h"
#include "wire/nd.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#define SEC UINT64_C(1000000000)

static struct fakenet net;

static void setup(bool forward)
{
	fakenet_create(&net, &(struct fakenet_conf){.forward = forward});
}

static struct nd solicitation(void)
{
	return (struct nd){.type = ICMP6_NS,
			   .target = fakenet_addr(true, 0, 1),
			   .has_slla = true,
			   .slla = fakenet_mac(0, 2)};
}

static struct neigh *known(unsigned host)
{
	struct ipaddr a = fakenet_addr(true, 0, host);

	return neigh_find(net.s, 0, &a);
}

/* The next frame is an advertisement; returns it and its addresses. */
/* The next frame that is no report to multicast routers (test_inet_group.c looks at these). */
static struct fakesent sent_nd(void)
{
	struct fakesent t = fakenet_sent(&net, 0);

	while (t.f && t.proto == PROTO_ICMP6 && t.payload.p[0] == ICMP6_MLD2_REPORT) {
		fakesent_free(&t);
		t = fakenet_sent(&net, 0);
	}
	return t;
}

static struct nd sent_na(struct fakesent *t)
{
	struct nd n;

	*t = sent_nd();
	assert_non_null(t->f);
	assert_int_equal(t->proto, PROTO_ICMP6);
	assert_true(fakesent_csum_ok(t));
	assert_int_equal(nd_parse(&n, t->payload, &t->ip6, false), 0);
	assert_int_equal(n.type, ICMP6_NA);
	fakeframe_free(t->f);
	t->f = NULL;
	return n;
}

static void check_answer(bool router)
{
	struct ipaddr src = fakenet_addr(true, 0, 2), us = fakenet_addr(true, 0, 1);
	struct ipaddr group = nd_solicited_node(&us);
	struct ethaddr own;
	struct nd q = solicitation(), a;
	struct fakesent t;

	setup(router);
	own = fakenet_own_mac(&net, 0);
	for (int unicast = 0; unicast < 2; unicast++) {
		fakenet_rx_nd(&net, 0, &q, &src, unicast ? &us : &group);
		a = sent_na(&t);
		assert_true(a.solicited && a.override && a.has_tlla);
		assert_int_equal(a.router, router);
		assert_true(ethaddr_eq(&a.tlla, &own));
		assert_true(ipaddr_eq(&a.target, &us));
		assert_true(ipaddr_eq(&t.src, &us));
		assert_true(ipaddr_eq(&t.dst, &src));
		assert_true(ethaddr_eq(&t.eth.dst, &q.slla));
		assert_int_equal(t.ttl, 255);
	}
	assert_int_equal(known(2)->state, NEIGH_STALE);
	assert_int_equal(known(2)->lru, NEIGH_LRU_PASSIVE);

	/* Without a link address: to the one that the cache has or finds out. */
	q.has_slla = false;
	fakenet_rx_nd(&net, 0, &q, &src, &us);
	a = sent_na(&t);
	assert_true(ethaddr_eq(&t.eth.dst, &q.slla));
	assert_int_equal(fakehost_drops_all(&net.h), 0);
	fakenet_destroy(&net);
}

static void test_answer(void **state)
{
	(void)state;
	check_answer(false);
	check_answer(true);
}

/* Somebody tests our address for uniqueness (RFC 4862 5.4.3): it is taken. */
static void test_dad(void **state)
{
	struct ipaddr none = ipaddr_any6(), us = fakenet_addr(true, 0, 1), nodes = nd_all_nodes();
	struct ipaddr group = nd_solicited_node(&us);
	struct nd q = solicitation(), a;
	struct fakesent t;

	(void)state;
	setup(false);
	q.has_slla = false;
	fakenet_rx_nd(&net, 0, &q, &none, &group);
	a = sent_na(&t);
	assert_false(a.solicited);
	assert_true(a.override && a.has_tlla);
	assert_true(ipaddr_eq(&t.dst, &nodes));
	assert_true(ipaddr_eq(&t.src, &us));
	assert_null(neigh_find(net.s, 0, &none));
	/* Our link-local address is guarded as well. */
	q.target = us = fakenet_own_ll(&net, 0);
	group = nd_solicited_node(&us);
	fakenet_rx_nd(&net, 0, &q, &none, &group);
	a = sent_na(&t);
	assert_true(ipaddr_eq(&a.target, &us));
	fakenet_destroy(&net);
}

/* ---- what is discarded (RFC 4861 6.1, 7.1; RFC 6980) ---- */

struct bad {
	const char *name;
	uint8_t ttl, code;
	uint8_t edit_at, edit; /* a byte of the message; 0: none */
	uint32_t cut;          /* keep so many bytes; 0: all */
	bool frag;             /* an atomic fragment */
	bool from_none, group_target, bad_csum;
	enum drop_reason why;
};

static const struct bad bads[] = {
	{.name = "hop limit 254", .ttl = 254, .why = DROP_ND_MALFORMED},
	{.name = "hop limit 1", .ttl = 1, .why = DROP_ND_MALFORMED},
	{.name = "code 1", .code = 1, .why = DROP_ND_MALFORMED},
	{.name = "option length 0", .edit_at = 25, .edit = 0, .cut = 32, .why = DROP_ND_MALFORMED},
	{.name = "option past the end", .edit_at = 25, .edit = 9, .why = DROP_ND_MALFORMED},
	{.name = "short", .cut = 23, .why = DROP_ND_MALFORMED},
	{.name = "option cut", .cut = 30, .why = DROP_ND_MALFORMED},
	{.name = "unspecified source with link address",
	 .from_none = true,
	 .why = DROP_ND_MALFORMED},
	{.name = "multicast target", .group_target = true, .why = DROP_ND_MALFORMED},
	{.name = "atomic fragment", .frag = true, .why = DROP_ND_MALFORMED},
	{.name = "checksum", .bad_csum = true, .why = DROP_ICMP_MALFORMED},
};

static void rx_bad(const struct bad *b, uint8_t type)
{
	struct ipaddr us = fakenet_addr(true, 0, 1), group = nd_solicited_node(&us);
	struct ipaddr all = nd_all_nodes();
	struct nd n = solicitation();
	struct fakeip ip = {.src = b->from_none ? ipaddr_any6() : fakenet_addr(true, 0, 2),
			    .dst = b->from_none ? group : us,
			    .proto = PROTO_ICMP6,
			    .ttl = b->ttl ? b->ttl : 255,
			    .frag = b->frag};
	uint8_t m[ND_EMIT_MAX], again[ND_EMIT_MAX + 8];
	uint32_t len;

	n.type = type;
	if (type == ICMP6_NA) {
		n.has_slla = false;
		n.has_tlla = true;
		n.tlla = fakenet_mac(0, 66);
		n.target = fakenet_addr(true, 0, 2);
	}
	if (b->group_target)
		n.target = all;
	len = (uint32_t)nd_emit(m, sizeof(m), &n, &ip.src, &ip.dst);
	if (b->edit_at)
		m[b->edit_at] = b->edit;
	if (b->cut)
		len = b->cut;
	len = fakeicmp_emit(again, &ip.src, &ip.dst, type, b->code, load_be32(m + 4), m + 8,
			    len - 8);
	if (b->bad_csum)
		again[2] ^= 1;
	fakenet_rx_ip(&net, 0, &ip, again, len);
}

static void test_discarded(void **state)
{
	struct ethaddr mac = fakenet_mac(0, 2);

	(void)state;
	setup(false);
	for (unsigned i = 0; i < ARRAY_LEN(bads); i++) {
		for (unsigned k = 0; k < 2; k++) {
			uint64_t before = fakehost_drops(&net.h, bads[i].why);

			if (bads[i].from_none && k == 1)
				continue; /* dropped before: nobody advertises from there */
			fakenet_neigh(&net, true, 0, 2);
			rx_bad(&bads[i], k == 0 ? ICMP6_NS : ICMP6_NA);
			if (fakehost_drops(&net.h, bads[i].why) != before + 1)
				fail_msg("%s, type %u", bads[i].name, k == 0 ? ICMP6_NS : ICMP6_NA);
			/* Nothing was said and nothing learned. */
			assert_null(sent_nd().f);
			assert_true(ethaddr_eq(&known(2)->mac, &mac));
			assert_int_equal(known(2)->state, NEIGH_REACHABLE);
		}
	}
	fakenet_destroy(&net);
}

/* ---- advertisements ---- */

static void test_unsolicited(void **state)
{
	struct ipaddr src = fakenet_addr(true, 0, 2), nodes = nd_all_nodes();
	struct nd a = {.type = ICMP6_NA,
		       .override = true,
		       .router = true,
		       .target = src,
		       .has_tlla = true,
		       .tlla = fakenet_mac(0, 50)};

	(void)state;
	setup(false);
	fakenet_rx_nd(&net, 0, &a, &src, &nodes);
	assert_null(known(2));
	assert_drops(&net, DROP_ND_IGNORED, 1);
	fakenet_neigh(&net, true, 0, 2);
	fakenet_rx_nd(&net, 0, &a, &src, &nodes);
	assert_int_equal(known(2)->state, NEIGH_STALE);
	assert_true(ethaddr_eq(&known(2)->mac, &a.tlla));
	assert_true(known(2)->is_router);
	/* A group is nobody's link address. */
	a.tlla.b[0] |= 1;
	fakenet_rx_nd(&net, 0, &a, &src, &nodes);
	assert_false(ethaddr_eq(&known(2)->mac, &a.tlla));
	fakenet_destroy(&net);
}

static void test_conflict(void **state)
{
	struct ipaddr us = fakenet_addr(true, 0, 1), other = fakenet_addr(true, 0, 2);
	struct ipaddr nodes = nd_all_nodes();
	struct nd a = {.type = ICMP6_NA,
		       .override = true,
		       .target = us,
		       .has_tlla = true,
		       .tlla = fakenet_mac(0, 50)};

	(void)state;
	setup(false);
	fakenet_rx_nd(&net, 0, &a, &other, &nodes);
	assert_int_equal(inet_counters(net.s, true)->nd_conflict, 1);
	assert_drops(&net, DROP_ND_IGNORED, 1);
	assert_true(inet_addr_is_local(net.s, &us));
	assert_null(known(1));
	/* From our own address it does not even come in. */
	fakenet_rx_nd(&net, 0, &a, &us, &nodes);
	assert_drops(&net, DROP_IP_BAD_SRC, 1);
	fakenet_destroy(&net);
}

/* Not for us: targets of others in our groups, routers' messages, redirects. */
static void test_ignored(void **state)
{
	struct ipaddr us = fakenet_addr(true, 0, 1), ll = fakenet_ll(9), nodes = nd_all_nodes();
	struct ipaddr src = fakenet_addr(true, 0, 2), group = nd_solicited_node(&us);
	struct ipaddr far = fakenet_addr(true, 5, 5);
	struct nd q = solicitation();
	struct fakeip ip = {.src = ll, .dst = us, .proto = PROTO_ICMP6, .ttl = 255};
	uint8_t m[64], body[48] = {0};
	struct inet_dst before, after;

	(void)state;
	for (int router = 0; router < 2; router++) {
		setup(router);
		q.target =
			far; /* same last 24 bits would be needed to be heard: ask by our group */
		fakenet_rx_nd(&net, 0, &q, &src, &group);
		assert_drops(&net, DROP_ND_IGNORED, 1);
		assert_null(known(2));

		assert_int_equal(inet_dst_lookup(net.s, &src, &before), 0);
		memcpy(body, ll.b, 16);
		memcpy(body + 16, src.b, 16);
		ip.dst = us;
		fakenet_rx_ip(&net, 0, &ip, m,
			      fakeicmp_emit(m, &ll, &us, ICMP6_REDIRECT, 0, 0, body, 32));
		assert_int_equal(inet_counters(net.s, true)->redirect_in, 1);
		assert_int_equal(inet_dst_lookup(net.s, &src, &after), 0);
		assert_true(ipaddr_eq(&before.nexthop, &after.nexthop));

		ip.dst = nodes;
		memset(body, 0, sizeof(body));
		{
			struct ethaddr to = eth_multicast(&nodes);
			uint8_t p[128];
			uint32_t n =
				fakeicmp_emit(m, &ll, &nodes, ICMP6_RA, 0, 0x40000708, body, 8);

			fakenet_rx_to(&net, 0, &to, p, fakeip_emit(p, &ip, m, n));
		}
		assert_drops(&net, DROP_ND_IGNORED, 3);
		assert_null(sent_nd().f);
		fakenet_destroy(&net);
	}
}

/* Forged solicitations fill the strangers' part of the cache and no more. */
static void test_flood(void **state)
{
	struct ipaddr us = fakenet_addr(true, 0, 1), src = fakenet_addr(true, 0, 2);
	struct nd q = solicitation();

	(void)state;
	fakenet_create(&net, &(struct fakenet_conf){.max_neighbours = 64});
	fakenet_neigh(&net, true, 0, 2);
	for (uint32_t i = 0; i < 5000; i++) {
		store_be32(&src.b[12], 0x1000 + i);
		fakenet_rx_nd(&net, 0, &q, &src, &us);
		assert_int_equal(fakeport_forget(net.h.port[0]), 1);
	}
	assert_true(net.s->link->neigh->count[NEIGH_LRU_PASSIVE] <= 32);
	assert_int_equal(known(2)->state, NEIGH_REACHABLE);
	/* From beyond the link: answered, never entered. */
	src = fakenet_addr(true, 9, 9);
	fakenet_rx_nd(&net, 0, &q, &src, &us);
	assert_null(neigh_find(net.s, 0, &src));
	fakenet_destroy(&net);
}

/* ---- announcements ---- */

/* Becoming a router joins a group, which switches must hear of. */
static void test_router_report(void **state)
{
	struct ipaddr routers = nd_all_routers();
	bool has = false;
	struct fakesent t;

	(void)state;
	setup(false);
	fakehost_advance(&net.h, 5 * SEC);
	fakenet_settle(&net);
	inet_forwarding_set(net.s, false, true);
	fakehost_run(&net.h);
	while ((t = fakenet_sent(&net, 0)).f) {
		has |= t.payload.p[0] == ICMP6_MLD2_REPORT &&
		       memcmp(t.payload.p + 12, routers.b, 16) == 0;
		fakesent_free(&t);
	}
	assert_true(has);
	inet_forwarding_set(net.s, false, true); /* no change */
	fakehost_advance(&net.h, 5 * SEC);
	assert_null(sent_nd().f);
	fakenet_destroy(&net);
}

static void test_announce(void **state)
{
	struct ipaddr a = fakenet_addr(true, 0, 0x1234), nodes = nd_all_nodes();
	struct fakesent t;
	struct nd n;

	(void)state;
	setup(false);
	assert_int_equal(inet_addr_add(net.s, 0, &a, 64), 0);
	for (unsigned i = 0; i < 2; i++) {
		fakehost_run(&net.h);
		n = sent_na(&t);
		assert_true(ipaddr_eq(&n.target, &a));
		assert_true(n.override && !n.solicited && n.has_tlla);
		assert_true(ipaddr_eq(&t.dst, &nodes));
		assert_null(sent_nd().f);
		fakehost_advance(&net.h, 2 * SEC + WHEEL_TICK_NS);
	}
	assert_null(sent_nd().f);
	fakenet_destroy(&net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer),        cmocka_unit_test(test_dad),
		cmocka_unit_test(test_discarded),     cmocka_unit_test(test_unsolicited),
		cmocka_unit_test(test_conflict),      cmocka_unit_test(test_ignored),
		cmocka_unit_test(test_router_report), cmocka_unit_test(test_flood),
		cmocka_unit_test(test_announce),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
