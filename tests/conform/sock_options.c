/* SPDX-License-Identifier: BSD-2-Clause */
/* getsockopt(2), setsockopt(2): values, lengths, errors. */
#include "conform.h"

void conform_sock_options(int family)
{
	struct timeval tv = {.tv_sec = 3, .tv_usec = 500000};
	struct linger l = {.l_onoff = 1, .l_linger = 9};
	int fd = tcp_socket(family, 0), v = 1;
	char name[16] = "";
	socklen_t len;

	GET(SO_TYPE, SOL_SOCKET);
	GET(SO_DOMAIN, SOL_SOCKET);
	GET(SO_PROTOCOL, SOL_SOCKET);
	GET(SO_ACCEPTCONN, SOL_SOCKET);
	GET(SO_ERROR, SOL_SOCKET);
	GET(SO_REUSEADDR, SOL_SOCKET);
	SET(SO_REUSEADDR, SOL_SOCKET, 5);
	GET(SO_REUSEADDR, SOL_SOCKET);
	SET(SO_REUSEPORT, SOL_SOCKET, 1);
	GET(SO_REUSEPORT, SOL_SOCKET);
	SET(SO_KEEPALIVE, SOL_SOCKET, 3);
	GET(SO_KEEPALIVE, SOL_SOCKET);
	SET(SO_BROADCAST, SOL_SOCKET, 1);
	GET(SO_BROADCAST, SOL_SOCKET);
	SET(SO_RCVBUF, SOL_SOCKET, 20000);
	GET(SO_RCVBUF, SOL_SOCKET);
	SET(SO_SNDBUF, SOL_SOCKET, 20000);
	GET(SO_SNDBUF, SOL_SOCKET);
	SET(SO_RCVBUF, SOL_SOCKET, 1);
	GET(SO_RCVBUF, SOL_SOCKET);
	SET(SO_SNDBUF, SOL_SOCKET, 1);
	GET(SO_SNDBUF, SOL_SOCKET);
	SET(SO_PRIORITY, SOL_SOCKET, 4);
	GET(SO_PRIORITY, SOL_SOCKET);
	SET(SO_MARK, SOL_SOCKET, 17);
	GET(SO_MARK, SOL_SOCKET);
	SET(SO_TYPE, SOL_SOCKET, 1);
	SET(SO_ERROR, SOL_SOCKET, 1);
	SET(TCP_NODELAY, IPPROTO_TCP, 1);
	GET(TCP_NODELAY, IPPROTO_TCP);
	SET(TCP_KEEPIDLE, IPPROTO_TCP, 60);
	GET(TCP_KEEPIDLE, IPPROTO_TCP);
	SET(TCP_KEEPIDLE, IPPROTO_TCP, 0);
	SET(TCP_KEEPINTVL, IPPROTO_TCP, 10);
	GET(TCP_KEEPINTVL, IPPROTO_TCP);
	SET(TCP_KEEPCNT, IPPROTO_TCP, 3);
	SET(TCP_KEEPCNT, IPPROTO_TCP, 128);
	GET(TCP_KEEPCNT, IPPROTO_TCP);
	SET(TCP_USER_TIMEOUT, IPPROTO_TCP, 5000);
	GET(TCP_USER_TIMEOUT, IPPROTO_TCP);
	SET(TCP_CORK, IPPROTO_TCP, 1);
	GET(TCP_CORK, IPPROTO_TCP);
	SET(4444, IPPROTO_TCP, 1);
	SET(4444, SOL_SOCKET, 1);
	GET(4444, SOL_SOCKET);
	SET(1, 777, 1);
	if (family == AF_INET) {
		SET(IP_TOS, IPPROTO_IP, 0x10);
		GET(IP_TOS, IPPROTO_IP);
		SET(IP_TTL, IPPROTO_IP, 17);
		GET(IP_TTL, IPPROTO_IP);
		SET(IP_TTL, IPPROTO_IP, 0);
		SET(IP_TTL, IPPROTO_IP, 256);
		SET(IP_TRANSPARENT, IPPROTO_IP, 1);
		GET(IP_TRANSPARENT, IPPROTO_IP);
		SET(IP_FREEBIND, IPPROTO_IP, 1);
		GET(IP_FREEBIND, IPPROTO_IP);
		SET(IPV6_V6ONLY, IPPROTO_IPV6, 1);
	} else {
		GET(IPV6_V6ONLY, IPPROTO_IPV6);
		SET(IPV6_V6ONLY, IPPROTO_IPV6, 1);
		GET(IPV6_V6ONLY, IPPROTO_IPV6);
		SET(IPV6_TRANSPARENT, IPPROTO_IPV6, 1);
		GET(IPV6_TRANSPARENT, IPPROTO_IPV6);
		SET(IPV6_TCLASS, IPPROTO_IPV6, 8);
		GET(IPV6_TCLASS, IPPROTO_IPV6);
		SET(IPV6_TCLASS, IPPROTO_IPV6, 300);
		SET(IPV6_UNICAST_HOPS, IPPROTO_IPV6, 9);
		GET(IPV6_UNICAST_HOPS, IPPROTO_IPV6);
	}
	NOTE("short", setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &v, 2));
	NOTE("short", setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &v, 2));
	len = 2;
	NOTE("short", getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, &len));
	note("length %u", len);
	NOTE("time", setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	memset(&tv, 0, sizeof(tv));
	len = sizeof(tv);
	NOTE("time", getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, &len));
	note("%ld.%06ld (%u)", (long)tv.tv_sec, (long)tv.tv_usec, len);
	tv.tv_usec = 1000000;
	NOTE("bad time", setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	NOTE("short time", setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, 4));
	NOTE("linger", setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
	l = (struct linger){0};
	len = sizeof(l);
	NOTE("linger", getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &len));
	note("%d %d", l.l_onoff, l.l_linger);
	NOTE("short linger", setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, 4));
	NOTE("reno", setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
	len = sizeof(name);
	NOTE("name", getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len));
	note("%s (%u)", name, len);
	NOTE("nosuch", setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "nosuch", 6));
	NOTE("empty", setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "", 0));
	NOTE("ioctl", ioctl(fd, 0x1234, &v));
	NOTE("fcntl", fcntl(fd, 4444, 0));
	close(fd);
}
