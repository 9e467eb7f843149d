/* SPDX-License-Identifier: BSD-2-Clause */
/* accept4(2): flags, names, levels before and after. */
#include "conform.h"

void conform_sock_accept(int family)
{
	struct sockaddr_storage ss, peer, mine;
	socklen_t len, plen = sizeof(peer), mlen = sizeof(mine);
	int l = listener(family, &ss, &len, SOCK_NONBLOCK);
	int c = tcp_socket(family, 0), s;

	NOTE("connect", connect(c, (struct sockaddr *)&ss, len));
	settle();
	LEVEL("one waits", l);
	s = accept4(l, (struct sockaddr *)&peer, &plen, SOCK_NONBLOCK);
	note("accepted %d, name of %u", s >= 0, plen);
	LEVEL("none waits", l);
	NOTE("accept", accept4(l, NULL, NULL, 0));
	note("flags %x", (unsigned)fcntl(s, F_GETFL) & (O_NONBLOCK | O_ACCMODE));
	note("flags %x", (unsigned)fcntl(c, F_GETFL) & (O_NONBLOCK | O_ACCMODE));
	must(getsockname(c, (struct sockaddr *)&mine, &mlen) == 0);
	note("peer is who connected: %d", plen == mlen && memcmp(&peer, &mine, 8) == 0);
	mlen = sizeof(mine);
	must(getsockname(s, (struct sockaddr *)&mine, &mlen) == 0);
	note("local is where it connected to: %d", memcmp(&ss, &mine, 8) == 0);
	mlen = 3;
	NOTE("short name", getsockname(s, (struct sockaddr *)&mine, &mlen));
	note("its length %u", mlen);
	LEVEL("client", c);
	LEVEL("server", s);
	close(l);
	close(c);
	close(s);
}
