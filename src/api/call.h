/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside the entry points: whose descriptor is it, and from -errno to errno. A descriptor of Leat's
 * belongs to this thread's stack or to another worker's.
 */
#ifndef LEAT_API_CALL_H
#define LEAT_API_CALL_H

#include "api/remote.h"

#include "sock/sock.h"

#include <errno.h>

/* Ours: the call is for this thread's stack. */
static inline bool is_ours(int fd)
{
	return current.stack && sock_owns(current.stack, fd);
}

/* Ours, or another worker's: then the call travels. */
static inline bool is_leats(int fd)
{
	return is_ours(fd) || is_remote(fd);
}

/* A number that only we know of: the kernel must not close or duplicate it. */
static inline bool is_kept(int fd)
{
	return owner_of(&process.owners, fd) == OWNER_KEPT;
}

/* The call goes to the kernel and may take long there: what waits to be sent leaves first. */
static inline void before_kernel(void)
{
	if (current.stack)
		sock_flush(current.stack);
}

static inline ssize_t result_of(ssize_t rc)
{
	if (rc >= 0)
		return rc;
	errno = (int)-rc;
	return -1;
}

static inline int int_result(int rc)
{
	return (int)result_of(rc);
}

/* A call that never waits, here or on the descriptor's worker. */
static inline int make_call(call_fn fn, struct call_args *a)
{
	return (int)result_of(is_ours(a->fd) ? fn(current.stack, a) : remote_call(fn, a));
}

#endif
