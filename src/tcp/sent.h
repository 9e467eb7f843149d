/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is in flight: one record for each stretch of sequence space that left at the same time (the
 * segments of a round, superpackets included), from SND.UNA to SND.NXT without overlap. It is the
 * scoreboard of selective acknowledgement (RFC 2018, RFC 6675), the per-segment state of RACK (RFC
 * 8985 5.2) and the per-packet state of delivery-rate samples (draft-ietf-ccwg-bbr 4.1) in one.
 *
 * Records stand in an array that never moves one; `order` sorts them by sequence number, a list
 * through them by the time of the last transmission holds those of which nothing was heard. Sending
 * and the cumulative acknowledgement cost O(1) for each record; a SACK block costs a binary search
 * and, when it cuts a record, a move of at most TCP_SENT_MAX two-byte indices, so that a peer that
 * sends hostile blocks buys little (CVE-2019-11477, CVE-2019-5599). Without memory, or at the
 * maximum, records are joined or news are forgotten: then more is sent than must be, never less.
 *
 * Pure: memory and time come as arguments. Called by recovery.c, rack.c, output.c and emit.c.
 */
#ifndef LEAT_TCP_SENT_H
#define LEAT_TCP_SENT_H

#include "base/mem.h"
#include "tcp/range.h"

#include <stdbool.h>
#include <stdint.h>

#define TCP_SENT_INLINE 2u    /* a connection that sends little needs no memory of its own */
#define TCP_SENT_MAX    2048u /* records of a connection: 100 KB */
#define TCP_SENT_NIL    UINT16_MAX

enum tcp_tx_state {
	TCP_TX_FLIGHT, /* sent, nothing heard of it */
	TCP_TX_SACKED,
	TCP_TX_LOST, /* to be sent again */
};

/* What the sender knew when the record left: ground of a rate sample. Bytes and microseconds wrap.
 */
struct tcp_tx_stamp {
	uint32_t delivered;    /* C.delivered */
	uint32_t delivered_us; /* C.delivered_time */
	uint32_t first_us;     /* C.first_send_time */
	uint32_t in_flight;    /* with this record */
	uint32_t lost;         /* C.lost */
	bool app_limited;
};

struct tcp_tx {
	uint32_t seq, end;
	uint64_t sent_ns; /* last transmission */
	struct tcp_tx_stamp stamp;
	uint16_t prev, next; /* by time; next also links free records */
	uint8_t state;       /* enum tcp_tx_state */
	uint8_t rexmits;     /* saturates */
};

struct tcp_sent {
	struct tcp_tx *tx; /* first[], or a block of cap records and cap indices */
	uint16_t *order;   /* ring of n indices from head, by sequence number */
	uint16_t head, n, cap;
	uint16_t free;           /* chain of free records */
	uint16_t oldest, newest; /* FLIGHT by time of the last transmission */
	uint32_t sacked_bytes, lost_bytes;
	uint32_t lost_from; /* nothing below is LOST */
	uint32_t fack;      /* RFC 8985 5.3 RACK.fack: highest end delivered */
	struct tcp_tx first[TCP_SENT_INLINE];
	uint16_t first_order[TCP_SENT_INLINE];
};

/*
 * What one acknowledgement delivered for the first time, gathered over tcp_sent_ack() and
 * tcp_sent_sack(). The upper part is the caller's.
 */
struct tcp_delivery {
	uint64_t now_ns;
	uint64_t min_rtt_ns; /* 0: unknown */
	uint64_t echo_ns; /* the echoed timestamp is of no later time; UINT64_MAX: no timestamp */

	uint32_t acked_bytes;  /* by the cumulative acknowledgement, not SACKed before */
	uint32_t sacked_bytes; /* by blocks */
	uint32_t unlost_bytes; /* of both: marked lost, not sent again, delivered all the same */
	bool original;         /* something that was sent once only */
	uint32_t original_end; /* the highest end of such */
	bool again;            /* something of which a second copy was sent, by SND.UNA moving */
	bool reordered;        /* RFC 8985 6.2 step 3 */
	bool any;              /* newest is valid */
	struct tcp_tx newest;  /* the last sent of all whose round trip is unambiguous */
};

/* una: everything below is acknowledged. The object must not move afterwards. */
void tcp_sent_init(struct tcp_sent *s, uint32_t una);
/* Forget all and give memory back. */
void tcp_sent_clear(struct tcp_sent *s, const struct mem *mem, uint32_t una);

/* [r.seq, r.end) has left for the first time; r.seq is the end of the last record. */
void tcp_sent_push(struct tcp_sent *s, const struct mem *mem, struct tcp_range r, uint64_t now_ns,
		   const struct tcp_tx_stamp *stamp);
/* [r.seq, r.end) has left again. */
void tcp_sent_again(struct tcp_sent *s, const struct mem *mem, struct tcp_range r, uint64_t now_ns,
		    const struct tcp_tx_stamp *stamp);

/* SND.UNA moved to una. */
void tcp_sent_ack(struct tcp_sent *s, const struct mem *mem, uint32_t una, struct tcp_delivery *d);
/* The peer holds r, which lies inside the records. Ascending order within one segment. */
void tcp_sent_sack(struct tcp_sent *s, const struct mem *mem, struct tcp_range r,
		   struct tcp_delivery *d);

/* What is in flight inside r is lost. Returns how many bytes. */
uint32_t tcp_sent_lose(struct tcp_sent *s, const struct mem *mem, struct tcp_range r);
/* The same for one record, by its place in tx[]. */
uint32_t tcp_sent_lose_tx(struct tcp_sent *s, uint16_t i);
/* Nothing was lost after all: what is marked and was not sent again is in flight. */
void tcp_sent_unlose(struct tcp_sent *s);
/* Blocks count no longer: the peer may have dropped what it reported (RFC 2018 8). */
void tcp_sent_renege(struct tcp_sent *s);

/* The first lost bytes, at most max_bytes. False: none. */
bool tcp_sent_next_lost(struct tcp_sent *s, uint32_t max_bytes, struct tcp_range *out);
/* The record that holds seq, or NULL. Not to be kept. */
const struct tcp_tx *tcp_sent_find(const struct tcp_sent *s, uint32_t seq);

/* Is the byte in front reported as held, although SND.UNA did not pass it? */
bool tcp_sent_reneged(const struct tcp_sent *s);

/* RFC 8985 6.2: was (t1, end1) sent after (t2, end2)? */
static inline bool tcp_sent_after(uint64_t t1, uint32_t end1, uint64_t t2, uint32_t end2)
{
	return t1 > t2 || (t1 == t2 && (int32_t)(end1 - end2) > 0);
}

#endif
