/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recvmmsg(2) and sendmmsg(2) on a socket of Leat's: one message after the other, which costs no
 * system call here.
 */
#include "preload/pending.h"
#include "preload/waitfor.h"

#include <errno.h>

#define VLEN_MAX 1024u /* UIO_MAXIOV */

/* The time-out is looked at after each message only; so does Linux, see recvmmsg(2), BUGS. */
static bool is_over(const struct timespec *end)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec > end->tv_sec || (t.tv_sec == end->tv_sec && t.tv_nsec >= end->tv_nsec);
}

static struct timespec end_after(const struct timespec *timeout)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += timeout->tv_sec;
	t.tv_nsec += timeout->tv_nsec;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	return t;
}

static int receive(int fd, struct mmsghdr *v, unsigned n, int flags, const struct timespec *timeout)
{
	struct timespec end = timeout ? end_after(timeout) : (struct timespec){0};
	unsigned i;

	if (n > VLEN_MAX)
		n = VLEN_MAX;
	for (i = 0; i < n; i++) {
		ssize_t rc = recvmsg(fd, &v[i].msg_hdr, flags & ~MSG_WAITFORONE);

		if (rc < 0)
			break;
		v[i].msg_len = (unsigned)rc;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (timeout && is_over(&end)) {
			i++;
			break;
		}
	}
	return i > 0 || n == 0 ? (int)i : -1;
}

EXPORT int recvmmsg(int fd, struct mmsghdr *v, unsigned n, int flags, struct timespec *timeout)
{
	int leats = pending_ask(fd);

	if (leats > 0)
		return receive(fd, v, n, flags, timeout);
	if (leats < 0 || waitfor_readable(fd, flags) < 0)
		return -1;
	return real(recvmmsg)(fd, v, n, flags, timeout);
}

static int transmit(int fd, struct mmsghdr *v, unsigned n, int flags)
{
	unsigned i;

	if (n > VLEN_MAX)
		n = VLEN_MAX;
	for (i = 0; i < n; i++) {
		ssize_t rc = sendmsg(fd, &v[i].msg_hdr, flags);

		if (rc < 0)
			break;
		v[i].msg_len = (unsigned)rc;
	}
	return i > 0 || n == 0 ? (int)i : -1;
}

/* The first message's address may be the socket's first: sendmsg() finds out. */
EXPORT int sendmmsg(int fd, struct mmsghdr *v, unsigned n, int flags)
{
	if (me.inside == 0 && (slot_is(fd, SLOT_SOCKET) || is_leats(fd)))
		return transmit(fd, v, n, flags);
	if (waitfor_writable(fd, flags) < 0)
		return -1;
	return real(sendmmsg)(fd, v, n, flags);
}
