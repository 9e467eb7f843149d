/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The receive queue: in-order data as the packets it came in. Bounded by true memory as well as by
 * bytes: a small payload in a large buffer is copied out. The limit grows with what the program
 * reads per round trip (dynamic right-sizing, Fisk and Feng 2001).
 */
#ifndef LEAT_TCP_RCVBUF_H
#define LEAT_TCP_RCVBUF_H

#include "mbuf/mbuf.h"

#include <sys/uio.h>

struct tcp_rcvbuf {
	struct mbufq q;
	uint32_t mem_bytes;  /* true memory of q, as counted when pushed (meta.cb32[1]) */
	uint32_t limit;      /* payload bytes allowed */
	uint32_t read_bytes; /* by the program since tune_ns */
	uint32_t space;      /* read in the best round trip so far */
	uint64_t tune_ns;
};

void tcp_rcvbuf_init(struct tcp_rcvbuf *rb, uint32_t limit);
/* Queue one packet that begins at its payload; consumes it. */
void tcp_rcvbuf_push(struct tcp_rcvbuf *rb, struct mbuf_pool *pool, mbuf_own in);
/* Queue all of src, in order. */
void tcp_rcvbuf_push_all(struct tcp_rcvbuf *rb, struct mbuf_pool *pool, struct mbufq *src);
/* Copy out, and unless peek consume. Returns how many bytes. */
uint32_t tcp_rcvbuf_read(struct tcp_rcvbuf *rb, const struct iovec *iov, int n_iov, bool peek);
void tcp_rcvbuf_purge(struct tcp_rcvbuf *rb, enum drop_reason why);
/* The program has read: grow the limit (at most to max) when it reads more per rtt than fits. */
void tcp_rcvbuf_tune(struct tcp_rcvbuf *rb, uint64_t now_ns, uint64_t rtt_ns, uint32_t max);

static inline uint32_t tcp_rcvbuf_bytes(const struct tcp_rcvbuf *rb)
{
	return rb->q.bytes;
}

#endif
