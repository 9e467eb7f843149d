/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Knotes: kqueue's registrations, and what each filter does. Inside the kqueue face; worker thread.
 */
#ifndef LEAT_SOCK_KNOTE_H
#define LEAT_SOCK_KNOTE_H

#include "base/wheel.h"
#include "sock/set.h"

struct knote_filter;

struct knote {
	struct evitem it; /* src NULL: in kq->own, found by ident and filter */
	const struct knote_filter *fl;
	uintptr_t ident;
	int16_t filter;
	uint16_t flags;    /* EV_ONESHOT, EV_CLEAR, EV_DISPATCH as given when added */
	uint32_t sfflags;  /* the program's fflags */
	int64_t sdata;     /* ... and data */
	int64_t count;     /* TIMER: expirations; USER: triggered */
	uint32_t k_events; /* kernel descriptor: what its poll asks for; 0: not one */
	int pidfd;         /* PROC: one more than the descriptor; 0: none */
};

struct knote_timer {
	struct knote kn;
	struct wheel_timer timer;
	struct stack *stack;
	uint64_t period_ns; /* 0: fires once */
};

/* What a filter does. */
struct knote_filter {
	int16_t filter;
	bool timer;    /* its knotes are struct knote_timer */
	uint32_t bits; /* readiness of a socket that fires it; 0: not for descriptors */
	/* A change for a knote, new or there already. May refuse. */
	int (*touch)(struct evfile *kq, struct knote *kn, const struct kevent *ch, bool fresh);
	/* Does it fire now? Then fill data, fflags and EV_EOF of out, which may be NULL. */
	bool (*check)(struct knote *kn, struct kevent *out);
	/* Delivered with EV_CLEAR; NULL: nothing to do. */
	void (*clear)(struct knote *kn);
	void (*detach)(struct evfile *kq, struct knote *kn);
};

/* NULL: no such filter. */
const struct knote_filter *knote_filter_of(int filter);

/* kqtimer.c, kqsignal.c, kqproc.c */
extern const struct knote_filter knote_filter_timer;
extern const struct knote_filter knote_filter_user;
extern const struct knote_filter knote_filter_signal;
extern const struct knote_filter knote_filter_proc;

void kqueue_signals_fini(struct sock_layer *l);
/* Take those that the program holds back. Before a sleep, and when the kernel's set says so. */
void kqueue_signals_poll(struct evfile *kq);
#define KNOTE_SIGNAL_TAG (UINT64_C(2) << 32)
/* The kernel's set says: a process has ended. Tag of its events there, beside the number. */
#define KNOTE_PROC_TAG (UINT64_C(1) << 32)
void knote_proc_ended(struct evfile *kq, uintptr_t pid);

/* Kernel descriptors: READ and WRITE. */
NODISCARD int knote_kernel_touch(struct evfile *kq, struct knote *kn, const struct kevent *ch);
bool knote_kernel_check(struct knote *kn, struct kevent *out);
/* Enabled or disabled: tell the kernel, whose set must not wake us for nothing. */
void knote_kernel_update(struct evfile *kq, struct knote *kn);
void knote_kernel_detach(struct evfile *kq, struct knote *kn);
/* Fire the knotes whose kernel descriptors are ready. */
void kqueue_kernel_poll(struct evfile *kq);

/* A knote of the row that has no Leat descriptor. */
struct knote *kqueue_own_find(const struct evfile *kq, uintptr_t ident, int filter);

static inline struct knote *knote_of(struct evitem *it)
{
	return CONTAINER_OF(it, struct knote, it);
}

static inline struct knote_timer *knote_timer_of(struct knote *kn)
{
	return CONTAINER_OF(kn, struct knote_timer, kn);
}

#endif
