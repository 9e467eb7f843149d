/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls on descriptors as such. Numbers that Leat or this library have open for themselves do not
 * exist for the program: a loop that closes everything passes them by.
 */
#include "preload/pending.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>

static bool is_hidden(int fd)
{
	return slot_is(fd, SLOT_HIDDEN) || (is_up() && lib(fd_of)(fd) == LEAT_FD_HIDDEN);
}

static int no_descriptor(void)
{
	errno = EBADF;
	return -1;
}

static void drop_slot(int fd)
{
	slots_lock();
	slot_drop(fd);
	slots_unlock();
}

EXPORT int close(int fd)
{
	if (me.inside > 0)
		return real(close)(fd);
	if (is_hidden(fd))
		return no_descriptor();
	if (is_leats(fd))
		return INSIDE(lib(close)(fd));
	if (slot_of(fd))
		drop_slot(fd);
	return real(close)(fd);
}

/* ---- dup ---- */

EXPORT int dup(int fd)
{
	int to;

	if (me.inside > 0)
		return real(dup)(fd);
	if (is_hidden(fd))
		return no_descriptor();
	if (is_leats(fd))
		return INSIDE(lib(dup)(fd));
	to = real(dup)(fd);
	if (to >= 0 && slot_of(fd))
		pending_dup(fd, to);
	return to;
}

/* fd is the program's own, and open. */
static int dup_onto(int fd, int to, int flags)
{
	int rc;

	if (slot_of(to))
		drop_slot(to);
	if (is_leats(fd) || is_leats(to))
		return INSIDE(lib(dup3)(fd, to, flags));
	rc = real(dup3)(fd, to, flags);
	if (rc >= 0 && slot_of(fd))
		pending_dup(fd, to);
	return rc;
}

EXPORT int dup3(int fd, int to, int flags)
{
	if (me.inside > 0)
		return real(dup3)(fd, to, flags);
	if (is_hidden(fd) || real(fcntl)(fd, F_GETFD) < 0)
		return no_descriptor();
	if (to < 0 || fd == to || flags & ~O_CLOEXEC)
		return real(dup3)(fd, to, flags); /* for its error */
	if (is_hidden(to)) {
		say("leat: dup2(%d, %d): %d is in use by Leat", fd, to, to);
		errno = EBUSY;
		return -1;
	}
	return dup_onto(fd, to, flags);
}

EXPORT int dup2(int fd, int to)
{
	if (fd != to)
		return dup3(fd, to, 0);
	if ((me.inside == 0 && is_hidden(fd)) || real(fcntl)(fd, F_GETFD) < 0)
		return no_descriptor();
	return fd;
}

/* ---- fcntl, ioctl ---- */

static int fcntl_kernel(int fd, int cmd, void *arg)
{
	int rc = real(fcntl)(fd, cmd, arg);

	if (rc >= 0 && me.inside == 0 && (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC) && slot_of(fd))
		pending_dup(fd, rc);
	return rc;
}

/* The third argument, if there is one, fits a pointer. */
EXPORT int fcntl(int fd, int cmd, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (me.inside > 0)
		return real(fcntl)(fd, cmd, arg);
	if (is_hidden(fd))
		return no_descriptor();
	if (is_leats(fd))
		return INSIDE(lib(fcntl)(fd, cmd, arg));
	return fcntl_kernel(fd, cmd, arg);
}

EXPORT int fcntl64(int fd, int cmd, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	return fcntl(fd, cmd, arg);
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (me.inside == 0 && is_leats(fd))
		return INSIDE(lib(ioctl)(fd, request, arg));
	return real(ioctl)(fd, request, arg);
}

/* ---- ranges ---- */

/* Nothing in it is hidden by this library; Leat spares its own. */
static int close_part(unsigned first, unsigned last, int flags)
{
	int fd;

	if (!((unsigned)flags & CLOSE_RANGE_CLOEXEC)) {
		slots_lock();
		for (unsigned from = first; (fd = slot_next(from, last)) >= 0;
		     from = (unsigned)fd + 1)
			slot_drop(fd);
		slots_unlock();
	}
	if (is_up())
		return INSIDE(lib(close_range)(first, last, flags));
	return real(close_range)(first, last, flags);
}

static int next_hidden(unsigned first, unsigned last)
{
	int fd = slot_next(first, last);

	while (fd >= 0 && !slot_is(fd, SLOT_HIDDEN))
		fd = (unsigned)fd < last ? slot_next((unsigned)fd + 1, last) : -1;
	return fd;
}

/* Companions of sets that are closed here are hidden, too, and go with them. */
EXPORT int close_range(unsigned first, unsigned last, int flags)
{
	if (me.inside > 0 || first > last)
		return real(close_range)(first, last, flags);
	for (;;) {
		int fd = next_hidden(first, last);

		if (fd < 0)
			return close_part(first, last, flags);
		if ((unsigned)fd > first && close_part(first, (unsigned)fd - 1, flags) < 0)
			return -1;
		if ((unsigned)fd == last)
			return 0;
		first = (unsigned)fd + 1;
	}
}

EXPORT void closefrom(int from)
{
	(void)close_range(from > 0 ? (unsigned)from : 0, ~0u, 0);
}

/* ---- the same under other names ---- */

int __close(int fd);
int __dup2(int fd, int to);
int __fcntl(int fd, int cmd, ...);

EXPORT int __close(int fd)
{
	return close(fd);
}

EXPORT int __dup2(int fd, int to)
{
	return dup2(fd, to);
}

EXPORT int __fcntl(int fd, int cmd, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	return fcntl(fd, cmd, arg);
}
