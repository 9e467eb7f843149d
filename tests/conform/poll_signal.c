/* SPDX-License-Identifier: BSD-2-Clause */
/* poll, ppoll, select, pselect: handlers end them, also with SA_RESTART; masks of the call. */
#include "conform.h"

#include <signal.h>

static void ends(int fd, int flags)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct timeval tv = {.tv_sec = 20};
	fd_set in;

	catch_signal(SIGALRM, flags);
	raise_later(10);
	NOTE("poll", poll(&p, 1, 20000));
	raise_later(10);
	NOTE("poll for ever", poll(&p, 1, -1));
	FD_ZERO(&in);
	FD_SET(fd, &in);
	raise_later(10);
	NOTE("select", select(fd + 1, &in, NULL, NULL, &tv));
	note("handled %u, time left %d", caught(), tv.tv_sec > 0);
	raise_later(10);
	NOTE("pselect", pselect(fd + 1, &in, NULL, NULL, NULL, NULL));
	note("handled %u", caught());
	uncatch_signal(SIGALRM);
}

static void masked(int fd)
{
	struct timespec ts = {.tv_nsec = 40000000};
	struct pollfd p = {.fd = fd, .events = POLLIN};
	sigset_t mask;
	fd_set in;

	sigemptyset(&mask);
	sigaddset(&mask, SIGALRM);
	catch_signal(SIGALRM, 0);
	raise_later(5);
	NOTE("ppoll", ppoll(&p, 1, &ts, &mask));
	note("handled %u", caught());
	FD_ZERO(&in);
	FD_SET(fd, &in);
	raise_later(5);
	NOTE("pselect", pselect(fd + 1, &in, NULL, NULL, &ts, &mask));
	note("handled %u, time as it was %d", caught(), ts.tv_nsec == 40000000);
	uncatch_signal(SIGALRM);
}

static void let_in(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	sigset_t mask, old, none;
	fd_set in;

	sigemptyset(&none);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	must(sigprocmask(SIG_BLOCK, &mask, &old) == 0);
	catch_signal(SIGUSR1, 0);
	must(raise(SIGUSR1) == 0);
	NOTE("ppoll", ppoll(&p, 1, NULL, &none));
	note("handled %u", caught());
	must(raise(SIGUSR1) == 0);
	FD_ZERO(&in);
	FD_SET(fd, &in);
	NOTE("pselect", pselect(fd + 1, &in, NULL, NULL, NULL, &none));
	note("handled %u", caught());
	must(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	uncatch_signal(SIGUSR1);
}

void conform_poll_signal(int family)
{
	int c, s;

	pair(family, &c, &s, SOCK_NONBLOCK);
	ends(s, 0);
	ends(s, SA_RESTART);
	masked(s);
	let_in(s);
	close(c);
	close(s);
}
