/* SPDX-License-Identifier: BSD-2-Clause */
/* See tcpkit.h. The functions of inet.h that TCP calls are defined here, in place of the real. */
#include "tcpkit.h"

#include "tcp/pcb.h"
#include "wire/pseudo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the internet layer ---- */

void inet_proto_register(struct stack *s, uint8_t proto, const struct inet_proto *ops)
{
	assert_int_equal(proto, INET_PROTO_TCP);
	s->inet->tcp = *ops;
}

bool inet_addr_is_local(const struct stack *s, const struct ipaddr *addr)
{
	return ipaddr_eq(addr, &s->inet->tk->us);
}

int inet_dst_lookup(struct stack *s, const struct ipaddr *dst, struct inet_dst *out)
{
	if (s->inet->fail)
		return s->inet->fail;
	*out = (struct inet_dst){.gen = s->inet->gen,
				 .mtu = s->inet->mtu,
				 .nexthop = *dst,
				 .max_gso_bytes = s->inet->max_gso};
	return 0;
}

int inet_dst_lookup_zone(struct stack *s, uint8_t zone, const struct ipaddr *dst,
			 struct inet_dst *out)
{
	int err = inet_dst_lookup(s, dst, out);

	if (err == 0 && zone != 0)
		out->iface = zone - 1u;
	return err;
}

bool inet_dst_valid(const struct stack *s, const struct inet_dst *d)
{
	return d->gen == s->inet->gen;
}

int inet_src_select(struct stack *s, const struct inet_dst *d, const struct ipaddr *dst,
		    struct ipaddr *out)
{
	(void)d;
	(void)dst;
	*out = s->inet->tk->us;
	return 0;
}

void inet_dst_confirm(struct stack *s, struct inet_dst *d)
{
	(void)s;
	(void)d;
}

void inet_pmtu_update(struct stack *s, const struct ipaddr *dst, uint32_t mtu)
{
	(void)dst;
	s->inet->mtu = min_u32(s->inet->mtu, mtu);
	s->inet->gen++;
}

static void check_sizes(const struct inet *in, const struct mbuf *m, uint32_t hlen, bool v6)
{
	uint32_t ip = v6 ? 40 : 20;
	uint32_t len = mbuf_len(m);

	assert_true(len + ip <= 65535 + (v6 ? 40u : 0u));
	if (m->meta.gso_size) {
		assert_int_equal(m->meta.gso_type, v6 ? MBUF_GSO_TCP6 : MBUF_GSO_TCP4);
		assert_true(len - hlen > m->meta.gso_size);
		assert_true(ip + hlen + m->meta.gso_size <= in->mtu);
	} else {
		assert_true(ip + len <= in->mtu);
	}
}

static bool fits(const struct inet *in, const struct mbuf *m, bool v6)
{
	uint32_t hlen = (uint32_t)(mbuf_data(m)[TCP_OFF_DOFF] >> 4) * 4;
	uint32_t payload = m->meta.gso_size ? m->meta.gso_size : mbuf_len(m) - hlen;

	return payload + hlen + (v6 ? 40 : 20) <= in->mtu;
}

int inet_output(struct stack *s, mbuf_own own, const struct inet_out *o, struct inet_dst *dst)
{
	struct inet *in = s->inet;
	MBUF(m, own);
	bool v6 = !ipaddr_is_v4(&o->dst);
	struct tk_pkt *p;
	uint8_t head[TCP_HLEN_MAX];
	uint32_t n = mbuf_copy_out(m, 0, head, sizeof(head));
	uint16_t want = pseudo_partial(&o->src, &o->dst, o->proto, mbuf_len(m));

	if (in->fail || !fits(in, m, v6)) {
		int err = in->fail ? in->fail : -EMSGSIZE;

		mbuf_drop(&m, DROP_IP_TOO_BIG);
		return err;
	}
	p = calloc(1, sizeof(*p) + mbuf_len(m));
	assert_non_null(p);
	assert_int_equal(tcphdr_parse(&p->h, view_make(head, n)), 0);
	tcpopts_parse(&p->o, view_make(head + TCP_HLEN, (size_t)p->h.hlen - TCP_HLEN));
	assert_false(p->o.malformed);
	if ((p->o.present & TCPOPTS_FASTOPEN) && p->o.cookie.len)
		memcpy(p->cookie, p->o.cookie.p, p->o.cookie.len);
	assert_int_equal(m->meta.csum, MBUF_CSUM_PARTIAL);
	assert_int_equal(m->meta.csum_field, TCP_OFF_CSUM);
	assert_int_equal(p->h.csum, want);
	check_sizes(in, m, p->h.hlen, v6);
	p->at_ns = s->now_ns;
	p->src = o->src;
	p->dst = o->dst;
	p->tos = o->tos;
	p->ttl = o->ttl;
	p->zone = o->zone || !dst ? o->zone : inet_zone(dst->iface);
	p->gso_size = m->meta.gso_size;
	p->gso_ecn = m->meta.gso_ecn;
	p->len = mbuf_copy_out(m, p->h.hlen, p->data, mbuf_len(m) - p->h.hlen);
	list_init(&p->link);
	list_add_tail(&in->sent, &p->link);
	in->n_sent++;
	mbuf_done(&m);
	return 0;
}

/* ---- the program ---- */

static void on_connected(struct stack *s, void *arg, int err)
{
	struct tk_so *so = arg;

	(void)s;
	so->connected++;
	so->err = err;
	if (so->close_in_connected)
		tcp_close(so->pcb);
}

static void on_acceptable(struct stack *s, void *arg)
{
	(void)s;
	((struct tk_so *)arg)->acceptable++;
}

static void on_readable(struct stack *s, void *arg)
{
	struct tk_so *so = arg;

	(void)s;
	so->readable++;
	if (so->close_in_readable)
		tcp_close(so->pcb);
	else if (so->abort_in_readable)
		tcp_abort(so->pcb);
}

static void on_writable(struct stack *s, void *arg)
{
	(void)s;
	((struct tk_so *)arg)->writable++;
}

static void on_error(struct stack *s, void *arg, int err)
{
	struct tk_so *so = arg;

	(void)s;
	so->error++;
	so->err = err;
}

static void on_gone(struct stack *s, void *arg)
{
	(void)s;
	((struct tk_so *)arg)->gone++;
}

static const struct tcp_events events = {
	.connected = on_connected,
	.acceptable = on_acceptable,
	.readable = on_readable,
	.writable = on_writable,
	.error = on_error,
	.gone = on_gone,
};

/* ---- set-up ---- */

void tk_create(struct tk *tk, bool v6)
{
	memset(tk, 0, sizeof(*tk));
	fakehost_create(&tk->h, &(struct fakehost_conf){.seed = 1, .max_sockets = 64});
	tk->s = tk->h.s;
	tk->v6 = v6;
	assert_int_equal(ipaddr_parse(v6 ? "2001:db8::1" : "10.0.0.1", &tk->us), 0);
	assert_int_equal(ipaddr_parse(v6 ? "2001:db8::2" : "10.0.0.2", &tk->peer), 0);
	tk->port_us = TK_PORT_US;
	tk->port_peer = TK_PORT_PEER;
	tk->irs = TK_IRS;
	tk->peer_ts = TK_PEER_TS;
	tk->inet.tk = tk;
	tk->inet.mtu = 1500;
	tk->inet.gen = 1;
	list_init(&tk->inet.sent);
	tk->s->inet = &tk->inet;
	assert_int_equal(tcp_init(tk->s, &events), 0);
}

void tk_destroy(struct tk *tk)
{
	tk_forget(tk);
	tcp_fini(tk->s);
	tk_forget(tk);
	tk->s->inet = NULL;
	fakehost_destroy(&tk->h);
}

static int setup(void **state, bool v6)
{
	struct tk *tk = malloc(sizeof(*tk));

	assert_non_null(tk);
	tk_create(tk, v6);
	*state = tk;
	return 0;
}

int tk_setup4(void **state)
{
	return setup(state, false);
}

int tk_setup6(void **state)
{
	return setup(state, true);
}

int tk_teardown(void **state)
{
	tk_destroy(*state);
	free(*state);
	return 0;
}

/* ---- in ---- */

uint8_t tk_byte(uint32_t seq)
{
	return (uint8_t)(seq * 31 + (seq >> 8) * 7 + 5);
}

static void put_options(struct tk *tk, const struct tk_seg *seg, struct tcpopts *o)
{
	*o = (struct tcpopts){.present = seg->opts,
			      .mss = seg->mss,
			      .wscale = seg->wscale,
			      .cookie = seg->cookie,
			      .tsval = seg->tsval ? seg->tsval : tk->peer_ts,
			      .tsecr = seg->tsecr ? seg->tsecr : tk->last_tsval};
	if (tk->ts && !seg->no_ts)
		o->present |= TCPOPTS_TS;
	o->sack_permitted = (seg->opts & TCPOPTS_SACK_PERMITTED) != 0;
	for (unsigned i = 0; i < seg->n_sack; i++)
		o->sack[i] = (struct tcp_sackblk){seg->sack[i].start + tk->iss,
						  seg->sack[i].end + tk->iss};
	o->n_sack = (uint8_t)seg->n_sack;
	if (seg->n_sack)
		o->present |= TCPOPTS_SACK;
}

static uint32_t build(struct tk *tk, const struct tk_seg *seg, uint8_t *buf)
{
	struct tcpopts o;
	struct tcphdr h = {.seq = tk->irs + seg->seq,
			   .ack = seg->flags & TCP_ACK ? tk->iss + seg->ack : seg->ack,
			   .sport = seg->sport ? seg->sport : tk->port_peer,
			   .dport = tk->port_us,
			   .flags = seg->flags,
			   .urg = seg->urg};
	uint32_t len;

	put_options(tk, seg, &o);
	h.wnd = seg->wnd == 0 ? 65535 : (uint16_t)(seg->wnd == TK_WND_ZERO ? 0 : seg->wnd);
	h.hlen = (uint8_t)(TCP_HLEN + tcpopts_len(&o));
	tcphdr_emit(buf, &h);
	tcpopts_emit(buf + TCP_HLEN, &o);
	for (uint32_t i = 0; i < seg->len; i++)
		buf[h.hlen + i] =
			seg->data ? ((const uint8_t *)seg->data)[i] : tk_byte(seg->seq + i);
	len = h.hlen + seg->len;
	store_native16(buf + TCP_OFF_CSUM,
		       csum_fold(csum_partial(
			       buf, len, pseudo_sum(&tk->peer, &tk->us, INET_PROTO_TCP, len))));
	if (seg->bad_csum)
		buf[TCP_OFF_CSUM] ^= 0x55;
	return len;
}

void tk_in_quiet(struct tk *tk, const struct tk_seg *seg)
{
	static uint8_t buf[TK_TEXT_MAX];
	uint32_t len = build(tk, seg, buf);
	struct inet_in in = {.src = tk->peer,
			     .dst = tk->us,
			     .proto = INET_PROTO_TCP,
			     .iface = tk->iface,
			     .ttl = 64,
			     .tos = seg->tos,
			     .multicast = seg->multicast};
	MBUF(m, mbuf_alloc(tk->s->pool, len > MBUF_SMALL_ROOM ? MBUF_BIG : MBUF_SMALL,
			   MBUF_PRIO_CTL, MBUF_RX));

	assert_non_null(m);
	assert_int_equal(mbuf_append_bytes(m, buf, len, MBUF_PRIO_CTL), 0);
	m->meta.gso_size = seg->gso_size;
	tk->inet.tcp.input(tk->s, &in, mbuf_move(&m));
}

void tk_run(struct tk *tk)
{
	fakehost_run(&tk->h);
}

void tk_in(struct tk *tk, const struct tk_seg *seg)
{
	tk_in_quiet(tk, seg);
	tk_run(tk);
}

void tk_advance(struct tk *tk, uint64_t ns)
{
	fakehost_advance(&tk->h, ns);
	tk->peer_ts += (uint32_t)(ns / MS);
}

/* ---- out ---- */

const struct tk_pkt *tk_sent(struct tk *tk)
{
	static struct tk_pkt *last;
	struct list *l = list_pop_head(&tk->inet.sent);

	free(last);
	last = NULL;
	if (!l)
		return NULL;
	tk->inet.n_sent--;
	last = CONTAINER_OF(l, struct tk_pkt, link);
	if (last->o.present & TCPOPTS_TS)
		tk->last_tsval = last->o.tsval;
	return last;
}

void tk_forget(struct tk *tk)
{
	while (tk_sent(tk))
		;
}

static void describe(const struct tk *tk, const struct tk_pkt *p)
{
	print_message("sent: flags %02x seq %u ack %u len %u wnd %u gso %u\n", p->h.flags,
		      p->h.seq - tk->iss, p->h.ack - tk->irs, p->len, p->h.wnd, p->gso_size);
}

void tk_expect_none(struct tk *tk)
{
	const struct tk_pkt *p = tk_sent(tk);

	if (p)
		describe(tk, p);
	assert_null(p);
}

const struct tk_pkt *tk_expect(struct tk *tk, uint8_t flags, uint32_t seq, uint32_t ack,
			       uint32_t len)
{
	const struct tk_pkt *p = tk_sent(tk);
	uint32_t want_ack = flags & TCP_ACK ? tk->irs + ack : ack;

	assert_non_null(p);
	/* A superpacket ends with PSH when it is sent first. */
	if (p->gso_size && p->len > p->gso_size)
		flags |= p->h.flags & TCP_PSH;
	if (p->h.flags != flags || p->h.seq != tk->iss + seq || p->h.ack != want_ack ||
	    p->len != len)
		describe(tk, p);
	assert_int_equal(p->h.flags, flags);
	assert_int_equal(p->h.seq - tk->iss, seq);
	assert_int_equal(p->h.ack, want_ack);
	assert_int_equal(p->len, len);
	assert_int_equal(p->h.dport, tk->port_peer);
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(p->data[i], tk_byte(seq + i));
	return p;
}

const struct tk_pkt *tk_expect_syn(struct tk *tk)
{
	const struct tk_pkt *p = tk_sent(tk);

	assert_non_null(p);
	assert_int_equal(p->h.flags, TCP_SYN);
	tk->iss = p->h.seq;
	return p;
}

const struct tk_pkt *tk_expect_ack(struct tk *tk, uint32_t ack)
{
	const struct tk_pkt *p = tk_sent(tk);

	assert_non_null(p);
	if (p->h.flags != TCP_ACK || p->h.ack != tk->irs + ack || p->len != 0 ||
	    tk->inet.n_sent != 0)
		describe(tk, p);
	assert_int_equal(p->h.flags, TCP_ACK);
	assert_int_equal(p->h.ack - tk->irs, ack);
	assert_int_equal(p->len, 0);
	assert_int_equal(tk->inet.n_sent, 0);
	return p;
}

/* ---- whole steps ---- */

static struct tk_seg peer_syn(struct tk *tk, const struct tk_peer *p)
{
	static const struct tk_peer plain = {.wscale = 7};
	struct tk_seg seg = {.flags = TCP_SYN, .opts = TCPOPTS_MSS};

	if (!p)
		p = &plain;
	seg.mss = p->mss ? p->mss : (tk->v6 ? 1440 : 1460);
	seg.wnd = p->wnd;
	seg.flags |= p->flags;
	if (p->wscale >= 0) {
		seg.opts |= TCPOPTS_WSCALE;
		seg.wscale = (uint8_t)p->wscale;
	}
	if (!p->no_sack)
		seg.opts |= TCPOPTS_SACK_PERMITTED;
	if (!p->no_ts)
		seg.opts |= TCPOPTS_TS;
	return seg;
}

void tk_connect(struct tk *tk, const struct tk_peer *p)
{
	struct tk_seg seg = peer_syn(tk, p);
	const struct tk_pkt *syn;

	tk->pcb = tcp_create(tk->s, tk->v6, &tk->so);
	tk->so.pcb = tk->pcb;
	assert_non_null(tk->pcb);
	assert_int_equal(tcp_bind(tk->pcb, &tk->us, tk->port_us, 0), 0);
	assert_int_equal(tcp_connect(tk->pcb, &tk->peer, tk->port_peer), 0);
	assert_int_equal(tcp_state(tk->pcb), TCPS_SYN_SENT);
	tk_run(tk);
	syn = tk_sent(tk);
	assert_non_null(syn);
	assert_int_equal(syn->h.flags & ~(TCP_ECE | TCP_CWR), TCP_SYN);
	assert_int_equal(syn->o.present & ~(uint32_t)TCPOPTS_FASTOPEN,
			 TCPOPTS_MSS | TCPOPTS_WSCALE | TCPOPTS_SACK_PERMITTED | TCPOPTS_TS);
	tk->iss = syn->h.seq;
	tk->ts = !(p && p->no_ts);
	seg.flags |= TCP_ACK;
	seg.ack = 1;
	tk_in(tk, &seg);
	assert_int_equal(tcp_state(tk->pcb), TCPS_ESTABLISHED);
	assert_int_equal(tk->so.connected, 1);
	assert_int_equal(tk->so.err, 0);
	tk_expect_ack(tk, 1);
	memset(&tk->so, 0, sizeof(tk->so));
	tk->so.pcb = tk->pcb;
}

void tk_listen(struct tk *tk, uint32_t backlog)
{
	struct tcp_listener_conf conf = {.addr = tk->us, .port = TK_PORT_US, .backlog = backlog};

	assert_int_equal(tcp_listen(tk->s, &conf, &tk->lso, &tk->l), 0);
}

void tk_syn(struct tk *tk, uint16_t port, const struct tk_peer *p)
{
	struct tk_seg seg = peer_syn(tk, p);

	tk->ts = !(p && p->no_ts);
	tk->port_peer = port;
	tk_in(tk, &seg);
}

void tk_accept(struct tk *tk, const struct tk_peer *p)
{
	const struct tk_pkt *sa;
	unsigned before = tk->lso.acceptable;

	tk_syn(tk, TK_PORT_PEER, p);
	sa = tk_sent(tk);
	assert_non_null(sa);
	assert_int_equal(sa->h.flags & ~TCP_ECE, TCP_SYN | TCP_ACK);
	assert_int_equal(sa->h.ack, tk->irs + 1);
	tk->iss = sa->h.seq;
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1});
	assert_int_equal(tk->lso.acceptable, before + 1);
	tk->pcb = tcp_accept(tk->l);
	assert_non_null(tk->pcb);
	tcp_so_set(tk->pcb, &tk->so);
	tk->so.pcb = tk->pcb;
	assert_int_equal(tcp_state(tk->pcb), TCPS_ESTABLISHED);
	tk_expect_none(tk);
}

ssize_t tk_send(struct tk *tk, uint32_t seq, uint32_t n)
{
	uint8_t *buf = malloc(n + 1);
	struct iovec iov = {buf, n};
	ssize_t r;

	assert_non_null(buf);
	for (uint32_t i = 0; i < n; i++)
		buf[i] = tk_byte(seq + i);
	r = tcp_send(tk->pcb, &iov, 1, false);
	free(buf);
	tk_run(tk);
	return r;
}

ssize_t tk_recv(struct tk *tk, uint32_t seq, uint32_t n)
{
	uint8_t *buf = malloc(n + 1);
	struct iovec iov = {buf, n};
	ssize_t r;

	assert_non_null(buf);
	r = tcp_recv(tk->pcb, &iov, 1, false);
	for (ssize_t i = 0; i < r; i++)
		assert_int_equal(buf[i], tk_byte(seq + (uint32_t)i));
	free(buf);
	tk_run(tk);
	return r;
}

uint64_t tk_drops(struct tk *tk, enum drop_reason why)
{
	return fakehost_drops(&tk->h, why);
}
