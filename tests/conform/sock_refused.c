/* SPDX-License-Identifier: BSD-2-Clause */
/* A refused connect: levels, SO_ERROR, connecting again. */
#include "conform.h"

void conform_sock_refused(int family)
{
	struct sockaddr_storage ss;
	socklen_t len = loopback(family, &ss, 1), elen = sizeof(int);
	int fd = tcp_socket(family, SOCK_NONBLOCK), err = 0;
	char b[4];

	NOTE("connect", connect(fd, (struct sockaddr *)&ss, len));
	settle();
	LEVEL("refused", fd);
	NOTE("SO_ERROR", getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &elen));
	note("is %d", err);
	LEVEL("error was read", fd);
	NOTE("connect", connect(fd, (struct sockaddr *)&ss, len));
	LEVEL("as new", fd);
	NOTE("connect", connect(fd, (struct sockaddr *)&ss, len));
	settle();
	NOTE("connect tells", connect(fd, (struct sockaddr *)&ss, len));
	NOTE("connect", connect(fd, (struct sockaddr *)&ss, len));
	settle();
	NOTE("recv", recv(fd, b, 4, 0));
	NOTE("recv", recv(fd, b, 4, 0));
	NOTE("send", send(fd, b, 4, MSG_NOSIGNAL));
	close(fd);
	fd = tcp_socket(family, 0);
	NOTE("blocking", connect(fd, (struct sockaddr *)&ss, len));
	NOTE("short", connect(fd, (struct sockaddr *)&ss, 4));
	NOTE("family", (ss.ss_family = AF_UNIX, connect(fd, (struct sockaddr *)&ss, len)));
	close(fd);
}
