/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * socket.h: the sockets interface of Leat, with Linux's types, numbers and errno values.
 *
 * A descriptor is a number that the kernel has reserved, so it never equals that of an open file;
 * fstat(2) calls it a socket. A number that is free again may be kept for the next socket, so that
 * socket() does not always give the lowest one; dup() does.
 * Calls on a descriptor that is not Leat's go to the kernel's function of the same name, and so do
 * sockets of families other than AF_INET and AF_INET6: programs may mix both kinds.
 *
 * A socket belongs to the worker (leat_init) that made it; every thread may use it. A call from
 * another thread travels to the worker, is answered between two of its rounds, and is only slower;
 * close() ends calls of other threads that wait on the descriptor with EBADF. A set holds sockets
 * of its own worker, and a worker's own poll() sees its own. Without any worker, leat_socket()
 * gives ENETDOWN.
 *
 * Calls that wait run the stack. Calls that do not wait leave what they caused to the next wait, at
 * the latest after 64 of them; a call on a blocking socket sends at once. See leat_socket(3).
 */
#ifndef LEAT_SOCKET_H
#define LEAT_SOCKET_H

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <leat/leat.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The names that the BSDs give to the permission to bind any address; the same as IP_TRANSPARENT
 * and IPV6_TRANSPARENT. Numbers of our own: theirs mean other things on Linux.
 */
#ifndef SO_BINDANY
#define SO_BINDANY 0x1000 /* level SOL_SOCKET, either family */
#endif
#ifndef IP_BINDANY
#define IP_BINDANY 0x1018 /* level IPPROTO_IP */
#endif
#ifndef IPV6_BINDANY
#define IPV6_BINDANY 0x1040 /* level IPPROTO_IPV6 */
#endif
/* The BSDs' name of TCP_CORK, level IPPROTO_TCP. */
#ifndef TCP_NOPUSH
#define TCP_NOPUSH TCP_CORK
#endif
/* <linux/netfilter_ipv4.h>: at level IPPROTO_IP, and the same number at IPPROTO_IPV6. */
#ifndef SO_ORIGINAL_DST
#define SO_ORIGINAL_DST 80
#endif

LEAT_API int leat_socket(int domain, int type, int protocol);
LEAT_API int leat_socketpair(int domain, int type, int protocol, int fds[2]);
LEAT_API int leat_bind(int fd, const struct sockaddr *addr, socklen_t len);
LEAT_API int leat_listen(int fd, int backlog);
LEAT_API int leat_accept(int fd, struct sockaddr *addr, socklen_t *len);
LEAT_API int leat_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
LEAT_API int leat_connect(int fd, const struct sockaddr *addr, socklen_t len);
LEAT_API int leat_shutdown(int fd, int how);
LEAT_API int leat_close(int fd);

LEAT_API ssize_t leat_read(int fd, void *buf, size_t len);
LEAT_API ssize_t leat_readv(int fd, const struct iovec *iov, int n);
LEAT_API ssize_t leat_recv(int fd, void *buf, size_t len, int flags);
LEAT_API ssize_t leat_recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *addr,
			       socklen_t *addr_len);
LEAT_API ssize_t leat_recvmsg(int fd, struct msghdr *msg, int flags);
LEAT_API ssize_t leat_write(int fd, const void *buf, size_t len);
LEAT_API ssize_t leat_writev(int fd, const struct iovec *iov, int n);
LEAT_API ssize_t leat_send(int fd, const void *buf, size_t len, int flags);
LEAT_API ssize_t leat_sendto(int fd, const void *buf, size_t len, int flags,
			     const struct sockaddr *addr, socklen_t addr_len);
LEAT_API ssize_t leat_sendmsg(int fd, const struct msghdr *msg, int flags);

struct mmsghdr;
struct timespec;
/* Several datagrams in one call; timeout is looked at between them (NULL: none). */
LEAT_API int leat_recvmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags,
			   struct timespec *timeout);
LEAT_API int leat_sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags);

/*
 * The index by which socket options and control messages name an interface: of a port, or of "lo".
 * 0 with ENODEV, NULL with ENXIO: no such; ENETDOWN: no stack. name has room for 16 bytes.
 */
LEAT_API unsigned leat_if_nametoindex(const char *name);
LEAT_API char *leat_if_indextoname(unsigned index, char *name);

LEAT_API int leat_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
LEAT_API int leat_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
/* On a connection that interception took: the address that the client asked for. */
LEAT_API int leat_getsockname(int fd, struct sockaddr *addr, socklen_t *len);
LEAT_API int leat_getpeername(int fd, struct sockaddr *addr, socklen_t *len);

/* F_GETFL, F_SETFL (O_NONBLOCK), F_GETFD, F_SETFD, F_DUPFD, F_DUPFD_CLOEXEC; others EINVAL. */
LEAT_API int leat_fcntl(int fd, int cmd, ...);
/* FIONREAD, FIONBIO, SIOCOUTQ; others ENOTTY. */
LEAT_API int leat_ioctl(int fd, unsigned long request, ...);
LEAT_API int leat_dup(int fd);
LEAT_API int leat_dup2(int fd, int to);
LEAT_API int leat_dup3(int fd, int to, int flags);
/* As Linux has them; what Leat itself has open (ports, wake-ups) is spared. */
LEAT_API int leat_close_range(unsigned first, unsigned last, int flags);
LEAT_API void leat_closefrom(int from);

/* Whose is a descriptor number? Any thread; a lookup in a table. */
enum leat_fd {
	LEAT_FD_KERNEL, /* the kernel's, or nobody's */
	LEAT_FD_LEAT,   /* a socket or a set of Leat's */
	LEAT_FD_HIDDEN, /* Leat has it open for itself; the program must leave it alone */
};
LEAT_API enum leat_fd leat_fd_of(int fd);

/*
 * Send now what earlier calls caused, without waiting for anything: for a program that writes and
 * then computes for long.
 */
LEAT_API void leat_flush(void);

#ifdef __cplusplus
}
#endif

#endif
