/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv6 header and extension headers (RFC 8200, RFC 5095, RFC 6946, RFC 7112, RFC 8504 5.3).
 * Offsets count from the first byte of the IPv6 header, as Parameter Problem pointers do.
 */
#ifndef LEAT_WIRE_IP6_H
#define LEAT_WIRE_IP6_H

#include "base/compiler.h"
#include "base/ip.h"
#include "base/view.h"
#include "wire/err.h"
#include "wire/proto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IP6_HLEN            40
#define IP6_FRAG_HLEN       8
#define IP6_MIN_MTU         1280
#define IP6_PAYLOAD_MAX     65535

#define IP6_OFF_PAYLOAD_LEN 4
#define IP6_OFF_NEXT        6
#define IP6_OFF_HOPS        7
#define IP6_OFF_SRC         8
#define IP6_OFF_DST         24

struct ip6 {
	uint8_t traffic_class;
	uint8_t next_header;
	uint8_t hop_limit;
	uint16_t payload_len; /* extension headers included */
	uint32_t flow_label;  /* 20 bits */
	struct ipaddr src, dst;
};

/*
 * Parse the fixed header at the start of first, whose packet has packet_len bytes in all (more
 * than first.len when it lies in several buffers). IP6_ESHORT, IP6_EVERSION, IP6_ELEN; IP6_EMAPPED
 * because a mapped address would be taken for IPv4 everywhere above (RFC 4942 2.2).
 */
NODISCARD int ip6_parse_first(struct ip6 *h, struct view first, size_t packet_len);

/* The same for a packet that is contiguous. */
NODISCARD static inline int ip6_parse(struct ip6 *h, struct view v)
{
	return ip6_parse_first(h, v, v.len);
}

/* Writes IP6_HLEN bytes; returns IP6_HLEN. */
size_t ip6_emit(uint8_t *buf, const struct ip6 *h);

/* ---- extension headers ---- */

/*
 * Limits. RFC 8504 5.3 lets a host limit options (its default: 8 that are no padding) and padding
 * (7 bytes in a row are all that alignment needs). The chain as a whole is bounded too: a packet
 * with 150 headers is an attack.
 */
#define IP6_EXT_MAX_HEADERS 8
#define IP6_EXT_MAX_BYTES   2048
#define IP6_EXT_MAX_OPTS    8
#define IP6_EXT_MAX_PAD     7

/*
 * Who looks. A router acts on hop-by-hop options alone (RFC 8200 4), an observer on nothing: what
 * is wrong elsewhere is then no error but ends the walk there, and proto is the extension header's.
 */
enum ip6_role {
	IP6_HOST,
	IP6_ROUTER,
	IP6_OBSERVER,
};

/* Code of the ICMPv6 Parameter Problem that is due, or none. */
enum ip6_pp {
	IP6_PP_NONE = -1,  /* discard silently */
	IP6_PP_FIELD = 0,  /* erroneous header field */
	IP6_PP_NEXT = 1,   /* unrecognised next header */
	IP6_PP_OPTION = 2, /* unrecognised option */
	IP6_PP_CHAIN = 3,  /* first fragment with an incomplete header chain, RFC 7112 */
};

struct ip6_ext {
	uint8_t proto;    /* what ends the chain: TCP, UDP, ESP, AH, PROTO_NONE, unknown ... */
	size_t upper_off; /* where it begins */
	size_t next_off;  /* of the next-header byte that names it: pointer when nobody knows it */
	unsigned n_headers;

	bool has_hopopts;
	bool has_routing;
	bool has_dstopts;
	bool router_alert; /* RFC 2711 */
	uint16_t router_alert_value;
	uint8_t routing_type;
	uint8_t routing_left;

	/* proto and upper_off of a first fragment are what the walk found behind its header; of a
	 * later one frag_next and the fragment's data. An atomic fragment (offset 0, nothing
	 * follows) is an ordinary packet with one header more (RFC 6946). */
	bool has_frag;
	bool frag_more;
	uint8_t frag_next;       /* the fragment header's own next header */
	uint16_t frag_off_bytes; /* multiple of 8 */
	uint32_t frag_id;
	size_t frag_hdr_off;  /* of the fragment header */
	size_t frag_next_off; /* of the next-header byte that says 44 */

	/* Set with an error only. */
	enum ip6_pp pp_code;
	uint32_t pp_ptr;
	bool pp_multicast; /* due even when the destination is multicast (RFC 4443 2.4 e.3) */
};

static inline bool ip6_ext_is_atomic(const struct ip6_ext *x)
{
	return x->has_frag && x->frag_off_bytes == 0 && !x->frag_more;
}

/* Must this be reassembled? */
static inline bool ip6_ext_is_fragment(const struct ip6_ext *x)
{
	return x->has_frag && (x->frag_off_bytes != 0 || x->frag_more);
}

/* Does the chain go on behind a header that says next? If not, there is nothing to walk. */
static inline bool ip6_is_ext(uint8_t next)
{
	return next == PROTO_HOPOPTS || next == PROTO_ROUTING || next == PROTO_FRAGMENT ||
	       next == PROTO_DSTOPTS;
}

/*
 * Walk the chain of a parsed header. first begins at the IPv6 header and may be less than the
 * packet; a chain that goes on behind it is refused as too long (IP6_HLEN + IP6_EXT_MAX_BYTES + 20
 * bytes are always enough). AH and ESP end the chain: they are IPsec's. 0 or an IP6_EXT_E row, with
 * pp_code and pp_ptr. A fragment's data length is checked too (RFC 8200 4.5): multiple of 8, end
 * within 65535.
 */
NODISCARD int ip6_ext_parse(struct ip6_ext *x, const struct ip6 *h, struct view first,
			    enum ip6_role role);

#endif
