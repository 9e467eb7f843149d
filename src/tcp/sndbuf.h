/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The send queue: what is unsent or unacknowledged, as packet buffers. Each knows the sequence
 * number of its first byte (meta.cb32[0]). A large write fills BIG buffers to a multiple of the
 * MSS, so that segments seldom straddle two; small writes go behind the last byte.
 */
#ifndef LEAT_TCP_SNDBUF_H
#define LEAT_TCP_SNDBUF_H

#include "mbuf/mbuf.h"

#include <sys/uio.h>

struct tcp_sndbuf {
	struct mbufq q;
	struct mbuf *cur;   /* where the last search ended; NULL: begin at the head */
	uint32_t limit;     /* payload bytes allowed */
	uint32_t mem_bytes; /* true memory of q */
};

/* A place in a list of iovecs. */
struct iov_cursor {
	const struct iovec *iov;
	int n_iov;
	size_t off;
};

void tcp_sndbuf_init(struct tcp_sndbuf *sb, uint32_t limit);
/* Copy up to max bytes behind end_seq. Returns how many (buffers may run out). */
uint32_t tcp_sndbuf_append(struct tcp_sndbuf *sb, struct mbuf_pool *pool, uint32_t end_seq,
			   struct iov_cursor *from, uint32_t max, uint32_t mss);
/* Everything below una is acknowledged. */
void tcp_sndbuf_ack(struct tcp_sndbuf *sb, uint32_t una);
/*
 * Append bytes [seq, seq + len) to the packet hdr: by reference, or copied where that is cheaper.
 * Returns how many were appended: less than len when buffers ran out. All must be in the queue.
 */
uint32_t tcp_sndbuf_gather(struct tcp_sndbuf *sb, struct mbuf_pool *pool, struct mbuf *hdr,
			   uint32_t seq, uint32_t len, enum mbuf_prio prio);
void tcp_sndbuf_purge(struct tcp_sndbuf *sb, enum drop_reason why);

/* The next bytes of src into dst; n must be available. */
void iov_cursor_read(struct iov_cursor *src, uint8_t *dst, uint32_t n);
size_t iov_cursor_left(const struct iov_cursor *src);

#endif
