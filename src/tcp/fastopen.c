/* SPDX-License-Identifier: BSD-2-Clause */
/* Cookies of TCP Fast Open, both sides (RFC 7413 4.1, 5). See fastopen.h. */
#include "tcp/fastopen.h"

#include "tcp/input.h"
#include "tcp/listen.h"
#include "tcp/output.h"
#include "tcp/synq.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

#include <string.h>

static_assert(TCP_FASTOPEN_COOKIE_MAX == TCP_COOKIE_MAX, "what the parser lets through fits");

/* A cookie counts for one to two of these. */
#define PERIOD_NS UINT64_C(43200000000000) /* 12 h */
/* After a SYN with text was lost: long enough for a way that drops them to be changed. */
#define BARRED_NS UINT64_C(3600000000000)

/* ---- server ---- */

static void cookie_of(const struct stack *s, const struct ipaddr *server,
		      const struct ipaddr *client, uint64_t period,
		      uint8_t out[TCP_FASTOPEN_COOKIE])
{
	uint64_t v = tcp_fastopen_hash(s, server, client, period);

	memcpy(out, &v, TCP_FASTOPEN_COOKIE);
}

static uint64_t period_now(const struct stack *s)
{
	return (s->now_ns + s->tcp->isn.wall_off_ns) / PERIOD_NS;
}

void tcp_fastopen_cookie(const struct stack *s, const struct ipaddr *server,
			 const struct ipaddr *client, uint8_t out[TCP_FASTOPEN_COOKIE])
{
	cookie_of(s, server, client, period_now(s), out);
}

static bool is_cookie(const struct stack *s, const struct tcp_seg *seg, uint64_t period)
{
	uint8_t want[TCP_FASTOPEN_COOKIE];
	uint8_t diff = 0;

	cookie_of(s, &seg->in->dst, &seg->in->src, period, want);
	/* The time it takes tells nothing of the bytes. */
	for (unsigned i = 0; i < TCP_FASTOPEN_COOKIE; i++)
		diff |= (uint8_t)(want[i] ^ seg->o.cookie.p[i]);
	return diff == 0;
}

static enum tcp_fastopen_verdict judge_cookie(const struct stack *s, const struct tcp_seg *seg)
{
	uint64_t now = period_now(s);

	if (seg->o.cookie.len != TCP_FASTOPEN_COOKIE)
		return TCP_FASTOPEN_GRANT;
	if (is_cookie(s, seg, now))
		return TCP_FASTOPEN_TAKE;
	return is_cookie(s, seg, now - 1) ? TCP_FASTOPEN_RENEW : TCP_FASTOPEN_GRANT;
}

enum tcp_fastopen_verdict tcp_fastopen_judge(const struct stack *s, const struct tcp_listener *l,
					     const struct tcp_seg *seg)
{
	uint32_t how = s->tcp->limits.fastopen;
	uint32_t max = how & TCP_FASTOPEN_ALL_LISTENERS && l->prefs.fastopen_qlen == 0
			       ? l->backlog
			       : l->prefs.fastopen_qlen;
	enum tcp_fastopen_verdict v = TCP_FASTOPEN_IGNORE;

	if (!(how & TCP_FASTOPEN_SERVER) || max == 0)
		return v;
	if (how & TCP_FASTOPEN_SERVER_NO_COOKIE && seg->len > 0)
		v = TCP_FASTOPEN_TAKE;
	else if (seg->o.present & TCPOPTS_FASTOPEN)
		v = judge_cookie(s, seg);
	/* 5.1: who has stolen cookies cannot open more than this with forged SYNs. */
	if (v >= TCP_FASTOPEN_TAKE && s->tcp->fastopen.n_pending >= max)
		return TCP_FASTOPEN_IGNORE;
	return v;
}

/* Text of a SYN with a valid cookie. */
static void take_syn_text(struct tcp_pcb *pcb, const struct tcp_seg *seg, struct mbuf **mp)
{
	struct stack *s = pcb->stack;

	if (seg->len == 0 || seg->len > pcb->rcv_adv - pcb->rcv_nxt) {
		mbuf_done(mp);
		return;
	}
	pcb->flags |= PCBF_SYN_TEXT;
	pcb->rcv_nxt += seg->len;
	pcb->bytes_received += seg->len;
	pcb->text_segs_in++;
	s->tcp->cnt.bytes_in += seg->len;
	tcp_rcvbuf_push(&pcb->rcv, s->pool, mbuf_move(mp));
}

void tcp_fastopen_open(struct stack *s, const struct tcp_half *h, const struct tcp_seg *seg,
		       mbuf_own in, bool renew)
{
	MBUF(m, in);
	struct tcp_pcb *pcb = tcp_half_pcb(s, h);

	if (!pcb) {
		mbuf_drop(&m, DROP_TCP_NOMEM);
		return;
	}
	h->listener->n_embryo++;
	if (tcp_flow_insert(s, &pcb->flow, TCP_FLOW_PCB) < 0 || tcp_pcb_route(pcb) < 0) {
		tcp_pcb_kill(pcb);
		mbuf_drop(&m, DROP_TCP_NOMEM);
		return;
	}
	s->tcp->cnt.fastopen_passive++;
	s->tcp->cnt.intercepted += h->foreign;
	s->tcp->fastopen.n_pending++;
	pcb->flags |= PCBF_FASTOPEN | (renew ? PCBF_FASTOPEN_RENEW : 0);
	pcb->rtt_start_ns = s->now_ns;
	pcb->last_text_ns = s->now_ns;
	pcb->snd_una = h->iss + 1;
	pcb->snd_wnd = h->wnd;
	pcb->snd_wnd_max = h->wnd;
	pcb->snd_wl1 = h->irs;
	pcb->snd_wl2 = h->iss;
	tcp_pcb_update_mss(pcb);
	tcp_start_transfer(pcb);
	take_syn_text(pcb, seg, &m);
	tcp_emit_syn(pcb);
	tcp_timer_rexmit(pcb);
	tcp_listener_ready(pcb);
	tcp_events_deliver(pcb);
}

void tcp_fastopen_settle(struct tcp_pcb *pcb)
{
	if (!(pcb->flags & PCBF_FASTOPEN))
		return;
	pcb->flags &= ~PCBF_FASTOPEN;
	pcb->stack->tcp->fastopen.n_pending--;
}

/* ---- client ---- */

static struct tcp_fastopen_peer *slot_of(const struct tcp_pcb *pcb)
{
	struct stack *s = pcb->stack;
	uint32_t hash = hash_addr_u32(&s->hash_key, &pcb->flow.remote, 0);

	return &s->tcp->fastopen.peers[hash % TCP_FASTOPEN_PEERS];
}

static const struct tcp_fastopen_peer *peer_of(const struct tcp_pcb *pcb)
{
	const struct tcp_fastopen_peer *p = slot_of(pcb);

	return ipaddr_eq(&p->remote, &pcb->flow.remote) ? p : NULL;
}

bool tcp_fastopen_ready(const struct tcp_pcb *pcb)
{
	const struct tcp_fastopen_peer *p = peer_of(pcb);
	uint32_t how = pcb->stack->tcp->limits.fastopen;

	if (!(how & TCP_FASTOPEN_CLIENT) || (p && p->barred_ns > pcb->stack->now_ns))
		return false;
	return (p && p->len > 0) || (how & TCP_FASTOPEN_CLIENT_NO_COOKIE) != 0;
}

uint32_t tcp_fastopen_room(const struct tcp_pcb *pcb)
{
	const struct tcp_fastopen_peer *p = peer_of(pcb);
	uint32_t head = (ipaddr_is_v4(&pcb->flow.remote) ? IP4_HLEN : IP6_HLEN) + TCP_HLEN_MAX;
	uint32_t path = pcb->dst.mtu > head ? pcb->dst.mtu - head : 0;
	uint32_t mss = p && p->mss ? p->mss : pcb->peer_mss;

	/* Whatever options there are. */
	return min_u32(path, mss > TCP_OPTS_MAX ? mss - TCP_OPTS_MAX : 0);
}

void tcp_fastopen_offer(const struct tcp_pcb *pcb, struct tcpopts *o)
{
	const struct tcp_fastopen_peer *p = peer_of(pcb);

	if (!(pcb->flags & PCBF_FASTOPEN_ASKED) || (pcb->flags & PCBF_SYN_RTX))
		return;
	o->present |= TCPOPTS_FASTOPEN;
	o->cookie = p ? view_make(p->cookie, p->len) : view_make(NULL, 0);
}

void tcp_fastopen_on_synack(struct tcp_pcb *pcb, const struct tcpopts *o)
{
	struct tcp_fastopen_peer *p = slot_of(pcb);

	if (!(pcb->flags & PCBF_FASTOPEN_ASKED))
		return;
	if (!ipaddr_eq(&p->remote, &pcb->flow.remote))
		*p = (struct tcp_fastopen_peer){.remote = pcb->flow.remote};
	if (o->present & TCPOPTS_MSS)
		p->mss = pcb->peer_mss;
	if ((o->present & TCPOPTS_FASTOPEN) && o->cookie.len > 0) {
		p->len = (uint8_t)o->cookie.len;
		memcpy(p->cookie, o->cookie.p, o->cookie.len);
	}
	if ((pcb->flags & PCBF_SYN_RTX) && pcb->snd_nxt != pcb->iss + 1)
		p->barred_ns = pcb->stack->now_ns + BARRED_NS;
}
