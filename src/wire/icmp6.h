/* SPDX-License-Identifier: BSD-2-Clause */
/* ICMPv6 (RFC 4443). Neighbour discovery is in wire/nd.h. */
#ifndef LEAT_WIRE_ICMP6_H
#define LEAT_WIRE_ICMP6_H

#include "base/compiler.h"
#include "base/ip.h"
#include "base/view.h"
#include "wire/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ICMP6_HLEN      8
#define ICMP6_ERROR_MAX 1280 /* an error with its IPv6 header, RFC 4443 2.4 c */
#define ICMP6_QUOTE_MAX (ICMP6_ERROR_MAX - 40 - ICMP6_HLEN)

enum icmp6_type {
	ICMP6_UNREACHABLE = 1,
	ICMP6_TOO_BIG = 2,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_PARAM_PROBLEM = 4,
	ICMP6_ECHO_REQUEST = 128,
	ICMP6_ECHO_REPLY = 129,
	ICMP6_MLD_QUERY = 130,
	ICMP6_MLD_REPORT = 131,
	ICMP6_MLD_DONE = 132,
	ICMP6_RS = 133,
	ICMP6_RA = 134,
	ICMP6_NS = 135,
	ICMP6_NA = 136,
	ICMP6_REDIRECT = 137,
	ICMP6_MLD2_REPORT = 143,
};

enum icmp6_unreachable_code {
	ICMP6_UNREACH_NO_ROUTE = 0,
	ICMP6_UNREACH_PROHIBITED = 1,
	ICMP6_UNREACH_SCOPE = 2,
	ICMP6_UNREACH_ADDRESS = 3,
	ICMP6_UNREACH_PORT = 4,
	ICMP6_UNREACH_POLICY = 5,
	ICMP6_UNREACH_REJECT = 6,
};

enum icmp6_time_code {
	ICMP6_TIME_HOPS = 0,
	ICMP6_TIME_REASSEMBLY = 1,
};

enum icmp6_param_code {
	ICMP6_PARAM_FIELD = 0,
	ICMP6_PARAM_NEXT = 1,
	ICMP6_PARAM_OPTION = 2,
	ICMP6_PARAM_CHAIN = 3, /* RFC 7112 */
};

struct icmp6 {
	uint8_t type, code;
	uint16_t csum;    /* as it lies in the packet; emit fills its own */
	uint16_t id, seq; /* echo */
	uint32_t mtu;     /* too big */
	uint32_t ptr;     /* parameter problem */
	struct view body; /* echo: the data; errors: the quoted packet; else what follows 8 bytes */
};

/*
 * v: the message without IPv6 and extension headers. ICMP_ESHORT, ICMP_ECSUM (only with
 * verify_csum, over all of v and the pseudo header). Unknown types are accepted. A message of 4 to
 * 7 bytes is too short for every type that exists.
 */
NODISCARD int icmp6_parse(struct icmp6 *h, struct view v, const struct ipaddr *src,
			  const struct ipaddr *dst, bool verify_csum);

/* Types under 128 are errors (RFC 4443 2.1). */
static inline bool icmp6_is_error(uint8_t type)
{
	return type < 128;
}

/* Neighbour discovery: what nd_parse() takes. */
static inline bool icmp6_is_nd(uint8_t type)
{
	return type >= ICMP6_RS && type <= ICMP6_REDIRECT;
}

/*
 * Header alone, checksum over it, the pseudo header and a body of body_len bytes that sums up to
 * body_sum. Returns ICMP6_HLEN. Only the fields that belong to the type are read; body is not.
 */
size_t icmp6_emit_header(uint8_t *buf, const struct icmp6 *h, const struct ipaddr *src,
			 const struct ipaddr *dst, uint32_t body_sum, uint32_t body_len);
/* Header and body. Returns the length, or 0 when size is too small; body must not lie in buf. */
size_t icmp6_emit(uint8_t *buf, size_t size, const struct icmp6 *h, const struct ipaddr *src,
		  const struct ipaddr *dst);

/*
 * Turn an echo request into its reply, in place; the checksum is adjusted, the data not touched. It
 * stays right when source and destination change places, not when the reply's source is another
 * address (a request to a multicast group): icmp6_readdress() then.
 */
void icmp6_echo_reply(uint8_t *hdr);
/* Adjust the checksum for one address of the pseudo header that became another. */
void icmp6_readdress(uint8_t *hdr, const struct ipaddr *from, const struct ipaddr *to);

#endif
