/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads without a stack of their own: their calls travel to the worker, which is the test's
 * thread and runs the stack meanwhile. Real TCP over loopback.
 */
#include "sockhost.h"

#include <leat/epoll.h>
#include <leat/event.h>
#include <leat/poll.h>
#include <leat/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <unistd.h>

/* cmocka's own assertions jump, which only the test's thread may. */
#define CHECK(cond) \
	do { \
		if (!(cond)) { \
			(void)fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #cond, \
				      errno); \
			abort(); \
		} \
	} while (0)

static struct sockhost host;
static atomic_int running;

struct job {
	void (*fn)(struct job *j);
	bool v6;
	int fd; /* something to work on */
	struct sockaddr_storage to;
	socklen_t len;
};

static void *run_job(void *arg)
{
	struct job *j = arg;

	j->fn(j);
	atomic_fetch_sub(&running, 1);
	return NULL;
}

static bool all_done(void *arg)
{
	(void)arg;
	return atomic_load(&running) == 0;
}

/* Start a thread for each job and run the stack until the last one is done. A call that travels
 * wakes the stack, and the end of a thread is looked for now and then. */
static void run_jobs(struct job *jobs, unsigned n)
{
	pthread_t t[8];

	assert_true(n <= ARRAY_LEN(t));
	atomic_store(&running, (int)n);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(pthread_create(&t[i], NULL, run_job, &jobs[i]), 0);
	while (!all_done(NULL))
		(void)!sock_run_until(host.s, 1000000, all_done, NULL);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
}

static int setup(void **state)
{
	(void)state;
	sockhost_create(&host, &(struct sockhost_conf){.real = true});
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sockhost_destroy(&host);
	return 0;
}

/* The address of a listener or socket, as the host's own. */
static void address(struct job *j, int fd)
{
	struct ipaddr a = sockhost_addr(j->v6);

	j->len = sizeof(j->to);
	CHECK(leat_getsockname(fd, (struct sockaddr *)&j->to, &j->len) == 0);
	if (j->v6)
		memcpy(&((struct sockaddr_in6 *)&j->to)->sin6_addr, a.b, sizeof(a.b));
	else
		store_be32(&((struct sockaddr_in *)&j->to)->sin_addr, ipaddr_to_v4(&a));
}

static int listener(struct job *j)
{
	int fd = leat_socket(j->v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

	CHECK(fd >= 0);
	CHECK(leat_listen(fd, 16) == 0);
	address(j, fd);
	return fd;
}

static int dial(struct job *j)
{
	int fd = leat_socket(j->v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

	CHECK(fd >= 0);
	CHECK(leat_connect(fd, (struct sockaddr *)&j->to, j->len) == 0);
	return fd;
}

static void pair(struct job *j, int *c, int *s)
{
	int l = listener(j);

	*c = dial(j);
	*s = leat_accept4(l, NULL, NULL, 0);
	CHECK(*s >= 0);
	CHECK(leat_close(l) == 0);
}

/* ---- blocking calls ---- */

#define BULK (1u << 20)

static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

static void do_serve(struct job *j)
{
	uint8_t buf[3000];
	size_t at = 0;
	ssize_t n;
	int s = leat_accept(j->fd, NULL, NULL);

	CHECK(s >= 0);
	while ((n = leat_recv(s, buf, sizeof(buf), 0)) > 0)
		for (ssize_t i = 0; i < n; i++)
			CHECK(buf[i] == byte_at(at++));
	CHECK(n == 0 && at == BULK);
	CHECK(leat_send(s, "done", 4, 0) == 4);
	CHECK(leat_close(s) == 0);
}

static void do_dial(struct job *j)
{
	static _Thread_local uint8_t out[BULK];
	struct iovec iov[3];
	char in[4];
	int c = dial(j);

	for (size_t i = 0; i < BULK; i++)
		out[i] = byte_at(i);
	iov[0] = (struct iovec){out, 1};
	iov[1] = (struct iovec){out + 1, BULK - 11};
	iov[2] = (struct iovec){out + BULK - 10, 10};
	CHECK(leat_writev(c, iov, 3) == BULK);
	CHECK(leat_shutdown(c, SHUT_WR) == 0);
	CHECK(leat_recv(c, in, 4, MSG_WAITALL) == 4);
	CHECK(memcmp(in, "done", 4) == 0);
	CHECK(leat_read(c, in, 4) == 0);
	CHECK(leat_close(c) == 0);
}

static void test_blocking(void **state)
{
	struct job jobs[8];

	(void)state;
	for (unsigned i = 0; i < 8; i += 2) {
		jobs[i] = (struct job){.fn = do_serve, .v6 = i & 2};
		jobs[i].fd = listener(&jobs[i]);
		jobs[i + 1] = jobs[i];
		jobs[i + 1].fn = do_dial;
	}
	run_jobs(jobs, 8);
	for (unsigned i = 0; i < 8; i += 2)
		assert_int_equal(leat_close(jobs[i].fd), 0);
}

/* ---- results and errors ---- */

static void do_calls(struct job *j)
{
	struct timeval tv = {.tv_usec = 2000};
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int c, s, d, v = 0;
	char b[8];

	pair(j, &c, &s);
	CHECK(leat_recv(s, b, 8, MSG_DONTWAIT) == -1 && errno == EAGAIN);
	CHECK(leat_setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0);
	CHECK(leat_recv(s, b, 8, 0) == -1 && errno == EAGAIN);
	CHECK(leat_fcntl(s, F_SETFL, O_NONBLOCK) == 0);
	CHECK(leat_fcntl(s, F_GETFL) == (O_RDWR | O_NONBLOCK));
	CHECK(leat_read(s, b, 8) == -1 && errno == EAGAIN);
	CHECK(leat_write(c, "abc", 3) == 3);
	while (leat_ioctl(s, FIONREAD, &v) == 0 && v < 3)
		;
	CHECK(leat_getpeername(c, (struct sockaddr *)&ss, &len) == 0);
	d = leat_dup(s);
	CHECK(d >= 0 && leat_close(s) == 0);
	CHECK(leat_recvfrom(d, b, 8, 0, NULL, NULL) == 3);
	CHECK(leat_dup2(d, s) == s && leat_close(d) == 0);
	CHECK(leat_recv(d, b, 8, 0) == -1 && errno == EBADF);
	CHECK(leat_shutdown(c, SHUT_WR) == 0);
	CHECK(leat_send(c, b, 1, MSG_NOSIGNAL) == -1 && errno == EPIPE);
	CHECK(leat_close(c) == 0 && leat_close(s) == 0);
	CHECK(leat_close(s) == -1 && errno == EBADF);
	/* Refused, as the blocking call tells it; then asked for again. */
	c = leat_socket(j->v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
	CHECK(leat_connect(c, (struct sockaddr *)&j->to, j->len) == -1 && errno == ECONNREFUSED);
	CHECK(leat_connect(c, (struct sockaddr *)&j->to, j->len) == -1 && errno == ECONNREFUSED);
	CHECK(leat_close(c) == 0);
	/* A number of the kernel's is not asked about. */
	d = leat_dup(0);
	CHECK(d >= 0 && leat_close(d) == 0);
}

static void test_calls(void **state)
{
	struct job jobs[2] = {{.fn = do_calls}, {.fn = do_calls, .v6 = true}};

	(void)state;
	/* One after the other: each uses numbers again that it has closed. */
	run_jobs(&jobs[0], 1);
	run_jobs(&jobs[1], 1);
}

/* ---- several messages ---- */

#define MESSAGES 6u

struct messages {
	struct mmsghdr v[MESSAGES];
	struct iovec iov[MESSAGES];
	char b[MESSAGES][8];
};

static struct mmsghdr *messages(struct messages *m)
{
	for (unsigned i = 0; i < MESSAGES; i++) {
		(void)snprintf(m->b[i], sizeof(m->b[i]), "msg %u", i);
		m->iov[i] = (struct iovec){m->b[i], 6};
		m->v[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &m->iov[i], .msg_iovlen = 1}};
	}
	return m->v;
}

/* All of them, though they come in two parts. */
static void do_receive(struct job *j)
{
	struct messages m;

	CHECK(leat_recvmmsg(j->fd, messages(&m), MESSAGES, 0, NULL) == (int)MESSAGES);
	for (unsigned i = 0; i < MESSAGES; i++)
		CHECK(m.v[i].msg_len == 6 && m.b[i][4] == (char)('0' + i));
	/* What is there, without waiting for the rest; nothing; time over after the first. */
	CHECK(leat_recvmmsg(j->fd, messages(&m), MESSAGES, MSG_WAITFORONE, NULL) >= 1);
	CHECK(leat_recvmmsg(j->fd, messages(&m), MESSAGES, MSG_DONTWAIT, NULL) == -1 &&
	      errno == EAGAIN);
	CHECK(leat_recvmmsg(j->fd, NULL, 1, 0, NULL) == -1 && errno == EFAULT);
	/* Nobody waits for an error. */
	CHECK(leat_recvmsg(j->fd, &m.v[0].msg_hdr, MSG_ERRQUEUE) == -1 && errno == EAGAIN);
	CHECK(leat_recvmmsg(j->fd, m.v, 2, MSG_ERRQUEUE, NULL) == -1 && errno == EAGAIN);
}

static void do_send_all(struct job *j)
{
	int fd = leat_socket(j->v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
	struct messages m;

	CHECK(leat_connect(fd, (struct sockaddr *)&j->to, j->len) == 0);
	CHECK(leat_sendmmsg(fd, messages(&m), 2, 0) == 2);
	usleep(20000);
	CHECK(leat_sendmmsg(fd, m.v + 2, MESSAGES - 2, MSG_DONTWAIT) == (int)MESSAGES - 2);
	CHECK(m.v[MESSAGES - 1].msg_len == 6);
	usleep(20000);
	CHECK(leat_sendmmsg(fd, m.v, 1, 0) == 1);
	CHECK(leat_sendmmsg(fd, m.v, 0, 0) == 0);
	/* The first that fails ends the call; alone it is the error. */
	m.v[1].msg_hdr.msg_iovlen = IOV_MAX + 1;
	CHECK(leat_sendmmsg(fd, m.v + 1, 1, 0) == -1 && errno == EMSGSIZE);
	CHECK(leat_close(fd) == 0);
}

static void test_messages(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct sockaddr_storage any = {.ss_family = v6 ? AF_INET6 : AF_INET};
		struct job jobs[2] = {{.fn = do_receive, .v6 = v6}, {.fn = do_send_all, .v6 = v6}};
		int fd = leat_socket(any.ss_family, SOCK_DGRAM, 0);

		assert_int_equal(leat_bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
		address(&jobs[1], fd);
		jobs[0].fd = fd;
		run_jobs(jobs, 2);
		assert_int_equal(leat_close(fd), 0);
	}
}

/* On a stream a message may move in part: none of the rest may overtake it. */
#define STREAM_MSG (BULK / MESSAGES)

static void do_stream_out(struct job *j)
{
	static _Thread_local uint8_t out[BULK];
	struct messages m;

	for (size_t i = 0; i < BULK; i++)
		out[i] = byte_at(i);
	(void)messages(&m);
	for (unsigned i = 0; i < MESSAGES; i++)
		m.iov[i] = (struct iovec){out + i * STREAM_MSG, STREAM_MSG};
	CHECK(leat_sendmmsg(j->fd, m.v, MESSAGES, 0) == (int)MESSAGES);
	for (unsigned i = 0; i < MESSAGES; i++)
		CHECK(m.v[i].msg_len == STREAM_MSG);
	CHECK(leat_shutdown(j->fd, SHUT_WR) == 0);
}

static void do_stream_in(struct job *j)
{
	struct messages m;
	size_t at = 0;

	while (at < MESSAGES * STREAM_MSG) {
		int n = leat_recvmmsg(j->fd, messages(&m), MESSAGES, MSG_WAITFORONE, NULL);

		CHECK(n > 0);
		for (int i = 0; i < n; i++)
			for (unsigned k = 0; k < m.v[i].msg_len; k++)
				CHECK((uint8_t)m.b[i][k] == byte_at(at++));
	}
}

static void test_messages_stream(void **state)
{
	struct job jobs[2] = {{.fn = do_stream_out}, {.fn = do_stream_in}};

	(void)state;
	pair(&jobs[0], &jobs[0].fd, &jobs[1].fd);
	run_jobs(jobs, 2);
	assert_int_equal(leat_close(jobs[0].fd), 0);
	assert_int_equal(leat_close(jobs[1].fd), 0);
}

static void do_names(struct job *j)
{
	unsigned lo = leat_if_nametoindex("lo");
	char name[16];

	(void)j;
	CHECK(lo > 0 && leat_if_indextoname(lo, name) == name && strcmp(name, "lo") == 0);
	CHECK(leat_if_nametoindex("none") == 0 && errno == ENODEV);
	CHECK(leat_if_indextoname(9, name) == NULL && errno == ENXIO);
}

static void test_names(void **state)
{
	struct job j = {.fn = do_names};

	(void)state;
	run_jobs(&j, 1);
	do_names(&j);
}

/* ---- waits ---- */

static void do_waits(struct job *j)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = 1}, out[4];
	int c, s, p[2], ep = leat_epoll_create1(0);
	struct timespec ts = {.tv_nsec = 2000000};
	struct pollfd fds[3];
	fd_set in;
	char b;

	pair(j, &c, &s);
	CHECK(pipe(p) == 0);
	CHECK(ep >= 0 && leat_epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev) == 0);
	ev.data.u32 = 2;
	CHECK(leat_epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev) == 0);
	CHECK(leat_epoll_wait(ep, out, 4, 0) == 0);
	CHECK(leat_epoll_pwait2(ep, out, 4, &ts, NULL) == 0);
	CHECK(leat_write(c, "x", 1) == 1);
	CHECK(leat_epoll_wait(ep, out, 4, -1) == 1 && out[0].data.u32 == 1);
	fds[0] = (struct pollfd){.fd = s, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = p[0], .events = POLLIN};
	fds[2] = (struct pollfd){.fd = ep, .events = POLLIN};
	CHECK(leat_poll(fds, 3, -1) == 2 && fds[0].revents == POLLIN && fds[1].revents == 0);
	CHECK(leat_read(s, &b, 1) == 1);
	CHECK(leat_poll(fds, 3, 2) == 0);
	CHECK(write(p[1], "x", 1) == 1);
	CHECK(leat_epoll_wait(ep, out, 4, -1) == 1 && out[0].data.u32 == 2);
	CHECK(leat_poll(fds, 3, -1) >= 1 && fds[1].revents == POLLIN);
	FD_ZERO(&in);
	FD_SET(s, &in);
	FD_SET(p[0], &in);
	CHECK(leat_select(p[0] > s ? p[0] + 1 : s + 1, &in, NULL, NULL, NULL) == 1);
	CHECK(FD_ISSET(p[0], &in) && !FD_ISSET(s, &in));
	CHECK(leat_close(ep) == 0 && leat_close(c) == 0 && leat_close(s) == 0);
	close(p[0]);
	close(p[1]);
}

static void test_waits(void **state)
{
	struct job jobs[4] = {{.fn = do_waits},
			      {.fn = do_waits, .v6 = true},
			      {.fn = do_waits},
			      {.fn = do_waits, .v6 = true}};

	(void)state;
	run_jobs(jobs, 4);
}

/* ---- one thread wakes another ---- */

static void do_block(struct job *j)
{
	char b;

	CHECK(leat_recv(j->fd, &b, 1, 0) == -1 && errno == EBADF);
}

static void do_close(struct job *j)
{
	usleep(20000);
	CHECK(leat_close(j->fd) == 0);
}

/* close() ends the calls that wait on the descriptor, in every thread. */
static void test_close_during_call(void **state)
{
	struct job j = {0}, jobs[3];
	int c;

	(void)state;
	pair(&j, &c, &j.fd);
	for (int i = 0; i < 3; i++) {
		jobs[i] = j;
		jobs[i].fn = i < 2 ? do_block : do_close;
	}
	run_jobs(jobs, 3);
	assert_int_equal(leat_close(c), 0);
}

static void do_kevent_wait(struct job *j)
{
	struct kevent ev;

	CHECK(leat_kevent(j->fd, NULL, 0, &ev, 1, NULL) == 1);
	CHECK(ev.filter == EVFILT_USER && ev.ident == 5 && ev.fflags == 3);
}

static void do_trigger(struct job *j)
{
	struct kevent ev;

	usleep(10000);
	EV_SET(&ev, 5, EVFILT_USER, 0, NOTE_TRIGGER | NOTE_FFOR | 2, 0, NULL);
	CHECK(leat_kevent(j->fd, &ev, 1, NULL, 0, NULL) == 0);
}

/* EVFILT_USER from another thread, to a thread that waits and to the worker itself. */
static void test_user(void **state)
{
	struct kevent ev;
	struct job jobs[2];
	pthread_t t;
	int kq = leat_kqueue();

	(void)state;
	EV_SET(&ev, 5, EVFILT_USER, EV_ADD | EV_CLEAR, 1, 0, NULL);
	assert_int_equal(leat_kevent(kq, &ev, 1, NULL, 0, NULL), 0);
	jobs[0] = (struct job){.fn = do_kevent_wait, .fd = kq};
	jobs[1] = (struct job){.fn = do_trigger, .fd = kq};
	run_jobs(jobs, 2);
	atomic_store(&running, 1);
	assert_int_equal(pthread_create(&t, NULL, run_job, &jobs[1]), 0);
	assert_int_equal(leat_kevent(kq, NULL, 0, &ev, 1, NULL), 1);
	assert_int_equal(ev.fflags, 3);
	while (!all_done(NULL))
		(void)!sock_run_until(host.s, 1000000, all_done, NULL);
	assert_int_equal(pthread_join(t, NULL), 0);
	assert_int_equal(leat_close(kq), 0);
}

static void on_signal(int sig)
{
	(void)sig;
}

static atomic_int interrupted;
static _Atomic pthread_t sleeper;

static void do_sleep(struct job *j)
{
	struct epoll_event ev;
	int ep = leat_epoll_create1(0);

	atomic_store(&sleeper, pthread_self());
	CHECK(leat_recv(j->fd, &ev, 1, 0) == -1 && errno == EINTR);
	atomic_store(&interrupted, 1);
	CHECK(leat_epoll_wait(ep, &ev, 1, -1) == -1 && errno == EINTR);
	atomic_store(&interrupted, 2);
	CHECK(leat_close(ep) == 0);
}

static void do_interrupt(struct job *j)
{
	(void)j;
	while (atomic_load(&interrupted) < 2) {
		usleep(2000);
		if (atomic_load(&sleeper))
			(void)pthread_kill(atomic_load(&sleeper), SIGUSR1);
	}
}

/* A handler in the calling thread ends its wait; the worker does not notice. */
static void test_interrupted(void **state)
{
	struct sigaction sa = {.sa_handler = on_signal}, old;
	struct job jobs[2] = {{.fn = do_sleep}, {.fn = do_interrupt}};
	int c;

	(void)state;
	pair(&jobs[0], &c, &jobs[0].fd);
	assert_int_equal(sigaction(SIGUSR1, &sa, &old), 0);
	/* The sleeper may be gone when the last one is sent: that thread waits for it. */
	run_jobs(jobs, 2);
	assert_int_equal(sigaction(SIGUSR1, &old, NULL), 0);
	assert_int_equal(leat_close(c), 0);
	assert_int_equal(leat_close(jobs[0].fd), 0);
}

static void do_pipe(struct job *j)
{
	sigset_t pipes, was;
	struct timespec none = {0};

	sigemptyset(&pipes);
	sigaddset(&pipes, SIGPIPE);
	CHECK(pthread_sigmask(SIG_BLOCK, &pipes, &was) == 0);
	CHECK(leat_shutdown(j->fd, SHUT_WR) == 0);
	CHECK(leat_send(j->fd, "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE);
	CHECK(sigtimedwait(&pipes, NULL, &none) == -1);
	CHECK(leat_write(j->fd, "x", 1) == -1 && errno == EPIPE);
	CHECK(sigtimedwait(&pipes, NULL, &none) == SIGPIPE);
	CHECK(pthread_sigmask(SIG_SETMASK, &was, NULL) == 0);
}

static void test_sigpipe(void **state)
{
	struct job j = {.fn = do_pipe};
	int s;

	(void)state;
	pair(&j, &j.fd, &s);
	run_jobs(&j, 1);
	assert_int_equal(leat_close(j.fd), 0);
	assert_int_equal(leat_close(s), 0);
}

/* A worker of its own: its sockets are its own, and those of others are reached all the same. */
static void do_worker(struct job *j)
{
	struct leat_config config = {.name = "second", .buffers_small = 1024, .buffers_big = 512};
	struct job mine = {.v6 = j->v6};
	char b[4];
	int c, s;

	CHECK(leat_init(&config) == 0);
	CHECK(leat_init(&config) == -1 && errno == EALREADY);
	pair(&mine, &c, &s);
	CHECK(leat_send(c, "abc", 3, 0) == 3);
	CHECK(leat_recv(s, b, 3, MSG_WAITALL) == 3);
	CHECK(leat_send(j->fd, b, 3, 0) == 3);
	CHECK(leat_recv(j->fd, b, 4, MSG_WAITALL) == 4);
	CHECK(memcmp(b, "back", 4) == 0);
	CHECK(leat_close(c) == 0);
	CHECK(leat_fini() == 0);
	CHECK(leat_recv(s, b, 4, 0) == -1 && errno == EBADF);
}

static void do_echo(struct job *j)
{
	char b[4];

	CHECK(leat_recv(j->fd, b, 3, MSG_WAITALL) == 3);
	CHECK(leat_send(j->fd, "back", 4, 0) == 4);
}

static void test_worker(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct job jobs[2] = {{.fn = do_worker, .v6 = v6}, {.fn = do_echo, .v6 = v6}};

		pair(&jobs[0], &jobs[0].fd, &jobs[1].fd);
		run_jobs(jobs, 2);
		assert_int_equal(leat_close(jobs[0].fd), 0);
		assert_int_equal(leat_close(jobs[1].fd), 0);
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_blocking), TEST(test_calls),           TEST(test_waits),
		TEST(test_user),     TEST(test_interrupted),     TEST(test_close_during_call),
		TEST(test_sigpipe),  TEST(test_worker),          TEST(test_messages),
		TEST(test_names),    TEST(test_messages_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
