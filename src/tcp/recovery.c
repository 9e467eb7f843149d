/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loss recovery of the sender (RFC 5681 3.2, RFC 6582, RFC 6675 5, RFC 3522). See recovery.h for
 * the division of work. Without SACK each duplicate is taken as one segment that has left the
 * network, instead of the inflation of cwnd in RFC 5681: the arithmetic is the same.
 */
#include "tcp/recovery.h"

#include "tcp/ecn.h"
#include "tcp/output.h"

static bool has_sack(const struct tcp_pcb *pcb)
{
	return (pcb->flags & PCBF_SACK) != 0;
}

static uint32_t flight(const struct tcp_pcb *pcb)
{
	return pcb->snd_nxt - pcb->snd_una;
}

static void leave(struct tcp_pcb *pcb)
{
	pcb->recovery = TCP_REC_OPEN;
	pcb->dupacks = 0;
	pcb->dup_bytes = 0;
	pcb->flags &= ~PCBF_FORCE_RTX;
}

static void enter_fast(struct tcp_pcb *pcb)
{
	struct stack *s = pcb->stack;

	s->tcp->cnt.fast_recovery++;
	tcp_cc_on_loss(&pcb->cc, flight(pcb), s->now_ns);
	tcp_ecn_on_reduction(pcb);
	pcb->recovery = TCP_REC_FAST;
	pcb->recover = pcb->snd_nxt;
	pcb->flags |= PCBF_FORCE_RTX;
	sack_recovery_start(&pcb->board, pcb->snd_una);
	/* RFC 6675 5 (4.3): the first segment is sent again in any case. */
	sack_board_lose_to(&pcb->board, pcb->snd_una + min_u32(pcb->mss, flight(pcb)));
	if (!has_sack(pcb))
		pcb->dup_bytes = SACK_DUP_THRESH * pcb->mss;
}

/* RFC 7661 4.3: in slow start a window half used is a window in use; the flight just now was what
 * is left and what was acknowledged. */
static bool cwnd_in_use(const struct tcp_pcb *pcb, uint32_t acked)
{
	if (pcb->flags & PCBF_CWND_LIMITED)
		return true;
	return tcp_cc_in_slow_start(&pcb->cc) && flight(pcb) + acked > pcb->cc.cwnd / 2;
}

static void grow_cwnd(struct tcp_pcb *pcb, uint32_t acked)
{
	struct tcp_cc_ack a = {
		.now_ns = pcb->stack->now_ns,
		.srtt_ns = pcb->rtt.srtt_ns,
		.min_rtt_ns = tcp_rtt_min_ns(&pcb->rtt, pcb->stack->now_ns),
		.acked_bytes = acked,
		.cwnd_limited = cwnd_in_use(pcb, acked),
	};

	tcp_cc_on_ack(&pcb->cc, &a);
}

/* RFC 3522: the ACK echoes a timestamp from before the retransmission, so the original arrived. */
static bool spurious(const struct tcp_pcb *pcb, const struct tcp_seg *seg)
{
	return (pcb->flags & PCBF_TS) && tcp_seg_has_ts(seg) && pcb->rexmit_ts != 0 &&
	       seq_lt(seg->o.tsecr, pcb->rexmit_ts);
}

static void progress_fast(struct tcp_pcb *pcb, uint32_t acked)
{
	if (seq_geq(pcb->snd_una, pcb->recover)) {
		tcp_cc_on_recovered(&pcb->cc, flight(pcb), pcb->stack->now_ns);
		leave(pcb);
		return;
	}
	if (has_sack(pcb))
		return;
	/* Partial ACK (RFC 6582 3.2 step 3): the next hole is lost too; what it covers was counted
	 * as having left by duplicates, but for the segment that was sent again. */
	pcb->dup_bytes -= min_u32(pcb->dup_bytes, acked > pcb->mss ? acked - pcb->mss : 0);
	sack_board_lose_to(&pcb->board, pcb->snd_una + min_u32(pcb->mss, flight(pcb)));
	pcb->flags |= PCBF_FORCE_RTX;
}

static void progress_loss(struct tcp_pcb *pcb, const struct tcp_seg *seg, uint32_t acked)
{
	if (spurious(pcb, seg)) {
		tcp_cc_undo(&pcb->cc);
		sack_board_unlose(&pcb->board, pcb->snd_una);
		pcb->rexmit_ts = 0;
		leave(pcb);
		return;
	}
	pcb->rexmit_ts = 0;
	grow_cwnd(pcb, acked);
	if (seq_geq(pcb->snd_una, pcb->recover))
		leave(pcb);
}

static void on_progress(struct tcp_pcb *pcb, const struct tcp_seg *seg, uint32_t acked)
{
	switch ((enum tcp_recovery)pcb->recovery) {
	case TCP_REC_OPEN:
		pcb->dupacks = 0;
		pcb->dup_bytes = 0;
		/* Kept close behind, so that comparisons stay within 2^31. */
		pcb->recover = pcb->snd_una - 1;
		grow_cwnd(pcb, acked);
		break;
	case TCP_REC_FAST:
		progress_fast(pcb, acked);
		break;
	case TCP_REC_LOSS:
		progress_loss(pcb, seg, acked);
		break;
	}
}

static void on_duplicate(struct tcp_pcb *pcb)
{
	pcb->stack->tcp->cnt.dup_acks_in++;
	if (pcb->dupacks < UINT8_MAX)
		pcb->dupacks++;
	if (has_sack(pcb))
		return;
	/* Limited transmit (RFC 3042): the first two let one new segment out each. */
	if (pcb->recovery != TCP_REC_LOSS)
		pcb->dup_bytes = min_u32(pcb->dup_bytes + pcb->mss, flight(pcb));
}

static struct sack_news take_blocks(struct tcp_pcb *pcb, const struct tcp_seg *seg)
{
	struct tcp_range r[TCP_SACK_MAX];

	for (unsigned i = 0; i < seg->o.n_sack; i++)
		r[i] = (struct tcp_range){seg->o.sack[i].start, seg->o.sack[i].end};
	return sack_board_update(&pcb->board, pcb->stack->env.mem, pcb->snd_una, pcb->snd_nxt,
				 pcb->mss, r, seg->o.n_sack);
}

void tcp_recovery_ack(struct tcp_pcb *pcb, const struct tcp_seg *seg, uint32_t una_old, bool dup)
{
	uint32_t acked = pcb->snd_una - una_old;
	struct sack_news news = {.newly_bytes = 0};

	if (acked > 0)
		sack_board_ack(&pcb->board, pcb->snd_una);
	if (has_sack(pcb) && UNLIKELY(seg->o.n_sack > 0))
		news = take_blocks(pcb, seg);
	if (acked > 0)
		on_progress(pcb, seg, acked);
	else if (news.newly_bytes > 0 || (dup && !has_sack(pcb)))
		on_duplicate(pcb);
	if (pcb->recovery != TCP_REC_OPEN || flight(pcb) == 0)
		return;
	/* RFC 6675 5 (2), (4); RFC 6582 3.2 step 2 guards against our own retransmissions. */
	if (has_sack(pcb) ? sack_is_lost(&pcb->board, pcb->snd_una) ||
				    (pcb->dupacks >= SACK_DUP_THRESH && pcb->board.n > 0)
			  : pcb->dupacks >= SACK_DUP_THRESH && seq_gt(pcb->snd_una, pcb->recover))
		enter_fast(pcb);
}

/* All that is in flight and not SACKed is to be sent again, in slow start or as cwnd allows. */
static void lose_everything(struct tcp_pcb *pcb)
{
	pcb->recovery = TCP_REC_LOSS;
	pcb->recover = pcb->snd_nxt;
	pcb->dupacks = 0;
	pcb->dup_bytes = 0;
	pcb->flags |= PCBF_FORCE_RTX;
	sack_recovery_start(&pcb->board, pcb->snd_una);
	sack_board_lose_to(&pcb->board, pcb->snd_nxt);
}

void tcp_recovery_timeout(struct tcp_pcb *pcb)
{
	struct stack *s = pcb->stack;

	/* RFC 2018 8: a peer may take back what it SACKed; then it is ours to send. */
	if (sack_reneged(&pcb->board, pcb->snd_una))
		sack_board_clear(&pcb->board, s->env.mem, pcb->snd_una);
	tcp_cc_on_rto(&pcb->cc, flight(pcb), pcb->rexmits <= 1, s->now_ns);
	tcp_ecn_on_reduction(pcb);
	if (pcb->rexmits <= 1)
		pcb->rexmit_ts = tcp_ts_clock(s) + pcb->ts_off;
	lose_everything(pcb);
}

void tcp_recovery_mtu(struct tcp_pcb *pcb)
{
	if (flight(pcb) > 0)
		lose_everything(pcb);
}
