/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that block in the kernel, made by the stack's own thread: the stack runs until the
 * descriptor is ready, and the call does not block any more.
 */
#ifndef LEAT_PRELOAD_WAITFOR_H
#define LEAT_PRELOAD_WAITFOR_H

#include "preload/state.h"

/* For other threads, and with MSG_DONTWAIT, they do nothing. -1: a signal came, errno is EINTR. */
int waitfor_kernel(int fd, short events, int flags);
/* What waits to be sent leaves. */
void waitfor_flush(void);

static inline int waitfor_readable(int fd, int flags)
{
	return me.worker && me.inside == 0 ? waitfor_kernel(fd, POLLIN, flags) : 0;
}

static inline int waitfor_writable(int fd, int flags)
{
	return me.worker && me.inside == 0 ? waitfor_kernel(fd, POLLOUT, flags) : 0;
}

#endif
