/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Good frames of every kind, damaged at random, fed in bursts to a router that claims some of what
 * it sees. Nothing may crash, leak or be dropped without a reason; afterwards a ping is answered.
 * The seed of a failing run is the number that it prints.
 */
#include "fakenet.h"

#include "wire/arp.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/nd.h"
#include "wire/tcp.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#define SEEDS  40u
#define BURSTS 100u
#define MAX    2048u

static struct fakenet net;
static uint64_t rng_state;

static uint32_t rnd(void)
{
	rng_state = rng_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(rng_state >> 33);
}

static uint32_t emit_arp(uint8_t *p)
{
	struct arp a = {.op = (uint16_t)(1 + rnd() % 2),
			.sha = fakenet_mac(0, 2 + rnd() % 3),
			.spa = 0x0a000000 + rnd() % 6,
			.tpa = 0x0a000000 + rnd() % 4};

	return (uint32_t)arp_emit(p, &a);
}

static uint32_t emit_nd(uint8_t *p, const struct fakeip *ip)
{
	struct nd n = {.type = rnd() % 2 ? ICMP6_NS : ICMP6_NA,
		       .solicited = rnd() % 2,
		       .override = rnd() % 2,
		       .target = fakenet_addr(true, 0, 1 + rnd() % 3),
		       .has_slla = true,
		       .slla = fakenet_mac(0, 2),
		       .has_tlla = true,
		       .tlla = fakenet_mac(0, 3)};

	return (uint32_t)nd_emit(p, ND_EMIT_MAX, &n, &ip->src, &ip->dst);
}

/* A transport's packet of some kind for ip, whose protocol it sets. */
static uint32_t emit_upper(uint8_t *p, struct fakeip *ip, bool v6)
{
	struct faketcp tcp = {.sport = (uint16_t)(rnd() % 3),
			      .dport = 80,
			      .seq = rnd() % 5 * 400,
			      .flags = TCP_ACK};
	uint8_t inner[MAX], body[512];
	struct fakeip quoted = {.src = ip->src, .dst = ip->dst, .proto = PROTO_TCP};

	memset(body, 0x5a, sizeof(body));
	ip->proto = v6 ? PROTO_ICMP6 : PROTO_ICMP4;
	switch (rnd() % 5) {
	case 0:
		ip->proto = PROTO_UDP;
		return fakeudp_emit(p, &ip->src, &ip->dst, rnd() % 600);
	case 1:
		ip->proto = PROTO_TCP;
		return faketcp_emit(p, &ip->src, &ip->dst, &tcp, body, 400);
	case 2:
		return fakeicmp_emit(p, &ip->src, &ip->dst,
				     v6 ? ICMP6_ECHO_REQUEST : ICMP4_ECHO_REQUEST, 0, rnd(), body,
				     rnd() % 500);
	case 3:
		ip->ttl = 255;
		if (v6)
			return emit_nd(p, ip);
		return fakeicmp_emit(p, &ip->src, &ip->dst, (uint8_t)rnd(), 0, 0, body, 40);
	default:
		return fakeicmp_emit(p, &ip->src, &ip->dst,
				     v6 ? (uint8_t)(1 + rnd() % 4) : (uint8_t)3,
				     (uint8_t)(rnd() % 6), rnd() % 3000, inner,
				     fakeip_emit(inner, &quoted, p, 0));
	}
}

static uint32_t emit_ip(uint8_t *p, bool v6)
{
	static const uint8_t ext[16] = {PROTO_DSTOPTS, 0, 1, 4, 0, 0, 0, 0, PROTO_UDP, 0, 1, 4};
	static const uint8_t opts[8] = {7, 7, 4};
	struct fakeip ip = {.src = fakenet_addr(v6, 0, 2 + rnd() % 2),
			    .dst = fakenet_addr(v6, rnd() % 2, 1 + rnd() % 2),
			    .id = rnd() % 4};
	uint8_t upper[MAX];
	uint32_t n = emit_upper(upper, &ip, v6);

	if (rnd() % 4 == 0) {
		ip.ext = v6 ? ext : opts;
		ip.ext_len = v6 ? 16 : 8;
		ip.ext_first = PROTO_HOPOPTS;
	}
	if (rnd() % 3 == 0) {
		ip.off_bytes = (uint16_t)(rnd() % 5 * 8);
		ip.more = rnd() % 2;
		n = min_u32(n, 8 * (1 + rnd() % 4));
	}
	return fakeip_emit(p, &ip, upper, n);
}

static void damage(uint8_t *p, uint32_t *len)
{
	for (unsigned k = rnd() % 4; k > 0; k--)
		p[rnd() % *len] = rnd() % 2 ? (uint8_t)rnd() : (uint8_t)(rnd() % 3 * 255 / 2);
	if (rnd() % 8 == 0)
		*len = rnd() % (*len + 1);
	/* Right where a checksum would end it early. */
	if (*len >= ETH_HLEN + 20 && p[ETH_HLEN] >> 4 == 4 && rnd() % 2) {
		uint32_t hlen = min_u32((p[ETH_HLEN] & 15u) * 4, *len - ETH_HLEN);

		store_native16(p + ETH_HLEN + IP4_OFF_CSUM, 0);
		store_native16(p + ETH_HLEN + IP4_OFF_CSUM,
			       csum_fold(csum_partial(p + ETH_HLEN, hlen, 0)));
	}
}

static void feed(void)
{
	struct eth e = {.dst = fakenet_own_mac(&net, 0), .src = fakenet_mac(0, 2)};
	unsigned kind = rnd() % 8;
	struct fakeframe *f = fakeframe_alloc(MAX);

	if (rnd() % 8 == 0)
		e.dst = ethaddr_broadcast();
	e.type = kind == 0 ? ETHERTYPE_ARP : kind % 2 ? ETHERTYPE_IP6 : ETHERTYPE_IP4;
	if (rnd() % 16 == 0) {
		e.has_vlan = true;
		e.vlan_tpid = ETHERTYPE_VLAN;
		e.vlan_tci = (uint16_t)rnd();
	}
	f->len = (uint32_t)eth_emit(f->data, &e);
	f->len += kind == 0 ? emit_arp(f->data + f->len) : emit_ip(f->data + f->len, kind % 2);
	damage(f->data, &f->len);
	f->csum = rnd() % 4 == 0 ? MBUF_CSUM_GOOD : MBUF_CSUM_NONE;
	fakeport_feed_frame(net.h.port[0], f);
}

static void one_seed(uint64_t seed)
{
	struct ipaddr us = fakenet_addr(false, 0, 1);
	struct fakeip ip = {.src = fakenet_addr(false, 0, 2), .dst = us, .proto = PROTO_ICMP4};
	uint8_t msg[64];
	struct fakesent t;
	uint32_t n;

	rng_state = seed;
	fakenet_create(&net,
		       &(struct fakenet_conf){.n_ports = 2, .forward = true, .max_neighbours = 32});
	for (unsigned b = 0; b < BURSTS; b++) {
		net.claim = rnd() % 2;
		net.claim_error = rnd() % 2;
		net.answer_port = rnd() % 2;
		net.h.port[0]->rx_seg = rnd() % 3 ? 0 : 1 + rnd() % 100;
		for (unsigned i = rnd() % 32; i > 0; i--)
			feed();
		fakehost_advance(&net.h, rnd() % 4 ? 0 : UINT64_C(500000000) * (rnd() % 20));
		fakenet_settle(&net);
	}
	fakenet_neigh(&net, false, 0, 2);
	n = fakeicmp_emit(msg, &ip.src, &ip.dst, ICMP4_ECHO_REQUEST, 0, 1, "abcd", 4);
	net.h.port[0]->rx_seg = 0;
	fakenet_rx_ip(&net, 0, &ip, msg, n);
	t = fakenet_sent_ip(&net, 0);
	if (!t.f)
		fail_msg("seed %llu: no answer", (unsigned long long)seed);
	fakesent_free(&t);
	fakenet_destroy(&net);
}

static void test_seeds(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		one_seed(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seeds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
