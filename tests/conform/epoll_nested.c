/* SPDX-License-Identifier: BSD-2-Clause */
/* A set inside a set. */
#include "conform.h"

void conform_epoll_nested(int family)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int c, s, in = epoll_create1(0), out = epoll_create1(0);
	char d[4];

	pair(family, &c, &s, SOCK_NONBLOCK);
	NOTE("inner", epoll_ctl(in, EPOLL_CTL_ADD, s, &ev));
	NOTE("outer", epoll_ctl(out, EPOLL_CTL_ADD, in, &ev));
	WAITED("nothing", out);
	(void)send(c, "ab", 2, 0);
	WAITED("data", out);
	LEVEL("inner as a file", in);
	WAITED("still", out);
	(void)recv(s, d, 4, 0);
	WAITED("nothing", out);
	(void)send(c, "ab", 2, 0);
	WAITED("data", out);
	NOTE("close inner", close(in));
	WAITED("gone", out);
	close(out);
	close(c);
	close(s);
}
