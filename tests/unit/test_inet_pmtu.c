/* SPDX-License-Identifier: BSD-2-Clause */
/* Path MTUs: lowered only, floors, forgotten after ten minutes, bounded, seen by every cached way.
 */
#include "fakenet.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>

#define SEC UINT64_C(1000000000)

static struct fakenet net;

static struct ipaddr far_host(bool v6, unsigned i)
{
	struct ipaddr a = fakenet_addr(v6, 9, 9);

	store_be16(&a.b[12], (uint16_t)(v6 ? i : 0x1400 + (i >> 8)));
	if (!v6)
		a.b[14] = (uint8_t)i;
	return a;
}

static void setup(bool v6)
{
	struct ipaddr any = v6 ? ipaddr_any6() : ipaddr_any4(), gw = fakenet_addr(v6, 0, 2);
	struct ipprefix def = ipprefix_make(&any, v6 ? 0 : 96);

	fakenet_create(&net, &(struct fakenet_conf){0});
	assert_int_equal(inet_route_add(net.s, &def, &gw, 0, 0), 0);
	fakenet_neigh(&net, v6, 0, 2);
}

static void check_lower(bool v6)
{
	struct ipaddr a = far_host(v6, 1), b = far_host(v6, 2);
	uint32_t floor = v6 ? 1280 : 552;
	struct inet_dst d;

	setup(v6);
	assert_int_equal(inet_dst_lookup(net.s, &a, &d), 0);
	assert_int_equal(d.mtu, 1500);
	inet_pmtu_update(net.s, &a, 1400);
	assert_false(inet_dst_valid(net.s, &d));
	assert_int_equal(inet_dst_lookup(net.s, &a, &d), 0);
	assert_int_equal(d.mtu, 1400);
	assert_int_equal(inet_pmtu(net.s, &a), 1400);
	/* Never up, not even to the same: the way stays valid. */
	inet_pmtu_update(net.s, &a, 1450);
	inet_pmtu_update(net.s, &a, 1400);
	inet_pmtu_update(net.s, &a, UINT32_MAX);
	assert_true(inet_dst_valid(net.s, &d));
	assert_int_equal(inet_pmtu(net.s, &b), 1500);
	inet_pmtu_update(net.s, &b, 9000);
	assert_int_equal(inet_pmtu(net.s, &b), 1500);
	for (unsigned i = 0; i < 3; i++) {
		static const uint32_t low[] = {1, 0, 68};

		inet_pmtu_update(net.s, &a, low[i]);
		assert_int_equal(inet_pmtu(net.s, &a), floor);
	}
	assert_int_equal(inet_counters(net.s, v6)->pmtu_lowered, 2);
	/* What is sent obeys. */
	assert_int_equal(fakenet_send(&net, &a, 1400, NULL), 0);
	fakehost_run(&net.h);
	assert_true(net.h.port[0]->n_tx >= 2);
	fakenet_destroy(&net);
}

static void check_expiry(bool v6)
{
	struct ipaddr a = far_host(v6, 1), b = far_host(v6, 2);
	struct inet_dst d;

	setup(v6);
	inet_pmtu_update(net.s, &a, 1400);
	fakehost_advance(&net.h, 300 * SEC);
	inet_pmtu_update(net.s, &b, 1350);
	assert_int_equal(inet_dst_lookup(net.s, &a, &d), 0);
	fakehost_advance(&net.h, 299 * SEC);
	assert_int_equal(inet_pmtu(net.s, &a), 1400);
	assert_true(inet_dst_valid(net.s, &d));
	fakehost_advance(&net.h, 2 * SEC);
	assert_int_equal(inet_pmtu(net.s, &a), 1500);
	assert_false(inet_dst_valid(net.s, &d));
	assert_int_equal(inet_pmtu(net.s, &b), 1350);
	/* Lowered again: its time begins anew. */
	inet_pmtu_update(net.s, &b, 1300);
	fakehost_advance(&net.h, 400 * SEC);
	assert_int_equal(inet_pmtu(net.s, &b), 1300);
	fakehost_advance(&net.h, 210 * SEC);
	assert_int_equal(inet_pmtu(net.s, &b), 1500);
	assert_int_equal(inet_counters(net.s, v6)->pmtu_expired, 2);
	fakenet_destroy(&net);
}

static void check_bounded(bool v6)
{
	struct ipaddr a;

	setup(v6);
	for (unsigned i = 0; i < 10000; i++) {
		a = far_host(v6, i);
		inet_pmtu_update(net.s, &a, 1400);
		assert_int_equal(inet_pmtu(net.s, &a), 1400);
	}
	assert_true(slab_count(&net.s->inet->pmtu.slab) <= 4096);
	a = far_host(v6, 0);
	assert_int_equal(inet_pmtu(net.s, &a), 1500);
	fakenet_destroy(&net);
}

/* Our own addresses and places without a route have no path. */
static void check_no_path(bool v6)
{
	struct ipaddr us = fakenet_addr(v6, 0, 1), nowhere = fakenet_addr(v6, 9, 9);

	fakenet_create(&net, &(struct fakenet_conf){0});
	inet_pmtu_update(net.s, &nowhere, 1300);
	assert_int_equal(inet_pmtu(net.s, &nowhere), 0);
	assert_int_equal(slab_count(&net.s->inet->pmtu.slab), 0);
	assert_int_equal(inet_pmtu(net.s, &us), INET_LOOP_MTU);
	fakenet_destroy(&net);
}

#define TWINS(name) \
	static void test_##name(void **state) \
	{ \
		(void)state; \
		check_##name(false); \
		check_##name(true); \
	}

TWINS(lower)
TWINS(expiry)
TWINS(bounded)
TWINS(no_path)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lower),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_no_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
