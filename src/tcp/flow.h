/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of flows: everything that owns a 4-tuple, under one look-up. A connection, a half-open
 * one and a TIME-WAIT entry begin with the same struct and say which they are. The tuple is
 * directed: the two legs of a transparently proxied connection have the same addresses and ports
 * the other way round, and are two entries.
 */
#ifndef LEAT_TCP_FLOW_H
#define LEAT_TCP_FLOW_H

#include "base/hash.h"
#include "base/htab.h"
#include "core/stack.h"

enum tcp_flow_kind {
	TCP_FLOW_NONE, /* not in the table */
	TCP_FLOW_PCB,
	TCP_FLOW_HALF,
	TCP_FLOW_TIMEWAIT,
};

struct tcp_flow {
	struct ipaddr local, remote;
	uint16_t lport, rport;
	uint32_t hash;
	uint8_t kind; /* enum tcp_flow_kind */
	uint8_t zone; /* of a link-local remote, 0: not known (inet_zone()) */
};

/* Set the tuple and its hash; not inserted. */
void tcp_flow_init(const struct stack *s, struct tcp_flow *f, const struct ipaddr *local,
		   uint16_t lport, const struct ipaddr *remote, uint16_t rport);
/* -ENOMEM. Whether the tuple is free is the caller's to check. */
NODISCARD int tcp_flow_insert(struct stack *s, struct tcp_flow *f, enum tcp_flow_kind kind);
/* Harmless for one that is not in the table. */
void tcp_flow_remove(struct stack *s, struct tcp_flow *f);
struct tcp_flow *tcp_flow_lookup(const struct stack *s, const struct ipaddr *local, uint16_t lport,
				 const struct ipaddr *remote, uint16_t rport);

static inline bool tcp_flow_is(const struct tcp_flow *f, const struct ipaddr *local, uint16_t lport,
			       const struct ipaddr *remote, uint16_t rport)
{
	return f->lport == lport && f->rport == rport && ipaddr_eq(&f->remote, remote) &&
	       ipaddr_eq(&f->local, local);
}

#endif
