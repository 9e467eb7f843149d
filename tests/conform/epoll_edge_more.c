/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Edges of other kinds than data: connection made, connection waiting, end, reset, room; and that
 * an edge is not lost when it comes before the set is asked, or between two calls.
 */
#include "conform.h"

static void accepting(int family)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int l = listener(family, &ss, &len, SOCK_NONBLOCK), c[3], ep = epoll_create1(0);

	add(ep, l, EPOLLIN | EPOLLET, 0);
	for (int i = 0; i < 3; i++) {
		c[i] = tcp_socket(family, SOCK_NONBLOCK);
		(void)connect(c[i], (struct sockaddr *)&ss, len);
		WAITED("another waits", ep);
		WAITED("told", ep);
	}
	for (int i = 0; i < 3; i++)
		must(close(accept(l, NULL, NULL)) == 0);
	WAITED("all accepted", ep);
	for (int i = 0; i < 3; i++)
		close(c[i]);
	close(l);
	close(ep);
}

static void connecting(int family)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int l = listener(family, &ss, &len, 0), c = tcp_socket(family, SOCK_NONBLOCK);
	int ep = epoll_create1(0);

	add(ep, c, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, 0);
	WAITED("fresh", ep);
	WAITED("told", ep);
	NOTE("connect", connect(c, (struct sockaddr *)&ss, len));
	WAITED("connected", ep);
	WAITED("told", ep);
	close(l);
	WAITED("reset with the listener", ep);
	WAITED("told", ep);
	close(c);
	close(ep);
}

/* Data that came before ADD, between ADD and the wait, and while disarmed by a read. */
static void early(int family)
{
	char b[8];
	int c, s, ep = epoll_create1(0);

	pair(family, &c, &s, SOCK_NONBLOCK);
	(void)send(c, "a", 1, 0);
	settle();
	add(ep, s, EPOLLIN | EPOLLET, 0);
	(void)send(c, "b", 1, 0);
	settle();
	WAITED("before ADD and after", ep);
	(void)send(c, "c", 1, 0);
	settle();
	NOTE("read all", recv(s, b, sizeof(b), 0));
	WAITED("came and was read", ep);
	(void)send(c, "d", 1, 0);
	WAITED("new", ep);
	close(c);
	WAITED("end", ep);
	WAITED("told", ep);
	close(s);
	close(ep);
}

void conform_epoll_edge_more(int family)
{
	accepting(family);
	connecting(family);
	early(family);
}
