/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a neighbour on virtual time, for ARP and ND alike: asked for, answered, silent, gone;
 * bounds of what waits, of the table and of the questions; pointers to one that was evicted.
 */
#include "fakenet.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#define SEC UINT64_C(1000000000)

static struct fakenet net;

static void setup(uint32_t max_neighbours)
{
	fakenet_create(&net, &(struct fakenet_conf){.max_neighbours = max_neighbours});
}

static enum neigh_state state_of(bool v6, unsigned host)
{
	struct ipaddr a = fakenet_addr(v6, 0, host);
	struct neigh *n = neigh_find(net.s, 0, &a);

	return n ? (enum neigh_state)n->state : NEIGH_FREE;
}

static int send(bool v6, unsigned host)
{
	struct ipaddr a = fakenet_addr(v6, 0, host);

	return fakenet_send(&net, &a, 10, NULL);
}

/* Exactly one question went out, of this kind. */
static void expect_ask(bool v6, unsigned host, bool unicast)
{
	struct ipaddr a = fakenet_addr(v6, 0, host);
	struct fakeask q;

	fakehost_run(&net.h);
	q = fakenet_asked(&net, 0);
	assert_true(q.any);
	assert_true(ipaddr_eq(&q.target, &a));
	assert_int_equal(q.unicast, unicast);
	assert_true(addr_is_own_on(net.s, 0, &q.from));
	assert_false(fakenet_asked(&net, 0).any);
}

/* n packets to host went out, with its link address. */
static void expect_packets(bool v6, unsigned host, unsigned n)
{
	struct ethaddr mac = fakenet_mac(0, host);
	struct ipaddr a = fakenet_addr(v6, 0, host);
	struct fakesent t;

	fakehost_run(&net.h);
	for (unsigned i = 0; i < n; i++) {
		t = fakenet_sent_ip(&net, 0);
		assert_non_null(t.f);
		assert_true(ethaddr_eq(&t.eth.dst, &mac));
		assert_true(ipaddr_eq(&t.dst, &a));
		assert_true(fakesent_csum_ok(&t));
		fakesent_free(&t);
	}
	t = fakenet_sent_ip(&net, 0);
	assert_null(t.f);
}

static void resolve(bool v6)
{
	struct ethaddr mac = fakenet_mac(0, 5);

	setup(0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(send(v6, 5), 0);
	expect_ask(v6, 5, false);
	assert_int_equal(state_of(v6, 5), NEIGH_INCOMPLETE);
	fakenet_answer(&net, v6, 0, 5, &mac);
	assert_int_equal(state_of(v6, 5), NEIGH_REACHABLE);
	expect_packets(v6, 5, 3);
	assert_int_equal(send(v6, 5), 0);
	expect_packets(v6, 5, 1);
	assert_int_equal(fakehost_drops_all(&net.h), 0);
	fakenet_destroy(&net);
}

static void silence(bool v6)
{
	setup(0);
	assert_int_equal(send(v6, 5), 0);
	for (unsigned i = 0; i < NEIGH_MULTICAST_PROBES; i++) {
		expect_ask(v6, 5, false);
		fakehost_advance(&net.h, SEC - 8 * WHEEL_TICK_NS);
		assert_int_equal(state_of(v6, 5), NEIGH_INCOMPLETE);
		assert_false(fakenet_asked(&net, 0).any);
		fakehost_advance(&net.h, 9 * WHEEL_TICK_NS);
	}
	assert_int_equal(state_of(v6, 5), NEIGH_FAILED);
	assert_drops(&net, DROP_NEIGH_UNREACHABLE, 1);
	/* The transport is told. */
	assert_int_equal(net.n_err, 1);
	assert_int_equal(net.err.kind, INET_ERR_UNREACHABLE);
	assert_int_equal(net.err.err, EHOSTUNREACH);
	assert_int_equal(net.err.sport, 1111);
	assert_int_equal(net.err.dport, 2222);
	/* For a moment it is refused at once, then asked for again. */
	assert_int_equal(send(v6, 5), -EHOSTUNREACH);
	assert_drops(&net, DROP_NEIGH_UNREACHABLE, 2);
	fakehost_run(&net.h);
	assert_false(fakenet_asked(&net, 0).any);
	fakehost_advance(&net.h, NEIGH_HOLD_NS);
	assert_int_equal(send(v6, 5), 0);
	expect_ask(v6, 5, false);
	fakenet_destroy(&net);
}

/* 64 packets wait, the oldest make room; superpackets count by what they tie up. */
static void queue(bool v6)
{
	struct ipaddr a = fakenet_addr(v6, 0, 5);
	struct ethaddr mac = fakenet_mac(0, 5);
	struct neigh *n;

	setup(0);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(send(v6, 5), 0);
	assert_drops(&net, DROP_NEIGH_QUEUE_FULL, 100 - 64);
	n = neigh_find(net.s, 0, &a);
	assert_int_equal(n->queue.count, 64);
	assert_int_equal(n->queue_bytes, net.s->link->neigh->queue_bytes);
	fakenet_answer(&net, v6, 0, 5, &mac);
	assert_int_equal(net.s->link->neigh->queue_bytes, 0);
	expect_packets(v6, 5, 64);
	/* Over all neighbours: a sixteenth of the pool. */
	for (unsigned h = 10; h < 200; h++)
		for (unsigned i = 0; i < 5; i++)
			assert_int_equal(send(v6, h), 0);
	assert_true(net.s->link->neigh->queue_bytes <= net.s->link->neigh->max_queue_bytes);
	assert_true(mbuf_pool_avail(net.h.pool, MBUF_SMALL) > 2048 * 7 / 8);
	fakenet_destroy(&net);
}

/* Used after a long silence: five seconds of grace, then questions by unicast, while packets flow.
 */
static void probe(bool v6)
{
	struct ethaddr mac = fakenet_mac(0, 5);

	setup(0);
	fakenet_neigh(&net, v6, 0, 5);
	fakehost_advance(&net.h, 46 * SEC); /* 1.5 times 30 s at most */
	assert_int_equal(send(v6, 5), 0);
	expect_packets(v6, 5, 1);
	assert_int_equal(state_of(v6, 5), NEIGH_DELAY);
	fakehost_advance(&net.h, NEIGH_DELAY_NS + WHEEL_TICK_NS);
	assert_int_equal(state_of(v6, 5), NEIGH_PROBE);
	expect_ask(v6, 5, true);
	assert_int_equal(send(v6, 5), 0);
	expect_packets(v6, 5, 1);
	fakenet_answer(&net, v6, 0, 5, &mac);
	assert_int_equal(state_of(v6, 5), NEIGH_REACHABLE);
	fakehost_advance(&net.h, 5 * SEC);
	assert_false(fakenet_asked(&net, 0).any);
	fakenet_destroy(&net);
}

static void probe_fails(bool v6)
{
	setup(0);
	fakenet_neigh(&net, v6, 0, 5);
	fakehost_advance(&net.h, 46 * SEC);
	assert_int_equal(send(v6, 5), 0);
	fakehost_advance(&net.h, NEIGH_DELAY_NS + WHEEL_TICK_NS);
	for (unsigned i = 0; i < NEIGH_UNICAST_PROBES + NEIGH_MULTICAST_PROBES; i++) {
		expect_ask(v6, 5, i < NEIGH_UNICAST_PROBES);
		assert_int_equal(send(v6, 5), 0); /* RFC 7048: still to the address known */
		expect_packets(v6, 5, 1);
		fakehost_advance(&net.h, SEC + WHEEL_TICK_NS);
	}
	assert_int_equal(state_of(v6, 5), NEIGH_FAILED);
	assert_int_equal(send(v6, 5), -EHOSTUNREACH);
	fakenet_destroy(&net);
}

/* Acknowledgements from above keep it reachable for hours without a question. */
static void confirm(bool v6)
{
	struct ipaddr a = fakenet_addr(v6, 0, 5);
	struct inet_dst d = {0};

	setup(0);
	fakenet_neigh(&net, v6, 0, 5);
	for (unsigned i = 0; i < 300; i++) {
		assert_int_equal(fakenet_send(&net, &a, 10, &d), 0);
		expect_packets(v6, 5, 1);
		fakehost_advance(&net.h, 12 * SEC);
		inet_dst_confirm(net.s, &d);
		assert_int_equal(state_of(v6, 5), NEIGH_REACHABLE);
	}
	/* In grace, a confirmation ends it. */
	fakehost_advance(&net.h, 46 * SEC);
	assert_int_equal(fakenet_send(&net, &a, 10, &d), 0);
	assert_int_equal(state_of(v6, 5), NEIGH_DELAY);
	inet_dst_confirm(net.s, &d);
	assert_int_equal(state_of(v6, 5), NEIGH_REACHABLE);
	fakehost_advance(&net.h, 10 * SEC);
	assert_false(fakenet_asked(&net, 0).any);
	fakenet_destroy(&net);
}

/* RFC 6583: 5,000 hosts that are not there, in one second. */
static void flood(bool v6)
{
	struct ipaddr wide = ipaddr_v4(0x0a800001);
	struct neigh_table *t;
	unsigned asked = 0;

	setup(256);
	assert_int_equal(inet_addr_add(net.s, 0, &wide, 9), 0);
	fakenet_settle(&net);
	t = net.s->link->neigh;
	fakenet_neigh(&net, v6, 0, 5);
	for (unsigned i = 0; i < 5000; i++) {
		struct ipaddr a = v6 ? fakenet_addr(v6, 0, 100 + i) : ipaddr_v4(0x0a800100u + i);

		(void)fakenet_send(&net, &a, 10, NULL);
		if (i % 50 == 0) {
			net.h.now_ns += SEC / 100;
			assert_int_equal(send(v6, 5), 0);
			fakehost_run(&net.h);
		}
		assert_true(t->count[NEIGH_LRU_UNRESOLVED] <= 64);
	}
	assert_true(slab_count(&t->slab) <= 256);
	assert_true(t->queue_bytes <= t->max_queue_bytes);
	assert_true(fakehost_drops(&net.h, DROP_NEIGH_TABLE_FULL) > 4000);
	while (fakenet_asked(&net, 0).any)
		asked++;
	assert_in_range(asked, 100, 128 + 1000 + 10);
	assert_true(link_counters(net.s)->neigh_throttled > 0);
	/* Who is known was never cut off, and a new one gets through. */
	assert_int_equal(state_of(v6, 5), NEIGH_REACHABLE);
	fakehost_advance(&net.h, SEC);
	fakenet_settle(&net);
	assert_int_equal(send(v6, 6), 0);
	expect_ask(v6, 6, false);
	fakenet_destroy(&net);
}

/* Somebody scans the hosts behind our second port: what we send there ourselves still finds its
 * way, and whoever could not be asked at once is asked as often as others. */
static void scan_behind(bool v6)
{
	struct fakeip ip = {.src = fakenet_addr(v6, 0, 2), .proto = 17};
	struct ipaddr own = fakenet_addr(v6, 1, 7), last = fakenet_addr(v6, 1, 160);
	uint8_t data[8] = {0};
	struct fakeask q;
	unsigned asked = 0;

	fakenet_create(&net, &(struct fakenet_conf){.n_ports = 2, .forward = true});
	for (unsigned host = 11; host <= 160; host++) {
		ip.dst = fakenet_addr(v6, 1, host);
		fakenet_rx_ip(&net, 0, &ip, data, sizeof(data));
	}
	while ((q = fakenet_asked(&net, 1)).any)
		asked++;
	assert_in_range(asked, 90, 100);
	assert_int_equal(link_counters(net.s)->neigh_throttled, 150 - asked);
	assert_int_equal(fakenet_send(&net, &own, 10, NULL), 0);
	fakehost_run(&net.h);
	q = fakenet_asked(&net, 1);
	assert_true(q.any && ipaddr_eq(&q.target, &own));
	asked = 0;
	fakehost_advance(&net.h, 15 * SEC);
	while ((q = fakenet_asked(&net, 1)).any)
		asked += ipaddr_eq(&q.target, &last);
	assert_int_equal(asked, NEIGH_MULTICAST_PROBES);
	fakenet_destroy(&net);
}

/* A way that somebody cached outlives its neighbour. */
static void evicted(bool v6)
{
	struct ipaddr a = fakenet_addr(v6, 0, 5);
	struct inet_dst d = {0};
	struct neigh *was;

	setup(16);
	fakenet_neigh(&net, v6, 0, 5);
	assert_int_equal(fakenet_send(&net, &a, 10, &d), 0);
	expect_packets(v6, 5, 1);
	was = d.neigh;
	assert_non_null(was);
	/* Sixteen others that are used again and again, until it has lost its turns. */
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned h = 100; h < 120; h++) {
			net.h.now_ns += 1000;
			fakehost_run(&net.h);
			fakenet_neigh(&net, v6, 0, h);
			assert_int_equal(send(v6, h), 0);
		}
	}
	fakenet_settle(&net);
	assert_false(neigh_is(was, 0, &a));
	assert_int_equal(state_of(v6, 5), NEIGH_FREE);
	inet_dst_confirm(net.s, &d); /* of whom? of nobody */
	assert_int_equal(fakenet_send(&net, &a, 10, &d), 0);
	expect_ask(v6, 5, false);
	assert_true(neigh_is(d.neigh, 0, &a));
	fakenet_destroy(&net);
}

/* Who is used again and again outlives a table's worth of others. */
static void in_use(bool v6)
{
	setup(16);
	fakenet_neigh(&net, v6, 0, 5);
	for (unsigned i = 0; i < 200; i++) {
		net.h.now_ns += 1000;
		fakehost_run(&net.h);
		assert_int_equal(send(v6, 5), 0);
		fakenet_neigh(&net, v6, 0, 100 + i);
		assert_int_equal(state_of(v6, 5), NEIGH_REACHABLE);
	}
	assert_true(link_counters(net.s)->neigh_evicted > 150);
	fakenet_destroy(&net);
}

static void moved(bool v6)
{
	struct ethaddr other = fakenet_mac(0, 99);
	struct ipaddr a = fakenet_addr(v6, 0, 5);
	struct fakesent t;
	struct neigh *n;

	setup(0);
	n = fakenet_neigh(&net, v6, 0, 5);
	/* Without override a reachable one is put to the test and nothing else (RFC 4861 7.2.5). */
	neigh_on_advert(net.s, n, &other, NEIGH_SOLICITED);
	assert_int_equal(n->state, NEIGH_STALE);
	assert_false(ethaddr_eq(&n->mac, &other));
	neigh_on_advert(net.s, n, &other, NEIGH_OVERRIDE);
	assert_int_equal(n->state, NEIGH_STALE);
	assert_true(ethaddr_eq(&n->mac, &other));
	assert_int_equal(fakenet_send(&net, &a, 10, NULL), 0);
	fakehost_run(&net.h);
	t = fakenet_sent_ip(&net, 0);
	assert_true(ethaddr_eq(&t.eth.dst, &other));
	fakesent_free(&t);
	fakenet_destroy(&net);
}

/* Groups and broadcast need nobody's answer. */
static void groups(bool v6)
{
	struct ipaddr dst =
		v6 ? (struct ipaddr){.b = {0xff, 2, [15] = 0x99}} : ipaddr_v4(0xe0000099);
	struct ipaddr subnet = ipaddr_v4(0x0a0000ff);
	struct ethaddr want;
	struct fakesent t;

	setup(0);
	want = eth_multicast(&dst);
	assert_int_equal(fakenet_send(&net, &dst, 10, NULL), 0);
	fakehost_run(&net.h);
	t = fakenet_sent_ip(&net, 0);
	assert_non_null(t.f);
	assert_true(ethaddr_eq(&t.eth.dst, &want));
	fakesent_free(&t);
	if (!v6) {
		assert_int_equal(fakenet_send(&net, &subnet, 10, NULL), 0);
		fakehost_run(&net.h);
		t = fakenet_sent_ip(&net, 0);
		assert_true(ethaddr_is_broadcast(&t.eth.dst));
		assert_true(ipaddr_eq(&t.dst, &subnet));
		fakesent_free(&t);
	}
	fakenet_destroy(&net);
}

#define TWINS(name) \
	static void test_##name(void **state) \
	{ \
		(void)state; \
		name(false); \
		name(true); \
	}

TWINS(resolve)
TWINS(silence)
TWINS(queue)
TWINS(probe)
TWINS(probe_fails)
TWINS(confirm)
TWINS(flood)
TWINS(scan_behind)
TWINS(evicted)
TWINS(in_use)
TWINS(moved)
TWINS(groups)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resolve),     cmocka_unit_test(test_silence),
		cmocka_unit_test(test_queue),       cmocka_unit_test(test_probe),
		cmocka_unit_test(test_probe_fails), cmocka_unit_test(test_confirm),
		cmocka_unit_test(test_flood),       cmocka_unit_test(test_scan_behind),
		cmocka_unit_test(test_evicted),     cmocka_unit_test(test_moved),
		cmocka_unit_test(test_in_use),      cmocka_unit_test(test_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
