/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP header (RFC 768, RFC 8200 8.1). Called by udp. */
#include "wire/udp.h"

#include "base/csum.h"
#include "base/endian.h"
#include "wire/proto.h"
#include "wire/pseudo.h"

int udp_parse_first(struct udphdr *h, struct view first, size_t payload_len, bool v6)
{
	if (first.len < UDP_HLEN)
		return UDP_ESHORT;
	h->sport = load_be16(first.p);
	h->dport = load_be16(first.p + 2);
	h->len = load_be16(first.p + 4);
	h->csum = load_native16(first.p + UDP_OFF_CSUM);
	if (h->len < UDP_HLEN || h->len > payload_len)
		return UDP_ELEN;
	if (v6 && h->csum == 0)
		return UDP_ECSUM;
	return 0;
}

bool udp_csum_ok(const struct udphdr *h, struct view v, const struct ipaddr *src,
		 const struct ipaddr *dst)
{
	return h->csum == 0 || pseudo_ok(view_first(v, h->len), src, dst, PROTO_UDP);
}

size_t udp_emit(uint8_t *buf, const struct udphdr *h)
{
	store_be16(buf, h->sport);
	store_be16(buf + 2, h->dport);
	store_be16(buf + 4, h->len);
	store_native16(buf + UDP_OFF_CSUM, h->csum);
	return UDP_HLEN;
}

uint16_t udp_csum(const struct udphdr *h, uint32_t data_sum, const struct ipaddr *src,
		  const struct ipaddr *dst)
{
	uint32_t sum = csum_add(data_sum, pseudo_sum(src, dst, PROTO_UDP, h->len));

	sum = csum_add_u16(sum, h->sport);
	sum = csum_add_u16(sum, h->dport);
	sum = csum_add_u16(sum, h->len);
	return csum_fold_nonzero(sum);
}
