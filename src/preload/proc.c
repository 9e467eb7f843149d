/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ends, copies or stops a process or thread. While the stack's thread sleeps or waits for
 * another thread, the stack runs.
 */
#include "preload/attach.h"
#include "preload/state.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/syscall.h>

#define JOIN_STEP_NS 1000000
#define SECOND_NS    1000000000L

/*
 * A child of vfork() runs in its parent's memory: what it closes there would be closed in the
 * parent's tables. POSIX allows fork() in its place.
 */
EXPORT pid_t vfork(void)
{
	return fork();
}

EXPORT void _exit(int status)
{
	attach_leave();
	for (;;)
		(void)syscall(SYS_exit_group, status);
}

EXPORT void _Exit(int status)
{
	_exit(status);
}

/* ---- threads that Leat starts ---- */

struct start {
	void *(*fn)(void *arg);
	void *arg;
};

static void *run_inside(void *arg)
{
	struct start start = *(struct start *)arg;

	free(arg);
	me.inside++;
	return start.fn(start.arg);
}

/* DPDK's threads are inside for as long as they live: what they call is the kernel's. */
EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
			  void *arg)
{
	struct start *start;
	int rc;

	if (me.inside == 0)
		return real(pthread_create)(thread, attr, fn, arg);
	start = malloc(sizeof(*start));
	if (!start)
		return EAGAIN;
	*start = (struct start){fn, arg};
	rc = real(pthread_create)(thread, attr, run_inside, start);
	if (rc != 0)
		free(start);
	return rc;
}

/* ---- sleeping ---- */

static bool runs_stack(void)
{
	return me.worker && me.inside == 0 && is_up();
}

static struct timespec minus(struct timespec a, const struct timespec *b)
{
	a.tv_sec -= b->tv_sec;
	a.tv_nsec -= b->tv_nsec;
	if (a.tv_nsec < 0) {
		a.tv_nsec += SECOND_NS;
		a.tv_sec--;
	}
	return a.tv_sec < 0 ? (struct timespec){0} : a;
}

/* 0 or EINTR, and then what is left. */
static int sleep_for(const struct timespec *time, struct timespec *left)
{
	struct timespec start, end;

	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	if (INSIDE(lib(ppoll)(NULL, 0, time, NULL)) == 0)
		return 0;
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	end = minus(end, &start);
	*left = minus(*time, &end);
	return errno;
}

EXPORT int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
			   struct timespec *left)
{
	struct timespec rest, t = *time;
	int rc;

	if (!runs_stack() || t.tv_nsec < 0 || t.tv_nsec >= SECOND_NS || t.tv_sec < 0)
		return real(clock_nanosleep)(clock, flags, time, left);
	if (flags & TIMER_ABSTIME) {
		if (clock_gettime(clock, &rest) < 0)
			return errno;
		t = minus(t, &rest);
	}
	rc = sleep_for(&t, &rest);
	if (rc == EINTR && left && !(flags & TIMER_ABSTIME))
		*left = rest;
	return rc;
}

EXPORT int nanosleep(const struct timespec *time, struct timespec *left)
{
	int rc = clock_nanosleep(CLOCK_REALTIME, 0, time, left);

	if (rc == 0)
		return 0;
	errno = rc;
	return -1;
}

EXPORT unsigned sleep(unsigned seconds)
{
	struct timespec left = {0};

	if (nanosleep(&(struct timespec){.tv_sec = seconds}, &left) == 0)
		return 0;
	return (unsigned)left.tv_sec + (left.tv_nsec > 0);
}

EXPORT int usleep(useconds_t us)
{
	return nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000L}, NULL);
}

int __nanosleep(const struct timespec *time, struct timespec *left);
EXPORT int __nanosleep(const struct timespec *time, struct timespec *left)
{
	return nanosleep(time, left);
}

/* ---- waiting for other threads: their calls are answered meanwhile ---- */

EXPORT int pthread_join(pthread_t thread, void **result)
{
	int rc = EBUSY;

	if (!runs_stack())
		return real(pthread_join)(thread, result);
	while (rc == EBUSY) {
		rc = pthread_tryjoin_np(thread, result);
		if (rc == EBUSY)
			(void)INSIDE(lib(poll_once)(JOIN_STEP_NS));
	}
	return rc;
}

static bool is_past(clockid_t clock, const struct timespec *end)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return t.tv_sec > end->tv_sec || (t.tv_sec == end->tv_sec && t.tv_nsec >= end->tv_nsec);
}

/* end NULL: for ever. EINTR is what a handler in between gives. */
static int take_semaphore(sem_t *sem, clockid_t clock, const struct timespec *end)
{
	while (sem_trywait(sem) < 0) {
		if (errno != EAGAIN)
			return -1;
		if (end && is_past(clock, end)) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (INSIDE(lib(poll_once)(JOIN_STEP_NS)) < 0 && !restarts(-1))
			return -1;
	}
	return 0;
}

EXPORT int sem_wait(sem_t *sem)
{
	return runs_stack() ? take_semaphore(sem, CLOCK_MONOTONIC, NULL) : real(sem_wait)(sem);
}

EXPORT int sem_timedwait(sem_t *restrict sem, const struct timespec *restrict end)
{
	return runs_stack() ? take_semaphore(sem, CLOCK_REALTIME, end)
			    : real(sem_timedwait)(sem, end);
}

EXPORT int sem_clockwait(sem_t *restrict sem, clockid_t clock, const struct timespec *restrict end)
{
	return runs_stack() ? take_semaphore(sem, clock, end)
			    : real(sem_clockwait)(sem, clock, end);
}
