/* SPDX-License-Identifier: BSD-2-Clause */
/* What kqueue's cases share; see kq.h. */
#include "kq.h"

struct kevent ev[EVENTS];

int change(int kq, int64_t ident, int filter, int flags, uint32_t fflags, int64_t data,
	   uintptr_t udata)
{
	struct kevent ch;

	EV_SET(&ch, ident, filter, flags, fflags, data, (void *)udata);
	return kevent(kq, &ch, 1, NULL, 0, NULL) < 0 ? -errno : 0;
}

int harvest_within(int kq, int ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	memset(ev, 0, sizeof(ev));
	return kevent(kq, NULL, 0, ev, EVENTS, &ts);
}

int harvest(int kq)
{
	settle();
	return harvest_within(kq, 0);
}
