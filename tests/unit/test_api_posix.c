/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program that knows nothing of Leat but one header: names, structure members and function
 * addresses are as POSIX has them, the calls are ours. Also in a thread without a stack.
 */
#include <leat/posix.h>

#include "sockhost.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/time.h>

/* Members named like the calls, as programs have them. */
struct ops {
	ssize_t (*read)(int fd, void *buf, size_t len);
	ssize_t (*write)(int fd, const void *buf, size_t len);
	int (*close)(int fd);
};

static const struct ops socket_ops = {.read = read, .write = write, .close = close};

static void test_program(void **state)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	struct epoll_event ev = {.events = EPOLLIN};
	socklen_t len = sizeof(addr);
	struct sockhost h;
	char buf[8];
	int l, c, s, ep;

	(void)state;
	sockhost_create(&h, &(struct sockhost_conf){.real = true});
	l = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(sock_owns(h.s, l));
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(l, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(l, 1), 0);
	assert_int_equal(getsockname(l, (struct sockaddr *)&addr, &len), 0);
	c = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(c, (struct sockaddr *)&addr, len), 0);
	s = accept(l, NULL, NULL);
	assert_true(sock_owns(h.s, s));
	assert_int_equal(fcntl(s, F_SETFL, O_NONBLOCK), 0);
	ep = epoll_create1(EPOLL_CLOEXEC);
	assert_int_equal(epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev), 0);
	assert_int_equal(socket_ops.write(c, "ping", 4), 4);
	assert_int_equal(epoll_wait(ep, &ev, 1, 1000), 1);
	assert_int_equal(socket_ops.read(s, buf, sizeof(buf)), 4);
	assert_memory_equal(buf, "ping", 4);
	assert_int_equal(send(s, "pong", 4, MSG_NOSIGNAL), 4);
	assert_int_equal(recv(c, buf, sizeof(buf), 0), 4);
	assert_int_equal(socket_ops.close(s), 0);
	assert_int_equal(read(c, buf, sizeof(buf)), 0);
	close(c);
	close(l);
	close(ep);
	assert_int_equal(sock_count(h.s), 0);
	sockhost_destroy(&h);
}

static void test_kernel_files(void **state)
{
	struct sockhost h;
	int fd[2], pair[2];
	char b[4];

	(void)state;
	sockhost_create(&h, &(struct sockhost_conf){.real = true});
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], "abc", 3), 3);
	assert_int_equal(read(fd[0], b, 4), 3);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(send(pair[0], "x", 1, 0), 1);
	assert_int_equal(recv(pair[1], b, 4, 0), 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(close(fd[i]), 0);
		assert_int_equal(close(pair[i]), 0);
	}
	assert_int_equal(close(fd[0]), -1);
	sockhost_destroy(&h);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* A time whose nanoseconds are a multiple of 2^64 is very long, not none. */
static void test_select_long(void **state)
{
	struct itimerval soon = {.it_value = {.tv_usec = 20000}};
	struct timeval tv = {.tv_sec = (time_t)1 << 55};
	struct sockhost h;
	fd_set set;
	int fd;

	(void)state;
	sockhost_create(&h, &(struct sockhost_conf){.real = true});
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	FD_ZERO(&set);
	FD_SET(fd, &set);
	assert_int_equal(sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_alarm}, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
	assert_int_equal(select(fd + 1, &set, NULL, NULL, &tv), -1);
	assert_int_equal(errno, EINTR);
	/* Writable at once. */
	FD_ZERO(&set);
	FD_SET(fd, &set);
	assert_int_equal(select(fd + 1, NULL, &set, NULL, NULL), 1);
	assert_true(FD_ISSET(fd, &set));
	assert_int_equal(close(fd), 0);
	sockhost_destroy(&h);
}

static void test_no_stack(void **state)
{
	int ep = epoll_create1(0);

	(void)state;
	assert_true(ep >= 0);
	assert_int_equal(close(ep), 0);
	assert_int_equal(socket(AF_INET, SOCK_STREAM, 0), -1);
	assert_int_equal(errno, ENETDOWN);
	assert_int_equal(kqueue(), -1);
	assert_int_equal(errno, ENETDOWN);
	assert_int_equal(poll(NULL, 0, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_program),
		cmocka_unit_test(test_kernel_files),
		cmocka_unit_test(test_select_long),
		cmocka_unit_test(test_no_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
