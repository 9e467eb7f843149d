/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP sockets: creation, local addresses and ports, the look-up table (RFC 768, RFC 6056). Called
 * by the socket layer and by input.c, on the worker's thread.
 */
#include "udp/pcb.h"

#include <errno.h>

#define PORT_LO           32768u
#define PORT_HI           60999u
#define NO_PORT           0u

#define RCV_LIMIT_DEFAULT 425984u /* true memory: twice Linux's default of payload */
#define RCV_LIMIT_MIN     4608u

int udp_init(struct stack *s, const struct udp_events *ev)
{
	struct udp *u = mem_zalloc(s->env.mem, sizeof(*u));

	if (!u)
		return -ENOMEM;
	if (htab_init(&u->table, s->env.mem, 6) < 0) {
		mem_free(s->env.mem, u, sizeof(*u));
		return -ENOMEM;
	}
	slab_init(&u->pcbs, s->env.mem, "udp-pcb", sizeof(struct udp_pcb), s->max_sockets);
	u->ev = ev;
	s->udp = u;
	inet_proto_register(s, INET_PROTO_UDP, &udp_proto);
	return 0;
}

static void close_one(void *obj, void *arg)
{
	(void)arg;
	udp_close(obj);
}

void udp_fini(struct stack *s)
{
	struct udp *u = s->udp;

	slab_for_each(&u->pcbs, close_one, NULL);
	slab_fini(&u->pcbs);
	htab_fini(&u->table);
	mem_free(s->env.mem, u, sizeof(*u));
	s->udp = NULL;
}

const struct udp_counters *udp_counters(const struct stack *s)
{
	return &s->udp->cnt;
}

struct udp_pcb *udp_create(struct stack *s, bool v6, void *so)
{
	struct udp_pcb *pcb = slab_get(&s->udp->pcbs);

	if (!pcb)
		return NULL;
	pcb->s = s;
	pcb->so = so;
	pcb->v6 = v6;
	pcb->laddr = pcb->raddr = v6 ? ipaddr_any6() : ipaddr_any4();
	pcb->ttl = INET_TTL_DEFAULT;
	pcb->rcv_limit = RCV_LIMIT_DEFAULT;
	mbufq_init(&pcb->rcvq, MBUF_UDP_RCV);
	return pcb;
}

void udp_close(struct udp_pcb *pcb)
{
	udp_unhash(pcb);
	mbufq_purge(&pcb->rcvq, DROP_SOCK_CLOSED);
	slab_put(&pcb->s->udp->pcbs, pcb);
}

/* ---- the table ---- */

static uint32_t hash_bound(const struct stack *s, const struct ipaddr *addr, uint16_t port)
{
	return hash_addr_u32(&s->hash_key, addr, (uint32_t)INET_PROTO_UDP << 16 | port);
}

static uint32_t hash_conn(const struct stack *s, const struct ipaddr *l, uint16_t lport,
			  const struct ipaddr *r, uint16_t rport)
{
	return hash_tuple(&s->hash_key, l, lport, r, rport, INET_PROTO_UDP);
}

int udp_hash_in(struct udp_pcb *pcb, enum udp_hashed how)
{
	struct udp *u = pcb->s->udp;
	int rc;

	pcb->hash = how == UDP_HASHED_CONN
			    ? hash_conn(pcb->s, &pcb->laddr, pcb->lport, &pcb->raddr, pcb->rport)
			    : hash_bound(pcb->s, &pcb->laddr, pcb->lport);
	rc = htab_insert(&u->table, pcb->hash, pcb);
	if (rc < 0)
		return rc;
	pcb->hashed = (uint8_t)how;
	u->in_use[pcb->lport / 32] |= 1u << pcb->lport % 32;
	return 0;
}

struct port_user {
	uint16_t port;
	bool used;
};

static void note_port(void *obj, void *arg)
{
	const struct udp_pcb *pcb = obj;
	struct port_user *pu = arg;

	if (pcb->hashed != UDP_HASHED_NO && pcb->lport == pu->port)
		pu->used = true;
}

void udp_unhash(struct udp_pcb *pcb)
{
	struct udp *u = pcb->s->udp;
	struct port_user pu = {.port = pcb->lport};

	if (pcb->hashed == UDP_HASHED_NO)
		return;
	(void)htab_remove(&u->table, pcb->hash, pcb);
	pcb->hashed = UDP_HASHED_NO;
	htab_for_each(&u->table, note_port, &pu);
	if (!pu.used)
		u->in_use[pcb->lport / 32] &= ~(1u << pcb->lport % 32);
}

static bool is_bound_to(const struct udp_pcb *p, const struct ipaddr *addr, uint16_t port)
{
	return p->hashed == UDP_HASHED_BOUND && p->lport == port && ipaddr_eq(&p->laddr, addr);
}

static struct udp_pcb *find_conn(struct stack *s, const struct ipaddr *dst, uint16_t dport,
				 const struct ipaddr *src, uint16_t sport)
{
	struct htab_iter it;

	for (struct udp_pcb *p =
		     htab_first(&s->udp->table, hash_conn(s, dst, dport, src, sport), &it);
	     p; p = htab_next(&it))
		if (p->hashed == UDP_HASHED_CONN && p->lport == dport && p->rport == sport &&
		    ipaddr_eq(&p->laddr, dst) && ipaddr_eq(&p->raddr, src))
			return p;
	return NULL;
}

/* Of several that share an address and port (SO_REUSEPORT) the flow decides, so that one peer
 * always meets the same socket. */
static struct udp_pcb *find_bound(struct stack *s, const struct ipaddr *addr, uint16_t port,
				  bool v4, uint32_t flow)
{
	uint32_t hash = hash_bound(s, addr, port), n = 0, pick;
	struct htab_iter it;
	struct udp_pcb *p;

	for (p = htab_first(&s->udp->table, hash, &it); p; p = htab_next(&it))
		n += is_bound_to(p, addr, port) && !(v4 && (p->flags & UDP_BIND_V6ONLY)) ? 1u : 0u;
	if (n == 0)
		return NULL;
	pick = flow % n;
	for (p = htab_first(&s->udp->table, hash, &it); p; p = htab_next(&it))
		if (is_bound_to(p, addr, port) && !(v4 && (p->flags & UDP_BIND_V6ONLY)) &&
		    pick-- == 0)
			break;
	return p;
}

struct udp_pcb *udp_find(struct stack *s, const struct ipaddr *dst, uint16_t dport,
			 const struct ipaddr *src, uint16_t sport)
{
	const struct ipaddr any4 = ipaddr_any4(), any6 = ipaddr_any6();
	struct udp_pcb *p = find_conn(s, dst, dport, src, sport);
	bool v4 = ipaddr_is_v4(dst);
	uint32_t flow;

	if (p)
		return p;
	flow = hash_conn(s, dst, dport, src, sport);
	p = find_bound(s, dst, dport, false, flow);
	if (!p && v4)
		p = find_bound(s, &any4, dport, false, flow);
	/* A v6 socket bound to :: takes IPv4 too unless it was told not to. */
	return p ? p : find_bound(s, &any6, dport, v4, flow);
}

/* ---- local addresses and ports ---- */

static bool overlap(const struct udp_pcb *a, const struct ipaddr *addr, unsigned flags)
{
	if (ipaddr_eq(&a->laddr, addr))
		return true;
	if (!ipaddr_is_unspecified(&a->laddr) && !ipaddr_is_unspecified(addr))
		return false;
	if (ipaddr_is_v4(&a->laddr) == ipaddr_is_v4(addr))
		return true;
	/* One family each: they meet only in a v6 wildcard that takes IPv4. */
	return ipaddr_is_v4(addr)
		       ? ipaddr_is_unspecified(&a->laddr) && !(a->flags & UDP_BIND_V6ONLY)
		       : ipaddr_is_unspecified(addr) && !(flags & UDP_BIND_V6ONLY);
}

struct conflict {
	const struct ipaddr *addr;
	uint16_t port;
	unsigned flags;
	bool found;
};

static void check_conflict(void *obj, void *arg)
{
	const struct udp_pcb *p = obj;
	struct conflict *c = arg;
	unsigned share = p->flags & c->flags & (UDP_BIND_REUSEADDR | UDP_BIND_REUSEPORT);

	if (p->hashed != UDP_HASHED_NO && p->lport == c->port && !share &&
	    overlap(p, c->addr, c->flags))
		c->found = true;
}

static bool port_in_use(const struct udp *u, uint32_t port)
{
	return (u->in_use[port / 32] >> port % 32 & 1u) != 0;
}

uint16_t udp_port_choose(struct udp_pcb *pcb)
{
	const uint32_t n = PORT_HI - PORT_LO + 1;
	uint32_t start = stack_random_u32(pcb->s) % n;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t port = PORT_LO + (start + i) % n;

		if (!port_in_use(pcb->s->udp, port))
			return (uint16_t)port;
	}
	return NO_PORT;
}

int udp_bind(struct udp_pcb *pcb, const struct ipaddr *addr, uint16_t port, unsigned flags)
{
	struct conflict c = {.addr = addr, .port = port, .flags = flags};

	if (pcb->hashed != UDP_HASHED_NO)
		return -EINVAL;
	if (!(flags & UDP_BIND_FOREIGN) && !ipaddr_is_unspecified(addr) &&
	    !ipaddr_is_multicast(addr) && !ipaddr_is_v4_broadcast(addr) &&
	    !inet_addr_is_local(pcb->s, addr))
		return -EADDRNOTAVAIL;
	if (port == 0) {
		port = udp_port_choose(pcb);
		if (port == NO_PORT)
			return -EADDRINUSE;
	} else if (port_in_use(pcb->s->udp, port)) {
		htab_for_each(&pcb->s->udp->table, check_conflict, &c);
		if (c.found)
			return -EADDRINUSE;
	}
	pcb->laddr = *addr;
	pcb->lport = port;
	pcb->flags = (uint8_t)flags;
	return udp_hash_in(pcb, UDP_HASHED_BOUND);
}

int udp_connect(struct udp_pcb *pcb, const struct ipaddr *addr, uint16_t port)
{
	int rc;

	if (port == 0)
		return -EINVAL;
	if (pcb->hashed == UDP_HASHED_CONN)
		udp_disconnect(pcb);
	rc = inet_dst_lookup(pcb->s, addr, &pcb->dst);
	if (rc < 0)
		return rc;
	if (pcb->lport == 0) {
		struct ipaddr any = ipaddr_is_v4(addr) ? ipaddr_any4() : ipaddr_any6();

		rc = udp_bind(pcb, &any, 0, pcb->flags);
		if (rc < 0)
			return rc;
	}
	udp_unhash(pcb);
	if (ipaddr_is_unspecified(&pcb->laddr)) {
		rc = inet_src_select(pcb->s, &pcb->dst, addr, &pcb->laddr);
		pcb->auto_laddr = rc == 0;
	}
	if (rc < 0) {
		int again = udp_hash_in(pcb, UDP_HASHED_BOUND);

		return again < 0 ? again : rc;
	}
	pcb->raddr = *addr;
	pcb->rport = port;
	return udp_hash_in(pcb, UDP_HASHED_CONN);
}

void udp_disconnect(struct udp_pcb *pcb)
{
	if (pcb->hashed != UDP_HASHED_CONN)
		return;
	udp_unhash(pcb);
	pcb->raddr = pcb->v6 ? ipaddr_any6() : ipaddr_any4();
	pcb->rport = 0;
	if (pcb->auto_laddr)
		pcb->laddr = pcb->v6 ? ipaddr_any6() : ipaddr_any4();
	pcb->auto_laddr = false;
	/* The slot that it had is free again; without memory it receives nothing until the next
	 * bind. */
	if (udp_hash_in(pcb, UDP_HASHED_BOUND) < 0)
		pcb->lport = 0;
}

void udp_local(const struct udp_pcb *pcb, struct ipaddr *addr, uint16_t *port)
{
	*addr = pcb->laddr;
	*port = pcb->lport;
}

void udp_peer(const struct udp_pcb *pcb, struct ipaddr *addr, uint16_t *port)
{
	*addr = pcb->raddr;
	*port = pcb->rport;
}

void udp_rcvbuf_set(struct udp_pcb *pcb, uint32_t bytes)
{
	/* As Linux: twice what was asked for, since true memory is counted. */
	pcb->rcv_limit = max_u32(bytes > UINT32_MAX / 2 ? UINT32_MAX : 2 * bytes, RCV_LIMIT_MIN);
}

void udp_tos_ttl_set(struct udp_pcb *pcb, uint8_t tos, uint8_t ttl)
{
	pcb->tos = tos;
	pcb->ttl = ttl;
}
