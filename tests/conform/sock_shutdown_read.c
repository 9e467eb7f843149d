/* SPDX-License-Identifier: BSD-2-Clause */
/* shutdown(SHUT_RD): what still arrives can be read. */
#include "conform.h"

void conform_sock_shutdown_read(int family)
{
	int c, s;
	char b[8];

	pair(family, &c, &s, SOCK_NONBLOCK);
	NOTE("shutdown", shutdown(c, SHUT_RD));
	settle();
	LEVEL("reads no more", c);
	LEVEL("its peer", s);
	NOTE("recv", recv(c, b, 8, 0));
	NOTE("send", send(s, "abc", 3, 0));
	settle();
	NOTE("recv all the same", recv(c, b, 8, 0));
	NOTE("recv", recv(c, b, 8, 0));
	NOTE("and write", shutdown(c, SHUT_WR));
	settle();
	LEVEL("both", c);
	close(c);
	close(s);
}
