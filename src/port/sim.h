/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A simulated wire: two ports in one process, joined by a path in each direction that delays,
 * reorders, loses, doubles and corrupts frames, limits the rate and drops when its queue is full.
 * Time is the caller's virtual clock, chance a generator inside with a seed: the same calls give
 * the same run. One thread.
 *
 * What fell on the wire stays out of the pools: frames are copied to the heap when sent and into a
 * buffer of the receiver's pool when received, so that both ends may have their own pools, and
 * "pool full" can be asserted with frames still under way. conf.move carries the buffers instead.
 */
#ifndef LEAT_PORT_SIM_H
#define LEAT_PORT_SIM_H

#include "base/compiler.h"
#include "base/mem.h"
#include "port/port.h"

#include <stdbool.h>
#include <stdint.h>

#define SIM_PPM 1000000u /* chances are in parts per million */

/* One direction. All zero: a perfect wire without delay. */
struct sim_path {
	uint64_t delay_ns;
	uint64_t jitter_ns;   /* up to so much more, evenly: reorders */
	bool keep_order;      /* jitter without reordering */
	uint32_t reorder_ppm; /* chance that a frame is held back for reorder_ns ... */
	uint64_t reorder_ns;  /* ... beside the jitter */
	uint32_t loss_ppm;
	uint32_t burst_ppm;     /* chance that a loss burst begins with a frame */
	uint32_t burst_end_ppm; /* chance that it ends with a frame; 0: never */
	uint32_t dup_ppm;
	uint32_t corrupt_ppm; /* one bit of the IP packet is flipped */
	uint64_t rate_bps;    /* bits a second, 0: no limit */
	uint32_t queue_bytes; /* waiting to be sent at that rate; 0: no limit */
	bool full_stops;      /* a full queue takes nothing more, instead of dropping */
};

struct sim_wire_conf {
	uint64_t seed;
	struct sim_path ab, ba;
	uint32_t mtu;    /* 0: 1500 */
	uint32_t number; /* of this wire: makes the ports' link addresses and names unique */
	/*
	 * Superpackets and unfinished checksums travel as they are, as between local interfaces.
	 * Otherwise port_tx() cuts and finishes, and what arrives must be verified.
	 */
	bool offload;
	/* Carry the buffers instead of copies; cheaper, but a frame under way is out of its pool.
	 */
	bool move;
	const struct mem *mem; /* NULL: mem_libc() */
};

enum sim_dir { SIM_AB, SIM_BA, SIM_DIRS };

/* What happened to a frame, for the hook and the capture. */
#define SIM_EVENT_TABLE(X) \
	X(SENT, "sent") \
	X(DELIVERED, "delivered") \
	X(LOST, "lost") \
	X(BURST, "lost in a burst") \
	X(QUEUE, "dropped, queue full") \
	X(TOOBIG, "dropped, larger than the MTU") \
	X(DOWN, "dropped, link down") \
	X(DUPLICATED, "duplicated") \
	X(CORRUPTED, "corrupted") \
	X(NOBUF, "dropped, receiver has no buffer") \
	X(NOMEM, "dropped, no memory")

enum sim_event {
#define X(id, text) SIM_##id,
	SIM_EVENT_TABLE(X)
#undef X
		SIM_EVENTS
};

extern const char *const sim_event_text[SIM_EVENTS];

/*
 * The law: sent + duplicated + cut = delivered + lost + burst + queue + toobig + down + nobuf +
 * nomem + in flight. A corrupted superpacket goes on as the frames it stands for: cut counts what
 * that added.
 */
struct sim_stats {
	uint64_t n[SIM_EVENTS];
	uint64_t cut;
	uint64_t reordered; /* delivered after one that was sent later */
	uint64_t bytes_sent, bytes_delivered;
	uint32_t in_flight;
};

struct sim_wire;

/*
 * Make a wire; pools may be the same. now_ns is borrowed for the wire's life. Its memory goes when
 * both ports are closed. -ENOMEM.
 */
NODISCARD int sim_wire_create(const struct sim_wire_conf *conf, const uint64_t *now_ns,
			      struct mbuf_pool *pool_a, struct mbuf_pool *pool_b, struct port **a,
			      struct port **b);
/* The wire that a port made here is an end of. */
struct sim_wire *sim_wire_of(struct port *p);

/* Change a path under way; frames in flight keep their time. */
void sim_wire_path(struct sim_wire *w, enum sim_dir dir, const struct sim_path *path);
/* Pull the plug (frames in flight are lost) or put it back. */
void sim_wire_link(struct sim_wire *w, bool up);
void sim_wire_stats(const struct sim_wire *w, enum sim_dir dir, struct sim_stats *out);
/* When the next frame arrives at either end; UINT64_MAX: none is under way. */
uint64_t sim_wire_next_ns(const struct sim_wire *w);

/* One frame and what happens to it; frame is valid during the call. */
struct sim_report {
	enum sim_dir dir;
	enum sim_event event;
	uint64_t now_ns;
	struct view frame;
};

/* Call fn with every event; NULL: no more. fn must not send. 0 or -ENOMEM. */
NODISCARD int sim_wire_hook(struct sim_wire *w, void (*fn)(void *ctx, const struct sim_report *r),
			    void *ctx);

/* Write all events to a pcapng file, with what happened as comment; ends with the wire. Returns 0
 * or -errno; a later write error ends the capture. */
NODISCARD int sim_wire_pcap(struct sim_wire *w, const char *path);

#endif
