/* SPDX-License-Identifier: BSD-2-Clause */
/* One direction of a simulated wire; seen only by sim.c and sim_lane.c. */
#ifndef LEAT_PORT_SIM_LANE_H
#define LEAT_PORT_SIM_LANE_H

#include "port/sim.h"

/* A frame under way. */
struct sim_frame {
	uint64_t due_ns;
	uint64_t seq;   /* order of sending: breaks ties, tells reordering */
	struct mbuf *m; /* the carried buffer */
	uint32_t len;
	bool carried;    /* not copied: nothing in bytes */
	uint16_t l4_off; /* from the start of the frame */
	uint16_t gso_size;
	uint8_t csum, csum_field, gso_type, gso_ecn;
	uint8_t bytes[];
};

struct sim_lane {
	struct sim_wire *wire;
	enum sim_dir dir;
	struct sim_path path;
	uint64_t rng;
	uint64_t free_ns;     /* the transmitter is busy until then */
	uint64_t last_due_ns; /* keep_order */
	uint64_t next_seq;
	uint64_t seen_seq; /* newest delivered, plus one */
	bool in_burst;
	/* Binary heap by due_ns, then seq. */
	struct sim_frame **heap;
	uint32_t n_heap, cap_heap;
	struct sim_stats stats;
};

void sim_lane_init(struct sim_lane *l, struct sim_wire *w, enum sim_dir dir,
		   const struct sim_wire_conf *conf);
/* Frames under way are counted as DOWN. */
void sim_lane_purge(struct sim_lane *l);
void sim_lane_fini(struct sim_lane *l);
/* No room in the queue now (full_stops). */
bool sim_lane_full(const struct sim_lane *l);
/* Put a frame on the lane. Consumes in. */
void sim_lane_send(struct sim_lane *l, mbuf_own in);
/* The next frame that is due, in a buffer of pool; NULL: none. */
struct mbuf *sim_lane_receive(struct sim_lane *l, struct port *p);
uint64_t sim_lane_next_ns(const struct sim_lane *l);

/* What the lanes ask of the wire. */
uint64_t sim_wire_now(const struct sim_wire *w);
bool sim_wire_is_up(const struct sim_wire *w);
const struct sim_wire_conf *sim_wire_conf(const struct sim_wire *w);
/* Count an event and tell the hook and the capture. m or, when it is NULL, frame has the bytes. */
void sim_wire_event(struct sim_lane *l, enum sim_event event, const struct mbuf *m,
		    struct view frame);

#endif
