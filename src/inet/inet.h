/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The internet layer as the transports and sockets see it: IPv4 and IPv6 as one. Addresses are
 * struct ipaddr (IPv4 as v4-mapped).
 */
#ifndef LEAT_INET_INET_H
#define LEAT_INET_INET_H

#include "base/ip.h"
#include "base/view.h"
#include "core/stack.h"

#define INET_PROTO_ICMP  1u
#define INET_PROTO_IGMP  2u
#define INET_PROTO_TCP   6u
#define INET_PROTO_UDP   17u
#define INET_PROTO_ICMP6 58u

#define INET_TTL_DEFAULT 64u

/* inet_in.iface and inet_dst.iface of packets that we send to ourselves. */
#define INET_IFACE_LOOPBACK 255u

/*
 * The zone (RFC 4007) of link-local addresses, which may be the same behind several interfaces: the
 * interface's number + 1. 0: not known, as that of packets that we send to ourselves.
 */
static inline uint8_t inet_zone(unsigned iface)
{
	return (uint8_t)(iface + 1);
}

/* What the transport is told of a packet that came in; the packet begins at its header. */
struct inet_in {
	struct ipaddr src, dst;
	unsigned iface;
	uint8_t proto;
	uint8_t tos; /* traffic class: DSCP and ECN */
	uint8_t ttl;
	bool multicast; /* to a multicast or broadcast address, IP or link */
	bool foreign;   /* dst is no address of ours: claimed by interception */
};

/*
 * The way to a destination, cached by its user (a TCP connection keeps one). Valid while gen
 * equals the routing generation; inet_dst_valid() looks.
 */
struct inet_dst {
	uint32_t gen;
	uint32_t mtu; /* of the path: PMTU where known, else the interface's */
	uint32_t link_mtu;
	unsigned iface;
	struct ipaddr nexthop;
	struct neigh *neigh; /* borrowed hint, owned by the link layer; valid with gen */
	uint32_t caps;       /* PORT_CAP_* of the port */
	uint32_t max_gso_bytes;
};

struct inet_out {
	struct ipaddr src, dst;
	uint8_t proto;
	uint8_t ttl; /* 0: default */
	uint8_t tos;
	bool dont_fragment; /* IPv4 DF; IPv6: do not fragment at the source either */
	uint8_t zone;       /* where a link-local or group dst is, 0: not known */
	bool ignore_pmtu;   /* only the link's MTU counts */
	bool loop_copy;     /* multicast and broadcast: to our own sockets too */
	bool keep_home;     /* multicast with TTL 0: to them only */
	uint32_t flow_label;
};

/* An ICMP error about a packet that we sent (or intercepted), checked and unwrapped. */
enum inet_err_kind {
	INET_ERR_TOO_BIG,     /* mtu holds the next hop's: IPv4 552 or more, IPv6 1280 */
	INET_ERR_UNREACHABLE, /* network, host, administratively: soft */
	INET_ERR_PORT,        /* port or protocol unreachable */
	INET_ERR_TIME,        /* time exceeded */
	INET_ERR_PARAM,       /* parameter problem */
};

struct inet_err {
	enum inet_err_kind kind;
	int err;   /* errno for the socket */
	bool hard; /* Linux tells a connected UDP socket */
	uint32_t mtu;
	uint32_t ptr;           /* parameter problem */
	unsigned iface;         /* it came by */
	struct ipaddr src, dst; /* of our packet: src is our side */
	uint16_t sport, dport;
	uint32_t tcp_seq;
	struct ipaddr from; /* who reports */
	uint8_t type, code;
	struct view quoted; /* our packet from its transport header on, as much as there is */
};

struct inet_proto {
	/* Consumes in. The packet is contiguous for its first min(len, 60) bytes. */
	void (*input)(struct stack *s, const struct inet_in *in, mbuf_own m);
	void (*error)(struct stack *s, const struct inet_err *e);
	/* A packet to a foreign address, whole: fragments of a protocol that has this are put
	 * together first, and cut again if they go on. Take it (true) or let it be forwarded.
	 * Borrowed; begins at the transport header. May be NULL. */
	bool (*claim)(struct stack *s, const struct inet_in *in, struct mbuf *m);
	/* An ICMP error to a foreign address about a packet that may be an intercepted connection's
	 * own: act on it as in error() and take it (true), or let it be forwarded. May be NULL:
	 * such errors are forwarded and not looked at. */
	bool (*claim_error)(struct stack *s, const struct inet_err *e);
};

/* Register a transport; at most one per protocol number. */
void inet_proto_register(struct stack *s, uint8_t proto, const struct inet_proto *ops);

/* Create and destroy the internet layer of a stack (creates link's state too). */
NODISCARD int inet_init(struct stack *s);
void inet_fini(struct stack *s);

/* ---- configuration ---- */

/* Give port number `port` an interface of the same number. -EEXIST, -ENOMEM. */
NODISCARD int inet_iface_add(struct stack *s, unsigned port);
/* An interface for a VLAN of a port that has one. Returns its number, -EEXIST, -EINVAL, -ENOSPC,
 * -ENOMEM. */
NODISCARD int inet_vlan_add(struct stack *s, unsigned port, uint16_t vid);
/* addr/len: len in the address's own family (24, 64). -EEXIST, -EINVAL, -ENOSPC. */
NODISCARD int inet_addr_add(struct stack *s, unsigned iface, const struct ipaddr *addr,
			    uint8_t len);
NODISCARD int inet_addr_del(struct stack *s, unsigned iface, const struct ipaddr *addr);
/* gateway NULL: on link. Longest prefix wins, then the lowest metric. */
NODISCARD int inet_route_add(struct stack *s, const struct ipprefix *dst,
			     const struct ipaddr *gateway, unsigned iface, uint32_t metric);
NODISCARD int inet_route_del(struct stack *s, const struct ipprefix *dst,
			     const struct ipaddr *gateway, unsigned iface);
void inet_forwarding_set(struct stack *s, bool v4, bool v6);
/* IPv6 as a host on that interface: its link-local address is tested (RFC 4862), routers are asked
 * for and believed, addresses and routes made from what they say, redirects followed. Off at first,
 * and what a router should leave off. -EINVAL, -ENOMEM. */
NODISCARD int inet_autoconf_set(struct stack *s, unsigned iface, bool on);

/* ---- look-ups ---- */

bool inet_addr_is_local(const struct stack *s, const struct ipaddr *addr);
/* Fill the way to dst. -ENETUNREACH, -EHOSTUNREACH. A link-local dst is looked for among the
 * neighbours of all interfaces; inet_dst_lookup_on() says which interface is meant. */
NODISCARD int inet_dst_lookup(struct stack *s, const struct ipaddr *dst, struct inet_dst *out);
NODISCARD int inet_dst_lookup_on(struct stack *s, unsigned iface, const struct ipaddr *dst,
				 struct inet_dst *out);
/* The way to a peer: on the interface of the zone when dst is link-local or a group and the zone is
 * known, else as inet_dst_lookup() finds it. */
NODISCARD int inet_dst_lookup_zone(struct stack *s, uint8_t zone, const struct ipaddr *dst,
				   struct inet_dst *out);
bool inet_dst_valid(const struct stack *s, const struct inet_dst *d);
/* Source address for dst (RFC 6724 in short: same interface, same scope, longest match). */
NODISCARD int inet_src_select(struct stack *s, const struct inet_dst *d, const struct ipaddr *dst,
			      struct ipaddr *out);
/* The interface that has an address of ours, INET_IFACE_LOOPBACK for loopback; -1: none. */
int inet_addr_iface(const struct stack *s, const struct ipaddr *addr);
/* Is there such an interface, the loopback one among them? */
bool inet_iface_exists(const struct stack *s, unsigned iface);
/* Reachability confirmation from above (RFC 4861 7.3.1): the neighbour answers. */
void inet_dst_confirm(struct stack *s, struct inet_dst *d);

/* ---- multicast groups (RFC 3376, RFC 3810) ---- */

#define INET_FILTER_MAX 64u

/* What one listener wants of a group on an interface: what these sources send, or all but that. */
struct inet_filter {
	bool exclude;
	uint16_t n;
	struct ipaddr src[INET_FILTER_MAX];
};

/* Would a listener with this filter take what src sends? */
bool inet_filter_passes(const struct inet_filter *f, const struct ipaddr *src);
/*
 * A listener's wish changes from one filter to another; NULL: it does not listen. Routers are told
 * what became of it all. -ENODEV, -ENOBUFS (too many groups, or sources of one), -ENOMEM; never
 * when to is NULL.
 */
NODISCARD int inet_group_change(struct stack *s, unsigned iface, const struct ipaddr *group,
				const struct inet_filter *from, const struct inet_filter *to);

/* ---- output ---- */

/*
 * Send: m begins at the transport header, whose checksum field holds the pseudo-header sum and
 * meta.csum is PARTIAL (l4_off set here), or is complete. Adds the IP and link headers, resolves
 * the neighbour, fragments what is larger than the path and may be. Superpackets (gso_size) pass
 * whole. dst may be NULL (looked up). Consumes m; every loss is a counted drop. Returns 0, or
 * -EMSGSIZE when the packet is larger than the path and must not be fragmented (dst->mtu tells),
 * -ENETUNREACH, -EHOSTUNREACH.
 */
int inet_output(struct stack *s, mbuf_own m, const struct inet_out *o, struct inet_dst *dst);

/* Lower the path MTU of dst after a checked error; only ever lower, aged out after 10 minutes. */
void inet_pmtu_update(struct stack *s, const struct ipaddr *dst, uint32_t mtu);
uint32_t inet_pmtu(const struct stack *s, const struct ipaddr *dst);

/*
 * Answer a received packet by an ICMP error (rate limited, and never where RFC 1122 3.2.2 and
 * RFC 4443 2.4 forbid). m is borrowed: its meta.l3_off says where its IP header begins. `code` is
 * one of the kinds; the family follows the packet.
 */
void inet_error_output(struct stack *s, const struct mbuf *m, enum inet_err_kind kind, uint8_t code,
		       uint32_t mtu_or_pointer);

struct inet_counters;
/* What was counted for IPv4 or IPv6 (inet/counters.h). */
const struct inet_counters *inet_counters(const struct stack *s, bool v6);

/* Pseudo-header sum for the checksum field of a PARTIAL packet is in wire/pseudo.h. */

#endif
