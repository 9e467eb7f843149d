/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event loop: wait, tell the sockets' owners, give turns to those with more to do, let
 * deadlines pass, free what has ended. Edge-triggered: one registration per socket and no
 * epoll_ctl() afterwards. Every step of a round is bounded, so that no connection can keep the
 * others waiting.
 */
#include "proxy.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "signals.h"

enum {
	ROUND_EVENTS = 256,
	ROUND_DEADLINES = 1024, /* connections that may expire in one round */
	SIGNALS_NS = 20000000,
};

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

bool proxy_may_accept(struct proxy *p)
{
	bool full = p->stats.open >= p->max_open;

	if (full && !p->full)
		p->stats.accept_pauses++;
	p->full = full;
	return !full && p->now_ns >= p->accept_after_ns;
}

void proxy_unqueue(struct proxy *p, struct conn *c)
{
	if (c->queued)
		TAILQ_REMOVE(&p->turns, c, turn);
	c->queued = false;
}

void proxy_queue(struct proxy *p, struct conn *c)
{
	if (!c->queued)
		TAILQ_INSERT_TAIL(&p->turns, c, turn);
	c->queued = true;
}

static void run_turns(struct proxy *p)
{
	struct conn_list now = TAILQ_HEAD_INITIALIZER(now);
	struct conn *c;

	/* Those that are queued now; who queues again meanwhile has its turn in the next round. */
	TAILQ_CONCAT(&now, &p->turns, turn);
	while ((c = TAILQ_FIRST(&now))) {
		TAILQ_REMOVE(&now, c, turn);
		c->queued = false;
		conn_on_turn(p, c);
	}
}

static void run_listeners(struct proxy *p)
{
	for (size_t i = 0; i < p->nlisteners; i++) {
		if (p->listeners[i].ready)
			listener_run(p, &p->listeners[i]);
	}
}

static void run_deadlines(struct proxy *p)
{
	struct deadline_queue *queues[] = {&p->connecting, &p->idle, &p->half_closed};
	struct deadline *d;

	for (size_t i = 0; i < 3; i++) {
		for (int n = 0; n < ROUND_DEADLINES; n++) {
			d = deadline_expired(queues[i], p->now_ns);
			if (!d)
				break;
			conn_on_deadline(p, d);
		}
	}
}

static void free_ended(struct proxy *p)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&p->ended))) {
		TAILQ_REMOVE(&p->ended, c, link);
		free(c);
	}
}

static void stop_connections(struct proxy *p)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&p->conns)))
		conn_on_stop(p, c);
	free_ended(p);
}

static void start_draining(struct proxy *p)
{
	for (size_t i = 0; i < p->nlisteners; i++) {
		listener_drain(p, &p->listeners[i]);
		listener_close(&p->listeners[i]);
	}
	p->draining = true;
	p->drain_until_ns = p->config->drain_ns == 0 ? UINT64_MAX : p->now_ns + p->config->drain_ns;
	log_msg(&p->log, LOG_INFO, "stopping: %llu connections still open",
		(unsigned long long)p->stats.open);
}

/* First signal: accept no more and let connections end. Second one, or the drain time is over: end
 * them. */
static void handle_signals(struct proxy *p)
{
	unsigned stops, reports;

	if (p->now_ns >= p->signals_ns) {
		signals_let_in(&p->wait_mask);
		p->signals_ns = p->now_ns + SIGNALS_NS;
	}
	stops = signals_stops();
	reports = signals_reports();
	if (reports != p->reports)
		proxy_report(p);
	p->reports = reports;
	if (stops != p->stops && !p->draining)
		start_draining(p);
	if (stops > 1 || (p->draining && p->now_ns >= p->drain_until_ns))
		stop_connections(p);
	p->stops = stops;
}

static uint64_t min_ns(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Milliseconds until there is something to do without an event, -1: never. */
static int wait_ms(const struct proxy *p)
{
	uint64_t at = min_ns(deadline_next(&p->connecting),
			     min_ns(deadline_next(&p->idle), deadline_next(&p->half_closed)));

	if (!TAILQ_EMPTY(&p->turns))
		return 0;
	for (size_t i = 0; i < p->nlisteners; i++) {
		if (p->listeners[i].ready && p->stats.open < p->max_open)
			at = min_ns(at, p->accept_after_ns);
	}
	if (p->draining)
		at = min_ns(at, p->drain_until_ns);
	if (at == UINT64_MAX)
		return -1;
	/* Rounded up: waking a moment too early would be a round for nothing. */
	return at <= p->now_ns ? 0 : (int)min_ns((at - p->now_ns + 999999) / 1000000, INT32_MAX);
}

static void handle_event(struct proxy *p, const struct epoll_event *event)
{
	enum watch *watch = event->data.ptr;

	if (*watch == WATCH_LISTENER)
		((struct listener *)event->data.ptr)->ready = true;
	else
		conn_on_event(p, event->data.ptr, event->events);
}

/* The stack may end with us: closed connections have until the drain time is over, or a second
 * signal comes. */
static void settle(struct proxy *p)
{
	while (platform_settle()) {
		p->now_ns = clock_ns();
		signals_let_in(&p->wait_mask);
		if (signals_stops() > 1 || p->now_ns >= p->drain_until_ns)
			return;
	}
}

int proxy_run(struct proxy *p)
{
	struct epoll_event events[ROUND_EVENTS];
	int n;

	while (!p->draining || p->stats.open > 0) {
		n = epoll_pwait(p->epfd, events, ROUND_EVENTS, wait_ms(p), &p->wait_mask);
		p->now_ns = clock_ns();
		p->stats.waits++;
		if (n < 0 && errno != EINTR) {
			log_msg(&p->log, LOG_ERROR, "epoll_pwait: %s", strerror(errno));
			return -1;
		}
		for (int i = 0; i < n; i++)
			handle_event(p, &events[i]);
		p->stats.events += n > 0 ? (uint64_t)n : 0;
		run_turns(p);
		run_listeners(p);
		run_deadlines(p);
		handle_signals(p);
		free_ended(p);
	}
	settle(p);
	return 0;
}

void proxy_report(struct proxy *p)
{
	p->stats.buffers = p->bufs.used;
	p->stats.buffers_peak = p->bufs.used_max;
	stats_print(&p->stats, stdout, p->config->stats_format == STATS_JSON, p->now_ns);
}

static int open_listeners(struct proxy *p)
{
	char text[ADDR_TEXT];

	for (size_t i = 0; i < p->config->listeners.count; i++) {
		const union addr *local = &p->config->listeners.addr[i];

		p->nlisteners++;
		if (listener_open(p, &p->listeners[i], local) < 0)
			return -1;
		log_msg(&p->log, LOG_INFO, "listening on %s", addr_format(local, text));
	}
	return 0;
}

int proxy_init(struct proxy *p, const struct config *config, uint64_t max_open,
	       const struct log *log)
{
	unsigned char secret[16];

	memset(p, 0, sizeof(*p));
	p->config = config;
	p->max_open = max_open;
	p->log = *log;
	p->now_ns = p->stats.start_ns = clock_ns();
	TAILQ_INIT(&p->conns);
	TAILQ_INIT(&p->ended);
	TAILQ_INIT(&p->turns);
	deadline_queue_init(&p->connecting, config->connect_ns);
	deadline_queue_init(&p->idle, config->idle_ns);
	deadline_queue_init(&p->half_closed, config->half_close_ns);
	if (bufpool_init(&p->bufs, config->buffer_bytes,
			 config->buffers_bytes / config->buffer_bytes) < 0) {
		p->epfd = -1;
		log_msg(log, LOG_ERROR, "cannot start: out of memory");
		return -1;
	}
	p->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (p->epfd < 0 || signals_init(&p->wait_mask) < 0 ||
	    getrandom(secret, sizeof(secret), 0) < 0) {
		log_msg(log, LOG_ERROR, "cannot start: %s", strerror(errno));
		return -1;
	}
	if (clients_init(&p->clients, config->max_per_client, max_open, secret) < 0) {
		log_msg(log, LOG_ERROR, "cannot start: out of memory");
		return -1;
	}
	return open_listeners(p);
}

void proxy_fini(struct proxy *p)
{
	for (size_t i = 0; i < p->nlisteners; i++)
		listener_close(&p->listeners[i]);
	stop_connections(p);
	bufpool_fini(&p->bufs);
	clients_fini(&p->clients);
	if (p->epfd >= 0)
		close(p->epfd);
}
