/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Explicit congestion notification (RFC 3168 6.1): what the handshake agrees to, what the receiver
 * of marks echoes, what the sender does about an echo. input*.c and emit.c tell of events here and
 * take the bits to send; no other file looks at them.
 */
#ifndef LEAT_TCP_ECN_H
#define LEAT_TCP_ECN_H

#include "tcp/pcb.h"
#include "tcp/seg.h"

/* The ECN field of IP, low bits of tos (RFC 3168 5). */
#define ECN_MASK 0x3u
#define ECN_ECT0 0x2u
#define ECN_CE   0x3u

/* Values of tcp_limits.ecn, Linux's tcp_ecn. */
enum tcp_ecn_mode {
	TCP_ECN_OFF,
	TCP_ECN_ON,      /* ask for it, and agree */
	TCP_ECN_PASSIVE, /* agree when asked */
};

/* Flags that our SYN carries beside SYN; asks anew each time, until one was lost (6.1.1.1). */
uint8_t tcp_ecn_syn_flags(struct tcp_pcb *pcb);
/* Does a SYN ask for ECN, and do we agree? */
bool tcp_ecn_wanted(const struct stack *s, const struct tcp_seg *seg);
/* The SYN-ACK that answers our SYN has come. */
void tcp_ecn_on_synack(struct tcp_pcb *pcb, const struct tcp_seg *seg);

/* An acceptable segment with text: its mark, and its word that we were heard. */
void tcp_ecn_on_text(struct tcp_pcb *pcb, const struct tcp_seg *seg);
/* An acceptable ACK, SND.UNA already moved from una_old; not for connections without ECN. */
void tcp_ecn_on_ack(struct tcp_pcb *pcb, const struct tcp_seg *seg, uint32_t una_old);
/* cwnd was reduced for another reason: that is the reaction to marks in this window too. */
void tcp_ecn_on_reduction(struct tcp_pcb *pcb);

/* Flags of a segment behind the handshake; fresh: it has text that was never sent. */
static inline uint8_t tcp_ecn_flags(const struct tcp_pcb *pcb, bool fresh)
{
	return (uint8_t)((pcb->flags & PCBF_ECN_ECHO ? TCP_ECE : 0) |
			 (fresh && (pcb->flags & PCBF_ECN_CWR) ? TCP_CWR : 0));
}

/* It has left. */
static inline void tcp_ecn_on_sent(struct tcp_pcb *pcb, uint8_t flags)
{
	if (UNLIKELY(flags & TCP_CWR))
		pcb->flags &= ~PCBF_ECN_CWR;
}

/* The IP field of a segment (6.1.4, 6.1.5: not pure ACKs, not what is sent again). */
static inline uint8_t tcp_ecn_tos(const struct tcp_pcb *pcb, bool fresh)
{
	uint8_t tos = (uint8_t)(pcb->tos & ~ECN_MASK);

	return fresh && (pcb->flags & PCBF_ECN) ? tos | ECN_ECT0 : tos;
}

#endif
