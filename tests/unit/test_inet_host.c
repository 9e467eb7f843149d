/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv6 as a host: duplicate addresses, solicitations for routers, what is made of advertisements
 * and when it ends, redirects; what must be ignored, above all where we are no host. IPv4 has none
 * of this. The choice of a source address by RFC 6724's rules is here too.
 */
#include "fakenet.h"

#include "inet/host.h"
#include "wire/icmp6.h"
#include "wire/nd.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SEC  UINT64_C(1000000000)
#define HOUR (3600 * SEC)

static struct fakenet net;

static struct ipaddr ip(const char *text)
{
	struct ipaddr a;

	assert_int_equal(ipaddr_parse(text, &a), 0);
	return a;
}

/* The next neighbour discovery message of that type; others are thrown away. False: none. */
static bool sent_nd(uint8_t type, struct nd *n, struct fakesent *t)
{
	while ((*t = fakenet_sent(&net, 0)).f) {
		bool is = t->v6 && t->proto == PROTO_ICMP6 && t->payload.p[0] == type;

		if (is)
			assert_int_equal(nd_parse(n, t->payload, &t->ip6, false), 0);
		fakeframe_free(t->f);
		t->f = NULL;
		if (is)
			return true;
	}
	return false;
}

static void setup(void)
{
	fakenet_create(&net, &(struct fakenet_conf){0});
	fakehost_advance(&net.h, 5 * SEC);
	fakenet_settle(&net);
}

/* A host whose link-local address has passed its test and that asks for routers. */
static void setup_host(void)
{
	setup();
	assert_int_equal(inet_autoconf_set(net.s, 0, true), 0);
	fakehost_advance(&net.h, 4 * SEC);
	fakenet_settle(&net);
}

/* ---- advertisements ---- */

struct advert {
	uint16_t lifetime_s;
	uint8_t hops;
	uint32_t mtu; /* 0: no option */
	const char *prefix;
	uint8_t len, flags; /* 0xc0: on link, autonomous */
	uint32_t valid_s, preferred_s;
	uint8_t ttl;   /* 0: 255 */
	unsigned from; /* host, 0: 2 */
};

static void rx_advert(const struct advert *a)
{
	struct ipaddr src = fakenet_ll(a->from ? a->from : 2), dst = nd_all_nodes(), prefix;
	struct fakeip ipp = {
		.src = src, .dst = dst, .proto = PROTO_ICMP6, .ttl = a->ttl ? a->ttl : 255};
	struct ethaddr mac = fakenet_mac(0, a->from ? a->from : 2), to = eth_multicast(&dst);
	uint8_t m[128] = {ICMP6_RA}, p[256];
	uint32_t n = 16;

	m[4] = a->hops;
	store_be16(m + 6, a->lifetime_s);
	m[n] = ND_OPT_SLLA;
	m[n + 1] = 1;
	memcpy(m + n + 2, mac.b, 6);
	n += 8;
	if (a->mtu) {
		m[n] = ND_OPT_MTU;
		m[n + 1] = 1;
		store_be32(m + n + 4, a->mtu);
		n += 8;
	}
	if (a->prefix) {
		prefix = ip(a->prefix);
		m[n] = ND_OPT_PREFIX;
		m[n + 1] = 4;
		m[n + 2] = a->len;
		m[n + 3] = a->flags;
		store_be32(m + n + 4, a->valid_s);
		store_be32(m + n + 8, a->preferred_s);
		memcpy(m + n + 16, prefix.b, 16);
		n += 32;
	}
	store_native16(m + 2,
		       csum_fold(csum_partial(m, n, csum_pseudo(&src, &dst, PROTO_ICMP6, n))));
	fakenet_rx_to(&net, 0, &to, p, fakeip_emit(p, &ipp, m, n));
}

static const struct advert usual = {.lifetime_s = 1800,
				    .prefix = "2001:db8:5::",
				    .len = 64,
				    .flags = 0xc0,
				    .valid_s = 86400,
				    .preferred_s = 14400};

/* Our address from a prefix. NULL: none. */
static struct inet_addr *made(const char *prefix)
{
	struct ipaddr a = ip(prefix);

	for (unsigned i = 0; i < net.s->inet->ifaces[0].n_addrs; i++) {
		struct inet_addr *ia = net.s->inet->ifaces[0].addrs[i];

		if (ia->autoconf && ia->addr.d[0] == a.d[0])
			return ia;
	}
	return NULL;
}

static bool reachable(const char *dst, struct inet_dst *d)
{
	struct ipaddr a = ip(dst);

	return inet_dst_lookup(net.s, &a, d) == 0;
}

static void count_route(void *arg, const struct ipprefix *dst, const struct fib_route *r)
{
	(void)dst;
	(void)r;
	(*(unsigned *)arg)++;
}

static unsigned n_routes(void)
{
	unsigned n = 0;

	fib_for_each(&net.s->inet->fib, count_route, &n);
	return n;
}

/* ---- duplicate address detection ---- */

static void test_dad(void **state)
{
	struct ipaddr ll, any = ipaddr_any6(), group;
	struct fakesent t;
	struct nd n;

	(void)state;
	setup();
	ll = fakenet_own_ll(&net, 0);
	group = nd_solicited_node(&ll);
	assert_int_equal(inet_autoconf_set(net.s, 0, true), 0);
	assert_false(inet_addr_is_local(net.s, &ll));
	fakehost_advance(&net.h, SEC + WHEEL_TICK_NS);
	assert_true(sent_nd(ICMP6_NS, &n, &t));
	assert_true(ipaddr_eq(&n.target, &ll));
	assert_true(ipaddr_eq(&t.src, &any));
	assert_true(ipaddr_eq(&t.dst, &group));
	assert_true(n.has_nonce && !n.has_slla);
	/* While it is tested nobody gets an answer. */
	assert_false(inet_addr_is_local(net.s, &ll));
	n.has_slla = true;
	n.slla = fakenet_mac(0, 2);
	n.has_nonce = false;
	any = fakenet_addr(true, 0, 2);
	fakenet_rx_nd(&net, 0, &n, &any, &group);
	assert_false(sent_nd(ICMP6_NA, &n, &t));
	fakehost_advance(&net.h, SEC + WHEEL_TICK_NS);
	assert_true(inet_addr_is_local(net.s, &ll));
	assert_true(sent_nd(ICMP6_NA, &n, &t)); /* announced */
	fakenet_destroy(&net);
}

/* how 0: somebody answers; 1: somebody tests it too; 2: our own question comes back. */
static void check_duplicate(unsigned how)
{
	struct ipaddr ll, group, src = ipaddr_any6(), nodes = nd_all_nodes();
	struct inet_addr *ia;
	struct fakesent t;
	struct nd n, na;

	setup();
	assert_int_equal(inet_autoconf_set(net.s, 0, true), 0);
	for (unsigned attempt = 0; attempt < 3; attempt++) {
		ll = addr_link_local_make(net.s, 0, attempt);
		group = nd_solicited_node(&ll);
		fakehost_advance(&net.h, SEC + WHEEL_TICK_NS);
		assert_true(sent_nd(ICMP6_NS, &n, &t));
		assert_true(ipaddr_eq(&n.target, &ll));
		if (how == 2) {
			fakenet_rx_nd(&net, 0, &n, &src, &group);
			fakehost_advance(&net.h, 2 * SEC);
			assert_true(inet_addr_is_local(net.s, &ll));
			fakenet_destroy(&net);
			return;
		}
		na = (struct nd){.type = ICMP6_NA, .target = ll, .override = true};
		n.nonce[0] ^= 1;
		src = how == 0 ? fakenet_ll(9) : ipaddr_any6();
		fakenet_rx_nd(&net, 0, how == 0 ? &na : &n, &src, how == 0 ? &nodes : &group);
		ia = addr_on(net.s, 0, &ll);
		/* Another identifier, three times in all. */
		assert_true(attempt < 2 ? ia == NULL : ia->state == ADDR_DUPLICATE);
	}
	assert_int_equal(inet_counters(net.s, true)->dad_duplicate, 3);
	fakehost_advance(&net.h, 10 * SEC);
	assert_false(inet_addr_is_local(net.s, &ll));
	/* Without an address no router is asked for. */
	assert_false(sent_nd(ICMP6_RS, &n, &t));
	fakenet_destroy(&net);
}

static void test_duplicate(void **state)
{
	(void)state;
	for (unsigned how = 0; how < 3; how++)
		check_duplicate(how);
}

/* ---- routers ---- */

static void test_solicit(void **state)
{
	struct ipaddr ll, routers = nd_all_routers();
	unsigned count = 0;
	struct fakesent t;
	struct nd n;

	(void)state;
	setup();
	assert_int_equal(inet_autoconf_set(net.s, 0, true), 0);
	fakehost_advance(&net.h, 3 * SEC + 2 * WHEEL_TICK_NS);
	ll = fakenet_own_ll(&net, 0);
	assert_true(sent_nd(ICMP6_RS, &n, &t));
	assert_true(ipaddr_eq(&t.src, &ll));
	assert_true(ipaddr_eq(&t.dst, &routers));
	assert_int_equal(t.ttl, 255);
	assert_true(n.has_slla);
	/* 4, 8, 16, 32 s: RFC 7559. */
	for (unsigned i = 0; i < 60; i++) {
		fakehost_advance(&net.h, SEC);
		while (sent_nd(ICMP6_RS, &n, &t))
			count++;
	}
	assert_in_range(count, 3, 5);
	rx_advert(&usual);
	fakehost_advance(&net.h, 100 * SEC);
	assert_false(sent_nd(ICMP6_RS, &n, &t));
	fakenet_destroy(&net);
}

static void test_advert(void **state)
{
	struct ipaddr router = fakenet_ll(2), dst = ip("2001:db8:9::9"), src, stable;
	struct inet_addr *ia;
	struct inet_dst d;

	(void)state;
	setup_host();
	assert_false(reachable("2001:db8:9::9", &d));
	rx_advert(&usual);
	/* A default route, the prefix on the link, an address under test. */
	assert_true(reachable("2001:db8:9::9", &d));
	assert_true(ipaddr_eq(&d.nexthop, &router));
	assert_true(reachable("2001:db8:5::77", &d));
	assert_false(ipaddr_eq(&d.nexthop, &router));
	ia = made("2001:db8:5::");
	assert_non_null(ia);
	assert_int_equal(ia->state, ADDR_TENTATIVE);
	/* RFC 7217: the same every time, without a trace of the link address. */
	stable = addr_stable_make(net.s, 0, &ia->addr, 0);
	assert_true(ipaddr_eq(&ia->addr, &stable));
	fakehost_advance(&net.h, 3 * SEC);
	assert_int_equal(ia->state, ADDR_PREFERRED);
	assert_true(reachable("2001:db8:9::9", &d));
	assert_int_equal(inet_src_select(net.s, &d, &dst, &src), 0);
	assert_true(ipaddr_eq(&src, &ia->addr));
	/* Deprecated after 4 hours, gone after a day, the router after half an hour. */
	fakehost_advance(&net.h, 1800 * SEC);
	assert_false(reachable("2001:db8:9::9", &d));
	fakehost_advance(&net.h, 4 * HOUR);
	assert_int_equal(ia->state, ADDR_DEPRECATED);
	assert_true(inet_addr_is_local(net.s, &ia->addr));
	fakehost_advance(&net.h, 20 * HOUR);
	assert_null(made("2001:db8:5::"));
	assert_false(reachable("2001:db8:5::77", &d));
	fakenet_destroy(&net);
}

/* RFC 4862 5.5.3 e. */
static void test_two_hours(void **state)
{
	struct advert a = usual;
	struct inet_addr *ia;
	uint64_t now;

	(void)state;
	setup_host();
	rx_advert(&a);
	fakehost_advance(&net.h, 3 * SEC);
	ia = made(a.prefix);
	now = net.s->now_ns;
	a.valid_s = a.preferred_s = 10; /* forged: an address is not to die of it */
	rx_advert(&a);
	assert_int_equal(ia->valid_until_ns, net.s->now_ns + 2 * HOUR);
	assert_true(ia->preferred_until_ns <= net.s->now_ns + 10 * SEC);
	fakehost_advance(&net.h, HOUR);
	rx_advert(&a); /* less than two hours are left: unchanged */
	assert_int_equal(ia->valid_until_ns / SEC, (now + 2 * HOUR) / SEC);
	assert_int_equal(ia->state, ADDR_PREFERRED); /* for ten seconds more */
	fakehost_advance(&net.h, 11 * SEC);
	assert_int_equal(ia->state, ADDR_DEPRECATED);
	rx_advert(&usual);
	assert_int_equal(ia->state, ADDR_PREFERRED);
	assert_int_equal(ia->valid_until_ns, net.s->now_ns + 86400 * SEC);
	fakenet_destroy(&net);
}

/* Things a router says that must change nothing. */
static void test_ignored(void **state)
{
	static const struct advert bad[] = {
		{.lifetime_s = 1800,
		 .ttl = 254,
		 .prefix = "2001:db8:5::",
		 .len = 64,
		 .flags = 0xc0,
		 .valid_s = 100,
		 .preferred_s = 100},
		{.prefix = "fe80::", .len = 64, .flags = 0xc0, .valid_s = 100, .preferred_s = 100},
		{.prefix = "2001:db8:5::",
		 .len = 64,
		 .flags = 0x40,
		 .valid_s = 100,
		 .preferred_s = 101},
		{.prefix = "2001:db8:5::",
		 .len = 63,
		 .flags = 0x40,
		 .valid_s = 100,
		 .preferred_s = 100},
		{.prefix = "2001:db8:5::", .len = 64, .flags = 0x40},
		{.prefix = "2001:db8:5::",
		 .len = 64,
		 .flags = 0,
		 .valid_s = 100,
		 .preferred_s = 100},
		{.mtu = 1279},
		{.mtu = 1501},
	};
	unsigned n;
	struct inet_dst d;

	(void)state;
	setup_host();
	n = net.s->inet->ifaces[0].n_addrs;
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		rx_advert(&bad[i]);
		if (net.s->inet->ifaces[0].n_addrs != n || net.s->inet->ifaces[0].mtu6 != 0 ||
		    reachable("2001:db8:9::9", &d))
			fail_msg("advertisement %u", i);
	}
	fakenet_destroy(&net);
	/* Where we are no host: nothing at all. */
	setup();
	n = net.s->inet->ifaces[0].n_addrs;
	rx_advert(&usual);
	assert_int_equal(net.s->inet->ifaces[0].n_addrs, n);
	assert_false(reachable("2001:db8:9::9", &d));
	assert_drops(&net, DROP_ND_IGNORED, 1);
	fakenet_destroy(&net);
}

/* MTU and hop limit of the link; withdrawn with everything else when we are no host any more. */
static void test_link(void **state)
{
	struct advert a = usual;
	struct fakesent t;
	struct inet_dst d;
	struct ipaddr dst = ip("fd00::2");

	(void)state;
	setup_host();
	a.mtu = 1400;
	a.hops = 33;
	rx_advert(&a);
	fakehost_advance(&net.h, 3 * SEC);
	fakenet_settle(&net);
	assert_true(reachable("2001:db8:9::9", &d));
	assert_int_equal(d.mtu, 1400);
	assert_true(reachable("10.0.0.2", &d));
	assert_int_equal(d.mtu, 1500);
	fakenet_neigh(&net, true, 0, 2);
	assert_int_equal(fakenet_send(&net, &dst, 10, NULL), 0);
	fakehost_run(&net.h);
	t = fakenet_sent_ip(&net, 0);
	assert_int_equal(t.ttl, 33);
	fakesent_free(&t);
	/* So few that nothing gets far: an attack. */
	a.hops = HOST_MIN_HOPS - 1;
	rx_advert(&a);
	assert_int_equal(fakenet_send(&net, &dst, 10, NULL), 0);
	fakehost_run(&net.h);
	t = fakenet_sent_ip(&net, 0);
	assert_int_equal(t.ttl, 33);
	fakesent_free(&t);
	assert_int_equal(inet_autoconf_set(net.s, 0, false), 0);
	assert_null(made(a.prefix));
	assert_false(reachable("2001:db8:9::9", &d));
	assert_true(reachable("fd00::2", &d));
	assert_int_equal(d.mtu, 1500);
	fakenet_destroy(&net);
}

/* What a router says of a prefix that is configured too ends without harm to it, whichever came
 * first: else a forged message could take a route away. */
static void test_configured_stays(void **state)
{
	struct ipaddr own = ip("2001:db8:5::1");
	struct ipaddr neighbour = ip("2001:db8:5::77");
	struct advert gone = usual;
	struct inet_dst d;

	(void)state;
	gone.valid_s = gone.preferred_s = 0;
	for (unsigned first = 0; first < 2; first++) {
		setup_host();
		gone.lifetime_s = 1800;
		if (first == 0)
			rx_advert(&usual);
		assert_int_equal(inet_addr_add(net.s, 0, &own, 64), 0);
		if (first == 1)
			rx_advert(&usual);
		rx_advert(&gone);
		assert_true(reachable("2001:db8:5::77", &d));
		assert_true(ipaddr_eq(&d.nexthop, &neighbour));
		assert_int_equal(inet_addr_del(net.s, 0, &own), 0);
		gone.lifetime_s = 0;
		rx_advert(&gone);
		assert_false(reachable("2001:db8:5::77", &d));
		fakenet_destroy(&net);
	}
}

/* A flood of advertisements from made-up routers with made-up prefixes is bounded. */
static void test_flood(void **state)
{
	struct advert a = usual;
	char text[64];

	(void)state;
	setup_host();
	for (unsigned i = 0; i < 500; i++) {
		(void)snprintf(text, sizeof(text), "2001:db8:%x::", i);
		a.prefix = text;
		a.from = i + 2;
		rx_advert(&a);
	}
	assert_int_equal(net.s->inet->ifaces[0].n_addrs, INET_ADDRS_PER_IFACE);
	fakehost_advance(&net.h, 5 * SEC);
	assert_true(n_routes() <= HOST_ROUTERS + HOST_PREFIXES + 8);
	fakenet_destroy(&net);
}

/* ---- redirects ---- */

static void rx_redirect(unsigned from, const char *dst, const struct ipaddr *target, uint8_t ttl)
{
	struct ipaddr src = fakenet_ll(from), us = fakenet_own_ll(&net, 0), d = ip(dst);
	struct fakeip ipp = {.src = src, .dst = us, .proto = PROTO_ICMP6, .ttl = ttl};
	uint8_t m[40] = {ICMP6_REDIRECT}, p[128];

	memcpy(m + 8, target->b, 16);
	memcpy(m + 24, d.b, 16);
	store_native16(m + 2,
		       csum_fold(csum_partial(m, 40, csum_pseudo(&src, &us, PROTO_ICMP6, 40))));
	fakenet_rx(&net, 0, p, fakeip_emit(p, &ipp, m, 40));
}

static void test_redirect(void **state)
{
	struct ipaddr first = fakenet_ll(2), second = fakenet_ll(3), self = ip("2001:db8:9::9");
	struct ipaddr global = ip("2001:db8:7::1");
	struct inet_dst d;

	(void)state;
	setup_host();
	rx_advert(&usual);
	/* From who is not the first hop, from beyond the link, to no router. */
	rx_redirect(4, "2001:db8:9::9", &second, 255);
	rx_redirect(2, "2001:db8:9::9", &second, 254);
	rx_redirect(2, "2001:db8:9::9", &global, 255);
	assert_true(reachable("2001:db8:9::9", &d));
	assert_true(ipaddr_eq(&d.nexthop, &first));
	rx_redirect(2, "2001:db8:9::9", &second, 255);
	assert_true(reachable("2001:db8:9::9", &d));
	assert_true(ipaddr_eq(&d.nexthop, &second));
	assert_true(reachable("2001:db8:9::8", &d));
	assert_true(ipaddr_eq(&d.nexthop, &first));
	/* On the link itself; now the second is who may say so. */
	rx_redirect(3, "2001:db8:9::9", &self, 255);
	assert_true(reachable("2001:db8:9::9", &d));
	assert_true(ipaddr_eq(&d.nexthop, &self));
	/* Not for ever. */
	fakehost_advance(&net.h, HOST_REDIRECT_NS + SEC);
	assert_true(reachable("2001:db8:9::9", &d));
	assert_true(ipaddr_eq(&d.nexthop, &first));
	assert_int_equal(inet_counters(net.s, true)->redirect_used, 2);
	/* The same again is no news to who remembers a way. */
	rx_redirect(2, "2001:db8:9::9", &second, 255);
	assert_true(reachable("2001:db8:9::9", &d));
	rx_redirect(3, "2001:db8:9::9", &second, 255);
	assert_true(inet_dst_valid(net.s, &d));
	/* As many as there are rows. */
	for (unsigned i = 0; i < 200; i++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "2001:db8:9::%x", i + 1);
		rx_redirect(2, text, &second, 255);
	}
	assert_true(n_routes() <= HOST_REDIRECTS + 16);
	fakenet_destroy(&net);
	setup();
	rx_redirect(2, "2001:db8:9::9", &second, 255);
	assert_false(reachable("2001:db8:9::9", &d));
	fakenet_destroy(&net);
}

/* ---- source addresses: RFC 6724 10.1 and others ---- */

static void test_source(void **state)
{
	static const struct {
		const char *dst;
		const char *have[3];
		unsigned want;
		int deprecated; /* -1: none */
	} cases[] = {
		{"2001:db8:1::1", {"2001:db8:3::1", "fe80::1"}, 0, -1},
		{"ff05::1", {"2001:db8:3::1", "fe80::1"}, 0, -1},
		{"fe80::2", {"2001:db8:3::1", "fe80::1"}, 1, -1},
		{"2001:db8:1::1", {"2001:db8:1::1:0", "2001:db8:3::1"}, 0, -1},
		/* same address beats all */
		{"2002:c633:6401::1", {"2002:c633:6401::d5e3", "2001:db8::2"}, 0, -1},
		/* label: native to native, 6to4 to 6to4 */
		{"2001:db8:1::d5e3", {"2002:c633:6401::d5e3", "2001:db8:1::2"}, 1, -1},
		{"2002:c633:1::1", {"2001:db8:1::2", "2002:c633:6401::d5e3"}, 1, -1},
		{"fd12::1", {"2001:db8:1::2", "fd34::5"}, 1, -1},
		{"2a00::1", {"fd34::5", "2001:db8:1::2"}, 1, -1},
		{"3ffe::1", {"2001:db8:1::2", "3ffe:5::1"}, 1, -1},
		/* deprecated only when there is no other */
		{"2001:db8:1::d5e3", {"2001:db8:1::2", "2001:db8:3::2"}, 1, 0},
		{"2001:db8:1::d5e3", {"2001:db8:1::2", "fe80::1"}, 0, 0},
		/* longest prefix, but hosts' numbers do not count */
		{"2001:db8:1::1", {"2001:db8:3::1", "2001:db8:1:5::1"}, 1, -1},
		{"2001:db8:f::1", {"2001:db8:0:1::f", "2001:db8:f:1::1"}, 1, -1},
		/* IPv4 */
		{"10.1.2.3", {"169.254.1.1", "10.9.9.9"}, 1, -1},
		{"169.254.7.7", {"10.9.9.9", "169.254.1.1"}, 1, -1},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct ipaddr dst = ip(cases[i].dst), got, want = ip(cases[i].have[cases[i].want]);
		struct inet_dst d;

		fakenet_create(&net, &(struct fakenet_conf){.no_addrs = true});
		got = fakenet_own_ll(&net, 0);
		assert_int_equal(inet_addr_del(net.s, 0, &got), 0);
		for (unsigned k = 0; k < 3 && cases[i].have[k]; k++) {
			struct ipaddr a = ip(cases[i].have[k]);

			assert_int_equal(inet_addr_add(net.s, 0, &a, ipaddr_is_v4(&a) ? 16 : 64),
					 0);
			if ((int)k == cases[i].deprecated)
				addr_on(net.s, 0, &a)->state = ADDR_DEPRECATED;
		}
		assert_int_equal(inet_dst_lookup_on(net.s, 0, &dst, &d), 0);
		assert_int_equal(inet_src_select(net.s, &d, &dst, &got), 0);
		if (!ipaddr_eq(&got, &want))
			fail_msg("row %u: %s", i, cases[i].dst);
		fakenet_destroy(&net);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dad),
		cmocka_unit_test(test_duplicate),
		cmocka_unit_test(test_solicit),
		cmocka_unit_test(test_advert),
		cmocka_unit_test(test_two_hours),
		cmocka_unit_test(test_ignored),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_redirect),
		cmocka_unit_test(test_source),
		cmocka_unit_test(test_configured_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
