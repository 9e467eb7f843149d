/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same program against the kernel's sockets and against Leat's: every case runs on both, for
 * IPv4 and IPv6, and what it observed (results, errno values, event masks) must be equal line by
 * line. The kernel is the specification; numbers are written down nowhere.
 */
#include "sockhost.h"

#include <leat/epoll.h>
#include <leat/poll.h>
#include <leat/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/close_range.h>
#include <linux/sockios.h>
#include <unistd.h>

/* The calls under test. */
#define CALLS(X) \
	X(socket) \
	X(bind) \
	X(listen) \
	X(accept4) \
	X(connect) \
	X(shutdown) \
	X(close) \
	X(read) \
	X(write) \
	X(readv) \
	X(writev) \
	X(recv) \
	X(send) \
	X(recvfrom) \
	X(sendto) \
	X(recvmsg) \
	X(sendmsg) \
	X(getsockopt) \
	X(setsockopt) \
	X(getsockname) \
	X(getpeername) \
	X(fcntl) \
	X(ioctl) \
	X(dup) \
	X(dup2) \
	X(close_range) \
	X(epoll_create1) \
	X(epoll_ctl) \
	X(epoll_wait) \
	X(epoll_pwait2) \
	X(poll) \
	X(select)

struct calls {
#define X(name) __typeof__(&name) name;
	CALLS(X)
#undef X
};

static const struct calls kernel_calls = {
#define X(name) .name = name,
	CALLS(X)
#undef X
};

static const struct calls leat_calls = {
#define X(name) .name = leat_##name,
	CALLS(X)
#undef X
};

/* What a run observed. */
struct log {
	char line[400][96];
	unsigned n;
};

struct run {
	const struct calls *c;
	struct log *log;
	int family;
	struct sockhost *host; /* NULL: the kernel */
};

static void note(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void note(struct run *r, const char *fmt, ...)
{
	va_list ap;

	assert_true(r->log->n < ARRAY_LEN(r->log->line));
	va_start(ap, fmt);
	(void)vsnprintf(r->log->line[r->log->n++], sizeof(r->log->line[0]), fmt, ap);
	va_end(ap);
}

/* Result of a call and, when it failed, why. */
#define NOTE(r, what, call) \
	do { \
		ssize_t rc_; \
		errno = 0; \
		rc_ = (ssize_t)(call); \
		note(r, "%d %s: %zd %s", __LINE__, what, rc_, \
		     rc_ < 0 ? strerrorname_np(errno) : ""); \
	} while (0)

/* Let both ends of loopback connections do their work. */
static void settle(struct run *r)
{
	if (r->host)
		sockhost_run(r->host);
	else
		usleep(3000);
}

/* An address of this host: the kernel's loopback, or one of the stack's. */
static socklen_t loopback(const struct run *r, struct sockaddr_storage *ss, uint16_t port)
{
	struct ipaddr a = ipaddr_loopback4();
	bool v6 = r->family == AF_INET6;

	if (r->host)
		a = sockhost_addr(v6);
	else if (v6)
		a = ipaddr_loopback6();
	memset(ss, 0, sizeof(*ss));
	if (!v6) {
		struct sockaddr_in *sin = (struct sockaddr_in *)ss;

		sin->sin_family = AF_INET;
		sin->sin_port = htons(port);
		store_be32(&sin->sin_addr, ipaddr_to_v4(&a));
		return sizeof(*sin);
	}
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;

	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = htons(port);
	memcpy(&sin6->sin6_addr, a.b, sizeof(a.b));
	return sizeof(*sin6);
}

static int tcp_socket(struct run *r, int flags)
{
	int fd = r->c->socket(r->family, SOCK_STREAM | flags, 0);

	assert_true(fd >= 0);
	return fd;
}

static int listener(struct run *r, struct sockaddr_storage *ss, socklen_t *len, int flags)
{
	int fd = tcp_socket(r, flags);
	struct sockaddr_storage mine;
	socklen_t mine_len = sizeof(mine);

	*len = loopback(r, ss, 0);
	assert_int_equal(r->c->bind(fd, (struct sockaddr *)ss, *len), 0);
	assert_int_equal(r->c->listen(fd, 8), 0);
	assert_int_equal(r->c->getsockname(fd, (struct sockaddr *)&mine, &mine_len), 0);
	*len = loopback(r, ss, ntohs(((struct sockaddr_in *)&mine)->sin_port));
	return fd;
}

static void pair(struct run *r, int *client, int *server, int flags)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int l = listener(r, &ss, &len, 0);

	*client = tcp_socket(r, 0);
	assert_int_equal(r->c->connect(*client, (struct sockaddr *)&ss, len), 0);
	*server = r->c->accept4(l, NULL, NULL, flags);
	assert_true(*server >= 0);
	if (flags & SOCK_NONBLOCK)
		assert_int_equal(r->c->fcntl(*client, F_SETFL, O_NONBLOCK), 0);
	r->c->close(l);
	settle(r);
}

#define ALL_EVENTS \
	(EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLRDNORM | EPOLLWRNORM | EPOLLRDBAND)

/* The level as epoll and poll see it. */
static unsigned level(struct run *r, int fd)
{
	struct epoll_event ev = {.events = ALL_EVENTS};
	struct pollfd p = {.fd = fd, .events = (short)ALL_EVENTS};
	int ep = r->c->epoll_create1(0);
	unsigned seen = 0;

	assert_int_equal(r->c->epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev), 0);
	if (r->c->epoll_wait(ep, &ev, 1, 0) == 1)
		seen = ev.events;
	r->c->close(ep);
	(void)r->c->poll(&p, 1, 0);
	assert_int_equal((unsigned short)p.revents, seen);
	return seen;
}

#define LEVEL(r, what, fd) note(r, "%d %s: level %#x", __LINE__, what, level(r, fd))

/* Wrong on purpose, and unknown to the compiler, which would refuse them. */
static volatile int minus_one = -1, too_many = 2000;

/* ---- cases ---- */

static void case_fresh(struct run *r)
{
	struct sockaddr_storage ss;
	socklen_t len = loopback(r, &ss, 1);
	int fd = tcp_socket(r, SOCK_NONBLOCK);
	char b[4];

	LEVEL(r, "fresh", fd);
	NOTE(r, "recv", r->c->recv(fd, b, 4, 0));
	NOTE(r, "recv of nothing", r->c->recv(fd, b, 0, 0));
	NOTE(r, "send", r->c->send(fd, b, 4, MSG_NOSIGNAL));
	NOTE(r, "shutdown", r->c->shutdown(fd, SHUT_RDWR));
	NOTE(r, "shutdown how", r->c->shutdown(fd, 7));
	NOTE(r, "accept", r->c->accept4(fd, NULL, NULL, 0));
	NOTE(r, "accept flags", r->c->accept4(fd, NULL, NULL, 0x10));
	len = sizeof(ss);
	NOTE(r, "peer", r->c->getpeername(fd, (struct sockaddr *)&ss, &len));
	NOTE(r, "bad fd", r->c->recv(9999, b, 4, 0));
	NOTE(r, "bad type", r->c->socket(r->family, 77, 0));
	NOTE(r, "bad protocol", r->c->socket(r->family, SOCK_STREAM, IPPROTO_UDP));
	NOTE(r, "bad protocol", r->c->socket(r->family, SOCK_STREAM, 300));
	NOTE(r, "close", r->c->close(fd));
	NOTE(r, "close again", r->c->close(fd));
}

static void case_bind(struct run *r)
{
	struct sockaddr_storage ss;
	socklen_t len = loopback(r, &ss, 0);
	int fd = tcp_socket(r, 0);

	NOTE(r, "short", r->c->bind(fd, (struct sockaddr *)&ss, 8));
	ss.ss_family = AF_UNIX;
	NOTE(r, "family", r->c->bind(fd, (struct sockaddr *)&ss, len));
	ss.ss_family = (sa_family_t)r->family;
	NOTE(r, "bind", r->c->bind(fd, (struct sockaddr *)&ss, len));
	NOTE(r, "twice", r->c->bind(fd, (struct sockaddr *)&ss, len));
	NOTE(r, "listen", r->c->listen(fd, 0));
	NOTE(r, "bind a listener", r->c->bind(fd, (struct sockaddr *)&ss, len));
	r->c->close(fd);
}

static void case_listener(struct run *r)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int l = listener(r, &ss, &len, SOCK_NONBLOCK);
	int v = 0;
	char b[4];

	LEVEL(r, "listener", l);
	NOTE(r, "recv", r->c->recv(l, b, 4, 0));
	NOTE(r, "send", r->c->send(l, b, 4, MSG_NOSIGNAL));
	NOTE(r, "connect", r->c->connect(l, (struct sockaddr *)&ss, len));
	NOTE(r, "accept", r->c->accept4(l, NULL, NULL, 0));
	NOTE(r, "FIONREAD", r->c->ioctl(l, FIONREAD, &v));
	NOTE(r, "SIOCOUTQ", r->c->ioctl(l, SIOCOUTQ, &v));
	NOTE(r, "listen again", r->c->listen(l, 5));
	NOTE(r, "shutdown write", r->c->shutdown(l, SHUT_WR));
	LEVEL(r, "still listens", l);
	NOTE(r, "shutdown read", r->c->shutdown(l, SHUT_RD));
	LEVEL(r, "no longer listens", l);
	NOTE(r, "accept", r->c->accept4(l, NULL, NULL, 0));
	r->c->close(l);
}

static void case_accept(struct run *r)
{
	struct sockaddr_storage ss, peer, mine;
	socklen_t len, plen = sizeof(peer), mlen = sizeof(mine);
	int l = listener(r, &ss, &len, SOCK_NONBLOCK);
	int c = tcp_socket(r, 0), s;

	NOTE(r, "connect", r->c->connect(c, (struct sockaddr *)&ss, len));
	settle(r);
	LEVEL(r, "one waits", l);
	s = r->c->accept4(l, (struct sockaddr *)&peer, &plen, SOCK_NONBLOCK);
	note(r, "accepted %d, name of %u", s >= 0, plen);
	LEVEL(r, "none waits", l);
	NOTE(r, "accept", r->c->accept4(l, NULL, NULL, 0));
	note(r, "flags %x", (unsigned)r->c->fcntl(s, F_GETFL) & (O_NONBLOCK | O_ACCMODE));
	note(r, "flags %x", (unsigned)r->c->fcntl(c, F_GETFL) & (O_NONBLOCK | O_ACCMODE));
	assert_int_equal(r->c->getsockname(c, (struct sockaddr *)&mine, &mlen), 0);
	note(r, "peer is who connected: %d", plen == mlen && memcmp(&peer, &mine, 8) == 0);
	mlen = sizeof(mine);
	assert_int_equal(r->c->getsockname(s, (struct sockaddr *)&mine, &mlen), 0);
	note(r, "local is where it connected to: %d", memcmp(&ss, &mine, 8) == 0);
	mlen = 3;
	NOTE(r, "short name", r->c->getsockname(s, (struct sockaddr *)&mine, &mlen));
	note(r, "its length %u", mlen);
	LEVEL(r, "client", c);
	LEVEL(r, "server", s);
	r->c->close(l);
	r->c->close(c);
	r->c->close(s);
}

static void case_refused(struct run *r)
{
	struct sockaddr_storage ss;
	socklen_t len = loopback(r, &ss, 1), elen = sizeof(int);
	int fd = tcp_socket(r, SOCK_NONBLOCK), err = 0;
	char b[4];

	NOTE(r, "connect", r->c->connect(fd, (struct sockaddr *)&ss, len));
	settle(r);
	LEVEL(r, "refused", fd);
	NOTE(r, "SO_ERROR", r->c->getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &elen));
	note(r, "is %d", err);
	LEVEL(r, "error was read", fd);
	NOTE(r, "connect", r->c->connect(fd, (struct sockaddr *)&ss, len));
	LEVEL(r, "as new", fd);
	NOTE(r, "connect", r->c->connect(fd, (struct sockaddr *)&ss, len));
	settle(r);
	NOTE(r, "connect tells", r->c->connect(fd, (struct sockaddr *)&ss, len));
	NOTE(r, "connect", r->c->connect(fd, (struct sockaddr *)&ss, len));
	settle(r);
	NOTE(r, "recv", r->c->recv(fd, b, 4, 0));
	NOTE(r, "recv", r->c->recv(fd, b, 4, 0));
	NOTE(r, "send", r->c->send(fd, b, 4, MSG_NOSIGNAL));
	r->c->close(fd);
	fd = tcp_socket(r, 0);
	NOTE(r, "blocking", r->c->connect(fd, (struct sockaddr *)&ss, len));
	NOTE(r, "short", r->c->connect(fd, (struct sockaddr *)&ss, 4));
	NOTE(r, "family", (ss.ss_family = AF_UNIX, r->c->connect(fd, (struct sockaddr *)&ss, len)));
	r->c->close(fd);
}

static void case_connect_states(struct run *r)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int l = listener(r, &ss, &len, 0), fd = tcp_socket(r, SOCK_NONBLOCK);

	NOTE(r, "connect", r->c->connect(fd, (struct sockaddr *)&ss, len));
	settle(r);
	LEVEL(r, "connected", fd);
	NOTE(r, "tells", r->c->connect(fd, (struct sockaddr *)&ss, len));
	NOTE(r, "again", r->c->connect(fd, (struct sockaddr *)&ss, len));
	NOTE(r, "listen", r->c->listen(fd, 1));
	ss.ss_family = AF_UNSPEC;
	NOTE(r, "disconnect", r->c->connect(fd, (struct sockaddr *)&ss, len));
	LEVEL(r, "as new", fd);
	r->c->close(fd);
	r->c->close(l);
}

static void case_half_close(struct run *r)
{
	int c, s;
	char b[8];

	pair(r, &c, &s, SOCK_NONBLOCK);
	NOTE(r, "nothing yet", r->c->recv(s, b, 8, 0));
	NOTE(r, "send", r->c->send(c, "abc", 3, 0));
	NOTE(r, "end", r->c->shutdown(c, SHUT_WR));
	settle(r);
	LEVEL(r, "closed its side", c);
	LEVEL(r, "has data and the end", s);
	NOTE(r, "send after end", r->c->send(c, b, 1, MSG_NOSIGNAL));
	NOTE(r, "recv", r->c->recv(s, b, 8, 0));
	LEVEL(r, "has the end", s);
	NOTE(r, "recv", r->c->recv(s, b, 8, 0));
	NOTE(r, "recv", r->c->recv(s, b, 8, 0));
	NOTE(r, "answer", r->c->send(s, "defg", 4, 0));
	settle(r);
	LEVEL(r, "has the answer", c);
	NOTE(r, "recv", r->c->recv(c, b, 2, 0));
	NOTE(r, "end", r->c->shutdown(s, SHUT_WR));
	settle(r);
	LEVEL(r, "both ended", s);
	LEVEL(r, "both ended, data left", c);
	NOTE(r, "recv", r->c->recv(c, b, 8, 0));
	NOTE(r, "recv", r->c->recv(c, b, 8, 0));
	r->c->close(c);
	r->c->close(s);
}

static void case_shutdown_read(struct run *r)
{
	int c, s;
	char b[8];

	pair(r, &c, &s, SOCK_NONBLOCK);
	NOTE(r, "shutdown", r->c->shutdown(c, SHUT_RD));
	settle(r);
	LEVEL(r, "reads no more", c);
	LEVEL(r, "its peer", s);
	NOTE(r, "recv", r->c->recv(c, b, 8, 0));
	NOTE(r, "send", r->c->send(s, "abc", 3, 0));
	settle(r);
	NOTE(r, "recv all the same", r->c->recv(c, b, 8, 0));
	NOTE(r, "recv", r->c->recv(c, b, 8, 0));
	NOTE(r, "and write", r->c->shutdown(c, SHUT_WR));
	settle(r);
	LEVEL(r, "both", c);
	r->c->close(c);
	r->c->close(s);
}

static void case_reset(struct run *r)
{
	struct linger hard = {.l_onoff = 1};
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int c, s;
	char b[8];

	pair(r, &c, &s, SOCK_NONBLOCK);
	NOTE(r, "send", r->c->send(c, "zz", 2, 0));
	settle(r);
	NOTE(r, "linger", r->c->setsockopt(c, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)));
	NOTE(r, "close", r->c->close(c));
	settle(r);
	LEVEL(r, "reset", s);
	NOTE(r, "recv", r->c->recv(s, b, 8, 0));
	NOTE(r, "recv", r->c->recv(s, b, 8, 0));
	LEVEL(r, "error was read", s);
	NOTE(r, "recv", r->c->recv(s, b, 8, 0));
	NOTE(r, "send", r->c->send(s, b, 1, MSG_NOSIGNAL));
	NOTE(r, "peer", r->c->getpeername(s, (struct sockaddr *)&ss, &len));
	NOTE(r, "shutdown", r->c->shutdown(s, SHUT_WR));
	r->c->close(s);
}

static void case_data(struct run *r)
{
	struct iovec iov[3];
	char a[4] = "", b[4] = "", d[32] = "";
	int c, s, v = 0;

	pair(r, &c, &s, SOCK_NONBLOCK);
	iov[0] = (struct iovec){(char[]){"ab"}, 2};
	iov[1] = (struct iovec){NULL, 0};
	iov[2] = (struct iovec){(char[]){"cdefgh"}, 6};
	NOTE(r, "writev", r->c->writev(c, iov, 3));
	settle(r);
	NOTE(r, "FIONREAD", r->c->ioctl(s, FIONREAD, &v));
	note(r, "%d bytes", v);
	NOTE(r, "peek", r->c->recv(s, d, 5, MSG_PEEK));
	note(r, "%.5s", d);
	iov[0] = (struct iovec){a, 3};
	iov[1] = (struct iovec){b, 2};
	NOTE(r, "readv", r->c->readv(s, iov, 2));
	note(r, "%s %s", a, b);
	NOTE(r, "peek trunc", r->c->recv(s, NULL, 2, MSG_PEEK | MSG_TRUNC));
	NOTE(r, "peek trunc", r->c->recv(s, NULL, 99, MSG_PEEK | MSG_TRUNC));
	NOTE(r, "trunc", r->c->recv(s, NULL, 2, MSG_TRUNC));
	NOTE(r, "recv", r->c->recv(s, d, 32, 0));
	note(r, "%.1s", d);
	NOTE(r, "recv", r->c->recv(s, d, 32, 0));
	NOTE(r, "oob", r->c->recv(s, d, 32, MSG_OOB));
	NOTE(r, "error queue", r->c->recv(s, d, 32, MSG_ERRQUEUE));
	NOTE(r, "writev n", r->c->writev(c, iov, minus_one));
	NOTE(r, "writev n", r->c->writev(c, iov, too_many));
	NOTE(r, "zero", r->c->write(c, d, 0));
	NOTE(r, "SIOCOUTQ", r->c->ioctl(c, SIOCOUTQ, &v));
	note(r, "%d bytes", v);
	r->c->close(c);
	r->c->close(s);
}

static void case_blocking(struct run *r)
{
	struct timeval tv = {.tv_usec = 20000};
	char d[32];
	int c, s;

	pair(r, &c, &s, 0);
	NOTE(r, "rcvtimeo", r->c->setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	NOTE(r, "recv", r->c->recv(s, d, 4, 0));
	NOTE(r, "send", r->c->send(c, "abcdef", 6, 0));
	NOTE(r, "recv", r->c->recv(s, d, 4, 0));
	NOTE(r, "recv all", r->c->recv(s, d, 4, MSG_WAITALL));
	NOTE(r, "dontwait", r->c->recv(s, d, 4, MSG_DONTWAIT));
	NOTE(r, "send", r->c->send(c, "ghij", 4, 0));
	NOTE(r, "recv all", r->c->recv(s, d, 4, MSG_WAITALL));
	tv.tv_usec = 1000000;
	NOTE(r, "rcvtimeo", r->c->setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	r->c->close(c);
	NOTE(r, "recv", r->c->recv(s, d, 4, 0));
	r->c->close(s);
}

static void case_lowat(struct run *r)
{
	int c, s, v = 4;
	socklen_t len = sizeof(v);
	char d[16];

	pair(r, &c, &s, SOCK_NONBLOCK);
	NOTE(r, "lowat", r->c->setsockopt(s, SOL_SOCKET, SO_RCVLOWAT, &v, sizeof(v)));
	NOTE(r, "send", r->c->send(c, "abc", 3, 0));
	settle(r);
	LEVEL(r, "below", s);
	NOTE(r, "send", r->c->send(c, "d", 1, 0));
	settle(r);
	LEVEL(r, "enough", s);
	NOTE(r, "recv", r->c->recv(s, d, 2, 0));
	LEVEL(r, "below", s);
	v = 0;
	NOTE(r, "lowat", r->c->setsockopt(s, SOL_SOCKET, SO_RCVLOWAT, &v, sizeof(v)));
	NOTE(r, "lowat", r->c->getsockopt(s, SOL_SOCKET, SO_RCVLOWAT, &v, &len));
	note(r, "is %d", v);
	LEVEL(r, "enough", s);
	r->c->close(c);
	r->c->close(s);
}

static unsigned waited(struct run *r, int ep)
{
	struct epoll_event ev;
	int n;

	settle(r);
	n = r->c->epoll_wait(ep, &ev, 1, 0);
	assert_true(n >= 0);
	return n ? ev.events : 0;
}

#define WAITED(r, what, ep) note(r, "%d %s: %#x", __LINE__, what, waited(r, ep))

static void case_edge(struct run *r)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET};
	int c, s, ep = r->c->epoll_create1(0);
	char d[16];

	pair(r, &c, &s, SOCK_NONBLOCK);
	NOTE(r, "add", r->c->epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev));
	WAITED(r, "at first", ep);
	WAITED(r, "no more", ep);
	NOTE(r, "send", r->c->send(c, "abc", 3, 0));
	WAITED(r, "data", ep);
	WAITED(r, "no more", ep);
	NOTE(r, "send", r->c->send(c, "d", 1, 0));
	WAITED(r, "more data", ep);
	NOTE(r, "recv", r->c->recv(s, d, 2, 0));
	WAITED(r, "after a partial read", ep);
	NOTE(r, "mod", r->c->epoll_ctl(ep, EPOLL_CTL_MOD, s, &ev));
	WAITED(r, "after mod", ep);
	NOTE(r, "end", r->c->shutdown(c, SHUT_WR));
	WAITED(r, "the end", ep);
	NOTE(r, "recv", r->c->recv(s, d, 16, 0));
	WAITED(r, "no more", ep);
	NOTE(r, "our end", r->c->shutdown(s, SHUT_WR));
	WAITED(r, "our end", ep);
	r->c->close(c);
	r->c->close(s);
	r->c->close(ep);
}

static void case_oneshot(struct run *r)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLONESHOT};
	int c, s, ep = r->c->epoll_create1(0);

	pair(r, &c, &s, SOCK_NONBLOCK);
	NOTE(r, "add", r->c->epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev));
	NOTE(r, "send", r->c->send(c, "abc", 3, 0));
	WAITED(r, "data", ep);
	NOTE(r, "send", r->c->send(c, "abc", 3, 0));
	WAITED(r, "disarmed", ep);
	NOTE(r, "end", r->c->shutdown(c, SHUT_RDWR));
	WAITED(r, "disarmed for hang-ups too", ep);
	NOTE(r, "mod", r->c->epoll_ctl(ep, EPOLL_CTL_MOD, s, &ev));
	WAITED(r, "armed", ep);
	r->c->close(c);
	r->c->close(s);
	r->c->close(ep);
}

static void case_epoll_errors(struct run *r)
{
	struct epoll_event ev = {.events = EPOLLIN}, out[4];
	int c, s, ep = r->c->epoll_create1(0), ep2 = r->c->epoll_create1(0);
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct timespec bad = {.tv_nsec = -1};
	char b[4];

	pair(r, &c, &s, SOCK_NONBLOCK);
	NOTE(r, "create flags", r->c->epoll_create1(1));
	NOTE(r, "add", r->c->epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev));
	NOTE(r, "add twice", r->c->epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev));
	NOTE(r, "mod stranger", r->c->epoll_ctl(ep, EPOLL_CTL_MOD, c, &ev));
	NOTE(r, "del stranger", r->c->epoll_ctl(ep, EPOLL_CTL_DEL, c, NULL));
	NOTE(r, "regular file", r->c->epoll_ctl(ep, EPOLL_CTL_ADD, file, &ev));
	NOTE(r, "itself", r->c->epoll_ctl(ep, EPOLL_CTL_ADD, ep, &ev));
	NOTE(r, "closed", r->c->epoll_ctl(ep, EPOLL_CTL_ADD, 9999, &ev));
	NOTE(r, "no event", r->c->epoll_ctl(ep, EPOLL_CTL_ADD, c, NULL));
	NOTE(r, "op", r->c->epoll_ctl(ep, 9, c, &ev));
	NOTE(r, "no set", r->c->epoll_ctl(s, EPOLL_CTL_ADD, c, &ev));
	NOTE(r, "nest", r->c->epoll_ctl(ep, EPOLL_CTL_ADD, ep2, &ev));
	NOTE(r, "loop", r->c->epoll_ctl(ep2, EPOLL_CTL_ADD, ep, &ev));
	ev.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT;
	NOTE(r, "exclusive oneshot", r->c->epoll_ctl(ep, EPOLL_CTL_ADD, c, &ev));
	ev.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLRDHUP;
	NOTE(r, "exclusive rdhup", r->c->epoll_ctl(ep, EPOLL_CTL_ADD, c, &ev));
	ev.events = EPOLLIN | EPOLLEXCLUSIVE;
	NOTE(r, "exclusive", r->c->epoll_ctl(ep, EPOLL_CTL_ADD, c, &ev));
	NOTE(r, "mod exclusive", r->c->epoll_ctl(ep, EPOLL_CTL_MOD, c, &ev));
	ev.events = EPOLLIN;
	NOTE(r, "mod exclusive", r->c->epoll_ctl(ep, EPOLL_CTL_MOD, c, &ev));
	NOTE(r, "max 0", r->c->epoll_wait(ep, out, 0, 0));
	NOTE(r, "max -1", r->c->epoll_wait(ep, out, minus_one, 0));
	NOTE(r, "not a set", r->c->epoll_wait(s, out, 1, 0));
	NOTE(r, "closed", r->c->epoll_wait(9999, out, 1, 0));
	NOTE(r, "timeout", r->c->epoll_pwait2(ep, out, 1, &bad, NULL));
	NOTE(r, "read a set", r->c->read(ep, b, 4));
	NOTE(r, "recv from a set", r->c->recv(ep, b, 4, 0));
	NOTE(r, "write a set", r->c->write(ep, b, 4));
	r->c->close(ep);
	r->c->close(ep2);
	r->c->close(c);
	r->c->close(s);
	close(file);
}

/* Which of four ready sockets each call reports. */
static void case_rotation(struct run *r)
{
	int c[4], s[4], ep = r->c->epoll_create1(0);
	struct epoll_event ev;

	for (int i = 0; i < 4; i++) {
		pair(r, &c[i], &s[i], SOCK_NONBLOCK);
		ev = (struct epoll_event){.events = EPOLLIN, .data.u32 = (uint32_t)i};
		NOTE(r, "add", r->c->epoll_ctl(ep, EPOLL_CTL_ADD, s[i], &ev));
	}
	for (int i = 0; i < 4; i++) {
		(void)r->c->send(c[i], "x", 1, 0);
		settle(r);
	}
	for (int round = 0; round < 5; round++) {
		struct epoll_event out[2];
		int n = r->c->epoll_wait(ep, out, 2, 0);

		note(r, "%d: %u %u", n, out[0].data.u32, out[1].data.u32);
	}
	for (int i = 0; i < 4; i++) {
		r->c->close(c[i]);
		r->c->close(s[i]);
	}
	r->c->close(ep);
}

static void case_nested(struct run *r)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int c, s, in = r->c->epoll_create1(0), out = r->c->epoll_create1(0);
	char d[4];

	pair(r, &c, &s, SOCK_NONBLOCK);
	NOTE(r, "inner", r->c->epoll_ctl(in, EPOLL_CTL_ADD, s, &ev));
	NOTE(r, "outer", r->c->epoll_ctl(out, EPOLL_CTL_ADD, in, &ev));
	WAITED(r, "nothing", out);
	(void)r->c->send(c, "ab", 2, 0);
	WAITED(r, "data", out);
	LEVEL(r, "inner as a file", in);
	WAITED(r, "still", out);
	(void)r->c->recv(s, d, 4, 0);
	WAITED(r, "nothing", out);
	(void)r->c->send(c, "ab", 2, 0);
	WAITED(r, "data", out);
	NOTE(r, "close inner", r->c->close(in));
	WAITED(r, "gone", out);
	r->c->close(out);
	r->c->close(c);
	r->c->close(s);
}

static void case_dup(struct run *r)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int c, s, d, ep = r->c->epoll_create1(0);
	char b[4];

	pair(r, &c, &s, SOCK_NONBLOCK);
	d = r->c->dup(s);
	assert_true(d >= 0);
	NOTE(r, "add", r->c->epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev));
	NOTE(r, "add its twin", r->c->epoll_ctl(ep, EPOLL_CTL_ADD, d, &ev));
	NOTE(r, "remove it", r->c->epoll_ctl(ep, EPOLL_CTL_DEL, d, NULL));
	NOTE(r, "close one", r->c->close(s));
	(void)r->c->send(c, "ab", 2, 0);
	WAITED(r, "goes on reporting", ep);
	NOTE(r, "recv", r->c->recv(d, b, 4, 0));
	NOTE(r, "onto", r->c->dup2(d, c) == c);
	settle(r);
	NOTE(r, "peer is gone", r->c->recv(d, b, 4, 0));
	NOTE(r, "same", r->c->dup2(d, d) == d);
	NOTE(r, "bad", r->c->dup2(9999, d));
	NOTE(r, "bad", r->c->dup(9999));
	r->c->close(c);
	r->c->close(d);
	WAITED(r, "gone", ep);
	r->c->close(ep);
}

/* The test's own descriptors lie below; those of the stack are spared. */
static void case_close_range(struct run *r)
{
	int a = r->c->socket(r->family, SOCK_STREAM | SOCK_CLOEXEC, 0), p[2], hi, k;
	char b[4];

	NOTE(r, "flag", r->c->fcntl(a, F_GETFD));
	NOTE(r, "clear", r->c->fcntl(a, F_SETFD, 0));
	NOTE(r, "flag", r->c->fcntl(a, F_GETFD));
	hi = r->c->fcntl(a, F_DUPFD_CLOEXEC, 300);
	NOTE(r, "dup", hi);
	NOTE(r, "flag", r->c->fcntl(hi, F_GETFD));
	assert_int_equal(pipe(p), 0);
	k = dup2(p[0], 301);
	assert_int_equal(r->c->dup2(hi, 302), 302);
	NOTE(r, "set", r->c->close_range(300, 302, CLOSE_RANGE_CLOEXEC));
	NOTE(r, "flag", r->c->fcntl(302, F_GETFD));
	NOTE(r, "flag", r->c->fcntl(k, F_GETFD));
	NOTE(r, "bad", r->c->close_range(302, 300, 0));
	NOTE(r, "bad", r->c->close_range(300, 302, 64));
	NOTE(r, "close", r->c->close_range(300, 302, 0));
	NOTE(r, "gone", r->c->recv(300, b, 4, 0));
	NOTE(r, "gone", r->c->read(301, b, 4));
	NOTE(r, "gone", r->c->close(302));
	LEVEL(r, "the first one", a);
	r->c->close(a);
	close(p[0]);
	close(p[1]);
}

static void case_write_space(struct run *r)
{
	struct epoll_event ev = {.events = EPOLLOUT | EPOLLET};
	static char big[1 << 16];
	int c, s, v = 32768, ep = r->c->epoll_create1(0);

	pair(r, &c, &s, SOCK_NONBLOCK);
	NOTE(r, "sndbuf", r->c->setsockopt(c, SOL_SOCKET, SO_SNDBUF, &v, sizeof(v)));
	NOTE(r, "add", r->c->epoll_ctl(ep, EPOLL_CTL_ADD, c, &ev));
	WAITED(r, "at first", ep);
	NOTE(r, "a little", r->c->send(c, big, 10, MSG_NOSIGNAL));
	WAITED(r, "was never full", ep);
	/* Until both queues are full, not only ours for the moment. */
	do {
		while (r->c->send(c, big, sizeof(big), MSG_NOSIGNAL) > 0)
			;
		settle(r);
	} while (r->c->send(c, big, sizeof(big), MSG_NOSIGNAL) > 0);
	note(r, "full: %s", strerrorname_np(errno));
	WAITED(r, "full", ep);
	for (int i = 0; i < 1000; i++) {
		if (r->c->recv(s, big, sizeof(big), 0) <= 0)
			break;
		settle(r);
	}
	WAITED(r, "room again", ep);
	WAITED(r, "once", ep);
	r->c->close(c);
	r->c->close(s);
	r->c->close(ep);
}

static volatile sig_atomic_t pipes;

static void on_pipe(int sig)
{
	(void)sig;
	pipes++;
}

static void case_sigpipe(struct run *r)
{
	struct sigaction sa = {.sa_handler = on_pipe}, old;
	int c, s;

	pair(r, &c, &s, SOCK_NONBLOCK);
	pipes = 0;
	sigaction(SIGPIPE, &sa, &old);
	NOTE(r, "end", r->c->shutdown(c, SHUT_WR));
	NOTE(r, "write", r->c->write(c, "x", 1));
	note(r, "signals %d", (int)pipes);
	NOTE(r, "send", r->c->send(c, "x", 1, MSG_NOSIGNAL));
	note(r, "signals %d", (int)pipes);
	sigaction(SIGPIPE, &old, NULL);
	r->c->close(c);
	r->c->close(s);
}

static void case_poll_select(struct run *r)
{
	struct timeval tv = {0};
	struct pollfd p[3];
	int c, s, pipefd[2];
	fd_set in, out;
	int n;

	pair(r, &c, &s, SOCK_NONBLOCK);
	assert_int_equal(pipe(pipefd), 0);
	p[0] = (struct pollfd){.fd = s, .events = POLLIN};
	p[1] = (struct pollfd){.fd = -1, .events = POLLIN, .revents = 7};
	p[2] = (struct pollfd){.fd = pipefd[0], .events = POLLIN};
	NOTE(r, "nothing", r->c->poll(p, 3, 0));
	NOTE(r, "nothing for a while", r->c->poll(p, 3, 5));
	assert_int_equal(write(pipefd[1], "x", 1), 1);
	NOTE(r, "pipe", r->c->poll(p, 3, 1000));
	note(r, "%x %x %x", p[0].revents, p[1].revents, p[2].revents);
	(void)r->c->send(c, "x", 1, 0);
	settle(r);
	NOTE(r, "both", r->c->poll(p, 3, 1000));
	note(r, "%x %x %x", p[0].revents, p[1].revents, p[2].revents);
	p[1].fd = 9999;
	NOTE(r, "closed", r->c->poll(p, 3, 0));
	note(r, "%x", p[1].revents);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(s, &in);
	FD_SET(c, &in);
	FD_SET(pipefd[0], &in);
	FD_SET(s, &out);
	n = max_int(max_int(s, c), pipefd[0]) + 1;
	NOTE(r, "select", r->c->select(n, &in, &out, NULL, &tv));
	note(r, "%d %d %d %d", FD_ISSET(s, &in), FD_ISSET(c, &in), FD_ISSET(pipefd[0], &in),
	     FD_ISSET(s, &out));
	FD_ZERO(&in);
	FD_SET(pipefd[0], &in);
	close(pipefd[0]);
	NOTE(r, "select closed", r->c->select(n, &in, NULL, NULL, &tv));
	close(pipefd[1]);
	r->c->close(c);
	r->c->close(s);
}

/* Kernel descriptors as members. */
static void case_mixed_set(struct run *r)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = 7}, out[4];
	int c, s, pipefd[2], ep = r->c->epoll_create1(0);
	int n;

	pair(r, &c, &s, SOCK_NONBLOCK);
	assert_int_equal(pipe(pipefd), 0);
	NOTE(r, "add", r->c->epoll_ctl(ep, EPOLL_CTL_ADD, pipefd[0], &ev));
	NOTE(r, "twice", r->c->epoll_ctl(ep, EPOLL_CTL_ADD, pipefd[0], &ev));
	ev.data.u32 = 8;
	NOTE(r, "add", r->c->epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev));
	NOTE(r, "nothing", r->c->epoll_wait(ep, out, 4, 2));
	assert_int_equal(write(pipefd[1], "x", 1), 1);
	n = r->c->epoll_wait(ep, out, 4, 1000);
	note(r, "%d: %u %x", n, out[0].data.u32, out[0].events);
	(void)r->c->send(c, "x", 1, 0);
	settle(r);
	NOTE(r, "del", r->c->epoll_ctl(ep, EPOLL_CTL_DEL, pipefd[0], NULL));
	n = r->c->epoll_wait(ep, out, 4, 1000);
	note(r, "%d: %u %x", n, out[0].data.u32, out[0].events);
	close(pipefd[0]);
	close(pipefd[1]);
	r->c->close(c);
	r->c->close(s);
	r->c->close(ep);
}

static void get_int(struct run *r, int fd, int lvl, int name, const char *what)
{
	int v = -77;
	socklen_t len = sizeof(v);
	int rc;

	errno = 0;
	rc = r->c->getsockopt(fd, lvl, name, &v, &len);
	note(r, "%s: %d %s %d (%u)", what, rc, rc < 0 ? strerrorname_np(errno) : "", v, len);
}

#define GET(name, lvl) get_int(r, fd, lvl, name, "get " #name)
#define SET(name, lvl, value) \
	do { \
		int v_ = (value); \
		NOTE(r, "set " #name " " #value, \
		     r->c->setsockopt(fd, lvl, name, &v_, sizeof(v_))); \
	} while (0)

static void case_options(struct run *r)
{
	struct timeval tv = {.tv_sec = 3, .tv_usec = 500000};
	struct linger l = {.l_onoff = 1, .l_linger = 9};
	int fd = tcp_socket(r, 0), v = 1;
	char name[16] = "";
	socklen_t len;

	GET(SO_TYPE, SOL_SOCKET);
	GET(SO_DOMAIN, SOL_SOCKET);
	GET(SO_PROTOCOL, SOL_SOCKET);
	GET(SO_ACCEPTCONN, SOL_SOCKET);
	GET(SO_ERROR, SOL_SOCKET);
	GET(SO_REUSEADDR, SOL_SOCKET);
	SET(SO_REUSEADDR, SOL_SOCKET, 5);
	GET(SO_REUSEADDR, SOL_SOCKET);
	SET(SO_REUSEPORT, SOL_SOCKET, 1);
	GET(SO_REUSEPORT, SOL_SOCKET);
	SET(SO_KEEPALIVE, SOL_SOCKET, 3);
	GET(SO_KEEPALIVE, SOL_SOCKET);
	SET(SO_BROADCAST, SOL_SOCKET, 1);
	GET(SO_BROADCAST, SOL_SOCKET);
	SET(SO_RCVBUF, SOL_SOCKET, 20000);
	GET(SO_RCVBUF, SOL_SOCKET);
	SET(SO_SNDBUF, SOL_SOCKET, 20000);
	GET(SO_SNDBUF, SOL_SOCKET);
	SET(SO_RCVBUF, SOL_SOCKET, 1);
	GET(SO_RCVBUF, SOL_SOCKET);
	SET(SO_SNDBUF, SOL_SOCKET, 1);
	GET(SO_SNDBUF, SOL_SOCKET);
	SET(SO_PRIORITY, SOL_SOCKET, 4);
	GET(SO_PRIORITY, SOL_SOCKET);
	SET(SO_MARK, SOL_SOCKET, 17);
	GET(SO_MARK, SOL_SOCKET);
	SET(SO_TYPE, SOL_SOCKET, 1);
	SET(SO_ERROR, SOL_SOCKET, 1);
	SET(TCP_NODELAY, IPPROTO_TCP, 1);
	GET(TCP_NODELAY, IPPROTO_TCP);
	SET(TCP_KEEPIDLE, IPPROTO_TCP, 60);
	GET(TCP_KEEPIDLE, IPPROTO_TCP);
	SET(TCP_KEEPIDLE, IPPROTO_TCP, 0);
	SET(TCP_KEEPINTVL, IPPROTO_TCP, 10);
	GET(TCP_KEEPINTVL, IPPROTO_TCP);
	SET(TCP_KEEPCNT, IPPROTO_TCP, 3);
	SET(TCP_KEEPCNT, IPPROTO_TCP, 128);
	GET(TCP_KEEPCNT, IPPROTO_TCP);
	SET(TCP_USER_TIMEOUT, IPPROTO_TCP, 5000);
	GET(TCP_USER_TIMEOUT, IPPROTO_TCP);
	SET(TCP_CORK, IPPROTO_TCP, 1);
	GET(TCP_CORK, IPPROTO_TCP);
	SET(4444, IPPROTO_TCP, 1);
	SET(4444, SOL_SOCKET, 1);
	GET(4444, SOL_SOCKET);
	SET(1, 777, 1);
	if (r->family == AF_INET) {
		SET(IP_TOS, IPPROTO_IP, 0x10);
		GET(IP_TOS, IPPROTO_IP);
		SET(IP_TTL, IPPROTO_IP, 17);
		GET(IP_TTL, IPPROTO_IP);
		SET(IP_TTL, IPPROTO_IP, 0);
		SET(IP_TTL, IPPROTO_IP, 256);
		SET(IP_TRANSPARENT, IPPROTO_IP, 1);
		GET(IP_TRANSPARENT, IPPROTO_IP);
		SET(IP_FREEBIND, IPPROTO_IP, 1);
		GET(IP_FREEBIND, IPPROTO_IP);
		SET(IPV6_V6ONLY, IPPROTO_IPV6, 1);
	} else {
		GET(IPV6_V6ONLY, IPPROTO_IPV6);
		SET(IPV6_V6ONLY, IPPROTO_IPV6, 1);
		GET(IPV6_V6ONLY, IPPROTO_IPV6);
		SET(IPV6_TRANSPARENT, IPPROTO_IPV6, 1);
		GET(IPV6_TRANSPARENT, IPPROTO_IPV6);
		SET(IPV6_TCLASS, IPPROTO_IPV6, 8);
		GET(IPV6_TCLASS, IPPROTO_IPV6);
		SET(IPV6_TCLASS, IPPROTO_IPV6, 300);
		SET(IPV6_UNICAST_HOPS, IPPROTO_IPV6, 9);
		GET(IPV6_UNICAST_HOPS, IPPROTO_IPV6);
	}
	NOTE(r, "short", r->c->setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &v, 2));
	NOTE(r, "short", r->c->setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &v, 2));
	len = 2;
	NOTE(r, "short", r->c->getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, &len));
	note(r, "length %u", len);
	NOTE(r, "time", r->c->setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	memset(&tv, 0, sizeof(tv));
	len = sizeof(tv);
	NOTE(r, "time", r->c->getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, &len));
	note(r, "%ld.%06ld (%u)", (long)tv.tv_sec, (long)tv.tv_usec, len);
	tv.tv_usec = 1000000;
	NOTE(r, "bad time", r->c->setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	NOTE(r, "short time", r->c->setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, 4));
	NOTE(r, "linger", r->c->setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
	l = (struct linger){0};
	len = sizeof(l);
	NOTE(r, "linger", r->c->getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &len));
	note(r, "%d %d", l.l_onoff, l.l_linger);
	NOTE(r, "short linger", r->c->setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, 4));
	NOTE(r, "reno", r->c->setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
	len = sizeof(name);
	NOTE(r, "name", r->c->getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len));
	note(r, "%s (%u)", name, len);
	NOTE(r, "nosuch", r->c->setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "nosuch", 6));
	NOTE(r, "empty", r->c->setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "", 0));
	NOTE(r, "ioctl", r->c->ioctl(fd, 0x1234, &v));
	NOTE(r, "fcntl", r->c->fcntl(fd, 4444, 0));
	r->c->close(fd);
}

static void case_inherit(struct run *r)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int l = listener(r, &ss, &len, SOCK_NONBLOCK), c, fd = l;

	SET(SO_KEEPALIVE, SOL_SOCKET, 1);
	SET(TCP_NODELAY, IPPROTO_TCP, 1);
	SET(SO_RCVLOWAT, SOL_SOCKET, 3);
	SET(SO_PRIORITY, SOL_SOCKET, 2);
	if (r->family == AF_INET) {
		SET(IP_TOS, IPPROTO_IP, 0x20);
		SET(IP_TTL, IPPROTO_IP, 33);
	} else {
		SET(IPV6_TCLASS, IPPROTO_IPV6, 0x20);
		SET(IPV6_UNICAST_HOPS, IPPROTO_IPV6, 33);
	}
	c = tcp_socket(r, 0);
	NOTE(r, "connect", r->c->connect(c, (struct sockaddr *)&ss, len));
	settle(r);
	fd = r->c->accept4(l, NULL, NULL, 0);
	assert_true(fd >= 0);
	GET(SO_KEEPALIVE, SOL_SOCKET);
	GET(SO_RCVLOWAT, SOL_SOCKET);
	GET(SO_PRIORITY, SOL_SOCKET);
	GET(SO_ACCEPTCONN, SOL_SOCKET);
	if (r->family == AF_INET) {
		GET(IP_TOS, IPPROTO_IP);
		GET(IP_TTL, IPPROTO_IP);
	} else {
		GET(IPV6_TCLASS, IPPROTO_IPV6);
		GET(IPV6_UNICAST_HOPS, IPPROTO_IPV6);
	}
	note(r, "flags %x", (unsigned)r->c->fcntl(fd, F_GETFL) & O_NONBLOCK);
	r->c->close(fd);
	r->c->close(c);
	r->c->close(l);
}

static void case_udp(struct run *r)
{
	struct sockaddr_storage ss, from;
	socklen_t len = loopback(r, &ss, 0), flen = sizeof(from);
	int a = r->c->socket(r->family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	int b = r->c->socket(r->family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	char d[16] = "";
	int v = 0;

	LEVEL(r, "fresh", a);
	NOTE(r, "listen", r->c->listen(a, 1));
	NOTE(r, "accept", r->c->accept4(a, NULL, NULL, 0));
	NOTE(r, "shutdown", r->c->shutdown(a, SHUT_WR));
	NOTE(r, "send", r->c->send(a, "x", 1, 0));
	NOTE(r, "recv", r->c->recv(a, d, 16, 0));
	NOTE(r, "bind", r->c->bind(a, (struct sockaddr *)&ss, len));
	NOTE(r, "twice", r->c->bind(a, (struct sockaddr *)&ss, len));
	len = sizeof(ss);
	assert_int_equal(r->c->getsockname(a, (struct sockaddr *)&ss, &len), 0);
	NOTE(r, "in use", r->c->bind(b, (struct sockaddr *)&ss, len));
	NOTE(r, "sendto", r->c->sendto(b, "hello", 5, 0, (struct sockaddr *)&ss, len));
	NOTE(r, "empty", r->c->sendto(b, NULL, 0, 0, (struct sockaddr *)&ss, len));
	settle(r);
	LEVEL(r, "has data", a);
	NOTE(r, "FIONREAD", r->c->ioctl(a, FIONREAD, &v));
	note(r, "%d", v);
	NOTE(r, "peek", r->c->recv(a, d, 2, MSG_PEEK | MSG_TRUNC));
	NOTE(r, "recvfrom", r->c->recvfrom(a, d, 3, 0, (struct sockaddr *)&from, &flen));
	note(r, "%.3s %u %d", d, flen, from.ss_family == r->family);
	NOTE(r, "empty one", r->c->recv(a, d, 16, 0));
	NOTE(r, "no more", r->c->recv(a, d, 16, 0));
	LEVEL(r, "drained", a);
	NOTE(r, "connect", r->c->connect(b, (struct sockaddr *)&ss, len));
	NOTE(r, "send", r->c->send(b, "abc", 3, 0));
	NOTE(r, "answer", r->c->sendto(a, "yes", 3, 0, (struct sockaddr *)&from, flen));
	settle(r);
	NOTE(r, "recv", r->c->recv(b, d, 16, 0));
	NOTE(r, "too long", r->c->sendto(b, d, 70000, 0, (struct sockaddr *)&ss, len));
	NOTE(r, "oob", r->c->send(b, d, 1, MSG_OOB));
	NOTE(r, "shutdown", r->c->shutdown(b, SHUT_RD));
	LEVEL(r, "reads no more", b);
	NOTE(r, "recv", r->c->recv(b, d, 16, 0));
	NOTE(r, "shutdown", r->c->shutdown(b, SHUT_WR));
	LEVEL(r, "nor writes", b);
	NOTE(r, "send", r->c->send(b, "x", 1, MSG_NOSIGNAL));
	r->c->close(a);
	r->c->close(b);
}

/* ---- running ---- */

static void run_both(void (*fn)(struct run *), int family)
{
	static struct log kernel_log, leat_log;
	struct run k = {.c = &kernel_calls, .log = &kernel_log, .family = family};
	struct run l = {.c = &leat_calls, .log = &leat_log, .family = family};
	struct sockhost h;
	unsigned bad = 0;

	kernel_log.n = leat_log.n = 0;
	fn(&k);
	sockhost_create(&h, &(struct sockhost_conf){.real = true});
	l.host = &h;
	fn(&l);
	sockhost_destroy(&h);
	for (unsigned i = 0; i < kernel_log.n && i < leat_log.n; i++)
		if (strcmp(kernel_log.line[i], leat_log.line[i]) != 0 && ++bad)
			print_error("kernel  %s\nleat    %s\n", kernel_log.line[i],
				    leat_log.line[i]);
	assert_int_equal(kernel_log.n, leat_log.n);
	assert_int_equal(bad, 0);
}

#define CASES(X) \
	X(fresh) \
	X(bind) \
	X(listener) \
	X(accept) \
	X(refused) \
	X(connect_states) \
	X(half_close) \
	X(shutdown_read) \
	X(reset) \
	X(data) \
	X(blocking) \
	X(lowat) \
	X(edge) \
	X(oneshot) \
	X(epoll_errors) \
	X(rotation) \
	X(nested) \
	X(dup) \
	X(close_range) \
	X(write_space) \
	X(sigpipe) \
	X(poll_select) \
	X(mixed_set) \
	X(options) \
	X(inherit) \
	X(udp)

#define X(name) \
	static void test_##name##4(void **state) \
	{ \
		(void)state; \
		run_both(case_##name, AF_INET); \
	} \
	static void test_##name##6(void **state) \
	{ \
		(void)state; \
		run_both(case_##name, AF_INET6); \
	}
CASES(X)
#undef X

int main(void)
{
	const struct CMUnitTest tests[] = {
#define X(name) cmocka_unit_test(test_##name##4), cmocka_unit_test(test_##name##6),
		CASES(X)
#undef X
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
