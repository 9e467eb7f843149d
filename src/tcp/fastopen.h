/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP Fast Open (RFC 7413): text on the SYN. A server proves by a cookie, a keyed hash over both
 * addresses, that the client was there before; the key changes with time, and the cookie of the
 * time before still counts. A client keeps the cookies it was given in a small table. Called by the
 * handshake (connect.c, synq.c, input_syn.c, emit.c), on the thread of the stack.
 */
#ifndef LEAT_TCP_FASTOPEN_H
#define LEAT_TCP_FASTOPEN_H

#include "base/ip.h"
#include "core/stack.h"

struct tcp_pcb;
struct tcp_half;
struct tcp_listener;
struct tcp_seg;
struct tcpopts;

/* Bits of tcp_limits.fastopen, Linux's tcp_fastopen. */
#define TCP_FASTOPEN_CLIENT           0x001u
#define TCP_FASTOPEN_SERVER           0x002u
#define TCP_FASTOPEN_CLIENT_NO_COOKIE 0x004u /* text goes with the SYN without one */
#define TCP_FASTOPEN_SERVER_NO_COOKIE 0x200u /* and is taken without one */
#define TCP_FASTOPEN_ALL_LISTENERS    0x400u /* without asking for it (TCP_FASTOPEN) */
#define TCP_FASTOPEN_MASK             0x607u

#define TCP_FASTOPEN_COOKIE           8u  /* bytes of ours */
#define TCP_FASTOPEN_COOKIE_MAX       16u /* of others: RFC 7413 4.1.1 */
#define TCP_FASTOPEN_PEERS            256u

/* What a client knows of a server. */
struct tcp_fastopen_peer {
	struct ipaddr remote;
	uint64_t barred_ns; /* until then no text: a SYN with it was lost (4.1.3.1) */
	uint16_t mss;       /* that it announced */
	uint8_t len;        /* of the cookie, 0: none */
	uint8_t cookie[TCP_FASTOPEN_COOKIE_MAX];
};

struct tcp_fastopen {
	/* By hash; who comes later takes the place, so the table is bounded. */
	struct tcp_fastopen_peer peers[TCP_FASTOPEN_PEERS];
	uint32_t n_pending; /* opened by a SYN, not yet acknowledged */
};

/* ---- server ---- */

enum tcp_fastopen_verdict {
	TCP_FASTOPEN_IGNORE, /* an ordinary SYN */
	TCP_FASTOPEN_GRANT,  /* an ordinary handshake, and a cookie in its SYN-ACK */
	TCP_FASTOPEN_TAKE,   /* the connection begins now, with the text */
	TCP_FASTOPEN_RENEW,  /* the same, and a new cookie: this one is of the time before */
};

/* What the SYN's option is worth to this listener. */
enum tcp_fastopen_verdict tcp_fastopen_judge(const struct stack *s, const struct tcp_listener *l,
					     const struct tcp_seg *seg);
void tcp_fastopen_cookie(const struct stack *s, const struct ipaddr *server,
			 const struct ipaddr *client, uint8_t out[TCP_FASTOPEN_COOKIE]);
/* RFC 7413 4.2.2: the connection begins with the SYN, before it is known whether the peer is there.
 * SND.UNA stands behind our SYN from the start: what is owed to the handshake is the state.
 * Consumes the packet. renew: the SYN-ACK brings a new cookie. */
void tcp_fastopen_open(struct stack *s, const struct tcp_half *h, const struct tcp_seg *seg,
		       mbuf_own in, bool renew);
/* A connection that began with its SYN is no longer pending: acknowledged, or gone. */
void tcp_fastopen_settle(struct tcp_pcb *pcb);

/* ---- client ---- */

/* May text go with the SYN to the peer of pcb? */
bool tcp_fastopen_ready(const struct tcp_pcb *pcb);
/* How much text fits. */
uint32_t tcp_fastopen_room(const struct tcp_pcb *pcb);
/* The option of our SYN: a cookie, or the wish for one. */
void tcp_fastopen_offer(const struct tcp_pcb *pcb, struct tcpopts *o);
/* The SYN-ACK has come: a cookie to keep; was a SYN with text lost? */
void tcp_fastopen_on_synack(struct tcp_pcb *pcb, const struct tcpopts *o);

#endif
