/* SPDX-License-Identifier: BSD-2-Clause */
/* Which retransmissions were needless (RFC 3522, RFC 3708, RFC 5682): see undo.h. */
#include "tcp/undo.h"

#include "tcp/pcb.h"
#include "tcp/seg.h"

void tcp_undo_start(struct tcp_pcb *pcb, bool timeout)
{
	bool ts = (pcb->flags & PCBF_TS) != 0;

	pcb->undo = (struct tcp_undo){
		.armed = true,
		.eifel = ts,
		.ts = tcp_ts_clock(pcb->stack) + pcb->ts_off,
		.una = pcb->snd_una,
	};
	/* Timestamps decide at once and for certain; F-RTO costs two segments of patience. */
	if (timeout && !ts && (pcb->flags & PCBF_SACK))
		pcb->undo.frto = TCP_FRTO_FIRST;
}

void tcp_undo_forget(struct tcp_undo *u)
{
	*u = (struct tcp_undo){0};
}

void tcp_undo_on_rexmit(struct tcp_undo *u, uint32_t bytes)
{
	u->bytes += bytes;
}

bool tcp_undo_by_dsack(struct tcp_undo *u, const struct tcp_range *dup)
{
	uint32_t len = tcp_range_len(*dup);

	if (!u->armed || seq_lt(dup->seq, u->una) || u->bytes == 0)
		return false;
	/* More duplicates than we made: the network makes some, and they prove nothing (RFC 3708 2,
	 * step 3). */
	if (len > u->bytes) {
		u->armed = false;
		return false;
	}
	u->bytes -= len;
	return u->bytes == 0;
}

bool tcp_undo_by_echo(struct tcp_pcb *pcb, const struct tcp_seg *seg, const struct tcp_delivery *d)
{
	struct tcp_undo *u = &pcb->undo;

	if (!u->eifel || !d->again || !tcp_seg_has_ts(seg))
		return false;
	/* RFC 3522 3.2 step 4: the first acceptable one alone tells. */
	u->eifel = false;
	return seq_lt(seg->o.tsecr, u->ts);
}

static bool has_new_data(const struct tcp_pcb *pcb)
{
	return pcb->snd_nxt != tcp_pcb_snd_end(pcb) &&
	       seq_gt(pcb->snd_una + pcb->snd_wnd, pcb->snd_nxt);
}

bool tcp_undo_by_frto(struct tcp_pcb *pcb, const struct tcp_delivery *d, bool moved)
{
	struct tcp_undo *u = &pcb->undo;

	switch ((enum tcp_frto)u->frto) {
	case TCP_FRTO_OFF:
		break;
	case TCP_FRTO_FIRST:
		/* A duplicate tells nothing yet; nor does one for all that was in flight (2a). */
		if (!moved)
			break;
		u->frto = seq_lt(pcb->snd_una, pcb->recover) && has_new_data(pcb) ? TCP_FRTO_SECOND
										  : TCP_FRTO_OFF;
		break;
	case TCP_FRTO_SECOND:
		u->frto = TCP_FRTO_OFF;
		return d->original && seq_leq(d->original_end, pcb->recover);
	}
	return false;
}
