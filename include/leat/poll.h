/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll.h: poll(2) and select(2) over Leat's sockets, kernel descriptors among them. The waits run
 * the stack. See leat_posix(3).
 */
#ifndef LEAT_POLL_H
#define LEAT_POLL_H

#include <poll.h>
#include <signal.h>
#include <sys/select.h>
#include <time.h>

#include <leat/leat.h>

#ifdef __cplusplus
extern "C" {
#endif

LEAT_API int leat_poll(struct pollfd *fds, nfds_t n, int timeout_ms);
LEAT_API int leat_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
			const sigset_t *sigmask);
/* The time left is written back, as Linux does. Descriptors from FD_SETSIZE on: EINVAL. */
LEAT_API int leat_select(int n, fd_set *readable, fd_set *writable, fd_set *except,
			 struct timeval *timeout);
LEAT_API int leat_pselect(int n, fd_set *readable, fd_set *writable, fd_set *except,
			  const struct timespec *timeout, const sigset_t *sigmask);

#ifdef __cplusplus
}
#endif

#endif
