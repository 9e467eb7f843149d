/* SPDX-License-Identifier: BSD-2-Clause */
/* SO_RCVLOWAT and readiness. */
#include "conform.h"

void conform_sock_lowat(int family)
{
	int c, s, v = 4;
	socklen_t len = sizeof(v);
	char d[16];

	pair(family, &c, &s, SOCK_NONBLOCK);
	NOTE("lowat", setsockopt(s, SOL_SOCKET, SO_RCVLOWAT, &v, sizeof(v)));
	NOTE("send", send(c, "abc", 3, 0));
	settle();
	LEVEL("below", s);
	NOTE("send", send(c, "d", 1, 0));
	settle();
	LEVEL("enough", s);
	NOTE("recv", recv(s, d, 2, 0));
	LEVEL("below", s);
	v = 0;
	NOTE("lowat", setsockopt(s, SOL_SOCKET, SO_RCVLOWAT, &v, sizeof(v)));
	NOTE("lowat", getsockopt(s, SOL_SOCKET, SO_RCVLOWAT, &v, &len));
	note("is %d", v);
	LEVEL("enough", s);
	close(c);
	close(s);
}
