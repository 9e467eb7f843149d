/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The send queue (RFC 9293 3.9.1.3). Filled by tcp_send(), read by tcp_emit(), emptied by
 * acknowledgements. The queue owns its buffers; packets on the way share their bytes. Bytes once
 * queued are never moved or changed, so a driver may still read what was acknowledged.
 */
#include "tcp/sndbuf.h"

#include "base/seq.h"

#include <string.h>

/* Up to here a copy into the header's buffer is cheaper than a reference (an allocation, a
 * reference count and a second descriptor). */
#define COPY_MAX 256u

static uint32_t first_seq(const struct mbuf *m)
{
	return m->meta.cb32[0];
}

static uint32_t room_of(const struct mbuf *m)
{
	return (uint32_t)m->rte.buf_len - m->rte.data_off;
}

static uint32_t tail_room(const struct mbuf *m, uint32_t mss)
{
	uint32_t room = room_of(m);
	uint32_t len = mbuf_seg_len(m);

	/* A packet on its way shares it: nothing can be appended. */
	if (!mbuf_writable(m))
		return 0;
	if (room >= mss)
		room -= room % mss;
	return room > len ? room - len : 0;
}

void tcp_sndbuf_init(struct tcp_sndbuf *sb, uint32_t limit)
{
	mbufq_init(&sb->q, MBUF_TCP_SND);
	sb->cur = NULL;
	sb->limit = limit;
	sb->mem_bytes = 0;
}

size_t iov_cursor_left(const struct iov_cursor *src)
{
	size_t n = 0;

	for (int i = 0; i < src->n_iov; i++)
		n += src->iov[i].iov_len;
	return n - src->off;
}

void iov_cursor_read(struct iov_cursor *src, uint8_t *dst, uint32_t n)
{
	while (n > 0) {
		size_t left = src->iov->iov_len - src->off;
		uint32_t k = left < n ? (uint32_t)left : n;

		if (k > 0)
			memcpy(dst, (const uint8_t *)src->iov->iov_base + src->off, k);
		dst += k;
		n -= k;
		src->off += k;
		if (src->off == src->iov->iov_len) {
			src->iov++;
			src->n_iov--;
			src->off = 0;
		}
	}
}

/* Less than this goes into SMALL buffers: a BIG one that is being sent cannot be filled further. */
#define BIG_WORTH (MBUF_BIG_ROOM / 4)

/* A buffer for what comes next; a bulk write takes a SMALL one when the BIG are used up. */
static struct mbuf *grow(struct tcp_sndbuf *sb, struct mbuf_pool *pool, uint32_t seq, uint32_t want)
{
	mbuf_own own = MBUF_NULL;

	if (want > BIG_WORTH)
		own = mbuf_alloc(pool, MBUF_BIG, MBUF_PRIO_BULK, MBUF_TCP_SND);
	if (!own.m)
		own = mbuf_alloc(pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_TCP_SND);
	if (!own.m)
		return NULL;
	own.m->meta.cb32[0] = seq;
	sb->mem_bytes += mbuf_truesize(own.m);
	mbufq_push(&sb->q, own);
	return sb->q.tail;
}

uint32_t tcp_sndbuf_append(struct tcp_sndbuf *sb, struct mbuf_pool *pool, uint32_t end_seq,
			   struct iov_cursor *from, uint32_t max, uint32_t mss)
{
	uint32_t done = 0;

	while (done < max) {
		struct mbuf *m = sb->q.tail;
		uint32_t n = m ? min_u32(tail_room(m, mss), max - done) : 0;
		/* NULL while a packet on its way shares the buffer. */
		uint8_t *dst = n > 0 ? mbuf_append(m, n) : NULL;

		if (!dst) {
			m = grow(sb, pool, end_seq + done, max - done);
			if (!m)
				break;
			n = min_u32(tail_room(m, mss), max - done);
			dst = mbuf_append(m, n);
		}
		iov_cursor_read(from, dst, n);
		sb->q.bytes += n;
		done += n;
	}
	return done;
}

void tcp_sndbuf_ack(struct tcp_sndbuf *sb, uint32_t una)
{
	struct mbuf *m;

	while ((m = mbufq_peek(&sb->q)) != NULL && seq_leq(first_seq(m) + mbuf_len(m), una)) {
		if (sb->cur == m)
			sb->cur = NULL;
		m = mbufq_pop(&sb->q).m;
		sb->mem_bytes -= mbuf_truesize(m);
		mbuf_done(&m);
	}
}

/* The buffer that holds the byte at seq. */
static struct mbuf *seek(struct tcp_sndbuf *sb, uint32_t seq)
{
	struct mbuf *m = sb->cur;

	if (!m || seq_lt(seq, first_seq(m)))
		m = mbufq_peek(&sb->q);
	while (m && seq_geq(seq, first_seq(m) + mbuf_len(m)))
		m = m->meta.next_pkt;
	if (m)
		sb->cur = m;
	return m;
}

/* Bytes [off, off + n) of m behind what hdr holds. */
static bool attach(struct mbuf_pool *pool, struct mbuf *hdr, struct mbuf *m, uint32_t off,
		   uint32_t n, enum mbuf_prio prio)
{
	mbuf_own part;

	if (n <= COPY_MAX && mbuf_seg_next(hdr) == NULL) {
		uint8_t *dst = mbuf_append(hdr, n);

		if (dst) {
			mbuf_copy_out(m, off, dst, n);
			return true;
		}
	}
	part = mbuf_share(pool, m, off, n, prio);
	return part.m && mbuf_join(hdr, part) == 0;
}

uint32_t tcp_sndbuf_gather(struct tcp_sndbuf *sb, struct mbuf_pool *pool, struct mbuf *hdr,
			   uint32_t seq, uint32_t len, enum mbuf_prio prio)
{
	struct mbuf *m = seek(sb, seq);
	uint32_t done = 0;

	while (m && done < len) {
		uint32_t off = seq + done - first_seq(m);
		uint32_t n = min_u32(mbuf_len(m) - off, len - done);

		if (!attach(pool, hdr, m, off, n, prio))
			break;
		done += n;
		m = m->meta.next_pkt;
	}
	return done;
}

void tcp_sndbuf_purge(struct tcp_sndbuf *sb, enum drop_reason why)
{
	sb->cur = NULL;
	sb->mem_bytes = 0;
	mbufq_purge(&sb->q, why);
}
