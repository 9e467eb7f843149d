/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loss recovery of the sender: RFC 6675 with SACK; without it the same by way of duplicate counting
 * (RFC 6582); after a timeout a slow start over what is not SACKed. What is to be sent again is in
 * the scoreboard, how much may be in the network is cwnd; output.c puts both together.
 */
#ifndef LEAT_TCP_RECOVERY_H
#define LEAT_TCP_RECOVERY_H

#include "tcp/pcb.h"
#include "tcp/seg.h"

/* An acceptable ACK; una_old: SND.UNA before it. dup: RFC 5681 2 calls it a duplicate. */
void tcp_recovery_ack(struct tcp_pcb *pcb, const struct tcp_seg *seg, uint32_t una_old, bool dup);
/* The retransmission timer has fired with data outstanding. */
void tcp_recovery_timeout(struct tcp_pcb *pcb);
/* The MSS was lowered: what is in flight is lost (RFC 1191 6.4). */
void tcp_recovery_mtu(struct tcp_pcb *pcb);

#endif
