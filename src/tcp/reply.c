/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segments that no connection sends: RST for what fits nothing (RFC 9293 3.5.2), SYN-ACKs of
 * half-open entries, acknowledgements of TIME-WAIT. And the two that a connection sends out of
 * turn: its RST and the challenge ACK (RFC 5961). All take buffers from the reserve and are
 * forgotten when sent.
 */
#include "tcp/ecn.h"
#include "tcp/output.h"
#include "tcp/pcb.h"
#include "wire/pseudo.h"

#include <errno.h>

#define S_NS UINT64_C(1000000000)

/* RFC 5961 7: at most so many in a second, for each connection: a limit that all share is an
 * oracle (CVE-2016-5696). */
#define CHALLENGE_MAX 10u

void tcp_reply(struct stack *s, const struct tcp_reply *r)
{
	MBUF(m, mbuf_alloc(s->pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_TX));
	const struct tcp_flow *f = r->flow;
	size_t opt_len = r->opts ? tcpopts_len(r->opts) : 0;
	struct tcphdr h = {.seq = r->seq,
			   .ack = r->ack,
			   .sport = f->lport,
			   .dport = f->rport,
			   .wnd = r->wnd,
			   .flags = r->flags,
			   .hlen = (uint8_t)(TCP_HLEN + opt_len)};
	struct inet_out o = {.src = f->local,
			     .dst = f->remote,
			     .proto = INET_PROTO_TCP,
			     .tos = (uint8_t)(r->tos & ~ECN_MASK),
			     .dont_fragment = true,
			     .zone = f->zone};
	uint8_t *p;

	if (!m)
		return;
	p = mbuf_append(m, h.hlen);
	if (!p) {
		mbuf_drop(&m, DROP_NOBUF);
		return;
	}
	h.csum = pseudo_partial(&f->local, &f->remote, INET_PROTO_TCP, h.hlen);
	tcphdr_emit(p, &h);
	if (r->opts)
		tcpopts_emit(p + TCP_HLEN, r->opts);
	m->meta.csum = MBUF_CSUM_PARTIAL;
	m->meta.csum_field = TCP_OFF_CSUM;
	m->meta.l4_off = mbuf_here(m);
	s->tcp->cnt.segs_out++;
	/* A loss below is counted there; the peer asks again. */
	inet_output(s, mbuf_move(&m), &o, NULL);
}

void tcp_reply_rst(struct stack *s, const struct tcp_seg *seg)
{
	struct tcp_flow f = {.local = seg->in->dst,
			     .remote = seg->in->src,
			     .lport = seg->h.dport,
			     .rport = seg->h.sport,
			     .zone = inet_zone(seg->in->iface)};
	struct tcp_reply r = {.flow = &f, .flags = TCP_RST};

	/* Never in answer to RST (RFC 9293 3.5.2), to many, or to nobody (RFC 1122 4.2.3.10). */
	if ((seg->h.flags & TCP_RST) || seg->in->multicast || ipaddr_is_multicast(&seg->in->src) ||
	    ipaddr_is_unspecified(&seg->in->src))
		return;
	if (seg->h.flags & TCP_ACK) {
		r.seq = seg->h.ack;
	} else {
		r.ack = seg->h.seq + tcp_seg_len(seg);
		r.flags |= TCP_ACK;
	}
	s->tcp->cnt.rst_out++;
	tcp_reply(s, &r);
}

void tcp_send_rst(struct tcp_pcb *pcb)
{
	struct tcpopts o = {.present = TCPOPTS_TS,
			    .tsval = tcp_ts_clock(pcb->stack) + pcb->ts_off,
			    .tsecr = pcb->ts_recent};
	struct tcp_reply r = {.flow = &pcb->flow,
			      .seq = pcb->snd_nxt,
			      .ack = pcb->rcv_nxt,
			      .flags = TCP_RST | TCP_ACK,
			      .tos = pcb->tos};

	/* RFC 7323 3.2: a RST SHOULD have it too. */
	if (pcb->flags & PCBF_TS)
		r.opts = &o;
	pcb->stack->tcp->cnt.rst_out++;
	tcp_reply(pcb->stack, &r);
}

/* Within what one connection answers in a second? */
static bool may_answer(struct tcp_pcb *pcb)
{
	uint64_t now = pcb->stack->now_ns;

	if (pcb->challenge_ns == 0 || now - pcb->challenge_ns >= S_NS) {
		pcb->challenge_ns = now;
		pcb->challenge_n = 0;
	}
	if (pcb->challenge_n >= CHALLENGE_MAX) {
		pcb->stack->tcp->cnt.challenge_limited++;
		return false;
	}
	pcb->challenge_n++;
	return true;
}

void tcp_challenge_ack(struct tcp_pcb *pcb)
{
	if (!may_answer(pcb))
		return;
	pcb->stack->tcp->cnt.challenge_acks++;
	tcp_emit_ack(pcb);
}

void tcp_stray_ack(struct tcp_pcb *pcb, bool has_text)
{
	if (has_text || may_answer(pcb))
		tcp_ack_now(pcb);
}
