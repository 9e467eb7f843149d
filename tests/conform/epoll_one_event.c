/* SPDX-License-Identifier: BSD-2-Clause */
/* IN and OUT of one descriptor are one event; OUT alone is not reported as IN. */
#include "conform.h"

void conform_epoll_one_event(int family)
{
	struct epoll_event out[8];
	int c, s, n, ep = epoll_create1(0);

	pair(family, &c, &s, SOCK_NONBLOCK);
	add(ep, s, EPOLLIN | EPOLLOUT, 5);
	n = epoll_wait(ep, out, 8, 0);
	note("idle: %d events, %#x of %u", n, out[0].events, out[0].data.u32);
	(void)send(c, "x", 1, 0);
	settle();
	n = epoll_wait(ep, out, 8, 0);
	note("data: %d events, %#x of %u", n, out[0].events, out[0].data.u32);
	close(c);
	settle();
	n = epoll_wait(ep, out, 8, 0);
	note("end: %d events, %#x of %u", n, out[0].events, out[0].data.u32);
	close(s);
	close(ep);
}
