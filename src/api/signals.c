/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counting signals for EVFILT_SIGNAL, and what the program set for them.
 *
 * A watched signal has our handler in the kernel. It counts, posts a call to the inbox of each
 * worker that watches anything (a list push and a write: safe in a handler), and goes on to the
 * program's handler. kqueue(2): ignored signals count too, but for SIGCHLD, which changes what
 * becomes of children. A signal whose default ends or stops the process keeps that.
 *
 * Changes are made under a lock; the handler reads without.
 */
#include "api/signals.h"

#include "api/call.h"

#include <leat/signal.h>

#include <errno.h>
#include <sched.h>

static struct watched *watched_of(int sig)
{
	return &process.signals[sig];
}

static bool is_watched(int sig)
{
	return sig > 0 && sig < NSIG && atomic_load(&watched_of(sig)->watchers) > 0;
}

static const struct sigaction *wanted(struct watched *w)
{
	return &w->wanted[atomic_load(&w->in_use)];
}

static void want(struct watched *w, const struct sigaction *sa)
{
	uint8_t next = !atomic_load(&w->in_use);

	w->wanted[next] = *sa;
	atomic_store(&w->in_use, next);
}

/* sigaction(2) may be called by a handler, so none may run while we hold the lock. */
static void lock(sigset_t *old)
{
	sigset_t all;

	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, old);
	(void)pthread_mutex_lock(&process.signal_lock);
}

static void unlock(const sigset_t *old)
{
	(void)pthread_mutex_unlock(&process.signal_lock);
	(void)pthread_sigmask(SIG_SETMASK, old, NULL);
}

static bool is_handler(const struct sigaction *sa)
{
	return sa->sa_flags & SA_SIGINFO ||
	       (sa->sa_handler != SIG_DFL && sa->sa_handler != SIG_IGN);
}

static void post_all(void)
{
	for (unsigned i = 1; i <= OWNER_WORKERS; i++) {
		struct signal_post *p = &process.posts[i];
		struct inbox *in = atomic_load(&p->inbox);

		if (in && !atomic_exchange(&p->queued, true))
			inbox_post(in, &p->call);
	}
}

static void put_in_place(int sig, const struct sigaction *sa);

static void call_program(int sig, siginfo_t *info, void *context)
{
	struct sigaction sa = *wanted(watched_of(sig));

	if (!is_handler(&sa))
		return;
	if (sa.sa_flags & (int)SA_RESETHAND) {
		const struct sigaction dfl = {.sa_handler = SIG_DFL};

		want(watched_of(sig), &dfl);
		put_in_place(sig, &dfl);
	}
	if (sa.sa_flags & SA_SIGINFO)
		sa.sa_sigaction(sig, info, context);
	else
		sa.sa_handler(sig);
}

/* Any thread, at any moment. */
static void on_signal(int sig, siginfo_t *info, void *context)
{
	int err = errno;

	atomic_fetch_add(&process.in_handlers, 1);
	atomic_fetch_add(&watched_of(sig)->count, 1);
	post_all();
	atomic_fetch_sub(&process.in_handlers, 1);
	errno = err;
	call_program(sig, info, context);
}

/* Does nothing by default, so that ours may stand in. */
static bool default_is_nothing(int sig)
{
	return sig == SIGCHLD || sig == SIGURG || sig == SIGWINCH || sig == SIGCONT;
}

/* The kernel's view of a watched signal for which the program wants sa. */
static void put_in_place(int sig, const struct sigaction *sa)
{
	struct sigaction ours = *sa;

	if (is_handler(sa)) {
		ours.sa_flags |= SA_SIGINFO;
		ours.sa_flags &= ~(int)SA_RESETHAND;
		ours.sa_sigaction = on_signal;
	} else if (sa->sa_handler == SIG_IGN ? sig != SIGCHLD : default_is_nothing(sig)) {
		ours.sa_flags = SA_SIGINFO | SA_RESTART | (sa->sa_flags & SA_NOCLDSTOP);
		ours.sa_sigaction = on_signal;
		sigemptyset(&ours.sa_mask);
	}
	(void)sigaction(sig, &ours, NULL);
}

static bool is_ours_in_kernel(const struct sigaction *sa)
{
	return sa->sa_flags & SA_SIGINFO && sa->sa_sigaction == on_signal;
}

static void run_post(struct stack *s, struct inbox_call *c)
{
	struct signal_post *p = CONTAINER_OF(c, struct signal_post, call);

	/* First: a signal from now on posts again. */
	atomic_store(&p->queued, false);
	sock_signals_came(s);
}

static int watch(void *ctx, struct stack *s, int sig)
{
	struct signal_post *p = &process.posts[current.id];
	struct watched *w = watched_of(sig);
	struct sigaction now;
	sigset_t mask;

	(void)ctx;
	if (sig == SIGKILL || sig == SIGSTOP || sigaction(sig, NULL, &now) < 0)
		return -EINVAL;
	lock(&mask);
	if (atomic_fetch_add(&w->watchers, 1) == 0) {
		if (!is_ours_in_kernel(&now))
			want(w, &now);
		put_in_place(sig, wanted(w));
	}
	if (p->watched++ == 0) {
		p->call.run = run_post;
		atomic_store(&p->inbox, sock_inbox(s));
	}
	unlock(&mask);
	return 0;
}

/* Nobody posts to the worker's inbox any more. Handlers run in other threads alone, since ours are
 * held back; that part of them does not wait, so this ends soon. */
static void leave(struct signal_post *p)
{
	atomic_store(&p->inbox, NULL);
	while (atomic_load(&process.in_handlers) > 0)
		(void)sched_yield();
}

static void unwatch(void *ctx, struct stack *s, int sig)
{
	struct signal_post *p = &process.posts[current.id];
	struct watched *w = watched_of(sig);
	struct sigaction now;
	sigset_t mask;

	(void)ctx;
	(void)s;
	lock(&mask);
	if (atomic_fetch_sub(&w->watchers, 1) == 1 && sigaction(sig, NULL, &now) == 0 &&
	    is_ours_in_kernel(&now))
		(void)sigaction(sig, wanted(w), NULL);
	if (--p->watched == 0)
		leave(p);
	unlock(&mask);
}

static uint32_t count(void *ctx, int sig)
{
	(void)ctx;
	return atomic_load(&watched_of(sig)->count);
}

static void add(void *ctx, int sig)
{
	(void)ctx;
	atomic_fetch_add(&watched_of(sig)->count, 1);
	post_all();
}

const struct sock_signals api_signals = {
	.watch = watch, .unwatch = unwatch, .count = count, .add = add};

int leat_sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	struct sigaction before;
	sigset_t mask;

	if (!is_watched(sig))
		return sigaction(sig, act, old);
	lock(&mask);
	before = *wanted(watched_of(sig));
	if (act) {
		want(watched_of(sig), act);
		put_in_place(sig, act);
	}
	unlock(&mask);
	if (old)
		*old = before;
	return 0;
}

void (*leat_signal(int sig, void (*handler)(int)))(int)
{
	struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;

	return leat_sigaction(sig, &sa, &old) < 0 ? SIG_ERR : old.sa_handler;
}
