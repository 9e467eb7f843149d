/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DPDK devices that need no hardware and no privilege: memif with both ends in this process, a ring
 * looped back, the null device, a capture file.
 */
#include "test_port_util.h"
#include "tmpname.h"

#include "plat/clock.h"
#include "port/pcapng.h"
#include "port/port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* <rte_ethdev.h> and wire/ip6.h do not go together: both name struct ip6_ext. */
#include <rte_dev.h>

#define PATIENCE_NS (5 * PLAT_NS_PER_S)

static struct port *open_queue(struct mbuf_pool *pool, const char *spec, uint16_t queue, uint16_t n)
{
	const struct port_conf conf = {
		.name = "eth", .spec = spec, .pool = pool, .queue = queue, .n_queues = n};
	char err[256] = "";
	struct port *p = NULL;

	if (port_open(&conf, &p, err, sizeof(err)) < 0)
		fail_msg("%s", err);
	return p;
}

static struct port *open_port(struct mbuf_pool *pool, const char *spec)
{
	return open_queue(pool, spec, 0, 1);
}

static void assert_no_device(const char *name)
{
	assert_true(rte_eal_hotplug_remove("vdev", name) < 0);
}

/* Receive n frames, waiting for them. */
static void receive(struct port *p, struct mbuf **pkts, unsigned n)
{
	uint64_t end = plat_mono_ns() + PATIENCE_NS;
	unsigned k = 0;

	while (k < n) {
		assert_true(plat_mono_ns() < end);
		k += port_rx(p, pkts + k, (uint16_t)(n - k));
	}
}

/* ---- memif ---- */

struct pair {
	char dir[TMPNAME_LEN];
	struct port *a, *b;
};

static void pair_open(struct pair *p, struct mbuf_pool *pool, unsigned log2_ring)
{
	char spec[200];
	uint64_t end = plat_mono_ns() + PATIENCE_NS;

	tmpname(p->dir, sizeof(p->dir));
	assert_non_null(mkdtemp(p->dir));
	(void)snprintf(spec, sizeof(spec),
		       "dpdk:net_memif0,role=server,socket=%s/s,socket-abstract=no,rsize=%u",
		       p->dir, log2_ring);
	p->a = open_port(pool, spec);
	(void)snprintf(spec, sizeof(spec),
		       "dpdk:net_memif1,role=client,socket=%s/s,socket-abstract=no,rsize=%u",
		       p->dir, log2_ring);
	p->b = open_port(pool, spec);
	while (!p->a->ops->link_up(p->a) || !p->b->ops->link_up(p->b)) {
		assert_true(plat_mono_ns() < end);
		(void)usleep(1000);
	}
	/* The client fills the ring that it receives from with its first call. */
	(void)port_rx(p->a, NULL, 0);
	(void)port_rx(p->b, NULL, 0);
}

static void close_b(struct pair *p)
{
	uint64_t end = plat_mono_ns() + PATIENCE_NS;

	port_close(p->b);
	p->b = NULL;
	/* The driver's own thread hears of it and tidies up; closing at the same time is a race
	 * that the driver does not handle. */
	while (p->a->ops->link_up(p->a)) {
		assert_true(plat_mono_ns() < end);
		(void)usleep(1000);
	}
}

static void pair_close(struct pair *p)
{
	char path[TMPNAME_LEN + 8];

	if (p->b)
		close_b(p);
	port_close(p->a);
	(void)snprintf(path, sizeof(path), "%s/s", p->dir);
	(void)unlink(path);
	assert_int_equal(rmdir(p->dir), 0);
}

/* All sizes and segment counts, more frames than the ring has places, in both directions. */
static void test_memif(void **state)
{
	struct pair p;

	pair_open(&p, *state, 6);
	assert_int_equal(p.a->mtu, 1500);
	for (unsigned round = 0; round < 400; round++) {
		struct port *from = round % 2 ? p.a : p.b, *to = round % 2 ? p.b : p.a;
		const struct pf f = {.v6 = round % 4 < 2,
				     .flags = TCP_ACK,
				     .payload = round * 37 % 1400,
				     .complete = round % 3 == 0};
		struct pf_frame fr;
		struct pf_read r;
		struct mbuf *m;

		pf_build(&fr, &f);
		m = pf_packet(*state, &fr, &f, round % 5 * 333, 0).m;
		assert_int_equal(port_tx(from, &m, 1), 1);
		receive(to, &m, 1);
		assert_int_equal(m->meta.csum, MBUF_CSUM_NONE);
		assert_ptr_equal(m->meta.pool, *state);
		assert_int_equal(mbuf_holder_of(m), MBUF_RX);
		assert_int_equal(m->meta.l2_off, mbuf_here(m));
		assert_int_equal(mbuf_copy_out(m, 0, fr.bytes, PF_BYTES), fr.len);
		pf_read(&r, fr.bytes, fr.len, &f, false);
		assert_int_equal(r.payload, f.payload);
		mbuf_done(&m);
	}
	assert_int_equal(p.a->cnt.tx_frames, 200);
	assert_int_equal(p.b->cnt.rx_frames, 200);
	assert_int_equal(p.a->cnt.tx_bytes, p.b->cnt.rx_bytes);
	pair_close(&p);
}

/* A superpacket has more frames than the ring has places: what does not go waits, in order. */
static void test_memif_super(void **state)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		const struct pf f = {.v6 = v6 != 0, .flags = TCP_ACK, .payload = 50000};
		struct mbuf *got[100];
		struct pf_frame fr;
		struct mbuf *m;
		struct pair p;
		unsigned k = 0;

		pair_open(&p, *state, 6);
		pf_build(&fr, &f);
		m = pf_packet(*state, &fr, &f, 0, 500).m;
		assert_int_equal(port_tx(p.b, &m, 1), 1);
		assert_true(p.b->held.count > 0);
		while (k < 100) {
			receive(p.a, got, 1);
			struct pf_read r;

			pf_read(&r, mbuf_data(got[0]), mbuf_len(got[0]), &f, false);
			assert_int_equal(r.tcp.seq, PF_SEQ + 500 * k++);
			mbuf_done(&got[0]);
			assert_int_equal(port_tx(p.b, NULL, 0), 0);
		}
		assert_int_equal(p.b->held.count, 0);
		pair_close(&p);
	}
}

/* The other side goes away: the link is down, frames are dropped with that reason. */
static void test_memif_gone(void **state)
{
	struct mbuf *m;
	struct pair p;

	pair_open(&p, *state, 6);
	close_b(&p);
	m = ut_packet(*state, "0123456789abcdef0123", 20).m;
	assert_int_equal(port_tx(p.a, &m, 1), 1);
	assert_int_equal(p.a->cnt.tx_errors, 1);
	assert_int_equal(ut_drops(*state, DROP_PORT_DOWN), 1);
	assert_int_equal(port_rx(p.a, &m, 1), 0);
	pair_close(&p);
}

/* Some frames are dropped on the way and the ring has less room than frames: what is not taken is
 * with the caller, all of it, in order. */
static void test_memif_partial(void **state)
{
	const struct pf f = {.flags = TCP_ACK, .payload = 100};
	struct mbuf *pkts[100], *got[8];
	struct pf_frame fr;
	struct pair p;
	unsigned next = 0;
	uint16_t done = 0;

	pair_open(&p, *state, 3);
	p.a->caps |= PORT_CAP_TX_CSUM; /* so that the driver gets them unfinished */
	pf_build(&fr, &f);
	for (unsigned i = 0; i < ARRAY_LEN(pkts); i++) {
		pkts[i] = pf_packet(*state, &fr, &f, 0, 0).m;
		store_be32(mbuf_data(pkts[i]) + 6, i);
		if (i % 3 == 1) /* outside the packet */
			pkts[i]->meta.l4_off = 2000;
	}
	for (unsigned tries = 0; done < ARRAY_LEN(pkts); tries++) {
		uint16_t n;

		assert_true(tries < 1000);
		done = (uint16_t)(done +
				  port_tx(p.a, pkts + done, (uint16_t)(ARRAY_LEN(pkts) - done)));
		n = port_rx(p.b, got, 8);
		for (unsigned i = 0; i < n; i++, next++) {
			next += next % 3 == 1;
			assert_int_equal(load_be32(mbuf_data(got[i]) + 6), next);
			mbuf_done(&got[i]);
		}
	}
	while (next < ARRAY_LEN(pkts)) {
		receive(p.b, got, 1);
		next += next % 3 == 1;
		assert_int_equal(load_be32(mbuf_data(got[0]) + 6), next++);
		mbuf_done(&got[0]);
	}
	assert_int_equal(ut_drops(*state, DROP_PORT_TX_ERROR), 33);
	assert_int_equal(p.a->cnt.tx_frames, 67);
	pair_close(&p);
}

/* ---- others ---- */

/* Buffers come back as they were sent, from another's hand: our line must be as of a received
 * packet. */
static void test_ring(void **state)
{
	struct port *p = open_port(*state, "dpdk:net_ring0");

	for (unsigned v6 = 0; v6 < 2; v6++) {
		const struct pf f = {.v6 = v6 != 0, .flags = TCP_ACK, .payload = 1000};
		struct pf_frame fr;
		struct pf_read r;
		struct mbuf *m;

		pf_build(&fr, &f);
		m = pf_packet(*state, &fr, &f, 0, 0).m;
		m->meta.l2_flags = MBUF_L2_BROADCAST;
		assert_int_equal(port_tx(p, &m, 1), 1);
		receive(p, &m, 1);
		assert_int_equal(m->meta.l2_flags, 0);
		assert_int_equal(m->meta.l4_off, 0);
		assert_int_equal(m->meta.csum, MBUF_CSUM_NONE);
		assert_int_equal(mbuf_holder_of(m), MBUF_RX);
		pf_read(&r, mbuf_data(m), mbuf_len(m), &f, false);
		mbuf_done(&m);
	}
	port_close(p);
}

static void test_null(void **state)
{
	struct port *p = open_port(*state, "dpdk:net_null0,size=100");
	struct mbuf *got[40];
	struct mbuf *m = ut_packet(*state, "0123456789abcdef0123", 20).m;

	receive(p, got, 40);
	for (unsigned i = 0; i < 40; i++) {
		assert_int_equal(mbuf_len(got[i]), 100);
		mbuf_done(&got[i]);
	}
	assert_int_equal(port_tx(p, &m, 1), 1);
	assert_int_equal(p->cnt.tx_frames, 1);
	port_close(p);
}

/* Two queues are two ports; the device runs when both are there, and is gone with the last. */
static void test_queues(void **state)
{
	struct port *p0 = open_queue(*state, "dpdk:net_null1,size=80", 0, 2);
	struct port *p1;
	struct mbuf *m;

	assert_int_equal(port_rx(p0, &m, 1), 0);
	p1 = open_queue(*state, "dpdk:net_null1,size=80", 1, 2);
	receive(p0, &m, 1);
	mbuf_done(&m);
	receive(p1, &m, 1);
	mbuf_done(&m);
	port_close(p0);
	receive(p1, &m, 1);
	mbuf_done(&m);
	port_close(p1);
	assert_no_device("net_null1");
	/* And may be made again. */
	p0 = open_port(*state, "dpdk:net_null1,size=80");
	receive(p0, &m, 1);
	mbuf_done(&m);
	port_close(p0);
}

/* A device that was there before the port: what it holds comes back all the same, and it can be
 * probed and used again. */
static void test_not_ours(void **state)
{
	for (unsigned round = 0; round < 2; round++) {
		struct port *p;
		struct mbuf *m;

		assert_int_equal(rte_eal_hotplug_add("vdev", "net_ring3", ""), 0);
		p = open_port(*state, "dpdk:net_ring3");
		m = ut_packet(*state, "0123456789abcdef0123", 20).m;
		assert_int_equal(port_tx(p, &m, 1), 1);
		receive(p, &m, 1);
		mbuf_done(&m);
		port_close(p);
		assert_true(mbuf_pool_full(*state));
		assert_no_device("net_ring3");
	}
}

/* Each segment of a frame says who has it: a driver may free them one by one. */
static void test_marks(void **state)
{
	struct port *p = open_port(*state, "dpdk:net_ring0");
	uint8_t bytes[90] = {0};
	struct mbuf *m = ut_packet_split(*state, bytes, sizeof(bytes), 30).m;
	struct mbuf *segs[3] = {m, mbuf_seg_next(m), mbuf_seg_next(mbuf_seg_next(m))};

	p->caps |= PORT_CAP_SG; /* it hands on what it gets */
	assert_int_equal(port_tx(p, &m, 1), 1);
	for (unsigned i = 0; i < ARRAY_LEN(segs); i++)
		assert_int_equal(mbuf_holder_of(segs[i]), MBUF_DRIVER);
	receive(p, &m, 1);
	assert_ptr_equal(m, segs[0]);
	mbuf_done(&m);
	port_close(p);
}

/* A capture that we wrote, read by libpcap through the pcap device. */
static void test_pcap(void **state)
{
	static const char *const names[] = {"if"};
	const struct pf f = {.flags = TCP_ACK, .payload = 500, .complete = true};
	char path[TMPNAME_LEN], spec[160];
	struct pcapng *cap;
	struct pf_frame fr;
	struct port *p;
	struct mbuf *m;
	int fd;

	tmpname(path, sizeof(path));
	fd = mkstemp(path);
	assert_true(fd >= 0);
	(void)close(fd);
	pf_build(&fr, &f);
	assert_int_equal(pcapng_create(mem_libc(), path, names, 1, &cap), 0);
	assert_int_equal(pcapng_write(cap, 0, 1, view_make(fr.bytes, fr.len), "first"), 0);
	assert_int_equal(pcapng_write(cap, 0, 2, view_make(fr.bytes, 61), "odd"), 0);
	pcapng_destroy(cap);
	(void)snprintf(spec, sizeof(spec), "dpdk:net_pcap0,rx_pcap=%s", path);
	p = open_port(*state, spec);
	receive(p, &m, 1);
	ut_assert_bytes(m, fr.bytes, fr.len);
	mbuf_done(&m);
	receive(p, &m, 1);
	ut_assert_bytes(m, fr.bytes, 61);
	mbuf_done(&m);
	assert_int_equal(port_rx(p, &m, 1), 0);
	port_close(p);
	(void)unlink(path);
}

static const struct {
	const char *spec;
	uint16_t n_queues;
	uint32_t mtu;
	const char *err;
	const char *device; /* that must not be left */
} bad[] = {
	{"dpdk:net_memif2,role=king", 1, 0, "cannot make this device", NULL},
	{"dpdk:net_pcap2,rx_pcap=/no/such/file", 1, 0, "cannot make this device", NULL},
	{"dpdk:net_ring2", 200, 0, "queues, not 200", "net_ring2"},
	{"dpdk:net_memif3", 1, 9000, "cannot configure the device", "net_memif3"},
};

/* A failed opening leaves no device and no buffer behind. */
static void test_bad(void **state)
{
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		const struct port_conf conf = {.name = "eth",
					       .spec = bad[i].spec,
					       .pool = *state,
					       .n_queues = bad[i].n_queues,
					       .mtu = bad[i].mtu};
		char err[256] = "";
		struct port *p = NULL;

		assert_true(port_open(&conf, &p, err, sizeof(err)) < 0);
		assert_null(p);
		if (!strstr(err, bad[i].err))
			fail_msg("'%s' in '%s'", bad[i].err, err);
		if (bad[i].device)
			assert_no_device(bad[i].device);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UT_TEST(test_memif),         UT_TEST(test_memif_super), UT_TEST(test_memif_gone),
		UT_TEST(test_memif_partial), UT_TEST(test_ring),        UT_TEST(test_null),
		UT_TEST(test_queues),        UT_TEST(test_not_ours),    UT_TEST(test_marks),
		UT_TEST(test_pcap),          UT_TEST(test_bad),
	};

	return ut_run(tests);
}
