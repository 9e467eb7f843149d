/* SPDX-License-Identifier: BSD-2-Clause */
/* ICMP messages (RFC 792, RFC 1122 3.2.2, RFC 1191). Called by inet. */
#include "wire/icmp4.h"

#include "base/csum.h"
#include "base/endian.h"

#include <string.h>

enum {
	OFF_CSUM = 2,
	OFF_ID = 4,
	OFF_GATEWAY = 4,
	OFF_PTR = 4,
	OFF_SEQ = 6,
	OFF_MTU = 6,
};

int icmp4_parse(struct icmp4 *h, struct view v, bool verify_csum)
{
	if (v.len < ICMP4_HLEN)
		return ICMP_ESHORT;
	if (verify_csum && csum_fold(csum_partial(v.p, v.len, 0)) != 0)
		return ICMP_ECSUM;
	*h = (struct icmp4){
		.type = v.p[0],
		.code = v.p[1],
		.csum = load_native16(v.p + OFF_CSUM),
		.body = view_skip(v, ICMP4_HLEN),
	};
	switch (h->type) {
	case ICMP4_ECHO_REQUEST:
	case ICMP4_ECHO_REPLY:
	case ICMP4_TIMESTAMP:
	case ICMP4_TIMESTAMP_REPLY:
		h->id = load_be16(v.p + OFF_ID);
		h->seq = load_be16(v.p + OFF_SEQ);
		break;
	case ICMP4_UNREACHABLE:
		if (h->code == ICMP4_UNREACH_FRAG_NEEDED)
			h->mtu = load_be16(v.p + OFF_MTU);
		break;
	case ICMP4_REDIRECT:
		h->gateway = load_be32(v.p + OFF_GATEWAY);
		break;
	case ICMP4_PARAM_PROBLEM:
		h->ptr = v.p[OFF_PTR];
		break;
	default:
		break;
	}
	return 0;
}

bool icmp4_is_error(uint8_t type)
{
	return type == ICMP4_UNREACHABLE || type == ICMP4_SOURCE_QUENCH || type == ICMP4_REDIRECT ||
	       type == ICMP4_TIME_EXCEEDED || type == ICMP4_PARAM_PROBLEM;
}

size_t icmp4_emit_header(uint8_t *buf, const struct icmp4 *h, uint32_t body_sum)
{
	memset(buf, 0, ICMP4_HLEN);
	buf[0] = h->type;
	buf[1] = h->code;
	switch (h->type) {
	case ICMP4_ECHO_REQUEST:
	case ICMP4_ECHO_REPLY:
	case ICMP4_TIMESTAMP:
	case ICMP4_TIMESTAMP_REPLY:
		store_be16(buf + OFF_ID, h->id);
		store_be16(buf + OFF_SEQ, h->seq);
		break;
	case ICMP4_UNREACHABLE:
		if (h->code == ICMP4_UNREACH_FRAG_NEEDED)
			store_be16(buf + OFF_MTU, h->mtu);
		break;
	case ICMP4_REDIRECT:
		store_be32(buf + OFF_GATEWAY, h->gateway);
		break;
	case ICMP4_PARAM_PROBLEM:
		buf[OFF_PTR] = h->ptr;
		break;
	default:
		break;
	}
	store_native16(buf + OFF_CSUM, csum_fold(csum_partial(buf, ICMP4_HLEN, body_sum)));
	return ICMP4_HLEN;
}

size_t icmp4_emit(uint8_t *buf, size_t size, const struct icmp4 *h)
{
	if (size < ICMP4_HLEN || size - ICMP4_HLEN < h->body.len)
		return 0;
	icmp4_emit_header(buf, h, csum_copy(buf + ICMP4_HLEN, h->body.p, h->body.len, 0));
	return ICMP4_HLEN + h->body.len;
}

void icmp4_echo_reply(uint8_t *hdr)
{
	uint16_t from = load_native16(hdr);
	uint16_t csum = load_native16(hdr + OFF_CSUM);

	hdr[0] = ICMP4_ECHO_REPLY;
	csum = csum_update16(csum, from, load_native16(hdr));
	/*
	 * Both zeros of one's complement are right, unless the whole message is zeros (a reply with
	 * id, sequence number and data 0): there RFC 1624 gives 0 and only 0xffff is.
	 */
	store_native16(hdr + OFF_CSUM, csum == 0 ? 0xffff : csum);
}
