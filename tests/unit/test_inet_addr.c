/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses and ways: configuration errors, source selection, link-local addresses, generations. */
#include "fakenet.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

static struct fakenet net;

static void setup(unsigned n_ports)
{
	fakenet_create(&net, &(struct fakenet_conf){.n_ports = n_ports});
}

static struct ipaddr ip(const char *text)
{
	struct ipaddr a;

	assert_int_equal(ipaddr_parse(text, &a), 0);
	return a;
}

static int add(unsigned iface, const char *text, uint8_t len)
{
	struct ipaddr a = ip(text);

	return inet_addr_add(net.s, iface, &a, len);
}

static void test_add(void **state)
{
	static const struct {
		const char *text;
		uint8_t len;
		int want;
	} cases[] = {
		{"192.0.2.1", 24, 0},
		{"192.0.2.1", 24, -EEXIST},
		{"192.0.2.1", 16, -EEXIST},
		{"192.0.2.2", 24, 0}, /* a second in the subnet */
		{"192.0.2.0", 24, -EINVAL},
		{"192.0.2.255", 24, -EINVAL},
		{"192.0.2.9", 33, -EINVAL},
		{"192.0.3.0", 31, 0},
		{"192.0.3.3", 32, 0},
		{"0.0.0.0", 24, -EINVAL},
		{"127.0.0.1", 8, -EINVAL},
		{"224.0.0.1", 24, -EINVAL},
		{"255.255.255.255", 32, -EINVAL},
		{"2001:db8::1", 64, 0},
		{"2001:db8::1", 64, -EEXIST},
		{"2001:db8::2", 128, 0},
		{"2001:db8::9", 129, -EINVAL},
		{"::", 64, -EINVAL},
		{"::1", 128, -EINVAL},
		{"ff02::1", 64, -EINVAL},
	};
	struct ipaddr a;

	(void)state;
	setup(1);
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++)
		if (add(0, cases[i].text, cases[i].len) != cases[i].want)
			fail_msg("%s/%u", cases[i].text, cases[i].len);
	assert_int_equal(add(1, "10.9.9.9", 24), -EINVAL); /* no such interface */
	/* 9 are there: 16 is the most. */
	for (unsigned i = 0; i < 7; i++) {
		a = fakenet_addr(true, 0, 100 + i);
		assert_int_equal(inet_addr_add(net.s, 0, &a, 64), 0);
	}
	assert_int_equal(add(0, "10.9.9.9", 24), -ENOSPC);
	fakenet_destroy(&net);
}

/* The connected route goes with the last address of its prefix. */
static void test_del(void **state)
{
	struct ipaddr a = ip("192.0.2.1"), b = ip("192.0.2.2"), peer = ip("192.0.2.77");
	struct inet_dst d;

	(void)state;
	setup(1);
	assert_int_equal(add(0, "192.0.2.1", 24), 0);
	assert_int_equal(add(0, "192.0.2.2", 24), 0);
	assert_int_equal(inet_dst_lookup(net.s, &peer, &d), 0);
	assert_true(inet_addr_is_local(net.s, &a));
	assert_int_equal(inet_addr_del(net.s, 0, &a), 0);
	assert_int_equal(inet_addr_del(net.s, 0, &a), -EADDRNOTAVAIL);
	assert_false(inet_addr_is_local(net.s, &a));
	assert_false(inet_dst_valid(net.s, &d));
	assert_int_equal(inet_dst_lookup(net.s, &peer, &d), 0);
	assert_int_equal(inet_addr_del(net.s, 0, &b), 0);
	assert_int_equal(inet_dst_lookup(net.s, &peer, &d), -ENETUNREACH);
	assert_int_equal(inet_addr_del(net.s, 5, &b), -EINVAL);
	fakenet_destroy(&net);
}

static void test_local(void **state)
{
	static const struct {
		const char *text;
		bool want;
	} cases[] = {
		{"10.0.0.1", true}, {"10.0.0.2", false}, {"127.0.0.1", true}, {"127.9.9.9", true},
		{"::1", true},      {"fd00::1", true},   {"fd00::2", false},  {"0.0.0.0", false},
		{"::", false},      {"ff02::1", false},
	};
	struct ipaddr ll;

	(void)state;
	setup(2);
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct ipaddr a = ip(cases[i].text);

		if (inet_addr_is_local(net.s, &a) != cases[i].want)
			fail_msg("%s", cases[i].text);
	}
	/* Link-local: on its interface only. */
	ll = fakenet_own_ll(&net, 1);
	assert_true(inet_addr_is_local(net.s, &ll));
	assert_true(addr_is_own(net.s, 1, &ll));
	assert_false(addr_is_own(net.s, 0, &ll));
	fakenet_destroy(&net);
}

/* RFC 7217: stable, another for each interface, another under another secret. */
static void test_link_local(void **state)
{
	struct ipaddr a, b, c;

	(void)state;
	setup(2);
	a = fakenet_own_ll(&net, 0);
	b = fakenet_own_ll(&net, 1);
	assert_true(addr_is_own_on(net.s, 0, &a));
	assert_true(addr_is_own_on(net.s, 1, &b));
	assert_int_equal(load_be64(a.b), UINT64_C(0xfe80000000000000));
	assert_false(ipaddr_eq(&a, &b));
	c = addr_link_local_make(net.s, 0, 1);
	assert_false(ipaddr_eq(&a, &c));
	/* No trace of the link address (EUI-64). */
	assert_false(a.b[11] == 0xff && a.b[12] == 0xfe);
	net.s->env.secret[0] ^= 1;
	c = addr_link_local_make(net.s, 0, 0);
	assert_false(ipaddr_eq(&a, &c));
	net.s->env.secret[0] ^= 1;
	fakenet_destroy(&net);
	setup(2);
	c = fakenet_own_ll(&net, 0);
	assert_true(ipaddr_eq(&a, &c));
	fakenet_destroy(&net);
}

static void test_source(void **state)
{
	static const struct {
		const char *dst, *want; /* NULL: the link-local address of interface 0 */
	} cases[] = {
		{"10.0.0.9", "10.0.0.1"},
		{"10.0.1.9", "10.0.1.1"},
		{"172.16.0.9", "172.16.0.1"},
		{"198.51.100.1", "10.0.0.1"}, /* by its gateway */
		{"10.0.0.1", "10.0.0.1"},
		{"127.0.0.1", "127.0.0.1"},
		{"fd00::9", "fd00::1"},
		{"fd00:1::9", "fd00:1::1"},
		{"2001:db8::9", "2001:db8::1"},
		{"2001:db8:f::9", "2001:db8:f::1"},
		{"2a00::1", "2001:db8::1"}, /* RFC 6724 rule 6: not the ULA */
		{"fe80::9", NULL},
		{"ff02::9", NULL},
		{"::1", "::1"},
	};
	struct ipaddr gw4 = ip("10.0.0.2"), gw6 = ip("fd00::2"), any4 = ip("0.0.0.0"),
		      any6 = ip("::");
	struct ipprefix def4 = ipprefix_make(&any4, 96), def6 = ipprefix_make(&any6, 0);

	(void)state;
	setup(2);
	assert_int_equal(add(0, "172.16.0.1", 24), 0);
	assert_int_equal(add(0, "2001:db8::1", 48), 0);
	assert_int_equal(add(0, "2001:db8:f::1", 48), 0);
	assert_int_equal(inet_route_add(net.s, &def4, &gw4, 0, 0), 0);
	assert_int_equal(inet_route_add(net.s, &def6, &gw6, 0, 0), 0);
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct ipaddr dst = ip(cases[i].dst), got, want;
		struct inet_dst d;

		want = cases[i].want ? ip(cases[i].want) : fakenet_own_ll(&net, 0);
		assert_int_equal(inet_dst_lookup(net.s, &dst, &d), 0);
		assert_int_equal(inet_src_select(net.s, &d, &dst, &got), 0);
		if (!ipaddr_eq(&got, &want))
			fail_msg("%s", cases[i].dst);
	}
	fakenet_destroy(&net);
}

/* The interface has no address of the family: another's is used, link-local ones are not. */
static void test_source_elsewhere(void **state)
{
	struct ipaddr us4 = ip("10.0.1.1"), us6 = ip("fd00:1::1"), got, gw6 = fakenet_ll(2);
	struct ipaddr net4 = ip("198.51.100.0"), net6 = ip("2001:db8::");
	struct ipprefix p4 = ipprefix_make(&net4, 120), p6 = ipprefix_make(&net6, 32);
	struct ipaddr dst4 = ip("198.51.100.7"), dst6 = ip("2001:db8::7");
	struct inet_dst d;

	(void)state;
	fakenet_create(&net, &(struct fakenet_conf){.n_ports = 2, .no_addrs = true});
	assert_int_equal(inet_route_add(net.s, &p4, NULL, 0, 0), 0);
	assert_int_equal(inet_route_add(net.s, &p6, &gw6, 0, 0), 0);
	assert_int_equal(inet_dst_lookup(net.s, &dst4, &d), 0);
	assert_int_equal(inet_src_select(net.s, &d, &dst4, &got), -EADDRNOTAVAIL);
	assert_int_equal(inet_addr_add(net.s, 1, &us4, 24), 0);
	assert_int_equal(inet_addr_add(net.s, 1, &us6, 64), 0);
	assert_int_equal(inet_dst_lookup(net.s, &dst4, &d), 0);
	assert_int_equal(inet_src_select(net.s, &d, &dst4, &got), 0);
	assert_true(ipaddr_eq(&got, &us4));
	assert_int_equal(inet_dst_lookup(net.s, &dst6, &d), 0);
	assert_true(ipaddr_eq(&d.nexthop, &gw6));
	assert_int_equal(inet_src_select(net.s, &d, &dst6, &got), 0);
	assert_true(ipaddr_eq(&got, &us6));
	fakenet_destroy(&net);
}

static void test_routes(void **state)
{
	struct ipaddr net4 = ip("198.51.100.0"), gw4 = ip("10.0.0.2"), gw6 = ip("fd00::2");
	struct ipaddr us = ip("10.0.0.1"), lo = ip("127.0.0.1"), dst = ip("198.51.100.1");
	struct ipprefix p = ipprefix_make(&net4, 120);
	struct inet_dst d;

	(void)state;
	setup(1);
	assert_int_equal(inet_route_add(net.s, &p, &gw6, 0, 0), -EINVAL);
	assert_int_equal(inet_route_add(net.s, &p, &us, 0, 0), -EINVAL);
	assert_int_equal(inet_route_add(net.s, &p, &lo, 0, 0), -EINVAL);
	assert_int_equal(inet_route_add(net.s, &p, &gw4, 3, 0), -EINVAL);
	assert_int_equal(inet_dst_lookup(net.s, &dst, &d), -ENETUNREACH);
	assert_int_equal(inet_route_add(net.s, &p, &gw4, 0, 0), 0);
	assert_int_equal(inet_route_add(net.s, &p, &gw4, 0, 9), -EEXIST);
	assert_int_equal(inet_dst_lookup(net.s, &dst, &d), 0);
	assert_true(ipaddr_eq(&d.nexthop, &gw4));
	assert_int_equal(d.mtu, 1500);
	assert_true(inet_dst_valid(net.s, &d));
	assert_int_equal(inet_route_del(net.s, &p, NULL, 0), -ESRCH);
	assert_true(inet_dst_valid(net.s, &d));
	assert_int_equal(inet_route_del(net.s, &p, &gw4, 0), 0);
	assert_false(inet_dst_valid(net.s, &d));
	fakenet_destroy(&net);
}

/* A link too narrow for IPv6 (RFC 8200 5) has no address of it, and works with IPv4. */
static void test_narrow_link(void **state)
{
	(void)state;
	fakenet_create(&net, &(struct fakenet_conf){.mtu = 1279, .no_addrs = true});
	assert_int_equal(net.s->inet->ifaces[0].n_addrs, 0);
	assert_int_equal(add(0, "10.0.0.1", 24), 0);
	fakenet_destroy(&net);
	fakenet_create(&net, &(struct fakenet_conf){.mtu = 1280, .no_addrs = true});
	assert_int_equal(net.s->inet->ifaces[0].n_addrs, 1);
	fakenet_destroy(&net);
}

/* A link-local peer is looked for among the neighbours, or on the interface that is named. */
static void test_link_local_peer(void **state)
{
	struct ipaddr peer = fakenet_ll(2);
	struct ethaddr mac = fakenet_mac(1, 2);
	struct inet_dst d;
	struct neigh *n;

	(void)state;
	setup(2);
	n = neigh_get(net.s, 1, &peer);
	neigh_on_advert(net.s, n, &mac, NEIGH_SOLICITED | NEIGH_OVERRIDE);
	assert_int_equal(inet_dst_lookup(net.s, &peer, &d), 0);
	assert_int_equal(d.iface, 1);
	assert_int_equal(inet_dst_lookup_on(net.s, 0, &peer, &d), 0);
	assert_int_equal(d.iface, 0);
	assert_int_equal(inet_dst_lookup_on(net.s, 9, &peer, &d), -ENETUNREACH);
	/* A way that became void stays on its interface. */
	assert_int_equal(inet_dst_lookup_on(net.s, 0, &peer, &d), 0);
	inet_gen_bump(net.s->inet);
	assert_int_equal(fakenet_send(&net, &peer, 10, &d), 0);
	assert_int_equal(d.iface, 0);
	assert_true(inet_dst_valid(net.s, &d));
	fakenet_destroy(&net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),         cmocka_unit_test(test_del),
		cmocka_unit_test(test_local),       cmocka_unit_test(test_link_local),
		cmocka_unit_test(test_source),      cmocka_unit_test(test_source_elsewhere),
		cmocka_unit_test(test_routes),      cmocka_unit_test(test_link_local_peer),
		cmocka_unit_test(test_narrow_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
