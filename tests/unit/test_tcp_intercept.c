/* SPDX-License-Identifier: BSD-2-Clause */
/* Interception: which rule wins, what is claimed, and the two legs of a transparent connection. */
#include "tcpkit.h"

#include "tcp/listen.h"
#include "tcp/pcb.h"
#include "wire/pseudo.h"

#include <errno.h>

static struct tcp_listener *listen_on(struct tk *tk, uint16_t port, struct tk_so *so)
{
	struct tcp_listener_conf conf = {.addr = tk->us, .port = port, .backlog = 8};
	struct tcp_listener *l;

	assert_int_equal(tcp_listen(tk->s, &conf, so, &l), 0);
	return l;
}

static struct ipaddr addr(const struct tk *tk, uint8_t last)
{
	struct ipaddr a = tk->peer;

	a.b[14] = 9;
	a.b[15] = last;
	return a;
}

static struct tcp_intercept rule(const struct ipaddr *src, unsigned slen, const struct ipaddr *dst,
				 unsigned dlen)
{
	return (struct tcp_intercept){.src = ipprefix_make(src, slen),
				      .dst = ipprefix_make(dst, dlen),
				      .dport_hi = 65535,
				      .iface = -1};
}

static struct tcp_listener *match(struct tk *tk, struct ipaddr src, struct ipaddr dst,
				  uint16_t port)
{
	struct inet_in in = {.src = src, .dst = dst, .foreign = true};

	return tcp_rules_match(tk->s, &in, port);
}

static void longest_prefix_wins(void **state)
{
	struct tk *tk = *state;
	struct ipaddr any = tk->v6 ? ipaddr_any6() : ipaddr_any4();
	struct ipaddr a7 = addr(tk, 7), a8 = addr(tk, 8), c1 = addr(tk, 1), c2 = addr(tk, 2);
	unsigned zero = tk->v6 ? 0 : 96;
	struct tcp_listener *wide = listen_on(tk, 1, &tk->lso);
	struct tcp_listener *host = listen_on(tk, 2, &tk->lso);
	struct tcp_listener *client = listen_on(tk, 3, &tk->lso);
	struct tcp_intercept r = rule(&any, zero, &any, zero);

	assert_int_equal(tcp_intercept_add(tk->s, &r, wide), 0);
	r = rule(&any, zero, &a7, 128);
	assert_int_equal(tcp_intercept_add(tk->s, &r, host), 0);
	r = rule(&c1, 128, &any, zero);
	assert_int_equal(tcp_intercept_add(tk->s, &r, client), 0);
	assert_ptr_equal(match(tk, c2, a8, 80), wide);
	assert_ptr_equal(match(tk, c2, a7, 80), host);
	assert_ptr_equal(match(tk, c1, a7, 80), host);
	assert_ptr_equal(match(tk, c1, a8, 80), client);
	/* Ports and order. */
	r = rule(&any, zero, &a8, 128);
	r.dport_lo = 100;
	r.dport_hi = 200;
	assert_int_equal(tcp_intercept_add(tk->s, &r, host), 0);
	assert_int_equal(tcp_intercept_add(tk->s, &r, client), 0);
	assert_ptr_equal(match(tk, c2, a8, 150), host);
	assert_ptr_equal(match(tk, c2, a8, 99), wide);
	assert_ptr_equal(match(tk, c2, a8, 201), wide);
	r.dport_lo = 201;
	assert_int_equal(tcp_intercept_add(tk->s, &r, host), -EINVAL);
	/* Another interface. */
	tcp_intercept_flush(tk->s, wide);
	assert_null(match(tk, c2, a8, 99));
	r = rule(&any, zero, &any, zero);
	r.iface = 3;
	assert_int_equal(tcp_intercept_add(tk->s, &r, wide), 0);
	assert_null(match(tk, c2, a8, 99));
	tcp_unlisten(wide);
	tcp_unlisten(host);
	tcp_unlisten(client);
	assert_null(match(tk, c2, a7, 80));
}

/* "Any" of one family is none of the other. */
static void families_apart(void **state)
{
	struct tk *tk = *state;
	struct ipaddr any = tk->v6 ? ipaddr_any6() : ipaddr_any4();
	struct ipaddr v4 = ipaddr_v4(0xc0000201), v6 = {.b = {0x20, 0x01, 0x0d, 0xb8, [15] = 9}};
	struct tcp_listener *l = listen_on(tk, 1, &tk->lso);
	struct tcp_intercept r = rule(&any, tk->v6 ? 0 : 96, &any, tk->v6 ? 0 : 96);

	assert_int_equal(tcp_intercept_add(tk->s, &r, l), 0);
	assert_ptr_equal(match(tk, v4, v4, 80), tk->v6 ? NULL : l);
	assert_ptr_equal(match(tk, v6, v6, 80), tk->v6 ? l : NULL);
	tcp_unlisten(l);
}

static void many_rules(void **state)
{
	struct tk *tk = *state;
	struct tcp_listener *l = listen_on(tk, 1, &tk->lso);
	unsigned n = 0;

	for (;; n++) {
		struct ipaddr a = addr(tk, (uint8_t)n);
		struct tcp_intercept r;
		int err;

		a.b[13] = (uint8_t)(n >> 8);
		r = rule(&a, 128, &a, 128);
		err = tcp_intercept_add(tk->s, &r, l);
		if (err < 0) {
			assert_int_equal(err, -ENOSPC);
			break;
		}
		if (n == 4094)
			assert_int_equal(tcp_intercept_reserve(tk->s, 2), -ENOSPC);
	}
	assert_int_equal(n, 4096);
	tcp_unlisten(l);
}

/* ---- packets to foreign addresses ---- */

struct foreign {
	struct ipaddr src, dst;
	uint16_t sport, dport;
	uint8_t flags;
	uint32_t seq, ack;
};

/* As inet does it: claim, and input when it is claimed. */
static bool feed(struct tk *tk, const struct foreign *f)
{
	uint8_t b[TCP_HLEN];
	struct tcphdr h = {.sport = f->sport,
			   .dport = f->dport,
			   .seq = f->seq,
			   .ack = f->ack,
			   .flags = f->flags,
			   .wnd = 65535,
			   .hlen = TCP_HLEN};
	struct inet_in in = {
		.src = f->src, .dst = f->dst, .proto = INET_PROTO_TCP, .foreign = true};
	MBUF(m, mbuf_alloc(tk->s->pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_RX));

	tcphdr_emit(b, &h);
	assert_int_equal(mbuf_append_bytes(m, b, TCP_HLEN, MBUF_PRIO_CTL), 0);
	m->meta.csum = MBUF_CSUM_GOOD;
	if (!tk->inet.tcp.claim(tk->s, &in, m)) {
		mbuf_done(&m);
		return false;
	}
	tk->inet.tcp.input(tk->s, &in, mbuf_move(&m));
	tk_run(tk);
	return true;
}

static void both_legs(void **state)
{
	struct tk *tk = *state;
	struct ipaddr client = addr(tk, 1), server = addr(tk, 2), a;
	struct ipaddr any = tk->v6 ? ipaddr_any6() : ipaddr_any4();
	unsigned zero = tk->v6 ? 0 : 96;
	struct tcp_listener *l = listen_on(tk, 8080, &tk->lso);
	struct tcp_intercept r = rule(&any, zero, &any, zero);
	struct foreign f = {client, server, 5555, 80, TCP_SYN, 100, 0};
	struct foreign g = {server, client, 80, 5555, TCP_SYN | TCP_ACK, 900, 0};
	struct tcp_pcb *down, *up;
	struct tk_so so_up = {0};
	const struct tk_pkt *p;
	uint32_t iss;
	uint16_t port;

	/* Nothing is claimed without a rule, nor but for a SYN. */
	assert_false(feed(tk, &f));
	r.dport_lo = 80;
	r.dport_hi = 80;
	assert_int_equal(tcp_intercept_add(tk->s, &r, l), 0);
	f.flags = TCP_ACK;
	assert_false(feed(tk, &f));
	f.flags = TCP_SYN;
	assert_true(feed(tk, &f));
	p = tk_sent(tk);
	assert_int_equal(p->h.flags, TCP_SYN | TCP_ACK);
	assert_true(ipaddr_eq(&p->src, &server) && ipaddr_eq(&p->dst, &client));
	iss = p->h.seq;
	f.flags = TCP_ACK;
	f.seq = 101;
	f.ack = iss + 1;
	assert_true(feed(tk, &f));
	down = tcp_accept(l);
	assert_non_null(down);
	tcp_so_set(down, &tk->so);
	tcp_local(down, &a, &port);
	assert_true(ipaddr_eq(&a, &server) && port == 80);
	tcp_peer(down, &a, &port);
	assert_true(ipaddr_eq(&a, &client) && port == 5555);
	assert_int_equal(tcp_counters(tk->s)->intercepted, 1);

	/* The other leg has the client's own address and port. */
	up = tcp_create(tk->s, tk->v6, &so_up);
	assert_int_equal(tcp_bind(up, &client, 5555, TCP_BIND_FOREIGN), 0);
	assert_int_equal(tcp_connect(up, &server, 80), 0);
	tk_run(tk);
	p = tk_sent(tk);
	assert_int_equal(p->h.flags, TCP_SYN);
	assert_true(ipaddr_eq(&p->src, &client) && ipaddr_eq(&p->dst, &server));
	g.ack = p->h.seq + 1;
	assert_true(feed(tk, &g));
	assert_int_equal(so_up.connected, 1);
	assert_int_equal(tcp_state(up), TCPS_ESTABLISHED);
	tk_forget(tk);

	/* A RST on one leg leaves the other alone. */
	f.flags = TCP_RST;
	assert_true(feed(tk, &f));
	assert_int_equal(tk->so.err, ECONNRESET);
	assert_int_equal(so_up.error, 0);
	assert_int_equal(tcp_state(up), TCPS_ESTABLISHED);
	tcp_close(down);
	tcp_abort(up);
	tcp_unlisten(l);
	tk_forget(tk);
}

/* A foreign segment of a flow that ended is not ours any more: it is forwarded. */
static void unclaimed(void **state)
{
	struct tk *tk = *state;
	struct ipaddr client = addr(tk, 1), server = addr(tk, 2);
	struct ipaddr any = tk->v6 ? ipaddr_any6() : ipaddr_any4();
	struct tcp_listener *l = listen_on(tk, 8080, &tk->lso);
	struct tcp_intercept r = rule(&any, tk->v6 ? 0 : 96, &any, tk->v6 ? 0 : 96);
	static const uint8_t flags[] = {
		0, TCP_ACK, TCP_RST, TCP_FIN | TCP_ACK, TCP_SYN | TCP_ACK, TCP_SYN | TCP_RST};

	assert_int_equal(tcp_intercept_add(tk->s, &r, l), 0);
	for (unsigned i = 0; i < ARRAY_LEN(flags); i++) {
		struct foreign f = {client, server, 5555, 80, flags[i], 100, 7};

		assert_false(feed(tk, &f));
	}
	tk_expect_none(tk);
	tcp_unlisten(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TK_TEST(longest_prefix_wins), TK_TEST(many_rules), TK_TEST(families_apart),
		TK_TEST(both_legs),           TK_TEST(unclaimed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
