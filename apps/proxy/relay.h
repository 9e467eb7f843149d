/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One direction of a connection: bytes from one socket to the other, the end of the stream after
 * them. Bytes that the receiver does not take stay in one chunk, and nothing more is read until
 * they are gone: that is the whole back-pressure, the rest is done by the two TCP windows. Without
 * a chunk to be had only what the receiver takes is read, so that receivers who stall, however
 * many, never stop the others.
 */
#ifndef PROXY_RELAY_H
#define PROXY_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "bufpool.h"

struct stats;

/* A socket and what edge-triggered events told about it. Bits go down when a call could not go on.
 */
struct relay_end {
	int fd;
	bool readable;
	bool writable;
	bool ended;  /* the peer finished or failed: a short read is not the last one */
	bool failed; /* there was an error: what reads as an end of the stream is none */
};

struct relay {
	struct chunk *chunk; /* NULL: nothing is held */
	uint32_t off, len;   /* the bytes of the chunk that are still to be written */
	bool eof;            /* the sender has finished */
	bool done;           /* and the receiver has been told */
	uint64_t bytes;      /* written */
};

enum relay_result {
	RELAY_BLOCKED, /* goes on at the next event */
	RELAY_AGAIN,   /* its turn is over; more to do without an event */
	RELAY_DONE,
	RELAY_READ_ERROR, /* errno */
	RELAY_WRITE_ERROR,
};

/* Move what can be moved, up to a fair share of the loop's time. */
enum relay_result relay_run(struct relay *relay, struct relay_end *from, struct relay_end *to,
			    struct bufpool *pool, struct stats *stats);

/* Give the chunk back, with what it holds. */
void relay_drop(struct relay *relay, struct bufpool *pool);

#endif
