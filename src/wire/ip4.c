/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv4 header (RFC 791 3.1, RFC 1122 3.2.1, RFC 1812 5.2.2). Called by inet for every packet, by
 * the port layer to cut superpackets, and for what ICMP errors quote.
 */
#include "wire/ip4.h"

#include <assert.h>

#define FRAG_DF       0x4000u
#define FRAG_MF       0x2000u
#define FRAG_OFF_MASK 0x1fffu

/* len is a multiple of 4, IP4_HLEN at least: too short to be worth csum_partial()'s call. */
static uint16_t header_csum(const uint8_t *p, size_t len)
{
	uint64_t sum = (uint64_t)load_native32(p) + load_native32(p + 4) + load_native32(p + 8) +
		       load_native32(p + 12) + load_native32(p + 16);

	for (size_t i = IP4_HLEN; i < len; i += 4)
		sum += load_native32(p + i);
	return csum_fold(csum_add((uint32_t)sum, (uint32_t)(sum >> 32)));
}

static void fill(struct ip4 *h, const uint8_t *p, size_t ihl, uint16_t total)
{
	uint16_t frag = load_be16(p + IP4_OFF_FRAG);

	h->ihl_bytes = (uint8_t)ihl;
	h->tos = p[IP4_OFF_TOS];
	h->ttl = p[IP4_OFF_TTL];
	h->proto = p[IP4_OFF_PROTO];
	h->total_len = total;
	h->id = load_be16(p + IP4_OFF_ID);
	/* 8191 * 8: fits in 16 bits. */
	h->frag_off_bytes = (uint16_t)((frag & FRAG_OFF_MASK) * 8);
	h->df = (frag & FRAG_DF) != 0;
	h->mf = (frag & FRAG_MF) != 0;
	h->csum = load_native16(p + IP4_OFF_CSUM);
	h->opts_len = (uint8_t)(ihl - IP4_HLEN);
	h->opts = h->opts_len != 0 ? p + IP4_HLEN : NULL;
	h->src = ipaddr_v4(load_be32(p + IP4_OFF_SRC));
	h->dst = ipaddr_v4(load_be32(p + IP4_OFF_DST));
}

int ip4_parse_first(struct ip4 *h, struct view first, size_t packet_len, bool verify_csum)
{
	const uint8_t *p = first.p;
	size_t ihl;
	uint16_t total;

	if (first.len < IP4_HLEN)
		return IP4_ESHORT;
	if (p[0] >> 4 != 4)
		return IP4_EVERSION;
	ihl = (size_t)(p[0] & 0x0f) * 4;
	if (ihl < IP4_HLEN || ihl > first.len)
		return IP4_EIHL;
	total = load_be16(p + IP4_OFF_TOTAL_LEN);
	if (total < ihl || total > packet_len)
		return IP4_ELEN;
	/* RFC 1122 3.2.1.2: silently discard. */
	if (verify_csum && header_csum(p, ihl) != 0)
		return IP4_ECSUM;
	fill(h, p, ihl, total);
	return 0;
}

size_t ip4_emit(uint8_t *buf, const struct ip4 *h)
{
	size_t opts_len = (h->opts_len + 3u) & ~3u;
	size_t ihl = IP4_HLEN + opts_len;
	unsigned frag = h->frag_off_bytes / 8u;

	assert(h->opts_len <= IP4_OPTS_MAX && h->frag_off_bytes % 8 == 0);
	frag |= (h->df ? FRAG_DF : 0) | (h->mf ? FRAG_MF : 0);
	buf[0] = (uint8_t)(4u << 4 | ihl / 4);
	buf[IP4_OFF_TOS] = h->tos;
	store_be16(buf + IP4_OFF_TOTAL_LEN, h->total_len);
	store_be16(buf + IP4_OFF_ID, h->id);
	store_be16(buf + IP4_OFF_FRAG, (uint16_t)frag);
	buf[IP4_OFF_TTL] = h->ttl;
	buf[IP4_OFF_PROTO] = h->proto;
	store_native16(buf + IP4_OFF_CSUM, 0);
	store_be32(buf + IP4_OFF_SRC, ipaddr_to_v4(&h->src));
	store_be32(buf + IP4_OFF_DST, ipaddr_to_v4(&h->dst));
	if (h->opts_len != 0) {
		memcpy(buf + IP4_HLEN, h->opts, h->opts_len);
		memset(buf + IP4_HLEN + h->opts_len, IP4_OPT_EOL, opts_len - h->opts_len);
	}
	store_native16(buf + IP4_OFF_CSUM, header_csum(buf, ihl));
	return ihl;
}
