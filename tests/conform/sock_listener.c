/* SPDX-License-Identifier: BSD-2-Clause */
/* A listener: its level, calls that do not fit it, shutdown. */
#include "conform.h"

#include <linux/sockios.h>

void conform_sock_listener(int family)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int l = listener(family, &ss, &len, SOCK_NONBLOCK);
	int v = 0;
	char b[4];

	LEVEL("listener", l);
	NOTE("recv", recv(l, b, 4, 0));
	NOTE("send", send(l, b, 4, MSG_NOSIGNAL));
	NOTE("connect", connect(l, (struct sockaddr *)&ss, len));
	NOTE("accept", accept4(l, NULL, NULL, 0));
	NOTE("FIONREAD", ioctl(l, FIONREAD, &v));
	NOTE("SIOCOUTQ", ioctl(l, SIOCOUTQ, &v));
	NOTE("listen again", listen(l, 5));
	NOTE("shutdown write", shutdown(l, SHUT_WR));
	LEVEL("still listens", l);
	NOTE("shutdown read", shutdown(l, SHUT_RD));
	LEVEL("no longer listens", l);
	NOTE("accept", accept4(l, NULL, NULL, 0));
	close(l);
}
