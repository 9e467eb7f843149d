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
struct inet_filter;

struct udp_events {
	void (*readable)(struct stack *s, void *so);
	/* An error for the socket, errno; 0: only the error queue has something new. */
	void (*error)(struct stack *s, void *so, int err);
};

#define UDP_BIND_FOREIGN   0x01u
#define UDP_BIND_REUSEADDR 0x02u
#define UDP_BIND_REUSEPORT 0x04u
#define UDP_BIND_V6ONLY    0x08u

/* Linux's UDP_MAX_SEGMENTS: datagrams of one UDP_SEGMENT send. */
#define UDP_MAX_SEGMENTS 128u

/* Linux's IP_PMTUDISC_* and IPV6_PMTUDISC_*, which are the same. */
enum udp_pmtudisc {
	UDP_PMTUDISC_DONT,      /* never DF, cut at the path MTU */
	UDP_PMTUDISC_WANT,      /* DF on what fits, cut the rest */
	UDP_PMTUDISC_DO,        /* DF, -EMSGSIZE */
	UDP_PMTUDISC_PROBE,     /* the same against the link's MTU: the path's is not believed */
	UDP_PMTUDISC_INTERFACE, /* no DF, cut at the link's MTU */
	UDP_PMTUDISC_OMIT,
};

/* SO_TIMESTAMP, SO_TIMESTAMPNS: one or the other. */
enum udp_stamp {
	UDP_STAMP_NONE,
	UDP_STAMP_US,
	UDP_STAMP_NS,
};

/* What setsockopt() shapes; the socket layer writes it. Two of a kind: IPv4, IPv6. */
struct udp_opts {
	uint8_t tos, ttl; /* ttl 0: the default */
	uint8_t pmtudisc[2];
	bool recverr[2];
	bool dontfrag; /* IPV6_DONTFRAG */
	bool gro;      /* UDP_GRO */
	bool recvorigdst[2];
	bool rxq_ovfl;
	uint8_t stamp; /* enum udp_stamp */
	bool foreign;  /* IP_TRANSPARENT, IP_FREEBIND: control messages may name any source */
	uint16_t gso_size;
	/* multicast */
	uint8_t mc_ttl[2];
	bool mc_loop[2], mc_all[2];
	uint32_t mc_iface[2];  /* interface + 1; 0: where the route goes */
	struct ipaddr mc_src4; /* IP_MULTICAST_IF by address: unspecified when not */
};

/* Of a received datagram, or of several that UDP_GRO has joined. */
struct udp_from {
	struct ipaddr src, dst;
	uint64_t arrived_ns; /* stack clock */
	uint16_t sport, dport;
	uint16_t seg_bytes; /* of the first */
	uint16_t n_segs;
	uint8_t tos, ttl;
	bool closed; /* its last segment is a short one */
	unsigned iface;
};

/* Where a datagram goes, and what a control message said about it. */
struct udp_to {
	const struct ipaddr *addr; /* NULL: the connected peer */
	uint16_t port;
	const struct ipaddr *src; /* NULL: bound, or selected */
	uint32_t iface;           /* + 1; 0: by the route */
	int ttl, tos, dontfrag;   /* -1: the socket's */
	int gso_size;             /* -1: the socket's */
};

/* An error that IP_RECVERR or IPV6_RECVERR kept; the datagram's first bytes follow it. */
struct udp_err {
	int err;
	uint8_t origin; /* SO_EE_ORIGIN_LOCAL, _ICMP, _ICMP6 */
	uint8_t type, code;
	uint32_t info;      /* MTU, pointer */
	struct ipaddr dst;  /* where the datagram was to go */
	struct ipaddr from; /* who reports; unspecified: we */
	uint16_t dport;
	unsigned iface;
};

NODISCARD int udp_init(struct stack *s, const struct udp_events *ev);
void udp_fini(struct stack *s);

struct udp_pcb *udp_create(struct stack *s, bool v6, void *so);
NODISCARD int udp_bind(struct udp_pcb *pcb, const struct ipaddr *addr, uint16_t port,
		       unsigned flags);
/* iface + 1 for an address that needs one, or 0. */
NODISCARD int udp_connect(struct udp_pcb *pcb, const struct ipaddr *addr, uint16_t port,
			  uint32_t iface);
void udp_disconnect(struct udp_pcb *pcb);
void udp_local(const struct udp_pcb *pcb, struct ipaddr *addr, uint16_t *port);
void udp_peer(const struct udp_pcb *pcb, struct ipaddr *addr, uint16_t *port);
struct udp_opts *udp_opts(struct udp_pcb *pcb);
struct stack *udp_stack(const struct udp_pcb *pcb);

/* Send one datagram, or with a segment size several of that size. Returns the bytes, -EMSGSIZE,
 * -EDESTADDRREQ, -EINVAL (more than UDP_MAX_SEGMENTS, a source that is not ours), -ENOBUFS,
 * -ENETUNREACH, -EHOSTUNREACH, -EACCES. */
ssize_t udp_send(struct udp_pcb *pcb, const struct iovec *iov, int n_iov, const struct udp_to *to);
/* Receive one datagram, cut to the iovec; *full is its real length. -EAGAIN. */
ssize_t udp_recv(struct udp_pcb *pcb, const struct iovec *iov, int n_iov, struct udp_from *from,
		 size_t *full, bool peek);
uint32_t udp_rcv_next(const struct udp_pcb *pcb);  /* length of the first datagram */
uint32_t udp_rcv_count(const struct udp_pcb *pcb); /* datagrams queued */
uint32_t udp_rcv_bytes(const struct udp_pcb *pcb); /* payload bytes queued */
uint32_t udp_rcv_lost(const struct udp_pcb *pcb);  /* not queued for want of room, ever */
/* The path MTU to the connected peer. -ENOTCONN. */
int udp_mtu(struct udp_pcb *pcb);
/* Returns what it got: a socket may ask for no more than a part of the packet pool. */
uint32_t udp_rcvbuf_set(struct udp_pcb *pcb, uint32_t bytes);
void udp_close(struct udp_pcb *pcb);

/* ---- the error queue ---- */

/* The oldest, with the payload it quotes. -EAGAIN. */
ssize_t udp_err_recv(struct udp_pcb *pcb, const struct iovec *iov, int n_iov, struct udp_err *e,
		     size_t *full, bool peek);
uint32_t udp_err_count(const struct udp_pcb *pcb);
/* errno of the oldest when it came by ICMP; 0. */
int udp_err_pending(const struct udp_pcb *pcb);

/* ---- multicast groups (RFC 3376 2, RFC 3810 4.1, RFC 3678) ---- */

/* What the socket wants of a group: NULL filter: no longer a member. The filter is copied.
 * -ENOBUFS (too many groups), -ENOMEM, -ENODEV. */
NODISCARD int udp_group_set(struct udp_pcb *pcb, unsigned iface, const struct ipaddr *group,
			    const struct inet_filter *filter);
/* NULL: not a member. */
const struct inet_filter *udp_group_get(const struct udp_pcb *pcb, unsigned iface,
					const struct ipaddr *group);
/* The first membership in the group on any interface, for a leave that names none. -1: none. */
int udp_group_iface(const struct udp_pcb *pcb, const struct ipaddr *group);

#define UDP_COUNTER_TABLE(X) \
	X(in, "datagrams delivered to sockets") \
	X(in_joined, "datagrams joined to the one before them (UDP_GRO)") \
	X(out, "datagrams sent") \
	X(no_port, "datagrams for a port without a socket") \
	X(rcvbuf_full, "datagrams dropped: receive buffer full") \
	X(pool_low, "datagrams dropped: packet buffers are short") \
	X(filtered, "multicast datagrams that a socket's source filter refused") \
	X(err_queued, "errors kept for IP_RECVERR") \
	X(errors, "datagrams with a bad header or checksum")

struct udp_counters {
#define X(name, text) uint64_t name;
	UDP_COUNTER_TABLE(X)
#undef X
};

const struct udp_counters *udp_counters(const struct stack *s);

#endif
