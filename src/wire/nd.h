/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Neighbour discovery messages (RFC 4861, RFC 6980, RFC 7527) on Ethernet (RFC 2464 6): parsed with
 * all validity checks that need no state, so that what comes out may be acted upon.
 */
#ifndef LEAT_WIRE_ND_H
#define LEAT_WIRE_ND_H

#include "base/compiler.h"
#include "base/ip.h"
#include "base/view.h"
#include "wire/err.h"
#include "wire/eth.h"
#include "wire/icmp6.h"
#include "wire/ip6.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ND_HOP_LIMIT    255 /* proves that no router lies between, RFC 4861 3.1 */
#define ND_MAX_PREFIXES 8   /* of one RA; more are counted in n_prefixes_skipped */
#define ND_NONCE_LEN    6
/* The longest message that nd_emit() writes: fixed part, link address, nonce. */
#define ND_EMIT_MAX (24 + 8 + 8)

enum nd_opt_type {
	ND_OPT_SLLA = 1,
	ND_OPT_TLLA = 2,
	ND_OPT_PREFIX = 3,
	ND_OPT_REDIRECTED = 4,
	ND_OPT_MTU = 5,
	ND_OPT_NONCE = 14, /* RFC 3971 5.3.2, used by RFC 7527 */
};

struct nd_prefix {
	struct ipaddr addr; /* bits behind len cleared */
	uint8_t len;        /* 0..128 */
	bool onlink, autonomous;
	uint32_t valid_s, preferred_s; /* UINT32_MAX: for ever */
};

/* Router advertisement, RFC 4861 4.2. 0 in the last three: left to the host. */
struct nd_ra {
	uint8_t hop_limit;
	bool managed, other;
	uint16_t lifetime_s; /* 0: no default router */
	uint32_t reachable_ms;
	uint32_t retrans_ms;
};

struct nd {
	uint8_t type;                     /* ICMP6_RS .. ICMP6_REDIRECT */
	bool router, solicited, override; /* NA */
	bool has_slla, has_tlla, has_mtu, has_nonce;
	struct ethaddr slla, tlla;
	uint8_t nonce[ND_NONCE_LEN];
	uint32_t mtu;
	struct ipaddr target;   /* NS, NA, Redirect */
	struct ipaddr dst;      /* Redirect: the destination that is to be reached through target */
	struct view redirected; /* Redirect: packet that caused it; may be empty */
	struct nd_ra ra;
	uint8_t n_prefixes;
	uint8_t n_prefixes_skipped;
	struct nd_prefix prefix[ND_MAX_PREFIXES];
};

/*
 * v: the ICMPv6 message, whose checksum icmp6_parse() has verified. h: its IPv6 header; fragmented:
 * it came in fragments, atomic ones included (RFC 6980 5). Returns 0 or an ND_E row: silently
 * discard. What needs state is left to the caller: is the target ours, is the Redirect from the
 * first hop.
 */
NODISCARD int nd_parse(struct nd *n, struct view v, const struct ip6 *h, bool fragmented);

/*
 * RS, NS or NA with checksum. Of n: type, target, the NA flags, has_slla and slla (RS, NS),
 * has_tlla and tlla (NA), has_nonce and nonce (NS). Returns the length, or 0 when size (ND_EMIT_MAX
 * is enough) is too small or the type another.
 */
size_t nd_emit(uint8_t *buf, size_t size, const struct nd *n, const struct ipaddr *src,
	       const struct ipaddr *dst);

/* ff02::1:ffXX:XXXX of an address (RFC 4291 2.7.1). */
struct ipaddr nd_solicited_node(const struct ipaddr *a);
bool nd_is_solicited_node(const struct ipaddr *a);
/* ff02::1 and ff02::2 */
struct ipaddr nd_all_nodes(void);
struct ipaddr nd_all_routers(void);

#endif
