/* SPDX-License-Identifier: BSD-2-Clause */
/* What each option of a socket does to the packets (tcp(7)); ranges and read-back. */
#include "tcpkit.h"

#include "tcp/pcb.h"

#include <errno.h>
/* Its header has the name of ours. */
#define tcphdr linux_tcphdr
#include <linux/tcp.h>
#undef tcphdr
#include <string.h>

static void set(struct tk *tk, enum tcp_opt o, int64_t v)
{
	assert_int_equal(tcp_opt_set(tk->pcb, o, v), 0);
}

static int64_t get(struct tk *tk, enum tcp_opt o)
{
	int64_t v;

	assert_int_equal(tcp_opt_get(tk->pcb, o, &v), 0);
	return v;
}

static void text(struct tk *tk, uint32_t seq, uint32_t len)
{
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = seq, .ack = 1, .len = len});
}

static void ack(struct tk *tk, uint32_t n)
{
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = n});
}

static void make(struct tk *tk)
{
	tk->pcb = tcp_create(tk->s, tk->v6, &tk->so);
	tk->so.pcb = tk->pcb;
}

static void ranges(void **state)
{
	static const struct {
		enum tcp_opt opt;
		int64_t v;
		int err;
		int64_t reads;
	} cases[] = {
		{TCP_OPT_MAXSEG, 87, -EINVAL, 536},
		{TCP_OPT_MAXSEG, 88, 0, 88},
		{TCP_OPT_MAXSEG, 0, 0, 536},
		{TCP_OPT_MAXSEG, 32768, -EINVAL, 536},
		{TCP_OPT_KEEPIDLE_S, 0, -EINVAL, 7200},
		{TCP_OPT_KEEPIDLE_S, 32768, -EINVAL, 7200},
		{TCP_OPT_KEEPINTVL_S, 5, 0, 5},
		{TCP_OPT_KEEPCNT, 128, -EINVAL, 9},
		{TCP_OPT_SYNCNT, 0, -EINVAL, 6},
		{TCP_OPT_SYNCNT, 3, 0, 3},
		{TCP_OPT_USER_TIMEOUT_MS, -1, -EINVAL, 0},
		{TCP_OPT_LINGER2_S, 0, 0, 60},
		{TCP_OPT_LINGER2_S, 7, 0, 7},
		{TCP_OPT_LINGER2_S, 500, 0, 120},
		{TCP_OPT_LINGER2_S, -5, 0, -1},
		{TCP_OPT_WINDOW_CLAMP, 1, 0, 1152},
		{TCP_OPT_WINDOW_CLAMP, 0, 0, 0},
		{TCP_OPT_WINDOW_CLAMP, 5000, 0, 5000},
		/* Kept as a number of SYN-ACKs: 1, 1 + 2, 1 + 2 + 4 s. */
		{TCP_OPT_DEFER_ACCEPT_S, -3, 0, 0},
		{TCP_OPT_DEFER_ACCEPT_S, 1, 0, 1},
		{TCP_OPT_DEFER_ACCEPT_S, 3, 0, 3},
		{TCP_OPT_DEFER_ACCEPT_S, 5, 0, 7},
		{TCP_OPT_DEFER_ACCEPT_S, 128, 0, 247},
		{TCP_OPT_NOTSENT_LOWAT, 1000, 0, 1000},
		{TCP_OPT_TIMESTAMP, 0, -EPERM, -1},
		{TCP_OPT_QUICKACK, 0, 0, 0},
		{TCP_OPT_QUICKACK, 1, 0, 1},
		{TCP_OPT_QUICKACK, 2, 0, 0},
	};
	struct tk *tk = *state;

	make(tk);
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(tcp_opt_set(tk->pcb, cases[i].opt, cases[i].v), cases[i].err);
		if (cases[i].reads != -1 || cases[i].opt == TCP_OPT_LINGER2_S)
			assert_int_equal(get(tk, cases[i].opt), cases[i].reads);
	}
	tcp_close(tk->pcb);
}

static void copied(void **state)
{
	struct tk *tk = *state;
	struct tcp_pcb *other = tcp_create(tk->s, tk->v6, NULL);
	struct tcp_prefs a, b;

	make(tk);
	set(tk, TCP_OPT_NODELAY, 1);
	set(tk, TCP_OPT_MAXSEG, 1000);
	set(tk, TCP_OPT_SYNCNT, 2);
	set(tk, TCP_OPT_TOS, 0x10);
	set(tk, TCP_OPT_RCVBUF, 9999);
	set(tk, TCP_OPT_CONGESTION, TCP_CC_NEWRENO);
	tcp_opts_inherit(other, tk->pcb);
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	tcp_prefs_get(tk->pcb, &a);
	tcp_prefs_get(other, &b);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(b.user_mss, 1000);
	assert_false(other->flags & PCBF_SNDBUF_SET);
	tcp_close(other);
	tcp_close(tk->pcb);
}

/* Set on a listening socket: for those accepted from then on. */
static void listener_follows(void **state)
{
	struct tk *tk = *state;
	struct tcp_pcb *like;

	tk_listen(tk, 4);
	make(tk);
	like = tk->pcb;
	set(tk, TCP_OPT_NODELAY, 1);
	set(tk, TCP_OPT_MAXSEG, 700);
	tcp_listener_opts(tk->l, like);
	tk_syn(tk, 999, NULL);
	assert_int_equal(tk_sent(tk)->o.mss, 700);
	tk_accept(tk, NULL);
	assert_true(tk->pcb->flags & PCBF_NODELAY);
	assert_int_equal(get(tk, TCP_OPT_MAXSEG), 688);
	tcp_abort(tk->pcb);
	tcp_close(like);
	tcp_unlisten(tk->l);
}

static void quickack(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tk_forget(tk);
	/* At the start every segment is acknowledged at once. */
	text(tk, 1, 10);
	tk_expect(tk, TCP_ACK, 1, 11, 0);
	/* An answer makes it a conversation. */
	tk_send(tk, 1, 5);
	tk_expect(tk, TCP_ACK | TCP_PSH, 1, 11, 5);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 11, .ack = 6, .len = 10});
	tk_expect_none(tk);
	assert_int_equal(get(tk, TCP_OPT_QUICKACK), 0);
	/* What is owed goes when the option is set. */
	set(tk, TCP_OPT_QUICKACK, 1);
	tk_run(tk);
	tk_expect(tk, TCP_ACK, 6, 21, 0);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 21, .ack = 6, .len = 10});
	tk_expect(tk, TCP_ACK, 6, 31, 0);
	set(tk, TCP_OPT_QUICKACK, 0);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 31, .ack = 6, .len = 10});
	tk_expect_none(tk);
	tk_advance(tk, 50 * MS);
	tk_expect(tk, TCP_ACK, 6, 41, 0);
	tcp_abort(tk->pcb);
}

static void window_clamp(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	set(tk, TCP_OPT_WINDOW_CLAMP, 4000);
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_WINDOW_CLAMP, 0), -EINVAL);
	for (uint32_t seq = 1; seq < 300000; seq += 1000) {
		text(tk, seq, 1000);
		tk_recv(tk, seq, 1000);
		tk_forget(tk);
	}
	/* The edge that was offered before is reached; from then on the clamp holds. */
	assert_true(tk->pcb->rcv_adv - tk->pcb->rcv_nxt <= 4000 + 128);
	tcp_abort(tk->pcb);
}

static void notsent_lowat(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	ack(tk, 1);
	set(tk, TCP_OPT_NOTSENT_LOWAT, 3000);
	/* cwnd takes 10 segments; then 3000 bytes may wait. */
	assert_int_equal(tk_send(tk, 1, 3000), 3000);
	while (tcp_snd_space(tk->pcb) > 0)
		assert_true(tk_send(tk, tk->pcb->write_seq - tk->iss, 1000) > 0);
	assert_int_equal(tk->pcb->write_seq - tk->pcb->snd_nxt, 3000);
	assert_int_equal(tk_send(tk, 99999, 1), -EAGAIN);
	tk->so.writable = 0;
	ack(tk, 1 + tk->pcb->mss);
	/* The ACK lets text out; the one behind it finds little unsent and wakes the program. */
	ack(tk, 1 + 2u * tk->pcb->mss);
	ack(tk, 1 + 3u * tk->pcb->mss);
	assert_int_equal(tk->so.writable, 1);
	assert_true(tcp_snd_space(tk->pcb) > 1500);
	tcp_abort(tk->pcb);
}

/* RFC 5482 semantics of tcp(7): from the first timeout on; not later by a backed-off timer. */
static void user_timeout(void **state)
{
	struct tk *tk = *state;
	uint64_t start;

	tk_connect(tk, NULL);
	set(tk, TCP_OPT_USER_TIMEOUT_MS, 3000);
	tk_send(tk, 1, 10);
	while (tcp_counters(tk->s)->rto == 0)
		tk_advance(tk, 10 * MS);
	start = tk->s->now_ns;
	while (tk->so.error == 0 && tk->s->now_ns - start < 10 * S)
		tk_advance(tk, 10 * MS);
	assert_int_equal(tk->so.err, ETIMEDOUT);
	assert_in_range((tk->s->now_ns - start) / MS, 2980, 3040);
	tcp_close(tk->pcb);
}

static void syncnt(void **state)
{
	struct tk *tk = *state;
	unsigned n = 0;

	make(tk);
	set(tk, TCP_OPT_SYNCNT, 2);
	assert_int_equal(tcp_connect(tk->pcb, &tk->peer, tk->port_peer), 0);
	tk_advance(tk, 8 * S);
	while (tk_sent(tk))
		n++;
	assert_int_equal(n, 3);
	assert_int_equal(tk->so.err, ETIMEDOUT);
	tcp_close(tk->pcb);
}

static void linger2(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	set(tk, TCP_OPT_LINGER2_S, 2);
	tcp_close(tk->pcb);
	tk_run(tk);
	ack(tk, 2);
	tk_advance(tk, 1900 * MS);
	assert_int_equal(tcp_pcb_count(tk->s), 1);
	tk_advance(tk, 200 * MS);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
	tk_forget(tk);
	memset(&tk->so, 0, sizeof(tk->so));
	/* Below 0: gone as soon as our FIN is acknowledged. */
	tk_connect(tk, NULL);
	set(tk, TCP_OPT_LINGER2_S, -1);
	tcp_close(tk->pcb);
	tk_run(tk);
	assert_int_equal(tcp_pcb_count(tk->s), 1);
	ack(tk, 2);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
	tk_forget(tk);
}

static void keepalive_and_user_timeout(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	set(tk, TCP_OPT_KEEPIDLE_S, 10);
	set(tk, TCP_OPT_KEEPINTVL_S, 1);
	set(tk, TCP_OPT_KEEPCNT, 100);
	set(tk, TCP_OPT_KEEPALIVE, 1);
	set(tk, TCP_OPT_USER_TIMEOUT_MS, 12000);
	tk_advance(tk, 11900 * MS);
	assert_int_equal(tk->so.error, 0);
	assert_int_equal(tcp_counters(tk->s)->keepalive_probes, 2);
	tk_advance(tk, 1200 * MS);
	assert_int_equal(tk->so.err, ETIMEDOUT);
	tcp_close(tk->pcb);
}

static void half(struct tk *tk, int64_t defer_s)
{
	make(tk);
	set(tk, TCP_OPT_DEFER_ACCEPT_S, defer_s);
	tk_listen(tk, 4);
	tcp_listener_opts(tk->l, tk->pcb);
	tcp_close(tk->pcb);
	tk_syn(tk, TK_PORT_PEER, NULL);
	tk->iss = tk_sent(tk)->h.seq;
}

static void defer_accept(void **state)
{
	struct tk *tk = *state;

	half(tk, 3);
	ack(tk, 1);
	assert_int_equal(tcp_accept_len(tk->l), 0);
	assert_int_equal(tk_drops(tk, DROP_TCP_DEFERRED), 1);
	text(tk, 1, 5);
	assert_int_equal(tcp_accept_len(tk->l), 1);
	tk->pcb = tcp_accept(tk->l);
	assert_int_equal(tk_recv(tk, 1, 10), 5);
	tcp_abort(tk->pcb);
	tcp_unlisten(tk->l);
}

/* No text comes: one more SYN-ACK, whose acknowledgement is enough. */
static void defer_accept_ends(void **state)
{
	struct tk *tk = *state;

	half(tk, 3);
	ack(tk, 1);
	tk_advance(tk, 2900 * MS);
	tk_expect_none(tk);
	tk_advance(tk, 200 * MS);
	tk_expect(tk, TCP_SYN | TCP_ACK, 0, 1, 0);
	ack(tk, 1);
	assert_int_equal(tcp_accept_len(tk->l), 1);
	tcp_unlisten(tk->l);
}

static void info(void **state)
{
	struct tk *tk = *state;
	struct tcp_info ti;
	uint32_t mss;

	tk_connect(tk, NULL);
	ack(tk, 1);
	mss = tk->pcb->mss;
	tk_send(tk, 1, 2 * mss);
	tk_advance(tk, 7 * MS);
	text(tk, 1, 500);
	tk_advance(tk, 5 * MS);
	tcp_info_fill(tk->pcb, &ti);
	assert_int_equal(ti.tcpi_state, 1);
	assert_int_equal(ti.tcpi_options, TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE);
	assert_int_equal(ti.tcpi_snd_wscale, 7);
	assert_int_equal(ti.tcpi_snd_mss, mss);
	assert_int_equal(ti.tcpi_advmss, mss);
	assert_int_equal(ti.tcpi_pmtu, 1500);
	assert_int_equal(ti.tcpi_unacked, 2);
	assert_int_equal(ti.tcpi_snd_cwnd, 10);
	assert_int_equal(ti.tcpi_reordering, 3);
	/* A probe for the tail went in between (RFC 8985 7.3). */
	assert_in_range(ti.tcpi_last_data_sent, 5, 12);
	assert_int_equal(ti.tcpi_last_data_recv, 5);
	assert_int_equal(ti.tcpi_last_ack_recv, 5);
	assert_int_equal(ti.tcpi_bytes_sent, 2 * mss);
	assert_int_equal(ti.tcpi_bytes_received, 500);
	assert_in_range(ti.tcpi_data_segs_out, 2, 3);
	assert_int_equal(ti.tcpi_data_segs_in, 1);
	assert_int_equal(ti.tcpi_snd_wnd, 65535u << 7);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1000, .ack = 1 + mss, .len = 10});
	tcp_info_fill(tk->pcb, &ti);
	assert_int_equal(ti.tcpi_unacked, 1);
	assert_int_equal(ti.tcpi_bytes_acked, mss);
	assert_int_equal(ti.tcpi_rcv_ooopack, 1);
	tcp_abort(tk->pcb);
}

/* Reset before anybody accepted it: it stays, text and error in order (as Linux). */
static void reset_in_the_queue(void **state)
{
	struct tk *tk = *state;

	tk_listen(tk, 4);
	tk_syn(tk, TK_PORT_PEER, NULL);
	tk->iss = tk_sent(tk)->h.seq;
	text(tk, 1, 5);
	tk_forget(tk);
	tk_in(tk, &(struct tk_seg){.flags = TCP_RST, .seq = 6});
	assert_int_equal(tcp_accept_len(tk->l), 1);
	tk->pcb = tcp_accept(tk->l);
	assert_non_null(tk->pcb);
	assert_int_equal(tcp_state(tk->pcb), TCPS_CLOSED);
	assert_int_equal(tcp_pending_error(tk->pcb), ECONNRESET);
	assert_int_equal(tk_recv(tk, 1, 10), 5);
	assert_int_equal(tk_recv(tk, 6, 10), -ECONNRESET);
	tcp_close(tk->pcb);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
	/* And one that is never accepted leaves nothing behind. */
	tk_syn(tk, 1001, NULL);
	tk->iss = tk_sent(tk)->h.seq;
	ack(tk, 1);
	tk_in(tk, &(struct tk_seg){.flags = TCP_RST, .seq = 1});
	assert_int_equal(tcp_accept_len(tk->l), 1);
	tcp_unlisten(tk->l);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
	tk_expect_none(tk);
}

static void icmp(struct tk *tk, enum inet_err_kind kind, int err, uint32_t seq)
{
	tk->inet.tcp.error(tk->s, &(struct inet_err){.kind = kind,
						     .err = err,
						     .src = tk->us,
						     .dst = tk->peer,
						     .sport = tk->port_us,
						     .dport = tk->port_peer,
						     .tcp_seq = tk->iss + seq});
	tk_run(tk);
}

static const enum inet_err_kind soft_kinds[] = {INET_ERR_UNREACHABLE, INET_ERR_TIME,
						INET_ERR_PARAM};

/* RFC 1122 4.2.3.9, RFC 5927 4.1: the host's own word ends an attempt; what routers say is told
 * when it has failed. */
static void icmp_while_connecting(void **state)
{
	struct tk *tk = *state;

	for (unsigned i = 0; i <= ARRAY_LEN(soft_kinds); i++) {
		bool soft = i < ARRAY_LEN(soft_kinds);
		enum inet_err_kind kind = soft ? soft_kinds[i] : INET_ERR_PORT;

		memset(&tk->so, 0, sizeof(tk->so));
		make(tk);
		assert_int_equal(tcp_bind(tk->pcb, &tk->us, tk->port_us, 0), 0);
		assert_int_equal(tcp_connect(tk->pcb, &tk->peer, tk->port_peer), 0);
		tk->iss = tk_sent(tk)->h.seq;
		icmp(tk, kind, EHOSTUNREACH, 5); /* not in flight */
		assert_int_equal(tcp_state(tk->pcb), TCPS_SYN_SENT);
		icmp(tk, kind, EHOSTUNREACH, 0);
		assert_int_equal(tk->so.connected, soft ? 0 : 1);
		if (soft)
			tk_advance(tk, 130 * S);
		assert_int_equal(tk->so.connected, 1);
		assert_int_equal(tk->so.err, EHOSTUNREACH);
		tcp_close(tk->pcb);
		tk_forget(tk);
	}
	tk_expect_none(tk);
}

static void icmp_about_syn_ack(void **state)
{
	struct tk *tk = *state;

	tk_listen(tk, 4);
	tk_syn(tk, TK_PORT_PEER, NULL);
	tk->iss = tk_sent(tk)->h.seq;
	icmp(tk, INET_ERR_PORT, ECONNREFUSED, 1); /* not in flight */
	icmp(tk, INET_ERR_TOO_BIG, EMSGSIZE, 0);
	for (unsigned i = 0; i < ARRAY_LEN(soft_kinds); i++)
		icmp(tk, soft_kinds[i], EHOSTUNREACH, 0);
	assert_int_equal(slab_count(&tk->s->tcp->halves), 1);
	icmp(tk, INET_ERR_PORT, ECONNREFUSED, 0);
	assert_int_equal(slab_count(&tk->s->tcp->halves), 0);
	tcp_unlisten(tk->l);
	tk_expect_none(tk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TK_TEST(ranges),
		TK_TEST(copied),
		TK_TEST(listener_follows),
		TK_TEST(quickack),
		TK_TEST(window_clamp),
		TK_TEST(notsent_lowat),
		TK_TEST(user_timeout),
		TK_TEST(syncnt),
		TK_TEST(linger2),
		TK_TEST(keepalive_and_user_timeout),
		TK_TEST(defer_accept),
		TK_TEST(defer_accept_ends),
		TK_TEST(info),
		TK_TEST(reset_in_the_queue),
		TK_TEST(icmp_while_connecting),
		TK_TEST(icmp_about_syn_ack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
