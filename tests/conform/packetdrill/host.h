/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One Leat stack on a clock of its own, for two threads: the mover, which makes time pass, and a
 * second one whose calls may block. A blocked call sleeps inside the stack's own wait (where it
 * asks the port for a descriptor) until the mover has done something; the mover then waits until
 * it sleeps again or has returned. So what happens when is the same in every run, however busy
 * the machine is.
 */
#ifndef LEAT_CONFORM_HOST_H
#define LEAT_CONFORM_HOST_H

#include "ipport.h"

#include "core/stack.h"

#include <pthread.h>

struct host_conf {
	const char *addr4; /* "192.168.0.1/16" */
	const char *addr6;
	uint32_t mtu;
};

enum host_guest {
	HOST_GUEST_AWAY,    /* no call of the second thread */
	HOST_GUEST_RUNNING, /* it has the stack */
	HOST_GUEST_BLOCKED,
};

struct host {
	pthread_mutex_t lock;
	pthread_cond_t moved;   /* for the guest: the stack may have news */
	pthread_cond_t settled; /* for the mover: the guest has looked */
	pthread_t mover;
	enum host_guest guest;
	bool woken;
	uint64_t guest_done_ns; /* when its last call returned; 0: it was told */
	int ready_fd;           /* always readable: ends a sleep at once */

	uint64_t now_ns;
	uint64_t rng;
	uint64_t patience_ns; /* a call of the mover that waits longer is stuck */
	struct mbuf_pool *pool;
	struct stack *s;
	struct ipport *port;
};

/* 0, or -errno with a line on stderr. h must stay in place. The caller is the mover. */
NODISCARD int host_init(struct host *h, const struct host_conf *conf);
void host_fini(struct host *h);

/* Around every call: the stack is the caller's between the two; leaving runs what it caused. */
void host_enter(struct host *h);
void host_leave(struct host *h);
bool host_is_mover(const struct host *h);

/* Let ns pass, stopping at each timer. Either thread, not inside a call. */
void host_advance(struct host *h, uint64_t ns);
/* What the clock says; looking takes a microsecond. To the second thread it says first when its
 * last call returned: how long it takes to get here is not the stack's. */
uint64_t host_time(struct host *h);
/* For the mover, inside: the next packet, as long as it takes but not over limit_ns. NULL: none
 * came. */
struct ippkt *host_wait_packet(struct host *h, uint64_t limit_ns);

#endif
