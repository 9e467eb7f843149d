/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TIME-WAIT entries (RFC 9293 3.10.7.4, RFC 1337, RFC 6191). Called from input.c, pcb.c and
 * connect.c.
 */
#include "tcp/timewait.h"

#include "tcp/output.h"
#include "tcp/pcb.h"

/* Answers per entry: a peer with a wrong idea is told so, not fed. */
#define ANSWER_GAP_NS UINT64_C(500000000)

void tcp_timewait_free(struct stack *s, struct tcp_timewait *tw)
{
	tcp_flow_remove(s, &tw->flow);
	list_del(&tw->link);
	slab_put(&s->tcp->timewaits, tw);
}

static struct tcp_timewait *first_of(const struct tcp_timewaitq *q)
{
	struct list *l = list_first(&q->oldest_first);

	return l ? CONTAINER_OF(l, struct tcp_timewait, link) : NULL;
}

static void start(struct stack *s, struct tcp_timewait *tw)
{
	struct tcp_timewaitq *q = &s->tcp->timewaitq;

	tw->until_ns = s->now_ns + s->tcp->limits.timewait_ns;
	list_move_tail(&q->oldest_first, &tw->link);
	if (!wheel_armed(&q->timer))
		wheel_arm(&s->wheel, &q->timer, tw->until_ns);
}

void tcp_timewait_enter(struct stack *s, struct tcp_pcb *pcb)
{
	struct tcp *t = s->tcp;
	struct tcp_timewait *tw;

	tcp_flow_remove(s, &pcb->flow);
	tw = slab_get(&t->timewaits);
	if (!tw && first_of(&t->timewaitq)) {
		/* The oldest has waited longest: it is the one least likely to be needed. */
		tcp_timewait_free(s, first_of(&t->timewaitq));
		tw = slab_get(&t->timewaits);
	}
	if (!tw)
		return;
	list_init(&tw->link);
	tw->flow = pcb->flow;
	tw->has_ts = (pcb->flags & PCBF_TS) != 0;
	tw->tos = pcb->tos;
	tw->rcv_nxt = pcb->rcv_nxt;
	tw->snd_nxt = pcb->snd_nxt;
	tw->rcv_wnd = pcb->rcv_adv - pcb->rcv_nxt;
	tw->wnd = (uint16_t)min_u32(tw->rcv_wnd >> pcb->rcv_scale, UINT16_MAX);
	tw->ts_recent = pcb->ts_recent;
	tw->ts_off = pcb->ts_off;
	tw->since_ns = s->now_ns;
	if (tcp_flow_insert(s, &tw->flow, TCP_FLOW_TIMEWAIT) < 0) {
		slab_put(&t->timewaits, tw);
		return;
	}
	start(s, tw);
}

static void send_ack(struct stack *s, struct tcp_timewait *tw)
{
	struct tcpopts o = {.present = tw->has_ts ? TCPOPTS_TS : 0,
			    .tsval = tcp_ts_clock(s) + tw->ts_off,
			    .tsecr = tw->ts_recent};
	struct tcp_reply r = {.flow = &tw->flow,
			      .seq = tw->snd_nxt,
			      .ack = tw->rcv_nxt,
			      .wnd = tw->wnd,
			      .flags = TCP_ACK,
			      .tos = tw->tos,
			      .opts = &o};

	tw->acked_ns = s->now_ns;
	tcp_reply(s, &r);
}

void tcp_timewait_input(struct stack *s, struct tcp_timewait *tw, struct tcp_seg *seg, mbuf_own in)
{
	bool fin_again = (seg->h.flags & TCP_FIN) && seg->h.seq + tcp_seg_len(seg) == tw->rcv_nxt;
	bool old = tw->has_ts && tcp_seg_has_ts(seg) && seq_lt(seg->o.tsval, tw->ts_recent);

	/* RFC 1337 3 (F1): a stray RST must not end the wait. */
	if (seg->h.flags & TCP_RST) {
		mbuf_drop_own(in, DROP_TCP_RST);
		return;
	}
	if (fin_again && !old)
		start(s, tw);
	/* In order and nothing but an ACK: what we wanted to hear. */
	if (tcp_seg_len(seg) == 0 && seg->h.seq == tw->rcv_nxt && !old) {
		mbuf_done(&in.m);
		return;
	}
	if (tw->acked_ns == 0 || s->now_ns - tw->acked_ns >= ANSWER_GAP_NS || fin_again)
		send_ack(s, tw);
	mbuf_drop_own(in, seg->h.flags & TCP_SYN ? DROP_TCP_SYN : DROP_TCP_DUP);
}

bool tcp_timewait_reuse(struct stack *s, struct tcp_timewait *tw, uint32_t *min_iss)
{
	uint64_t age_ms = (s->now_ns - tw->since_ns) / 1000000;

	/* RFC 6191 2: our timestamps must have moved on; without them the sequence numbers do, and
	 * old duplicates are told by these (RFC 9293 3.6.1 allows it to the side that answers; the
	 * pair's other end has left TIME-WAIT to us and keeps nothing). */
	if (tw->has_ts && age_ms < 2)
		return false;
	*min_iss = tw->snd_nxt;
	tcp_timewait_free(s, tw);
	return true;
}

static void on_timer(void *ctx, struct wheel_timer *timer)
{
	struct stack *s = ctx;
	struct tcp_timewaitq *q = CONTAINER_OF(timer, struct tcp_timewaitq, timer);
	struct tcp_timewait *tw;

	while ((tw = first_of(q)) != NULL && tw->until_ns <= s->now_ns)
		tcp_timewait_free(s, tw);
	if (tw)
		wheel_arm(&s->wheel, &q->timer, tw->until_ns);
}

void tcp_timewait_init(struct stack *s)
{
	struct tcp_timewaitq *q = &s->tcp->timewaitq;

	list_init(&q->oldest_first);
	wheel_timer_init(&q->timer, on_timer);
}

void tcp_timewait_fini(struct stack *s)
{
	struct tcp_timewaitq *q = &s->tcp->timewaitq;
	struct tcp_timewait *tw;

	while ((tw = first_of(q)) != NULL)
		tcp_timewait_free(s, tw);
	wheel_disarm(&s->wheel, &q->timer);
}
