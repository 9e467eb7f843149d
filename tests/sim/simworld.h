/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Worlds for two simulated TCPs: the path between them, what it does in time, and how the
 * connections are set. Everything is drawn from the seed, or the kind is asked for by name.
 */
#ifndef LEAT_TESTS_SIMWORLD_H
#define LEAT_TESTS_SIMWORLD_H

#include "simapp.h"
#include "simnet.h"

/* kind, name, how often, of the sum of all */
#define SIMWORLD_TABLE(X) \
	X(PLAIN, "plain", 12)    /* delay, jitter, loss, bursts, duplicates, corruption, rate */ \
	X(SHARED, "shared", 3)   /* different congestion controls share a bottleneck */ \
	X(BLOAT, "bloat", 2)     /* a queue of seconds */ \
	X(ACKLOSS, "ackloss", 2) /* a tenth to a half of what comes back is lost */ \
	X(REORDER, "reorder", 2) /* a tenth overtaken */ \
	X(BLACKHOLE, "blackhole", 3)   /* one direction loses everything for a while */ \
	X(WRAP, "wrap", 2)             /* sequence numbers and timestamps wrap under way */ \
	X(LONGFAT, "longfat", 1)       /* 10 Gbit/s x 100 ms */ \
	X(ZEROWINDOW, "zerowindow", 2) /* readers that stop, again and again; small buffers */ \
	X(SMALLMSS, "smallmss", 2) \
	X(MTU, "mtu", 2) /* a router whose links grow narrower and wider */

enum simworld_kind {
#define X(id, name, weight) SIMWORLD_##id,
	SIMWORLD_TABLE(X)
#undef X
		SIMWORLDS
};

extern const char *const simworld_name[SIMWORLDS];

/* Something changes on the way. */
struct simturn {
	uint64_t at_ns; /* from the start */
	enum sim_dir dir;
	bool hole;    /* the direction loses everything from now on; else as drawn */
	uint32_t mtu; /* of the router's link in that direction, 0: no change */
};

#define SIMWORLD_TURNS 12u

struct simworld {
	enum simworld_kind kind;
	bool v6;
	/* Between client and server, or client and router. */
	struct sim_wire_conf wire;
	bool router;
	struct sim_wire_conf far; /* router and server */
	unsigned n_conns;
	bool mixed_cc;   /* each congestion control in turn; else the default */
	bool wrap;       /* numbers near 2^32 */
	uint32_t maxseg; /* of the clients, 0: unset */
	uint32_t rcvbuf; /* of both, 0: unset */
	unsigned n_turns, next_turn;
	struct simturn turn[SIMWORLD_TURNS];
};

/* -1: no such world. */
int simworld_by_name(const char *name);
/* kind: enum simworld_kind or -1, by chance. */
void simworld_draw(struct simworld *w, struct simnet *n, int kind);
/* What each end sends, how often it stops reading. */
void simworld_draw_ends(const struct simworld *w, struct simnet *n, struct simapp *client,
			struct simapp *server);
/* The hosts, wires, addresses and routes. pools: client, server, router. 0 or -errno. */
NODISCARD int simworld_build(const struct simworld *w, struct simnet *n,
			     struct mbuf_pool *pools[SIMNET_HOSTS]);
const char *simworld_server(const struct simworld *w);
/* After tcp_init() of both: move the clocks so that timestamps wrap soon. */
void simworld_wrap(const struct simworld *w, struct simnet *n);
/* Do what is due; start_ns is when the run began. */
void simworld_turn(struct simworld *w, struct simnet *n, uint64_t start_ns);
/* When the next turn is due; UINT64_MAX: there is none. */
uint64_t simworld_next_ns(const struct simworld *w, uint64_t start_ns);

/* simisn.c: initial sequence numbers just below 2^32 from now on, or the real ones. */
void simisn_near_wrap(struct simnet *n);

#endif
