/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * socket.h: sockets as such. Argument checks and errno; the work is sock's. A descriptor that is
 * not Leat's is the kernel's, and so is its call.
 */
#include "api/call.h"

#include <leat/socket.h>

#include <fcntl.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

int leat_socket(int domain, int type, int protocol)
{
	if (domain != AF_INET && domain != AF_INET6)
		return socket(domain, type, protocol);
	if (!current.stack)
		return int_result(-ENETDOWN);
	return int_result(sock_socket(current.stack, domain, type, protocol));
}

int leat_socketpair(int domain, int type, int protocol, int fds[2])
{
	return socketpair(domain, type, protocol, fds);
}

int leat_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	if (!is_ours(fd))
		return bind(fd, addr, len);
	return int_result(sock_bind(current.stack, fd, addr, len));
}

int leat_listen(int fd, int backlog)
{
	if (!is_ours(fd))
		return listen(fd, backlog);
	return int_result(sock_listen(current.stack, fd, backlog));
}

int leat_accept(int fd, struct sockaddr *addr, socklen_t *len)
{
	return leat_accept4(fd, addr, len, 0);
}

int leat_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	if (is_ours(fd))
		return int_result(sock_accept(current.stack, fd, addr, len, flags));
	before_kernel();
	return accept4(fd, addr, len, flags);
}

int leat_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	if (is_ours(fd))
		return int_result(sock_connect(current.stack, fd, addr, len));
	before_kernel();
	return connect(fd, addr, len);
}

int leat_shutdown(int fd, int how)
{
	if (!is_ours(fd))
		return shutdown(fd, how);
	return int_result(sock_shutdown(current.stack, fd, how));
}

int leat_close(int fd)
{
	if (is_ours(fd))
		return int_result(sock_close(current.stack, fd));
	if (is_kept(fd))
		return int_result(-EBADF);
	if (current.stack)
		sock_kernel_closed(current.stack, fd);
	return close(fd);
}

int leat_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	if (!is_ours(fd))
		return getsockopt(fd, level, name, value, len);
	return int_result(sock_getsockopt(current.stack, fd, level, name, value, len));
}

int leat_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	if (!is_ours(fd))
		return setsockopt(fd, level, name, value, len);
	return int_result(sock_setsockopt(current.stack, fd, level, name, value, len));
}

int leat_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	if (!is_ours(fd))
		return getsockname(fd, addr, len);
	return int_result(sock_getsockname(current.stack, fd, addr, len));
}

int leat_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	if (!is_ours(fd))
		return getpeername(fd, addr, len);
	return int_result(sock_getpeername(current.stack, fd, addr, len));
}

/* The number that a call made, or its error. */
static int new_cloexec(int fd, bool on)
{
	int rc = fd >= 0 && on ? sock_cloexec_set(current.stack, fd, true) : 0;

	return rc < 0 ? rc : fd;
}

static int fcntl_ours(int fd, int cmd, int arg)
{
	switch (cmd) {
	case F_GETFL:
		return sock_flags_get(current.stack, fd);
	case F_SETFL:
		return sock_flags_set(current.stack, fd, arg);
	case F_DUPFD:
		return sock_dup(current.stack, fd, arg);
	case F_DUPFD_CLOEXEC:
		return new_cloexec(sock_dup(current.stack, fd, arg), true);
	case F_GETFD:
		return sock_cloexec_get(current.stack, fd) ? FD_CLOEXEC : 0;
	case F_SETFD:
		return sock_cloexec_set(current.stack, fd, arg & FD_CLOEXEC);
	}
	return -EINVAL;
}

/* The third argument, if there is one, fits a pointer: so the kernel's own entry reads it. */
int leat_fcntl(int fd, int cmd, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (is_kept(fd))
		return int_result(-EBADF);
	if (!is_ours(fd)) {
		if (cmd == F_SETLKW)
			before_kernel();
		return fcntl(fd, cmd, arg);
	}
	return int_result(fcntl_ours(fd, cmd, (int)(intptr_t)arg));
}

int leat_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (!is_ours(fd))
		return ioctl(fd, request, arg);
	return int_result(sock_ioctl(current.stack, fd, request, arg));
}

int leat_dup(int fd)
{
	if (is_ours(fd))
		return int_result(sock_dup(current.stack, fd, 0));
	return is_kept(fd) ? int_result(-EBADF) : dup(fd);
}

/* The kernel's file goes onto a number that may be ours; only when there is such a file. */
static int dup_kernel(int fd, int to, int flags)
{
	if (is_kept(fd))
		return int_result(-EBADF);
	if (current.stack && to >= 0 && fd != to && fcntl(fd, F_GETFD) >= 0)
		sock_give_number(current.stack, to);
	return dup3(fd, to, flags);
}

int leat_dup2(int fd, int to)
{
	if (is_ours(fd))
		return int_result(sock_dup_to(current.stack, fd, to));
	if (fd == to && !is_kept(fd))
		return dup2(fd, to);
	return dup_kernel(fd, to, 0);
}

int leat_dup3(int fd, int to, int flags)
{
	if (!is_ours(fd))
		return dup_kernel(fd, to, flags);
	if (fd == to || flags & ~O_CLOEXEC)
		return int_result(-EINVAL);
	return int_result(new_cloexec(sock_dup_to(current.stack, fd, to), flags & O_CLOEXEC));
}

/* ---- ranges ---- */

/* Not the program's business: what Leat itself has open, and closed numbers that it keeps. */
static int close_ours(int fd, int flags)
{
	if (!is_ours(fd))
		return 0;
	if ((unsigned)flags & CLOSE_RANGE_CLOEXEC)
		return sock_cloexec_set(current.stack, fd, true);
	return sock_close(current.stack, fd);
}

/* The kernel closes what lies between the numbers that Leat has. */
int leat_close_range(unsigned first, unsigned last, int flags)
{
	if (first > last || (unsigned)flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC))
		return int_result(-EINVAL);
	before_kernel();
	for (;;) {
		int fd = owner_next(&process.owners, first, last);

		if (fd < 0)
			return close_range(first, last, flags);
		if ((unsigned)fd > first && close_range(first, (unsigned)fd - 1, flags) < 0)
			return -1;
		if (close_ours(fd, flags) < 0 || (unsigned)fd == last)
			return 0;
		first = (unsigned)fd + 1;
	}
}

void leat_closefrom(int from)
{
	(void)leat_close_range((unsigned)max_int(from, 0), ~0u, 0);
}

void leat_flush(void)
{
	if (current.stack)
		sock_flush(current.stack);
}
