/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * getsockopt and setsockopt, and the options whose value is an int. Names, sizes, limits and errors
 * are Linux's (socket(7), ip(7), ipv6(7), tcp(7), udp(7)). Options that shape nothing here
 * (priority, mark) are kept and read back. Worker thread.
 */
#include "sock/opt.h"

#include <stddef.h>
#include <string.h>

#define BUF_MAX    (32u << 20)
#define RCVBUF_MIN 2304u /* Linux's SOCK_MIN_RCVBUF and SOCK_MIN_SNDBUF */
#define SNDBUF_MIN 4608u

static int get_flag(struct socket *so, const struct opt_row *row, int *v)
{
	*v = (so->flags & row->arg) != 0;
	return 0;
}

static int set_flag(struct socket *so, const struct opt_row *row, int v)
{
	so->flags &= ~row->arg;
	so->flags |= v ? row->arg : 0;
	return 0;
}

static int set_v6only(struct socket *so, const struct opt_row *row, int v)
{
	if (so->flags & SOF_BOUND || so->phase != SOCK_NEW)
		return -EINVAL;
	return set_flag(so, row, v);
}

static int get_tcp(struct socket *so, const struct opt_row *row, int *v)
{
	int64_t value;
	int rc = tcp_opt_get(so->tcp, (enum tcp_opt)row->arg, &value);

	*v = (int)value;
	return rc;
}

static int set_tcp(struct socket *so, const struct opt_row *row, int v)
{
	int rc = tcp_opt_set(so->tcp, (enum tcp_opt)row->arg, v);

	if (rc == 0 && so->phase == SOCK_LISTEN)
		tcp_listener_opts(so->listener, so->tcp);
	return rc;
}

static int set_tcp_bool(struct socket *so, const struct opt_row *row, int v)
{
	return set_tcp(so, row, v != 0);
}

/* UDP has nothing to keep alive, but Linux lets the bit be set on any socket. */
static int get_keepalive(struct socket *so, const struct opt_row *row, int *v)
{
	*v = 0;
	return so->f.kind == FILE_TCP ? get_tcp(so, row, v) : 0;
}

static int set_keepalive(struct socket *so, const struct opt_row *row, int v)
{
	return so->f.kind == FILE_TCP ? set_tcp_bool(so, row, v) : 0;
}

static int get_word(struct socket *so, const struct opt_row *row, int *v)
{
	uint32_t w;

	memcpy(&w, (const char *)so + row->arg, sizeof(w));
	*v = (int)w;
	return 0;
}

static int set_word(struct socket *so, const struct opt_row *row, int v)
{
	uint32_t w = (uint32_t)v;

	memcpy((char *)so + row->arg, &w, sizeof(w));
	return 0;
}

/* How many connections of a listener may begin with their SYN; before or after listen(). */
static int set_fastopen(struct socket *so, const struct opt_row *row, int v)
{
	if (so->phase != SOCK_NEW && so->phase != SOCK_LISTEN)
		return -EINVAL;
	return set_tcp(so, row, v);
}

static int set_fastopen_connect(struct socket *so, const struct opt_row *row, int v)
{
	if (so->phase != SOCK_NEW || v < 0 || v > 1)
		return -EINVAL;
	return set_tcp(so, row, v);
}

/* UDP has no urgent data, but the bit. */
static int get_oobinline(struct socket *so, const struct opt_row *row, int *v)
{
	*v = (so->flags & SOF_OOBINLINE) != 0;
	return so->f.kind == FILE_TCP ? get_tcp(so, row, v) : 0;
}

static int set_oobinline(struct socket *so, const struct opt_row *row, int v)
{
	so->flags = v ? so->flags | SOF_OOBINLINE : so->flags & ~SOF_OOBINLINE;
	return so->f.kind == FILE_TCP ? set_tcp_bool(so, row, v) : 0;
}

static int set_priority(struct socket *so, const struct opt_row *row, int v)
{
	return v < 0 || v > 6 ? -EPERM : set_word(so, row, v);
}

/* Linux doubles what is asked for, to pay for its own bookkeeping, and says so when asked. */
static uint32_t doubled(int v, uint32_t floor)
{
	uint64_t want = v < 0 ? 0 : (uint64_t)v * 2;

	return (uint32_t)clamp_u64(want, floor, BUF_MAX);
}

static int get_buf(struct socket *so, const struct opt_row *row, int *v)
{
	uint32_t own = row->arg == TCP_OPT_RCVBUF ? so->rcvbuf : so->sndbuf;

	if (so->f.kind == FILE_TCP)
		return get_tcp(so, row, v);
	*v = (int)(own ? own : SOCK_BUF_DEFAULT);
	return 0;
}

static int set_rcvbuf(struct socket *so, const struct opt_row *row, int v)
{
	uint32_t bytes = doubled(v, RCVBUF_MIN);

	if (so->f.kind == FILE_TCP)
		return set_tcp(so, row, (int)bytes);
	so->rcvbuf = udp_rcvbuf_set(so->udp, bytes);
	return 0;
}

static int set_sndbuf(struct socket *so, const struct opt_row *row, int v)
{
	uint32_t bytes = doubled(v, SNDBUF_MIN);

	so->sndbuf = bytes;
	return so->f.kind == FILE_TCP ? set_tcp(so, row, (int)bytes) : 0;
}

static int get_lowat(struct socket *so, const struct opt_row *row, int *v)
{
	(void)row;
	*v = (int)so->rcvlowat;
	return 0;
}

/* 0 means 1, a negative number the largest (Linux's SO_RCVLOWAT). */
static int set_lowat(struct socket *so, const struct opt_row *row, int v)
{
	(void)row;
	so->rcvlowat = v < 0 ? INT32_MAX : v == 0 ? 1 : (uint32_t)v;
	if (so->f.kind == FILE_TCP)
		tcpso_lowat_changed(so);
	return 0;
}

static int get_error(struct socket *so, const struct opt_row *row, int *v)
{
	(void)row;
	*v = -socket_take_error(so);
	return 0;
}

static int get_type(struct socket *so, const struct opt_row *row, int *v)
{
	(void)row;
	*v = so->f.kind == FILE_TCP ? SOCK_STREAM : SOCK_DGRAM;
	return 0;
}

static int get_domain(struct socket *so, const struct opt_row *row, int *v)
{
	(void)row;
	*v = so->flags & SOF_V6 ? AF_INET6 : AF_INET;
	return 0;
}

static int get_protocol(struct socket *so, const struct opt_row *row, int *v)
{
	(void)row;
	*v = so->f.kind == FILE_TCP ? IPPROTO_TCP : IPPROTO_UDP;
	return 0;
}

static int get_listening(struct socket *so, const struct opt_row *row, int *v)
{
	(void)row;
	*v = so->phase == SOCK_LISTEN;
	return 0;
}

/* TOS and TTL: one byte each, -1 asks for the default. */
static int push_tos_ttl(struct socket *so)
{
	int rc = 0;

	if (so->f.kind == FILE_UDP) {
		udp_opts(so->udp)->tos = so->tos;
		udp_opts(so->udp)->ttl = so->ttl;
		return 0;
	}
	rc = tcp_opt_set(so->tcp, TCP_OPT_TOS, so->tos);
	if (rc == 0 && so->ttl)
		rc = tcp_opt_set(so->tcp, TCP_OPT_TTL, so->ttl);
	if (rc == 0 && so->phase == SOCK_LISTEN)
		tcp_listener_opts(so->listener, so->tcp);
	return rc;
}

static int get_tos(struct socket *so, const struct opt_row *row, int *v)
{
	(void)row;
	*v = so->tos;
	return 0;
}

static int set_tos(struct socket *so, const struct opt_row *row, int v)
{
	if (v < -1 || (v > 255 && row->level == IPPROTO_IPV6))
		return -EINVAL;
	so->tos = v == -1 ? 0 : (uint8_t)v;
	/* The two bits of ECN are TCP's own (RFC 3168 6.1). */
	if (so->f.kind == FILE_TCP)
		so->tos &= (uint8_t)~3u;
	return push_tos_ttl(so);
}

#define TTL_DEFAULT 64

static int get_ttl(struct socket *so, const struct opt_row *row, int *v)
{
	(void)row;
	*v = so->ttl ? so->ttl : TTL_DEFAULT;
	return 0;
}

static int set_ttl(struct socket *so, const struct opt_row *row, int v)
{
	(void)row;
	if (v != -1 && (v < 1 || v > 255))
		return -EINVAL;
	so->ttl = v == -1 ? TTL_DEFAULT : (uint8_t)v;
	return push_tos_ttl(so);
}

/* What is always so here, or makes no difference: taken and forgotten. */
static int get_zero(struct socket *so, const struct opt_row *row, int *v)
{
	(void)so;
	(void)row;
	*v = 0;
	return 0;
}

static int set_nothing(struct socket *so, const struct opt_row *row, int v)
{
	(void)so;
	(void)row;
	(void)v;
	return 0;
}

#define WORD(field) ((uint32_t)offsetof(struct socket, field))

/* X(level, name, sockets, get, set, arg) */
#define OPT_TABLE(X) \
	X(SOL_SOCKET, SO_REUSEADDR, OPT_ANY, get_flag, set_flag, SOF_REUSEADDR) \
	X(SOL_SOCKET, SO_REUSEPORT, OPT_ANY, get_flag, set_flag, SOF_REUSEPORT) \
	X(SOL_SOCKET, SO_BROADCAST, OPT_ANY, get_flag, set_flag, SOF_BROADCAST) \
	X(SOL_SOCKET, SO_DONTROUTE, OPT_ANY, get_flag, set_flag, SOF_DONTROUTE) \
	X(SOL_SOCKET, SO_OOBINLINE, OPT_ANY, get_oobinline, set_oobinline, TCP_OPT_OOBINLINE) \
	X(SOL_SOCKET, SO_BINDANY, OPT_ANY, get_flag, set_flag, SOF_TRANSPARENT) \
	X(SOL_SOCKET, SO_KEEPALIVE, OPT_ANY, get_keepalive, set_keepalive, TCP_OPT_KEEPALIVE) \
	X(SOL_SOCKET, SO_RCVBUF, OPT_ANY, get_buf, set_rcvbuf, TCP_OPT_RCVBUF) \
	X(SOL_SOCKET, SO_SNDBUF, OPT_ANY, get_buf, set_sndbuf, TCP_OPT_SNDBUF) \
	X(SOL_SOCKET, SO_RCVBUFFORCE, OPT_ANY, NULL, set_rcvbuf, TCP_OPT_RCVBUF) \
	X(SOL_SOCKET, SO_SNDBUFFORCE, OPT_ANY, NULL, set_sndbuf, TCP_OPT_SNDBUF) \
	X(SOL_SOCKET, SO_RCVLOWAT, OPT_ANY, get_lowat, set_lowat, 0) \
	X(SOL_SOCKET, SO_PRIORITY, OPT_ANY, get_word, set_priority, WORD(priority)) \
	X(SOL_SOCKET, SO_MARK, OPT_ANY, get_word, set_word, WORD(mark)) \
	X(SOL_SOCKET, SO_ERROR, OPT_ANY, get_error, NULL, 0) \
	X(SOL_SOCKET, SO_TYPE, OPT_ANY, get_type, NULL, 0) \
	X(SOL_SOCKET, SO_DOMAIN, OPT_ANY, get_domain, NULL, 0) \
	X(SOL_SOCKET, SO_PROTOCOL, OPT_ANY, get_protocol, NULL, 0) \
	X(SOL_SOCKET, SO_ACCEPTCONN, OPT_ANY, get_listening, NULL, 0) \
	X(SOL_SOCKET, SO_BUSY_POLL, OPT_ANY, get_zero, set_nothing, 0) \
	X(IPPROTO_IP, IP_TOS, OPT_ANY, get_tos, set_tos, 0) \
	X(IPPROTO_IP, IP_TTL, OPT_ANY, get_ttl, set_ttl, 0) \
	X(IPPROTO_IP, IP_TRANSPARENT, OPT_ANY, get_flag, set_flag, SOF_TRANSPARENT) \
	X(IPPROTO_IP, IP_BINDANY, OPT_ANY, get_flag, set_flag, SOF_TRANSPARENT) \
	X(IPPROTO_IP, IP_FREEBIND, OPT_ANY, get_flag, set_flag, SOF_FREEBIND) \
	X(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, OPT_ANY, get_flag, set_flag, SOF_NO_PORT) \
	X(IPPROTO_IP, IP_PKTINFO, OPT_ANY, get_flag, set_flag, SOF_PKTINFO) \
	X(IPPROTO_IP, IP_RECVTOS, OPT_ANY, get_flag, set_flag, SOF_RECVTOS) \
	X(IPPROTO_IP, IP_RECVTTL, OPT_ANY, get_flag, set_flag, SOF_RECVTTL) \
	X(IPPROTO_IPV6, IPV6_V6ONLY, OPT_ANY | OPT_V6, get_flag, set_v6only, SOF_V6ONLY) \
	X(IPPROTO_IPV6, IPV6_TRANSPARENT, OPT_ANY | OPT_V6, get_flag, set_flag, SOF_TRANSPARENT) \
	X(IPPROTO_IPV6, IPV6_BINDANY, OPT_ANY | OPT_V6, get_flag, set_flag, SOF_TRANSPARENT) \
	X(IPPROTO_IPV6, IPV6_FREEBIND, OPT_ANY | OPT_V6, get_flag, set_flag, SOF_FREEBIND) \
	X(IPPROTO_IPV6, IPV6_TCLASS, OPT_ANY | OPT_V6, get_tos, set_tos, 0) \
	X(IPPROTO_IPV6, IPV6_UNICAST_HOPS, OPT_ANY | OPT_V6, get_ttl, set_ttl, 0) \
	X(IPPROTO_IPV6, IPV6_RECVPKTINFO, OPT_ANY | OPT_V6, get_flag, set_flag, SOF_PKTINFO6) \
	X(IPPROTO_IPV6, IPV6_RECVTCLASS, OPT_ANY | OPT_V6, get_flag, set_flag, SOF_RECVTCLASS) \
	X(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, OPT_ANY | OPT_V6, get_flag, set_flag, SOF_RECVHOPS) \
	X(IPPROTO_TCP, TCP_NODELAY, OPT_TCP, get_tcp, set_tcp_bool, TCP_OPT_NODELAY) \
	X(IPPROTO_TCP, TCP_CORK, OPT_TCP, get_tcp, set_tcp_bool, TCP_OPT_CORK) \
	X(IPPROTO_TCP, TCP_QUICKACK, OPT_TCP, get_tcp, set_tcp, TCP_OPT_QUICKACK) \
	X(IPPROTO_TCP, TCP_MAXSEG, OPT_TCP, get_tcp, set_tcp, TCP_OPT_MAXSEG) \
	X(IPPROTO_TCP, TCP_KEEPIDLE, OPT_TCP, get_tcp, set_tcp, TCP_OPT_KEEPIDLE_S) \
	X(IPPROTO_TCP, TCP_KEEPINTVL, OPT_TCP, get_tcp, set_tcp, TCP_OPT_KEEPINTVL_S) \
	X(IPPROTO_TCP, TCP_KEEPCNT, OPT_TCP, get_tcp, set_tcp, TCP_OPT_KEEPCNT) \
	X(IPPROTO_TCP, TCP_USER_TIMEOUT, OPT_TCP, get_tcp, set_tcp, TCP_OPT_USER_TIMEOUT_MS) \
	X(IPPROTO_TCP, TCP_DEFER_ACCEPT, OPT_TCP, get_tcp, set_tcp, TCP_OPT_DEFER_ACCEPT_S) \
	X(IPPROTO_TCP, TCP_NOTSENT_LOWAT, OPT_TCP, get_tcp, set_tcp, TCP_OPT_NOTSENT_LOWAT) \
	X(IPPROTO_TCP, TCP_LINGER2, OPT_TCP, get_tcp, set_tcp, TCP_OPT_LINGER2_S) \
	X(IPPROTO_TCP, TCP_SYNCNT, OPT_TCP, get_tcp, set_tcp, TCP_OPT_SYNCNT) \
	X(IPPROTO_TCP, TCP_WINDOW_CLAMP, OPT_TCP, get_tcp, set_tcp, TCP_OPT_WINDOW_CLAMP) \
	X(IPPROTO_TCP, TCP_FASTOPEN, OPT_TCP, get_tcp, set_fastopen, TCP_OPT_FASTOPEN) \
	X(IPPROTO_TCP, TCP_FASTOPEN_CONNECT, OPT_TCP, get_tcp, set_fastopen_connect, \
	  TCP_OPT_FASTOPEN_CONNECT) \
	X(IPPROTO_TCP, TCP_TIMESTAMP, OPT_TCP, get_tcp, NULL, TCP_OPT_TIMESTAMP)

static const struct opt_row rows[] = {
#define X(level, name, where, get, set, arg) {level, name, where, get, set, arg},
	OPT_TABLE(X)
#undef X
};

static bool has_option(const struct socket *so, unsigned where)
{
	if (where & OPT_V6 && !(so->flags & SOF_V6))
		return false;
	return where & (so->f.kind == FILE_TCP ? OPT_TCP : OPT_UDP);
}

static const struct opt_row *find_row(const struct socket *so, int level, int name)
{
	const struct opt_row *row;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].level == level && rows[i].name == name && has_option(so, rows[i].where))
			return &rows[i];
	row = opt_udp_row(level, name);
	return row && has_option(so, row->where) ? row : NULL;
}

static const struct opt_blob *find_blob(const struct socket *so, int level, int name)
{
	const struct opt_blob *b = opt_blob_find(level, name);

	if (!b)
		b = opt_group_find(level, name);
	return b && has_option(so, b->where) ? b : NULL;
}

/* Linux takes a single byte for options of the IP level, or none for 0. */
static int read_int(int level, const void *value, socklen_t len, int *v)
{
	uint8_t byte;

	if (len >= sizeof(*v)) {
		memcpy(v, value, sizeof(*v));
		return 0;
	}
	if (level != IPPROTO_IP)
		return -EINVAL;
	*v = 0;
	if (len == 0)
		return 0;
	memcpy(&byte, value, 1);
	*v = byte;
	return 0;
}

/* Where Linux looks at the length before it asks whether there is such an option. */
static bool length_first(const struct socket *so, int level, int name)
{
	return level == SOL_SOCKET ||
	       (level == IPPROTO_TCP && so->f.kind == FILE_TCP && name != TCP_CONGESTION);
}

int sock_setsockopt(struct stack *s, int fd, int level, int name, const void *value, socklen_t len)
{
	const struct opt_blob *blob;
	const struct opt_row *row;
	struct socket *so;
	int v;
	int rc = sock_find(s, fd, &so);

	if (rc < 0)
		return rc;
	if ((int)len < 0 || (len < sizeof(v) && length_first(so, level, name)))
		return -EINVAL;
	row = find_row(so, level, name);
	blob = row ? NULL : find_blob(so, level, name);
	if ((row && !row->set) || (blob && !blob->set) || (!row && !blob))
		return -ENOPROTOOPT;
	if (!value)
		return -EFAULT;
	if (blob)
		return blob->set(so, value, len);
	rc = read_int(level, value, len, &v);
	return rc < 0 ? rc : row->set(so, row, v);
}

/* Linux's IPv4 sockets know other levels by another name. */
static int unknown_get(const struct socket *so, int level)
{
	int own = so->f.kind == FILE_TCP ? IPPROTO_TCP : IPPROTO_UDP;

	if (so->flags & SOF_V6 || level == SOL_SOCKET || level == IPPROTO_IP || level == own)
		return -ENOPROTOOPT;
	return -EOPNOTSUPP;
}

int sock_getsockopt(struct stack *s, int fd, int level, int name, void *value, socklen_t *len)
{
	const struct opt_blob *blob;
	const struct opt_row *row;
	struct socket *so;
	int v;
	int rc = sock_find(s, fd, &so);

	if (rc < 0)
		return rc;
	row = find_row(so, level, name);
	blob = row ? NULL : find_blob(so, level, name);
	/* An IPv4 socket has nothing of that level at all. */
	if (!row && !blob && level == IPPROTO_IPV6 && !(so->flags & SOF_V6))
		return -EOPNOTSUPP;
	if ((row && !row->get) || (blob && !blob->get) || (!row && !blob))
		return unknown_get(so, level);
	if (!value || !len)
		return -EFAULT;
	if ((int)*len < 0)
		return -EINVAL;
	if (blob)
		return blob->get(so, value, len);
	rc = row->get(so, row, &v);
	if (rc < 0)
		return rc;
	*len = min_u32(*len, sizeof(v));
	memcpy(value, &v, *len);
	return 0;
}
