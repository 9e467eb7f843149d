/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Software GRO: what is merged and what is not, seen through forwarding. A port that takes
 * superpackets shows what was merged; one that does not cuts them again, and what it sends must be
 * what came in.
 */
#include "fakenet.h"

#include "wire/tcp.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#define TAKES_SUPER (PORT_CAP_TX_CSUM | PORT_CAP_TSO | PORT_CAP_SG)
#define MSS         1000u

static struct fakenet net;

/* A segment to be sent from host 2 on interface 0 to host 2 on interface 1. */
struct piece {
	struct fakeip ip;
	struct faketcp tcp;
	uint32_t len;
	uint16_t gso_size;
	bool break_csum;
};

static uint8_t pattern(uint32_t seq)
{
	return (uint8_t)(seq * 7 + (seq >> 8));
}

static uint32_t emit(uint8_t *buf, const struct piece *p)
{
	static uint8_t tcp[FAKENET_MAX], data[FAKENET_MAX];
	uint32_t n;

	for (uint32_t i = 0; i < p->len; i++)
		data[i] = pattern(p->tcp.seq + i);
	n = faketcp_emit(tcp, &p->ip.src, &p->ip.dst, &p->tcp, data, p->len);
	if (p->break_csum)
		tcp[TCP_OFF_CSUM] ^= 1;
	return fakeip_emit(buf, &p->ip, tcp, n);
}

/* Queue it; the burst runs when the test says so. */
static void feed(const struct piece *p)
{
	bool v6 = !ipaddr_is_v4(&p->ip.src);
	struct eth e = {.dst = fakenet_own_mac(&net, 0),
			.src = fakenet_mac(0, 2),
			.type = v6 ? ETHERTYPE_IP6 : ETHERTYPE_IP4};
	struct fakeframe *f = fakeframe_alloc(FAKENET_MAX);
	uint32_t hlen = v6 ? IP6_HLEN : IP4_HLEN;

	f->len = (uint32_t)eth_emit(f->data, &e);
	f->len += emit(f->data + f->len, p);
	if (p->gso_size) {
		f->gso_size = p->gso_size;
		f->gso_type = v6 ? MBUF_GSO_TCP6 : MBUF_GSO_TCP4;
		f->csum = MBUF_CSUM_PARTIAL;
		f->csum_field = TCP_OFF_CSUM;
		f->l4_off = (uint16_t)(ETH_HLEN + hlen);
		store_native16(f->data + f->l4_off + TCP_OFF_CSUM,
			       csum_reduce(csum_pseudo(&p->ip.src, &p->ip.dst, PROTO_TCP,
						       f->len - f->l4_off)));
	}
	fakeport_feed_frame(net.h.port[0], f);
}

static struct piece first(bool v6)
{
	return (struct piece){
		.ip = {.src = fakenet_addr(v6, 0, 2),
		       .dst = fakenet_addr(v6, 1, 2),
		       .proto = PROTO_TCP,
		       .id = 7,
		       .df = true},
		.tcp = {.sport = 5000,
			.dport = 80,
			.seq = 4294967000u, /* wraps */
			.ack = 99,
			.flags = TCP_ACK,
			.wnd = 500},
		.len = MSS,
	};
}

static struct piece after(const struct piece *a)
{
	struct piece b = *a;

	b.tcp.seq += a->len;
	return b;
}

static void setup(uint32_t caps)
{
	fakenet_create(&net, &(struct fakenet_conf){.n_ports = 2, .caps = caps, .forward = true});
	fakenet_neigh(&net, false, 1, 2);
	fakenet_neigh(&net, true, 1, 2);
}

/* ---- pairs ---- */

static const uint8_t ts_a[12] = {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2};
static const uint8_t ts_b[12] = {1, 1, 8, 10, 0, 0, 0, 3, 0, 0, 0, 2};

#define FLAG(name, bit) \
	static void name(struct piece *a, struct piece *b) \
	{ \
		(void)a; \
		b->tcp.flags |= bit; \
	}

FLAG(fin, TCP_FIN)
FLAG(syn, TCP_SYN)
FLAG(rst, TCP_RST)
FLAG(psh, TCP_PSH)
FLAG(urg, TCP_URG)
FLAG(ece, TCP_ECE)
FLAG(cwr, TCP_CWR)

#define CHANGE(name, what) \
	static void name(struct piece *a, struct piece *b) \
	{ \
		(void)a; \
		(void)b; \
		what; \
	}

CHANGE(plain, (void)0)
CHANGE(psh_before, a->tcp.flags |= TCP_PSH)
CHANGE(gap, b->tcp.seq += 1)
CHANGE(again, b->tcp.seq = a->tcp.seq)
CHANGE(ack, b->tcp.ack++)
CHANGE(no_ack, b->tcp.flags = 0)
CHANGE(wnd, b->tcp.wnd++)
CHANGE(shorter, b->len = 1)
CHANGE(longer, b->len = MSS + 1)
CHANGE(empty, b->len = 0)
CHANGE(sport, b->tcp.sport++)
CHANGE(dport, b->tcp.dport++)
CHANGE(source, b->ip.src = fakenet_addr(!ipaddr_is_v4(&a->ip.src), 0, 3))
CHANGE(ttl, b->ip.ttl = 63)
CHANGE(tos, b->ip.tos = 3)
CHANGE(csum_first, a->break_csum = true)
CHANGE(csum_second, b->break_csum = true)
CHANGE(df, b->ip.df = false)
CHANGE(id_next, (a->ip.df = b->ip.df = false, b->ip.id = a->ip.id + 1))
CHANGE(id_same, a->ip.df = b->ip.df = false)
CHANGE(id_far, (a->ip.df = b->ip.df = false, b->ip.id = a->ip.id + 2))
CHANGE(stamps, (a->tcp.opts = b->tcp.opts = ts_a, a->tcp.opts_len = b->tcp.opts_len = 12))
CHANGE(stamp_moved,
       (a->tcp.opts = ts_a, b->tcp.opts = ts_b, a->tcp.opts_len = b->tcp.opts_len = 12))
CHANGE(stamp_missing, (a->tcp.opts = ts_a, a->tcp.opts_len = 12))

static const struct {
	const char *name;
	void (*change)(struct piece *a, struct piece *b);
	bool merged;
	bool v4_only;
} pairs[] = {
	{"plain", plain, true, false},
	{"psh", psh, true, false},
	{"psh before", psh_before, false, false},
	{"gap", gap, false, false},
	{"again", again, false, false},
	{"ack", ack, false, false},
	{"no ack", no_ack, false, false},
	{"wnd", wnd, false, false},
	{"fin", fin, false, false},
	{"syn", syn, false, false},
	{"rst", rst, false, false},
	{"urg", urg, false, false},
	{"ece", ece, false, false},
	{"cwr", cwr, false, false},
	{"shorter", shorter, true, false},
	{"longer", longer, false, false},
	{"empty", empty, false, false},
	{"sport", sport, false, false},
	{"dport", dport, false, false},
	{"source", source, false, false},
	{"ttl", ttl, false, false},
	{"tos", tos, false, false},
	{"checksum of the first", csum_first, false, false},
	{"checksum of the second", csum_second, false, false},
	{"timestamps", stamps, true, false},
	{"timestamp moved", stamp_moved, false, false},
	{"timestamp missing", stamp_missing, false, false},
	{"df", df, false, true},
	{"id next", id_next, true, true},
	{"id same", id_same, false, true},
	{"id far", id_far, false, true},
};

static void check_super(const struct fakesent *t, uint32_t len, uint32_t seq)
{
	struct tcphdr h;

	assert_int_equal(tcphdr_parse(&h, t->payload), 0);
	assert_int_equal(t->payload.len - h.hlen, len);
	assert_int_equal(t->f->csum, MBUF_CSUM_PARTIAL);
	assert_int_equal(t->f->l4_off, (size_t)(t->payload.p - t->f->data));
	assert_int_equal(h.seq, seq);
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(t->payload.p[h.hlen + i], pattern(seq + i));
	/* The field holds the sum of the pseudo header for the whole length. */
	assert_int_equal(h.csum, csum_reduce(csum_pseudo(&t->src, &t->dst, PROTO_TCP,
							 (uint32_t)t->payload.len)));
}

static void pair(unsigned i, bool v6)
{
	struct piece a = first(v6), b = after(&a);
	struct fakesent t;

	pairs[i].change(&a, &b);
	feed(&a);
	feed(&b);
	fakehost_run(&net.h);
	t = fakenet_sent_ip(&net, 1);
	if (!t.f || (t.f->gso_size != 0) != pairs[i].merged)
		fail_msg("%s, IPv%d", pairs[i].name, v6 ? 6 : 4);
	if (pairs[i].merged) {
		assert_int_equal(t.f->gso_size, MSS);
		assert_int_equal(t.f->gso_type, v6 ? MBUF_GSO_TCP6 : MBUF_GSO_TCP4);
		check_super(&t, a.len + b.len, a.tcp.seq);
		assert_int_equal(t.payload.p[TCP_OFF_FLAGS], a.tcp.flags | b.tcp.flags);
	}
	fakesent_free(&t);
	t = fakenet_sent_ip(&net, 1);
	if ((t.f == NULL) != pairs[i].merged)
		fail_msg("%s, IPv%d: the second", pairs[i].name, v6 ? 6 : 4);
	fakesent_free(&t);
}

static void test_pairs(void **state)
{
	(void)state;
	setup(TAKES_SUPER);
	for (unsigned i = 0; i < ARRAY_LEN(pairs); i++) {
		pair(i, false);
		if (!pairs[i].v4_only)
			pair(i, true);
	}
	assert_int_equal(fakehost_drops_all(&net.h), 0);
	fakenet_destroy(&net);
}

/* ---- superpackets ---- */

static void expect_lens(const uint32_t *lens, unsigned n)
{
	struct tcphdr h;

	fakehost_run(&net.h);
	for (unsigned i = 0; i < n; i++) {
		struct fakesent t = fakenet_sent_ip(&net, 1);

		assert_non_null(t.f);
		assert_int_equal(tcphdr_parse(&h, t.payload), 0);
		assert_int_equal(t.payload.len - h.hlen, lens[i]);
		fakesent_free(&t);
	}
	assert_null(fakenet_sent_ip(&net, 1).f);
}

static void supers(bool v6)
{
	struct piece a = first(v6), b, c;

	setup(TAKES_SUPER);
	a.len = 3 * MSS;
	a.gso_size = MSS;
	b = after(&a);
	c = after(&b);
	c.len = MSS;
	c.gso_size = 0;
	feed(&a);
	feed(&b);
	feed(&c);
	expect_lens((const uint32_t[]){7 * MSS}, 1);

	b.gso_size = MSS / 2; /* other segments */
	feed(&a);
	feed(&b);
	expect_lens((const uint32_t[]){3 * MSS, 3 * MSS}, 2);

	a.len = 2 * MSS + 1; /* ends with a short one */
	b = after(&a);
	feed(&a);
	feed(&b);
	expect_lens((const uint32_t[]){2 * MSS + 1, 2 * MSS + 1}, 2);
	fakenet_destroy(&net);
}

static void test_supers(void **state)
{
	(void)state;
	supers(false);
	supers(true);
}

/* A burst of one flow: up to 64 KB and 64 buffers in one. */
static void limit(bool v6)
{
	struct piece p = first(v6);
	uint32_t left = 100, len = v6 ? 1428 : 1448;

	setup(TAKES_SUPER);
	p.len = len;
	for (unsigned i = 0; i < 100; i++) {
		feed(&p);
		p = after(&p);
	}
	fakehost_run(&net.h);
	while (left > 0) {
		struct fakesent t = fakenet_sent_ip(&net, 1);
		uint32_t k = min_u32(left, 45);

		assert_non_null(t.f);
		assert_int_equal(t.payload.len - TCP_HLEN, k * len);
		left -= k;
		fakesent_free(&t);
	}
	assert_int_equal(link_counters(net.s)->gro_super, 3);
	assert_int_equal(link_counters(net.s)->gro_merged, 97);
	link_gro_set(net.s, false);
	feed(&p);
	p = after(&p);
	feed(&p);
	expect_lens((const uint32_t[]){len, len}, 2);
	fakenet_destroy(&net);
}

static void test_limit(void **state)
{
	(void)state;
	limit(false);
	limit(true);
}

/* What is no segment with data stays where it was among those of its flow. */
static void test_order(void **state)
{
	struct piece a, b, c;

	(void)state;
	setup(TAKES_SUPER);
	for (int v6 = 0; v6 < 2; v6++) {
		a = first(v6);
		b = after(&a);
		b.len = 0; /* an acknowledgement between */
		c = after(&a);
		feed(&a);
		feed(&b);
		feed(&c);
		expect_lens((const uint32_t[]){MSS, 0, MSS}, 3);
	}
	fakenet_destroy(&net);
}

/* A fragment is no segment; here it waits for the rest of it. */
static void test_fragment(void **state)
{
	struct piece a, b;

	(void)state;
	setup(TAKES_SUPER);
	a = first(false);
	b = after(&a);
	b.ip.more = true;
	b.len = 996; /* with TCP's header a multiple of 8 */
	feed(&a);
	feed(&b);
	expect_lens((const uint32_t[]){MSS}, 1);
	assert_int_equal(inet_counters(net.s, false)->frag_in, 1);
	fakenet_destroy(&net);
}

/* ---- random streams, cut again ---- */

#define FLOWS 6u
#define STEPS 3000u

#define BURST 40u

struct seen {
	uint8_t bytes[FLOWS][BURST * 2048];
	size_t len[FLOWS];
};

static uint64_t rng_state;

static uint32_t rnd(void)
{
	rng_state = rng_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(rng_state >> 33);
}

/* Append a TCP segment as it is on the wire. */
static void note(struct seen *s, unsigned flow, const uint8_t *p, size_t len)
{
	assert_true(s->len[flow] + len <= sizeof(s->bytes[flow]));
	memcpy(s->bytes[flow] + s->len[flow], p, len);
	s->len[flow] += len;
}

static void mutate(struct piece *p)
{
	switch (rnd() % 12) {
	case 0:
		p->tcp.flags |= TCP_PSH;
		break;
	case 1:
		p->tcp.ack += 1000;
		break;
	case 2:
		p->tcp.seq += rnd() % 2000; /* loss */
		break;
	case 3:
		p->len = rnd() % (MSS + 1);
		break;
	case 4:
		p->tcp.flags |= TCP_ECE;
		break;
	default:
		break;
	}
}

static void random_step(struct piece *flows, struct seen *in)
{
	unsigned k = rnd() % FLOWS;
	struct piece *p = &flows[k], now;
	static uint8_t buf[FAKENET_MAX];
	uint32_t hlen = ipaddr_is_v4(&p->ip.src) ? IP4_HLEN : IP6_HLEN, len;

	now = *p;
	mutate(&now);
	len = emit(buf, &now);
	note(in, k, buf + hlen, len - hlen);
	feed(&now);
	now = after(&now);
	now.tcp.flags = TCP_ACK;
	now.len = MSS;
	*p = now;
}

static void collect(struct seen *out)
{
	for (;;) {
		struct fakesent t = fakenet_sent_ip(&net, 1);
		unsigned k;

		if (!t.f)
			return;
		assert_int_equal(t.f->gso_size, 0);
		assert_true(fakesent_csum_ok(&t));
		k = load_be16(t.payload.p) - 5000u;
		assert_true(k < FLOWS);
		note(out, k, t.payload.p, t.payload.len);
		fakesent_free(&t);
	}
}

static void random_burst(struct piece *flows)
{
	static struct seen in, out;
	unsigned n = 1 + rnd() % BURST;

	memset(in.len, 0, sizeof(in.len));
	memset(out.len, 0, sizeof(out.len));
	for (unsigned j = 0; j < n; j++)
		random_step(flows, &in);
	fakehost_run(&net.h);
	collect(&out);
	for (unsigned i = 0; i < FLOWS; i++) {
		assert_int_equal(in.len[i], out.len[i]);
		assert_memory_equal(in.bytes[i], out.bytes[i], in.len[i]);
	}
}

static void random_run(bool shared)
{
	struct piece flows[FLOWS];

	setup(0);
	net.h.port[0]->rx_shared = shared;
	rng_state = 3;
	for (unsigned i = 0; i < FLOWS; i++) {
		flows[i] = first(i % 2 == 1);
		flows[i].tcp.sport = (uint16_t)(5000 + i);
	}
	for (unsigned i = 0; i < STEPS; i++)
		random_burst(flows);
	/* What others look at is never merged into: its headers would have to change. */
	if (shared)
		assert_int_equal(link_counters(net.s)->gro_merged, 0);
	else
		assert_true(link_counters(net.s)->gro_merged > STEPS);
	assert_int_equal(fakehost_drops_all(&net.h), 0);
	fakenet_destroy(&net);
}

static void test_random(void **state)
{
	(void)state;
	random_run(false);
	random_run(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),  cmocka_unit_test(test_supers),
		cmocka_unit_test(test_limit),  cmocka_unit_test(test_order),
		cmocka_unit_test(test_random), cmocka_unit_test(test_fragment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
