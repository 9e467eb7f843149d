/* SPDX-License-Identifier: BSD-2-Clause */
/* close() of the last descriptor drops its knotes, of a twin its own; a closed kqueue is none. */
#include "kq.h"

void conform_kqueue_close(int family)
{
	int kq = kqueue(), c, s, d;

	pair(family, &c, &s, SOCK_NONBLOCK);
	(void)send(c, "x", 1, 0);
	settle();
	d = dup(s);
	IS(change(kq, s, EVFILT_READ, EV_ADD, 0, 0, 1), 0);
	IS(change(kq, d, EVFILT_READ, EV_ADD, 0, 0, 2), 0);
	IS(harvest(kq), 2);
	close(s);
	IS(harvest(kq), 1);
	IS(ev[0].ident, d);
	IS((uintptr_t)ev[0].udata, 2);
	IS(change(kq, s, EVFILT_READ, EV_DELETE, 0, 0, 0), -ENOENT);
	close(d);
	IS(harvest(kq), 0);
	close(c);
	d = dup(kq);
	close(kq);
	pair(family, &c, &s, SOCK_NONBLOCK);
	IS(change(d, c, EVFILT_WRITE, EV_ADD, 0, 0, 0), 0);
	IS(harvest(d), 1);
	close(d);
	IS(harvest_within(d, 0), -1);
	IS(errno, EBADF);
	close(c);
	close(s);
}
