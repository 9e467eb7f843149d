/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The neighbour table: find, enter, evict. Bounded in entries, in unresolved entries and in the
 * memory of the packets that wait, so that scanning an empty subnet (RFC 6583) or a flood of ARP
 * from forged senders costs the attacker's own entries first. The states are in neigh_fsm.c.
 *
 * Called by the worker's thread; the table owns the packets that wait.
 */
#include "link/neigh.h"

#include <errno.h>

/* An active neighbour that was used since it was looked at gets another turn, so many times. */
#define SECOND_CHANCES 8u
#define MIN_MAX        16u

static uint32_t neigh_hash(const struct stack *s, unsigned iface, const struct ipaddr *addr)
{
	return hash_addr_u32(&s->hash_key, addr, iface);
}

static struct neigh *find(struct stack *s, unsigned iface, const struct ipaddr *addr, uint32_t hash)
{
	struct htab_iter it;

	for (struct neigh *n = htab_first(&s->link->neigh->by_addr, hash, &it); n != NULL;
	     n = htab_next(&it))
		if (neigh_is(n, iface, addr))
			return n;
	return NULL;
}

struct neigh *neigh_find(struct stack *s, unsigned iface, const struct ipaddr *addr)
{
	return find(s, iface, addr, neigh_hash(s, iface, addr));
}

void neigh_lru_move(struct neigh_table *t, struct neigh *n, enum neigh_lru to)
{
	t->count[n->lru]--;
	t->count[to]++;
	n->lru = (uint8_t)to;
	n->lru_ns = t->s->now_ns;
	list_move_tail(&t->lru[to], &n->link);
}

void neigh_queue_purge(struct stack *s, struct neigh *n, enum drop_reason why)
{
	mbufq_purge(&n->queue, why);
	s->link->neigh->queue_bytes -= n->queue_bytes;
	n->queue_bytes = 0;
}

/* Out of the table; the memory becomes a neighbour of no address on no interface. */
static void neigh_remove(struct neigh_table *t, struct neigh *n, enum drop_reason why)
{
	neigh_queue_purge(t->s, n, why);
	wheel_disarm(&t->s->wheel, &n->timer);
	MUST(htab_remove(&t->by_addr, n->hash, n));
	t->count[n->lru]--;
	list_del(&n->link);
	n->addr = ipaddr_any6();
	n->iface = UINT8_MAX;
	n->state = NEIGH_FREE;
	n->reachable_until_ns = 0;
	list_add_tail(&t->free, &n->link);
}

static bool evict_oldest(struct neigh_table *t, enum neigh_lru which)
{
	struct list *l = list_first(&t->lru[which]);

	if (!l)
		return false;
	neigh_remove(t, CONTAINER_OF(l, struct neigh, link), DROP_NEIGH_TABLE_FULL);
	t->s->link->cnt.neigh_evicted++;
	return true;
}

static bool evict_active(struct neigh_table *t)
{
	for (unsigned i = 0; i < SECOND_CHANCES; i++) {
		struct list *l = list_first(&t->lru[NEIGH_LRU_ACTIVE]);
		struct neigh *n;

		if (!l)
			return false;
		n = CONTAINER_OF(l, struct neigh, link);
		if (n->used_ns <= n->lru_ns)
			break;
		neigh_lru_move(t, n, NEIGH_LRU_ACTIVE);
	}
	return evict_oldest(t, NEIGH_LRU_ACTIVE);
}

static uint32_t table_count(const struct neigh_table *t)
{
	return t->count[NEIGH_LRU_UNRESOLVED] + t->count[NEIGH_LRU_PASSIVE] +
	       t->count[NEIGH_LRU_ACTIVE];
}

/*
 * Room for one more. Those who are asked for displace each other once they are a quarter of the
 * table, then strangers, then the unresolved, then the least recently used. Strangers displace
 * each other only.
 */
static bool make_room(struct neigh_table *t, enum neigh_lru for_whom)
{
	bool full = table_count(t) >= t->max;

	if (for_whom == NEIGH_LRU_PASSIVE)
		return (!full && t->count[NEIGH_LRU_PASSIVE] < t->max / 2) ||
		       evict_oldest(t, NEIGH_LRU_PASSIVE);
	if (t->count[NEIGH_LRU_UNRESOLVED] >= t->max_unresolved)
		return evict_oldest(t, NEIGH_LRU_UNRESOLVED);
	return !full || evict_oldest(t, NEIGH_LRU_PASSIVE) ||
	       evict_oldest(t, NEIGH_LRU_UNRESOLVED) || evict_active(t);
}

static struct neigh *neigh_alloc(struct neigh_table *t)
{
	struct list *l = list_pop_head(&t->free);
	struct neigh *n;

	if (l)
		return CONTAINER_OF(l, struct neigh, link);
	n = slab_get(&t->slab);
	if (!n)
		return NULL;
	list_init(&n->link);
	wheel_timer_init(&n->timer, neigh_timer);
	n->iface = UINT8_MAX;
	return n;
}

/* Fill in all but the table's links. The link header lacks its destination until it is known. */
static void neigh_setup(struct stack *s, struct neigh *n, unsigned iface, const struct ipaddr *addr)
{
	const struct iface *ifc = link_iface(s, iface);
	struct ethaddr to = {{0}};

	n->addr = *addr;
	n->iface = (uint8_t)iface;
	n->port = ifc->port;
	n->used_ns = 0;
	n->probes = 0;
	n->is_router = false;
	n->own = false;
	n->queue_bytes = 0;
	mbufq_init(&n->queue, MBUF_NEIGH);
	n->state = NEIGH_NEW;
	n->reachable_until_ns = 0;
	if (ipaddr_is_multicast(addr) || ipaddr_is_v4_broadcast(addr)) {
		to = eth_multicast(addr);
		n->state = NEIGH_STATIC;
		n->reachable_until_ns = UINT64_MAX;
	}
	n->mac = to;
	n->hdr_len = (uint8_t)link_header_emit(
		ifc, &to, ipaddr_is_v4(addr) ? ETHERTYPE_IP4 : ETHERTYPE_IP6, n->hdr);
}

static struct neigh *neigh_enter(struct stack *s, unsigned iface, const struct ipaddr *addr,
				 uint32_t hash, enum neigh_lru lru)
{
	struct neigh_table *t = s->link->neigh;
	struct neigh *n;

	if (!link_iface(s, iface) || !make_room(t, lru))
		return NULL;
	n = neigh_alloc(t);
	if (!n)
		return NULL;
	neigh_setup(s, n, iface, addr);
	if (htab_insert(&t->by_addr, hash, n) < 0) {
		n->iface = UINT8_MAX;
		n->addr = ipaddr_any6();
		n->state = NEIGH_FREE;
		n->reachable_until_ns = 0;
		list_add_tail(&t->free, &n->link);
		return NULL;
	}
	if (n->state == NEIGH_STATIC)
		lru = NEIGH_LRU_ACTIVE;
	n->hash = hash;
	n->lru = (uint8_t)lru;
	n->lru_ns = s->now_ns;
	t->count[lru]++;
	list_add_tail(&t->lru[lru], &n->link);
	s->link->cnt.neigh_created++;
	return n;
}

struct neigh *neigh_get(struct stack *s, unsigned iface, const struct ipaddr *addr)
{
	uint32_t hash = neigh_hash(s, iface, addr);
	struct neigh *n = find(s, iface, addr, hash);

	return n ? n : neigh_enter(s, iface, addr, hash, NEIGH_LRU_UNRESOLVED);
}

struct neigh *neigh_get_passive(struct stack *s, unsigned iface, const struct ipaddr *addr)
{
	uint32_t hash = neigh_hash(s, iface, addr);
	struct neigh *n = find(s, iface, addr, hash);

	return n ? n : neigh_enter(s, iface, addr, hash, NEIGH_LRU_PASSIVE);
}

/* What may wait for neighbours in all: a sixteenth of the pool's small buffers. */
static uint32_t queue_limit(const struct stack *s)
{
	struct mbuf_pool_stats st;

	mbuf_pool_stats(s->pool, &st);
	return max_u32(st.size[MBUF_SMALL] / 16 * MBUF_SMALL_ROOM, 2 * 65536);
}

int neigh_init(struct stack *s)
{
	struct neigh_table *t = mem_zalloc(s->env.mem, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	err = htab_init(&t->by_addr, s->env.mem, 6);
	if (err < 0) {
		mem_free(s->env.mem, t, sizeof(*t));
		return err;
	}
	t->s = s;
	t->max = max_u32(s->max_neighbours, MIN_MAX);
	t->max_unresolved = t->max / 4;
	t->max_queue_bytes = queue_limit(s);
	slab_init(&t->slab, s->env.mem, "neighbours", sizeof(struct neigh), t->max);
	list_init(&t->free);
	for (unsigned i = 0; i < NEIGH_LRU_COUNT; i++)
		list_init(&t->lru[i]);
	s->link->neigh = t;
	return 0;
}

void neigh_fini(struct stack *s)
{
	struct neigh_table *t = s->link->neigh;

	for (unsigned i = 0; i < NEIGH_LRU_COUNT; i++) {
		struct list *l;

		while ((l = list_first(&t->lru[i])) != NULL)
			neigh_remove(t, CONTAINER_OF(l, struct neigh, link), DROP_STACK_FINI);
	}
	htab_fini(&t->by_addr);
	slab_fini(&t->slab);
	mem_free(s->env.mem, t, sizeof(*t));
	s->link->neigh = NULL;
}
