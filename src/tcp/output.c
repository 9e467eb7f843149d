/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What to send (RFC 9293 3.8.6, 3.7.4; RFC 5681 3, 4; RFC 8985 7.3): lost data first, then new data
 * as far as the peer's window, cwnd and Nagle allow, then the acknowledgement if no segment carried
 * it. Runs in the output phase of a round, once for each connection that asked (tcp_output_later),
 * and from timers.
 */
#include "tcp/output.h"
#include "tcp/pace.h"
#include "tcp/pcb.h"
#include "tcp/recovery.h"

#include <errno.h>

/* Packets of one connection in one go; the rest follows in the next pass. */
#define BURST_MAX 64u

void tcp_output_later(struct tcp_pcb *pcb)
{
	stack_defer(pcb->stack, &pcb->work);
}

void tcp_ack_now(struct tcp_pcb *pcb)
{
	pcb->flags |= PCBF_ACK_NOW;
	tcp_output_later(pcb);
}

void tcp_output_work(struct stack *s, struct stack_work *w)
{
	struct tcp_pcb *pcb = CONTAINER_OF(w, struct tcp_pcb, work);

	tcp_enter(s);
	tcp_output(pcb);
	tcp_events_deliver(pcb);
	tcp_leave(s);
}

uint32_t tcp_notsent_room(const struct tcp_pcb *pcb)
{
	uint32_t low = pcb->prefs.notsent_lowat ? pcb->prefs.notsent_lowat
						: pcb->stack->tcp->limits.notsent_lowat;
	uint32_t unsent = pcb->write_seq - pcb->snd_nxt;

	return low > unsent ? low - unsent : 0;
}

bool tcp_notsent_low(const struct tcp_pcb *pcb)
{
	uint32_t low = pcb->prefs.notsent_lowat ? pcb->prefs.notsent_lowat
						: pcb->stack->tcp->limits.notsent_lowat;

	return (pcb->write_seq - pcb->snd_nxt) < low / 2 + low % 2;
}

uint32_t tcp_pipe(const struct tcp_pcb *pcb)
{
	uint32_t flight = pcb->snd_nxt - pcb->snd_una;
	uint32_t gone = pcb->sent.sacked_bytes + pcb->sent.lost_bytes + pcb->dup_bytes;

	return flight > gone ? flight - gone : 0;
}

/* ---- again ---- */

/* Send a range that may end with the FIN. The range may shrink when buffers are short. */
static int send_range(struct tcp_pcb *pcb, struct tcp_range *r)
{
	struct tcp_emit e = {.seq = r->seq, .tcp_flags = TCP_ACK, .how = TCP_EMIT_REXMIT};
	int n;

	e.len = r->end - r->seq;
	if (seq_gt(r->end, pcb->write_seq)) {
		e.len = pcb->write_seq - r->seq;
		e.tcp_flags |= TCP_FIN;
	}
	if (e.len > 0 && r->seq + e.len == pcb->write_seq)
		e.tcp_flags |= TCP_PSH;
	n = tcp_emit(pcb, &e);
	if (n >= 0 && (uint32_t)n < e.len)
		r->end = r->seq + (uint32_t)n;
	return n;
}

static uint32_t packet_max(const struct tcp_pcb *pcb)
{
	return tcp_pace_len(pcb, tcp_emit_max(pcb));
}

static int send_again(struct tcp_pcb *pcb)
{
	uint32_t mss = pcb->mss;

	for (unsigned i = 0; i < BURST_MAX && pcb->sent.lost_bytes > 0; i++) {
		bool force = (pcb->flags & PCBF_FORCE_RTX) != 0;
		uint32_t pipe = tcp_pipe(pcb);
		uint32_t room = pcb->cc.cwnd > pipe ? pcb->cc.cwnd - pipe : 0;
		struct tcp_range r;
		int n;

		if (room < mss && !force) {
			pcb->flags |= PCBF_CWND_LIMITED;
			return 0;
		}
		if (!tcp_pace_ready(pcb) && !force) {
			tcp_pace_wait(pcb);
			return 0;
		}
		room = room < mss ? mss : min_u32(room - room % mss, packet_max(pcb));
		if (!tcp_sent_next_lost(&pcb->sent, room, &r))
			return 0;
		n = send_range(pcb, &r);
		if (n < 0)
			return n;
		pcb->flags &= ~PCBF_FORCE_RTX;
		if (pcb->sent.sacked_bytes > 0)
			pcb->stack->tcp->cnt.sack_rexmits++;
	}
	return 0;
}

/* ---- new data ---- */

/* What stands between the program's data and the wire, counted from SND.NXT. */
struct budget {
	uint32_t avail;  /* queued */
	uint32_t window; /* the peer takes */
	uint32_t room;   /* cwnd leaves */
};

static struct budget budget_of(const struct tcp_pcb *pcb)
{
	uint32_t edge = pcb->snd_una + pcb->snd_wnd;
	uint32_t pipe = tcp_pipe(pcb);

	return (struct budget){
		.avail = pcb->write_seq - pcb->snd_nxt,
		.window = seq_gt(edge, pcb->snd_nxt) ? edge - pcb->snd_nxt : 0,
		.room = pcb->cc.cwnd > pipe ? pcb->cc.cwnd - pipe : 0,
	};
}

/* May the part below a full segment, the last of len bytes, go now? RFC 9293 3.7.4 and 3.8.6.2.1,
 * Nagle as refined by Minshall: only a small segment in flight holds the next one back. */
static bool small_may_go(const struct tcp_pcb *pcb, uint32_t len, uint32_t part,
			 const struct budget *b)
{
	if (pcb->flags & PCBF_OVERRIDE)
		return true;
	if (len < b->avail) /* cut by the window: worth it only if it is much for this peer */
		return len == b->window && part >= pcb->snd_wnd_max / 2;
	if (pcb->flags & PCBF_FIN_QUEUED)
		return true;
	if (pcb->flags & (PCBF_CORK | PCBF_MORE))
		return false;
	if (pcb->flags & PCBF_NODELAY)
		return true;
	return seq_leq(pcb->snd_small, pcb->snd_una);
}

/* How much of the budget makes one packet, 0: nothing now. */
static uint32_t packet_len(struct tcp_pcb *pcb, const struct budget *b)
{
	uint32_t mss = pcb->mss;
	uint32_t len = min_u32(min_u32(b->avail, b->window), packet_max(pcb));
	uint32_t part;

	if (len > b->room) {
		pcb->flags |= PCBF_CWND_LIMITED;
		len = b->room - b->room % mss;
	}
	part = len % mss;
	if (part != 0 && !small_may_go(pcb, len, part, b))
		len -= part;
	return len;
}

static bool fin_may_go(const struct tcp_pcb *pcb, uint32_t len, const struct budget *b)
{
	return (pcb->flags & PCBF_FIN_QUEUED) && len == b->avail && b->window > len;
}

static int send_one(struct tcp_pcb *pcb, uint32_t len, const struct budget *b)
{
	struct tcp_emit e = {.seq = pcb->snd_nxt, .len = len, .tcp_flags = TCP_ACK};
	int n;

	if (len == b->avail && len > 0 && !(pcb->flags & PCBF_UNPUSHED))
		e.tcp_flags |= TCP_PSH;
	if (fin_may_go(pcb, len, b))
		e.tcp_flags |= TCP_FIN;
	n = tcp_emit(pcb, &e);
	if (n > 0) {
		pcb->flags &= ~PCBF_OVERRIDE;
		if ((uint32_t)n % pcb->mss != 0)
			pcb->snd_small = e.seq + (uint32_t)n;
	}
	return n;
}

static void restart_after_idle(struct tcp_pcb *pcb)
{
	uint64_t rto = tcp_rtt_rto_ns(&pcb->rtt);
	uint64_t idle = pcb->stack->now_ns - pcb->last_data_ns;

	if (pcb->snd_una != pcb->snd_nxt)
		return;
	if (pcb->cc.has_model && pcb->rate.app_limited)
		tcp_cc_on_restart(&pcb->cc, pcb->stack->now_ns, pcb->rate.delivered);
	else if (idle > rto && pcb->last_data_ns != 0 &&
		 pcb->stack->tcp->limits.slow_start_after_idle)
		tcp_cc_on_idle(&pcb->cc, idle, rto, pcb->stack->now_ns);
}

/* 1: more waits, because of BURST_MAX; 0: no more can go; or -errno. */
static int send_new(struct tcp_pcb *pcb)
{
	if (pcb->snd_nxt == tcp_pcb_snd_end(pcb))
		return 0;
	restart_after_idle(pcb);
	for (unsigned i = 0; i < BURST_MAX; i++) {
		struct budget b;
		uint32_t len;
		int n;

		if (pcb->snd_nxt == tcp_pcb_snd_end(pcb))
			return 0;
		b = budget_of(pcb);
		if (UNLIKELY(pcb->pmtud.low != 0)) {
			n = tcp_pmtud_probe(pcb, min_u32(b.avail, b.window), b.room);
			if (n < 0)
				return n;
			b = budget_of(pcb);
		}
		len = packet_len(pcb, &b);
		if (len == 0 && !fin_may_go(pcb, 0, &b))
			return 0;
		if (!tcp_pace_ready(pcb)) {
			tcp_pace_wait(pcb);
			return 0;
		}
		n = send_one(pcb, len, &b);
		if (n < 0)
			return n;
	}
	return 1;
}

/* ---- both ---- */

static int send_all(struct tcp_pcb *pcb)
{
	uint32_t before = pcb->snd_nxt;
	int err = tcp_undo_holds(&pcb->undo) ? 0 : send_again(pcb);

	if (err == 0)
		err = send_new(pcb);
	if (pcb->snd_nxt != before)
		tcp_tlp_arm(pcb);
	return err;
}

/* The way is narrower than we thought: what was sent larger is lost. */
static int on_too_big(struct tcp_pcb *pcb)
{
	int err;

	pcb->dst.gen = 0;
	err = inet_dst_lookup_zone(pcb->stack, pcb->flow.zone, &pcb->flow.remote, &pcb->dst);
	if (err < 0)
		return err;
	tcp_pcb_update_mss(pcb);
	return send_all(pcb);
}

/* Data waits and nothing is in flight that an ACK could come for: a timer has to see to it. */
static void keep_alive_without_flight(struct tcp_pcb *pcb)
{
	if (pcb->snd_una == pcb->snd_nxt && tcp_pcb_snd_end(pcb) != pcb->snd_nxt)
		tcp_timer_persist(pcb);
}

static void retry_later(struct tcp_pcb *pcb, int err)
{
	uint64_t wait = TCP_RETRY_NS;

	/* Also a way too narrow for the smallest segment: only routing can change that. */
	if (err == -ENETUNREACH || err == -EHOSTUNREACH || err == -EMSGSIZE) {
		pcb->soft_err = -err;
		wait = TCP_NO_ROUTE_NS;
	}
	tcp_timer_set(pcb, TCP_TIMER_RETRY, pcb->stack->now_ns + wait);
}

static bool may_send(const struct tcp_pcb *pcb)
{
	return tcp_pcb_may_send(pcb) && pcb->state != TCPS_TIME_WAIT;
}

void tcp_output(struct tcp_pcb *pcb)
{
	int err;

	if (pcb->state < TCPS_SYN_RECEIVED || pcb->state == TCPS_TIME_WAIT)
		return;
	err = tcp_pcb_route(pcb);
	pcb->flags &= ~PCBF_CWND_LIMITED;
	if (err == 0 && may_send(pcb)) {
		err = send_all(pcb);
		if (err == -EMSGSIZE)
			err = on_too_big(pcb);
	}
	if (err > 0)
		tcp_output_later(pcb);
	else if (err < 0)
		retry_later(pcb, err);
	if (pcb->flags & PCBF_ACK_NOW)
		tcp_emit_ack(pcb);
	if (may_send(pcb))
		keep_alive_without_flight(pcb);
}

/* ---- tail loss probe ---- */

/* The highest segment that was sent, by the segment size of today. */
static struct tcp_range last_segment(const struct tcp_pcb *pcb)
{
	const struct tcp_tx *tx = tcp_sent_find(&pcb->sent, pcb->snd_nxt - 1);
	uint32_t len = tx ? tx->end - tx->seq : pcb->snd_nxt - pcb->snd_una;
	uint32_t part = len % pcb->mss;

	return (struct tcp_range){pcb->snd_nxt - (part ? part : pcb->mss), pcb->snd_nxt};
}

/* Unsent data that may go as the probe; what the program holds back stays. */
static uint32_t probe_len(const struct tcp_pcb *pcb)
{
	struct budget b = budget_of(pcb);
	uint32_t len = min_u32(min_u32(b.avail, b.window), pcb->mss);

	if (pcb->snd_nxt == tcp_pcb_snd_end(pcb))
		return 0; /* the FIN too is out */
	return len < pcb->mss && (pcb->flags & (PCBF_CORK | PCBF_MORE)) ? 0 : len;
}

void tcp_output_probe(struct tcp_pcb *pcb)
{
	struct budget b = budget_of(pcb);
	struct tcp_range r;
	uint32_t len;
	int err = tcp_pcb_route(pcb);

	if (err == 0) {
		len = probe_len(pcb);
		r = last_segment(pcb);
		pcb->rack.tlp_rexmit = len == 0;
		err = len > 0 ? send_one(pcb, len, &b) : send_range(pcb, &r);
	}
	/* Not sent: the retransmission timer sees to it. */
	if (err < 0)
		return;
	pcb->rack.tlp_out = true;
	pcb->rack.tlp_end = pcb->snd_nxt;
}
