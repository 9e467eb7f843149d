/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RACK-TLP, RFC 8985: detection by time and the tail loss probe's timing. See rack.h; the probe
 * itself is sent by output.c, what a loss means is in recovery.c.
 */
#include "tcp/rack.h"

#include "tcp/pcb.h"

#define REO_PERSIST   16u /* recoveries */
#define REO_MULT_MAX  UINT8_MAX
#define PTO_INIT_NS   UINT64_C(1000000000) /* 7.2: without a round-trip time */
#define ACK_DELAY_NS  UINT64_C(200000000)  /* 7.2 TLP.max_ack_delay: what most peers wait at most */
#define PTO_MARGIN_NS UINT64_C(2000000)    /* timers at the peer tick in milliseconds */

void tcp_rack_init(struct tcp_rack *r)
{
	*r = (struct tcp_rack){.reo_mult = 1};
}

void tcp_rack_on_delivery(struct tcp_rack *r, const struct tcp_delivery *d)
{
	r->reordering_seen |= d->reordered;
	if (!d->any)
		return;
	r->rtt_ns = d->now_ns - d->newest.sent_ns;
	if (!r->seen || tcp_sent_after(d->newest.sent_ns, d->newest.end, r->xmit_ns, r->end_seq)) {
		r->seen = true;
		r->xmit_ns = d->newest.sent_ns;
		r->end_seq = d->newest.end;
	}
}

void tcp_rack_on_dsack(struct tcp_pcb *pcb)
{
	struct tcp_rack *r = &pcb->rack;

	if (r->in_dsack_round && seq_geq(pcb->snd_una, r->dsack_round))
		r->in_dsack_round = false;
	if (r->in_dsack_round)
		return;
	r->in_dsack_round = true;
	r->dsack_round = pcb->snd_nxt;
	if (r->reo_mult < REO_MULT_MAX)
		r->reo_mult++;
	r->reo_persist = REO_PERSIST;
}

void tcp_rack_on_recovered(struct tcp_rack *r)
{
	if (r->reo_persist > 0 && --r->reo_persist == 0)
		r->reo_mult = 1;
}

static uint64_t reo_wnd_ns(const struct tcp_pcb *pcb)
{
	const struct tcp_rack *r = &pcb->rack;
	uint64_t min_rtt = tcp_rtt_min_ns(&pcb->rtt, pcb->stack->now_ns);

	/* As long as nothing was reordered, three are enough (6.2 step 4). Segments are counted by
	 * bytes as in RFC 6675 4, or by the acknowledgements that told of them. */
	if (!r->reordering_seen &&
	    (pcb->recovery != TCP_REC_OPEN || pcb->dupacks >= TCP_DUP_THRESH ||
	     pcb->sent.sacked_bytes > (TCP_DUP_THRESH - 1) * pcb->mss))
		return 0;
	return min_u64(r->reo_mult * min_rtt / 4, pcb->rtt.srtt_ns);
}

/* Bytes that left under stamp were found lost: counted, and told to a congestion control that has a
 * model. */
static void tell_lost(struct tcp_pcb *pcb, struct tcp_range r, const struct tcp_tx_stamp *stamp,
		      uint32_t bytes)
{
	struct tcp_cc_lost l = {
		.now_ns = pcb->stack->now_ns,
		.stamp = stamp,
		.range = r,
		.delivered = pcb->rate.delivered,
		.sack = (pcb->flags & PCBF_SACK) != 0,
	};

	pcb->rate.lost += bytes;
	l.lost = pcb->rate.lost;
	if (pcb->cc.has_model)
		tcp_cc_on_lost(&pcb->cc, &l);
}

static uint32_t lose(struct tcp_pcb *pcb, uint16_t i)
{
	const struct tcp_tx *tx = &pcb->sent.tx[i];
	uint32_t n = tcp_sent_lose_tx(&pcb->sent, i);

	tell_lost(pcb, (struct tcp_range){tx->seq, tx->end}, &tx->stamp, n);
	return n;
}

void tcp_rack_lose(struct tcp_pcb *pcb, struct tcp_range r)
{
	const struct tcp_tx *tx = tcp_sent_find(&pcb->sent, r.seq);
	struct tcp_tx_stamp stamp = tx ? tx->stamp : (struct tcp_tx_stamp){0};
	uint32_t n = tcp_sent_lose(&pcb->sent, pcb->stack->env.mem, r);

	if (n > 0)
		tell_lost(pcb, r, &stamp, n);
}

/*
 * The list is in the order of time, so that the first that is not due yet ends the search, and the
 * timer is for it (6.2 step 5 waits for the last of all; so each loss is found when it is due).
 */
uint32_t tcp_rack_detect(struct tcp_pcb *pcb)
{
	const struct tcp_rack *r = &pcb->rack;
	struct tcp_sent *sent = &pcb->sent;
	uint16_t i = sent->oldest;
	uint32_t lost = 0;
	uint64_t wait;

	tcp_timer_stop(pcb, TCP_TIMER_REORDER);
	/* In full swing the oldest in flight left after the newest that arrived. */
	if (!r->seen || i == TCP_SENT_NIL || sent->tx[i].sent_ns > r->xmit_ns)
		return 0;
	wait = r->rtt_ns + reo_wnd_ns(pcb);
	while (i != TCP_SENT_NIL) {
		const struct tcp_tx *tx = &sent->tx[i];
		uint16_t next = tx->next;

		if (tx->sent_ns > r->xmit_ns)
			break;
		if (tcp_sent_after(r->xmit_ns, r->end_seq, tx->sent_ns, tx->end)) {
			if (tx->sent_ns + wait > pcb->stack->now_ns) {
				tcp_timer_set(pcb, TCP_TIMER_REORDER, tx->sent_ns + wait);
				break;
			}
			lost += lose(pcb, i);
		}
		i = next;
	}
	return lost;
}

void tcp_rack_on_rto(struct tcp_pcb *pcb)
{
	struct tcp_sent *sent = &pcb->sent;
	const struct tcp_tx *first = tcp_sent_find(sent, pcb->snd_una);
	uint64_t wait = pcb->rack.rtt_ns + reo_wnd_ns(pcb);
	uint16_t i = sent->oldest;

	pcb->rack.tlp_out = false;
	tcp_timer_stop(pcb, TCP_TIMER_REORDER);
	tcp_timer_stop(pcb, TCP_TIMER_PROBE);
	while (i != TCP_SENT_NIL && sent->tx[i].sent_ns + wait <= pcb->stack->now_ns) {
		uint16_t next = sent->tx[i].next;

		lose(pcb, i);
		i = next;
	}
	if (first && first->state == TCP_TX_FLIGHT)
		tcp_rack_lose(pcb, (struct tcp_range){pcb->snd_una, pcb->snd_una + pcb->mss});
}

/* ---- tail loss probe ---- */

/* 7.2: not while something tells already what is lost, and one probe at a time. */
static bool probe_helps(const struct tcp_pcb *pcb)
{
	return (pcb->flags & PCBF_SACK) && pcb->snd_una != pcb->snd_nxt &&
	       pcb->recovery == TCP_REC_OPEN && pcb->sent.sacked_bytes == 0 && !pcb->rack.tlp_out;
}

void tcp_tlp_arm(struct tcp_pcb *pcb)
{
	uint64_t now = pcb->stack->now_ns;
	uint64_t pto = PTO_INIT_NS;

	if (!probe_helps(pcb)) {
		tcp_timer_stop(pcb, TCP_TIMER_PROBE);
		return;
	}
	if (pcb->rtt.srtt_ns != 0) {
		pto = 2 * pcb->rtt.srtt_ns + PTO_MARGIN_NS;
		if (pcb->snd_nxt - pcb->snd_una <= pcb->mss)
			pto += ACK_DELAY_NS;
	}
	tcp_timer_set(pcb, TCP_TIMER_PROBE, min_u64(now + pto, pcb->deadline[TCP_TIMER_REXMIT]));
}

bool tcp_tlp_on_ack(struct tcp_pcb *pcb, const struct tcp_range *dup, bool plain)
{
	struct tcp_rack *r = &pcb->rack;

	if (!r->tlp_out || seq_lt(pcb->snd_una, r->tlp_end))
		return false;
	if (!r->tlp_rexmit || (dup && dup->end == r->tlp_end)) {
		r->tlp_out = false;
	} else if (seq_gt(pcb->snd_una, r->tlp_end)) {
		r->tlp_out = false;
		return true;
	} else if (plain) {
		r->tlp_out = false;
	}
	return false;
}
