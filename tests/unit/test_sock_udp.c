/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP sockets against the kernel's: each case runs once on the kernel's loopback and once on
 * Leat's, and notes what calls return; the notes must be the same. Control messages both ways, the
 * error queue, segmentation and joining, many messages in one call, options, multicast.
 */
#include "sockhost.h"

#include "api/current.h"
#include "inet/inet.h"

#include <leat/poll.h>
#include <leat/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

struct calls {
	int (*socket)(int, int, int);
	int (*bind)(int, const struct sockaddr *, socklen_t);
	int (*connect)(int, const struct sockaddr *, socklen_t);
	int (*close)(int);
	ssize_t (*sendmsg)(int, const struct msghdr *, int);
	ssize_t (*recvmsg)(int, struct msghdr *, int);
	int (*sendmmsg)(int, struct mmsghdr *, unsigned, int);
	int (*recvmmsg)(int, struct mmsghdr *, unsigned, int, struct timespec *);
	int (*setsockopt)(int, int, int, const void *, socklen_t);
	int (*getsockopt)(int, int, int, void *, socklen_t *);
	int (*getsockname)(int, struct sockaddr *, socklen_t *);
	int (*poll)(struct pollfd *, nfds_t, int);
	unsigned (*index)(const char *);
};

static int k_recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *t)
{
	return recvmmsg(fd, m, n, flags, t);
}

static int k_sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags)
{
	return sendmmsg(fd, m, n, flags);
}

static int k_poll(struct pollfd *p, nfds_t n, int timeout)
{
	return poll(p, n, timeout);
}

static ssize_t k_recvmsg(int fd, struct msghdr *m, int flags)
{
	return recvmsg(fd, m, flags);
}

static const struct calls kernel_calls = {
	socket,     bind,       connect,    close,       sendmsg, k_recvmsg,      k_sendmmsg,
	k_recvmmsg, setsockopt, getsockopt, getsockname, k_poll,  if_nametoindex,
};

static const struct calls leat_calls = {
	leat_socket,      leat_bind,     leat_connect,        leat_close,      leat_sendmsg,
	leat_recvmsg,     leat_sendmmsg, leat_recvmmsg,       leat_setsockopt, leat_getsockopt,
	leat_getsockname, leat_poll,     leat_if_nametoindex,
};

struct log {
	unsigned n;
	char line[1500][160];
};

struct run {
	const struct calls *c;
	struct sockhost *host; /* NULL: the kernel's run */
	struct log *log;
	bool v6;
};

__attribute__((format(printf, 2, 3))) static void note(struct run *r, const char *fmt, ...)
{
	va_list ap;

	assert_true(r->log->n < ARRAY_LEN(r->log->line));
	va_start(ap, fmt);
	(void)vsnprintf(r->log->line[r->log->n++], sizeof(r->log->line[0]), fmt, ap);
	va_end(ap);
}

#define NOTE(r, what, call) \
	do { \
		ssize_t rc_; \
		errno = 0; \
		rc_ = (ssize_t)(call); \
		note(r, "%d %s: %zd %s", __LINE__, what, rc_, \
		     rc_ < 0 ? strerrorname_np(errno) : ""); \
	} while (0)

static void settle(struct run *r)
{
	if (r->host)
		sockhost_run(r->host);
	else
		usleep(3000);
}

union name {
	struct sockaddr sa;
	struct sockaddr_in sin;
	struct sockaddr_in6 sin6;
	struct sockaddr_storage ss;
};

static socklen_t name_of(union name *n, const struct ipaddr *a, uint16_t port)
{
	memset(n, 0, sizeof(*n));
	if (ipaddr_is_v4(a)) {
		n->sin.sin_family = AF_INET;
		n->sin.sin_port = htons(port);
		store_be32(&n->sin.sin_addr, ipaddr_to_v4(a));
		return sizeof(n->sin);
	}
	n->sin6.sin6_family = AF_INET6;
	n->sin6.sin6_port = htons(port);
	memcpy(&n->sin6.sin6_addr, a->b, 16);
	return sizeof(n->sin6);
}

static struct ipaddr loopback(bool v6)
{
	return v6 ? ipaddr_loopback6() : ipaddr_loopback4();
}

/* A socket bound to a (port: any), with its name. */
static int bound(struct run *r, const struct ipaddr *a, union name *n, socklen_t *len)
{
	int fd = r->c->socket(ipaddr_is_v4(a) ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	*len = name_of(n, a, 0);
	assert_int_equal(r->c->bind(fd, &n->sa, *len), 0);
	*len = sizeof(*n);
	assert_int_equal(r->c->getsockname(fd, &n->sa, len), 0);
	return fd;
}

static int set_int(struct run *r, int fd, int level, int name, int v)
{
	return r->c->setsockopt(fd, level, name, &v, sizeof(v));
}

/* ---- messages ---- */

struct message {
	char data[4096];
	union name name;
	_Alignas(struct cmsghdr) char control[512];
	struct iovec iov;
	struct msghdr h;
};

static void message_init(struct message *m, size_t len)
{
	memset(m, 0, sizeof(*m));
	memset(m->data, 'd', sizeof(m->data));
	m->iov = (struct iovec){m->data, len};
	m->h = (struct msghdr){.msg_iov = &m->iov, .msg_iovlen = 1};
}

static void add_control(struct message *m, int level, int type, const void *v, size_t len)
{
	struct cmsghdr h = {.cmsg_level = level, .cmsg_type = type, .cmsg_len = CMSG_LEN(len)};
	char *p = m->control + m->h.msg_controllen;

	memcpy(p, &h, sizeof(h));
	memcpy(p + CMSG_LEN(0), v, len);
	m->h.msg_control = m->control;
	m->h.msg_controllen += CMSG_SPACE(len);
}

static void add_int(struct message *m, int level, int type, int v)
{
	add_control(m, level, type, &v, sizeof(v));
}

static ssize_t send_to(struct run *r, int fd, struct message *m, const union name *to,
		       socklen_t len)
{
	m->name = *to;
	m->h.msg_name = &m->name;
	m->h.msg_namelen = len;
	return r->c->sendmsg(fd, &m->h, 0);
}

/* Bytes of a control message that are the same on both stacks: interface numbers and times are not,
 * ports are drawn. */
static void note_control(struct run *r, const struct cmsghdr *h)
{
	unsigned char d[128] = {0};
	size_t n = h->cmsg_len - CMSG_LEN(0);
	char hex[2 * 64 + 1] = "";

	assert_true(n <= sizeof(d));
	memcpy(d, (const char *)h + CMSG_LEN(0), n);
	if (h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_PKTINFO)
		memset(d, 0, 4);
	if (h->cmsg_level == IPPROTO_IPV6 && h->cmsg_type == IPV6_PKTINFO)
		memset(d + 16, 0, 4);
	if ((h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_ORIGDSTADDR) ||
	    (h->cmsg_level == IPPROTO_IPV6 && h->cmsg_type == IPV6_ORIGDSTADDR))
		memset(d + 2, 0, 2);
	if (h->cmsg_level == SOL_SOCKET) {
		struct timespec ts;

		memcpy(&ts, d, sizeof(ts));
		/* Now, in seconds and not a wild fraction. */
		note(r, "  stamp type %d len %zu near %d", h->cmsg_type, n,
		     h->cmsg_type == SO_RXQ_OVFL
			     ? d[0]
			     : ts.tv_sec - time(NULL) >= -2 && ts.tv_sec - time(NULL) <= 1);
		return;
	}
	for (size_t i = 0; i < n && i < 64; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", d[i]);
	note(r, "  cmsg %d %d len %zu %s", h->cmsg_level, h->cmsg_type, n, hex);
}

static void receive_with(struct run *r, int fd, int flags, size_t room)
{
	struct message m;
	ssize_t rc;

	message_init(&m, sizeof(m.data));
	m.h.msg_name = &m.name;
	m.h.msg_namelen = sizeof(m.name);
	m.h.msg_control = m.control;
	m.h.msg_controllen = room;
	errno = 0;
	rc = r->c->recvmsg(fd, &m.h, flags);
	note(r, "recvmsg %zd %s flags %x name %u family %d control %zu", rc,
	     rc < 0 ? strerrorname_np(errno) : "", rc < 0 ? 0 : (unsigned)m.h.msg_flags,
	     rc < 0 ? 0 : m.h.msg_namelen, m.name.sa.sa_family, rc < 0 ? 0 : m.h.msg_controllen);
	if (rc < 0)
		return;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m.h); h; h = CMSG_NXTHDR(&m.h, h))
		note_control(r, h);
}

static void receive(struct run *r, int fd, int flags)
{
	receive_with(r, fd, flags, sizeof(((struct message *)0)->control));
}

static void note_poll(struct run *r, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI};

	assert_true(r->c->poll(&p, 1, 0) >= 0);
	note(r, "poll %x", (unsigned)p.revents);
}

static void note_error(struct run *r, int fd)
{
	socklen_t len = sizeof(int);
	int v = -1;

	assert_int_equal(r->c->getsockopt(fd, SOL_SOCKET, SO_ERROR, &v, &len), 0);
	note(r, "SO_ERROR %s", v ? strerrorname_np(v) : "0");
}

/* ---- cases ---- */

static void ask_everything(struct run *r, int fd, bool v6)
{
	NOTE(r, "pktinfo", set_int(r, fd, IPPROTO_IP, IP_PKTINFO, 1));
	NOTE(r, "ttl", set_int(r, fd, IPPROTO_IP, IP_RECVTTL, 1));
	NOTE(r, "tos", set_int(r, fd, IPPROTO_IP, IP_RECVTOS, 1));
	NOTE(r, "origdst", set_int(r, fd, IPPROTO_IP, IP_RECVORIGDSTADDR, 1));
	NOTE(r, "stamp", set_int(r, fd, SOL_SOCKET, SO_TIMESTAMPNS, 1));
	if (!v6)
		return;
	NOTE(r, "pktinfo6", set_int(r, fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1));
	NOTE(r, "hops", set_int(r, fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1));
	NOTE(r, "tclass", set_int(r, fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1));
	NOTE(r, "origdst6", set_int(r, fd, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, 1));
}

static void case_receive_control(struct run *r)
{
	struct ipaddr lo = loopback(r->v6);
	union name n, from;
	socklen_t len, flen;
	int a = bound(r, &lo, &n, &len), b = bound(r, &lo, &from, &flen);
	struct message m;

	ask_everything(r, a, r->v6);
	for (int i = 0; i < 3; i++) {
		message_init(&m, 5);
		NOTE(r, "send", send_to(r, b, &m, &n, len));
		settle(r);
		receive_with(r, a, 0, i == 0 ? sizeof(m.control) : i == 1 ? 0 : 20);
	}
	/* Microseconds instead, and one option less. */
	NOTE(r, "stamp", set_int(r, a, SOL_SOCKET, SO_TIMESTAMP, 1));
	NOTE(r, "no pktinfo", set_int(r, a, IPPROTO_IP, IP_PKTINFO, 0));
	NOTE(r, "hops", set_int(r, b, IPPROTO_IP, IP_TTL, 33));
	NOTE(r, "tos", set_int(r, b, IPPROTO_IP, IP_TOS, 0x28));
	if (r->v6) {
		NOTE(r, "hops", set_int(r, b, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 33));
		NOTE(r, "tclass", set_int(r, b, IPPROTO_IPV6, IPV6_TCLASS, 0x28));
	}
	message_init(&m, 5);
	NOTE(r, "send", send_to(r, b, &m, &n, len));
	settle(r);
	receive(r, a, 0);
	r->c->close(a);
	r->c->close(b);
}

/* An IPv6 socket that an IPv4 one talks to. */
static void case_mapped(struct run *r)
{
	struct ipaddr any = ipaddr_any6(), lo = ipaddr_loopback4();
	union name n, to, from;
	socklen_t len, flen;
	struct message m;
	int a, b;

	if (!r->v6)
		return;
	a = bound(r, &any, &n, &len);
	b = bound(r, &lo, &from, &flen);
	ask_everything(r, a, true);
	len = name_of(&to, &lo, ntohs(n.sin6.sin6_port));
	message_init(&m, 5);
	NOTE(r, "send", send_to(r, b, &m, &to, len));
	settle(r);
	receive(r, a, 0);
	/* And back, with IPv4's control messages. */
	len = name_of(&to, &any, ntohs(from.sin.sin_port));
	memcpy(&to.sin6.sin6_addr, lo.b, 16);
	message_init(&m, 5);
	add_int(&m, IPPROTO_IP, IP_TTL, 7);
	NOTE(r, "ttl", set_int(r, b, IPPROTO_IP, IP_RECVTTL, 1));
	NOTE(r, "back", send_to(r, a, &m, &to, len));
	settle(r);
	receive(r, b, 0);
	r->c->close(a);
	r->c->close(b);
}

static void case_send_control(struct run *r)
{
	static const struct {
		int level, type;
		int v;
		size_t len;
	} rows[] = {
		{IPPROTO_IP, IP_TTL, 1, 4},
		{IPPROTO_IP, IP_TTL, 0, 4},
		{IPPROTO_IP, IP_TTL, 256, 4},
		{IPPROTO_IP, IP_TTL, 5, 1},
		{IPPROTO_IP, IP_TOS, 0x20, 4},
		{IPPROTO_IP, IP_TOS, 0x24, 1},
		{IPPROTO_IP, IP_TOS, 256, 4},
		{IPPROTO_IP, 77, 1, 4},
		{IPPROTO_IPV6, IPV6_HOPLIMIT, 9, 4},
		{IPPROTO_IPV6, IPV6_HOPLIMIT, -1, 4},
		{IPPROTO_IPV6, IPV6_HOPLIMIT, 256, 4},
		{IPPROTO_IPV6, IPV6_TCLASS, 0x30, 4},
		{IPPROTO_IPV6, IPV6_TCLASS, 256, 4},
		{IPPROTO_IPV6, IPV6_TCLASS, 1, 1},
		{IPPROTO_IPV6, IPV6_DONTFRAG, 1, 4},
		{IPPROTO_IPV6, 177, 1, 4},
		{IPPROTO_UDP, UDP_SEGMENT, 2, 4},
		{IPPROTO_UDP, 1, 2, 2},
		{IPPROTO_TCP, 5, 5, 4},
	};
	struct ipaddr lo = loopback(r->v6);
	union name n, from;
	socklen_t len, flen;
	int a = bound(r, &lo, &n, &len), b = bound(r, &lo, &from, &flen);
	struct cmsghdr bad = {.cmsg_level = IPPROTO_IP, .cmsg_type = IP_TTL, .cmsg_len = 3};
	struct message m;

	ask_everything(r, a, r->v6);
	NOTE(r, "no stamp", set_int(r, a, SOL_SOCKET, SO_TIMESTAMPNS, 0));
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		message_init(&m, 5);
		add_control(&m, rows[i].level, rows[i].type, &rows[i].v, rows[i].len);
		note(r, "row %u", i);
		NOTE(r, "send", send_to(r, b, &m, &n, len));
		settle(r);
		receive(r, a, 0);
	}
	/* Lengths that lie. */
	for (unsigned i = 0; i < 3; i++) {
		message_init(&m, 5);
		bad.cmsg_len = i == 0 ? 3 : i == 1 ? 0 : 4000;
		memcpy(m.control, &bad, sizeof(bad));
		m.h.msg_control = m.control;
		m.h.msg_controllen = sizeof(bad) + 4;
		NOTE(r, "bad", send_to(r, b, &m, &n, len));
	}
	r->c->close(a);
	r->c->close(b);
}

/* A source that the control message chooses. */
static void case_source(struct run *r)
{
	struct ipaddr any = r->v6 ? ipaddr_any6() : ipaddr_any4(), lo = loopback(r->v6);
	union name n, from;
	socklen_t len, flen;
	int a = bound(r, &lo, &n, &len), b = bound(r, &any, &from, &flen);
	struct in6_pktinfo p6 = {.ipi6_addr = IN6ADDR_LOOPBACK_INIT};
	struct in_pktinfo p4 = {.ipi_ifindex = 0};

	for (unsigned i = 0; i < 5; i++) {
		struct message m;

		message_init(&m, 5);
		store_be32(&p4.ipi_spec_dst, i == 0   ? 0x7f000005
					     : i == 1 ? 0x01020304
						      : 0x7f000001);
		p6.ipi6_addr.s6_addr[0] = i == 1 ? 0x20 : 0;
		p4.ipi_ifindex = i == 3 ? (int)r->c->index("lo") : i == 4 ? 4711 : 0;
		p6.ipi6_ifindex = (unsigned)p4.ipi_ifindex;
		if (r->v6)
			add_control(&m, IPPROTO_IPV6, IPV6_PKTINFO, &p6, sizeof(p6));
		else
			add_control(&m, IPPROTO_IP, IP_PKTINFO, &p4, sizeof(p4));
		if (i == 4) /* which error an unknown interface gives is Linux's own affair */
			note(r, "fails %d", send_to(r, b, &m, &n, len) < 0);
		else
			NOTE(r, "send", send_to(r, b, &m, &n, len));
		settle(r);
		message_init(&m, 16);
		m.h.msg_name = &m.name;
		m.h.msg_namelen = sizeof(m.name);
		if (r->c->recvmsg(a, &m.h, 0) >= 0 && !r->v6)
			note(r, "from %08x", load_be32(&m.name.sin.sin_addr));
		else if (r->v6)
			note(r, "from %02x..%02x", m.name.sin6.sin6_addr.s6_addr[0],
			     m.name.sin6.sin6_addr.s6_addr[15]);
	}
	r->c->close(a);
	r->c->close(b);
}

static void case_errors(struct run *r)
{
	int level = r->v6 ? IPPROTO_IPV6 : IPPROTO_IP, opt = r->v6 ? IPV6_RECVERR : IP_RECVERR;
	struct ipaddr lo = loopback(r->v6);
	union name n, from;
	socklen_t len, flen;
	int a = bound(r, &lo, &n, &len), b = bound(r, &lo, &from, &flen);
	struct message m;

	r->c->close(a); /* a port that was, and that nobody has now */
	note_poll(r, b);
	receive(r, b, MSG_ERRQUEUE);
	/* Not connected, not asked for: silence. */
	message_init(&m, 7);
	NOTE(r, "send", send_to(r, b, &m, &n, len));
	settle(r);
	note_poll(r, b);
	note_error(r, b);
	/* Asked for. */
	NOTE(r, "recverr", set_int(r, b, level, opt, 1));
	NOTE(r, "send", send_to(r, b, &m, &n, len));
	settle(r);
	note_poll(r, b);
	note_error(r, b);
	note_poll(r, b);
	receive(r, b, MSG_ERRQUEUE);
	note_poll(r, b);
	receive(r, b, MSG_ERRQUEUE);
	/* Two; the pending error follows the queue. */
	NOTE(r, "send", send_to(r, b, &m, &n, len));
	settle(r);
	NOTE(r, "send", send_to(r, b, &m, &n, len));
	NOTE(r, "send", send_to(r, b, &m, &n, len));
	settle(r);
	receive(r, b, MSG_ERRQUEUE);
	note_error(r, b);
	receive(r, b, MSG_ERRQUEUE);
	note_error(r, b);
	note_poll(r, b);
	/* Connected: refused at the next call, once. */
	NOTE(r, "no recverr", set_int(r, b, level, opt, 0));
	NOTE(r, "connect", r->c->connect(b, &n.sa, len));
	message_init(&m, 7);
	NOTE(r, "send", r->c->sendmsg(b, &m.h, 0));
	settle(r);
	note_poll(r, b);
	NOTE(r, "send", r->c->sendmsg(b, &m.h, 0));
	settle(r);
	receive(r, b, 0);
	receive(r, b, 0);
	note_poll(r, b);
	r->c->close(b);
}

/* Too big for anything: a local error. */
static void case_too_big(struct run *r)
{
	int level = r->v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	struct ipaddr lo = loopback(r->v6);
	union name n, from;
	socklen_t len, flen;
	int a = bound(r, &lo, &n, &len), b = bound(r, &lo, &from, &flen);
	static char big[70000];
	struct message m;

	for (int disc = -1; disc <= 6; disc++) {
		int v = -1;
		socklen_t vlen = sizeof(v);

		NOTE(r, "discover",
		     set_int(r, b, level, r->v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, disc));
		NOTE(r, "get",
		     r->c->getsockopt(b, level, r->v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &v,
				      &vlen));
		note(r, "%d", v);
		message_init(&m, 100);
		NOTE(r, "send", send_to(r, b, &m, &n, len));
		settle(r);
		receive(r, a, 0);
		m.iov = (struct iovec){big, 65529};
		NOTE(r, "too big", send_to(r, b, &m, &n, len));
	}
	r->c->close(a);
	r->c->close(b);
}

static void drain(struct run *r, int fd)
{
	for (unsigned i = 0; i < 200; i++) {
		struct message m;
		ssize_t rc;

		message_init(&m, sizeof(m.data));
		rc = r->c->recvmsg(fd, &m.h, MSG_TRUNC);
		if (rc < 0)
			break;
		note(r, "got %zd", rc);
	}
}

static void case_segment(struct run *r)
{
	static const struct {
		int option; /* -1: leave */
		int control;
		size_t len;
	} rows[] = {
		{-1, -1, 100}, {100, -1, 100}, {100, -1, 99}, {100, -1, 350}, {100, 50, 120},
		{-1, 0, 120},  {1, -1, 20},    {100, -1, 0},  {1, -1, 200},   {-1, 1000, 3000},
		{0, -1, 300},  {70000, -1, 1}, {-5, -1, 1},
	};
	struct ipaddr lo = loopback(r->v6);
	union name n, from;
	socklen_t len, flen;
	int a = bound(r, &lo, &n, &len), b = bound(r, &lo, &from, &flen);

	for (unsigned gro = 0; gro < 2; gro++) {
		NOTE(r, "gro", set_int(r, a, IPPROTO_UDP, UDP_GRO, (int)gro));
		for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
			uint16_t seg = (uint16_t)rows[i].control;
			struct message m;

			note(r, "row %u", i);
			if (rows[i].option != -1)
				NOTE(r, "segment",
				     set_int(r, b, IPPROTO_UDP, UDP_SEGMENT, rows[i].option));
			message_init(&m, rows[i].len);
			if (rows[i].control >= 0)
				add_control(&m, IPPROTO_UDP, UDP_SEGMENT, &seg, sizeof(seg));
			NOTE(r, "send", send_to(r, b, &m, &n, len));
			settle(r);
			if (gro)
				receive(r, a, 0);
			drain(r, a);
		}
	}
	r->c->close(a);
	r->c->close(b);
}

static void case_many(struct run *r)
{
	struct ipaddr lo = loopback(r->v6);
	union name n, from;
	socklen_t len, flen;
	int a = bound(r, &lo, &n, &len), b = bound(r, &lo, &from, &flen);
	struct timespec now = {0}, wrong = {.tv_nsec = -1};
	static struct message m[8];
	struct mmsghdr v[8];

	assert_int_equal(r->c->connect(b, &n.sa, len), 0);
	for (unsigned i = 0; i < 8; i++) {
		message_init(&m[i], i * 10);
		v[i] = (struct mmsghdr){.msg_hdr = m[i].h};
	}
	NOTE(r, "none", r->c->sendmmsg(b, v, 0, 0));
	NOTE(r, "eight", r->c->sendmmsg(b, v, 8, 0));
	for (unsigned i = 0; i < 8; i++)
		note(r, "sent %u", v[i].msg_len);
	settle(r);
	for (unsigned i = 0; i < 8; i++) {
		message_init(&m[i], 35);
		m[i].h.msg_name = &m[i].name;
		m[i].h.msg_namelen = sizeof(m[i].name);
		v[i] = (struct mmsghdr){.msg_hdr = m[i].h};
	}
	NOTE(r, "three", r->c->recvmmsg(a, v, 3, 0, NULL));
	NOTE(r, "bad time", r->c->recvmmsg(a, v, 3, 0, &wrong));
	NOTE(r, "one", r->c->recvmmsg(a, v + 3, 5, 0, &now));
	NOTE(r, "rest", r->c->recvmmsg(a, v + 4, 4, MSG_WAITFORONE, NULL));
	NOTE(r, "no more", r->c->recvmmsg(a, v, 8, 0, NULL));
	for (unsigned i = 0; i < 8; i++)
		note(r, "len %u flags %x name %u", v[i].msg_len, (unsigned)v[i].msg_hdr.msg_flags,
		     v[i].msg_hdr.msg_namelen);
	/* The second of three cannot be sent. */
	for (unsigned i = 0; i < 3; i++)
		message_init(&m[i], 10);
	add_int(&m[1], IPPROTO_UDP, 99, 1);
	for (unsigned i = 0; i < 3; i++)
		v[i] = (struct mmsghdr){.msg_hdr = m[i].h};
	NOTE(r, "second bad", r->c->sendmmsg(b, v, 3, 0));
	NOTE(r, "first bad", r->c->sendmmsg(b, v + 1, 2, 0));
	r->c->close(a);
	r->c->close(b);
}

static void case_options(struct run *r)
{
	static const struct {
		int level, name;
	} rows[] = {
		{IPPROTO_IP, IP_RECVERR},
		{IPPROTO_IP, IP_MTU_DISCOVER},
		{IPPROTO_IP, IP_RECVORIGDSTADDR},
		{IPPROTO_IP, IP_MULTICAST_TTL},
		{IPPROTO_IP, IP_MULTICAST_LOOP},
		{IPPROTO_IP, IP_MULTICAST_ALL},
		{IPPROTO_IPV6, IPV6_RECVERR},
		{IPPROTO_IPV6, IPV6_MTU_DISCOVER},
		{IPPROTO_IPV6, IPV6_DONTFRAG},
		{IPPROTO_IPV6, IPV6_RECVORIGDSTADDR},
		{IPPROTO_IPV6, IPV6_MULTICAST_HOPS},
		{IPPROTO_IPV6, IPV6_MULTICAST_LOOP},
		{IPPROTO_IPV6, IPV6_MULTICAST_ALL},
		{IPPROTO_UDP, UDP_SEGMENT},
		{IPPROTO_UDP, UDP_GRO},
		{SOL_SOCKET, SO_TIMESTAMP},
		{SOL_SOCKET, SO_TIMESTAMPNS},
		{SOL_SOCKET, SO_RXQ_OVFL},
		{IPPROTO_IP, IP_MTU},
	};
	static const int values[] = {-2, -1, 0, 1, 2, 255, 256, 70000};
	int fd = r->c->socket(r->v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		for (unsigned k = 0; k <= ARRAY_LEN(values); k++) {
			socklen_t len = sizeof(int);
			int v = 4711;

			note(r, "option %d %d value %d", rows[i].level, rows[i].name,
			     k ? values[k - 1] : 0);
			if (k)
				NOTE(r, "set",
				     set_int(r, fd, rows[i].level, rows[i].name, values[k - 1]));
			NOTE(r, "get", r->c->getsockopt(fd, rows[i].level, rows[i].name, &v, &len));
			note(r, "%d %d value %d: %d %u", rows[i].level, rows[i].name,
			     k ? values[k - 1] : 0, v, len);
		}
	}
	r->c->close(fd);
}

/* ---- multicast, on the loopback interface ---- */

static struct ipaddr group_addr(bool v6, unsigned i)
{
	uint8_t g6[16] = {0xff, 0x05, [14] = 0x47, [15] = (uint8_t)i};

	return v6 ? ipaddr_v6(g6) : ipaddr_v4(0xefff4700u + i);
}

static int membership(struct run *r, int fd, const struct ipaddr *g, bool in)
{
	struct ip_mreq m4 = {.imr_interface.s_addr = htonl(INADDR_LOOPBACK)};
	struct ipv6_mreq m6 = {.ipv6mr_interface = r->c->index("lo")};

	if (r->v6) {
		memcpy(&m6.ipv6mr_multiaddr, g->b, 16);
		return r->c->setsockopt(fd, IPPROTO_IPV6, in ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP,
					&m6, sizeof(m6));
	}
	memcpy(&m4.imr_multiaddr, &g->b[12], 4);
	return r->c->setsockopt(fd, IPPROTO_IP, in ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &m4,
				sizeof(m4));
}

static int source_op(struct run *r, int fd, int name, const struct ipaddr *g,
		     const struct ipaddr *src)
{
	struct group_source_req q = {.gsr_interface = r->c->index("lo")};
	union name n;

	(void)name_of(&n, g, 0);
	memcpy(&q.gsr_group, &n, sizeof(q.gsr_group));
	(void)name_of(&n, src, 0);
	memcpy(&q.gsr_source, &n, sizeof(q.gsr_source));
	return r->c->setsockopt(fd, r->v6 ? IPPROTO_IPV6 : IPPROTO_IP, name, &q, sizeof(q));
}

static int use_loopback(struct run *r, int fd)
{
	struct in_addr a = {.s_addr = htonl(INADDR_LOOPBACK)};

	if (r->v6)
		return set_int(r, fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)r->c->index("lo"));
	return r->c->setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &a, sizeof(a));
}

/* Send to the group, and see whether fd hears it. */
static void try_group(struct run *r, int from, int fd, const struct ipaddr *g, uint16_t port)
{
	struct message m;
	union name n;
	socklen_t len = name_of(&n, g, port);

	message_init(&m, 9);
	NOTE(r, "send", send_to(r, from, &m, &n, len));
	settle(r);
	message_init(&m, 20);
	NOTE(r, "recv", r->c->recvmsg(fd, &m.h, 0));
}

static void case_groups(struct run *r)
{
	struct ipaddr any = r->v6 ? ipaddr_any6() : ipaddr_any4(), lo = loopback(r->v6);
	struct ipaddr g = group_addr(r->v6, 1), other = group_addr(r->v6, 2);
	union name n, from;
	socklen_t len, flen;
	int a = bound(r, &any, &n, &len), b = bound(r, &lo, &from, &flen);
	uint16_t port = ntohs(n.sin.sin_port); /* at the same place for both families */

	NOTE(r, "iface", use_loopback(r, b));
	NOTE(r, "join", membership(r, a, &g, true));
	try_group(r, b, a, &g, port);
	NOTE(r, "again", membership(r, a, &g, true));
	NOTE(r, "not a group", membership(r, a, &lo, true));
	NOTE(r, "leave other", membership(r, a, &other, false));
	/* IP_MULTICAST_ALL: another socket's group is heard too, unless that is off. */
	NOTE(r, "other's", membership(r, b, &other, true));
	try_group(r, b, a, &other, port);
	NOTE(r, "not all",
	     set_int(r, a, r->v6 ? IPPROTO_IPV6 : IPPROTO_IP,
		     r->v6 ? IPV6_MULTICAST_ALL : IP_MULTICAST_ALL, 0));
	try_group(r, b, a, &other, port);
	try_group(r, b, a, &g, port);
	/* Nothing for ourselves. */
	NOTE(r, "no loop",
	     set_int(r, b, r->v6 ? IPPROTO_IPV6 : IPPROTO_IP,
		     r->v6 ? IPV6_MULTICAST_LOOP : IP_MULTICAST_LOOP, 0));
	NOTE(r, "leave", membership(r, a, &g, false));
	NOTE(r, "leave again", membership(r, a, &g, false));
	r->c->close(a);
	r->c->close(b);
}

static void case_sources(struct run *r)
{
	struct ipaddr any = r->v6 ? ipaddr_any6() : ipaddr_any4(), lo = loopback(r->v6);
	struct ipaddr g = group_addr(r->v6, 3), far = lo;
	union name n, from;
	socklen_t len, flen;
	int a = bound(r, &any, &n, &len), b = bound(r, &lo, &from, &flen);
	uint16_t port = ntohs(n.sin.sin_port);

	far.b[15] = 77;
	NOTE(r, "iface", use_loopback(r, b));
	/* Everybody but. */
	NOTE(r, "block early", source_op(r, a, MCAST_BLOCK_SOURCE, &g, &lo));
	NOTE(r, "join", membership(r, a, &g, true));
	NOTE(r, "block", source_op(r, a, MCAST_BLOCK_SOURCE, &g, &lo));
	try_group(r, b, a, &g, port);
	NOTE(r, "block again", source_op(r, a, MCAST_BLOCK_SOURCE, &g, &lo));
	NOTE(r, "wrong mode", source_op(r, a, MCAST_JOIN_SOURCE_GROUP, &g, &lo));
	NOTE(r, "unblock", source_op(r, a, MCAST_UNBLOCK_SOURCE, &g, &lo));
	NOTE(r, "unblock again", source_op(r, a, MCAST_UNBLOCK_SOURCE, &g, &lo));
	try_group(r, b, a, &g, port);
	NOTE(r, "leave", membership(r, a, &g, false));
	/* Nobody but. */
	NOTE(r, "join far", source_op(r, a, MCAST_JOIN_SOURCE_GROUP, &g, &far));
	try_group(r, b, a, &g, port);
	NOTE(r, "join lo", source_op(r, a, MCAST_JOIN_SOURCE_GROUP, &g, &lo));
	NOTE(r, "join lo again", source_op(r, a, MCAST_JOIN_SOURCE_GROUP, &g, &lo));
	try_group(r, b, a, &g, port);
	NOTE(r, "block", source_op(r, a, MCAST_BLOCK_SOURCE, &g, &lo));
	NOTE(r, "leave lo", source_op(r, a, MCAST_LEAVE_SOURCE_GROUP, &g, &lo));
	try_group(r, b, a, &g, port);
	NOTE(r, "leave far", source_op(r, a, MCAST_LEAVE_SOURCE_GROUP, &g, &far));
	NOTE(r, "gone", membership(r, a, &g, false));
	r->c->close(a);
	r->c->close(b);
}

/* ---- running ---- */

/* kernel_v6: the family of the kernel's run. */
static void run_both(void (*fn)(struct run *), bool v6, bool kernel_v6)
{
	static struct log kernel_log, leat_log;
	struct run k = {.c = &kernel_calls, .log = &kernel_log, .v6 = kernel_v6};
	struct run l = {.c = &leat_calls, .log = &leat_log, .v6 = v6};
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
			print_error("after   %s\nkernel  %s\nleat    %s\n",
				    i ? kernel_log.line[i - 1] : "", kernel_log.line[i],
				    leat_log.line[i]);
	assert_int_equal(kernel_log.n, leat_log.n);
	assert_int_equal(bad, 0);
}

#define CASES(X) \
	X(receive_control) \
	X(mapped) \
	X(send_control) \
	X(source) \
	X(errors) \
	X(too_big) \
	X(segment) \
	X(many) \
	X(options)

/* The kernel has no route for IPv6 multicast on its loopback: IPv6 must do as its IPv4 does. */
#define GROUP_CASES(X) \
	X(groups) \
	X(sources)

#define TEST(name, suffix, v6, kernel_v6) \
	static void test_##name##suffix(void **state) \
	{ \
		(void)state; \
		run_both(case_##name, v6, kernel_v6); \
	}
#define X(name) TEST(name, 4, false, false) TEST(name, 6, true, true)
CASES(X)
#undef X
#define X(name) TEST(name, 4, false, false) TEST(name, 6, true, false)
GROUP_CASES(X)
#undef X

int main(void)
{
	const struct CMUnitTest tests[] = {
#define X(name) cmocka_unit_test(test_##name##4), cmocka_unit_test(test_##name##6),
		CASES(X) GROUP_CASES(X)
#undef X
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
