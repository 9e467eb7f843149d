/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleeping without work: on the ports' descriptors, with the next timer as timeout. A port that
 * has no descriptor must be polled; its sleeps are short and grow while nothing comes. Called
 * between rounds by the worker's thread.
 */
#include "core/stack.h"

#include "plat/wait.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

/* Ports without a descriptor: first and longest nap, and after how many empty naps it doubles. */
#define NAP_MIN_NS (50 * UINT64_C(1000))
#define NAP_MAX_NS (1000 * UINT64_C(1000))
#define NAP_STEP   64u
/* A port whose queue is full without a descriptor to wait on: look again after this. */
#define TX_RETRY_NS (20 * UINT64_C(1000))

struct sleeper {
	struct pollfd fds[STACK_WAIT_FDS + 1];
	nfds_t n;
	bool must_poll;
	bool tx_blind;
};

static void add_fd(struct sleeper *w, int fd, short events)
{
	w->fds[w->n++] = (struct pollfd){.fd = fd, .events = events};
}

static void add_port(struct sleeper *w, struct stack *s, unsigned i)
{
	struct port *p = s->ports[i];
	int fd = (p->caps & PORT_CAP_WAIT_FD) ? p->ops->wait_fd(p) : -1;

	if (fd >= 0)
		add_fd(w, fd, POLLIN);
	else
		w->must_poll = true;
	if (!stack_tx_pending(s, i))
		return;
	fd = p->ops->tx_wait_fd ? p->ops->tx_wait_fd(p) : -1;
	if (fd >= 0)
		add_fd(w, fd, POLLOUT);
	else
		w->tx_blind = true;
}

/* 50 us at first, doubled after every 64 idle rounds without a packet, up to 1 ms. */
static uint64_t nap_ns(struct stack *s)
{
	uint64_t shift = s->idle_naps / NAP_STEP;

	s->idle_naps++;
	return shift > 4 ? NAP_MAX_NS : min_u64(NAP_MIN_NS << shift, NAP_MAX_NS);
}

/* Timers, work, and ports that have something to do without their descriptor saying so. */
static uint64_t next_local_ns(const struct stack *s)
{
	uint64_t next = list_empty(&s->work) ? wheel_next_ns(&s->wheel) : s->now_ns;

	for (unsigned i = 0; i < s->n_ports; i++)
		if (s->ports[i]->ops->next_ns)
			next = min_u64(next, s->ports[i]->ops->next_ns(s->ports[i]));
	return next;
}

/* What to wait for, and until when. */
static uint64_t plan(struct stack *s, struct sleeper *w)
{
	uint64_t now = s->env.mono_ns(s->env.ctx);
	uint64_t until;

	/* First: a port that arms an interrupt may find frames that came before it was on. */
	for (unsigned i = 0; i < s->n_ports; i++)
		add_port(w, s, i);
	until = next_local_ns(s);
	if (s->wake_fd >= 0)
		add_fd(w, s->wake_fd, POLLIN);
	if (w->must_poll)
		until = min_u64(until, now + nap_ns(s));
	if (w->tx_blind)
		until = min_u64(until, now + TX_RETRY_NS);
	return until;
}

uint64_t stack_wait_plan(struct stack *s, struct pollfd fds[STACK_WAIT_FDS], unsigned *n)
{
	struct sleeper w = {.n = 0};
	uint64_t until = plan(s, &w);

	*n = (unsigned)w.n;
	memcpy(fds, w.fds, w.n * sizeof(fds[0]));
	return until;
}

int stack_sleep(struct stack *s, uint64_t deadline_ns, int extra_fd, const sigset_t *sigmask)
{
	struct sleeper w = {.n = 0};
	uint64_t until = min_u64(deadline_ns, plan(s, &w));
	uint64_t now = s->env.mono_ns(s->env.ctx);
	int rc;

	if (extra_fd >= 0)
		add_fd(&w, extra_fd, POLLIN);
	if (until <= now)
		return 0;
	stack_charge(s, STACK_PHASE_POLL);
	s->prof.sleeps++;
	rc = plat_wait(w.fds, (unsigned)w.n, until == UINT64_MAX ? PLAT_WAIT_FOREVER : until - now,
		       sigmask);
	stack_charge(s, STACK_PHASE_SLEEP);
	return rc == -EINTR ? -EINTR : 0;
}
