/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP's own view of its sockets; see udp.h for everybody else's. */
#ifndef LEAT_UDP_PCB_H
#define LEAT_UDP_PCB_H

#include "base/htab.h"
#include "base/slab.h"
#include "inet/inet.h"
#include "udp/udp.h"

/* Where a pcb stands in the table decides which packets find it. */
enum udp_hashed {
	UDP_HASHED_NO,
	UDP_HASHED_BOUND, /* by local address and port; any address too */
	UDP_HASHED_CONN,  /* by both addresses and ports */
};

struct udp_pcb {
	struct stack *s;
	void *so;
	struct ipaddr laddr, raddr;
	uint16_t lport, rport;
	uint32_t hash;
	uint8_t hashed; /* enum udp_hashed */
	uint8_t flags;  /* UDP_BIND_* */
	uint8_t tos, ttl;
	bool v6;
	bool auto_laddr;     /* laddr was chosen by connect */
	struct mbufq rcvq;   /* a struct udp_from in front of each payload */
	uint32_t rcv_mem;    /* true memory of rcvq */
	uint32_t rcv_limit;  /* of rcv_mem */
	struct inet_dst dst; /* of the connected peer */
};

struct udp {
	const struct udp_events *ev;
	struct slab pcbs;
	struct htab table;
	uint32_t in_use[65536 / 32]; /* ports with at least one pcb: for choosing free ones */
	struct udp_counters cnt;
};

void udp_unhash(struct udp_pcb *pcb);
NODISCARD int udp_hash_in(struct udp_pcb *pcb, enum udp_hashed how);
/* Choose a free local port (RFC 6056). 0: none left. */
uint16_t udp_port_choose(struct udp_pcb *pcb);
/* The socket for a packet to (dst, dport) from (src, sport), or NULL. */
struct udp_pcb *udp_find(struct stack *s, const struct ipaddr *dst, uint16_t dport,
			 const struct ipaddr *src, uint16_t sport);

extern const struct inet_proto udp_proto;

#endif
