/* SPDX-License-Identifier: BSD-2-Clause */
/* ICMP (RFC 792, RFC 1122 3.2.2, RFC 1191, RFC 1812 4.3). */
#ifndef LEAT_WIRE_ICMP4_H
#define LEAT_WIRE_ICMP4_H

#include "base/compiler.h"
#include "base/view.h"
#include "wire/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ICMP4_HLEN      8
#define ICMP4_ERROR_MAX 576 /* an error with its IP header, RFC 1812 4.3.2.3 */
/* What an error of ours quotes at most. */
#define ICMP4_QUOTE_MAX (ICMP4_ERROR_MAX - 20 - ICMP4_HLEN)

enum icmp4_type {
	ICMP4_ECHO_REPLY = 0,
	ICMP4_UNREACHABLE = 3,
	ICMP4_SOURCE_QUENCH = 4, /* deprecated, RFC 6633 */
	ICMP4_REDIRECT = 5,
	ICMP4_ECHO_REQUEST = 8,
	ICMP4_TIME_EXCEEDED = 11,
	ICMP4_PARAM_PROBLEM = 12,
	ICMP4_TIMESTAMP = 13,
	ICMP4_TIMESTAMP_REPLY = 14,
};

enum icmp4_unreachable_code {
	ICMP4_UNREACH_NET = 0,
	ICMP4_UNREACH_HOST = 1,
	ICMP4_UNREACH_PROTO = 2,
	ICMP4_UNREACH_PORT = 3,
	ICMP4_UNREACH_FRAG_NEEDED = 4,
	ICMP4_UNREACH_SOURCE_ROUTE = 5,
	ICMP4_UNREACH_NET_UNKNOWN = 6,
	ICMP4_UNREACH_HOST_UNKNOWN = 7,
	ICMP4_UNREACH_ISOLATED = 8, /* source host */
	ICMP4_UNREACH_NET_PROHIBITED = 9,
	ICMP4_UNREACH_HOST_PROHIBITED = 10,
	ICMP4_UNREACH_NET_TOS = 11,
	ICMP4_UNREACH_HOST_TOS = 12,
	ICMP4_UNREACH_PROHIBITED = 13, /* communication administratively prohibited */
	ICMP4_UNREACH_PRECEDENCE = 14,
	ICMP4_UNREACH_CUTOFF = 15,
};

enum icmp4_time_code {
	ICMP4_TIME_TTL = 0,
	ICMP4_TIME_REASSEMBLY = 1,
};

enum icmp4_param_code {
	ICMP4_PARAM_POINTER = 0,
	ICMP4_PARAM_MISSING = 1,
	ICMP4_PARAM_LENGTH = 2,
};

struct icmp4 {
	uint8_t type, code;
	uint16_t csum;    /* as it lies in the packet; emit fills its own */
	uint16_t id, seq; /* echo, timestamp */
	uint16_t mtu;     /* fragmentation needed; 0 from routers older than RFC 1191 */
	uint8_t ptr;      /* parameter problem */
	uint32_t gateway; /* redirect, host order */
	struct view body; /* echo: the data; errors: the quoted packet; else what follows 8 bytes */
};

/* ICMP_ESHORT, ICMP_ECSUM (only with verify_csum, over all of v). Unknown types are accepted. */
NODISCARD int icmp4_parse(struct icmp4 *h, struct view v, bool verify_csum);

/* Errors quote a packet and are never answered by an error (RFC 1122 3.2.2). */
bool icmp4_is_error(uint8_t type);

/*
 * Header alone, checksum over it and a body that sums up to body_sum (csum_partial()). Returns
 * ICMP4_HLEN. Only the fields that belong to the type are read; body is not.
 */
size_t icmp4_emit_header(uint8_t *buf, const struct icmp4 *h, uint32_t body_sum);
/* Header and body. Returns the length, or 0 when size is too small; body must not lie in buf. */
size_t icmp4_emit(uint8_t *buf, size_t size, const struct icmp4 *h);

/* Turn an echo request into its reply, in place; the checksum is adjusted, the data not touched. */
void icmp4_echo_reply(uint8_t *hdr);

#endif
