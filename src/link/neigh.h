/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The neighbour cache, one for ARP and ND: who answers at which link address, with the states of
 * RFC 4861 7.3.2. Users hold pointers to neighbours as hints: the memory of an evicted neighbour
 * stays a struct neigh (of another address, or of none) until neigh_fini(), so a holder asks
 * neigh_is() before each use and looks up again when the answer is no.
 *
 * Thread: the worker that owns the stack.
 */
#ifndef LEAT_LINK_NEIGH_H
#define LEAT_LINK_NEIGH_H

#include "base/compiler.h"
#include "base/htab.h"
#include "base/ip.h"
#include "base/list.h"
#include "base/slab.h"
#include "base/wheel.h"
#include "core/stack.h"
#include "link/link.h"
#include "mbuf/mbuf.h"

#include <stdbool.h>
#include <stdint.h>

/* In the order of a neighbour's life, so that >= STALE means: a link address is known. */
#define NEIGH_STATE_TABLE(X) \
	X(FREE, "free") \
	X(NEW, "new")               /* in the table, never asked for */ \
	X(FAILED, "failed")         /* did not answer */ \
	X(INCOMPLETE, "incomplete") /* asked for, packets wait */ \
	X(STALE, "stale")           /* not confirmed lately */ \
	X(DELAY, "delay")           /* used while stale: a confirmation from above may come */ \
	X(PROBE, "probe")           /* asked whether it is still there */ \
	X(REACHABLE, "reachable") \
	X(STATIC, "static") /* multicast and broadcast: computed */

enum neigh_state {
#define X(id, name) NEIGH_##id,
	NEIGH_STATE_TABLE(X)
#undef X
		NEIGH_STATE_COUNT
};

/* RFC 4861 10; ARP uses the same. */
#define NEIGH_RETRANS_NS       (1000 * UINT64_C(1000000))
#define NEIGH_DELAY_NS         (5000 * UINT64_C(1000000))
#define NEIGH_REACHABLE_NS     (30000 * UINT64_C(1000000))
#define NEIGH_UNICAST_PROBES   3u
#define NEIGH_MULTICAST_PROBES 3u
/* After a failure packets are refused at once for so long, then the neighbour is asked for again.
 */
#define NEIGH_HOLD_NS     (1000 * UINT64_C(1000000))

#define NEIGH_QUEUE_PKTS  64u
#define NEIGH_QUEUE_BYTES (256u * 1024)

/* Only the first line is read while packets flow. */
struct neigh {
	struct ipaddr addr;
	uint64_t reachable_until_ns; /* 0 unless REACHABLE or STATIC */
	uint64_t used_ns;
	uint8_t hdr[ETH_HLEN + ETH_TAG_LEN]; /* link header, complete from STALE on */
	uint8_t hdr_len;
	uint8_t state; /* enum neigh_state */
	uint8_t iface;
	uint8_t port;
	uint8_t probes; /* sent in this state */
	bool is_router;

	struct ethaddr mac ALIGNED(CACHE_LINE);
	uint32_t hash;
	uint8_t lru;       /* which list it is in: enum neigh_lru */
	uint8_t put_off;   /* questions that the rate limit put off in this state */
	bool own;          /* we send to it ourselves, not for others only */
	uint64_t lru_ns;   /* when it was put there */
	uint64_t retry_ns; /* FAILED: refuse until then */
	struct list link;
	struct wheel_timer timer;
	struct mbufq queue;
	uint32_t queue_bytes; /* true size */
};

/* What may go first when room is needed. */
enum neigh_lru {
	NEIGH_LRU_UNRESOLVED, /* NEW, INCOMPLETE, FAILED */
	NEIGH_LRU_PASSIVE,    /* others asked for us; we never sent to it */
	NEIGH_LRU_ACTIVE,
	NEIGH_LRU_COUNT
};

struct neigh_table {
	struct stack *s;
	struct htab by_addr;
	struct slab slab;
	struct list free;
	struct list lru[NEIGH_LRU_COUNT]; /* oldest first */
	uint32_t count[NEIGH_LRU_COUNT];
	uint32_t max, max_unresolved;
	uint32_t queue_bytes, max_queue_bytes; /* true size over all neighbours */
	uint64_t reachable_ns;                 /* randomised, RFC 4861 6.3.2 */
	uint64_t reachable_redraw_ns;
	uint64_t token_ns; /* requests by multicast: when the next one is free to go, see
			      take_token() */
};

NODISCARD int neigh_init(struct stack *s);
void neigh_fini(struct stack *s);

/* Is n still who it was when the pointer was taken? n is not NULL. */
static inline bool neigh_is(const struct neigh *n, unsigned iface, const struct ipaddr *addr)
{
	return ipaddr_eq(&n->addr, addr) && n->iface == iface;
}

/* NULL: not in the table. */
struct neigh *neigh_find(struct stack *s, unsigned iface, const struct ipaddr *addr);
/* Find or enter, to send to it. NULL: no room, and none could be made. */
struct neigh *neigh_get(struct stack *s, unsigned iface, const struct ipaddr *addr);
/* Find or enter one that was heard and never sent to. It displaces its like only, so that a flood
 * of strangers cannot put out who is in use. NULL: no room. */
struct neigh *neigh_get_passive(struct stack *s, unsigned iface, const struct ipaddr *addr);

/* Refuses packets at once: it did not answer a moment ago. */
static inline bool neigh_refuses(const struct stack *s, const struct neigh *n)
{
	return UNLIKELY(n->state == NEIGH_FAILED) && s->now_ns < n->retry_ns;
}

/* The upper layer saw it answer (RFC 4861 7.3.1). */
void neigh_confirm(struct stack *s, struct neigh *n);

/* ---- what was heard of it ---- */

#define NEIGH_SOLICITED 0x01u /* an answer to a question of ours */
#define NEIGH_OVERRIDE  0x02u
#define NEIGH_ROUTER    0x04u /* with NEIGH_ADVERT: it says that it is a router */
#define NEIGH_ADVERT    0x08u /* the message says whether it is a router */

/* An answer or announcement (RFC 4861 7.2.5). mac NULL: it did not name one. */
void neigh_on_advert(struct stack *s, struct neigh *n, const struct ethaddr *mac, unsigned flags);
/* It asked us something (RFC 4861 7.2.3, RFC 826): mac is its own. */
void neigh_on_solicit(struct stack *s, struct neigh *n, const struct ethaddr *mac);

/* ---- output ---- */

/* Take up what waits and drop it; the state is the caller's to change. */
void neigh_queue_purge(struct stack *s, struct neigh *n, enum drop_reason why);
int neigh_output_slow(struct stack *s, struct neigh *n, mbuf_own in);

/* Put the link header in front and queue for transmission. */
static inline void neigh_xmit(struct stack *s, const struct neigh *n, mbuf_own in)
{
	uint8_t *to = mbuf_prepend(in.m, n->hdr_len);

	if (UNLIKELY(!to)) {
		mbuf_drop_own(in, DROP_NOBUF);
		return;
	}
	if (LIKELY(n->hdr_len == ETH_HLEN))
		memcpy(to, n->hdr, ETH_HLEN);
	else
		memcpy(to, n->hdr, ETH_HLEN + ETH_TAG_LEN);
	in.m->meta.l2_off = mbuf_here(in.m);
	stack_tx(s, n->port, in);
}

/*
 * Send a packet, which begins at its IP header (meta.l3_off), to n; it waits while n is being asked
 * for. Consumes in. 0, or -EHOSTUNREACH: n refuses, dropped.
 */
static inline int neigh_output(struct stack *s, struct neigh *n, mbuf_own in)
{
	if (LIKELY(s->now_ns < n->reachable_until_ns)) {
		n->used_ns = s->now_ns;
		neigh_xmit(s, n, in);
		return 0;
	}
	return neigh_output_slow(s, n, in);
}

/* ---- between neigh.c and neigh_fsm.c ---- */

void neigh_lru_move(struct neigh_table *t, struct neigh *n, enum neigh_lru to);
void neigh_timer(void *ctx, struct wheel_timer *timer);

#endif
