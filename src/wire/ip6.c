/* SPDX-License-Identifier: BSD-2-Clause */
/* IPv6 fixed header (RFC 8200 3). Called by inet for every packet. Extensions: ip6_ext.c. */
#include "wire/ip6.h"

#include "base/endian.h"

#include <string.h>

int ip6_parse_first(struct ip6 *h, struct view first, size_t packet_len)
{
	const uint8_t *p = first.p;
	uint32_t word;

	if (first.len < IP6_HLEN)
		return IP6_ESHORT;
	word = load_be32(p);
	if (word >> 28 != 6)
		return IP6_EVERSION;
	h->traffic_class = (uint8_t)(word >> 20);
	h->flow_label = word & 0xfffff;
	h->payload_len = load_be16(p + IP6_OFF_PAYLOAD_LEN);
	h->next_header = p[IP6_OFF_NEXT];
	h->hop_limit = p[IP6_OFF_HOPS];
	h->src = ipaddr_v6(p + IP6_OFF_SRC);
	h->dst = ipaddr_v6(p + IP6_OFF_DST);
	if (packet_len < IP6_HLEN || h->payload_len > packet_len - IP6_HLEN)
		return IP6_ELEN;
	if (UNLIKELY(ipaddr_is_v4(&h->src) || ipaddr_is_v4(&h->dst)))
		return IP6_EMAPPED;
	return 0;
}

size_t ip6_emit(uint8_t *buf, const struct ip6 *h)
{
	store_be32(buf, 6u << 28 | (uint32_t)h->traffic_class << 20 | (h->flow_label & 0xfffff));
	store_be16(buf + IP6_OFF_PAYLOAD_LEN, h->payload_len);
	buf[IP6_OFF_NEXT] = h->next_header;
	buf[IP6_OFF_HOPS] = h->hop_limit;
	memcpy(buf + IP6_OFF_SRC, h->src.b, sizeof(h->src.b));
	memcpy(buf + IP6_OFF_DST, h->dst.b, sizeof(h->dst.b));
	return IP6_HLEN;
}
