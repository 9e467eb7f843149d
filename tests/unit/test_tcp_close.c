/* SPDX-License-Identifier: BSD-2-Clause */
/* Ways to close (RFC 9293 3.6, 3.10.4, 3.10.7.4 eighth), TIME-WAIT (RFC 1337, RFC 6191), orphans.
 */
#include "tcpkit.h"

#include "tcp/pcb.h"

#include <errno.h>
#include <string.h>

static void in(struct tk *tk, uint8_t flags, uint32_t seq, uint32_t ack)
{
	tk_in(tk, &(struct tk_seg){.flags = flags, .seq = seq, .ack = ack});
}

static void active_close(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tcp_close(tk->pcb);
	assert_int_equal(tcp_state(tk->pcb), TCPS_FIN_WAIT_1);
	tk_run(tk);
	tk_expect(tk, TCP_ACK | TCP_FIN, 1, 1, 0);
	in(tk, TCP_ACK, 1, 2);
	assert_int_equal(tcp_state(tk->pcb), TCPS_FIN_WAIT_2);
	assert_int_equal(tk->so.gone, 0);
	in(tk, TCP_ACK | TCP_FIN, 1, 2);
	tk_expect_ack(tk, 2);
	assert_int_equal(tk->so.gone, 1);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
	assert_int_equal(tcp_timewait_count(tk->s), 1);
	/* The FIN again: acknowledged again, the wait begins anew. */
	tk_advance(tk, 50 * S);
	in(tk, TCP_ACK | TCP_FIN, 1, 2);
	tk_expect_ack(tk, 2);
	tk_advance(tk, 50 * S);
	assert_int_equal(tcp_timewait_count(tk->s), 1);
	/* RFC 1337: a RST does not end it. */
	in(tk, TCP_RST, 2, 0);
	assert_int_equal(tcp_timewait_count(tk->s), 1);
	tk_advance(tk, 11 * S);
	assert_int_equal(tcp_timewait_count(tk->s), 0);
	tk_expect_none(tk);
}

static void passive_close(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK | TCP_FIN, .seq = 1, .ack = 1, .len = 4});
	assert_int_equal(tcp_state(tk->pcb), TCPS_CLOSE_WAIT);
	tk_expect_ack(tk, 6);
	assert_true(tcp_rcv_eof(tk->pcb));
	assert_int_equal(tk->so.readable, 1);
	assert_int_equal(tk_recv(tk, 1, 10), 4);
	assert_int_equal(tk_recv(tk, 5, 10), 0);
	/* Half open: we may still send. */
	assert_int_equal(tk_send(tk, 1, 100), 100);
	tk_expect(tk, TCP_ACK | TCP_PSH, 1, 6, 100);
	tcp_close(tk->pcb);
	assert_int_equal(tcp_state(tk->pcb), TCPS_LAST_ACK);
	tk_run(tk);
	tk_expect(tk, TCP_ACK | TCP_FIN, 101, 6, 0);
	in(tk, TCP_ACK, 6, 101);
	assert_int_equal(tk->so.gone, 0);
	in(tk, TCP_ACK, 6, 102);
	assert_int_equal(tk->so.gone, 1);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
	assert_int_equal(tcp_timewait_count(tk->s), 0);
}

static void half_close(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	assert_int_equal(tcp_shutdown_send(tk->pcb), 0);
	tk_run(tk);
	tk_expect(tk, TCP_ACK | TCP_FIN, 1, 1, 0);
	assert_int_equal(tk_send(tk, 1, 1), -EPIPE);
	in(tk, TCP_ACK, 1, 2);
	assert_int_equal(tcp_state(tk->pcb), TCPS_FIN_WAIT_2);
	/* No orphan: it may stay for ever, and data still comes. */
	tk_advance(tk, 600 * S);
	assert_int_equal(tcp_state(tk->pcb), TCPS_FIN_WAIT_2);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 2, .len = 9});
	assert_int_equal(tk_recv(tk, 1, 10), 9);
	tk_forget(tk);
	in(tk, TCP_ACK | TCP_FIN, 10, 2);
	tk_expect_ack(tk, 11);
	/* TIME-WAIT has the flow; the program still has its handle. */
	assert_int_equal(tcp_state(tk->pcb), TCPS_TIME_WAIT);
	assert_int_equal(tcp_timewait_count(tk->s), 1);
	assert_int_equal(tk_recv(tk, 10, 10), 0);
	/* There is nothing left to keep alive. */
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_KEEPALIVE, 1), 0);
	assert_false(tcp_timer_on(tk->pcb, TCP_TIMER_KEEP));
	tcp_close(tk->pcb);
	assert_int_equal(tk->so.gone, 1);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
}

static void simultaneous_close(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tcp_close(tk->pcb);
	tk_run(tk);
	tk_expect(tk, TCP_ACK | TCP_FIN, 1, 1, 0);
	in(tk, TCP_ACK | TCP_FIN, 1, 1);
	assert_int_equal(tcp_state(tk->pcb), TCPS_CLOSING);
	tk_expect(tk, TCP_ACK, 2, 2, 0);
	in(tk, TCP_ACK, 2, 2);
	assert_int_equal(tk->so.gone, 1);
	assert_int_equal(tcp_timewait_count(tk->s), 1);
}

/* FIN and the ACK of ours in one segment. */
static void fin_with_ack_of_fin(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tcp_close(tk->pcb);
	tk_run(tk);
	tk_forget(tk);
	in(tk, TCP_ACK | TCP_FIN, 1, 2);
	tk_expect_ack(tk, 2);
	assert_int_equal(tcp_timewait_count(tk->s), 1);
	assert_int_equal(tk->so.gone, 1);
}

static void fin_before_its_data(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK | TCP_FIN, .seq = 11, .ack = 1, .len = 10});
	assert_int_equal(tcp_state(tk->pcb), TCPS_ESTABLISHED);
	tk_forget(tk);
	/* Nothing is behind a FIN. */
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 21, .ack = 1, .len = 10});
	tk_forget(tk);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1, .len = 10});
	assert_int_equal(tcp_state(tk->pcb), TCPS_CLOSE_WAIT);
	tk_expect_ack(tk, 22);
	assert_int_equal(tk_recv(tk, 1, 100), 20);
	assert_int_equal(tk_recv(tk, 21, 100), 0);
	tcp_abort(tk->pcb);
}

static void unread_data_resets(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1, .len = 10});
	tk_forget(tk);
	tcp_close(tk->pcb);
	tk_expect(tk, TCP_RST | TCP_ACK, 1, 11, 0);
	assert_int_equal(tk->so.gone, 1);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
}

/* What was written just before a reset goes ahead of it. */
static void words_before_a_reset(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tk_forget(tk);
	assert_int_equal(tk_send(tk, 1, 13), 13);
	tcp_abort(tk->pcb);
	tk_expect(tk, TCP_ACK | TCP_PSH, 1, 1, 13);
	tk_expect(tk, TCP_RST | TCP_ACK, 14, 1, 0);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
}

static void data_for_an_orphan(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tcp_close(tk->pcb);
	tk_run(tk);
	tk_forget(tk);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 2, .len = 10});
	tk_expect(tk, TCP_RST | TCP_ACK, 2, 1, 0);
	assert_int_equal(tk->so.gone, 1);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
	assert_int_equal(tk_drops(tk, DROP_TCP_CLOSED), 1);
}

static void orphan_in_fin_wait_2(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tcp_close(tk->pcb);
	tk_run(tk);
	in(tk, TCP_ACK, 1, 2);
	tk_forget(tk);
	tk_advance(tk, 59 * S);
	assert_int_equal(tk->so.gone, 0);
	tk_advance(tk, 2 * S);
	assert_int_equal(tk->so.gone, 1);
	tk_expect_none(tk);
}

/* Nobody acknowledges the FIN: sent again some times, then given up. */
static void orphan_without_answer(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tcp_close(tk->pcb);
	tk_run(tk);
	tk_advance(tk, 400 * S);
	assert_int_equal(tk->so.gone, 1);
	assert_true(tk->inet.n_sent >= 7 && tk->inet.n_sent <= 10);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
}

static void fin_follows_queued_data(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, &(struct tk_peer){.wscale = -1, .wnd = 50});
	assert_int_equal(tk_send(tk, 1, 80), 80);
	tcp_close(tk->pcb);
	tk_run(tk);
	tk_expect(tk, TCP_ACK, 1, 1, 50);
	in(tk, TCP_ACK, 1, 51);
	tk_expect(tk, TCP_ACK | TCP_PSH | TCP_FIN, 51, 1, 30);
	in(tk, TCP_ACK | TCP_FIN, 1, 82);
	assert_int_equal(tk->so.gone, 1);
	tk_forget(tk);
}

static void into_time_wait(struct tk *tk)
{
	tk_connect(tk, NULL);
	tcp_close(tk->pcb);
	tk_run(tk);
	in(tk, TCP_ACK | TCP_FIN, 1, 2);
	tk_forget(tk);
	assert_int_equal(tcp_timewait_count(tk->s), 1);
}

/* RFC 6191: a SYN with a later timestamp opens anew. */
static void time_wait_reused_by_peer(void **state)
{
	struct tk *tk = *state;
	uint32_t old_iss;

	tk_listen(tk, 4);
	tk_accept(tk, NULL);
	old_iss = tk->iss;
	tcp_close(tk->pcb);
	tk_run(tk);
	in(tk, TCP_ACK | TCP_FIN, 1, 2);
	tk_forget(tk);
	/* The same timestamp and an old number: only an ACK. */
	tk->irs -= 1000;
	tk_syn(tk, TK_PORT_PEER, NULL);
	tk->irs += 1000;
	assert_int_equal(tk_sent(tk)->h.flags, TCP_ACK);
	assert_int_equal(tcp_timewait_count(tk->s), 1);
	tk_advance(tk, 1 * S);
	tk->irs -= 1000;
	tk_accept(tk, NULL);
	assert_true(seq_gt(tk->iss, old_iss + 1));
	assert_int_equal(tcp_counters(tk->s)->timewait_reused, 1);
	assert_int_equal(tcp_timewait_count(tk->s), 0);
	tcp_abort(tk->pcb);
	tcp_unlisten(tk->l);
}

static void time_wait_reused_by_us(void **state)
{
	struct tk *tk = *state;
	uint32_t old_iss;

	into_time_wait(tk);
	old_iss = tk->iss;
	/* At once: our timestamps have not moved. */
	tk->pcb = tcp_create(tk->s, tk->v6, &tk->so);
	assert_int_equal(tcp_bind(tk->pcb, &tk->us, tk->port_us, 0), 0);
	assert_int_equal(tcp_connect(tk->pcb, &tk->peer, tk->port_peer), -EADDRINUSE);
	tcp_close(tk->pcb);
	tk_advance(tk, 1 * S);
	tk_forget(tk);
	memset(&tk->so, 0, sizeof(tk->so));
	tk_connect(tk, NULL);
	assert_true(seq_gt(tk->iss, old_iss + 1));
	assert_int_equal(tcp_timewait_count(tk->s), 0);
	tcp_abort(tk->pcb);
}

/* Data and stray segments in TIME-WAIT: an ACK, not more than two a second. */
static void time_wait_answers(void **state)
{
	struct tk *tk = *state;

	into_time_wait(tk);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 100, .ack = 2, .len = 10});
	tk_expect_ack(tk, 2);
	for (unsigned i = 0; i < 50; i++)
		tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 100, .ack = 2, .len = 10});
	tk_expect_none(tk);
	/* The last ACK of a normal close: silence. */
	in(tk, TCP_ACK, 2, 2);
	tk_expect_none(tk);
}

static void abort_resets(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	assert_int_equal(tk_send(tk, 1, 100), 100);
	tk_forget(tk);
	tcp_abort(tk->pcb);
	tk_expect(tk, TCP_RST | TCP_ACK, 101, 1, 0);
	assert_int_equal(tk->so.gone, 0);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
	/* A later segment finds nobody. */
	in(tk, TCP_ACK, 1, 101);
	tk_expect(tk, TCP_RST, 101, 0, 0);
}

static void close_while_opening(void **state)
{
	struct tk *tk = *state;

	tk->pcb = tcp_create(tk->s, tk->v6, &tk->so);
	assert_int_equal(tcp_connect(tk->pcb, &tk->peer, 80), 0);
	tk_forget(tk);
	tcp_close(tk->pcb);
	assert_int_equal(tk->so.gone, 1);
	tk_expect_none(tk);
	tk->pcb = tcp_create(tk->s, tk->v6, &tk->so);
	tcp_close(tk->pcb);
	assert_int_equal(tk->so.gone, 2);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TK_TEST(active_close),
		TK_TEST(passive_close),
		TK_TEST(half_close),
		TK_TEST(simultaneous_close),
		TK_TEST(fin_with_ack_of_fin),
		TK_TEST(fin_before_its_data),
		TK_TEST(unread_data_resets),
		TK_TEST(words_before_a_reset),
		TK_TEST(data_for_an_orphan),
		TK_TEST(orphan_in_fin_wait_2),
		TK_TEST(orphan_without_answer),
		TK_TEST(fin_follows_queued_data),
		TK_TEST(time_wait_reused_by_peer),
		TK_TEST(time_wait_reused_by_us),
		TK_TEST(time_wait_answers),
		TK_TEST(abort_resets),
		TK_TEST(close_while_opening),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
