/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program's event sets. A set is one of the kernel's, and holds the kernel's descriptors with
 * all that the kernel knows of them. When a socket of Leat's joins, or the stack's own thread waits
 * for it, it gets a companion: a set of Leat's, with those sockets in it and the kernel's set as
 * one more member. A wait is then one for the companion; an event of the member is exchanged for
 * what the kernel's set has.
 */
#ifndef LEAT_PRELOAD_EPSET_H
#define LEAT_PRELOAD_EPSET_H

#include "preload/slot.h"

/* epoll_create1() made it. */
void epset_add(int epfd);
void epset_destroy(struct slot *s);
/* epoll_ctl() for a socket of Leat's, or a set that may have a companion. */
int epset_ctl(int epfd, int op, int fd, struct epoll_event *event);
/* The companion to wait for, -1: wait for the kernel's set. */
int epset_companion(int epfd);
/* epoll_wait() on it. timeout NULL: none. */
int epset_wait(int epfd, int companion, struct epoll_event *events, int max,
	       const struct timespec *timeout, const sigset_t *sigmask);

#endif
