/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segment arrival (RFC 9293 3.10.7): check, find who it is for, and take the steps in the RFC's
 * order. A superpacket is one segment with a long text. Called by inet for every TCP packet, on the
 * thread of the stack; the packet begins at its TCP header.
 */
#include "tcp/input.h"

#include "base/bits.h"
#include "tcp/listen.h"
#include "tcp/output.h"
#include "wire/pseudo.h"

static bool parse_seg(struct tcp_seg *seg, const struct inet_in *in, const struct mbuf *m)
{
	struct view v = mbuf_view(m);

	if (tcphdr_parse(&seg->h, v) < 0 || seg->h.hlen > v.len)
		return false;
	seg->in = in;
	tcpopts_parse(&seg->o, view_make(v.p + TCP_HLEN, (size_t)seg->h.hlen - TCP_HLEN));
	seg->len = mbuf_len(m) - seg->h.hlen;
	seg->n_segs = m->meta.gso_size ? (uint32_t)div_round_up(seg->len, m->meta.gso_size) : 1;
	return true;
}

static bool csum_ok(const struct inet_in *in, const struct mbuf *m)
{
	uint32_t len = mbuf_len(m);

	if (m->meta.csum != MBUF_CSUM_NONE)
		return true;
	return csum_fold(mbuf_csum(m, 0, len,
				   pseudo_sum(&in->src, &in->dst, INET_PROTO_TCP, len))) == 0;
}

/* 3.10.7.2: LISTEN. */
static void input_listen(struct stack *s, struct tcp_listener *l, struct tcp_seg *seg, mbuf_own in,
			 const uint32_t *min_iss)
{
	MBUF(m, in);
	mbuf_own own;

	if (seg->h.flags & TCP_RST) {
		mbuf_drop(&m, DROP_TCP_RST);
		return;
	}
	if (seg->h.flags & TCP_ACK) {
		own = mbuf_move(&m);
		/* A cookie comes back in the last step of the handshake, which has no SYN. */
		if (!(seg->h.flags & TCP_SYN) && tcp_synq_cookie(s, l, seg, &own))
			return;
		tcp_reply_rst(s, seg);
		mbuf_drop_own(own, DROP_TCP_NO_PORT);
		return;
	}
	/* SYN+FIN opens nothing; data without SYN neither. */
	if (!(seg->h.flags & TCP_SYN) || (seg->h.flags & TCP_FIN)) {
		mbuf_drop(&m, DROP_TCP_FLAGS);
		return;
	}
	tcp_synq_syn(s, l, seg, mbuf_move(&m), min_iss);
}

/* 3.10.7.1: CLOSED. */
static void input_closed(struct stack *s, const struct tcp_seg *seg, mbuf_own in)
{
	tcp_reply_rst(s, seg);
	mbuf_drop_own(in, DROP_TCP_NO_PORT);
}

static void input_no_flow(struct stack *s, struct tcp_seg *seg, mbuf_own in,
			  const uint32_t *min_iss)
{
	struct tcp_listener *l = tcp_listener_find(s, seg->in, seg->h.sport, seg->h.dport);

	if (l)
		input_listen(s, l, seg, in, min_iss);
	else
		input_closed(s, seg, in);
}

/* RFC 6191 and RFC 9293 3.6.1: may this SYN end the TIME-WAIT? */
static bool new_incarnation(const struct tcp_timewait *tw, const struct tcp_seg *seg)
{
	if ((seg->h.flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) != TCP_SYN)
		return false;
	if (tw->has_ts && tcp_seg_has_ts(seg) && seq_gt(seg->o.tsval, tw->ts_recent))
		return true;
	return seq_gt(seg->h.seq, tw->rcv_nxt) &&
	       !(tw->has_ts && tcp_seg_has_ts(seg) && seq_lt(seg->o.tsval, tw->ts_recent));
}

static void input_timewait(struct stack *s, struct tcp_timewait *tw, struct tcp_seg *seg,
			   mbuf_own in)
{
	uint32_t min_iss = tw->snd_nxt;

	if (!new_incarnation(tw, seg) ||
	    !tcp_listener_find(s, seg->in, seg->h.sport, seg->h.dport)) {
		tcp_timewait_input(s, tw, seg, in);
		return;
	}
	s->tcp->cnt.timewait_reused++;
	tcp_timewait_free(s, tw);
	input_no_flow(s, seg, in, &min_iss);
}

static void dispatch(struct stack *s, struct tcp_seg *seg, mbuf_own in)
{
	struct tcp_flow *f =
		tcp_flow_lookup(s, &seg->in->dst, seg->h.dport, &seg->in->src, seg->h.sport);

	switch (f ? (enum tcp_flow_kind)f->kind : TCP_FLOW_NONE) {
	case TCP_FLOW_PCB:
		tcp_segment(tcp_pcb_of_flow(f), seg, in);
		break;
	case TCP_FLOW_HALF:
		tcp_synq_input(s, CONTAINER_OF(f, struct tcp_half, flow), seg, in);
		break;
	case TCP_FLOW_TIMEWAIT:
		input_timewait(s, CONTAINER_OF(f, struct tcp_timewait, flow), seg, in);
		break;
	case TCP_FLOW_NONE:
		input_no_flow(s, seg, in, NULL);
		break;
	}
}

/* Of no host that could be answered. Loopback is one from ourselves, never from a wire. */
static bool bad_source(const struct inet_in *in)
{
	if (in->iface == INET_IFACE_LOOPBACK && ipaddr_is_loopback(&in->src))
		return false;
	return ipaddr_is_bad_source(&in->src) || ipaddr_is_unspecified(&in->src);
}

void tcp_input(struct stack *s, const struct inet_in *in, mbuf_own own)
{
	MBUF(m, own);
	struct tcp_seg seg;

	s->tcp->cnt.segs_in++;
	/* RFC 9293 MUST-57; RFC 1122 4.2.3.10. Port 0 is nobody's. */
	if (in->multicast || bad_source(in)) {
		mbuf_drop(&m, DROP_TCP_BAD_DST);
		return;
	}
	if (!parse_seg(&seg, in, m) || seg.h.sport == 0 || seg.h.dport == 0) {
		mbuf_drop(&m, DROP_TCP_MALFORMED);
		return;
	}
	if (!csum_ok(in, m)) {
		mbuf_drop(&m, DROP_TCP_CSUM);
		return;
	}
	mbuf_trim_head(m, seg.h.hlen);
	tcp_enter(s);
	dispatch(s, &seg, mbuf_move(&m));
	tcp_leave(s);
}

/* A foreign packet is ours when its flow is, when it is a SYN that a rule wants, or the ACK that
 * answers a cookie of ours. */
bool tcp_claim(struct stack *s, const struct inet_in *in, struct mbuf *m)
{
	struct tcp_seg seg;

	if (in->multicast || !parse_seg(&seg, in, m))
		return false;
	if (tcp_flow_lookup(s, &in->dst, seg.h.dport, &in->src, seg.h.sport))
		return true;
	if ((seg.h.flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN)
		return tcp_rules_match(s, in, seg.h.dport) != NULL;
	return (seg.h.flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_ACK &&
	       tcp_synq_cookies_live(s) && tcp_rules_match(s, in, seg.h.dport) &&
	       tcp_synq_cookie_ok(s, &seg);
}

/* ---- a connection ---- */

/*
 * Header prediction: the next expected segment of a connection in full swing, in either direction.
 * What it skips would have found nothing: RFC 7323 4.3 and the tests of first to fourth are here.
 */
static bool predicted(const struct tcp_pcb *pcb, const struct tcp_seg *seg)
{
	return pcb->state == TCPS_ESTABLISHED &&
	       (seg->h.flags & ~(TCP_PSH | TCP_ECE | TCP_CWR)) == TCP_ACK &&
	       seg->h.seq == pcb->rcv_nxt && seg->len <= pcb->rcv_adv - pcb->rcv_nxt &&
	       (pcb->flags & PCBF_TS ? tcp_seg_has_ts(seg) && seq_geq(seg->o.tsval, pcb->ts_recent)
				     : true);
}

static void take_timestamp(struct tcp_pcb *pcb, const struct tcp_seg *seg)
{
	if ((pcb->flags & PCBF_TS) && tcp_seg_has_ts(seg) && seq_leq(seg->h.seq, pcb->last_ack) &&
	    (seq_geq(seg->o.tsval, pcb->ts_recent) || tcp_pcb_ts_outdated(pcb))) {
		pcb->ts_recent = seg->o.tsval;
		pcb->ts_recent_ns = pcb->stack->now_ns;
	}
}

/* First to fifth; false: *why it goes no further. */
static bool steps_before_text(struct tcp_pcb *pcb, struct tcp_seg *seg, enum drop_reason *why)
{
	if (pcb->state == TCPS_SYN_SENT)
		return tcp_input_syn_sent(pcb, seg, why);
	if (UNLIKELY(!predicted(pcb, seg))) {
		if (pcb->flags & PCBF_HELD)
			return tcp_hold_input(pcb, seg, why);
		if (!tcp_check_seq(pcb, seg, why) || !tcp_check_rst_syn(pcb, seg, why))
			return false;
	}
	/* Only a segment whose ACK is right too (RFC 5961 5.2) says what time it is over there: a
	 * guessed one would shut out the peer by PAWS. */
	if (!tcp_input_ack(pcb, seg, why))
		return false;
	take_timestamp(pcb, seg);
	return true;
}

/* What the segment changed may let something out. */
static void after_segment(struct tcp_pcb *pcb)
{
	if (pcb->state == TCPS_CLOSED || pcb->state == TCPS_TIME_WAIT)
		return;
	if ((pcb->flags & PCBF_ACK_NOW) || pcb->recovery != TCP_REC_OPEN ||
	    pcb->snd_nxt != tcp_pcb_snd_end(pcb))
		tcp_output_later(pcb);
}

void tcp_segment(struct tcp_pcb *pcb, struct tcp_seg *seg, mbuf_own in)
{
	MBUF(m, in);
	enum drop_reason why = DROP_TCP_FLAGS;

	pcb->segs_in++;
	pcb->last_rx_ns = pcb->stack->now_ns;
	if (!steps_before_text(pcb, seg, &why)) {
		mbuf_drop(&m, why);
	} else if (pcb->state == TCPS_CLOSED || pcb->state == TCPS_TIME_WAIT) {
		/* The ACK was for our FIN, the last thing that we waited for. */
		mbuf_done(&m);
	} else {
		/* Sixth: the urgent pointer is looked at by nobody; its text is text (RFC 6093). */
		tcp_input_data(pcb, seg, mbuf_move(&m));
	}
	after_segment(pcb);
	tcp_events_deliver(pcb);
}
