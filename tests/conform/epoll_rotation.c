/* SPDX-License-Identifier: BSD-2-Clause */
/* Which of four ready sockets each call with room for two reports. */
#include "conform.h"

void conform_epoll_rotation(int family)
{
	int c[4], s[4], ep = epoll_create1(0);
	struct epoll_event ev;

	for (int i = 0; i < 4; i++) {
		pair(family, &c[i], &s[i], SOCK_NONBLOCK);
		ev = (struct epoll_event){.events = EPOLLIN, .data.u32 = (uint32_t)i};
		NOTE("add", epoll_ctl(ep, EPOLL_CTL_ADD, s[i], &ev));
	}
	for (int i = 0; i < 4; i++) {
		(void)send(c[i], "x", 1, 0);
		settle();
	}
	for (int round = 0; round < 5; round++) {
		struct epoll_event out[2];
		int n = epoll_wait(ep, out, 2, 0);

		note("%d: %u %u", n, out[0].data.u32, out[1].data.u32);
	}
	for (int i = 0; i < 4; i++) {
		close(c[i]);
		close(s[i]);
	}
	close(ep);
}
