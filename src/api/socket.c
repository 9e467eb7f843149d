/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * socket.h: sockets as such. Argument checks and errno; the work is sock's. A descriptor that is
 * not Leat's is the kernel's, and so is its call.
 */
#include "api/call.h"

#include <leat/socket.h>

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

static ssize_t call_socket(struct stack *s, struct call_args *a)
{
	return sock_socket(s, a->n, a->flags, (int)a->len);
}

int leat_socket(int domain, int type, int protocol)
{
	struct call_args a = {.fd = -1, .n = domain, .flags = type, .len = (socklen_t)protocol};
	unsigned worker;

	if (domain != AF_INET && domain != AF_INET6)
		return socket(domain, type, protocol);
	if (current.stack)
		return int_result(sock_socket(current.stack, domain, type, protocol));
	worker = worker_first();
	return (int)result_of(worker ? remote_try(worker, call_socket, &a) : -ENETDOWN);
}

int leat_socketpair(int domain, int type, int protocol, int fds[2])
{
	return socketpair(domain, type, protocol, fds);
}

static ssize_t call_bind(struct stack *s, struct call_args *a)
{
	return sock_bind(s, a->fd, a->in, a->len);
}

int leat_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	if (!is_leats(fd))
		return bind(fd, addr, len);
	return make_call(call_bind, &(struct call_args){.fd = fd, .in = addr, .len = len});
}

static ssize_t call_listen(struct stack *s, struct call_args *a)
{
	return sock_listen(s, a->fd, a->n);
}

int leat_listen(int fd, int backlog)
{
	if (!is_leats(fd))
		return listen(fd, backlog);
	return make_call(call_listen, &(struct call_args){.fd = fd, .n = backlog});
}

int leat_accept(int fd, struct sockaddr *addr, socklen_t *len)
{
	return leat_accept4(fd, addr, len, 0);
}

static ssize_t call_accept(struct stack *s, struct call_args *a)
{
	return sock_accept(s, a->fd, a->out, a->len_out, a->n);
}

int leat_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	struct call_args a = {.fd = fd, .n = flags, .out = addr, .len_out = len};

	if (is_ours(fd))
		return int_result(sock_accept(current.stack, fd, addr, len, flags));
	if (is_remote(fd))
		return (int)result_of(remote_wait_call(call_accept, &a, POLLIN | POLLHUP));
	before_kernel();
	return accept4(fd, addr, len, flags);
}

static ssize_t call_connect(struct stack *s, struct call_args *a)
{
	return sock_connect(s, a->fd, a->in, a->len);
}

/* There it is a non-blocking connect; whoever blocks waits here for the outcome and asks again. */
static ssize_t connect_remote(struct call_args *a)
{
	ssize_t rc = remote_call(call_connect, a);
	uint64_t ns = a->info.sndtimeo_ns;
	int w;

	if ((rc != -EINPROGRESS && rc != -EALREADY) || !a->info.blocking)
		return rc;
	w = remote_wait(a->fd, POLLOUT | POLLHUP, ns ? ns : SOCK_FOREVER, NULL);
	if (w < 0)
		return w == -EAGAIN ? rc : w;
	return remote_call(call_connect, a);
}

int leat_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct call_args a = {.fd = fd, .in = addr, .len = len};

	if (is_ours(fd))
		return int_result(sock_connect(current.stack, fd, addr, len));
	if (is_remote(fd))
		return (int)result_of(connect_remote(&a));
	before_kernel();
	return connect(fd, addr, len);
}

static ssize_t call_shutdown(struct stack *s, struct call_args *a)
{
	return sock_shutdown(s, a->fd, a->n);
}

int leat_shutdown(int fd, int how)
{
	if (!is_leats(fd))
		return shutdown(fd, how);
	return make_call(call_shutdown, &(struct call_args){.fd = fd, .n = how});
}

static ssize_t call_close(struct stack *s, struct call_args *a)
{
	return sock_close(s, a->fd);
}

int leat_close(int fd)
{
	if (is_leats(fd))
		return make_call(call_close, &(struct call_args){.fd = fd});
	if (is_kept(fd))
		return int_result(-EBADF);
	if (current.stack)
		sock_kernel_closed(current.stack, fd);
	return close(fd);
}

static ssize_t call_getsockopt(struct stack *s, struct call_args *a)
{
	return sock_getsockopt(s, a->fd, a->n, a->flags, a->out, a->len_out);
}

int leat_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	struct call_args a = {.fd = fd, .n = level, .flags = name, .out = value, .len_out = len};

	return is_leats(fd) ? make_call(call_getsockopt, &a)
			    : getsockopt(fd, level, name, value, len);
}

static ssize_t call_setsockopt(struct stack *s, struct call_args *a)
{
	return sock_setsockopt(s, a->fd, a->n, a->flags, a->in, a->len);
}

int leat_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	struct call_args a = {.fd = fd, .n = level, .flags = name, .in = value, .len = len};

	return is_leats(fd) ? make_call(call_setsockopt, &a)
			    : setsockopt(fd, level, name, value, len);
}

static ssize_t call_getsockname(struct stack *s, struct call_args *a)
{
	return sock_getsockname(s, a->fd, a->out, a->len_out);
}

int leat_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	if (!is_leats(fd))
		return getsockname(fd, addr, len);
	return make_call(call_getsockname,
			 &(struct call_args){.fd = fd, .out = addr, .len_out = len});
}

static ssize_t call_getpeername(struct stack *s, struct call_args *a)
{
	return sock_getpeername(s, a->fd, a->out, a->len_out);
}

int leat_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	if (!is_leats(fd))
		return getpeername(fd, addr, len);
	return make_call(call_getpeername,
			 &(struct call_args){.fd = fd, .out = addr, .len_out = len});
}

/* The number that a call made, or its error. */
static int new_cloexec(struct stack *s, int fd, bool on)
{
	int rc = fd >= 0 && on ? sock_cloexec_set(s, fd, true) : 0;

	return rc < 0 ? rc : fd;
}

static ssize_t call_fcntl(struct stack *s, struct call_args *a)
{
	switch (a->n) {
	case F_GETFL:
		return sock_flags_get(s, a->fd);
	case F_SETFL:
		return sock_flags_set(s, a->fd, a->flags);
	case F_DUPFD:
		return sock_dup(s, a->fd, a->flags);
	case F_DUPFD_CLOEXEC:
		return new_cloexec(s, sock_dup(s, a->fd, a->flags), true);
	case F_GETFD:
		return sock_cloexec_get(s, a->fd) ? FD_CLOEXEC : 0;
	case F_SETFD:
		return sock_cloexec_set(s, a->fd, a->flags & FD_CLOEXEC);
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
	if (is_leats(fd))
		return make_call(
			call_fcntl,
			&(struct call_args){.fd = fd, .n = cmd, .flags = (int)(intptr_t)arg});
	if (is_kept(fd))
		return int_result(-EBADF);
	if (cmd == F_SETLKW)
		before_kernel();
	return fcntl(fd, cmd, arg);
}

static ssize_t call_ioctl(struct stack *s, struct call_args *a)
{
	return sock_ioctl(s, a->fd, a->request, a->out);
}

int leat_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (!is_leats(fd))
		return ioctl(fd, request, arg);
	return make_call(call_ioctl, &(struct call_args){.fd = fd, .request = request, .out = arg});
}

static ssize_t call_dup(struct stack *s, struct call_args *a)
{
	return sock_dup(s, a->fd, 0);
}

int leat_dup(int fd)
{
	if (is_leats(fd))
		return make_call(call_dup, &(struct call_args){.fd = fd});
	return is_kept(fd) ? int_result(-EBADF) : dup(fd);
}

static ssize_t call_dup_to(struct stack *s, struct call_args *a)
{
	return new_cloexec(s, sock_dup_to(s, a->fd, a->n), a->flags & O_CLOEXEC);
}

static ssize_t call_give(struct stack *s, struct call_args *a)
{
	sock_give_number(s, a->fd);
	return 0;
}

/* The number is going to stand for something else; its file closes. */
static void give_up(int to)
{
	struct call_args a = {.fd = to};

	if (is_remote(to))
		(void)remote_call(call_give, &a);
	else if (current.stack && to >= 0)
		sock_give_number(current.stack, to);
}

static int dup_ours(int fd, int to, int flags)
{
	if (to >= 0 && fd != to && owner_of(&process.owners, fd) != owner_of(&process.owners, to))
		give_up(to);
	return make_call(call_dup_to, &(struct call_args){.fd = fd, .n = to, .flags = flags});
}

/* The kernel's file goes onto a number that may be ours; only when there is such a file. */
static int dup_kernel(int fd, int to, int flags)
{
	if (is_kept(fd))
		return int_result(-EBADF);
	if (to >= 0 && fd != to && fcntl(fd, F_GETFD) >= 0)
		give_up(to);
	return dup3(fd, to, flags);
}

int leat_dup2(int fd, int to)
{
	if (is_leats(fd))
		return dup_ours(fd, to, 0);
	if (fd == to && !is_kept(fd))
		return dup2(fd, to);
	return dup_kernel(fd, to, 0);
}

int leat_dup3(int fd, int to, int flags)
{
	if (!is_leats(fd))
		return dup_kernel(fd, to, flags);
	if (fd == to || flags & ~O_CLOEXEC)
		return int_result(-EINVAL);
	return dup_ours(fd, to, flags);
}

enum leat_fd leat_fd_of(int fd)
{
	unsigned who = owner_of(&process.owners, fd);

	if (who == OWNER_NONE)
		return LEAT_FD_KERNEL;
	return who <= OWNER_WORKERS ? LEAT_FD_LEAT : LEAT_FD_HIDDEN;
}

/* ---- ranges ---- */

/* Not the program's business: what Leat itself has open, and closed numbers that it keeps. */
static void close_ours(int fd, int flags)
{
	if (!is_leats(fd))
		return;
	if ((unsigned)flags & CLOSE_RANGE_CLOEXEC)
		(void)leat_fcntl(fd, F_SETFD, FD_CLOEXEC);
	else
		(void)leat_close(fd);
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
		close_ours(fd, flags);
		if ((unsigned)fd == last)
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
