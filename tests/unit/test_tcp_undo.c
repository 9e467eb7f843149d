/* SPDX-License-Identifier: BSD-2-Clause */
/* Reductions that were mistakes: Eifel, D-SACK and F-RTO (RFC 3522, 3708, 4015, 5682). */
#include "tcpkit.h"

#include "tcp/pcb.h"

#define RTT (40 * MS)

static const struct tk_peer no_ts = {.wscale = 7, .no_ts = true};

static uint32_t mss_of(const struct tk *tk)
{
	return tk->pcb->mss;
}

static void ack(struct tk *tk, uint32_t n)
{
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = n});
}

static void sack(struct tk *tk, uint32_t n, uint32_t from, uint32_t to)
{
	tk_in(tk, &(struct tk_seg){
			  .flags = TCP_ACK, .seq = 1, .ack = n, .n_sack = 1, .sack = {{from, to}}});
}

/* Connected, with n segments from 1 on in flight for one round trip. */
static uint32_t fly(struct tk *tk, const struct tk_peer *peer, unsigned n)
{
	tk_connect(tk, peer);
	ack(tk, 1);
	tcp_rtt_init(&tk->pcb->rtt);
	tcp_rtt_sample(&tk->pcb->rtt, RTT, 1, tk->s->now_ns);
	assert_int_equal(tk_send(tk, 1, n * mss_of(tk)), n * mss_of(tk));
	tk_forget(tk);
	tk_advance(tk, RTT);
	return mss_of(tk);
}

/* The first of eight is late; three behind it make the sender send it again. */
static uint32_t enter_fast(struct tk *tk, const struct tk_peer *peer)
{
	uint32_t mss = fly(tk, peer, 8);

	for (uint32_t i = 2; i <= 4; i++)
		sack(tk, 1, 1 + mss, 1 + i * mss);
	assert_int_equal(tk->pcb->recovery, TCP_REC_FAST);
	tk_expect(tk, TCP_ACK, 1, 1, mss);
	assert_true(tk->pcb->cc.ssthresh < 10 * mss);
	return mss;
}

/* The acknowledgement that fills the hole echoes the time of the original. */
static void eifel_in_fast_recovery(void **state)
{
	struct tk *tk = *state;
	uint32_t early, mss;

	mss = enter_fast(tk, NULL);
	early = tk->last_tsval - (uint32_t)(RTT / MS);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1 + 4 * mss, .tsecr = early});
	assert_int_equal(tk->pcb->recovery, TCP_REC_OPEN);
	assert_int_equal(tcp_counters(tk->s)->undone, 1);
	assert_true(tk->pcb->cc.cwnd >= 10 * mss);
	assert_int_equal(tk->pcb->cc.ssthresh, TCP_CC_SSTHRESH_MAX);
	assert_true(tk->pcb->rack.reordering_seen);
	tk_forget(tk);
	tcp_abort(tk->pcb);
}

/* ... that of the copy: the original was lost, and no later echo changes that. */
static void eifel_says_lost(void **state)
{
	struct tk *tk = *state;
	uint32_t mss = enter_fast(tk, NULL);

	tk_advance(tk, RTT);
	ack(tk, 1 + 4 * mss);
	assert_int_equal(tk->pcb->recovery, TCP_REC_FAST);
	assert_false(tk->pcb->undo.eifel);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK,
				   .seq = 1,
				   .ack = 1 + 8 * mss,
				   .tsecr = tk->last_tsval - (uint32_t)(2 * RTT / MS)});
	assert_int_equal(tk->pcb->recovery, TCP_REC_OPEN);
	assert_int_equal(tcp_counters(tk->s)->undone, 0);
	assert_int_equal(tk->pcb->cc.cwnd, tk->pcb->cc.ssthresh);
	tcp_abort(tk->pcb);
}

/* All that was sent again is reported as duplicate, although recovery is over (RFC 3708). */
static void dsack_after_recovery(void **state)
{
	struct tk *tk = *state;
	uint32_t mss = enter_fast(tk, &no_ts);

	ack(tk, 1 + 8 * mss);
	assert_int_equal(tk->pcb->recovery, TCP_REC_OPEN);
	assert_true(tk->pcb->cc.cwnd < 10 * mss);
	/* Part of it is not enough. */
	sack(tk, 1 + 8 * mss, 1, 1 + mss / 2);
	assert_int_equal(tcp_counters(tk->s)->undone, 0);
	sack(tk, 1 + 8 * mss, 1 + mss / 2, 1 + mss);
	assert_int_equal(tcp_counters(tk->s)->undone, 1);
	assert_true(tk->pcb->cc.cwnd >= 10 * mss);
	/* Once. */
	sack(tk, 1 + 8 * mss, 1, 1 + mss);
	assert_int_equal(tcp_counters(tk->s)->undone, 1);
	tcp_abort(tk->pcb);
}

/* The network makes duplicates of its own: more of them than we sent prove nothing. */
static void dsack_of_the_network(void **state)
{
	struct tk *tk = *state;
	uint32_t mss = enter_fast(tk, &no_ts);

	ack(tk, 1 + 8 * mss);
	sack(tk, 1 + 8 * mss, 1 + 4 * mss, 1 + 8 * mss);
	sack(tk, 1 + 8 * mss, 1, 1 + mss);
	assert_int_equal(tcp_counters(tk->s)->undone, 0);
	assert_true(tk->pcb->cc.cwnd < 10 * mss);
	tcp_abort(tk->pcb);
}

/* ---- F-RTO ---- */

/* A timeout with n segments in flight; the head went again. */
static uint32_t time_out(struct tk *tk, unsigned n)
{
	uint32_t mss = fly(tk, &no_ts, n);

	while (tcp_counters(tk->s)->rto == 0)
		tk_advance(tk, 10 * MS);
	tk_forget(tk);
	assert_int_equal(tk->pcb->recovery, TCP_REC_LOSS);
	assert_int_equal(tk->pcb->cc.cwnd, mss);
	return mss;
}

/* The delay was a spike: what follows the head was never sent again and arrives. */
static void frto_spurious(void **state)
{
	struct tk *tk = *state;
	uint32_t mss = time_out(tk, 6), rto = (uint32_t)(tk->pcb->rtt.rto_ns / MS);

	tk_send(tk, 1 + 6 * mss, 4 * mss);
	tk_forget(tk);
	ack(tk, 1 + mss);
	/* Two new ones, not what is thought lost. */
	tk_expect(tk, TCP_ACK, 1 + 6 * mss, 1, 2 * mss);
	tk_expect_none(tk);
	ack(tk, 1 + 2 * mss);
	assert_int_equal(tk->pcb->recovery, TCP_REC_OPEN);
	assert_int_equal(tcp_counters(tk->s)->undone, 1);
	assert_true(tk->pcb->cc.cwnd >= 10 * mss);
	assert_int_equal(tk->pcb->sent.lost_bytes, 0);
	/* RFC 4015: and the timer knows better now. */
	assert_true(tk->pcb->rtt.rto_ns / MS > rto);
	tk_forget(tk);
	tcp_abort(tk->pcb);
}

/* The second acknowledgement is a duplicate: the rest is lost and goes again. */
static void frto_genuine(void **state)
{
	struct tk *tk = *state;
	uint32_t mss = time_out(tk, 6);

	tk_send(tk, 1 + 6 * mss, 4 * mss);
	tk_forget(tk);
	ack(tk, 1 + mss);
	tk_expect(tk, TCP_ACK, 1 + 6 * mss, 1, 2 * mss);
	tk_expect_none(tk);
	sack(tk, 1 + mss, 1 + 6 * mss, 1 + 7 * mss);
	assert_int_equal(tk->pcb->recovery, TCP_REC_LOSS);
	assert_int_equal(tcp_counters(tk->s)->undone, 0);
	tk_expect(tk, TCP_ACK, 1 + mss, 1, mss);
	tk_forget(tk);
	tcp_abort(tk->pcb);
}

/* Nothing new to send: recovery goes on as ever (RFC 5682 3.1 step 2b). */
static void frto_without_new_data(void **state)
{
	struct tk *tk = *state;
	uint32_t mss = time_out(tk, 6);

	ack(tk, 1 + mss);
	tk_expect(tk, TCP_ACK, 1 + mss, 1, 2 * mss);
	assert_int_equal(tk->pcb->recovery, TCP_REC_LOSS);
	tk_forget(tk);
	tcp_abort(tk->pcb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TK_TEST(eifel_in_fast_recovery), TK_TEST(eifel_says_lost),
		TK_TEST(dsack_after_recovery),   TK_TEST(dsack_of_the_network),
		TK_TEST(frto_spurious),          TK_TEST(frto_genuine),
		TK_TEST(frto_without_new_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
