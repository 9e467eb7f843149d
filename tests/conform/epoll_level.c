/* SPDX-License-Identifier: BSD-2-Clause */
/* The level of TCP sockets in states that programs meet, HUP and ERR unasked. */
#include "conform.h"

static void unasked(int family)
{
	struct sockaddr_storage ss;
	socklen_t len = loopback(family, &ss, 1);
	int fd = tcp_socket(family, SOCK_NONBLOCK), ep = epoll_create1(0);

	add(ep, fd, 0, 0);
	WAITED("fresh, asked for nothing", ep);
	NOTE("connect", connect(fd, (struct sockaddr *)&ss, len));
	WAITED("refused, asked for nothing", ep);
	WAITED("goes on", ep);
	close(fd);
	close(ep);
}

static void only_what_was_asked(int family)
{
	int c, s, ep = epoll_create1(0);

	pair(family, &c, &s, SOCK_NONBLOCK);
	add(ep, s, EPOLLIN, 0);
	(void)shutdown(c, SHUT_WR);
	WAITED("RDHUP not asked for", ep);
	close(ep);
	ep = epoll_create1(0);
	add(ep, s, EPOLLRDHUP, 0);
	WAITED("RDHUP alone", ep);
	(void)shutdown(s, SHUT_WR);
	WAITED("both sides ended", ep);
	close(ep);
	close(c);
	close(s);
}

void conform_epoll_level(int family)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int c, s, l = listener(family, &ss, &len, SOCK_NONBLOCK);
	int udp = socket(family, SOCK_DGRAM, 0);

	LEVEL("listener, idle", l);
	c = tcp_socket(family, SOCK_NONBLOCK);
	LEVEL("fresh", c);
	NOTE("connect", connect(c, (struct sockaddr *)&ss, len));
	settle();
	LEVEL("connected, not accepted", c);
	LEVEL("listener, one waits", l);
	s = accept4(l, NULL, NULL, SOCK_NONBLOCK);
	LEVEL("connected, idle", s);
	fill(s);
	LEVEL("full", s);
	LEVEL("data", c);
	(void)drain(c);
	settle();
	LEVEL("drained", s);
	LEVEL("read all", c);
	LEVEL("UDP, idle", udp);
	close(udp);
	close(c);
	close(s);
	close(l);
	unasked(family);
	only_what_was_asked(family);
}
