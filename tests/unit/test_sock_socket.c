/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets as objects: what a call does to the stack and to the socket's readiness, where the other
 * tests of the layer do not come by. On virtual time, over the TCP in memory.
 */
#include "sockhost.h"

#include "sock/set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#define MS UINT64_C(1000000)

static int setup(void **state)
{
	static struct sockhost h;

	memset(&h, 0, sizeof(h));
	sockhost_create(&h, &(struct sockhost_conf){0});
	*state = &h;
	return 0;
}

static int teardown(void **state)
{
	sockhost_destroy(*state);
	return 0;
}

/* A program that has computed for long connects: the SYN's timer counts from now. */
static void connect_reads_clock(struct sockhost *h, int family)
{
	struct sockaddr_storage addr;
	socklen_t len;
	int l = sockhost_listen(h, family, &addr, &len);
	int c = sock_socket(h->s, family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	sockhost_run(h);
	h->host.now_ns += 300 * MS;
	assert_int_equal(sock_connect(h->s, c, (struct sockaddr *)&addr, len), -EINPROGRESS);
	assert_int_equal(h->s->now_ns, h->host.now_ns);
	assert_int_equal(sock_close(h->s, c), 0);
	assert_int_equal(sock_close(h->s, l), 0);
}

/* A number far out: refused, and no table is made for it. */
static void far_number(struct sockhost *h, int family)
{
	int fd = sock_socket(h->s, family, SOCK_STREAM, 0);

	assert_int_equal(sock_dup_to(h->s, fd, 1 << 30), -EBADF);
	assert_int_equal(sock_dup_to(h->s, fd, INT32_MAX), -EBADF);
	assert_true(h->s->sock->fds.size < 4096);
	assert_int_equal(sock_dup_to(h->s, fd, 100), 100);
	assert_int_equal(sock_close(h->s, 100), 0);
	assert_int_equal(sock_close(h->s, fd), 0);
}

/* The same bound whether sets are put into each other from the bottom or from the top. */
static void sets_in_sets(struct sockhost *h, int family)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int ep[SET_DEPTH_MAX + 2];

	for (unsigned i = 0; i < ARRAY_LEN(ep); i++)
		ep[i] = sock_epoll_create(h->s);
	for (unsigned i = 0; i < SET_DEPTH_MAX; i++) {
		unsigned k = family == AF_INET ? i : SET_DEPTH_MAX - 1 - i;

		assert_int_equal(sock_epoll_ctl(h->s, ep[k], EPOLL_CTL_ADD, ep[k + 1], &ev), 0);
	}
	assert_int_equal(
		sock_epoll_ctl(h->s, ep[SET_DEPTH_MAX], EPOLL_CTL_ADD, ep[SET_DEPTH_MAX + 1], &ev),
		-ELOOP);
	assert_int_equal(sock_epoll_ctl(h->s, ep[SET_DEPTH_MAX + 1], EPOLL_CTL_ADD, ep[0], &ev),
			 -ELOOP);
	assert_int_equal(sock_epoll_ctl(h->s, ep[SET_DEPTH_MAX], EPOLL_CTL_ADD, ep[0], &ev),
			 -ELOOP);
}

#define CASES(X) \
	X(connect_reads_clock) \
	X(far_number) \
	X(sets_in_sets)

#define X(name) \
	static void test_##name##4(void **state) \
	{ \
		name(*state, AF_INET); \
	} \
	static void test_##name##6(void **state) \
	{ \
		name(*state, AF_INET6); \
	}
CASES(X)
#undef X

int main(void)
{
	const struct CMUnitTest tests[] = {
#define X(name) \
	cmocka_unit_test_setup_teardown(test_##name##4, setup, teardown), \
		cmocka_unit_test_setup_teardown(test_##name##6, setup, teardown),
		CASES(X)
#undef X
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
