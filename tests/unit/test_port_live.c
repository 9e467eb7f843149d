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
#include "test_port_live.h"

#include "plat/clock.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

/* <linux/udp.h> and wire/udp.h do not go together: both name struct udphdr. */
#define LINUX_UDP_SEGMENT 103

#define TCP_PORT          5001
#define TCP_BYTES         (6u * 1024 * 1024)
#define PATIENCE_NS       (20 * PLAT_NS_PER_S)
#define BURST             64u

/* ---- the two ports ---- */

struct bed {
	struct mbuf_pool *pool;
	struct port *port[2];
	bool tap;
};

static const char *const kernel_end[] = {"ka", "kb"};

static void make_veth(unsigned i)
{
	run_in(LIVE_F,
	       "ip link add p%c type veth peer name %s netns /proc/%d/fd/%d && ip link set p%c up",
	       'a' + (int)i, kernel_end[i], getpid(), space[LIVE_A + (int)i], 'a' + (int)i);
}

static void bed_open(struct bed *bed, struct mbuf_pool *pool, bool tap, bool no_offload)
{
	*bed = (struct bed){.pool = pool, .tap = tap};
	for (unsigned i = 0; i < 2; i++) {
		char spec[64];
		int ns = LIVE_A + (int)i;

		if (tap) {
			(void)snprintf(spec, sizeof(spec), "tap:%s,netns=/proc/self/fd/%d",
				       kernel_end[i], space[ns]);
		} else {
			make_veth(i);
			(void)snprintf(spec, sizeof(spec), "af_packet:p%c", 'a' + (int)i);
		}
		bed->port[i] = open_port(pool, spec, no_offload);
		run_in(ns,
		       "ip link set %s up; ip addr add 10.9.0.%u/24 dev %s;"
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
			run_in(LIVE_F, "ip link del p%c", 'a' + (int)i);
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
			size_t len =
				sizeof(buf) < TCP_BYTES - sent ? sizeof(buf) : TCP_BYTES - sent;

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
	struct end ends[2] = {{.ns = LIVE_A, .v6 = v6, .client = true}, {.ns = LIVE_B, .v6 = v6}};
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

/* wait_fd() is readable when something came, and not otherwise: sleeping on it does not spin. */
static void wait_fd_of(struct mbuf_pool *pool, bool tap)
{
	struct bed bed;
	struct pollfd p;
	struct mbuf *m;

	bed_open(&bed, pool, tap, false);
	for (unsigned i = 0; i < 2; i++)
		run_in(LIVE_A + (int)i, "echo 1 > /proc/sys/net/ipv6/conf/%s/disable_ipv6",
		       kernel_end[i]);
	settle(&bed);
	assert_true((bed.port[0]->caps & PORT_CAP_WAIT_FD) != 0);
	p = (struct pollfd){.fd = bed.port[0]->ops->wait_fd(bed.port[0]), .events = POLLIN};
	assert_int_equal(poll(&p, 1, 30), 0);
	run_in(LIVE_A, "ping -c 1 -W 0.1 10.9.0.2 > /dev/null || true");
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
		uint16_t type = v6 ? ETHERTYPE_IP6 : ETHERTYPE_IP4;
		static uint8_t data[5000];
		int fd, size = 1200;
		unsigned frames = 0;
		struct bed bed;
		struct mbuf *m;

		bed_open(&bed, *state, false, false);
		run_in(LIVE_A, "ip neigh add %s lladdr 02:00:00:00:00:09 dev ka",
		       v6 ? "fd09::2" : "10.9.0.2");
		settle(&bed);
		enter(LIVE_A);
		fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
		enter(LIVE_F);
		(void)inet_pton(AF_INET6, "fd09::2", &a6.sin6_addr);
		(void)inet_pton(AF_INET, "10.9.0.2", &a4.sin_addr);
		assert_int_equal(
			setsockopt(fd, IPPROTO_UDP, LINUX_UDP_SEGMENT, &size, sizeof(size)), 0);
		assert_int_equal(sendto(fd, data, sizeof(data), 0,
					v6 ? (struct sockaddr *)&a6 : (struct sockaddr *)&a4,
					v6 ? sizeof(a6) : sizeof(a4)),
				 sizeof(data));
		(void)close(fd);
		while ((m = frames < 5 ? await(bed.port[0], type)
				       : await_none(bed.port[0], type)) != NULL) {
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		UT_TEST(test_tap),       UT_TEST(test_tap_plain),
		UT_TEST(test_af_packet), UT_TEST(test_af_packet_plain),
		UT_TEST(test_wait_fd),   UT_TEST(test_udp_gso),
	};

	if (geteuid() != 0 || !make_spaces()) {
		(void)fprintf(stderr, "skipped: needs root, ip(8) and network namespaces\n");
		return SKIP_STATUS;
	}
	return ut_run(tests);
}
