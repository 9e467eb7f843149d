/* SPDX-License-Identifier: BSD-2-Clause */
/* ARP for IPv4 over Ethernet (RFC 826). Whether its addresses make sense is the caller's to judge.
 */
#ifndef LEAT_WIRE_ARP_H
#define LEAT_WIRE_ARP_H

#include "base/compiler.h"
#include "base/view.h"
#include "wire/eth.h"

#define ARP_LEN 28

enum arp_op {
	ARP_REQUEST = 1,
	ARP_REPLY = 2,
};

struct arp {
	uint16_t op; /* enum arp_op, or what the wire says */
	struct ethaddr sha, tha;
	uint32_t spa, tpa; /* host order */
};

/* ARP_ESHORT, ARP_ETYPE, ARP_ELEN. v begins behind the Ethernet header; trailing bytes are padding.
 */
NODISCARD int arp_parse(struct arp *a, struct view v);
/* Writes ARP_LEN bytes; returns ARP_LEN. */
size_t arp_emit(uint8_t *buf, const struct arp *a);

#endif
