/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the library knows of its process and thread, and the first question of every call: is it
 * Leat's?
 *
 * `inside` counts how deep a thread is in Leat: what Leat, DPDK and the functions below them call
 * is the kernel's, whatever name it goes by.
 */
#ifndef LEAT_PRELOAD_STATE_H
#define LEAT_PRELOAD_STATE_H

#include "preload/config.h"
#include "preload/lib.h"
#include "preload/real.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

enum attach_state {
	ATTACH_OFF,     /* not configured: this library does nothing */
	ATTACH_LATER,   /* configured, no socket has needed the stack yet */
	ATTACH_UP,      /* a thread of this process is the worker */
	ATTACH_FORKED,  /* the stack was the parent's; nobody has been told yet */
	ATTACH_REFUSED, /* no port for this process: its sockets are the kernel's */
};

struct slots;

struct preload {
	_Atomic(void *) real[REAL_COUNT];
	_Atomic int attach;   /* enum attach_state */
	pthread_mutex_t lock; /* attaching, and slots; recursive */
	struct preload_config config;
	struct lib lib;
	struct slots *_Atomic slots;
	unsigned port_first, port_count; /* what this process has of the configured ports */
	int claim[CONFIG_PORTS];         /* one more than the descriptor: 0 is none */
};

struct thread {
	unsigned inside;
	bool worker; /* the stack's own: its waits run it */
};

extern struct preload preload;
extern _Thread_local struct thread me __attribute__((tls_model("initial-exec")));

#define EXPORT __attribute__((visibility("default")))

static inline bool is_up(void)
{
	return atomic_load_explicit(&preload.attach, memory_order_acquire) == ATTACH_UP;
}

/* A call of the program's, in a process that may have sockets of Leat's? */
static inline bool is_programs(void)
{
	return me.inside == 0 &&
	       atomic_load_explicit(&preload.attach, memory_order_relaxed) != ATTACH_OFF;
}

static inline bool is_leats(int fd)
{
	return is_up() && lib(fd_of)(fd) == LEAT_FD_LEAT;
}

/* A call into Leat. */
#define INSIDE(call) \
	({ \
		__typeof__(call) rc_; \
		me.inside++; \
		rc_ = (call); \
		me.inside--; \
		rc_; \
	})

/* The same for a call that may block: goes on after a signal where the kernel's would. */
#define INSIDE_RESTART(fd, call) \
	({ \
		__typeof__(call) rr_; \
		do { \
			rr_ = INSIDE(call); \
		} while (rr_ < 0 && errno == EINTR && restarts(fd)); \
		rr_; \
	})

/* After EINTR: signal(7) lets a call without time-out go on when the handler has SA_RESTART. Which
 * handler it was cannot be seen: so when all have it. Keeps errno. */
bool restarts(int fd);

/* One line on stderr. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
