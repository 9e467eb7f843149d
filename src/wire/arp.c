/* SPDX-License-Identifier: BSD-2-Clause */
/* ARP packets (RFC 826) for IPv4 over Ethernet. Called by link. */
#include "wire/arp.h"

#include "base/endian.h"

#include <string.h>

#define ARP_HTYPE_ETHER 1

enum {
	OFF_HTYPE = 0,
	OFF_PTYPE = 2,
	OFF_HLEN = 4,
	OFF_PLEN = 5,
	OFF_OP = 6,
	OFF_SHA = 8,
	OFF_SPA = 14,
	OFF_THA = 18,
	OFF_TPA = 24,
};

int arp_parse(struct arp *a, struct view v)
{
	if (v.len < OFF_SHA)
		return ARP_ESHORT;
	if (load_be16(v.p + OFF_HTYPE) != ARP_HTYPE_ETHER ||
	    load_be16(v.p + OFF_PTYPE) != ETHERTYPE_IP4)
		return ARP_ETYPE;
	if (v.p[OFF_HLEN] != ETH_ALEN || v.p[OFF_PLEN] != 4)
		return ARP_ELEN;
	if (v.len < ARP_LEN)
		return ARP_ESHORT;
	a->op = load_be16(v.p + OFF_OP);
	memcpy(a->sha.b, v.p + OFF_SHA, ETH_ALEN);
	a->spa = load_be32(v.p + OFF_SPA);
	memcpy(a->tha.b, v.p + OFF_THA, ETH_ALEN);
	a->tpa = load_be32(v.p + OFF_TPA);
	return 0;
}

size_t arp_emit(uint8_t *buf, const struct arp *a)
{
	store_be16(buf + OFF_HTYPE, ARP_HTYPE_ETHER);
	store_be16(buf + OFF_PTYPE, ETHERTYPE_IP4);
	buf[OFF_HLEN] = ETH_ALEN;
	buf[OFF_PLEN] = 4;
	store_be16(buf + OFF_OP, a->op);
	memcpy(buf + OFF_SHA, a->sha.b, ETH_ALEN);
	store_be32(buf + OFF_SPA, a->spa);
	memcpy(buf + OFF_THA, a->tha.b, ETH_ALEN);
	store_be32(buf + OFF_TPA, a->tpa);
	return ARP_LEN;
}
