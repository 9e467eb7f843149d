/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First to fourth step of RFC 9293 3.10.7.4: is the segment in the window, is it an old one (PAWS,
 * RFC 7323 5), is it an honest RST or SYN (RFC 5961). Called by tcp_segment() for synchronised
 * connections and SYN-RECEIVED.
 */
#include "tcp/input.h"
#include "tcp/output.h"

#include <errno.h>

static bool paws_old(const struct tcp_pcb *pcb, const struct tcp_seg *seg)
{
	if (!(pcb->flags & PCBF_TS) || seq_geq(seg->o.tsval, pcb->ts_recent))
		return false;
	return !tcp_pcb_ts_outdated(pcb);
}

/* Part of the segment's text was received before: RFC 2883 4.1. */
static void note_duplicate(struct tcp_pcb *pcb, const struct tcp_seg *seg)
{
	uint32_t end = seg->h.seq + seg->len;

	if ((pcb->flags & PCBF_SACK) && seg->len > 0 && seq_lt(seg->h.seq, pcb->rcv_nxt) &&
	    seg->len <= INT32_MAX)
		tcp_note_dup(pcb, (struct tcp_range){seg->h.seq, seq_min(end, pcb->rcv_nxt)});
}

/* Some number of the segment lies between what is acknowledged and the right edge. A segment that
 * only touches the edge counts: peers that have filled the window acknowledge from there. */
static bool in_window(const struct tcp_pcb *pcb, const struct tcp_seg *seg)
{
	return seq_geq(seg->h.seq + tcp_seg_len(seg), pcb->rcv_nxt) &&
	       seq_leq(seg->h.seq, pcb->rcv_adv);
}

bool tcp_check_seq(struct tcp_pcb *pcb, const struct tcp_seg *seg, enum drop_reason *why)
{
	bool rst = (seg->h.flags & TCP_RST) != 0;

	/* The SYN again: our SYN-ACK was lost. */
	if (pcb->state == TCPS_SYN_RECEIVED && seg->h.seq == pcb->irs &&
	    (seg->h.flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN) {
		tcp_emit_syn(pcb);
		*why = DROP_TCP_DUP;
		return false;
	}
	/* RFC 7323 3.2: every segment but RST has to carry what was agreed. */
	if ((pcb->flags & PCBF_TS) && !tcp_seg_has_ts(seg) && !rst) {
		*why = DROP_TCP_NO_TS;
		return false;
	}
	if (!rst && paws_old(pcb, seg)) {
		pcb->stack->tcp->cnt.paws++;
		note_duplicate(pcb, seg);
		tcp_stray_ack(pcb, seg->len > 0);
		*why = DROP_TCP_PAWS;
		return false;
	}
	if (in_window(pcb, seg))
		return true;
	if (rst) {
		*why = DROP_TCP_RST;
		return false;
	}
	*why = seg->len > 0 && seq_lt(seg->h.seq, pcb->rcv_nxt) ? DROP_TCP_DUP : DROP_TCP_WINDOW;
	note_duplicate(pcb, seg);
	tcp_stray_ack(pcb, seg->len > 0);
	return false;
}

static void take_rst(struct tcp_pcb *pcb)
{
	struct tcp_counters *cnt = &pcb->stack->tcp->cnt;

	cnt->rst_in++;
	switch ((enum tcp_state)pcb->state) {
	case TCPS_SYN_RECEIVED:
		tcp_pcb_fail(pcb, pcb->flags & PCBF_FASTOPEN ? ECONNRESET : ECONNREFUSED);
		break;
	case TCPS_CLOSE_WAIT:
		cnt->resets++;
		tcp_pcb_fail(pcb, EPIPE);
		break;
	case TCPS_ESTABLISHED:
	case TCPS_FIN_WAIT_1:
	case TCPS_FIN_WAIT_2:
		cnt->resets++;
		tcp_pcb_fail(pcb, ECONNRESET);
		break;
	case TCPS_CLOSING:
	case TCPS_LAST_ACK:
		tcp_pcb_fail(pcb, ECONNRESET);
		break;
	case TCPS_CLOSED:
	case TCPS_LISTEN:
	case TCPS_SYN_SENT:
	case TCPS_TIME_WAIT:
	case TCP_STATE_COUNT:
		break;
	}
}

bool tcp_check_rst_syn(struct tcp_pcb *pcb, const struct tcp_seg *seg, enum drop_reason *why)
{
	if (UNLIKELY(seg->h.flags & TCP_RST)) {
		/* RFC 5961 3.2: exactly the next number, or prove it. */
		if (seg->h.seq == pcb->rcv_nxt)
			take_rst(pcb);
		else
			tcp_challenge_ack(pcb);
		*why = DROP_TCP_RST;
		return false;
	}
	if (UNLIKELY(seg->h.flags & TCP_SYN)) {
		/* Simultaneous open: the SYN-ACK repeats the SYN that we know; its ACK counts. */
		if (pcb->state == TCPS_SYN_RECEIVED && seg->h.seq == pcb->irs &&
		    (seg->h.flags & TCP_ACK) && seg->h.ack == pcb->snd_nxt)
			return true;
		tcp_challenge_ack(pcb);
		*why = DROP_TCP_SYN;
		return false;
	}
	return true;
}
