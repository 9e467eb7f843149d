/* SPDX-License-Identifier: BSD-2-Clause */
/* Listeners, their accept queues, and the rules that send foreign SYNs to them. */
#ifndef LEAT_TCP_LISTEN_H
#define LEAT_TCP_LISTEN_H

#include "tcp/pcb.h"

struct tcp_listener {
	struct list link; /* all listeners of the stack */
	struct stack *stack;
	struct ipaddr addr;
	uint16_t port;
	unsigned flags; /* TCP_BIND_ */
	uint32_t backlog;
	uint32_t hash;
	bool hold; /* the program answers the SYN: hold.c */
	uint32_t n_half;
	uint32_t n_queued;
	uint32_t n_embryo; /* pcbs that are about to be queued */
	struct list queue; /* struct tcp_pcb by link */
	struct tcp_prefs prefs;
	void *so;
};

struct tcp_listeners {
	struct list all;
	struct htab by_addr;
};

NODISCARD int tcp_listeners_init(struct stack *s);
void tcp_listeners_fini(struct stack *s);
/* The listener for a segment: bound exactly, to any, or by a rule when `foreign`. */
struct tcp_listener *tcp_listener_find(const struct stack *s, const struct inet_in *in,
				       uint16_t sport, uint16_t dport);
bool tcp_listener_full(const struct tcp_listener *l);
/* Is a listener in the way of a bind? */
bool tcp_listener_conflict(const struct stack *s, const struct ipaddr *addr, uint16_t port,
			   unsigned flags);
/* The pcb of a completed handshake: into the queue, tell the program. */
void tcp_listener_ready(struct tcp_pcb *pcb);
/* A pcb that sits in a queue goes. */
void tcp_listener_forget(struct tcp_pcb *pcb);

/* ---- intercept.c ---- */

NODISCARD int tcp_rules_init(struct stack *s);
void tcp_rules_fini(struct stack *s);
struct tcp_listener *tcp_rules_match(const struct stack *s, const struct inet_in *in,
				     uint16_t dport);

/* ---- bind.c ---- */

NODISCARD int tcp_port_choose(struct tcp_pcb *pcb, const struct ipaddr *local,
			      const struct ipaddr *remote, uint16_t rport, uint16_t *port);
/* A port of addr without any binding or listener. -EADDRINUSE: none left. */
NODISCARD int tcp_port_any(struct stack *s, const struct ipaddr *addr, unsigned flags,
			   uint16_t *port);
void tcp_unbind(struct tcp_pcb *pcb);
/* Any binding in the way? */
bool tcp_bind_conflict(const struct stack *s, const struct ipaddr *addr, uint16_t port,
		       unsigned flags);

#endif
