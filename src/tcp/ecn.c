/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ECN of RFC 3168. The receiver of a mark sets ECE on all it sends until CWR comes; the sender
 * reduces its window once for each window of data that was echoed, and says so by CWR on the next
 * new text. Called by the input steps and emit.c, on the thread of the stack.
 */
#include "tcp/ecn.h"

#include "tcp/output.h"

uint8_t tcp_ecn_syn_flags(struct tcp_pcb *pcb)
{
	bool ask = pcb->stack->tcp->limits.ecn == TCP_ECN_ON && !(pcb->flags & PCBF_SYN_RTX);

	/* A way that drops such a SYN gets one without; an answer that agrees comes too late then,
	 * but both could be on their way: only the last SYN counts. */
	pcb->flags = ask ? pcb->flags | PCBF_ECN_ASKED : pcb->flags & ~PCBF_ECN_ASKED;
	return ask ? TCP_ECE | TCP_CWR : 0;
}

bool tcp_ecn_wanted(const struct stack *s, const struct tcp_seg *seg)
{
	/* A SYN must not be ECN-capable itself (6.1.1): who marks it does not speak RFC 3168. */
	return s->tcp->limits.ecn != TCP_ECN_OFF &&
	       (seg->h.flags & (TCP_ECE | TCP_CWR)) == (TCP_ECE | TCP_CWR) &&
	       (seg->in->tos & ECN_MASK) == 0;
}

void tcp_ecn_on_synack(struct tcp_pcb *pcb, const struct tcp_seg *seg)
{
	/* Both bits are a reflection by something that does not know them (6.1.1). */
	if ((pcb->flags & PCBF_ECN_ASKED) && (seg->h.flags & (TCP_ECE | TCP_CWR)) == TCP_ECE) {
		pcb->flags |= PCBF_ECN;
		pcb->stack->tcp->cnt.ecn_agreed++;
	}
	pcb->flags &= ~PCBF_ECN_ASKED;
}

void tcp_ecn_on_text(struct tcp_pcb *pcb, const struct tcp_seg *seg)
{
	if (!(pcb->flags & PCBF_ECN))
		return;
	if (UNLIKELY(seg->h.flags & TCP_CWR)) {
		pcb->flags &= ~PCBF_ECN_ECHO;
		/* The peer's window is small now: do not let it wait. */
		pcb->flags |= PCBF_ACK_NOW;
	}
	/* After CWR: a mark on that very segment is a new one (6.1.3). */
	if (UNLIKELY((seg->in->tos & ECN_MASK) == ECN_CE)) {
		pcb->stack->tcp->cnt.ecn_marks_in += seg->n_segs;
		pcb->flags |= PCBF_ECN_SEEN;
		if (!(pcb->flags & PCBF_ECN_ECHO))
			pcb->flags |= PCBF_ECN_ECHO | PCBF_ACK_NOW;
	} else if ((seg->in->tos & ECN_MASK) != 0) {
		pcb->flags |= PCBF_ECN_SEEN;
	}
}

void tcp_ecn_on_reduction(struct tcp_pcb *pcb)
{
	pcb->cwr_seq = pcb->snd_nxt;
	if (pcb->flags & PCBF_ECN)
		pcb->flags |= PCBF_ECN_CWR;
}

static void react(struct tcp_pcb *pcb, uint32_t flight)
{
	struct stack *s = pcb->stack;

	s->tcp->cnt.ecn_reductions++;
	tcp_cc_on_ecn(&pcb->cc, flight, s->now_ns);
	tcp_ecn_on_reduction(pcb);
}

void tcp_ecn_on_ack(struct tcp_pcb *pcb, const struct tcp_seg *seg, uint32_t una_old)
{
	if (seg->h.flags & TCP_ECE) {
		/* No growth on such an ACK (6.1.2). */
		pcb->flags &= ~PCBF_CWND_LIMITED;
		pcb->delivered_ce += (pcb->snd_una - una_old) / pcb->mss;
		/* Once a window; in recovery it is reduced already. */
		if (pcb->recovery == TCP_REC_OPEN && seq_gt(seg->h.ack, pcb->cwr_seq))
			react(pcb, pcb->snd_nxt - una_old);
	}
	/* Kept close behind, so that comparisons stay within 2^31. */
	if (seq_gt(pcb->snd_una, pcb->cwr_seq))
		pcb->cwr_seq = pcb->snd_una - 1;
}
