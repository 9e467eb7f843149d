/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The behaviour suite: one file for each behaviour, plain POSIX text, compiled twice. Against the
 * kernel it says what is right; against Leat (leat/posix.h, the stack's loopback) it must print the
 * same lines. kqueue has no kernel here: those files run on Leat alone, and IS() holds what
 * FreeBSD's kqueue(2) says.
 *
 *	void conform_epoll_edge(int family)     // of epoll_edge.c; AF_INET, then AF_INET6
 *	{
 *		pair(family, &c, &s, SOCK_NONBLOCK);
 *		NOTE("send", send(c, "abc", 3, 0));
 *		settle();
 *		...
 *	}
 *
 * Lines must not depend on numbers of descriptors, ports or times. run compares; see there.
 */
#ifndef LEAT_TESTS_CONFORM_H
#define LEAT_TESTS_CONFORM_H

#ifdef CONFORM_LEAT
#include <leat/posix.h>
#else
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#endif

#include "conform_cases.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#ifdef CONFORM_LEAT
#define CONFORM_CASES(X) CONFORM_BOTH_CASES(X) CONFORM_KQUEUE_CASES(X)
#else
#define CONFORM_CASES(X) CONFORM_BOTH_CASES(X)
#endif

#define CASE(name) void conform_##name(int family);
CONFORM_CASES(CASE)
#undef CASE

/* One line of what was observed. */
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The result of a call and, when it failed, why. */
void note_result(int line, const char *what, ssize_t rc, int err);
#define NOTE(what, call) \
	do { \
		ssize_t rc_; \
		errno = 0; \
		rc_ = (ssize_t)(call); \
		note_result(__LINE__, what, rc_, errno); \
	} while (0)

/* What every side must have. */
void is(const char *file, int line, const char *what, int64_t got, int64_t want);
#define IS(got, want) is(__FILE__, __LINE__, #got, (int64_t)(got), (int64_t)(want))

/* A case cannot go on without it. */
void must_hold(const char *file, int line, const char *what, bool holds);
#define must(cond) must_hold(__FILE__, __LINE__, #cond, cond)

/* Let both ends of loopback connections do their work. */
void settle(void);
uint64_t now_ms(void);

/* Leat's side: talk to itself over the address of its port. */
extern bool own_address;
#define OWN_ADDRESS  "10.9.0.1"
#define OWN_ADDRESS6 "2001:db8::1"
/* An address of this host. */
socklen_t loopback(int family, struct sockaddr_storage *ss, unsigned port);
int tcp_socket(int family, int flags);
/* On a port of its choice; *ss is where to connect to. */
int listener(int family, struct sockaddr_storage *ss, socklen_t *len, int flags);
/* A connection; both ends O_NONBLOCK when flags say SOCK_NONBLOCK. */
void pair(int family, int *client, int *server, int flags);
/* Send until both queues are full. */
void fill(int fd);
/* Receive all there is. */
size_t drain(int fd);

#define ALL_EVENTS \
	(EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLRDNORM | EPOLLWRNORM | EPOLLRDBAND)

/* The level, which epoll and poll must see alike. */
unsigned level(int fd);
#define LEVEL(what, fd) note("%d %s: level %#x", __LINE__, what, level(fd))

/* What a set reports first, 0: nothing. */
unsigned waited(int ep);
#define WAITED(what, ep) note("%d %s: %#x", __LINE__, what, waited(ep))

void add(int ep, int fd, uint32_t events, uint32_t data);

/* A handler that counts runs, and a timer that raises the signal once after some ms. */
void catch_signal(int sig, int flags);
unsigned caught(void);
void raise_later(int ms);
/* Handler and timer as they were. */
void uncatch_signal(int sig);

void get_int(int fd, int lvl, int name, const char *what);
#define GET(name, lvl) get_int(fd, lvl, name, "get " #name)
#define SET(name, lvl, value) \
	do { \
		int v_ = (value); \
		NOTE("set " #name " " #value, setsockopt(fd, lvl, name, &v_, sizeof(v_))); \
	} while (0)

/* Wrong on purpose, and unknown to the compiler, which would refuse them. */
extern volatile int minus_one, too_many;

#endif
