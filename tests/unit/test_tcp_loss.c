/* SPDX-License-Identifier: BSD-2-Clause */
/* Loss and its repair (RFC 5681, RFC 6298, RFC 6582, RFC 6675, RFC 3522). */
#include "tcpkit.h"

#include "tcp/pcb.h"

#include <errno.h>
#include <string.h>

static const struct tk_peer no_sack = {.wscale = 7, .no_sack = true};

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

/* n full segments in flight, each sent in a packet of its own. */
static uint32_t fly(struct tk *tk, unsigned n)
{
	uint32_t mss = mss_of(tk);

	/* The window of the SYN is not the one that the others have. */
	ack(tk, 1);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(tk_send(tk, 1 + i * mss, mss), mss);
	assert_int_equal(tk->inet.n_sent, n);
	tk_forget(tk);
	return mss;
}

static void timeout_backs_off(void **state)
{
	/* The first is the tail loss probe, from which the timeout counts anew (RFC 8985 7.3). */
	static const unsigned gap_ms[] = {200, 200, 400, 800, 1600};
	struct tk *tk = *state;
	uint64_t last;

	tk_connect(tk, NULL);
	last = tk->s->now_ns;
	tk_send(tk, 1, 100);
	tk_forget(tk);
	for (unsigned i = 0; i < ARRAY_LEN(gap_ms); i++) {
		const struct tk_pkt *p;
		uint64_t gap;

		while (tk->inet.n_sent == 0)
			tk_advance(tk, 1 * MS);
		p = tk_expect(tk, TCP_ACK | TCP_PSH, 1, 1, 100);
		gap = (p->at_ns - last) / MS;
		last = p->at_ns;
		assert_true(gap >= gap_ms[i] && gap <= gap_ms[i] + gap_ms[i] / 5 + 5);
	}
	assert_int_equal(tcp_counters(tk->s)->rto, 4);
	assert_int_equal(tk->pcb->cc.cwnd, tk->pcb->mss);
	/* An acknowledgement ends the backoff. */
	ack(tk, 101);
	last = tk->s->now_ns;
	tk_send(tk, 101, 100);
	tk_forget(tk);
	while (tk->inet.n_sent == 0)
		tk_advance(tk, 1 * MS);
	assert_true(tk_sent(tk)->at_ns - last < 40 * S);
	tcp_abort(tk->pcb);
}

static void gives_up(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tk_send(tk, 1, 100);
	/* R2 is at least 100 s (RFC 9293 3.8.3). */
	tk_advance(tk, 100 * S);
	assert_int_equal(tk->so.error, 0);
	tk_advance(tk, 2000 * S);
	assert_int_equal(tk->so.error, 1);
	assert_int_equal(tk->so.err, ETIMEDOUT);
	assert_int_equal(tcp_counters(tk->s)->timeouts, 1);
	assert_int_equal(tk_send(tk, 1, 1), -ETIMEDOUT);
	tcp_close(tk->pcb);
	assert_int_equal(tk->so.gone, 1);
}

static void user_timeout(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_USER_TIMEOUT_MS, 3000), 0);
	tk_send(tk, 1, 100);
	tk_advance(tk, 3 * S);
	assert_int_equal(tk->so.error, 0);
	tk_advance(tk, 5 * S);
	assert_int_equal(tk->so.error, 1);
	assert_int_equal(tk->so.err, ETIMEDOUT);
	tcp_close(tk->pcb);
}

static void three_duplicates(void **state)
{
	struct tk *tk = *state;
	uint32_t mss;

	tk_connect(tk, &no_sack);
	mss = fly(tk, 8);
	for (unsigned i = 0; i < 2; i++) {
		ack(tk, 1);
		tk_expect_none(tk);
	}
	ack(tk, 1);
	tk_expect(tk, TCP_ACK, 1, 1, mss);
	tk_expect_none(tk);
	assert_int_equal(tcp_counters(tk->s)->fast_recovery, 1);
	assert_int_equal(tcp_counters(tk->s)->dup_acks_in, 3);
	/* Partial: the next hole at once (RFC 6582 3.2 step 3). */
	ack(tk, 1 + 3 * mss);
	tk_expect(tk, TCP_ACK, 1 + 3 * mss, 1, mss);
	tk_expect_none(tk);
	ack(tk, 1 + 8 * mss);
	assert_int_equal(tk->pcb->recovery, TCP_REC_OPEN);
	assert_int_equal(tcp_counters(tk->s)->rto, 0);
	tcp_abort(tk->pcb);
}

/* Limited transmit (RFC 3042): the first duplicates let new data out. */
static void limited_transmit(void **state)
{
	struct tk *tk = *state;
	uint32_t mss = mss_of(tk);

	tk_connect(tk, &no_sack);
	ack(tk, 1);
	assert_int_equal(tk_send(tk, 1, 20 * mss), 20 * mss);
	tk_expect(tk, TCP_ACK, 1, 1, 10 * mss);
	ack(tk, 1);
	tk_expect(tk, TCP_ACK, 1 + 10 * mss, 1, mss);
	ack(tk, 1);
	tk_expect(tk, TCP_ACK, 1 + 11 * mss, 1, mss);
	ack(tk, 1);
	tk_expect(tk, TCP_ACK, 1, 1, mss);
	tcp_abort(tk->pcb);
}

/* A segment with data, or with another window, is no duplicate (RFC 5681 2). */
static void not_duplicates(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, &no_sack);
	fly(tk, 5);
	for (uint32_t i = 0; i < 5; i++)
		tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1 + i, .ack = 1, .len = 1});
	for (uint32_t i = 0; i < 5; i++)
		tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 6, .ack = 1, .wnd = 1000 + i});
	assert_int_equal(tcp_counters(tk->s)->fast_recovery, 0);
	assert_int_equal(tcp_counters(tk->s)->dup_acks_in, 0);
	tk_forget(tk);
	tcp_abort(tk->pcb);
}

static void sack_holes(void **state)
{
	struct tk *tk = *state;
	uint32_t mss;

	tk_connect(tk, NULL);
	mss = fly(tk, 10);
	tk_advance(tk, 1 * MS);
	/* 1st and 4th are lost. */
	sack(tk, 1, 1 + mss, 1 + 2 * mss);
	sack(tk, 1, 1 + mss, 1 + 3 * mss);
	tk_expect_none(tk);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK,
				   .seq = 1,
				   .ack = 1,
				   .n_sack = 2,
				   .sack = {{1 + 4 * mss, 1 + 5 * mss}, {1 + mss, 1 + 3 * mss}}});
	tk_expect(tk, TCP_ACK, 1, 1, mss);
	tk_expect_none(tk);
	assert_int_equal(tcp_counters(tk->s)->fast_recovery, 1);
	tk_advance(tk, MS / 2);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK,
				   .seq = 1,
				   .ack = 1,
				   .n_sack = 2,
				   .sack = {{1 + 4 * mss, 1 + 9 * mss}, {1 + mss, 1 + 3 * mss}}});
	/* The second hole, exactly it; PRR lets out no more than has arrived. */
	tk_expect(tk, TCP_ACK, 1 + 3 * mss, 1, mss);
	/* The last one left after all that has arrived: nothing says that it is lost. */
	tk_expect_none(tk);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK,
				   .seq = 1,
				   .ack = 1 + 3 * mss,
				   .n_sack = 1,
				   .sack = {{1 + 4 * mss, 1 + 10 * mss}}});
	tk_expect_none(tk);
	ack(tk, 1 + 10 * mss);
	assert_int_equal(tk->pcb->recovery, TCP_REC_OPEN);
	assert_int_equal(tk->pcb->sent.n, 0);
	assert_int_equal(tcp_counters(tk->s)->retrans_segs, 2);
	assert_int_equal(tcp_counters(tk->s)->sack_rexmits, 2);
	tcp_abort(tk->pcb);
}

static void nonsense_sack(void **state)
{
	struct tk *tk = *state;
	uint32_t mss;

	tk_connect(tk, NULL);
	mss = fly(tk, 5);
	sack(tk, 1, 1 + 3 * mss, 1 + mss);        /* reversed */
	sack(tk, 1, 1 + mss, 1 + 100 * mss);      /* beyond SND.NXT */
	sack(tk, 1, 0x80000000, 0x90000000);      /* far away */
	sack(tk, 1, 0, 0xffffffff);               /* everything */
	sack(tk, 1, 1 + mss, 1 + mss);            /* empty */
	sack(tk, 1, 5 * mss + 1, 5 * mss + 1000); /* not sent */
	tk_expect_none(tk);
	assert_int_equal(tk->pcb->sent.sacked_bytes, 0);
	assert_int_equal(tk->pcb->recovery, TCP_REC_OPEN);
	tcp_abort(tk->pcb);
}

/* After a timeout all that is not SACKed goes again, in slow start. */
static void timeout_with_sack(void **state)
{
	struct tk *tk = *state;
	uint32_t mss;

	tk_connect(tk, NULL);
	mss = fly(tk, 4);
	tk_advance(tk, 300 * MS);
	tk_expect(tk, TCP_ACK | TCP_PSH, 1 + 3 * mss, 1, mss); /* the probe */
	tk_expect(tk, TCP_ACK, 1, 1, mss);
	tk_expect_none(tk);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK,
				   .seq = 1,
				   .ack = 1 + mss,
				   .n_sack = 1,
				   .tsecr = tk->last_tsval,
				   .sack = {{1 + 2 * mss, 1 + 3 * mss}}});
	tk_expect(tk, TCP_ACK, 1 + mss, 1, mss);
	/* Not the third, which is there. */
	tk_expect(tk, TCP_ACK | TCP_PSH, 1 + 3 * mss, 1, mss);
	tk_expect_none(tk);
	ack(tk, 1 + 4 * mss);
	assert_int_equal(tk->pcb->recovery, TCP_REC_OPEN);
	tcp_abort(tk->pcb);
}

/* RFC 2018 8: what was SACKed and then dropped by the peer is sent again. */
static void reneging(void **state)
{
	struct tk *tk = *state;
	uint32_t mss;

	tk_connect(tk, NULL);
	mss = fly(tk, 3);
	sack(tk, 1, 1 + mss, 1 + 2 * mss);
	/* It acknowledges up to there and no further: it does not have it any more. */
	ack(tk, 1 + mss);
	tk_advance(tk, 300 * MS);
	tk_expect(tk, TCP_ACK, 1 + mss, 1, mss);
	tcp_abort(tk->pcb);
}

/* RFC 3522: the echo says that the original arrived; cwnd comes back. */
static void spurious_timeout(void **state)
{
	struct tk *tk = *state;
	uint32_t mss, before;

	tk_connect(tk, NULL);
	mss = fly(tk, 4);
	before = tk->pcb->cc.cwnd;
	tk_advance(tk, 300 * MS);
	tk_expect(tk, TCP_ACK | TCP_PSH, 1 + 3 * mss, 1, mss); /* the probe */
	tk_expect(tk, TCP_ACK, 1, 1, mss);
	assert_int_equal(tk->pcb->cc.cwnd, mss);
	tk_in(tk,
	      &(struct tk_seg){
		      .flags = TCP_ACK, .seq = 1, .ack = 1 + mss, .tsecr = tk->last_tsval - 250});
	assert_int_equal(tk->pcb->recovery, TCP_REC_OPEN);
	assert_true(tk->pcb->cc.cwnd >= before);
	/* Nothing more is sent again. */
	tk_expect_none(tk);
	tcp_abort(tk->pcb);
}

static void lost_fin(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tk_send(tk, 1, 10);
	tcp_close(tk->pcb);
	tk_run(tk);
	tk_forget(tk);
	ack(tk, 11);
	tk_advance(tk, 300 * MS);
	tk_expect(tk, TCP_ACK | TCP_FIN, 11, 1, 0);
	ack(tk, 12);
	assert_int_equal(tcp_state(tk->pcb), TCPS_FIN_WAIT_2);
	tcp_abort(tk->pcb);
}

static void zero_window_probes(void **state)
{
	struct tk *tk = *state;
	unsigned n = 0;

	tk_connect(tk, NULL);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1, .wnd = TK_WND_ZERO});
	tk_send(tk, 1, 100);
	tk_expect_none(tk);
	/* For ever, as long as they are answered, at most 60 s apart. */
	for (unsigned i = 0; i < 3600; i++) {
		tk_advance(tk, 1 * S);
		while (tk->inet.n_sent) {
			tk_expect(tk, TCP_ACK, 0, 1, 0);
			n++;
			tk_in(tk,
			      &(struct tk_seg){
				      .flags = TCP_ACK, .seq = 1, .ack = 1, .wnd = TK_WND_ZERO});
		}
	}
	assert_true(n > 60 && n < 90);
	assert_int_equal(tcp_counters(tk->s)->persist_probes, n);
	assert_int_equal(tk->so.error, 0);
	ack(tk, 1);
	tk_expect(tk, TCP_ACK | TCP_PSH, 1, 1, 100);
	tcp_abort(tk->pcb);
}

/* ... but not when the peer is gone. */
static void zero_window_and_silence(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1, .wnd = TK_WND_ZERO});
	tk_send(tk, 1, 100);
	tk_advance(tk, 1200 * S);
	assert_int_equal(tk->so.error, 1);
	assert_int_equal(tk->so.err, ETIMEDOUT);
	tcp_close(tk->pcb);
}

/* The window moves left under data in flight: nothing breaks, all arrives. */
static void window_shrinks(void **state)
{
	struct tk *tk = *state;
	uint32_t mss;

	tk_connect(tk, NULL);
	mss = fly(tk, 4);
	for (uint32_t i = 0; i < 100; i++)
		tk_in(tk, &(struct tk_seg){.flags = TCP_ACK,
					   .seq = 1,
					   .ack = 1,
					   .wnd = i % 2 ? TK_WND_ZERO : 1});
	tk_forget(tk);
	tk_advance(tk, 1 * S);
	assert_true(tk->inet.n_sent > 0);
	tk_forget(tk);
	ack(tk, 1 + 4 * mss);
	assert_int_equal(tcp_snd_queued(tk->pcb), 0);
	tcp_abort(tk->pcb);
}

static void keepalive(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_KEEPIDLE_S, 10), 0);
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_KEEPINTVL_S, 5), 0);
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_KEEPCNT, 3), 0);
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_KEEPALIVE, 1), 0);
	tk_advance(tk, 9 * S);
	tk_expect_none(tk);
	tk_advance(tk, 2 * S);
	tk_expect(tk, TCP_ACK, 0, 1, 0);
	/* Answered: idle again. */
	ack(tk, 1);
	tk_advance(tk, 9 * S);
	tk_expect_none(tk);
	tk_advance(tk, 2 * S);
	tk_expect(tk, TCP_ACK, 0, 1, 0);
	/* Not answered: two more, then the end. */
	tk_advance(tk, 10 * S + 500 * MS);
	tk_expect(tk, TCP_ACK, 0, 1, 0);
	tk_expect(tk, TCP_ACK, 0, 1, 0);
	assert_int_equal(tk->so.error, 0);
	tk_advance(tk, 5 * S);
	assert_int_equal(tk->so.error, 1);
	assert_int_equal(tk->so.err, ETIMEDOUT);
	tk_expect(tk, TCP_RST | TCP_ACK, 1, 1, 0);
	assert_int_equal(tcp_counters(tk->s)->keepalive_drops, 1);
	tcp_close(tk->pcb);
}

/* After a pause longer than the RTO the window starts small again (RFC 5681 4.1). */
static void restart_after_idle(void **state)
{
	struct tk *tk = *state;
	uint32_t mss = mss_of(tk), q = 1;

	tk_connect(tk, NULL);
	for (unsigned i = 0; i < 5; i++) {
		assert_true(tk_send(tk, q, 20 * mss) > 0);
		q += 20 * mss;
		while (tk->inet.n_sent) {
			tk_forget(tk);
			ack(tk, tk->pcb->snd_nxt - tk->iss);
		}
	}
	assert_true(tk->pcb->cc.cwnd > 20 * mss);
	tk_advance(tk, 10 * S);
	tk_send(tk, q, 100 * mss);
	assert_int_equal(tk_sent(tk)->len, 10 * mss);
	tk_forget(tk);
	tcp_abort(tk->pcb);
}

/* Acknowledging the peer's data is not sending: cwnd is as stale as after silence. */
static void restart_after_receiving(void **state)
{
	struct tk *tk = *state;
	uint32_t mss = mss_of(tk), q = 1, in = 1;

	tk_connect(tk, NULL);
	for (unsigned i = 0; i < 5; i++) {
		assert_true(tk_send(tk, q, 20 * mss) > 0);
		q += 20 * mss;
		while (tk->inet.n_sent) {
			tk_forget(tk);
			ack(tk, tk->pcb->snd_nxt - tk->iss);
		}
	}
	for (unsigned i = 0; i < 100; i++, in += 10) {
		tk_advance(tk, 100 * MS);
		tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = in, .ack = q, .len = 10});
		assert_int_equal(tk_recv(tk, in, 10), 10);
	}
	tk_advance(tk, 100 * MS);
	tk_forget(tk);
	tk_send(tk, q, 100 * mss);
	assert_int_equal(tk_sent(tk)->len, 10 * mss);
	tk_forget(tk);
	tcp_abort(tk->pcb);
}

/* A way too narrow for any segment is tried now and then, not all the time. */
static void way_too_narrow(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tk->inet.mtu = tk->v6 ? 100 : 80;
	tk->inet.gen++;
	tk_send(tk, 1, 1000);
	tk_advance(tk, 10 * S);
	tk_expect_none(tk);
	assert_in_range(tk_drops(tk, DROP_IP_TOO_BIG), 2, 150);
	tk->inet.mtu = 1500;
	tk->inet.gen++;
	tk_advance(tk, 1 * S);
	assert_int_equal(tk_sent(tk)->len, 1000);
	tk_forget(tk);
	tcp_abort(tk->pcb);
}

/* The program computed for longer than the RTO before it sent: the timer counts from the send. */
static void flush_after_computing(void **state)
{
	struct tk *tk = *state;
	uint8_t text[100];

	tk_connect(tk, NULL);
	for (uint32_t i = 0; i < sizeof(text); i++)
		text[i] = tk_byte(1 + i);
	tk->h.now_ns += 300 * MS;
	assert_int_equal(tcp_send(tk->pcb, &(struct iovec){text, sizeof(text)}, 1, false), 100);
	stack_flush(tk->s);
	assert_int_equal(tk_expect(tk, TCP_ACK | TCP_PSH, 1, 1, 100)->at_ns, tk->h.now_ns);
	tk_run(tk);
	tk_expect_none(tk);
	assert_int_equal(tcp_counters(tk->s)->rto, 0);
	tcp_abort(tk->pcb);
	tk_forget(tk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TK_TEST(timeout_backs_off),
		TK_TEST(gives_up),
		TK_TEST(user_timeout),
		TK_TEST(three_duplicates),
		TK_TEST(limited_transmit),
		TK_TEST(not_duplicates),
		TK_TEST(sack_holes),
		TK_TEST(nonsense_sack),
		TK_TEST(timeout_with_sack),
		TK_TEST(reneging),
		TK_TEST(spurious_timeout),
		TK_TEST(lost_fin),
		TK_TEST(zero_window_probes),
		TK_TEST(zero_window_and_silence),
		TK_TEST(window_shrinks),
		TK_TEST(keepalive),
		TK_TEST(restart_after_idle),
		TK_TEST(flush_after_computing),
		TK_TEST(restart_after_receiving),
		TK_TEST(way_too_narrow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
