/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EVFILT_TIMER: units, periods counted, ONESHOT, ABSTIME, adding again, period 0. Lower bounds of
 * time are kept; upper ones are a busy machine's.
 */
#include "kq.h"

#define LONG 30000

static void units(int kq)
{
	static const struct {
		uint32_t unit;
		int64_t ten_ms;
	} rows[] = {
		{0, 10}, {NOTE_MSECONDS, 10}, {NOTE_USECONDS, 10000}, {NOTE_NSECONDS, 10000000}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t start = now_ms();

		IS(change(kq, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, rows[i].unit, rows[i].ten_ms,
			  5),
		   0);
		IS(harvest_within(kq, LONG), 1);
		IS(now_ms() - start >= 9, 1);
		IS(now_ms() - start < LONG, 1);
		IS(ev[0].ident, 1);
		IS(ev[0].filter, EVFILT_TIMER);
		IS(ev[0].data, 1);
		IS((uintptr_t)ev[0].udata, 5);
		IS(change(kq, 1, EVFILT_TIMER, EV_DELETE, 0, 0, 0), -ENOENT);
	}
	IS(change(kq, 1, EVFILT_TIMER, EV_ADD, NOTE_SECONDS, 1000, 0), 0);
	IS(harvest(kq), 0);
	IS(change(kq, 1, EVFILT_TIMER, EV_DELETE, 0, 0, 0), 0);
	IS(change(kq, 1, EVFILT_TIMER, EV_ADD, NOTE_SECONDS | NOTE_MSECONDS, 1, 0), -EINVAL);
	IS(change(kq, 1, EVFILT_TIMER, EV_ADD, 0, -1, 0), -EINVAL);
}

static void periodic(int kq)
{
	struct timespec ts = {.tv_nsec = 30000000};

	IS(change(kq, 2, EVFILT_TIMER, EV_ADD, 0, 5, 0), 0);
	(void)nanosleep(&ts, NULL);
	/* Slept through: counted, one event. */
	IS(harvest_within(kq, 0), 1);
	IS(ev[0].data >= 5, 1);
	IS(ev[0].flags & EV_CLEAR, EV_CLEAR);
	IS(harvest_within(kq, LONG), 1);
	IS(change(kq, 2, EVFILT_TIMER, EV_DISABLE, 0, 0, 0), 0);
	(void)nanosleep(&ts, NULL);
	IS(harvest_within(kq, 0), 0);
	/* Tracked meanwhile. */
	IS(change(kq, 2, EVFILT_TIMER, EV_ENABLE, 0, 0, 0), 0);
	IS(harvest_within(kq, 0), 1);
	IS(ev[0].data >= 5, 1);
	/* Adding again restarts it and forgets what was pending. */
	(void)nanosleep(&ts, NULL);
	IS(change(kq, 2, EVFILT_TIMER, EV_ADD, NOTE_SECONDS, 1000, 0), 0);
	IS(harvest_within(kq, 0), 0);
	IS(change(kq, 2, EVFILT_TIMER, EV_DELETE, 0, 0, 0), 0);
}

static void absolute(int kq)
{
	struct timespec now;
	int64_t ms;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	ms = now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
	IS(change(kq, 3, EVFILT_TIMER, EV_ADD, NOTE_ABSTIME | NOTE_MSECONDS, ms + 20, 0), 0);
	IS(harvest_within(kq, LONG), 1);
	IS(ev[0].data, 1);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	IS(now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000 >= ms + 20, 1);
	/* Not periodic. */
	IS(harvest_within(kq, 5), 0);
	/* In the past: now. */
	IS(change(kq, 3, EVFILT_TIMER, EV_ADD, NOTE_ABSTIME | NOTE_SECONDS, 1, 0), 0);
	IS(harvest_within(kq, 0), 1);
	IS(ev[0].data, 1);
	IS(change(kq, 3, EVFILT_TIMER, EV_DELETE, 0, 0, 0), 0);
}

static void zero(int kq)
{
	/* 0 is 1. */
	IS(change(kq, 4, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 0, 0), 0);
	IS(harvest_within(kq, LONG), 1);
	IS(change(kq, 4, EVFILT_TIMER, EV_ADD | EV_DISPATCH, 0, 1, 0), 0);
	IS(harvest_within(kq, LONG), 1);
	IS(harvest_within(kq, 5), 0);
	IS(change(kq, 4, EVFILT_TIMER, EV_ENABLE | EV_DISPATCH, 0, 0, 0), 0);
	IS(harvest_within(kq, LONG), 1);
	IS(change(kq, 4, EVFILT_TIMER, EV_DELETE, 0, 0, 0), 0);
	/* As far away as can be said. */
	IS(change(kq, 4, EVFILT_TIMER, EV_ADD, NOTE_SECONDS, INT64_MAX, 0), 0);
	IS(harvest_within(kq, 0), 0);
}

void conform_kqueue_timer(int family)
{
	int kq = kqueue();

	(void)family;
	units(kq);
	periodic(kq);
	absolute(kq);
	zero(kq);
	close(kq);
}
