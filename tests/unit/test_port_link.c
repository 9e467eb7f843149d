/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TAP and AF_PACKET ports against the Linux kernel, one frame at a time: what passes and what does
 * not, tags, offload flags of DPDK's own TAP driver; and links that go down, come up, are deleted
 * and made anew. Needs root; skipped without.
 */
#include "test_port_live.h"

#include <errno.h>
#include <poll.h>
#include <sys/resource.h>

/* On both ends of one veth pair: what one sends the other gets, to whatever address, and nobody
 * gets his own back. */
static void test_own_frames(void **state)
{
	struct mbuf_pool *pool = *state;
	struct port *ends[2];
	uint8_t bytes[1514];
	struct mbuf *m;

	run_in(LIVE_F,
	       "ip link add q0 type veth peer name q1; ip link set q0 up; ip link set q1 up");
	ends[0] = open_port(pool, "af_packet:q0", false);
	ends[1] = open_port(pool, "af_packet:q1", false);
	for (unsigned i = 0; i < 2; i++)
		for (uint32_t len = 14; len <= 1514; len += 300) {
			m = test_frame(pool, len).m;
			(void)mbuf_copy_out(m, 0, bytes, len);
			send_one(ends[i], mbuf_own_of(m));
			m = await_ms(ends[1 - i], TEST_TYPE, 500);
			if (!m) {
				/* A pair just set up may lose what comes at once: offer it again.
				 */
				send_one(ends[i], test_frame(pool, len));
				m = await(ends[1 - i], TEST_TYPE);
			}
			assert_non_null(m);
			ut_assert_bytes(m, bytes, len);
			mbuf_done(&m);
			assert_null(await_none(ends[i], TEST_TYPE));
		}
	/* What the kernel itself sends through the interface is not for us either. */
	run_in(LIVE_F,
	       "ip addr add 10.8.0.1/24 dev q0; ping -c 1 -W 0.1 10.8.0.2 > /dev/null || true");
	m = await(ends[1], ETHERTYPE_ARP);
	assert_non_null(m);
	mbuf_done(&m);
	assert_null(await_none(ends[0], ETHERTYPE_ARP));
	/* Longer than the MTU: refused by the kernel, counted here. */
	send_one(ends[0], test_frame(pool, 1600));
	assert_int_equal(ends[0]->cnt.tx_errors, 1);
	assert_int_equal(ut_drops(pool, DROP_PORT_TX_TOOBIG), 1);
	port_close(ends[0]);
	port_close(ends[1]);
	run_in(LIVE_F, "ip link del q0");
}

/*
 * Tags, unfinished checksums and superpackets, all at once and as they were sent. A packet socket
 * gets frames whose (outer) tag the kernel has taken out.
 */
static void pass_tagged(struct mbuf_pool *pool, struct port *from, struct port *to)
{
	for (unsigned i = 0; i < 12; i++) {
		const struct pf f = {.v6 = i & 1,
				     .tags = i / 4,
				     .flags = TCP_ACK,
				     .payload = i & 2 ? 5000 : 900};
		struct pf_frame fr;
		struct mbuf *m;

		pf_build(&fr, &f);
		send_one(from, pf_packet(pool, &fr, &f, 0, i & 2 ? 1000 : 0));
		do {
			m = await(to, load_be16(fr.bytes + 12));
			assert_non_null(m);
			if (mbuf_len(m) == fr.len)
				break;
			mbuf_done(&m); /* something of the kernel's own */
		} while (true);
		ut_assert_bytes(m, fr.bytes, fr.len);
		assert_int_equal(m->meta.csum, MBUF_CSUM_PARTIAL);
		assert_int_equal(m->meta.l4_off, mbuf_here(m) + fr.l4);
		assert_int_equal(m->meta.gso_size, i & 2 ? 1000 : 0);
		mbuf_done(&m);
	}
}

static void test_tags(void **state)
{
	struct mbuf_pool *pool = *state;
	struct port *p, *q;

	run_in(LIVE_F,
	       "ip link add q0 type veth peer name q1; ip link set q0 up; ip link set q1 up");
	p = open_port(pool, "af_packet:q0", false);
	q = open_port(pool, "af_packet:q1", false);
	pass_tagged(pool, p, q);
	port_close(p);
	port_close(q);
	run_in(LIVE_F, "ip link del q0");
	/* A packet socket on the kernel's end of a TAP. */
	p = open_port(pool, "tap:t0", false);
	q = open_port(pool, "af_packet:t0", false);
	pass_tagged(pool, p, q);
	pass_tagged(pool, q, p);
	port_close(q);
	port_close(p);
}

/* DPDK's own TAP driver: offloads told by mbuf flags, and a receive interrupt to sleep on. */
static void test_pmd_tap(void **state)
{
	struct mbuf_pool *pool = *state;
	struct port *p = open_port(pool, "dpdk:net_tap0,iface=dt0", false);
	struct port *q;
	struct pollfd pfd;

	run_in(LIVE_F, "ip link set dt0 up");
	q = open_port(pool, "af_packet:dt0", false);
	assert_true((p->caps & PORT_CAP_TX_CSUM) != 0);
	assert_false((p->caps & PORT_CAP_TSO) != 0); /* says it can, but not IPv6 */
	assert_true((p->caps & PORT_CAP_WAIT_FD) != 0);
	for (unsigned i = 0; i < 16; i++) {
		const struct pf f = {.v6 = i & 1,
				     .udp = (i & 6) == 4,
				     .tags = i / 8,
				     .flags = TCP_ACK,
				     .payload = i & 2 ? 5000 : 900};
		unsigned frames = i & 2 ? 5 : 1;
		struct pf_frame fr;
		struct pf_read r;
		struct mbuf *m;

		if (f.udp && frames > 1)
			continue;
		pf_build(&fr, &f);
		send_one(p, pf_packet(pool, &fr, &f, i & 4 ? 700 : 0, i & 2 ? 1000 : 0));
		for (unsigned k = 0; k < frames; k++) {
			m = await(q, load_be16(fr.bytes + 12));
			assert_non_null(m);
			assert_int_equal(mbuf_copy_out(m, 0, fr.bytes, PF_BYTES), mbuf_len(m));
			pf_read(&r, fr.bytes, mbuf_len(m), &f, false);
			assert_int_equal(r.payload, i & 2 ? 1000 : 900);
			mbuf_done(&m);
		}
	}
	assert_int_equal(p->cnt.sw_gso, 8);
	assert_int_equal(p->cnt.sw_csum, 0);
	assert_null(await_none(p, TEST_TYPE)); /* all that is there is taken */
	pfd = (struct pollfd){.fd = p->ops->wait_fd(p), .events = POLLIN};
	assert_true(pfd.fd >= 0);
	assert_int_equal(poll(&pfd, 1, 30), 0);
	send_one(q, test_frame(pool, 100));
	assert_int_equal(poll(&pfd, 1, 1000), 1);
	MBUF(got, mbuf_own_of(await(p, TEST_TYPE)));
	assert_non_null(got);
	mbuf_done(&got);
	port_close(q);
	port_close(p);
}

/* ---- tests: links come and go ---- */

static bool await_link(struct port *p, bool up)
{
	struct mbuf *m;

	for (unsigned i = 0; i < 1000; i++) {
		if (port_rx(p, &m, 1) == 1)
			mbuf_done(&m);
		if (p->ops->link_up(p) == up)
			return true;
		(void)usleep(2000);
	}
	return false;
}

/* A frame from q1 arrives at p, which is on q0: tried for a while, the port may still be looking.
 */
static bool passes(struct port *p, struct port *from, struct mbuf_pool *pool)
{
	for (unsigned i = 0; i < 20; i++) {
		struct mbuf *m;

		send_one(from, test_frame(pool, 100));
		m = await_ms(p, TEST_TYPE, 200);
		if (m) {
			mbuf_done(&m);
			return true;
		}
	}
	return false;
}

static void test_down_up(void **state)
{
	struct mbuf_pool *pool = *state;
	struct port *p, *q;
	struct rlimit files;

	run_in(LIVE_F,
	       "ip link add q0 type veth peer name q1; ip link set q0 up; ip link set q1 up");
	p = open_port(pool, "af_packet:q0", false);
	q = open_port(pool, "af_packet:q1", false);
	assert_true(await_link(p, true));
	run_in(LIVE_F, "ip link set q0 down");
	assert_true(await_link(p, false));
	send_one(p, test_frame(pool, 100));
	assert_int_equal(p->cnt.tx_errors, 1);
	assert_int_equal(ut_drops(pool, DROP_PORT_DOWN), 1);
	run_in(LIVE_F, "ip link set q0 up");
	assert_true(await_link(p, true));
	assert_true(await_link(q, true));
	assert_true(passes(p, q, pool));
	port_close(q);

	/* Deleted, and made anew under the same name, at a moment when there are no descriptors. */
	run_in(LIVE_F, "ip link del q0");
	assert_true(await_link(p, false));
	send_one(p, test_frame(pool, 100));
	assert_int_equal(p->cnt.tx_errors, 2);
	run_in(LIVE_F,
	       "ip link add q0 type veth peer name q1; ip link set q0 up; ip link set q1 up");
	q = open_port(pool, "af_packet:q1", false);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){0, files.rlim_max}), 0);
	assert_true(await_link(p, true));
	for (unsigned i = 0; i < 3; i++) { /* it looks each 100 ms */
		(void)usleep(110000);
		(void)await_ms(p, TEST_TYPE, 1);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	assert_true(passes(p, q, pool));
	assert_true(passes(q, p, pool));
	port_close(p);
	port_close(q);
	run_in(LIVE_F, "ip link del q0");
}

/* Our TAP's kernel end is set down, up, and is deleted by somebody. */
static void test_tap_down(void **state)
{
	struct mbuf_pool *pool = *state;
	struct port *p = open_port(pool, "tap:t0", false);
	struct mbuf *m;

	assert_true(await_link(p, true));
	run_in(LIVE_F, "ip link set t0 down");
	assert_true(await_link(p, false));
	send_one(p, test_frame(pool, 100));
	assert_int_equal(ut_drops(pool, DROP_PORT_DOWN), 1);
	run_in(LIVE_F, "ip link set t0 up");
	assert_true(await_link(p, true));
	send_one(p, test_frame(pool, 100));
	assert_int_equal(p->cnt.tx_frames, 1);
	run_in(LIVE_F, "ip link del t0");
	assert_true(await_link(p, false));
	assert_int_equal(port_rx(p, &m, 1), 0);
	assert_int_equal(p->ops->wait_fd(p), -1);
	send_one(p, test_frame(pool, 100));
	assert_int_equal(ut_drops(pool, DROP_PORT_DOWN), 2);
	port_close(p);
}

/* MTU and addresses: as asked for, or as they are. */
static void test_attributes(void **state)
{
	const struct ethaddr mac = {{2, 1, 2, 3, 4, 5}};
	struct port_conf conf = {
		.name = "x", .spec = "tap:t0", .pool = *state, .mtu = 9000, .mac = &mac};
	char err[256];
	struct port *p;

	assert_int_equal(port_open(&conf, &p, err, sizeof(err)), 0);
	assert_int_equal(p->mtu, 9000);
	assert_true(ethaddr_eq(&p->mac, &mac));
	run_in(LIVE_F, "ip link show t0 | grep -q 'mtu 9000'");
	port_close(p);
	run_in(LIVE_F, "! ip link show t0 2> /dev/null");
	run_in(LIVE_F, "ip link add q0 address 02:00:00:00:0a:01 mtu 1400 type veth peer name q1");
	conf = (struct port_conf){.name = "x", .spec = "af_packet:q0", .pool = *state};
	assert_int_equal(port_open(&conf, &p, err, sizeof(err)), 0);
	assert_int_equal(p->mtu, 1400);
	assert_int_equal(p->mac.b[4], 0x0a);
	run_in(LIVE_F, "ip -d link show q0 | grep -q 'promiscuity 1'");
	port_close(p);
	run_in(LIVE_F, "ip -d link show q0 | grep -q 'promiscuity 0'");
	conf.mtu = 1500;
	assert_int_equal(port_open(&conf, &p, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "mtu 1500 is above the interface's 1400"));
	run_in(LIVE_F, "ip link del q0");
}

/* Without packet buffers no port, and nothing left behind. */
static void test_open_no_buffers(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct port_conf conf = {
			.name = "x", .spec = i ? "af_packet:q0" : "tap:t0", .pool = *state};
		char err[256];
		struct port *p;

		run_in(LIVE_F, "ip link add q0 type veth peer name q1");
		mbuf_pool_fail(*state, 3, true);
		assert_int_equal(port_open(&conf, &p, err, sizeof(err)), -ENOBUFS);
		mbuf_pool_fail(*state, -1, false);
		assert_non_null(strstr(err, "packet buffers"));
		run_in(LIVE_F, "! ip link show t0 2> /dev/null");
		run_in(LIVE_F, "ip link del q0");
	}
}

/* More than the kernel holds for us comes while we are away: what is missing is told. */
static void test_missed(void **state)
{
	struct mbuf_pool *pool = *state;
	struct port *p, *q;
	struct mbuf *m;
	uint64_t sent = 0, came = 0;

	run_in(LIVE_F,
	       "ip link add q0 type veth peer name q1; ip link set q0 up; ip link set q1 up");
	p = open_port(pool, "af_packet:q0", false);
	q = open_port(pool, "af_packet:q1", false);
	/* 32 MB of socket buffer; a frame counts with twice its length or more. */
	for (; sent < 20000; sent++) {
		m = test_frame(pool, 1500).m;
		while (port_tx(q, &m, 1) == 0)
			;
	}
	while (port_rx(p, &m, 1) == 1) {
		came += load_be16(mbuf_data(m) + 12) == TEST_TYPE;
		mbuf_done(&m);
	}
	assert_true(came > 0 && came < sent);
	port_refresh(p);
	assert_true(p->cnt.rx_missed >= sent - came);
	sent = p->cnt.rx_missed;
	port_refresh(p);
	assert_int_equal(p->cnt.rx_missed, sent);
	port_close(p);
	port_close(q);
	run_in(LIVE_F, "ip link del q0");
}

/* Several queues of one TAP: frames of the kernel come to one of them, all may send. */
static void test_tap_queues(void **state)
{
	struct port_conf conf = {.name = "x", .spec = "tap:t0", .pool = *state, .n_queues = 2};
	struct port *p[2];
	unsigned came = 0;
	char err[256];
	struct mbuf *m;

	for (uint16_t i = 0; i < 2; i++) {
		conf.queue = i;
		if (port_open(&conf, &p[i], err, sizeof(err)) < 0)
			fail_msg("%s", err);
	}
	run_in(LIVE_F,
	       "ip addr add 10.8.0.1/24 dev t0; ping -c 1 -W 0.1 10.8.0.2 > /dev/null || true");
	for (unsigned i = 0; i < 2; i++) {
		while ((m = await_none(p[i], ETHERTYPE_ARP)) != NULL) {
			came++;
			mbuf_done(&m);
		}
		send_one(p[i], test_frame(*state, 100));
		assert_int_equal(p[i]->cnt.tx_frames, 1);
	}
	assert_true(came > 0);
	port_close(p[0]);
	port_close(p[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UT_TEST(test_tags),
		UT_TEST(test_own_frames),
		UT_TEST(test_pmd_tap),
		UT_TEST(test_down_up),
		UT_TEST(test_tap_down),
		UT_TEST(test_attributes),
		UT_TEST(test_open_no_buffers),
		UT_TEST(test_tap_queues),
		UT_TEST(test_missed),
	};

	if (geteuid() != 0 || !make_spaces()) {
		(void)fprintf(stderr, "skipped: needs root, ip(8) and network namespaces\n");
		return SKIP_STATUS;
	}
	return ut_run(tests);
}
