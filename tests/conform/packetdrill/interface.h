/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The binary interface between packetdrill and a shared object that it tests a stack through
 * (--so_filename): the names and types that its loader looks for, and nothing else.
 *
 * packetdrill calls packetdrill_interface_init() once. From then on its main thread makes all
 * calls, but for those of a script that are expected to block, which a second thread makes.
 */
#ifndef LEAT_CONFORM_INTERFACE_H
#define LEAT_CONFORM_INTERFACE_H

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Results are those of the system calls of the same name: -1 and errno. The order is the ABI. */
struct packetdrill_interface {
	void *userdata;
	void (*free)(void *u);
	int (*socket)(void *u, int domain, int type, int protocol);
	int (*bind)(void *u, int fd, const struct sockaddr *addr, socklen_t len);
	int (*listen)(void *u, int fd, int backlog);
	int (*accept)(void *u, int fd, struct sockaddr *addr, socklen_t *len);
	int (*connect)(void *u, int fd, const struct sockaddr *addr, socklen_t len);
	ssize_t (*read)(void *u, int fd, void *buf, size_t len);
	ssize_t (*readv)(void *u, int fd, const struct iovec *iov, int n);
	ssize_t (*recv)(void *u, int fd, void *buf, size_t len, int flags);
	ssize_t (*recvfrom)(void *u, int fd, void *buf, size_t len, int flags,
			    struct sockaddr *addr, socklen_t *addr_len);
	ssize_t (*recvmsg)(void *u, int fd, struct msghdr *msg, int flags);
	ssize_t (*write)(void *u, int fd, const void *buf, size_t len);
	ssize_t (*writev)(void *u, int fd, const struct iovec *iov, int n);
	ssize_t (*send)(void *u, int fd, const void *buf, size_t len, int flags);
	ssize_t (*sendto)(void *u, int fd, const void *buf, size_t len, int flags,
			  const struct sockaddr *addr, socklen_t addr_len);
	ssize_t (*sendmsg)(void *u, int fd, const struct msghdr *msg, int flags);
	int (*fcntl)(void *u, int fd, int cmd, ...);
	int (*ioctl)(void *u, int fd, unsigned long request, ...);
	int (*close)(void *u, int fd);
	int (*shutdown)(void *u, int fd, int how);
	int (*getsockopt)(void *u, int fd, int level, int name, void *value, socklen_t *len);
	int (*setsockopt)(void *u, int fd, int level, int name, const void *value, socklen_t len);
	int (*poll)(void *u, struct pollfd *fds, nfds_t n, int timeout_ms);
	/* An IP packet for the stack. */
	int (*netdev_send)(void *u, const void *buf, size_t len);
	/* The next IP packet of the stack: waits for it. *len: room, then bytes; when it left. */
	int (*netdev_receive)(void *u, void *buf, size_t *len, long long *usecs);
	int (*usleep)(void *u, useconds_t usecs);
	int (*gettimeofday)(void *u, struct timeval *tv, struct timezone *tz);
	int (*epoll_create)(void *u, int size);
	int (*epoll_ctl)(void *u, int epfd, int op, int fd, struct epoll_event *event);
	int (*epoll_wait)(void *u, int epfd, struct epoll_event *events, int max, int timeout_ms);
	int (*pipe)(void *u, int fds[2]);
	ssize_t (*splice)(void *u, int fd_in, loff_t *off_in, int fd_out, loff_t *off_out,
			  size_t len, unsigned flags);
};

/* flags: the text behind --so_flags, NULL without. */
__attribute__((visibility("default"))) void
packetdrill_interface_init(const char *flags, struct packetdrill_interface *ifc);

#endif
