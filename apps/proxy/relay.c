/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One direction of a connection, see relay.h. Called from the event loop for a connection that has
 * something to do. RFC 9293 3.6: the end of one direction leaves the other one open.
 */
#include "relay.h"

#include <leat/posix.h>

#include "stats.h"

/* Chunks moved in one turn; then the other connections have theirs. */
enum { TURN_CHUNKS = 4 };

static ssize_t deliver(struct relay_end *to, const unsigned char *data, size_t len,
		       struct stats *stats)
{
	ssize_t n;

	do {
		n = send(to->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		stats->writes++;
	} while (n < 0 && errno == EINTR);
	if (n < (ssize_t)len)
		to->writable = false;
	return n;
}

/* RELAY_AGAIN: the chunk is written and given back. */
static enum relay_result flush(struct relay *r, struct relay_end *to, struct bufpool *pool,
			       struct stats *stats)
{
	ssize_t n = deliver(to, r->chunk->data + r->off, r->len, stats);

	if (n < 0)
		return errno == EAGAIN ? RELAY_BLOCKED : RELAY_WRITE_ERROR;
	r->bytes += (uint64_t)n;
	r->off += (uint32_t)n;
	r->len -= (uint32_t)n;
	if (r->len > 0)
		return RELAY_BLOCKED;
	relay_drop(r, pool);
	return RELAY_AGAIN;
}

static ssize_t receive(const struct relay_end *from, struct chunk *chunk, size_t len, int flags,
		       struct stats *stats)
{
	ssize_t n;

	do {
		n = recv(from->fd, chunk->data, len, MSG_DONTWAIT | flags);
		stats->reads++;
	} while (n < 0 && errno == EINTR);
	return n;
}

/* recv() gave no bytes: RELAY_AGAIN at the end of the stream. */
static enum relay_result no_bytes(struct relay *r, struct relay_end *from, ssize_t n)
{
	if (n == 0 && from->failed) {
		/* Somebody has taken the error before. */
		errno = ECONNRESET;
		return RELAY_READ_ERROR;
	}
	if (n == 0) {
		r->eof = true;
		return RELAY_AGAIN;
	}
	from->readable = false;
	return errno == EAGAIN ? RELAY_BLOCKED : RELAY_READ_ERROR;
}

/* RELAY_AGAIN: there are bytes in the chunk, or the end was read; without bytes the chunk is given
 * back. */
static enum relay_result fill(struct relay *r, struct relay_end *from, struct bufpool *pool,
			      struct stats *stats)
{
	ssize_t n = receive(from, r->chunk, pool->chunk_bytes, 0, stats);

	if (n <= 0) {
		relay_drop(r, pool);
		return no_bytes(r, from, n);
	}
	r->off = 0;
	r->len = (uint32_t)n;
	/* Less than asked for: the queue is empty, a later byte makes a new edge. */
	if (r->len < pool->chunk_bytes && !from->ended)
		from->readable = false;
	return RELAY_AGAIN;
}

/* The same and flush() without holding anything: look, write, and read what was written. */
static enum relay_result pass(struct relay *r, struct relay_end *from, struct relay_end *to,
			      struct bufpool *pool, struct stats *stats)
{
	ssize_t seen = receive(from, pool->scratch, pool->chunk_bytes, MSG_PEEK, stats);
	ssize_t n;

	stats->unbuffered++;
	if (seen <= 0)
		return no_bytes(r, from, seen);
	n = deliver(to, pool->scratch->data, (size_t)seen, stats);
	if (n < 0)
		return errno == EAGAIN ? RELAY_BLOCKED : RELAY_WRITE_ERROR;
	r->bytes += (uint64_t)n;
	if (receive(from, pool->scratch, (size_t)n, 0, stats) != n)
		return RELAY_READ_ERROR;
	if (n < seen)
		return RELAY_BLOCKED;
	if ((size_t)seen < pool->chunk_bytes && !from->ended)
		from->readable = false;
	return RELAY_AGAIN;
}

/* Tell the receiver that this was all. It may be gone already; then its own error says so. */
static enum relay_result finish(struct relay *r, struct relay_end *to)
{
	if (!r->done && shutdown(to->fd, SHUT_WR) < 0 && errno != ENOTCONN)
		return RELAY_WRITE_ERROR;
	r->done = true;
	return RELAY_DONE;
}

enum relay_result relay_run(struct relay *r, struct relay_end *from, struct relay_end *to,
			    struct bufpool *pool, struct stats *stats)
{
	enum relay_result rc = RELAY_AGAIN;

	if (r->len > 0)
		rc = to->writable ? flush(r, to, pool, stats) : RELAY_BLOCKED;
	for (int turn = 0; rc == RELAY_AGAIN && turn < TURN_CHUNKS; turn++) {
		if (r->eof)
			return finish(r, to);
		/* A receiver that is full gets no chunk to hold: what is unread stays in the
		 * sender's window. */
		if (!from->readable || !to->writable)
			return RELAY_BLOCKED;
		r->chunk = bufpool_get(pool);
		rc = r->chunk ? fill(r, from, pool, stats) : pass(r, from, to, pool, stats);
		if (rc == RELAY_AGAIN && r->len > 0)
			rc = flush(r, to, pool, stats);
	}
	return rc;
}

void relay_drop(struct relay *r, struct bufpool *pool)
{
	if (r->chunk)
		bufpool_put(pool, r->chunk);
	r->chunk = NULL;
	r->len = 0;
}
