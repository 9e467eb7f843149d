/* SPDX-License-Identifier: BSD-2-Clause */
/* How many events a call gives, and what it makes of its arguments. */
#include "conform.h"

#define N 6

/* The most that is allowed; unknown to the compiler, which sees that there is no such room. (So
 * much itself is EFAULT or not as the kernel has laid out the program.) */
static volatile int most = INT32_MAX / (int)sizeof(struct epoll_event);

void conform_epoll_wait_args(int family)
{
	struct epoll_event out[2 * N];
	int c[N], s[N], ep = epoll_create1(0);

	for (int i = 0; i < N; i++) {
		pair(family, &c[i], &s[i], SOCK_NONBLOCK);
		add(ep, s[i], EPOLLIN, (uint32_t)i);
		(void)send(c[i], "x", 1, 0);
		settle();
	}
	NOTE("more room than events", epoll_wait(ep, out, 2 * N, 0));
	NOTE("less", epoll_wait(ep, out, N - 1, 0));
	NOTE("one more", epoll_wait(ep, out, most + 1, 0));
	NOTE("create", epoll_create(minus_one));
	NOTE("create", epoll_create(0));
	for (int i = 0; i < N; i++) {
		close(c[i]);
		close(s[i]);
	}
	close(ep);
}
