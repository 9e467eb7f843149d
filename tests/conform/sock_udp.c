/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP sockets: names, sizes, levels, shutdown. */
#include "conform.h"

void conform_sock_udp(int family)
{
	struct sockaddr_storage ss, from;
	socklen_t len = loopback(family, &ss, 0), flen = sizeof(from);
	int a = socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	int b = socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	char d[16] = "";
	int v = 0;

	LEVEL("fresh", a);
	NOTE("listen", listen(a, 1));
	NOTE("accept", accept4(a, NULL, NULL, 0));
	NOTE("shutdown", shutdown(a, SHUT_WR));
	NOTE("send", send(a, "x", 1, 0));
	NOTE("recv", recv(a, d, 16, 0));
	NOTE("bind", bind(a, (struct sockaddr *)&ss, len));
	NOTE("twice", bind(a, (struct sockaddr *)&ss, len));
	len = sizeof(ss);
	must(getsockname(a, (struct sockaddr *)&ss, &len) == 0);
	NOTE("in use", bind(b, (struct sockaddr *)&ss, len));
	NOTE("sendto", sendto(b, "hello", 5, 0, (struct sockaddr *)&ss, len));
	NOTE("empty", sendto(b, NULL, 0, 0, (struct sockaddr *)&ss, len));
	settle();
	LEVEL("has data", a);
	NOTE("FIONREAD", ioctl(a, FIONREAD, &v));
	note("%d", v);
	NOTE("peek", recv(a, d, 2, MSG_PEEK | MSG_TRUNC));
	NOTE("recvfrom", recvfrom(a, d, 3, 0, (struct sockaddr *)&from, &flen));
	note("%.3s %u %d", d, flen, from.ss_family == family);
	NOTE("empty one", recv(a, d, 16, 0));
	NOTE("no more", recv(a, d, 16, 0));
	LEVEL("drained", a);
	NOTE("connect", connect(b, (struct sockaddr *)&ss, len));
	NOTE("send", send(b, "abc", 3, 0));
	NOTE("answer", sendto(a, "yes", 3, 0, (struct sockaddr *)&from, flen));
	settle();
	NOTE("recv", recv(b, d, 16, 0));
	NOTE("too long", sendto(b, d, 70000, 0, (struct sockaddr *)&ss, len));
	NOTE("oob", send(b, d, 1, MSG_OOB));
	NOTE("shutdown", shutdown(b, SHUT_RD));
	LEVEL("reads no more", b);
	NOTE("recv", recv(b, d, 16, 0));
	NOTE("shutdown", shutdown(b, SHUT_WR));
	LEVEL("nor writes", b);
	NOTE("send", send(b, "x", 1, MSG_NOSIGNAL));
	close(a);
	close(b);
}
