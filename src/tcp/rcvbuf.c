/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The receive queue (RFC 9293 3.9.1.4). Filled by tcp_input_data(), emptied by tcp_recv(). Packets
 * lie as they came, without a copy, unless the payload is small against the buffer that holds it:
 * then it goes behind the last packet's bytes or into a small buffer, so that a peer that sends
 * single bytes ties up no more memory than one that sends full segments.
 */
#include "tcp/rcvbuf.h"

#include <string.h>

/* A payload that fills less than 1/4 of its buffers is worth a copy. */
#define SPARSE_FACTOR  4u
#define CROWDED_FACTOR 2u

void tcp_rcvbuf_init(struct tcp_rcvbuf *rb, uint32_t limit)
{
	*rb = (struct tcp_rcvbuf){.limit = limit};
	mbufq_init(&rb->q, MBUF_TCP_RCV);
}

static void push(struct tcp_rcvbuf *rb, struct mbuf **mp)
{
	uint32_t size = mbuf_truesize(*mp);

	(*mp)->meta.cb32[1] = size;
	rb->mem_bytes += size;
	mbufq_push(&rb->q, mbuf_move(mp));
}

/* The bytes of m behind those of the last packet, when that has room and is ours alone. */
static bool append_to_tail(struct tcp_rcvbuf *rb, const struct mbuf *m)
{
	struct mbuf *tail = rb->q.tail;
	uint32_t n = mbuf_len(m);
	uint8_t *dst;

	if (!tail || !mbuf_writable(tail))
		return false;
	dst = mbuf_append(tail, n);
	if (!dst)
		return false;
	mbuf_copy_out(m, 0, dst, n);
	rb->q.bytes += n;
	return true;
}

/* Worth a copy? Much sooner once the queue holds more memory than the limit counts on. */
static bool sparse(const struct tcp_rcvbuf *rb, const struct mbuf *m)
{
	uint32_t factor = rb->mem_bytes > rb->limit ? CROWDED_FACTOR : SPARSE_FACTOR;

	return mbuf_len(m) * factor < mbuf_truesize(m);
}

void tcp_rcvbuf_push(struct tcp_rcvbuf *rb, struct mbuf_pool *pool, mbuf_own in)
{
	MBUF(m, in);
	uint32_t n = mbuf_len(m);
	struct mbuf *copy;

	if (!sparse(rb, m)) {
		push(rb, &m);
		return;
	}
	if (append_to_tail(rb, m)) {
		mbuf_done(&m);
		return;
	}
	copy = mbuf_truesize(m) > MBUF_BIG_ROOM ? mbuf_copy(pool, m, 0, n, MBUF_PRIO_BULK).m : NULL;
	if (copy) {
		mbuf_done(&m);
		push(rb, &copy);
		return;
	}
	push(rb, &m);
}

void tcp_rcvbuf_push_all(struct tcp_rcvbuf *rb, struct mbuf_pool *pool, struct mbufq *src)
{
	while (mbufq_peek(src))
		tcp_rcvbuf_push(rb, pool, mbufq_pop(src));
}

static void pop(struct tcp_rcvbuf *rb)
{
	struct mbuf *m = mbufq_pop(&rb->q).m;

	rb->mem_bytes -= m->meta.cb32[1];
	mbuf_done(&m);
}

/* Copy n bytes, from the queue's start. */
static void take(struct tcp_rcvbuf *rb, uint8_t *dst, uint32_t n)
{
	while (n > 0) {
		struct mbuf *m = mbufq_peek(&rb->q);
		uint32_t k = min_u32(n, mbuf_len(m));

		mbuf_copy_out(m, 0, dst, k);
		if (k == mbuf_len(m))
			pop(rb);
		else
			mbufq_trim_head(&rb->q, k);
		dst += k;
		n -= k;
	}
}

/* Copy up to n bytes from position pos on, consuming nothing. */
static void look(const struct tcp_rcvbuf *rb, uint32_t pos, uint8_t *dst, uint32_t n)
{
	MBUFQ_FOR_EACH (m, &rb->q) {
		uint32_t k;

		if (pos >= mbuf_len(m)) {
			pos -= mbuf_len(m);
			continue;
		}
		k = mbuf_copy_out(m, pos, dst, min_u32(n, mbuf_len(m) - pos));
		pos = 0;
		dst += k;
		n -= k;
		if (n == 0)
			return;
	}
}

uint32_t tcp_rcvbuf_read(struct tcp_rcvbuf *rb, const struct iovec *iov, int n_iov, bool peek)
{
	uint32_t avail = rb->q.bytes;
	uint32_t done = 0;

	for (int i = 0; i < n_iov && done < avail; i++) {
		uint32_t n = avail - done;

		if (iov[i].iov_len < n)
			n = (uint32_t)iov[i].iov_len;
		if (peek)
			look(rb, done, iov[i].iov_base, n);
		else
			take(rb, iov[i].iov_base, n);
		done += n;
	}
	if (!peek)
		rb->read_bytes += done;
	return done;
}

void tcp_rcvbuf_purge(struct tcp_rcvbuf *rb, enum drop_reason why)
{
	mbufq_purge(&rb->q, why);
	rb->mem_bytes = 0;
}

void tcp_rcvbuf_tune(struct tcp_rcvbuf *rb, uint64_t now_ns, uint64_t rtt_ns, uint32_t max)
{
	uint64_t want;

	if (rb->tune_ns == 0) {
		rb->tune_ns = now_ns;
		rb->read_bytes = 0;
		return;
	}
	if (rtt_ns == 0 || now_ns - rb->tune_ns < rtt_ns)
		return;
	if (rb->read_bytes > rb->space) {
		rb->space = rb->read_bytes;
		/* Twice: a sender in slow start doubles by the next round trip. */
		want = 2 * (uint64_t)rb->space + rb->limit / 4;
		if (want > rb->limit)
			rb->limit = (uint32_t)(want < max ? want : max_u32(max, rb->limit));
	}
	rb->tune_ns = now_ns;
	rb->read_bytes = 0;
}
