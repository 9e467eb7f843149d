/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Edge-triggered: every arrival fires, also while older data is unread; a partial read does
 * not; MOD fires again.
 */
#include "conform.h"

void conform_epoll_edge(int family)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET};
	int c, s, ep = epoll_create1(0);
	char d[16];

	pair(family, &c, &s, SOCK_NONBLOCK);
	NOTE("add", epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev));
	WAITED("at first", ep);
	WAITED("no more", ep);
	NOTE("send", send(c, "abc", 3, 0));
	WAITED("data", ep);
	WAITED("no more", ep);
	NOTE("send", send(c, "d", 1, 0));
	WAITED("more data", ep);
	NOTE("recv", recv(s, d, 2, 0));
	WAITED("after a partial read", ep);
	NOTE("mod", epoll_ctl(ep, EPOLL_CTL_MOD, s, &ev));
	WAITED("after mod", ep);
	NOTE("end", shutdown(c, SHUT_WR));
	WAITED("the end", ep);
	NOTE("recv", recv(s, d, 16, 0));
	WAITED("no more", ep);
	NOTE("our end", shutdown(s, SHUT_WR));
	WAITED("our end", ep);
	close(c);
	close(s);
	close(ep);
}
