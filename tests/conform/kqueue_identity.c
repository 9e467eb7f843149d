/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A knote is (kqueue, ident, filter): adding again changes it and keeps one, READ and WRITE of one
 * descriptor are two, a condition that holds at ADD fires.
 */
#include "kq.h"

void conform_kqueue_identity(int family)
{
	int kq = kqueue(), other = kqueue(), c, s;

	pair(family, &c, &s, SOCK_NONBLOCK);
	(void)send(c, "abc", 3, 0);
	settle();
	IS(change(kq, s, EVFILT_READ, EV_ADD, 0, 0, 1), 0);
	IS(change(kq, s, EVFILT_READ, EV_ADD, 0, 0, 2), 0);
	IS(harvest(kq), 1);
	IS(ev[0].ident, s);
	IS(ev[0].filter, EVFILT_READ);
	IS(ev[0].data, 3);
	IS(ev[0].fflags, 0);
	IS((uintptr_t)ev[0].udata, 2);
	IS(change(kq, s, EVFILT_WRITE, EV_ADD, 0, 0, 3), 0);
	IS(harvest(kq), 2);
	IS(ev[0].filter + ev[1].filter, EVFILT_READ + EVFILT_WRITE);
	IS(harvest(other), 0);
	IS(change(other, s, EVFILT_READ, EV_ADD, 0, 0, 4), 0);
	IS(harvest(other), 1);
	IS(change(kq, s, EVFILT_READ, EV_DELETE, 0, 0, 0), 0);
	IS(change(kq, s, EVFILT_READ, EV_DELETE, 0, 0, 0), -ENOENT);
	IS(harvest(kq), 1);
	IS(ev[0].filter, EVFILT_WRITE);
	IS(harvest(other), 1);
	close(kq);
	close(other);
	close(c);
	close(s);
}
