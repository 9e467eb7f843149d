/* SPDX-License-Identifier: BSD-2-Clause */
/* EVFILT_USER: NOTE_TRIGGER, the three ways to change flags, CLEAR, from another thread. */
#include "kq.h"

#include <pthread.h>

static void flags(int kq)
{
	IS(change(kq, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0xf0, 0, 0), 0);
	IS(harvest(kq), 0);
	IS(change(kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, 0), 0);
	IS(harvest(kq), 1);
	IS(ev[0].fflags & NOTE_FFLAGSMASK, 0xf0);
	IS(ev[0].fflags & NOTE_TRIGGER, 0);
	IS(harvest(kq), 0);
	IS(change(kq, 1, EVFILT_USER, 0, NOTE_FFOR | 0x0f | NOTE_TRIGGER, 0, 0), 0);
	IS(harvest(kq), 1);
	IS(ev[0].fflags, 0xff);
	IS(change(kq, 1, EVFILT_USER, 0, NOTE_FFAND | 0x3c | NOTE_TRIGGER, 0, 0), 0);
	IS(harvest(kq), 1);
	IS(ev[0].fflags, 0x3c);
	IS(change(kq, 1, EVFILT_USER, 0, NOTE_FFCOPY | 0x123456 | NOTE_TRIGGER, 0, 0), 0);
	IS(harvest(kq), 1);
	IS(ev[0].fflags, 0x123456);
	IS(change(kq, 1, EVFILT_USER, 0, NOTE_FFNOP | 0xabc | NOTE_TRIGGER, 7, 0), 0);
	IS(harvest(kq), 1);
	IS(ev[0].fflags, 0x123456);
	IS(ev[0].data, 7);
	IS(change(kq, 1, EVFILT_USER, EV_DELETE, 0, 0, 0), 0);
	IS(change(kq, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, 0), -ENOENT);
}

static void without_clear(int kq)
{
	IS(change(kq, 2, EVFILT_USER, EV_ADD, 0, 0, 0), 0);
	IS(change(kq, 2, EVFILT_USER, 0, NOTE_TRIGGER, 0, 0), 0);
	IS(harvest(kq), 1);
	IS(harvest(kq), 1);
	IS(change(kq, 2, EVFILT_USER, EV_CLEAR, 0, 0, 0), 0);
	IS(harvest(kq), 0);
	/* Triggered while disabled. */
	IS(change(kq, 2, EVFILT_USER, EV_DISABLE, 0, 0, 0), 0);
	IS(change(kq, 2, EVFILT_USER, 0, NOTE_TRIGGER, 0, 0), 0);
	IS(harvest(kq), 0);
	IS(change(kq, 2, EVFILT_USER, EV_ENABLE, 0, 0, 0), 0);
	IS(harvest(kq), 1);
	IS(change(kq, 2, EVFILT_USER, EV_DELETE, 0, 0, 0), 0);
}

static void *trigger(void *arg)
{
	const int *kq = arg;
	intptr_t rc = change(*kq, 3, EVFILT_USER, 0, NOTE_TRIGGER, 0, 0);

	return (void *)rc;
}

static void other_thread(int kq)
{
	pthread_t t;
	void *rc;

	IS(change(kq, 3, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, 0), 0);
	must(pthread_create(&t, NULL, trigger, &kq) == 0);
	IS(harvest_within(kq, 30000), 1);
	IS(ev[0].ident, 3);
	/* Its call is answered by our waits. */
	settle();
	must(pthread_join(t, &rc) == 0);
	IS((intptr_t)rc, 0);
}

void conform_kqueue_user(int family)
{
	int kq = kqueue();

	(void)family;
	flags(kq);
	without_clear(kq);
	other_thread(kq);
	close(kq);
}
