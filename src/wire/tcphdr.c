/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP's fixed header (RFC 9293 3.1). Called by tcp for every segment, by port to cut superpackets.
 */
#include "wire/tcp.h"

#include "base/endian.h"

#define DOFF_AE 0x01u

int tcphdr_parse(struct tcphdr *h, struct view v)
{
	const uint8_t *p = v.p;

	if (v.len < TCP_HLEN)
		return TCP_ESHORT;
	h->hlen = (uint8_t)(p[TCP_OFF_DOFF] >> 4 << 2);
	if (h->hlen < TCP_HLEN || h->hlen > v.len)
		return TCP_EHLEN;
	h->sport = load_be16(p);
	h->dport = load_be16(p + 2);
	h->seq = load_be32(p + TCP_OFF_SEQ);
	h->ack = load_be32(p + TCP_OFF_ACK);
	h->ae = (p[TCP_OFF_DOFF] & DOFF_AE) != 0;
	h->flags = p[TCP_OFF_FLAGS];
	h->wnd = load_be16(p + TCP_OFF_WND);
	h->csum = load_native16(p + TCP_OFF_CSUM);
	h->urg = load_be16(p + TCP_OFF_URG);
	return 0;
}

size_t tcphdr_emit(uint8_t *buf, const struct tcphdr *h)
{
	store_be16(buf, h->sport);
	store_be16(buf + 2, h->dport);
	store_be32(buf + TCP_OFF_SEQ, h->seq);
	store_be32(buf + TCP_OFF_ACK, h->ack);
	buf[TCP_OFF_DOFF] = (uint8_t)((unsigned)h->hlen << 2 | (h->ae ? DOFF_AE : 0));
	buf[TCP_OFF_FLAGS] = h->flags;
	store_be16(buf + TCP_OFF_WND, h->wnd);
	store_native16(buf + TCP_OFF_CSUM, h->csum);
	store_be16(buf + TCP_OFF_URG, h->urg);
	return TCP_HLEN;
}
