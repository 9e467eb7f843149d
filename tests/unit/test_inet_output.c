/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Output: headers, fragments that another stack puts together, identifications, packets that must
 * not be cut, checksums left to the port, packets to ourselves.
 */
#include "fakenet.h"

#include "wire/tcp.h"
#include "wire/udp.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

static struct fakenet net, far;

static void setup(uint32_t caps)
{
	fakenet_create(&net, &(struct fakenet_conf){.caps = caps, .n_small = 4096});
	fakenet_neigh(&net, false, 0, 2);
	fakenet_neigh(&net, true, 0, 2);
}

/* n bytes of UDP to dst; partial: the checksum is left to the port. */
static int send(const struct ipaddr *dst, uint32_t n, bool partial, bool df, struct inet_dst *d)
{
	struct inet_out o = {.dst = *dst, .proto = PROTO_UDP, .dont_fragment = df, .tos = 0x20};
	static uint8_t buf[FAKENET_MAX];
	mbuf_own m = mbuf_alloc(net.h.pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_TX);
	uint32_t len;

	assert_non_null(m.m);
	o.src = fakenet_addr(!ipaddr_is_v4(dst), 0, 1);
	len = fakeudp_emit(buf, &o.src, dst, n);
	if (partial) {
		store_native16(buf + UDP_OFF_CSUM,
			       csum_reduce(csum_pseudo(&o.src, dst, PROTO_UDP, len)));
		m.m->meta.csum = MBUF_CSUM_PARTIAL;
		m.m->meta.csum_field = UDP_OFF_CSUM;
	}
	assert_int_equal(mbuf_append_bytes(m.m, buf, len, MBUF_PRIO_BULK), 0);
	return inet_output(net.s, m, &o, d);
}

static void check_header(bool v6)
{
	struct ipaddr dst = fakenet_addr(v6, 0, 2);
	struct inet_out o = {.src = fakenet_addr(v6, 0, 1),
			     .dst = dst,
			     .proto = PROTO_UDP,
			     .ttl = 9,
			     .tos = 0xb9,
			     .dont_fragment = true,
			     .flow_label = 0xabcde};
	struct fakesent t;
	mbuf_own m;

	setup(0);
	assert_int_equal(send(&dst, 100, false, false, NULL), 0);
	fakehost_run(&net.h);
	t = fakenet_sent_ip(&net, 0);
	assert_int_equal(t.ttl, INET_TTL_DEFAULT);
	assert_true(fakesent_csum_ok(&t));
	if (!v6)
		assert_false(t.ip4.df);
	fakesent_free(&t);
	m = mbuf_alloc(net.h.pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_TX);
	memset(mbuf_append(m.m, 8), 0, 8);
	assert_int_equal(inet_output(net.s, m, &o, NULL), 0);
	fakehost_run(&net.h);
	t = fakenet_sent_ip(&net, 0);
	assert_int_equal(t.ttl, 9);
	assert_true(ipaddr_eq(&t.src, &o.src));
	assert_true(ipaddr_eq(&t.dst, &o.dst));
	if (v6) {
		assert_int_equal(t.ip6.traffic_class, 0xb9);
		assert_int_equal(t.ip6.flow_label, 0xabcde);
	} else {
		assert_int_equal(t.ip4.tos, 0xb9);
		assert_true(t.ip4.df);
		assert_int_equal(t.ip4.id, 0);
	}
	fakesent_free(&t);
	fakenet_destroy(&net);
}

/* Every size comes out of another stack as it went in. */
static void check_fragments(bool v6)
{
	struct ipaddr dst = fakenet_addr(v6, 0, 1); /* the other's own; we are host 2 there */
	uint32_t max = 65535 - (v6 ? 0 : IP4_HLEN) - UDP_HLEN;
	unsigned want = 0;

	setup(0);
	fakenet_create(&far, &(struct fakenet_conf){.n_small = 4096});
	for (uint32_t n = 0; n <= max; n += n < 1500                    ? 37
					    : n + 5000 > max && n < max ? max - n
									: 5000) {
		struct fakesent t;
		struct ipaddr peer = fakenet_addr(v6, 0, 2);
		struct ipaddr src = fakenet_addr(v6, 0, 1);
		struct udphdr h;

		assert_int_equal(send(&peer, n, n % 2, false, NULL), 0);
		fakehost_run(&net.h);
		while ((t = fakenet_sent_ip(&net, 0)).f) {
			assert_true(t.f->len - ETH_HLEN <= 1500);
			/* Change places: to the other it comes from host 2. */
			memcpy(t.f->data, far.h.port[0]->port.mac.b, 6);
			if (v6) {
				memcpy(t.f->data + ETH_HLEN + IP6_OFF_SRC, peer.b, 16);
				memcpy(t.f->data + ETH_HLEN + IP6_OFF_DST, dst.b, 16);
			} else {
				memcpy(t.f->data + ETH_HLEN + IP4_OFF_SRC, &peer.b[12], 4);
				memcpy(t.f->data + ETH_HLEN + IP4_OFF_DST, &dst.b[12], 4);
			}
			fakeport_feed(far.h.port[0], t.f->data, t.f->len);
			fakehost_run(&far.h);
			fakesent_free(&t);
		}
		assert_int_equal(far.n_in, ++want);
		assert_int_equal(far.len, UDP_HLEN + n);
		for (uint32_t i = 0; i < n; i += 7)
			assert_int_equal(far.data[UDP_HLEN + i], (uint8_t)(i ^ i >> 8));
		/* The sum does not care which of the two is the source. */
		assert_int_equal(udp_parse(&h, view_make(far.data, far.len), v6), 0);
		assert_true(udp_csum_ok(&h, view_make(far.data, far.len), &src, &peer));
		if (n == max)
			break;
	}
	assert_int_equal(fakehost_drops_all(&net.h), 0);
	assert_int_equal(fakehost_drops_all(&far.h), 0);
	fakenet_destroy(&far);
	fakenet_destroy(&net);
}

/* Numbers of one pair rise; those of another tell nothing about them (RFC 7739). */
static void check_ids(bool v6)
{
	uint32_t last[4] = {0}, jumps = 0;

	setup(0);
	for (unsigned h = 0; h < 4; h++)
		fakenet_neigh(&net, v6, 0, 10 + h);
	for (unsigned i = 0; i < 40; i++) {
		unsigned h = i % 4;
		struct ipaddr dst = fakenet_addr(v6, 0, 10 + h);
		struct fakesent t;
		uint32_t id = 0;

		assert_int_equal(send(&dst, 3000, false, false, NULL), 0);
		fakehost_run(&net.h);
		while ((t = fakenet_sent_ip(&net, 0)).f) {
			uint32_t now = v6 ? t.ext.frag_id : t.ip4.id;

			assert_true(id == 0 || id == now);
			id = now;
			fakesent_free(&t);
		}
		if (i >= 4)
			assert_int_equal(v6 ? id - last[h] : (uint16_t)(id - last[h]), 1);
		else if (h > 0 && (v6 ? id - last[h - 1] : (uint16_t)(id - last[h - 1])) > 40)
			jumps++;
		last[h] = id;
	}
	assert_int_equal(jumps, 3);
	fakenet_destroy(&net);
}

static void check_refused(bool v6)
{
	struct ipaddr dst = fakenet_addr(v6, 0, 2), nowhere = fakenet_addr(v6, 9, 9);
	struct inet_dst d = {0};
	uint32_t fits = 1500 - (v6 ? IP6_HLEN : IP4_HLEN) - UDP_HLEN;

	setup(0);
	assert_int_equal(send(&dst, fits, false, true, &d), 0);
	assert_int_equal(d.mtu, 1500);
	assert_int_equal(send(&dst, fits + 1, false, true, &d), -EMSGSIZE);
	assert_int_equal(send(&dst, 65535 - 7, false, false, &d), -EMSGSIZE);
	assert_drops(&net, DROP_IP_TOO_BIG, 2);
	assert_int_equal(send(&nowhere, 10, false, false, NULL), -ENETUNREACH);
	d.gen = 0;
	assert_int_equal(send(&nowhere, 10, false, false, &d), -ENETUNREACH);
	assert_drops(&net, DROP_IP_NO_ROUTE, 2);
	fakenet_destroy(&net);
}

/* Superpackets: whole, if their segments fit the path. */
static void check_super(bool v6)
{
	struct inet_out o = {.src = fakenet_addr(v6, 0, 1),
			     .dst = fakenet_addr(v6, 0, 2),
			     .proto = PROTO_TCP,
			     .dont_fragment = true};
	uint16_t mss = (uint16_t)(1500 - (v6 ? 60 : 40));
	static uint8_t seg[FAKENET_MAX], data[FAKENET_MAX];
	struct faketcp tcp = {.sport = 1, .dport = 2, .flags = TCP_ACK};

	setup(PORT_CAP_TX_CSUM | PORT_CAP_TSO | PORT_CAP_SG);
	for (unsigned i = 0; i < 2; i++) {
		mbuf_own m = mbuf_alloc(net.h.pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_TX);
		uint32_t n = faketcp_emit(seg, &o.src, &o.dst, &tcp, data, 30000);
		struct fakesent t;
		int err;

		assert_int_equal(mbuf_append_bytes(m.m, seg, n, MBUF_PRIO_BULK), 0);
		m.m->meta.gso_size = (uint16_t)(mss + i);
		m.m->meta.gso_type = v6 ? MBUF_GSO_TCP6 : MBUF_GSO_TCP4;
		m.m->meta.csum = MBUF_CSUM_PARTIAL;
		m.m->meta.csum_field = TCP_OFF_CSUM;
		err = inet_output(net.s, m, &o, NULL);
		fakehost_run(&net.h);
		t = fakenet_sent_ip(&net, 0);
		assert_int_equal(err, i == 0 ? 0 : -EMSGSIZE);
		assert_int_equal(t.f != NULL, i == 0);
		if (t.f) {
			assert_int_equal(t.f->gso_size, mss);
			assert_int_equal(t.payload.len, n);
			assert_int_equal(t.f->l4_off, ETH_HLEN + (v6 ? 40 : 20));
		}
		fakesent_free(&t);
	}
	fakenet_destroy(&net);
}

/* To ourselves: nothing leaves, and the transport is not called from inside its own output. */
static void check_loop(bool v6)
{
	struct ipaddr us = fakenet_addr(v6, 0, 1);
	struct ipaddr lo = v6 ? ipaddr_loopback6() : ipaddr_loopback4();
	struct inet_out o = {.src = lo, .dst = lo, .proto = PROTO_UDP};
	struct inet_dst d = {0};
	mbuf_own m;

	setup(0);
	assert_int_equal(send(&us, 40000, true, true, &d), 0);
	assert_int_equal(d.iface, INET_IFACE_LOOPBACK);
	assert_int_equal(net.n_in, 0);
	fakehost_run(&net.h);
	assert_int_equal(net.n_in, 1);
	assert_int_equal(net.len, 40000 + UDP_HLEN);
	assert_int_equal(net.csum, MBUF_CSUM_PARTIAL);
	assert_int_equal(net.in.iface, INET_IFACE_LOOPBACK);
	assert_false(net.in.foreign);
	m = mbuf_alloc(net.h.pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_TX);
	memset(mbuf_append(m.m, 8), 0, 8);
	assert_int_equal(inet_output(net.s, m, &o, NULL), 0);
	fakehost_run(&net.h);
	assert_int_equal(net.n_in, 2);
	assert_true(ipaddr_eq(&net.in.src, &lo));
	/* Bounded, when nobody runs the stack. */
	for (unsigned i = 0; i < INET_LOOP_MAX + 100; i++)
		assert_int_equal(send(&us, 10, false, false, NULL), 0);
	assert_drops(&net, DROP_IP_LOOP_FULL, 100);
	fakehost_run(&net.h);
	assert_int_equal(net.n_in, 2 + INET_LOOP_MAX);
	/* A closed port answers, to ourselves too. */
	net.answer_port = true;
	assert_int_equal(send(&us, 10, false, false, NULL), 0);
	fakehost_run(&net.h);
	assert_int_equal(net.n_err, 1);
	assert_int_equal(net.err.kind, INET_ERR_PORT);
	assert_int_equal(net.h.port[0]->n_tx, 0);
	/* What still waits when the stack ends. */
	assert_int_equal(send(&us, 10, false, false, NULL), 0);
	fakenet_destroy(&net);
}

#define TWINS(name) \
	static void test_##name(void **state) \
	{ \
		(void)state; \
		check_##name(false); \
		check_##name(true); \
	}

TWINS(header)
TWINS(fragments)
TWINS(ids)
TWINS(refused)
TWINS(super)
TWINS(loop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header), cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_ids),    cmocka_unit_test(test_refused),
		cmocka_unit_test(test_super),  cmocka_unit_test(test_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
