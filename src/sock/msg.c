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

bool sock_is_stream(const struct stack *s, int fd)
{
	const struct file *f = fdtab_get(&s->sock->fds, fd);

	return f && f->kind == FILE_TCP;
}

ssize_t sock_read(struct stack *s, int fd, void *buf, size_t len)
{
	struct iovec iov = {buf, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t r = sock_recvmsg(s, fd, &msg, 0);

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
