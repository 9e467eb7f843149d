/* SPDX-License-Identifier: BSD-2-Clause */
/* Packetization-layer path MTU discovery (RFC 4821): a way that swallows large segments. */
#include "tcpkit.h"

#include "tcp/pcb.h"

static void ack(struct tk *tk, uint32_t n)
{
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = n});
}

static uint32_t largest(const struct tk_pkt *p)
{
	return p->gso_size ? p->gso_size : p->len;
}

/* Nothing larger than size arrives: acknowledge what is sent for a time, in order. Returns how far.
 */
static uint32_t swallow(struct tk *tk, uint32_t una, uint32_t size, uint64_t until_ns)
{
	while (tk->s->now_ns < until_ns && tk->so.error == 0) {
		const struct tk_pkt *p;
		uint32_t to = una;

		while ((p = tk_sent(tk)) != NULL) {
			uint32_t seq = p->h.seq - tk->iss;

			if (p->len > 0 && largest(p) <= size && seq_leq(seq, to) &&
			    seq_gt(seq + p->len, to))
				to = seq + p->len;
		}
		if (to != una)
			ack(tk, to);
		una = to;
		tk_advance(tk, 10 * MS);
	}
	return una;
}

/* IPv6 takes 1280 bytes everywhere. */
static uint32_t base_of(const struct tk *tk)
{
	return tk->v6 ? 1220 : 1024;
}

static void black_hole(void **state)
{
	struct tk *tk = *state;
	uint32_t mss;

	tk_connect(tk, NULL);
	ack(tk, 1);
	mss = tk->pcb->mss;
	tk_send(tk, 1, 5 * mss);
	/* Classic discovery is blind here. After three timeouts smaller segments get through. */
	assert_int_equal(swallow(tk, 1, 1220, tk->s->now_ns + 60 * S), 1 + 5 * mss);
	assert_int_equal(tk->so.error, 0);
	assert_int_equal(tcp_counters(tk->s)->pmtu_doubted, 1);
	assert_int_equal(tk->pcb->mss, base_of(tk) - 12);
	tcp_abort(tk->pcb);
}

/* Not even that is small enough: half as much, each time, down to what every way takes. */
static void narrow_black_hole(void **state)
{
	struct tk *tk = *state;
	uint32_t least = tk->v6 ? 1220 : 512, mss;

	tk_connect(tk, NULL);
	ack(tk, 1);
	mss = tk->pcb->mss;
	tk_send(tk, 1, 5 * mss);
	assert_int_equal(swallow(tk, 1, least - 100, tk->s->now_ns + 120 * S), 1);
	assert_int_equal(tk->pcb->mss, least - 12);
	assert_int_equal(tcp_counters(tk->s)->pmtu_doubted, tk->v6 ? 1 : 2);
	assert_int_equal(swallow(tk, 1, least, tk->s->now_ns + 120 * S), 1 + 5 * mss);
	assert_int_equal(tk->pcb->mss, least - 12);
	tcp_abort(tk->pcb);
}

static void switched_off(void **state)
{
	struct tk *tk = *state;

	tk->s->tcp->limits.mtu_probing = TCP_PMTUD_OFF;
	tk_connect(tk, NULL);
	ack(tk, 1);
	tk_send(tk, 1, 5u * tk->pcb->mss);
	assert_int_equal(swallow(tk, 1, 1220, tk->s->now_ns + 60 * S), 1);
	assert_int_equal(tcp_counters(tk->s)->pmtu_doubted, 0);
	tcp_abort(tk->pcb);
}

static void begin(struct tk *tk)
{
	tk->s->tcp->limits.mtu_probing = TCP_PMTUD_ALWAYS;
	tk_connect(tk, NULL);
	ack(tk, 1);
	assert_int_equal(tk->pcb->mss, base_of(tk) - 12);
}

/* The way takes all: the search ends at the path's MTU, within its threshold. */
static void finds_the_size(void **state)
{
	struct tk *tk = *state;
	uint32_t whole = tk->v6 ? 1440 : 1460, una = 1;

	begin(tk);
	for (unsigned i = 0; i < 20; i++) {
		tk_send(tk, una, 8 * whole);
		una = swallow(tk, una, 9000, tk->s->now_ns + 1 * S);
	}
	assert_true(tcp_counters(tk->s)->pmtu_raised >= 4);
	assert_int_equal(tcp_counters(tk->s)->pmtu_raised, tcp_counters(tk->s)->pmtu_probes);
	assert_in_range(tk->pcb->mss, whole - 12 - 8, whole - 12);
	tcp_abort(tk->pcb);
}

static void waits_for_text(void **state)
{
	struct tk *tk = *state;

	begin(tk);
	tk_send(tk, 1, 4000);
	assert_int_equal(tcp_counters(tk->s)->pmtu_probes, 0);
	swallow(tk, 1, 9000, tk->s->now_ns + 1 * S);
	tk_send(tk, 4001, 9000);
	assert_int_equal(tcp_counters(tk->s)->pmtu_probes, 1);
	tcp_abort(tk->pcb);
}

/* Only the probe is lost: its text goes again in smaller segments, and cwnd does not suffer. */
static void probe_is_lost(void **state)
{
	struct tk *tk = *state;
	uint32_t probe, cwnd, end;

	begin(tk);
	cwnd = tk->pcb->cc.cwnd;
	tk_send(tk, 1, 9000);
	assert_int_equal(tcp_counters(tk->s)->pmtu_probes, 1);
	assert_int_equal(tk_sent(tk)->len, tk->pcb->pmtud.probe);
	probe = tk->pcb->pmtud.probe;
	tk_forget(tk);
	end = 9001;
	for (uint32_t i = 1; i <= 4; i++) {
		tk_advance(tk, MS / 5);
		tk_in(tk, &(struct tk_seg){.flags = TCP_ACK,
					   .seq = 1,
					   .ack = 1,
					   .n_sack = 1,
					   .sack = {{1 + probe,
						     i < 4 ? 1 + probe + i * tk->pcb->mss : end}}});
	}
	assert_int_equal(tcp_counters(tk->s)->retrans_bytes, probe);
	ack(tk, end);
	/* What it was, and what was acknowledged: not without bound. */
	assert_in_range(tk->pcb->cc.cwnd, cwnd, cwnd + 9000);
	assert_int_equal(tk->pcb->recovery, TCP_REC_OPEN);
	assert_int_equal(tk->pcb->pmtud.probe, 0);
	assert_int_equal(tk->pcb->pmtud.high, probe + 12 - 1);
	assert_int_equal(tk->pcb->mss, base_of(tk) - 12);
	tcp_abort(tk->pcb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TK_TEST(black_hole),     TK_TEST(narrow_black_hole), TK_TEST(switched_off),
		TK_TEST(finds_the_size), TK_TEST(waits_for_text),    TK_TEST(probe_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
