/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a proxied connection: accepted, connecting, open, ended. An end of the stream is
 * carried over as an end of the stream, a reset as a reset (SO_LINGER 0), and what cannot be
 * reached as a reset, because the client was accepted before. Called from the event loop only.
 */
#include "conn.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "proxy.h"
#include "sock.h"
#include "upstream.h"

static enum side other(enum side side)
{
	return side == CLIENT ? SERVER : CLIENT;
}

static bool is_half_closed(const struct conn *c)
{
	return c->relay[CLIENT].done || c->relay[SERVER].done;
}

static void log_end(struct proxy *p, struct conn *c, const char *why)
{
	char client[ADDR_TEXT], server[ADDR_TEXT];

	if (p->log.level < LOG_DEBUG)
		return;
	log_msg(&p->log, LOG_DEBUG, "%s to %s: %s, %llu bytes up, %llu down, %llu ms",
		addr_format(&c->client_addr, client), addr_format(&c->server_addr, server), why,
		(unsigned long long)c->relay[CLIENT].bytes,
		(unsigned long long)c->relay[SERVER].bytes,
		(unsigned long long)((p->now_ns - c->start_ns) / 1000000));
}

/* Both sockets are closed by now. The memory is freed at the end of the round. */
static void retire(struct proxy *p, struct conn *c, const char *why)
{
	log_end(p, c, why);
	relay_drop(&c->relay[CLIENT], &p->bufs);
	relay_drop(&c->relay[SERVER], &p->bufs);
	deadline_stop(&c->deadline);
	clients_put(&p->clients, c->client);
	proxy_unqueue(p, c);
	c->state = CONN_ENDED;
	TAILQ_REMOVE(&p->conns, c, link);
	TAILQ_INSERT_TAIL(&p->ended, c, link);
	p->stats.open--;
}

static void finish_conn(struct proxy *p, struct conn *c)
{
	p->stats.finished++;
	close(c->leg[CLIENT].end.fd);
	close(c->leg[SERVER].end.fd);
	retire(p, c, "finished");
}

static void abort_conn(struct proxy *p, struct conn *c, uint64_t *counter, const char *why)
{
	(*counter)++;
	sock_reset(c->leg[CLIENT].end.fd);
	if (c->leg[SERVER].end.fd >= 0)
		sock_reset(c->leg[SERVER].end.fd);
	retire(p, c, why);
}

/* One side failed: a reset by the peer, or a peer that no longer answers. The other side gets a
 * reset. */
static void abort_failed(struct proxy *p, struct conn *c, enum side side, int error)
{
	/* 0: a call before has taken the error. */
	bool reset = error == ECONNRESET || error == EPIPE || error == 0;

	if (side == CLIENT)
		abort_conn(p, c, reset ? &p->stats.client_resets : &p->stats.client_lost,
			   reset ? "reset by the client" : "client lost");
	else
		abort_conn(p, c, reset ? &p->stats.server_resets : &p->stats.server_lost,
			   reset ? "reset by the server" : "server lost");
}

static void abort_unconnected(struct proxy *p, struct conn *c, int error)
{
	switch (error) {
	case ECONNREFUSED:
		abort_conn(p, c, &p->stats.connect_refused, "refused by the server");
		break;
	case ETIMEDOUT:
		platform_be_silent(c->leg[CLIENT].end.fd);
		abort_conn(p, c, &p->stats.connect_timeouts, "no answer from the server");
		break;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENETDOWN:
		abort_conn(p, c, &p->stats.connect_unreachable, "server not reachable");
		break;
	default:
		log_limited(&p->log, &p->connect_warnings, p->now_ns, "cannot connect upstream: %s",
			    strerror(error));
		abort_conn(p, c, &p->stats.connect_errors, "no upstream socket");
		break;
	}
}

/* Idle time starts anew with every byte; the limit depends on whether one side has finished. */
static void restart_deadline(struct proxy *p, struct conn *c)
{
	deadline_start(&c->deadline, is_half_closed(c) ? &p->half_closed : &p->idle, p->now_ns);
}

/* Who takes no more may have said something before it failed: carry that over, then the reset
 * follows. */
static void carry_last_words(struct proxy *p, struct conn *c, enum side side)
{
	struct relay *r = &c->relay[side];
	uint64_t bytes = r->bytes;

	c->leg[side].end.readable = true;
	(void)relay_run(r, &c->leg[side].end, &c->leg[other(side)].end, &p->bufs, &p->stats);
	p->stats.bytes[c->family6][side] += r->bytes - bytes;
}

/*
 * Run one direction. Returns false when the connection has ended. A failed sender has its last
 * bytes carried over as far as the receiver takes them at once; then the reset follows.
 */
static bool run_direction(struct proxy *p, struct conn *c, enum side side)
{
	struct leg *from = &c->leg[side], *to = &c->leg[other(side)];
	struct relay *r = &c->relay[side];
	uint64_t bytes = r->bytes;
	bool done = r->done;
	enum relay_result rc;

	rc = relay_run(r, &from->end, &to->end, &p->bufs, &p->stats);
	if (r->bytes != bytes || r->done != done) {
		p->stats.bytes[c->family6][side] += r->bytes - bytes;
		restart_deadline(p, c);
	}
	if (rc == RELAY_AGAIN) {
		proxy_queue(p, c);
	} else if (rc == RELAY_WRITE_ERROR) {
		int error = errno;

		carry_last_words(p, c, other(side));
		abort_failed(p, c, other(side), error);
		return false;
	} else if (rc == RELAY_READ_ERROR || from->end.failed) {
		abort_failed(p, c, side, rc == RELAY_READ_ERROR ? errno : sock_error(from->end.fd));
		return false;
	}
	return true;
}

static void run(struct proxy *p, struct conn *c)
{
	if (!run_direction(p, c, CLIENT) || !run_direction(p, c, SERVER))
		return;
	if (c->relay[CLIENT].done && c->relay[SERVER].done)
		finish_conn(p, c);
}

/* The upstream socket has become writable, or failed. */
static void on_connected(struct proxy *p, struct conn *c)
{
	int error = sock_error(c->leg[SERVER].end.fd);

	/* Refused is ECONNREFUSED: these two say that it was open, and reset before we came to
	 * look. */
	if (error == ECONNRESET || error == EPIPE) {
		c->leg[SERVER].end.failed = true;
	} else if (error != 0) {
		abort_unconnected(p, c, error);
		return;
	}
	p->stats.connected++;
	c->state = CONN_OPEN;
	platform_answer(c->leg[CLIENT].end.fd);
	restart_deadline(p, c);
	run(p, c);
}

void conn_on_event(struct proxy *p, struct leg *leg, uint32_t events)
{
	struct conn *c = leg->conn;

	if (c->state == CONN_ENDED)
		return;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		leg->end.ended = true;
	if (leg->end.ended || (events & EPOLLIN))
		leg->end.readable = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		leg->end.writable = true;
	if (events & EPOLLERR)
		leg->end.failed = true;
	if (c->state == CONN_OPEN)
		run(p, c);
	else if (leg->side == SERVER && leg->end.writable)
		on_connected(p, c);
	else if (leg->side == CLIENT && leg->end.failed)
		abort_failed(p, c, CLIENT, sock_error(leg->end.fd));
}

void conn_on_turn(struct proxy *p, struct conn *c)
{
	run(p, c);
}

void conn_on_deadline(struct proxy *p, struct deadline *deadline)
{
	struct conn *c = (void *)((char *)deadline - offsetof(struct conn, deadline));

	if (c->state == CONN_CONNECTING)
		abort_unconnected(p, c, ETIMEDOUT);
	else if (is_half_closed(c))
		abort_conn(p, c, &p->stats.half_close_timeouts, "half closed and idle");
	else
		abort_conn(p, c, &p->stats.idle_timeouts, "idle");
}

void conn_on_stop(struct proxy *p, struct conn *c)
{
	abort_conn(p, c, &p->stats.forced, "stopped");
}

/* Enter a new connection into the books; from here on retire() takes it out. NULL: out of memory.
 */
static struct conn *create(struct proxy *p, int fd, const union addr *client,
			   const union addr *server)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->client_addr = *client;
	c->server_addr = *server;
	c->family6 = client->sa.sa_family == AF_INET6;
	c->start_ns = p->now_ns;
	for (enum side side = CLIENT; side <= SERVER; side++) {
		c->leg[side].watch = WATCH_LEG;
		c->leg[side].side = side;
		c->leg[side].conn = c;
		c->leg[side].end.fd = side == CLIENT ? fd : -1;
	}
	TAILQ_INSERT_TAIL(&p->conns, c, link);
	p->stats.handled[c->family6]++;
	if (++p->stats.open > p->stats.open_peak)
		p->stats.open_peak = p->stats.open;
	return c;
}

static bool watch_leg(struct proxy *p, struct leg *leg)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.ptr = leg,
	};

	return epoll_ctl(p->epfd, EPOLL_CTL_ADD, leg->end.fd, &event) == 0;
}

static void connect_server(struct proxy *p, struct conn *c)
{
	bool fallback;
	int fd, rc;

	fd = upstream_connect(&c->client_addr, &c->server_addr,
			      (enum upstream_source)p->config->source, &fallback);
	p->stats.port_fallbacks += fallback;
	if (fd < 0) {
		abort_unconnected(p, c, -fd);
		return;
	}
	c->leg[SERVER].end.fd = fd;
	deadline_start(&c->deadline, &p->connecting, p->now_ns);
	rc = sock_set_nodelay(c->leg[CLIENT].end.fd);
	if (rc < 0)
		abort_failed(p, c, CLIENT, -rc);
	else if (!watch_leg(p, &c->leg[CLIENT]) || !watch_leg(p, &c->leg[SERVER]))
		abort_unconnected(p, c, errno);
}

void conn_open(struct proxy *p, int fd, const union addr *client, const union addr *server)
{
	struct client *counted;
	struct conn *c;
	int rc;

	rc = clients_get(&p->clients, client, &counted);
	if (rc == -EMFILE) {
		p->stats.over_client_limit++;
		sock_reset(fd);
		return;
	}
	c = rc == 0 ? create(p, fd, client, server) : NULL;
	if (!c) {
		p->stats.connect_errors++;
		clients_put(&p->clients, counted);
		sock_reset(fd);
		return;
	}
	c->client = counted;
	connect_server(p, c);
}
