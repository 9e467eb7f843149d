/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loss recovery of the sender. With SACK, RACK-TLP says what is lost (RFC 8985, rack.h); without,
 * duplicates are counted (RFC 5681 3.2, RFC 6582). After a timeout, slow start. What is in flight,
 * lost and held by the peer is in the records (sent.h), how much may be in the network is cwnd;
 * output.c puts both together.
 */
#ifndef LEAT_TCP_RECOVERY_H
#define LEAT_TCP_RECOVERY_H

#include "tcp/pcb.h"
#include "tcp/seg.h"

/* The handshake is done: from now on losses are repaired here. */
void tcp_recovery_start(struct tcp_pcb *pcb);
/* An acceptable ACK; una_old: SND.UNA before it. dup: RFC 5681 2 calls it a duplicate. */
void tcp_recovery_ack(struct tcp_pcb *pcb, const struct tcp_seg *seg, uint32_t una_old, bool dup);
/* The retransmission timer has fired with data outstanding. */
void tcp_recovery_timeout(struct tcp_pcb *pcb);
/* The reordering window of something is over (RFC 8985 6.2). */
void tcp_recovery_reorder(struct tcp_pcb *pcb);
/* The MSS was lowered: what is in flight is lost (RFC 1191 6.4). */
void tcp_recovery_mtu(struct tcp_pcb *pcb);
/* What was lost was a probe of the path MTU alone: that is no congestion (RFC 4821 7.7). */
void tcp_recovery_forgive(struct tcp_pcb *pcb);

#endif
