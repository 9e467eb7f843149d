/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The internet layer's state and the calls between its files; for inet itself and its tests. What
 * others use is in inet.h.
 */
#ifndef LEAT_INET_STATE_H
#define LEAT_INET_STATE_H

#include "base/htab.h"
#include "base/list.h"
#include "base/slab.h"
#include "base/wheel.h"
#include "inet/counters.h"
#include "inet/fib.h"
#include "inet/inet.h"
#include "link/link.h"
#include "mbuf/mbuf.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

#include <stdbool.h>
#include <stdint.h>

struct neigh;

#define INET_ADDRS_PER_IFACE 16u
#define ADDR_FILTER_BITS     1024u
#define INET_MAX_PROTOS      256u
#define INET_LOOP_MTU        65535u
#define INET_LOOP_MAX        1024u /* packets to ourselves that wait for delivery */
#define INET_LOOP_BYTES      (8u << 20)

/* ---- addresses (addr.c) ---- */

enum addr_state {
	ADDR_PREFERRED,
	ADDR_DEPRECATED, /* for connections that exist, and when there is no other */
	ADDR_TENTATIVE,  /* being tested for uniqueness (RFC 4862 5.4): not ours yet */
	ADDR_DUPLICATE,  /* somebody else has it */
};

/* An address of our own. len is in the 128-bit form. */
struct inet_addr {
	struct ipaddr addr;
	uint8_t len;
	uint8_t iface;
	uint8_t state;         /* enum addr_state */
	uint8_t announcements; /* still to be made */
	uint8_t attempt;       /* RFC 7217: identifiers that were duplicates */
	bool autoconf;         /* made from a router's prefix; router names the last that told */
	struct ipaddr router;
	uint64_t valid_until_ns, preferred_until_ns; /* UINT64_MAX: for ever */
	uint8_t nonce[6];                            /* of our last probe (RFC 7527) */
	struct wheel_timer timer;                    /* announcements, or the end of the test */
};

static inline bool addr_usable(const struct inet_addr *ia)
{
	return ia->state <= ADDR_DEPRECATED;
}

struct inet_iface {
	bool used;
	uint8_t hops6;     /* what a router says, 0: nothing (host.c) */
	uint32_t mtu6;     /* the same */
	struct host *host; /* NULL: no autoconfiguration */
	unsigned n_addrs;
	struct inet_addr *addrs[INET_ADDRS_PER_IFACE]; /* in the order they were added */
};

/* ---- ways (dst.c) ---- */

#define DST_CACHE_SIZE 1024u

struct dst_entry {
	struct ipaddr addr;
	struct inet_dst dst;
};

/* ---- path MTUs (pmtu.c) ---- */

struct pmtu_table {
	struct htab by_addr;
	struct slab slab;
	struct list fifo; /* by the time they were set */
	struct wheel_timer timer;
};

/* ---- ICMP rate limit (icmp_limit.c) ---- */

#define ICMP_LIMIT_SETS 512u
#define ICMP_LIMIT_WAYS 4u

/* Tokens of one destination; empty: last_ns 0. */
struct icmp_bucket {
	struct ipaddr addr;
	uint64_t last_ns;
	uint32_t credit_us;
};

struct icmp_limit {
	uint64_t window_end_ns;
	uint32_t window_left;
	struct icmp_bucket buckets[ICMP_LIMIT_SETS][ICMP_LIMIT_WAYS];
};

/* ---- identification of fragments (ids.c) ---- */

#define INET_ID_COUNTERS 1024u

struct host;
struct reass;
struct group_table;
struct group_family;

struct inet {
	uint32_t gen; /* of all that a struct inet_dst holds; never 0 */
	bool forward4, forward6;
	const struct inet_proto *protos[INET_MAX_PROTOS];
	struct inet_iface ifaces[LINK_MAX_IFACES];
	struct htab addrs; /* struct inet_addr */
	uint64_t addr_filter[ADDR_FILTER_BITS / 64];
	struct slab addr_slab;
	struct fib fib;
	struct dst_entry dst_cache[DST_CACHE_SIZE];
	struct pmtu_table pmtu;
	struct icmp_limit limit;
	struct reass *reass;
	struct group_table *groups;
	uint32_t id_counters[INET_ID_COUNTERS];
	struct mbufq loop;
	struct stack_work loop_work;
	struct inet_counters cnt[2]; /* IPv4, IPv6 */
};

/* The counters of an address's family. */
static inline struct inet_counters *inet_cnt(struct stack *s, const struct ipaddr *a)
{
	return &s->inet->cnt[ipaddr_is_v4(a) ? 0 : 1];
}

/* Whatever anybody cached is void. */
static inline void inet_gen_bump(struct inet *in)
{
	if (++in->gen == 0)
		in->gen = 1;
}

static inline unsigned addr_filter_bit(const struct ipaddr *a)
{
	return load_native32(&a->b[12]) * 0x9e3779b1u / (UINT32_MAX / ADDR_FILTER_BITS + 1);
}

/*
 * May a be an own address or a broadcast address of ours? False is certain, and what nearly every
 * address of a stranger gets, so that packets that are forwarded cost no look-up here.
 */
static inline bool addr_maybe(const struct inet *in, const struct ipaddr *a)
{
	unsigned bit = addr_filter_bit(a);

	return (in->addr_filter[bit / 64] & (UINT64_C(1) << bit % 64)) != 0;
}

/* What an address is to us. */
enum inet_scope {
	INET_FOREIGN,
	INET_LOCAL,     /* one of our own */
	INET_BROADCAST, /* IPv4: limited, or of the interface's subnet */
	INET_MULTICAST, /* of a group that we are in */
	INET_NOT_JOINED,
};

int addr_init(struct stack *s) NODISCARD;
void addr_fini(struct stack *s);
/* NULL: not ours. Loopback addresses are not in it. */
const struct inet_addr *addr_find(const struct stack *s, const struct ipaddr *a);
/* Is a an own address that may be used on iface? A link-local one counts on its interface only. */
bool addr_is_own(struct stack *s, unsigned iface, const struct ipaddr *a);
bool addr_is_own_on(struct stack *s, unsigned iface, const struct ipaddr *a);
/* Of a subnet of iface, or 255.255.255.255. */
bool addr_is_broadcast(const struct stack *s, unsigned iface, const struct ipaddr *a);
bool addr_is_onlink(struct stack *s, unsigned iface, const struct ipaddr *a);
enum inet_scope addr_scope(struct stack *s, unsigned iface, const struct ipaddr *dst);
/* Join or leave what routers are in (RFC 4291 2.8). */
void addr_router_groups(struct stack *s, unsigned iface, bool join);
/* The link-local IPv6 address of an interface. False: none. */
bool addr_link_local(const struct stack *s, unsigned iface, struct ipaddr *out);
/* To talk to target, which is on iface. */
bool addr_source_for(struct stack *s, unsigned iface, const struct ipaddr *target,
		     struct ipaddr *out);
/* Our address on the interface, also one that is being tested. NULL: not ours. */
struct inet_addr *addr_on(const struct stack *s, unsigned iface, const struct ipaddr *a);
/* Enter an address, len in the 128-bit form; tentative: usable when its test is over. No route
 * comes with a tentative one. Errors of inet_addr_add(). */
int addr_add(struct stack *s, unsigned iface, const struct ipaddr *addr, uint8_t len,
	     bool tentative, struct inet_addr **out) NODISCARD;
/* From now on it is ours. -ENOMEM: it is not. */
int addr_publish(struct stack *s, struct inet_addr *ia) NODISCARD;
/* No more; it stays on its interface. */
void addr_unpublish(struct stack *s, struct inet_addr *ia);
void addr_remove(struct stack *s, struct inet_addr *ia);
/* The prefix's first 64 bits with an identifier of RFC 7217. */
struct ipaddr addr_stable_make(const struct stack *s, unsigned iface, const struct ipaddr *prefix,
			       uint32_t attempt);
/* The same for fe80::/64. */
struct ipaddr addr_link_local_make(const struct stack *s, unsigned iface, uint32_t attempt);

/* ---- dst.c ---- */

/* The way, from the cache or looked up. NULL: none, *err says why. Valid until the next call. */
struct inet_dst *dst_cached(struct stack *s, const struct ipaddr *dst, int *err);
/* The next hop's neighbour, entered if need be. NULL: no room in the cache. */
struct neigh *dst_neigh(struct stack *s, struct inet_dst *d);
bool inet_dst_is_loop(const struct inet_dst *d);
/* Which interface such a destination is on, the address does not say. */
bool dst_wants_iface(const struct ipaddr *dst);

/* ---- pmtu.c ---- */

int pmtu_init(struct stack *s) NODISCARD;
void pmtu_fini(struct stack *s);
/* 0: nothing is known. */
uint32_t pmtu_find(const struct stack *s, const struct ipaddr *dst);

/* ---- ids.c ---- */

void ids_init(struct stack *s);
uint32_t ids_next(struct stack *s, const struct ipaddr *src, const struct ipaddr *dst,
		  uint8_t proto);

/* ---- input ---- */

/* A packet on its way through the input. */
struct ip_rx {
	struct inet_in in; /* src, dst, iface, proto, tos, ttl */
	bool v6;
	bool loop;           /* came from ourselves */
	bool fragmented;     /* was put together, or is an atomic fragment */
	uint16_t upper_off;  /* of the transport header, from the IP header */
	size_t next_off;     /* IPv6: of the next-header byte that names the transport */
	bool router_alert;   /* IPv6 */
	uint32_t frag_max;   /* put together: its largest fragment; else 0 */
	uint32_t frag_id;    /* put together */
	uint16_t unfrag_len; /* IPv6, put together: headers before the fragment header */
	uint16_t unfrag_next_off;
};

void ip4_input(struct stack *s, unsigned iface, mbuf_own in);
void ip6_input(struct stack *s, unsigned iface, mbuf_own in);
/* From ourselves (loop.c): what must not come from a wire may. */
void ip4_input_looped(struct stack *s, unsigned iface, mbuf_own in);
void ip6_input_looped(struct stack *s, unsigned iface, mbuf_own in);
/* Local: cut the headers off and give it to its transport. Consumes in. */
void inet_deliver(struct stack *s, struct ip_rx *rx, mbuf_own in);
/* Bytes that others look at too are not to be rewritten: *mp becomes a copy then. False: no buffer,
 * dropped. */
bool inet_make_writable(struct stack *s, struct mbuf **mp, enum mbuf_prio prio);
/* Foreign: offer it to interception. True: taken, *mp is NULL. */
bool inet_claim(struct stack *s, struct ip_rx *rx, struct mbuf **mp);
/* Does interception want fragments of this protocol put together? */
static inline bool inet_claims(const struct stack *s, uint8_t proto)
{
	const struct inet_proto *ops = s->inet->protos[proto];

	return ops && ops->claim;
}

/* ---- forwarding (forward.c): m begins at its IP header ---- */

void ip4_forward(struct stack *s, const struct ip_rx *rx, const struct ip4 *h, mbuf_own in);
void ip6_forward(struct stack *s, const struct ip_rx *rx, mbuf_own in);

/* ---- fragmentation (frag.c) ---- */

/*
 * Cut a packet, which begins at its IP header, into fragments that fit mtu. It may be a fragment
 * itself. Consumes in; an error says that nothing was made, and is counted.
 */
int frag_ip4(struct stack *s, uint32_t mtu, mbuf_own in, struct mbufq *out) NODISCARD;
/* unfrag_len bytes of headers go into each fragment; the byte at next_off names what follows. */
struct frag6 {
	uint16_t unfrag_len;
	uint16_t next_off;
	uint32_t id;
	uint32_t mtu;
};
int frag_ip6(struct stack *s, const struct frag6 *f, mbuf_own in, struct mbufq *out) NODISCARD;

/* ---- loop.c ---- */

void loop_init(struct stack *s);
void loop_fini(struct stack *s);
/* m begins at its IP header and comes in on iface: INET_IFACE_LOOPBACK, or where a multicast packet
 * went out. */
void loop_output(struct stack *s, unsigned iface, mbuf_own in);

/* ---- ICMP ---- */

void icmp4_input(struct stack *s, const struct ip_rx *rx, mbuf_own in);
void icmp6_input(struct stack *s, const struct ip_rx *rx, mbuf_own in);
/* An ICMP error to a foreign address, about a packet of an intercepted connection? m (borrowed)
 * begins at the ICMP header. True: the transport took it. */
bool icmp_claim_error(struct stack *s, const struct ip_rx *rx, struct mbuf *m);
/* The checksum of an ICMP message; true when the port vouches for it. */
bool icmp_csum_ok(const struct mbuf *m, const struct ip_rx *rx);
/* Give an error, whose quote is the body, to its transport. Returns why it was ignored, or
 * DROP_COUNT. */
enum drop_reason icmp4_error_input(struct stack *s, const struct ip_rx *rx, struct mbuf *m);
enum drop_reason icmp6_error_input(struct stack *s, const struct ip_rx *rx, struct mbuf *m);
/* A packet that we sent (m begins at its IP header) did not get to its next hop. */
void icmp_unreachable_local(struct stack *s, unsigned iface, struct mbuf *m);

/* May one more error go to dst? */
bool icmp_limit_allow(struct stack *s, const struct ipaddr *dst);

/* ---- neighbour discovery (nd.c) ---- */

/* v: the whole ICMPv6 message. Returns why it was ignored, or DROP_COUNT. */
enum drop_reason nd_input(struct stack *s, const struct ip_rx *rx, struct view v);
void nd_solicit(struct stack *s, unsigned iface, const struct ipaddr *target,
		const struct ethaddr *mac);
void nd_announce(struct stack *s, unsigned iface, const struct ipaddr *addr);
/* The question of duplicate address detection (dad.c), and that for routers (host.c). */
void nd_probe(struct stack *s, const struct inet_addr *ia);
void nd_solicit_routers(struct stack *s, unsigned iface);

/* ---- multicast groups (group.h) ---- */

/* Are we in this group on this interface? */
bool group_joined(const struct stack *s, unsigned iface, const struct ipaddr *addr);
struct group_family *group_family_of(struct stack *s, unsigned iface, bool v6);
void igmp_input(struct stack *s, const struct ip_rx *rx, mbuf_own in);
/* v: the whole message. Return why it was ignored, or DROP_COUNT. */
enum drop_reason mld_query_input(struct stack *s, const struct ip_rx *rx, struct view v);
enum drop_reason mld_report_input(struct stack *s, const struct ip_rx *rx, struct view v);

/* Send a message of our own on a link: m begins at the transport header. For ND and MLD, whose way
 * is not looked up. */
struct ip6_direct {
	struct ipaddr src, dst;
	uint8_t hops;
	bool router_alert; /* hop-by-hop header, RFC 2711 */
};
void ip6_output_direct(struct stack *s, unsigned iface, const struct ethaddr *mac,
		       const struct ip6_direct *d, mbuf_own in);

#endif
