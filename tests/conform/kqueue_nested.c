/* SPDX-License-Identifier: BSD-2-Clause */
/* A kqueue in a kqueue, in an epoll set, and in poll(2): readable while it has events. */
#include "kq.h"

void conform_kqueue_nested(int family)
{
	int in = kqueue(), out = kqueue(), ep = epoll_create1(0), c, s;
	struct pollfd p = {.fd = in, .events = POLLIN};
	char b[4];

	pair(family, &c, &s, SOCK_NONBLOCK);
	IS(change(in, s, EVFILT_READ, EV_ADD, 0, 0, 0), 0);
	IS(change(out, in, EVFILT_READ, EV_ADD, 0, 0, 5), 0);
	IS(change(out, in, EVFILT_WRITE, EV_ADD, 0, 0, 5), -EINVAL);
	IS(change(in, in, EVFILT_READ, EV_ADD, 0, 0, 5), -EINVAL);
	IS(change(in, out, EVFILT_READ, EV_ADD, 0, 0, 5), -ELOOP);
	add(ep, in, EPOLLIN, 0);
	IS(harvest(out), 0);
	IS(waited(ep), 0);
	IS(poll(&p, 1, 0), 0);
	(void)send(c, "x", 1, 0);
	IS(harvest(out), 1);
	IS(ev[0].ident, in);
	IS(ev[0].data, 1);
	IS((uintptr_t)ev[0].udata, 5);
	IS(waited(ep), EPOLLIN);
	IS(poll(&p, 1, 0), 1);
	IS(harvest(in), 1);
	IS(recv(s, b, 4, 0), 1);
	IS(harvest(out), 0);
	IS(waited(ep), 0);
	IS(poll(&p, 1, 0), 0);
	close(in);
	IS(harvest(out), 0);
	close(out);
	close(ep);
	close(c);
	close(s);
}
