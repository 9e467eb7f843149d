/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking back a reduction that was a mistake: what was sent again had arrived, only late. Three
 * signs: the acknowledgement echoes a timestamp from before the retransmission (Eifel, RFC 3522);
 * all that was sent again is reported as duplicate (RFC 2883, RFC 3708); after a timeout, data that
 * was never sent again arrives (F-RTO, RFC 5682 3.1, for a peer without timestamps). What is done
 * then: RFC 4015. Called by recovery.c and emit.c.
 */
#ifndef LEAT_TCP_UNDO_H
#define LEAT_TCP_UNDO_H

#include "tcp/range.h"

#include <stdbool.h>
#include <stdint.h>

struct tcp_pcb;
struct tcp_delivery;
struct tcp_seg;

/* Steps of F-RTO. */
enum tcp_frto {
	TCP_FRTO_OFF,
	TCP_FRTO_FIRST,  /* the first segment went again; its acknowledgement decides (step 2) */
	TCP_FRTO_SECOND, /* new data went instead of the rest; the next one decides (step 3) */
};

struct tcp_undo {
	uint32_t ts;    /* our timestamp when recovery began */
	uint32_t una;   /* SND.UNA then */
	uint32_t bytes; /* sent again since and not reported as duplicate */
	uint8_t frto;   /* enum tcp_frto */
	bool armed;     /* there is a reduction to take back, and DSACKs can still say so */
	bool eifel;     /* the first acknowledgement of a retransmission is still to come */
};

/* Recovery begins; timeout: by the retransmission timer. */
void tcp_undo_start(struct tcp_pcb *pcb, bool timeout);
/* Never mind: another reduction, another window. */
void tcp_undo_forget(struct tcp_undo *u);
void tcp_undo_on_rexmit(struct tcp_undo *u, uint32_t bytes);
/* All that was sent again was needless? */
bool tcp_undo_by_dsack(struct tcp_undo *u, const struct tcp_range *dup);
bool tcp_undo_by_echo(struct tcp_pcb *pcb, const struct tcp_seg *seg, const struct tcp_delivery *d);
/* An acknowledgement in recovery after a timeout; moved: SND.UNA did. True: the timeout was
 * spurious. */
bool tcp_undo_by_frto(struct tcp_pcb *pcb, const struct tcp_delivery *d, bool moved);
/* RFC 5682 3.1 step 2b: new data goes, not what is thought lost. */
static inline bool tcp_undo_holds(const struct tcp_undo *u)
{
	return u->frto == TCP_FRTO_SECOND;
}

#endif
