/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll and poll. In the stack's own thread every wait runs the stack, whatever it waits for; in
 * others, waits without a socket of Leat's are the kernel's.
 */
#include "preload/epset.h"
#include "preload/pending.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- epoll ---- */

EXPORT int epoll_create1(int flags)
{
	int fd = real(epoll_create1)(flags);

	if (fd >= 0 && is_programs())
		epset_add(fd);
	return fd;
}

EXPORT int epoll_create(int size)
{
	if (size > 0)
		return epoll_create1(0);
	errno = EINVAL;
	return -1;
}

static int ctl_kernel(int epfd, int op, int fd, struct epoll_event *event)
{
	int rc = real(epoll_ctl)(epfd, op, fd, event);

	if (rc == 0 && slot_is(fd, SLOT_SOCKET))
		pending_watched(fd, epfd, op == EPOLL_CTL_DEL ? NULL : event);
	return rc;
}

EXPORT int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	int leats = pending_ask(fd);

	if (leats < 0)
		return -1;
	if (leats > 0 || (me.inside == 0 && is_up() && slot_is(fd, SLOT_SET)))
		return epset_ctl(epfd, op, fd, event);
	return me.inside == 0 ? ctl_kernel(epfd, op, fd, event)
			      : real(epoll_ctl)(epfd, op, fd, event);
}

static int companion_of(int epfd)
{
	return me.inside == 0 && slot_is(epfd, SLOT_SET) ? epset_companion(epfd) : -1;
}

EXPORT int epoll_pwait2(int epfd, struct epoll_event *events, int max,
			const struct timespec *timeout, const sigset_t *sigmask)
{
	int companion = companion_of(epfd);

	if (companion < 0)
		return real(epoll_pwait2)(epfd, events, max, timeout, sigmask);
	return epset_wait(epfd, companion, events, max, timeout, sigmask);
}

EXPORT int epoll_pwait(int epfd, struct epoll_event *events, int max, int timeout_ms,
		       const sigset_t *sigmask)
{
	struct timespec ts = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
	int companion = companion_of(epfd);

	if (companion < 0)
		return real(epoll_pwait)(epfd, events, max, timeout_ms, sigmask);
	return epset_wait(epfd, companion, events, max, timeout_ms < 0 ? NULL : &ts, sigmask);
}

EXPORT int epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms)
{
	return epoll_pwait(epfd, events, max, timeout_ms, NULL);
}

/* ---- poll ---- */

struct members {
	bool leats; /* a socket, or a set with a companion */
	bool sets;
};

static struct members look_at(const struct pollfd *fds, nfds_t n)
{
	struct members m = {0};

	for (nfds_t i = 0; i < n; i++) {
		int fd = fds[i].fd;

		if (fd < 0)
			continue;
		if (slot_is(fd, SLOT_SET) && epset_companion(fd) >= 0)
			m.leats = m.sets = true;
		else if (pending_ask(fd) > 0)
			m.leats = true;
	}
	return m;
}

/* Sets are asked for by their companions, which know both sides. */
static int poll_sets(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
		     const sigset_t *sigmask)
{
	struct pollfd *copy = calloc(n, sizeof(*copy));
	int rc;

	if (!copy) {
		errno = ENOMEM;
		return -1;
	}
	memcpy(copy, fds, n * sizeof(*copy));
	for (nfds_t i = 0; i < n; i++)
		if (slot_is(copy[i].fd, SLOT_SET) && epset_companion(copy[i].fd) >= 0)
			copy[i].fd = epset_companion(copy[i].fd);
	rc = INSIDE(lib(ppoll)(copy, n, timeout, sigmask));
	for (nfds_t i = 0; rc >= 0 && i < n; i++)
		fds[i].revents = copy[i].revents;
	free(copy);
	return rc;
}

/* Is it Leat's to wait? Then *rc is the result. */
static bool poll_leat(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
		      const sigset_t *sigmask, int *rc)
{
	struct members m;

	if (!is_programs() || (n > 0 && !fds))
		return false;
	m = look_at(fds, n);
	if (!is_up() || (!m.leats && !me.worker))
		return false;
	*rc = m.sets ? poll_sets(fds, n, timeout, sigmask)
		     : INSIDE(lib(ppoll)(fds, n, timeout, sigmask));
	return true;
}

EXPORT int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
		 const sigset_t *sigmask)
{
	int rc;

	if (poll_leat(fds, n, timeout, sigmask, &rc))
		return rc;
	return real(ppoll)(fds, n, timeout, sigmask);
}

EXPORT int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	struct timespec ts = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
	int rc;

	if (poll_leat(fds, n, timeout_ms < 0 ? NULL : &ts, NULL, &rc))
		return rc;
	return real(poll)(fds, n, timeout_ms);
}

/* ---- the same under other names ---- */

void __chk_fail(void) __attribute__((noreturn));
int __poll(struct pollfd *fds, nfds_t n, int timeout_ms);
int __poll_chk(struct pollfd *fds, nfds_t n, int timeout_ms, size_t room);
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
		const sigset_t *sigmask, size_t room);

EXPORT int __poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	return poll(fds, n, timeout_ms);
}

EXPORT int __poll_chk(struct pollfd *fds, nfds_t n, int timeout_ms, size_t room)
{
	if (room / sizeof(*fds) < n)
		__chk_fail();
	return poll(fds, n, timeout_ms);
}

EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
		       const sigset_t *sigmask, size_t room)
{
	if (room / sizeof(*fds) < n)
		__chk_fail();
	return ppoll(fds, n, timeout, sigmask);
}
