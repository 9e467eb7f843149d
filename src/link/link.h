/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interfaces on ports, Ethernet input and output. An interface is a port, or a VLAN of one; the
 * interface of a port has the port's number, VLANs have the numbers from STACK_MAX_PORTS up.
 *
 * Thread: the worker that owns the stack.
 */
#ifndef LEAT_LINK_LINK_H
#define LEAT_LINK_LINK_H

#include "base/ip.h"
#include "core/stack.h"
#include "link/counters.h"
#include "wire/eth.h"

#include <stdbool.h>
#include <stdint.h>

#define LINK_MAX_IFACES 64u
#define LINK_MAX_PROTOS 4u
#define LINK_DEFENCES   64u

struct neigh_table;

struct iface {
	bool used;
	uint8_t port;
	uint16_t vid; /* 0: untagged */
	struct ethaddr mac;
	uint32_t mtu;  /* IP bytes */
	uint32_t caps; /* PORT_CAP_* */
	uint32_t max_gso_bytes;
};

/* What the link layer asks of the layer above it; registered once. */
struct link_upper {
	/* Is addr one of the interface's own? */
	bool (*is_own)(struct stack *s, unsigned iface, const struct ipaddr *addr);
	/* Is addr a neighbour's by its prefix: on this link, and no broadcast address? */
	bool (*is_onlink)(struct stack *s, unsigned iface, const struct ipaddr *addr);
	/* An own address to ask for target with; false: the interface has none. */
	bool (*source_for)(struct stack *s, unsigned iface, const struct ipaddr *target,
			   struct ipaddr *out);
	/* Send a neighbour solicitation for an IPv6 target, to mac, or to its multicast group. */
	void (*solicit6)(struct stack *s, unsigned iface, const struct ipaddr *target,
			 const struct ethaddr *mac);
	/* m (borrowed, begins at its IP header) waited for a neighbour that does not answer. */
	void (*unreachable)(struct stack *s, unsigned iface, struct mbuf *m);
};

/* Takes a packet that begins behind the link header, at meta.l3_off. Consumes in. */
typedef void (*link_input_fn)(struct stack *s, unsigned iface, mbuf_own in);

struct link_proto {
	uint16_t type;
	link_input_fn input;
};

struct link {
	struct iface ifaces[LINK_MAX_IFACES];
	struct link_proto protos[LINK_MAX_PROTOS];
	const struct link_upper *upper;
	struct neigh_table *neigh;
	bool gro;
	uint64_t defend_ns[LINK_DEFENCES]; /* by address: no answer to conflicts before */
	struct link_counters cnt;
};

/* Create the link layer and register it for input; ARP is handled by itself. -ENOMEM. */
NODISCARD int link_init(struct stack *s, const struct link_upper *upper);
void link_fini(struct stack *s);

/* Handler of an ethertype. At most LINK_MAX_PROTOS, ARP among them. */
void link_proto_register(struct stack *s, uint16_t type, link_input_fn input);

/* Give port `port` its interface. -EEXIST, -EINVAL (no such port). */
NODISCARD int link_iface_add(struct stack *s, unsigned port);
/* An interface for a VLAN of a port: 1..4094. Returns its number, -EEXIST, -EINVAL, -ENOSPC. */
NODISCARD int link_vlan_add(struct stack *s, unsigned port, uint16_t vid);
/* Take back one that nothing uses yet. */
void link_iface_del(struct stack *s, unsigned number);

/* Software GRO on (the default) or off. */
void link_gro_set(struct stack *s, bool on);

/* NULL: no such interface. */
static inline const struct iface *link_iface(const struct stack *s, unsigned number)
{
	const struct link *l = s->link;

	return number < LINK_MAX_IFACES && l->ifaces[number].used ? &l->ifaces[number] : NULL;
}

static inline const struct link_counters *link_counters(const struct stack *s)
{
	return &s->link->cnt;
}

/* Write the link header to dst; buf has ETH_HLEN_MAX bytes. Returns its length. */
size_t link_header_emit(const struct iface *ifc, const struct ethaddr *dst, uint16_t type,
			uint8_t *buf);

/* Send a packet, which begins behind the link header, to a link address. Consumes in. */
void link_output(struct stack *s, unsigned iface, const struct ethaddr *dst, uint16_t type,
		 mbuf_own in);

#endif
