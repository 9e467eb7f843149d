/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals and blocking calls on sockets, signal(7): a handler without SA_RESTART ends them with
 * EINTR; with it they go on, unless a timeout is set. What was moved before is the result.
 */
#include "conform.h"

#include <signal.h>

static void reading(int family, int flags, bool timed)
{
	struct timeval tv = {.tv_usec = 60000};
	char b[8];
	int c, s;

	pair(family, &c, &s, 0);
	/* One that restarts must end by its timeout, or by data: no case may hang. */
	if (timed)
		must(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0);
	catch_signal(SIGALRM, flags);
	raise_later(10);
	NOTE(timed ? "recv with a timeout" : "recv", recv(s, b, sizeof(b), 0));
	note("handled %u", caught());
	uncatch_signal(SIGALRM);
	close(c);
	close(s);
}

static int other = -1;

/* The handler of SIGALRM writes to it: so a call that was restarted comes to an end. */
static void answer(int sig)
{
	(void)sig;
	(void)!send(other, "late", 4, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void restarted(int family)
{
	struct sigaction sa = {.sa_handler = answer, .sa_flags = SA_RESTART};
	char b[8];
	int c, s;

	pair(family, &c, &s, 0);
	other = c;
	must(sigaction(SIGALRM, &sa, NULL) == 0);
	raise_later(10);
	NOTE("recv goes on", recv(s, b, sizeof(b), 0));
	raise_later(10);
	NOTE("read goes on", read(s, b, sizeof(b)));
	raise_later(10);
	NOTE("peek goes on", recv(s, b, sizeof(b), MSG_PEEK));
	uncatch_signal(SIGALRM);
	close(c);
	close(s);
}

static void partly(int family)
{
	char b[8];
	int c, s;

	pair(family, &c, &s, 0);
	(void)send(c, "ab", 2, 0);
	settle();
	catch_signal(SIGALRM, 0);
	raise_later(10);
	NOTE("all of 4, 2 are there", recv(s, b, 4, MSG_WAITALL));
	note("handled %u", caught());
	uncatch_signal(SIGALRM);
	close(c);
	close(s);
}

static void accepting(int family)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int l = listener(family, &ss, &len, 0);

	catch_signal(SIGALRM, 0);
	raise_later(10);
	NOTE("accept", accept(l, NULL, NULL));
	note("handled %u", caught());
	uncatch_signal(SIGALRM);
	close(l);
}

/* Of two signals at once, one handler with the flag and one without. */
static void mixed(int family)
{
	struct timeval tv = {.tv_sec = 20};
	char b[8];
	int c, s;

	pair(family, &c, &s, 0);
	must(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0);
	tv.tv_sec = 0;
	must(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0);
	catch_signal(SIGUSR1, SA_RESTART);
	catch_signal(SIGALRM, 0);
	raise_later(10);
	NOTE("recv", recv(s, b, sizeof(b), 0));
	note("handled %u", caught());
	uncatch_signal(SIGALRM);
	uncatch_signal(SIGUSR1);
	close(c);
	close(s);
}

void conform_sock_signal(int family)
{
	reading(family, 0, false);
	reading(family, 0, true);
	reading(family, SA_RESTART, true);
	restarted(family);
	partly(family);
	accepting(family);
	mixed(family);
}
