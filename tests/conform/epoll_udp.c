/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP in a set: every datagram is an edge, a refused one is an error, shutdown. */
#include "conform.h"

static int bound(int family, struct sockaddr_storage *ss, socklen_t *len)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	*len = loopback(family, ss, 0);
	must(bind(fd, (struct sockaddr *)ss, *len) == 0);
	must(getsockname(fd, (struct sockaddr *)ss, len) == 0);
	return fd;
}

static void refused(int family)
{
	struct sockaddr_storage ss;
	socklen_t len = loopback(family, &ss, 9), elen = sizeof(int);
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0), ep = epoll_create1(0), err = 0;
	char b[4];

	must(connect(fd, (struct sockaddr *)&ss, len) == 0);
	add(ep, fd, EPOLLIN | EPOLLET, 0);
	WAITED("idle", ep);
	NOTE("send", send(fd, "x", 1, 0));
	WAITED("refused", ep);
	LEVEL("refused", fd);
	NOTE("recv tells", recv(fd, b, 4, 0));
	LEVEL("told", fd);
	NOTE("send", send(fd, "x", 1, 0));
	WAITED("refused again", ep);
	NOTE("SO_ERROR", getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &elen));
	note("is %d", err);
	LEVEL("told", fd);
	close(fd);
	close(ep);
}

void conform_epoll_udp(int family)
{
	struct sockaddr_storage a_name, b_name;
	socklen_t a_len, b_len;
	int a = bound(family, &a_name, &a_len), b = bound(family, &b_name, &b_len);
	int ep = epoll_create1(0);
	char d[8];

	add(ep, b, EPOLLIN | EPOLLET, 0);
	WAITED("idle", ep);
	NOTE("one", sendto(a, "1", 1, 0, (struct sockaddr *)&b_name, b_len));
	WAITED("one", ep);
	WAITED("told", ep);
	NOTE("two", sendto(a, "2", 1, 0, (struct sockaddr *)&b_name, b_len));
	WAITED("two", ep);
	NOTE("recv", recv(b, d, 8, 0));
	WAITED("one is left", ep);
	LEVEL("one is left", b);
	NOTE("recv", recv(b, d, 8, 0));
	NOTE("recv", recv(b, d, 8, 0));
	NOTE("empty", sendto(a, NULL, 0, 0, (struct sockaddr *)&b_name, b_len));
	WAITED("an empty one", ep);
	LEVEL("an empty one", b);
	NOTE("recv", recv(b, d, 8, 0));
	close(a);
	close(b);
	close(ep);
	refused(family);
}
