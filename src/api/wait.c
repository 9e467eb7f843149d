/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll.h, event.h, poll.h: timeouts and arguments checked and converted; the work is sock's. A
 * thread without a stack gets the kernel's epoll and poll; kqueue needs a stack.
 */
#include "api/call.h"

#include <leat/epoll.h>
#include <leat/event.h>
#include <leat/poll.h>

#include <fcntl.h>
#include <string.h>

#define MS_NS     UINT64_C(1000000)
#define US_NS     UINT64_C(1000)
#define SECOND_NS UINT64_C(1000000000)

static uint64_t ms_to_ns(int ms)
{
	return ms < 0 ? SOCK_FOREVER : (uint64_t)ms * MS_NS;
}

/* NULL: for ever. -EINVAL for a time that is none. */
static int timespec_to_ns(const struct timespec *ts, uint64_t *ns)
{
	*ns = SOCK_FOREVER;
	if (!ts)
		return 0;
	if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= (long)SECOND_NS)
		return -EINVAL;
	if ((uint64_t)ts->tv_sec < SOCK_FOREVER / SECOND_NS)
		*ns = (uint64_t)ts->tv_sec * SECOND_NS + (uint64_t)ts->tv_nsec;
	return 0;
}

static int new_set(int fd, bool cloexec)
{
	int rc = fd >= 0 && cloexec ? sock_cloexec_set(current.stack, fd, true) : 0;

	return int_result(rc < 0 ? rc : fd);
}

/* ---- epoll ---- */

int leat_epoll_create(int size)
{
	return size <= 0 ? int_result(-EINVAL) : leat_epoll_create1(0);
}

int leat_epoll_create1(int flags)
{
	if (!current.stack)
		return epoll_create1(flags);
	if (flags & ~EPOLL_CLOEXEC)
		return int_result(-EINVAL);
	return new_set(sock_epoll_create(current.stack), flags & EPOLL_CLOEXEC);
}

int leat_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	if (!is_ours(epfd)) {
		/* A set of ours goes into one of the kernel's. */
		if (op == EPOLL_CTL_ADD && is_ours(fd) && leat_kernel_wait(fd) < 0)
			return errno == EINVAL ? int_result(-EPERM) : -1;
		return epoll_ctl(epfd, op, fd, event);
	}
	return int_result(sock_epoll_ctl(current.stack, epfd, op, fd, event));
}

int leat_kernel_wait(int set)
{
	int rc = is_ours(set) ? sock_watch(current.stack, set) : -EBADF;

	return int_result(rc < 0 ? rc : set);
}

int leat_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms)
{
	return leat_epoll_pwait(epfd, events, max, timeout_ms, NULL);
}

int leat_epoll_pwait(int epfd, struct epoll_event *events, int max, int timeout_ms,
		     const sigset_t *sigmask)
{
	if (UNLIKELY(!is_ours(epfd))) {
		before_kernel();
		return epoll_pwait(epfd, events, max, timeout_ms, sigmask);
	}
	return int_result(
		sock_epoll_wait(current.stack, epfd, events, max, ms_to_ns(timeout_ms), sigmask));
}

int leat_epoll_pwait2(int epfd, struct epoll_event *events, int max, const struct timespec *timeout,
		      const sigset_t *sigmask)
{
	uint64_t ns;
	int rc;

	if (!is_ours(epfd)) {
		before_kernel();
		return epoll_pwait2(epfd, events, max, timeout, sigmask);
	}
	rc = timespec_to_ns(timeout, &ns);
	if (rc == 0)
		rc = sock_epoll_wait(current.stack, epfd, events, max, ns, sigmask);
	return int_result(rc);
}

/* ---- kqueue ---- */

int leat_kqueue(void)
{
	return leat_kqueue1(0);
}

int leat_kqueue1(int flags)
{
	if (!current.stack)
		return int_result(-ENETDOWN);
	if (flags & ~O_CLOEXEC)
		return int_result(-EINVAL);
	return new_set(sock_kqueue(current.stack), flags & O_CLOEXEC);
}

int leat_kevent(int kq, const struct kevent *changes, int n_changes, struct kevent *events,
		int n_events, const struct timespec *timeout)
{
	uint64_t ns;
	int rc = timespec_to_ns(timeout, &ns);

	if (!is_ours(kq))
		rc = -EBADF;
	if (rc == 0)
		rc = sock_kevent(current.stack, kq, changes, n_changes, events, n_events, ns);
	return int_result(rc);
}

/* ---- poll ---- */

static int poll_ns(struct pollfd *fds, nfds_t n, uint64_t ns, const sigset_t *sigmask)
{
	if (n > 0 && !fds)
		return -EFAULT;
	if (n > INT32_MAX)
		return -EINVAL;
	return sock_poll(current.stack, fds, n, ns, sigmask);
}

int leat_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	if (!current.stack)
		return poll(fds, n, timeout_ms);
	return int_result(poll_ns(fds, n, ms_to_ns(timeout_ms), NULL));
}

int leat_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
	       const sigset_t *sigmask)
{
	uint64_t ns;
	int rc;

	if (!current.stack)
		return ppoll(fds, n, timeout, sigmask);
	rc = timespec_to_ns(timeout, &ns);
	return int_result(rc < 0 ? rc : poll_ns(fds, n, ns, sigmask));
}

/* ---- select ---- */

int leat_pselect(int n, fd_set *readable, fd_set *writable, fd_set *except,
		 const struct timespec *timeout, const sigset_t *sigmask)
{
	fd_set *sets[3] = {readable, writable, except};
	uint64_t ns;
	int rc;

	if (!current.stack)
		return pselect(n, readable, writable, except, timeout, sigmask);
	rc = timespec_to_ns(timeout, &ns);
	return int_result(rc < 0 ? rc : sock_select(current.stack, n, sets, ns, sigmask));
}

/* More than the clock can count is for ever; microseconds may be more than a second. */
static uint64_t timeval_to_ns(const struct timeval *tv)
{
	uint64_t s = (uint64_t)tv->tv_sec + (uint64_t)tv->tv_usec / 1000000;

	if (s >= SOCK_FOREVER / SECOND_NS)
		return SOCK_FOREVER;
	return s * SECOND_NS + (uint64_t)tv->tv_usec % 1000000 * US_NS;
}

static void write_back(struct timeval *tv, uint64_t left_ns)
{
	tv->tv_sec = (time_t)(left_ns / SECOND_NS);
	tv->tv_usec = (suseconds_t)(left_ns % SECOND_NS / US_NS);
}

int leat_select(int n, fd_set *readable, fd_set *writable, fd_set *except, struct timeval *timeout)
{
	fd_set *sets[3] = {readable, writable, except};
	struct stack *s = current.stack;
	uint64_t ns = SOCK_FOREVER;
	uint64_t start;
	int rc;

	if (!s)
		return select(n, readable, writable, except, timeout);
	if (timeout && (timeout->tv_sec < 0 || timeout->tv_usec < 0))
		return int_result(-EINVAL);
	if (timeout)
		ns = timeval_to_ns(timeout);
	start = s->env.mono_ns(s->env.ctx);
	rc = sock_select(s, n, sets, ns, NULL);
	if (timeout) {
		uint64_t spent = s->env.mono_ns(s->env.ctx) - start;

		write_back(timeout, spent < ns ? ns - spent : 0);
	}
	return int_result(rc);
}
