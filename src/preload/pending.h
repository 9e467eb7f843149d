/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets that may become Leat's. socket() makes one of the kernel's; its first address (bind,
 * connect, an unconnected send) says whose it is. Options set before are remembered and set again.
 *
 * bind() and listen() on Leat's behalf are remembered too, until a call needs the stack: so a
 * master process that opens listeners, drops privileges and forks its workers never attaches, and
 * each worker that uses a listener has it on a stack of its own.
 */
#ifndef LEAT_PRELOAD_PENDING_H
#define LEAT_PRELOAD_PENDING_H

#include "preload/slot.h"

enum pending_way {
	PENDING_KERNEL, /* make the call on the kernel's socket */
	PENDING_LEAT,   /* on Leat's, which has the number now */
	PENDING_DONE,   /* it is remembered: return 0 */
	PENDING_ERROR,  /* return -1, errno is set */
};

/* A new socket of the kernel's. */
void pending_add(int fd, int domain, int type, int protocol);
void pending_destroy(struct slot *s);
/* Another number for the same socket. */
void pending_dup(int fd, int to);

/* The following are for descriptors with a SLOT_SOCKET and say what is to be done. */
enum pending_way pending_bind(int fd, const struct sockaddr *addr, socklen_t len);
enum pending_way pending_listen(int fd, int backlog);
/* connect(), or a send with an address. */
enum pending_way pending_toward(int fd, const struct sockaddr *addr, socklen_t len);
/* A call that wants the socket as it is (accept, recv, poll, epoll_ctl, ...): KERNEL when it has no
 * address yet. */
enum pending_way pending_settle(int fd);
/* An option that the kernel has taken. */
void pending_option(int fd, int level, int name, const void *value, socklen_t len);
/* What bind() and listen() said. True: answered, with 0 or -1 in *rc. */
bool pending_getsockname(int fd, struct sockaddr *addr, socklen_t *len, int *rc);
bool pending_listens(int fd);
/* It was put into a set, changed there, or taken out (events NULL): to be repeated when the number
 * becomes Leat's. One set at a time. */
void pending_watched(int fd, int epfd, const struct epoll_event *event);

/* A call on fd: is it Leat's, once a pending bind or listen is made good? -1: errno is set. */
static inline int pending_ask(int fd)
{
	if (me.inside > 0)
		return 0;
	if (slot_is(fd, SLOT_SOCKET)) {
		enum pending_way way = pending_settle(fd);

		return way == PENDING_ERROR ? -1 : way == PENDING_LEAT;
	}
	return is_leats(fd);
}

#endif
