/* SPDX-License-Identifier: BSD-2-Clause */
/* Timeouts: none, milliseconds, nanoseconds; they are kept, and an event ends them early. */
#include "conform.h"

#define BOUND_MS 30000 /* a busy machine is slow, but not so slow */

static uint64_t elapsed_us(const struct timespec *from)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)(now.tv_sec - from->tv_sec) * 1000000 +
	       (uint64_t)((now.tv_nsec - from->tv_nsec) / 1000);
}

void conform_epoll_timeout(int family)
{
	struct timespec start, ts = {.tv_nsec = 1500000};
	struct epoll_event ev;
	int c, s, ep = epoll_create1(0);

	pair(family, &c, &s, SOCK_NONBLOCK);
	add(ep, s, EPOLLIN, 0);
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	NOTE("0 ms", epoll_wait(ep, &ev, 1, 0));
	NOTE("20 ms", epoll_wait(ep, &ev, 1, 20));
	note("not before: %d", elapsed_us(&start) >= 20000);
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	NOTE("1.5 ms", epoll_pwait2(ep, &ev, 1, &ts, NULL));
	note("not before: %d", elapsed_us(&start) >= 1500);
	ts.tv_nsec = 1;
	NOTE("1 ns", epoll_pwait2(ep, &ev, 1, &ts, NULL));
	ts.tv_nsec = 0;
	NOTE("0 ns", epoll_pwait2(ep, &ev, 1, &ts, NULL));
	ts.tv_nsec = 1000000000;
	NOTE("too many ns", epoll_pwait2(ep, &ev, 1, &ts, NULL));
	ts = (struct timespec){.tv_sec = -1};
	NOTE("negative", epoll_pwait2(ep, &ev, 1, &ts, NULL));
	(void)send(c, "x", 1, 0);
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	NOTE("for ever", epoll_wait(ep, &ev, 1, -1));
	NOTE("for ever", epoll_pwait2(ep, &ev, 1, NULL, NULL));
	NOTE("for long", epoll_wait(ep, &ev, 1, 1000000));
	ts = (struct timespec){.tv_sec = INT64_MAX};
	NOTE("as long as can be", epoll_pwait2(ep, &ev, 1, &ts, NULL));
	NOTE("any negative", epoll_wait(ep, &ev, 1, -77));
	note("at once: %d", elapsed_us(&start) < BOUND_MS * 1000ull);
	close(c);
	close(s);
	close(ep);
}
