/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets in sets: how deep, loops, edges, kernel descriptors seen through, members that go. */
#include "conform.h"

#define DEEP 8

static void depth(void)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int ep[DEEP];

	for (int i = 0; i < DEEP; i++)
		ep[i] = epoll_create1(0);
	for (int i = 1; i < DEEP; i++)
		NOTE("one deeper", epoll_ctl(ep[i], EPOLL_CTL_ADD, ep[i - 1], &ev));
	NOTE("round", epoll_ctl(ep[0], EPOLL_CTL_ADD, ep[2], &ev));
	for (int i = 0; i < DEEP; i++)
		close(ep[i]);
}

static void through(void)
{
	struct epoll_event ev;
	int in = epoll_create1(0), mid = epoll_create1(0), out = epoll_create1(0), p[2];
	char b[4];

	must(pipe(p) == 0);
	add(in, p[0], EPOLLIN, 1);
	add(mid, in, EPOLLIN, 2);
	add(out, mid, EPOLLIN, 3);
	NOTE("nothing", epoll_wait(out, &ev, 1, 0));
	must(write(p[1], "x", 1) == 1);
	NOTE("a pipe below two sets", epoll_wait(out, &ev, 1, 1000));
	note("%#x of %u", ev.events, ev.data.u32);
	must(read(p[0], b, 4) == 1);
	WAITED("read", out);
	close(p[0]);
	close(p[1]);
	close(in);
	close(mid);
	close(out);
}

static void edges(int family)
{
	int in = epoll_create1(0), out = epoll_create1(0), c, s;
	char b[4];

	pair(family, &c, &s, SOCK_NONBLOCK);
	add(in, s, EPOLLIN, 0);
	add(out, in, EPOLLIN | EPOLLET, 0);
	(void)send(c, "x", 1, 0);
	WAITED("edge of a set", out);
	WAITED("told", out);
	NOTE("read", recv(s, b, 4, 0));
	WAITED("empty", out);
	(void)send(c, "x", 1, 0);
	WAITED("again", out);
	close(s);
	WAITED("its member went", out);
	close(c);
	close(in);
	close(out);
}

void conform_epoll_nested_deep(int family)
{
	depth();
	through();
	edges(family);
}
