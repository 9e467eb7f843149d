/* SPDX-License-Identifier: BSD-2-Clause */
/* CLEAR, ONESHOT, DISPATCH, DISABLE and ENABLE, KEEPUDATA, and how they go together. */
#include "kq.h"

static void arrive(int c)
{
	must(send(c, "x", 1, 0) == 1);
	settle();
}

static void clear(int kq, int c, int s)
{
	char b[8];

	IS(change(kq, s, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, 0), 0);
	arrive(c);
	IS(harvest(kq), 1);
	IS(ev[0].flags & EV_CLEAR, EV_CLEAR);
	IS(harvest(kq), 0);
	/* New data fires although the old is unread, and data counts all. */
	arrive(c);
	IS(harvest(kq), 1);
	IS(ev[0].data, 2);
	/* Several arrivals, one event. */
	arrive(c);
	arrive(c);
	IS(harvest(kq), 1);
	IS(ev[0].data, 4);
	IS(harvest(kq), 0);
	/* A level that vanished is not delivered. */
	arrive(c);
	IS(recv(s, b, 8, 0), 5);
	IS(harvest(kq), 0);
	IS(change(kq, s, EVFILT_READ, EV_DELETE, 0, 0, 0), 0);
}

static void oneshot(int kq, int c, int s)
{
	char b[8];

	arrive(c);
	IS(change(kq, s, EVFILT_READ, EV_ADD | EV_ONESHOT, 0, 0, 0), 0);
	IS(harvest(kq), 1);
	IS(ev[0].flags & EV_ONESHOT, EV_ONESHOT);
	IS(harvest(kq), 0);
	IS(change(kq, s, EVFILT_READ, EV_ENABLE, 0, 0, 0), -ENOENT);
	IS(recv(s, b, 8, 0), 1);
}

static void dispatch(int kq, int c, int s)
{
	char b[8];

	IS(change(kq, s, EVFILT_READ, EV_ADD | EV_DISPATCH, 0, 0, 7), 0);
	arrive(c);
	IS(harvest(kq), 1);
	IS(ev[0].flags & EV_DISPATCH, EV_DISPATCH);
	arrive(c);
	IS(harvest(kq), 0);
	/* It is still there; ENABLE runs the filter again. */
	IS(change(kq, s, EVFILT_READ, EV_ENABLE | EV_KEEPUDATA, 0, 0, 0), 0);
	IS(harvest(kq), 1);
	IS(ev[0].data, 2);
	IS((uintptr_t)ev[0].udata, 7);
	IS(harvest(kq), 0);
	IS(recv(s, b, 8, 0), 2);
	IS(change(kq, s, EVFILT_READ, EV_ENABLE, 0, 0, 8), 0);
	IS(harvest(kq), 0);
	arrive(c);
	IS(harvest(kq), 1);
	IS((uintptr_t)ev[0].udata, 8);
	IS(recv(s, b, 8, 0), 1);
	IS(change(kq, s, EVFILT_READ, EV_DELETE, 0, 0, 0), 0);
}

static void disable(int kq, int c, int s)
{
	char b[8];

	IS(change(kq, s, EVFILT_READ, EV_ADD | EV_DISABLE, 0, 0, 0), 0);
	arrive(c);
	IS(harvest(kq), 0);
	IS(change(kq, s, EVFILT_READ, EV_ENABLE, 0, 0, 0), 0);
	IS(harvest(kq), 1);
	IS(change(kq, s, EVFILT_READ, EV_DISABLE, 0, 0, 0), 0);
	IS(harvest(kq), 0);
	/* Adding enables. */
	IS(change(kq, s, EVFILT_READ, EV_ADD, 0, 0, 0), 0);
	IS(harvest(kq), 1);
	/* With DISABLE it does not. */
	IS(change(kq, s, EVFILT_READ, EV_ADD | EV_DISABLE, 0, 0, 0), 0);
	IS(harvest(kq), 0);
	/* What came and went meanwhile is no event. */
	IS(recv(s, b, 8, 0), 1);
	IS(change(kq, s, EVFILT_READ, EV_ENABLE, 0, 0, 0), 0);
	IS(harvest(kq), 0);
	IS(change(kq, s, EVFILT_READ, EV_DELETE, 0, 0, 0), 0);
}

static void disabled_edge(int kq, int c, int s)
{
	char b[8];

	/* DISABLE keeps tracking: the edge is told after ENABLE. */
	IS(change(kq, s, EVFILT_READ, EV_ADD | EV_CLEAR | EV_DISABLE, 0, 0, 0), 0);
	arrive(c);
	IS(harvest(kq), 0);
	IS(change(kq, s, EVFILT_READ, EV_ENABLE, 0, 0, 0), 0);
	IS(harvest(kq), 1);
	IS(harvest(kq), 0);
	IS(recv(s, b, 8, 0), 1);
	IS(change(kq, s, EVFILT_READ, EV_DELETE, 0, 0, 0), 0);
}

void conform_kqueue_flags(int family)
{
	int kq = kqueue(), c, s;

	pair(family, &c, &s, SOCK_NONBLOCK);
	clear(kq, c, s);
	oneshot(kq, c, s);
	dispatch(kq, c, s);
	disable(kq, c, s);
	disabled_edge(kq, c, s);
	close(kq);
	close(c);
	close(s);
}
