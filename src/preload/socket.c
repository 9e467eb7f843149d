/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls of <sys/socket.h> other than reading and writing. Any thread. */
#include "preload/attach.h"
#include "preload/pending.h"
#include "preload/waitfor.h"

#include <errno.h>

static bool may_be_leats(int domain, int type, int protocol)
{
	int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (domain != AF_INET && domain != AF_INET6)
		return false;
	if (kind == SOCK_STREAM)
		return protocol == 0 || protocol == IPPROTO_TCP;
	return kind == SOCK_DGRAM && (protocol == 0 || protocol == IPPROTO_UDP);
}

EXPORT int socket(int domain, int type, int protocol)
{
	int fd = real(socket)(domain, type, protocol);

	if (fd >= 0 && is_programs() && atomic_load(&preload.attach) != ATTACH_REFUSED &&
	    may_be_leats(domain, type, protocol))
		pending_add(fd, domain, type, protocol);
	return fd;
}

EXPORT int bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	enum pending_way way = PENDING_KERNEL;

	if (me.inside == 0 && slot_is(fd, SLOT_SOCKET))
		way = pending_bind(fd, addr, len);
	else if (me.inside == 0 && is_leats(fd))
		way = PENDING_LEAT;
	switch (way) {
	case PENDING_LEAT:
		return INSIDE(lib(bind)(fd, addr, len));
	case PENDING_KERNEL:
		return real(bind)(fd, addr, len);
	case PENDING_DONE:
		return 0;
	case PENDING_ERROR:
		return -1;
	}
	__builtin_unreachable();
}

EXPORT int listen(int fd, int backlog)
{
	enum pending_way way = PENDING_KERNEL;

	if (me.inside == 0 && slot_is(fd, SLOT_SOCKET))
		way = pending_listen(fd, backlog);
	else if (me.inside == 0 && is_leats(fd))
		way = PENDING_LEAT;
	switch (way) {
	case PENDING_LEAT:
		return INSIDE(lib(listen)(fd, backlog));
	case PENDING_KERNEL:
		return real(listen)(fd, backlog);
	case PENDING_DONE:
		return 0;
	case PENDING_ERROR:
		return -1;
	}
	__builtin_unreachable();
}

EXPORT int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	enum pending_way way = PENDING_KERNEL;

	if (me.inside == 0 && slot_is(fd, SLOT_SOCKET))
		way = pending_toward(fd, addr, len);
	else if (me.inside == 0 && is_leats(fd))
		way = PENDING_LEAT;
	if (way == PENDING_ERROR)
		return -1;
	/* connect(2): EINTR leaves it going on in the background, also here. */
	if (way == PENDING_LEAT)
		return INSIDE(lib(connect)(fd, addr, len));
	waitfor_flush();
	return real(connect)(fd, addr, len);
}

EXPORT int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	int leats = pending_ask(fd);

	if (leats > 0)
		return INSIDE_RESTART(fd, lib(accept4)(fd, addr, len, flags));
	if (leats < 0 || waitfor_readable(fd, 0) < 0)
		return -1;
	return real(accept4)(fd, addr, len, flags);
}

EXPORT int accept(int fd, struct sockaddr *addr, socklen_t *len)
{
	return accept4(fd, addr, len, 0);
}

EXPORT int shutdown(int fd, int how)
{
	int leats = pending_ask(fd);

	if (leats < 0)
		return -1;
	return leats ? INSIDE(lib(shutdown)(fd, how)) : real(shutdown)(fd, how);
}

EXPORT int getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	int rc, leats;

	if (me.inside == 0 && slot_is(fd, SLOT_SOCKET) && pending_getsockname(fd, addr, len, &rc))
		return rc;
	leats = pending_ask(fd);
	if (leats < 0)
		return -1;
	return leats ? INSIDE(lib(getsockname)(fd, addr, len)) : real(getsockname)(fd, addr, len);
}

EXPORT int getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	if (me.inside == 0 && is_leats(fd))
		return INSIDE(lib(getpeername)(fd, addr, len));
	return real(getpeername)(fd, addr, len);
}

EXPORT int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	int rc;

	if (me.inside == 0 && is_leats(fd))
		return INSIDE(lib(getsockopt)(fd, level, name, value, len));
	rc = real(getsockopt)(fd, level, name, value, len);
	if (rc == 0 && me.inside == 0 && level == SOL_SOCKET && name == SO_ACCEPTCONN &&
	    *len == sizeof(int) && slot_is(fd, SLOT_SOCKET) && pending_listens(fd))
		*(int *)value = 1;
	return rc;
}

EXPORT int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	int rc;

	if (me.inside == 0 && is_leats(fd))
		return INSIDE(lib(setsockopt)(fd, level, name, value, len));
	rc = real(setsockopt)(fd, level, name, value, len);
	if (rc == 0 && me.inside == 0 && slot_is(fd, SLOT_SOCKET))
		pending_option(fd, level, name, value, len);
	return rc;
}

int __connect(int fd, const struct sockaddr *addr, socklen_t len);
EXPORT int __connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	return connect(fd, addr, len);
}
