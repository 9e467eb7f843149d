/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * socket.h: reading and writing. Argument checks, errno and SIGPIPE; the work is sock's.
 */
#include "api/call.h"
#include "api/ioremote.h"

#include <leat/socket.h>

#include <limits.h>
#include <signal.h>
#include <unistd.h>

#define NS_PER_S 1000000000

/* As Linux: a stream whose sending side is closed raises the signal, unless the call forbids it. */
static ssize_t sent(int fd, ssize_t rc, int flags)
{
	if (rc == -EPIPE && !(flags & MSG_NOSIGNAL) && sock_is_stream(current.stack, fd))
		(void)raise(SIGPIPE);
	return result_of(rc);
}

static struct msghdr msg_of(const struct iovec *iov, int n)
{
	/* The structure serves both directions and has no const. */
	union {
		const struct iovec *in;
		struct iovec *out;
	} u = {.in = iov};

	return (struct msghdr){.msg_iov = u.out, .msg_iovlen = (size_t)n};
}

static ssize_t read_remote(int fd, void *buf, size_t len)
{
	struct iovec iov = {buf, len};
	struct msghdr msg = msg_of(&iov, 1);

	return io_recv_remote(fd, &msg, 0, true);
}

static ssize_t write_remote(int fd, const void *buf, size_t len)
{
	union {
		const void *in;
		void *out;
	} data = {.in = buf};
	struct iovec iov = {data.out, len};
	struct msghdr msg = msg_of(&iov, 1);

	return io_send_remote(fd, &msg, 0, true);
}

ssize_t leat_read(int fd, void *buf, size_t len)
{
	if (is_ours(fd))
		return result_of(sock_read(current.stack, fd, buf, len));
	if (is_remote(fd))
		return read_remote(fd, buf, len);
	before_kernel();
	return read(fd, buf, len);
}

ssize_t leat_write(int fd, const void *buf, size_t len)
{
	if (is_ours(fd))
		return sent(fd, sock_write(current.stack, fd, buf, len), 0);
	if (is_remote(fd))
		return write_remote(fd, buf, len);
	before_kernel();
	return write(fd, buf, len);
}

ssize_t leat_readv(int fd, const struct iovec *iov, int n)
{
	struct msghdr msg = msg_of(iov, n);

	if (!is_leats(fd)) {
		before_kernel();
		return readv(fd, iov, n);
	}
	if (n < 0 || n > IOV_MAX)
		return result_of(-EINVAL);
	if (!is_ours(fd))
		return io_recv_remote(fd, &msg, 0, false);
	return result_of(sock_recvmsg(current.stack, fd, &msg, 0));
}

ssize_t leat_writev(int fd, const struct iovec *iov, int n)
{
	struct msghdr msg = msg_of(iov, n);

	if (!is_leats(fd)) {
		before_kernel();
		return writev(fd, iov, n);
	}
	if (n < 0 || n > IOV_MAX)
		return result_of(-EINVAL);
	if (!is_ours(fd))
		return io_send_remote(fd, &msg, 0, false);
	return sent(fd, sock_sendmsg(current.stack, fd, &msg, 0), 0);
}

ssize_t leat_recv(int fd, void *buf, size_t len, int flags)
{
	return leat_recvfrom(fd, buf, len, flags, NULL, NULL);
}

ssize_t leat_recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *addr,
		      socklen_t *addr_len)
{
	struct iovec iov = {buf, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t rc;

	if (!is_leats(fd)) {
		before_kernel();
		return recvfrom(fd, buf, len, flags, addr, addr_len);
	}
	if (addr && !addr_len)
		return result_of(-EFAULT);
	msg.msg_name = addr;
	msg.msg_namelen = addr ? *addr_len : 0;
	rc = is_ours(fd) ? result_of(sock_recvmsg(current.stack, fd, &msg, flags))
			 : io_recv_remote(fd, &msg, flags, false);
	if (rc >= 0 && addr)
		*addr_len = msg.msg_namelen;
	return rc;
}

ssize_t leat_recvmsg(int fd, struct msghdr *msg, int flags)
{
	if (!is_leats(fd)) {
		before_kernel();
		return recvmsg(fd, msg, flags);
	}
	if (!msg)
		return result_of(-EFAULT);
	return is_ours(fd) ? result_of(sock_recvmsg(current.stack, fd, msg, flags))
			   : io_recv_remote(fd, msg, flags, false);
}

ssize_t leat_send(int fd, const void *buf, size_t len, int flags)
{
	return leat_sendto(fd, buf, len, flags, NULL, 0);
}

ssize_t leat_sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr,
		    socklen_t addr_len)
{
	union {
		const void *in;
		void *out;
	} data = {.in = buf}, name = {.in = addr};
	struct iovec iov = {data.out, len};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_name = name.out, .msg_namelen = addr_len};

	if (!is_leats(fd)) {
		before_kernel();
		return sendto(fd, buf, len, flags, addr, addr_len);
	}
	if (!is_ours(fd))
		return io_send_remote(fd, &msg, flags, false);
	return sent(fd, sock_sendmsg(current.stack, fd, &msg, flags), flags);
}

ssize_t leat_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	if (!is_leats(fd)) {
		before_kernel();
		return sendmsg(fd, msg, flags);
	}
	if (!msg)
		return result_of(-EFAULT);
	if (!is_ours(fd))
		return io_send_remote(fd, msg, flags, false);
	return sent(fd, sock_sendmsg(current.stack, fd, msg, flags), flags);
}

int leat_recvmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags, struct timespec *timeout)
{
	uint64_t ns = SOCK_FOREVER;

	if (!is_leats(fd)) {
		before_kernel();
		return recvmmsg(fd, msgs, n, flags, timeout);
	}
	if (!msgs && n > 0)
		return int_result(-EFAULT);
	if (timeout) {
		if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= NS_PER_S)
			return int_result(-EINVAL);
		ns = min_u64((uint64_t)timeout->tv_sec, UINT32_MAX) * NS_PER_S +
		     (uint64_t)timeout->tv_nsec;
	}
	return is_ours(fd) ? int_result(sock_recvmmsg(current.stack, fd, msgs, n, flags, ns))
			   : io_recvmmsg_remote(fd, msgs, n, flags, ns);
}

int leat_sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
	if (!is_leats(fd)) {
		before_kernel();
		return sendmmsg(fd, msgs, n, flags);
	}
	if (!msgs && n > 0)
		return int_result(-EFAULT);
	if (!is_ours(fd))
		return io_sendmmsg_remote(fd, msgs, n, flags);
	return (int)sent(fd, sock_sendmmsg(current.stack, fd, msgs, n, flags), flags);
}
