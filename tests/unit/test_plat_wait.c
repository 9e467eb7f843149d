/* SPDX-License-Identifier: BSD-2-Clause */
/* Sleeping: time-outs, readiness, signals, the signal mask of the sleep. */
#include "plat/wait.h"

#include "base/compiler.h"
#include "plat/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

/* A machine that is busy may be late by this much; none may be early. */
#define LATE_NS (2 * PLAT_NS_PER_S)

static void test_timeout(void **state)
{
	static const uint64_t ns[] = {
		0,
		1,
		1000,
		100 * PLAT_NS_PER_US,
		PLAT_NS_PER_MS,
		PLAT_NS_PER_S / 20,
		PLAT_NS_PER_S + 1,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ns); i++) {
		uint64_t t = plat_mono_ns();

		assert_int_equal(plat_wait(NULL, 0, ns[i], NULL), 0);
		t = plat_mono_ns() - t;
		assert_true(t >= ns[i]);
		assert_true(t < ns[i] + LATE_NS);
	}
}

static void test_ready(void **state)
{
	static const uint64_t ns[] = {0, PLAT_NS_PER_S * 60, UINT64_MAX - 1, PLAT_WAIT_FOREVER};
	struct pollfd fds[2] = {{.events = POLLIN}, {.events = POLLIN}};
	int a[2], b[2];

	(void)state;
	assert_int_equal(pipe(a), 0);
	assert_int_equal(pipe(b), 0);
	fds[0].fd = a[0];
	fds[1].fd = b[0];
	assert_int_equal(plat_wait(fds, 2, 0, NULL), 0);
	assert_int_equal(write(b[1], "x", 1), 1);
	for (size_t i = 0; i < ARRAY_LEN(ns); i++) {
		assert_int_equal(plat_wait(fds, 2, ns[i], NULL), 1);
		assert_int_equal(fds[0].revents, 0);
		assert_int_equal(fds[1].revents, POLLIN);
	}
	assert_int_equal(write(a[1], "x", 1), 1);
	assert_int_equal(plat_wait(fds, 2, PLAT_WAIT_FOREVER, NULL), 2);
	(void)close(a[0]);
	(void)close(a[1]);
	(void)close(b[0]);
	(void)close(b[1]);
}

static void ignore_it(int sig)
{
	(void)sig;
}

/* SIGALRM from now on, every millisecond, until stopped: none can be missed for good. */
static void set_alarm(suseconds_t us)
{
	const struct itimerval it = {{0, us}, {0, us}};

	assert_int_equal(setitimer(ITIMER_REAL, &it, NULL), 0);
}

static void test_signal(void **state)
{
	struct sigaction sa = {.sa_handler = ignore_it, .sa_flags = SA_RESTART}, old;

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &sa, &old), 0);
	set_alarm(1000);
	assert_int_equal(plat_wait(NULL, 0, 60 * PLAT_NS_PER_S, NULL), -EINTR);
	assert_int_equal(plat_wait(NULL, 0, PLAT_WAIT_FOREVER, NULL), -EINTR);
	set_alarm(0);
	assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
}

static void test_sigmask(void **state)
{
	struct sigaction sa = {.sa_handler = ignore_it}, old;
	sigset_t block, before, none, now;

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &sa, &old), 0);
	(void)sigemptyset(&none);
	(void)sigemptyset(&block);
	(void)sigaddset(&block, SIGALRM);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, &block, &before), 0);
	/* Pending before the sleep begins: it must end the sleep at once. */
	assert_int_equal(raise(SIGALRM), 0);
	assert_int_equal(plat_wait(NULL, 0, PLAT_NS_PER_MS, NULL), 0);
	assert_int_equal(plat_wait(NULL, 0, 60 * PLAT_NS_PER_S, &none), -EINTR);
	assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, &now), 0);
	assert_int_equal(sigismember(&now, SIGALRM), 1);
	assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
}

static void test_bad_descriptor(void **state)
{
	struct pollfd fd = {.fd = 9999, .events = POLLIN};

	(void)state;
	assert_int_equal(plat_wait(&fd, 1, PLAT_WAIT_FOREVER, NULL), 1);
	assert_int_equal(fd.revents, POLLNVAL);
}

static void test_too_many(void **state)
{
	struct pollfd fds[20];
	struct rlimit old, low = {ARRAY_LEN(fds) - 1, 0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = (struct pollfd){.fd = -1};
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	low.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(plat_wait(fds, ARRAY_LEN(fds) - 1, 0, NULL), 0);
	assert_int_equal(plat_wait(fds, ARRAY_LEN(fds), 0, NULL), -EINVAL);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

static void test_on_time(void **state)
{
	(void)state;
	assert_int_not_equal(prctl(PR_GET_TIMERSLACK, 0ul, 0ul, 0ul, 0ul), 1);
	assert_int_equal(plat_wait_on_time(), 0);
	assert_int_equal(prctl(PR_GET_TIMERSLACK, 0ul, 0ul, 0ul, 0ul), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timeout),        cmocka_unit_test(test_ready),
		cmocka_unit_test(test_signal),         cmocka_unit_test(test_sigmask),
		cmocka_unit_test(test_bad_descriptor), cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_on_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
