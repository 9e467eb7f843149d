/* SPDX-License-Identifier: BSD-2-Clause */
/* Timeouts of poll, ppoll, select and pselect: kept, and refused when they are none. */
#include "conform.h"

void conform_poll_timeout(int family)
{
	struct timespec ts = {.tv_nsec = 5000000};
	struct timeval tv = {.tv_usec = 5000};
	struct pollfd p = {.events = POLLIN};
	uint64_t start;
	int c, s;
	fd_set in;

	pair(family, &c, &s, SOCK_NONBLOCK);
	p.fd = s;
	start = now_ms();
	NOTE("poll", poll(&p, 1, 15));
	note("not before: %d", now_ms() - start >= 14);
	NOTE("ppoll", ppoll(&p, 1, &ts, NULL));
	FD_ZERO(&in);
	FD_SET(s, &in);
	NOTE("select", select(s + 1, &in, NULL, NULL, &tv));
	note("left %ld.%ld, set is empty: %d", (long)tv.tv_sec, (long)tv.tv_usec,
	     !FD_ISSET(s, &in));
	FD_SET(s, &in);
	NOTE("pselect", pselect(s + 1, &in, NULL, NULL, &ts, NULL));
	note("time as it was: %d", ts.tv_nsec == 5000000);
	ts.tv_nsec = 1000000000;
	NOTE("ppoll, too many ns", ppoll(&p, 1, &ts, NULL));
	NOTE("pselect, too many ns", pselect(s + 1, &in, NULL, NULL, &ts, NULL));
	ts = (struct timespec){.tv_sec = -1};
	NOTE("ppoll, negative", ppoll(&p, 1, &ts, NULL));
	NOTE("pselect, negative", pselect(s + 1, &in, NULL, NULL, &ts, NULL));
	tv = (struct timeval){.tv_usec = -1};
	NOTE("select, negative", select(s + 1, &in, NULL, NULL, &tv));
	tv = (struct timeval){.tv_usec = 3000000};
	(void)send(c, "x", 1, 0);
	settle();
	FD_SET(s, &in);
	NOTE("select, more us than a second", select(s + 1, &in, NULL, NULL, &tv));
	NOTE("poll, any negative", poll(&p, 1, -9));
	close(c);
	close(s);
}
