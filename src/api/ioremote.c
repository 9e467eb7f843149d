/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * socket.h for sockets of another worker: each attempt there moves what it can, the calling thread
 * waits in between and goes on with the rest.
 */
#include "api/ioremote.h"

#include "api/call.h"

#include "plat/clock.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>

#define IN_BITS  (POLLIN | POLLRDHUP | POLLERR)
#define OUT_BITS (POLLOUT | POLLHUP | POLLERR)

static ssize_t call_recvmsg(struct stack *s, struct call_args *a)
{
	return sock_recvmsg(s, a->fd, a->out, a->flags);
}

static ssize_t call_sendmsg(struct stack *s, struct call_args *a)
{
	return sock_sendmsg(s, a->fd, a->in, a->flags);
}

static ssize_t as_file(ssize_t rc, bool file)
{
	return file && rc == -ENOTSOCK ? -EINVAL : rc;
}

/* What is left after `done` bytes. */
static void advance(struct msghdr *m, size_t done)
{
	while (m->msg_iovlen > 0 && done >= m->msg_iov->iov_len) {
		done -= m->msg_iov->iov_len;
		m->msg_iov++;
		m->msg_iovlen--;
	}
	if (m->msg_iovlen == 0)
		return;
	m->msg_iov->iov_base = (char *)m->msg_iov->iov_base + done;
	m->msg_iov->iov_len -= done;
}

/* All of it, as a blocking call on a stream does. The vector is copied: it is worked off. */
static ssize_t move_all(call_fn fn, struct call_args *a, const struct msghdr *m, uint32_t bits)
{
	struct iovec iov[IOV_MAX];
	struct msghdr part = *m;
	size_t total = 0, done = 0;
	ssize_t rc;

	for (size_t i = 0; i < m->msg_iovlen; i++) {
		iov[i] = m->msg_iov[i];
		total += iov[i].iov_len;
	}
	part.msg_iov = iov;
	a->in = a->out = &part;
	do {
		rc = remote_wait_call(fn, a, bits);
		if (rc <= 0)
			break;
		done += (size_t)rc;
		advance(&part, (size_t)rc);
	} while (done < total && a->info.blocking && a->info.stream);
	return done > 0 ? (ssize_t)done : rc;
}

static bool can_copy(const struct msghdr *m)
{
	return m->msg_iovlen <= IOV_MAX && m->msg_iov;
}

ssize_t io_recv_remote(int fd, struct msghdr *m, int flags, bool file)
{
	struct call_args a = {.fd = fd, .out = m, .flags = flags};
	ssize_t rc;

	if (flags & MSG_ERRQUEUE) /* which nobody waits for */
		rc = remote_call(call_recvmsg, &a);
	else if (flags & MSG_WAITALL && !(flags & (MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC)) &&
		 can_copy(m))
		rc = move_all(call_recvmsg, &a, m, IN_BITS);
	else
		rc = remote_wait_call(call_recvmsg, &a, IN_BITS);
	return result_of(as_file(rc, file));
}

static ssize_t send_one(int fd, const struct msghdr *m, int flags)
{
	struct call_args a = {.fd = fd, .in = m, .flags = flags};
	ssize_t rc;

	if (flags & MSG_DONTWAIT || !can_copy(m))
		rc = remote_call(call_sendmsg, &a);
	else
		rc = move_all(call_sendmsg, &a, m, OUT_BITS);
	if (rc == -EPIPE && !(flags & MSG_NOSIGNAL) && a.info.stream)
		(void)raise(SIGPIPE);
	return rc;
}

ssize_t io_send_remote(int fd, const struct msghdr *m, int flags, bool file)
{
	return result_of(as_file(send_one(fd, m, flags), file));
}

/* ---- several messages ---- */

/* As many as there are. 0: a stream, on which a message may be moved in part. */
static ssize_t call_recvmmsg(struct stack *s, struct call_args *a)
{
	if (sock_is_stream(s, a->fd))
		return 0;
	return sock_recvmmsg(s, a->fd, a->out, (unsigned)a->n, a->flags, SOCK_FOREVER);
}

static ssize_t call_sendmmsg(struct stack *s, struct call_args *a)
{
	if (sock_is_stream(s, a->fd))
		return 0;
	return sock_sendmmsg(s, a->fd, a->out, (unsigned)a->n, a->flags);
}

/* What stopped a call that had moved something is told by the next one, as Linux does. */
static ssize_t call_error_put(struct stack *s, struct call_args *a)
{
	sock_error_put(s, a->fd, a->n);
	return 0;
}

static ssize_t recv_some(struct call_args *a, struct mmsghdr *msgs, unsigned n)
{
	ssize_t rc;

	a->out = msgs;
	a->n = (int)min_uint(n, IOV_MAX);
	rc = a->flags & MSG_ERRQUEUE ? remote_call(call_recvmmsg, a)
				     : remote_wait_call(call_recvmmsg, a, IN_BITS);
	if (rc != 0)
		return rc;
	a->out = &msgs->msg_hdr;
	rc = remote_wait_call(call_recvmsg, a, IN_BITS);
	if (rc < 0)
		return rc;
	msgs->msg_len = (unsigned)rc;
	return 1;
}

int io_recvmmsg_remote(int fd, struct mmsghdr *msgs, unsigned n, int flags, uint64_t timeout_ns)
{
	struct call_args a = {.fd = fd, .flags = flags & ~MSG_WAITFORONE};
	uint64_t start_ns = plat_mono_ns();
	unsigned done = 0;
	ssize_t rc = 0;

	while (done < n) {
		rc = recv_some(&a, msgs + done, n - done);
		if (rc < 0)
			break;
		done += (unsigned)rc;
		a.flags |= flags & MSG_WAITFORONE ? MSG_DONTWAIT : 0;
		/* As Linux: looked at between messages only. */
		if (timeout_ns != SOCK_FOREVER && plat_mono_ns() - start_ns >= timeout_ns)
			break;
	}
	if (done == 0)
		return (int)result_of(rc);
	if (rc < 0 && rc != -EAGAIN && rc != -EINTR) {
		a.n = (int)-rc;
		(void)remote_call(call_error_put, &a);
	}
	return (int)done;
}

static ssize_t send_some(struct call_args *a, struct mmsghdr *msgs, unsigned n)
{
	ssize_t rc;

	a->out = msgs;
	a->n = (int)n;
	rc = remote_wait_call(call_sendmmsg, a, OUT_BITS);
	if (rc != 0)
		return rc;
	rc = send_one(a->fd, &msgs->msg_hdr, a->flags);
	if (rc < 0)
		return rc;
	msgs->msg_len = (unsigned)rc;
	return 1;
}

int io_sendmmsg_remote(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
	struct call_args a = {.fd = fd, .flags = flags};
	unsigned done = 0;
	ssize_t rc = 0;

	n = min_uint(n, IOV_MAX);
	while (done < n) {
		rc = send_some(&a, msgs + done, n - done);
		if (rc < 0)
			break;
		done += (unsigned)rc;
	}
	return done > 0 ? (int)done : (int)result_of(rc);
}
