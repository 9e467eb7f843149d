/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel descriptors in a kqueue: READ and WRITE, through the kernel's epoll set that belongs to
 * the kqueue. The set says which descriptors to look at; the level itself is asked of the
 * descriptor when the event is fetched, so a level that vanished is not delivered. Worker thread.
 */
#include "sock/knote.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#define BATCH 64

static uint32_t events_of(const struct knote *kn)
{
	uint32_t ev = kn->filter == EVFILT_READ ? EPOLLIN | EPOLLRDHUP : EPOLLOUT;

	return kn->it.flags & EVI_DISABLED ? 0 : ev | (kn->it.flags & EVI_EDGE ? EPOLLET : 0);
}

/* Bring the registration in line with the knote; without: it is about to go. READ and WRITE have a
 * set each: epoll reports all that holds with an edge of either, and an edge is told once. */
static int sync_kernel(const struct knote *kn, int kfd, bool without)
{
	struct epoll_event ev = {.events = without ? 0 : events_of(kn), .data.u64 = kn->ident};
	int fd = (int)kn->ident;

	/* Not an empty mask: the kernel reports hang-ups for that, too. */
	if (ev.events == 0)
		return epoll_ctl(kfd, EPOLL_CTL_DEL, fd, &ev) < 0 ? -errno : 0;
	if (epoll_ctl(kfd, EPOLL_CTL_MOD, fd, &ev) == 0)
		return 0;
	if (errno == ENOENT && epoll_ctl(kfd, EPOLL_CTL_ADD, fd, &ev) == 0)
		return 0;
	return -errno;
}

static int kfd_of(const struct evfile *kq, const struct knote *kn)
{
	return kn->filter == EVFILT_READ ? kq->kfd : kq->kfd_write;
}

int knote_kernel_touch(struct evfile *kq, struct knote *kn, const struct kevent *ch)
{
	int kfd = kn->filter == EVFILT_READ ? evfile_kernel(kq) : evfile_kernel_write(kq);

	if (kfd < 0)
		return kfd;
	if (ch->fflags != 0)
		return -EINVAL;
	kn->k_events = kn->filter == EVFILT_READ ? POLLIN | POLLRDHUP : POLLOUT;
	return kn->it.flags & EVI_DISABLED ? 0 : sync_kernel(kn, kfd, false);
}

/* The outcome of a removal does not matter: a descriptor that was closed has left by itself. */
void knote_kernel_update(struct evfile *kq, struct knote *kn)
{
	(void)sync_kernel(kn, kfd_of(kq, kn), false);
}

void knote_kernel_detach(struct evfile *kq, struct knote *kn)
{
	(void)sync_kernel(kn, kfd_of(kq, kn), true);
}

/* Bytes that can be read; of a pipe also the room. Descriptors that cannot tell how much (timers,
 * event counters) report 0. */
static int64_t amount(const struct knote *kn, int fd)
{
	int bytes = 0, room = 0;

	if (ioctl(fd, FIONREAD, &bytes) < 0)
		bytes = 0;
	if (kn->filter == EVFILT_READ)
		return bytes;
	room = fcntl(fd, F_GETPIPE_SZ);
	return room > bytes ? room - bytes : 0;
}

bool knote_kernel_check(struct knote *kn, struct kevent *out)
{
	struct pollfd p = {.fd = (int)kn->ident, .events = (short)kn->k_events};

	if (poll(&p, 1, 0) <= 0 || p.revents & POLLNVAL)
		return false;
	if (!out)
		return true;
	out->data = amount(kn, p.fd);
	if (p.revents & (POLLHUP | POLLERR | (kn->filter == EVFILT_READ ? POLLRDHUP : 0)))
		out->flags |= EV_EOF;
	return true;
}

static void fire(struct evfile *kq, uintptr_t ident, int filter)
{
	struct knote *kn = kqueue_own_find(kq, ident, filter);

	if (kn && !(kn->it.flags & EVI_DISABLED))
		evitem_fire(&kn->it);
}

static void poll_set(struct evfile *kq, int kfd, int filter)
{
	struct epoll_event ev[BATCH];
	int n = kfd < 0 ? 0 : epoll_wait(kfd, ev, BATCH, 0);

	for (int i = 0; i < n; i++) {
		if (ev[i].data.u64 == SET_KERNEL_WRITE)
			poll_set(kq, kq->kfd_write, EVFILT_WRITE);
		else if (ev[i].data.u64 == KNOTE_SIGNAL_TAG)
			continue;
		else if (ev[i].data.u64 & KNOTE_PROC_TAG)
			knote_proc_ended(kq, (uintptr_t)(ev[i].data.u64 & ~KNOTE_PROC_TAG));
		else
			fire(kq, (uintptr_t)ev[i].data.u64, filter);
	}
}

void kqueue_kernel_poll(struct evfile *kq)
{
	kqueue_signals_poll(kq);
	poll_set(kq, kq->kfd, EVFILT_READ);
}
