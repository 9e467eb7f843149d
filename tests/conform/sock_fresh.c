/* SPDX-License-Identifier: BSD-2-Clause */
/* A TCP socket that has done nothing, and calls that do not fit it. */
#include "conform.h"

void conform_sock_fresh(int family)
{
	struct sockaddr_storage ss;
	socklen_t len = loopback(family, &ss, 1);
	int fd = tcp_socket(family, SOCK_NONBLOCK);
	char b[4];

	LEVEL("fresh", fd);
	NOTE("recv", recv(fd, b, 4, 0));
	NOTE("recv of nothing", recv(fd, b, 0, 0));
	NOTE("send", send(fd, b, 4, MSG_NOSIGNAL));
	NOTE("shutdown", shutdown(fd, SHUT_RDWR));
	NOTE("shutdown how", shutdown(fd, 7));
	NOTE("accept", accept4(fd, NULL, NULL, 0));
	NOTE("accept flags", accept4(fd, NULL, NULL, 0x10));
	len = sizeof(ss);
	NOTE("peer", getpeername(fd, (struct sockaddr *)&ss, &len));
	NOTE("bad fd", recv(9999, b, 4, 0));
	NOTE("bad type", socket(family, 77, 0));
	NOTE("bad protocol", socket(family, SOCK_STREAM, IPPROTO_UDP));
	NOTE("bad protocol", socket(family, SOCK_STREAM, 300));
	NOTE("close", close(fd));
	NOTE("close again", close(fd));
}
