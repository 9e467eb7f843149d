/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packet buffer: DPDK's mbuf with one cache line of ours behind it, its owner type, the
 * pools and the named queues.
 *
 * Ownership. `mbuf_own` by value moves a packet: the callee consumes it, on success and on
 * failure. `struct mbuf *` borrows it for the call. A local that owns is opened with MBUF();
 * it is dropped and counted as DROP_UNSPEC at the end of its scope unless it was moved, dropped
 * or done. There is no bare free: mbuf_drop() counts a loss, mbuf_done() ends a buffer that did
 * its job (delivered, acknowledged, answered).
 *
 * Segments. A packet is a chain; struct mbuf * is its first segment and stays so whatever the
 * byte functions do. The first segment may be empty while the packet is not (after mbuf_trim_head()
 * over its end): a parser calls mbuf_pull(m, header length) before it looks at mbuf_view(), which
 * costs one comparison when the bytes are there.
 *
 * Thread: a pool belongs to one worker; no call here locks.
 */
#ifndef LEAT_MBUF_MBUF_H
#define LEAT_MBUF_MBUF_H

#include "base/compiler.h"
#include "base/view.h"
#include "mbuf/drop.h"
#include "mbuf/pool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

/* State of the transport checksum. */
enum mbuf_csum {
	MBUF_CSUM_NONE,    /* rx: not verified; tx: complete in the packet */
	MBUF_CSUM_GOOD,    /* rx: verified by the port */
	MBUF_CSUM_PARTIAL, /* the field holds the pseudo-header sum, the rest is still to be added:
			    * rx: never was on a wire, counts as good; tx: the port finishes it */
};

enum mbuf_gso {
	MBUF_GSO_NONE,
	MBUF_GSO_TCP4,
	MBUF_GSO_TCP6,
};

/*
 * Our line behind rte_mbuf. Valid on the first segment of a packet; mark and pool on each.
 * Offsets are from the buffer's start (rte.buf_addr), so they survive trimming at the head.
 */
struct mbuf_meta {
	struct mbuf_pool *pool; /* home: counts this buffer's drops */
	struct mbuf *next_pkt;  /* link of the queue that holds it */
	uint64_t mark;          /* last hand-over: tick << 32 | line << 16 | core << 8 | holder */
	uint16_t l2_off;
	uint16_t l3_off;
	uint16_t l4_off;
	uint16_t gso_size;  /* payload bytes of each segment of a superpacket, 0: not one */
	uint8_t csum;       /* enum mbuf_csum */
	uint8_t gso_type;   /* enum mbuf_gso */
	uint8_t csum_field; /* tx, PARTIAL: offset of the checksum field from l4_off */
	uint8_t gso_ecn;    /* CWR is set in the first segment only */
	uint8_t l2_flags;   /* MBUF_L2_* */
	uint8_t in_pool;    /* freed by us and not taken since: catches a second free */
	uint8_t audit;      /* scratch of the audit, 0 otherwise */
	uint8_t zone;       /* received: inet_zone() of the interface, 0: not known */
	union {
		uint64_t cb64[3]; /* for the layer that holds it, void after a move */
		void *cbp[3];
		uint32_t cb32[6];
	};
};

#define MBUF_L2_BROADCAST 0x01u /* came by link-level broadcast */
#define MBUF_L2_MULTICAST 0x02u

struct mbuf {
	struct rte_mbuf rte;
	struct mbuf_meta meta;
};

static_assert(sizeof(struct mbuf_meta) == 64, "one cache line of ours");
static_assert(offsetof(struct mbuf, meta) == 128, "the private area begins behind rte_mbuf");

typedef struct {
	struct mbuf *m;
} mbuf_own;

#define MBUF_NULL ((mbuf_own){NULL})

/*
 * Take a buffer: empty, one segment, MBUF_HEADROOM bytes of headroom, meta zeroed.
 * Returns .m == NULL when the pool (or, for bulk, all but its reserve) is used up; counted.
 */
mbuf_own mbuf_alloc_at(struct mbuf_pool *pool, enum mbuf_class cls, enum mbuf_prio prio,
		       enum mbuf_holder holder, uint16_t line);
#define mbuf_alloc(pool, cls, prio, holder) \
	mbuf_alloc_at(pool, cls, prio, holder, (uint16_t)__LINE__)

/*
 * A new packet that shares bytes [off, off+len) of m (indirect buffers, no copy), which must be
 * there. Each segment takes a SMALL buffer and keeps the one it looks at from being freed. Neither
 * packet can be written to while both live, so headers go in front with mbuf_join().
 *
 * Meta of this and of mbuf_copy(): l2_off to l4_off where that header is among the bytes, else
 * 0; checksum and segmentation state when the bytes are the whole packet or reach from l4_off, or
 * before, to its end. The mark is m's. .m == NULL: no buffers.
 */
mbuf_own mbuf_share(struct mbuf_pool *pool, struct mbuf *m, uint32_t off, uint32_t len,
		    enum mbuf_prio prio);
/* A new packet with a copy of bytes [off, off+len) of m. */
mbuf_own mbuf_copy(struct mbuf_pool *pool, const struct mbuf *m, uint32_t off, uint32_t len,
		   enum mbuf_prio prio);

void mbuf_drop(struct mbuf **mp, enum drop_reason why);
void mbuf_drop_own(mbuf_own in, enum drop_reason why);
void mbuf_done(struct mbuf **mp);
void mbuf_cleanup(struct mbuf **mp);

#define MBUF(name, own) struct mbuf *name CLEANUP(mbuf_cleanup) = (own).m

static inline mbuf_own mbuf_move(struct mbuf **mp)
{
	mbuf_own o = {*mp};

	*mp = NULL;
	return o;
}

static inline mbuf_own mbuf_own_of(struct mbuf *m)
{
	return (mbuf_own){m};
}

/* The hand-over mark: always on, one 8-byte store. */
static inline void mbuf_mark_at(struct mbuf *m, enum mbuf_holder holder, uint16_t line)
{
	m->meta.mark = (uint64_t)m->meta.pool->tick_ms << 32 | (uint64_t)line << 16 |
		       (uint64_t)m->meta.pool->core << 8 | (uint64_t)holder;
}
#define mbuf_mark(m, holder) mbuf_mark_at(m, holder, (uint16_t)__LINE__)

/* The same on every segment: for a driver, which may free them one by one. */
static inline void mbuf_mark_all_at(struct mbuf *m, enum mbuf_holder holder, uint16_t line)
{
	for (; m != NULL; m = (struct mbuf *)m->rte.next)
		mbuf_mark_at(m, holder, line);
}
#define mbuf_mark_all(m, holder) mbuf_mark_all_at(m, holder, (uint16_t)__LINE__)

static inline enum mbuf_holder mbuf_holder_of(const struct mbuf *m)
{
	return (enum mbuf_holder)(m->meta.mark & 0xff);
}

/* Take over what a DPDK driver received: meta zeroed, marked as RX. Drivers take their buffers from
 * the mempool without passing mbuf_alloc(); these are marked as DRIVER until then. */
static inline mbuf_own mbuf_adopt_at(struct rte_mbuf *r, uint16_t line)
{
	struct mbuf *first = (struct mbuf *)r;

	for (struct mbuf *m = first; m != NULL; m = (struct mbuf *)m->rte.next) {
		m->meta = (struct mbuf_meta){.pool = m->meta.pool};
		mbuf_mark_at(m, MBUF_RX, line);
	}
	return (mbuf_own){first};
}
#define mbuf_adopt(r) mbuf_adopt_at(r, (uint16_t)__LINE__)

/* ---- bytes ---- */

static inline struct mbuf *mbuf_of(struct rte_mbuf *r)
{
	return (struct mbuf *)r;
}

static inline struct mbuf *mbuf_seg_next(const struct mbuf *m)
{
	return (struct mbuf *)m->rte.next;
}

static inline uint8_t *mbuf_data(const struct mbuf *m)
{
	return (uint8_t *)m->rte.buf_addr + m->rte.data_off;
}

static inline uint32_t mbuf_len(const struct mbuf *m)
{
	return m->rte.pkt_len;
}

static inline uint32_t mbuf_seg_len(const struct mbuf *m)
{
	return m->rte.data_len;
}

/* The bytes of the first segment. */
static inline struct view mbuf_view(const struct mbuf *m)
{
	return (struct view){mbuf_data(m), m->rte.data_len};
}

static inline uint8_t *mbuf_at(const struct mbuf *m, uint16_t off)
{
	return (uint8_t *)m->rte.buf_addr + off;
}

/* Offset of the packet's present first byte, to be kept in meta.l?_off. */
static inline uint16_t mbuf_here(const struct mbuf *m)
{
	return m->rte.data_off;
}

#define MBUF_FOR_EACH_SEG(seg, m) \
	for (struct mbuf *seg = (m); seg != NULL; seg = mbuf_seg_next(seg))

NODISCARD int mbuf_pull_slow(struct mbuf *m, uint32_t n);

/* Make the first n bytes contiguous (moves bytes up from later segments). -EMSGSIZE: packet is
 * shorter or the first buffer has no room, or is shared. The packet stays as it was on error. */
NODISCARD static inline int mbuf_pull(struct mbuf *m, uint32_t n)
{
	return LIKELY(n <= m->rte.data_len) ? 0 : mbuf_pull_slow(m, n);
}

/* Cut n bytes off the head; whole segments that become empty are released, but for the first.
 * n <= mbuf_len(m). */
void mbuf_trim_head(struct mbuf *m, uint32_t n);
/* Release empty segments at the head, the first too: *mp is another pointer afterwards, with the
 * same meta but header offsets 0. For an owner that keeps the rest for long. */
void mbuf_shed_head(struct mbuf **mp);
/* Keep the first n bytes only. n <= mbuf_len(m). */
void mbuf_trim_to(struct mbuf *m, uint32_t n);
/* Grow by n bytes in the headroom; NULL when there is not that much or the buffer is shared. */
uint8_t *mbuf_prepend(struct mbuf *m, uint32_t n);
/* Grow the last segment by n bytes; NULL when its tailroom is smaller or the buffer is shared. */
uint8_t *mbuf_append(struct mbuf *m, uint32_t n);
/* Append bytes, taking more buffers as needed (BIG for more than fits in a SMALL one). -ENOBUFS:
 * no buffers, -EOVERFLOW: too many segments; nothing appended then. */
NODISCARD int mbuf_append_bytes(struct mbuf *m, const void *src, uint32_t n, enum mbuf_prio prio);
/* Copy bytes [off, off+n) out. Returns how many there were. */
uint32_t mbuf_copy_out(const struct mbuf *m, uint32_t off, void *dst, uint32_t n);
/* Join: tail's segments behind m's; consumes tail. -EOVERFLOW (segment count): tail is dropped. */
NODISCARD int mbuf_join(struct mbuf *m, mbuf_own tail);

/* Join with m's last segment known, so that a row of joins stays linear. Consumes tail; the caller
 * bounds the segments. Returns the new last one. */
static inline struct mbuf *mbuf_join_at(struct mbuf *m, struct mbuf *last, mbuf_own tail)
{
	struct mbuf *t = tail.m;

	m->rte.nb_segs = (uint16_t)(m->rte.nb_segs + t->rte.nb_segs);
	m->rte.pkt_len += t->rte.pkt_len;
	last->rte.next = &t->rte;
	t->rte.nb_segs = 1;
	t->rte.pkt_len = t->rte.data_len;
	while (t->rte.next != NULL)
		t = mbuf_seg_next(t);
	return t;
}

/* Ones-complement sum of bytes [off, off+n), which must be there, added to sum as if they began
 * at an even place (see base/csum.h). */
uint32_t mbuf_csum(const struct mbuf *m, uint32_t off, uint32_t n, uint32_t sum);
/* Memory really tied up by this packet: buffers, not payload, and what shared segments look at. */
uint32_t mbuf_truesize(const struct mbuf *m);
/* The class of its first buffer. */
static inline enum mbuf_class mbuf_class_of(const struct mbuf *m)
{
	return m->rte.buf_len > MBUF_HEADROOM + MBUF_SMALL_ROOM ? MBUF_BIG : MBUF_SMALL;
}
/* Is anyone else looking at these bytes (shared or indirect)? Then do not write. */
bool mbuf_writable(const struct mbuf *m);

/* ---- named queues of packets ---- */

struct mbufq {
	struct mbuf *head;
	struct mbuf *tail;
	uint32_t count;
	uint32_t bytes; /* sum of mbuf_len at push time */
	enum mbuf_holder holder;
};

static inline void mbufq_init(struct mbufq *q, enum mbuf_holder holder)
{
	*q = (struct mbufq){.holder = holder};
}

static inline void mbufq_push_at(struct mbufq *q, mbuf_own in, uint16_t line)
{
	mbuf_mark_at(in.m, q->holder, line);
	in.m->meta.next_pkt = NULL;
	if (q->tail)
		q->tail->meta.next_pkt = in.m;
	else
		q->head = in.m;
	q->tail = in.m;
	q->count++;
	q->bytes += mbuf_len(in.m);
}
#define mbufq_push(q, in) mbufq_push_at(q, in, (uint16_t)__LINE__)

/* Borrow the first; NULL when empty. */
static inline struct mbuf *mbufq_peek(const struct mbufq *q)
{
	return q->head;
}

/* Take the first; .m == NULL when empty. The mark stays until the next hand-over. */
static inline mbuf_own mbufq_pop(struct mbufq *q)
{
	struct mbuf *m = q->head;

	if (m) {
		q->head = m->meta.next_pkt;
		if (!q->head)
			q->tail = NULL;
		q->count--;
		q->bytes -= mbuf_len(m);
		m->meta.next_pkt = NULL;
	}
	return (mbuf_own){m};
}

/* Cut n bytes off the first packet without breaking the queue's byte count. */
static inline void mbufq_trim_head(struct mbufq *q, uint32_t n)
{
	mbuf_trim_head(q->head, n);
	q->bytes -= n;
}

/* Cut n bytes off the front of the queue: whole packets are done, of the first that is left the
 * emptied segments are released, so pointers to it are void. Returns how many bytes there were. */
uint32_t mbufq_consume(struct mbufq *q, uint32_t n);
/* Move all of src behind dst; marks are rewritten. */
void mbufq_splice(struct mbufq *dst, struct mbufq *src);
void mbufq_purge(struct mbufq *q, enum drop_reason why);

#define MBUFQ_FOR_EACH(m, q) for (struct mbuf *m = (q)->head; m != NULL; m = m->meta.next_pkt)

#endif
