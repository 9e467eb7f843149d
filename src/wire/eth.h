/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ethernet II frames with up to two VLAN tags (IEEE 802.1Q), link addresses, and the link address
 * of an IP multicast group. An 802.3 length in the type field is reported as it is: a type below
 * ETH_TYPE_MIN.
 */
#ifndef LEAT_WIRE_ETH_H
#define LEAT_WIRE_ETH_H

#include "base/compiler.h"
#include "base/ip.h"
#include "base/view.h"
#include "wire/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Spelled as <net/ethernet.h> does, so that a port may include both. */
#define ETH_ALEN       6
#define ETH_HLEN       14
#define ETHERTYPE_IP4  0x0800
#define ETHERTYPE_ARP  0x0806
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_IP6  0x86dd
#define ETHERTYPE_QINQ 0x88a8

#define ETH_TYPE_MIN   0x0600 /* below: a length (IEEE 802.3 3.2.6) */
#define ETH_TAG_LEN    4
#define ETH_HLEN_MAX   (ETH_HLEN + 2 * ETH_TAG_LEN)
#define ETHADDR_STRLEN 18 /* with the final NUL */
#define ETH_VID_MASK   0x0fffu

struct ethaddr {
	uint8_t b[ETH_ALEN];
};

struct eth {
	struct ethaddr dst, src;
	uint16_t type;      /* of the payload, behind the tags */
	uint16_t hlen;      /* bytes before the payload: 14, 18 or 22 */
	uint16_t vlan_tpid; /* ETHERTYPE_VLAN or ETHERTYPE_QINQ: of the first tag */
	uint16_t vlan_tci;  /* first tag: priority, DEI, VLAN id */
	uint16_t vlan2_tci; /* second tag; its TPID is ETHERTYPE_VLAN */
	bool has_vlan;
	bool has_vlan2; /* only with has_vlan */
};

/* ETH_ESHORT. A third tag is left in place: type is then a tag's. */
NODISCARD int eth_parse(struct eth *h, struct view v);
/* Writes the header and its tags, ETH_HLEN_MAX bytes at most; hlen is not read. Returns the length.
 */
size_t eth_emit(uint8_t *buf, const struct eth *h);

/* "02:00:00:00:00:01", also with '-'. 0 or -EINVAL; *out is then unchanged. */
NODISCARD int ethaddr_parse(const char *text, struct ethaddr *out);
/* ETHADDR_STRLEN is enough; returns buf. */
const char *ethaddr_format(const struct ethaddr *a, char *buf, size_t size);

/*
 * Link address of a multicast group: RFC 1112 6.4 for IPv4, RFC 2464 7 for IPv6, and ff:ff:... for
 * 255.255.255.255. group must be one of these.
 */
struct ethaddr eth_multicast(const struct ipaddr *group);

static inline bool ethaddr_eq(const struct ethaddr *a, const struct ethaddr *b)
{
	return memcmp(a->b, b->b, ETH_ALEN) == 0;
}

/* Group bit: multicast or broadcast. */
static inline bool ethaddr_is_multicast(const struct ethaddr *a)
{
	return (a->b[0] & 1) != 0;
}

static inline bool ethaddr_is_broadcast(const struct ethaddr *a)
{
	return (a->b[0] & a->b[1] & a->b[2] & a->b[3] & a->b[4] & a->b[5]) == 0xff;
}

static inline bool ethaddr_is_zero(const struct ethaddr *a)
{
	return (a->b[0] | a->b[1] | a->b[2] | a->b[3] | a->b[4] | a->b[5]) == 0;
}

static inline struct ethaddr ethaddr_broadcast(void)
{
	return (struct ethaddr){{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
}

#endif
