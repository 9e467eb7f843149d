/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP Fast Open (RFC 7413): cookies asked for, given, kept and renewed; text on the SYN both ways.
 */
#include "tcpkit.h"

#include "tcp/pcb.h"

#include <errno.h>
#include <string.h>

#define HOUR (3600 * S)

static struct view cookie(const uint8_t *p, size_t n)
{
	return view_make(p, n);
}

static void make(struct tk *tk)
{
	memset(&tk->so, 0, sizeof(tk->so));
	tk->pcb = tcp_create(tk->s, tk->v6, &tk->so);
	tk->so.pcb = tk->pcb;
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_FASTOPEN_CONNECT, 1), 0);
	assert_int_equal(tcp_bind(tk->pcb, &tk->us, tk->port_us, 0), 0);
	assert_int_equal(tcp_connect(tk->pcb, &tk->peer, tk->port_peer), 0);
	tk_run(tk);
}

/* SYN-ACK of the peer for n bytes of text. */
static void synack(struct tk *tk, uint32_t n, struct view c)
{
	tk->ts = true;
	tk_in(tk, &(struct tk_seg){.flags = TCP_SYN | TCP_ACK,
				   .ack = 1 + n,
				   .mss = 1400,
				   .wscale = 7,
				   .opts = TCPOPTS_MSS | TCPOPTS_WSCALE | TCPOPTS_SACK_PERMITTED |
					   (c.p ? TCPOPTS_FASTOPEN : 0),
				   .cookie = c});
}

static const uint8_t given[8] = {1, 2, 3, 4, 5, 6, 7, 8};

/* The first connection: asks, and keeps what it gets. */
static void learn(struct tk *tk)
{
	const struct tk_pkt *p;

	make(tk);
	assert_false(tcp_connect_waits(tk->pcb));
	p = tk_expect_syn(tk);
	assert_true(p->o.present & TCPOPTS_FASTOPEN);
	assert_int_equal(p->o.cookie.len, 0);
	assert_int_equal(p->len, 0);
	synack(tk, 0, cookie(given, sizeof(given)));
	assert_int_equal(tcp_state(tk->pcb), TCPS_ESTABLISHED);
	tcp_abort(tk->pcb);
	tk_forget(tk);
}

static void client(void **state)
{
	struct tk *tk = *state;
	const struct tk_pkt *p;

	learn(tk);
	make(tk);
	assert_true(tcp_connect_waits(tk->pcb));
	tk_expect_none(tk);
	assert_int_equal(tk_send(tk, 1, 100), 100);
	p = tk_expect_syn(tk);
	assert_int_equal(p->o.cookie.len, sizeof(given));
	assert_memory_equal(p->cookie, given, sizeof(given));
	assert_int_equal(p->len, 100);
	assert_int_equal(p->data[99], tk_byte(100));
	/* No more until the peer has answered. */
	assert_int_equal(tk_send(tk, 101, 10), -EAGAIN);
	synack(tk, 100, view_make(NULL, 0));
	assert_int_equal(tk->so.connected, 1);
	tk_expect_ack(tk, 1);
	assert_true(tk->pcb->flags & PCBF_SYN_TEXT);
	assert_int_equal(tcp_snd_queued(tk->pcb), 0);
	assert_int_equal(tcp_counters(tk->s)->fastopen_active, 1);
	tk_send(tk, 101, 50);
	tk_expect(tk, TCP_ACK | TCP_PSH, 101, 1, 50);
	tcp_abort(tk->pcb);
}

/* The peer took the SYN but not its text: it goes again at once, and whole. */
static void text_not_taken(void **state)
{
	struct tk *tk = *state;

	learn(tk);
	make(tk);
	tk_send(tk, 1, 100);
	tk_expect_syn(tk);
	synack(tk, 0, view_make(NULL, 0));
	assert_int_equal(tcp_state(tk->pcb), TCPS_ESTABLISHED);
	tk_expect(tk, TCP_ACK | TCP_PSH, 1, 1, 100);
	assert_int_equal(tcp_counters(tk->s)->fastopen_active_fail, 1);
	assert_false(tk->pcb->flags & PCBF_SYN_TEXT);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 101});
	assert_int_equal(tcp_snd_queued(tk->pcb), 0);
	tcp_abort(tk->pcb);
}

/* More than was sent is acknowledged by nobody honest; nor less than the SYN. */
static void wrong_acks(void **state)
{
	struct tk *tk = *state;

	learn(tk);
	make(tk);
	tk_send(tk, 1, 100);
	tk_expect_syn(tk);
	synack(tk, 101, view_make(NULL, 0));
	assert_int_equal(tk_sent(tk)->h.flags, TCP_RST);
	tk_in(tk, &(struct tk_seg){.flags = TCP_SYN | TCP_ACK, .ack = 0});
	assert_int_equal(tk_sent(tk)->h.flags, TCP_RST);
	assert_int_equal(tcp_state(tk->pcb), TCPS_SYN_SENT);
	tcp_abort(tk->pcb);
}

/* A way that drops SYNs with text: the next SYN is plain, and for an hour none has text. */
static void syn_with_text_is_lost(void **state)
{
	struct tk *tk = *state;
	const struct tk_pkt *p;

	learn(tk);
	make(tk);
	tk_send(tk, 1, 100);
	tk_expect_syn(tk);
	tk_advance(tk, 1100 * MS);
	p = tk_expect_syn(tk);
	assert_int_equal(p->len, 0);
	assert_false(p->o.present & TCPOPTS_FASTOPEN);
	synack(tk, 0, view_make(NULL, 0));
	tk_expect(tk, TCP_ACK | TCP_PSH, 1, 1, 100);
	tcp_abort(tk->pcb);
	tk_forget(tk);
	make(tk);
	assert_false(tcp_connect_waits(tk->pcb));
	tcp_abort(tk->pcb);
	tk_forget(tk);
	tk->h.now_ns += HOUR;
	tk_run(tk);
	make(tk);
	assert_true(tcp_connect_waits(tk->pcb));
	tcp_abort(tk->pcb);
	tk_expect_none(tk);
}

static void switched_off(void **state)
{
	struct tk *tk = *state;

	learn(tk);
	tk->s->tcp->limits.fastopen = 0;
	make(tk);
	assert_false(tcp_connect_waits(tk->pcb));
	assert_false(tk_expect_syn(tk)->o.present & TCPOPTS_FASTOPEN);
	tcp_abort(tk->pcb);
}

/* ---- server ---- */

static void serve(struct tk *tk, uint32_t pending)
{
	struct tcp_pcb *like = tcp_create(tk->s, tk->v6, NULL);

	tk->s->tcp->limits.fastopen = TCP_FASTOPEN_SERVER;
	tk_listen(tk, 16);
	assert_int_equal(tcp_opt_set(like, TCP_OPT_FASTOPEN, pending), 0);
	tcp_listener_opts(tk->l, like);
	tcp_close(like);
	tk->ts = false;
}

static const struct tk_pkt *syn(struct tk *tk, uint16_t port, uint32_t len, struct view c)
{
	const struct tk_pkt *p;

	tk->port_peer = port;
	tk_in(tk, &(struct tk_seg){.flags = TCP_SYN,
				   .len = len,
				   .data = NULL,
				   .opts = TCPOPTS_MSS | TCPOPTS_WSCALE | TCPOPTS_FASTOPEN,
				   .mss = 1400,
				   .wscale = 7,
				   .cookie = c});
	p = tk_sent(tk);
	assert_non_null(p);
	assert_int_equal(p->h.flags, TCP_SYN | TCP_ACK);
	tk->iss = p->h.seq;
	return p;
}

/* Ask for a cookie. */
static void get_cookie(struct tk *tk, uint8_t c[8])
{
	const struct tk_pkt *p = syn(tk, 900, 10, view_make(NULL, 0));

	assert_int_equal(p->h.ack - tk->irs, 1);
	assert_true(p->o.present & TCPOPTS_FASTOPEN);
	assert_int_equal(p->o.cookie.len, 8);
	memcpy(c, p->cookie, 8);
	tk_in(tk, &(struct tk_seg){.flags = TCP_RST, .seq = 1});
	assert_int_equal(tcp_accept_len(tk->l), 0);
}

/* The peer's text begins behind the SYN, whose number is 0. */
static uint8_t peer_byte(uint32_t i)
{
	return tk_byte(i);
}

static void server(void **state)
{
	struct tk *tk = *state;
	const struct tk_pkt *p;
	uint8_t c[8], buf[64];
	struct iovec iov = {buf, sizeof(buf)};

	serve(tk, 4);
	get_cookie(tk, c);
	p = syn(tk, 1000, 20, cookie(c, 8));
	assert_int_equal(p->h.ack - tk->irs, 21);
	assert_false(p->o.present & TCPOPTS_FASTOPEN);
	assert_int_equal(tcp_accept_len(tk->l), 1);
	tk->pcb = tcp_accept(tk->l);
	tcp_so_set(tk->pcb, &tk->so);
	assert_int_equal(tcp_state(tk->pcb), TCPS_SYN_RECEIVED);
	assert_int_equal(tcp_recv(tk->pcb, &iov, 1, false), 20);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(buf[i], peer_byte(i));
	/* The answer need not wait for the handshake. */
	assert_int_equal(tk_send(tk, 1, 30), 30);
	tk_expect(tk, TCP_ACK | TCP_PSH, 1, 21, 30);
	assert_int_equal(tk->s->tcp->fastopen.n_pending, 1);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 21, .ack = 31, .len = 5});
	assert_int_equal(tcp_state(tk->pcb), TCPS_ESTABLISHED);
	assert_int_equal(tk->s->tcp->fastopen.n_pending, 0);
	assert_int_equal(tcp_snd_queued(tk->pcb), 0);
	assert_int_equal(tk->pcb->snd_wnd, 65535u << 7);
	assert_int_equal(tcp_recv(tk->pcb, &iov, 1, false), 5);
	assert_int_equal(tcp_counters(tk->s)->fastopen_passive, 1);
	tcp_abort(tk->pcb);
	tcp_unlisten(tk->l);
}

static void synack_lost(void **state)
{
	struct tk *tk = *state;
	uint8_t c[8];

	serve(tk, 4);
	get_cookie(tk, c);
	syn(tk, 1000, 20, cookie(c, 8));
	tk->pcb = tcp_accept(tk->l);
	tk_send(tk, 1, 30);
	tk_expect(tk, TCP_ACK | TCP_PSH, 1, 21, 30);
	tk_advance(tk, 1100 * MS);
	/* The half-open entry of the cookie's request speaks too. */
	while (tk->inet.n_sent > 1)
		tk_sent(tk);
	tk_forget(tk);
	/* The client asks again, without text. */
	tk_in(tk, &(struct tk_seg){.flags = TCP_SYN, .opts = TCPOPTS_MSS, .mss = 1400});
	tk_expect(tk, TCP_SYN | TCP_ACK, 0, 21, 0);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 21, .ack = 1});
	assert_int_equal(tcp_state(tk->pcb), TCPS_ESTABLISHED);
	/* What the client has not acknowledged is sent again. */
	tk_forget(tk);
	tk_advance(tk, 4 * S);
	tk_expect(tk, TCP_ACK | TCP_PSH, 1, 21, 30);
	tcp_abort(tk->pcb);
	tcp_unlisten(tk->l);
}

/* Forged, cut, or for somebody else: an ordinary handshake and a good cookie. */
static void bad_cookies(void **state)
{
	struct tk *tk = *state;
	uint8_t c[16], bad[16];

	serve(tk, 4);
	get_cookie(tk, c);
	for (unsigned i = 0; i < 3; i++) {
		const struct tk_pkt *p;

		memcpy(bad, c, 8);
		memset(bad + 8, 0, 8);
		bad[i == 0 ? 0 : 7] ^= i < 2;
		p = syn(tk, (uint16_t)(1000 + i), 20, cookie(bad, i == 2 ? 16 : 8));
		assert_int_equal(p->h.ack - tk->irs, 1);
		assert_int_equal(p->o.cookie.len, 8);
		assert_memory_equal(p->cookie, c, 8);
	}
	assert_int_equal(tcp_accept_len(tk->l), 0);
	tcp_unlisten(tk->l);
}

/* The key turns every 12 hours; one turn later the cookie still counts and is renewed. */
static void keys_turn(void **state)
{
	struct tk *tk = *state;
	const struct tk_pkt *p;
	uint8_t c[8], later[8];

	serve(tk, 4);
	get_cookie(tk, c);
	tk->h.now_ns += 12 * HOUR;
	tk_run(tk);
	tk_forget(tk);
	p = syn(tk, 1000, 20, cookie(c, 8));
	assert_int_equal(p->h.ack - tk->irs, 21);
	assert_int_equal(p->o.cookie.len, 8);
	memcpy(later, p->cookie, 8);
	assert_memory_not_equal(later, c, 8);
	tk->h.now_ns += 12 * HOUR;
	tk_run(tk);
	tk_forget(tk);
	assert_int_equal(syn(tk, 1001, 20, cookie(c, 8))->h.ack - tk->irs, 1);
	assert_int_equal(syn(tk, 1002, 20, cookie(later, 8))->h.ack - tk->irs, 21);
	tcp_unlisten(tk->l);
}

/* 5.1: no more than the program wants pending; those that end make room. */
static void pending_limit(void **state)
{
	struct tk *tk = *state;
	uint8_t c[8];

	serve(tk, 2);
	get_cookie(tk, c);
	assert_int_equal(syn(tk, 1000, 20, cookie(c, 8))->h.ack - tk->irs, 21);
	assert_int_equal(syn(tk, 1001, 20, cookie(c, 8))->h.ack - tk->irs, 21);
	assert_int_equal(syn(tk, 1002, 20, cookie(c, 8))->h.ack - tk->irs, 1);
	tk->port_peer = 1001;
	tk_in(tk, &(struct tk_seg){.flags = TCP_RST, .seq = 21});
	assert_int_equal(syn(tk, 1003, 20, cookie(c, 8))->h.ack - tk->irs, 21);
	tcp_unlisten(tk->l);
	assert_int_equal(tk->s->tcp->fastopen.n_pending, 0);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
}

/* Reset before the handshake ended: the program, which has it already, hears of it. */
static void reset_while_pending(void **state)
{
	struct tk *tk = *state;
	uint8_t c[8];

	serve(tk, 2);
	get_cookie(tk, c);
	syn(tk, 1000, 20, cookie(c, 8));
	tk->pcb = tcp_accept(tk->l);
	tcp_so_set(tk->pcb, &tk->so);
	tk->so.pcb = tk->pcb;
	tk_in(tk, &(struct tk_seg){.flags = TCP_RST, .seq = 21});
	assert_int_equal(tk->so.error, 1);
	assert_int_equal(tk->so.err, ECONNRESET);
	assert_int_equal(tk->so.connected, 0);
	tcp_close(tk->pcb);
	assert_int_equal(tk->s->tcp->fastopen.n_pending, 0);
	tcp_unlisten(tk->l);
}

static void not_asked_for(void **state)
{
	struct tk *tk = *state;
	uint8_t c[8];

	serve(tk, 2);
	get_cookie(tk, c);
	tk->s->tcp->limits.fastopen = TCP_FASTOPEN_CLIENT;
	assert_int_equal(syn(tk, 1000, 20, cookie(c, 8))->h.ack - tk->irs, 1);
	tk->s->tcp->limits.fastopen = TCP_FASTOPEN_SERVER;
	tcp_unlisten(tk->l);
	tk_listen(tk, 4);
	assert_int_equal(syn(tk, 1001, 20, cookie(c, 8))->h.ack - tk->irs, 1);
	tk->s->tcp->limits.fastopen |= TCP_FASTOPEN_ALL_LISTENERS;
	assert_int_equal(syn(tk, 1002, 20, cookie(c, 8))->h.ack - tk->irs, 21);
	tk->s->tcp->limits.fastopen |= TCP_FASTOPEN_SERVER_NO_COOKIE;
	assert_int_equal(syn(tk, 1003, 20, view_make(NULL, 0))->h.ack - tk->irs, 21);
	tcp_unlisten(tk->l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TK_TEST(client),
		TK_TEST(text_not_taken),
		TK_TEST(wrong_acks),
		TK_TEST(syn_with_text_is_lost),
		TK_TEST(switched_off),
		TK_TEST(server),
		TK_TEST(synack_lost),
		TK_TEST(bad_cookies),
		TK_TEST(keys_turn),
		TK_TEST(pending_limit),
		TK_TEST(reset_while_pending),
		TK_TEST(not_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
