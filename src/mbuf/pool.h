/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools of packet buffers: creation, counts, fault injection, and who holds what. Taking a buffer
 * and giving it back is mbuf.h's.
 *
 * Thread: a pool belongs to one worker; no call here locks. After fork() only the parent uses it.
 */
#ifndef LEAT_MBUF_POOL_H
#define LEAT_MBUF_POOL_H

#include "base/compiler.h"
#include "mbuf/drop.h"

#include <stdbool.h>
#include <stdint.h>

/* Who holds a buffer: what `leat mbuf` and the audit print. */
#define MBUF_HOLDER_TABLE(X) \
	X(FREE, "free", "in the pool") \
	X(RX, "rx", "received, on its way up") \
	X(RXSLOT, "rx-slot", "posted for reception by a port") \
	X(NEIGH, "neighbour", "waits for ARP or ND") \
	X(REASS, "reassembly", "fragment that waits for the others") \
	X(UDP_RCV, "udp-receive", "receive queue of a UDP socket") \
	X(TCP_RCV, "tcp-receive", "receive queue of a TCP socket") \
	X(TCP_OOO, "tcp-out-of-order", "TCP data that waits for a gap to close") \
	X(TCP_SND, "tcp-send", "TCP send and retransmission queue") \
	X(TX, "tx", "built, on its way down") \
	X(TXQ, "tx-queue", "transmit queue of a port") \
	X(DRIVER, "driver", "handed to a driver") \
	X(WIRE, "wire", "on the simulated wire") \
	X(APP, "application", "lent to the application") \
	X(TEST, "test", "held by a test")

enum mbuf_holder {
#define X(id, name, text) MBUF_##id,
	MBUF_HOLDER_TABLE(X)
#undef X
		MBUF_HOLDER_COUNT
};

struct mbuf_holder_row {
	const char *name;
	const char *text;
};

extern const struct mbuf_holder_row mbuf_holder_rows[MBUF_HOLDER_COUNT];

/* Size classes: SMALL holds an MTU-sized frame, BIG a quarter of a superpacket. */
enum mbuf_class { MBUF_SMALL, MBUF_BIG, MBUF_CLASSES };

/*
 * Who may take the reserve: bulk data never; received control (ARP, ND, ICMP, ACK, RST), and what a
 * driver takes by itself, half of it; the control that we send all of it: what a peer sends must
 * not use up what our answer needs.
 */
enum mbuf_prio { MBUF_PRIO_BULK, MBUF_PRIO_RX, MBUF_PRIO_CTL, MBUF_PRIOS };

#define MBUF_HEADROOM      192u /* link, IP, TCP headers with all options and a virtio-net header */
#define MBUF_SMALL_ROOM    1856u
#define MBUF_BIG_ROOM      16384u

#define MBUF_POOL_NAME_MAX 20u

struct mbuf_pool_conf {
	const char *name; /* unique in the process, 1 to MBUF_POOL_NAME_MAX bytes */
	uint32_t count[MBUF_CLASSES];
	uint32_t reserve[MBUF_CLASSES]; /* kept from bulk data */
	uint8_t core;                   /* written into the marks */
};

struct mbuf_pool_stats {
	uint32_t size[MBUF_CLASSES];
	uint32_t avail[MBUF_CLASSES];
	uint64_t alloc_fail[MBUF_CLASSES][MBUF_PRIOS];
	uint64_t done;
	uint64_t drops[DROP_COUNT];
};

/* One line of the audit: how much each holder has. */
struct mbuf_audit {
	uint32_t held[MBUF_CLASSES][MBUF_HOLDER_COUNT];
	uint32_t oldest_ms[MBUF_HOLDER_COUNT];
	uint32_t avail[MBUF_CLASSES];
	uint32_t size[MBUF_CLASSES];
	uint32_t unaccounted; /* size - avail - held, 0 unless something is broken */
};

struct rte_mempool;
struct mbuf_lifo;

struct mbuf_pool {
	struct rte_mempool *mp[MBUF_CLASSES];
	struct mbuf_lifo *free[MBUF_CLASSES]; /* the free buffers of mp */
	/* With so many free or fewer, an allocation takes the slow path: what its priority leaves
	 * to others, everything while fault injection is armed. */
	uint32_t floor[MBUF_CLASSES][MBUF_PRIOS];
	uint8_t core;
	/* Set once a round: mbuf_pool_tick() */
	uint32_t tick_ms;
	uint64_t share_bytes;
	uint32_t reserve[MBUF_CLASSES];
	uint64_t inverse[MBUF_CLASSES]; /* of what a class has beside its reserve */
	uint64_t bytes;                 /* mbuf_pool_bytes() */
	int64_t fail_in;    /* fault injection: fail the allocation after this many, -1 off */
	bool fail_for_good; /* ... and every later one */
	struct mbuf_pool_stats stats;
	char name[24];
};

/*
 * Create the pool of a worker. Errors: -ENOMEM, -EINVAL (counts of zero, reserve >= count),
 * -EEXIST (name in use). mbuf_pool_destroy() returns the number of buffers that were not back: 0
 * is right; otherwise the whole pool is kept, so that a driver that still writes does no harm, and
 * it may be called again when they are.
 */
NODISCARD int mbuf_pool_create(const struct mbuf_pool_conf *conf, struct mbuf_pool **out);
unsigned mbuf_pool_destroy(struct mbuf_pool *pool);
void mbuf_pool_tick(struct mbuf_pool *pool, uint64_t now_ns);
uint32_t mbuf_pool_avail(const struct mbuf_pool *pool, enum mbuf_class cls);
uint32_t mbuf_pool_size(const struct mbuf_pool *pool, enum mbuf_class cls);
/* Bytes of packet data that all buffers together can hold: what socket buffers are measured by. */
uint64_t mbuf_pool_bytes(const struct mbuf_pool *pool);
/*
 * What one queue may hold at the moment, in bytes of packet data: half of the pool while it is
 * free, and with the third power of the free part less. However many queues stand still, something
 * is left for those that move. docs/decisions/007-share-of-the-pool.md.
 */
static inline uint64_t mbuf_pool_share(const struct mbuf_pool *pool)
{
	return pool->share_bytes;
}
/* Is less than 1/share of the class free beside the reserve? What queues give up by. */
static inline bool mbuf_pool_below(const struct mbuf_pool *pool, enum mbuf_class cls,
				   uint32_t share)
{
	return mbuf_pool_avail(pool, cls) < pool->reserve[cls] + mbuf_pool_size(pool, cls) / share;
}
/* Every buffer back in the pool? */
bool mbuf_pool_full(const struct mbuf_pool *pool);
void mbuf_pool_stats(const struct mbuf_pool *pool, struct mbuf_pool_stats *out);
/*
 * Count all buffers by holder. A segment counts for the holder of its packet; a buffer whose owner
 * let go while a shared packet still looks at it counts for the holder of that one. Walks the
 * whole pool: for tools and tests, on the owner's thread between two rounds.
 */
void mbuf_pool_audit(struct mbuf_pool *pool, struct mbuf_audit *out);
/* Print who holds what, one line a buffer (at most max); for tests and people. */
void mbuf_pool_dump(struct mbuf_pool *pool, unsigned max, void (*line)(void *ctx, const char *text),
		    void *ctx);
/* Fail the allocation after `after` successful ones (0: the next); for_good: all later ones too;
 * after < 0: no more. What a driver takes by itself does not count. */
void mbuf_pool_fail(struct mbuf_pool *pool, int64_t after, bool for_good);
void mbuf_pool_count_drop(struct mbuf_pool *pool, enum drop_reason why);

#endif
