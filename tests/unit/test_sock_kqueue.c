/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kqueue against its manual, FreeBSD's kqueue(2), case by case; Linux has none to compare with.
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
#include <unistd.h>

#define MS UINT64_C(1000000)

/* A kqueue, a connected pair and the last events; every test starts with one. */
struct env {
	struct sockhost h;
	int kq, c, s;
	struct kevent ev[8];
};

static int setup(void **state)
{
	static struct env e;

	memset(&e, 0, sizeof(e));
	sockhost_create(&e.h, &(struct sockhost_conf){0});
	e.kq = sock_kqueue(e.h.s);
	assert_true(e.kq >= 0);
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

static struct kevent change(int ident, int filter, int flags, uint32_t fflags, int64_t data)
{
	struct kevent ev;

	EV_SET(&ev, ident, filter, flags, fflags, data, (void *)(uintptr_t)(0x1000 + ident));
	return ev;
}

/* Apply one change; 0 or -errno. */
static int apply(struct env *e, int ident, int filter, int flags, uint32_t fflags, int64_t data)
{
	struct kevent ch = change(ident, filter, flags, fflags, data);

	return sock_kevent(e->h.s, e->kq, &ch, 1, NULL, 0, 0);
}

/* What a call without waiting returns. */
static int harvest(struct env *e)
{
	sockhost_run(&e->h);
	return sock_kevent(e->h.s, e->kq, NULL, 0, e->ev, 8, 0);
}

static void send_bytes(struct env *e, int fd, size_t n)
{
	char buf[4096] = {0};

	assert_int_equal(sock_write(e->h.s, fd, buf, n), (int)n);
	sockhost_run(&e->h);
}

static void recv_bytes(struct env *e, int fd, size_t n)
{
	char buf[4096];

	assert_int_equal(sock_read(e->h.s, fd, buf, n), (int)n);
}

/* ---- changes ---- */

static void test_identity(void **state)
{
	struct env *e = *state;

	send_bytes(e, e->c, 3);
	assert_int_equal(apply(e, e->s, EVFILT_READ, EV_ADD, 0, 0), 0);
	assert_int_equal(apply(e, e->s, EVFILT_READ, EV_ADD, 0, 0), 0);
	assert_int_equal(apply(e, e->s, EVFILT_WRITE, EV_ADD, 0, 0), 0);
	/* One knote for each filter; the condition that held at ADD fires. */
	assert_int_equal(harvest(e), 2);
	assert_int_equal(e->ev[0].filter, EVFILT_READ);
	assert_int_equal(e->ev[0].ident, e->s);
	assert_int_equal(e->ev[0].data, 3);
	assert_ptr_equal(e->ev[0].udata, (void *)(uintptr_t)(0x1000 + e->s));
	assert_int_equal(e->ev[1].filter, EVFILT_WRITE);
	assert_true(e->ev[1].data > 0);
	assert_int_equal(apply(e, e->s, EVFILT_WRITE, EV_DELETE, 0, 0), 0);
	assert_int_equal(apply(e, e->s, EVFILT_WRITE, EV_DELETE, 0, 0), -ENOENT);
	assert_int_equal(harvest(e), 1);
}

static void test_change_errors(void **state)
{
	struct env *e = *state;

	assert_int_equal(apply(e, e->s, EVFILT_READ, EV_ENABLE, 0, 0), -ENOENT);
	assert_int_equal(apply(e, e->s, -99, EV_ADD, 0, 0), -EINVAL);
	assert_int_equal(apply(e, e->s, EVFILT_VNODE, EV_ADD, 0, 0), -EOPNOTSUPP);
	assert_int_equal(apply(e, e->s, EVFILT_READ, EV_ADD | EV_ENABLE | EV_DISABLE, 0, 0),
			 -EINVAL);
	assert_int_equal(apply(e, e->s, EVFILT_READ, EV_ADD | EV_KEEPUDATA, 0, 0), -EINVAL);
	assert_int_equal(apply(e, 99999, EVFILT_READ, EV_ADD, 0, 0), -EBADF);
	assert_int_equal(apply(e, 99999, EVFILT_EMPTY, EV_ADD, 0, 0), -EBADF);
	assert_int_equal(apply(e, e->kq, EVFILT_READ, EV_ADD, 0, 0), -EINVAL);
	assert_int_equal(sock_kevent(e->h.s, e->s, NULL, 0, e->ev, 8, 0), -EBADF);
	assert_int_equal(sock_kevent(e->h.s, e->kq, NULL, 1, e->ev, 8, 0), -EFAULT);
}

static void test_keepudata(void **state)
{
	struct env *e = *state;
	struct kevent ch = change(e->s, EVFILT_WRITE, EV_ENABLE | EV_KEEPUDATA, 0, 0);

	assert_int_equal(apply(e, e->s, EVFILT_WRITE, EV_ADD, 0, 0), 0);
	ch.udata = (void *)(uintptr_t)7;
	assert_int_equal(sock_kevent(e->h.s, e->kq, &ch, 1, NULL, 0, 0), 0);
	assert_int_equal(harvest(e), 1);
	assert_ptr_equal(e->ev[0].udata, (void *)(uintptr_t)(0x1000 + e->s));
	ch.flags = EV_ENABLE;
	assert_int_equal(sock_kevent(e->h.s, e->kq, &ch, 1, NULL, 0, 0), 0);
	assert_int_equal(harvest(e), 1);
	assert_ptr_equal(e->ev[0].udata, (void *)(uintptr_t)7);
}

static void test_receipts_and_room(void **state)
{
	struct env *e = *state;
	struct kevent ch[3];

	ch[0] = change(e->s, EVFILT_WRITE, EV_ADD | EV_RECEIPT, 0, 0);
	ch[1] = change(99999, EVFILT_READ, EV_ADD, 0, 0);
	ch[2] = change(e->s, EVFILT_READ, EV_ADD, 0, 0);
	/* Receipts and errors only, although WRITE is ready; in place of the changes. */
	assert_int_equal(sock_kevent(e->h.s, e->kq, ch, 3, ch, 3, SOCK_FOREVER), 2);
	assert_int_equal(ch[0].flags, EV_ERROR);
	assert_int_equal(ch[0].data, 0);
	assert_int_equal(ch[1].flags, EV_ERROR);
	assert_int_equal(ch[1].data, EBADF);
	assert_int_equal(ch[1].ident, 99999);
	/* The change behind the error was applied. */
	assert_int_equal(apply(e, e->s, EVFILT_READ, EV_DELETE, 0, 0), 0);
	/* No room: the rest is not processed. */
	ch[0] = change(99999, EVFILT_READ, EV_ADD, 0, 0);
	ch[1] = change(e->s, EVFILT_READ, EV_ADD, 0, 0);
	assert_int_equal(sock_kevent(e->h.s, e->kq, ch, 2, NULL, 0, 0), -EBADF);
	assert_int_equal(apply(e, e->s, EVFILT_READ, EV_DELETE, 0, 0), -ENOENT);
	/* No events asked for: at once, whatever the timeout. */
	assert_int_equal(sock_kevent(e->h.s, e->kq, NULL, 0, NULL, 0, SOCK_FOREVER), 0);
}

/* ---- READ ---- */

static void test_read_level(void **state)
{
	struct env *e = *state;

	assert_int_equal(apply(e, e->s, EVFILT_READ, EV_ADD, 0, 0), 0);
	assert_int_equal(harvest(e), 0);
	send_bytes(e, e->c, 10);
	send_bytes(e, e->c, 5);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(e->ev[0].data, 15);
	assert_int_equal(e->ev[0].flags & EV_EOF, 0);
	recv_bytes(e, e->s, 10);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(e->ev[0].data, 5);
	/* A level that vanished between activation and retrieval is not delivered. */
	recv_bytes(e, e->s, 5);
	assert_int_equal(harvest(e), 0);
}

static void test_read_clear(void **state)
{
	struct env *e = *state;

	assert_int_equal(apply(e, e->s, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0), 0);
	send_bytes(e, e->c, 3);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(harvest(e), 0);
	/* New data fires again although the old is unread. */
	send_bytes(e, e->c, 4);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(e->ev[0].data, 7);
	assert_true(e->ev[0].flags & EV_CLEAR);
	recv_bytes(e, e->s, 1);
	assert_int_equal(harvest(e), 0);
}

static void test_read_lowat(void **state)
{
	struct env *e = *state;
	int lowat = 8;

	assert_int_equal(apply(e, e->s, EVFILT_READ, EV_ADD, NOTE_LOWAT, 5), 0);
	send_bytes(e, e->c, 3);
	assert_int_equal(harvest(e), 0);
	send_bytes(e, e->c, 2);
	assert_int_equal(harvest(e), 1);
	/* It overrides SO_RCVLOWAT, which the other knotes keep to. */
	assert_int_equal(
		sock_setsockopt(e->h.s, e->s, SOL_SOCKET, SO_RCVLOWAT, &lowat, sizeof(lowat)), 0);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(apply(e, e->s, EVFILT_READ, EV_ADD, 0, 0), 0);
	assert_int_equal(harvest(e), 0);
	send_bytes(e, e->c, 3);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(e->ev[0].data, 8);
	/* The end is news below any mark. */
	recv_bytes(e, e->s, 8);
	assert_int_equal(apply(e, e->s, EVFILT_READ, EV_ADD, NOTE_LOWAT, 5), 0);
	assert_int_equal(sock_shutdown(e->h.s, e->c, SHUT_WR), 0);
	assert_int_equal(harvest(e), 1);
	assert_true(e->ev[0].flags & EV_EOF);
}

static void test_read_eof(void **state)
{
	struct env *e = *state;

	assert_int_equal(apply(e, e->s, EVFILT_READ, EV_ADD, 0, 0), 0);
	send_bytes(e, e->c, 6);
	assert_int_equal(sock_shutdown(e->h.s, e->c, SHUT_WR), 0);
	assert_int_equal(harvest(e), 1);
	assert_true(e->ev[0].flags & EV_EOF);
	assert_int_equal(e->ev[0].data, 6);
	assert_int_equal(e->ev[0].fflags, 0);
	recv_bytes(e, e->s, 6);
	assert_int_equal(harvest(e), 1);
	assert_true(e->ev[0].flags & EV_EOF);
	assert_int_equal(e->ev[0].data, 0);
}

static void test_reset(void **state)
{
	struct env *e = *state;

	assert_int_equal(apply(e, e->s, EVFILT_READ, EV_ADD, 0, 0), 0);
	assert_int_equal(apply(e, e->s, EVFILT_WRITE, EV_ADD, 0, 0), 0);
	send_bytes(e, e->c, 2);
	faketcp_reset(sockhost_socket(&e->h, e->s)->tcp, ECONNRESET);
	assert_int_equal(harvest(e), 2);
	for (int i = 0; i < 2; i++) {
		assert_true(e->ev[i].flags & EV_EOF);
		assert_int_equal(e->ev[i].fflags, ECONNRESET);
	}
}

static void test_listener(void **state)
{
	struct env *e = *state;
	struct sockaddr_storage addr;
	socklen_t len;
	int l = sockhost_listen(&e->h, AF_INET6, &addr, &len), fd;

	assert_int_equal(apply(e, l, EVFILT_READ, EV_ADD, 0, 0), 0);
	assert_int_equal(apply(e, l, EVFILT_WRITE, EV_ADD, 0, 0), 0);
	assert_int_equal(harvest(e), 0);
	for (int i = 0; i < 3; i++) {
		fd = sock_socket(e->h.s, AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
		assert_int_equal(sock_connect(e->h.s, fd, (struct sockaddr *)&addr, len),
				 -EINPROGRESS);
	}
	assert_int_equal(harvest(e), 1);
	assert_int_equal(e->ev[0].filter, EVFILT_READ);
	assert_int_equal(e->ev[0].data, 3);
	assert_true(sock_accept(e->h.s, l, NULL, NULL, 0) >= 0);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(e->ev[0].data, 2);
}

/* ---- WRITE, EMPTY ---- */

static void test_write(void **state)
{
	struct env *e = *state;
	int fresh = sock_socket(e->h.s, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	static char big[1 << 17];

	assert_int_equal(apply(e, fresh, EVFILT_WRITE, EV_ADD, 0, 0), 0);
	assert_int_equal(harvest(e), 0);
	assert_int_equal(apply(e, e->c, EVFILT_WRITE, EV_ADD, 0, 0), 0);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(e->ev[0].data, 65536);
	faketcp_hold(e->h.s, true);
	assert_int_equal(sock_write(e->h.s, e->c, big, sizeof(big)), 65536);
	assert_int_equal(harvest(e), 0);
	faketcp_hold(e->h.s, false);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(sock_shutdown(e->h.s, e->c, SHUT_WR), 0);
	assert_int_equal(harvest(e), 1);
	assert_true(e->ev[0].flags & EV_EOF);
}

static void test_write_lowat(void **state)
{
	struct env *e = *state;
	static char big[60000];

	faketcp_hold(e->h.s, true);
	assert_int_equal(sock_write(e->h.s, e->c, big, sizeof(big)), sizeof(big));
	assert_int_equal(apply(e, e->c, EVFILT_WRITE, EV_ADD, NOTE_LOWAT, 20000), 0);
	assert_int_equal(harvest(e), 0);
	faketcp_hold(e->h.s, false);
	assert_int_equal(harvest(e), 1);
	assert_true(e->ev[0].data >= 20000);
}

/* The mark is reached long before all is drained, and a queue that was filled to the brim has no
 * event without data. */
static void test_write_partly(void **state)
{
	struct env *e = *state;
	static char big[65536];

	assert_int_equal(sock_write(e->h.s, e->c, big, 30000), 30000);
	sockhost_run(&e->h);
	assert_int_equal(apply(e, e->c, EVFILT_WRITE, EV_ADD, 0, 0), 0);
	assert_int_equal(harvest(e), 1);
	faketcp_hold(e->h.s, true);
	assert_int_equal(sock_write(e->h.s, e->c, big, sizeof(big)), sizeof(big));
	assert_int_equal(harvest(e), 0);
	assert_int_equal(apply(e, e->c, EVFILT_WRITE, EV_ADD, NOTE_LOWAT, 50000), 0);
	faketcp_hold(e->h.s, false);
	assert_int_equal(harvest(e), 0); /* 35536 bytes fit */
	assert_int_equal(sock_read(e->h.s, e->s, big, 10000), 10000);
	assert_int_equal(harvest(e), 0);
	assert_int_equal(sock_read(e->h.s, e->s, big, 10000), 10000);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(e->ev[0].data, 55536);
}

static void test_empty(void **state)
{
	struct env *e = *state;

	assert_int_equal(apply(e, e->c, EVFILT_EMPTY, EV_ADD | EV_CLEAR, 0, 0), 0);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(harvest(e), 0);
	faketcp_hold(e->h.s, true);
	assert_int_equal(sock_write(e->h.s, e->c, "abc", 3), 3);
	assert_int_equal(harvest(e), 0);
	faketcp_hold(e->h.s, false);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(e->ev[0].filter, EVFILT_EMPTY);
}

/* ---- ONESHOT, DISPATCH, DISABLE ---- */

static void test_oneshot(void **state)
{
	struct env *e = *state;

	assert_int_equal(apply(e, e->s, EVFILT_WRITE, EV_ADD | EV_ONESHOT, 0, 0), 0);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(harvest(e), 0);
	assert_int_equal(apply(e, e->s, EVFILT_WRITE, EV_ENABLE, 0, 0), -ENOENT);
}

static void test_dispatch(void **state)
{
	struct env *e = *state;

	assert_int_equal(apply(e, e->s, EVFILT_READ, EV_ADD | EV_DISPATCH, 0, 0), 0);
	send_bytes(e, e->c, 1);
	assert_int_equal(harvest(e), 1);
	send_bytes(e, e->c, 1);
	assert_int_equal(harvest(e), 0);
	assert_int_equal(apply(e, e->s, EVFILT_READ, EV_ENABLE, 0, 0), 0);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(e->ev[0].data, 2);
}

static void test_disable(void **state)
{
	struct env *e = *state;

	assert_int_equal(apply(e, e->s, EVFILT_READ, EV_ADD | EV_DISABLE, 0, 0), 0);
	send_bytes(e, e->c, 1);
	assert_int_equal(harvest(e), 0);
	assert_int_equal(apply(e, e->s, EVFILT_READ, EV_ENABLE, 0, 0), 0);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(apply(e, e->s, EVFILT_READ, EV_DISABLE, 0, 0), 0);
	assert_int_equal(harvest(e), 0);
	/* ADD enables unless DISABLE is given. */
	assert_int_equal(apply(e, e->s, EVFILT_READ, EV_ADD, 0, 0), 0);
	assert_int_equal(harvest(e), 1);
}

static void test_rotation(void **state)
{
	struct env *e = *state;
	int c[4], s[4];
	uintptr_t seen[8];

	for (int i = 0; i < 4; i++) {
		sockhost_pair(&e->h, &c[i], &s[i]);
		assert_int_equal(apply(e, s[i], EVFILT_WRITE, EV_ADD, 0, 0), 0);
	}
	for (int i = 0; i < 4; i++) {
		assert_int_equal(sock_kevent(e->h.s, e->kq, NULL, 0, e->ev, 2, 0), 2);
		seen[2 * i] = e->ev[0].ident;
		seen[2 * i + 1] = e->ev[1].ident;
	}
	for (int i = 0; i < 8; i++)
		assert_int_equal(seen[i], s[i % 4]);
}

/* ---- TIMER, USER ---- */

static void advance(struct env *e, uint64_t ns)
{
	fakehost_advance(&e->h.host, ns);
}

static void test_timer(void **state)
{
	struct env *e = *state;

	assert_int_equal(apply(e, 1, EVFILT_TIMER, EV_ADD, 0, 10), 0);
	assert_int_equal(harvest(e), 0);
	advance(e, 9 * MS);
	assert_int_equal(harvest(e), 0);
	advance(e, 2 * MS);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(e->ev[0].data, 1);
	assert_int_equal(e->ev[0].ident, 1);
	assert_int_equal(harvest(e), 0);
	advance(e, 35 * MS);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(e->ev[0].data, 3);
	/* Adding again restarts and forgets what was pending. */
	advance(e, 10 * MS);
	assert_int_equal(apply(e, 1, EVFILT_TIMER, EV_ADD, 0, 50), 0);
	assert_int_equal(harvest(e), 0);
	advance(e, 45 * MS);
	assert_int_equal(harvest(e), 0);
	advance(e, 6 * MS);
	assert_int_equal(harvest(e), 1);
	/* Disabled, it goes on counting. */
	assert_int_equal(apply(e, 1, EVFILT_TIMER, EV_DISABLE, 0, 0), 0);
	advance(e, 101 * MS);
	assert_int_equal(harvest(e), 0);
	assert_int_equal(apply(e, 1, EVFILT_TIMER, EV_ENABLE, 0, 0), 0);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(e->ev[0].data, 2);
	assert_int_equal(apply(e, 1, EVFILT_TIMER, EV_DELETE, 0, 0), 0);
	advance(e, 100 * MS);
	assert_int_equal(harvest(e), 0);
}

static void test_timer_units(void **state)
{
	struct env *e = *state;
	uint64_t now = e->h.s->env.wall_ns(e->h.s->env.ctx);

	assert_int_equal(apply(e, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, NOTE_USECONDS, 500), 0);
	assert_int_equal(apply(e, 2, EVFILT_TIMER, EV_ADD | EV_ONESHOT, NOTE_SECONDS, 1), 0);
	assert_int_equal(apply(e, 3, EVFILT_TIMER, EV_ADD, NOTE_NSECONDS | NOTE_ABSTIME,
			       (int64_t)(now + 5 * MS)),
			 0);
	assert_int_equal(apply(e, 4, EVFILT_TIMER, EV_ADD, NOTE_NSECONDS | NOTE_SECONDS, 1),
			 -EINVAL);
	assert_int_equal(apply(e, 4, EVFILT_TIMER, EV_ADD, 0, -1), -EINVAL);
	advance(e, MS);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(e->ev[0].ident, 1);
	advance(e, 5 * MS);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(e->ev[0].ident, 3);
	advance(e, 1000 * MS);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(e->ev[0].ident, 2);
	/* An absolute time in the past fires now, once. */
	assert_int_equal(apply(e, 5, EVFILT_TIMER, EV_ADD, NOTE_SECONDS | NOTE_ABSTIME, 0), 0);
	assert_int_equal(harvest(e), 1);
	advance(e, 1000 * MS);
	assert_int_equal(harvest(e), 0);
}

/* A period of 0 becomes 1; it wakes a wait. */
static void test_timer_zero(void **state)
{
	struct env *e = *state;

	assert_int_equal(apply(e, 9, EVFILT_TIMER, EV_ADD, 0, 0), 0);
	assert_int_equal(harvest(e), 0);
	advance(e, 3 * MS + 100000);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(e->ev[0].data, 3);
}

static void test_user(void **state)
{
	struct env *e = *state;

	assert_int_equal(apply(e, 7, EVFILT_USER, EV_ADD | EV_CLEAR, NOTE_FFCOPY | 0x0f, 0), 0);
	assert_int_equal(harvest(e), 0);
	assert_int_equal(apply(e, 7, EVFILT_USER, 0, NOTE_FFOR | NOTE_TRIGGER | 0x30, 42), 0);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(e->ev[0].fflags, 0x3f);
	assert_int_equal(e->ev[0].data, 42);
	assert_int_equal(harvest(e), 0);
	assert_int_equal(apply(e, 7, EVFILT_USER, 0, NOTE_FFAND | NOTE_TRIGGER | 0x11, 0), 0);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(e->ev[0].fflags, 0x11);
	/* A change that does not trigger finds nothing left of the last one. */
	assert_int_equal(apply(e, 7, EVFILT_USER, 0, NOTE_FFNOP, 0), 0);
	assert_int_equal(harvest(e), 0);
	/* Without CLEAR it stays triggered. */
	assert_int_equal(apply(e, 8, EVFILT_USER, EV_ADD, NOTE_TRIGGER, 0), 0);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(apply(e, 8, EVFILT_USER, EV_DISABLE, 0, 0), 0);
	assert_int_equal(harvest(e), 0);
	assert_int_equal(apply(e, 8, EVFILT_USER, EV_DELETE, 0, 0), 0);
}

/* ---- descriptors ---- */

static void test_close_drops(void **state)
{
	struct env *e = *state;
	int twin;

	assert_int_equal(apply(e, e->s, EVFILT_WRITE, EV_ADD, 0, 0), 0);
	twin = sock_dup(e->h.s, e->s, 0);
	assert_int_equal(apply(e, twin, EVFILT_WRITE, EV_ADD, 0, 0), 0);
	assert_int_equal(harvest(e), 2);
	assert_int_equal(sock_close(e->h.s, e->s), 0);
	assert_int_equal(harvest(e), 1);
	assert_int_equal(e->ev[0].ident, twin);
	assert_int_equal(sock_close(e->h.s, twin), 0);
	assert_int_equal(harvest(e), 0);
}

static void test_nested(void **state)
{
	struct env *e = *state;
	int inner = e->kq, outer = sock_kqueue(e->h.s);
	struct kevent ch = change(inner, EVFILT_READ, EV_ADD, 0, 0);

	assert_int_equal(apply(e, e->s, EVFILT_READ, EV_ADD, 0, 0), 0);
	assert_int_equal(apply(e, e->s, EVFILT_WRITE, EV_ADD, 0, 0), 0);
	assert_int_equal(sock_kevent(e->h.s, outer, &ch, 1, NULL, 0, 0), 0);
	send_bytes(e, e->c, 1);
	assert_int_equal(sock_kevent(e->h.s, outer, NULL, 0, e->ev, 8, 0), 1);
	assert_int_equal(e->ev[0].ident, inner);
	assert_int_equal(e->ev[0].data, 2);
	ch = change(outer, EVFILT_READ, EV_ADD, 0, 0);
	assert_int_equal(sock_kevent(e->h.s, inner, &ch, 1, NULL, 0, 0), -ELOOP);
	ch = change(inner, EVFILT_WRITE, EV_ADD, 0, 0);
	assert_int_equal(sock_kevent(e->h.s, outer, &ch, 1, NULL, 0, 0), -EINVAL);
}

static void test_kernel_descriptors(void **state)
{
	struct env *e = *state;
	int fd[2];

	/* Numbers far from the plain ones of this stack. */
	assert_int_equal(pipe(fd), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(dup2(fd[i], 900 + i), 900 + i);
		close(fd[i]);
		fd[i] = 900 + i;
	}
	assert_int_equal(apply(e, fd[0], EVFILT_READ, EV_ADD, 0, 0), 0);
	assert_int_equal(apply(e, fd[1], EVFILT_WRITE, EV_ADD | EV_ONESHOT, 0, 0), 0);
	assert_int_equal(sock_kevent(e->h.s, e->kq, NULL, 0, e->ev, 8, SOCK_FOREVER), 1);
	assert_int_equal(e->ev[0].ident, fd[1]);
	assert_int_equal(write(fd[1], "abc", 3), 3);
	assert_int_equal(sock_kevent(e->h.s, e->kq, NULL, 0, e->ev, 8, SOCK_FOREVER), 1);
	assert_int_equal(e->ev[0].ident, fd[0]);
	assert_int_equal(e->ev[0].data, 3);
	close(fd[1]);
	assert_int_equal(sock_kevent(e->h.s, e->kq, NULL, 0, e->ev, 8, SOCK_FOREVER), 1);
	assert_true(e->ev[0].flags & EV_EOF);
	assert_int_equal(apply(e, fd[0], EVFILT_READ, EV_DELETE, 0, 0), 0);
	assert_int_equal(apply(e, fd[0], EVFILT_READ, EV_DELETE, 0, 0), -ENOENT);
	close(fd[0]);
}

/* Enough calls without a sleep for the kernel's turn. */
static int harvest_often(struct env *e)
{
	int n = 0;

	for (unsigned i = 0; i < 2 * SET_KERNEL_EVERY && n == 0; i++)
		n = harvest(e);
	return n;
}

/* An edge of one direction is none of the other. */
static void test_kernel_edges(void **state)
{
	struct env *e = *state;
	static char big[4096];
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(dup2(fd[i], 900 + i), 900 + i);
		close(fd[i]);
		fd[i] = 900 + i;
	}
	while (write(fd[0], big, sizeof(big)) > 0)
		;
	assert_int_equal(write(fd[1], "abc", 3), 3);
	assert_int_equal(apply(e, fd[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0), 0);
	assert_int_equal(apply(e, fd[0], EVFILT_WRITE, EV_ADD, 0, 0), 0);
	assert_int_equal(harvest_often(e), 1);
	assert_int_equal(e->ev[0].filter, EVFILT_READ);
	assert_int_equal(harvest_often(e), 0);
	while (read(fd[1], big, sizeof(big)) > 0)
		;
	assert_int_equal(harvest_often(e), 1);
	assert_int_equal(e->ev[0].filter, EVFILT_WRITE);
	assert_int_equal(apply(e, fd[0], EVFILT_WRITE, EV_DELETE, 0, 0), 0);
	assert_int_equal(write(fd[1], "d", 1), 1);
	assert_int_equal(harvest_often(e), 1);
	assert_int_equal(e->ev[0].filter, EVFILT_READ);
	assert_int_equal(e->ev[0].data, 4);
	/* Closed: the number's next file is not meant. */
	sock_kernel_closed(e->h.s, fd[0]);
	close(fd[0]);
	assert_int_equal(apply(e, fd[0], EVFILT_READ, EV_DELETE, 0, 0), -ENOENT);
	close(fd[1]);
}

/* Every allocation of a kqueue's life fails once; nothing leaks (sockhost_destroy). */
static void test_out_of_memory(void **state)
{
	struct env *e = *state;
	struct kevent ch[3];
	int n = 0, rc;

	ch[0] = change(e->s, EVFILT_READ, EV_ADD, 0, 0);
	ch[1] = change(1, EVFILT_TIMER, EV_ADD, 0, 10);
	ch[2] = change(2, EVFILT_USER, EV_ADD, 0, 0);
	do {
		int kq;

		memfail_arm(&e->h.host.mem, (uint64_t)++n, false);
		kq = sock_kqueue(e->h.s);
		rc = kq;
		if (kq >= 0) {
			rc = sock_kevent(e->h.s, kq, ch, 3, NULL, 0, 0);
			assert_int_equal(sock_close(e->h.s, kq), 0);
		}
		memfail_arm(&e->h.host.mem, 0, false);
	} while (rc < 0);
	assert_true(n > 1);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_identity),      TEST(test_change_errors),
		TEST(test_keepudata),     TEST(test_receipts_and_room),
		TEST(test_read_level),    TEST(test_read_clear),
		TEST(test_read_lowat),    TEST(test_read_eof),
		TEST(test_reset),         TEST(test_listener),
		TEST(test_write),         TEST(test_write_lowat),
		TEST(test_empty),         TEST(test_oneshot),
		TEST(test_dispatch),      TEST(test_disable),
		TEST(test_rotation),      TEST(test_timer),
		TEST(test_timer_units),   TEST(test_timer_zero),
		TEST(test_user),          TEST(test_close_drops),
		TEST(test_nested),        TEST(test_kernel_descriptors),
		TEST(test_out_of_memory), TEST(test_write_partly),
		TEST(test_kernel_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
