/* SPDX-License-Identifier: BSD-2-Clause */
/* The steps of segment arrival (RFC 9293 3.10.7), each in the file that its comment names. */
#ifndef LEAT_TCP_INPUT_H
#define LEAT_TCP_INPUT_H

#include "tcp/pcb.h"
#include "tcp/seg.h"

/* input.c: registered with inet. */
void tcp_input(struct stack *s, const struct inet_in *in, mbuf_own m);
bool tcp_claim(struct stack *s, const struct inet_in *in, struct mbuf *m);
/* A parsed segment for a connection; consumes the packet, which begins at its payload. */
void tcp_segment(struct tcp_pcb *pcb, struct tcp_seg *seg, mbuf_own in);

/* input_check.c: first to fourth. True: go on; false: answered and to be dropped for *why. */
bool tcp_check_seq(struct tcp_pcb *pcb, const struct tcp_seg *seg, enum drop_reason *why);
bool tcp_check_rst_syn(struct tcp_pcb *pcb, const struct tcp_seg *seg, enum drop_reason *why);

/* input_syn.c: SYN-SENT (3.10.7.3). True: the segment's data is to be taken. */
bool tcp_input_syn_sent(struct tcp_pcb *pcb, struct tcp_seg *seg, enum drop_reason *why);
/* What the peer's SYN agreed to. */
void tcp_take_syn_options(struct tcp_pcb *pcb, const struct tcp_seg *seg);
/* Text begins to flow: recovery and congestion control from their start. */
void tcp_start_transfer(struct tcp_pcb *pcb);
/* Our SYN is acknowledged, and SND.UNA says how much of its text. */
void tcp_syn_text_acked(struct tcp_pcb *pcb);
/* Into ESTABLISHED, from either side. */
void tcp_established(struct tcp_pcb *pcb);

/* input_ack.c: fifth. */
bool tcp_input_ack(struct tcp_pcb *pcb, const struct tcp_seg *seg, enum drop_reason *why);

/* Text that came twice, for the next acknowledgement (RFC 2883 4). */
static inline void tcp_note_dup(struct tcp_pcb *pcb, struct tcp_range r)
{
	if (pcb->stack->tcp->limits.dsack)
		sack_rcv_dup(&pcb->sack_rcv, r);
}

/* input_data.c: seventh and eighth. Consumes the packet. */
void tcp_input_data(struct tcp_pcb *pcb, struct tcp_seg *seg, mbuf_own in);

/* error.c: registered with inet. */
void tcp_error(struct stack *s, const struct inet_err *e);
bool tcp_claim_error(struct stack *s, const struct inet_err *e);

#endif
