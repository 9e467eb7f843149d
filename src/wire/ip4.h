/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv4 header and its options (RFC 791, RFC 1122 3.2.1, RFC 1812 5.2, RFC 7126). Whether the
 * addresses may come from a wire is the caller's to judge (base/ip.h).
 */
#ifndef LEAT_WIRE_IP4_H
#define LEAT_WIRE_IP4_H

#include "base/compiler.h"
#include "base/csum.h"
#include "base/ip.h"
#include "base/view.h"
#include "wire/err.h"
#include "wire/proto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IP4_HLEN      20
#define IP4_HLEN_MAX  60
#define IP4_OPTS_MAX  40
#define IP4_MIN_MTU   68 /* RFC 791 3.2 */
#define IP4_TOTAL_MAX 65535

/* Where fields lie: for those who rewrite a header in place. */
#define IP4_OFF_TOS       1
#define IP4_OFF_TOTAL_LEN 2
#define IP4_OFF_ID        4
#define IP4_OFF_FRAG      6
#define IP4_DF            0x4000 /* in the field at IP4_OFF_FRAG */
#define IP4_OFF_TTL       8
#define IP4_OFF_PROTO     9
#define IP4_OFF_CSUM      10
#define IP4_OFF_SRC       12
#define IP4_OFF_DST       16

struct ip4 {
	uint8_t ihl_bytes; /* 20..60 */
	uint8_t tos;       /* DSCP << 2 | ECN */
	uint8_t ttl;
	uint8_t proto;
	uint16_t total_len; /* header and payload; what the frame holds beyond it is padding */
	uint16_t id;
	uint16_t frag_off_bytes; /* multiple of 8 */
	bool df, mf;
	uint16_t csum; /* as it lies in the packet; emit fills its own */
	uint8_t opts_len;
	const uint8_t *opts; /* into the parsed bytes; NULL when opts_len is 0 */
	struct ipaddr src, dst;
};

/*
 * Parse the header at the start of first, whose packet has packet_len bytes in all (more than
 * first.len when it lies in several buffers; the whole header must be in first). IP4_ESHORT,
 * IP4_EVERSION, IP4_EIHL, IP4_ELEN, IP4_ECSUM. verify_csum: false when the port did that.
 */
NODISCARD int ip4_parse_first(struct ip4 *h, struct view first, size_t packet_len,
			      bool verify_csum);

/* The same for a packet that is contiguous. */
NODISCARD static inline int ip4_parse(struct ip4 *h, struct view v, bool verify_csum)
{
	return ip4_parse_first(h, v, v.len, verify_csum);
}

static inline bool ip4_is_fragment(const struct ip4 *h)
{
	return h->mf || h->frag_off_bytes != 0;
}

/* What v, which ip4_parse() accepted, holds behind the header; padding is cut off. */
static inline struct view ip4_payload(const struct ip4 *h, struct view v)
{
	return view_skip(view_first(v, h->total_len), h->ihl_bytes);
}

/*
 * Writes 20 bytes, the options padded with end-of-list to a multiple of 4, and the checksum;
 * returns the header length. ihl_bytes and csum are not read. buf has IP4_HLEN + round up(opts_len,
 * 4) bytes.
 */
size_t ip4_emit(uint8_t *buf, const struct ip4 *h);

/*
 * One hop further, in place (RFC 1812 5.3.1), checksum adjusted (RFC 1624). The caller has seen a
 * TTL above 1. Returns the new TTL.
 */
static inline uint8_t ip4_ttl_decrement(uint8_t *hdr)
{
	uint16_t from = load_native16(hdr + IP4_OFF_TTL);
	uint16_t csum = load_native16(hdr + IP4_OFF_CSUM);

	hdr[IP4_OFF_TTL]--;
	store_native16(hdr + IP4_OFF_CSUM,
		       csum_update16(csum, from, load_native16(hdr + IP4_OFF_TTL)));
	return hdr[IP4_OFF_TTL];
}

/* Rewrite one aligned 16-bit field (host order) in place, checksum adjusted. */
static inline void ip4_set16(uint8_t *hdr, size_t off, uint16_t value)
{
	uint16_t from = load_native16(hdr + off);
	uint16_t csum = load_native16(hdr + IP4_OFF_CSUM);

	store_be16(hdr + off, value);
	store_native16(hdr + IP4_OFF_CSUM, csum_update16(csum, from, load_native16(hdr + off)));
}

/* ---- options ---- */

enum ip4_opt_type {
	IP4_OPT_EOL = 0,
	IP4_OPT_NOP = 1,
	IP4_OPT_RR = 7,     /* record route */
	IP4_OPT_TS = 68,    /* timestamp */
	IP4_OPT_LSRR = 131, /* loose source and record route */
	IP4_OPT_SSRR = 137, /* strict source and record route */
	IP4_OPT_RA = 148,   /* router alert, RFC 2113 */
};

#define IP4_OPT_COPIED 0x80u /* goes into every fragment (RFC 791 3.1) */

struct ip4_opts {
	bool source_route; /* LSRR or SSRR; refused by default (RFC 7126 4.3, 4.4) */
	bool record_route;
	bool timestamp;
	bool router_alert;
	uint8_t bad_ptr; /* with IP4_EOPT: Parameter Problem pointer, from the start of the header
			  */
	uint8_t srr_off; /* of each recognised option, from the start of the header; 0: absent */
	uint8_t rr_off;
	uint8_t ts_off;
	uint8_t ra_off;
};

/*
 * Walk the options of a parsed header: 40 steps at most, each at least one byte. 0, or IP4_EOPT
 * with bad_ptr at the offending byte (RFC 1122 3.2.2.5): a length under 2 or past the end, a
 * pointer that is impossible, an option given twice that may be given once.
 */
NODISCARD int ip4_opts_parse(struct ip4_opts *o, const struct ip4 *h);
/*
 * Options of a later fragment: those with the copied bit. out has IP4_OPTS_MAX bytes; h's options
 * were accepted by ip4_opts_parse(). Returns the length, padded to a multiple of 4.
 */
size_t ip4_opts_copied(uint8_t *out, const struct ip4 *h);

#endif
