/* SPDX-License-Identifier: BSD-2-Clause */
/* Error codes of epoll_ctl, epoll_wait and of file calls on a set. */
#include "conform.h"

void conform_epoll_errors(int family)
{
	struct epoll_event ev = {.events = EPOLLIN}, out[4];
	int c, s, ep = epoll_create1(0), ep2 = epoll_create1(0);
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct timespec bad = {.tv_nsec = -1};
	char b[4];

	pair(family, &c, &s, SOCK_NONBLOCK);
	NOTE("create flags", epoll_create1(1));
	NOTE("add", epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev));
	NOTE("add twice", epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev));
	NOTE("mod stranger", epoll_ctl(ep, EPOLL_CTL_MOD, c, &ev));
	NOTE("del stranger", epoll_ctl(ep, EPOLL_CTL_DEL, c, NULL));
	NOTE("regular file", epoll_ctl(ep, EPOLL_CTL_ADD, file, &ev));
	NOTE("itself", epoll_ctl(ep, EPOLL_CTL_ADD, ep, &ev));
	NOTE("closed", epoll_ctl(ep, EPOLL_CTL_ADD, 9999, &ev));
	NOTE("no event", epoll_ctl(ep, EPOLL_CTL_ADD, c, NULL));
	NOTE("op", epoll_ctl(ep, 9, c, &ev));
	NOTE("no set", epoll_ctl(s, EPOLL_CTL_ADD, c, &ev));
	NOTE("nest", epoll_ctl(ep, EPOLL_CTL_ADD, ep2, &ev));
	NOTE("loop", epoll_ctl(ep2, EPOLL_CTL_ADD, ep, &ev));
	ev.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT;
	NOTE("exclusive oneshot", epoll_ctl(ep, EPOLL_CTL_ADD, c, &ev));
	ev.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLRDHUP;
	NOTE("exclusive rdhup", epoll_ctl(ep, EPOLL_CTL_ADD, c, &ev));
	ev.events = EPOLLIN | EPOLLEXCLUSIVE;
	NOTE("exclusive", epoll_ctl(ep, EPOLL_CTL_ADD, c, &ev));
	NOTE("mod exclusive", epoll_ctl(ep, EPOLL_CTL_MOD, c, &ev));
	ev.events = EPOLLIN;
	NOTE("mod exclusive", epoll_ctl(ep, EPOLL_CTL_MOD, c, &ev));
	NOTE("max 0", epoll_wait(ep, out, 0, 0));
	NOTE("max -1", epoll_wait(ep, out, minus_one, 0));
	NOTE("not a set", epoll_wait(s, out, 1, 0));
	NOTE("closed", epoll_wait(9999, out, 1, 0));
	NOTE("timeout", epoll_pwait2(ep, out, 1, &bad, NULL));
	NOTE("read a set", read(ep, b, 4));
	NOTE("recv from a set", recv(ep, b, 4, 0));
	NOTE("write a set", write(ep, b, 4));
	close(ep);
	close(ep2);
	close(c);
	close(s);
	close(file);
}
