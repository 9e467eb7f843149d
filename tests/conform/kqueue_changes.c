/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The change list and the event list in one call: all changes first; errors and receipts into the
 * event list while there is room; then no waiting and no events. The lists may be the same memory.
 */
#include "kq.h"

#define NOBODY 9999

static const struct timespec now = {0, 0}, later = {.tv_sec = 20};

static void set(struct kevent *ch, int ident, int filter, int flags)
{
	EV_SET(ch, ident, filter, flags, 0, 0, NULL);
}

static void errors(int kq, int s)
{
	struct kevent ch[3], out[4];

	set(&ch[0], NOBODY, EVFILT_READ, EV_ADD);
	set(&ch[1], s, EVFILT_WRITE, EV_ADD);
	set(&ch[2], s, EVFILT_READ, EV_DELETE);
	/* Does not wait, and WRITE, which is ready, is not among what it returns. */
	IS(kevent(kq, ch, 3, out, 4, &later), 2);
	IS(out[0].flags & EV_ERROR, EV_ERROR);
	IS(out[0].data, EBADF);
	IS(out[0].ident, NOBODY);
	IS(out[1].flags & EV_ERROR, EV_ERROR);
	IS(out[1].data, ENOENT);
	IS(out[1].filter, EVFILT_READ);
	IS(kevent(kq, NULL, 0, out, 4, &now), 1);
	IS(out[0].filter, EVFILT_WRITE);
}

static void no_room(int kq, int s)
{
	struct kevent ch[3], out[1];

	set(&ch[0], NOBODY, EVFILT_READ, EV_ADD);
	set(&ch[1], s, EVFILT_WRITE, EV_DELETE);
	errno = 0;
	IS(kevent(kq, ch, 2, NULL, 0, NULL), -1);
	IS(errno, EBADF);
	/* The change after it was not made. */
	IS(harvest(kq), 1);
	/* Room for the first error, none for the second: the change after that is not made. */
	set(&ch[1], NOBODY, EVFILT_READ, EV_ADD);
	set(&ch[2], s, EVFILT_WRITE, EV_DELETE);
	errno = 0;
	IS(kevent(kq, ch, 3, out, 1, &now), -1);
	IS(errno, EBADF);
	IS(harvest(kq), 1);
}

static void receipts(int kq, int s)
{
	struct kevent ch[2], both[4];

	set(&ch[0], s, EVFILT_WRITE, EV_ADD | EV_RECEIPT);
	IS(kevent(kq, ch, 1, both, 4, &later), 1);
	IS(both[0].flags & EV_ERROR, EV_ERROR);
	IS(both[0].data, 0);
	IS(both[0].filter, EVFILT_WRITE);
	/* One memory for both lists. */
	set(&both[0], s, EVFILT_WRITE, EV_ADD | EV_RECEIPT);
	set(&both[1], NOBODY, EVFILT_READ, EV_ADD);
	set(&both[2], s, EVFILT_READ, EV_ADD | EV_RECEIPT);
	IS(kevent(kq, both, 3, both, 4, &later), 3);
	IS(both[0].data, 0);
	IS(both[1].data, EBADF);
	IS(both[2].data, 0);
	IS(both[2].ident, s);
	/* Changes made and events read by one call, in one memory. */
	set(&both[0], s, EVFILT_READ, EV_DELETE);
	IS(kevent(kq, both, 1, both, 4, &later), 1);
	IS(both[0].filter, EVFILT_WRITE);
	IS(both[0].flags & EV_ERROR, 0);
}

static void timeouts(int kq, int s)
{
	struct timespec bad = {.tv_nsec = 1000000000}, negative = {.tv_sec = -1};
	struct kevent out[1];
	uint64_t start = now_ms();

	IS(change(kq, s, EVFILT_WRITE, EV_DELETE, 0, 0, 0), 0);
	/* No room for events: returns at once. */
	IS(kevent(kq, NULL, 0, NULL, 0, &later), 0);
	IS(kevent(kq, NULL, 0, NULL, 0, NULL), 0);
	IS(now_ms() - start < 15000, 1);
	IS(kevent(kq, NULL, 0, out, 1, &bad), -1);
	IS(errno, EINVAL);
	IS(kevent(kq, NULL, 0, out, 1, &negative), -1);
	IS(errno, EINVAL);
	start = now_ms();
	IS(kevent(kq, NULL, 0, out, 1, &(struct timespec){.tv_nsec = 20000000}), 0);
	IS(now_ms() - start >= 19, 1);
}

static void bad_arguments(int kq, int s)
{
	struct kevent out[1];

	IS(kevent(s, NULL, 0, out, 1, &now), -1);
	IS(errno, EBADF);
	IS(kevent(NOBODY, NULL, 0, out, 1, &now), -1);
	IS(errno, EBADF);
	IS(change(kq, s, EVFILT_READ, EV_ENABLE, 0, 0, 0), -ENOENT);
	IS(change(kq, s, EVFILT_READ, 0, 0, 0, 0), -ENOENT);
	IS(change(kq, s, EVFILT_READ, EV_ADD | EV_ENABLE | EV_DISABLE, 0, 0, 0), -EINVAL);
	IS(change(kq, s, EVFILT_READ, EV_ADD | EV_KEEPUDATA, 0, 0, 0), -EINVAL);
	IS(change(kq, s, -99, EV_ADD, 0, 0, 0), -EINVAL);
	IS(change(kq, s, 0, EV_ADD, 0, 0, 0), -EINVAL);
	IS(change(kq, -1, EVFILT_READ, EV_ADD, 0, 0, 0), -EBADF);
	IS(change(kq, INT64_C(1) << 33, EVFILT_READ, EV_ADD, 0, 0, 0), -EBADF);
}

void conform_kqueue_changes(int family)
{
	int kq = kqueue(), c, s;

	pair(family, &c, &s, SOCK_NONBLOCK);
	errors(kq, s);
	no_room(kq, s);
	receipts(kq, s);
	timeouts(kq, s);
	bad_arguments(kq, s);
	close(kq);
	close(c);
	close(s);
}
