/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll.h: epoll(7) over Leat's sockets, with Linux's structures, flags and errno values.
 *
 * A set takes Leat sockets, other sets of the same thread, and descriptors of the kernel. The waits
 * run the stack: a timeout of 0 is one round of it. Kernel descriptors are looked at every few
 * rounds while the set is busy, and wake a sleeping wait at once. See leat_epoll(3).
 */
#ifndef LEAT_EPOLL_H
#define LEAT_EPOLL_H

#include <signal.h>
#include <sys/epoll.h>
#include <time.h>

#include <leat/leat.h>

#ifdef __cplusplus
extern "C" {
#endif

LEAT_API int leat_epoll_create(int size);
LEAT_API int leat_epoll_create1(int flags);
LEAT_API int leat_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);
LEAT_API int leat_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms);
LEAT_API int leat_epoll_pwait(int epfd, struct epoll_event *events, int max, int timeout_ms,
			      const sigset_t *sigmask);
LEAT_API int leat_epoll_pwait2(int epfd, struct epoll_event *events, int max,
			       const struct timespec *timeout, const sigset_t *sigmask);

/*
 * Let the kernel wait for a set (epoll or kqueue): from now on its number is readable to the
 * kernel's poll, select and epoll, and so to other libraries' loops, while the set has events or
 * the stack has work. Then call leat_epoll_wait() or leat_kevent(), which may still find nothing.
 * leat_epoll_ctl() does this by itself when a set is added to an epoll set of the kernel's. Returns
 * the number; EBADF, EINVAL (a socket), EMFILE, ENOMEM. The thread that made the set.
 */
LEAT_API int leat_kernel_wait(int set);

#ifdef __cplusplus
}
#endif

#endif
