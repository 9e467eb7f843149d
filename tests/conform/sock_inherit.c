/* SPDX-License-Identifier: BSD-2-Clause */
/* What an accepted socket takes from its listener. */
#include "conform.h"

void conform_sock_inherit(int family)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int l = listener(family, &ss, &len, SOCK_NONBLOCK), c, fd = l;

	SET(SO_KEEPALIVE, SOL_SOCKET, 1);
	SET(TCP_NODELAY, IPPROTO_TCP, 1);
	SET(SO_RCVLOWAT, SOL_SOCKET, 3);
	SET(SO_PRIORITY, SOL_SOCKET, 2);
	if (family == AF_INET) {
		SET(IP_TOS, IPPROTO_IP, 0x20);
		SET(IP_TTL, IPPROTO_IP, 33);
	} else {
		SET(IPV6_TCLASS, IPPROTO_IPV6, 0x20);
		SET(IPV6_UNICAST_HOPS, IPPROTO_IPV6, 33);
	}
	c = tcp_socket(family, 0);
	NOTE("connect", connect(c, (struct sockaddr *)&ss, len));
	settle();
	fd = accept4(l, NULL, NULL, 0);
	must(fd >= 0);
	GET(SO_KEEPALIVE, SOL_SOCKET);
	GET(SO_RCVLOWAT, SOL_SOCKET);
	GET(SO_PRIORITY, SOL_SOCKET);
	GET(SO_ACCEPTCONN, SOL_SOCKET);
	if (family == AF_INET) {
		GET(IP_TOS, IPPROTO_IP);
		GET(IP_TTL, IPPROTO_IP);
	} else {
		GET(IPV6_TCLASS, IPPROTO_IPV6);
		GET(IPV6_UNICAST_HOPS, IPPROTO_IPV6);
	}
	note("flags %x", (unsigned)fcntl(fd, F_GETFL) & O_NONBLOCK);
	close(fd);
	close(c);
	close(l);
}
