/* SPDX-License-Identifier: BSD-2-Clause */
/* MOD: other events, other data, from level to edge and back, while ready and while not. */
#include "conform.h"

static void mod(int ep, int fd, uint32_t events, uint32_t data)
{
	struct epoll_event ev = {.events = events, .data.u32 = data};

	must(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev) == 0);
}

static void report(const char *what, int ep)
{
	struct epoll_event ev = {0};
	int n;

	settle();
	n = epoll_wait(ep, &ev, 1, 0);
	note("%s: %d, %#x of %u", what, n, n > 0 ? ev.events : 0, n > 0 ? ev.data.u32 : 0);
}

void conform_epoll_rearm(int family)
{
	int c, s, ep = epoll_create1(0);

	pair(family, &c, &s, SOCK_NONBLOCK);
	add(ep, s, EPOLLIN, 1);
	report("idle", ep);
	mod(ep, s, EPOLLOUT, 2);
	report("writable", ep);
	mod(ep, s, EPOLLIN, 3);
	report("no longer asked for", ep);
	(void)send(c, "x", 1, 0);
	report("data", ep);
	mod(ep, s, EPOLLIN | EPOLLET, 4);
	report("edge after a level", ep);
	report("told", ep);
	mod(ep, s, EPOLLIN | EPOLLET, 5);
	report("mod fires again", ep);
	mod(ep, s, EPOLLIN, 6);
	report("level after an edge", ep);
	report("goes on", ep);
	mod(ep, s, 0, 7);
	report("nothing asked for", ep);
	(void)shutdown(c, SHUT_RDWR);
	report("half closed", ep);
	(void)shutdown(s, SHUT_WR);
	report("hang-up, unasked", ep);
	mod(ep, s, EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, 8);
	report("once", ep);
	report("disarmed", ep);
	mod(ep, s, EPOLLONESHOT, 9);
	report("armed for hang-ups alone", ep);
	close(c);
	close(s);
	close(ep);
}
