/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening: SYN-SENT (RFC 9293 3.10.7.3) with simultaneous open, what the peer's SYN agreed to, and
 * the step into ESTABLISHED. Called by tcp_segment() and, for passive opens, by synq.c.
 */
#include "tcp/ecn.h"
#include "tcp/input.h"
#include "tcp/listen.h"
#include "tcp/output.h"
#include "tcp/recovery.h"

#include <errno.h>

void tcp_take_syn_options(struct tcp_pcb *pcb, const struct tcp_seg *seg)
{
	const struct tcpopts *o = &seg->o;

	if (o->present & TCPOPTS_MSS)
		pcb->peer_mss = (uint16_t)max_u32(o->mss, TCP_MIN_MSS);
	/* Only what our own SYN offered. */
	if (!(o->present & TCPOPTS_WSCALE))
		pcb->flags &= ~PCBF_WSCALE;
	if (!(o->present & TCPOPTS_SACK_PERMITTED))
		pcb->flags &= ~PCBF_SACK;
	if (!(o->present & TCPOPTS_TS))
		pcb->flags &= ~PCBF_TS;
	if (pcb->flags & PCBF_WSCALE) {
		pcb->snd_scale = o->wscale;
		pcb->stack->tcp->cnt.wscale_clamped += o->wscale_clamped;
	} else {
		pcb->snd_scale = 0;
		pcb->rcv_scale = 0;
	}
	if (pcb->flags & PCBF_TS) {
		pcb->ts_recent = o->tsval;
		pcb->ts_recent_ns = pcb->stack->now_ns;
	}
	tcp_pcb_update_mss(pcb);
}

static void take_irs(struct tcp_pcb *pcb, const struct tcp_seg *seg)
{
	/* What our SYN offered, counted from 0 as long as the peer's numbers were unknown. */
	uint32_t offered = pcb->rcv_adv - pcb->rcv_nxt;

	pcb->irs = seg->h.seq;
	pcb->rcv_nxt = seg->h.seq + 1;
	pcb->rcv_adv = pcb->rcv_nxt + offered;
	pcb->last_ack = pcb->rcv_nxt;
	/* The window in a SYN is never scaled (RFC 7323 2.2). */
	pcb->snd_wnd = seg->h.wnd;
	pcb->snd_wnd_max = seg->h.wnd;
	pcb->snd_wl1 = seg->h.seq;
	pcb->snd_wl2 = seg->h.ack;
}

void tcp_start_transfer(struct tcp_pcb *pcb)
{
	struct tcp_cc_start cc_start;

	tcp_pmtud_start(pcb);
	tcp_recovery_start(pcb);
	pcb->cwr_seq = pcb->snd_una - 1;
	pcb->snd_small = pcb->snd_una;
	cc_start = tcp_pcb_cc_start(pcb);
	tcp_cc_restart(&pcb->cc, pcb->mss, &cc_start);
}

void tcp_established(struct tcp_pcb *pcb)
{
	tcp_set_state(pcb, pcb->flags & PCBF_FIN_QUEUED ? TCPS_FIN_WAIT_1 : TCPS_ESTABLISHED);
	pcb->rexmits = 0;
	pcb->stuck_ns = 0;
	pcb->last_text_ns = pcb->stack->now_ns;
	tcp_timer_stop(pcb, TCP_TIMER_REXMIT);
	if (!(pcb->flags & PCBF_FASTOPEN))
		tcp_start_transfer(pcb);
	if (pcb->flags & PCBF_SYN_RTX)
		tcp_rtt_syn_lost(&pcb->rtt);
	tcp_timer_keep(pcb);
	if (pcb->flags & PCBF_FASTOPEN)
		tcp_fastopen_settle(pcb);
	else if (pcb->flags & PCBF_EMBRYO)
		tcp_listener_ready(pcb);
	else
		pcb->events |= TCP_EV_CONNECTED | TCP_EV_WRITABLE;
}

/* Both sides sent a SYN (3.5, figure 7). */
static bool simultaneous(struct tcp_pcb *pcb, const struct tcp_seg *seg, enum drop_reason *why)
{
	take_irs(pcb, seg);
	tcp_take_syn_options(pcb, seg);
	if (tcp_ecn_wanted(pcb->stack, seg))
		pcb->flags |= PCBF_ECN;
	tcp_set_state(pcb, TCPS_SYN_RECEIVED);
	tcp_emit_syn(pcb);
	tcp_timer_rexmit(pcb);
	*why = DROP_TCP_SYN; /* what text it had comes again */
	return false;
}

/* What of the text on our SYN arrived; the rest was never sent as far as recovery is concerned,
 * and goes again at once (RFC 7413 4.2.1). */
void tcp_syn_text_acked(struct tcp_pcb *pcb)
{
	struct tcp_counters *cnt = &pcb->stack->tcp->cnt;

	if (LIKELY(pcb->snd_nxt == pcb->iss + 1))
		return;
	tcp_sndbuf_ack(&pcb->snd, pcb->snd_una);
	pcb->bytes_acked += pcb->snd_una - (pcb->iss + 1);
	if (pcb->snd_una == pcb->snd_nxt) {
		pcb->flags |= PCBF_SYN_TEXT;
		cnt->fastopen_active++;
	} else {
		cnt->fastopen_active_fail++;
	}
	pcb->snd_nxt = pcb->snd_una;
}

bool tcp_input_syn_sent(struct tcp_pcb *pcb, struct tcp_seg *seg, enum drop_reason *why)
{
	bool ack = (seg->h.flags & TCP_ACK) != 0;

	/* First. The SYN has to be acknowledged, its text need not be. */
	if (ack && (seq_leq(seg->h.ack, pcb->iss) || seq_gt(seg->h.ack, pcb->snd_nxt))) {
		tcp_reply_rst(pcb->stack, seg);
		*why = DROP_TCP_ACK;
		return false;
	}
	/* Second: without ACK it is anybody's. */
	if (seg->h.flags & TCP_RST) {
		*why = DROP_TCP_RST;
		if (ack) {
			pcb->stack->tcp->cnt.rst_in++;
			tcp_pcb_fail(pcb, ECONNREFUSED);
		}
		return false;
	}
	/* Fourth. */
	if (!(seg->h.flags & TCP_SYN) || (seg->h.flags & TCP_FIN && !ack)) {
		*why = DROP_TCP_FLAGS;
		return false;
	}
	if (!ack)
		return simultaneous(pcb, seg, why);
	take_irs(pcb, seg);
	tcp_take_syn_options(pcb, seg);
	tcp_ecn_on_synack(pcb, seg);
	tcp_fastopen_on_synack(pcb, &seg->o);
	pcb->snd_una = seg->h.ack;
	tcp_syn_text_acked(pcb);
	if (!(pcb->flags & PCBF_SYN_RTX))
		tcp_rtt_sample(&pcb->rtt, max_u64(pcb->stack->now_ns - pcb->rtt_start_ns, 1), 1,
			       pcb->stack->now_ns);
	tcp_established(pcb);
	tcp_ack_now(pcb);
	/* The text, if any, follows the SYN. */
	seg->h.seq++;
	seg->h.flags &= (uint8_t)~TCP_SYN;
	return true;
}
