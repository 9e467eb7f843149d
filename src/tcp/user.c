/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The user's calls on a connection: SEND, RECEIVE, CLOSE and ABORT of RFC 9293 3.9.1 and 3.10.2
 * to 3.10.5. Called by the socket layer, also from inside an event. Nothing is sent here but RST:
 * output runs at the end of the round, once for all that a round caused.
 */
#include "tcp/output.h"
#include "tcp/pcb.h"
#include "tcp/pressure.h"

#include <errno.h>

/* ---- SEND ---- */

static int may_queue(const struct tcp_pcb *pcb)
{
	if (pcb->err != 0)
		return -pcb->err;
	if (pcb->flags & PCBF_FIN_QUEUED)
		return -EPIPE;
	switch ((enum tcp_state)pcb->state) {
	case TCPS_ESTABLISHED:
	case TCPS_CLOSE_WAIT:
		return 0;
	case TCPS_SYN_SENT:
		return pcb->flags & PCBF_FASTOPEN_WAIT ? 0 : -EAGAIN;
	case TCPS_SYN_RECEIVED:
		return pcb->flags & PCBF_FASTOPEN ? 0 : -EAGAIN;
	case TCPS_CLOSED:
	case TCPS_LISTEN:
		return -ENOTCONN;
	case TCPS_FIN_WAIT_1:
	case TCPS_CLOSING:
	case TCPS_LAST_ACK:
	case TCPS_FIN_WAIT_2:
	case TCPS_TIME_WAIT:
	case TCP_STATE_COUNT:
		break;
	}
	return -EPIPE;
}

uint32_t tcp_snd_queued(const struct tcp_pcb *pcb)
{
	/* The SYN and the FIN have numbers but are no bytes. */
	return seq_gt(pcb->write_seq, pcb->snd_una) && tcp_pcb_may_send(pcb)
		       ? pcb->write_seq - pcb->snd_una
		       : 0;
}

/* The connection's, or its share of the packet pool, which is never nothing. */
static uint32_t snd_limit(const struct tcp_pcb *pcb)
{
	uint64_t share = mbuf_pool_share(pcb->stack->pool);

	if (LIKELY(share >= pcb->snd.limit))
		return pcb->snd.limit;
	return min_u32(pcb->snd.limit, (uint32_t)max_u64(share, MBUF_BIG_ROOM));
}

uint32_t tcp_snd_space(const struct tcp_pcb *pcb)
{
	uint32_t queued = tcp_snd_queued(pcb);
	uint32_t limit = snd_limit(pcb);

	/* Each write behind one that is on its way takes a buffer of its own, be it for one byte.
	 */
	if (may_queue(pcb) < 0 || queued >= limit ||
	    pcb->snd.mem_bytes >= (uint64_t)TCP_SND_MEM_FACTOR * limit)
		return 0;
	return min_u32(limit - queued, tcp_notsent_room(pcb));
}

void tcp_snd_notify(struct tcp_pcb *pcb, uint32_t space)
{
	pcb->snd_notify = pcb->snd_notify ? min_u32(pcb->snd_notify, space) : space;
}

/* draft-ietf-ccwg-bbr 4.1.2.4: nothing but the program held the sender until now. */
static void check_app_limited(struct tcp_pcb *pcb)
{
	uint32_t pipe = tcp_pipe(pcb);

	if (pcb->write_seq == pcb->snd_nxt && pipe < pcb->cc.cwnd && pcb->sent.lost_bytes == 0)
		tcp_rate_app_limited(&pcb->rate, pipe);
}

/*
 * The pool is short: one piece at a time. None at all would hold for ever what waits to be read by
 * a program that first writes what it has read, which is what a proxy does.
 */
static uint32_t shed_write(const struct tcp_pcb *pcb, uint32_t n)
{
	if (tcp_snd_queued(pcb) > 0)
		return 0;
	/* Into a BIG buffer, when there are. */
	if (!mbuf_pool_below(pcb->stack->pool, MBUF_BIG, TCP_SHED_WRITE))
		return min_u32(n, MBUF_BIG_ROOM);
	return min_u32(n, pcb->mss);
}

ssize_t tcp_send(struct tcp_pcb *pcb, const struct iovec *iov, int n_iov, bool more)
{
	struct iov_cursor from = {.iov = iov, .n_iov = n_iov};
	uint32_t space = tcp_snd_space(pcb);
	size_t want = iov_cursor_left(&from);
	int err = may_queue(pcb);
	uint32_t n;

	if (err < 0 || (space == 0 && want > 0)) {
		pcb->flags |= PCBF_WANT_WRITE;
		return err < 0 ? err : -EAGAIN;
	}
	n = want < space ? (uint32_t)want : space;
	if (UNLIKELY(pcb->flags & PCBF_FASTOPEN_WAIT))
		n = min_u32(n, tcp_fastopen_room(pcb));
	if (UNLIKELY(tcp_pool_below(pcb->stack, TCP_SHED_WRITE)))
		n = shed_write(pcb, n);
	if (pcb->cc.has_model)
		check_app_limited(pcb);
	n = tcp_sndbuf_append(&pcb->snd, pcb->stack->pool, pcb->write_seq, &from, n, pcb->mss);
	pcb->write_seq += n;
	pcb->flags &= ~(PCBF_MORE | PCBF_UNPUSHED);
	if (more)
		pcb->flags |= PCBF_MORE | PCBF_UNPUSHED;
	/* Filled to the brim is as good as turned away: the program sees no space. */
	if (n < want || n == space)
		pcb->flags |= PCBF_WANT_WRITE;
	if (UNLIKELY(pcb->flags & PCBF_FASTOPEN_WAIT))
		tcp_connect_start(pcb);
	else if (n > 0)
		tcp_output_later(pcb);
	if (n == 0 && want > 0) {
		/* What is queued and acknowledged wakes the writer, otherwise time does. */
		if (tcp_snd_queued(pcb) == 0)
			tcp_timer_set(pcb, TCP_TIMER_RETRY, pcb->stack->now_ns + TCP_RETRY_NS);
		return -ENOBUFS;
	}
	return (ssize_t)n;
}

/* ---- RECEIVE ---- */

uint32_t tcp_rcv_avail(const struct tcp_pcb *pcb)
{
	return tcp_rcvbuf_bytes(&pcb->rcv);
}

bool tcp_rcv_eof(const struct tcp_pcb *pcb)
{
	return (pcb->flags & PCBF_FIN_RCVD) != 0;
}

int tcp_pending_error(const struct tcp_pcb *pcb)
{
	return pcb->err;
}

static bool receives(const struct tcp_pcb *pcb)
{
	return pcb->state == TCPS_ESTABLISHED || pcb->state == TCPS_FIN_WAIT_1 ||
	       pcb->state == TCPS_FIN_WAIT_2;
}

ssize_t tcp_recv(struct tcp_pcb *pcb, const struct iovec *iov, int n_iov, bool peek)
{
	const struct tcp_limits *lim = &pcb->stack->tcp->limits;
	uint32_t n;

	if (tcp_rcvbuf_bytes(&pcb->rcv) == 0) {
		if (pcb->flags & PCBF_FIN_RCVD)
			return 0;
		if (pcb->err != 0)
			return -pcb->err;
		return pcb->state == TCPS_CLOSED ? -ENOTCONN : -EAGAIN;
	}
	n = tcp_rcvbuf_read(&pcb->rcv, iov, n_iov, peek);
	if (peek || !receives(pcb))
		return (ssize_t)n;
	if (!(pcb->flags & PCBF_RCVBUF_SET) && lim->moderate_rcvbuf)
		tcp_rcvbuf_tune(&pcb->rcv, pcb->stack->now_ns, pcb->rtt.srtt_ns,
				lim->rmem[TCP_MEM_MAX]);
	tcp_window_opened(pcb);
	return (ssize_t)n;
}

/* ---- CLOSE, ABORT ---- */

/* A FIN behind what is queued; the state says so from now on (RFC 9293 3.10.4). */
static void queue_fin(struct tcp_pcb *pcb)
{
	if (pcb->flags & PCBF_FIN_QUEUED)
		return;
	pcb->flags |= PCBF_FIN_QUEUED;
	if (pcb->state == TCPS_ESTABLISHED)
		tcp_set_state(pcb, TCPS_FIN_WAIT_1);
	else if (pcb->state == TCPS_CLOSE_WAIT)
		tcp_set_state(pcb, TCPS_LAST_ACK);
	tcp_output_later(pcb);
}

int tcp_shutdown_send(struct tcp_pcb *pcb)
{
	if (pcb->state < TCPS_SYN_RECEIVED)
		return -ENOTCONN;
	if (pcb->state != TCPS_TIME_WAIT)
		queue_fin(pcb);
	return 0;
}

static void die(struct tcp_pcb *pcb)
{
	pcb->events = TCP_EV_GONE;
	tcp_pcb_kill(pcb);
}

static void become_orphan(struct tcp_pcb *pcb)
{
	struct tcp *t = pcb->stack->tcp;

	pcb->flags |= PCBF_ORPHAN;
	pcb->flags &= ~(PCBF_CORK | PCBF_MORE | PCBF_UNPUSHED);
	t->n_orphans++;
	queue_fin(pcb);
	/* Arms what FIN-WAIT-2 needs without a reader. */
	tcp_set_state(pcb, tcp_state(pcb));
}

/* What was written in this round goes ahead of the RST, as far as the windows let it: a program
 * that writes and resets expects the peer to see both. */
static void send_last_and_rst(struct tcp_pcb *pcb)
{
	if (seq_gt(pcb->write_seq, pcb->snd_nxt))
		tcp_output(pcb);
	tcp_send_rst(pcb);
}

static void close_pcb(struct tcp_pcb *pcb)
{
	struct tcp *t = pcb->stack->tcp;
	bool unread = tcp_rcvbuf_bytes(&pcb->rcv) > 0;

	if (pcb->state < TCPS_SYN_RECEIVED || pcb->state == TCPS_TIME_WAIT) {
		die(pcb);
		return;
	}
	/* RFC 2525 2.17: data that nobody read is lost, and the peer has to know. The same when
	 * there are more orphans than we want to keep. */
	if (unread || (pcb->flags & PCBF_HELD) || t->n_orphans >= t->limits.orphans) {
		if (!(pcb->state == TCPS_LAST_ACK && tcp_pcb_fin_acked(pcb)))
			send_last_and_rst(pcb);
		die(pcb);
		return;
	}
	/* TCP_LINGER2 below 0: nobody waits for the peer's FIN. */
	if (pcb->prefs.linger2_s < 0 && pcb->state == TCPS_FIN_WAIT_2) {
		tcp_send_rst(pcb);
		die(pcb);
		return;
	}
	become_orphan(pcb);
}

void tcp_close(struct tcp_pcb *pcb)
{
	struct stack *s = pcb->stack;

	tcp_enter(s);
	if (!(pcb->flags & (PCBF_DEAD | PCBF_ORPHAN)))
		close_pcb(pcb);
	if (pcb->events & TCP_EV_GONE)
		tcp_events_deliver(pcb);
	tcp_leave(s);
}

void tcp_abort(struct tcp_pcb *pcb)
{
	struct stack *s = pcb->stack;

	tcp_enter(s);
	if (!(pcb->flags & PCBF_DEAD)) {
		pcb->so = NULL;
		if (pcb->state >= TCPS_SYN_RECEIVED && pcb->state != TCPS_TIME_WAIT)
			send_last_and_rst(pcb);
		tcp_pcb_kill(pcb);
	}
	tcp_leave(s);
}
