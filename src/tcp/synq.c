/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Passive opens up to the last ACK of the handshake (RFC 9293 3.10.7.2, 3.10.7.4 in SYN-RECEIVED;
 * RFC 4987). Entries of equal age class sit in one list each, so one timer serves all. Called from
 * input.c and listen.c.
 */
#include "tcp/synq.h"

#include "tcp/ecn.h"
#include "tcp/input.h"
#include "tcp/listen.h"
#include "tcp/output.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

/* What comes again for an entry is answered at most so often: a SYN, and what does not fit. */
#define RESEND_GAP_NS UINT64_C(100000000)
/* tcp_limits.syncookies; 1 is: when there is no room for another entry. */
#define COOKIES_NEVER  0u
#define COOKIES_ALWAYS 2u
/* Cookies are accepted this long after the last one was sent. */
#define COOKIE_LIFE_NS (2 * TCP_COOKIE_PERIOD_NS)

static unsigned class_of(unsigned rexmits)
{
	return min_u32(rexmits, TCP_HALF_CLASSES - 1);
}

static uint64_t wait_of(unsigned class)
{
	return class < TCP_HALF_CLASSES - 1 ? TCP_RTO_INIT_NS << class : TCP_RTO_MAX_NS;
}

void tcp_half_free(struct stack *s, struct tcp_half *h)
{
	tcp_flow_remove(s, &h->flow);
	list_del(&h->link);
	h->listener->n_half--;
	slab_put(&s->tcp->halves, h);
}

/* ---- SYN-ACK ---- */

static uint16_t our_mss(const struct inet_dst *dst, const struct ipaddr *remote,
			const struct tcp_listener *l)
{
	uint32_t ip = ipaddr_is_v4(remote) ? IP4_HLEN : IP6_HLEN;
	uint32_t mss = dst->mtu > ip + TCP_HLEN ? dst->mtu - ip - TCP_HLEN : TCP_MIN_MSS;

	if (l->prefs.user_mss)
		mss = min_u32(mss, l->prefs.user_mss);
	return (uint16_t)min_u32(mss, UINT16_MAX);
}

static void send_synack(struct stack *s, struct tcp_half *h, uint32_t tsval)
{
	uint8_t cookie[TCP_FASTOPEN_COOKIE];
	struct tcpopts o = {
		.present = (h->opts & (TCPOPTS_TS | TCPOPTS_WSCALE | TCPOPTS_SACK_PERMITTED)) |
			   TCPOPTS_MSS,
		.mss = h->our_mss,
		.wscale = h->rcv_scale,
		.sack_permitted = (h->opts & TCPOPTS_SACK_PERMITTED) != 0,
		.tsval = tsval,
		.tsecr = h->ts_recent};
	struct tcp_reply r = {.flow = &h->flow,
			      .seq = h->iss,
			      .ack = h->irs + 1,
			      .wnd = (uint16_t)h->rcv_wnd,
			      .flags = TCP_SYN | TCP_ACK | (h->ecn ? TCP_ECE : 0),
			      .tos = h->listener->prefs.tos,
			      .opts = &o};

	if (h->grant) {
		tcp_fastopen_cookie(s, &h->flow.local, &h->flow.remote, cookie);
		o.cookie = view_make(cookie, sizeof(cookie));
		o.present |= TCPOPTS_FASTOPEN;
		s->tcp->cnt.fastopen_cookies++;
	}
	tcp_reply(s, &r);
}

static void answer(struct stack *s, struct tcp_half *h)
{
	h->answered_ns = s->now_ns;
	send_synack(s, h, tcp_ts_clock(s) + h->ts_off);
}

/* Behind all that entered its class before: the first is the next that is due. */
static void enter_class(struct stack *s, struct tcp_half *h)
{
	h->sent_ns = s->now_ns;
	list_move_tail(&s->tcp->synq.by_class[class_of(h->rexmits)], &h->link);
}

/* Options of the SYN that we agree to. */
static uint32_t agreed(const struct stack *s, uint32_t present)
{
	const struct tcp_limits *lim = &s->tcp->limits;

	return present & (TCPOPTS_MSS | (lim->timestamps ? TCPOPTS_TS : 0u) |
			  (lim->window_scaling ? TCPOPTS_WSCALE : 0u) |
			  (lim->sack ? TCPOPTS_SACK_PERMITTED : 0u));
}

static uint32_t first_window(const struct tcp_listener *l)
{
	uint32_t wnd = min_u32(l->prefs.rcvbuf, UINT16_MAX);

	return l->prefs.window_clamp ? min_u32(wnd, l->prefs.window_clamp) : wnd;
}

/* What the SYN says, and what we say to it. False: no way back to the peer. */
static bool fill(struct stack *s, struct tcp_half *h, struct tcp_listener *l,
		 const struct tcp_seg *seg)
{
	const struct tcpopts *o = &seg->o;
	struct inet_dst dst;

	if (inet_dst_lookup_zone(s, inet_zone(seg->in->iface), &seg->in->src, &dst) < 0)
		return false;
	tcp_flow_init(s, &h->flow, &seg->in->dst, seg->h.dport, &seg->in->src, seg->h.sport);
	h->flow.zone = inet_zone(seg->in->iface);
	h->listener = l;
	h->opts = agreed(s, o->present);
	h->ecn = tcp_ecn_wanted(s, seg);
	h->irs = seg->h.seq;
	h->wnd = seg->h.wnd;
	h->peer_mss = ipaddr_is_v4(&seg->in->src) ? 536 : 1220;
	if (o->present & TCPOPTS_MSS)
		h->peer_mss = (uint16_t)max_u32(o->mss, TCP_MIN_MSS);
	h->our_mss = our_mss(&dst, &seg->in->src, l);
	if (h->opts & TCPOPTS_WSCALE) {
		h->snd_scale = o->wscale;
		s->tcp->cnt.wscale_clamped += o->wscale_clamped;
		h->rcv_scale = tcp_window_scale(
			max_u32(s->tcp->limits.rmem[TCP_MEM_MAX], l->prefs.rcvbuf));
	}
	if (h->opts & TCPOPTS_TS)
		h->ts_recent = o->tsval;
	h->rcv_wnd = first_window(l);
	h->ts_off = tcp_ts_offset(s, &h->flow.local, &h->flow.remote);
	h->iss = tcp_isn_make(s, &h->flow);
	return true;
}

/* No room for an entry: everything into the sequence number, and forget. */
static void send_cookie(struct stack *s, struct tcp_half *h)
{
	struct tcp_synq *q = &s->tcp->synq;
	struct tcp_cookie c = {.wscale = h->snd_scale,
			       .has_wscale = (h->opts & TCPOPTS_WSCALE) != 0,
			       .sack = (h->opts & TCPOPTS_SACK_PERMITTED) != 0,
			       .ecn = h->ecn};

	/* Without timestamps there is no place for these. */
	if (!(h->opts & TCPOPTS_TS)) {
		h->opts &= ~(uint32_t)(TCPOPTS_WSCALE | TCPOPTS_SACK_PERMITTED);
		h->ecn = false;
	}
	h->iss = tcp_cookie_make(s, &h->flow, h->irs, h->peer_mss);
	q->cookies_until_ns = s->now_ns + COOKIE_LIFE_NS;
	send_synack(s, h, tcp_cookie_ts(tcp_ts_clock(s), h->ts_off, &c));
}

/* NULL: there is no room for another. */
static struct tcp_half *new_half(struct stack *s, const struct tcp_half *from)
{
	struct tcp_half *h = slab_get(&s->tcp->halves);

	if (!h)
		return NULL;
	*h = *from;
	if (tcp_flow_insert(s, &h->flow, TCP_FLOW_HALF) == 0)
		return h;
	slab_put(&s->tcp->halves, h);
	return NULL;
}

/* ---- the rest of the handshake ---- */

/* As if the pcb had answered the SYN itself. */
struct tcp_pcb *tcp_half_pcb(struct stack *s, const struct tcp_half *h)
{
	struct tcp_listener *l = h->listener;
	struct tcp_pcb *pcb = tcp_pcb_create(s);

	if (!pcb)
		return NULL;
	tcp_prefs_set(pcb, &l->prefs);
	tcp_pcb_name(pcb, &h->flow.local, h->flow.lport, &h->flow.remote, h->flow.rport);
	pcb->flow.zone = h->flow.zone;
	pcb->flags |= PCBF_EMBRYO | (h->opts & TCPOPTS_TS ? PCBF_TS : 0) |
		      (h->opts & TCPOPTS_WSCALE ? PCBF_WSCALE : 0) |
		      (h->opts & TCPOPTS_SACK_PERMITTED ? PCBF_SACK : 0) |
		      (ipaddr_is_v4(&h->flow.local) ? 0 : PCBF_V6) |
		      (h->rexmits ? PCBF_SYN_RTX : 0) | (h->ecn ? PCBF_ECN : 0);
	s->tcp->cnt.ecn_agreed += h->ecn;
	pcb->listener = l;
	pcb->iss = h->iss;
	pcb->irs = h->irs;
	pcb->snd_una = h->iss;
	pcb->snd_nxt = h->iss + 1;
	pcb->write_seq = h->iss + 1;
	pcb->snd_scale = h->snd_scale;
	pcb->rcv_scale = h->rcv_scale;
	pcb->peer_mss = h->peer_mss;
	pcb->rcv_nxt = h->irs + 1;
	pcb->rcv_adv = pcb->rcv_nxt + h->rcv_wnd;
	pcb->last_ack = pcb->rcv_nxt;
	pcb->ts_recent = h->ts_recent;
	pcb->ts_recent_ns = s->now_ns;
	pcb->last_data_ns = s->now_ns;
	/* Karn: of two SYN-ACKs nobody knows which one was answered. */
	pcb->rtt_start_ns = h->answered_ns == h->sent_ns ? h->sent_ns : 0;
	tcp_set_state(pcb, TCPS_SYN_RECEIVED);
	return pcb;
}

/* From entry (already out of the table) or cookie to connection, and the segment with it. */
static void promote(struct stack *s, const struct tcp_half *h, struct tcp_seg *seg, mbuf_own in)
{
	struct tcp_pcb *pcb = tcp_half_pcb(s, h);

	if (!pcb) {
		mbuf_drop_own(in, DROP_TCP_NOMEM);
		return;
	}
	h->listener->n_embryo++;
	if (tcp_flow_insert(s, &pcb->flow, TCP_FLOW_PCB) < 0 || tcp_pcb_route(pcb) < 0) {
		tcp_pcb_kill(pcb);
		mbuf_drop_own(in, DROP_TCP_NOMEM);
		return;
	}
	tcp_segment(pcb, seg, in);
	/* Half open for a second time it would be nobody's: the listener only knows its queue. */
	if (!(pcb->flags & PCBF_DEAD) && pcb->state == TCPS_SYN_RECEIVED)
		tcp_pcb_kill(pcb);
}

/* Answer, and keep an entry; or a cookie. False: neither is allowed. */
static bool remember(struct stack *s, const struct tcp_half *from)
{
	struct tcp *t = s->tcp;
	struct tcp_half *h = t->limits.syncookies == COOKIES_ALWAYS ? NULL : new_half(s, from);

	if (!h && t->limits.syncookies == COOKIES_NEVER)
		return false;
	if (!h) {
		struct tcp_half tmp = *from;

		send_cookie(s, &tmp);
		return true;
	}
	h->listener->n_half++;
	t->cnt.intercepted += h->foreign;
	list_init(&h->link);
	enter_class(s, h);
	if (!wheel_armed(&t->synq.timer))
		wheel_arm(&s->wheel, &t->synq.timer, s->now_ns + wait_of(0));
	answer(s, h);
	return true;
}

void tcp_synq_syn(struct stack *s, struct tcp_listener *l, struct tcp_seg *seg, mbuf_own in,
		  const uint32_t *min_iss)
{
	MBUF(m, in);
	struct tcp *t = s->tcp;
	struct tcp_half h = {.rexmits = 0};
	enum tcp_fastopen_verdict v;

	t->cnt.syn_in++;
	if (tcp_listener_full(l)) {
		t->cnt.accept_overflow++;
		mbuf_drop(&m, DROP_TCP_BACKLOG);
		return;
	}
	if (!fill(s, &h, l, seg)) {
		t->cnt.syn_no_route++;
		mbuf_done(&m);
		return;
	}
	if (min_iss && seq_leq(h.iss, *min_iss))
		h.iss = *min_iss + UINT16_MAX; /* RFC 9293 3.6.1 */
	if (l->hold) {
		/* Nothing is taken or answered before the program says so, text neither. */
		if (tcp_hold_syn(s, &h) < 0) {
			mbuf_drop(&m, DROP_TCP_NOMEM);
			return;
		}
		t->cnt.intercepted += seg->in->foreign;
		mbuf_done(&m);
		return;
	}
	h.foreign = seg->in->foreign;
	v = tcp_fastopen_judge(s, l, seg);
	if (v >= TCP_FASTOPEN_TAKE) {
		tcp_fastopen_open(s, &h, seg, mbuf_move(&m), v == TCP_FASTOPEN_RENEW);
		return;
	}
	/* Text on any other SYN is not taken, the peer sends it again (RFC 9293 3.10.7.2 lets us
	 * keep it). */
	h.grant = v == TCP_FASTOPEN_GRANT;
	if (remember(s, &h))
		mbuf_done(&m);
	else
		mbuf_drop(&m, DROP_TCP_NOMEM);
}

static bool half_in_window(const struct tcp_half *h, const struct tcp_seg *seg)
{
	uint32_t off = seg->h.seq - (h->irs + 1);

	return off <= h->rcv_wnd;
}

/* Not acceptable, or a SYN: an ACK tells the honest peer where we are. */
static void half_ack(struct stack *s, struct tcp_half *h)
{
	struct tcpopts o = {.present = h->opts & TCPOPTS_TS,
			    .tsval = tcp_ts_clock(s) + h->ts_off,
			    .tsecr = h->ts_recent};
	struct tcp_reply r = {.flow = &h->flow,
			      .seq = h->iss + 1,
			      .ack = h->irs + 1,
			      .wnd = (uint16_t)(h->rcv_wnd >> h->rcv_scale),
			      .flags = TCP_ACK,
			      .opts = &o};

	if (h->acked_ns != 0 && s->now_ns - h->acked_ns < RESEND_GAP_NS) {
		s->tcp->cnt.challenge_limited++;
		return;
	}
	h->acked_ns = s->now_ns;
	s->tcp->cnt.challenge_acks++;
	tcp_reply(s, &r);
}

/* Steps one to four in SYN-RECEIVED. True: a valid ACK is next. */
static bool half_check(struct stack *s, struct tcp_half *h, const struct tcp_seg *seg,
		       enum drop_reason *why)
{
	bool old_ts =
		(h->opts & TCPOPTS_TS) && tcp_seg_has_ts(seg) && seq_lt(seg->o.tsval, h->ts_recent);

	if (seg->h.flags & TCP_RST) {
		*why = DROP_TCP_RST;
		if (seg->h.seq == h->irs + 1)
			tcp_half_free(s, h);
		else if (half_in_window(h, seg))
			half_ack(s, h);
		return false;
	}
	if ((seg->h.flags & TCP_SYN) && seg->h.seq == h->irs && !(seg->h.flags & TCP_ACK)) {
		*why = DROP_TCP_DUP;
		/* Its time does not begin again: a peer that repeats its SYN holds no entry. */
		if (s->now_ns - h->answered_ns >= RESEND_GAP_NS)
			answer(s, h);
		return false;
	}
	if ((seg->h.flags & TCP_SYN) || old_ts || !half_in_window(h, seg)) {
		*why = old_ts ? DROP_TCP_PAWS : DROP_TCP_WINDOW;
		half_ack(s, h);
		return false;
	}
	if ((h->opts & TCPOPTS_TS) && !tcp_seg_has_ts(seg)) {
		*why = DROP_TCP_NO_TS;
		return false;
	}
	if (!(seg->h.flags & TCP_ACK)) {
		*why = DROP_TCP_FLAGS;
		return false;
	}
	if (seg->h.ack != h->iss + 1) {
		*why = DROP_TCP_ACK;
		tcp_reply_rst(s, seg);
		return false;
	}
	return true;
}

/* The entry stays: the SYN-ACK or the peer's data will bring the ACK again. */
static void overflow(struct stack *s, struct tcp_half *h, const struct tcp_seg *seg)
{
	s->tcp->cnt.accept_overflow++;
	if (!s->tcp->limits.abort_on_overflow)
		return;
	tcp_reply_rst(s, seg);
	tcp_half_free(s, h);
}

/* Anybody can send one, but only who sees our packets knows the number (RFC 5927 4.1). The host
 * itself says that nobody is there: nobody waits for it. */
void tcp_synq_error(struct stack *s, struct tcp_half *h, const struct inet_err *e)
{
	if (e->tcp_seq == h->iss && e->kind == INET_ERR_PORT)
		tcp_half_free(s, h);
}

void tcp_synq_input(struct stack *s, struct tcp_half *h, struct tcp_seg *seg, mbuf_own in)
{
	MBUF(m, in);
	enum drop_reason why;
	struct tcp_half copy;

	if (!half_check(s, h, seg, &why)) {
		mbuf_drop(&m, why);
		return;
	}
	/* Text will bring it; or the ACK of the last SYN-ACK, when none comes. */
	if (h->rexmits < h->listener->prefs.defer_accept && tcp_seg_len(seg) == 0) {
		h->acked = true;
		mbuf_drop(&m, DROP_TCP_DEFERRED);
		return;
	}
	if (tcp_listener_full(h->listener)) {
		overflow(s, h, seg);
		mbuf_drop(&m, DROP_TCP_BACKLOG);
		return;
	}
	copy = *h;
	tcp_half_free(s, h);
	promote(s, &copy, seg, mbuf_move(&m));
}

/* ---- cookies ---- */

bool tcp_synq_cookies_live(const struct stack *s)
{
	return s->now_ns <= s->tcp->synq.cookies_until_ns;
}

static bool check_cookie(const struct stack *s, const struct tcp_seg *seg, struct tcp_flow *f,
			 struct tcp_cookie *c)
{
	if (!tcp_synq_cookies_live(s))
		return false;
	tcp_flow_init(s, f, &seg->in->dst, seg->h.dport, &seg->in->src, seg->h.sport);
	f->zone = inet_zone(seg->in->iface);
	return tcp_cookie_check(s, f, seg->h.seq - 1, seg->h.ack - 1, tcp_seg_has_ts(seg),
				seg->o.tsecr, c);
}

bool tcp_synq_cookie_ok(const struct stack *s, const struct tcp_seg *seg)
{
	struct tcp_cookie c;
	struct tcp_flow f;

	return check_cookie(s, seg, &f, &c);
}

bool tcp_synq_cookie(struct stack *s, struct tcp_listener *l, struct tcp_seg *seg, mbuf_own *in)
{
	struct tcp_half h = {.listener = l};
	struct tcp_cookie c;
	mbuf_own own = *in;

	if (!check_cookie(s, seg, &h.flow, &c))
		return false;
	*in = MBUF_NULL;
	if (tcp_listener_full(l)) {
		s->tcp->cnt.accept_overflow++;
		mbuf_drop_own(own, DROP_TCP_BACKLOG);
		return true;
	}
	h.opts = (c.ts ? TCPOPTS_TS : 0u) | (c.has_wscale ? TCPOPTS_WSCALE : 0u) |
		 (c.sack ? TCPOPTS_SACK_PERMITTED : 0u);
	h.iss = seg->h.ack - 1;
	h.irs = seg->h.seq - 1;
	h.ecn = c.ecn;
	h.peer_mss = c.mss;
	h.snd_scale = c.wscale;
	h.rcv_scale = c.has_wscale ? tcp_window_scale(max_u32(s->tcp->limits.rmem[TCP_MEM_MAX],
							      l->prefs.rcvbuf))
				   : 0;
	h.rcv_wnd = first_window(l);
	h.ts_recent = seg->o.tsval;
	h.rexmits = 1; /* when the SYN-ACK was sent is not known: no sample */
	if (seg->in->foreign)
		s->tcp->cnt.intercepted++;
	promote(s, &h, seg, own);
	return true;
}

/* ---- time ---- */

static void expire(struct stack *s, struct tcp_half *h)
{
	const struct tcp_prefs *p = &h->listener->prefs;
	uint32_t max = p->syn_cnt ? p->syn_cnt : s->tcp->limits.synack_retries;

	if (h->rexmits >= max && !(h->acked && h->rexmits < p->defer_accept)) {
		tcp_half_free(s, h);
		return;
	}
	h->rexmits++;
	enter_class(s, h);
	/* Who has acknowledged is asked once more, when the wait for text is over. */
	if (h->acked && h->rexmits < p->defer_accept)
		return;
	s->tcp->cnt.retrans_segs++;
	answer(s, h);
}

/* When the first of a class is due: the others entered it later. */
static uint64_t due_of(const struct list *l, unsigned class)
{
	return CONTAINER_OF_CONST(l, struct tcp_half, link)->sent_ns + wait_of(class);
}

static void on_timer(void *ctx, struct wheel_timer *timer)
{
	struct stack *s = ctx;
	struct tcp_synq *q = CONTAINER_OF(timer, struct tcp_synq, timer);
	uint64_t next = UINT64_MAX;

	tcp_enter(s);
	/* From the last class down, or an entry would be handled twice. */
	for (unsigned i = TCP_HALF_CLASSES; i-- > 0;) {
		struct list *l;

		while ((l = list_first(&q->by_class[i])) != NULL && due_of(l, i) <= s->now_ns)
			expire(s, CONTAINER_OF(l, struct tcp_half, link));
	}
	for (unsigned i = 0; i < TCP_HALF_CLASSES; i++) {
		struct list *l = list_first(&q->by_class[i]);

		if (l)
			next = min_u64(next, due_of(l, i));
	}
	if (next != UINT64_MAX)
		wheel_arm(&s->wheel, &q->timer, next);
	tcp_leave(s);
}

void tcp_synq_init(struct stack *s)
{
	struct tcp_synq *q = &s->tcp->synq;

	for (unsigned i = 0; i < TCP_HALF_CLASSES; i++)
		list_init(&q->by_class[i]);
	wheel_timer_init(&q->timer, on_timer);
}

void tcp_synq_forget(struct stack *s, struct tcp_listener *l)
{
	for (unsigned i = 0; i < TCP_HALF_CLASSES; i++) {
		struct list *pos, *tmp;

		LIST_FOR_EACH_SAFE (pos, tmp, &s->tcp->synq.by_class[i]) {
			struct tcp_half *h = CONTAINER_OF(pos, struct tcp_half, link);

			if (!l || h->listener == l)
				tcp_half_free(s, h);
		}
	}
}

void tcp_synq_fini(struct stack *s)
{
	tcp_synq_forget(s, NULL);
	wheel_disarm(&s->wheel, &s->tcp->synq.timer);
}
