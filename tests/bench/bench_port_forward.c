/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the ports alone can carry: frames go from one port to the other and back, untouched, on one
 * thread. With one port, an echo; or a generator that sends frames of one size and counts what
 * comes back.
 *
 *   bench_port_forward --a SPEC --b SPEC [--no-offload] [--cpu N] [--seconds N]
 *   bench_port_forward --a SPEC --echo [--cpu N] [--seconds N]
 *   bench_port_forward --a SPEC --generate BYTES [--flood] [--cpu N] [--seconds N]
 *
 * Ends after --seconds or on SIGINT/SIGTERM, with one JSON object: what each port did, processor
 * seconds, and what is missing from the pool (nothing). --flood sends as fast as the port takes;
 * otherwise 256 frames are kept under way, so that what is measured is not what is lost.
 * tests/bench/port_forward.py sets up the namespaces and runs it between kernel TCP ends.
 */
#include "base/csum.h"
#include "mbuf/mbuf.h"
#include "plat/clock.h"
#include "plat/cpu.h"
#include "plat/eal.h"
#include "plat/wait.h"
#include "port/port.h"
#include "wire/ip4.h"
#include "wire/proto.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POOL_SMALL   16384u
#define POOL_BIG     2048u
#define MEM_MB       256u
#define UNDER_WAY    256u
#define IDLE_SPINS   64u
#define SLEEP_MAX_NS (10 * PLAT_NS_PER_MS)
#define NAP_NS       (50 * PLAT_NS_PER_US)

struct side {
	struct port *port;
	struct mbuf *wait[PORT_BURST]; /* came from the other port, not yet taken by this one */
	uint16_t n_wait;
};

struct bench {
	const char *spec[2];
	unsigned n_ports;
	bool no_offload;
	bool flood, echo;
	int cpu;
	unsigned seconds;
	uint32_t frame_bytes; /* generator */
	struct mbuf_pool *pool;
	struct side side[2];
	uint64_t now_ns;
	uint64_t back; /* frames that the generator got back */
};

/* The signal handler has nothing else to tell the loop by. */
static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

/* ---- forward ---- */

static unsigned pass(struct bench *b, unsigned from, struct side *to)
{
	uint16_t k;

	if (to->n_wait == 0)
		to->n_wait = port_rx(b->side[from].port, to->wait, PORT_BURST);
	if (to->n_wait == 0)
		return 0;
	k = port_tx(to->port, to->wait, to->n_wait);
	to->n_wait = (uint16_t)(to->n_wait - k);
	memmove(to->wait, to->wait + k, to->n_wait * sizeof(to->wait[0]));
	return k;
}

static void idle(struct bench *b)
{
	struct pollfd fds[4];
	unsigned n = 0;
	bool poll_it = false;

	for (unsigned i = 0; i < b->n_ports; i++) {
		struct port *p = b->side[i].port;
		int fd = p->ops->wait_fd(p);

		if (fd >= 0)
			fds[n++] = (struct pollfd){.fd = fd, .events = POLLIN};
		else
			poll_it = true;
		if (b->side[i].n_wait == 0 && p->held.count == 0)
			continue;
		fd = p->ops->tx_wait_fd ? p->ops->tx_wait_fd(p) : -1;
		if (fd >= 0)
			fds[n++] = (struct pollfd){.fd = fd, .events = POLLOUT};
		else
			poll_it = true;
	}
	if (plat_wait(fds, n, poll_it ? NAP_NS : SLEEP_MAX_NS, NULL) < 0)
		return; /* a signal: the loop looks at stop */
}

/* ---- generate ---- */

/* An IPv4 packet of protocol 253 (RFC 3692), for nobody. */
static struct mbuf *make_frame(struct bench *b)
{
	struct mbuf *m = mbuf_alloc(b->pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_TEST).m;
	struct ip4 h = {
		.ttl = 64,
		.proto = 253,
		.total_len = (uint16_t)(b->frame_bytes - ETH_HLEN),
		.src = ipaddr_v4(0xc6120001),
		.dst = ipaddr_v4(0xc6130001),
	};
	struct eth eh = {.type = ETHERTYPE_IP4, .dst = {{2, 0, 0, 0, 0, 2}}, .src = {{2}}};
	uint8_t *p;

	if (!m)
		return NULL;
	p = mbuf_append(m, b->frame_bytes);
	(void)eth_emit(p, &eh);
	(void)ip4_emit(p + ETH_HLEN, &h);
	return m;
}

/* By the port's count: what it dropped before the other side was there is not under way. */
static uint64_t under_way(const struct bench *b)
{
	return b->side[0].port->cnt.tx_frames - b->back;
}

static unsigned generate(struct bench *b)
{
	struct side *s = &b->side[0];
	struct mbuf *got[PORT_BURST];
	uint16_t n = port_rx(s->port, got, PORT_BURST);
	uint16_t k;

	for (uint16_t i = 0; i < n; i++)
		mbuf_done(&got[i]);
	b->back += n;
	while (s->n_wait < 64 && (b->flood || under_way(b) + s->n_wait < UNDER_WAY)) {
		struct mbuf *m = make_frame(b);

		if (!m)
			break;
		s->wait[s->n_wait++] = m;
	}
	k = port_tx(s->port, s->wait, s->n_wait);
	s->n_wait = (uint16_t)(s->n_wait - k);
	memmove(s->wait, s->wait + k, s->n_wait * sizeof(s->wait[0]));
	return n + k;
}

/* ---- run ---- */

static void run(struct bench *b)
{
	uint64_t end = plat_mono_ns() + b->seconds * PLAT_NS_PER_S;
	unsigned empty = 0;

	while (!stop) {
		unsigned did;

		b->now_ns = plat_mono_ns();
		if (b->seconds != 0 && b->now_ns >= end)
			break;
		mbuf_pool_tick(b->pool, b->now_ns);
		if (b->frame_bytes != 0)
			did = generate(b);
		else if (b->n_ports == 1)
			did = pass(b, 0, &b->side[0]);
		else
			did = pass(b, 0, &b->side[1]) + pass(b, 1, &b->side[0]);
		empty = did > 0 ? 0 : empty + 1;
		if (empty > IDLE_SPINS && b->frame_bytes == 0)
			idle(b);
	}
}

static bool open_ports(struct bench *b)
{
	static const char *const names[] = {"a", "b"};
	char err[256];

	for (unsigned i = 0; i < b->n_ports; i++) {
		struct port_conf conf = {
			.name = names[i],
			.spec = b->spec[i],
			.pool = b->pool,
			.n_queues = 1,
			.no_offload = b->no_offload,
		};

		if (port_open(&conf, &b->side[i].port, err, sizeof(err)) < 0) {
			(void)fprintf(stderr, "%s\n", err);
			return false;
		}
		b->side[i].port->now_ns = &b->now_ns;
	}
	(void)fprintf(stderr, "ready\n");
	return true;
}

static void print_port(struct port *p)
{
	const struct port_counters *c = &p->cnt;

	port_refresh(p);
	printf("\"%s\": {\"rx_frames\": %" PRIu64 ", \"rx_bytes\": %" PRIu64
	       ", \"rx_super\": %" PRIu64 ", \"rx_nobuf\": %" PRIu64 ", \"rx_missed\": %" PRIu64
	       ", \"rx_errors\": %" PRIu64 ", \"tx_frames\": %" PRIu64 ", \"tx_bytes\": %" PRIu64
	       ", \"tx_super\": %" PRIu64 ", \"tx_errors\": %" PRIu64 ", \"sw_gso\": %" PRIu64
	       ", \"sw_csum\": %" PRIu64 "}, ",
	       p->name, c->rx_frames, c->rx_bytes, c->rx_super, c->rx_nobuf, c->rx_missed,
	       c->rx_errors, c->tx_frames, c->tx_bytes, c->tx_super, c->tx_errors, c->sw_gso,
	       c->sw_csum);
}

static void close_ports(struct bench *b)
{
	for (unsigned i = 0; i < b->n_ports; i++) {
		if (!b->side[i].port)
			continue;
		for (uint16_t k = 0; k < b->side[i].n_wait; k++)
			mbuf_drop(&b->side[i].wait[k], DROP_PORT_DOWN);
		port_close(b->side[i].port);
	}
}

static bool parse(struct bench *b, int argc, char **argv)
{
	static const struct option opts[] = {
		{"a", required_argument, NULL, 'a'},
		{"b", required_argument, NULL, 'b'},
		{"no-offload", no_argument, NULL, 'n'},
		{"cpu", required_argument, NULL, 'c'},
		{"seconds", required_argument, NULL, 's'},
		{"generate", required_argument, NULL, 'g'},
		{"flood", no_argument, NULL, 'f'},
		{"echo", no_argument, NULL, 'e'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		if (c == 'a' || c == 'b')
			b->spec[c - 'a'] = optarg;
		else if (c == 'n')
			b->no_offload = true;
		else if (c == 'f')
			b->flood = true;
		else if (c == 'c')
			b->cpu = atoi(optarg);
		else if (c == 's')
			b->seconds = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'e')
			b->echo = true;
		else if (c == 'g')
			b->frame_bytes = (uint32_t)strtoul(optarg, NULL, 10);
		else
			return false;
	}
	b->n_ports = b->spec[1] ? 2 : 1;
	if (b->frame_bytes != 0)
		return b->spec[0] && b->n_ports == 1 && b->frame_bytes >= 60 &&
		       b->frame_bytes <= 1514;
	return b->spec[0] && (b->n_ports == 2) != b->echo;
}

static double cpu_seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int measure(struct bench *b)
{
	double cpu = cpu_seconds();
	uint64_t start = plat_mono_ns();
	double wall;

	run(b);
	cpu = cpu_seconds() - cpu;
	wall = (double)(plat_mono_ns() - start) / 1e9;
	printf("{");
	for (unsigned i = 0; i < b->n_ports; i++)
		print_port(b->side[i].port);
	printf("\"wall_s\": %.3f, \"cpu_s\": %.3f, ", wall, cpu);
	if (b->frame_bytes != 0)
		printf("\"mpps_back\": %.3f, \"gbps_back\": %.3f, ", (double)b->back / wall / 1e6,
		       (double)b->back * b->frame_bytes * 8 / wall / 1e9);
	close_ports(b);
	printf("\"buffers_missing\": %u}\n", mbuf_pool_full(b->pool) ? 0u : 1u);
	return mbuf_pool_full(b->pool) ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct bench b = {.cpu = -1};
	struct plat_eal_conf eal = {.mem_mb = MEM_MB};
	struct mbuf_pool_conf pc = {.name = "bench", .count = {POOL_SMALL, POOL_BIG}};
	struct sigaction sa = {.sa_handler = on_signal};
	char err[256];

	if (!parse(&b, argc, argv)) {
		(void)fprintf(stderr, "usage: see the top of bench_port_forward.c\n");
		return 2;
	}
	if ((b.cpu >= 0 && plat_cpu_pin((unsigned)b.cpu) < 0) ||
	    plat_eal_init(&eal, err, sizeof(err)) < 0 || mbuf_pool_create(&pc, &b.pool) < 0) {
		(void)fprintf(stderr, "cannot start\n");
		return 1;
	}
	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGTERM, &sa, NULL);
	if (!open_ports(&b)) {
		close_ports(&b);
		return 1;
	}
	return measure(&b);
}
