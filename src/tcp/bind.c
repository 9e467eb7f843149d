/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local addresses and ports: tcp_bind(), the table of bound connections, and the choice of a port
 * (RFC 6056 3.3.3, algorithm 3). What decides in the end is the 4-tuple, at connect.
 */
#include "tcp/listen.h"

#include <errno.h>

/* Ports tried at a connect before it gives up: more than are ever taken for one peer. */
#define TRIES_MAX 65536u

struct search {
	const struct ipaddr *addr;
	uint16_t port;
	unsigned flags;
	bool found;
};

/* May the two share address and port? Both must say so. */
static bool may_share(const struct tcp_pcb *pcb, unsigned flags)
{
	return ((pcb->flags & PCBF_REUSEADDR) && (flags & TCP_BIND_REUSEADDR)) ||
	       ((pcb->flags & PCBF_REUSEPORT) && (flags & TCP_BIND_REUSEPORT));
}

static bool in_the_way(const struct tcp_pcb *pcb, const struct search *q)
{
	return pcb->flow.lport == q->port && !may_share(pcb, q->flags) &&
	       (ipaddr_eq(&pcb->flow.local, q->addr) || ipaddr_is_unspecified(q->addr) ||
		ipaddr_is_unspecified(&pcb->flow.local));
}

static void look_at(void *obj, void *arg)
{
	struct search *q = arg;

	if (in_the_way(obj, q))
		q->found = true;
}

static void look_under(const struct stack *s, const struct ipaddr *addr, struct search *q)
{
	uint32_t hash = hash_addr_u32(&s->hash_key, addr, q->port);
	struct htab_iter it;

	for (struct tcp_pcb *p = htab_first(&s->tcp->binds, hash, &it); p != NULL;
	     p = htab_next(&it))
		look_at(p, q);
}

bool tcp_bind_conflict(const struct stack *s, const struct ipaddr *addr, uint16_t port,
		       unsigned flags)
{
	struct search q = {.addr = addr, .port = port, .flags = flags};
	const struct ipaddr any4 = ipaddr_any4(), any6 = ipaddr_any6();

	if (ipaddr_is_unspecified(addr)) {
		/* Rare (servers at start), so the whole table may be looked through. */
		htab_for_each(&s->tcp->binds, look_at, &q);
		return q.found;
	}
	look_under(s, addr, &q);
	look_under(s, &any4, &q);
	look_under(s, &any6, &q);
	return q.found;
}

static uint32_t bind_hash(const struct tcp_pcb *pcb)
{
	return hash_addr_u32(&pcb->stack->hash_key, &pcb->flow.local, pcb->flow.lport);
}

void tcp_unbind(struct tcp_pcb *pcb)
{
	if (!(pcb->flags & PCBF_BOUND))
		return;
	MUST(htab_remove(&pcb->stack->tcp->binds, pcb->bind_hash, pcb));
	pcb->flags &= ~PCBF_BOUND;
}

static void take_flags(struct tcp_pcb *pcb, unsigned flags)
{
	pcb->flags &= ~(PCBF_FOREIGN | PCBF_REUSEADDR | PCBF_REUSEPORT);
	if (flags & TCP_BIND_FOREIGN)
		pcb->flags |= PCBF_FOREIGN;
	if (flags & TCP_BIND_REUSEADDR)
		pcb->flags |= PCBF_REUSEADDR;
	if (flags & TCP_BIND_REUSEPORT)
		pcb->flags |= PCBF_REUSEPORT;
}

static bool taken(const struct stack *s, const struct ipaddr *addr, uint16_t port, unsigned flags)
{
	if (tcp_bind_conflict(s, addr, port, flags))
		return true;
	/* Listeners on a wildcard take nothing that goes to a foreign address: a proxy's client may
	 * well have the port that the proxy listens on. */
	if ((flags & TCP_BIND_FOREIGN) && !ipaddr_is_unspecified(addr) &&
	    !inet_addr_is_local(s, addr))
		return false;
	return tcp_listener_conflict(s, addr, port, flags);
}

/* The first free one from a place that outsiders do not know (RFC 6056 3.3.1). */
int tcp_port_any(struct stack *s, const struct ipaddr *addr, unsigned flags, uint16_t *port)
{
	const struct tcp_limits *lim = &s->tcp->limits;
	uint32_t n = lim->ports[1] - lim->ports[0] + 1;
	uint32_t first = stack_random_u32(s) % n;

	for (uint32_t i = 0; i < n; i++) {
		uint16_t p = (uint16_t)(lim->ports[0] + (first + i) % n);

		if (!taken(s, addr, p, flags)) {
			*port = p;
			return 0;
		}
	}
	return -EADDRINUSE;
}

int tcp_bind(struct tcp_pcb *pcb, const struct ipaddr *addr, uint16_t port, unsigned flags)
{
	struct stack *s = pcb->stack;
	int err = 0;

	if (pcb->state != TCPS_CLOSED || pcb->flow.lport != 0 || (pcb->flags & PCBF_BOUND) ||
	    ipaddr_is_multicast(addr) || ipaddr_is_v4_broadcast(addr))
		return -EINVAL;
	if (!ipaddr_is_unspecified(addr) && !(flags & TCP_BIND_FOREIGN) &&
	    !inet_addr_is_local(s, addr))
		return -EADDRNOTAVAIL;
	if (port != 0 && taken(s, addr, port, flags))
		return -EADDRINUSE;
	/* Shared with nobody, whatever the flags would allow. */
	if (port == 0 && !(flags & TCP_BIND_NO_PORT))
		err = tcp_port_any(s, addr, flags & TCP_BIND_FOREIGN, &port);
	if (err < 0)
		return err;
	pcb->flow.local = *addr;
	pcb->flow.lport = port;
	take_flags(pcb, flags);
	if (port == 0)
		return 0;
	pcb->bind_hash = bind_hash(pcb);
	err = htab_insert(&s->tcp->binds, pcb->bind_hash, pcb);
	if (err < 0) {
		pcb->flow.lport = 0;
		return err;
	}
	pcb->flags |= PCBF_BOUND;
	return 0;
}

static bool port_free(const struct stack *s, const struct ipaddr *local, uint16_t port,
		      const struct ipaddr *remote, uint16_t rport)
{
	return !tcp_flow_lookup(s, local, port, remote, rport) &&
	       !tcp_bind_conflict(s, local, port, TCP_BIND_REUSEADDR);
}

int tcp_port_choose(struct tcp_pcb *pcb, const struct ipaddr *local, const struct ipaddr *remote,
		    uint16_t rport, uint16_t *port)
{
	struct stack *s = pcb->stack;
	const struct tcp_limits *lim = &s->tcp->limits;
	uint32_t n = lim->ports[1] - lim->ports[0] + 1;
	uint32_t offset = tcp_port_offset(s, local, remote, rport);

	for (uint32_t i = 0; i < min_u32(n, TRIES_MAX); i++) {
		uint16_t p = (uint16_t)(lim->ports[0] + (offset + s->tcp->next_port++) % n);

		if (port_free(s, local, p, remote, rport)) {
			*port = p;
			return 0;
		}
	}
	return -EADDRNOTAVAIL;
}
