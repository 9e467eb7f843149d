/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The states of a neighbour (RFC 4861 7.2, 7.3, appendix C), for ARP as for ND: asked for by
 * multicast until it answers; when it has been silent for a while and is sent to, asked by unicast
 * whether it is still there, then by multicast (RFC 7048), while packets go to the address known.
 *
 * Called by the worker's thread: from output, from what ARP and ND received, from timers.
 */
#include "link/neigh.h"

#include "link/arp.h"

#include <errno.h>

/* Questions by multicast: so many a second, so many at once (RFC 6583 3.2, 6.4). Of these some are
 * for neighbours that we send to ourselves: scanning what is behind us must not cut us off. */
#define ASK_INTERVAL_NS (1000 * UINT64_C(1000))
#define ASK_BURST       128u
#define ASK_OWN         32u
/* Questions that the rate limit put off do not count as asked, but so many at most. */
#define PUT_OFF_MAX 5u
/* RFC 4861 6.3.4: draw the reachable time anew every few hours. */
#define REDRAW_NS (2 * UINT64_C(3600000000000))

static bool take_token(struct stack *s, bool own)
{
	struct neigh_table *t = s->link->neigh;
	uint64_t ahead = own ? ASK_BURST : ASK_BURST - ASK_OWN;

	if (t->token_ns > s->now_ns + ahead * ASK_INTERVAL_NS) {
		s->link->cnt.neigh_throttled++;
		return false;
	}
	t->token_ns = max_u64(t->token_ns, s->now_ns) + ASK_INTERVAL_NS;
	return true;
}

/* False: put off by the rate limit. */
static bool ask(struct stack *s, struct neigh *n, const struct ethaddr *mac)
{
	struct ipaddr addr = n->addr;

	if (!mac && !take_token(s, n->own))
		return false;
	if (ipaddr_is_v4(&addr))
		arp_request(s, n->iface, &addr, mac);
	else
		s->link->upper->solicit6(s, n->iface, &addr, mac);
	return true;
}

static uint64_t reachable_ns(struct stack *s)
{
	struct neigh_table *t = s->link->neigh;

	if (UNLIKELY(s->now_ns >= t->reachable_redraw_ns)) {
		/* RFC 4861 10: between 0.5 and 1.5 times the base. */
		t->reachable_ns = NEIGH_REACHABLE_NS / 2 +
				  NEIGH_REACHABLE_NS * (stack_random_u32(s) >> 12) / (1u << 20);
		t->reachable_redraw_ns = s->now_ns + REDRAW_NS;
	}
	return t->reachable_ns;
}

static void set_state(struct stack *s, struct neigh *n, enum neigh_state state)
{
	bool resolved = state >= NEIGH_STALE;
	bool was = n->state >= NEIGH_STALE;

	n->state = (uint8_t)state;
	n->reachable_until_ns = state == NEIGH_REACHABLE ? s->now_ns + reachable_ns(s) : 0;
	if (state != NEIGH_INCOMPLETE && state != NEIGH_DELAY && state != NEIGH_PROBE)
		wheel_disarm(&s->wheel, &n->timer);
	if (resolved && !was) {
		s->link->cnt.neigh_resolved++;
		if (n->lru == NEIGH_LRU_UNRESOLVED)
			neigh_lru_move(s->link->neigh, n, NEIGH_LRU_ACTIVE);
	} else if (!resolved && n->lru != NEIGH_LRU_UNRESOLVED) {
		neigh_lru_move(s->link->neigh, n, NEIGH_LRU_UNRESOLVED);
	}
}

/* Take the packets that wait out of n: what follows may evict it. */
static void queue_take(struct stack *s, struct neigh *n, struct mbufq *to)
{
	mbufq_init(to, MBUF_NEIGH);
	mbufq_splice(to, &n->queue);
	s->link->neigh->queue_bytes -= n->queue_bytes;
	n->queue_bytes = 0;
}

static void fail(struct stack *s, struct neigh *n)
{
	unsigned iface = n->iface;
	struct mbufq waiting;
	struct mbuf *m;

	set_state(s, n, NEIGH_FAILED);
	n->retry_ns = s->now_ns + NEIGH_HOLD_NS;
	s->link->cnt.neigh_failed++;
	queue_take(s, n, &waiting);
	while ((m = mbufq_pop(&waiting).m) != NULL) {
		s->link->upper->unreachable(s, iface, m);
		mbuf_drop(&m, DROP_NEIGH_UNREACHABLE);
	}
}

static void probe(struct stack *s, struct neigh *n)
{
	bool unicast = n->state == NEIGH_PROBE && n->probes < NEIGH_UNICAST_PROBES;

	wheel_arm(&s->wheel, &n->timer, s->now_ns + NEIGH_RETRANS_NS);
	if (ask(s, n, unicast ? &n->mac : NULL) || n->put_off == PUT_OFF_MAX)
		n->probes++;
	else
		n->put_off++;
}

void neigh_timer(void *ctx, struct wheel_timer *timer)
{
	struct neigh *n = CONTAINER_OF(timer, struct neigh, timer);
	unsigned limit = NEIGH_MULTICAST_PROBES;
	struct stack *s = ctx;

	if (n->state == NEIGH_DELAY) {
		set_state(s, n, NEIGH_PROBE);
		n->probes = n->put_off = 0;
	}
	if (n->state == NEIGH_PROBE)
		limit += NEIGH_UNICAST_PROBES;
	if (n->probes >= limit)
		fail(s, n);
	else
		probe(s, n);
}

static void resolve(struct stack *s, struct neigh *n)
{
	set_state(s, n, NEIGH_INCOMPLETE);
	n->probes = n->put_off = 0;
	probe(s, n);
}

static void queue_drop_oldest(struct neigh_table *t, struct neigh *n)
{
	struct mbuf *m = mbufq_pop(&n->queue).m;

	n->queue_bytes -= m->meta.cb32[0];
	t->queue_bytes -= m->meta.cb32[0];
	mbuf_drop(&m, DROP_NEIGH_QUEUE_FULL);
}

/* Wait for n. The oldest go first (RFC 4861 7.2.2): what is new is what its sender still wants. */
static void queue_push(struct stack *s, struct neigh *n, mbuf_own in)
{
	struct neigh_table *t = s->link->neigh;
	uint32_t size = mbuf_truesize(in.m);

	while (n->queue.count > 0 &&
	       (n->queue.count >= NEIGH_QUEUE_PKTS || n->queue_bytes + size > NEIGH_QUEUE_BYTES ||
		t->queue_bytes + size > t->max_queue_bytes))
		queue_drop_oldest(t, n);
	if (t->queue_bytes + size > t->max_queue_bytes) {
		mbuf_drop_own(in, DROP_NEIGH_QUEUE_FULL);
		return;
	}
	in.m->meta.cb32[0] = size;
	n->queue_bytes += size;
	t->queue_bytes += size;
	s->link->cnt.neigh_queued++;
	mbufq_push(&n->queue, in);
}

int neigh_output_slow(struct stack *s, struct neigh *n, mbuf_own in)
{
	n->used_ns = s->now_ns;
	if (in.m->meta.zone == 0) /* did not come in by a port */
		n->own = true;
	if (n->lru == NEIGH_LRU_PASSIVE)
		neigh_lru_move(s->link->neigh, n, NEIGH_LRU_ACTIVE);
	switch ((enum neigh_state)n->state) {
	case NEIGH_REACHABLE: /* it was: the time is over */
	case NEIGH_STALE:
		set_state(s, n, NEIGH_DELAY);
		wheel_arm(&s->wheel, &n->timer, s->now_ns + NEIGH_DELAY_NS);
		break;
	case NEIGH_DELAY:
	case NEIGH_PROBE:
	case NEIGH_STATIC:
		break;
	case NEIGH_FAILED:
		if (neigh_refuses(s, n)) {
			mbuf_drop_own(in, DROP_NEIGH_UNREACHABLE);
			return -EHOSTUNREACH;
		}
		resolve(s, n);
		queue_push(s, n, in);
		return 0;
	case NEIGH_FREE:
	case NEIGH_NEW:
		resolve(s, n);
		queue_push(s, n, in);
		return 0;
	case NEIGH_INCOMPLETE:
	case NEIGH_STATE_COUNT:
		queue_push(s, n, in);
		return 0;
	}
	neigh_xmit(s, n, in);
	return 0;
}

void neigh_confirm(struct stack *s, struct neigh *n)
{
	if (n->state == NEIGH_REACHABLE)
		n->reachable_until_ns = s->now_ns + s->link->neigh->reachable_ns;
	else if (n->state >= NEIGH_STALE && n->state != NEIGH_STATIC)
		set_state(s, n, NEIGH_REACHABLE);
}

static void set_mac(struct stack *s, struct neigh *n, const struct ethaddr *mac)
{
	if (n->state >= NEIGH_STALE && !ethaddr_eq(&n->mac, mac))
		s->link->cnt.neigh_changed++;
	n->mac = *mac;
	memcpy(n->hdr, mac->b, ETH_ALEN);
}

/* The link address became known: send what waits, through the state machine. */
static void learn(struct stack *s, struct neigh *n, const struct ethaddr *mac,
		  enum neigh_state state)
{
	struct mbufq waiting;
	struct mbuf *m;

	set_mac(s, n, mac);
	set_state(s, n, state);
	queue_take(s, n, &waiting);
	while ((m = mbufq_pop(&waiting).m) != NULL)
		(void)neigh_output(s, n, mbuf_own_of(m));
}

void neigh_on_advert(struct stack *s, struct neigh *n, const struct ethaddr *mac, unsigned flags)
{
	bool same = mac && n->state >= NEIGH_STALE && ethaddr_eq(&n->mac, mac);
	bool solicited = (flags & NEIGH_SOLICITED) != 0;

	if (n->state == NEIGH_STATIC)
		return;
	if (n->state < NEIGH_STALE) {
		if (!mac)
			return;
		learn(s, n, mac, solicited ? NEIGH_REACHABLE : NEIGH_STALE);
	} else if (mac && !same && !(flags & NEIGH_OVERRIDE)) {
		if (n->state == NEIGH_REACHABLE)
			set_state(s, n, NEIGH_STALE);
		return;
	} else {
		if (mac && !same)
			set_mac(s, n, mac);
		if (solicited)
			set_state(s, n, NEIGH_REACHABLE);
		else if (mac && !same)
			set_state(s, n, NEIGH_STALE);
	}
	if (flags & NEIGH_ADVERT)
		n->is_router = (flags & NEIGH_ROUTER) != 0;
}

void neigh_on_solicit(struct stack *s, struct neigh *n, const struct ethaddr *mac)
{
	if (n->state == NEIGH_STATIC)
		return;
	if (n->state < NEIGH_STALE || !ethaddr_eq(&n->mac, mac))
		learn(s, n, mac, NEIGH_STALE);
}
