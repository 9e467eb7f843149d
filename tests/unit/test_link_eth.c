/* SPDX-License-Identifier: BSD-2-Clause */
/* Ethernet input and interfaces: what is for us, what is not, VLANs, frames cut anywhere. */
#include "fakenet.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

static struct fakenet net;

/* A whole frame with a UDP packet from host 2 to us. */
static uint32_t frame(uint8_t *buf, const struct eth *eth, bool v6)
{
	struct fakeip ip = {
		.src = fakenet_addr(v6, 0, 2), .dst = fakenet_addr(v6, 0, 1), .proto = PROTO_UDP};
	uint8_t udp[64];
	uint32_t n = fakeudp_emit(udp, &ip.src, &ip.dst, 20);
	struct eth h = *eth;
	size_t hlen;

	if (h.type == 0)
		h.type = v6 ? ETHERTYPE_IP6 : ETHERTYPE_IP4;
	hlen = eth_emit(buf, &h);
	return (uint32_t)hlen + fakeip_emit(buf + hlen, &ip, udp, n);
}

static void rx(const struct eth *eth, bool v6)
{
	uint8_t buf[256];

	fakeport_feed(net.h.port[0], buf, frame(buf, eth, v6));
	fakehost_run(&net.h);
}

static struct eth to_us(void)
{
	return (struct eth){.dst = fakenet_own_mac(&net, 0), .src = fakenet_mac(0, 2)};
}

static void test_for_us(void **state)
{
	struct eth e;

	(void)state;
	fakenet_create(&net, &(struct fakenet_conf){0});
	for (int v6 = 0; v6 < 2; v6++) {
		e = to_us();
		rx(&e, v6);
		assert_int_equal(net.n_in, 1 + 4 * v6);
		/* A unicast packet in a link-level group frame is refused (RFC 1122 3.3.6). */
		e.dst = ethaddr_broadcast();
		rx(&e, v6);
		e.dst = (struct ethaddr){{1, 0, 0x5e, 0, 0, 1}};
		rx(&e, v6);
		assert_int_equal(net.n_in, 1 + 4 * v6);
		net.n_in += 3;
		e.dst = fakenet_mac(0, 9);
		rx(&e, v6);
		e = to_us();
		e.src.b[0] |= 1;
		rx(&e, v6);
		assert_int_equal(net.n_in, 4 + 4 * v6);
	}
	assert_drops(&net, DROP_IP_L2_GROUP, 4);
	assert_drops(&net, DROP_ETH_NOTFORUS, 2);
	assert_drops(&net, DROP_ETH_BAD_SRC, 2);
	assert_int_equal(fakehost_drops_all(&net.h), 8);
	fakenet_destroy(&net);
}

static void test_types(void **state)
{
	static const uint16_t types[] = {0x0001, 0x05dc, 0x0600, 0x88cc, 0xffff};
	struct eth e;

	(void)state;
	fakenet_create(&net, &(struct fakenet_conf){0});
	for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
		e = to_us();
		e.type = types[i];
		rx(&e, false);
	}
	assert_drops(&net, DROP_ETH_TYPE, ARRAY_LEN(types));
	assert_int_equal(net.n_in, 0);
	fakenet_destroy(&net);
}

/* Every length of a frame, in one buffer and in many: nothing is read past its end. */
static void test_cut(void **state)
{
	uint8_t buf[256];
	struct eth e;

	(void)state;
	fakenet_create(&net, &(struct fakenet_conf){0});
	e = to_us();
	for (int v6 = 0; v6 < 2; v6++) {
		uint32_t len = frame(buf, &e, v6);

		for (uint32_t n = 0; n < len; n++) {
			fakeport_feed(net.h.port[0], buf, n);
			fakehost_run(&net.h);
		}
	}
	assert_int_equal(net.n_in, 0);
	assert_drops(&net, DROP_ETH_SHORT, 28);
	/* 20 bytes of data and 8 of UDP's header behind each IP header */
	assert_drops(&net, DROP_IP4_MALFORMED, 20 + 28);
	assert_drops(&net, DROP_IP6_MALFORMED, 40 + 28);
	fakenet_destroy(&net);
}

/* Headers in pieces: the first buffer may hold a byte only. */
static void test_segments(void **state)
{
	unsigned want = 0;
	struct eth e;

	(void)state;
	fakenet_create(&net, &(struct fakenet_conf){0});
	e = to_us();
	for (uint32_t seg = 1; seg < 80; seg++) {
		net.h.port[0]->rx_seg = seg;
		rx(&e, false);
		rx(&e, true);
		want += 2;
		assert_int_equal(net.n_in, want);
		assert_int_equal(net.len, 28);
	}
	fakenet_destroy(&net);
}

static void test_no_iface(void **state)
{
	struct eth e = {.dst = {{2, 0, 0, 0, 0, 1}}, .src = fakenet_mac(0, 2)};

	(void)state;
	memset(&net, 0, sizeof(net));
	fakehost_create(&net.h, &(struct fakehost_conf){.n_ports = 1});
	net.s = net.h.s;
	assert_int_equal(inet_init(net.s), 0);
	rx(&e, false);
	assert_drops(&net, DROP_ETH_NO_IFACE, 1);
	assert_int_equal(inet_iface_add(net.s, 1), -EINVAL);
	assert_int_equal(inet_iface_add(net.s, 0), 0);
	assert_int_equal(inet_iface_add(net.s, 0), -EEXIST);
	fakenet_destroy(&net);
}

static void test_vlan(void **state)
{
	struct ipaddr a4 = ipaddr_v4(0x0a640001), peer = ipaddr_v4(0x0a640002);
	uint8_t udp[64], buf[256];
	struct fakeip ip = {.src = peer, .dst = a4, .proto = PROTO_UDP};
	uint32_t n = fakeudp_emit(udp, &peer, &a4, 20), len;
	struct eth e;
	int v;

	(void)state;
	fakenet_create(&net, &(struct fakenet_conf){0});
	e = to_us();
	e.has_vlan = true;
	e.vlan_tpid = ETHERTYPE_VLAN;
	e.vlan_tci = 100;
	rx(&e, false);
	assert_drops(&net, DROP_ETH_VLAN, 1);
	e.vlan_tci = 0x6000; /* priority only */
	rx(&e, false);
	assert_int_equal(net.n_in, 1);

	assert_int_equal(inet_vlan_add(net.s, 0, 0), -EINVAL);
	assert_int_equal(inet_vlan_add(net.s, 0, 4095), -EINVAL);
	v = inet_vlan_add(net.s, 0, 100);
	assert_int_equal(v, STACK_MAX_PORTS);
	assert_int_equal(inet_vlan_add(net.s, 0, 100), -EEXIST);
	assert_int_equal(inet_addr_add(net.s, (unsigned)v, &a4, 24), 0);
	fakenet_settle(&net);
	e.vlan_tci = 100 | 3 << 13;
	e.type = ETHERTYPE_IP4;
	len = (uint32_t)eth_emit(buf, &e);
	len += fakeip_emit(buf + len, &ip, udp, n);
	fakeport_feed(net.h.port[0], buf, len);
	fakehost_run(&net.h);
	assert_int_equal(net.n_in, 2);
	assert_int_equal(net.in.iface, v);
	e.vlan_tpid = ETHERTYPE_QINQ;
	rx(&e, false);
	e.vlan_tpid = ETHERTYPE_VLAN;
	e.has_vlan2 = true;
	e.vlan2_tci = 5;
	rx(&e, false);
	assert_drops(&net, DROP_ETH_VLAN, 3);
	fakenet_destroy(&net);
}

/* A tagged echo request is answered with the tag, by way of the neighbour's header. */
static void test_vlan_answer(void **state)
{
	struct ipaddr us = ipaddr_v4(0x0a640001), peer = ipaddr_v4(0x0a640002);
	struct fakeip ip = {.src = peer, .dst = us, .proto = PROTO_ICMP4};
	struct ethaddr mac = fakenet_mac(0, 2);
	uint8_t icmp[64], buf[256];
	struct neigh *nb;
	struct fakesent t;
	struct eth e;
	uint32_t len, n;
	int v;

	(void)state;
	fakenet_create(&net, &(struct fakenet_conf){0});
	v = inet_vlan_add(net.s, 0, 7);
	assert_int_equal(inet_addr_add(net.s, (unsigned)v, &us, 24), 0);
	fakenet_settle(&net);
	nb = neigh_get(net.s, (unsigned)v, &peer);
	neigh_on_advert(net.s, nb, &mac, NEIGH_SOLICITED | NEIGH_OVERRIDE);
	e = to_us();
	e.has_vlan = true;
	e.vlan_tpid = ETHERTYPE_VLAN;
	e.vlan_tci = 7;
	e.type = ETHERTYPE_IP4;
	n = fakeicmp_emit(icmp, &peer, &us, 8, 0, 0x00010001, "hello", 5);
	len = (uint32_t)eth_emit(buf, &e);
	len += fakeip_emit(buf + len, &ip, icmp, n);
	fakeport_feed(net.h.port[0], buf, len);
	fakehost_run(&net.h);
	t = fakenet_sent_ip(&net, 0);
	assert_non_null(t.f);
	assert_true(t.eth.has_vlan);
	assert_int_equal(t.eth.vlan_tci & ETH_VID_MASK, 7);
	assert_true(ethaddr_eq(&t.eth.dst, &mac));
	assert_int_equal(t.payload.p[0], 0);
	fakesent_free(&t);
	fakenet_destroy(&net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_for_us),      cmocka_unit_test(test_types),
		cmocka_unit_test(test_cut),         cmocka_unit_test(test_segments),
		cmocka_unit_test(test_no_iface),    cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_vlan_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
