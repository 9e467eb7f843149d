/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending: for connections (output.c, emit.c) and in answer to nobody's segments (reply.c). */
#ifndef LEAT_TCP_OUTPUT_H
#define LEAT_TCP_OUTPUT_H

#include "tcp/pcb.h"
#include "tcp/seg.h"

/* output.c */

/* Send what may be sent, or the acknowledgement that is owed. */
void tcp_output(struct tcp_pcb *pcb);
void tcp_output_work(struct stack *s, struct stack_work *w);
/* One segment to find out whether the last ones arrived (RFC 8985 7.3), whatever cwnd says. */
void tcp_output_probe(struct tcp_pcb *pcb);
/* In the output phase of this round. */
void tcp_output_later(struct tcp_pcb *pcb);
/* An acknowledgement in this round's output. */
void tcp_ack_now(struct tcp_pcb *pcb);
/* TCP_NOTSENT_LOWAT: bytes that may still be queued; and is so little unsent that the program
 * should hear of it (half, as Linux)? */
uint32_t tcp_notsent_room(const struct tcp_pcb *pcb);
bool tcp_notsent_low(const struct tcp_pcb *pcb);
/* Bytes estimated to be in the network. */
uint32_t tcp_pipe(const struct tcp_pcb *pcb);

/* window.c: the receive window */

/* Right edge that may be offered now; never left of rcv_adv. */
uint32_t tcp_window_edge(const struct tcp_pcb *pcb);
/* Has the program read so much that the peer should hear of it? */
void tcp_window_opened(struct tcp_pcb *pcb);
uint8_t tcp_window_scale(uint32_t rcvbuf_max);

/* emit.c: one packet */

#define TCP_EMIT_REXMIT 0x01u
#define TCP_EMIT_PROBE  0x02u /* sequence number as given, nothing moves */
#define TCP_EMIT_WHOLE  0x04u /* one segment, larger than the MSS */

struct tcp_emit {
	uint32_t seq;
	uint32_t len; /* payload, up to a superpacket */
	uint8_t tcp_flags;
	uint8_t how; /* TCP_EMIT_ */
};

/* Build and send. Returns the payload bytes sent (less than asked when buffers run short), or
 * -ENOBUFS, -EMSGSIZE (path MTU went down: mss is already lowered), or another -errno of the way.
 */
NODISCARD int tcp_emit(struct tcp_pcb *pcb, const struct tcp_emit *e);
/* Pure ACK; without a buffer it is owed and tried again by timer. */
void tcp_emit_ack(struct tcp_pcb *pcb);
/* connect.c: the SYN, with what text there is for it. */
void tcp_connect_start(struct tcp_pcb *pcb);
/* SYN or SYN-ACK by state; the retransmission timer covers a failure. */
void tcp_emit_syn(struct tcp_pcb *pcb);
/* Most payload of one packet, a multiple of the MSS, given the options that go with data now. */
uint32_t tcp_emit_max(const struct tcp_pcb *pcb);

/* reply.c: segments without a pcb */

struct tcp_reply {
	const struct tcp_flow *flow;
	uint32_t seq, ack;
	uint16_t wnd;
	uint8_t flags;
	uint8_t tos;
	const struct tcpopts *opts; /* or NULL */
};

void tcp_reply(struct stack *s, const struct tcp_reply *r);
/* RST in answer to a segment that fits nothing (RFC 9293 3.5.2 group 1 and 2). */
void tcp_reply_rst(struct stack *s, const struct tcp_seg *seg);
/* RST of a connection that is given up. */
void tcp_send_rst(struct tcp_pcb *pcb);
/* Challenge ACK (RFC 5961), within the limit of the connection. */
void tcp_challenge_ack(struct tcp_pcb *pcb);
/* Answer a segment that is not acceptable. Those without text count against the same limit: two
 * ends that disagree would otherwise acknowledge each other's acknowledgements for ever. */
void tcp_stray_ack(struct tcp_pcb *pcb, bool has_text);

#endif
