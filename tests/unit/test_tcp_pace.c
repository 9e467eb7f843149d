/* SPDX-License-Identifier: BSD-2-Clause */
/* Pacing: packets leave at the rate of the congestion control, a quantum at a time. */
#include "tcpkit.h"

#include "tcp/pcb.h"

#include <errno.h>

/* A paced connection with a wide window and much to send. */
static void start(struct tk *tk, uint64_t rate, uint32_t quantum)
{
	tk_connect(tk, NULL);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1});
	tk->pcb->cc.cwnd = 1000000;
	tk->pcb->cc.pacing_rate = rate;
	tk->pcb->cc.quantum = quantum;
	tk->pcb->rack.tlp_out = true; /* no probe in this story */
	tk->pcb->rack.tlp_end = tk->pcb->snd_nxt + 1000000;
}

static void at_the_rate(void **state)
{
	struct tk *tk = *state;
	uint64_t began, last = 0;
	uint32_t bytes = 0, mss;

	start(tk, 10000000, 20000);
	mss = tk->pcb->mss;
	began = tk->s->now_ns;
	assert_int_equal(tk_send(tk, 1, 200000), 200000);
	tk_advance(tk, 30 * MS);
	while (tk->inet.n_sent > 0) {
		const struct tk_pkt *p = tk_sent(tk);

		assert_true(p->len <= 20000 && (p->len % mss == 0 || bytes + p->len == 200000));
		/* What has left by now is no more than the rate allows, but for one quantum and
		 * what the wheel's tick makes up. */
		bytes += p->len;
		assert_true(bytes <= 20000 + (p->at_ns - began + 200000) / 100);
		last = p->at_ns;
	}
	assert_int_equal(bytes, 200000);
	assert_in_range(last - began, 17 * MS, 20 * MS);
	tcp_abort(tk->pcb);
}

/* What is lost waits, too, but for the first retransmission. */
static void rexmits_are_paced(void **state)
{
	struct tk *tk = *state;
	uint32_t mss;

	start(tk, 1000000, 2000);
	mss = tk->pcb->mss;
	tk->pcb->cc.pacing_rate = 0;
	tk_send(tk, 1, 10 * mss);
	tk_forget(tk);
	tk_advance(tk, MS);
	tk->pcb->cc.pacing_rate = 1000000;
	tk->pcb->pace_next_ns = tk->s->now_ns + 5 * MS;
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK,
				   .seq = 1,
				   .ack = 1,
				   .n_sack = 1,
				   .sack = {{1 + 6 * mss, 1 + 10 * mss}}});
	assert_int_equal(tk->pcb->recovery, TCP_REC_FAST);
	assert_int_equal(tk->inet.n_sent, 1);
	tk_forget(tk);
	tk_advance(tk, 5 * MS);
	assert_int_equal(tk->inet.n_sent, 0);
	assert_true(tcp_timer_on(tk->pcb, TCP_TIMER_PACE));
	tk_advance(tk, 3 * MS);
	assert_true(tk->inet.n_sent > 0);
	tk_forget(tk);
	tcp_abort(tk->pcb);
}

/* TCP_CONGESTION "bbr": paced from the first segment on; and back. */
static void chosen_by_option(void **state)
{
	struct tk *tk = *state;
	int64_t v;

	tk_connect(tk, NULL);
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_CONGESTION, TCP_CC_BBR), 0);
	assert_int_equal(tcp_opt_get(tk->pcb, TCP_OPT_CONGESTION, &v), 0);
	assert_int_equal(v, TCP_CC_BBR);
	assert_true(tk->pcb->cc.pacing_rate > 0);
	tk_send(tk, 1, 5000);
	tk_advance(tk, 5 * MS);
	assert_true(tk->inet.n_sent > 0);
	tk_forget(tk);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 5001});
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_CONGESTION, TCP_CC_CUBIC), 0);
	assert_int_equal(tk->pcb->cc.pacing_rate, 0);
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_CONGESTION, TCP_CC_COUNT), -EINVAL);
	tk_forget(tk);
	tcp_abort(tk->pcb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TK_TEST(at_the_rate),
		TK_TEST(rexmits_are_paced),
		TK_TEST(chosen_by_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
