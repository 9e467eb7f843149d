/* SPDX-License-Identifier: BSD-2-Clause */
/* fork(2) with a stack: what a child may do with Leat's descriptors, and that the parent's live on.
 */
#include <leat/epoll.h>
#include <leat/leat.h>
#include <leat/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct leat_config small = {.buffers_small = 512, .buffers_big = 512};

struct held {
	int sock[2], set, closed;
};

static void test_whose(void **state)
{
	struct held *h = *state;

	for (int i = 0; i < 2; i++)
		assert_int_equal(leat_fd_of(h->sock[i]), LEAT_FD_LEAT);
	assert_int_equal(leat_fd_of(h->set), LEAT_FD_LEAT);
	assert_int_equal(leat_fd_of(h->closed), LEAT_FD_HIDDEN);
	assert_int_equal(leat_fd_of(STDERR_FILENO), LEAT_FD_KERNEL);
	assert_int_equal(leat_fd_of(-1), LEAT_FD_KERNEL);
	assert_int_equal(leat_fd_of(INT32_MAX), LEAT_FD_KERNEL);
}

/* cmocka's assertions are the parent's. Returns the number of the first thing that does not hold.
 */
static int in_child(const struct held *h)
{
	char c;

	for (int i = 0; i < 2; i++) {
		if (leat_fd_of(h->sock[i]) != LEAT_FD_KERNEL)
			return 1;
		if (leat_read(h->sock[i], &c, 1) != -1 || errno != EBADF)
			return 2;
		if (leat_listen(h->sock[i], 1) != -1 || errno != EBADF)
			return 3;
		if (leat_close(h->sock[i]) != 0)
			return 4;
	}
	if (fcntl(h->closed, F_GETFD) != -1)
		return 5;
	if (leat_socket(AF_INET, SOCK_STREAM, 0) != -1 || errno != ENETDOWN)
		return 6;
	if (leat_init(&small) != -1 || errno != ENOTSUP || !strstr(leat_strerror(), "forked"))
		return 7;
	return leat_fini() == 0 ? 0 : 8;
}

static void test_child(void **state)
{
	const struct held *h = *state;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(in_child(h));
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(leat_fd_of(h->sock[i]), LEAT_FD_LEAT);
		assert_int_equal(leat_listen(h->sock[i], 1), 0);
	}
}

static int set_up(void **state)
{
	struct held *h = calloc(1, sizeof(*h));

	*state = h;
	if (!h || leat_init(&small) < 0) {
		(void)fprintf(stderr, "leat_init: %s\n", leat_strerror());
		return -1;
	}
	h->sock[0] = leat_socket(AF_INET, SOCK_STREAM, 0);
	h->sock[1] = leat_socket(AF_INET6, SOCK_STREAM, 0);
	h->set = leat_epoll_create1(0);
	h->closed = leat_socket(AF_INET, SOCK_DGRAM, 0);
	return leat_close(h->closed);
}

static int tear_down(void **state)
{
	free(*state);
	return leat_fini() == 0 ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whose),
		cmocka_unit_test(test_child),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
