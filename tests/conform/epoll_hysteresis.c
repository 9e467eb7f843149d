/* SPDX-License-Identifier: BSD-2-Clause */
/* OUT comes back when a good part of a full queue is free, not with the first byte. */
#include "conform.h"

void conform_epoll_hysteresis(int family)
{
	struct pollfd p = {.events = POLLOUT};
	char b[1000];
	int c, s, ep = epoll_create1(0);

	pair(family, &c, &s, SOCK_NONBLOCK);
	fill(c);
	p.fd = c;
	NOTE("full", poll(&p, 1, 0));
	NOTE("a little is read", recv(s, b, sizeof(b), 0));
	settle();
	NOTE("not yet", poll(&p, 1, 0));
	add(ep, c, EPOLLOUT, 0);
	WAITED("not yet", ep);
	(void)drain(s);
	WAITED("all is read", ep);
	NOTE("writes", send(c, b, sizeof(b), 0));
	close(c);
	close(s);
	close(ep);
}
