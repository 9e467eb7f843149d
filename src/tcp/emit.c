/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One packet of a connection: header and options before a reference to queued bytes, up to a
 * superpacket. Books what a sent segment means: sequence numbers, timers, the acknowledgement that
 * it carried. Called by output.c and the timers.
 */
#include "base/bits.h"
#include "tcp/ecn.h"
#include "tcp/output.h"
#include "tcp/pace.h"
#include "tcp/pcb.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/pseudo.h"

#include <errno.h>

/* IP length field; the header in front of the payload is subtracted by tcp_emit_max(). */
#define SUPER_MAX 65535u

/* Options of a segment behind the handshake. */
static void data_options(struct tcp_pcb *pcb, struct tcpopts *o)
{
	o->present = 0;
	o->n_sack = 0;
	if (pcb->flags & PCBF_TS) {
		o->present |= TCPOPTS_TS;
		o->tsval = tcp_ts_clock(pcb->stack) + pcb->ts_off;
		o->tsecr = pcb->ts_recent;
	}
	if (UNLIKELY((pcb->flags & PCBF_SACK) && sack_rcv_any(&pcb->sack_rcv))) {
		struct tcp_range r[SACK_BLOCKS_MAX];
		unsigned n = sack_rcv_emit(&pcb->sack_rcv, r,
					   pcb->flags & PCBF_TS ? 3 : SACK_BLOCKS_MAX);

		for (unsigned i = 0; i < n; i++)
			o->sack[i] = (struct tcp_sackblk){r[i].seq, r[i].end};
		o->n_sack = (uint8_t)n;
		if (n > 0)
			o->present |= TCPOPTS_SACK;
	}
}

/* Payload of a full segment beside the options that go with it now. */
static uint32_t seg_max(const struct tcp_pcb *pcb)
{
	uint32_t sack = 0;

	if (UNLIKELY((pcb->flags & PCBF_SACK) && sack_rcv_any(&pcb->sack_rcv)))
		sack = TCP_OPTS_MAX - (pcb->flags & PCBF_TS ? TCP_TS_LEN : 0);
	return pcb->mss > sack + TCP_LEAST_MSS ? pcb->mss - sack : TCP_LEAST_MSS;
}

uint32_t tcp_emit_max(const struct tcp_pcb *pcb)
{
	uint32_t ip = ipaddr_is_v4(&pcb->flow.remote) ? IP4_HLEN : IP6_HLEN;
	uint32_t mss = seg_max(pcb);
	uint32_t super = pcb->dst.max_gso_bytes ? pcb->dst.max_gso_bytes : SUPER_MAX;
	uint32_t payload = min_u32(super, SUPER_MAX) - ip - TCP_HLEN_MAX;

	return payload > mss ? payload - payload % mss : mss;
}

/* The field, and book the right edge that it offers. */
static uint16_t window_field(struct tcp_pcb *pcb, bool syn)
{
	uint32_t edge = tcp_window_edge(pcb);
	uint32_t wnd = edge - pcb->rcv_nxt;
	unsigned scale = syn ? 0 : pcb->rcv_scale;
	uint32_t field;

	/* Rounded up: rounding down would move the edge left when RCV.NXT advances. */
	field = min_u32((wnd + (1u << scale) - 1) >> scale, UINT16_MAX);
	pcb->rcv_adv = seq_max(pcb->rcv_adv, pcb->rcv_nxt + (field << scale));
	return (uint16_t)field;
}

/* Header and options at the start of an empty packet. */
static bool put_header(struct tcp_pcb *pcb, struct mbuf *m, struct tcphdr *h,
		       const struct tcpopts *o)
{
	size_t opt_len = tcpopts_len(o);
	uint8_t *p = mbuf_append(m, (uint32_t)(TCP_HLEN + opt_len));

	if (!p)
		return false;
	h->sport = pcb->flow.lport;
	h->dport = pcb->flow.rport;
	h->hlen = (uint8_t)(TCP_HLEN + opt_len);
	tcphdr_emit(p, h);
	tcpopts_emit(p + TCP_HLEN, o);
	return true;
}

/* Unfinished checksum, and the segment size of a superpacket. */
static void finish_header(struct tcp_pcb *pcb, struct mbuf *m, uint32_t hlen, uint32_t mss)
{
	uint32_t len = mbuf_len(m);

	store_native16(mbuf_data(m) + TCP_OFF_CSUM,
		       pseudo_partial(&pcb->flow.local, &pcb->flow.remote, INET_PROTO_TCP, len));
	m->meta.csum = MBUF_CSUM_PARTIAL;
	m->meta.csum_field = TCP_OFF_CSUM;
	m->meta.l4_off = mbuf_here(m);
	if (len - hlen > mss) {
		m->meta.gso_size = (uint16_t)mss;
		m->meta.gso_type = ipaddr_is_v4(&pcb->flow.remote) ? MBUF_GSO_TCP4 : MBUF_GSO_TCP6;
	}
}

static int transmit(struct tcp_pcb *pcb, struct mbuf **mp, uint8_t tos)
{
	struct inet_out o = {
		.src = pcb->flow.local,
		.dst = pcb->flow.remote,
		.proto = INET_PROTO_TCP,
		.ttl = pcb->ttl,
		.tos = tos,
		.dont_fragment = true,
		.flow_label = pcb->flow_label,
	};

	pcb->stack->tcp->cnt.segs_out++;
	pcb->segs_out++;
	mbuf_mark(*mp, MBUF_TX);
	return inet_output(pcb->stack, mbuf_move(mp), &o, &pcb->dst);
}

/* An acknowledgement has gone with the segment. */
static void book_ack(struct tcp_pcb *pcb)
{
	pcb->last_ack = pcb->rcv_nxt;
	pcb->flags &= ~(PCBF_ACK_NOW | PCBF_ACK_LATER);
	tcp_timer_stop(pcb, TCP_TIMER_DELACK);
}

static void book_record(struct tcp_pcb *pcb, struct tcp_range r, bool again)
{
	const struct mem *mem = pcb->stack->env.mem;
	uint64_t now = pcb->stack->now_ns;
	struct tcp_tx_stamp st = tcp_rate_on_send(&pcb->rate, now, tcp_pipe(pcb), tcp_range_len(r));

	if (again)
		tcp_sent_again(&pcb->sent, mem, r, now, &st);
	else
		tcp_sent_push(&pcb->sent, mem, r, now, &st);
	tcp_pace_on_send(pcb, tcp_range_len(r));
	if (LIKELY(pcb->recovery == TCP_REC_OPEN))
		return;
	tcp_prr_on_send(&pcb->prr, tcp_range_len(r));
	if (again)
		tcp_undo_on_rexmit(&pcb->undo, tcp_range_len(r));
}

/* Text soon after the peer's: this is a conversation, and the next answer will acknowledge too. */
static void note_answer(struct tcp_pcb *pcb)
{
	if (pcb->stack->now_ns - pcb->last_text_ns < TCP_DELACK_NS)
		pcb->flags |= PCBF_PINGPONG;
}

static void book_data(struct tcp_pcb *pcb, const struct tcp_emit *e, uint32_t len, uint8_t flags)
{
	struct tcp_counters *cnt = &pcb->stack->tcp->cnt;
	uint32_t end = e->seq + len + ((flags & TCP_FIN) != 0);
	uint32_t segs = (uint32_t)div_round_up(len, pcb->mss);

	if (end == e->seq)
		return;
	pcb->last_data_ns = pcb->stack->now_ns;
	book_record(pcb, (struct tcp_range){e->seq, end}, (e->how & TCP_EMIT_REXMIT) != 0);
	if (len > 0)
		note_answer(pcb);
	pcb->text_segs_out += segs;
	if (e->how & TCP_EMIT_REXMIT) {
		if (UNLIKELY(pcb->pmtud.probe != 0))
			tcp_pmtud_on_rexmit(pcb, e->seq, end);
		cnt->retrans_segs += segs;
		cnt->retrans_bytes += len;
		pcb->bytes_retrans += len;
		pcb->total_retrans += segs;
		/* Karn: an acknowledgement no longer tells which copy it is for. */
		if (seq_lt(e->seq, pcb->rtt_seq))
			pcb->flags &= ~PCBF_TIMING;
	} else {
		cnt->bytes_out += len;
		pcb->bytes_sent += len;
		pcb->snd_nxt = seq_max(pcb->snd_nxt, end);
		if (!(pcb->flags & PCBF_TIMING)) {
			pcb->flags |= PCBF_TIMING;
			pcb->rtt_seq = end;
			pcb->rtt_start_ns = pcb->stack->now_ns;
		}
	}
	if (!tcp_timer_on(pcb, TCP_TIMER_REXMIT))
		tcp_timer_rexmit(pcb);
	tcp_timer_stop(pcb, TCP_TIMER_PERSIST);
}

static bool is_fresh(const struct tcp_emit *e)
{
	return e->len > 0 && !(e->how & (TCP_EMIT_REXMIT | TCP_EMIT_PROBE));
}

/* Buffers for what keeps a connection going come from the reserve too. */
static enum mbuf_prio prio_of(const struct tcp_emit *e)
{
	return e->len > 0 && !(e->how & TCP_EMIT_REXMIT) ? MBUF_PRIO_BULK : MBUF_PRIO_CTL;
}

int tcp_emit(struct tcp_pcb *pcb, const struct tcp_emit *e)
{
	enum mbuf_prio prio = prio_of(e);
	MBUF(m, mbuf_alloc(pcb->stack->pool, MBUF_SMALL, prio, MBUF_TX));
	uint32_t mss = seg_max(pcb);
	uint8_t flags = e->tcp_flags | tcp_ecn_flags(pcb, is_fresh(e));
	struct tcphdr h = {.seq = e->seq, .ack = pcb->rcv_nxt};
	struct tcpopts o;
	uint32_t len = 0;
	int err;

	if (!m)
		return -ENOBUFS;
	data_options(pcb, &o);
	h.wnd = window_field(pcb, false);
	/* What travels as one is handed up as one: PSH at its end lets the receiver's GRO go. */
	if (e->len > mss && is_fresh(e))
		flags |= TCP_PSH;
	h.flags = flags;
	if (!put_header(pcb, m, &h, &o)) {
		mbuf_drop(&m, DROP_NOBUF);
		return -ENOBUFS;
	}
	if (e->len > 0)
		len = tcp_sndbuf_gather(&pcb->snd, pcb->stack->pool, m, e->seq, e->len, prio);
	if (len < e->len) {
		if (len == 0) {
			mbuf_drop(&m, DROP_NOBUF);
			return -ENOBUFS;
		}
		flags &= (uint8_t) ~(TCP_FIN | TCP_PSH);
		mbuf_data(m)[TCP_OFF_FLAGS] = flags;
	}
	finish_header(pcb, m, TCP_HLEN + (uint32_t)tcpopts_len(&o),
		      e->how & TCP_EMIT_WHOLE ? len : mss);
	m->meta.gso_ecn = m->meta.gso_size && (flags & TCP_CWR);
	err = transmit(pcb, &m, tcp_ecn_tos(pcb, is_fresh(e)));
	if (err == -EMSGSIZE)
		return err;
	tcp_ecn_on_sent(pcb, flags);
	/* Any other loss below is a loss on the way: the timers see to it. A probe below the window
	 * is answered, not read (RFC 9293 3.10.7.4 first): the acknowledgement is still owed. */
	if (e->seq == pcb->snd_nxt || !(e->how & TCP_EMIT_PROBE))
		book_ack(pcb);
	if (!(e->how & TCP_EMIT_PROBE))
		book_data(pcb, e, len, flags);
	return (int)len;
}

void tcp_emit_ack(struct tcp_pcb *pcb)
{
	struct tcp_emit e = {.seq = pcb->snd_nxt, .tcp_flags = TCP_ACK, .how = TCP_EMIT_PROBE};

	if (tcp_emit(pcb, &e) < 0 && pcb->state != TCPS_CLOSED && pcb->state != TCPS_TIME_WAIT) {
		pcb->flags |= PCBF_ACK_NOW;
		tcp_timer_set(pcb, TCP_TIMER_RETRY, pcb->stack->now_ns + TCP_RETRY_NS);
	}
}

static void syn_options(struct tcp_pcb *pcb, struct tcpopts *o)
{
	bool answer = pcb->state == TCPS_SYN_RECEIVED;
	uint32_t ip = ipaddr_is_v4(&pcb->flow.remote) ? IP4_HLEN : IP6_HLEN;
	uint32_t mss = pcb->dst.mtu > ip + TCP_HLEN ? pcb->dst.mtu - ip - TCP_HLEN : TCP_MIN_MSS;

	o->present = TCPOPTS_MSS;
	o->n_sack = 0;
	o->mss = (uint16_t)min_u32(pcb->prefs.user_mss ? min_u32(mss, pcb->prefs.user_mss) : mss,
				   UINT16_MAX);
	if (pcb->flags & PCBF_WSCALE) {
		o->present |= TCPOPTS_WSCALE;
		o->wscale = pcb->rcv_scale;
	}
	if (pcb->flags & PCBF_SACK)
		o->present |= TCPOPTS_SACK_PERMITTED;
	if (pcb->flags & PCBF_TS) {
		o->present |= TCPOPTS_TS;
		o->tsval = tcp_ts_clock(pcb->stack) + pcb->ts_off;
		o->tsecr = answer ? pcb->ts_recent : 0;
	}
	o->sack_permitted = (o->present & TCPOPTS_SACK_PERMITTED) != 0;
	if (!answer)
		tcp_fastopen_offer(pcb, o);
}

/* Text on our first SYN (RFC 7413 4.2.1); no other has any. */
static void put_syn_text(struct tcp_pcb *pcb, struct mbuf *m)
{
	uint32_t n = pcb->write_seq - (pcb->iss + 1);

	if (!(pcb->flags & PCBF_FASTOPEN_ASKED) || (pcb->flags & PCBF_SYN_RTX) || n == 0)
		return;
	n = tcp_sndbuf_gather(&pcb->snd, pcb->stack->pool, m, pcb->iss + 1, n, MBUF_PRIO_CTL);
	pcb->snd_nxt = pcb->iss + 1 + n;
	pcb->bytes_sent += n;
	pcb->stack->tcp->cnt.bytes_out += n;
}

void tcp_emit_syn(struct tcp_pcb *pcb)
{
	bool answer = pcb->state == TCPS_SYN_RECEIVED;
	MBUF(m, mbuf_alloc(pcb->stack->pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_TX));
	struct tcphdr h = {.seq = pcb->iss,
			   .ack = answer ? pcb->rcv_nxt : 0,
			   .flags = answer ? TCP_SYN | TCP_ACK : TCP_SYN};
	uint8_t cookie[TCP_FASTOPEN_COOKIE];
	struct tcpopts o;

	if (!m)
		return;
	if (!answer)
		h.flags |= tcp_ecn_syn_flags(pcb);
	else if (pcb->flags & PCBF_ECN)
		h.flags |= TCP_ECE;
	syn_options(pcb, &o);
	if (answer && (pcb->flags & PCBF_FASTOPEN_RENEW)) {
		tcp_fastopen_cookie(pcb->stack, &pcb->flow.local, &pcb->flow.remote, cookie);
		o.cookie = view_make(cookie, sizeof(cookie));
		o.present |= TCPOPTS_FASTOPEN;
	}
	h.wnd = window_field(pcb, true);
	if (!put_header(pcb, m, &h, &o)) {
		mbuf_drop(&m, DROP_NOBUF);
		return;
	}
	if (!answer)
		put_syn_text(pcb, m);
	finish_header(pcb, m, mbuf_len(m), pcb->mss);
	if (answer)
		book_ack(pcb);
	pcb->last_data_ns = pcb->stack->now_ns; /* text may go with it */
	transmit(pcb, &m, tcp_ecn_tos(pcb, false));
}
