/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The per-core stack instance and its run-to-completion loop.
 *
 * Everything a worker needs hangs on struct stack; nothing is shared, nothing is locked. A round
 * (stack_poll) reads the clock once and runs the phases: receive from every port, timers, the
 * deferred work (TCP output of the connections marked), transmit. Layers above register
 * themselves here; calls upward go through these tables.
 *
 * Thread: all calls from the thread that owns the stack.
 */
#ifndef LEAT_CORE_STACK_H
#define LEAT_CORE_STACK_H

#include "base/hash.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/wheel.h"
#include "mbuf/mbuf.h"
#include "port/port.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#define STACK_MAX_PORTS 16u
#define STACK_TXQ_LEN   512u /* frames held for a port that is momentarily full */

struct stack;
struct link;
struct inet;
struct udp;
struct tcp;
struct sock_layer;

/* Where time, randomness and memory come from: the real ones, or a simulation's. */
struct stack_env {
	uint64_t (*mono_ns)(void *ctx);
	uint64_t (*wall_ns)(void *ctx); /* ns since 1970: initial sequence numbers, timestamps */
	void (*random)(void *ctx, void *buf, size_t len);
	void *ctx;
	const struct mem *mem;
	uint8_t secret[32]; /* survives a restart: ISNs and timestamp offsets come from it */
};

struct stack_conf {
	struct stack_env env;
	struct mbuf_pool *pool; /* borrowed: outlives the stack */
	uint8_t core;
	uint32_t max_sockets;    /* of all kinds, 0: default */
	uint32_t max_neighbours; /* 0: default */
};

/* Work put off to the output phase of this round; linked at most once. */
struct stack_work {
	struct list link;
	void (*fn)(struct stack *s, struct stack_work *w);
};

/* What the loop spends its cycles on, one row a phase. */
#define STACK_PHASE_TABLE(X) \
	X(RX, "receive") \
	X(INPUT, "input") /* link, IP, transport input */ \
	X(TIMER, "timers") \
	X(OUTPUT, "output") \
	X(TX, "transmit") \
	X(APP, "application") /* between two waits of the program */ \
	X(POLL, "idle-poll")  /* rounds that found nothing to do */ \
	X(SLEEP, "idle-sleep")

enum stack_phase {
#define X(id, name) STACK_PHASE_##id,
	STACK_PHASE_TABLE(X)
#undef X
		STACK_PHASE_COUNT
};

struct stack_profile {
	uint64_t cycles[STACK_PHASE_COUNT];
	uint64_t rounds;
	uint64_t idle_rounds;
	uint64_t sleeps;
};

/* Frames that wait for room in a port. */
struct stack_txq {
	struct mbuf *pkts[STACK_TXQ_LEN];
	uint32_t count;
};

struct stack {
	uint64_t now_ns; /* monotonic; read at the start of a round, of a flush, and stack_tick() */
	struct mbuf_pool *pool;
	struct wheel wheel;
	struct list work; /* struct stack_work */

	struct port *ports[STACK_MAX_PORTS];
	struct stack_txq txq[STACK_MAX_PORTS];
	unsigned n_ports;

	struct link *link;
	struct inet *inet;
	struct udp *udp;
	struct tcp *tcp;
	struct sock_layer *sock;

	/* Registered by the link layer: takes a burst from a port, consumes every frame. */
	void (*link_input)(struct stack *s, unsigned port, struct mbuf **pkts, uint16_t n);
	/* Registered by any layer: called once a round before transmit; the first ones are used. */
	void (*round_end[4])(struct stack *s);

	struct stack_env env;
	struct hash_key hash_key;
	uint8_t core;
	uint32_t max_sockets;
	uint32_t max_neighbours;
	struct stack_profile prof;
	uint64_t last_cycles;
	uint64_t idle_naps; /* since the last packet: ports without a descriptor */
	int wake_fd;        /* ends sleeps, for other threads; -1: none */
};

NODISCARD int stack_create(const struct stack_conf *conf, struct stack **out);
/* Layers above are torn down first by their own fini. Frames in transmit queues are dropped. */
void stack_destroy(struct stack *s);

/* Attach a port (ownership moves: stack_destroy closes it). Returns its index or -ENOSPC. */
int stack_port_add(struct stack *s, struct port *p);
/* Take back the last stack_port_add(): close that port, which no interface uses. */
void stack_port_del(struct stack *s);

/* Run fn in the output phase of this round (or of the next, when called from outside one). */
static inline void stack_defer(struct stack *s, struct stack_work *w)
{
	if (!list_linked(&w->link))
		list_add_tail(&s->work, &w->link);
}

static inline void stack_work_init(struct stack_work *w,
				   void (*fn)(struct stack *s, struct stack_work *w))
{
	list_init(&w->link);
	w->fn = fn;
}

static inline void stack_work_cancel(struct stack_work *w)
{
	list_del(&w->link);
}

/* Do frames wait for room in the port? */
static inline bool stack_tx_pending(const struct stack *s, unsigned port)
{
	return s->txq[port].count > 0 || s->ports[port]->held.count > 0;
}

/* Call fn once a round, before transmit; there is room for all layers. */
void stack_round_end_add(struct stack *s, void (*fn)(struct stack *s));
void stack_round_end_del(struct stack *s, void (*fn)(struct stack *s));

/* Queue a finished frame on a port; sent in the transmit phase. Consumes in. */
void stack_tx(struct stack *s, unsigned port, mbuf_own in);

/* One round. Returns how much it did: frames in + timers + work items + frames out. */
unsigned stack_poll(struct stack *s);
/* Read the clock: before a call of the program arms a timer or sends by itself, since the last
 * round may be long ago. */
void stack_tick(struct stack *s);
/* Only the output and transmit phases: what the program just caused leaves now. */
void stack_flush(struct stack *s);
/*
 * Sleep until a port has input, extra_fd (-1: none) is readable, the next timer is due or
 * deadline_ns (stack clock; UINT64_MAX: none) has come. sigmask (NULL: the present one) holds
 * during the sleep, as in ppoll(2). Returns 0, or -EINTR when a signal handler ran.
 */
int stack_sleep(struct stack *s, uint64_t deadline_ns, int extra_fd, const sigset_t *sigmask);
/* The earliest time anything is to be done without input; UINT64_MAX: nothing. */
uint64_t stack_next_ns(const struct stack *s);
/*
 * The same for somebody who sleeps elsewhere (a kernel epoll): the descriptors that end such a
 * sleep, and the time (stack clock) when it must end; then stack_poll().
 */
#define STACK_WAIT_FDS (2u * STACK_MAX_PORTS + 1u)
uint64_t stack_wait_plan(struct stack *s, struct pollfd fds[STACK_WAIT_FDS], unsigned *n);
/* Charge the cycles since the last call to a phase. */
void stack_charge(struct stack *s, enum stack_phase phase);

/* Keyed hashes for numbers that outsiders must not guess (SipHash under env.secret). */
uint64_t stack_keyed_hash(const struct stack *s, const void *data, size_t len);
uint32_t stack_random_u32(struct stack *s);

#endif
