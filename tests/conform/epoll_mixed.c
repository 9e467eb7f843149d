/* SPDX-License-Identifier: BSD-2-Clause */
/* Kernel descriptors beside sockets in one set. */
#include "conform.h"

void conform_epoll_mixed(int family)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = 7}, out[4];
	int c, s, pipefd[2], ep = epoll_create1(0);
	int n;

	pair(family, &c, &s, SOCK_NONBLOCK);
	must(pipe(pipefd) == 0);
	NOTE("add", epoll_ctl(ep, EPOLL_CTL_ADD, pipefd[0], &ev));
	NOTE("twice", epoll_ctl(ep, EPOLL_CTL_ADD, pipefd[0], &ev));
	ev.data.u32 = 8;
	NOTE("add", epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev));
	NOTE("nothing", epoll_wait(ep, out, 4, 2));
	must(write(pipefd[1], "x", 1) == 1);
	n = epoll_wait(ep, out, 4, 1000);
	note("%d: %u %x", n, out[0].data.u32, out[0].events);
	(void)send(c, "x", 1, 0);
	settle();
	NOTE("del", epoll_ctl(ep, EPOLL_CTL_DEL, pipefd[0], NULL));
	n = epoll_wait(ep, out, 4, 1000);
	note("%d: %u %x", n, out[0].data.u32, out[0].events);
	close(pipefd[0]);
	close(pipefd[1]);
	close(c);
	close(s);
	close(ep);
}
