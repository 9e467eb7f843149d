/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals and waits: a handler ends the wait, also with SA_RESTART; one that is blocked by the mask
 * of the call does not, and runs after it; one that is let in only by the mask is not missed.
 */
#include "conform.h"

#include <signal.h>

#define LONG_MS 20000

static void ends(int ep, int flags)
{
	struct epoll_event ev;

	catch_signal(SIGALRM, flags);
	raise_later(10);
	NOTE("wait", epoll_wait(ep, &ev, 1, LONG_MS));
	note("handled %u", caught());
	uncatch_signal(SIGALRM);
}

static void masked(int ep)
{
	struct epoll_event ev;
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGALRM);
	catch_signal(SIGALRM, 0);
	raise_later(5);
	NOTE("masked", epoll_pwait(ep, &ev, 1, 50, &mask));
	note("handled %u", caught());
	uncatch_signal(SIGALRM);
}

/* Pending before the wait. */
static void let_in(int ep)
{
	sigset_t mask, old, none;
	struct epoll_event ev;

	sigemptyset(&none);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	must(sigprocmask(SIG_BLOCK, &mask, &old) == 0);
	catch_signal(SIGUSR1, 0);
	must(raise(SIGUSR1) == 0);
	note("pending, handled %u", caught());
	NOTE("wait with the signal blocked", epoll_wait(ep, &ev, 1, 5));
	note("handled %u", caught());
	NOTE("let in", epoll_pwait(ep, &ev, 1, LONG_MS, &none));
	note("handled %u", caught());
	sigemptyset(&none);
	must(sigprocmask(SIG_SETMASK, NULL, &none) == 0);
	note("mask is back: %d", sigismember(&none, SIGUSR1));
	must(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	uncatch_signal(SIGUSR1);
}

/* What is ready goes first: the signal waits for the next wait, or comes after the call. */
static void ready(int family)
{
	struct epoll_event ev;
	int c, s, ep = epoll_create1(0);

	pair(family, &c, &s, SOCK_NONBLOCK);
	add(ep, s, EPOLLIN, 0);
	(void)send(c, "x", 1, 0);
	settle();
	catch_signal(SIGUSR1, 0);
	must(raise(SIGUSR1) == 0);
	NOTE("ready", epoll_wait(ep, &ev, 1, LONG_MS));
	note("handled %u", caught());
	uncatch_signal(SIGUSR1);
	close(c);
	close(s);
	close(ep);
}

/* Ignored ones do not end it. */
static void ignored(int ep)
{
	struct epoll_event ev;

	(void)signal(SIGALRM, SIG_IGN);
	raise_later(5);
	NOTE("ignored", epoll_wait(ep, &ev, 1, 40));
	uncatch_signal(SIGALRM);
}

void conform_epoll_signal(int family)
{
	int c, s, ep = epoll_create1(0);

	pair(family, &c, &s, SOCK_NONBLOCK);
	add(ep, s, EPOLLIN, 0);
	ends(ep, 0);
	ends(ep, SA_RESTART);
	masked(ep);
	let_in(ep);
	ignored(ep);
	close(c);
	close(s);
	close(ep);
	ready(family);
}
