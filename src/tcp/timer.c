/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens when time passes: retransmission (RFC 6298 5), zero-window probes (RFC
 * 9293 3.8.6.1), delayed acknowledgements (3.8.6.3), keepalive (3.8.4), user timeout (RFC 5482),
 * the end of orphans. Called from the wheel, on the thread of the stack.
 */
#include "tcp/timer.h"

#include "tcp/output.h"
#include "tcp/pcb.h"
#include "tcp/recovery.h"
#include "tcp/synq.h"

#include <errno.h>

#define MS_NS UINT64_C(1000000)
#define S_NS  UINT64_C(1000000000)

bool tcp_timer_on(const struct tcp_pcb *pcb, enum tcp_timer_id id)
{
	return pcb->deadline[id] != TCP_TIMER_OFF;
}

void tcp_timer_set(struct tcp_pcb *pcb, enum tcp_timer_id id, uint64_t at_ns)
{
	pcb->deadline[id] = at_ns;
	if (!wheel_armed(&pcb->timer) || at_ns < pcb->timer.expires_ns)
		wheel_arm(&pcb->stack->wheel, &pcb->timer, at_ns);
}

void tcp_timer_stop(struct tcp_pcb *pcb, enum tcp_timer_id id)
{
	pcb->deadline[id] = TCP_TIMER_OFF;
}

void tcp_timers_stop(struct tcp_pcb *pcb)
{
	for (unsigned i = 0; i < TCP_TIMER_COUNT; i++)
		pcb->deadline[i] = TCP_TIMER_OFF;
	wheel_disarm(&pcb->stack->wheel, &pcb->timer);
}

/* Not later than the program's patience ends (TCP_USER_TIMEOUT). */
static uint64_t within_user_timeout(const struct tcp_pcb *pcb, uint64_t at_ns)
{
	if (LIKELY(pcb->prefs.user_timeout_ms == 0) || pcb->stuck_ns == 0)
		return at_ns;
	return min_u64(at_ns, pcb->stuck_ns + pcb->prefs.user_timeout_ms * MS_NS);
}

void tcp_timer_rexmit(struct tcp_pcb *pcb)
{
	uint64_t at = pcb->stack->now_ns + tcp_rtt_rto_ns(&pcb->rtt);

	tcp_timer_set(pcb, TCP_TIMER_REXMIT, within_user_timeout(pcb, at));
}

uint64_t tcp_fin_timeout_ns(const struct tcp_pcb *pcb)
{
	uint32_t own = pcb->prefs.linger2_s > 0 ? (uint32_t)pcb->prefs.linger2_s : 0;

	return (own ? own : pcb->stack->tcp->limits.fin_timeout_s) * S_NS;
}

void tcp_timer_persist(struct tcp_pcb *pcb)
{
	uint64_t wait = pcb->rtt.rto_ns << min_u32(pcb->probes, 16);
	uint64_t at = pcb->stack->now_ns + min_u64(wait, TCP_PERSIST_MAX_NS);

	if (!tcp_timer_on(pcb, TCP_TIMER_PERSIST))
		tcp_timer_set(pcb, TCP_TIMER_PERSIST, within_user_timeout(pcb, at));
}

void tcp_timer_keep(struct tcp_pcb *pcb)
{
	uint64_t wait = pcb->keep_sent ? pcb->prefs.keep_intvl_s : pcb->prefs.keep_idle_s;

	/* In TIME-WAIT the entry answers: the pcb sends no more. */
	if (!(pcb->flags & PCBF_KEEPALIVE) || !tcp_pcb_synchronised(pcb) ||
	    pcb->state == TCPS_TIME_WAIT) {
		tcp_timer_stop(pcb, TCP_TIMER_KEEP);
		return;
	}
	tcp_timer_set(pcb, TCP_TIMER_KEEP, pcb->stack->now_ns + wait * S_NS);
}

/* The connection has made no progress for longer than the program wants to wait? */
static bool user_timeout_over(const struct tcp_pcb *pcb)
{
	return pcb->prefs.user_timeout_ms != 0 && pcb->stuck_ns != 0 &&
	       pcb->stack->now_ns - pcb->stuck_ns >= pcb->prefs.user_timeout_ms * MS_NS;
}

static void give_up(struct tcp_pcb *pcb)
{
	pcb->stack->tcp->cnt.timeouts++;
	/* RFC 5461: what ICMP said is more telling than "timed out". */
	tcp_pcb_fail(pcb, pcb->soft_err ? pcb->soft_err : ETIMEDOUT);
}

static unsigned orphan_limit(const struct tcp_pcb *pcb)
{
	uint32_t n = pcb->stack->tcp->limits.orphan_retries;

	return n ? n : TCP_ORPHAN_REXMIT_MAX;
}

static unsigned rexmit_limit(const struct tcp_pcb *pcb)
{
	const struct tcp_limits *lim = &pcb->stack->tcp->limits;

	if (pcb->state == TCPS_SYN_SENT)
		return pcb->prefs.syn_cnt ? pcb->prefs.syn_cnt : lim->syn_retries;
	if (pcb->state == TCPS_SYN_RECEIVED)
		return pcb->prefs.syn_cnt ? pcb->prefs.syn_cnt : lim->synack_retries;
	if (pcb->flags & PCBF_ORPHAN)
		return orphan_limit(pcb);
	/* The program's own time counts instead of ours (RFC 5482 3.2). */
	return pcb->prefs.user_timeout_ms ? UINT8_MAX : lim->retries2;
}

static void on_rexmit(struct tcp_pcb *pcb)
{
	if (pcb->snd_una == pcb->snd_nxt && pcb->state != TCPS_SYN_RECEIVED)
		return;
	if (UNLIKELY(pcb->flags & PCBF_HELD)) {
		tcp_hold_fail(pcb, ETIMEDOUT);
		return;
	}
	if (pcb->stuck_ns == 0)
		pcb->stuck_ns = pcb->stack->now_ns;
	if (pcb->rexmits >= rexmit_limit(pcb) || user_timeout_over(pcb)) {
		give_up(pcb);
		return;
	}
	if (pcb->rexmits < UINT8_MAX)
		pcb->rexmits++;
	pcb->stack->tcp->cnt.rto++;
	pcb->flags &= ~PCBF_TIMING; /* Karn */
	tcp_rtt_backoff(&pcb->rtt);
	if (pcb->state == TCPS_SYN_SENT || pcb->state == TCPS_SYN_RECEIVED) {
		pcb->flags |= PCBF_SYN_RTX;
		tcp_emit_syn(pcb);
	} else {
		if (pcb->rexmits >= pcb->stack->tcp->limits.retries1)
			tcp_pmtud_doubt(pcb);
		tcp_recovery_timeout(pcb);
		tcp_output(pcb);
	}
	if (!(pcb->flags & PCBF_DEAD) && pcb->state != TCPS_CLOSED)
		tcp_timer_rexmit(pcb);
}

/* RFC 8985 7.3: silence for long; a probe, and the retransmission timer begins anew. */
static void on_probe(struct tcp_pcb *pcb)
{
	if (pcb->snd_una == pcb->snd_nxt || pcb->recovery != TCP_REC_OPEN)
		return;
	pcb->stack->tcp->cnt.tail_probes++;
	tcp_output_probe(pcb);
	tcp_timer_rexmit(pcb);
}

/* Zero-length, below the window: must be answered by an ACK (RFC 9293 3.10.7.4 first). */
static void probe(struct tcp_pcb *pcb)
{
	struct tcp_emit e = {.seq = pcb->snd_una - 1, .tcp_flags = TCP_ACK, .how = TCP_EMIT_PROBE};
	int sent = tcp_emit(pcb, &e);

	/* Without a buffer the next one goes: the timer is armed again by who called. */
	(void)sent;
}

static void on_persist(struct tcp_pcb *pcb)
{
	struct tcp *t = pcb->stack->tcp;

	if (pcb->snd_una != pcb->snd_nxt || tcp_pcb_snd_end(pcb) == pcb->snd_nxt)
		return;
	if (pcb->snd_wnd > 0) {
		/* Held back as too small: it has waited long enough (RFC 9293 3.8.6.2.1). */
		pcb->flags |= PCBF_OVERRIDE;
		pcb->flags &= ~PCBF_UNPUSHED;
		tcp_output(pcb);
		return;
	}
	if (pcb->stuck_ns == 0)
		pcb->stuck_ns = pcb->stack->now_ns;
	/* MUST stay open as long as the peer answers; nobody waits for an orphan. */
	if (user_timeout_over(pcb) ||
	    ((pcb->flags & PCBF_ORPHAN) && pcb->probes >= orphan_limit(pcb)) ||
	    (pcb->probes_unanswered >= t->limits.retries2)) {
		give_up(pcb);
		return;
	}
	if (pcb->probes < UINT8_MAX)
		pcb->probes++;
	pcb->probes_unanswered++;
	t->cnt.persist_probes++;
	probe(pcb);
	tcp_timer_persist(pcb);
}

/* TCP_USER_TIMEOUT, when set, counts in place of the number of probes (tcp(7)). */
static bool keep_over(const struct tcp_pcb *pcb)
{
	if (pcb->prefs.user_timeout_ms == 0)
		return pcb->keep_sent >= pcb->prefs.keep_cnt;
	return pcb->keep_sent > 0 &&
	       pcb->stack->now_ns - pcb->last_rx_ns >= pcb->prefs.user_timeout_ms * MS_NS;
}

static void on_keep(struct tcp_pcb *pcb)
{
	uint64_t now = pcb->stack->now_ns;
	uint64_t due = pcb->last_rx_ns + pcb->prefs.keep_idle_s * S_NS;

	/* Data in flight is watched by the retransmission timer (RFC 9293 3.8.4). */
	if (pcb->snd_una != pcb->snd_nxt || tcp_timer_on(pcb, TCP_TIMER_PERSIST)) {
		pcb->keep_sent = 0;
		tcp_timer_set(pcb, TCP_TIMER_KEEP, now + pcb->prefs.keep_idle_s * S_NS);
		return;
	}
	if (due > now) {
		pcb->keep_sent = 0;
		tcp_timer_set(pcb, TCP_TIMER_KEEP, due);
		return;
	}
	if (keep_over(pcb)) {
		pcb->stack->tcp->cnt.keepalive_drops++;
		tcp_send_rst(pcb);
		give_up(pcb);
		return;
	}
	pcb->keep_sent++;
	pcb->stack->tcp->cnt.keepalive_probes++;
	probe(pcb);
	tcp_timer_keep(pcb);
}

static void on_delack(struct tcp_pcb *pcb)
{
	if (!(pcb->flags & (PCBF_ACK_LATER | PCBF_ACK_NOW)))
		return;
	pcb->stack->tcp->cnt.delayed_acks++;
	pcb->flags |= PCBF_ACK_NOW;
	tcp_output(pcb);
}

static void on_linger(struct tcp_pcb *pcb)
{
	/* FIN-WAIT-2 is closed without a word; before it, data would be lost: tell the peer. */
	if (pcb->state == TCPS_FIN_WAIT_2) {
		tcp_pcb_finish(pcb);
		return;
	}
	tcp_send_rst(pcb);
	give_up(pcb);
}

static void on_retry(struct tcp_pcb *pcb)
{
	/* A write found no buffer: no ACK need come to say that there are some again. */
	if ((pcb->flags & PCBF_WANT_WRITE) && tcp_snd_space(pcb) > 0) {
		pcb->flags &= ~PCBF_WANT_WRITE;
		pcb->events |= TCP_EV_WRITABLE;
	}
	tcp_output(pcb);
}

static void (*const timer_fn[TCP_TIMER_COUNT])(struct tcp_pcb *pcb) = {
	[TCP_TIMER_REORDER] = tcp_recovery_reorder,
	[TCP_TIMER_PROBE] = on_probe,
	[TCP_TIMER_REXMIT] = on_rexmit,
	[TCP_TIMER_PERSIST] = on_persist,
	[TCP_TIMER_DELACK] = on_delack,
	[TCP_TIMER_KEEP] = on_keep,
	[TCP_TIMER_LINGER] = on_linger,
	[TCP_TIMER_RETRY] = on_retry,
	[TCP_TIMER_PACE] = tcp_output,
};

static void rearm(struct tcp_pcb *pcb)
{
	uint64_t next = TCP_TIMER_OFF;

	for (unsigned i = 0; i < TCP_TIMER_COUNT; i++)
		next = min_u64(next, pcb->deadline[i]);
	if (next != TCP_TIMER_OFF && (!wheel_armed(&pcb->timer) || next < pcb->timer.expires_ns))
		wheel_arm(&pcb->stack->wheel, &pcb->timer, next);
}

static void on_wheel(void *ctx, struct wheel_timer *t)
{
	struct tcp_pcb *pcb = CONTAINER_OF(t, struct tcp_pcb, timer);
	struct stack *s = ctx;

	tcp_enter(s);
	for (unsigned i = 0; i < TCP_TIMER_COUNT; i++) {
		if (pcb->deadline[i] > s->now_ns)
			continue;
		pcb->deadline[i] = TCP_TIMER_OFF;
		timer_fn[i](pcb);
		if ((pcb->flags & PCBF_DEAD) || pcb->state == TCPS_CLOSED)
			break;
	}
	rearm(pcb);
	tcp_events_deliver(pcb);
	tcp_leave(s);
}

void tcp_timers_init(struct tcp_pcb *pcb)
{
	wheel_timer_init(&pcb->timer, on_wheel);
	for (unsigned i = 0; i < TCP_TIMER_COUNT; i++)
		pcb->deadline[i] = TCP_TIMER_OFF;
}
