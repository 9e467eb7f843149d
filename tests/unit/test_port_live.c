/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TAP and AF_PACKET against the Linux kernel, in network namespaces of the test's own:
 *
 *   namespace A                       namespace F                      namespace B
 *   kernel TCP  ka -- TAP or veth --> port a [forwarder, this thread] port b <-- TAP or veth -- kb
 *   10.9.0.1, fd09::1                                                       10.9.0.2, fd09::2
 *
 * Needs root; skipped without.
 */
#include "test_port_util.h"

#include "plat/clock.h"
#include "port/port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* <linux/udp.h> and wire/udp.h do not go together: both name struct udphdr. */
#define LINUX_UDP_SEGMENT 103

#define SKIP_STATUS 77 /* meson: this test cannot run here */
#define TCP_PORT    5001
#define TCP_BYTES   (6u * 1024 * 1024)
#define PATIENCE_NS (20 * PLAT_NS_PER_S)
#define BURST	    64u

enum { HOME, A, B, F, SPACES };

/* The namespaces live as long as the program. */
static int space[SPACES];

/* ---- namespaces ---- */

static void enter(int which)
{
	assert_int_equal(setns(space[which], CLONE_NEWNET), 0);
}

/* Run a shell command in a namespace. */
static void PRINTF_FMT(2, 3) run_in(int which, const char *fmt, ...)
{
	char cmd[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	enter(which);
	if (system(cmd) != 0)
		fail_msg("failed: %s", cmd);
	enter(F);
}

static int open_ns(void)
{
	return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

/* False: not allowed. */
static bool make_spaces(void)
{
	space[HOME] = open_ns();
	for (int i = A; i < SPACES; i++) {
		if (unshare(CLONE_NEWNET) < 0)
			return false;
		space[i] = open_ns();
		/* No router solicitations and no duplicate address detection between the tests. */
		if (system("ip link set lo up; for s in all default; do"
			   " echo 0 > /proc/sys/net/ipv6/conf/$s/accept_dad;"
			   " echo 0 > /proc/sys/net/ipv6/conf/$s/router_solicitations;"
			   " echo 1 > /proc/sys/net/ipv6/conf/$s/addr_gen_mode; done") != 0)
			return false;
	}
	return true;
}

/* ---- the two ports ---- */

struct bed {
	struct mbuf_pool *pool;
	struct port *port[2];
	bool tap;
};

static const char *const kernel_end[] = {"ka", "kb"};

static struct port *open_port(struct mbuf_pool *pool, const char *spec, bool no_offload)
{
	const struct port_conf conf = {
		.name = "live", .spec = spec, .pool = pool, .no_offload = no_offload};
	char err[256] = "";
	struct port *p = NULL;

	if (port_open(&conf, &p, err, sizeof(err)) < 0)
		fail_msg("%s", err);
	return p;
}

static void make_veth(unsigned i)
{
	run_in(F, "ip link add p%c type veth peer name %s netns /proc/%d/fd/%d && ip link set p%c up",
	       'a' + (int)i, kernel_end[i], getpid(), space[A + (int)i], 'a' + (int)i);
}

static void bed_open(struct bed *bed, struct mbuf_pool *pool, bool tap, bool no_offload)
{
	*bed = (struct bed){.pool = pool, .tap = tap};
	for (unsigned i = 0; i < 2; i++) {
		char spec[64];
		int ns = A + (int)i;

		if (tap) {
			(void)snprintf(spec, sizeof(spec), "tap:%s,netns=/proc/self/fd/%d",
				       kernel_end[i], space[ns]);
		} else {
			make_veth(i);
			(void)snprintf(spec, sizeof(spec), "af_packet:p%c", 'a' + (int)i);
		}
		bed->port[i] = open_port(pool, spec, no_offload);
		run_in(ns, "ip link set %s up; ip addr add 10.9.0.%u/24 dev %s;"
			   " ip addr add fd09::%u/64 dev %s nodad",
		       kernel_end[i], i + 1, kernel_end[i], i + 1, kernel_end[i]);
	}
}

static void bed_close(struct bed *bed)
{
	for (unsigned i = 0; i < 2; i++) {
		if (bed->port[i])
			port_close(bed->port[i]);
		if (!bed->tap)
			run_in(F, "ip link del p%c", 'a' + (int)i);
	}
}

/* Pass what is there on. Returns how many frames. */
static unsigned forward(struct bed *bed)
{
	unsigned total = 0;

	for (unsigned i = 0; i < 2; i++) {
		struct port *to = bed->port[1 - i];
		struct mbuf *pkts[BURST];
		uint16_t n = port_rx(bed->port[i], pkts, BURST);
		uint16_t k = 0;
		uint64_t end = plat_mono_ns() + PATIENCE_NS;

		total += n;
		while (k < n) {
			assert_true(plat_mono_ns() < end);
			k = (uint16_t)(k + port_tx(to, pkts + k, (uint16_t)(n - k)));
		}
	}
	return total;
}

static void wait_input(struct bed *bed, int ms)
{
	struct pollfd fds[2];

	for (unsigned i = 0; i < 2; i++)
		fds[i] = (struct pollfd){.fd = bed->port[i]->ops->wait_fd(bed->port[i]),
					 .events = POLLIN};
	(void)poll(fds, 2, ms);
}

/* ---- kernel TCP at the ends ---- */

struct end {
	int ns;
	bool v6, client, failed;
	pthread_t thread;
	bool done;
};

static uint8_t pattern(size_t off, bool client)
{
	return (uint8_t)(off * 31 + (off >> 8) * 7 + (off >> 16) + (client ? 1 : 2));
}

static int tcp_socket(struct end *e)
{
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(TCP_PORT)};
	struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(TCP_PORT)};
	struct sockaddr *sa = e->v6 ? (struct sockaddr *)&a6 : (struct sockaddr *)&a4;
	socklen_t len = e->v6 ? sizeof(a6) : sizeof(a4);
	int fd = socket(sa->sa_family, SOCK_STREAM, 0);
	int one = 1, c;

	(void)inet_pton(AF_INET6, "fd09::2", &a6.sin6_addr);
	(void)inet_pton(AF_INET, "10.9.0.2", &a4.sin_addr);
	if (e->client) {
		for (unsigned tries = 0; tries < 100; tries++) {
			if (connect(fd, sa, len) == 0)
				return fd;
			(void)usleep(20000);
		}
		(void)close(fd);
		return -1;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, sa, len) < 0 || listen(fd, 1) < 0)
		return -1;
	c = accept(fd, NULL, NULL);
	(void)close(fd);
	return c;
}

/* Send and receive at the same time, check every byte. */
static bool tcp_exchange(struct end *e, int fd)
{
	static _Thread_local uint8_t buf[65536];
	size_t sent = 0, got = 0;

	while (sent < TCP_BYTES || got < TCP_BYTES) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n;

		p.events = (short)(p.events | (sent < TCP_BYTES ? POLLOUT : 0));
		if (poll(&p, 1, 10000) <= 0)
			return false;
		if (p.revents & POLLOUT) {
			size_t len = sizeof(buf) < TCP_BYTES - sent ? sizeof(buf) : TCP_BYTES - sent;

			for (size_t i = 0; i < len; i++)
				buf[i] = pattern(sent + i, e->client);
			n = send(fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
			sent += n > 0 ? (size_t)n : 0;
		}
		if (!(p.revents & POLLIN))
			continue;
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n <= 0)
			return false;
		for (ssize_t i = 0; i < n; i++)
			if (buf[i] != pattern(got + (size_t)i, !e->client))
				return false;
		got += (size_t)n;
	}
	return shutdown(fd, SHUT_WR) == 0 && recv(fd, buf, 1, 0) == 0;
}

static void *end_main(void *arg)
{
	struct end *e = arg;
	int fd;

	e->failed = true;
	if (setns(space[e->ns], CLONE_NEWNET) == 0) {
		fd = tcp_socket(e);
		if (fd >= 0) {
			e->failed = !tcp_exchange(e, fd);
			(void)close(fd);
		}
	}
	__atomic_store_n(&e->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Two connections' worth of bytes, one each way, through the forwarder. */
static void run_tcp(struct bed *bed, bool v6)
{
	struct end ends[2] = {{.ns = A, .v6 = v6, .client = true}, {.ns = B, .v6 = v6}};
	uint64_t stop = plat_mono_ns() + PATIENCE_NS;

	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&ends[i].thread, NULL, end_main, &ends[i]), 0);
	while (!__atomic_load_n(&ends[0].done, __ATOMIC_ACQUIRE) ||
	       !__atomic_load_n(&ends[1].done, __ATOMIC_ACQUIRE)) {
		assert_true(plat_mono_ns() < stop);
		if (forward(bed) == 0)
			wait_input(bed, 10);
	}
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(ends[i].thread, NULL), 0);
		assert_false(ends[i].failed);
	}
}

/* ---- tests: byte for byte ---- */

static void tcp_both(struct mbuf_pool *pool, bool tap, bool no_offload)
{
	struct bed bed;

	bed_open(&bed, pool, tap, no_offload);
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct port_counters before = bed.port[0]->cnt;
		const struct port_counters *c = &bed.port[0]->cnt;

		run_tcp(&bed, v6 != 0);
		assert_true(c->rx_bytes - before.rx_bytes > TCP_BYTES);
		assert_int_equal(c->rx_errors, 0);
		assert_int_equal(c->tx_errors, 0);
		if (tap && no_offload) {
			assert_int_equal(c->rx_super, 0);
			assert_int_equal(bed.port[1]->cnt.sw_gso, 0);
		} else {
			assert_true(c->rx_super > before.rx_super);
		}
		if (!no_offload) {
			assert_true(bed.port[1]->cnt.tx_super > 0);
			assert_int_equal(bed.port[1]->cnt.sw_gso, 0);
			assert_int_equal(bed.port[1]->cnt.sw_csum, 0);
		} else if (!tap) {
			/* The veth's other end sends superpackets all the same. */
			assert_true(bed.port[1]->cnt.sw_gso > 0);
			assert_int_equal(bed.port[1]->cnt.tx_super, 0);
		}
	}
	bed_close(&bed);
}

static void test_tap(void **state)
{
	tcp_both(*state, true, false);
}

static void test_tap_plain(void **state)
{
	tcp_both(*state, true, true);
}

static void test_af_packet(void **state)
{
	tcp_both(*state, false, false);
}

static void test_af_packet_plain(void **state)
{
	tcp_both(*state, false, true);
}

/* ---- tests: single frames ---- */

/* Throw away what the kernel sends of its own accord, until nothing comes for a while. */
static void settle(struct bed *bed)
{
	struct mbuf *m;

	for (unsigned quiet = 0; quiet < 20; quiet++) {
		for (unsigned i = 0; i < 2; i++)
			while (port_rx(bed->port[i], &m, 1) == 1) {
				mbuf_done(&m);
				quiet = 0;
			}
		(void)usleep(1000);
	}
}

static void send_one(struct port *p, mbuf_own in)
{
	struct mbuf *m = in.m;

	assert_int_equal(port_tx(p, &m, 1), 1);
}

/* The next frame with the test's type that comes to p; NULL: none in a while. */
static struct mbuf *await(struct port *p, uint16_t type)
{
	struct mbuf *m;

	for (unsigned i = 0; i < 50; i++) {
		while (port_rx(p, &m, 1) == 1) {
			if (load_be16(mbuf_data(m) + 12) == type)
				return m;
			mbuf_done(&m);
		}
		(void)usleep(1000);
	}
	return NULL;
}

#define TEST_TYPE 0x88b5 /* IEEE 802: local experiments */

static mbuf_own test_frame(struct mbuf_pool *pool, uint32_t len)
{
	uint8_t bytes[4000] = {2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8, TEST_TYPE >> 8, TEST_TYPE & 0xff};

	assert_true(len <= sizeof(bytes));
	ut_fill(bytes + 14, len - 14, len);
	return ut_packet(pool, bytes, len);
}

/* On both ends of one veth pair: what one sends the other gets, to whatever address, and nobody gets
 * his own back. */
static void test_own_frames(void **state)
{
	struct mbuf_pool *pool = *state;
	struct port *ends[2];
	uint8_t bytes[1514];
	struct mbuf *m;

	run_in(F, "ip link add q0 type veth peer name q1; ip link set q0 up; ip link set q1 up");
	ends[0] = open_port(pool, "af_packet:q0", false);
	ends[1] = open_port(pool, "af_packet:q1", false);
	for (unsigned i = 0; i < 2; i++)
		for (uint32_t len = 14; len <= 1514; len += 300) {
			m = test_frame(pool, len).m;
			(void)mbuf_copy_out(m, 0, bytes, len);
			send_one(ends[i], mbuf_own_of(m));
			m = await(ends[1 - i], TEST_TYPE);
			assert_non_null(m);
			ut_assert_bytes(m, bytes, len);
			mbuf_done(&m);
			assert_null(await(ends[i], TEST_TYPE));
		}
	/* What the kernel itself sends through the interface is not for us either. */
	run_in(F, "ip addr add 10.8.0.1/24 dev q0; ping -c 1 -W 0.1 10.8.0.2 > /dev/null || true");
	m = await(ends[1], ETHERTYPE_ARP);
	assert_non_null(m);
	mbuf_done(&m);
	assert_null(await(ends[0], ETHERTYPE_ARP));
	/* Longer than the MTU: refused by the kernel, counted here. */
	send_one(ends[0], test_frame(pool, 1600));
	assert_int_equal(ends[0]->cnt.tx_errors, 1);
	assert_int_equal(ut_drops(pool, DROP_PORT_TX_TOOBIG), 1);
	port_close(ends[0]);
	port_close(ends[1]);
	run_in(F, "ip link del q0");
}

/*
 * Tags, unfinished checksums and superpackets, all at once and as they were sent. A packet socket
 * gets frames whose (outer) tag the kernel has taken out.
 */
static void pass_tagged(struct mbuf_pool *pool, struct port *from, struct port *to)
{
	for (unsigned i = 0; i < 12; i++) {
		const struct pf f = {
			.v6 = i & 1, .tags = i / 4, .flags = TCP_ACK, .payload = i & 2 ? 5000 : 900};
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

	run_in(F, "ip link add q0 type veth peer name q1; ip link set q0 up; ip link set q1 up");
	p = open_port(pool, "af_packet:q0", false);
	q = open_port(pool, "af_packet:q1", false);
	pass_tagged(pool, p, q);
	port_close(p);
	port_close(q);
	run_in(F, "ip link del q0");
	/* A packet socket on the kernel's end of a TAP. */
	p = open_port(pool, "tap:t0", false);
	q = open_port(pool, "af_packet:t0", false);
	pass_tagged(pool, p, q);
	pass_tagged(pool, q, p);
	port_close(q);
	port_close(p);
}

/* wait_fd() is readable when something came, and not otherwise: sleeping on it does not spin. */
static void wait_fd_of(struct mbuf_pool *pool, bool tap)
{
	struct bed bed;
	struct pollfd p;
	struct mbuf *m;

	bed_open(&bed, pool, tap, false);
	for (unsigned i = 0; i < 2; i++)
		run_in(A + (int)i, "echo 1 > /proc/sys/net/ipv6/conf/%s/disable_ipv6", kernel_end[i]);
	settle(&bed);
	assert_true((bed.port[0]->caps & PORT_CAP_WAIT_FD) != 0);
	p = (struct pollfd){.fd = bed.port[0]->ops->wait_fd(bed.port[0]), .events = POLLIN};
	assert_int_equal(poll(&p, 1, 30), 0);
	run_in(A, "ping -c 1 -W 0.1 10.9.0.2 > /dev/null || true");
	assert_int_equal(poll(&p, 1, 1000), 1);
	m = await(bed.port[0], ETHERTYPE_ARP);
	assert_non_null(m);
	mbuf_done(&m);
	bed_close(&bed);
}

static void test_wait_fd(void **state)
{
	wait_fd_of(*state, true);
	wait_fd_of(*state, false);
}

/* A UDP superpacket that a local sender leaves to the device comes up as frames. */
static void test_udp_gso(void **state)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
		struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(9)};
		static uint8_t data[5000];
		int fd, size = 1200;
		unsigned frames = 0;
		struct bed bed;
		struct mbuf *m;

		bed_open(&bed, *state, false, false);
		run_in(A, "ip neigh add %s lladdr 02:00:00:00:00:09 dev ka", v6 ? "fd09::2" : "10.9.0.2");
		settle(&bed);
		enter(A);
		fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
		enter(F);
		(void)inet_pton(AF_INET6, "fd09::2", &a6.sin6_addr);
		(void)inet_pton(AF_INET, "10.9.0.2", &a4.sin_addr);
		assert_int_equal(setsockopt(fd, IPPROTO_UDP, LINUX_UDP_SEGMENT, &size, sizeof(size)), 0);
		assert_int_equal(sendto(fd, data, sizeof(data), 0,
					v6 ? (struct sockaddr *)&a6 : (struct sockaddr *)&a4,
					v6 ? sizeof(a6) : sizeof(a4)),
				 sizeof(data));
		(void)close(fd);
		while ((m = await(bed.port[0], v6 ? ETHERTYPE_IP6 : ETHERTYPE_IP4)) != NULL) {
			uint8_t next = mbuf_data(m)[ETH_HLEN + (v6 ? IP6_OFF_NEXT : IP4_OFF_PROTO)];

			if (next == PROTO_UDP) {
				assert_true(mbuf_len(m) <= 1262);
				assert_int_equal(m->meta.gso_size, 0);
				frames++;
			}
			mbuf_done(&m);
		}
		assert_int_equal(frames, 5);
		bed_close(&bed);
	}
}

/* DPDK's own TAP driver: offloads told by mbuf flags, and a receive interrupt to sleep on. */
static void test_pmd_tap(void **state)
{
	struct mbuf_pool *pool = *state;
	struct port *p = open_port(pool, "dpdk:net_tap0,iface=dt0", false);
	struct port *q;
	struct pollfd pfd;

	run_in(F, "ip link set dt0 up");
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
	assert_null(await(p, TEST_TYPE)); /* all that is there is taken */
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

/* A frame from q1 arrives at p, which is on q0: tried for a while, the port may still be looking. */
static bool passes(struct port *p, struct port *from, struct mbuf_pool *pool)
{
	for (unsigned i = 0; i < 20; i++) {
		struct mbuf *m;

		send_one(from, test_frame(pool, 100));
		m = await(p, TEST_TYPE);
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

	run_in(F, "ip link add q0 type veth peer name q1; ip link set q0 up; ip link set q1 up");
	p = open_port(pool, "af_packet:q0", false);
	q = open_port(pool, "af_packet:q1", false);
	assert_true(await_link(p, true));
	run_in(F, "ip link set q0 down");
	assert_true(await_link(p, false));
	send_one(p, test_frame(pool, 100));
	assert_int_equal(p->cnt.tx_errors, 1);
	assert_int_equal(ut_drops(pool, DROP_PORT_DOWN), 1);
	run_in(F, "ip link set q0 up");
	assert_true(await_link(p, true));
	assert_true(await_link(q, true));
	assert_true(passes(p, q, pool));
	port_close(q);

	/* Deleted, and made anew under the same name. */
	run_in(F, "ip link del q0");
	assert_true(await_link(p, false));
	send_one(p, test_frame(pool, 100));
	assert_int_equal(p->cnt.tx_errors, 2);
	run_in(F, "ip link add q0 type veth peer name q1; ip link set q0 up; ip link set q1 up");
	q = open_port(pool, "af_packet:q1", false);
	assert_true(await_link(p, true));
	assert_true(passes(p, q, pool));
	assert_true(passes(q, p, pool));
	port_close(p);
	port_close(q);
	run_in(F, "ip link del q0");
}

/* Our TAP's kernel end is set down, up, and is deleted by somebody. */
static void test_tap_down(void **state)
{
	struct mbuf_pool *pool = *state;
	struct port *p = open_port(pool, "tap:t0", false);
	struct mbuf *m;

	assert_true(await_link(p, true));
	run_in(F, "ip link set t0 down");
	assert_true(await_link(p, false));
	send_one(p, test_frame(pool, 100));
	assert_int_equal(ut_drops(pool, DROP_PORT_DOWN), 1);
	run_in(F, "ip link set t0 up");
	assert_true(await_link(p, true));
	send_one(p, test_frame(pool, 100));
	assert_int_equal(p->cnt.tx_frames, 1);
	run_in(F, "ip link del t0");
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
	run_in(F, "ip link show t0 | grep -q 'mtu 9000'");
	port_close(p);
	run_in(F, "! ip link show t0 2> /dev/null");
	run_in(F, "ip link add q0 address 02:00:00:00:0a:01 mtu 1400 type veth peer name q1");
	conf = (struct port_conf){.name = "x", .spec = "af_packet:q0", .pool = *state};
	assert_int_equal(port_open(&conf, &p, err, sizeof(err)), 0);
	assert_int_equal(p->mtu, 1400);
	assert_int_equal(p->mac.b[4], 0x0a);
	run_in(F, "ip -d link show q0 | grep -q 'promiscuity 1'");
	port_close(p);
	run_in(F, "ip -d link show q0 | grep -q 'promiscuity 0'");
	conf.mtu = 1500;
	assert_int_equal(port_open(&conf, &p, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "mtu 1500 is above the interface's 1400"));
	run_in(F, "ip link del q0");
}

/* Without packet buffers no port, and nothing left behind. */
static void test_open_no_buffers(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct port_conf conf = {
			.name = "x", .spec = i ? "af_packet:q0" : "tap:t0", .pool = *state};
		char err[256];
		struct port *p;

		run_in(F, "ip link add q0 type veth peer name q1");
		mbuf_pool_fail(*state, 3, true);
		assert_int_equal(port_open(&conf, &p, err, sizeof(err)), -ENOBUFS);
		mbuf_pool_fail(*state, -1, false);
		assert_non_null(strstr(err, "packet buffers"));
		run_in(F, "! ip link show t0 2> /dev/null");
		run_in(F, "ip link del q0");
	}
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
	run_in(F, "ip addr add 10.8.0.1/24 dev t0; ping -c 1 -W 0.1 10.8.0.2 > /dev/null || true");
	for (unsigned i = 0; i < 2; i++) {
		while ((m = await(p[i], ETHERTYPE_ARP)) != NULL) {
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
		UT_TEST(test_tap),	   UT_TEST(test_tap_plain),	  UT_TEST(test_af_packet),
		UT_TEST(test_af_packet_plain), UT_TEST(test_tags),
		UT_TEST(test_own_frames),  UT_TEST(test_wait_fd),	  UT_TEST(test_udp_gso),
		UT_TEST(test_pmd_tap),
		UT_TEST(test_down_up),	   UT_TEST(test_tap_down),	  UT_TEST(test_attributes),
		UT_TEST(test_open_no_buffers), UT_TEST(test_tap_queues),
	};

	if (geteuid() != 0 || !make_spaces()) {
		(void)fprintf(stderr, "skipped: needs root, ip(8) and network namespaces\n");
		return SKIP_STATUS;
	}
	return ut_run(tests);
}
