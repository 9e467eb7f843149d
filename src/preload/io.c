/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading and writing, under all names that programs import. Any thread. */
#include "preload/pending.h"
#include "preload/waitfor.h"

#include <errno.h>

EXPORT ssize_t read(int fd, void *buf, size_t len)
{
	int leats = pending_ask(fd);

	if (leats > 0)
		return INSIDE_RESTART(fd, lib(read)(fd, buf, len));
	if (leats < 0 || waitfor_readable(fd, 0) < 0)
		return -1;
	return real(read)(fd, buf, len);
}

EXPORT ssize_t readv(int fd, const struct iovec *iov, int n)
{
	int leats = pending_ask(fd);

	if (leats > 0)
		return INSIDE_RESTART(fd, lib(readv)(fd, iov, n));
	if (leats < 0 || waitfor_readable(fd, 0) < 0)
		return -1;
	return real(readv)(fd, iov, n);
}

EXPORT ssize_t recvfrom(int fd, void *restrict buf, size_t len, int flags,
			struct sockaddr *restrict addr, socklen_t *restrict addr_len)
{
	int leats = pending_ask(fd);

	if (leats > 0)
		return INSIDE_RESTART(fd, lib(recvfrom)(fd, buf, len, flags, addr, addr_len));
	if (leats < 0 || waitfor_readable(fd, flags) < 0)
		return -1;
	return real(recvfrom)(fd, buf, len, flags, addr, addr_len);
}

EXPORT ssize_t recv(int fd, void *buf, size_t len, int flags)
{
	return recvfrom(fd, buf, len, flags, NULL, NULL);
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	int leats = pending_ask(fd);

	if (leats > 0)
		return INSIDE_RESTART(fd, lib(recvmsg)(fd, msg, flags));
	if (leats < 0 || waitfor_readable(fd, flags) < 0)
		return -1;
	return real(recvmsg)(fd, msg, flags);
}

EXPORT int recvmmsg(int fd, struct mmsghdr *v, unsigned n, int flags, struct timespec *timeout)
{
	int leats = pending_ask(fd);

	if (leats > 0)
		return INSIDE_RESTART(fd, lib(recvmmsg)(fd, v, n, flags, timeout));
	if (leats < 0 || waitfor_readable(fd, flags) < 0)
		return -1;
	return real(recvmmsg)(fd, v, n, flags, timeout);
}

EXPORT ssize_t write(int fd, const void *buf, size_t len)
{
	int leats = pending_ask(fd);

	if (leats > 0)
		return INSIDE_RESTART(fd, lib(write)(fd, buf, len));
	if (leats < 0 || waitfor_writable(fd, 0) < 0)
		return -1;
	return real(write)(fd, buf, len);
}

EXPORT ssize_t writev(int fd, const struct iovec *iov, int n)
{
	int leats = pending_ask(fd);

	if (leats > 0)
		return INSIDE_RESTART(fd, lib(writev)(fd, iov, n));
	if (leats < 0 || waitfor_writable(fd, 0) < 0)
		return -1;
	return real(writev)(fd, iov, n);
}

/* A datagram's address may be the socket's first. */
static int ask_toward(int fd, const struct sockaddr *addr, socklen_t len)
{
	enum pending_way way;

	if (me.inside > 0 || !addr || !slot_is(fd, SLOT_SOCKET))
		return pending_ask(fd);
	way = pending_toward(fd, addr, len);
	return way == PENDING_ERROR ? -1 : way == PENDING_LEAT;
}

EXPORT ssize_t sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr,
		      socklen_t addr_len)
{
	int leats = ask_toward(fd, addr, addr_len);

	if (leats > 0)
		return INSIDE_RESTART(fd, lib(sendto)(fd, buf, len, flags, addr, addr_len));
	if (leats < 0 || waitfor_writable(fd, flags) < 0)
		return -1;
	return real(sendto)(fd, buf, len, flags, addr, addr_len);
}

EXPORT ssize_t send(int fd, const void *buf, size_t len, int flags)
{
	return sendto(fd, buf, len, flags, NULL, 0);
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	int leats = ask_toward(fd, msg ? msg->msg_name : NULL, msg ? msg->msg_namelen : 0);

	if (leats > 0)
		return INSIDE_RESTART(fd, lib(sendmsg)(fd, msg, flags));
	if (leats < 0 || waitfor_writable(fd, flags) < 0)
		return -1;
	return real(sendmsg)(fd, msg, flags);
}

/* The first message's address may be the socket's first. */
EXPORT int sendmmsg(int fd, struct mmsghdr *v, unsigned n, int flags)
{
	const struct msghdr *first = n > 0 ? &v[0].msg_hdr : NULL;
	int leats = ask_toward(fd, first ? first->msg_name : NULL, first ? first->msg_namelen : 0);

	if (leats > 0)
		return INSIDE_RESTART(fd, lib(sendmmsg)(fd, v, n, flags));
	if (leats < 0 || waitfor_writable(fd, flags) < 0)
		return -1;
	return real(sendmmsg)(fd, v, n, flags);
}

/* ---- the same under other names ---- */

void __chk_fail(void) __attribute__((noreturn));
ssize_t __read_chk(int fd, void *buf, size_t len, size_t room);
ssize_t __recv_chk(int fd, void *buf, size_t len, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *restrict buf, size_t len, size_t room, int flags,
		       struct sockaddr *restrict addr, socklen_t *restrict addr_len);
ssize_t __read(int fd, void *buf, size_t len);
ssize_t __write(int fd, const void *buf, size_t len);
ssize_t __send(int fd, const void *buf, size_t len, int flags);

/* With _FORTIFY_SOURCE the compiler knows the room of some buffers. */
EXPORT ssize_t __read_chk(int fd, void *buf, size_t len, size_t room)
{
	if (len > room)
		__chk_fail();
	return read(fd, buf, len);
}

EXPORT ssize_t __recv_chk(int fd, void *buf, size_t len, size_t room, int flags)
{
	if (len > room)
		__chk_fail();
	return recv(fd, buf, len, flags);
}

EXPORT ssize_t __recvfrom_chk(int fd, void *restrict buf, size_t len, size_t room, int flags,
			      struct sockaddr *restrict addr, socklen_t *restrict addr_len)
{
	if (len > room)
		__chk_fail();
	return recvfrom(fd, buf, len, flags, addr, addr_len);
}

EXPORT ssize_t __read(int fd, void *buf, size_t len)
{
	return read(fd, buf, len);
}

EXPORT ssize_t __write(int fd, const void *buf, size_t len)
{
	return write(fd, buf, len);
}

EXPORT ssize_t __send(int fd, const void *buf, size_t len, int flags)
{
	return send(fd, buf, len, flags);
}
