/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RACK-TLP (RFC 8985): loss is found by time, not by counting. What was sent well before something
 * that has arrived is lost; "well" is the reordering window, which learns from reordering and from
 * D-SACKs. A probe after two round trips of silence turns a lost tail into something that SACK can
 * tell. Needs SACK; without it recovery.c counts duplicates (RFC 6582).
 *
 * Called by recovery.c, output.c and the timers.
 */
#ifndef LEAT_TCP_RACK_H
#define LEAT_TCP_RACK_H

#include "tcp/range.h"

#include <stdbool.h>
#include <stdint.h>

struct tcp_pcb;
struct tcp_delivery;

#define TCP_DUP_THRESH 3u /* RFC 5681 3.2, RFC 8985 6.2 DupThresh */

struct tcp_rack {
	uint64_t xmit_ns; /* the last sent of all that was delivered: its time, end, round trip */
	uint64_t rtt_ns;
	uint32_t end_seq;
	uint32_t dsack_round; /* SND.NXT at the D-SACK of this round, with in_dsack_round */
	uint32_t tlp_end;     /* SND.NXT at the probe, with tlp_out */
	uint8_t reo_mult;     /* window in quarters of the minimal round trip */
	uint8_t reo_persist;  /* recoveries left until it shrinks again */
	bool seen;            /* xmit_ns and so on are valid */
	bool reordering_seen;
	bool in_dsack_round;
	bool tlp_out;    /* a probe is on its way */
	bool tlp_rexmit; /* it was a retransmission */
};

void tcp_rack_init(struct tcp_rack *r);
/* 6.2 steps 2 and 3: what an acknowledgement delivered. */
void tcp_rack_on_delivery(struct tcp_rack *r, const struct tcp_delivery *d);
/* 6.2 step 4: a D-SACK came, or recovery ended. */
void tcp_rack_on_dsack(struct tcp_pcb *pcb);
void tcp_rack_on_recovered(struct tcp_rack *r);
/* 6.2 step 5: mark what is lost by now, arm the timer for the next. Returns newly lost bytes. */
uint32_t tcp_rack_detect(struct tcp_pcb *pcb);
/* What is in flight inside r is lost, says whoever knows better. */
void tcp_rack_lose(struct tcp_pcb *pcb, struct tcp_range r);
/* 6.3: the retransmission timer has fired. */
void tcp_rack_on_rto(struct tcp_pcb *pcb);

/* 7.2: new data was sent, or acknowledged. */
void tcp_tlp_arm(struct tcp_pcb *pcb);
/* 7.4: an acceptable ACK. dup: the range of its D-SACK, or NULL; plain: a duplicate without SACK.
 * True: the probe repaired a loss that congestion control has to hear of. */
bool tcp_tlp_on_ack(struct tcp_pcb *pcb, const struct tcp_range *dup, bool plain);

#endif
