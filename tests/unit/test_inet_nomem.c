/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One scenario of all that the link and internet layers do, run again and again with the first, the
 * second, the third ... allocation failing, of packet buffers and of memory. Whatever fails, the
 * stack goes on, loses nothing and counts what it dropped; it serves again as soon as there is
 * something to serve with.
 */
#include "fakenet.h"

#include "wire/arp.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/nd.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#define SEC UINT64_C(1000000000)

static struct fakenet net;
static uint8_t data[FAKENET_MAX];

/* Packets are fed when buffers may be missing, so nothing here asserts that something arrives. */
static void send_some(bool v6, unsigned host, uint32_t len)
{
	struct inet_out o = {.src = fakenet_addr(v6, 0, 1),
			     .dst = fakenet_addr(v6, 0, host),
			     .proto = PROTO_UDP};
	mbuf_own m = mbuf_alloc(net.h.pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_TX);

	if (!m.m)
		return;
	if (mbuf_append_bytes(m.m, data, len, MBUF_PRIO_BULK) < 0)
		mbuf_drop_own(m, DROP_NOBUF);
	else
		(void)inet_output(net.s, m, &o, NULL);
	fakehost_run(&net.h);
}

static void ping(bool v6, uint32_t len)
{
	struct fakeip ip = {.src = fakenet_addr(v6, 0, 2),
			    .dst = fakenet_addr(v6, 0, 1),
			    .proto = v6 ? PROTO_ICMP6 : PROTO_ICMP4,
			    .id = 3};
	static uint8_t msg[FAKENET_MAX];
	uint8_t type = v6 ? (uint8_t)ICMP6_ECHO_REQUEST : (uint8_t)ICMP4_ECHO_REQUEST;
	uint32_t n = fakeicmp_emit(msg, &ip.src, &ip.dst, type, 0, 1, data, len);

	for (uint32_t at = 0; at < n; at += 1400) {
		ip.off_bytes = (uint16_t)at;
		ip.more = at + 1400 < n;
		fakenet_rx_ip(&net, 0, &ip, msg + at, min_u32(1400, n - at));
	}
}

static void scenario(bool v6)
{
	struct ipaddr any = v6 ? ipaddr_any6() : ipaddr_any4(), gw = fakenet_addr(v6, 1, 2);
	struct ipaddr more = fakenet_addr(v6, 0, 200), far = fakenet_addr(v6, 9, 9);
	struct ipprefix def = ipprefix_make(&any, v6 ? 0 : 96);
	struct fakeip fwd = {.src = fakenet_addr(v6, 0, 2), .dst = far, .proto = PROTO_UDP};
	struct ethaddr mac = fakenet_mac(0, 2);
	int err;

	err = inet_route_add(net.s, &def, &gw, 1, 0);
	assert_true(err == 0 || err == -ENOMEM);
	err = inet_addr_add(net.s, 0, &more, v6 ? 64 : 24);
	assert_true(err == 0 || err == -ENOMEM);
	err = inet_vlan_add(net.s, 0, 5);
	assert_true(err >= 0 || err == -ENOMEM);
	send_some(v6, 2, 100);
	send_some(v6, 2, 5000);
	fakenet_answer(&net, v6, 0, 2, &mac);
	ping(v6, 100);
	ping(v6, 4000);
	inet_pmtu_update(net.s, &far, 1300);
	fakenet_rx_ip(&net, 0, &fwd, data, 200);
	fwd.ttl = 1;
	fakenet_rx_ip(&net, 0, &fwd, data, 200);
	fwd.dst = fakenet_addr(v6, 0, 1);
	fwd.proto = 200;
	fakenet_rx_ip(&net, 0, &fwd, data, 200);
	fwd.proto = PROTO_UDP;
	fwd.more = true;
	fakenet_rx_ip(&net, 0, &fwd, data, 200);
	send_some(v6, 1, 100);  /* to ourselves */
	send_some(v6, 77, 100); /* nobody there */
	fakehost_advance(&net.h, 5 * SEC);
	fakenet_settle(&net);
	err = inet_addr_del(net.s, 0, &more);
	assert_true(err == 0 || err == -EADDRNOTAVAIL);
}

/* With everything there again, a ping is answered. */
static void expect_service(bool v6)
{
	struct fakesent t;

	fakenet_settle(&net);
	fakenet_neigh(&net, v6, 0, 2);
	ping(v6, 100);
	t = fakenet_sent_ip(&net, 0);
	assert_non_null(t.f);
	fakesent_free(&t);
}

static uint64_t refusals(const struct mbuf_pool_stats *st)
{
	uint64_t n = 0;

	for (unsigned cls = 0; cls < MBUF_CLASSES; cls++)
		for (unsigned prio = 0; prio < MBUF_PRIOS; prio++)
			n += st->alloc_fail[cls][prio];
	return n;
}

static void check_buffers(bool v6, bool for_good)
{
	for (int64_t n = 0;; n++) {
		struct mbuf_pool_stats st;

		fakenet_create(&net, &(struct fakenet_conf){.n_ports = 2, .forward = true});
		mbuf_pool_stats(net.h.pool, &st);
		mbuf_pool_fail(net.h.pool, n, for_good);
		scenario(v6);
		mbuf_pool_fail(net.h.pool, -1, false);
		mbuf_pool_stats(net.h.pool, &st);
		expect_service(v6);
		fakenet_destroy(&net);
		if (refusals(&st) == 0) {
			assert_true(n > 30); /* so many were tried */
			break;
		}
		assert_true(n < 1000);
	}
}

static void check_memory(bool v6, bool for_good)
{
	for (uint64_t n = 1;; n++) {
		uint64_t failed;

		fakenet_create(&net, &(struct fakenet_conf){.n_ports = 2, .forward = true});
		failed = net.h.mem.failed;
		memfail_arm(&net.h.mem, n, for_good);
		scenario(v6);
		memfail_arm(&net.h.mem, 0, false);
		failed = net.h.mem.failed - failed;
		expect_service(v6);
		fakenet_destroy(&net);
		if (failed == 0) {
			assert_true(n > 5);
			break;
		}
		assert_true(n < 1000);
	}
}

/* A layer that cannot be made leaves nothing behind. */
static void test_init(void **state)
{
	(void)state;
	for (uint64_t n = 1;; n++) {
		struct fakehost h;
		int err;

		fakehost_create(&h, &(struct fakehost_conf){.n_ports = 1});
		memfail_arm(&h.mem, n, true);
		err = inet_init(h.s);
		if (err == 0) {
			err = inet_iface_add(h.s, 0);
			assert_true(err == 0 || err == -ENOMEM);
			memfail_arm(&h.mem, 0, false);
			if (err < 0) /* and may be asked for again */
				assert_int_equal(inet_iface_add(h.s, 0), 0);
			inet_fini(h.s);
		} else {
			assert_int_equal(err, -ENOMEM);
			assert_null(h.s->inet);
			assert_null(h.s->link);
		}
		fakehost_destroy(&h);
		if (err == 0)
			break;
		assert_true(n < 1000);
	}
}

static void test_buffers(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++)
		check_buffers(i & 1, i & 2);
}

static void test_memory(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++)
		check_memory(i & 1, i & 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init),
		cmocka_unit_test(test_buffers),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
