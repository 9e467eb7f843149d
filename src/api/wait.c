/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll.h, event.h, poll.h: timeouts and arguments checked and converted; the work is sock's. A
 * thread without a stack gets the kernel's epoll and poll; kqueue needs a stack.
 */
#include "api/call.h"

#include "plat/clock.h"

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

/* ---- sets ---- */

static ssize_t call_new_set(struct stack *s, struct call_args *a)
{
	int fd = a->n ? sock_kqueue(s) : sock_epoll_create(s);
	int rc = fd >= 0 && a->flags ? sock_cloexec_set(s, fd, true) : 0;

	return rc < 0 ? rc : fd;
}

/* On this thread's stack, or on the first worker's. -ENETDOWN: neither exists. */
static ssize_t new_set(bool kqueue, bool cloexec)
{
	struct call_args a = {.fd = -1, .n = kqueue, .flags = cloexec};
	unsigned worker;

	if (current.stack)
		return call_new_set(current.stack, &a);
	worker = worker_first();
	return worker ? remote_try(worker, call_new_set, &a) : -ENETDOWN;
}

/* A wait on another worker's set: ask, wait here until it has something, ask again. */
static ssize_t wait_remote(call_fn fn, struct call_args *a, uint64_t ns, const sigset_t *sigmask)
{
	uint64_t start = plat_mono_ns();

	for (;;) {
		ssize_t rc = remote_call(fn, a);
		uint64_t spent = plat_mono_ns() - start;
		uint64_t left = ns == SOCK_FOREVER ? ns : spent < ns ? ns - spent : 0;

		if (rc != 0 || left == 0)
			return rc;
		rc = remote_wait(a->fd, POLLIN, left, sigmask);
		if (rc < 0 && rc != -EAGAIN)
			return rc;
	}
}

/* ---- epoll ---- */

int leat_epoll_create(int size)
{
	return size <= 0 ? int_result(-EINVAL) : leat_epoll_create1(0);
}

int leat_epoll_create1(int flags)
{
	ssize_t rc;

	if (flags & ~EPOLL_CLOEXEC)
		return int_result(-EINVAL);
	rc = new_set(false, flags & EPOLL_CLOEXEC);
	return rc == -ENETDOWN ? epoll_create1(flags) : (int)result_of(rc);
}

static ssize_t call_epoll_ctl(struct stack *s, struct call_args *a)
{
	return sock_epoll_ctl(s, a->fd, a->n, a->flags, a->in);
}

int leat_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	struct call_args a = {.fd = epfd, .n = op, .flags = fd, .in = event};

	if (is_leats(epfd))
		return make_call(call_epoll_ctl, &a);
	if (op != EPOLL_CTL_DEL && !event)
		return int_result(-EFAULT);
	if (is_leats(fd) && fcntl(epfd, F_GETFD) < 0)
		return -1;
	/* A set of ours goes into one of the kernel's. */
	if (op == EPOLL_CTL_ADD && is_leats(fd) && leat_kernel_wait(fd) < 0)
		return errno == EINVAL ? int_result(-EPERM) : -1;
	return epoll_ctl(epfd, op, fd, event);
}

static ssize_t call_watch(struct stack *s, struct call_args *a)
{
	int rc = sock_watch(s, a->fd);

	return rc < 0 ? rc : a->fd;
}

int leat_kernel_wait(int set)
{
	return make_call(call_watch, &(struct call_args){.fd = set});
}

static ssize_t call_epoll_wait(struct stack *s, struct call_args *a)
{
	return sock_epoll_wait(s, a->fd, a->out, a->n, 0, NULL);
}

static int epoll_wait_remote(int epfd, struct epoll_event *events, int max, uint64_t ns,
			     const sigset_t *sigmask)
{
	struct call_args a = {.fd = epfd, .out = events, .n = max};

	return (int)result_of(wait_remote(call_epoll_wait, &a, ns, sigmask));
}

int leat_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms)
{
	return leat_epoll_pwait(epfd, events, max, timeout_ms, NULL);
}

int leat_epoll_pwait(int epfd, struct epoll_event *events, int max, int timeout_ms,
		     const sigset_t *sigmask)
{
	if (UNLIKELY(!is_ours(epfd))) {
		if (is_remote(epfd))
			return epoll_wait_remote(epfd, events, max, ms_to_ns(timeout_ms), sigmask);
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

	if (!is_leats(epfd)) {
		before_kernel();
		return epoll_pwait2(epfd, events, max, timeout, sigmask);
	}
	rc = timespec_to_ns(timeout, &ns);
	if (rc == 0 && !is_ours(epfd))
		return epoll_wait_remote(epfd, events, max, ns, sigmask);
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
	if (flags & ~O_CLOEXEC)
		return int_result(-EINVAL);
	return (int)result_of(new_set(true, flags & O_CLOEXEC));
}

struct kevent_args {
	const struct kevent *changes;
	int n_changes;
	struct kevent *events;
	int n_events;
};

/* Changes are applied once; what is asked for again is the harvest. */
static ssize_t call_kevent(struct stack *s, struct call_args *a)
{
	struct kevent_args *k = a->out;
	int n = k->n_changes;

	k->n_changes = 0;
	return sock_kevent(s, a->fd, k->changes, n, k->events, k->n_events, 0);
}

int leat_kevent(int kq, const struct kevent *changes, int n_changes, struct kevent *events,
		int n_events, const struct timespec *timeout)
{
	struct kevent_args k = {changes, n_changes, events, n_events};
	struct call_args a = {.fd = kq, .out = &k};
	uint64_t ns;
	int rc = timespec_to_ns(timeout, &ns);

	if (rc < 0 || !is_leats(kq))
		return int_result(is_leats(kq) ? rc : -EBADF);
	if (is_ours(kq))
		return int_result(
			sock_kevent(current.stack, kq, changes, n_changes, events, n_events, ns));
	return (int)result_of(wait_remote(call_kevent, &a, n_events == 0 ? 0 : ns, NULL));
}

/* ---- poll ---- */

static int any_poll(struct pollfd *fds, nfds_t n, uint64_t ns, const sigset_t *sigmask)
{
	return current.stack ? sock_poll(current.stack, fds, n, ns, sigmask)
			     : remote_poll(fds, n, ns, sigmask);
}

/* No worker anywhere: there is nothing to wait for but the kernel's. */
static bool kernel_polls(void)
{
	return !current.stack && !worker_first();
}

static int poll_ns(struct pollfd *fds, nfds_t n, uint64_t ns, const sigset_t *sigmask)
{
	if (n > 0 && !fds)
		return -EFAULT;
	if (n > INT32_MAX)
		return -EINVAL;
	return any_poll(fds, n, ns, sigmask);
}

int leat_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	if (kernel_polls())
		return poll(fds, n, timeout_ms);
	return int_result(poll_ns(fds, n, ms_to_ns(timeout_ms), NULL));
}

int leat_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
	       const sigset_t *sigmask)
{
	uint64_t ns;
	int rc;

	if (kernel_polls())
		return ppoll(fds, n, timeout, sigmask);
	rc = timespec_to_ns(timeout, &ns);
	return int_result(rc < 0 ? rc : poll_ns(fds, n, ns, sigmask));
}

/* ---- select ---- */

static int any_select(int n, fd_set *const sets[3], uint64_t ns, const sigset_t *sigmask)
{
	struct pollfd fds[FD_SETSIZE];
	nfds_t count;
	int rc;

	if (current.stack)
		return sock_select(current.stack, n, sets, ns, sigmask);
	if (n < 0 || n > FD_SETSIZE)
		return -EINVAL;
	count = sock_select_ask(n, sets, fds);
	rc = remote_poll(fds, count, ns, sigmask);
	return rc < 0 ? rc : sock_select_tell(fds, count, sets);
}

int leat_pselect(int n, fd_set *readable, fd_set *writable, fd_set *except,
		 const struct timespec *timeout, const sigset_t *sigmask)
{
	fd_set *sets[3] = {readable, writable, except};
	uint64_t ns;
	int rc;

	if (kernel_polls())
		return pselect(n, readable, writable, except, timeout, sigmask);
	rc = timespec_to_ns(timeout, &ns);
	return int_result(rc < 0 ? rc : any_select(n, sets, ns, sigmask));
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
	uint64_t ns = SOCK_FOREVER;
	uint64_t start;
	int rc;

	if (kernel_polls())
		return select(n, readable, writable, except, timeout);
	if (timeout && (timeout->tv_sec < 0 || timeout->tv_usec < 0))
		return int_result(-EINVAL);
	if (timeout)
		ns = timeval_to_ns(timeout);
	start = plat_mono_ns();
	rc = any_select(n, sets, ns, NULL);
	if (timeout) {
		uint64_t spent = plat_mono_ns() - start;

		write_back(timeout, spent < ns ? ns - spent : 0);
	}
	return int_result(rc);
}
