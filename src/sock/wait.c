/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocking calls run the stack: a round, then polling for a short while as long as packets come,
 * then sleep on the ports' descriptors and timers.
 *
 * A signal must end the wait although the handler may run at any moment, not only in the sleep. So
 * from the second round on signals are held back, and let in by the kernel's wait only, which
 * notices them: no window in which one is handled and the wait goes on. Traffic that keeps the loop
 * from sleeping must not keep them out: then they are let in every millisecond. Worker thread.
 */
#include "sock/wait.h"

#include "plat/wait.h"
#include "sock/restart.h"
#include "sock/watch.h"

#include <signal.h>

/* So long may a signal wait for a busy loop. */
#define SIGNAL_GAP_NS UINT64_C(1000000)

/* Hold back what may be held back: not the signals of faults, nor a profiler's. */
static void block_signals(sigset_t *old)
{
	static const int keep[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGPROF};
	sigset_t all;

	sigfillset(&all);
	for (size_t i = 0; i < ARRAY_LEN(keep); i++)
		sigdelset(&all, keep[i]);
	(void)pthread_sigmask(SIG_SETMASK, &all, old);
}

static uint64_t deadline_of(const struct stack *s, uint64_t timeout_ns)
{
	return timeout_ns > UINT64_MAX - s->now_ns ? UINT64_MAX : s->now_ns + timeout_ns;
}

/* A wait for nothing: handles what is pending, and says so. */
static bool signal_came(const sigset_t *sigmask, bool restart)
{
	if (restart)
		return restart_let_in(sigmask) == -EINTR;
	return plat_wait(NULL, 0, 0, sigmask) == -EINTR;
}

/* Not when a call of another thread has come; the next one wakes. */
static int sleep_once(struct stack *s, const struct sock_wait *w, uint64_t deadline_ns,
		      const sigset_t *sigmask)
{
	struct inbox *in = &s->sock->inbox;
	int fd = w->restart ? restart_fd(s->sock, sigmask) : w->fd;
	const sigset_t *mask = w->restart && fd >= 0 ? NULL : sigmask;
	int rc;

	if (in->fd < 0)
		return stack_sleep(s, deadline_ns, fd, mask);
	if (!inbox_before_sleep(in))
		return 0;
	rc = stack_sleep(s, deadline_ns, fd, mask);
	inbox_after_sleep(in);
	return rc;
}

static int wait_loop(struct stack *s, const struct sock_wait *w, const sigset_t *sigmask)
{
	uint64_t deadline_ns = deadline_of(s, w->timeout_ns);
	uint64_t busy_ns = s->now_ns;
	uint64_t let_in_ns = s->now_ns;

	for (;;) {
		bool sleep = s->now_ns - busy_ns >= s->sock->spin_ns;

		if (sleep && sleep_once(s, w, deadline_ns, sigmask) == -EINTR)
			return -EINTR;
		/* Also after a sleep: it returns without a look at signals when there is work. */
		if ((sleep && w->restart) || s->now_ns - let_in_ns >= SIGNAL_GAP_NS) {
			if (signal_came(sigmask, w->restart))
				return -EINTR;
			let_in_ns = s->now_ns;
		}
		if (inbox_pending(&s->sock->inbox))
			inbox_run(s, &s->sock->inbox);
		if (stack_poll(s) > 0)
			busy_ns = s->now_ns;
		if (w->done(s, w->arg, sleep))
			return 0;
		if (s->now_ns >= deadline_ns)
			return -EAGAIN;
	}
}

int sock_wait(struct stack *s, const struct sock_wait *w)
{
	sock_round(s);
	if (!w->done(s, w->arg, false))
		return sock_wait_on(s, w);
	watch_settle(s);
	return 0;
}

int sock_wait_on(struct stack *s, const struct sock_wait *w)
{
	sigset_t old;
	int rc;

	if (w->timeout_ns == 0 || s->sock->inbox.running)
		return -EAGAIN;
	block_signals(&old);
	s->sock->program_mask = &old;
	rc = wait_loop(s, w, w->sigmask ? w->sigmask : &old);
	s->sock->program_mask = NULL;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	watch_settle(s);
	return rc;
}

struct bits_wait {
	const struct evsrc *src;
	uint32_t bits;
};

static bool bits_done(struct stack *s, void *arg, bool slept)
{
	const struct bits_wait *b = arg;

	(void)s;
	(void)slept;
	return (b->src->ready & b->bits) != 0;
}

int sock_wait_bits(struct stack *s, struct socket *so, uint32_t bits, uint64_t timeout_ns,
		   bool moved)
{
	struct bits_wait b = {&so->f.src, bits};
	struct sock_wait w = {
		.done = bits_done,
		.arg = &b,
		.timeout_ns = timeout_ns ? timeout_ns : SOCK_FOREVER,
		.fd = -1,
		.restart = timeout_ns == 0 && !moved,
	};

	return sock_wait(s, &w);
}

static uint64_t busy_rounds(const struct stack *s)
{
	return s->prof.rounds - s->prof.idle_rounds;
}

static bool something_done(struct stack *s, void *arg, bool slept)
{
	(void)slept;
	return busy_rounds(s) != *(const uint64_t *)arg;
}

int sock_run(struct stack *s, uint64_t timeout_ns)
{
	uint64_t before = busy_rounds(s);
	struct sock_wait w = {
		.done = something_done,
		.arg = &before,
		.timeout_ns = timeout_ns,
		.fd = -1,
	};
	int rc = sock_wait(s, &w);

	watch_settle(s);
	return rc == -EINTR ? rc : 0;
}

struct run_wait {
	bool (*done)(void *arg);
	void *arg;
};

static bool run_done(struct stack *s, void *arg, bool slept)
{
	const struct run_wait *r = arg;

	(void)s;
	(void)slept;
	return r->done(r->arg);
}

int sock_run_until(struct stack *s, uint64_t timeout_ns, bool (*done)(void *arg), void *arg)
{
	struct run_wait r = {done, arg};
	struct sock_wait w = {.done = run_done, .arg = &r, .timeout_ns = timeout_ns, .fd = -1};

	return sock_wait(s, &w);
}
