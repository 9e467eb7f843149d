/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reassembly of both families: random fragments against a plain list that knows the same rules,
 * limits under attack, timeouts, ECN, impossible fragments.
 */
#include "fakenet.h"

#include "inet/reass.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#define SEC UINT64_C(1000000000)

static struct fakenet net;
static uint64_t rng_state;

static uint32_t rnd(void)
{
	rng_state = rng_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(rng_state >> 33);
}

static void setup(uint32_t n_small)
{
	fakenet_create(&net, &(struct fakenet_conf){.n_small = n_small});
	fakenet_neigh(&net, false, 0, 2);
	fakenet_neigh(&net, true, 0, 2);
}

static uint8_t pattern(uint32_t id, uint32_t pos)
{
	return (uint8_t)(id * 31 + pos + (pos >> 8) * 5);
}

static struct fakeip base(bool v6, uint32_t id)
{
	return (struct fakeip){.src = fakenet_addr(v6, 0, 2),
			       .dst = fakenet_addr(v6, 0, 1),
			       .proto = PROTO_UDP,
			       .id = id};
}

/* Receive bytes [start, end) of datagram ip->id. */
static void rx(struct fakeip ip, uint32_t start, uint32_t end, bool more)
{
	static uint8_t data[FAKENET_MAX];

	for (uint32_t i = start; i < end; i++)
		data[i - start] = pattern(ip.id, i);
	ip.off_bytes = (uint16_t)start;
	ip.more = more;
	fakenet_rx_ip(&net, 0, &ip, data, end - start);
}

static void expect_datagram(uint32_t id, uint32_t len, unsigned n)
{
	assert_int_equal(net.n_in, n);
	assert_int_equal(net.len, len);
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(net.data[i], pattern(id, i));
}

static uint32_t held(void)
{
	return reass_count(net.s->inet->reass);
}

/* ---- against a plain list ---- */

#define KEYS      4u
#define ALL       48u /* bytes of a whole */
#define MAX_PARTS 64u

struct part {
	uint32_t start, end;
};

struct model {
	struct part parts[MAX_PARTS];
	unsigned n;
	uint32_t total;
	bool dead;
};

struct tally {
	unsigned in, dup, overlap;
};

static bool model_agrees(const struct model *m, uint32_t end, bool more)
{
	uint32_t highest = 0;

	for (unsigned i = 0; i < m->n; i++)
		highest = max_u32(highest, m->parts[i].end);
	if (m->total)
		return more ? end <= m->total : end == m->total;
	return more || highest <= end;
}

static void model_add(struct model *m, bool v6, struct part p, bool more, struct tally *t)
{
	bool agrees = model_agrees(m, p.end, more), dup = false, hit = false;
	uint32_t have = 0;

	if (m->dead) {
		t->overlap++;
		return;
	}
	for (unsigned i = 0; i < m->n; i++) {
		struct part q = m->parts[i];

		dup |= q.start == p.start && q.end == p.end;
		hit |= p.start < q.end && q.start < p.end;
		have += q.end - q.start;
	}
	if (dup && agrees) {
		t->dup++;
		return;
	}
	if (hit || !agrees) {
		t->overlap += m->n + 1;
		*m = (struct model){.dead = v6};
		return;
	}
	m->parts[m->n++] = p;
	if (!more)
		m->total = p.end;
	if (m->total && have + p.end - p.start == m->total) {
		t->in++;
		*m = (struct model){0};
	}
}

static void check_random(bool v6)
{
	struct model models[KEYS] = {0};
	struct tally t = {0};
	unsigned epoch = 0;

	setup(0);
	rng_state = v6 ? 11 : 7;
	for (unsigned i = 0; i < 20000; i++) {
		unsigned k = rnd() % KEYS;
		uint32_t start = rnd() % (ALL / 8) * 8, len = 8 + rnd() % 4 * 8;
		struct part p = {start, min_u32(start + len, ALL)};
		bool more;
		unsigned before = t.in;

		if (rnd() % 6 != 0) { /* mostly one of three equal parts, so that wholes happen */
			p.start = start / (ALL / 3) * (ALL / 3);
			p.end = p.start + ALL / 3;
		}
		more = p.end < ALL ? rnd() % 60 != 0 : rnd() % 30 == 0;

		rx(base(v6, epoch * KEYS + k), p.start, p.end, more);
		if (p.start == 0 && !more)
			t.in++; /* no fragment at all */
		else
			model_add(&models[k], v6, p, more, &t);
		assert_int_equal(net.n_in, t.in);
		assert_drops(&net, DROP_REASS_DUP, t.dup);
		assert_drops(&net, DROP_REASS_OVERLAP, t.overlap);
		if (t.in > before)
			expect_datagram(epoch * KEYS + k, net.len, t.in);
		/* New identifications before the dead fill everything. */
		if (i % 60 == 59) {
			fakehost_advance(&net.h, 61 * SEC);
			assert_int_equal(held(), 0);
			memset(models, 0, sizeof(models));
			epoch++;
		}
	}
	assert_true(inet_counters(net.s, v6)->reass_ok > 100);
	assert_true(t.dup > 100);
	assert_true(t.overlap > 100);
	fakenet_destroy(&net);
}

/* Cut at random, shuffled, some twice: it arrives whole and once. */
static void check_shuffled(bool v6)
{
	struct part parts[200];

	setup(4096);
	rng_state = 5;
	for (uint32_t id = 1; id < 300; id++) {
		uint32_t len = 9 + rnd() % 8000, at = 0;
		unsigned n = 0;

		while (at < len) {
			uint32_t k = min_u32(8 * (1 + rnd() % 100), len - at);

			parts[n++] = (struct part){at, at + k};
			at += k;
		}
		for (unsigned i = n - 1; i > 0; i--) {
			unsigned j = rnd() % (i + 1);
			struct part tmp = parts[i];

			parts[i] = parts[j];
			parts[j] = tmp;
		}
		for (unsigned i = 0; i < n; i++) {
			rx(base(v6, id), parts[i].start, parts[i].end, parts[i].end < len);
			if (rnd() % 8 == 0 && i + 1 < n)
				rx(base(v6, id), parts[i].start, parts[i].end, parts[i].end < len);
		}
		expect_datagram(id, len, id);
		assert_int_equal(held(), 0);
		assert_int_equal(reass_bytes(net.s->inet->reass), 0);
	}
	fakenet_destroy(&net);
}

/* ---- the key ---- */

static void check_key(bool v6)
{
	struct fakeip a, b;

	setup(0);
	a = base(v6, 1);
	rx(a, 0, 8, true);
	b = a;
	b.id = 2;
	rx(b, 8, 16, false);
	b = a;
	b.src = fakenet_addr(v6, 0, 3);
	rx(b, 8, 16, false);
	if (!v6) { /* RFC 791: the protocol is part of it; RFC 8200: it is not */
		b = a;
		b.proto = PROTO_TCP;
		rx(b, 16, 40, false);
		assert_int_equal(held(), 4);
	} else {
		assert_int_equal(held(), 3);
	}
	assert_int_equal(net.n_in, 0);
	rx(a, 8, 16, false);
	expect_datagram(1, 16, 1);
	fakenet_destroy(&net);
}

/* ---- time ---- */

static void check_timeout(bool v6, bool with_first)
{
	uint64_t limit = v6 ? REASS_TIMEOUT6_NS : REASS_TIMEOUT4_NS;
	struct fakesent t;

	setup(0);
	fakenet_neigh(&net, v6, 0, 2);
	rx(base(v6, 1), with_first ? 0 : 8, with_first ? 8 : 16, true);
	fakehost_advance(&net.h, limit / 2);
	rx(base(v6, 1), 16, 24, true); /* does not prolong it */
	fakehost_advance(&net.h, limit / 2 - SEC);
	assert_int_equal(held(), 1);
	fakenet_neigh(&net, v6, 0, 2);
	fakenet_settle(&net);
	fakehost_advance(&net.h, SEC + WHEEL_TICK_NS);
	assert_int_equal(held(), 0);
	assert_drops(&net, DROP_REASS_TIMEOUT, 2);
	t = fakenet_sent_ip(&net, 0);
	assert_int_equal(t.f != NULL, with_first);
	if (t.f) {
		assert_int_equal(t.payload.p[0], v6 ? ICMP6_TIME_EXCEEDED : ICMP4_TIME_EXCEEDED);
		assert_int_equal(t.payload.p[1], 1);
		assert_true(fakesent_csum_ok(&t));
		fakesent_free(&t);
	}
	assert_int_equal(inet_counters(net.s, v6)->reass_failed, 1);
	fakenet_destroy(&net);
}

/* RFC 5722: the identification stays refused until its time is over. */
static void test_dead(void **state)
{
	(void)state;
	setup(0);
	rx(base(true, 1), 0, 16, true);
	rx(base(true, 1), 8, 24, false);
	assert_drops(&net, DROP_REASS_OVERLAP, 2);
	rx(base(true, 1), 0, 8, true);
	rx(base(true, 1), 8, 16, false);
	assert_int_equal(net.n_in, 0);
	assert_drops(&net, DROP_REASS_OVERLAP, 4);
	fakehost_advance(&net.h, 61 * SEC);
	rx(base(true, 1), 0, 8, true);
	rx(base(true, 1), 8, 16, false);
	expect_datagram(1, 16, 1);
	fakenet_destroy(&net);
}

/* ---- impossible fragments ---- */

static void test_malformed4(void **state)
{
	struct fakeip tcp;

	(void)state;
	setup(0);
	rx(base(false, 1), 0, 12, true); /* not of 8 */
	rx(base(false, 1), 8, 8, true);  /* empty */
	rx(base(false, 1), 8, 8, false);
	rx(base(false, 1), 65528, 65536, false); /* ping of death: with its header beyond */
	assert_drops(&net, DROP_REASS_MALFORMED, 4);
	tcp = base(false, 1);
	tcp.proto = PROTO_TCP;
	rx(tcp, 0, 16, true);  /* RFC 1858: the flags are not in it */
	rx(tcp, 8, 32, false); /* RFC 3128: it would write over them */
	assert_drops(&net, DROP_REASS_MALFORMED, 6);
	assert_int_equal(held(), 0);
	fakenet_destroy(&net);
}

/* IPv6's share of the same: what has a bad length is told so (RFC 8200 4.5), the rest is silent. */
static void test_malformed6(void **state)
{
	struct fakeip tcp;

	(void)state;
	setup(0);
	rx(base(true, 1), 0, 12, true); /* not of 8 */
	rx(base(true, 1), 65528, 65544, false);
	assert_drops(&net, DROP_IP6_EXT, 2);
	rx(base(true, 1), 8, 8, true); /* empty */
	rx(base(true, 1), 8, 8, false);
	assert_drops(&net, DROP_REASS_MALFORMED, 2);
	tcp = base(true, 1);
	tcp.proto = PROTO_TCP;
	rx(tcp, 0, 16, true); /* RFC 7112: its header goes on in the next */
	assert_drops(&net, DROP_IP6_EXT, 3);
	assert_int_equal(held(), 0);
	/* RFC 3128: what would write over the flags ends the datagram (RFC 5722). */
	rx(tcp, 0, 24, true);
	rx(tcp, 8, 32, false);
	assert_drops(&net, DROP_REASS_OVERLAP, 2);
	assert_int_equal(net.n_in, 0);
	fakenet_destroy(&net);
}

/*
 * The ways in which two pieces overlap, each with a third that would make a whole of either: never
 * delivered. IPv6 refuses the identification from then on, IPv4 begins anew with the third.
 */
static void check_overlap(bool v6)
{
	static const struct {
		const char *name;
		struct part p[3];
		unsigned last; /* that piece ends the datagram */
	} rows[] = {
		{"teardrop: the second begins in the first", {{0, 24}, {16, 32}, {32, 40}}, 2},
		{"the second ends in the first", {{16, 40}, {0, 24}, {40, 48}}, 2},
		{"the second lies in the first", {{0, 32}, {8, 16}, {32, 40}}, 2},
		{"the second covers the first", {{8, 16}, {0, 32}, {32, 40}}, 2},
		{"same start, longer", {{0, 16}, {0, 24}, {24, 32}}, 2},
		{"same start, shorter", {{0, 24}, {0, 16}, {24, 32}}, 2},
		{"same end", {{8, 24}, {16, 24}, {0, 8}}, 0},
		{"a second end, nearer", {{16, 32}, {8, 16}, {0, 8}}, 1},
		{"behind the end", {{8, 16}, {16, 24}, {0, 8}}, 0},
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t before;

		setup(0);
		before = fakehost_drops(&net.h, DROP_REASS_OVERLAP);
		for (unsigned k = 0; k < 3; k++)
			rx(base(v6, 1), rows[i].p[k].start, rows[i].p[k].end, k != rows[i].last);
		if (net.n_in != 0 || fakehost_drops(&net.h, DROP_REASS_OVERLAP) - before != 2u + v6)
			fail_msg("%s", rows[i].name);
		fakehost_advance(&net.h, 61 * SEC);
		assert_int_equal(held(), 0);
		fakenet_destroy(&net);
	}
}

/* RFC 6946: alone, whatever else has its identification. */
static void test_atomic6(void **state)
{
	struct fakeip ip;

	(void)state;
	setup(0);
	rx(base(true, 1), 0, 8, true);
	ip = base(true, 1);
	ip.frag = true;
	rx(ip, 0, 40, false);
	expect_datagram(1, 40, 1);
	assert_int_equal(held(), 1);
	rx(base(true, 1), 8, 16, false);
	expect_datagram(1, 16, 2);
	fakenet_destroy(&net);
}

/* A fragment header in the first fragment: nested, refused at once. */
static void test_nested6(void **state)
{
	struct fakeip ip;

	(void)state;
	setup(0);
	ip = base(true, 1);
	ip.proto = PROTO_FRAGMENT;
	rx(ip, 8, 16, false);
	rx(ip, 0, 8, true);
	assert_int_equal(net.n_in, 0);
	assert_int_equal(held(), 1);
	assert_drops(&net, DROP_IP6_EXT, 1);
	fakenet_destroy(&net);
}

/* ---- ECN, RFC 3168 5.3 ---- */

static void check_ecn(bool v6)
{
	/* Not-ECT, ECT(1), ECT(0), CE in this order; 9: dropped */
	static const uint8_t want[4][4] = {{0, 0, 0, 9}, {0, 1, 1, 3}, {0, 2, 2, 3}, {9, 3, 3, 3}};
	unsigned n = 0, dropped = 0;

	setup(0);
	for (uint8_t a = 0; a < 4; a++) {
		for (uint8_t b = 0; b < 4; b++) {
			struct fakeip ip = base(v6, 100u + a * 4u + b);

			ip.tos = 0xa0 | a;
			rx(ip, 0, 8, true);
			ip.tos = 0xa0 | b;
			rx(ip, 8, 16, false);
			if (want[a][b] == 9) {
				dropped++;
				continue;
			}
			assert_int_equal(net.n_in, ++n);
			assert_int_equal(net.in.tos, 0xa0 | want[a][b]);
		}
	}
	assert_int_equal(dropped, 2);
	assert_drops(&net, DROP_REASS_MALFORMED, dropped);
	fakenet_destroy(&net);
}

/* ---- attacks (CVE-2018-5391) ---- */

/* A datagram of another host gets through now. */
static void expect_service(bool v6, uint32_t id)
{
	struct fakeip ip = base(v6, id);
	unsigned before = net.n_in;

	ip.src = fakenet_addr(v6, 0, 77);
	if (v6)
		ip.src.b[1] = 0xee; /* another /64 */
	else
		ip.src = ipaddr_v4(0x0b000001);
	rx(ip, 0, 1480, true);
	rx(ip, 1480, 2960, true);
	rx(ip, 2960, 3000, false);
	expect_datagram(id, 3000, before + 1);
}

static void check_many_ids(bool v6, bool many_sources, uint32_t n_small)
{
	uint32_t size = n_small / 8 * 2048;

	setup(n_small);
	for (uint32_t i = 0; i < 20000; i++) {
		struct fakeip ip = base(v6, i);

		if (many_sources) {
			if (v6)
				store_be32(&ip.src.b[4], 0x10000 + i); /* a /64 each */
			else
				ip.src = ipaddr_v4(0x14000000 + i);
		}
		rx(ip, 8, 1480, true);
		assert_true(reass_bytes(net.s->inet->reass) <= size);
		assert_true(held() <= REASS_MAX_DGRAMS);
		if (!many_sources) {
			assert_true(held() <= REASS_MAX_BY_SRC + 1);
			assert_true(reass_bytes(net.s->inet->reass) <=
				    max_u32(size / 4, 256 * 1024));
		}
		if (i % 1000 == 999)
			expect_service(v6, 100000 + i);
	}
	assert_true(fakehost_drops(&net.h, DROP_REASS_LIMIT) > 18000);
	assert_true(mbuf_pool_avail(net.h.pool, MBUF_SMALL) > n_small / 2);
	fakenet_destroy(&net);
}

/* 4,000 pieces of one: given up at its bound. */
static void check_many_pieces(bool v6)
{
	setup(2048);
	for (uint32_t i = 0; i < 4000; i++)
		rx(base(v6, 1), 16 * i, 16 * i + 8, true);
	assert_true(held() <= 1);
	assert_true(reass_bytes(net.s->inet->reass) <= REASS_MAX_FRAGS * 2300);
	expect_service(v6, 9);
	fakenet_destroy(&net);
}

/* The largest there is. */
static void check_largest(bool v6)
{
	uint32_t len = v6 ? 65535 : 65535 - IP4_HLEN;

	setup(4096);
	for (uint32_t at = 0; at < len; at += 1448)
		rx(base(v6, 1), at, min_u32(at + 1448, len), at + 1448 < len);
	expect_datagram(1, len, 1);
	fakenet_destroy(&net);
}

/* Those of a pool that is used up are lost, and nothing else. */
static void check_no_buffers(bool v6)
{
	setup(0);
	for (int64_t n = 0; n < 40; n++) {
		mbuf_pool_fail(net.h.pool, n, false);
		for (uint32_t at = 0; at < 8000; at += 800)
			rx(base(v6, (uint32_t)n), at, at + 800, at + 800 < 8000);
		mbuf_pool_fail(net.h.pool, -1, false);
	}
	assert_true(net.n_in >= 30);
	fakenet_destroy(&net);
}

/* When packet buffers become few, datagrams that are not whole go first, the oldest before others,
 * and no more of them than is needed. */
static void check_shed(bool v6)
{
	struct ipaddr them = fakenet_addr(v6, 0, 2);
	struct mbufq held;
	unsigned n = 0;

	setup(1024);
	mbufq_init(&held, MBUF_TEST);
	for (uint32_t id = 1; id <= 20; id++)
		rx(base(v6, id), 0, 800, true);
	assert_int_equal(reass_count(net.s->inet->reass), 20);
	while (reass_count(net.s->inet->reass) == 20) {
		mbuf_own o = mbuf_alloc(net.h.pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_TEST);

		assert_non_null(o.m);
		mbufq_push(&held, o);
		(void)stack_poll(net.s);
		n++;
	}
	assert_true(mbuf_pool_avail(net.h.pool, MBUF_SMALL) >= 1024 / 8);
	assert_int_equal(reass_count(net.s->inet->reass), 19);
	assert_drops(&net, DROP_REASS_LIMIT, 1);
	/* A young one can still be finished. */
	rx(base(v6, 20), 800, 808, false);
	assert_int_equal(inet_cnt(net.s, &them)->reass_ok, 1);
	mbufq_purge(&held, DROP_SIM_LOSS);
	fakenet_destroy(&net);
}

static void test_shed(void **state)
{
	(void)state;
	check_shed(false);
	check_shed(true);
}

#define TWINS(name) \
	static void test_##name(void **state) \
	{ \
		(void)state; \
		check_##name(false); \
		check_##name(true); \
	}

TWINS(random)
TWINS(shuffled)
TWINS(key)
TWINS(ecn)
TWINS(overlap)
TWINS(many_pieces)
TWINS(largest)
TWINS(no_buffers)

static void test_timeout(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++)
		check_timeout(i & 1, i & 2);
}

static void test_many_ids(void **state)
{
	(void)state;
	/* In the large pool the numbers are what ends it, in the small one the memory. */
	for (unsigned i = 0; i < 8; i++)
		check_many_ids(i & 1, i & 2, i & 4 ? 16384 : 2048);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shed),       cmocka_unit_test(test_random),
		cmocka_unit_test(test_shuffled),   cmocka_unit_test(test_key),
		cmocka_unit_test(test_timeout),    cmocka_unit_test(test_dead),
		cmocka_unit_test(test_malformed4), cmocka_unit_test(test_atomic6),
		cmocka_unit_test(test_nested6),    cmocka_unit_test(test_ecn),
		cmocka_unit_test(test_many_ids),   cmocka_unit_test(test_many_pieces),
		cmocka_unit_test(test_largest),    cmocka_unit_test(test_no_buffers),
		cmocka_unit_test(test_malformed6), cmocka_unit_test(test_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
