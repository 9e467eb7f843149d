/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EVFILT_READ: bytes readable, backlog of a listener, NOTE_LOWAT for SO_RCVLOWAT, EV_EOF with data
 * left, the socket's error in fflags, UDP.
 */
#include "kq.h"

static void amounts(int kq, int c, int s)
{
	char b[16];

	IS(change(kq, s, EVFILT_READ, EV_ADD, 0, 0, 0), 0);
	IS(harvest(kq), 0);
	(void)send(c, "abcdef", 6, 0);
	IS(harvest(kq), 1);
	IS(ev[0].data, 6);
	IS(recv(s, b, 4, 0), 4);
	IS(harvest(kq), 1);
	IS(ev[0].data, 2);
	IS(recv(s, b, 4, 0), 2);
	IS(harvest(kq), 0);
	IS(change(kq, s, EVFILT_READ, EV_DELETE, 0, 0, 0), 0);
}

static void lowat(int kq, int c, int s)
{
	int want = 4;
	char b[16];

	must(setsockopt(s, SOL_SOCKET, SO_RCVLOWAT, &want, sizeof(want)) == 0);
	IS(change(kq, s, EVFILT_READ, EV_ADD, 0, 0, 0), 0);
	(void)send(c, "ab", 2, 0);
	IS(harvest(kq), 0);
	/* The knote's own mark is lower ... */
	IS(change(kq, s, EVFILT_READ, EV_ADD, NOTE_LOWAT, 2, 0), 0);
	IS(harvest(kq), 1);
	IS(ev[0].data, 2);
	/* ... or higher than the socket's. */
	IS(change(kq, s, EVFILT_READ, EV_ADD, NOTE_LOWAT, 6, 0), 0);
	(void)send(c, "cd", 2, 0);
	IS(harvest(kq), 0);
	(void)send(c, "ef", 2, 0);
	IS(harvest(kq), 1);
	IS(ev[0].data, 6);
	IS(recv(s, b, 3, 0), 3);
	IS(harvest(kq), 0);
	/* The end is always news. */
	(void)shutdown(c, SHUT_WR);
	IS(harvest(kq), 1);
	IS(ev[0].flags & EV_EOF, EV_EOF);
	IS(ev[0].data, 3);
	IS(ev[0].fflags, 0);
	IS(recv(s, b, 16, 0), 3);
	IS(harvest(kq), 1);
	IS(ev[0].flags & EV_EOF, EV_EOF);
	IS(ev[0].data, 0);
	IS(change(kq, s, EVFILT_READ, EV_DELETE, 0, 0, 0), 0);
}

static void reset(int kq, int family)
{
	struct linger hard = {.l_onoff = 1};
	int c, s;

	pair(family, &c, &s, SOCK_NONBLOCK);
	IS(change(kq, s, EVFILT_READ, EV_ADD, 0, 0, 0), 0);
	must(setsockopt(c, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)) == 0);
	close(c);
	IS(harvest(kq), 1);
	IS(ev[0].flags & EV_EOF, EV_EOF);
	IS(ev[0].fflags, ECONNRESET);
	close(s);
}

static void backlog(int kq, int family)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int l = listener(family, &ss, &len, SOCK_NONBLOCK), c[2];

	IS(change(kq, l, EVFILT_READ, EV_ADD, 0, 0, 0), 0);
	IS(harvest(kq), 0);
	for (int i = 0; i < 2; i++) {
		c[i] = tcp_socket(family, SOCK_NONBLOCK);
		(void)connect(c[i], (struct sockaddr *)&ss, len);
		IS(harvest(kq), 1);
		IS(ev[0].data, i + 1);
	}
	for (int i = 0; i < 2; i++) {
		must(close(accept(l, NULL, NULL)) == 0);
		close(c[i]);
	}
	IS(harvest(kq), 0);
	close(l);
}

static void datagrams(int kq, int family)
{
	struct sockaddr_storage ss;
	socklen_t len = loopback(family, &ss, 0);
	int a = socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	int b = socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	char d[8];

	must(bind(a, (struct sockaddr *)&ss, len) == 0);
	must(getsockname(a, (struct sockaddr *)&ss, &len) == 0);
	IS(change(kq, a, EVFILT_READ, EV_ADD, 0, 0, 0), 0);
	IS(harvest(kq), 0);
	(void)sendto(b, "abc", 3, 0, (struct sockaddr *)&ss, len);
	IS(harvest(kq), 1);
	IS(ev[0].data >= 3, 1);
	IS(ev[0].flags & EV_EOF, 0);
	IS(recv(a, d, 8, 0), 3);
	IS(harvest(kq), 0);
	/* A refused datagram: an error, and no end. */
	close(a);
	must(connect(b, (struct sockaddr *)&ss, len) == 0);
	IS(change(kq, b, EVFILT_READ, EV_ADD, 0, 0, 0), 0);
	(void)send(b, "x", 1, 0);
	IS(harvest(kq), 1);
	IS(ev[0].flags & EV_EOF, 0);
	IS(recv(b, d, 8, 0), -1);
	IS(errno, ECONNREFUSED);
	IS(harvest(kq), 0);
	close(b);
}

void conform_kqueue_read(int family)
{
	int kq = kqueue(), c, s;

	pair(family, &c, &s, SOCK_NONBLOCK);
	amounts(kq, c, s);
	lowat(kq, c, s);
	close(c);
	close(s);
	reset(kq, family);
	backlog(kq, family);
	datagrams(kq, family);
	close(kq);
}
