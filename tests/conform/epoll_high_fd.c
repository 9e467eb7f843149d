/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers above FD_SETSIZE: epoll and poll take them. */
#include "conform.h"

#include <sys/resource.h>

#define HIGH 1500

void conform_epoll_high_fd(int family)
{
	struct epoll_event ev;
	struct rlimit rl;
	struct pollfd p;
	int c, s, d, ep = epoll_create1(0);

	must(getrlimit(RLIMIT_NOFILE, &rl) == 0);
	if (rl.rlim_cur <= HIGH) {
		rl.rlim_cur = rl.rlim_max;
		must(setrlimit(RLIMIT_NOFILE, &rl) == 0);
	}
	pair(family, &c, &s, SOCK_NONBLOCK);
	d = fcntl(s, F_DUPFD, HIGH);
	note("high: %d", d >= HIGH);
	add(ep, d, EPOLLIN, 77);
	close(s);
	(void)send(c, "x", 1, 0);
	settle();
	NOTE("wait", epoll_wait(ep, &ev, 1, 1000));
	note("%#x of %u", ev.events, ev.data.u32);
	p = (struct pollfd){.fd = d, .events = POLLIN};
	NOTE("poll", poll(&p, 1, 1000));
	note("%#x", (unsigned)p.revents);
	close(d);
	close(c);
	close(ep);
}
