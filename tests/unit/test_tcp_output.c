/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending: segment sizes, Nagle, windows, path MTU (RFC 9293 3.7, 3.8.6, RFC 1191, RFC 7323). */
#include "tcpkit.h"

#include "tcp/pcb.h"

#include <errno.h>
#include <string.h>

static void ack(struct tk *tk, uint32_t n)
{
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = n});
}

/* MSS minus timestamps. */
static uint32_t mss_of(const struct tk *tk)
{
	return (tk->v6 ? 1440u : 1460u) - 12;
}

static void superpackets(void **state)
{
	struct tk *tk = *state;
	const struct tk_pkt *p;
	uint32_t mss = mss_of(tk);

	tk_connect(tk, NULL);
	/* The initial window of ten segments (RFC 6928) in one packet. */
	assert_int_equal(tk_send(tk, 1, 40 * mss), 40 * mss);
	p = tk_expect(tk, TCP_ACK, 1, 1, 10 * mss);
	assert_int_equal(p->gso_size, mss);
	tk_expect_none(tk);
	ack(tk, 1 + 10 * mss);
	p = tk_expect(tk, TCP_ACK, 1 + 10 * mss, 1, 20 * mss);
	tk_expect_none(tk);
	ack(tk, 1 + 30 * mss);
	p = tk_expect(tk, TCP_ACK | TCP_PSH, 1 + 30 * mss, 1, 10 * mss);
	ack(tk, 1 + 40 * mss);
	assert_int_equal(tcp_snd_queued(tk->pcb), 0);
	assert_int_equal(tcp_counters(tk->s)->bytes_out, 40 * mss);
	tcp_abort(tk->pcb);
}

static void superpacket_limit_of_the_port(void **state)
{
	struct tk *tk = *state;
	uint32_t mss = mss_of(tk);

	tk->inet.max_gso = 4 * 1500;
	tk_connect(tk, NULL);
	assert_int_equal(tk_send(tk, 1, 6 * mss), 6 * mss);
	tk_expect(tk, TCP_ACK, 1, 1, 4 * mss);
	tk_expect(tk, TCP_ACK | TCP_PSH, 1 + 4 * mss, 1, 2 * mss);
	tcp_abort(tk->pcb);
}

static void nagle(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tk_send(tk, 1, 100);
	tk_expect(tk, TCP_ACK | TCP_PSH, 1, 1, 100);
	/* A small one is in flight: the next waits, and they go together. */
	tk_send(tk, 101, 10);
	tk_send(tk, 111, 10);
	tk_expect_none(tk);
	ack(tk, 101);
	tk_expect(tk, TCP_ACK | TCP_PSH, 101, 1, 20);
	/* NODELAY lets go what waits. */
	tk_send(tk, 121, 5);
	tk_expect_none(tk);
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_NODELAY, 1), 0);
	tk_run(tk);
	tk_expect(tk, TCP_ACK | TCP_PSH, 121, 1, 5);
	tk_send(tk, 126, 5);
	tk_expect(tk, TCP_ACK | TCP_PSH, 126, 1, 5);
	tcp_abort(tk->pcb);
}

/* A full segment goes although a small one is in flight; its tail waits (Minshall). */
static void nagle_full_segment(void **state)
{
	struct tk *tk = *state;
	uint32_t mss = mss_of(tk);

	tk_connect(tk, NULL);
	tk_send(tk, 1, 100);
	tk_forget(tk);
	tk_send(tk, 101, mss + 10);
	tk_expect(tk, TCP_ACK, 101, 1, mss);
	tk_expect_none(tk);
	ack(tk, 101);
	tk_expect(tk, TCP_ACK | TCP_PSH, 101 + mss, 1, 10);
	tcp_abort(tk->pcb);
}

static void cork_and_more(void **state)
{
	struct tk *tk = *state;
	uint8_t b[3] = {tk_byte(21), tk_byte(22), tk_byte(23)};
	struct iovec iov = {b, 3};

	tk_connect(tk, NULL);
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_CORK, 1), 0);
	tk_send(tk, 1, 10);
	tk_send(tk, 11, 10);
	tk_expect_none(tk);
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_CORK, 0), 0);
	tk_run(tk);
	tk_expect(tk, TCP_ACK | TCP_PSH, 1, 1, 20);
	ack(tk, 21);
	assert_int_equal(tcp_send(tk->pcb, &iov, 1, true), 3);
	tk_run(tk);
	tk_expect_none(tk);
	/* Not for ever. */
	tk_advance(tk, 1 * S);
	tk_expect(tk, TCP_ACK | TCP_PSH, 21, 1, 3);
	tcp_abort(tk->pcb);
}

/* tcp(7): TCP_NODELAY flushes what TCP_CORK holds. */
static void nodelay_opens_the_cork(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_CORK, 1), 0);
	tk_send(tk, 1, 10);
	tk_expect_none(tk);
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_NODELAY, 1), 0);
	tk_run(tk);
	tk_expect(tk, TCP_ACK | TCP_PSH, 1, 1, 10);
	ack(tk, 11);
	/* For the next write the cork is in again. */
	tk_send(tk, 11, 10);
	tk_expect_none(tk);
	tcp_abort(tk->pcb);
}

/* MSG_MORE holds against Nagle's question, not against the ACK clock; and it pushes nothing. */
static void ack_releases_more(void **state)
{
	struct tk *tk = *state;
	uint8_t b[3] = {tk_byte(1461), tk_byte(1462), tk_byte(1463)};
	struct iovec iov = {b, 3};

	tk_connect(tk, &(struct tk_peer){.mss = 1460, .wscale = -1, .no_ts = true});
	tk_send(tk, 1, 1460);
	tk_expect(tk, TCP_ACK | TCP_PSH, 1, 1, 1460);
	assert_int_equal(tcp_send(tk->pcb, &iov, 1, true), 3);
	tk_run(tk);
	tk_expect_none(tk);
	ack(tk, 1461);
	tk_expect(tk, TCP_ACK, 1461, 1, 3);
	tcp_abort(tk->pcb);
}

static void superpacket_ends_with_psh(void **state)
{
	struct tk *tk = *state;
	const struct tk_pkt *p;

	tk_connect(tk, &(struct tk_peer){.mss = 1000, .wscale = -1, .no_ts = true, .wnd = 3000});
	tk_send(tk, 1, 10000);
	p = tk_sent(tk);
	assert_non_null(p);
	assert_int_equal(p->len, 3000);
	assert_int_equal(p->h.flags, TCP_ACK | TCP_PSH);
	tcp_abort(tk->pcb);
}

static void maxseg_before_and_after(void **state)
{
	struct tk *tk = *state;
	int64_t v = 0;

	tk->pcb = tcp_create(tk->s, tk->v6, &tk->so);
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_MAXSEG, 1100), 0);
	assert_int_equal(tcp_opt_get(tk->pcb, TCP_OPT_MAXSEG, &v), 0);
	assert_int_equal(v, 1100);
	tcp_abort(tk->pcb);
}

static void fin_takes_held_data_along(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_CORK, 1), 0);
	tk_send(tk, 1, 10);
	tk_expect_none(tk);
	tcp_close(tk->pcb);
	tk_run(tk);
	tk_expect(tk, TCP_ACK | TCP_PSH | TCP_FIN, 1, 1, 10);
}

static void peer_window(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, &(struct tk_peer){.wscale = -1, .wnd = 3000});
	tk_send(tk, 1, 10000);
	/* Two full ones; the rest of the window is less than half of it: silly. */
	tk_expect(tk, TCP_ACK, 1, 1, 2 * mss_of(tk));
	tk_expect_none(tk);
	tk_in(tk,
	      &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1 + 2 * mss_of(tk), .wnd = 1000});
	/* Less than a segment, and less than half of what it ever offered. */
	tk_expect_none(tk);
	tk_in(tk,
	      &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1 + 2 * mss_of(tk), .wnd = 5000});
	tk_expect(tk, TCP_ACK, 1 + 2 * mss_of(tk), 1, 3 * mss_of(tk));
	tcp_abort(tk->pcb);
}

static void window_scale(void **state)
{
	struct tk *tk = *state;
	uint32_t mss = mss_of(tk);

	/* 14 is the most (RFC 7323 2.3); the SYN's own window is never scaled. */
	tk_connect(tk, &(struct tk_peer){.wscale = 15, .wnd = 200});
	assert_int_equal(tk->pcb->snd_scale, 14);
	assert_int_equal(tk->pcb->snd_wnd, 200);
	tk_send(tk, 1, 5 * mss);
	tk_expect(tk, TCP_ACK, 1, 1, 200);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 201, .wnd = 1});
	assert_int_equal(tk->pcb->snd_wnd, 16384);
	tk_forget(tk);
	tcp_abort(tk->pcb);
}

static void tiny_mss_has_a_floor(void **state)
{
	struct tk *tk = *state;
	static const uint16_t mss[] = {1, 8, 100};

	for (unsigned i = 0; i < ARRAY_LEN(mss); i++) {
		tk->port_us++;
		tk_connect(tk, &(struct tk_peer){.wscale = 7, .mss = mss[i]});
		assert_int_equal(tk->pcb->mss, 216 - 12);
		tcp_abort(tk->pcb);
		tk_forget(tk);
	}
}

static void maxseg(void **state)
{
	struct tk *tk = *state;

	tk->pcb = tcp_create(tk->s, tk->v6, &tk->so);
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_MAXSEG, 87), -EINVAL);
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_MAXSEG, 500), 0);
	assert_int_equal(tcp_connect(tk->pcb, &tk->peer, 80), 0);
	assert_int_equal(tk_sent(tk)->o.mss, 500);
	tcp_abort(tk->pcb);
}

static void send_buffer(void **state)
{
	struct tk *tk = *state;
	ssize_t n;

	tk_connect(tk, NULL);
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_SNDBUF, 20000), 0);
	n = tk_send(tk, 1, 30000);
	assert_int_equal(n, 20000);
	assert_int_equal(tcp_snd_space(tk->pcb), 0);
	assert_int_equal(tk_send(tk, 20001, 1), -EAGAIN);
	tk_forget(tk);
	/* Not for each acknowledged byte: a third must be free. */
	ack(tk, 2000);
	assert_int_equal(tk->so.writable, 0);
	ack(tk, 8000);
	assert_int_equal(tk->so.writable, 1);
	tk_forget(tk);
	ack(tk, 14000);
	assert_int_equal(tk->so.writable, 1);
	ack(tk, 20001);
	/* Drained. */
	assert_int_equal(tk->so.writable, 2);
	assert_int_equal(tk->pcb->snd.q.count, 0);
	tcp_abort(tk->pcb);
}

static void report(struct tk *tk, enum inet_err_kind kind, int err, uint32_t mtu, uint32_t seq)
{
	struct inet_err e = {.kind = kind,
			     .err = err,
			     .mtu = mtu,
			     .src = tk->us,
			     .dst = tk->peer,
			     .sport = tk->port_us,
			     .dport = tk->port_peer,
			     .tcp_seq = tk->iss + seq};

	tk->inet.tcp.error(tk->s, &e);
	tk_run(tk);
}

static void path_mtu(void **state)
{
	struct tk *tk = *state;
	uint32_t mss = mss_of(tk);
	uint32_t small = mss - 200;

	tk_connect(tk, NULL);
	tk_send(tk, 1, 4 * mss);
	tk_forget(tk);
	/* A number that is not in flight: forged. */
	report(tk, INET_ERR_TOO_BIG, EMSGSIZE, 1300, 4 * mss + 2);
	assert_int_equal(tk->inet.mtu, 1500);
	report(tk, INET_ERR_TOO_BIG, EMSGSIZE, 1300, 1);
	assert_int_equal(tcp_counters(tk->s)->pmtu_lowered, 1);
	assert_int_equal(tk->pcb->mss, small);
	/* All again, smaller, at once, and without a cut of the window. */
	assert_int_equal(tk_expect(tk, TCP_ACK | TCP_PSH, 1, 1, 4 * mss)->gso_size, small);
	ack(tk, 1 + 4 * mss);
	tk_send(tk, 1 + 4 * mss, 2 * small);
	assert_int_equal(tk_expect(tk, TCP_ACK | TCP_PSH, 1 + 4 * mss, 1, 2 * small)->gso_size,
			 small);
	/* Larger again: ignored. */
	report(tk, INET_ERR_TOO_BIG, EMSGSIZE, 1400, 1 + 4 * mss);
	assert_int_equal(tk->pcb->mss, small);
	tcp_abort(tk->pcb);
}

/* Our own layer says so: the interface's MTU went down. */
static void too_big_locally(void **state)
{
	struct tk *tk = *state;
	uint32_t mss = mss_of(tk);

	tk_connect(tk, NULL);
	tk->inet.mtu = 1000;
	tk_send(tk, 1, 2 * mss);
	assert_int_equal(tk_expect(tk, TCP_ACK | TCP_PSH, 1, 1, 2 * mss)->gso_size, mss - 500);
	tcp_abort(tk->pcb);
}

static void icmp_errors_are_soft(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tk_send(tk, 1, 10);
	report(tk, INET_ERR_PORT, ECONNREFUSED, 0, 1);
	report(tk, INET_ERR_UNREACHABLE, EHOSTUNREACH, 0, 1);
	assert_int_equal(tcp_state(tk->pcb), TCPS_ESTABLISHED);
	assert_int_equal(tk->so.error, 0);
	/* It is told when the connection times out. */
	tk_advance(tk, 2000 * S);
	assert_int_equal(tk->so.error, 1);
	assert_int_equal(tk->so.err, EHOSTUNREACH);
	tk_forget(tk);
	tcp_close(tk->pcb);

	memset(&tk->so, 0, sizeof(tk->so));
	tk->pcb = tcp_create(tk->s, tk->v6, &tk->so);
	assert_int_equal(tcp_bind(tk->pcb, &tk->us, tk->port_us, 0), 0);
	assert_int_equal(tcp_connect(tk->pcb, &tk->peer, tk->port_peer), 0);
	tk->iss = tk_sent(tk)->h.seq;
	report(tk, INET_ERR_PORT, ECONNREFUSED, 0, 5);
	assert_int_equal(tcp_state(tk->pcb), TCPS_SYN_SENT);
	report(tk, INET_ERR_PORT, ECONNREFUSED, 0, 0);
	assert_int_equal(tk->so.connected, 1);
	assert_int_equal(tk->so.err, ECONNREFUSED);
	tcp_close(tk->pcb);
}

/* Buffers run out: writes fall short, output goes on by itself when there are some again. */
/* RFC 9293 3.8.6.1: as long as the peer answers, whatever the number of retries says. */
static void zero_window_for_ever(void **state)
{
	struct tk *tk = *state;
	unsigned probes = 0;

	tk_connect(tk, NULL);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1, .wnd = TK_WND_ZERO});
	tk_send(tk, 1, 100);
	for (unsigned i = 0; i < 24 * 3600; i++) {
		bool probed = false;

		tk_advance(tk, 1 * S);
		while (tk_sent(tk))
			probed = true;
		if (!probed)
			continue;
		probes++;
		tk_in(tk,
		      &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1, .wnd = TK_WND_ZERO});
	}
	/* One a minute in the end. */
	assert_in_range(probes, 1400, 1500);
	assert_int_equal(tk->so.error, 0);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1, .wnd = 1000});
	tk_expect(tk, TCP_ACK | TCP_PSH, 1, 1, 100);
	tcp_abort(tk->pcb);
}

static void out_of_buffers(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	mbuf_pool_fail(tk->s->pool, 0, true);
	assert_int_equal(tk_send(tk, 1, 100), -ENOBUFS);
	mbuf_pool_fail(tk->s->pool, -1, false);
	tk_advance(tk, 20 * MS);
	assert_int_equal(tk->so.writable, 1);
	mbuf_pool_fail(tk->s->pool, 1, true);
	assert_int_equal(tk_send(tk, 1, 100), 100);
	tk_expect_none(tk);
	mbuf_pool_fail(tk->s->pool, -1, false);
	tk_advance(tk, 20 * MS);
	tk_expect(tk, TCP_ACK | TCP_PSH, 1, 1, 100);
	/* An ACK that could not be sent is not forgotten. */
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_QUICKACK, 1), 0);
	tk_in_quiet(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 101, .len = 10});
	mbuf_pool_fail(tk->s->pool, 0, true);
	tk_run(tk);
	tk_expect_none(tk);
	mbuf_pool_fail(tk->s->pool, -1, false);
	tk_advance(tk, 20 * MS);
	tk_expect_ack(tk, 11);
	tcp_abort(tk->pcb);
}

static void no_route_for_a_while(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tk->inet.fail = -ENETUNREACH;
	tk->inet.gen++;
	assert_int_equal(tk_send(tk, 1, 100), 100);
	tk_expect_none(tk);
	tk_advance(tk, 100 * MS);
	tk->inet.fail = 0;
	tk_advance(tk, 500 * MS);
	tk_expect(tk, TCP_ACK | TCP_PSH, 1, 1, 100);
	tcp_abort(tk->pcb);
}

/* Translated on the way, or for reading only: test_tcp_opt.c. */
static bool is_shaped(enum tcp_opt opt)
{
	return opt == TCP_OPT_MAXSEG || opt == TCP_OPT_QUICKACK || opt == TCP_OPT_DEFER_ACCEPT_S ||
	       opt == TCP_OPT_NOTSENT_LOWAT || opt == TCP_OPT_LINGER2_S;
}

static void options_have_ranges(void **state)
{
	static const struct {
		enum tcp_opt opt;
		int64_t lo, hi;
	} rows[] = {
#define X(id, lo, hi) {TCP_OPT_##id, lo, hi},
		TCP_OPT_TABLE(X)
#undef X
	};
	struct tk *tk = *state;
	int64_t v;

	tk->pcb = tcp_create(tk->s, tk->v6, &tk->so);
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(tcp_opt_set(tk->pcb, rows[i].opt, rows[i].lo - 1), -EINVAL);
		assert_int_equal(tcp_opt_set(tk->pcb, rows[i].opt, rows[i].hi + 1), -EINVAL);
		if (rows[i].opt == TCP_OPT_TIMESTAMP)
			continue;
		assert_int_equal(tcp_opt_set(tk->pcb, rows[i].opt, rows[i].lo), 0);
		if (is_shaped(rows[i].opt))
			continue;
		assert_int_equal(tcp_opt_get(tk->pcb, rows[i].opt, &v), 0);
		assert_int_equal(v, rows[i].lo);
	}
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_COUNT, 1), -ENOPROTOOPT);
	tcp_close(tk->pcb);
}

static void tos_and_ttl(void **state)
{
	struct tk *tk = *state;
	const struct tk_pkt *p;

	tk_connect(tk, NULL);
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_TOS, 0x10), 0);
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_TTL, 9), 0);
	tk_send(tk, 1, 10);
	p = tk_sent(tk);
	assert_int_equal(p->tos, 0x10);
	assert_int_equal(p->ttl, 9);
	tcp_abort(tk->pcb);
}

/* An older segment that acknowledges more tells the window too; else the edge, which counts from
 * SND.UNA, would pass what the peer has offered. */
static void late_ack_tells_the_window(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tk_send(tk, 1, 2000);
	tk_forget(tk);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 101, .ack = 1, .len = 10, .wnd = 100});
	assert_int_equal(tk->pcb->snd_wnd, 100 << 7);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1001, .len = 100, .wnd = 50});
	assert_int_equal(tk->pcb->snd_una - tk->iss, 1001);
	assert_int_equal(tk->pcb->snd_wnd, 50 << 7);
	/* An old one that acknowledges nothing new does not. */
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 50, .ack = 1001, .len = 61, .wnd = 9});
	assert_int_equal(tk->pcb->snd_wnd, 50 << 7);
	tcp_abort(tk->pcb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TK_TEST(superpackets),
		TK_TEST(superpacket_limit_of_the_port),
		TK_TEST(nagle),
		TK_TEST(nagle_full_segment),
		TK_TEST(cork_and_more),
		TK_TEST(nodelay_opens_the_cork),
		TK_TEST(ack_releases_more),
		TK_TEST(superpacket_ends_with_psh),
		TK_TEST(maxseg_before_and_after),
		TK_TEST(fin_takes_held_data_along),
		TK_TEST(peer_window),
		TK_TEST(window_scale),
		TK_TEST(tiny_mss_has_a_floor),
		TK_TEST(maxseg),
		TK_TEST(send_buffer),
		TK_TEST(path_mtu),
		TK_TEST(too_big_locally),
		TK_TEST(icmp_errors_are_soft),
		TK_TEST(out_of_buffers),
		TK_TEST(zero_window_for_ever),
		TK_TEST(no_route_for_a_while),
		TK_TEST(options_have_ranges),
		TK_TEST(tos_and_ttl),
		TK_TEST(late_ack_tells_the_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
