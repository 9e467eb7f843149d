/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv6 as a host on an interface that was told to (inet_autoconf_set): what routers advertise
 * (RFC 4861 6.3), addresses made from it (RFC 4862, RFC 7217), redirects (RFC 4861 8.3). For inet
 * and its tests. Everything learned is bounded.
 */
#ifndef LEAT_INET_HOST_H
#define LEAT_INET_HOST_H

#include "base/wheel.h"
#include "inet/state.h"
#include "wire/nd.h"

#define HOST_ROUTERS   8u
#define HOST_PREFIXES  16u
#define HOST_REDIRECTS 64u
#define HOST_MIN_HOPS  32u
#define HOST_METRIC    1024u /* of routes learned: what was configured goes first */

/* RFC 4861 10, RFC 7559 */
#define HOST_RS_DELAY_NS    UINT64_C(1000000000)
#define HOST_RS_INTERVAL_NS (UINT64_C(4) * 1000000000)
#define HOST_RS_MAX_NS      (UINT64_C(3600) * 1000000000)
/* RFC 4862 5.4: one probe, then a second of silence. */
#define HOST_DAD_PROBES  1u
#define HOST_DAD_NS      UINT64_C(1000000000)
#define HOST_REDIRECT_NS (UINT64_C(600) * 1000000000)

struct host_router {
	struct ipaddr addr; /* link-local */
	uint64_t until_ns;  /* 0: row is free */
};

struct host_prefix {
	struct ipprefix prefix;
	uint64_t until_ns; /* 0: row is free */
};

struct host_redirect {
	struct ipaddr dst, target;
	uint64_t until_ns; /* 0: row is free */
};

struct host {
	uint8_t iface;
	struct host_router routers[HOST_ROUTERS];
	struct host_prefix prefixes[HOST_PREFIXES]; /* on link */
	struct host_redirect redirects[HOST_REDIRECTS];
	struct wheel_timer solicit; /* the next router solicitation */
	struct wheel_timer expiry;  /* something learned ends */
	uint64_t rs_interval_ns;
};

/* NULL: not a host there. */
static inline struct host *host_of(const struct stack *s, unsigned iface)
{
	return iface < LINK_MAX_IFACES ? s->inet->ifaces[iface].host : NULL;
}

/* Is a in a prefix that a router says is on the link? */
bool host_is_onlink(const struct stack *s, unsigned iface, const struct ipaddr *a);
/* An address passed its test, so that there is something to ask routers from. */
void host_on_addr(struct stack *s, const struct inet_addr *ia);
enum drop_reason host_advert_input(struct stack *s, const struct ip_rx *rx, const struct nd *n);
enum drop_reason host_redirect_input(struct stack *s, const struct ip_rx *rx, const struct nd *n);
void host_destroy(struct stack *s, unsigned iface);

/* ---- dad.c ---- */

/* Test a new address for uniqueness, beginning at a random time. */
void dad_start(struct stack *s, struct inet_addr *ia);
void dad_timer(void *ctx, struct wheel_timer *t);
/* Somebody has it, or wants it. ia may be gone afterwards. */
void dad_conflict(struct stack *s, struct inet_addr *ia);

#endif
