/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port without Ethernet on its outer side: IP packets go in and come out as bytes. The frame
 * header that the stack's link layer wants is put on and taken off here; whoever the stack asks
 * for by ARP or neighbour discovery answers at once. Superpackets are cut, as on the wire:
 * packetdrill puts together what its script has as one, but cannot cut.
 */
#ifndef LEAT_CONFORM_IPPORT_H
#define LEAT_CONFORM_IPPORT_H

#include "base/list.h"
#include "port/port.h"

struct ipport;

/* One packet that left. */
struct ippkt {
	struct list link;
	uint64_t at_ns;
	uint32_t len;
	uint8_t data[];
};

/* wait_fd, which may be NULL, is asked when the stack is about to sleep (port_ops.wait_fd). */
struct ipport *ipport_create(struct mbuf_pool *pool, uint32_t mtu, int (*wait_fd)(void *ctx),
			     void *ctx);
struct port *ipport_port(struct ipport *p);
/* A packet for the stack; received in the next round. */
void ipport_feed(struct ipport *p, const void *packet, size_t len);
/* The oldest packet that left, NULL: none. The caller frees it. */
struct ippkt *ipport_sent(struct ipport *p);

#endif
