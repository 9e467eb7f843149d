/* SPDX-License-Identifier: BSD-2-Clause */
/* Receiving and sending calls: checks that both protocols share, then theirs. Worker thread. */
#include "sock/socket.h"

#include <limits.h>

static int check_iov(const struct msghdr *msg)
{
	if (msg->msg_iovlen > IOV_MAX)
		return -EMSGSIZE;
	return msg->msg_iovlen > 0 && !msg->msg_iov ? -EFAULT : 0;
}

ssize_t sock_recvmsg(struct stack *s, int fd, struct msghdr *msg, int flags)
{
	struct socket *so;
	int rc = sock_find(s, fd, &so);

	if (rc == 0)
		rc = check_iov(msg);
	if (rc < 0)
		return rc;
	if (so->f.kind == FILE_UDP)
		return udpso_recv(s, so, msg, flags);
	/* A connected peer is no news: the name stays empty, as Linux has it. */
	msg->msg_namelen = 0;
	msg->msg_controllen = 0;
	msg->msg_flags = 0;
	return tcpso_recv(s, so, msg->msg_iov, (int)msg->msg_iovlen, flags);
}

/* MSG_FASTOPEN: connect and send in one; with a cookie the text goes with the SYN. */
static int fast_connect(struct stack *s, struct socket *so, const struct msghdr *msg)
{
	struct ipaddr addr;
	uint16_t port;
	int rc;

	if (so->phase == SOCK_CONNECTING)
		return -EALREADY;
	if (so->phase != SOCK_NEW)
		return -EISCONN;
	if (!msg->msg_name)
		return -EDESTADDRREQ;
	rc = addr_parse_peer(so, msg->msg_name, msg->msg_namelen, &addr, &port);
	if (rc == 0)
		rc = tcp_opt_set(so->tcp, TCP_OPT_FASTOPEN_CONNECT, 1);
	return rc < 0 ? rc : tcpso_connect(s, so, &addr, port);
}

ssize_t sock_sendmsg(struct stack *s, int fd, const struct msghdr *msg, int flags)
{
	struct socket *so;
	int rc = sock_find(s, fd, &so);

	if (rc == 0)
		rc = check_iov(msg);
	if (rc < 0)
		return rc;
	if (so->f.kind == FILE_UDP)
		return udpso_send(s, so, msg, flags);
	if (flags & MSG_FASTOPEN) {
		rc = fast_connect(s, so, msg);
		if (rc < 0)
			return rc;
	}
	return tcpso_send(s, so, msg->msg_iov, (int)msg->msg_iovlen, flags);
}

void sock_error_put(struct stack *s, int fd, int err)
{
	struct socket *so;

	if (sock_find(s, fd, &so) < 0) /* gone meanwhile */
		return;
	so->err = err;
	ev_activate(&so->f.src, RDY_ERR);
}

int sock_recvmmsg(struct stack *s, int fd, struct mmsghdr *msgs, unsigned n, int flags,
		  uint64_t timeout_ns)
{
	struct socket *so;
	int rc = sock_find(s, fd, &so);
	uint64_t start_ns;
	unsigned done = 0;

	if (rc == 0 && so->err && !(flags & MSG_ERRQUEUE))
		rc = socket_take_error(so);
	if (rc < 0)
		return rc;
	start_ns = s->env.mono_ns(s->env.ctx);
	while (done < n) {
		ssize_t r = sock_recvmsg(s, fd, &msgs[done].msg_hdr, flags & ~MSG_WAITFORONE);

		if (r < 0) {
			rc = (int)r;
			break;
		}
		msgs[done++].msg_len = (unsigned)r;
		flags |= flags & MSG_WAITFORONE ? MSG_DONTWAIT : 0;
		/* As Linux: looked at between messages only. */
		if (timeout_ns != SOCK_FOREVER &&
		    s->env.mono_ns(s->env.ctx) - start_ns >= timeout_ns)
			break;
	}
	if (done == 0)
		return rc;
	/* What stopped it is told by the next call; a signal is nothing that the socket did. */
	if (rc < 0 && rc != -EAGAIN && rc != -EINTR)
		sock_error_put(s, fd, -rc);
	return (int)done;
}

int sock_sendmmsg(struct stack *s, int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
	unsigned done = 0;
	ssize_t r = 0;

	n = min_uint(n, IOV_MAX);
	while (done < n) {
		r = sock_sendmsg(s, fd, &msgs[done].msg_hdr, flags);
		if (r < 0)
			break;
		msgs[done++].msg_len = (unsigned)r;
	}
	return done > 0 ? (int)done : (int)r;
}

bool sock_is_stream(const struct stack *s, int fd)
{
	const struct file *f = fdtab_get(&s->sock->fds, fd);

	return f && f->kind == FILE_TCP;
}

ssize_t sock_read(struct stack *s, int fd, void *buf, size_t len)
{
	struct iovec iov = {buf, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	const struct file *f = fdtab_get(&s->sock->fds, fd);
	ssize_t r;

	/* As Linux: unlike recv(2). */
	if (len == 0 && f && file_is_socket(f))
		return 0;
	r = sock_recvmsg(s, fd, &msg, 0);
	/* An event set is a file that cannot be read, but it is no socket. */
	return r == -ENOTSOCK ? -EINVAL : r;
}

ssize_t sock_write(struct stack *s, int fd, const void *buf, size_t len)
{
	union {
		const void *in;
		void *out;
	} u = {.in = buf};
	struct iovec iov = {u.out, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t r = sock_sendmsg(s, fd, &msg, 0);

	return r == -ENOTSOCK ? -EINVAL : r;
}
