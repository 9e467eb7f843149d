/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The example that this is linked with, as a thread: it starts a stack and serves clients of the
 * test's thread, whose calls travel to it.
 */
#include <leat/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TRIES 10000

/* main() of the example, under another name. */
int example_main(int argc, char **argv);

static void *run_example(void *arg)
{
	char name[] = "example", port[] = "7007";
	char *argv[] = {name, port, NULL};
	int *status = arg;

	*status = example_main(2, argv);
	return NULL;
}

/* Until the example listens. */
static int dial(int family, const struct sockaddr *to, socklen_t len)
{
	for (int i = 0; i < TRIES; i++) {
		int fd = leat_socket(family, SOCK_STREAM, 0);

		if (fd >= 0 && leat_connect(fd, to, len) == 0)
			return fd;
		if (fd >= 0)
			leat_close(fd);
		usleep(1000);
	}
	return -1;
}

static void talk(int fd)
{
	char out[3000], in[sizeof(out)];

	assert_true(fd >= 0);
	for (int i = 0; i < 20; i++) {
		memset(out, 'a' + i, sizeof(out));
		assert_int_equal(leat_send(fd, out, sizeof(out), 0), sizeof(out));
		assert_int_equal(leat_recv(fd, in, sizeof(in), MSG_WAITALL), sizeof(in));
		assert_memory_equal(in, out, sizeof(out));
	}
}

static void test_echo(void **state)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(7007)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(7007)};
	int status = -1, a, b;
	pthread_t t;

	(void)state;
	v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	v6.sin6_addr = in6addr_loopback;
	assert_int_equal(pthread_create(&t, NULL, run_example, &status), 0);
	a = dial(AF_INET, (struct sockaddr *)&v4, sizeof(v4));
	b = dial(AF_INET6, (struct sockaddr *)&v6, sizeof(v6));
	talk(a);
	talk(b);
	assert_int_equal(leat_close(a), 0);
	talk(b);
	assert_int_equal(leat_close(b), 0);
	assert_int_equal(pthread_kill(t, SIGTERM), 0);
	assert_int_equal(pthread_join(t, NULL), 0);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_echo)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
