/* SPDX-License-Identifier: BSD-2-Clause */
/* Called by the drivers for each frame, in the worker's thread; looks at frames under need only. */
#include "port/rxprio.h"

#include "wire/eth.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/tcp.h"

/* None of them is longer: the largest is an ICMP error that quotes little. */
#define CTL_FRAME_BYTES 256u

/* l4 begins at the transport header; padding is cut off. */
static bool is_control(uint8_t proto, struct view l4)
{
	struct tcphdr th;

	switch (proto) {
	case PROTO_ICMP4:
	case PROTO_ICMP6:
		return true;
	case PROTO_TCP:
		return tcphdr_parse(&th, l4) == 0 && th.hlen == l4.len;
	default:
		return false;
	}
}

static bool is_control4(struct view ip, uint32_t packet_len)
{
	struct ip4 h;

	return ip4_parse_first(&h, ip, packet_len, false) == 0 && !ip4_is_fragment(&h) &&
	       is_control(h.proto, ip4_payload(&h, ip));
}

static bool is_control6(struct view ip, uint32_t packet_len)
{
	struct ip6_ext x;
	struct ip6 h;

	if (ip6_parse_first(&h, ip, packet_len) < 0)
		return false;
	ip = view_first(ip, (size_t)IP6_HLEN + h.payload_len);
	return ip6_ext_parse(&x, &h, ip, IP6_OBSERVER) == 0 && !ip6_ext_is_fragment(&x) &&
	       is_control(x.proto, view_skip(ip, x.upper_off));
}

enum mbuf_prio rxprio(const struct mbuf_pool *pool, struct view v, uint32_t len)
{
	struct eth eh;
	bool control = false;

	if (LIKELY(mbuf_pool_avail(pool, MBUF_SMALL) > pool->reserve[MBUF_SMALL]) ||
	    len > CTL_FRAME_BYTES || eth_parse(&eh, v) < 0)
		return MBUF_PRIO_BULK;
	v = view_skip(v, eh.hlen);
	if (eh.type == ETHERTYPE_ARP)
		control = true;
	else if (eh.type == ETHERTYPE_IP4)
		control = is_control4(v, len - eh.hlen);
	else if (eh.type == ETHERTYPE_IP6)
		control = is_control6(v, len - eh.hlen);
	return control ? MBUF_PRIO_RX : MBUF_PRIO_BULK;
}
