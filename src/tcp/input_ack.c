/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fifth step of RFC 9293 3.10.7.4: the ACK field. Range (RFC 5961 5.2), send window, release of
 * what is acknowledged, round-trip samples, and the states that wait for the acknowledgement of a
 * FIN.
 */
#include "tcp/ecn.h"
#include "tcp/input.h"
#include "tcp/output.h"
#include "tcp/recovery.h"

#define MS_NS UINT64_C(1000000)
/* A timestamp echo that claims more is nonsense. */
#define RTT_SANE_MS 600000u

static void sample_syn(struct tcp_pcb *pcb)
{
	uint64_t now = pcb->stack->now_ns;

	if (!(pcb->flags & PCBF_SYN_RTX) && pcb->rtt_start_ns != 0)
		tcp_rtt_sample(&pcb->rtt, max_u64(now - pcb->rtt_start_ns, 1), 1, now);
}

/* SYN-RECEIVED: the handshake's last step. */
static bool ack_of_syn(struct tcp_pcb *pcb, const struct tcp_seg *seg, enum drop_reason *why)
{
	uint32_t first = pcb->flags & PCBF_FASTOPEN ? pcb->snd_una : pcb->iss + 1;

	if (seq_lt(seg->h.ack, first) || seq_gt(seg->h.ack, pcb->snd_nxt)) {
		tcp_reply_rst(pcb->stack, seg);
		*why = DROP_TCP_ACK;
		return false;
	}
	if (pcb->flags & PCBF_FASTOPEN) {
		/* Text was sent since: the rest of the fifth step is for that. */
		sample_syn(pcb);
		tcp_established(pcb);
		if (pcb->snd_una != pcb->snd_nxt)
			tcp_timer_rexmit(pcb);
		return true;
	}
	pcb->snd_una = seg->h.ack;
	tcp_syn_text_acked(pcb); /* of a simultaneous open */
	pcb->snd_wnd = (uint32_t)seg->h.wnd << (seg->h.flags & TCP_SYN ? 0 : pcb->snd_scale);
	pcb->snd_wnd_max = pcb->snd_wnd;
	pcb->snd_wl1 = seg->h.seq;
	pcb->snd_wl2 = seg->h.ack;
	sample_syn(pcb);
	tcp_established(pcb);
	return true;
}

/* True when the window changed. */
static bool update_window(struct tcp_pcb *pcb, const struct tcp_seg *seg)
{
	uint32_t wnd = (uint32_t)seg->h.wnd << pcb->snd_scale;
	uint32_t old = pcb->snd_wnd;

	/* More than RFC 9293 3.10.7.4 says: what acknowledges new data always tells the window.
	 * With an old one SND.UNA + SND.WND, as both count from SND.UNA, would pass the edge that
	 * the peer has offered when segments overtake each other. */
	if (!(seq_gt(seg->h.ack, pcb->snd_una) || seq_lt(pcb->snd_wl1, seg->h.seq) ||
	      (pcb->snd_wl1 == seg->h.seq && seq_leq(pcb->snd_wl2, seg->h.ack))))
		return false;
	pcb->snd_wl1 = seq_max(pcb->snd_wl1, seg->h.seq);
	pcb->snd_wl2 = seg->h.ack;
	pcb->snd_wnd = wnd;
	pcb->snd_wnd_max = max_u32(pcb->snd_wnd_max, wnd);
	if (old == 0 && wnd > 0) {
		tcp_timer_stop(pcb, TCP_TIMER_PERSIST);
		pcb->probes = 0;
		pcb->stuck_ns = 0;
	}
	return old != wnd;
}

static void sample_rtt(struct tcp_pcb *pcb, const struct tcp_seg *seg, uint32_t una_old)
{
	uint64_t now = pcb->stack->now_ns;
	uint32_t segs = (pcb->snd_nxt - una_old) / pcb->mss + 1;
	uint32_t ms;

	if (pcb->flags & PCBF_TIMING) {
		if (seq_lt(pcb->snd_una, pcb->rtt_seq))
			return;
		pcb->flags &= ~PCBF_TIMING;
		/* One sample for each round trip, so the gains are those of RFC 6298. */
		tcp_rtt_sample(&pcb->rtt, max_u64(now - pcb->rtt_start_ns, 1), 1, now);
		return;
	}
	/* The timed segment was sent again: the timestamp knows which copy it was (RTTM). */
	if (!(pcb->flags & PCBF_TS) || !tcp_seg_has_ts(seg) || seg->o.tsecr == 0)
		return;
	ms = tcp_ts_clock(pcb->stack) + pcb->ts_off - seg->o.tsecr;
	if (ms < RTT_SANE_MS)
		tcp_rtt_sample(&pcb->rtt, max_u32(ms, 1) * MS_NS, segs, now);
}

/* The send buffer follows cwnd, twice, so that it never is the limit (unless the program chose). */
static void tune_sndbuf(struct tcp_pcb *pcb)
{
	uint32_t max = pcb->stack->tcp->limits.wmem[TCP_MEM_MAX];

	if ((pcb->flags & PCBF_SNDBUF_SET) || pcb->cc.cwnd <= pcb->snd.limit / 2)
		return;
	pcb->snd.limit = max_u32(pcb->snd.limit, pcb->cc.cwnd > max / 2 ? max : 2 * pcb->cc.cwnd);
}

static void tell_writable(struct tcp_pcb *pcb)
{
	/* Not the difference of the numbers: an acknowledged FIN has one too. */
	uint32_t queued = tcp_snd_queued(pcb);

	if (queued == 0 ||
	    ((pcb->flags & PCBF_WANT_WRITE) && queued <= pcb->snd.limit / 3 * 2 &&
	     tcp_snd_space(pcb) > 0 && tcp_notsent_low(pcb)) ||
	    (pcb->snd_notify != 0 && tcp_snd_space(pcb) >= pcb->snd_notify)) {
		pcb->flags &= ~PCBF_WANT_WRITE;
		pcb->snd_notify = 0;
		pcb->events |= TCP_EV_WRITABLE;
	}
}

static void on_new_ack(struct tcp_pcb *pcb, const struct tcp_seg *seg, uint32_t una_old)
{
	pcb->snd_una = seg->h.ack;
	tcp_sndbuf_ack(&pcb->snd, seg->h.ack);
	pcb->bytes_acked += seg->h.ack - una_old;
	if (seq_gt(pcb->snd_una, pcb->snd_small))
		pcb->snd_small = pcb->snd_una;
	pcb->rexmits = 0;
	pcb->stuck_ns = 0;
	pcb->soft_err = 0;
	/* As Linux: MSG_MORE holds a small segment back for its own call and what follows, not
	 * against the ACK clock. TCP_CORK does. */
	pcb->flags &= ~PCBF_MORE;
	tcp_rtt_backoff_end(&pcb->rtt);
	sample_rtt(pcb, seg, una_old);
	/* RFC 6298 5.2, 5.3. */
	if (pcb->snd_una == pcb->snd_nxt)
		tcp_timer_stop(pcb, TCP_TIMER_REXMIT);
	else
		tcp_timer_rexmit(pcb);
	if (UNLIKELY(pcb->pmtud.probe != 0))
		tcp_pmtud_on_ack(pcb);
	tune_sndbuf(pcb);
	tell_writable(pcb);
	if (pcb->recovery == TCP_REC_OPEN)
		inet_dst_confirm(pcb->stack, &pcb->dst);
}

/* The FIN of ours is acknowledged: what waits for that. */
static void on_fin_acked(struct tcp_pcb *pcb)
{
	switch ((enum tcp_state)pcb->state) {
	case TCPS_FIN_WAIT_1:
		if ((pcb->flags & PCBF_ORPHAN) && pcb->prefs.linger2_s < 0)
			tcp_pcb_finish(pcb);
		else
			tcp_set_state(pcb, TCPS_FIN_WAIT_2);
		break;
	case TCPS_CLOSING:
		tcp_pcb_timewait(pcb);
		break;
	case TCPS_LAST_ACK:
		tcp_pcb_finish(pcb);
		break;
	case TCPS_CLOSED:
	case TCPS_LISTEN:
	case TCPS_SYN_SENT:
	case TCPS_SYN_RECEIVED:
	case TCPS_ESTABLISHED:
	case TCPS_CLOSE_WAIT:
	case TCPS_FIN_WAIT_2:
	case TCPS_TIME_WAIT:
	case TCP_STATE_COUNT:
		break;
	}
}

/* RFC 5961 5.2: between SND.UNA - MAX.SND.WND and SND.NXT. */
static bool ack_in_range(struct tcp_pcb *pcb, const struct tcp_seg *seg)
{
	if (seq_gt(seg->h.ack, pcb->snd_nxt)) {
		tcp_challenge_ack(pcb);
		return false;
	}
	if (seq_lt(seg->h.ack, pcb->snd_una - pcb->snd_wnd_max)) {
		tcp_challenge_ack(pcb);
		return false;
	}
	return true;
}

bool tcp_input_ack(struct tcp_pcb *pcb, const struct tcp_seg *seg, enum drop_reason *why)
{
	uint32_t una_old = pcb->snd_una;
	bool moved, dup;

	if (!(seg->h.flags & TCP_ACK)) {
		*why = DROP_TCP_FLAGS;
		return false;
	}
	if (pcb->state == TCPS_SYN_RECEIVED) {
		bool fast = (pcb->flags & PCBF_FASTOPEN) != 0;

		if (!ack_of_syn(pcb, seg, why) || !fast)
			return pcb->state != TCPS_SYN_RECEIVED;
	}
	*why = DROP_TCP_ACK;
	if (!ack_in_range(pcb, seg))
		return false;
	pcb->keep_sent = 0;
	pcb->probes_unanswered = 0;
	if (seq_lt(seg->h.ack, pcb->snd_una))
		return true; /* old: its text may be new all the same */
	moved = update_window(pcb, seg);
	dup = seg->h.ack == una_old && seg->len == 0 && !moved && !(seg->h.flags & TCP_FIN) &&
	      pcb->snd_nxt != una_old;
	if (seg->h.ack != una_old)
		on_new_ack(pcb, seg, una_old);
	if (pcb->flags & PCBF_ECN)
		tcp_ecn_on_ack(pcb, seg, una_old);
	if (seg->h.ack != una_old || dup || seg->o.n_sack > 0)
		tcp_recovery_ack(pcb, seg, una_old, dup);
	if (UNLIKELY(seg->h.ack != una_old && tcp_pcb_fin_acked(pcb)))
		on_fin_acked(pcb);
	return true;
}
