/* SPDX-License-Identifier: BSD-2-Clause */
/* Held connections: the SYN waits for the program's answer. */
#include "tcpkit.h"

#include "tcp/pcb.h"

#define S UINT64_C(1000000000)

/* A SYN came, nothing was sent, and the program has the connection. */
static void take(struct tk *tk)
{
	tk_listen(tk, 4);
	tcp_listener_hold(tk->l, true);
	tk_syn(tk, TK_PORT_PEER, NULL);
	tk_expect_none(tk);
	assert_int_equal(tk->lso.acceptable, 1);
	assert_int_equal(tcp_accept_len(tk->l), 1);
	tk->pcb = tcp_accept(tk->l);
	assert_non_null(tk->pcb);
	tcp_so_set(tk->pcb, &tk->so);
	tk->so.pcb = tk->pcb;
	assert_true(tcp_is_held(tk->pcb));
}

static void answered(void **state)
{
	struct tk *tk = *state;
	const struct tk_pkt *sa;

	take(tk);
	tk_advance(tk, 3 * S);
	tk_expect_none(tk);
	assert_int_equal(tcp_hold_answer(tk->pcb), 0);
	tk_run(tk);
	assert_false(tcp_is_held(tk->pcb));
	assert_int_equal(tcp_hold_answer(tk->pcb), -EINVAL);
	sa = tk_sent(tk);
	assert_non_null(sa);
	assert_int_equal(sa->h.flags, TCP_SYN | TCP_ACK);
	assert_int_equal(sa->h.ack, tk->irs + 1);
	assert_true(sa->o.present & TCPOPTS_MSS && sa->o.present & TCPOPTS_TS);
	tk->iss = sa->h.seq;
	assert_int_equal(tk->so.connected, 0);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1});
	assert_int_equal(tcp_state(tk->pcb), TCPS_ESTABLISHED);
	assert_int_equal(tk->so.connected, 1);
	assert_int_equal(tk->so.err, 0);
	assert_int_equal(tk_send(tk, 1, 10), 10);
	tk_expect(tk, TCP_ACK | TCP_PSH, 1, 1, 10);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 11, .len = 20});
	assert_int_equal(tk_recv(tk, 1, 100), 20);
	tcp_abort(tk->pcb);
	tcp_unlisten(tk->l);
}

/* A lost SYN-ACK comes again. */
static void answer_lost(void **state)
{
	struct tk *tk = *state;

	take(tk);
	assert_int_equal(tcp_hold_answer(tk->pcb), 0);
	tk_run(tk);
	tk_forget(tk);
	tk_advance(tk, 3 * S / 2);
	assert_int_equal(tk_sent(tk)->h.flags, TCP_SYN | TCP_ACK);
	tcp_abort(tk->pcb);
	tcp_unlisten(tk->l);
}

static void refuse(struct tk *tk, void (*end)(struct tcp_pcb *pcb))
{
	const struct tk_pkt *rst;

	take(tk);
	end(tk->pcb);
	rst = tk_sent(tk);
	assert_non_null(rst);
	assert_int_equal(rst->h.flags, TCP_RST | TCP_ACK);
	assert_int_equal(rst->h.ack, tk->irs + 1);
	tk_expect_none(tk);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
	tcp_unlisten(tk->l);
}

static void refused_by_close(void **state)
{
	refuse(*state, tcp_close);
}

static void refused_by_abort(void **state)
{
	refuse(*state, tcp_abort);
}

static void silence(void **state)
{
	struct tk *tk = *state;

	take(tk);
	assert_int_equal(tcp_hold_forget(tk->pcb), 0);
	assert_int_equal(tk->so.err, ETIMEDOUT);
	tcp_close(tk->pcb);
	tk_advance(tk, 5 * S);
	tk_expect_none(tk);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
	tcp_unlisten(tk->l);
}

/* The client asks again, sends what does not belong there, and goes. */
static void client_goes_on(void **state)
{
	struct tk *tk = *state;

	take(tk);
	tk_syn(tk, TK_PORT_PEER, NULL);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1, .len = 5});
	tk_in(tk, &(struct tk_seg){.flags = TCP_RST, .seq = 5});
	tk_expect_none(tk);
	assert_int_equal(tcp_accept_len(tk->l), 0);
	assert_true(tcp_is_held(tk->pcb));
	tk_in(tk, &(struct tk_seg){.flags = TCP_RST, .seq = 1});
	assert_int_equal(tk->so.err, ECONNRESET);
	tcp_close(tk->pcb);
	tk_expect_none(tk);
	tcp_unlisten(tk->l);
}

/* A program that never answers, and one that never accepts: both end, and the backlog bounds them.
 */
static void forgotten(void **state)
{
	struct tk *tk = *state;

	take(tk);
	for (uint16_t i = 1; i < 10; i++)
		tk_syn(tk, (uint16_t)(TK_PORT_PEER + i), NULL);
	assert_int_equal(tcp_accept_len(tk->l), 4);
	assert_int_equal(tcp_counters(tk->s)->accept_overflow, 5);
	tk_advance(tk, 131 * S);
	assert_int_equal(tcp_accept_len(tk->l), 0);
	assert_int_equal(tk->so.err, ETIMEDOUT);
	tcp_close(tk->pcb);
	tk_expect_none(tk);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
	tcp_unlisten(tk->l);
}

/* The listener goes: who waits in its queue is refused. */
static void listener_goes(void **state)
{
	struct tk *tk = *state;

	tk_listen(tk, 4);
	tcp_listener_hold(tk->l, true);
	tk_syn(tk, TK_PORT_PEER, NULL);
	tk_expect_none(tk);
	tcp_unlisten(tk->l);
	assert_int_equal(tk_sent(tk)->h.flags, TCP_RST | TCP_ACK);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TK_TEST(answered),         TK_TEST(answer_lost),   TK_TEST(refused_by_close),
		TK_TEST(refused_by_abort), TK_TEST(silence),       TK_TEST(client_goes_on),
		TK_TEST(forgotten),        TK_TEST(listener_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
