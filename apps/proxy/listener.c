/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listening sockets. At the connection limit, and when accept(2) finds no descriptor or memory,
 * what waits stays in the backlog: the listener stays "ready" and the loop comes back when it makes
 * sense, it does not spin.
 */
#include "listener.h"

#include <string.h>

#include "proxy.h"
#include "sock.h"

enum {
	ROUND_ACCEPTS =
		64, /* of one listener, then the others and the connections have their turn */
	PAUSE_NS = 100000000, /* without resources: try again then */
};

static int set_options(int fd, const union addr *local)
{
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	/* One socket per family: with a mapped one the families' rules would meet in one place. */
	if (local->sa.sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return -errno;
	return sock_set_transparent(fd, local->sa.sa_family);
}

static int start(struct proxy *p, struct listener *l)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = l};
	int rc = set_options(l->fd, &l->local);

	if (rc < 0)
		return rc;
	if (bind(l->fd, &l->local.sa, addr_len(&l->local)) < 0)
		return -errno;
	if (listen(l->fd, (int)p->config->backlog) < 0)
		return -errno;
	return epoll_ctl(p->epfd, EPOLL_CTL_ADD, l->fd, &event) < 0 ? -errno : 0;
}

int listener_open(struct proxy *p, struct listener *l, const union addr *local)
{
	char text[ADDR_TEXT];
	int rc;

	*l = (struct listener){.watch = WATCH_LISTENER, .local = *local};
	l->fd = socket(local->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		       IPPROTO_TCP);
	rc = l->fd < 0 ? -errno : start(p, l);
	if (rc == 0)
		return platform_intercept(p->config, &p->log, l->fd, local);
	log_msg(&p->log, LOG_ERROR, "cannot listen on %s: %s", addr_format(local, text),
		strerror(-rc));
	return -1;
}

void listener_close(struct listener *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	l->ready = false;
}

/* What a connection that was accepted can do to accept(2); the next one may be well (accept(2),
 * "Error handling"). */
static bool is_peer_error(int error)
{
	static const int errors[] = {ECONNABORTED, EPROTO, EINTR,        ENETDOWN,   ENOPROTOOPT,
				     EHOSTDOWN,    ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (error == errors[i])
			return true;
	}
	return false;
}

/* Someone connected to our own port without interception: going on would connect us to ourselves
 * for ever. */
static bool is_loop(const struct listener *l, const union addr *server)
{
	return addr_port(server) == addr_port(&l->local) && sock_is_own(server);
}

static void on_accepted(struct proxy *p, struct listener *l, int fd, const union addr *client)
{
	union addr server;
	socklen_t len = sizeof(server);

	if (getsockname(fd, &server.sa, &len) < 0) {
		p->stats.accept_errors++;
		sock_reset(fd);
		return;
	}
	p->stats.accepted++;
	if (is_loop(l, &server)) {
		p->stats.loops++;
		sock_reset(fd);
		return;
	}
	conn_open(p, fd, client, &server);
}

/* Returns false when there is nothing more to accept for now. */
static bool accept_one(struct proxy *p, struct listener *l)
{
	union addr client;
	socklen_t len = sizeof(client);
	int fd;

	fd = accept4(l->fd, &client.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		on_accepted(p, l, fd, &client);
		return true;
	}
	if (errno == EAGAIN) {
		l->ready = false;
		return false;
	}
	if (is_peer_error(errno))
		return true;
	p->stats.accept_errors++;
	p->accept_after_ns = p->now_ns + PAUSE_NS;
	log_limited(&p->log, &p->accept_warnings, p->now_ns, "accept: %s, pausing",
		    strerror(errno));
	return false;
}

void listener_run(struct proxy *p, struct listener *l)
{
	for (int i = 0; i < ROUND_ACCEPTS && proxy_may_accept(p); i++) {
		if (!accept_one(p, l))
			return;
	}
}

void listener_drain(struct proxy *p, struct listener *l)
{
	/* Bounded by the backlog: whoever comes later is not served. */
	for (uint64_t i = 0; i <= p->config->backlog && proxy_may_accept(p); i++) {
		if (!accept_one(p, l))
			return;
	}
}
