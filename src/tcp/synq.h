/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Half-open passive connections: small entries in the table of flows, bounded; SYN cookies when
 * they are used up (RFC 4987). An entry becomes a pcb when the handshake completes and the accept
 * queue has room.
 */
#ifndef LEAT_TCP_SYNQ_H
#define LEAT_TCP_SYNQ_H

#include "base/list.h"
#include "base/wheel.h"
#include "tcp/flow.h"

struct tcp_listener;
struct tcp_pcb;
struct tcp_seg;
struct inet_err;

/* Waits after a SYN-ACK: 1, 2, 4 ... 64, from then on 120 s. */
#define TCP_HALF_CLASSES 8u

struct tcp_half {
	struct tcp_flow flow;
	uint8_t rexmits;
	bool acked; /* the handshake is done, TCP_DEFER_ACCEPT waits for text */
	uint8_t snd_scale;
	bool ecn;             /* agreed */
	bool foreign;         /* to an address that is none of ours */
	bool grant;           /* the SYN-ACK brings a Fast Open cookie */
	uint32_t opts;        /* TCPOPTS_ of the SYN */
	struct list link;     /* those that wait equally long, oldest first */
	uint64_t sent_ns;     /* the class was entered: what its order and end go by */
	uint64_t answered_ns; /* last SYN-ACK, also to a SYN that came again */
	uint64_t acked_ns;    /* last answer to what was not acceptable, 0: none */
	struct tcp_listener *listener;
	uint32_t iss, irs;
	uint32_t ts_recent, ts_off;
	uint16_t peer_mss, our_mss;
	uint16_t wnd; /* of the peer's last segment, not scaled */
	uint8_t rcv_scale;
	uint32_t rcv_wnd; /* offered in the SYN-ACK */
};

struct tcp_synq {
	struct list by_class[TCP_HALF_CLASSES];
	struct wheel_timer timer;
	uint64_t cookies_until_ns; /* accepted so long after the last was sent; 0: none was */
};

void tcp_synq_init(struct stack *s);
void tcp_synq_fini(struct stack *s);
/* A SYN that a listener wants; consumes it. Answers with SYN-ACK, an entry or a cookie; or counts
 * the loss. min_iss: of a TIME-WAIT entry that it replaces (RFC 6191), or NULL. */
void tcp_synq_syn(struct stack *s, struct tcp_listener *l, struct tcp_seg *seg, mbuf_own in,
		  const uint32_t *min_iss);
/* A segment for a half-open entry. Consumes the packet. */
void tcp_synq_input(struct stack *s, struct tcp_half *h, struct tcp_seg *seg, mbuf_own in);
/* An ACK to a listener that knows no such flow: a cookie? True: consumed. */
bool tcp_synq_cookie(struct stack *s, struct tcp_listener *l, struct tcp_seg *seg, mbuf_own *in);
/* May there be cookies about? */
bool tcp_synq_cookies_live(const struct stack *s);
/* Would an ACK be a valid cookie? For claims; changes nothing. */
bool tcp_synq_cookie_ok(const struct stack *s, const struct tcp_seg *seg);
/* The listener goes: its entries are forgotten without a word. */
void tcp_synq_forget(struct stack *s, struct tcp_listener *l);
void tcp_half_free(struct stack *s, struct tcp_half *h);
/* An ICMP error quotes our SYN-ACK. */
void tcp_synq_error(struct stack *s, struct tcp_half *h, const struct inet_err *e);
/* The pcb that an entry stands for, in SYN-RECEIVED and in no table. NULL: no memory. */
struct tcp_pcb *tcp_half_pcb(struct stack *s, const struct tcp_half *h);

/* ---- hold.c ---- */

/* A SYN to a listener that holds: into the accept queue, unanswered. -ENOMEM. */
NODISCARD int tcp_hold_syn(struct stack *s, const struct tcp_half *h);
/* The client has gone, or the program has not answered in time. */
void tcp_hold_fail(struct tcp_pcb *pcb, int err);
/* A segment for a held connection: never goes further. */
bool tcp_hold_input(struct tcp_pcb *pcb, const struct tcp_seg *seg, enum drop_reason *why);

#endif
