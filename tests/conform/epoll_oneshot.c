/* SPDX-License-Identifier: BSD-2-Clause */
/* EPOLLONESHOT disarms until MOD, for hang-ups too. */
#include "conform.h"

void conform_epoll_oneshot(int family)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLONESHOT};
	int c, s, ep = epoll_create1(0);

	pair(family, &c, &s, SOCK_NONBLOCK);
	NOTE("add", epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev));
	NOTE("send", send(c, "abc", 3, 0));
	WAITED("data", ep);
	NOTE("send", send(c, "abc", 3, 0));
	WAITED("disarmed", ep);
	NOTE("end", shutdown(c, SHUT_RDWR));
	WAITED("disarmed for hang-ups too", ep);
	NOTE("mod", epoll_ctl(ep, EPOLL_CTL_MOD, s, &ev));
	WAITED("armed", ep);
	close(c);
	close(s);
	close(ep);
}
