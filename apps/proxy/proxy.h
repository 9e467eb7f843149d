/* SPDX-License-Identifier: BSD-2-Clause */
/* The proxy: its listeners, connections, limits and counters, and the event loop that drives them.
 */
#ifndef PROXY_PROXY_H
#define PROXY_PROXY_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "bufpool.h"
#include "clients.h"
#include "config.h"
#include "conn.h"
#include "deadline.h"
#include "listener.h"
#include "log.h"
#include "platform.h"
#include "stats.h"

struct proxy {
	const struct config *config;
	uint64_t max_open; /* connections at once */
	struct log log;
	struct stats stats;
	int epfd;
	sigset_t wait_mask;
	uint64_t now_ns; /* read once a round */

	struct listener listeners[CONFIG_LISTENERS_MAX];
	size_t nlisteners;
	bool full;                /* at the connection limit */
	uint64_t accept_after_ns; /* resources were short */

	struct conn_list conns, ended;
	struct conn_list turns; /* have more to do without an event */
	struct bufpool bufs;
	struct clients clients;
	struct deadline_queue connecting, idle, half_closed;

	bool draining;
	uint64_t drain_until_ns;
	uint64_t signals_ns;     /* let them in again then */
	unsigned stops, reports; /* signals seen */
	struct log_limit accept_warnings, connect_warnings;
};

/* Open the listeners, for so many connections at once. Returns 0, or -1 after a line in the log;
 * proxy_fini() is due in both cases.
 */
int proxy_init(struct proxy *p, const struct config *config, uint64_t max_open,
	       const struct log *log);

/* Serve until told to stop. Returns 0, or -1 after a line in the log. */
int proxy_run(struct proxy *p);

/* Closes what is still open. */
void proxy_fini(struct proxy *p);

/* Print the statistics as they are. */
void proxy_report(struct proxy *p);

/* For listeners: is there room for one more connection? */
bool proxy_may_accept(struct proxy *p);

/* For connections: come back to me next round without an event; or not. */
void proxy_queue(struct proxy *p, struct conn *c);
void proxy_unqueue(struct proxy *p, struct conn *c);

#endif
