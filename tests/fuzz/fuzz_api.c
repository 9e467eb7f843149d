/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random sequences of socket, epoll and poll calls, valid and not, made to the kernel and to Leat:
 * results and errno must be the same after each. Both talk to themselves over loopback, the kernel
 * in a network namespace of our own. The input is a program: a byte for the call, bytes for its
 * arguments; descriptors are slots. No call waits: sockets are non-blocking, timeouts 0.
 *
 * With FUZZ_API_TRACE in the environment each call is printed.
 */
#include "fuzz.h"

#include <leat/epoll.h>
#include <leat/poll.h>
#include <leat/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SLOTS  6u
#define NOBODY 9999 /* a number that is not open */
#define KERNEL 0
#define LEAT   1
/* Loopback packets of the kernel's may be put off when the machine is busy. */
#define RETRIES  2000 /* nor is a port free at once */
#define RETRY_US 1000

#define CALLS(X) \
	X(socket) \
	X(bind) \
	X(listen) \
	X(accept4) \
	X(connect) \
	X(shutdown) \
	X(close) \
	X(recv) \
	X(recvfrom) \
	X(sendto) \
	X(getsockopt) \
	X(setsockopt) \
	X(getsockname) \
	X(getpeername) \
	X(fcntl) \
	X(ioctl) \
	X(dup) \
	X(dup2) \
	X(read) \
	X(write) \
	X(epoll_create1) \
	X(epoll_ctl) \
	X(epoll_wait) \
	X(epoll_pwait2) \
	X(poll) \
	X(ppoll)

struct calls {
#define X(name) __typeof__(&name) name;
	CALLS(X)
#undef X
};

static const struct calls sides[2] = {
	{
#define X(name) .name = name,
		CALLS(X)
#undef X
	},
	{
#define X(name) .name = leat_##name,
		CALLS(X)
#undef X
	},
};

struct slot {
	int fd[2]; /* of the kernel, of Leat; -1: closed */
	int family;
	bool used; /* may have an address */
};

struct run {
	const uint8_t *p, *end;
	struct slot slot[SLOTS];
	bool trace;
};

static unsigned byte(struct run *r)
{
	return r->p < r->end ? *r->p++ : 0;
}

#define PICK(r, table) ((table)[byte(r) % (sizeof(table) / sizeof((table)[0]))])

/* A slot, open or not, or a number that never is. */
static struct slot *any_slot(struct run *r)
{
	static struct slot nobody = {{NOBODY, NOBODY}, AF_INET, true};
	unsigned b = byte(r);

	return b % 32 == 31 ? &nobody : &r->slot[b % SLOTS];
}

static struct slot *free_slot(struct run *r)
{
	for (unsigned i = 0; i < SLOTS; i++)
		if (r->slot[i].fd[KERNEL] < 0)
			return &r->slot[i];
	return NULL;
}

static void settle(void)
{
	for (int i = 0; i < 12; i++)
		(void)leat_poll_once(0);
}

struct outcome {
	ssize_t rc[2];
	int err[2];
};

/* What the next call is given. */
static void given(const struct run *r, const char *what, long a, long b, long c)
{
	if (r->trace)
		(void)fprintf(stderr, "%s %ld %ld %ld: ", what, a, b, c);
}

static void tell(const struct run *r, const char *what, const struct outcome *o)
{
	if (r->trace)
		(void)fprintf(stderr, "%s: kernel %zd %s, Leat %zd %s\n", what, o->rc[KERNEL],
			      o->rc[KERNEL] < 0 ? strerrorname_np(o->err[KERNEL]) : "", o->rc[LEAT],
			      o->rc[LEAT] < 0 ? strerrorname_np(o->err[LEAT]) : "");
}

static bool same(const struct outcome *o)
{
	if (o->rc[KERNEL] < 0 || o->rc[LEAT] < 0)
		return o->rc[KERNEL] == o->rc[LEAT] && o->err[KERNEL] == o->err[LEAT];
	return o->rc[KERNEL] == o->rc[LEAT];
}

static void must_agree(struct run *r, const char *what, const struct outcome *o)
{
	tell(r, what, o);
	if (same(o))
		return;
	r->trace = true;
	tell(r, what, o);
	FUZZ_CHECK(same(o));
}

/* Make the call on both sides, i of them; only calls that failed may be made again. */
#define BOTH(r, what, expr) \
	do { \
		struct outcome o_; \
		for (int i = 1; i >= 0; i--) { \
			const struct calls *c = &sides[i]; \
			errno = 0; \
			o_.rc[i] = (ssize_t)(expr); \
			o_.err[i] = errno; \
		} \
		for (int t_ = 0; t_ < RETRIES && !same(&o_) && o_.rc[KERNEL] < 0; t_++) { \
			const struct calls *c = &sides[KERNEL]; \
			const int i = KERNEL; \
			(void)i; \
			(void)usleep(RETRY_US); \
			errno = 0; \
			o_.rc[KERNEL] = (ssize_t)(expr); \
			o_.err[KERNEL] = errno; \
		} \
		must_agree(r, what, &o_); \
	} while (0)

/* The same for calls that give a descriptor: into s. */
#define BOTH_FD(r, what, s, fam, expr) \
	do { \
		int fd_[2]; \
		BOTH(r, what, (fd_[i] = (expr)) < 0 ? -1 : 0); \
		(s)->fd[KERNEL] = fd_[KERNEL]; \
		(s)->fd[LEAT] = fd_[LEAT]; \
		(s)->family = fam; \
		(s)->used = strcmp(what, "socket") != 0; \
	} while (0)

/* ---- arguments ---- */

struct name {
	struct sockaddr_storage ss[2];
	socklen_t len;
};

static void put_addr(struct sockaddr_storage *ss, int family, const char *text4, const char *text6,
		     unsigned port)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	ss->ss_family = (sa_family_t)family;
	if (family == AF_INET6) {
		sin6->sin6_port = htons((uint16_t)port);
		(void)inet_pton(AF_INET6, text6, &sin6->sin6_addr);
	} else {
		sin->sin_port = htons((uint16_t)port);
		(void)inet_pton(AF_INET, text4, &sin->sin_addr);
	}
}

/* Where another slot is. */
static void name_of_slot(struct run *r, struct name *n)
{
	const struct slot *s = any_slot(r);

	for (int i = 0; i < 2; i++) {
		socklen_t len = sizeof(n->ss[i]);

		if (sides[i].getsockname(s->fd[i], (struct sockaddr *)&n->ss[i], &len) < 0)
			put_addr(&n->ss[i], s->family, "127.0.0.1", "::1", 1);
	}
}

/* As a peer's name never with port 0: Linux sends there, Leat refuses at once. */
static void make_name(struct run *r, const struct slot *s, struct name *n, bool peer)
{
	static const char *const text4[] = {"127.0.0.1", "127.0.0.1", "0.0.0.0", "192.0.2.1"};
	static const char *const text6[] = {"::1", "::1", "::", "2001:db8::1"};
	static const uint16_t ports[] = {0, 0, 1, 20000, 20001};
	unsigned kind = byte(r) % 8, where = byte(r) % 4;
	unsigned port = PICK(r, ports);

	n->len = s->family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	for (int i = 0; i < 2; i++)
		put_addr(&n->ss[i], s->family, text4[where], text6[where], port);
	if (kind < 3)
		name_of_slot(r, n);
	for (int i = 0; i < 2 && peer; i++)
		if (((struct sockaddr_in *)&n->ss[i])->sin_port == 0)
			((struct sockaddr_in *)&n->ss[i])->sin_port = htons(1);
	if (kind == 3)
		n->ss[KERNEL].ss_family = n->ss[LEAT].ss_family = AF_UNSPEC;
	if (kind == 4)
		n->ss[KERNEL].ss_family = n->ss[LEAT].ss_family = AF_UNIX;
	if (kind == 5)
		n->len = byte(r) % 32;
}

struct option {
	int level, name;
};

static const struct option options[] = {
	{SOL_SOCKET, SO_TYPE},       {SOL_SOCKET, SO_DOMAIN},
	{SOL_SOCKET, SO_PROTOCOL},   {SOL_SOCKET, SO_ACCEPTCONN},
	{SOL_SOCKET, SO_ERROR},      {SOL_SOCKET, SO_REUSEADDR},
	{SOL_SOCKET, SO_KEEPALIVE},  {SOL_SOCKET, SO_BROADCAST},
	{SOL_SOCKET, SO_RCVLOWAT},   {SOL_SOCKET, SO_LINGER},
	{SOL_SOCKET, 4444},          {IPPROTO_TCP, TCP_NODELAY},
	{IPPROTO_TCP, TCP_KEEPIDLE}, {IPPROTO_TCP, TCP_KEEPINTVL},
	{IPPROTO_TCP, TCP_KEEPCNT},  {IPPROTO_TCP, TCP_USER_TIMEOUT},
	{IPPROTO_TCP, 4444},         {IPPROTO_IP, IP_TTL},
	{IPPROTO_IP, IP_TOS},        {IPPROTO_IPV6, IPV6_V6ONLY},
	{IPPROTO_IPV6, IPV6_TCLASS}, {777, 1},
};

/* ---- calls ---- */

static void op_socket(struct run *r)
{
	static const int families[] = {AF_INET, AF_INET6, AF_INET, AF_INET6, 99};
	static const int types[] = {SOCK_STREAM, SOCK_STREAM, SOCK_DGRAM, 77};
	static const int protocols[] = {0, 0, 0, 0, IPPROTO_TCP, IPPROTO_UDP, 300};
	struct slot *s = free_slot(r);
	int family = PICK(r, families), type = PICK(r, types), protocol = PICK(r, protocols);

	if (s) {
		given(r, "slot, family, type", s - r->slot, family, type);
		BOTH_FD(r, "socket", s, family, c->socket(family, type | SOCK_NONBLOCK, protocol));
	}
}

static void op_bind(struct run *r)
{
	struct slot *s = any_slot(r);
	struct name n;

	/* Whether one that had an address and lost it with its connection can have another is
	 * nobody's business. */
	if (s->used && s->fd[KERNEL] != NOBODY)
		return;
	make_name(r, s, &n, false);
	s->used = true;
	given(r, "slot, family, length", s - r->slot, n.ss[KERNEL].ss_family, (long)n.len);
	BOTH(r, "bind", c->bind(s->fd[i], (struct sockaddr *)&n.ss[i], n.len));
}

static void op_listen(struct run *r)
{
	struct slot *s = any_slot(r);
	int backlog = (int)byte(r) - 3;

	s->used = true;

	given(r, "slot", s - r->slot, backlog, 0);
	BOTH(r, "listen", c->listen(s->fd[i], backlog));
}

static void op_accept(struct run *r)
{
	struct slot *from = any_slot(r), *s = free_slot(r);
	int flags = byte(r) % 8 == 7 ? 0x10 : SOCK_NONBLOCK;

	if (s)
		BOTH_FD(r, "accept4", s, from->family, c->accept4(from->fd[i], NULL, NULL, flags));
}

static void op_connect(struct run *r)
{
	struct slot *s = any_slot(r);
	struct name n;

	make_name(r, s, &n, true);
	s->used = true;
	given(r, "slot, family, length", s - r->slot, n.ss[KERNEL].ss_family, (long)n.len);
	BOTH(r, "connect", c->connect(s->fd[i], (struct sockaddr *)&n.ss[i], n.len));
}

static void op_shutdown(struct run *r)
{
	/* Not reading: Linux resets a connection on data that comes after both, Leat does not. */
	static const int hows[] = {SHUT_WR, SHUT_WR, SHUT_WR, 3};
	struct slot *s = any_slot(r);
	int how = PICK(r, hows);

	given(r, "slot", s - r->slot, how, 0);
	BOTH(r, "shutdown", c->shutdown(s->fd[i], how));
}

static void op_close(struct run *r)
{
	struct slot *s = any_slot(r);

	given(r, "slot", s - r->slot, 0, 0);
	BOTH(r, "close", c->close(s->fd[i]));
	if (s->fd[KERNEL] != NOBODY)
		s->fd[KERNEL] = s->fd[LEAT] = -1;
}

static void op_recv(struct run *r)
{
	static const int flags[] = {
		0,       0,           MSG_PEEK,    MSG_TRUNC, MSG_PEEK | MSG_TRUNC,
		MSG_OOB, MSG_WAITALL, MSG_ERRQUEUE};
	struct slot *s = any_slot(r);
	int f = PICK(r, flags);
	size_t len = byte(r);
	char b[256];

	given(r, "slot", s - r->slot, (long)len, f);
	BOTH(r, "recv", c->recv(s->fd[i], b, len, f));
}

static void op_read(struct run *r)
{
	struct slot *s = any_slot(r);
	size_t len = byte(r);
	char b[256];

	given(r, "slot", s - r->slot, (long)len, 0);
	BOTH(r, "read", c->read(s->fd[i], b, len));
}

static void op_send(struct run *r)
{
	struct slot *s = any_slot(r);
	size_t len = byte(r);
	static const char b[256];

	given(r, "slot", s - r->slot, (long)len, 0);
	BOTH(r, "send", c->sendto(s->fd[i], b, len, MSG_NOSIGNAL, NULL, 0));
}

static void op_sendto(struct run *r)
{
	struct slot *s = any_slot(r);
	size_t len = byte(r);
	static const char b[256];
	struct name n;

	make_name(r, s, &n, true);
	s->used = true;
	given(r, "slot, family, length", s - r->slot, n.ss[KERNEL].ss_family, (long)n.len);
	BOTH(r, "sendto",
	     c->sendto(s->fd[i], b, len, MSG_NOSIGNAL, (struct sockaddr *)&n.ss[i], n.len));
}

static void op_getsockopt(struct run *r)
{
	struct slot *s = any_slot(r);
	const struct option *o = &PICK(r, options);
	socklen_t len[2];
	char v[2][64];
	unsigned size = byte(r) % 20;

	len[KERNEL] = len[LEAT] = size < 8 ? 4 : size - 8;
	given(r, "option", s - r->slot, o->level, o->name);
	BOTH(r, "getsockopt", c->getsockopt(s->fd[i], o->level, o->name, v[i], &len[i]));
	FUZZ_CHECK(len[KERNEL] == len[LEAT]);
}

static void op_setsockopt(struct run *r)
{
	static const int values[] = {0, 1, -1, 2, 17, 64, 127, 128, 255, 256, 1000, INT32_MAX};
	struct slot *s = any_slot(r);
	const struct option *o = &PICK(r, options);
	int v[5] = {PICK(r, values), PICK(r, values)};
	unsigned size = byte(r) % 20;
	socklen_t len = size < 8 ? 4 : size - 8;

	given(r, "option", o->level, o->name, v[0]);
	given(r, "slot, length", s - r->slot, (long)len, 0);
	BOTH(r, "setsockopt", c->setsockopt(s->fd[i], o->level, o->name, v, len));
}

static void op_names(struct run *r)
{
	struct slot *s = any_slot(r);
	struct sockaddr_storage ss;
	bool peer = byte(r) % 2;
	socklen_t len[2], size = byte(r) % 40;

	len[KERNEL] = len[LEAT] = size;
	if (peer)
		BOTH(r, "getpeername", c->getpeername(s->fd[i], (struct sockaddr *)&ss, &len[i]));
	else
		BOTH(r, "getsockname", c->getsockname(s->fd[i], (struct sockaddr *)&ss, &len[i]));
	FUZZ_CHECK(len[KERNEL] == len[LEAT]);
}

static void op_fcntl(struct run *r)
{
	struct slot *s = any_slot(r);

	switch (byte(r) % 5) {
	case 0:
		BOTH(r, "F_GETFL",
		     c->fcntl(s->fd[i], F_GETFL) < 0
			     ? -1
			     : (c->fcntl(s->fd[i], F_GETFL) & (O_NONBLOCK | O_ACCMODE)));
		break;
	case 1:
		BOTH(r, "F_SETFL", c->fcntl(s->fd[i], F_SETFL, O_NONBLOCK));
		break;
	case 2:
		BOTH(r, "F_GETFD", c->fcntl(s->fd[i], F_GETFD));
		break;
	case 3:
		BOTH(r, "F_SETFD", c->fcntl(s->fd[i], F_SETFD, FD_CLOEXEC));
		break;
	case 4:
		BOTH(r, "F_DUPFD", c->fcntl(s->fd[i], F_DUPFD, -1));
		break;
	}
}

static void op_ioctl(struct run *r)
{
	struct slot *s = any_slot(r);
	int v[2] = {0, 0};

	if (byte(r) % 4 == 3) {
		BOTH(r, "ioctl", c->ioctl(s->fd[i], 0x1234ul, &v[i]));
		return;
	}
	BOTH(r, "FIONREAD", c->ioctl(s->fd[i], FIONREAD, &v[i]));
	FUZZ_CHECK(v[KERNEL] == v[LEAT]);
}

static void op_dup(struct run *r)
{
	struct slot *from = any_slot(r), *s = free_slot(r);

	from->used = true;
	if (s)
		BOTH_FD(r, "dup", s, from->family, c->dup(from->fd[i]));
}

/* Onto another slot that is open. */
static void op_dup2(struct run *r)
{
	struct slot *from = any_slot(r), *to = any_slot(r);

	if (to->fd[KERNEL] < 0 || to->fd[KERNEL] == NOBODY)
		return;
	from->used = true;
	BOTH(r, "dup2", c->dup2(from->fd[i], to->fd[i]) < 0 ? -1 : 0);
	if (from->fd[KERNEL] >= 0 && from->fd[KERNEL] != NOBODY)
		to->family = from->family;
	to->used = true;
}

static void op_epoll_create(struct run *r)
{
	struct slot *s = free_slot(r);
	int flags = byte(r) % 8 == 7 ? 1 : EPOLL_CLOEXEC;

	if (s)
		BOTH_FD(r, "epoll_create1", s, AF_INET, c->epoll_create1(flags));
}

static void op_epoll_ctl(struct run *r)
{
	static const uint32_t masks[] = {0,
					 EPOLLIN,
					 EPOLLIN | EPOLLOUT,
					 EPOLLIN | EPOLLOUT | EPOLLRDHUP,
					 EPOLLOUT,
					 EPOLLIN | EPOLLET,
					 EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
					 EPOLLIN | EPOLLONESHOT,
					 EPOLLIN | EPOLLEXCLUSIVE,
					 EPOLLEXCLUSIVE | EPOLLRDHUP,
					 EPOLLEXCLUSIVE | EPOLLONESHOT,
					 EPOLLPRI | EPOLLRDNORM | EPOLLWRNORM | EPOLLRDBAND,
					 EPOLLIN | EPOLLWAKEUP};
	struct slot *ep = any_slot(r), *s = any_slot(r);
	int op = (int)(byte(r) % 5);
	struct epoll_event ev = {.events = PICK(r, masks)};

	ev.data.u64 = (uint64_t)(s - r->slot);
	given(r, "slot", ep - r->slot, op, s - r->slot);
	BOTH(r, "epoll_ctl", c->epoll_ctl(ep->fd[i], op, s->fd[i], op == 4 ? NULL : &ev));
}

/* Whatever their order. */
static bool same_events(const struct epoll_event *a, const struct epoll_event *b, ssize_t n)
{
	uint64_t in_a = 0, in_b = 0;

	for (ssize_t k = 0; k < n; k++) {
		in_a += (a[k].data.u64 + 1) << 32 | a[k].events;
		in_b += (b[k].data.u64 + 1) << 32 | b[k].events;
	}
	return in_a == in_b;
}

static void op_epoll_wait(struct run *r)
{
	struct epoll_event ev[2][3 * SLOTS];
	struct slot *ep = any_slot(r);
	int max = byte(r) % 8 == 7 ? (int)(byte(r) % 3) - 1 : (int)(3 * SLOTS);
	struct outcome o;

	settle();
	for (int i = 0; i < 2; i++) {
		errno = 0;
		o.rc[i] = sides[i].epoll_wait(ep->fd[i], ev[i], max, 0);
		o.err[i] = errno;
	}
	must_agree(r, "epoll_wait", &o);
	if (max > 1 && !same_events(ev[KERNEL], ev[LEAT], o.rc[KERNEL])) {
		for (ssize_t k = 0; k < o.rc[KERNEL]; k++)
			(void)fprintf(stderr, "kernel %#x of %u, Leat %#x of %u\n",
				      ev[KERNEL][k].events, ev[KERNEL][k].data.u32,
				      ev[LEAT][k].events, ev[LEAT][k].data.u32);
		abort();
	}
}

static void op_poll(struct run *r)
{
	struct pollfd p[2][SLOTS];
	short events = (short)(byte(r) | (byte(r) & 0x20) << 8);

	settle();
	for (unsigned k = 0; k < SLOTS; k++)
		for (int i = 0; i < 2; i++)
			p[i][k] = (struct pollfd){.fd = r->slot[k].fd[i], .events = events};
	(void)leat_poll(p[LEAT], SLOTS, 0);
	for (int t = 0; t < RETRIES; t++) {
		bool differ = false;

		(void)poll(p[KERNEL], SLOTS, 0);
		for (unsigned k = 0; k < SLOTS; k++)
			differ = differ || p[KERNEL][k].revents != p[LEAT][k].revents;
		if (!differ)
			break;
		(void)usleep(RETRY_US);
	}
	for (unsigned k = 0; k < SLOTS; k++) {
		if (r->trace || p[KERNEL][k].revents != p[LEAT][k].revents)
			(void)fprintf(stderr, "poll slot %u: kernel %#x, Leat %#x\n", k,
				      (unsigned)(unsigned short)p[KERNEL][k].revents,
				      (unsigned)(unsigned short)p[LEAT][k].revents);
		FUZZ_CHECK(p[KERNEL][k].revents == p[LEAT][k].revents);
	}
}

static void op_timeouts(struct run *r)
{
	static const struct timespec times[] = {{0, 0}, {0, -1}, {-1, 0}, {0, 1000000000}, {0, 0}};
	struct timespec ts = PICK(r, times);
	struct slot *s = any_slot(r);
	struct epoll_event ev[2];

	settle();
	if (byte(r) % 2)
		BOTH(r, "ppoll", c->ppoll(NULL, 0, &ts, NULL));
	else if (ts.tv_nsec != 0 || ts.tv_sec != 0)
		BOTH(r, "epoll_pwait2", c->epoll_pwait2(s->fd[i], &ev[i], 1, &ts, NULL));
}

static void (*const ops[])(struct run *) = {
	op_socket,       op_bind,      op_listen,     op_accept, op_connect,  op_shutdown,
	op_close,        op_recv,      op_read,       op_send,   op_sendto,   op_getsockopt,
	op_setsockopt,   op_names,     op_fcntl,      op_ioctl,  op_dup,      op_dup2,
	op_epoll_create, op_epoll_ctl, op_epoll_wait, op_poll,   op_timeouts,
};

#define OPS_MAX 64

/* ---- running ---- */

static void raise_loopback(void)
{
	struct ifreq ifr = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	FUZZ_CHECK(fd >= 0);
	FUZZ_CHECK(ioctl(fd, SIOCGIFFLAGS, &ifr) == 0);
	ifr.ifr_flags |= IFF_UP;
	FUZZ_CHECK(ioctl(fd, SIOCSIFFLAGS, &ifr) == 0);
	close(fd);
}

static void start(void)
{
	static const struct leat_config conf = {
		.name = "fuzz", .buffers_small = 4096, .buffers_big = 512, .max_sockets = 4096};

	FUZZ_CHECK(unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0);
	raise_loopback();
	if (leat_init(&conf) == 0)
		return;
	(void)fprintf(stderr, "fuzz_api: %s\n", leat_strerror());
	abort();
}

/* Nothing may be left: no connection that closes slowly, no port in use. */
static void end(struct run *r)
{
	const struct linger hard = {.l_onoff = 1};

	for (unsigned k = 0; k < SLOTS; k++) {
		struct slot *s = &r->slot[k];

		for (int i = 0; i < 2 && s->fd[i] >= 0; i++) {
			(void)sides[i].setsockopt(s->fd[i], SOL_SOCKET, SO_LINGER, &hard,
						  sizeof(hard));
			FUZZ_CHECK(sides[i].close(s->fd[i]) == 0);
		}
	}
	settle();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run r = {.p = data, .end = data + size, .trace = getenv("FUZZ_API_TRACE") != NULL};
	static bool started;

	if (!started)
		start();
	started = true;
	for (unsigned k = 0; k < SLOTS; k++)
		r.slot[k] = (struct slot){{-1, -1}, AF_INET, false};
	if (r.trace)
		(void)fprintf(stderr, "--\n");
	for (int n = 0; n < OPS_MAX && r.p < r.end; n++) {
		ops[byte(&r) % (sizeof(ops) / sizeof(ops[0]))](&r);
		settle();
	}
	end(&r);
	return 0;
}
