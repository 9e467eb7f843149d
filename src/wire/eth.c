/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ethernet II header with VLAN tags (IEEE 802.1Q), text form of link addresses, multicast mapping
 * (RFC 1112 6.4, RFC 2464 7). Called by link for every frame.
 */
#include "wire/eth.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

static bool is_tag(uint16_t type)
{
	return type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ;
}

/* type and hlen are those of the untagged header. */
static int parse_tags(struct eth *h, struct view v)
{
	if (v.len < ETH_HLEN + ETH_TAG_LEN)
		return ETH_ESHORT;
	h->has_vlan = true;
	h->vlan_tpid = h->type;
	h->vlan_tci = load_be16(v.p + ETH_HLEN);
	h->type = load_be16(v.p + ETH_HLEN + 2);
	h->hlen = ETH_HLEN + ETH_TAG_LEN;
	if (h->type != ETHERTYPE_VLAN)
		return 0;
	if (v.len < ETH_HLEN_MAX)
		return ETH_ESHORT;
	h->has_vlan2 = true;
	h->vlan2_tci = load_be16(v.p + ETH_HLEN + ETH_TAG_LEN);
	h->type = load_be16(v.p + ETH_HLEN + ETH_TAG_LEN + 2);
	h->hlen = ETH_HLEN_MAX;
	return 0;
}

int eth_parse(struct eth *h, struct view v)
{
	if (v.len < ETH_HLEN)
		return ETH_ESHORT;
	*h = (struct eth){.type = load_be16(v.p + 2 * ETH_ALEN), .hlen = ETH_HLEN};
	memcpy(h->dst.b, v.p, ETH_ALEN);
	memcpy(h->src.b, v.p + ETH_ALEN, ETH_ALEN);
	return UNLIKELY(is_tag(h->type)) ? parse_tags(h, v) : 0;
}

size_t eth_emit(uint8_t *buf, const struct eth *h)
{
	uint8_t *p = buf + 2 * ETH_ALEN;

	assert(h->has_vlan || !h->has_vlan2);
	memcpy(buf, h->dst.b, ETH_ALEN);
	memcpy(buf + ETH_ALEN, h->src.b, ETH_ALEN);
	if (h->has_vlan) {
		store_be16(p, h->vlan_tpid);
		store_be16(p + 2, h->vlan_tci);
		p += ETH_TAG_LEN;
	}
	if (h->has_vlan2) {
		store_be16(p, ETHERTYPE_VLAN);
		store_be16(p + 2, h->vlan2_tci);
		p += ETH_TAG_LEN;
	}
	store_be16(p, h->type);
	return (size_t)(p - buf) + 2;
}

/* -1: no hexadecimal digit. */
static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int ethaddr_parse(const char *text, struct ethaddr *out)
{
	struct ethaddr a;
	char sep = 0;

	for (unsigned i = 0; i < ETH_ALEN; i++) {
		int hi = hex_digit(text[0]);
		int lo = hi < 0 ? -1 : hex_digit(text[1]);

		if (lo < 0)
			return -EINVAL;
		a.b[i] = (uint8_t)(hi << 4 | lo);
		text += 2;
		if (i == ETH_ALEN - 1)
			break;
		if (i == 0 && (*text == ':' || *text == '-'))
			sep = *text;
		if (sep == 0 || *text++ != sep)
			return -EINVAL;
	}
	if (*text != '\0')
		return -EINVAL;
	*out = a;
	return 0;
}

const char *ethaddr_format(const struct ethaddr *a, char *buf, size_t size)
{
	snprintf(buf, size, "%02x:%02x:%02x:%02x:%02x:%02x", a->b[0], a->b[1], a->b[2], a->b[3],
		 a->b[4], a->b[5]);
	return buf;
}

struct ethaddr eth_multicast(const struct ipaddr *group)
{
	const uint8_t *g = &group->b[12];

	if (ipaddr_is_v4_broadcast(group))
		return ethaddr_broadcast();
	assert(ipaddr_is_multicast(group));
	if (ipaddr_is_v4(group))
		return (struct ethaddr){{0x01, 0x00, 0x5e, g[1] & 0x7f, g[2], g[3]}};
	return (struct ethaddr){{0x33, 0x33, g[0], g[1], g[2], g[3]}};
}
