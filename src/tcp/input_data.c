/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Seventh and eighth step of RFC 9293 3.10.7.4: the text and the FIN. Trims to the window, queues
 * in order or out of order, decides when to acknowledge (RFC 5681 4.2, RFC 9293 3.8.6.3).
 */
#include "tcp/input.h"

#include "base/bits.h"
#include "tcp/ecn.h"
#include "tcp/output.h"
#include "tcp/pressure.h"

#include <errno.h>

/* True memory that out-of-order data may take, in receive buffers. */
#define OOO_FACTOR 2u

/* The size of the peer's segments: what silly window avoidance and ACK counting go by. */
static void learn_rcv_mss(struct tcp_pcb *pcb, const struct tcp_seg *seg)
{
	uint32_t size = seg->n_segs > 1 ? (uint32_t)div_round_up(seg->len, seg->n_segs) : seg->len;

	if (size > pcb->rcv_mss)
		pcb->rcv_mss = (uint16_t)min_u32(size, UINT16_MAX);
}

static void acknowledge(struct tcp_pcb *pcb, bool now)
{
	bool quick = pcb->quickacks > 0 && !(pcb->flags & PCBF_PINGPONG);

	if (now || quick || pcb->rcv_nxt - pcb->last_ack >= 2u * pcb->rcv_mss) {
		if (quick)
			pcb->quickacks--;
		pcb->flags |= PCBF_ACK_NOW;
		return;
	}
	pcb->flags |= PCBF_ACK_LATER;
	if (!tcp_timer_on(pcb, TCP_TIMER_DELACK))
		tcp_timer_set(pcb, TCP_TIMER_DELACK, pcb->stack->now_ns + TCP_DELACK_NS);
}

static bool takes_text(const struct tcp_pcb *pcb)
{
	return pcb->state == TCPS_ESTABLISHED || pcb->state == TCPS_FIN_WAIT_1 ||
	       pcb->state == TCPS_FIN_WAIT_2;
}

/* RCV.NXT is past the FIN. */
static void take_fin(struct tcp_pcb *pcb)
{
	pcb->rcv_nxt++;
	pcb->rcv_adv = seq_max(pcb->rcv_adv, pcb->rcv_nxt);
	pcb->flags |= PCBF_FIN_RCVD | PCBF_ACK_NOW;
	pcb->flags &= ~PCBF_FIN_OOO;
	pcb->events |= TCP_EV_READABLE;
	switch ((enum tcp_state)pcb->state) {
	case TCPS_ESTABLISHED:
		tcp_set_state(pcb, TCPS_CLOSE_WAIT);
		break;
	case TCPS_FIN_WAIT_1:
		/* Our FIN is not acknowledged, or the fifth step would have seen it. */
		tcp_set_state(pcb, TCPS_CLOSING);
		break;
	case TCPS_FIN_WAIT_2:
		tcp_pcb_timewait(pcb);
		break;
	case TCPS_CLOSED:
	case TCPS_LISTEN:
	case TCPS_SYN_SENT:
	case TCPS_SYN_RECEIVED:
	case TCPS_CLOSE_WAIT:
	case TCPS_CLOSING:
	case TCPS_LAST_ACK:
	case TCPS_TIME_WAIT:
	case TCP_STATE_COUNT:
		break;
	}
}

static void count_in(struct tcp_pcb *pcb, uint32_t n)
{
	pcb->rcv_nxt += n;
	pcb->bytes_received += n;
	pcb->stack->tcp->cnt.bytes_in += n;
}

/* A gap has closed: what waited behind it follows. True when there was something. */
static bool drain_ooo(struct tcp_pcb *pcb)
{
	struct stack *s = pcb->stack;
	struct mbufq q;
	uint32_t n;

	if (LIKELY(ooo_empty(&pcb->ooo)))
		return false;
	mbufq_init(&q, MBUF_TCP_RCV);
	n = ooo_take(&pcb->ooo, &s->tcp->runs, pcb->rcv_nxt, &q);
	count_in(pcb, n);
	tcp_rcvbuf_push_all(&pcb->rcv, s->pool, &q);
	sack_rcv_advance(&pcb->sack_rcv, pcb->rcv_nxt);
	return true;
}

static void take_in_order(struct tcp_pcb *pcb, const struct tcp_seg *seg, struct mbuf **mp)
{
	bool filled;

	learn_rcv_mss(pcb, seg);
	count_in(pcb, mbuf_len(*mp));
	tcp_rcvbuf_push(&pcb->rcv, pcb->stack->pool, mbuf_move(mp));
	filled = drain_ooo(pcb);
	if (sack_rcv_any(&pcb->sack_rcv))
		sack_rcv_advance(&pcb->sack_rcv, pcb->rcv_nxt);
	pcb->events |= TCP_EV_READABLE;
	/* RFC 5681 4.2: at once while a gap is being filled. */
	acknowledge(pcb, filled);
}

/* The pool is short: what is out of order goes first, ours too. SACK may be taken back (RFC 2018
 * 8). */
static void give_up_ooo(struct tcp_pcb *pcb)
{
	ooo_purge(&pcb->ooo, &pcb->stack->tcp->runs, DROP_TCP_OOO_LIMIT);
	sack_rcv_forget_from(&pcb->sack_rcv, pcb->rcv_nxt);
	pcb->stack->tcp->cnt.rcv_nobuf++;
}

/* Is this text to be shed? The first of a program that reads only at the second mark: thousands of
 * connections with one short segment each would otherwise use up the reserve. */
static bool shed(const struct tcp_pcb *pcb)
{
	return UNLIKELY(tcp_pool_below(pcb->stack, TCP_SHED_TEXT)) &&
	       (tcp_rcvbuf_bytes(&pcb->rcv) > 0 || tcp_pool_in_reserve(pcb->stack));
}

static void take_out_of_order(struct tcp_pcb *pcb, uint32_t seq, struct mbuf **mp)
{
	struct stack *s = pcb->stack;
	struct ooo_added added = {0};
	enum ooo_result res;

	s->tcp->cnt.ooo_in++;
	pcb->ooo_segs_in++;
	if (UNLIKELY(tcp_pool_below(s, TCP_SHED_OOO))) {
		give_up_ooo(pcb);
		mbuf_drop(mp, DROP_NOBUF);
		tcp_emit_ack(pcb);
		return;
	}
	res = ooo_add(&pcb->ooo, &s->tcp->runs, mbuf_move(mp), seq, OOO_FACTOR * pcb->rcv.limit,
		      &added);
	if (res == OOO_FULL)
		s->tcp->cnt.rcv_nobuf++;
	if (pcb->flags & PCBF_SACK) {
		if (tcp_range_len(added.lost) > 0)
			sack_rcv_forget_from(&pcb->sack_rcv, added.lost.seq);
		if (tcp_range_len(added.dup) > 0)
			tcp_note_dup(pcb, added.dup);
		if (res != OOO_FULL)
			sack_rcv_add(&pcb->sack_rcv, added.block);
	}
	/* One for each such segment, not one a round: the peer counts them (RFC 5681 3.2). */
	tcp_emit_ack(pcb);
}

/* Cut the packet to the new part inside the window. False: nothing new in it. */
static bool trim(struct tcp_pcb *pcb, struct tcp_seg *seg, struct mbuf *m)
{
	uint32_t old = seq_lt(seg->h.seq, pcb->rcv_nxt) ? pcb->rcv_nxt - seg->h.seq : 0;
	uint32_t room;

	if (old > 0) {
		if ((pcb->flags & PCBF_SACK) && seg->len > 0)
			tcp_note_dup(pcb, (struct tcp_range){seg->h.seq,
							     seg->h.seq + min_u32(old, seg->len)});
		if (seg->len > 0)
			pcb->flags |= PCBF_ACK_NOW;
		if (old > seg->len || (old == seg->len && !(seg->h.flags & TCP_FIN)))
			return false;
		mbuf_trim_head(m, old);
		seg->h.seq += old;
		seg->len -= old;
	}
	room = seq_gt(pcb->rcv_adv, seg->h.seq) ? pcb->rcv_adv - seg->h.seq : 0;
	if (seg->len > room) {
		mbuf_trim_to(m, room);
		seg->len = room;
		seg->h.flags &= (uint8_t)~TCP_FIN;
		pcb->flags |= PCBF_ACK_NOW;
	}
	return true;
}

/* Remember or take a FIN that stands at `at`. */
static void see_fin(struct tcp_pcb *pcb, uint32_t at)
{
	if (at == pcb->rcv_nxt) {
		take_fin(pcb);
	} else if (!(pcb->flags & PCBF_FIN_OOO)) {
		pcb->flags |= PCBF_FIN_OOO;
		pcb->fin_seq = at;
	}
}

static void take_text(struct tcp_pcb *pcb, struct tcp_seg *seg, struct mbuf **mp)
{
	if (pcb->flags & PCBF_FIN_OOO) {
		/* Nothing is behind a FIN. */
		uint32_t max = seq_gt(pcb->fin_seq, seg->h.seq) ? pcb->fin_seq - seg->h.seq : 0;

		if (seg->len > max) {
			mbuf_trim_to(*mp, max);
			seg->len = max;
		}
	}
	if (seg->len == 0) {
		mbuf_done(mp);
	} else if (shed(pcb)) {
		pcb->stack->tcp->cnt.rcv_nobuf++;
		seg->h.flags &= (uint8_t)~TCP_FIN;
		mbuf_drop(mp, DROP_NOBUF);
	} else if (seg->h.seq == pcb->rcv_nxt) {
		take_in_order(pcb, seg, mp);
	} else {
		take_out_of_order(pcb, seg->h.seq, mp);
	}
}

/* After a silence the peer is in slow start again and waits for every acknowledgement. */
static void note_text(struct tcp_pcb *pcb, const struct tcp_seg *seg)
{
	uint64_t now = pcb->stack->now_ns;

	if (seg->len == 0)
		return;
	if (now - pcb->last_text_ns > tcp_rtt_rto_ns(&pcb->rtt))
		pcb->quickacks = TCP_QUICKACKS;
	pcb->last_text_ns = now;
	pcb->text_segs_in += seg->n_segs;
}

void tcp_input_data(struct tcp_pcb *pcb, struct tcp_seg *seg, mbuf_own in)
{
	MBUF(m, in);
	uint32_t fin_at;

	/* A SYN that counted (simultaneous open) took the first number. */
	if (seg->h.flags & TCP_SYN)
		seg->h.seq++;
	if (LIKELY(seg->len == 0 && !(seg->h.flags & TCP_FIN))) {
		mbuf_done(&m);
		return;
	}
	if (!takes_text(pcb)) {
		/* After the FIN nothing is new: acknowledge, so that the peer may stop. */
		pcb->flags |= PCBF_ACK_NOW;
		mbuf_drop(&m, DROP_TCP_DUP);
		return;
	}
	if (!trim(pcb, seg, m)) {
		mbuf_drop(&m, DROP_TCP_DUP);
		return;
	}
	if ((pcb->flags & PCBF_ORPHAN) && seg->len > 0) {
		/* RFC 1122 4.2.2.13: nobody will ever read it. */
		mbuf_drop(&m, DROP_TCP_CLOSED);
		tcp_send_rst(pcb);
		tcp_pcb_fail(pcb, ECONNRESET);
		return;
	}
	note_text(pcb, seg);
	tcp_ecn_on_text(pcb, seg);
	fin_at = seg->h.seq + seg->len;
	if (seg->len == 0 && seg->h.seq != pcb->rcv_nxt)
		pcb->flags |= PCBF_ACK_NOW; /* a FIN alone, out of order */
	take_text(pcb, seg, &m);
	if (m)
		mbuf_done(&m);
	if (seg->h.flags & TCP_FIN)
		see_fin(pcb, fin_at);
	else if ((pcb->flags & PCBF_FIN_OOO) && pcb->fin_seq == pcb->rcv_nxt)
		take_fin(pcb);
}
