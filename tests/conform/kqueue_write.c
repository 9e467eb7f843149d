/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EVFILT_WRITE: space, not while unconnected and never on listeners, NOTE_LOWAT, EV_EOF when
 * sending is over; EVFILT_EMPTY: all that was sent has arrived.
 */
#include "kq.h"

static void connecting(int kq, int family)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int l = listener(family, &ss, &len, SOCK_NONBLOCK), c = tcp_socket(family, SOCK_NONBLOCK);

	IS(change(kq, c, EVFILT_WRITE, EV_ADD, 0, 0, 0), 0);
	IS(change(kq, l, EVFILT_WRITE, EV_ADD, 0, 0, 0), 0);
	IS(harvest(kq), 0);
	(void)connect(c, (struct sockaddr *)&ss, len);
	IS(harvest(kq), 1);
	IS(ev[0].ident, c);
	IS(ev[0].data > 0, 1);
	IS(ev[0].flags & EV_EOF, 0);
	close(c);
	close(l);
	/* Refused. */
	c = tcp_socket(family, SOCK_NONBLOCK);
	IS(change(kq, c, EVFILT_WRITE, EV_ADD, 0, 0, 0), 0);
	(void)connect(c, (struct sockaddr *)&ss, len);
	IS(harvest(kq), 1);
	IS(ev[0].flags & EV_EOF, EV_EOF);
	IS(ev[0].fflags, ECONNREFUSED);
	close(c);
}

static void space(int kq, int family)
{
	int c, s;

	pair(family, &c, &s, SOCK_NONBLOCK);
	IS(change(kq, c, EVFILT_WRITE, EV_ADD, 0, 0, 0), 0);
	IS(harvest(kq), 1);
	fill(c);
	IS(harvest(kq), 0);
	IS(change(kq, c, EVFILT_WRITE, EV_ADD, NOTE_LOWAT, 1 << 30, 0), 0);
	(void)drain(s);
	/* More than will ever be free. */
	IS(harvest(kq), 0);
	IS(change(kq, c, EVFILT_WRITE, EV_ADD, NOTE_LOWAT, 1000, 0), 0);
	IS(harvest(kq), 1);
	IS(ev[0].data >= 1000, 1);
	IS(change(kq, c, EVFILT_WRITE, EV_ADD, NOTE_LOWAT, 1 << 30, 0), 0);
	(void)shutdown(c, SHUT_WR);
	IS(harvest(kq), 1);
	IS(ev[0].flags & EV_EOF, EV_EOF);
	IS(ev[0].fflags, 0);
	close(c);
	close(s);
}

static void empty(int kq, int family)
{
	int c, s, p[2];

	pair(family, &c, &s, SOCK_NONBLOCK);
	IS(change(kq, c, EVFILT_EMPTY, EV_ADD, 0, 0, 9), 0);
	IS(harvest(kq), 1);
	IS(ev[0].filter, EVFILT_EMPTY);
	IS(ev[0].data, 0);
	IS((uintptr_t)ev[0].udata, 9);
	fill(c);
	IS(harvest(kq), 0);
	(void)drain(s);
	IS(harvest(kq), 1);
	IS(change(kq, c, EVFILT_EMPTY, EV_DELETE, 0, 0, 0), 0);
	IS(change(kq, 9999, EVFILT_EMPTY, EV_ADD, 0, 0, 0), -EBADF);
	must(pipe(p) == 0);
	IS(change(kq, p[1], EVFILT_EMPTY, EV_ADD, 0, 0, 0) < 0, 1);
	close(p[0]);
	close(p[1]);
	close(c);
	close(s);
}

/* UDP is always connected enough. */
static void datagrams(int kq, int family)
{
	int fd = socket(family, SOCK_DGRAM, 0);

	IS(change(kq, fd, EVFILT_WRITE, EV_ADD, 0, 0, 0), 0);
	IS(harvest(kq), 1);
	IS(ev[0].data > 0, 1);
	close(fd);
}

static void pipes(int kq)
{
	int p[2];

	must(pipe(p) == 0);
	IS(change(kq, p[1], EVFILT_WRITE, EV_ADD | EV_RECEIPT, 0, 0, 0), 0);
	IS(harvest_within(kq, 20000), 1);
	IS(ev[0].data >= 4096, 1);
	/* The flags that it was added with. */
	IS(ev[0].flags & EV_RECEIPT, EV_RECEIPT);
	close(p[0]);
	close(p[1]);
}

void conform_kqueue_write(int family)
{
	int kq = kqueue();

	connecting(kq, family);
	space(kq, family);
	empty(kq, family);
	datagrams(kq, family);
	pipes(kq);
	close(kq);
}
