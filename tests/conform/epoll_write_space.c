/* SPDX-License-Identifier: BSD-2-Clause */
/* EPOLLOUT: full, room again, and once when edge-triggered. */
#include "conform.h"

void conform_epoll_write_space(int family)
{
	struct epoll_event ev = {.events = EPOLLOUT | EPOLLET};
	static char big[1 << 16];
	int c, s, v = 32768, ep = epoll_create1(0);

	pair(family, &c, &s, SOCK_NONBLOCK);
	NOTE("sndbuf", setsockopt(c, SOL_SOCKET, SO_SNDBUF, &v, sizeof(v)));
	NOTE("add", epoll_ctl(ep, EPOLL_CTL_ADD, c, &ev));
	WAITED("at first", ep);
	NOTE("a little", send(c, big, 10, MSG_NOSIGNAL));
	WAITED("was never full", ep);
	fill(c);
	note("full: %s", strerrorname_np(errno));
	WAITED("full", ep);
	(void)drain(s);
	WAITED("room again", ep);
	WAITED("once", ep);
	close(c);
	close(s);
	close(ep);
}
