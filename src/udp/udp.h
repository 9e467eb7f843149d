/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP (RFC 768) as the socket layer sees it. Same rules as tcp/tcp.h: events go up through a table
 * registered once; nothing blocks.
 */
#ifndef LEAT_UDP_UDP_H
#define LEAT_UDP_UDP_H

#include "base/ip.h"
#include "core/stack.h"

#include <sys/uio.h>

struct udp_pcb;

struct udp_events {
	void (*readable)(struct stack *s, void *so);
	/* An ICMP error for a connected socket, errno. */
	void (*error)(struct stack *s, void *so, int err);
};

#define UDP_BIND_FOREIGN   0x01u
#define UDP_BIND_REUSEADDR 0x02u
#define UDP_BIND_REUSEPORT 0x04u
#define UDP_BIND_V6ONLY    0x08u

/* Of a received datagram. */
struct udp_from {
	struct ipaddr src, dst;
	uint16_t sport;
	uint8_t tos, ttl;
	unsigned iface;
};

NODISCARD int udp_init(struct stack *s, const struct udp_events *ev);
void udp_fini(struct stack *s);

struct udp_pcb *udp_create(struct stack *s, bool v6, void *so);
NODISCARD int udp_bind(struct udp_pcb *pcb, const struct ipaddr *addr, uint16_t port,
		       unsigned flags);
NODISCARD int udp_connect(struct udp_pcb *pcb, const struct ipaddr *addr, uint16_t port);
void udp_disconnect(struct udp_pcb *pcb);
void udp_local(const struct udp_pcb *pcb, struct ipaddr *addr, uint16_t *port);
void udp_peer(const struct udp_pcb *pcb, struct ipaddr *addr, uint16_t *port);
/* Send one datagram; to NULL: the connected peer. Returns its length, -EMSGSIZE, -EDESTADDRREQ,
 * -ENOBUFS, -ENETUNREACH, -EHOSTUNREACH, -EACCES. */
ssize_t udp_send(struct udp_pcb *pcb, const struct iovec *iov, int n_iov, const struct ipaddr *to,
		 uint16_t port);
/* Receive one datagram, cut to the iovec; *full is its real length. -EAGAIN. */
ssize_t udp_recv(struct udp_pcb *pcb, const struct iovec *iov, int n_iov, struct udp_from *from,
		 size_t *full, bool peek);
uint32_t udp_rcv_next(const struct udp_pcb *pcb);  /* length of the first datagram */
uint32_t udp_rcv_count(const struct udp_pcb *pcb); /* datagrams queued */
uint32_t udp_rcv_bytes(const struct udp_pcb *pcb); /* payload bytes queued */
/* Returns what it got: a socket may ask for no more than a part of the packet pool. */
uint32_t udp_rcvbuf_set(struct udp_pcb *pcb, uint32_t bytes);
void udp_tos_ttl_set(struct udp_pcb *pcb, uint8_t tos, uint8_t ttl);
void udp_close(struct udp_pcb *pcb);

#define UDP_COUNTER_TABLE(X) \
	X(in, "datagrams delivered to sockets") \
	X(out, "datagrams sent") \
	X(no_port, "datagrams for a port without a socket") \
	X(rcvbuf_full, "datagrams dropped: receive buffer full") \
	X(pool_low, "datagrams dropped: packet buffers are short") \
	X(errors, "datagrams with a bad header or checksum")

struct udp_counters {
#define X(name, text) uint64_t name;
	UDP_COUNTER_TABLE(X)
#undef X
};

const struct udp_counters *udp_counters(const struct stack *s);

#endif
