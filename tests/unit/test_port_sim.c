/* SPDX-License-Identifier: BSD-2-Clause */
/* The simulated wire: the same seed is the same run, chances come out as asked, nothing gets lost
 * uncounted, and what is damaged fails its checksum. */
#include "test_port_util.h"
#include "tmpname.h"

#include "base/memfail.h"
#include "port/sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MS UINT64_C(1000000)

struct net {
	uint64_t now;
	struct port *a, *b;
	struct sim_wire *w;
};

static void net_init(struct net *n, struct mbuf_pool *pool, const struct sim_wire_conf *conf)
{
	n->now = 1000 * MS;
	assert_int_equal(sim_wire_create(conf, &n->now, pool, pool, &n->a, &n->b), 0);
	n->w = sim_wire_of(n->a);
	assert_ptr_equal(n->w, sim_wire_of(n->b));
}

static void net_fini(struct net *n)
{
	port_close(n->a);
	port_close(n->b);
}

/* A numbered frame, the number in the identification of a fixed UDP packet. */
static mbuf_own numbered(struct mbuf_pool *pool, uint32_t number, const struct pf *f, uint16_t mss)
{
	static struct pf_frame fr;
	struct mbuf *m;

	pf_build(&fr, f);
	m = pf_packet(pool, &fr, f, 0, mss).m;
	store_be32(mbuf_data(m) + 6, number); /* the source address: outside all checksums */
	return mbuf_own_of(m);
}

static uint32_t number_of(const struct mbuf *m)
{
	return load_be32(mbuf_data(m) + 6);
}

static void send(struct net *n, struct mbuf_pool *pool, uint32_t number, uint32_t payload)
{
	const struct pf f = {.udp = true, .payload = payload, .complete = true};
	struct mbuf *m = numbered(pool, number, &f, 0).m;

	assert_int_equal(port_tx(n->a, &m, 1), 1);
}

static void assert_law(const struct net *n, enum sim_dir dir)
{
	struct sim_stats s;

	sim_wire_stats(n->w, dir, &s);
	assert_int_equal(s.n[SIM_SENT] + s.n[SIM_DUPLICATED] + s.cut,
			 s.n[SIM_DELIVERED] + s.n[SIM_LOST] + s.n[SIM_BURST] + s.n[SIM_QUEUE] +
				 s.n[SIM_TOOBIG] + s.n[SIM_DOWN] + s.n[SIM_NOBUF] + s.n[SIM_NOMEM] +
				 s.in_flight);
}

/* Send count frames a microsecond apart and take what comes, in order of arrival. */
static unsigned exchange(struct net *n, struct mbuf_pool *pool, unsigned count, uint32_t *got,
			 unsigned max)
{
	unsigned k = 0;

	for (unsigned i = 0; i < count || sim_wire_next_ns(n->w) != UINT64_MAX; i++) {
		struct mbuf *m;

		n->now += i < count ? 1000 : 1 * MS;
		if (i < count)
			send(n, pool, i, 10);
		while (port_rx(n->b, &m, 1) == 1) {
			assert_true(k < max);
			got[k++] = number_of(m);
			mbuf_done(&m);
		}
		assert_law(n, SIM_AB);
	}
	return k;
}

#define COUNT 2000u

static void test_perfect(void **state)
{
	const struct sim_wire_conf conf = {.seed = 1};
	static uint32_t got[COUNT];
	struct net n;

	net_init(&n, *state, &conf);
	assert_int_equal(exchange(&n, *state, COUNT, got, COUNT), COUNT);
	for (unsigned i = 0; i < COUNT; i++)
		assert_int_equal(got[i], i);
	net_fini(&n);
}

static const struct sim_wire_conf rough = {
	.seed = 42,
	.ab = {.delay_ns = 5 * MS,
	       .jitter_ns = 2 * MS,
	       .loss_ppm = 50000,
	       .dup_ppm = 20000,
	       .corrupt_ppm = 30000,
	       .reorder_ppm = 10000,
	       .reorder_ns = 20 * MS,
	       .burst_ppm = 1000,
	       .burst_end_ppm = 200000},
};

static void test_same_seed(void **state)
{
	static uint32_t got[3][2 * COUNT];
	unsigned len[3];

	for (unsigned run = 0; run < 3; run++) {
		struct sim_wire_conf conf = rough;
		struct net n;

		conf.seed += run == 2;
		net_init(&n, *state, &conf);
		len[run] = exchange(&n, *state, COUNT, got[run], 2 * COUNT);
		net_fini(&n);
	}
	assert_int_equal(len[0], len[1]);
	assert_memory_equal(got[0], got[1], len[0] * sizeof(got[0][0]));
	assert_true(len[2] != len[0] || memcmp(got[2], got[0], len[0] * sizeof(got[0][0])) != 0);
}

/* Within five standard deviations: fails for one seed in two million, and the seed is fixed. */
static void assert_chance(uint64_t hits, uint64_t tries, uint32_t ppm)
{
	double p = ppm / 1e6;
	double mean = (double)tries * p;
	double off = (double)hits - mean;

	assert_true(off * off <= 25.0 * mean * (1.0 - p) + 1.0);
}

static void test_chances(void **state)
{
	enum { N = 20000 };
	static uint32_t got[2 * N];
	struct sim_stats s;
	struct net n;

	net_init(&n, *state, &rough);
	(void)exchange(&n, *state, N, got, 2 * N);
	sim_wire_stats(n.w, SIM_AB, &s);
	assert_int_equal(s.n[SIM_SENT], N);
	/* In a burst with the chance enter / (enter + leave) in the long run. */
	assert_true(s.n[SIM_BURST] > N * 5 / 1000 / 3 && s.n[SIM_BURST] < N * 5 / 1000 * 3);
	assert_chance(s.n[SIM_LOST], N - s.n[SIM_BURST], 50000);
	assert_chance(s.n[SIM_DUPLICATED], N - s.n[SIM_BURST] - s.n[SIM_LOST], 20000);
	assert_chance(s.n[SIM_CORRUPTED], N - s.n[SIM_BURST] - s.n[SIM_LOST], 30000);
	assert_true(s.reordered > N / 4); /* the jitter is 2,000 times the distance of frames */
	assert_int_equal(ut_drops(*state, DROP_SIM_LOSS), s.n[SIM_LOST] + s.n[SIM_BURST]);
	net_fini(&n);
}

static void test_keep_order(void **state)
{
	struct sim_wire_conf conf = {.ab = {.jitter_ns = 3 * MS, .keep_order = true}};
	static uint32_t got[COUNT];
	struct sim_stats s;
	struct net n;

	net_init(&n, *state, &conf);
	assert_int_equal(exchange(&n, *state, COUNT, got, COUNT), COUNT);
	sim_wire_stats(n.w, SIM_AB, &s);
	assert_int_equal(s.reordered, 0);
	net_fini(&n);
}

/* A frame is there at its time and not a nanosecond before; next_ns says so. */
static void test_delay(void **state)
{
	const struct sim_wire_conf conf = {.ab = {.delay_ns = 7 * MS}, .ba = {.delay_ns = 1 * MS}};
	struct mbuf *m;
	struct net n;
	uint64_t start;

	net_init(&n, *state, &conf);
	start = n.now;
	assert_int_equal(n.b->ops->next_ns(n.b), UINT64_MAX);
	send(&n, *state, 5, 10);
	assert_int_equal(n.b->ops->next_ns(n.b), start + 7 * MS);
	assert_int_equal(n.a->ops->next_ns(n.a), UINT64_MAX);
	assert_int_equal(sim_wire_next_ns(n.w), start + 7 * MS);
	n.now = start + 7 * MS - 1;
	assert_int_equal(port_rx(n.b, &m, 1), 0);
	n.now++;
	assert_int_equal(port_rx(n.b, &m, 1), 1);
	mbuf_done(&m);
	net_fini(&n);
}

/* 1 Mbit/s, frames of 1,000 bytes: 8 ms each; the queue holds 3,000 bytes. */
static void test_rate(void **state)
{
	struct sim_wire_conf conf = {.ab = {.rate_bps = 1000000, .queue_bytes = 3000}};
	const uint32_t payload = 1000 - ETH_HLEN - IP4_HLEN - UDP_HLEN;
	struct sim_stats s;
	struct mbuf *m;
	struct net n;
	uint64_t start;

	net_init(&n, *state, &conf);
	start = n.now;
	for (unsigned i = 0; i < 10; i++)
		send(&n, *state, i, payload);
	sim_wire_stats(n.w, SIM_AB, &s);
	assert_int_equal(s.n[SIM_QUEUE], 6);
	assert_int_equal(s.in_flight, 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(sim_wire_next_ns(n.w), start + (i + 1) * 8 * MS);
		n.now = sim_wire_next_ns(n.w);
		assert_int_equal(port_rx(n.b, &m, 1), 1);
		assert_int_equal(number_of(m), i);
		mbuf_done(&m);
	}
	assert_law(&n, SIM_AB);
	net_fini(&n);
}

/* The same, but the sender is told. */
static void test_full_stops(void **state)
{
	struct sim_wire_conf conf = {
		.ab = {.rate_bps = 1000000, .queue_bytes = 3000, .full_stops = true}};
	const struct pf f = {.udp = true, .payload = 958, .complete = true};
	struct mbuf *pkts[10];
	struct sim_stats s;
	struct net n;

	net_init(&n, *state, &conf);
	for (unsigned i = 0; i < 10; i++)
		pkts[i] = numbered(*state, i, &f, 0).m;
	assert_int_equal(port_tx(n.a, pkts, 10), 4);
	n.now += 8 * MS;
	assert_int_equal(port_tx(n.a, pkts + 4, 6), 1);
	for (unsigned i = 5; i < 10; i++)
		mbuf_done(&pkts[i]);
	sim_wire_stats(n.w, SIM_AB, &s);
	assert_int_equal(s.n[SIM_QUEUE], 0);
	assert_int_equal(s.in_flight, 5);
	net_fini(&n);
}

static void test_mtu(void **state)
{
	const struct sim_wire_conf conf = {.mtu = 600};
	struct sim_stats s;
	struct net n;

	net_init(&n, *state, &conf);
	assert_int_equal(n.a->mtu, 600);
	send(&n, *state, 0, 600 - IP4_HLEN - UDP_HLEN);
	/* Room for two tags is left to every frame. */
	send(&n, *state, 1, 600 - IP4_HLEN - UDP_HLEN + 2 * ETH_TAG_LEN + 1);
	sim_wire_stats(n.w, SIM_AB, &s);
	assert_int_equal(s.n[SIM_TOOBIG], 1);
	assert_int_equal(s.in_flight, 1);
	assert_int_equal(ut_drops(*state, DROP_PORT_TX_TOOBIG), 1);
	net_fini(&n);
}

/* With offload a superpacket and its unfinished checksum come as they were sent; without, as
 * frames with complete ones. */
static void test_super(void **state)
{
	for (unsigned i = 0; i < 8; i++) {
		const struct sim_wire_conf conf = {.offload = (i & 1) != 0, .move = (i & 2) != 0};
		const struct pf f = {.v6 = (i & 4) != 0, .flags = TCP_ACK, .payload = 20000};
		struct mbuf *got[32];
		struct mbuf *m = numbered(*state, 1, &f, 1000).m;
		struct pf_frame fr;
		struct pf_read r;
		struct net n;
		uint16_t k;

		net_init(&n, *state, &conf);
		assert_int_equal(port_tx(n.a, &m, 1), 1);
		k = port_rx(n.b, got, 32);
		assert_int_equal(k, conf.offload ? 1 : 20);
		for (unsigned q = 0; q < k; q++) {
			assert_int_equal(got[q]->meta.csum,
					 conf.offload ? MBUF_CSUM_PARTIAL : MBUF_CSUM_NONE);
			assert_int_equal(got[q]->meta.gso_size, conf.offload ? 1000 : 0);
			assert_int_equal(mbuf_copy_out(got[q], 0, fr.bytes, PF_BYTES),
					 mbuf_len(got[q]));
			pf_read(&r, fr.bytes, mbuf_len(got[q]), &f, conf.offload);
			if (conf.offload)
				assert_int_equal(got[q]->meta.l4_off, mbuf_here(got[q]) + r.l4);
			mbuf_done(&got[q]);
		}
		net_fini(&n);
	}
}

/* Does every checksum of a received frame hold? */
static bool sound(const struct mbuf *m, bool v6)
{
	static uint8_t bytes[PF_BYTES];
	uint32_t len = mbuf_copy_out(m, 0, bytes, PF_BYTES);
	struct view v = view_make(bytes + ETH_HLEN, len - ETH_HLEN);
	struct ip4 h4;
	struct ip6 h6;

	if (v6)
		return ip6_parse(&h6, v) == 0 && h6.payload_len + IP6_HLEN == (int)v.len &&
		       h6.next_header == PROTO_TCP &&
		       pseudo_ok(view_skip(v, IP6_HLEN), &h6.src, &h6.dst, PROTO_TCP);
	return ip4_parse(&h4, v, true) == 0 && h4.total_len == v.len &&
	       pseudo_ok(view_skip(v, h4.ihl_bytes), &h4.src, &h4.dst, h4.proto);
}

/*
 * One damaged bit is always found: by the IP header's checksum, the transport's, or in IPv6's
 * fields that no checksum covers (version, class, flow label, hop limit) by nobody, and then it
 * does no harm. A damaged frame never claims a good or unfinished checksum.
 */
static void test_corrupt(void **state)
{
	static const uint8_t uncovered6[] = {0, 1, 2, 3, IP6_OFF_HOPS};

	for (unsigned i = 0; i < 800; i++) {
		const struct sim_wire_conf conf = {.seed = i,
						   .offload = (i & 1) != 0,
						   .move = (i & 2) != 0,
						   .ab = {.corrupt_ppm = SIM_PPM}};
		const struct pf f = {.v6 = (i & 4) != 0, .flags = TCP_ACK, .payload = 400};
		struct mbuf *m = numbered(*state, 1, &f, 0).m;
		struct pf_frame fr;
		struct net n;
		bool harmless = false;

		net_init(&n, *state, &conf);
		assert_int_equal(port_tx(n.a, &m, 1), 1);
		assert_int_equal(port_rx(n.b, &m, 1), 1);
		assert_int_equal(m->meta.csum, MBUF_CSUM_NONE);
		pf_build(&fr, &f);
		for (unsigned k = 0; f.v6 && k < ARRAY_LEN(uncovered6); k++)
			harmless |= mbuf_data(m)[fr.l3 + uncovered6[k]] !=
				    fr.bytes[fr.l3 + uncovered6[k]];
		assert_true(harmless || !sound(m, f.v6));
		mbuf_done(&m);
		net_fini(&n);
	}
}

/* Of a superpacket one frame is damaged, the others are whole; the sender's bytes stay right. */
static void test_corrupt_super(void **state)
{
	for (unsigned i = 0; i < 16; i++) {
		const struct sim_wire_conf conf = {.seed = i,
						   .offload = true,
						   .move = (i & 1) != 0,
						   .ab = {.corrupt_ppm = SIM_PPM}};
		const struct pf f = {.v6 = (i & 2) != 0, .flags = TCP_ACK, .payload = 20000};
		struct mbuf *got[32];
		struct pf_frame fr;
		struct sim_stats s;
		unsigned bad = 0;
		struct net n;
		struct mbuf *m;

		pf_build(&fr, &f);
		net_init(&n, *state, &conf);
		MBUF(orig, pf_packet(*state, &fr, &f, 0, 1000));
		m = mbuf_share(*state, orig, 0, fr.len, MBUF_PRIO_BULK).m;
		assert_int_equal(port_tx(n.a, &m, 1), 1);
		assert_int_equal(port_rx(n.b, got, 32), 20);
		for (unsigned k = 0; k < 20; k++) {
			assert_int_equal(got[k]->meta.csum, MBUF_CSUM_NONE);
			bad += !sound(got[k], f.v6);
			mbuf_done(&got[k]);
		}
		assert_true(bad <= 1);
		sim_wire_stats(n.w, SIM_AB, &s);
		assert_int_equal(s.cut, 19);
		assert_int_equal(s.n[SIM_CORRUPTED], 1);
		assert_law(&n, SIM_AB);
		ut_assert_bytes(orig, fr.bytes, fr.len);
		mbuf_done(&orig);
		net_fini(&n);
	}
}

/* A carried frame that the sender still looks at comes out as one the receiver may write to. */
static void test_move_shared(void **state)
{
	const struct sim_wire_conf conf = {.move = true, .offload = true};
	const struct pf f = {.flags = TCP_ACK, .payload = 3000};
	struct pf_frame fr;
	struct mbuf *m;
	struct net n;

	pf_build(&fr, &f);
	net_init(&n, *state, &conf);
	MBUF(orig, pf_packet(*state, &fr, &f, 0, 1000));
	m = mbuf_share(*state, orig, 0, fr.len, MBUF_PRIO_BULK).m;
	assert_int_equal(port_tx(n.a, &m, 1), 1);
	assert_int_equal(port_rx(n.b, &m, 1), 1);
	assert_true(mbuf_writable(m));
	ut_assert_bytes(m, fr.bytes, fr.len);
	mbuf_done(&m);
	mbuf_done(&orig);
	/* And without buffers for the copy it is a loss at the receiver. */
	MBUF(again, pf_packet(*state, &fr, &f, 0, 1000));
	m = mbuf_share(*state, again, 0, fr.len, MBUF_PRIO_BULK).m;
	assert_int_equal(port_tx(n.a, &m, 1), 1);
	mbuf_pool_fail(*state, 0, true);
	assert_int_equal(port_rx(n.b, &m, 1), 0);
	mbuf_pool_fail(*state, -1, false);
	assert_int_equal(n.b->cnt.rx_nobuf, 1);
	assert_law(&n, SIM_AB);
	mbuf_done(&again);
	net_fini(&n);
}

/* The plug is pulled with frames under way; and one end is closed before the other. */
static void test_link(void **state)
{
	for (unsigned move = 0; move < 2; move++) {
		const struct sim_wire_conf conf = {.ab = {.delay_ns = 5 * MS}, .move = move != 0};
		struct sim_stats s;
		struct mbuf *m;
		struct net n;

		net_init(&n, *state, &conf);
		assert_true(n.a->ops->link_up(n.a));
		send(&n, *state, 0, 10);
		sim_wire_link(n.w, false);
		assert_false(n.a->ops->link_up(n.a));
		send(&n, *state, 1, 10);
		sim_wire_link(n.w, true);
		send(&n, *state, 2, 10);
		n.now += 5 * MS;
		assert_int_equal(port_rx(n.b, &m, 1), 1);
		assert_int_equal(number_of(m), 2);
		mbuf_done(&m);
		sim_wire_stats(n.w, SIM_AB, &s);
		assert_int_equal(s.n[SIM_DOWN], 2);
		send(&n, *state, 3, 10);
		port_close(n.b);
		assert_true(mbuf_pool_full(*state));
		sim_wire_stats(n.w, SIM_AB, &s);
		assert_int_equal(s.in_flight, 0);
		assert_int_equal(s.n[SIM_DOWN], 3);
		assert_false(n.a->ops->link_up(n.a));
		send(&n, *state, 4, 10);
		assert_law(&n, SIM_AB);
		port_close(n.a);
	}
}

static void test_receiver_full(void **state)
{
	const struct sim_wire_conf conf = {.seed = 1};
	struct sim_stats s;
	struct mbuf *m;
	struct net n;

	net_init(&n, *state, &conf);
	send(&n, *state, 0, 10);
	send(&n, *state, 1, 10);
	mbuf_pool_fail(*state, 0, false);
	assert_int_equal(port_rx(n.b, &m, 1), 1);
	assert_int_equal(number_of(m), 1);
	mbuf_done(&m);
	sim_wire_stats(n.w, SIM_AB, &s);
	assert_int_equal(s.n[SIM_NOBUF], 1);
	assert_int_equal(ut_drops(*state, DROP_NOBUF), 1);
	net_fini(&n);
}

/* Small datagrams that nobody reads leave the reserve alone, for an ACK; many ACKs leave half. */
static void test_receiver_reserve(void **state)
{
	const struct sim_wire_conf conf = {.seed = 1};
	static struct pf_frame fr;
	struct mbufq kept;
	struct mbuf *m;
	struct net n;

	mbufq_init(&kept, MBUF_TEST);
	net_init(&n, *state, &conf);
	for (unsigned i = 0; i < UT_SMALL; i++) {
		send(&n, *state, i, 10);
		if (port_rx(n.b, &m, 1) == 1)
			mbufq_push(&kept, mbuf_own_of(m));
		if (n.b->cnt.rx_nobuf > 0)
			break;
	}
	assert_int_equal(mbuf_pool_avail(*state, MBUF_SMALL), UT_RESERVE_SMALL);
	for (unsigned i = 0; i < UT_RESERVE_SMALL; i++) {
		const struct pf ack = {.flags = TCP_ACK, .v6 = i % 2 != 0, .complete = true};

		pf_build(&fr, &ack);
		m = mbuf_alloc(*state, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_TEST).m;
		assert_int_equal(mbuf_append_bytes(m, fr.bytes, fr.len, MBUF_PRIO_CTL), 0);
		assert_int_equal(port_tx(n.a, &m, 1), 1);
		if (port_rx(n.b, &m, 1) == 1)
			mbufq_push(&kept, mbuf_own_of(m));
		assert_int_equal(mbuf_pool_avail(*state, MBUF_SMALL),
				 UT_RESERVE_SMALL - min_u32(i + 1, UT_RESERVE_SMALL / 2));
	}
	mbufq_purge(&kept, DROP_STACK_FINI);
	net_fini(&n);
}

/* Frames for two pools: each end receives into its own. */
static void test_two_pools(void **state)
{
	const struct mbuf_pool_conf pc = {.name = "sim-b", .count = {64, 8}};
	const struct sim_wire_conf conf = {.seed = 1};
	const struct pf f = {.udp = true, .payload = 5000, .complete = true};
	struct sim_wire_conf jumbo = conf;
	struct mbuf_pool *pool_b;
	struct mbuf *m;
	struct net n = {.now = 1};

	jumbo.mtu = 9000;
	assert_int_equal(mbuf_pool_create(&pc, &pool_b), 0);
	assert_int_equal(sim_wire_create(&jumbo, &n.now, *state, pool_b, &n.a, &n.b), 0);
	m = numbered(*state, 9, &f, 0).m;
	assert_int_equal(port_tx(n.a, &m, 1), 1);
	assert_true(mbuf_pool_full(*state));
	assert_int_equal(port_rx(n.b, &m, 1), 1);
	assert_ptr_equal(m->meta.pool, pool_b);
	assert_false(mbuf_pool_full(pool_b));
	mbuf_done(&m);
	net_fini(&n);
	assert_int_equal(mbuf_pool_destroy(pool_b), 0);
}

/* Every allocation of the wire failing in turn. */
static void test_no_memory(void **state)
{
	for (uint64_t fail = 1;; fail++) {
		struct memfail mf;
		struct sim_wire_conf conf = rough;
		struct net n = {.now = 1};
		int rc;

		memfail_init(&mf, mem_libc());
		memfail_arm(&mf, fail, false);
		conf.mem = memfail_mem(&mf);
		rc = sim_wire_create(&conf, &n.now, *state, *state, &n.a, &n.b);
		if (rc == 0) {
			static uint32_t got[400];

			n.w = sim_wire_of(n.a);
			(void)exchange(&n, *state, 200, got, 400);
			net_fini(&n);
		} else {
			assert_int_equal(rc, -ENOMEM);
		}
		assert_int_equal(memfail_outstanding(&mf), 0);
		if (!memfail_hit(&mf))
			break;
	}
}

/* ---- looking on ---- */

struct seen {
	uint64_t n[SIM_EVENTS];
	uint64_t bytes;
};

static void see(void *ctx, const struct sim_report *r)
{
	struct seen *s = ctx;

	s->n[r->event]++;
	s->bytes += r->frame.len;
	assert_int_equal(r->dir, SIM_AB);
}

static void test_hook(void **state)
{
	for (unsigned move = 0; move < 2; move++) {
		struct sim_wire_conf conf = rough;
		static uint32_t got[2 * COUNT];
		struct seen seen = {.bytes = 0};
		struct sim_stats s;
		struct net n;

		conf.move = move != 0;
		net_init(&n, *state, &conf);
		assert_int_equal(sim_wire_hook(n.w, see, &seen), 0);
		/* Carried frames are buffers of the pool: not more than it has. */
		(void)exchange(&n, *state, COUNT / 4, got, 2 * COUNT);
		sim_wire_stats(n.w, SIM_AB, &s);
		assert_memory_equal(seen.n, s.n, sizeof(s.n));
		assert_true(seen.n[SIM_CORRUPTED] > 0 && seen.n[SIM_LOST] > 0);
		assert_true(seen.bytes >= s.bytes_sent + s.bytes_delivered);
		net_fini(&n);
	}
}

/* The capture is read back block by block: lengths agree, frames and comments are there. */
static void test_pcap(void **state)
{
	const struct sim_wire_conf conf = {.seed = 3, .ab = {.loss_ppm = SIM_PPM}};
	char path[TMPNAME_LEN];
	static uint8_t file[4096];
	uint32_t blocks[8] = {0}, n_blocks = 0;
	size_t len, off;
	struct net n;
	FILE *f;
	int fd;

	tmpname(path, sizeof(path));
	fd = mkstemp(path);
	assert_true(fd >= 0);
	(void)close(fd);
	net_init(&n, *state, &conf);
	assert_int_equal(sim_wire_pcap(n.w, "/no/such/folder/x"), -ENOENT);
	assert_int_equal(sim_wire_pcap(n.w, path), 0);
	send(&n, *state, 1, 33);
	net_fini(&n);
	f = fopen(path, "re");
	assert_non_null(f);
	len = fread(file, 1, sizeof(file), f);
	(void)fclose(f);
	(void)unlink(path);
	for (off = 0; off < len; off += load_native32(file + off + 4)) {
		uint32_t block = load_native32(file + off + 4);

		assert_true(block >= 12 && block % 4 == 0 && off + block <= len);
		assert_int_equal(load_native32(file + off + block - 4), block);
		assert_true(n_blocks < ARRAY_LEN(blocks));
		blocks[n_blocks++] = load_native32(file + off);
	}
	assert_int_equal(off, len);
	assert_int_equal(n_blocks, 5); /* section, two interfaces, sent, lost */
	assert_int_equal(blocks[0], 0x0a0d0d0a);
	assert_int_equal(blocks[1], 1);
	assert_int_equal(blocks[2], 1);
	assert_int_equal(blocks[3], 6);
	assert_non_null(memmem(file, len, "lost", 4));
	assert_non_null(memmem(file, len, "a to b", 6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UT_TEST(test_perfect),
		UT_TEST(test_same_seed),
		UT_TEST(test_chances),
		UT_TEST(test_keep_order),
		UT_TEST(test_delay),
		UT_TEST(test_rate),
		UT_TEST(test_full_stops),
		UT_TEST(test_mtu),
		UT_TEST(test_super),
		UT_TEST(test_corrupt),
		UT_TEST(test_corrupt_super),
		UT_TEST(test_move_shared),
		UT_TEST(test_link),
		UT_TEST(test_receiver_full),
		UT_TEST(test_receiver_reserve),
		UT_TEST(test_two_pools),
		UT_TEST(test_no_memory),
		UT_TEST(test_hook),
		UT_TEST(test_pcap),
	};

	return ut_run(tests);
}
