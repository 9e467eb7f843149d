/* SPDX-License-Identifier: BSD-2-Clause */
/* RACK-TLP (RFC 8985): reordering window, its growth by D-SACK, lost retransmissions, the probe. */
#include "tcpkit.h"

#include "tcp/pcb.h"

#define RTT (40 * MS)

static uint32_t mss_of(const struct tk *tk)
{
	return (tk->v6 ? 1440u : 1460u) - 12;
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

/* Below n, [from, to) arrived twice. */
static void dsack(struct tk *tk, uint32_t n, uint32_t from, uint32_t to)
{
	sack(tk, n, from, to);
}

/* A connection that has measured RTT; the next byte is 101. */
static void connect_rtt(struct tk *tk)
{
	tk_connect(tk, NULL);
	ack(tk, 1); /* the window of the SYN is not the one that the others have */
	tk_send(tk, 1, 100);
	tk_advance(tk, RTT);
	ack(tk, 101);
	tk_forget(tk);
	tk->pcb->rtt.srtt_ns = RTT;
	tk->pcb->rtt.rttvar_ns = RTT / 4;
	tcp_rtt_init(&tk->pcb->rtt);
	tcp_rtt_sample(&tk->pcb->rtt, RTT, 1, tk->s->now_ns);
}

/* n segments from 101 on, 1 ms apart. */
static uint32_t fly(struct tk *tk, unsigned n)
{
	uint32_t mss = mss_of(tk);

	for (unsigned i = 0; i < n; i++) {
		if (i > 0)
			tk_advance(tk, 1 * MS);
		assert_int_equal(tk_send(tk, 101 + i * mss, mss), mss);
	}
	assert_int_equal(tk->inet.n_sent, n);
	tk_forget(tk);
	return mss;
}

/* One later segment has arrived: a quarter of the minimal RTT is left for the earlier ones. */
static void window_of_a_quarter(void **state)
{
	struct tk *tk = *state;
	uint32_t mss;

	connect_rtt(tk);
	mss = fly(tk, 3);
	tk_advance(tk, RTT);
	sack(tk, 101, 101 + 2 * mss, 101 + 3 * mss);
	tk_expect_none(tk);
	/* The first left 2 ms before the third; both are overdue by the window. */
	tk_advance(tk, 7 * MS);
	tk_expect_none(tk);
	tk_advance(tk, 2 * MS);
	tk_expect(tk, TCP_ACK, 101, 1, mss);
	assert_int_equal(tcp_counters(tk->s)->fast_recovery, 1);
	tk_forget(tk);
	tcp_abort(tk->pcb);
}

/* Within the window the order is repaired by itself: nothing is sent, and it is remembered. */
static void reordering(void **state)
{
	struct tk *tk = *state;
	uint32_t mss;

	connect_rtt(tk);
	mss = fly(tk, 6);
	tk_advance(tk, RTT);
	sack(tk, 101, 101 + mss, 101 + 2 * mss);
	tk_advance(tk, 3 * MS);
	ack(tk, 101 + 2 * mss);
	assert_true(tk->pcb->rack.reordering_seen);
	/* Three duplicates do not hurry it any longer (6.2 step 4). */
	for (uint32_t i = 3; i <= 5; i++)
		sack(tk, 101 + 2 * mss, 101 + 3 * mss, 101 + (i + 1) * mss);
	tk_expect_none(tk);
	assert_int_equal(tk->pcb->recovery, TCP_REC_OPEN);
	tk_advance(tk, 20 * MS);
	tk_expect(tk, TCP_ACK, 101 + 2 * mss, 1, mss);
	tk_expect_none(tk);
	tcp_abort(tk->pcb);
}

/* As long as no reordering was seen, three duplicates mean loss at once. */
static void three_duplicates(void **state)
{
	struct tk *tk = *state;
	uint32_t mss;

	connect_rtt(tk);
	mss = fly(tk, 5);
	tk_advance(tk, RTT);
	sack(tk, 101, 101 + mss, 101 + 2 * mss);
	sack(tk, 101, 101 + mss, 101 + 3 * mss);
	tk_expect_none(tk);
	sack(tk, 101, 101 + mss, 101 + 4 * mss);
	tk_expect(tk, TCP_ACK, 101, 1, mss);
	tcp_abort(tk->pcb);
}

/* A retransmission that is lost again is seen, without a timeout, by what was sent after it. */
static void lost_retransmission(void **state)
{
	struct tk *tk = *state;
	uint32_t mss;

	connect_rtt(tk);
	mss = fly(tk, 8);
	tk_advance(tk, RTT);
	sack(tk, 101, 101 + mss, 101 + 4 * mss);
	tk_expect(tk, TCP_ACK, 101, 1, mss);
	tk_advance(tk, 1 * MS);
	sack(tk, 101, 101 + mss, 101 + 8 * mss);
	/* New data leaves after the retransmission. */
	assert_int_equal(tk_send(tk, 101 + 8 * mss, mss), mss);
	tk_expect(tk, TCP_ACK | TCP_PSH, 101 + 8 * mss, 1, mss);
	tk_advance(tk, RTT);
	sack(tk, 101, 101 + mss, 101 + 9 * mss);
	tk_expect(tk, TCP_ACK, 101, 1, mss);
	assert_int_equal(tcp_counters(tk->s)->rto, 0);
	assert_int_equal(tcp_counters(tk->s)->fast_recovery, 1);
	tk_advance(tk, RTT);
	ack(tk, 101 + 9 * mss);
	assert_int_equal(tk->pcb->recovery, TCP_REC_OPEN);
	tcp_abort(tk->pcb);
}

/* D-SACK: each round that has one widens the window by a quarter, 16 recoveries end it (6.2). */
static void dsack_widens(void **state)
{
	struct tk *tk = *state;

	connect_rtt(tk);
	for (uint32_t i = 1; i <= 3; i++) {
		uint32_t at = 101 + (i - 1) * 10;

		tk_send(tk, at, 10);
		tk_advance(tk, 1 * MS);
		dsack(tk, at, at - 10, at);
		dsack(tk, at, at - 10, at); /* the same round */
		assert_int_equal(tk->pcb->rack.reo_mult, 1 + i);
		ack(tk, at + 10);
	}
	for (unsigned i = 0; i < 15; i++)
		tcp_rack_on_recovered(&tk->pcb->rack);
	assert_int_equal(tk->pcb->rack.reo_mult, 4);
	tcp_rack_on_recovered(&tk->pcb->rack);
	assert_int_equal(tk->pcb->rack.reo_mult, 1);
	tk_forget(tk);
	tcp_abort(tk->pcb);
}

/* ---- tail loss probe ---- */

/* The tail is lost: two round trips later the last segment goes again, and SACK tells the rest. */
static void probe_tail(void **state)
{
	struct tk *tk = *state;
	uint32_t mss;

	connect_rtt(tk);
	mss = fly(tk, 5);
	tk_advance(tk, 2 * RTT - 2 * MS);
	tk_expect_none(tk);
	tk_advance(tk, 6 * MS);
	tk_expect(tk, TCP_ACK | TCP_PSH, 101 + 4 * mss, 1, mss);
	tk_expect_none(tk);
	assert_int_equal(tcp_counters(tk->s)->tail_probes, 1);
	/* Only once. */
	tk_advance(tk, RTT);
	tk_expect_none(tk);
	sack(tk, 101 + 2 * mss, 101 + 4 * mss, 101 + 5 * mss);
	tk_expect(tk, TCP_ACK, 101 + 2 * mss, 1, 2 * mss);
	assert_int_equal(tcp_counters(tk->s)->fast_recovery, 1);
	assert_int_equal(tcp_counters(tk->s)->rto, 0);
	tk_advance(tk, RTT);
	ack(tk, 101 + 5 * mss);
	assert_int_equal(tk->pcb->recovery, TCP_REC_OPEN);
	tcp_abort(tk->pcb);
}

/* New data is the better probe, even beyond cwnd. */
static void probe_new_data(void **state)
{
	struct tk *tk = *state;
	uint32_t mss = mss_of(tk), cwnd;

	connect_rtt(tk);
	cwnd = tk->pcb->cc.cwnd / mss * mss;
	tk_send(tk, 101, cwnd + 2 * mss);
	tk_forget(tk);
	assert_int_equal(tk->pcb->snd_nxt - tk->iss, 101 + cwnd);
	tk_advance(tk, 2 * RTT + 6 * MS);
	tk_expect(tk, TCP_ACK, 101 + cwnd, 1, mss);
	tk_expect_none(tk);
	assert_false(tk->pcb->rack.tlp_rexmit);
	ack(tk, 101 + cwnd + mss);
	assert_false(tk->pcb->rack.tlp_out);
	tk_forget(tk);
	tcp_abort(tk->pcb);
}

/* One segment in flight: the peer may delay its acknowledgement, the probe waits for that. */
static void probe_waits_for_delayed_ack(void **state)
{
	struct tk *tk = *state;

	connect_rtt(tk);
	tk->pcb->rtt.rto_ns = 1 * S;
	tk_send(tk, 101, 100);
	tk_forget(tk);
	tk_advance(tk, 2 * RTT + 190 * MS);
	tk_expect_none(tk);
	tk_advance(tk, 20 * MS);
	tk_expect(tk, TCP_ACK | TCP_PSH, 101, 1, 100);
	tcp_abort(tk->pcb);
}

/* The probe was the only copy that arrived: a loss that congestion control hears of (7.4.2). */
static void probe_repairs(void **state)
{
	struct tk *tk = *state;
	uint32_t mss, before;

	connect_rtt(tk);
	mss = fly(tk, 5);
	before = tk->pcb->cc.cwnd;
	tk_advance(tk, 2 * RTT + 6 * MS);
	tk_expect(tk, TCP_ACK | TCP_PSH, 101 + 4 * mss, 1, mss);
	/* New data goes on; the acknowledgement passes the end of the probe without a D-SACK. */
	assert_int_equal(tk_send(tk, 101 + 5 * mss, mss), mss);
	tk_forget(tk);
	tk_advance(tk, RTT);
	ack(tk, 101 + 6 * mss);
	assert_int_equal(tcp_counters(tk->s)->tail_repaired, 1);
	assert_true(tk->pcb->cc.cwnd < before);
	tcp_abort(tk->pcb);
}

/* ... and a D-SACK says that the original had arrived: no loss, no wider window. */
static void probe_was_needless(void **state)
{
	struct tk *tk = *state;
	uint32_t mss, before;

	connect_rtt(tk);
	mss = fly(tk, 5);
	before = tk->pcb->cc.cwnd;
	tk_advance(tk, 2 * RTT + 6 * MS);
	tk_expect(tk, TCP_ACK | TCP_PSH, 101 + 4 * mss, 1, mss);
	ack(tk, 101 + 5 * mss);
	dsack(tk, 101 + 5 * mss, 101 + 4 * mss, 101 + 5 * mss);
	assert_false(tk->pcb->rack.tlp_out);
	assert_int_equal(tk->pcb->rack.reo_mult, 1);
	assert_true(tk->pcb->cc.cwnd >= before);
	assert_int_equal(tcp_counters(tk->s)->tail_repaired, 0);
	tcp_abort(tk->pcb);
}

/* No probe without SACK, nor while SACKs tell what is missing. */
static void no_probe(void **state)
{
	static const struct tk_peer no_sack = {.wscale = 7, .no_sack = true};
	struct tk *tk = *state;

	tk_connect(tk, &no_sack);
	tk_send(tk, 1, 100);
	assert_false(tcp_timer_on(tk->pcb, TCP_TIMER_PROBE));
	tk_forget(tk);
	tcp_abort(tk->pcb);
}

static void no_probe_with_sacked(void **state)
{
	struct tk *tk = *state;
	uint32_t mss;

	connect_rtt(tk);
	mss = fly(tk, 4);
	assert_true(tcp_timer_on(tk->pcb, TCP_TIMER_PROBE));
	tk_advance(tk, RTT);
	sack(tk, 101, 101 + 3 * mss, 101 + 4 * mss);
	assert_false(tcp_timer_on(tk->pcb, TCP_TIMER_PROBE));
	assert_true(tcp_timer_on(tk->pcb, TCP_TIMER_REORDER));
	tk_forget(tk);
	tcp_abort(tk->pcb);
}

/* A timeout loses what is overdue, not what has just left (6.3). */
static void timeout_spares_the_young(void **state)
{
	struct tk *tk = *state;
	uint32_t mss;

	connect_rtt(tk);
	tk->pcb->rack.tlp_out = true; /* no probe in this story */
	tk->pcb->rack.tlp_end = tk->pcb->snd_nxt + 100000;
	mss = fly(tk, 3);
	tk_advance(tk, 180 * MS);
	assert_int_equal(tk_send(tk, 101 + 3 * mss, mss), mss);
	tk_forget(tk);
	tk_advance(tk, 30 * MS);
	assert_int_equal(tcp_counters(tk->s)->rto, 1);
	tk_expect(tk, TCP_ACK, 101, 1, mss);
	assert_int_equal(tk->pcb->sent.lost_bytes, 2 * mss);
	tcp_abort(tk->pcb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TK_TEST(window_of_a_quarter),
		TK_TEST(reordering),
		TK_TEST(three_duplicates),
		TK_TEST(lost_retransmission),
		TK_TEST(dsack_widens),
		TK_TEST(probe_tail),
		TK_TEST(probe_new_data),
		TK_TEST(probe_waits_for_delayed_ack),
		TK_TEST(probe_repairs),
		TK_TEST(probe_was_needless),
		TK_TEST(no_probe),
		TK_TEST(no_probe_with_sacked),
		TK_TEST(timeout_spares_the_young),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
