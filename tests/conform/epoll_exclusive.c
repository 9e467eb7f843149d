/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EPOLLEXCLUSIVE: which masks and calls it allows. That one set of several wakes is for threads;
 * asked one after the other, a level that holds is seen by all.
 */
#include "conform.h"

static void masks(int family)
{
	static const uint32_t with[] = {
		0,           EPOLLIN,  EPOLLOUT,   EPOLLERR,     EPOLLHUP,    EPOLLET,
		EPOLLWAKEUP, EPOLLPRI, EPOLLRDHUP, EPOLLONESHOT, EPOLLRDNORM, EPOLLWRNORM,
	};
	int c, s;

	pair(family, &c, &s, SOCK_NONBLOCK);
	for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); i++) {
		struct epoll_event ev = {.events = EPOLLEXCLUSIVE | with[i]};
		int ep = epoll_create1(0);

		note("with %#x", with[i]);
		NOTE("add", epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev));
		NOTE("mod", epoll_ctl(ep, EPOLL_CTL_MOD, s, &ev));
		ev.events = EPOLLIN;
		NOTE("mod without", epoll_ctl(ep, EPOLL_CTL_MOD, s, &ev));
		NOTE("del", epoll_ctl(ep, EPOLL_CTL_DEL, s, NULL));
		close(ep);
	}
	close(c);
	close(s);
}

void conform_epoll_exclusive(int family)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLEXCLUSIVE};
	int a = epoll_create1(0), b = epoll_create1(0), c, s;

	masks(family);
	pair(family, &c, &s, SOCK_NONBLOCK);
	NOTE("of a set", epoll_ctl(a, EPOLL_CTL_ADD, b, &ev));
	add(a, s, EPOLLIN, 0);
	ev.events = EPOLLIN | EPOLLEXCLUSIVE;
	NOTE("mod to exclusive", epoll_ctl(a, EPOLL_CTL_MOD, s, &ev));
	NOTE("twice", epoll_ctl(a, EPOLL_CTL_ADD, s, &ev));
	add(b, s, EPOLLIN | EPOLLEXCLUSIVE, 0);
	(void)send(c, "x", 1, 0);
	WAITED("not exclusive", a);
	WAITED("exclusive", b);
	close(a);
	close(b);
	close(c);
	close(s);
}
