/* SPDX-License-Identifier: BSD-2-Clause */
/* dup(2), dup2(2): a member of a set lives on in its twin. */
#include "conform.h"

void conform_sock_dup(int family)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int c, s, d, ep = epoll_create1(0);
	char b[4];

	pair(family, &c, &s, SOCK_NONBLOCK);
	d = dup(s);
	must(d >= 0);
	NOTE("add", epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev));
	NOTE("add its twin", epoll_ctl(ep, EPOLL_CTL_ADD, d, &ev));
	NOTE("remove it", epoll_ctl(ep, EPOLL_CTL_DEL, d, NULL));
	NOTE("close one", close(s));
	(void)send(c, "ab", 2, 0);
	WAITED("goes on reporting", ep);
	NOTE("recv", recv(d, b, 4, 0));
	NOTE("onto", dup2(d, c) == c);
	settle();
	NOTE("peer is gone", recv(d, b, 4, 0));
	NOTE("same", dup2(d, d) == d);
	NOTE("bad", dup2(9999, d));
	NOTE("bad", dup(9999));
	close(c);
	close(d);
	WAITED("gone", ep);
	close(ep);
}
