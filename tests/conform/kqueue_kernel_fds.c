/* SPDX-License-Identifier: BSD-2-Clause */
/* READ and WRITE of kernel descriptors beside sockets: data, EV_EOF, edges, close. */
#include "kq.h"

#define LONG 20000

void conform_kqueue_kernel_fds(int family)
{
	int kq = kqueue(), c, s, p[2];
	char b[8];

	pair(family, &c, &s, SOCK_NONBLOCK);
	must(pipe(p) == 0);
	IS(change(kq, p[0], EVFILT_READ, EV_ADD, 0, 0, 1), 0);
	IS(change(kq, s, EVFILT_READ, EV_ADD, 0, 0, 2), 0);
	IS(harvest(kq), 0);
	must(write(p[1], "abc", 3) == 3);
	IS(harvest_within(kq, LONG), 1);
	IS(ev[0].ident, p[0]);
	IS(ev[0].data, 3);
	(void)send(c, "x", 1, 0);
	IS(harvest(kq), 2);
	IS(read(p[0], b, 8), 3);
	IS(harvest(kq), 1);
	IS(ev[0].ident, s);
	IS(recv(s, b, 8, 0), 1);
	IS(change(kq, p[1], EVFILT_WRITE, EV_ADD | EV_ONESHOT, 0, 0, 3), 0);
	IS(harvest_within(kq, LONG), 1);
	IS(ev[0].filter, EVFILT_WRITE);
	IS(harvest(kq), 0);
	IS(change(kq, p[0], EVFILT_READ, EV_DISABLE, 0, 0, 1), 0);
	must(write(p[1], "a", 1) == 1);
	IS(harvest(kq), 0);
	IS(change(kq, p[0], EVFILT_READ, EV_ENABLE, 0, 0, 1), 0);
	IS(harvest_within(kq, LONG), 1);
	close(p[1]);
	IS(harvest_within(kq, LONG), 1);
	IS(ev[0].flags & EV_EOF, EV_EOF);
	IS(ev[0].data, 1);
	close(p[0]);
	IS(harvest(kq), 0);
	IS(change(kq, p[0], EVFILT_READ, EV_DELETE, 0, 0, 0), -ENOENT);
	IS(change(kq, 9999, EVFILT_READ, EV_ADD, 0, 0, 0), -EBADF);
	close(kq);
	close(c);
	close(s);
}
