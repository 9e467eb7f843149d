/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * posix.h: a program written for the kernel's sockets compiles against Leat when it includes this
 * header instead of the system's socket headers (or before them).
 *
 * The POSIX names are bound to the leat_ functions by assembler name, so that nothing but the calls
 * changes: structure members, local variables and comments may have these names too. fcntl is the
 * exception: 64-bit file offsets have given it another assembler name already, so it is a macro
 * with arguments.
 *
 * With _FORTIFY_SOURCE, glibc makes inline functions of read, recv, recvfrom, poll and ppoll.
 * Include this header before the system's and they are ordinary again; after <unistd.h>, <poll.h>
 * or <sys/socket.h> they become macros with arguments, which a call through a structure member of
 * the same name trips over at compile time. See leat_posix(3).
 */
#ifndef LEAT_POSIX_H
#define LEAT_POSIX_H

/* glibc's feature macros first: they set the level that is lowered here. */
#include <features.h>

#if __USE_FORTIFY_LEVEL > 0
#ifdef _UNISTD_H
#define LEAT_POSIX_LATE_UNISTD 1
#endif
#ifdef _SYS_SOCKET_H
#define LEAT_POSIX_LATE_SOCKET 1
#endif
#ifdef _SYS_POLL_H
#define LEAT_POSIX_LATE_POLL 1
#endif
#pragma push_macro("__USE_FORTIFY_LEVEL")
#undef __USE_FORTIFY_LEVEL
#define __USE_FORTIFY_LEVEL 0
#define LEAT_POSIX_POP      1
#endif

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#ifdef LEAT_POSIX_POP
#pragma pop_macro("__USE_FORTIFY_LEVEL")
#undef LEAT_POSIX_POP
#endif

#include <leat/epoll.h>
#include <leat/event.h>
#include <leat/poll.h>
#include <leat/signal.h>
#include <leat/socket.h>

/* Says the same as the system's declaration, and where the call goes. */
#define LEAT_POSIX_BIND(name) extern __typeof__(name) name __asm__("leat_" #name);

/* Declaring again what the system declared is the whole point here. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wredundant-decls"

#ifdef __cplusplus
extern "C" {
#endif

LEAT_POSIX_BIND(accept)
LEAT_POSIX_BIND(bind)
LEAT_POSIX_BIND(close)
LEAT_POSIX_BIND(connect)
LEAT_POSIX_BIND(dup)
LEAT_POSIX_BIND(dup2)
LEAT_POSIX_BIND(epoll_create)
LEAT_POSIX_BIND(epoll_create1)
LEAT_POSIX_BIND(epoll_ctl)
LEAT_POSIX_BIND(epoll_pwait)
LEAT_POSIX_BIND(epoll_pwait2)
LEAT_POSIX_BIND(epoll_wait)
LEAT_POSIX_BIND(getpeername)
LEAT_POSIX_BIND(getsockname)
LEAT_POSIX_BIND(getsockopt)
LEAT_POSIX_BIND(ioctl)
LEAT_POSIX_BIND(listen)
LEAT_POSIX_BIND(pselect)
LEAT_POSIX_BIND(readv)
LEAT_POSIX_BIND(recvmsg)
LEAT_POSIX_BIND(select)
LEAT_POSIX_BIND(send)
LEAT_POSIX_BIND(sendmsg)
LEAT_POSIX_BIND(sendto)
LEAT_POSIX_BIND(setsockopt)
LEAT_POSIX_BIND(shutdown)
LEAT_POSIX_BIND(sigaction)
LEAT_POSIX_BIND(signal)
LEAT_POSIX_BIND(socket)
LEAT_POSIX_BIND(socketpair)
LEAT_POSIX_BIND(write)
LEAT_POSIX_BIND(writev)
#ifdef _GNU_SOURCE
LEAT_POSIX_BIND(accept4)
LEAT_POSIX_BIND(close_range)
LEAT_POSIX_BIND(closefrom)
LEAT_POSIX_BIND(dup3)
LEAT_POSIX_BIND(recvmmsg)
LEAT_POSIX_BIND(sendmmsg)
#endif

#ifdef LEAT_POSIX_LATE_UNISTD
#define read(fd, buf, len) leat_read(fd, buf, len)
#else
LEAT_POSIX_BIND(read)
#endif
#ifdef LEAT_POSIX_LATE_SOCKET
#define recv(fd, buf, len, flags) leat_recv(fd, buf, len, flags)
#define recvfrom(fd, buf, len, flags, addr, addr_len) \
	leat_recvfrom(fd, buf, len, flags, addr, addr_len)
#else
LEAT_POSIX_BIND(recv)
LEAT_POSIX_BIND(recvfrom)
#endif
#ifdef LEAT_POSIX_LATE_POLL
#define poll(fds, n, timeout)           leat_poll(fds, n, timeout)
#define ppoll(fds, n, timeout, sigmask) leat_ppoll(fds, n, timeout, sigmask)
#else
LEAT_POSIX_BIND(poll)
#ifdef _GNU_SOURCE
LEAT_POSIX_BIND(ppoll)
#endif
#endif

#define fcntl(...) leat_fcntl(__VA_ARGS__)

/* What Linux does not have keeps the BSDs' names. */
int kqueue(void) __asm__("leat_kqueue");
int kevent(int kq, const struct kevent *changes, int n_changes, struct kevent *events, int n_events,
	   const struct timespec *timeout) __asm__("leat_kevent");

#ifdef __cplusplus
}
#endif

#pragma GCC diagnostic pop
#undef LEAT_POSIX_BIND

#endif
