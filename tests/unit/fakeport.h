/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port for tests, and a stack around it on virtual time. The test feeds frames as bytes and
 * looks at the bytes of what was sent; frames are kept on the heap, so that the packet pool is full
 * whenever the stack holds nothing.
 *
 *	struct fakehost h;
 *
 *	fakehost_create(&h, &(struct fakehost_conf){.n_ports = 1});
 *	fakeport_feed(h.port[0], frame, len);
 *	fakehost_run(&h);
 *	struct fakeframe *f = fakeport_sent(h.port[0]);
 *	...
 *	fakeframe_free(f);
 *	fakehost_destroy(&h);        // asserts a full pool and no DROP_UNSPEC
 */
#ifndef LEAT_TESTS_FAKEPORT_H
#define LEAT_TESTS_FAKEPORT_H

#include "base/list.h"
#include "base/memfail.h"
#include "core/stack.h"
#include "port/port.h"

#include <stdbool.h>
#include <stdint.h>

/* One frame, received or sent; begins with the Ethernet header. */
struct fakeframe {
	struct list link;
	uint32_t len;
	uint16_t gso_size;
	uint8_t gso_type;   /* enum mbuf_gso */
	uint8_t csum;       /* enum mbuf_csum */
	uint8_t csum_field; /* with PARTIAL */
	uint16_t l4_off;    /* with PARTIAL or gso_size: from the start of the frame */
	unsigned n_segs;    /* sent: buffers it lay in */
	uint8_t data[];
};

struct fakeport {
	struct port port;
	struct list rx; /* to be received */
	struct list tx; /* was sent */
	unsigned n_rx, n_tx;
	uint64_t total_tx;   /* ever sent, also what fakeport_forget() threw away */
	uint32_t rx_seg;     /* cut what is received into buffers of so many bytes, 0: as few as
				possible */
	bool rx_shared;      /* others look at what is received too: it must not be written to */
	struct mbufq others; /* these */
	bool full;           /* transmit takes nothing */
	bool down;
};

/* caps: PORT_CAP_*; 0 lets port_tx() finish checksums and cut superpackets. NULL: no memory. */
struct fakeport *fakeport_create(const char *name, struct mbuf_pool *pool, unsigned number,
				 uint32_t mtu, uint32_t caps);

/* Queue a copy of a frame for reception. */
void fakeport_feed(struct fakeport *fp, const void *frame, uint32_t len);
/* Queue a frame with metadata; the port owns it. */
void fakeport_feed_frame(struct fakeport *fp, struct fakeframe *f);
/* A frame with room for len bytes, metadata zeroed. Never NULL (aborts). */
struct fakeframe *fakeframe_alloc(uint32_t len);
void fakeframe_free(struct fakeframe *f);

/* Take the oldest frame sent; NULL: none. */
struct fakeframe *fakeport_sent(struct fakeport *fp);
/* Throw away all that was sent; returns how many. */
unsigned fakeport_forget(struct fakeport *fp);

/* ---- a stack with such ports ---- */

struct fakehost_conf {
	unsigned n_ports;
	uint32_t mtu;     /* 0: 1500 */
	uint32_t caps;    /* of every port */
	uint32_t n_small; /* pool sizes, 0: 2048 and 64 */
	uint32_t n_big;
	uint32_t max_sockets;
	uint32_t max_neighbours;
	uint64_t seed;     /* of the stack's random numbers */
	uint64_t start_ns; /* of the clock, 0: 1 s */
};

#define FAKEHOST_PORTS 4u

struct fakehost {
	struct memfail mem; /* the stack's memory: fail it, count it */
	struct mbuf_pool *pool;
	struct stack *s;
	struct fakeport *port[FAKEHOST_PORTS];
	unsigned n_ports;
	uint64_t now_ns;
	uint64_t rng;
};

/* Starts the EAL at the first call. Asserts success; h must stay in place. MACs are
 * 02:00:00:00:00:01 for port 0, ...:02 for port 1. */
void fakehost_create(struct fakehost *h, const struct fakehost_conf *conf);
/* Call the layers' fini first. Asserts that every buffer and every byte is back, and that no drop
 * was counted as DROP_UNSPEC. */
void fakehost_destroy(struct fakehost *h);

/* Rounds until one finds nothing to do. Time stands still. Returns how many did something. */
unsigned fakehost_run(struct fakehost *h);
/* Go ns forward, stopping at each timer on the way, running rounds there. */
void fakehost_advance(struct fakehost *h, uint64_t ns);

uint64_t fakehost_drops(const struct fakehost *h, enum drop_reason why);
uint64_t fakehost_drops_all(const struct fakehost *h);

#endif
