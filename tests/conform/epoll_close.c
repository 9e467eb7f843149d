/* SPDX-License-Identifier: BSD-2-Clause */
/* Members that are closed, twins that live on, numbers that are used again, sets that are closed.
 */
#include "conform.h"

static void member(int family)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int c, s, d, ep = epoll_create1(0);

	pair(family, &c, &s, SOCK_NONBLOCK);
	(void)send(c, "x", 1, 0);
	add(ep, s, EPOLLIN, 0);
	WAITED("data", ep);
	close(s);
	WAITED("member closed", ep);
	NOTE("del", epoll_ctl(ep, EPOLL_CTL_DEL, s, NULL));
	close(c);
	/* The number may be another file's by now: it is no member. */
	pair(family, &c, &s, SOCK_NONBLOCK);
	NOTE("mod of a successor", epoll_ctl(ep, EPOLL_CTL_MOD, s, &ev));
	add(ep, s, EPOLLIN, 0);
	d = dup(s);
	(void)send(c, "x", 1, 0);
	close(s);
	WAITED("twin is open", ep);
	NOTE("del of the closed number", epoll_ctl(ep, EPOLL_CTL_DEL, s, NULL));
	WAITED("still", ep);
	close(d);
	WAITED("twin closed", ep);
	close(c);
	close(ep);
}

static void set(int family)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int c, s, d, ep = epoll_create1(0);

	pair(family, &c, &s, SOCK_NONBLOCK);
	add(ep, s, EPOLLIN, 0);
	d = dup(ep);
	must(d >= 0);
	close(ep);
	(void)send(c, "x", 1, 0);
	WAITED("through the set's twin", d);
	NOTE("add again", epoll_ctl(d, EPOLL_CTL_ADD, s, &ev));
	close(d);
	NOTE("closed", epoll_wait(d, &ev, 1, 0));
	NOTE("the socket is as it was", send(s, "y", 1, 0));
	close(c);
	close(s);
}

void conform_epoll_close(int family)
{
	member(family);
	set(family);
}
