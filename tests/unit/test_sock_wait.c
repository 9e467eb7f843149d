/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting: timeouts, signals, what wakes a sleep, and readiness that must not get lost. On the
 * machine's clock.
 */
#include "sockhost.h"

#include "plat/clock.h"
#include "sock/socket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#define MS PLAT_NS_PER_MS

struct env {
	struct sockhost h;
	int ep, c, s;
};

static int setup(void **state)
{
	static struct env e;

	memset(&e, 0, sizeof(e));
	sockhost_create(&e.h, &(struct sockhost_conf){.real = true});
	e.ep = sock_epoll_create(e.h.s);
	assert_true(e.ep >= 0);
	sockhost_pair(&e.h, &e.c, &e.s);
	*state = &e;
	return 0;
}

static int teardown(void **state)
{
	struct env *e = *state;

	sockhost_destroy(&e->h);
	return 0;
}

static void add(struct env *e, int ep, int fd, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.fd = fd};

	assert_int_equal(sock_epoll_ctl(e->h.s, ep, EPOLL_CTL_ADD, fd, &ev), 0);
}

static int wait_ns(struct env *e, uint64_t ns, const sigset_t *mask)
{
	struct epoll_event ev;

	return sock_epoll_wait(e->h.s, e->ep, &ev, 1, ns, mask);
}

static void test_timeout(void **state)
{
	struct env *e = *state;
	uint64_t start = plat_mono_ns(), took;

	add(e, e->ep, e->s, EPOLLIN);
	assert_int_equal(wait_ns(e, 20 * MS, NULL), 0);
	took = plat_mono_ns() - start;
	assert_true(took >= 20 * MS);
	assert_true(took < 20000 * MS);
	/* And it slept: the processor was not needed all the time. */
	assert_true(e->h.s->prof.sleeps > 0);
}

static volatile sig_atomic_t handled;

static void on_alarm(int sig)
{
	(void)sig;
	handled++;
}

static void alarm_in(unsigned ms)
{
	struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	struct itimerval it = {.it_value = {.tv_usec = (suseconds_t)ms * 1000}};

	handled = 0;
	assert_int_equal(sigaction(SIGALRM, &sa, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &it, NULL), 0);
}

/* A handler ends the wait wherever it runs: asleep, or while the stack polls. */
static void test_signal(void **state)
{
	struct env *e = *state;

	add(e, e->ep, e->s, EPOLLIN);
	alarm_in(10);
	assert_int_equal(wait_ns(e, SOCK_FOREVER, NULL), -EINTR);
	assert_int_equal(handled, 1);
	e->h.s->sock->spin_ns = 30 * MS;
	alarm_in(5);
	assert_int_equal(wait_ns(e, SOCK_FOREVER, NULL), -EINTR);
	assert_int_equal(handled, 1);
}

/* The mask of epoll_pwait: held back before, let in by the sleep only; in place again after. */
static void test_sigmask(void **state)
{
	struct env *e = *state;
	sigset_t alarm, none, now;

	sigemptyset(&none);
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm, NULL);
	alarm_in(1);
	usleep(3000);
	assert_int_equal(handled, 0);
	assert_int_equal(wait_ns(e, 5 * MS, NULL), 0);
	assert_int_equal(handled, 0);
	assert_int_equal(wait_ns(e, SOCK_FOREVER, &none), -EINTR);
	assert_int_equal(handled, 1);
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	assert_true(sigismember(&now, SIGALRM));
	assert_false(sigismember(&now, SIGUSR1));
	pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
}

static void work_again(struct stack *s, struct stack_work *w)
{
	stack_defer(s, w);
}

/* Rounds that always find something to do, none of it for the program, keep no signal out. */
static void test_signal_under_load(void **state)
{
	struct env *e = *state;
	struct stack_work w;

	add(e, e->ep, e->s, EPOLLIN);
	stack_work_init(&w, work_again);
	stack_defer(e->h.s, &w);
	for (int how = 0; how < 2; how++) {
		e->h.s->sock->spin_ns = how ? 1 : SOCK_SPIN_NS_DEFAULT;
		alarm_in(10);
		assert_int_equal(wait_ns(e, 5000 * MS, NULL), -EINTR);
		assert_int_equal(handled, 1);
	}
	stack_work_cancel(&w);
}

/* Until something was done, the time is over or a signal came. */
static void test_run(void **state)
{
	struct env *e = *state;
	uint64_t start = plat_mono_ns();
	struct stack_work w;

	sockhost_run(&e->h);
	assert_int_equal(sock_run(e->h.s, 5 * MS), 0);
	assert_true(plat_mono_ns() - start >= 5 * MS);
	assert_int_equal(sock_run(e->h.s, 0), 0);
	alarm_in(10);
	assert_int_equal(sock_run(e->h.s, SOCK_FOREVER), -EINTR);
	assert_int_equal(handled, 1);
	stack_work_init(&w, work_again);
	stack_defer(e->h.s, &w);
	assert_int_equal(sock_run(e->h.s, SOCK_FOREVER), 0);
	stack_work_cancel(&w);
}

static void *write_later(void *arg)
{
	usleep(10000);
	if (write(*(int *)arg, "x", 1) != 1)
		return arg;
	return NULL;
}

/* A kernel descriptor wakes a sleeping set, kqueue and poll. */
static void test_kernel_wakes(void **state)
{
	struct env *e = *state;
	struct pollfd p[2];
	struct kevent ch;
	int fd[2], kq = sock_kqueue(e->h.s);
	pthread_t t;
	void *failed;
	char b;

	assert_int_equal(pipe(fd), 0);
	add(e, e->ep, fd[0], EPOLLIN);
	EV_SET(&ch, fd[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	assert_int_equal(sock_kevent(e->h.s, kq, &ch, 1, NULL, 0, 0), 0);
	p[0] = (struct pollfd){.fd = fd[0], .events = POLLIN};
	p[1] = (struct pollfd){.fd = e->s, .events = POLLIN};
	for (int how = 0; how < 3; how++) {
		assert_int_equal(pthread_create(&t, NULL, write_later, &fd[1]), 0);
		if (how == 0)
			assert_int_equal(wait_ns(e, SOCK_FOREVER, NULL), 1);
		else if (how == 1)
			assert_int_equal(sock_kevent(e->h.s, kq, NULL, 0, &ch, 1, SOCK_FOREVER), 1);
		else
			assert_int_equal(sock_poll(e->h.s, p, 2, SOCK_FOREVER, NULL), 1);
		assert_int_equal(pthread_join(t, &failed), 0);
		assert_null(failed);
		assert_int_equal(read(fd[0], &b, 1), 1);
	}
	close(fd[0]);
	close(fd[1]);
}

/* A kernel descriptor two sets down is seen, whichever came first; level and edge. */
static void test_nested_kernel(void **state)
{
	struct env *e = *state;
	int mid = sock_epoll_create(e->h.s), in = sock_epoll_create(e->h.s);
	int kq = sock_kqueue(e->h.s), fd[2];
	struct kevent kev;
	struct pollfd p;
	char b;

	assert_int_equal(pipe(fd), 0);
	add(e, e->ep, mid, EPOLLIN);
	add(e, mid, in, EPOLLIN);
	add(e, in, fd[0], EPOLLIN);
	EV_SET(&kev, mid, EVFILT_READ, EV_ADD, 0, 0, NULL);
	assert_int_equal(sock_kevent(e->h.s, kq, &kev, 1, NULL, 0, 0), 0);
	assert_int_equal(wait_ns(e, MS, NULL), 0);
	assert_int_equal(write(fd[1], "x", 1), 1);
	assert_int_equal(wait_ns(e, SOCK_FOREVER, NULL), 1);
	assert_int_equal(wait_ns(e, SOCK_FOREVER, NULL), 1);
	assert_int_equal(sock_kevent(e->h.s, kq, NULL, 0, &kev, 1, SOCK_FOREVER), 1);
	assert_int_equal(kev.data, 1);
	p = (struct pollfd){.fd = mid, .events = POLLIN};
	assert_int_equal(sock_poll(e->h.s, &p, 1, SOCK_FOREVER, NULL), 1);
	assert_int_equal(read(fd[0], &b, 1), 1);
	assert_int_equal(wait_ns(e, MS, NULL), 0);
	assert_int_equal(sock_poll(e->h.s, &p, 1, MS, NULL), 0);
	/* One that left is not heard of. */
	assert_int_equal(sock_epoll_ctl(e->h.s, mid, EPOLL_CTL_DEL, in, NULL), 0);
	assert_int_equal(write(fd[1], "x", 1), 1);
	assert_int_equal(wait_ns(e, MS, NULL), 0);
	add(e, mid, in, EPOLLIN | EPOLLET);
	assert_int_equal(wait_ns(e, SOCK_FOREVER, NULL), 1);
	assert_int_equal(sock_close(e->h.s, in), 0);
	assert_int_equal(wait_ns(e, MS, NULL), 0);
	close(fd[0]);
	close(fd[1]);
}

static int kernel_waits(int kep, int ms)
{
	struct epoll_event ev;

	return epoll_wait(kep, &ev, 1, ms);
}

/* A set in an epoll set of the kernel's: events, timers and kernel members end that wait. */
static void test_kernel_epoll(void **state)
{
	struct env *e = *state;
	int kep = epoll_create1(0), kq = sock_kqueue(e->h.s), fd[2];
	struct epoll_event ev = {.events = EPOLLIN}, out;
	struct kevent kev;
	char b;

	assert_int_equal(pipe(fd), 0);
	add(e, e->ep, e->s, EPOLLIN);
	assert_int_equal(sock_watch(e->h.s, e->s), -EINVAL);
	assert_int_equal(sock_watch(e->h.s, e->ep), 0);
	assert_int_equal(epoll_ctl(kep, EPOLL_CTL_ADD, e->ep, &ev), 0);
	assert_int_equal(wait_ns(e, 0, NULL), 0);
	assert_int_equal(kernel_waits(kep, 1), 0);
	/* What the program causes leaves at once, and arrives in the next round. */
	assert_int_equal(sock_write(e->h.s, e->c, "x", 1), 1);
	assert_int_equal(kernel_waits(kep, 10000), 1);
	assert_int_equal(wait_ns(e, 0, NULL), 1);
	assert_int_equal(kernel_waits(kep, 0), 1);
	assert_int_equal(sock_read(e->h.s, e->s, &b, 1), 1);
	assert_int_equal(wait_ns(e, 0, NULL), 0);
	assert_int_equal(kernel_waits(kep, 1), 0);
	add(e, e->ep, fd[0], EPOLLIN);
	assert_int_equal(write(fd[1], "x", 1), 1);
	assert_int_equal(kernel_waits(kep, 10000), 1);
	assert_int_equal(wait_ns(e, SOCK_FOREVER, NULL), 1);
	assert_int_equal(read(fd[0], &b, 1), 1);
	/* A timer of the stack, in a kqueue. */
	assert_int_equal(sock_watch(e->h.s, kq), 0);
	assert_int_equal(epoll_ctl(kep, EPOLL_CTL_DEL, e->ep, NULL), 0);
	assert_int_equal(epoll_ctl(kep, EPOLL_CTL_ADD, kq, &ev), 0);
	EV_SET(&kev, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 5, NULL);
	assert_int_equal(sock_kevent(e->h.s, kq, &kev, 1, &kev, 1, 0), 0);
	while (sock_kevent(e->h.s, kq, NULL, 0, &kev, 1, 0) == 0)
		assert_int_equal(epoll_wait(kep, &out, 1, 10000), 1);
	assert_int_equal(kev.filter, EVFILT_TIMER);
	/* Readiness that a call raises, not a round. */
	(void)wait_ns(e, 0, NULL);
	(void)sock_kevent(e->h.s, kq, NULL, 0, &kev, 1, 0);
	EV_SET(&kev, 1, EVFILT_USER, EV_ADD, NOTE_TRIGGER, 0, NULL);
	assert_int_equal(sock_kevent(e->h.s, kq, &kev, 1, NULL, 0, 0), 0);
	assert_int_equal(kernel_waits(kep, 0), 1);
	assert_int_equal(sock_close(e->h.s, kq), 0);
	assert_int_equal(kernel_waits(kep, 0), 0);
	close(kep);
	close(fd[0]);
	close(fd[1]);
}

/* Of two sets that watch one listener with EXCLUSIVE, one is woken, in turn; plain ones always. */
static void test_exclusive(void **state)
{
	struct env *e = *state;
	struct sockaddr_storage addr;
	socklen_t len;
	int l = sockhost_listen(&e->h, AF_INET, &addr, &len);
	int ep[3], hits[3] = {0};
	struct epoll_event ev;

	for (int i = 0; i < 3; i++) {
		ep[i] = sock_epoll_create(e->h.s);
		add(e, ep[i], l, EPOLLIN | (i < 2 ? EPOLLEXCLUSIVE : 0u));
	}
	for (int round = 0; round < 4; round++) {
		int fd = sock_socket(e->h.s, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		assert_int_equal(sock_connect(e->h.s, fd, (struct sockaddr *)&addr, len),
				 -EINPROGRESS);
		for (int i = 0; i < 3; i++)
			hits[i] += sock_epoll_wait(e->h.s, ep[i], &ev, 1, 0, NULL);
		assert_true(sock_accept(e->h.s, l, NULL, NULL, 0) >= 0);
		for (int i = 0; i < 3; i++)
			assert_int_equal(sock_epoll_wait(e->h.s, ep[i], &ev, 1, 0, NULL), 0);
	}
	assert_int_equal(hits[0], 2);
	assert_int_equal(hits[1], 2);
	assert_int_equal(hits[2], 4);
}

/* Without a free number accept fails, and the connection waits until there is one. */
static void test_accept_without_number(void **state)
{
	struct env *e = *state;
	struct sockaddr_storage addr;
	struct rlimit old, none;
	socklen_t len;
	int l = sockhost_listen(&e->h, AF_INET6, &addr, &len);
	int fd = sock_socket(e->h.s, AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_int_equal(sock_connect(e->h.s, fd, (struct sockaddr *)&addr, len), -EINPROGRESS);
	sockhost_run(&e->h);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = (struct rlimit){.rlim_cur = 3, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	/* Numbers of closed sockets may be left. */
	while (sock_socket(e->h.s, AF_INET, SOCK_STREAM, 0) >= 0)
		;
	assert_int_equal(sock_accept(e->h.s, l, NULL, NULL, 0), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_true(sock_accept(e->h.s, l, NULL, NULL, 0) >= 0);
}

/* Numbers never meet those of the kernel's files. */
static void test_numbers(void **state)
{
	struct env *e = *state;
	int ours[64], theirs[64];

	for (int i = 0; i < 64; i++) {
		ours[i] = sock_socket(e->h.s, AF_INET, SOCK_DGRAM, 0);
		theirs[i] = dup(0);
		assert_true(ours[i] >= 0 && theirs[i] >= 0);
		if (i % 3 == 0)
			assert_int_equal(sock_close(e->h.s, ours[i]), 0);
		assert_false(sock_owns(e->h.s, theirs[i]));
	}
	for (int i = 0; i < 64; i++) {
		char b;

		assert_true(ours[i] != theirs[i]);
		close(theirs[i]);
		/* One that strays into the kernel does no harm. */
		assert_int_equal(read(ours[i], &b, 1), -1);
		assert_int_equal(errno, EBADF);
	}
}

/* dup() gives the lowest number, be it the kernel's or one that is kept; sockets say they are. */
static void test_number_kind(void **state)
{
	struct env *e = *state;
	int a = sock_socket(e->h.s, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int b = sock_socket(e->h.s, AF_INET6, SOCK_STREAM, 0);
	int ep = sock_epoll_create(e->h.s), low = dup(0), d;
	struct epoll_event ev = {.events = EPOLLIN};
	struct stat st;

	assert_int_equal(fstat(a, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(sock_cloexec_get(e->h.s, a), 1);
	assert_int_equal(sock_cloexec_get(e->h.s, b), 0);
	assert_int_equal(sock_close(e->h.s, a), 0);
	assert_true(sock_keeps(e->h.s, a));
	assert_int_equal(sock_dup(e->h.s, b, 0), a);
	assert_false(sock_keeps(e->h.s, a));
	close(low);
	assert_int_equal(sock_close(e->h.s, a), 0);
	d = sock_dup(e->h.s, b, low);
	assert_true(d == low || d == a);
	assert_int_equal(sock_dup(e->h.s, b, 100), 100);
	assert_int_equal(sock_dup_to(e->h.s, b, 101), 101);
	assert_int_equal(sock_dup_to(e->h.s, b, -1), -EBADF);
	/* A set's number is one that the kernel can wait for, and so is its duplicate. */
	assert_int_equal(sock_dup_to(e->h.s, ep, 102), 102);
	assert_int_equal(epoll_wait(102, &ev, 1, 0), 0);
	assert_int_equal(sock_close(e->h.s, ep), 0);
	assert_int_equal(epoll_wait(ep, &ev, 1, 0), -1);
	add(e, 102, e->s, EPOLLIN);
	assert_int_equal(sock_close(e->h.s, 102), 0);
}

/* What a program causes leaves at the next wait, or with the 64th call. */
static void test_output_leaves(void **state)
{
	struct env *e = *state;
	struct socket *s = sockhost_socket(&e->h, e->s);
	unsigned calls = 0;

	assert_int_equal(sock_write(e->h.s, e->c, "x", 1), 1);
	assert_int_equal(tcp_rcv_avail(s->tcp), 0);
	sock_flush(e->h.s);
	assert_int_equal(tcp_rcv_avail(s->tcp), 1);
	while (tcp_rcv_avail(s->tcp) == 1 && calls++ < 1000)
		assert_int_equal(sock_write(e->h.s, e->c, "x", 1), 1);
	assert_int_equal(calls, SOCK_PENDING_MAX);
	/* A blocking socket does not wait for company. */
	assert_int_equal(sock_flags_set(e->h.s, e->c, 0), 0);
	assert_int_equal(sock_write(e->h.s, e->c, "yz", 2), 2);
	assert_int_equal(tcp_rcv_avail(s->tcp), 1 + SOCK_PENDING_MAX + 2);
}

/* close() waits for SO_LINGER's time at most. */
static void test_linger(void **state)
{
	struct env *e = *state;
	struct linger l = {.l_onoff = 1, .l_linger = 1};
	uint64_t start = plat_mono_ns();

	assert_int_equal(sock_setsockopt(e->h.s, e->c, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
	assert_int_equal(sock_write(e->h.s, e->c, "x", 1), 1);
	assert_int_equal(sock_close(e->h.s, e->c), 0);
	assert_true(plat_mono_ns() - start < 900 * MS);
	faketcp_hold(e->h.s, true);
	assert_int_equal(sock_setsockopt(e->h.s, e->s, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
	(void)sock_read(e->h.s, e->s, (char[1]){0}, 1);
	assert_int_equal(sock_write(e->h.s, e->s, "x", 1), 1);
	start = plat_mono_ns();
	assert_int_equal(sock_close(e->h.s, e->s), 0);
	assert_true(plat_mono_ns() - start >= 1000 * MS);
	faketcp_hold(e->h.s, false);
	sockhost_run(&e->h);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_timeout),       TEST(test_signal),
		TEST(test_sigmask),       TEST(test_kernel_wakes),
		TEST(test_exclusive),     TEST(test_accept_without_number),
		TEST(test_numbers),       TEST(test_output_leaves),
		TEST(test_linger),        TEST(test_number_kind),
		TEST(test_nested_kernel), TEST(test_kernel_epoll),
		TEST(test_run),           TEST(test_signal_under_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
