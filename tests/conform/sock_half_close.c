/* SPDX-License-Identifier: BSD-2-Clause */
/* shutdown(SHUT_WR) of one side, then of the other, with data before. */
#include "conform.h"

void conform_sock_half_close(int family)
{
	int c, s;
	char b[8];

	pair(family, &c, &s, SOCK_NONBLOCK);
	NOTE("nothing yet", recv(s, b, 8, 0));
	NOTE("send", send(c, "abc", 3, 0));
	NOTE("end", shutdown(c, SHUT_WR));
	settle();
	LEVEL("closed its side", c);
	LEVEL("has data and the end", s);
	NOTE("send after end", send(c, b, 1, MSG_NOSIGNAL));
	NOTE("recv", recv(s, b, 8, 0));
	LEVEL("has the end", s);
	NOTE("recv", recv(s, b, 8, 0));
	NOTE("recv", recv(s, b, 8, 0));
	NOTE("answer", send(s, "defg", 4, 0));
	settle();
	LEVEL("has the answer", c);
	NOTE("recv", recv(c, b, 2, 0));
	NOTE("end", shutdown(s, SHUT_WR));
	settle();
	LEVEL("both ended", s);
	LEVEL("both ended, data left", c);
	NOTE("recv", recv(c, b, 8, 0));
	NOTE("recv", recv(c, b, 8, 0));
	close(c);
	close(s);
}
