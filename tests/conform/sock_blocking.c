/* SPDX-License-Identifier: BSD-2-Clause */
/* Blocking reads: SO_RCVTIMEO, MSG_WAITALL, MSG_DONTWAIT, the end. */
#include "conform.h"

void conform_sock_blocking(int family)
{
	struct timeval tv = {.tv_usec = 20000};
	char d[32];
	int c, s;

	pair(family, &c, &s, 0);
	NOTE("rcvtimeo", setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	NOTE("recv", recv(s, d, 4, 0));
	NOTE("send", send(c, "abcdef", 6, 0));
	NOTE("recv", recv(s, d, 4, 0));
	NOTE("recv all", recv(s, d, 4, MSG_WAITALL));
	NOTE("dontwait", recv(s, d, 4, MSG_DONTWAIT));
	NOTE("send", send(c, "ghij", 4, 0));
	NOTE("recv all", recv(s, d, 4, MSG_WAITALL));
	tv.tv_usec = 1000000;
	NOTE("rcvtimeo", setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	close(c);
	NOTE("recv", recv(s, d, 4, 0));
	close(s);
}
