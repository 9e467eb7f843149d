/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reassembly of IPv4 and IPv6 fragments (RFC 791 3.2, RFC 815, RFC 8200 4.5, RFC 5722), bounded by
 * the memory that fragments really tie up, by source and over all. The cost of a fragment is O(log
 * n) in those of its datagram, O(1) in order.
 *
 * Thread: the worker that owns the stack.
 */
#ifndef LEAT_INET_REASS_H
#define LEAT_INET_REASS_H

#include "base/compiler.h"
#include "base/ip.h"
#include "core/stack.h"
#include "mbuf/mbuf.h"

#include <stdbool.h>
#include <stdint.h>

#define REASS_MAX_DGRAMS 1024u
#define REASS_MAX_BY_SRC 256u /* datagrams of one source: of a /64 for IPv6 */
#define REASS_MAX_FRAGS  256u /* of one datagram */
#define REASS_TIMEOUT4_NS \
	(30 * UINT64_C(1000000000)) /* RFC 1122 3.3.2 wants 60 to 120; Linux has 30 */
#define REASS_TIMEOUT6_NS (60 * UINT64_C(1000000000)) /* RFC 8200 4.5 */

/* Reassembly gives up when free buffers (beside the reserve) are fewer than one in so many. TCP
 * gives up data from one in 16. */
#define REASS_SHED_SHARE 8u

struct reass;

/* What a fragment's headers say. Lengths and ends were checked: multiple of 8 unless the last, not
 * empty, not beyond 65535. */
struct reass_frag_in {
	struct ipaddr src, dst;
	uint32_t id;
	uint8_t proto; /* IPv4: part of the key; IPv6: 0 */
	uint8_t ecn;
	bool more;
	bool local;        /* to us: a timeout is reported by ICMP */
	uint16_t hlen;     /* headers before the fragment's data; IPv6: with the fragment header */
	uint16_t next_off; /* IPv6: of the next-header byte that says 44 */
	uint8_t next;      /* IPv6: what the fragment header names */
	uint32_t off_bytes;
};

/* What the whole datagram was made of. */
struct reass_out {
	uint32_t frag_max; /* IP length of the largest fragment */
	uint16_t unfrag_len;
	uint16_t next_off;
};

NODISCARD int reass_create(struct stack *s, struct reass **out);
void reass_destroy(struct reass *r);

/*
 * Add a fragment, which begins at its IP header. Consumes in. Returns the whole datagram, with the
 * first fragment's header made that of an unfragmented packet, or .m == NULL.
 */
mbuf_own reass_add(struct reass *r, const struct reass_frag_in *f, mbuf_own in,
		   struct reass_out *out);

/* Give up the oldest datagrams while the packet pool is low: half a datagram is the least that is
 * worth a buffer. Once a round. */
void reass_shed(struct reass *r);

/* Bytes and datagrams held, for tests and tools. */
uint32_t reass_bytes(const struct reass *r);
uint32_t reass_count(const struct reass *r);

#endif
