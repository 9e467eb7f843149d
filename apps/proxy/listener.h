/* SPDX-License-Identifier: BSD-2-Clause */
/* Listening sockets: intercepted connections arrive here, with the address that the client wanted
 * as local one. */
#ifndef PROXY_LISTENER_H
#define PROXY_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include "conn.h"

struct listener {
	enum watch watch;
	int fd;
	union addr local;
	bool ready; /* connections may be waiting */
};

/* Returns 0, or -1 after a line in the log. */
int listener_open(struct proxy *p, struct listener *l, const union addr *local);

/* Closes; connections that still wait in the backlog are reset by the stack. */
void listener_close(struct listener *l);

/* Accept a round's share of what is waiting. */
void listener_run(struct proxy *p, struct listener *l);

/* Accept all that is waiting, for the last time. */
void listener_drain(struct proxy *p, struct listener *l);

#endif
