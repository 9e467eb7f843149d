/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A UDP socket's state and the tables that find it; for udp itself and its tests. Worker thread.
 */
#ifndef LEAT_UDP_PCB_H
#define LEAT_UDP_PCB_H

#include "base/htab.h"
#include "base/list.h"
#include "base/slab.h"
#include "inet/inet.h"
#include "udp/udp.h"

#define UDP_RCVBUF_DEFAULT 212992u /* Linux's net.core.rmem_default */
#define UDP_MAX_GROUPS     64u     /* memberships of one socket */

#define UDPF_V6            0x01u
#define UDPF_BOUND         0x02u /* in by_port, and in bound or flows */
#define UDPF_CONNECTED     0x04u /* in flows */
#define UDPF_ADDR_SET      0x08u /* the program chose the local address */
#define UDPF_REUSEADDR     0x10u
#define UDPF_REUSEPORT     0x20u
#define UDPF_V6ONLY        0x40u
#define UDPF_FOREIGN       0x80u

/* A membership. */
struct udp_group {
	struct list link;
	unsigned iface;
	struct ipaddr group;
	struct inet_filter filter;
};

struct udp_pcb {
	struct stack *stack;
	void *so;
	struct ipaddr laddr; /* unspecified: any */
	struct ipaddr raddr;
	uint16_t lport, rport;
	uint8_t flags;     /* UDPF_* */
	struct mbufq rcv;  /* each begins with a struct udp_from, then the payload */
	uint32_t rcv_true; /* memory tied up by rcv and errq */
	uint32_t rcvbuf;
	uint32_t rcv_lost;
	struct inet_dst dst; /* of the connected peer */
	bool dst_known;
	uint32_t peer_iface; /* + 1; the peer's address needed one */
	struct udp_opts opts;
	struct mbufq errq;  /* each begins with a struct udp_err, then the quoted payload */
	struct list groups; /* struct udp_group */
	unsigned n_groups;
};

struct udp {
	struct htab by_port; /* all that have a port, by it: for conflicts and multicast */
	struct htab bound;   /* not connected, by local address and port */
	struct htab flows;   /* connected, by both ends */
	struct slab pcbs;
	const struct udp_events *ev;
	struct udp_counters cnt;
};

/* ---- bind.c ---- */

/* Into the tables, with laddr, lport and for a connected one raddr, rport set. -ENOMEM. */
NODISCARD int udp_table_add(struct udp_pcb *pcb);
void udp_table_del(struct udp_pcb *pcb);
/* Give it a port when it has none. -EADDRNOTAVAIL, -ENOMEM. */
NODISCARD int udp_autobind(struct udp_pcb *pcb);
/* Who gets a unicast datagram from src, sport to dst, dport? NULL: nobody. */
struct udp_pcb *udp_find(const struct stack *s, const struct ipaddr *src, uint16_t sport,
			 const struct ipaddr *dst, uint16_t dport);
/* Connected with exactly these ends. */
struct udp_pcb *udp_find_flow(const struct stack *s, const struct ipaddr *local, uint16_t lport,
			      const struct ipaddr *remote, uint16_t rport);
/* Would pcb take what is sent to dst? For multicast and broadcast. */
bool udp_takes(const struct udp_pcb *pcb, const struct inet_in *in, uint16_t sport);
uint32_t udp_port_hash(const struct stack *s, uint16_t port);

/* ---- input.c ---- */

void udp_input(struct stack *s, const struct inet_in *in, mbuf_own own);

/* ---- error.c ---- */

void udp_error(struct stack *s, const struct inet_err *e);
/* A datagram that was not sent because it is larger than mtu. */
void udp_err_local(struct udp_pcb *pcb, const struct ipaddr *dst, uint16_t port, uint32_t mtu);

/* ---- group.c ---- */

/* Does the socket want multicast from src to group, which came by iface? */
bool udp_group_takes(const struct udp_pcb *pcb, const struct inet_in *in);
void udp_groups_leave(struct udp_pcb *pcb);

#endif
