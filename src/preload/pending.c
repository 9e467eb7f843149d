/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets without an address, and binds that wait for a stack; see pending.h. Any thread; each
 * function takes the lock by itself. A socket leaves the table when it is decided whose it is.
 */
#include "preload/pending.h"

#include "preload/attach.h"
#include "preload/epset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Options set before the first address: a program sets a handful. */
#define OPTION_ROOM 64u

struct option {
	struct option *next;
	int level, name;
	socklen_t len;
	unsigned char value[OPTION_ROOM];
};

struct pending {
	struct slot s;
	int domain, type, protocol;
	bool bound, listening;
	int backlog;
	struct sockaddr_storage addr;
	socklen_t addr_len;
	struct option *options, **last;
	bool watched;
	int epfd;
	struct epoll_event event;
};

static struct pending *pending_of(int fd)
{
	struct slot *s = slot_of(fd);

	return s && s->kind == SLOT_SOCKET ? (struct pending *)(void *)s : NULL;
}

void pending_add(int fd, int domain, int type, int protocol)
{
	struct pending *p = calloc(1, sizeof(*p));

	if (!p)
		return;
	p->s.kind = SLOT_SOCKET;
	p->domain = domain;
	p->type = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
	p->protocol = protocol;
	p->last = &p->options;
	slots_lock();
	if (slot_put(fd, &p->s) < 0)
		free(p);
	slots_unlock();
}

void pending_destroy(struct slot *s)
{
	struct pending *p = (struct pending *)(void *)s;

	while (p->options) {
		struct option *o = p->options;

		p->options = o->next;
		free(o);
	}
	free(p);
}

void pending_dup(int fd, int to)
{
	struct slot *s;

	slots_lock();
	s = slot_of(fd);
	if (s)
		(void)slot_put(to, s);
	slots_unlock();
}

/*
 * The next of its numbers from `from` on; most sockets have one, and it is known. -1: no more. The
 * caller holds a reference besides those of the numbers.
 */
static int next_number(const struct pending *p, int known, int from)
{
	if (p->s.refs == 1)
		return -1;
	if (p->s.refs == 2 && slot_of(known) == &p->s)
		return known;
	while ((from = slot_next((unsigned)from, ~0u)) >= 0 && slot_of(from) != &p->s)
		from++;
	return from;
}

static void unref(struct pending *p)
{
	if (--p->s.refs == 0)
		pending_destroy(&p->s);
}

/* It is the kernel's for good, and so are its other numbers. */
static void forget(struct pending *p, int known)
{
	int fd = 0;

	p->s.refs++;
	while ((fd = next_number(p, known, fd)) >= 0)
		slot_drop(fd);
	unref(p);
}

/* ---- it becomes Leat's ---- */

/* What Leat does not know it cannot miss: an option that the kernel took was a wish. */
static void replay_options(const struct pending *p, int fd)
{
	for (const struct option *o = p->options; o; o = o->next)
		if (lib(setsockopt)(fd, o->level, o->name, o->value, o->len) < 0 &&
		    preload.config.verbose)
			say("leat: socket %d: option %d of level %d is not known to Leat", fd,
			    o->name, o->level);
}

/* A socket of Leat's that is what p says. -1: errno. */
static int make_socket(const struct pending *p, int flags)
{
	int fd = lib(socket)(p->domain, p->type, p->protocol);
	int saved;

	if (fd < 0)
		return -1;
	replay_options(p, fd);
	if (p->bound && lib(bind)(fd, (const struct sockaddr *)&p->addr, p->addr_len) < 0)
		goto fail;
	if (p->listening && lib(listen)(fd, p->backlog) < 0)
		goto fail;
	if (flags & O_NONBLOCK)
		(void)lib(fcntl)(fd, F_SETFL, O_NONBLOCK);
	return fd;
fail:
	saved = errno;
	(void)lib(close)(fd);
	errno = saved;
	return -1;
}

static int take_number(int leat_fd, int fd)
{
	int cloexec = real(fcntl)(fd, F_GETFD);

	slot_drop(fd);
	if (lib(dup2)(leat_fd, fd) < 0)
		return -1;
	if (cloexec & FD_CLOEXEC)
		(void)lib(fcntl)(fd, F_SETFD, FD_CLOEXEC);
	return 0;
}

/* All numbers of the kernel's socket become Leat's; the kernel's closes with the last. */
static int take_numbers(const struct pending *p, int known, int leat_fd)
{
	int fd = 0, rc = 0;

	while (rc == 0 && (fd = next_number(p, known, fd)) >= 0)
		rc = take_number(leat_fd, fd);
	return rc;
}

/* With a reference to p held, inside Leat. */
static int convert_locked(struct pending *p, int fd)
{
	int leat_fd = make_socket(p, real(fcntl)(fd, F_GETFL));
	int rc;

	if (leat_fd < 0)
		return -1;
	rc = take_numbers(p, fd, leat_fd);
	(void)lib(close)(leat_fd);
	return rc;
}

/* It turned out that this process has no stack: the kernel does what was remembered. */
static enum pending_way give_to_kernel(struct pending *p, int fd)
{
	int rc = 0;

	if (p->bound)
		rc = real(bind)(fd, (const struct sockaddr *)&p->addr, p->addr_len);
	if (rc == 0 && p->listening)
		rc = real(listen)(fd, p->backlog);
	forget(p, fd);
	return rc == 0 ? PENDING_KERNEL : PENDING_ERROR;
}

static enum pending_way convert(struct pending *p, int fd)
{
	int rc, saved;

	if (!attach())
		return give_to_kernel(p, fd);
	p->s.refs++;
	rc = INSIDE(convert_locked(p, fd));
	saved = errno;
	if (rc == 0 && p->watched)
		(void)epset_ctl(p->epfd, EPOLL_CTL_ADD, fd, &p->event);
	if (rc < 0 && p->bound && preload.config.verbose)
		say("leat: socket %d: %s", fd, strerror(saved));
	unref(p);
	errno = saved;
	return rc == 0 ? PENDING_LEAT : PENDING_ERROR;
}

/* Between two threads' calls it may have been decided already. */
static enum pending_way decided(int fd)
{
	return is_leats(fd) ? PENDING_LEAT : PENDING_KERNEL;
}

/* ---- the calls ---- */

static enum pending_way bind_locked(struct pending *p, int fd, const struct sockaddr *addr,
				    socklen_t len)
{
	if (p->bound) {
		errno = EINVAL;
		return PENDING_ERROR;
	}
	if (len > sizeof(p->addr) || addr->sa_family != p->domain ||
	    rules_find(&preload.config.rules, addr, len) == RULES_KERNEL) {
		forget(p, fd);
		return PENDING_KERNEL;
	}
	/* With a stack at hand it is Leat that says whether the address is free. */
	if (is_up())
		return convert(p, fd);
	memcpy(&p->addr, addr, len);
	p->addr_len = len;
	p->bound = true;
	return PENDING_DONE;
}

enum pending_way pending_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	enum pending_way way;
	struct pending *p;

	if (!addr || len < sizeof(addr->sa_family))
		return PENDING_KERNEL;
	slots_lock();
	p = pending_of(fd);
	way = p ? bind_locked(p, fd, addr, len) : decided(fd);
	slots_unlock();
	return way;
}

/* Without bind(): any address, a port of the stack's choice. */
static enum pending_way listen_unbound(struct pending *p, int fd)
{
	struct sockaddr_storage any = {.ss_family = (sa_family_t)p->domain};

	if (rules_find(&preload.config.rules, (struct sockaddr *)&any, sizeof(any)) ==
	    RULES_KERNEL) {
		forget(p, fd);
		return PENDING_KERNEL;
	}
	return convert(p, fd);
}

static enum pending_way listen_locked(struct pending *p, int fd, int backlog)
{
	if (p->type != SOCK_STREAM)
		return PENDING_KERNEL; /* for its error */
	if (!p->bound)
		return listen_unbound(p, fd);
	p->listening = true;
	p->backlog = backlog;
	return PENDING_DONE;
}

enum pending_way pending_listen(int fd, int backlog)
{
	enum pending_way way;
	struct pending *p;

	slots_lock();
	p = pending_of(fd);
	way = p ? listen_locked(p, fd, backlog) : decided(fd);
	slots_unlock();
	return way;
}

enum pending_way pending_toward(int fd, const struct sockaddr *addr, socklen_t len)
{
	enum pending_way way;
	struct pending *p;

	slots_lock();
	p = pending_of(fd);
	if (!p) {
		way = decided(fd);
	} else if (!p->bound && rules_find(&preload.config.rules, addr, len) == RULES_KERNEL) {
		forget(p, fd);
		way = PENDING_KERNEL;
	} else {
		way = convert(p, fd);
	}
	slots_unlock();
	return way;
}

enum pending_way pending_settle(int fd)
{
	enum pending_way way = PENDING_KERNEL;
	struct pending *p;

	slots_lock();
	p = pending_of(fd);
	if (!p)
		way = decided(fd);
	else if (p->bound)
		way = convert(p, fd);
	slots_unlock();
	return way;
}

void pending_option(int fd, int level, int name, const void *value, socklen_t len)
{
	struct option *o = len <= OPTION_ROOM ? calloc(1, sizeof(*o)) : NULL;
	struct pending *p;

	if (!o)
		return;
	o->level = level;
	o->name = name;
	o->len = len;
	if (len > 0)
		memcpy(o->value, value, len);
	slots_lock();
	p = pending_of(fd);
	if (p) {
		*p->last = o;
		p->last = &o->next;
	} else {
		free(o);
	}
	slots_unlock();
}

static bool port_is_zero(const struct sockaddr_storage *ss)
{
	in_port_t port;

	memcpy(&port, (const char *)ss + offsetof(struct sockaddr_in, sin_port), sizeof(port));
	return port == 0;
}

static bool getsockname_locked(struct pending *p, struct sockaddr *addr, socklen_t *len)
{
	if (!p || !p->bound || port_is_zero(&p->addr))
		return false;
	memcpy(addr, &p->addr, *len < p->addr_len ? *len : p->addr_len);
	*len = p->addr_len;
	return true;
}

bool pending_getsockname(int fd, struct sockaddr *addr, socklen_t *len, int *rc)
{
	bool known;

	if (!addr || !len)
		return false;
	slots_lock();
	known = getsockname_locked(pending_of(fd), addr, len);
	slots_unlock();
	*rc = 0;
	return known;
}

bool pending_listens(int fd)
{
	struct pending *p;
	bool listening;

	slots_lock();
	p = pending_of(fd);
	listening = p && p->listening;
	slots_unlock();
	return listening;
}

void pending_watched(int fd, int epfd, const struct epoll_event *event)
{
	struct pending *p;

	slots_lock();
	p = pending_of(fd);
	if (p && event) {
		p->watched = true;
		p->epfd = epfd;
		p->event = *event;
	} else if (p && p->epfd == epfd) {
		p->watched = false;
	}
	slots_unlock();
}
