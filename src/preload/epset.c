/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Event sets with members on both sides; see epset.h. Companions are made under the lock; waits
 * take none.
 */
#include "preload/epset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS 1000000000L

struct epset {
	struct slot s;
	_Atomic int companion; /* one more than the descriptor; 0: none */
};

static struct epset *epset_of(int epfd)
{
	struct slot *s = slot_of(epfd);

	return s && s->kind == SLOT_SET ? (struct epset *)(void *)s : NULL;
}

void epset_add(int epfd)
{
	struct epset *e = calloc(1, sizeof(*e));

	if (!e)
		return;
	e->s.kind = SLOT_SET;
	slots_lock();
	if (slot_put(epfd, &e->s) < 0)
		free(e);
	slots_unlock();
}

/* Under the lock. After a fork the companion was the parent's: only its number is closed. */
void epset_destroy(struct slot *s)
{
	struct epset *e = (struct epset *)(void *)s;
	int fd = atomic_load(&e->companion) - 1;

	if (fd >= 0) {
		slot_drop(fd);
		if (is_leats(fd))
			(void)INSIDE(lib(close)(fd));
		else
			(void)real(close)(fd);
	}
	free(e);
}

/* The event of the kernel's set is told by data that no program can have: our own address. */
static int make_companion(struct epset *e, int epfd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = e};
	int fd = lib(epoll_create1)(EPOLL_CLOEXEC);

	if (fd < 0)
		return -1;
	if (lib(epoll_ctl)(fd, EPOLL_CTL_ADD, epfd, &ev) < 0) {
		(void)lib(close)(fd);
		return -1;
	}
	slot_hide(fd);
	atomic_store_explicit(&e->companion, fd + 1, memory_order_release);
	return fd;
}

/* -1: there is none and none can be had, errno. */
static int need_companion(int epfd)
{
	struct epset *e;
	int fd = -1;

	slots_lock();
	e = epset_of(epfd);
	if (!e)
		errno = EINVAL;
	else
		fd = atomic_load(&e->companion) - 1;
	if (e && fd < 0)
		fd = INSIDE(make_companion(e, epfd));
	slots_unlock();
	return fd;
}

static int have_companion(int epfd)
{
	struct epset *e = epset_of(epfd);

	return e ? atomic_load_explicit(&e->companion, memory_order_acquire) - 1 : -1;
}

int epset_companion(int epfd)
{
	int fd = have_companion(epfd);

	if (fd < 0 && me.worker && is_up() && epset_of(epfd))
		fd = need_companion(epfd);
	return is_up() ? fd : -1;
}

/* A set inside a set: its kernel part is the kernel's business, its companion goes here. */
static int ctl_set(int epfd, int op, int fd, struct epoll_event *event)
{
	int rc = real(epoll_ctl)(epfd, op, fd, event);
	int inner = have_companion(fd);
	int outer;

	if (rc < 0 || inner < 0)
		return rc;
	outer = need_companion(epfd);
	if (outer >= 0)
		(void)INSIDE(lib(epoll_ctl)(outer, op, inner, event));
	return 0;
}

int epset_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	int companion;

	if (!is_leats(fd))
		return ctl_set(epfd, op, fd, event);
	companion = need_companion(epfd);
	if (companion < 0)
		return -1;
	return INSIDE(lib(epoll_ctl)(companion, op, fd, event));
}

/* ---- waiting ---- */

static struct timespec now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t;
}

/* What is left until end; false: nothing. */
static bool time_left(const struct timespec *end, struct timespec *left)
{
	struct timespec t = now();

	left->tv_sec = end->tv_sec - t.tv_sec;
	left->tv_nsec = end->tv_nsec - t.tv_nsec;
	if (left->tv_nsec < 0) {
		left->tv_nsec += SECOND_NS;
		left->tv_sec--;
	}
	return left->tv_sec >= 0;
}

static struct timespec end_of(const struct timespec *timeout)
{
	struct timespec t = now();

	t.tv_sec += timeout->tv_sec;
	t.tv_nsec += timeout->tv_nsec;
	if (t.tv_nsec >= SECOND_NS) {
		t.tv_nsec -= SECOND_NS;
		t.tv_sec++;
	}
	return t;
}

/* The event of the kernel's set, if it is among them, becomes the events that the set has. */
static int exchange(int epfd, const struct epset *e, struct epoll_event *events, int n, int max)
{
	for (int i = 0; i < n; i++) {
		int more;

		if (events[i].data.ptr != e)
			continue;
		memmove(&events[i], &events[i + 1], (size_t)(n - i - 1) * sizeof(events[0]));
		n--;
		more = real(epoll_pwait)(epfd, events + n, max - n, 0, NULL);
		return more > 0 ? n + more : n;
	}
	return n;
}

int epset_wait(int epfd, int companion, struct epoll_event *events, int max,
	       const struct timespec *timeout, const sigset_t *sigmask)
{
	const struct epset *e = epset_of(epfd);
	struct timespec left = timeout ? *timeout : (struct timespec){0};
	struct timespec end = timeout ? left : (struct timespec){0};
	bool forever = !timeout;
	bool polls = timeout && timeout->tv_sec == 0 && timeout->tv_nsec == 0;

	/* A time-out that is none is Leat's to refuse. */
	if (!forever && !polls && timeout->tv_sec >= 0 && timeout->tv_nsec >= 0)
		end = end_of(timeout);
	for (;;) {
		int n = INSIDE(
			lib(epoll_pwait2)(companion, events, max, forever ? NULL : &left, sigmask));

		if (n <= 0)
			return n;
		n = exchange(epfd, e, events, n, max);
		if (n > 0 || polls || (!forever && !time_left(&end, &left)))
			return n;
	}
}
