/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for the kernel's descriptors while the stack runs; see waitfor.h. The stack's thread. */
#include "preload/waitfor.h"

#include <errno.h>

/* SO_RCVTIMEO, SO_SNDTIMEO of a socket of the kernel's in ms; -1: none. */
static int timeout_of(int fd, short events)
{
	struct timeval tv = {0};
	socklen_t len = sizeof(tv);
	int name = events == POLLIN ? SO_RCVTIMEO : SO_SNDTIMEO;

	if (real(getsockopt)(fd, SOL_SOCKET, name, &tv, &len) < 0 ||
	    (tv.tv_sec == 0 && tv.tv_usec == 0))
		return -1;
	return tv.tv_sec > 2000000 ? -1 : (int)(tv.tv_sec * 1000 + (tv.tv_usec + 999) / 1000);
}

int waitfor_kernel(int fd, short events, int flags)
{
	struct pollfd p = {.fd = fd, .events = events};
	int saved = errno;
	int fl;

	/* Files of a disk are always ready. */
	if (flags & MSG_DONTWAIT || !is_up() || real(poll)(&p, 1, 0) != 0)
		return 0;
	fl = real(fcntl)(fd, F_GETFL);
	if (fl < 0 || fl & O_NONBLOCK)
		return 0;
	if (INSIDE_RESTART(fd, lib(poll)(&p, 1, timeout_of(fd, events))) < 0 && errno == EINTR)
		return -1;
	errno = saved;
	return 0;
}

void waitfor_flush(void)
{
	if (!me.worker || me.inside > 0 || !is_up())
		return;
	me.inside++;
	lib(flush)();
	me.inside--;
}
