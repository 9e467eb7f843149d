/* SPDX-License-Identifier: BSD-2-Clause */
/* ARP: who is answered, what is learned, what is refused, how conflicts and floods end. */
#include "fakenet.h"

#include "wire/arp.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#define US   0x0a000001u
#define PEER 0x0a000002u
#define SEC  UINT64_C(1000000000)

static struct fakenet net;

static struct arp arp(uint16_t op, uint32_t spa, uint32_t tpa)
{
	return (struct arp){.op = op, .sha = fakenet_mac(0, 2), .spa = spa, .tpa = tpa};
}

static void rx(const struct arp *a)
{
	struct ethaddr to = a->op == ARP_REQUEST ? ethaddr_broadcast() : fakenet_own_mac(&net, 0);

	fakenet_rx_arp(&net, 0, &to, a);
}

static struct neigh *known(uint32_t v4)
{
	struct ipaddr a = ipaddr_v4(v4);

	return neigh_find(net.s, 0, &a);
}

/* What was sent is one ARP reply or announcement; returns it. */
static struct arp sent_arp(struct ethaddr *to)
{
	struct fakesent t = fakenet_sent(&net, 0);
	struct arp a;

	assert_non_null(t.f);
	assert_int_equal(t.eth.type, ETHERTYPE_ARP);
	assert_int_equal(arp_parse(&a, t.payload), 0);
	*to = t.eth.dst;
	fakesent_free(&t);
	return a;
}

static void expect_silence(void)
{
	assert_int_equal(net.h.port[0]->n_tx, 0);
}

static void test_answer(void **state)
{
	struct arp q = arp(ARP_REQUEST, PEER, US), a;
	struct ethaddr own, to;

	(void)state;
	fakenet_create(&net, &(struct fakenet_conf){0});
	own = fakenet_own_mac(&net, 0);
	rx(&q);
	a = sent_arp(&to);
	assert_int_equal(a.op, ARP_REPLY);
	assert_true(ethaddr_eq(&to, &q.sha));
	assert_true(ethaddr_eq(&a.sha, &own));
	assert_true(ethaddr_eq(&a.tha, &q.sha));
	assert_int_equal(a.spa, US);
	assert_int_equal(a.tpa, PEER);
	assert_non_null(known(PEER)); /* we are about to talk */
	assert_int_equal(known(PEER)->state, NEIGH_STALE);

	/* An RFC 5227 probe is answered and teaches nothing. */
	q.spa = 0;
	q.sha = fakenet_mac(0, 3);
	rx(&q);
	a = sent_arp(&to);
	assert_int_equal(a.tpa, 0);
	assert_null(known(0));
	assert_int_equal(fakehost_drops_all(&net.h), 0);

	/* For others, from beyond the link (answered, not entered), our own come back. */
	q = arp(ARP_REQUEST, PEER + 1, US + 8);
	rx(&q);
	expect_silence();
	assert_null(known(PEER + 1));
	q = arp(ARP_REQUEST, 0x0b000001, US);
	rx(&q);
	a = sent_arp(&to);
	assert_null(known(0x0b000001));
	q = arp(ARP_REQUEST, PEER + 1, US);
	q.sha = own;
	rx(&q);
	expect_silence();
	assert_drops(&net, DROP_ARP_IGNORED, 2);
	fakenet_destroy(&net);
}

/* Nobody asked: what exists is updated, and has to prove itself; nothing new is entered. */
static void test_unsolicited(void **state)
{
	struct arp a = arp(ARP_REPLY, PEER, US);

	(void)state;
	fakenet_create(&net, &(struct fakenet_conf){0});
	rx(&a);
	assert_null(known(PEER));
	a = arp(ARP_REQUEST, PEER, PEER); /* gratuitous */
	rx(&a);
	assert_null(known(PEER));
	assert_drops(&net, DROP_ARP_IGNORED, 2);

	fakenet_neigh(&net, false, 0, 2);
	a.sha = fakenet_mac(0, 77);
	rx(&a);
	assert_true(ethaddr_eq(&known(PEER)->mac, &a.sha));
	assert_int_equal(known(PEER)->state, NEIGH_STALE);
	assert_int_equal(link_counters(net.s)->neigh_changed, 1);
	fakenet_destroy(&net);
}

/* A claim to our address: counted, answered at most every ten seconds, never obeyed. */
static void test_conflict(void **state)
{
	struct arp a = arp(ARP_REQUEST, US, US), b;
	struct ipaddr us = ipaddr_v4(US);
	struct ethaddr to;

	(void)state;
	fakenet_create(&net, &(struct fakenet_conf){0});
	for (unsigned i = 0; i < 100; i++)
		rx(&a);
	a.op = ARP_REPLY;
	rx(&a);
	assert_int_equal(link_counters(net.s)->arp_conflict, 101);
	b = sent_arp(&to);
	assert_true(ethaddr_is_broadcast(&to));
	assert_int_equal(b.spa, US);
	expect_silence();
	assert_true(inet_addr_is_local(net.s, &us));
	assert_null(known(US));
	fakehost_advance(&net.h, 11 * SEC);
	rx(&a);
	b = sent_arp(&to);
	assert_drops(&net, DROP_ARP_IGNORED, 102);
	fakenet_destroy(&net);
}

/* Each address is defended, also when another one was a moment ago. */
static void test_conflict_each(void **state)
{
	const uint32_t more = US + 0x40;
	struct ipaddr addr = ipaddr_v4(more);
	struct arp a = arp(ARP_REQUEST, US, US);
	struct ethaddr to;

	(void)state;
	fakenet_create(&net, &(struct fakenet_conf){0});
	assert_int_equal(inet_addr_add(net.s, 0, &addr, 24), 0);
	fakehost_advance(&net.h, 5 * SEC);
	(void)fakeport_forget(net.h.port[0]); /* its announcements */
	for (unsigned i = 0; i < 2; i++) {
		rx(&a);
		assert_int_equal(sent_arp(&to).spa, US);
		a.spa = a.tpa = more;
		rx(&a);
		assert_int_equal(sent_arp(&to).spa, more);
		rx(&a);
		expect_silence();
		a.spa = a.tpa = US;
		fakehost_advance(&net.h, 11 * SEC);
	}
	fakenet_destroy(&net);
}

static void test_malformed(void **state)
{
	static const struct {
		unsigned off;
		uint8_t value;
	} bad[] = {
		{0, 1},                  /* hardware type */
		{1, 6},  {2, 9},         /* protocol */
		{4, 7},  {4, 0},         /* lengths */
		{5, 16}, {5, 0}, {8, 1}, /* sender's link address: a group */
	};
	struct ethaddr own;
	uint8_t buf[64];
	struct eth e;
	struct arp a = arp(ARP_REQUEST, PEER, US);

	(void)state;
	fakenet_create(&net, &(struct fakenet_conf){0});
	own = fakenet_own_mac(&net, 0);
	e = (struct eth){.dst = own, .src = a.sha, .type = ETHERTYPE_ARP};
	for (uint32_t n = 0; n < ARP_LEN; n++) {
		eth_emit(buf, &e);
		arp_emit(buf + ETH_HLEN, &a);
		fakeport_feed(net.h.port[0], buf, ETH_HLEN + n);
		fakehost_run(&net.h);
	}
	assert_drops(&net, DROP_ARP_MALFORMED, ARP_LEN);
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		arp_emit(buf + ETH_HLEN, &a);
		buf[ETH_HLEN + bad[i].off] = bad[i].value;
		fakeport_feed(net.h.port[0], buf, ETH_HLEN + ARP_LEN);
		fakehost_run(&net.h);
	}
	assert_drops(&net, DROP_ARP_MALFORMED, ARP_LEN + ARRAY_LEN(bad));
	/* Senders that no host can be; no sender at all is for requests only. */
	for (unsigned i = 0; i < 4; i++) {
		static const uint32_t spa[] = {0xe0000001, 0x7f000001, 0xffffffff, 0};

		a = arp(i == 3 ? ARP_REPLY : ARP_REQUEST, spa[i], US);
		rx(&a);
	}
	a = arp(ARP_REQUEST, PEER, US);
	a.sha = (struct ethaddr){{0}};
	rx(&a);
	assert_drops(&net, DROP_ARP_MALFORMED, ARP_LEN + ARRAY_LEN(bad) + 5);
	a = arp(3, PEER, US);
	rx(&a);
	assert_drops(&net, DROP_ARP_IGNORED, 1);
	expect_silence();
	assert_null(known(PEER));
	fakenet_destroy(&net);
}

/* 5,000 forged senders ask for us: each gets its answer, who is in use stays known. */
static void test_flood(void **state)
{
	struct ipaddr peer = ipaddr_v4(PEER), us = ipaddr_v4(0x0a800001);
	struct arp a = arp(ARP_REQUEST, 0, US);
	struct neigh_table *t;
	struct fakesent f;

	(void)state;
	fakenet_create(&net, &(struct fakenet_conf){.max_neighbours = 64});
	assert_int_equal(inet_addr_add(net.s, 0, &us, 9), 0);
	fakenet_neigh(&net, false, 0, 2);
	assert_int_equal(fakenet_send(&net, &peer, 10, NULL), 0);
	fakenet_settle(&net);
	for (uint32_t i = 0; i < 5000; i++) {
		a.spa = 0x0a800100u + i;
		rx(&a);
		assert_int_equal(fakeport_forget(net.h.port[0]), 1);
	}
	t = net.s->link->neigh;
	assert_true(t->count[NEIGH_LRU_PASSIVE] <= 32);
	assert_true(slab_count(&t->slab) <= 64);
	assert_int_equal(fakenet_send(&net, &peer, 10, NULL), 0);
	fakehost_run(&net.h);
	f = fakenet_sent(&net, 0);
	assert_true(f.ip);
	fakesent_free(&f);
	fakenet_destroy(&net);
}

/* RFC 5227: twice, two seconds apart; the twin of ND is in test_inet_nd.c. */
static void test_announce(void **state)
{
	struct ipaddr a = ipaddr_v4(0x0a000010);
	struct ethaddr to;
	struct arp b;

	(void)state;
	fakenet_create(&net, &(struct fakenet_conf){0});
	assert_int_equal(inet_addr_add(net.s, 0, &a, 24), 0);
	for (unsigned i = 0; i < 2; i++) {
		fakehost_advance(&net.h, SEC / 10);
		b = sent_arp(&to);
		assert_true(ethaddr_is_broadcast(&to));
		assert_int_equal(b.spa, 0x0a000010);
		assert_int_equal(b.tpa, 0x0a000010);
		expect_silence();
		fakehost_advance(&net.h, 2 * SEC - SEC / 10 - 100 * 65536);
		expect_silence();
		fakehost_advance(&net.h, 100 * 65536);
	}
	expect_silence();
	fakenet_destroy(&net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer),    cmocka_unit_test(test_unsolicited),
		cmocka_unit_test(test_conflict),  cmocka_unit_test(test_conflict_each),
		cmocka_unit_test(test_malformed), cmocka_unit_test(test_flood),
		cmocka_unit_test(test_announce),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
