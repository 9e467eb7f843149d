/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loss recovery of the sender (RFC 8985, RFC 9937, RFC 5681 3.2, RFC 6582, RFC 4015). See
 * recovery.h for the division of work. Without SACK each duplicate is taken as one segment that has
 * left the network, instead of the inflation of cwnd in RFC 5681: the arithmetic is the same.
 */
#include "tcp/recovery.h"

#include "tcp/ecn.h"
#include "tcp/output.h"

#define MS_NS UINT64_C(1000000)

static bool has_sack(const struct tcp_pcb *pcb)
{
	return (pcb->flags & PCBF_SACK) != 0;
}

static uint32_t flight(const struct tcp_pcb *pcb)
{
	return pcb->snd_nxt - pcb->snd_una;
}

static void lose_first(struct tcp_pcb *pcb)
{
	tcp_rack_lose(pcb, (struct tcp_range){pcb->snd_una,
					      pcb->snd_una + min_u32(pcb->mss, flight(pcb))});
}

void tcp_recovery_start(struct tcp_pcb *pcb)
{
	pcb->recover = pcb->snd_una - 1;
	tcp_sent_init(&pcb->sent, pcb->snd_una);
	tcp_rack_init(&pcb->rack);
	pcb->rate = (struct tcp_rate){0};
	/* What went with the SYN and was not acknowledged with it (RFC 7413). */
	if (pcb->snd_una != pcb->snd_nxt)
		tcp_sent_push(&pcb->sent, pcb->stack->env.mem,
			      (struct tcp_range){pcb->snd_una, pcb->snd_nxt}, pcb->last_data_ns,
			      &(struct tcp_tx_stamp){0});
}

static void leave(struct tcp_pcb *pcb)
{
	pcb->recovery = TCP_REC_OPEN;
	pcb->dupacks = 0;
	pcb->dup_bytes = 0;
	pcb->flags &= ~PCBF_FORCE_RTX;
	tcp_rack_on_recovered(&pcb->rack);
}

/* RFC 9937 6: the flight before, of which the acknowledgement at hand (or none) has taken a part.
 */
static uint32_t recover_fs(const struct tcp_pcb *pcb, const struct tcp_delivery *d)
{
	uint32_t sacked_before = pcb->sent.sacked_bytes - (d ? d->sacked_bytes : 0);

	return flight(pcb) + (d ? d->acked_bytes : 0) - min_u32(sacked_before, flight(pcb));
}

static void enter_fast(struct tcp_pcb *pcb, const struct tcp_delivery *d)
{
	struct stack *s = pcb->stack;

	s->tcp->cnt.fast_recovery++;
	tcp_cc_on_loss(&pcb->cc, flight(pcb), s->now_ns);
	tcp_ecn_on_reduction(pcb);
	tcp_undo_start(pcb, false);
	tcp_prr_start(&pcb->prr, recover_fs(pcb, d));
	pcb->recovery = TCP_REC_FAST;
	pcb->recover = pcb->snd_nxt;
	pcb->flags |= PCBF_FORCE_RTX;
	if (!has_sack(pcb)) {
		lose_first(pcb);
		pcb->dup_bytes = TCP_DUP_THRESH * pcb->mss;
	}
	/* Until something more arrives, the one retransmission. */
	if (!pcb->cc.has_model)
		pcb->cc.cwnd = min_u32(pcb->cc.ssthresh, tcp_pipe(pcb) + pcb->mss);
}

/* RFC 7661 4.3: in slow start a window half used is a window in use; the flight just now was what
 * is left and what was acknowledged. */
static bool cwnd_in_use(const struct tcp_pcb *pcb, uint32_t acked)
{
	if (pcb->flags & PCBF_CWND_LIMITED)
		return true;
	return tcp_cc_in_slow_start(&pcb->cc) && flight(pcb) + acked > pcb->cc.cwnd / 2;
}

static void grow_cwnd(struct tcp_pcb *pcb, uint32_t acked, const struct tcp_delivery *d)
{
	struct tcp_cc_ack a = {
		.now_ns = pcb->stack->now_ns,
		.srtt_ns = pcb->rtt.srtt_ns,
		.min_rtt_ns = tcp_rtt_min_ns(&pcb->rtt, pcb->stack->now_ns),
		.acked_bytes = acked,
		.rtt_us = d->any ? (uint32_t)min_u64((d->now_ns - d->newest.sent_ns) / 1000 + 1,
						     UINT32_MAX)
				 : 0,
		.una = pcb->snd_una,
		.nxt = pcb->snd_nxt,
		.cwnd_limited = cwnd_in_use(pcb, acked),
	};

	tcp_cc_on_ack(&pcb->cc, &a);
}

/* ---- progress ---- */

/* RFC 4015: it was no loss. cwnd is what it was, at once: bursts are the pacing's business. */
static void undo(struct tcp_pcb *pcb)
{
	pcb->stack->tcp->cnt.undone++;
	tcp_cc_undo(&pcb->cc);
	tcp_undo_forget(&pcb->undo);
	if (pcb->recovery == TCP_REC_OPEN)
		return;
	/* What looked lost was late: others will be. */
	pcb->rack.reordering_seen |= pcb->recovery == TCP_REC_FAST;
	tcp_sent_unlose(&pcb->sent);
	leave(pcb);
}

void tcp_recovery_forgive(struct tcp_pcb *pcb)
{
	tcp_cc_undo(&pcb->cc);
	tcp_undo_forget(&pcb->undo);
	if (pcb->recovery != TCP_REC_OPEN)
		leave(pcb);
}

/* RFC 4015 3.2 step 9: the timer learns from a spurious timeout. */
static void undo_timeout(struct tcp_pcb *pcb, const struct tcp_delivery *d)
{
	if (d->echo_ns != UINT64_MAX && d->echo_ns != 0)
		tcp_rtt_on_spurious(&pcb->rtt, d->now_ns - min_u64(d->echo_ns, d->now_ns));
	else if (d->any)
		tcp_rtt_on_spurious(&pcb->rtt, d->now_ns - d->newest.sent_ns);
	undo(pcb);
}

static void progress_fast(struct tcp_pcb *pcb, uint32_t acked)
{
	if (seq_geq(pcb->snd_una, pcb->recover)) {
		tcp_cc_on_recovered(&pcb->cc);
		leave(pcb);
		return;
	}
	if (has_sack(pcb))
		return;
	/* Partial ACK (RFC 6582 3.2 step 3): the next hole is lost too; what it covers was counted
	 * as having left by duplicates, but for the segment that was sent again. */
	pcb->dup_bytes -= min_u32(pcb->dup_bytes, acked > pcb->mss ? acked - pcb->mss : 0);
	lose_first(pcb);
	pcb->flags |= PCBF_FORCE_RTX;
}

static void progress_loss(struct tcp_pcb *pcb, uint32_t acked, const struct tcp_delivery *d)
{
	grow_cwnd(pcb, acked, d);
	if (seq_lt(pcb->snd_una, pcb->recover))
		return;
	if (pcb->cc.has_model)
		tcp_cc_on_recovered(&pcb->cc);
	leave(pcb);
}

static void on_progress(struct tcp_pcb *pcb, uint32_t acked, const struct tcp_delivery *d)
{
	switch ((enum tcp_recovery)pcb->recovery) {
	case TCP_REC_OPEN:
		pcb->dupacks = 0;
		pcb->dup_bytes = 0;
		/* Kept close behind, so that comparisons stay within 2^31. */
		pcb->recover = pcb->snd_una - 1;
		grow_cwnd(pcb, acked, d);
		break;
	case TCP_REC_FAST:
		progress_fast(pcb, acked);
		break;
	case TCP_REC_LOSS:
		progress_loss(pcb, acked, d);
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

/* ---- an acknowledgement ---- */

/* No copy that an echo can be of was sent later: our timestamps tick in milliseconds. */
static uint64_t echo_ns(const struct tcp_pcb *pcb, const struct tcp_seg *seg)
{
	uint64_t now = pcb->stack->now_ns, age;

	if (!(pcb->flags & PCBF_TS) || !tcp_seg_has_ts(seg) || seg->o.tsecr == 0)
		return UINT64_MAX;
	age = (uint32_t)(tcp_ts_clock(pcb->stack) + pcb->ts_off - seg->o.tsecr) * MS_NS;
	return age > now ? 0 : now - age + MS_NS;
}

static struct sack_news read_blocks(const struct tcp_pcb *pcb, const struct tcp_seg *seg)
{
	struct tcp_range r[TCP_SACK_MAX];

	for (unsigned i = 0; i < seg->o.n_sack; i++)
		r[i] = (struct tcp_range){seg->o.sack[i].start, seg->o.sack[i].end};
	return sack_read(r, min_u32(seg->o.n_sack, SACK_BLOCKS_MAX), pcb->snd_una, pcb->snd_nxt,
			 pcb->snd_wnd_max);
}

static void take_blocks(struct tcp_pcb *pcb, const struct sack_news *news, struct tcp_delivery *d)
{
	for (unsigned i = 0; i < news->n; i++)
		tcp_sent_sack(&pcb->sent, pcb->stack->env.mem, news->block[i], d);
	/* The D-SACK of a probe says nothing of reordering. */
	if (news->dsack && !(pcb->rack.tlp_out && news->dup.end == pcb->rack.tlp_end))
		tcp_rack_on_dsack(pcb);
}

static struct tcp_rate_sample learn(struct tcp_pcb *pcb, const struct tcp_delivery *d)
{
	struct tcp_rate_sample rs;

	tcp_rate_on_ack(&pcb->rate, d, d->acked_bytes + d->sacked_bytes, &rs);
	tcp_rack_on_delivery(&pcb->rack, d);
	if (d->any)
		tcp_rtt_min_sample(&pcb->rtt, max_u64(d->now_ns - d->newest.sent_ns, 1), d->now_ns);
	return rs;
}

/* The model learns from the sample, after the losses that the same acknowledgement told. */
static void feed_model(struct tcp_pcb *pcb, const struct tcp_delivery *d,
		       const struct tcp_rate_sample *rs)
{
	struct tcp_cc_sample s = {
		.now_ns = d->now_ns,
		.srtt_ns = pcb->rtt.srtt_ns,
		.rs = *rs,
		.newly_bytes = d->acked_bytes + d->sacked_bytes,
		.pipe_bytes = tcp_pipe(pcb),
		.delivered = pcb->rate.delivered,
		.any = d->any,
		.sack = has_sack(pcb),
		.cwnd_limited = (pcb->flags & PCBF_CWND_LIMITED) != 0,
	};

	if (s.newly_bytes == 0)
		return;
	if (d->any)
		s.rs.lost = pcb->rate.lost - d->newest.stamp.lost;
	tcp_cc_on_sample(&pcb->cc, &s);
	if (pcb->cc.mark_app_limited)
		tcp_rate_app_limited(&pcb->rate, s.pipe_bytes);
	pcb->cc.mark_app_limited = false;
}

/* d: what the acknowledgement at hand delivered, or NULL. Returns newly lost bytes. */
static uint32_t find_losses(struct tcp_pcb *pcb, const struct tcp_delivery *d)
{
	uint32_t lost = has_sack(pcb) ? tcp_rack_detect(pcb) : 0;

	if (pcb->recovery != TCP_REC_OPEN || flight(pcb) == 0)
		return lost;
	/* RFC 6582 3.2 step 2 guards against our own retransmissions. */
	if (has_sack(pcb) ? pcb->sent.lost_bytes > 0
			  : pcb->dupacks >= TCP_DUP_THRESH && seq_gt(pcb->snd_una, pcb->recover))
		enter_fast(pcb, d);
	return lost;
}

/* Signs that the reduction was a mistake. */
static void look_for_undo(struct tcp_pcb *pcb, const struct tcp_seg *seg,
			  const struct sack_news *news, const struct tcp_delivery *d)
{
	bool loss = pcb->recovery == TCP_REC_LOSS;

	if (UNLIKELY(news->dsack) && tcp_undo_by_dsack(&pcb->undo, &news->dup)) {
		undo(pcb);
		return;
	}
	if (pcb->recovery == TCP_REC_OPEN)
		return;
	if (loss && (tcp_undo_by_echo(pcb, seg, d) || tcp_undo_by_frto(pcb, d, d->acked_bytes > 0)))
		undo_timeout(pcb, d);
	else if (!loss && tcp_undo_by_echo(pcb, seg, d))
		undo(pcb);
}

static void reduce_proportionally(struct tcp_pcb *pcb, uint32_t delivered, bool safe)
{
	struct tcp_prr_ack a = {
		.delivered = delivered,
		.pipe = tcp_pipe(pcb),
		.ssthresh = pcb->cc.ssthresh,
		.mss = pcb->mss,
		.safe = safe,
	};

	if (pcb->recovery == TCP_REC_FAST && delivered > 0 && !pcb->cc.has_model)
		pcb->cc.cwnd = tcp_prr_cwnd(&pcb->prr, &a);
}

/* The probe filled the one hole there was: a loss all the same (RFC 8985 7.4.2). */
static void on_repaired(struct tcp_pcb *pcb)
{
	pcb->stack->tcp->cnt.tail_repaired++;
	if (pcb->recovery != TCP_REC_OPEN)
		return;
	tcp_cc_on_repaired(&pcb->cc, flight(pcb), pcb->stack->now_ns);
	tcp_ecn_on_reduction(pcb);
}

/* Bytes that have arrived; without SACK by the duplicates, a segment each, that later progress must
 * not count again (RFC 9937 5, DeliveredData). */
static uint32_t delivered(const struct tcp_pcb *pcb, const struct tcp_delivery *d,
			  uint32_t dup_before)
{
	uint32_t n = d->acked_bytes + d->sacked_bytes + pcb->dup_bytes;

	return n > dup_before ? n - dup_before : 0;
}

void tcp_recovery_ack(struct tcp_pcb *pcb, const struct tcp_seg *seg, uint32_t una_old, bool dup)
{
	uint32_t acked = pcb->snd_una - una_old, dup_before = pcb->dup_bytes, lost;
	struct sack_news news = {.n = 0};
	struct tcp_rate_sample rs;
	struct tcp_delivery d = {
		.now_ns = pcb->stack->now_ns,
		.min_rtt_ns = tcp_rtt_min_ns(&pcb->rtt, pcb->stack->now_ns),
		.echo_ns = echo_ns(pcb, seg),
	};

	if (acked > 0)
		tcp_sent_ack(&pcb->sent, pcb->stack->env.mem, pcb->snd_una, &d);
	if (has_sack(pcb) && UNLIKELY(seg->o.n_sack > 0)) {
		news = read_blocks(pcb, seg);
		take_blocks(pcb, &news, &d);
	}
	rs = learn(pcb, &d);
	look_for_undo(pcb, seg, &news, &d);
	if (acked > 0)
		on_progress(pcb, acked, &d);
	else if (d.sacked_bytes > 0 || (dup && !has_sack(pcb)))
		on_duplicate(pcb);
	if (UNLIKELY(tcp_tlp_on_ack(pcb, news.dsack ? &news.dup : NULL, dup && seg->o.n_sack == 0)))
		on_repaired(pcb);
	lost = find_losses(pcb, &d);
	reduce_proportionally(pcb, delivered(pcb, &d, dup_before), acked > 0 && lost == 0);
	if (pcb->cc.has_model)
		feed_model(pcb, &d, &rs);
	tcp_tlp_arm(pcb);
}

void tcp_recovery_reorder(struct tcp_pcb *pcb)
{
	find_losses(pcb, NULL);
	tcp_output(pcb);
}

/* ---- timeouts ---- */

/* Recovery by slow start over what is lost, or as cwnd allows. */
static void enter_loss(struct tcp_pcb *pcb)
{
	pcb->recovery = TCP_REC_LOSS;
	pcb->recover = pcb->snd_nxt;
	pcb->dupacks = 0;
	pcb->dup_bytes = 0;
	pcb->flags |= PCBF_FORCE_RTX;
}

static void lose_everything(struct tcp_pcb *pcb)
{
	tcp_rack_lose(pcb, (struct tcp_range){pcb->snd_una, pcb->snd_nxt});
	enter_loss(pcb);
}

void tcp_recovery_timeout(struct tcp_pcb *pcb)
{
	struct stack *s = pcb->stack;

	/* RFC 2018 8: a peer may take back what it SACKed; then it is ours to send. */
	if (tcp_sent_reneged(&pcb->sent))
		tcp_sent_renege(&pcb->sent);
	tcp_cc_on_rto(&pcb->cc, flight(pcb), pcb->rexmits <= 1, s->now_ns);
	tcp_ecn_on_reduction(pcb);
	if (pcb->rexmits <= 1)
		tcp_undo_start(pcb, true);
	else
		pcb->undo.frto = TCP_FRTO_OFF; /* RFC 5682 3.1 step 1 */
	if (!has_sack(pcb)) {
		lose_everything(pcb);
		return;
	}
	tcp_rack_on_rto(pcb);
	enter_loss(pcb);
}

void tcp_recovery_mtu(struct tcp_pcb *pcb)
{
	if (flight(pcb) > 0)
		lose_everything(pcb);
}
