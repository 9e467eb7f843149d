/* SPDX-License-Identifier: BSD-2-Clause */
/* Ways to open and to be refused (RFC 9293 3.5, 3.10.7.1 to 3.10.7.4). */
#include "tcpkit.h"

#include "tcp/listen.h"
#include "tcp/pcb.h"

#include <errno.h>

static void active(void **state)
{
	struct tk *tk = *state;
	struct ipaddr a;
	uint16_t port;

	tk_connect(tk, NULL);
	tcp_local(tk->pcb, &a, &port);
	assert_true(ipaddr_eq(&a, &tk->us));
	assert_int_equal(port, TK_PORT_US);
	tcp_peer(tk->pcb, &a, &port);
	assert_true(ipaddr_eq(&a, &tk->peer));
	assert_int_equal(port, TK_PORT_PEER);
	assert_int_equal(tcp_counters(tk->s)->active_opens, 1);
	tcp_abort(tk->pcb);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
}

static void passive(void **state)
{
	struct tk *tk = *state;

	tk_listen(tk, 4);
	tk_accept(tk, NULL);
	assert_int_equal(tcp_counters(tk->s)->passive_opens, 1);
	assert_int_equal(tcp_accept_len(tk->l), 0);
	/* Data with the last ACK of the handshake is delivered. */
	tcp_abort(tk->pcb);
	tk_forget(tk);
	tk_syn(tk, 1234, NULL);
	tk->iss = tk_sent(tk)->h.seq;
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK | TCP_PSH, .seq = 1, .ack = 1, .len = 5});
	tk->pcb = tcp_accept(tk->l);
	assert_non_null(tk->pcb);
	assert_int_equal(tk_recv(tk, 1, 10), 5);
	tcp_abort(tk->pcb);
	tcp_unlisten(tk->l);
}

static void syn_ack_options(void **state)
{
	struct tk *tk = *state;
	struct tk_peer bare = {.wscale = -1, .no_ts = true, .no_sack = true};
	const struct tk_pkt *p;

	tk_listen(tk, 4);
	tk_syn(tk, 1000, NULL);
	p = tk_sent(tk);
	assert_int_equal(p->o.present,
			 TCPOPTS_MSS | TCPOPTS_WSCALE | TCPOPTS_SACK_PERMITTED | TCPOPTS_TS);
	assert_int_equal(p->o.mss, tk->v6 ? 1440 : 1460);
	assert_int_equal(p->o.tsecr, TK_PEER_TS);
	/* Nothing that the SYN did not offer. */
	tk_syn(tk, 1001, &bare);
	assert_int_equal(tk_sent(tk)->o.present, TCPOPTS_MSS);
	tcp_unlisten(tk->l);
}

static void expect_zone(struct tk *tk)
{
	const struct tk_pkt *p = tk_sent(tk);

	assert_non_null(p);
	assert_int_equal(p->zone, inet_zone(tk->iface));
}

/* Where a link-local peer is, its address does not say: all that it gets leaves by the interface
 * that its segments came by. */
static void back_by_interface(void **state)
{
	struct tk *tk = *state;

	tk->iface = 3;
	tk_syn(tk, 999, NULL);
	expect_zone(tk); /* RST */
	tk_listen(tk, 4);
	tk_syn(tk, 1000, NULL);
	tk->iss = tk_sent(tk)->h.seq;
	tk_advance(tk, 2 * S);
	expect_zone(tk); /* SYN-ACK, again */
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1, .sport = 1000});
	tk->pcb = tcp_accept(tk->l);
	assert_non_null(tk->pcb);
	tk_forget(tk);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(tk_send(tk, 1 + 10 * i, 10), 10);
		tk_run(tk);
		expect_zone(tk);
		tk->inet.gen++; /* routes changed: looked up anew */
		tk_in(tk, &(struct tk_seg){
				  .flags = TCP_ACK, .seq = 1, .ack = 11 + 10 * i, .sport = 1000});
	}
	tcp_abort(tk->pcb);
	tk_run(tk);
	expect_zone(tk);
	tcp_unlisten(tk->l);
}

static void refused(void **state)
{
	struct tk *tk = *state;

	/* No listener: RST with ACK (3.5.2 group 1). */
	tk->iss = 0;
	tk_syn(tk, 999, NULL);
	tk_expect(tk, TCP_RST | TCP_ACK, 0, 1, 0);
	/* An ACK to nobody: its number comes back. */
	tk->ts = false;
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 5, .ack = 77});
	assert_int_equal(tk_sent(tk)->h.seq, 77);
	/* Never an answer to RST, or to many. */
	tk_in(tk, &(struct tk_seg){.flags = TCP_RST, .seq = 5});
	tk_in(tk, &(struct tk_seg){.flags = TCP_SYN, .multicast = true});
	tk_expect_none(tk);
	assert_int_equal(tk_drops(tk, DROP_TCP_NO_PORT), 3);
	assert_int_equal(tk_drops(tk, DROP_TCP_BAD_DST), 1);
	assert_int_equal(tcp_counters(tk->s)->rst_out, 2);
}

static void start_connect(struct tk *tk)
{
	tk->pcb = tcp_create(tk->s, tk->v6, &tk->so);
	tk->so.pcb = tk->pcb;
	assert_int_equal(tcp_bind(tk->pcb, &tk->us, tk->port_us, 0), 0);
	assert_int_equal(tcp_connect(tk->pcb, &tk->peer, tk->port_peer), 0);
	tk->iss = tk_sent(tk)->h.seq;
}

static void connect_refused(void **state)
{
	struct tk *tk = *state;

	start_connect(tk);
	/* A RST that does not acknowledge our SYN is not for it. */
	tk_in(tk, &(struct tk_seg){.flags = TCP_RST, .seq = 0});
	assert_int_equal(tcp_state(tk->pcb), TCPS_SYN_SENT);
	tk_in(tk, &(struct tk_seg){.flags = TCP_RST | TCP_ACK, .seq = 0, .ack = 1});
	assert_int_equal(tk->so.connected, 1);
	assert_int_equal(tk->so.err, ECONNREFUSED);
	assert_int_equal(tcp_counters(tk->s)->connect_failed, 1);
	tcp_close(tk->pcb);
	assert_int_equal(tk->so.gone, 1);
	tk_expect_none(tk);
}

static void connect_timeout(void **state)
{
	struct tk *tk = *state;
	static const unsigned gaps_s[] = {1, 2, 4, 8, 16, 32};

	start_connect(tk);
	for (unsigned i = 0; i < ARRAY_LEN(gaps_s); i++) {
		tk_advance(tk, gaps_s[i] * S - 10 * MS);
		tk_expect_none(tk);
		tk_advance(tk, 20 * MS);
		tk_expect(tk, TCP_SYN, 0, 0, 0);
		tk_advance(tk, 0);
		tk->h.now_ns -= 10 * MS;
	}
	assert_int_equal(tk->so.connected, 0);
	tk_advance(tk, 65 * S);
	tk_expect_none(tk);
	assert_int_equal(tk->so.connected, 1);
	assert_int_equal(tk->so.err, ETIMEDOUT);
	tcp_close(tk->pcb);
}

static void wrong_ack_in_syn_sent(void **state)
{
	struct tk *tk = *state;

	start_connect(tk);
	tk_in(tk, &(struct tk_seg){.flags = TCP_SYN | TCP_ACK, .ack = 9});
	assert_int_equal(tk_sent(tk)->h.seq, tk->iss + 9);
	assert_int_equal(tcp_state(tk->pcb), TCPS_SYN_SENT);
	/* SYN+FIN without ACK opens nothing. */
	tk_in(tk, &(struct tk_seg){.flags = TCP_SYN | TCP_FIN});
	assert_int_equal(tcp_state(tk->pcb), TCPS_SYN_SENT);
	tk_expect_none(tk);
	tcp_close(tk->pcb);
}

static void simultaneous_open(void **state)
{
	struct tk *tk = *state;
	struct tk_seg syn = {.flags = TCP_SYN,
			     .opts = TCPOPTS_MSS | TCPOPTS_TS | TCPOPTS_SACK_PERMITTED,
			     .mss = 1400};

	start_connect(tk);
	tk->ts = true;
	tk_in(tk, &syn);
	assert_int_equal(tcp_state(tk->pcb), TCPS_SYN_RECEIVED);
	tk_expect(tk, TCP_SYN | TCP_ACK, 0, 1, 0);
	/* The peer's SYN-ACK, crossing ours. */
	syn.flags |= TCP_ACK;
	syn.ack = 1;
	tk_in(tk, &syn);
	assert_int_equal(tcp_state(tk->pcb), TCPS_ESTABLISHED);
	assert_int_equal(tk->so.connected, 1);
	assert_int_equal(tk->so.err, 0);
	tk_forget(tk);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1, .len = 3});
	assert_int_equal(tk_recv(tk, 1, 10), 3);
	tcp_abort(tk->pcb);
}

static void simultaneous_open_plain_ack(void **state)
{
	struct tk *tk = *state;

	start_connect(tk);
	tk_in(tk, &(struct tk_seg){.flags = TCP_SYN});
	tk_forget(tk);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1});
	assert_int_equal(tcp_state(tk->pcb), TCPS_ESTABLISHED);
	tcp_abort(tk->pcb);
}

static void half_open_entry(void **state)
{
	struct tk *tk = *state;

	tk_listen(tk, 4);
	tk_syn(tk, 1000, NULL);
	tk->iss = tk_sent(tk)->h.seq;
	/* The SYN-ACK is sent again, 1 s, 3 s, 7 s ... */
	tk_advance(tk, 1010 * MS);
	tk_expect(tk, TCP_SYN | TCP_ACK, 0, 1, 0);
	tk_advance(tk, 2010 * MS);
	tk_expect(tk, TCP_SYN | TCP_ACK, 0, 1, 0);
	/* So it is when the SYN comes again. */
	tk_in(tk, &(struct tk_seg){.flags = TCP_SYN});
	tk_expect_none(tk);
	tk_advance(tk, 200 * MS);
	tk_in(tk, &(struct tk_seg){.flags = TCP_SYN});
	tk_expect(tk, TCP_SYN | TCP_ACK, 0, 1, 0);
	/* RST in the window but not exact: challenge; exact: gone. */
	tk_in(tk, &(struct tk_seg){.flags = TCP_RST, .seq = 100});
	tk_expect_ack(tk, 1);
	/* Not for each of many. */
	for (unsigned i = 0; i < 20; i++)
		tk_in(tk, &(struct tk_seg){.flags = TCP_RST, .seq = 100});
	tk_expect_none(tk);
	assert_int_equal(tcp_counters(tk->s)->challenge_limited, 20);
	tk_in(tk, &(struct tk_seg){.flags = TCP_RST, .seq = 1});
	tk_expect_none(tk);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1});
	tk_expect(tk, TCP_RST, 1, 0, 0);
	assert_int_equal(tk->lso.acceptable, 0);
	tcp_unlisten(tk->l);
}

static void half_open_expires(void **state)
{
	struct tk *tk = *state;

	tk_listen(tk, 4);
	tk_syn(tk, 1000, NULL);
	tk->iss = tk_sent(tk)->h.seq;
	tk_advance(tk, 120 * S);
	assert_int_equal(tk->inet.n_sent, 5);
	tk_forget(tk);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1});
	tk_expect(tk, TCP_RST, 1, 0, 0);
	tcp_unlisten(tk->l);
}

static void half_open_wrong_ack(void **state)
{
	struct tk *tk = *state;

	tk_listen(tk, 4);
	tk_syn(tk, 1000, NULL);
	tk->iss = tk_sent(tk)->h.seq;
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 2});
	tk_expect(tk, TCP_RST, 2, 0, 0);
	/* It is still there. */
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1});
	assert_int_equal(tk->lso.acceptable, 1);
	tcp_unlisten(tk->l);
	tk_expect(tk, TCP_RST | TCP_ACK, 1, 1, 0);
}

static void syn_to_listener_with_junk(void **state)
{
	struct tk *tk = *state;

	tk_listen(tk, 4);
	tk->iss = 0;
	tk_in(tk, &(struct tk_seg){.flags = TCP_SYN | TCP_FIN});
	tk_in(tk, &(struct tk_seg){.flags = 0});
	tk_in(tk, &(struct tk_seg){.flags = TCP_FIN | TCP_PSH | TCP_URG});
	tk_in(tk, &(struct tk_seg){.flags = TCP_SYN, .bad_csum = true});
	tk_expect_none(tk);
	assert_int_equal(tk_drops(tk, DROP_TCP_FLAGS), 3);
	assert_int_equal(tk_drops(tk, DROP_TCP_CSUM), 1);
	tcp_unlisten(tk->l);
}

static void backlog_full(void **state)
{
	struct tk *tk = *state;
	uint32_t iss[3];

	tk_listen(tk, 2);
	for (uint16_t i = 0; i < 3; i++) {
		tk_syn(tk, (uint16_t)(1000 + i), NULL);
		iss[i] = tk_sent(tk)->h.seq;
	}
	for (uint16_t i = 0; i < 3; i++) {
		tk->iss = iss[i];
		tk->port_peer = (uint16_t)(1000 + i);
		tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1});
	}
	assert_int_equal(tcp_accept_len(tk->l), 2);
	assert_int_equal(tcp_counters(tk->s)->accept_overflow, 1);
	/* A new SYN is not answered while it is full. */
	tk_syn(tk, 2000, NULL);
	tk_expect_none(tk);
	/* The one that was turned away is still half open, and gets in when there is room. */
	tcp_abort(tcp_accept(tk->l));
	tk_forget(tk);
	tk->port_peer = 1002;
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1});
	assert_int_equal(tcp_accept_len(tk->l), 2);
	tcp_unlisten(tk->l);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
}

/* The queue of half-open entries is full: cookies, with and without timestamps. */
static void cookies(void **state)
{
	struct tk *tk = *state;
	struct tk_peer no_ts = {.wscale = 7, .no_ts = true};
	unsigned n = tk->s->tcp->limits.half_open;
	const struct tk_pkt *p;

	tk_listen(tk, 4);
	for (unsigned i = 0; i < n; i++)
		tk_syn(tk, (uint16_t)(1000 + i), NULL);
	tk_forget(tk);
	tk_syn(tk, 5001, NULL);
	p = tk_sent(tk);
	tk->iss = p->h.seq;
	assert_int_equal(p->h.flags, TCP_SYN | TCP_ACK);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1, .len = 4});
	assert_int_equal(tcp_accept_len(tk->l), 1);
	tk->pcb = tcp_accept(tk->l);
	assert_true(tk->pcb->flags & PCBF_SACK);
	assert_true(tk->pcb->flags & PCBF_WSCALE);
	assert_int_equal(tk->pcb->snd_scale, 7);
	assert_int_equal(tk_recv(tk, 1, 10), 4);
	tcp_abort(tk->pcb);
	tk_forget(tk);

	tk_syn(tk, 5002, &no_ts);
	tk->iss = tk_sent(tk)->h.seq;
	/* Not quite the number. */
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 2});
	tk_expect(tk, TCP_RST, 2, 0, 0);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1});
	assert_int_equal(tcp_accept_len(tk->l), 1);
	tk->pcb = tcp_accept(tk->l);
	assert_false(tk->pcb->flags & (PCBF_SACK | PCBF_WSCALE | PCBF_TS));
	tcp_abort(tk->pcb);
	tk_forget(tk);

	/* An old cookie is none. */
	tk_syn(tk, 5003, NULL);
	tk->iss = tk_sent(tk)->h.seq;
	assert_true(tcp_synq_cookies_live(tk->s));
	tk_advance(tk, 70 * S);
	tk_forget(tk);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1});
	tk_expect(tk, TCP_RST, 1, 0, 0);
	/* Nobody looks for cookies any more. */
	assert_false(tcp_synq_cookies_live(tk->s));
	tcp_unlisten(tk->l);
}

/* SYNs that come to nothing, and scales that do not exist, are counted. */
static void syn_oddities(void **state)
{
	struct tk *tk = *state;
	struct tk_peer wide = {.wscale = 15};

	tk_listen(tk, 4);
	tk->inet.fail = -ENETUNREACH;
	tk_syn(tk, 1000, NULL);
	tk->inet.fail = 0;
	tk_expect_none(tk);
	assert_int_equal(tcp_counters(tk->s)->syn_no_route, 1);
	tk_syn(tk, 1001, &wide);
	assert_int_equal(tk_sent(tk)->h.flags, TCP_SYN | TCP_ACK);
	assert_int_equal(tcp_counters(tk->s)->wscale_clamped, 1);
	tcp_unlisten(tk->l);
	tk->port_peer = TK_PORT_PEER;
	tk_connect(tk, &wide);
	assert_int_equal(tk->pcb->snd_scale, 14);
	assert_int_equal(tcp_counters(tk->s)->wscale_clamped, 2);
	tcp_abort(tk->pcb);
}

/* One connection's buffers grow to no more than a part of the pool. */
static void limits_fit_pool(void **state)
{
	struct tk *tk = *state;
	uint64_t pool = mbuf_pool_bytes(tk->s->pool);

	assert_true(tk->s->tcp->limits.rmem[TCP_MEM_MAX] <= pool / 2);
	assert_true(tk->s->tcp->limits.wmem[TCP_MEM_MAX] <= pool / 2);
	assert_true(tk->s->tcp->limits.rmem[TCP_MEM_INIT] <= tk->s->tcp->limits.rmem[TCP_MEM_MAX]);
	assert_true(tk->s->tcp->limits.wmem[TCP_MEM_INIT] <= tk->s->tcp->limits.wmem[TCP_MEM_MAX]);
}

/* As many half-open entries as there may be: the next SYN gets a cookie. */
static void fill_half_open(struct tk *tk)
{
	unsigned n = tk->s->tcp->limits.half_open;

	for (unsigned i = 0; i < n; i++)
		tk_syn(tk, (uint16_t)(1000 + i), NULL);
	tk_forget(tk);
}

/* A peer without window scale: its window counts as it stands. */
static void cookie_without_scale(void **state)
{
	struct tk *tk = *state;
	struct tk_peer bare = {.wscale = -1};

	tk_listen(tk, 4);
	fill_half_open(tk);
	tk_syn(tk, 5001, &bare);
	tk->iss = tk_sent(tk)->h.seq;
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1, .wnd = 1000});
	tk->pcb = tcp_accept(tk->l);
	assert_non_null(tk->pcb);
	assert_false(tk->pcb->flags & PCBF_WSCALE);
	assert_int_equal(tk->pcb->snd_scale, 0);
	assert_int_equal(tk->pcb->snd_wnd, 1000);
	tcp_abort(tk->pcb);
	tcp_unlisten(tk->l);
}

/* A SYN that carries a valid cookie is no last step of a handshake. */
static void cookie_with_syn(void **state)
{
	struct tk *tk = *state;

	tk_listen(tk, 4);
	fill_half_open(tk);
	tk_syn(tk, 5001, NULL);
	tk->iss = tk_sent(tk)->h.seq;
	tk_in(tk, &(struct tk_seg){.flags = TCP_SYN | TCP_ACK, .seq = 1, .ack = 1});
	tk_expect(tk, TCP_RST, 1, 0, 0);
	assert_int_equal(tk->l->n_embryo, 0);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
	/* The honest ACK still gets in. */
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1});
	assert_int_equal(tcp_accept_len(tk->l), 1);
	tcp_unlisten(tk->l);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
}

/* Repeated SYNs are answered but put nothing off: neither their own entry's end nor the turn of
 * the others in its class. */
static void repeated_syn_keeps_time(void **state)
{
	struct tk *tk = *state;
	uint32_t iss[2];

	tk_listen(tk, 4);
	for (uint16_t i = 0; i < 2; i++) {
		tk_syn(tk, (uint16_t)(1000 + i), NULL);
		iss[i] = tk_sent(tk)->h.seq;
	}
	for (unsigned i = 0; i < 9; i++) {
		tk_advance(tk, 105 * MS);
		tk->port_peer = 1000;
		tk_in(tk, &(struct tk_seg){.flags = TCP_SYN});
		tk->iss = iss[0];
		tk_expect(tk, TCP_SYN | TCP_ACK, 0, 1, 0);
		tk_expect_none(tk);
	}
	/* 1 s after the SYNs, both are sent again. */
	tk_advance(tk, 105 * MS);
	assert_int_equal(tk->inet.n_sent, 2);
	tk_forget(tk);
	/* A peer that goes on for ever does not hold its entry for ever: 1+2+4+8+16+32 s. */
	for (unsigned i = 0; i < 90; i++) {
		tk->port_peer = 1000;
		tk_in(tk, &(struct tk_seg){.flags = TCP_SYN});
		tk_advance(tk, 700 * MS);
	}
	tk_forget(tk);
	assert_int_equal(tk->l->n_half, 1); /* the SYN after the end made a new one */
	tk->iss = iss[0];
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1});
	tk_expect(tk, TCP_RST, 1, 0, 0);
	tcp_unlisten(tk->l);
}

static void isn_moves_on(void **state)
{
	struct tk *tk = *state;
	uint32_t first, second;

	start_connect(tk);
	first = tk->iss;
	tcp_abort(tk->pcb);
	tk_advance(tk, 1 * S);
	tk_forget(tk);
	start_connect(tk);
	second = tk->iss;
	assert_true(seq_gt(second, first));
	tcp_abort(tk->pcb);
	/* Another pair: unrelated. */
	tk->port_us++;
	start_connect(tk);
	assert_true(tk->iss - second > 1000000 && second - tk->iss > 1000000);
	tcp_abort(tk->pcb);
}

static void port_chosen(void **state)
{
	struct tk *tk = *state;
	struct tcp_pcb *a = tcp_create(tk->s, tk->v6, NULL);
	struct tcp_pcb *b = tcp_create(tk->s, tk->v6, NULL);
	struct ipaddr la;
	uint16_t pa, pb;

	assert_int_equal(tcp_connect(a, &tk->peer, 80), 0);
	assert_int_equal(tcp_connect(b, &tk->peer, 80), 0);
	tcp_local(a, &la, &pa);
	assert_true(ipaddr_eq(&la, &tk->us));
	tcp_local(b, &la, &pb);
	assert_true(pa >= 32768 && pb >= 32768 && pa != pb);
	assert_int_equal(tcp_connect(a, &tk->peer, 80), -EALREADY);
	tcp_close(a);
	tcp_close(b);
	tk_forget(tk);
}

/* Port 0 is chosen by bind, so that it can be told at once; or later when the program says so. */
static void bind_chooses(void **state)
{
	struct tk *tk = *state;
	struct ipaddr any = tk->v6 ? ipaddr_any6() : ipaddr_any4();
	struct tcp_pcb *a = tcp_create(tk->s, tk->v6, NULL);
	struct tcp_pcb *b = tcp_create(tk->s, tk->v6, NULL);
	struct ipaddr la;
	uint16_t port;

	assert_int_equal(tcp_bind(a, &any, 0, TCP_BIND_REUSEADDR), 0);
	tcp_local(a, &la, &port);
	assert_in_range(port, 32768, 60999);
	assert_int_equal(tcp_bind(b, &tk->us, port, 0), -EADDRINUSE);
	assert_int_equal(tcp_bind(b, &tk->us, 0, TCP_BIND_NO_PORT), 0);
	tcp_local(b, &la, &port);
	assert_int_equal(port, 0);
	assert_int_equal(tcp_connect(b, &tk->peer, 80), 0);
	tcp_local(b, &la, &port);
	assert_true(port != 0);
	tcp_close(a);
	tcp_close(b);
	tk_forget(tk);
	/* All taken. */
	tk->s->tcp->limits.ports[0] = tk->s->tcp->limits.ports[1];
	a = tcp_create(tk->s, tk->v6, NULL);
	b = tcp_create(tk->s, tk->v6, NULL);
	assert_int_equal(tcp_bind(a, &tk->us, 0, 0), 0);
	assert_int_equal(tcp_bind(b, &tk->us, 0, 0), -EADDRINUSE);
	tcp_close(a);
	tcp_close(b);
}

static void bind_conflicts(void **state)
{
	struct tk *tk = *state;
	struct tcp_pcb *a = tcp_create(tk->s, tk->v6, NULL);
	struct tcp_pcb *b = tcp_create(tk->s, tk->v6, NULL);
	struct ipaddr any = tk->v6 ? ipaddr_any6() : ipaddr_any4();

	assert_int_equal(tcp_bind(a, &tk->peer, 7, 0), -EADDRNOTAVAIL);
	assert_int_equal(tcp_bind(a, &tk->us, 7, 0), 0);
	assert_int_equal(tcp_bind(a, &tk->us, 8, 0), -EINVAL);
	assert_int_equal(tcp_bind(b, &tk->us, 7, 0), -EADDRINUSE);
	assert_int_equal(tcp_bind(b, &any, 7, 0), -EADDRINUSE);
	assert_int_equal(tcp_bind(b, &any, 8, 0), 0);
	tcp_close(a);
	a = tcp_create(tk->s, tk->v6, NULL);
	assert_int_equal(tcp_bind(a, &tk->us, 8, 0), -EADDRINUSE);
	assert_int_equal(tcp_bind(a, &tk->us, 7, 0), 0);
	tcp_close(a);
	tcp_close(b);
	/* Foreign: two connections of one client, with its own port. */
	a = tcp_create(tk->s, tk->v6, NULL);
	b = tcp_create(tk->s, tk->v6, NULL);
	assert_int_equal(tcp_bind(a, &tk->peer, 9, TCP_BIND_FOREIGN | TCP_BIND_REUSEADDR), 0);
	assert_int_equal(tcp_bind(b, &tk->peer, 9, TCP_BIND_FOREIGN | TCP_BIND_REUSEADDR), 0);
	assert_int_equal(tcp_connect(a, &tk->us, 80), 0);
	assert_int_equal(tcp_connect(b, &tk->us, 80), -EADDRINUSE);
	assert_int_equal(tcp_connect(b, &tk->us, 81), 0);
	tcp_close(a);
	tcp_close(b);
	tk_forget(tk);
}

/* Options of the listener that change after listen(): only what was set comes over. */
static void inherit_late(void **state)
{
	struct tk *tk = *state;
	struct tcp_pcb *like = tcp_create(tk->s, tk->v6, NULL);
	uint32_t rcvbuf, sndbuf;
	uint16_t mss;

	tk_listen(tk, 4);
	tk_accept(tk, NULL);
	mss = tk->pcb->mss;
	rcvbuf = tk->pcb->rcv.limit;
	sndbuf = tk->pcb->snd.limit;
	assert_int_equal(tcp_opt_set(like, TCP_OPT_NODELAY, 1), 0);
	assert_int_equal(tcp_opt_set(like, TCP_OPT_KEEPALIVE, 1), 0);
	tcp_opts_inherit(tk->pcb, like);
	assert_int_equal(tk->pcb->mss, mss);
	assert_int_equal(tk->pcb->rcv.limit, rcvbuf);
	assert_int_equal(tk->pcb->snd.limit, sndbuf);
	assert_true(tk->pcb->flags & PCBF_NODELAY);
	assert_false(tk->pcb->flags & (PCBF_RCVBUF_SET | PCBF_SNDBUF_SET));
	assert_true(tcp_timer_on(tk->pcb, TCP_TIMER_KEEP));
	assert_int_equal(tcp_opt_set(like, TCP_OPT_MAXSEG, 700), 0);
	assert_int_equal(tcp_opt_set(like, TCP_OPT_RCVBUF, 30000), 0);
	tcp_opts_inherit(tk->pcb, like);
	assert_int_equal(tk->pcb->mss, 700 - 12);
	assert_int_equal(tk->pcb->rcv.limit, 30000);
	assert_true(tk->pcb->flags & PCBF_RCVBUF_SET);
	tcp_abort(tk->pcb);
	tcp_close(like);
	tcp_unlisten(tk->l);
}

static void close_inside_events(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	tk->so.close_in_readable = true;
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1, .len = 3});
	/* Unread data: RST (RFC 2525 2.17). */
	assert_int_equal(tk->so.gone, 1);
	tk_expect(tk, TCP_RST | TCP_ACK, 1, 4, 0);
	tk->port_us++;
	memset(&tk->so, 0, sizeof(tk->so));
	tk_connect(tk, NULL);
	tk->so.abort_in_readable = true;
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1, .len = 3});
	assert_int_equal(tk->so.gone, 0);
	tk_expect(tk, TCP_RST | TCP_ACK, 1, 4, 0);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TK_TEST(active),
		TK_TEST(passive),
		TK_TEST(syn_ack_options),
		TK_TEST(back_by_interface),
		TK_TEST(refused),
		TK_TEST(connect_refused),
		TK_TEST(connect_timeout),
		TK_TEST(wrong_ack_in_syn_sent),
		TK_TEST(simultaneous_open),
		TK_TEST(simultaneous_open_plain_ack),
		TK_TEST(half_open_entry),
		TK_TEST(half_open_expires),
		TK_TEST(half_open_wrong_ack),
		TK_TEST(syn_to_listener_with_junk),
		TK_TEST(backlog_full),
		TK_TEST(cookies),
		TK_TEST(syn_oddities),
		TK_TEST(limits_fit_pool),
		TK_TEST(cookie_without_scale),
		TK_TEST(cookie_with_syn),
		TK_TEST(repeated_syn_keeps_time),
		TK_TEST(isn_moves_on),
		TK_TEST(port_chosen),
		TK_TEST(bind_chooses),
		TK_TEST(bind_conflicts),
		TK_TEST(inherit_late),
		TK_TEST(close_inside_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
