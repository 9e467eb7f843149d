/* SPDX-License-Identifier: BSD-2-Clause */
/* A reset with data in the queue: levels, the error told once. */
#include "conform.h"

void conform_sock_reset(int family)
{
	struct linger hard = {.l_onoff = 1};
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int c, s;
	char b[8];

	pair(family, &c, &s, SOCK_NONBLOCK);
	NOTE("send", send(c, "zz", 2, 0));
	settle();
	NOTE("linger", setsockopt(c, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)));
	NOTE("close", close(c));
	settle();
	LEVEL("reset", s);
	NOTE("recv", recv(s, b, 8, 0));
	NOTE("recv", recv(s, b, 8, 0));
	LEVEL("error was read", s);
	NOTE("recv", recv(s, b, 8, 0));
	NOTE("send", send(s, b, 1, MSG_NOSIGNAL));
	NOTE("peer", getpeername(s, (struct sockaddr *)&ss, &len));
	NOTE("shutdown", shutdown(s, SHUT_WR));
	close(s);
}
