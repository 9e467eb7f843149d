/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports and addresses of UDP sockets: conflicts as Linux sees them, choice of a port (RFC
 * 6056 3.3.1), and who receives what. Worker thread.
 */
#include "udp/pcb.h"

#include <errno.h>

/* Linux's net.ipv4.ip_local_port_range. */
#define PORT_LO 32768u
#define PORT_HI 60999u

uint32_t udp_port_hash(const struct stack *s, uint16_t port)
{
	return hash_bytes(&s->hash_key, &port, sizeof(port));
}

static uint32_t bound_hash(const struct stack *s, const struct ipaddr *a, uint16_t port)
{
	return hash_addr_u32(&s->hash_key, a, port);
}

static uint32_t flow_hash(const struct stack *s, const struct ipaddr *local, uint16_t lport,
			  const struct ipaddr *remote, uint16_t rport)
{
	return hash_tuple(&s->hash_key, local, lport, remote, rport, INET_PROTO_UDP);
}

static struct htab *table_of(const struct udp_pcb *pcb, uint32_t *hash)
{
	struct stack *s = pcb->stack;

	if (pcb->flags & UDPF_CONNECTED) {
		*hash = flow_hash(s, &pcb->laddr, pcb->lport, &pcb->raddr, pcb->rport);
		return &s->udp->flows;
	}
	*hash = bound_hash(s, &pcb->laddr, pcb->lport);
	return &s->udp->bound;
}

int udp_table_add(struct udp_pcb *pcb)
{
	struct stack *s = pcb->stack;
	uint32_t port_hash = udp_port_hash(s, pcb->lport);
	uint32_t hash;
	struct htab *t = table_of(pcb, &hash);
	int rc;

	rc = htab_insert(&s->udp->by_port, port_hash, pcb);
	if (rc < 0)
		return rc;
	rc = htab_insert(t, hash, pcb);
	if (rc < 0) {
		(void)htab_remove(&s->udp->by_port, port_hash, pcb);
		return rc;
	}
	pcb->flags |= UDPF_BOUND;
	return 0;
}

void udp_table_del(struct udp_pcb *pcb)
{
	struct stack *s = pcb->stack;
	struct htab *t;
	uint32_t hash;

	if (!(pcb->flags & UDPF_BOUND))
		return;
	t = table_of(pcb, &hash);
	(void)htab_remove(t, hash, pcb);
	(void)htab_remove(&s->udp->by_port, udp_port_hash(s, pcb->lport), pcb);
	pcb->flags &= (uint8_t)~UDPF_BOUND;
}

/* Do the two take datagrams of some address in common? */
static bool overlap(const struct udp_pcb *p, const struct ipaddr *addr, unsigned flags)
{
	bool any_a = ipaddr_is_unspecified(&p->laddr);
	bool any_b = ipaddr_is_unspecified(addr);
	bool v4_a = ipaddr_is_v4(&p->laddr);
	bool v4_b = ipaddr_is_v4(addr);

	if (!any_a && !any_b)
		return ipaddr_eq(&p->laddr, addr);
	if (v4_a == v4_b)
		return true;
	/* One is of IPv6: the any address there takes IPv4 too, unless V6ONLY. */
	if (v4_a)
		return any_b && !(flags & UDP_BIND_V6ONLY);
	return any_a && !(p->flags & UDPF_V6ONLY);
}

static bool may_share(const struct udp_pcb *p, unsigned flags)
{
	return (p->flags & UDPF_REUSEADDR && flags & UDP_BIND_REUSEADDR) ||
	       (p->flags & UDPF_REUSEPORT && flags & UDP_BIND_REUSEPORT);
}

static bool conflict(const struct udp_pcb *pcb, const struct ipaddr *addr, uint16_t port,
		     unsigned flags)
{
	const struct stack *s = pcb->stack;
	struct htab_iter it;

	for (struct udp_pcb *p = htab_first(&s->udp->by_port, udp_port_hash(s, port), &it); p;
	     p = htab_next(&it))
		if (p != pcb && p->lport == port && overlap(p, addr, flags) && !may_share(p, flags))
			return true;
	return false;
}

/* From a random port on, the first that nobody has. 0: none left. */
static uint16_t choose_port(struct udp_pcb *pcb, const struct ipaddr *addr, unsigned flags)
{
	uint32_t range = PORT_HI - PORT_LO + 1;
	uint32_t start = stack_random_u32(pcb->stack) % range;

	/* A chosen port is not shared, whatever the options say. */
	flags &= UDP_BIND_V6ONLY;
	for (uint32_t i = 0; i < range; i++) {
		uint16_t port = (uint16_t)(PORT_LO + (start + i) % range);

		if (!conflict(pcb, addr, port, flags))
			return port;
	}
	return 0;
}

static bool may_have(struct stack *s, const struct ipaddr *addr, unsigned flags)
{
	return flags & UDP_BIND_FOREIGN || ipaddr_is_unspecified(addr) ||
	       ipaddr_is_multicast(addr) || ipaddr_is_v4_broadcast(addr) ||
	       inet_addr_is_local(s, addr);
}

int udp_bind(struct udp_pcb *pcb, const struct ipaddr *addr, uint16_t port, unsigned flags)
{
	int rc;

	if (pcb->flags & UDPF_BOUND)
		return -EINVAL;
	if (!may_have(pcb->stack, addr, flags))
		return -EADDRNOTAVAIL;
	if (port == 0) {
		port = choose_port(pcb, addr, flags);
		if (port == 0)
			return -EADDRINUSE;
	} else if (conflict(pcb, addr, port, flags)) {
		return -EADDRINUSE;
	}
	pcb->laddr = *addr;
	pcb->lport = port;
	pcb->flags |= (uint8_t)((flags & UDP_BIND_REUSEADDR ? UDPF_REUSEADDR : 0) |
				(flags & UDP_BIND_REUSEPORT ? UDPF_REUSEPORT : 0) |
				(flags & UDP_BIND_V6ONLY ? UDPF_V6ONLY : 0) |
				(flags & UDP_BIND_FOREIGN ? UDPF_FOREIGN : 0) |
				(ipaddr_is_unspecified(addr) ? 0 : UDPF_ADDR_SET));
	rc = udp_table_add(pcb);
	if (rc < 0)
		pcb->lport = 0;
	return rc;
}

int udp_autobind(struct udp_pcb *pcb)
{
	int rc;

	if (pcb->flags & UDPF_BOUND)
		return 0;
	pcb->lport = choose_port(pcb, &pcb->laddr, 0);
	if (pcb->lport == 0)
		return -EADDRNOTAVAIL;
	rc = udp_table_add(pcb);
	if (rc < 0)
		pcb->lport = 0;
	return rc;
}

struct udp_pcb *udp_find_flow(const struct stack *s, const struct ipaddr *local, uint16_t lport,
			      const struct ipaddr *remote, uint16_t rport)
{
	uint32_t hash = flow_hash(s, local, lport, remote, rport);
	struct htab_iter it;

	for (struct udp_pcb *p = htab_first(&s->udp->flows, hash, &it); p; p = htab_next(&it))
		if (p->lport == lport && p->rport == rport && ipaddr_eq(&p->laddr, local) &&
		    ipaddr_eq(&p->raddr, remote))
			return p;
	return NULL;
}

/* Bound to addr; of several that share the port the flow's hash chooses one, and keeps choosing it.
 */
static struct udp_pcb *find_bound(const struct stack *s, const struct ipaddr *addr, uint16_t port,
				  bool v4, uint32_t flow)
{
	uint32_t hash = bound_hash(s, addr, port);
	struct udp_pcb *first = NULL;
	struct htab_iter it;
	uint32_t n = 0;

	for (struct udp_pcb *p = htab_first(&s->udp->bound, hash, &it); p; p = htab_next(&it)) {
		if (p->lport != port || !ipaddr_eq(&p->laddr, addr) ||
		    (v4 && p->flags & UDPF_V6ONLY))
			continue;
		/* The k-th of n replaces the choice with probability 1/k, decided by the flow. */
		n++;
		if (hash_finish(hash_mix(flow ^ n, s->hash_key.k[1])) % n == 0)
			first = p;
	}
	return first;
}

struct udp_pcb *udp_find(const struct stack *s, const struct ipaddr *src, uint16_t sport,
			 const struct ipaddr *dst, uint16_t dport)
{
	struct udp_pcb *p = udp_find_flow(s, dst, dport, src, sport);
	bool v4 = ipaddr_is_v4(dst);
	struct ipaddr any = v4 ? ipaddr_any4() : ipaddr_any6();
	uint32_t flow;

	if (p)
		return p;
	flow = flow_hash(s, dst, dport, src, sport);
	p = find_bound(s, dst, dport, v4, flow);
	if (!p)
		p = find_bound(s, &any, dport, v4, flow);
	if (!p && v4) {
		any = ipaddr_any6();
		p = find_bound(s, &any, dport, v4, flow);
	}
	return p;
}

bool udp_takes(const struct udp_pcb *pcb, const struct inet_in *in, uint16_t sport)
{
	bool v4 = ipaddr_is_v4(&in->dst);
	bool any = ipaddr_is_unspecified(&pcb->laddr);

	if (pcb->flags & UDPF_CONNECTED)
		return ipaddr_eq(&pcb->raddr, &in->src) && pcb->rport == sport;
	if (!any)
		return ipaddr_eq(&pcb->laddr, &in->dst);
	if (ipaddr_is_v4(&pcb->laddr))
		return v4;
	return !v4 || !(pcb->flags & UDPF_V6ONLY);
}
