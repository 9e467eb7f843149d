/* SPDX-License-Identifier: BSD-2-Clause */
/* Called by the drivers for the odd packet, in the worker's thread. */
#include "port/rxcsum.h"

#include "wire/eth.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/pseudo.h"
#include "wire/tcp.h"
#include "wire/udp.h"

struct l4 {
	struct ipaddr src, dst;
	size_t off; /* from the IP header */
	size_t len;
	uint8_t proto;
	bool v6;
};

static bool find_ip4(struct l4 *l, struct view ip, size_t packet_len)
{
	struct ip4 h;

	if (ip4_parse_first(&h, ip, packet_len, false) < 0 || ip4_is_fragment(&h))
		return false;
	l->src = h.src;
	l->dst = h.dst;
	l->off = h.ihl_bytes;
	l->len = (size_t)h.total_len - h.ihl_bytes;
	l->proto = h.proto;
	l->v6 = false;
	return true;
}

static bool find_ip6(struct l4 *l, struct view ip, size_t packet_len)
{
	struct ip6 h;
	struct ip6_ext x;

	if (ip6_parse_first(&h, ip, packet_len) < 0 || ip6_ext_parse(&x, &h, ip, IP6_ROUTER) < 0 ||
	    x.has_frag)
		return false;
	l->src = h.src;
	l->dst = h.dst;
	l->off = x.upper_off;
	l->len = (size_t)IP6_HLEN + h.payload_len - x.upper_off;
	l->proto = x.proto;
	l->v6 = true;
	return true;
}

static bool find(struct l4 *l, const struct mbuf *m, struct eth *eh)
{
	struct view ip;

	if (eth_parse(eh, mbuf_view(m)) < 0)
		return false;
	ip = view_skip(mbuf_view(m), eh->hlen);
	if (eh->type == ETHERTYPE_IP4)
		return find_ip4(l, ip, mbuf_len(m) - eh->hlen);
	return eh->type == ETHERTYPE_IP6 && find_ip6(l, ip, mbuf_len(m) - eh->hlen);
}

bool rxcsum_unfinish(struct mbuf *m)
{
	struct eth eh;
	struct l4 l;
	size_t at, hlen;
	uint8_t field;

	if (!find(&l, m, &eh) || (l.proto != PROTO_TCP && l.proto != PROTO_UDP))
		return false;
	hlen = l.proto == PROTO_TCP ? TCP_HLEN : UDP_HLEN;
	field = l.proto == PROTO_TCP ? TCP_OFF_CSUM : UDP_OFF_CSUM;
	at = eh.hlen + l.off;
	if (at + hlen > mbuf_seg_len(m) || l.len < hlen)
		return false;
	store_native16(mbuf_data(m) + at + field,
		       pseudo_partial(&l.src, &l.dst, l.proto, (uint32_t)l.len));
	m->meta.csum = MBUF_CSUM_PARTIAL;
	m->meta.csum_field = field;
	m->meta.l4_off = (uint16_t)(mbuf_here(m) + at);
	if (m->meta.gso_size == 0)
		return true;
	m->meta.gso_type = l.v6 ? MBUF_GSO_TCP6 : MBUF_GSO_TCP4;
	return l.proto == PROTO_TCP;
}
