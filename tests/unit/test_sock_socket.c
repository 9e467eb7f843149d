/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets as objects: what a call does to the stack and to the socket's readiness, where the other
 * tests of the layer do not come by. On virtual time, over the TCP in memory.
 */
#include "sockhost.h"

#include "sock/socket.h"

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

#define CASES(X) X(connect_reads_clock)

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
