/* SPDX-License-Identifier: BSD-2-Clause */
/* Explicit congestion notification (RFC 3168): who agrees, who marks, who echoes, who slows down.
 */
#include "tcpkit.h"

#include "tcp/ecn.h"

#include <errno.h>

static const struct tk_peer agrees = {.wscale = 7, .flags = TCP_ECE};
static const struct tk_peer asks = {.wscale = 7, .flags = TCP_ECE | TCP_CWR};

static void connect_ecn(struct tk *tk, const struct tk_peer *p)
{
	tk->s->tcp->limits.ecn = TCP_ECN_ON;
	tk_connect(tk, p);
}

static void ack(struct tk *tk, uint8_t flags, uint32_t n)
{
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK | flags, .seq = 1, .ack = n});
}

/* Text of one byte from the peer. */
static void text(struct tk *tk, uint8_t flags, uint32_t seq, uint8_t tos)
{
	tk_in(tk, &(struct tk_seg){
			  .flags = TCP_ACK | flags, .seq = seq, .ack = 1, .len = 1, .tos = tos});
}

static struct tcp_pcb *start_connect(struct tk *tk)
{
	struct tcp_pcb *pcb = tcp_create(tk->s, tk->v6, &tk->so);

	tk->pcb = pcb;
	tk->so.pcb = pcb;
	assert_int_equal(tcp_bind(pcb, &tk->us, tk->port_us, 0), 0);
	assert_int_equal(tcp_connect(pcb, &tk->peer, tk->port_peer), 0);
	return pcb;
}

static void asked_by_us(void **state)
{
	struct tk *tk = *state;
	const struct tk_pkt *p;

	tk->s->tcp->limits.ecn = TCP_ECN_ON;
	start_connect(tk);
	p = tk_sent(tk);
	assert_int_equal(p->h.flags, TCP_SYN | TCP_ECE | TCP_CWR);
	assert_int_equal(p->tos, 0);
	tcp_abort(tk->pcb);
	tk_forget(tk);

	connect_ecn(tk, &agrees);
	assert_true(tk->pcb->flags & PCBF_ECN);
	assert_int_equal(tcp_counters(tk->s)->ecn_agreed, 1);
	tk_send(tk, 1, 10);
	p = tk_expect(tk, TCP_ACK | TCP_PSH, 1, 1, 10);
	assert_int_equal(p->tos, ECN_ECT0);
	/* Sent again: not capable (6.1.5), so that an old mark is not taken for a new one. */
	tk_advance(tk, 1 * S);
	p = tk_expect(tk, TCP_ACK | TCP_PSH, 1, 1, 10);
	assert_int_equal(p->tos, 0);
	tk_forget(tk);
	/* Nor a bare ACK (6.1.4). */
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 11, .len = 1});
	tk_advance(tk, 50 * MS);
	assert_int_equal(tk_expect(tk, TCP_ACK, 11, 2, 0)->tos, 0);
	tcp_abort(tk->pcb);
}

static void not_agreed(void **state)
{
	struct tk *tk = *state;

	/* The default does not ask. */
	start_connect(tk);
	assert_int_equal(tk_sent(tk)->h.flags, TCP_SYN);
	tcp_abort(tk->pcb);
	tk_forget(tk);
	/* The peer does not know it; or reflects what it does not know. */
	connect_ecn(tk, NULL);
	assert_false(tk->pcb->flags & PCBF_ECN);
	tk_send(tk, 1, 10);
	assert_int_equal(tk_expect(tk, TCP_ACK | TCP_PSH, 1, 1, 10)->tos, 0);
	tcp_abort(tk->pcb);
	tk_forget(tk);
	connect_ecn(tk, &asks);
	assert_false(tk->pcb->flags & PCBF_ECN);
	tcp_abort(tk->pcb);
}

/* 6.1.1.1: a way that drops such SYNs; and an ECE that nobody asked for is none. */
static void second_syn_without(void **state)
{
	struct tk *tk = *state;

	tk->s->tcp->limits.ecn = TCP_ECN_ON;
	start_connect(tk);
	tk->iss = tk_sent(tk)->h.seq;
	tk_advance(tk, 1100 * MS);
	assert_int_equal(tk_sent(tk)->h.flags, TCP_SYN);
	tk_in(tk, &(struct tk_seg){.flags = TCP_SYN | TCP_ACK | TCP_ECE, .ack = 1});
	assert_int_equal(tcp_state(tk->pcb), TCPS_ESTABLISHED);
	assert_false(tk->pcb->flags & PCBF_ECN);
	tcp_abort(tk->pcb);
}

static void asked_by_peer(void **state)
{
	struct tk *tk = *state;

	tk_listen(tk, 8);
	tk_syn(tk, 1000, &asks);
	assert_int_equal(tk_sent(tk)->h.flags, TCP_SYN | TCP_ACK | TCP_ECE);
	tk_syn(tk, 1001, NULL);
	assert_int_equal(tk_sent(tk)->h.flags, TCP_SYN | TCP_ACK);
	tk_syn(tk, 1002, &agrees);
	assert_int_equal(tk_sent(tk)->h.flags, TCP_SYN | TCP_ACK);
	/* A SYN that is marked does not come from RFC 3168. */
	tk->port_peer = 1003;
	tk_in(tk, &(struct tk_seg){.flags = TCP_SYN | TCP_ECE | TCP_CWR, .tos = ECN_CE});
	assert_int_equal(tk_sent(tk)->h.flags, TCP_SYN | TCP_ACK);
	tk->s->tcp->limits.ecn = TCP_ECN_OFF;
	tk_syn(tk, 1004, &asks);
	assert_int_equal(tk_sent(tk)->h.flags, TCP_SYN | TCP_ACK);
	tk->s->tcp->limits.ecn = TCP_ECN_PASSIVE;
	tk_accept(tk, &asks);
	assert_true(tk->pcb->flags & PCBF_ECN);
	tk_send(tk, 1, 10);
	assert_int_equal(tk_expect(tk, TCP_ACK | TCP_PSH, 1, 1, 10)->tos, ECN_ECT0);
	tcp_abort(tk->pcb);
	tcp_unlisten(tk->l);
}

static void cookie_keeps_it(void **state)
{
	struct tk *tk = *state;
	unsigned n = tk->s->tcp->limits.half_open;

	tk_listen(tk, 4);
	for (unsigned i = 0; i < n; i++)
		tk_syn(tk, (uint16_t)(1000 + i), NULL);
	tk_forget(tk);
	for (unsigned with = 0; with < 2; with++) {
		const struct tk_pkt *p;

		tk_syn(tk, (uint16_t)(5001 + with), with ? &asks : NULL);
		p = tk_sent(tk);
		tk->iss = p->h.seq;
		assert_int_equal((p->h.flags & TCP_ECE) != 0, with);
		tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1});
		tk->pcb = tcp_accept(tk->l);
		assert_non_null(tk->pcb);
		assert_int_equal((tk->pcb->flags & PCBF_ECN) != 0, with);
		assert_true(tk->pcb->flags & PCBF_SACK);
		tcp_abort(tk->pcb);
		tk_forget(tk);
	}
	tcp_unlisten(tk->l);
}

/* 6.1.3: ECE on all, from the first mark to CWR. */
static void echoes_until_heard(void **state)
{
	struct tk *tk = *state;

	connect_ecn(tk, &agrees);
	tk->pcb->quickacks = 0;
	text(tk, 0, 1, ECN_ECT0);
	tk_expect_none(tk);
	/* A mark is told at once, whatever delays acknowledgements. */
	text(tk, 0, 2, ECN_CE);
	tk_expect(tk, TCP_ACK | TCP_ECE, 1, 3, 0);
	assert_int_equal(tcp_counters(tk->s)->ecn_marks_in, 1);
	text(tk, 0, 3, ECN_ECT0);
	tk_send(tk, 1, 5);
	tk_expect(tk, TCP_ACK | TCP_PSH | TCP_ECE, 1, 4, 5);
	/* Heard. */
	text(tk, TCP_CWR, 4, ECN_ECT0);
	tk_expect(tk, TCP_ACK, 6, 5, 0);
	/* Heard, and marked again on the way. */
	text(tk, 0, 5, ECN_CE);
	tk_expect(tk, TCP_ACK | TCP_ECE, 6, 6, 0);
	text(tk, TCP_CWR, 6, ECN_CE);
	tk_expect(tk, TCP_ACK | TCP_ECE, 6, 7, 0);
	tcp_abort(tk->pcb);
}

/* 6.1.5: a mark outside the window counts for nothing; nor does it without agreement. */
static void marks_that_do_not_count(void **state)
{
	struct tk *tk = *state;

	connect_ecn(tk, &agrees);
	text(tk, 0, 1, 0);
	tk_forget(tk);
	text(tk, 0, 1, ECN_CE);
	tk_expect(tk, TCP_ACK, 1, 2, 0);
	assert_int_equal(tcp_counters(tk->s)->ecn_marks_in, 0);
	tcp_abort(tk->pcb);
	tk_forget(tk);
	connect_ecn(tk, NULL);
	text(tk, 0, 1, ECN_CE);
	tk_expect(tk, TCP_ACK, 1, 2, 0);
	tcp_abort(tk->pcb);
}

static void slows_down_once_a_window(void **state)
{
	struct tk *tk = *state;
	const struct tk_pkt *p;
	uint32_t mss, before, reduced;

	tk->inet.max_gso = 65536;
	connect_ecn(tk, &agrees);
	ack(tk, 0, 1);
	mss = tk->pcb->mss;
	tk_send(tk, 1, 10 * mss);
	tk_forget(tk);
	before = tk->pcb->cc.cwnd;
	ack(tk, TCP_ECE, 1 + mss);
	reduced = tk->pcb->cc.cwnd;
	assert_true(reduced < before && reduced >= before / 2);
	assert_int_equal(tk->pcb->cc.ssthresh, reduced);
	assert_int_equal(tcp_counters(tk->s)->ecn_reductions, 1);
	/* The rest of the window brings the same news. */
	for (unsigned i = 2; i <= 10; i++) {
		ack(tk, TCP_ECE, 1 + i * mss);
		assert_int_equal(tk->pcb->cc.cwnd, reduced);
	}
	/* New text says CWR, once: on the first segment of a superpacket. */
	tk_send(tk, 1 + 10 * mss, 3 * mss);
	p = tk_sent(tk);
	assert_int_equal(p->h.flags, TCP_ACK | TCP_PSH | TCP_CWR);
	assert_int_equal(p->len, 3 * mss);
	assert_true(p->gso_ecn);
	tk_send(tk, 1 + 13 * mss, mss);
	p = tk_sent(tk);
	assert_int_equal(p->h.flags, TCP_ACK | TCP_PSH);
	assert_false(p->gso_ecn);
	/* What that text met is new. */
	ack(tk, TCP_ECE, 1 + 14 * mss);
	assert_true(tk->pcb->cc.cwnd < reduced);
	assert_int_equal(tcp_counters(tk->s)->ecn_reductions, 2);
	assert_int_equal(tk->pcb->cc.undo_cwnd, 0);
	tcp_abort(tk->pcb);
}

/* Loss and mark in one window are one congestion (6.1.2). */
static void loss_and_mark(void **state)
{
	struct tk *tk = *state;
	uint32_t mss, reduced;

	connect_ecn(tk, &agrees);
	ack(tk, 0, 1);
	mss = tk->pcb->mss;
	tk_send(tk, 1, 10 * mss);
	tk_forget(tk);
	for (unsigned i = 2; i < 5; i++)
		tk_in(tk, &(struct tk_seg){.flags = TCP_ACK,
					   .seq = 1,
					   .ack = 1,
					   .n_sack = 1,
					   .sack = {{1 + mss, 1 + i * mss}}});
	assert_int_equal(tcp_counters(tk->s)->fast_recovery, 1);
	reduced = tk->pcb->cc.ssthresh;
	ack(tk, TCP_ECE, 1 + 5 * mss);
	ack(tk, TCP_ECE, 1 + 10 * mss);
	assert_int_equal(tk->pcb->recovery, TCP_REC_OPEN);
	assert_int_equal(tk->pcb->cc.ssthresh, reduced);
	assert_int_equal(tcp_counters(tk->s)->ecn_reductions, 0);
	/* The peer hears of it all the same. */
	tk_forget(tk);
	tk_send(tk, 1 + 10 * mss, 10);
	tk_expect(tk, TCP_ACK | TCP_PSH | TCP_CWR, 1 + 10 * mss, 1, 10);
	tcp_abort(tk->pcb);
}

/* No buffer for the segment that was to say CWR: the next one says it. */
static void cwr_is_not_lost(void **state)
{
	struct tk *tk = *state;
	uint32_t mss;

	connect_ecn(tk, &agrees);
	ack(tk, 0, 1);
	mss = tk->pcb->mss;
	tk_send(tk, 1, mss);
	tk_forget(tk);
	ack(tk, TCP_ECE, 1 + mss);
	tk->inet.fail = -EMSGSIZE;
	tk_send(tk, 1 + mss, 10);
	tk->inet.fail = 0;
	tk_advance(tk, 2 * S);
	tk_expect(tk, TCP_ACK | TCP_PSH | TCP_CWR, 1 + mss, 1, 10);
	tcp_abort(tk->pcb);
}

/* The program's TOS byte has no say in the ECN field. */
static void tos_of_the_program(void **state)
{
	struct tk *tk = *state;

	tk->s->tcp->limits.ecn = TCP_ECN_ON;
	tk_connect(tk, &agrees);
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_TOS, 0xb9), 0);
	tk_send(tk, 1, 10);
	assert_int_equal(tk_expect(tk, TCP_ACK | TCP_PSH, 1, 1, 10)->tos, 0xba);
	text(tk, TCP_CWR, 1, 0);
	assert_int_equal(tk_sent(tk)->tos, 0xb8);
	tcp_abort(tk->pcb);
	assert_int_equal(tk_sent(tk)->tos, 0xb8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TK_TEST(asked_by_us),
		TK_TEST(not_agreed),
		TK_TEST(second_syn_without),
		TK_TEST(asked_by_peer),
		TK_TEST(cookie_keeps_it),
		TK_TEST(echoes_until_heard),
		TK_TEST(marks_that_do_not_count),
		TK_TEST(slows_down_once_a_window),
		TK_TEST(loss_and_mark),
		TK_TEST(cwr_is_not_lost),
		TK_TEST(tos_of_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
