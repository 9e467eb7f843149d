/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stack with its internet layer on fake ports, packets made by hand for both families, and a
 * transport that notes what it is given. Interface i has 10.0.i.1/24 and fd00:i::1/64; host h
 * behind it is fakenet_addr(v6, i, h), at fakenet_mac(i, h).
 */
#ifndef LEAT_TESTS_FAKENET_H
#define LEAT_TESTS_FAKENET_H

#include "fakeport.h"

#include "inet/inet.h"
#include "inet/state.h"
#include "link/link.h"
#include "link/neigh.h"
#include "wire/eth.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

#include <stdbool.h>
#include <stdint.h>

#define FAKENET_MAX 70000u

struct fakenet {
	struct fakehost h;
	struct stack *s;
	/* what the transport (TCP and UDP) was given */
	unsigned n_in;
	struct inet_in in; /* of the last */
	uint32_t len;
	uint8_t csum; /* enum mbuf_csum */
	uint16_t gso_size;
	uint8_t data[FAKENET_MAX];
	unsigned n_err, n_claim_err;
	struct inet_err err;
	bool claim, claim_error; /* what it answers */
	unsigned n_claim;
	bool answer_port; /* every UDP packet is answered by a port unreachable */
};

struct fakenet_conf {
	unsigned n_ports; /* 0: 1 */
	uint32_t mtu, caps;
	uint32_t max_neighbours;
	uint32_t n_small;
	bool forward;
	bool no_addrs;
};

/* Ports, interfaces, addresses; what they announce has been thrown away. */
void fakenet_create(struct fakenet *n, const struct fakenet_conf *conf);
/* Asserts a full pool, no DROP_UNSPEC, no memory left. */
void fakenet_destroy(struct fakenet *n);

struct ipaddr fakenet_addr(bool v6, unsigned iface, unsigned host);
/* The link-local address of a host, and our own. */
struct ipaddr fakenet_ll(unsigned host);
struct ipaddr fakenet_own_ll(const struct fakenet *n, unsigned iface);
struct ethaddr fakenet_mac(unsigned iface, unsigned host);
struct ethaddr fakenet_own_mac(const struct fakenet *n, unsigned iface);
/* host is a neighbour that answered just now. */
struct neigh *fakenet_neigh(struct fakenet *n, bool v6, unsigned iface, unsigned host);

/* ---- packets ---- */

struct fakeip {
	struct ipaddr src, dst; /* the family is src's */
	uint8_t proto;
	uint8_t ttl; /* 0: 64 */
	uint8_t tos;
	uint32_t id;
	uint16_t off_bytes;
	bool more;
	bool df;
	bool frag; /* IPv6: with a fragment header, also when off_bytes and more are 0 */
	/* IPv4 options (padded to 4), or IPv6 extension headers before everything else; the first
	 * has the number ext_first */
	const void *ext;
	uint8_t ext_len;
	uint8_t ext_first;
};

/* Returns the length of the packet in buf. */
uint32_t fakeip_emit(uint8_t *buf, const struct fakeip *ip, const void *payload, uint32_t len);
/* A UDP datagram with n bytes that are their own index; ports 1111 -> 2222. Returns its length. */
uint32_t fakeudp_emit(uint8_t *buf, const struct ipaddr *src, const struct ipaddr *dst, uint32_t n);
/* A TCP segment with right checksum. */
struct faketcp {
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t wnd;
	const void *opts;
	uint8_t opts_len;
};
uint32_t faketcp_emit(uint8_t *buf, const struct ipaddr *src, const struct ipaddr *dst,
		      const struct faketcp *t, const void *data, uint32_t n);
/* An ICMP or ICMPv6 message with right checksum: type, code, 4 bytes, body. */
uint32_t fakeicmp_emit(uint8_t *buf, const struct ipaddr *src, const struct ipaddr *dst,
		       uint8_t type, uint8_t code, uint32_t word, const void *body, uint32_t n);

/* Receive an IP packet on a port, from the host 2 behind it, sent to our link address. */
void fakenet_rx(struct fakenet *n, unsigned port, const void *ip, uint32_t len);
/* The same to another link address. */
void fakenet_rx_to(struct fakenet *n, unsigned port, const struct ethaddr *to, const void *ip,
		   uint32_t len);
/* Build and receive. */
void fakenet_rx_ip(struct fakenet *n, unsigned port, const struct fakeip *ip, const void *payload,
		   uint32_t len);

/* ---- what was sent ---- */

/* A frame taken apart; free it with fakesent_free(). */
struct fakesent {
	struct fakeframe *f; /* NULL: nothing was sent */
	struct eth eth;
	bool ip, v6;
	struct ip4 ip4;
	struct ip6 ip6;
	struct ip6_ext ext;
	struct ipaddr src, dst;
	uint8_t proto, ttl;
	struct view payload; /* behind the IP headers, also the fragment header */
};

/* Take the oldest frame of a port apart; checks lengths and the IPv4 header checksum. */
struct fakesent fakenet_sent(struct fakenet *n, unsigned port);
/* The oldest that is an IP packet of our own; ARP, ND and MLD are thrown away. */
struct fakesent fakenet_sent_ip(struct fakenet *n, unsigned port);
void fakesent_free(struct fakesent *t);
/* Is the transport checksum of a whole packet right? */
bool fakesent_csum_ok(const struct fakesent *t);

/* A question for a link address (ARP request, neighbour solicitation) that was sent. */
struct fakeask {
	bool any; /* false: none */
	bool unicast;
	struct ipaddr target, from;
};

/* Take frames of a port until one is a question; others are thrown away. */
struct fakeask fakenet_asked(struct fakenet *n, unsigned port);
/* Host h answers a question for it: ARP reply or solicited advertisement from mac. */
void fakenet_answer(struct fakenet *n, bool v6, unsigned iface, unsigned host,
		    const struct ethaddr *mac);
/* Receive an ARP packet; lets the test choose everything. */
struct arp;
void fakenet_rx_arp(struct fakenet *n, unsigned port, const struct ethaddr *to,
		    const struct arp *a);
/* Receive a neighbour discovery message; hop limit 255. */
struct nd;
void fakenet_rx_nd(struct fakenet *n, unsigned port, const struct nd *nd, const struct ipaddr *src,
		   const struct ipaddr *dst);
/* Send n bytes of UDP to dst; what inet_output() says. dst_cache may be NULL. */
int fakenet_send(struct fakenet *n, const struct ipaddr *dst, uint32_t len,
		 struct inet_dst *dst_cache);

/* Let everything be sent and received, throw away what was sent. */
void fakenet_settle(struct fakenet *n);

/* The drop counter went up by k since the last call of this for that reason and since creation. */
#define assert_drops(net, why, k) assert_int_equal(fakehost_drops(&(net)->h, why), k)

#endif
