/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A proxied connection: the client's socket, the server's socket, a relay each way. The event loop
 * tells it what happened (an event, a turn, an expired deadline); it ends itself. Its memory lives
 * to the end of the round, so that an event of the same round may still point to it.
 */
#ifndef PROXY_CONN_H
#define PROXY_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "addr.h"
#include "clients.h"
#include "deadline.h"
#include "relay.h"

struct proxy;

/* What an epoll event points to starts with this. */
enum watch { WATCH_LISTENER, WATCH_LEG };

enum side { CLIENT, SERVER };

struct leg {
	enum watch watch;
	enum side side;
	struct conn *conn;
	struct relay_end end;
};

enum conn_state { CONN_CONNECTING, CONN_OPEN, CONN_ENDED };

struct conn {
	struct leg leg[2];     /* by enum side */
	struct relay relay[2]; /* by the side that is read */
	enum conn_state state;
	bool queued; /* has a turn in this round or the next */
	bool family6;
	union addr client_addr;
	union addr server_addr; /* where the client wanted to go */
	struct client *client;
	struct deadline deadline;
	uint64_t start_ns;
	TAILQ_ENTRY(conn) link; /* of all, or of the ended ones */
	TAILQ_ENTRY(conn) turn;
};

TAILQ_HEAD(conn_list, conn);

/* Take over an accepted socket and connect upstream. Consumes fd, also on failure. */
void conn_open(struct proxy *p, int fd, const union addr *client, const union addr *server);

/* An epoll event on one of the sockets. */
void conn_on_event(struct proxy *p, struct leg *leg, uint32_t events);

/* Its turn has come again, or a buffer is back. */
void conn_on_turn(struct proxy *p, struct conn *c);

/* Its deadline has passed. */
void conn_on_deadline(struct proxy *p, struct deadline *deadline);

/* The proxy has to stop now. */
void conn_on_stop(struct proxy *p, struct conn *c);

#endif
