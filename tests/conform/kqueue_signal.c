/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EVFILT_SIGNAL: counts deliveries, ignored ones too, after the program's handler; clears itself;
 * several kqueues; sigaction goes on to work.
 */
#include "kq.h"

#include <pthread.h>
#include <signal.h>

#define LONG 20000

static void ignored(int kq)
{
	struct sigaction sa;

	must(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	IS(change(kq, SIGUSR1, EVFILT_SIGNAL, EV_ADD, 0, 0, 3), 0);
	IS(harvest(kq), 0);
	for (int i = 0; i < 3; i++)
		must(raise(SIGUSR1) == 0);
	IS(harvest(kq), 1);
	IS(ev[0].ident, SIGUSR1);
	IS(ev[0].filter, EVFILT_SIGNAL);
	IS(ev[0].data, 3);
	IS(ev[0].flags & EV_CLEAR, EV_CLEAR);
	IS((uintptr_t)ev[0].udata, 3);
	IS(harvest(kq), 0);
	must(sigaction(SIGUSR1, NULL, &sa) == 0);
	IS(sa.sa_handler == SIG_IGN, 1);
}

static void handled(int kq)
{
	catch_signal(SIGUSR1, 0);
	must(raise(SIGUSR1) == 0);
	IS(caught(), 1);
	IS(harvest(kq), 1);
	IS(ev[0].data, 1);
	/* Ignored again after EV_ADD. */
	must(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	must(raise(SIGUSR1) == 0);
	IS(caught(), 1);
	IS(harvest(kq), 1);
	IS(change(kq, SIGUSR1, EVFILT_SIGNAL, EV_DELETE, 0, 0, 0), 0);
	must(raise(SIGUSR1) == 0);
	IS(harvest(kq), 0);
	catch_signal(SIGUSR1, 0);
	must(raise(SIGUSR1) == 0);
	IS(caught(), 1);
	uncatch_signal(SIGUSR1);
}

static void waiting(int kq)
{
	(void)signal(SIGALRM, SIG_IGN);
	IS(change(kq, SIGALRM, EVFILT_SIGNAL, EV_ADD, 0, 0, 0), 0);
	raise_later(10);
	IS(harvest_within(kq, LONG), 1);
	IS(ev[0].ident, SIGALRM);
	IS(ev[0].data, 1);
	/* With a handler: it has run, and the event is there. */
	catch_signal(SIGALRM, 0);
	raise_later(10);
	IS(harvest_within(kq, LONG), 1);
	IS(caught(), 1);
	IS(change(kq, SIGALRM, EVFILT_SIGNAL, EV_DELETE, 0, 0, 0), 0);
	raise_later(10);
	IS(harvest_within(kq, LONG), -1);
	IS(errno, EINTR);
	uncatch_signal(SIGALRM);
}

static void several(int kq)
{
	int other = kqueue();

	(void)signal(SIGUSR2, SIG_IGN);
	IS(change(kq, SIGUSR2, EVFILT_SIGNAL, EV_ADD, 0, 0, 0), 0);
	must(raise(SIGUSR2) == 0);
	/* Comes later: does not count what was before. */
	IS(change(other, SIGUSR2, EVFILT_SIGNAL, EV_ADD | EV_DISABLE, 0, 0, 0), 0);
	must(raise(SIGUSR2) == 0);
	IS(harvest(kq), 1);
	IS(ev[0].data, 2);
	IS(harvest(other), 0);
	IS(change(other, SIGUSR2, EVFILT_SIGNAL, EV_ENABLE, 0, 0, 0), 0);
	IS(harvest(other), 1);
	IS(ev[0].data, 1);
	close(other);
	must(raise(SIGUSR2) == 0);
	IS(harvest(kq), 1);
	IS(change(kq, SIGUSR2, EVFILT_SIGNAL, EV_ADD | EV_ONESHOT, 0, 0, 0), 0);
	IS(change(kq, SIGUSR2, EVFILT_SIGNAL, EV_DELETE, 0, 0, 0), 0);
	IS(change(kq, SIGUSR2, EVFILT_SIGNAL, EV_ADD | EV_ONESHOT, 0, 0, 0), 0);
	must(raise(SIGUSR2) == 0);
	IS(harvest(kq), 1);
	must(raise(SIGUSR2) == 0);
	IS(harvest(kq), 0);
	(void)signal(SIGUSR2, SIG_DFL);
}

/* Held back by the program: counts all the same, also when it came before EV_ADD. */
static void blocked(int kq)
{
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGALRM);
	must(sigprocmask(SIG_BLOCK, &set, &old) == 0);
	must(raise(SIGUSR1) == 0);
	IS(change(kq, SIGUSR1, EVFILT_SIGNAL, EV_ADD, 0, 0, 0), 0);
	IS(change(kq, SIGALRM, EVFILT_SIGNAL, EV_ADD, 0, 0, 0), 0);
	must(raise(SIGUSR1) == 0);
	IS(harvest(kq), 1);
	IS(ev[0].ident, SIGUSR1);
	IS(ev[0].data >= 1, 1);
	raise_later(10);
	IS(harvest_within(kq, LONG), 1);
	IS(ev[0].ident, SIGALRM);
	IS(change(kq, SIGUSR1, EVFILT_SIGNAL, EV_DELETE, 0, 0, 0), 0);
	IS(change(kq, SIGALRM, EVFILT_SIGNAL, EV_DELETE, 0, 0, 0), 0);
	must(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
}

static void *raise_here(void *arg)
{
	(void)arg;
	(void)usleep(5000);
	(void)raise(SIGUSR1);
	return NULL;
}

/* Delivered to a thread that is not the one that waits. */
static void other_thread(int kq)
{
	pthread_t t;

	(void)signal(SIGUSR1, SIG_IGN);
	IS(change(kq, SIGUSR1, EVFILT_SIGNAL, EV_ADD, 0, 0, 0), 0);
	must(pthread_create(&t, NULL, raise_here, NULL) == 0);
	IS(harvest_within(kq, LONG), 1);
	IS(ev[0].ident, SIGUSR1);
	must(pthread_join(t, NULL) == 0);
	IS(change(kq, SIGUSR1, EVFILT_SIGNAL, EV_DELETE, 0, 0, 0), 0);
	(void)signal(SIGUSR1, SIG_DFL);
}

void conform_kqueue_signal(int family)
{
	int kq = kqueue();

	(void)family;
	ignored(kq);
	handled(kq);
	waiting(kq);
	several(kq);
	blocked(kq);
	other_thread(kq);
	IS(change(kq, 0, EVFILT_SIGNAL, EV_ADD, 0, 0, 0), -EINVAL);
	IS(change(kq, 99, EVFILT_SIGNAL, EV_ADD, 0, 0, 0), -EINVAL);
	IS(change(kq, SIGKILL, EVFILT_SIGNAL, EV_ADD, 0, 0, 0), -EINVAL);
	IS(change(kq, SIGUSR1, EVFILT_SIGNAL, EV_DELETE, 0, 0, 0), -ENOENT);
	close(kq);
}
