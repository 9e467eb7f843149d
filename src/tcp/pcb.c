/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Life of a connection's control block: creation, state, end. Who owns it when is told in pcb.h;
 * all run on the thread of the stack.
 */
#include "tcp/pcb.h"

#include "tcp/listen.h"
#include "tcp/output.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

#include <errno.h>

/* RFC 9293 3.7.1: the default when the peer says nothing. */
#define MSS_DEFAULT4 536u
#define MSS_DEFAULT6 1220u

struct tcp_pcb *tcp_pcb_create(struct stack *s)
{
	struct tcp *t = s->tcp;
	const struct tcp_limits *lim = &t->limits;
	struct tcp_pcb *pcb = slab_get(&t->pcbs);

	if (!pcb)
		return NULL;
	pcb->stack = s;
	pcb->quickacks = TCP_QUICKACKS;
	pcb->tos = 0;
	pcb->ttl = INET_TTL_DEFAULT;
	pcb->prefs.keep_idle_s = lim->keepalive_time_s;
	pcb->prefs.keep_intvl_s = lim->keepalive_intvl_s;
	pcb->prefs.keep_cnt = (uint8_t)lim->keepalive_probes;
	pcb->peer_mss = MSS_DEFAULT4;
	pcb->rcv_mss = MSS_DEFAULT4;
	pcb->mss = MSS_DEFAULT4;
	tcp_rcvbuf_init(&pcb->rcv, lim->rmem[TCP_MEM_INIT]);
	tcp_sndbuf_init(&pcb->snd, lim->wmem[TCP_MEM_INIT]);
	tcp_cc_init(&pcb->cc, TCP_CC_CUBIC, pcb->mss);
	tcp_rtt_init(&pcb->rtt);
	ooo_init(&pcb->ooo);
	tcp_sent_init(&pcb->sent, 0);
	stack_work_init(&pcb->work, tcp_output_work);
	list_init(&pcb->link);
	tcp_timers_init(pcb);
	/* Without memory for the one that was asked for, the default does. */
	(void)tcp_pcb_set_cc(pcb, (enum tcp_cc_kind)lim->cc);
	return pcb;
}

struct tcp_cc_start tcp_pcb_cc_start(const struct tcp_pcb *pcb)
{
	return (struct tcp_cc_start){
		.now_ns = pcb->stack->now_ns,
		.srtt_ns = pcb->rtt.srtt_ns,
		.delivered = pcb->rate.delivered,
		.seed = pcb->flow.hash ^ pcb->iss,
	};
}

int tcp_pcb_set_cc(struct tcp_pcb *pcb, enum tcp_cc_kind kind)
{
	struct tcp_cc_start st = tcp_pcb_cc_start(pcb);

	return tcp_cc_switch(&pcb->cc, kind, pcb->stack->env.mem, &st);
}

void tcp_pcb_name(struct tcp_pcb *pcb, const struct ipaddr *local, uint16_t lport,
		  const struct ipaddr *remote, uint16_t rport)
{
	struct stack *s = pcb->stack;

	tcp_flow_init(s, &pcb->flow, local, lport, remote, rport);
	pcb->ts_off = tcp_ts_offset(s, local, remote);
	/* RFC 6437: the same for all packets of the flow, and not to be guessed. */
	pcb->flow_label = ipaddr_is_v4(remote) ? 0 : pcb->flow.hash & 0xfffff;
	pcb->peer_mss = ipaddr_is_v4(remote) ? MSS_DEFAULT4 : MSS_DEFAULT6;
}

/* Timers that a state brings with it or ends. */
static void on_state(struct tcp_pcb *pcb, enum tcp_state state)
{
	switch (state) {
	case TCPS_CLOSED:
		tcp_timers_stop(pcb);
		stack_work_cancel(&pcb->work);
		break;
	case TCPS_FIN_WAIT_2:
		/* RFC 9293 leaves it open how long; with nobody to read there is no reason to stay.
		 */
		if (pcb->flags & PCBF_ORPHAN)
			tcp_timer_set(pcb, TCP_TIMER_LINGER,
				      pcb->stack->now_ns + tcp_fin_timeout_ns(pcb));
		break;
	case TCPS_TIME_WAIT:
		tcp_timers_stop(pcb);
		break;
	case TCPS_LISTEN:
	case TCPS_SYN_SENT:
	case TCPS_SYN_RECEIVED:
	case TCPS_ESTABLISHED:
	case TCPS_CLOSE_WAIT:
	case TCPS_FIN_WAIT_1:
	case TCPS_CLOSING:
	case TCPS_LAST_ACK:
	case TCP_STATE_COUNT:
		break;
	}
}

void tcp_set_state(struct tcp_pcb *pcb, enum tcp_state state)
{
	pcb->state = (uint8_t)state;
	on_state(pcb, state);
}

static void drop_queues(struct tcp_pcb *pcb)
{
	struct tcp *t = pcb->stack->tcp;

	tcp_sndbuf_purge(&pcb->snd, DROP_TCP_ABORT);
	ooo_purge(&pcb->ooo, &t->runs, DROP_TCP_ABORT);
	tcp_sent_clear(&pcb->sent, pcb->stack->env.mem, pcb->snd_una);
}

/* No segment finds it any more. */
static void detach(struct tcp_pcb *pcb)
{
	tcp_flow_remove(pcb->stack, &pcb->flow);
	tcp_unbind(pcb);
	tcp_fastopen_settle(pcb);
	tcp_set_state(pcb, TCPS_CLOSED);
}

void tcp_pcb_kill(struct tcp_pcb *pcb)
{
	struct tcp *t = pcb->stack->tcp;

	if (pcb->flags & PCBF_DEAD)
		return;
	if (pcb->flags & (PCBF_QUEUED | PCBF_EMBRYO))
		tcp_listener_forget(pcb);
	detach(pcb);
	drop_queues(pcb);
	tcp_rcvbuf_purge(&pcb->rcv, DROP_SOCK_CLOSED);
	tcp_cc_fini(&pcb->cc, pcb->stack->env.mem);
	if (pcb->flags & PCBF_ORPHAN)
		t->n_orphans--;
	pcb->flags |= PCBF_DEAD;
	list_add_tail(&t->dead, &pcb->link);
}

/* After the flow is gone: told to the program, or the end when there is none. */
static void settle(struct tcp_pcb *pcb)
{
	if (pcb->flags & PCBF_ORPHAN) {
		pcb->events = TCP_EV_GONE;
		tcp_pcb_kill(pcb);
	} else if ((pcb->flags & (PCBF_EMBRYO | PCBF_QUEUED)) == PCBF_EMBRYO) {
		tcp_pcb_kill(pcb);
	}
	/* In an accept queue it stays, as in Linux: accept() has been announced and gives it out,
	 * and what came before the end can be read. */
}

void tcp_pcb_fail(struct tcp_pcb *pcb, int err)
{
	bool connecting = pcb->state == TCPS_SYN_SENT ||
			  (pcb->state == TCPS_SYN_RECEIVED && !(pcb->flags & PCBF_FASTOPEN));

	if (pcb->flags & PCBF_DEAD)
		return;
	pcb->err = err;
	detach(pcb);
	drop_queues(pcb);
	if (connecting && !(pcb->flags & PCBF_EMBRYO)) {
		pcb->stack->tcp->cnt.connect_failed++;
		pcb->events = TCP_EV_CONNECTED;
	} else {
		pcb->events |= TCP_EV_ERROR;
	}
	settle(pcb);
}

void tcp_pcb_finish(struct tcp_pcb *pcb)
{
	detach(pcb);
	drop_queues(pcb);
	settle(pcb);
}

void tcp_pcb_timewait(struct tcp_pcb *pcb)
{
	tcp_timewait_enter(pcb->stack, pcb);
	tcp_unbind(pcb);
	tcp_set_state(pcb, TCPS_TIME_WAIT);
	/* The acknowledgement of the FIN is still owed; after it the entry answers. */
	tcp_emit_ack(pcb);
	stack_work_cancel(&pcb->work);
	drop_queues(pcb);
	settle(pcb);
}

void tcp_enter(struct stack *s)
{
	s->tcp->depth++;
}

void tcp_leave(struct stack *s)
{
	struct tcp *t = s->tcp;
	struct list *l;

	if (--t->depth > 0)
		return;
	while ((l = list_pop_head(&t->dead)) != NULL)
		slab_put(&t->pcbs, CONTAINER_OF(l, struct tcp_pcb, link));
}

static bool deaf(const struct tcp_pcb *pcb)
{
	return pcb->so == NULL || (pcb->flags & PCBF_ORPHAN) != 0;
}

void tcp_events_deliver(struct tcp_pcb *pcb)
{
	struct stack *s = pcb->stack;
	const struct tcp_events *ev = s->tcp->ev;
	uint8_t what = pcb->events;

	pcb->events = 0;
	if (what & TCP_EV_GONE) {
		void *so = pcb->so;

		pcb->so = NULL;
		if (so && ev->gone)
			ev->gone(s, so);
		return;
	}
	if (what & TCP_EV_ACCEPTABLE && pcb->flags & PCBF_QUEUED)
		ev->acceptable(s, pcb->listener->so);
	/* Each call may close the connection: then no further one. */
	if (what & TCP_EV_CONNECTED && !deaf(pcb))
		ev->connected(s, pcb->so, pcb->err);
	if (what & TCP_EV_READABLE && !deaf(pcb))
		ev->readable(s, pcb->so);
	if (what & TCP_EV_WRITABLE && !deaf(pcb))
		ev->writable(s, pcb->so);
	if (what & TCP_EV_ERROR && !deaf(pcb))
		ev->error(s, pcb->so, pcb->err);
}

int tcp_pcb_route(struct tcp_pcb *pcb)
{
	int err;

	if (LIKELY(inet_dst_valid(pcb->stack, &pcb->dst)))
		return 0;
	err = inet_dst_lookup_zone(pcb->stack, pcb->flow.zone, &pcb->flow.remote, &pcb->dst);
	if (err < 0)
		return err;
	tcp_pcb_update_mss(pcb);
	return 0;
}

uint32_t tcp_pcb_path_mss(const struct tcp_pcb *pcb)
{
	uint32_t ip = ipaddr_is_v4(&pcb->flow.remote) ? IP4_HLEN : IP6_HLEN;
	uint32_t path = max_u32(pcb->dst.mtu, ip + TCP_BASE_HLEN + TCP_MIN_MSS);
	uint32_t mss = min_u32(path - ip - TCP_BASE_HLEN, pcb->peer_mss);

	return pcb->prefs.user_mss ? min_u32(mss, pcb->prefs.user_mss) : mss;
}

void tcp_pcb_update_mss(struct tcp_pcb *pcb)
{
	uint32_t mss = tcp_pcb_path_mss(pcb);

	if (UNLIKELY(pcb->pmtud.low != 0))
		mss = min_u32(mss, pcb->pmtud.low);
	/* RFC 6691: the peer's MSS does not count options, ours have to fit all the same. */
	if (pcb->flags & PCBF_TS)
		mss -= TCP_TS_OPT_BYTES;
	mss = max_u32(mss, TCP_LEAST_MSS);
	if (mss == pcb->mss)
		return;
	pcb->mss = (uint16_t)mss;
	tcp_cc_set_mss(&pcb->cc, mss);
}
