/* SPDX-License-Identifier: BSD-2-Clause */
/* Segments that lie: RST, SYN, ACK out of place, old timestamps (RFC 5961, RFC 7323 5), malformed
 * ones. For each: the exact answer and the count. */
#include "tcpkit.h"

#include "tcp/pcb.h"

#include <errno.h>

static void in(struct tk *tk, uint8_t flags, uint32_t seq, uint32_t ack)
{
	tk_in(tk, &(struct tk_seg){.flags = flags, .seq = seq, .ack = ack});
}

static void exact_rst_resets(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tk_send(tk, 1, 100);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1, .len = 5});
	tk_forget(tk);
	in(tk, TCP_RST, 6, 0);
	tk_expect_none(tk);
	assert_int_equal(tk->so.error, 1);
	assert_int_equal(tk->so.err, ECONNRESET);
	assert_int_equal(tcp_state(tk->pcb), TCPS_CLOSED);
	assert_int_equal(tcp_counters(tk->s)->rst_in, 1);
	assert_int_equal(tcp_counters(tk->s)->resets, 1);
	/* What was received can still be read; then the error. */
	assert_int_equal(tk_recv(tk, 1, 10), 5);
	assert_int_equal(tk_recv(tk, 6, 10), -ECONNRESET);
	assert_int_equal(tk_send(tk, 101, 1), -ECONNRESET);
	tcp_close(tk->pcb);
	assert_int_equal(tk->so.gone, 1);
}

static void rst_elsewhere_in_window(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	in(tk, TCP_RST, 2, 0);
	tk_expect_ack(tk, 1);
	in(tk, TCP_RST | TCP_ACK, 60000, 1);
	tk_expect_ack(tk, 1);
	assert_int_equal(tcp_counters(tk->s)->challenge_acks, 2);
	/* Outside: nothing at all. */
	in(tk, TCP_RST, 0, 0);
	in(tk, TCP_RST, 0x40000000, 0);
	tk_expect_none(tk);
	assert_int_equal(tcp_state(tk->pcb), TCPS_ESTABLISHED);
	assert_int_equal(tk_drops(tk, DROP_TCP_RST), 4);
	tcp_abort(tk->pcb);
}

/* The limit is the connection's own (CVE-2016-5696). */
static void three_hundred_rsts(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	for (unsigned i = 0; i < 300; i++)
		in(tk, TCP_RST, 100 + i, 0);
	assert_int_equal(tk->inet.n_sent, 10);
	assert_int_equal(tcp_counters(tk->s)->challenge_limited, 290);
	assert_int_equal(tcp_state(tk->pcb), TCPS_ESTABLISHED);
	tk_forget(tk);
	tk_advance(tk, 1100 * MS);
	in(tk, TCP_RST, 100, 0);
	tk_expect_ack(tk, 1);
	tcp_abort(tk->pcb);
}

static void syn_on_established(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	in(tk, TCP_SYN, 1, 0);
	tk_expect_ack(tk, 1);
	in(tk, TCP_SYN, 5000, 0);
	tk_expect_ack(tk, 1);
	in(tk, TCP_SYN | TCP_ACK, 0x50000000, 1);
	tk_expect_ack(tk, 1);
	assert_int_equal(tcp_state(tk->pcb), TCPS_ESTABLISHED);
	assert_int_equal(tk->so.error, 0);
	tcp_abort(tk->pcb);
}

static void acks_out_of_range(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tk_send(tk, 1, 100);
	tk_forget(tk);
	/* Of what was never sent. */
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 102, .len = 5});
	tk_expect(tk, TCP_ACK, 101, 1, 0);
	assert_int_equal(tcp_rcv_avail(tk->pcb), 0);
	/* Older than any window that the peer offered. */
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 0x80000000, .len = 5});
	tk_expect(tk, TCP_ACK, 101, 1, 0);
	assert_int_equal(tcp_rcv_avail(tk->pcb), 0);
	assert_int_equal(tk_drops(tk, DROP_TCP_ACK), 2);
	/* A little old is only late: its text counts. */
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 101});
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 50, .len = 5});
	assert_int_equal(tcp_rcv_avail(tk->pcb), 5);
	tcp_abort(tk->pcb);
}

static void paws(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tk_advance(tk, 1 * S);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1, .len = 5});
	tk_forget(tk);
	tk_in(tk, &(struct tk_seg){
			  .flags = TCP_ACK, .seq = 6, .ack = 1, .len = 5, .tsval = TK_PEER_TS});
	tk_expect_ack(tk, 6);
	assert_int_equal(tcp_rcv_avail(tk->pcb), 5);
	assert_int_equal(tcp_counters(tk->s)->paws, 1);
	assert_int_equal(tk_drops(tk, DROP_TCP_PAWS), 1);
	/* Missing though agreed: silence. */
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 6, .ack = 1, .len = 5, .no_ts = true});
	tk_expect_none(tk);
	assert_int_equal(tk_drops(tk, DROP_TCP_NO_TS), 1);
	/* A RST needs none. */
	tk_in(tk, &(struct tk_seg){.flags = TCP_RST, .seq = 6, .no_ts = true});
	assert_int_equal(tk->so.err, ECONNRESET);
	tcp_close(tk->pcb);
}

/* RFC 7323 5.5: after 24 days of silence the old value says nothing. */
/* Who guesses a window but not our numbers must not move the clock that PAWS goes by. */
static void wrong_ack_sets_no_ts_recent(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK | TCP_FIN,
				   .seq = 1,
				   .ack = 9999,
				   .opts = TCPOPTS_TS,
				   .tsval = TK_PEER_TS + 200000});
	tk_expect(tk, TCP_ACK, 1, 1, 0);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1, .len = 10});
	tk_expect(tk, TCP_ACK, 1, 11, 0);
	assert_int_equal(tcp_counters(tk->s)->paws, 0);
	tcp_abort(tk->pcb);
}

/* RFC 7323 3.2: a RST SHOULD have the option. */
static void rst_has_timestamp(void **state)
{
	struct tk *tk = *state;
	const struct tk_pkt *p;

	tk_connect(tk, NULL);
	tcp_abort(tk->pcb);
	p = tk_expect(tk, TCP_RST | TCP_ACK, 1, 1, 0);
	assert_true(p->o.present & TCPOPTS_TS);
	assert_int_equal(p->o.tsecr, TK_PEER_TS);
}

static void paws_after_24_days(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tk->h.now_ns += 25 * 24 * 3600 * S;
	tk_run(tk);
	tk_in(tk,
	      &(struct tk_seg){
		      .flags = TCP_ACK, .seq = 1, .ack = 1, .len = 5, .tsval = TK_PEER_TS - 500});
	assert_int_equal(tcp_rcv_avail(tk->pcb), 5);
	tcp_abort(tk->pcb);
}

/* ts_recent follows in-order segments only (RFC 7323 4.3). */
static void ts_recent(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tk_in(tk,
	      &(struct tk_seg){.flags = TCP_ACK, .seq = 100, .ack = 1, .len = 5, .tsval = 9999});
	assert_int_equal(tk->pcb->ts_recent, TK_PEER_TS);
	tk_forget(tk);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1, .len = 99, .tsval = 2000});
	assert_int_equal(tk->pcb->ts_recent, 2000);
	assert_int_equal(tk_sent(tk)->o.tsecr, 2000);
	tcp_abort(tk->pcb);
}

static void malformed(void **state)
{
	static const uint8_t bad_opts[][4] = {
		{8, 0, 0, 0},  {8, 1, 0, 0}, {5, 3, 1, 1},
		{8, 40, 0, 0}, {2, 4, 0, 0}, {30, 2, 1, 1},
	};
	struct tk *tk = *state;
	struct inet_in in_meta = {.src = tk->peer, .dst = tk->us, .proto = INET_PROTO_TCP};

	/* Cut anywhere in the header: dropped, nothing read beyond. */
	for (uint32_t len = 0; len < 32; len++) {
		uint8_t b[32] = {0, 80, 0x13, 0x88, [12] = 0x80, [13] = TCP_SYN};
		MBUF(m, mbuf_alloc(tk->s->pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_RX));

		assert_int_equal(mbuf_append_bytes(m, b, len, MBUF_PRIO_CTL), 0);
		m->meta.csum = MBUF_CSUM_GOOD;
		tk->inet.tcp.input(tk->s, &in_meta, mbuf_move(&m));
	}
	assert_int_equal(tk_drops(tk, DROP_TCP_MALFORMED), 32);
	tk_expect_none(tk);
	/* Options that are nonsense: an ordinary SYN otherwise. */
	for (unsigned i = 0; i < ARRAY_LEN(bad_opts); i++) {
		uint8_t b[24] = {0, 80, 0x13, 0x88, [12] = 0x60, [13] = TCP_SYN};
		MBUF(m, mbuf_alloc(tk->s->pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_RX));

		b[20] = bad_opts[i][0];
		b[21] = bad_opts[i][1];
		b[22] = bad_opts[i][2];
		b[23] = bad_opts[i][3];
		assert_int_equal(mbuf_append_bytes(m, b, 24, MBUF_PRIO_CTL), 0);
		m->meta.csum = MBUF_CSUM_GOOD;
		tk->inet.tcp.input(tk->s, &in_meta, mbuf_move(&m));
		assert_int_equal(tk_sent(tk)->h.flags, TCP_RST | TCP_ACK);
	}
	/* Data offset below 5. */
	for (uint8_t off = 0; off < 5; off++) {
		uint8_t b[20] = {0, 80, 0x13, 0x88, [12] = (uint8_t)(off << 4), [13] = TCP_SYN};
		MBUF(m, mbuf_alloc(tk->s->pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_RX));

		assert_int_equal(mbuf_append_bytes(m, b, 20, MBUF_PRIO_CTL), 0);
		m->meta.csum = MBUF_CSUM_GOOD;
		tk->inet.tcp.input(tk->s, &in_meta, mbuf_move(&m));
	}
	assert_int_equal(tk_drops(tk, DROP_TCP_MALFORMED), 37);
	tk_expect_none(tk);
}

static void bad_checksum_on_a_connection(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tk_in(tk,
	      &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1, .len = 9, .bad_csum = true});
	tk_in(tk, &(struct tk_seg){.flags = TCP_RST, .seq = 1, .bad_csum = true});
	tk_expect_none(tk);
	assert_int_equal(tcp_state(tk->pcb), TCPS_ESTABLISHED);
	assert_int_equal(tcp_rcv_avail(tk->pcb), 0);
	assert_int_equal(tk_drops(tk, DROP_TCP_CSUM), 2);
	tcp_abort(tk->pcb);
}

static void null_and_xmas(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	in(tk, 0, 1, 0);
	in(tk, TCP_FIN | TCP_PSH | TCP_URG, 1, 0);
	assert_int_equal(tk_drops(tk, DROP_TCP_FLAGS), 2);
	assert_int_equal(tcp_state(tk->pcb), TCPS_ESTABLISHED);
	tk_expect_none(tk);
	/* Everything at once is a SYN: challenged; or a RST when exact. */
	in(tk, TCP_SYN | TCP_FIN | TCP_ACK, 1, 1);
	tk_expect_ack(tk, 1);
	assert_int_equal(tcp_state(tk->pcb), TCPS_ESTABLISHED);
	tcp_abort(tk->pcb);
}

static void rst_in_each_state(void **state)
{
	struct tk *tk = *state;

	/* CLOSE-WAIT: what is written then fails by EPIPE, as on Linux. */
	tk_connect(tk, NULL);
	in(tk, TCP_FIN | TCP_ACK, 1, 1);
	in(tk, TCP_RST, 2, 0);
	assert_int_equal(tk->so.err, EPIPE);
	tcp_close(tk->pcb);
	/* FIN-WAIT-1, orphan: gone. */
	tk->port_us++;
	tk_forget(tk);
	tk_connect(tk, NULL);
	tcp_close(tk->pcb);
	tk_run(tk);
	in(tk, TCP_RST, 1, 0);
	assert_int_equal(tk->so.gone, 1);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
	tk_forget(tk);
}

/* Reset before it was accepted: the program has been told, so accept gives it out, with the error
 * and what came before. */
static void reset_in_queue(void **state)
{
	struct tk *tk = *state;
	struct tcp_pcb *pcb;

	tk_listen(tk, 1);
	tk_syn(tk, 1000, NULL);
	tk->iss = tk_sent(tk)->h.seq;
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1, .len = 5});
	tk_forget(tk);
	assert_int_equal(tk->lso.acceptable, 1);
	tk_in(tk, &(struct tk_seg){.flags = TCP_RST, .seq = 6});
	assert_int_equal(tcp_accept_len(tk->l), 1);
	/* It counts against the backlog until then. */
	tk_syn(tk, 1001, NULL);
	tk_expect_none(tk);
	pcb = tcp_accept(tk->l);
	assert_non_null(pcb);
	assert_int_equal(tcp_state(pcb), TCPS_CLOSED);
	assert_int_equal(tcp_pending_error(pcb), ECONNRESET);
	assert_int_equal(tcp_rcv_avail(pcb), 5);
	tcp_close(pcb);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
	/* Nobody accepts it: it goes with the listener. */
	tk_syn(tk, 1002, NULL);
	tk->iss = tk_sent(tk)->h.seq;
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1});
	tk_in(tk, &(struct tk_seg){.flags = TCP_RST, .seq = 1});
	tcp_unlisten(tk->l);
	tk_expect_none(tk);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TK_TEST(reset_in_queue),
		TK_TEST(exact_rst_resets),
		TK_TEST(rst_elsewhere_in_window),
		TK_TEST(three_hundred_rsts),
		TK_TEST(syn_on_established),
		TK_TEST(acks_out_of_range),
		TK_TEST(paws),
		TK_TEST(paws_after_24_days),
		TK_TEST(ts_recent),
		TK_TEST(malformed),
		TK_TEST(bad_checksum_on_a_connection),
		TK_TEST(null_and_xmas),
		TK_TEST(rst_in_each_state),
		TK_TEST(wrong_ack_sets_no_ts_recent),
		TK_TEST(rst_has_timestamp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
