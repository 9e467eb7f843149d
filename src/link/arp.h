/* SPDX-License-Identifier: BSD-2-Clause */
/* ARP for IPv4 (RFC 826, RFC 1122 2.3.2, RFC 5227); the cache is neigh.h. */
#ifndef LEAT_LINK_ARP_H
#define LEAT_LINK_ARP_H

#include "core/stack.h"
#include "wire/eth.h"

/* Takes what follows the Ethernet header. Consumes in. */
void arp_input(struct stack *s, unsigned iface, mbuf_own in);

/* Ask who has target: all, or only the link address it had (mac). */
void arp_request(struct stack *s, unsigned iface, const struct ipaddr *target,
		 const struct ethaddr *mac);

/* Announce an address of our own to all (RFC 5227 2.3). */
void arp_announce(struct stack *s, unsigned iface, const struct ipaddr *addr);

#endif
