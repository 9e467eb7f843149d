/* SPDX-License-Identifier: BSD-2-Clause */
/* ICMPv6 messages (RFC 4443). Called by inet, and by nd_emit.c for the checksum's rules. */
#include "wire/icmp6.h"

#include "base/csum.h"
#include "base/endian.h"
#include "wire/proto.h"
#include "wire/pseudo.h"

#include <string.h>

enum {
	OFF_CSUM = 2,
	OFF_ID = 4,
	OFF_MTU = 4,
	OFF_PTR = 4,
	OFF_SEQ = 6,
};

int icmp6_parse(struct icmp6 *h, struct view v, const struct ipaddr *src, const struct ipaddr *dst,
		bool verify_csum)
{
	if (v.len < ICMP6_HLEN)
		return ICMP_ESHORT;
	if (verify_csum && !pseudo_ok(v, src, dst, PROTO_ICMP6))
		return ICMP_ECSUM;
	*h = (struct icmp6){
		.type = v.p[0],
		.code = v.p[1],
		.csum = load_native16(v.p + OFF_CSUM),
		.body = view_skip(v, ICMP6_HLEN),
	};
	switch (h->type) {
	case ICMP6_ECHO_REQUEST:
	case ICMP6_ECHO_REPLY:
		h->id = load_be16(v.p + OFF_ID);
		h->seq = load_be16(v.p + OFF_SEQ);
		break;
	case ICMP6_TOO_BIG:
		h->mtu = load_be32(v.p + OFF_MTU);
		break;
	case ICMP6_PARAM_PROBLEM:
		h->ptr = load_be32(v.p + OFF_PTR);
		break;
	default:
		break;
	}
	return 0;
}

size_t icmp6_emit_header(uint8_t *buf, const struct icmp6 *h, const struct ipaddr *src,
			 const struct ipaddr *dst, uint32_t body_sum, uint32_t body_len)
{
	uint32_t sum = csum_add(body_sum, pseudo_sum(src, dst, PROTO_ICMP6, ICMP6_HLEN + body_len));

	memset(buf, 0, ICMP6_HLEN);
	buf[0] = h->type;
	buf[1] = h->code;
	switch (h->type) {
	case ICMP6_ECHO_REQUEST:
	case ICMP6_ECHO_REPLY:
		store_be16(buf + OFF_ID, h->id);
		store_be16(buf + OFF_SEQ, h->seq);
		break;
	case ICMP6_TOO_BIG:
		store_be32(buf + OFF_MTU, h->mtu);
		break;
	case ICMP6_PARAM_PROBLEM:
		store_be32(buf + OFF_PTR, h->ptr);
		break;
	default:
		break;
	}
	store_native16(buf + OFF_CSUM, csum_fold(csum_partial(buf, ICMP6_HLEN, sum)));
	return ICMP6_HLEN;
}

size_t icmp6_emit(uint8_t *buf, size_t size, const struct icmp6 *h, const struct ipaddr *src,
		  const struct ipaddr *dst)
{
	uint32_t sum;

	if (size < ICMP6_HLEN || size - ICMP6_HLEN < h->body.len)
		return 0;
	sum = csum_copy(buf + ICMP6_HLEN, h->body.p, h->body.len, 0);
	icmp6_emit_header(buf, h, src, dst, sum, (uint32_t)h->body.len);
	return ICMP6_HLEN + h->body.len;
}

void icmp6_echo_reply(uint8_t *hdr)
{
	uint16_t from = load_native16(hdr);
	uint16_t csum = load_native16(hdr + OFF_CSUM);

	hdr[0] = ICMP6_ECHO_REPLY;
	store_native16(hdr + OFF_CSUM, csum_update16(csum, from, load_native16(hdr)));
}

void icmp6_readdress(uint8_t *hdr, const struct ipaddr *from, const struct ipaddr *to)
{
	uint16_t csum = load_native16(hdr + OFF_CSUM);

	for (unsigned i = 0; i < 4; i++)
		csum = csum_update32(csum, from->w[i], to->w[i]);
	store_native16(hdr + OFF_CSUM, csum);
}
