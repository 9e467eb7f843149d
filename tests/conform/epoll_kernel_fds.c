/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel descriptors of every kind beside sockets in a set: pipe, eventfd, timerfd, a socket pair
 * of AF_UNIX; level, edge, ONESHOT; closed while a member. And the set as a file to poll and
 * select.
 */
#include "conform.h"

#include <sys/eventfd.h>
#include <sys/timerfd.h>

static void kinds(void)
{
	struct itimerspec it = {.it_value = {.tv_nsec = 1000000}};
	struct epoll_event ev;
	int e = eventfd(0, EFD_NONBLOCK), t = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	int u[2], ep = epoll_create1(0);
	uint64_t v = 1;

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, u) == 0);
	add(ep, e, EPOLLIN, 1);
	add(ep, t, EPOLLIN, 2);
	add(ep, u[0], EPOLLIN | EPOLLRDHUP, 3);
	NOTE("nothing", epoll_wait(ep, &ev, 1, 0));
	must(write(e, &v, sizeof(v)) == sizeof(v));
	NOTE("eventfd", epoll_wait(ep, &ev, 1, 1000));
	note("%#x of %u", ev.events, ev.data.u32);
	must(read(e, &v, sizeof(v)) == sizeof(v));
	must(timerfd_settime(t, 0, &it, NULL) == 0);
	NOTE("timerfd", epoll_wait(ep, &ev, 1, 1000));
	note("%#x of %u", ev.events, ev.data.u32);
	must(read(t, &v, sizeof(v)) == sizeof(v));
	must(write(u[1], "x", 1) == 1);
	NOTE("unix socket", epoll_wait(ep, &ev, 1, 1000));
	note("%#x of %u", ev.events, ev.data.u32);
	close(u[1]);
	NOTE("its end", epoll_wait(ep, &ev, 1, 1000));
	note("%#x of %u", ev.events, ev.data.u32);
	close(u[0]);
	NOTE("closed", epoll_wait(ep, &ev, 1, 0));
	close(e);
	close(t);
	close(ep);
}

static void modes(void)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLONESHOT};
	int p[2], ep = epoll_create1(0);

	must(pipe(p) == 0);
	NOTE("add", epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev));
	must(write(p[1], "x", 1) == 1);
	WAITED("once", ep);
	WAITED("disarmed", ep);
	ev.events = EPOLLIN | EPOLLET;
	NOTE("mod", epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev));
	WAITED("edge", ep);
	WAITED("told", ep);
	must(write(p[1], "x", 1) == 1);
	WAITED("another", ep);
	NOTE("del", epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
	NOTE("del", epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
	NOTE("mod", epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev));
	close(p[0]);
	close(p[1]);
	close(ep);
}

static void as_file(int family)
{
	struct timeval tv = {.tv_sec = 1};
	struct pollfd p;
	int c, s, ep = epoll_create1(0);
	fd_set in;

	pair(family, &c, &s, SOCK_NONBLOCK);
	add(ep, s, EPOLLIN, 0);
	p = (struct pollfd){.fd = ep, .events = POLLIN | POLLOUT};
	NOTE("poll an idle set", poll(&p, 1, 0));
	(void)send(c, "x", 1, 0);
	settle();
	NOTE("poll the set", poll(&p, 1, 1000));
	note("%#x", (unsigned)p.revents);
	FD_ZERO(&in);
	FD_SET(ep, &in);
	NOTE("select the set", select(ep + 1, &in, NULL, NULL, &tv));
	note("%d", FD_ISSET(ep, &in) != 0);
	close(c);
	close(s);
	close(ep);
}

void conform_epoll_kernel_fds(int family)
{
	kinds();
	modes();
	as_file(family);
}
