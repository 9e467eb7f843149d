/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a transparent proxy costs without I/O: a client's stack, the proxy's and a server's in one
 * thread, joined by wires that cost nothing. Only the proxy's side is counted: its rounds, its
 * events, its copies. Time is virtual, so the work is the same in every run.
 *
 *	client 10.0.1.2 ---- 10.0.1.1 proxy 10.0.2.1 ---- 10.0.2.2 server
 *
 * Prints cycles per 1448-byte segment (both legs, ACKs included), median and spread of the rounds.
 *Under valgrind --tool=callgrind --collect-atstart=no the proxy's instructions alone are collected;
 *scripts/bench divides them by the segments printed.
 */
#include "benchwire.h"

#include "inet/inet.h"
#include "plat/clock.h"
#include "plat/eal.h"
#include "plat/random.h"
#include "sock/sock.h"
#include "tcp/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <valgrind/callgrind.h>

#define SEG_BYTES 1448u
#define MAX_CONNS 512u
#define BUF_BYTES 65536u
#define STEP_NS   20000u
#define MAX_STEPS 50000000u

struct relay {
	int fd[2];
	uint8_t *buf[2]; /* from side i to the other */
	size_t len[2], off[2];
};

struct world {
	uint64_t now_ns;
	struct mbuf_pool *pool[3]; /* each host has its own: one must not starve another */
	struct stack *client, *proxy, *server;
	int ep_client, ep_proxy, ep_server;
	int listener_proxy, listener_server;
	int client_fd[MAX_CONNS];
	struct relay relay[MAX_CONNS];
	unsigned n_relays, n_conns;
	uint64_t delivered; /* bytes read by the server */
	uint64_t proxy_cycles;
	uint8_t payload[BUF_BYTES];
};

static void die(const char *what, int rc)
{
	fprintf(stderr, "bench_proxy_inproc: %s: %s\n", what, strerror(rc < 0 ? -rc : rc));
	exit(1);
}

static int must(const char *what, int rc)
{
	if (rc < 0)
		die(what, rc);
	return rc;
}

static uint64_t env_mono(void *ctx)
{
	return ((struct world *)ctx)->now_ns;
}

static void env_random(void *ctx, void *buf, size_t len)
{
	/* The same numbers in every run: same work. */
	static const uint8_t seed = 0x5a;

	(void)ctx;
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = (uint8_t)(seed + 31 * i);
}

static struct stack *make_stack(struct world *w, unsigned host)
{
	static const char *const names[] = {"client", "proxy", "server"};
	struct mbuf_pool_conf pc = {
		.name = names[host], .count = {65536, 8192}, .reserve = {1024, 64}};
	struct sock_numbers numbers;
	struct sock_conf conf = {.numbers = &numbers};
	struct stack_conf sc = {
		.env = {.mono_ns = env_mono,
			.wall_ns = env_mono,
			.random = env_random,
			.ctx = w,
			.mem = mem_libc()},
	};
	struct stack *s;

	must("pool", mbuf_pool_create(&pc, &w->pool[host]));
	sc.pool = w->pool[host];
	must("stack", stack_create(&sc, &s));
	must("inet", inet_init(s));
	must("numbers", sock_numbers_plain(mem_libc(), &numbers));
	must("sockets", sock_init(s, &conf));
	return s;
}

static void add_port(struct stack *s, struct port *p, const char *addr)
{
	struct ipaddr a;
	unsigned i = (unsigned)must("port", stack_port_add(s, p));

	must("interface", inet_iface_add(s, i));
	must("address", ipaddr_parse(addr, &a));
	must("address", inet_addr_add(s, i, &a, 24));
}

static void add_default(struct stack *s, const char *gw)
{
	struct ipprefix any;
	struct ipaddr g;

	must("prefix", ipprefix_parse("0.0.0.0/0", &any));
	must("gateway", ipaddr_parse(gw, &g));
	must("route", inet_route_add(s, &any, &g, 0, 0));
}

static struct sockaddr_in sin_of(const char *text, uint16_t port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(port)};

	(void)inet_pton(AF_INET, text, &sin.sin_addr);
	return sin;
}

static void watch(struct stack *s, int ep, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event ev = {.events = events, .data.u64 = data};

	must("epoll_ctl", sock_epoll_ctl(s, ep, EPOLL_CTL_ADD, fd, &ev));
}

static int listen_on(struct stack *s, int ep, uint16_t port)
{
	struct sockaddr_in sin = sin_of("0.0.0.0", port);
	int one = 1;
	int fd = must("socket", sock_socket(s, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));

	must("transparent", sock_setsockopt(s, fd, SOL_IP, IP_TRANSPARENT, &one, sizeof(one)));
	must("bind", sock_bind(s, fd, (struct sockaddr *)&sin, sizeof(sin)));
	must("listen", sock_listen(s, fd, 1024));
	watch(s, ep, fd, EPOLLIN, UINT64_MAX);
	return fd;
}

static void intercept_all(struct world *w)
{
	struct tcp_intercept rule = {.dport_hi = UINT16_MAX, .iface = -1};
	struct tcp_listener *l;

	must("prefix", ipprefix_parse("0.0.0.0/0", &rule.src));
	rule.dst = rule.src;
	must("listener", sock_listener(w->proxy, w->listener_proxy, &l));
	must("rule", tcp_intercept_add(w->proxy, &rule, l));
}

static void build(struct world *w, enum benchwire_mode mode)
{
	struct port *a, *b;

	w->client = make_stack(w, 0);
	w->proxy = make_stack(w, 1);
	w->server = make_stack(w, 2);
	must("wire", benchwire_create(mode, w->pool[0], w->pool[1], 1, &a, &b));
	add_port(w->client, a, "10.0.1.2");
	add_port(w->proxy, b, "10.0.1.1");
	must("wire", benchwire_create(mode, w->pool[1], w->pool[2], 2, &a, &b));
	add_port(w->proxy, a, "10.0.2.1");
	add_port(w->server, b, "10.0.2.2");
	add_default(w->client, "10.0.1.1");
	add_default(w->server, "10.0.2.1");
	inet_forwarding_set(w->proxy, true, true);
	w->ep_client = must("epoll", sock_epoll_create(w->client));
	w->ep_proxy = must("epoll", sock_epoll_create(w->proxy));
	w->ep_server = must("epoll", sock_epoll_create(w->server));
	w->listener_server = listen_on(w->server, w->ep_server, 80);
	w->listener_proxy = listen_on(w->proxy, w->ep_proxy, 1);
	intercept_all(w);
}

/* ---- the proxy: what is measured ---- */

static void open_relay(struct world *w, int fd)
{
	struct sockaddr_in client, server;
	socklen_t len = sizeof(client);
	struct relay *r = &w->relay[w->n_relays];
	int one = 1;
	int up = must("socket", sock_socket(w->proxy, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	int rc;

	must("getpeername", sock_getpeername(w->proxy, fd, (struct sockaddr *)&client, &len));
	must("getsockname", sock_getsockname(w->proxy, fd, (struct sockaddr *)&server, &len));
	must("transparent",
	     sock_setsockopt(w->proxy, up, SOL_IP, IP_TRANSPARENT, &one, sizeof(one)));
	must("bind", sock_bind(w->proxy, up, (struct sockaddr *)&client, len));
	rc = sock_connect(w->proxy, up, (struct sockaddr *)&server, len);
	if (rc != -EINPROGRESS)
		must("connect", rc);
	r->fd[0] = fd;
	r->fd[1] = up;
	r->buf[0] = malloc(BUF_BYTES);
	r->buf[1] = malloc(BUF_BYTES);
	if (!r->buf[0] || !r->buf[1])
		die("buffers", ENOMEM);
	watch(w->proxy, w->ep_proxy, fd, EPOLLIN | EPOLLOUT | EPOLLET, 2ull * w->n_relays);
	watch(w->proxy, w->ep_proxy, up, EPOLLIN | EPOLLOUT | EPOLLET, 2ull * w->n_relays + 1);
	w->n_relays++;
}

/* Move what there is from one side to the other until either would block. */
static void pump(struct world *w, struct relay *r, unsigned from)
{
	for (;;) {
		ssize_t n;

		if (r->off[from] == r->len[from]) {
			n = sock_read(w->proxy, r->fd[from], r->buf[from], BUF_BYTES);
			if (n <= 0)
				return;
			r->len[from] = (size_t)n;
			r->off[from] = 0;
		}
		n = sock_write(w->proxy, r->fd[1 - from], r->buf[from] + r->off[from],
			       r->len[from] - r->off[from]);
		if (n <= 0)
			return;
		r->off[from] += (size_t)n;
	}
}

static void proxy_step(struct world *w)
{
	struct epoll_event ev[256];
	int n = must("epoll_wait", sock_epoll_wait(w->proxy, w->ep_proxy, ev, 256, 0, NULL));

	for (int i = 0; i < n; i++) {
		if (ev[i].data.u64 == UINT64_MAX) {
			int fd;

			while ((fd = sock_accept(w->proxy, w->listener_proxy, NULL, NULL,
						 SOCK_NONBLOCK)) >= 0)
				open_relay(w, fd);
			continue;
		}
		struct relay *r = &w->relay[ev[i].data.u64 / 2];
		unsigned side = (unsigned)(ev[i].data.u64 & 1);

		if (ev[i].events & EPOLLIN)
			pump(w, r, side);
		if (ev[i].events & EPOLLOUT)
			pump(w, r, 1 - side);
	}
	sock_flush(w->proxy);
}

/* ---- the ends: not measured ---- */

static void client_step(struct world *w)
{
	struct epoll_event ev[256];
	int n = must("epoll_wait", sock_epoll_wait(w->client, w->ep_client, ev, 256, 0, NULL));

	for (int i = 0; i < n; i++)
		while (sock_write(w->client, (int)ev[i].data.u64, w->payload, BUF_BYTES) > 0)
			;
	sock_flush(w->client);
}

static void server_step(struct world *w)
{
	static uint8_t sink[BUF_BYTES];
	struct epoll_event ev[256];
	int n = must("epoll_wait", sock_epoll_wait(w->server, w->ep_server, ev, 256, 0, NULL));

	for (int i = 0; i < n; i++) {
		ssize_t got;
		int fd;

		if (ev[i].data.u64 == UINT64_MAX) {
			while ((fd = sock_accept(w->server, w->listener_server, NULL, NULL,
						 SOCK_NONBLOCK)) >= 0)
				watch(w->server, w->ep_server, fd, EPOLLIN, (uint64_t)fd);
			continue;
		}
		while ((got = sock_read(w->server, (int)ev[i].data.u64, sink, sizeof(sink))) > 0)
			w->delivered += (uint64_t)got;
	}
	sock_flush(w->server);
}

static void step(struct world *w)
{
	uint64_t start;

	client_step(w);
	start = plat_cycles();
	CALLGRIND_TOGGLE_COLLECT;
	proxy_step(w);
	CALLGRIND_TOGGLE_COLLECT;
	w->proxy_cycles += plat_cycles() - start;
	server_step(w);
	w->now_ns += STEP_NS;
}

static void run_until(struct world *w, uint64_t bytes)
{
	for (uint32_t i = 0; w->delivered < bytes; i++) {
		if (i == MAX_STEPS)
			die("no progress", ETIMEDOUT);
		step(w);
	}
}

static void connect_all(struct world *w)
{
	struct sockaddr_in sin = sin_of("10.0.2.2", 80);

	for (unsigned i = 0; i < w->n_conns; i++) {
		int fd = must("socket",
			      sock_socket(w->client, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
		int rc = sock_connect(w->client, fd, (struct sockaddr *)&sin, sizeof(sin));

		if (rc != -EINPROGRESS)
			must("connect", rc);
		w->client_fd[i] = fd;
		watch(w->client, w->ep_client, fd, EPOLLOUT, (uint64_t)fd);
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct options {
	enum benchwire_mode mode;
	const char *mode_name;
	unsigned conns, rounds;
	uint64_t segs;
	bool json;
};

static void report(const struct options *o, double *cycles, uint64_t total_segs)
{
	double median;

	qsort(cycles, o->rounds, sizeof(*cycles), by_value);
	median = cycles[o->rounds / 2];
	if (o->json)
		printf("{\"bench\":\"proxy_inproc\",\"mode\":\"%s\",\"connections\":%u,\"segment_"
		       "bytes\":%u,"
		       "\"segments\":%llu,\"cycles_per_segment\":%.1f,\"min\":%.1f,\"max\":%.1f,"
		       "\"cycles_hz\":%llu,\"gbit_per_s\":%.2f}\n",
		       o->mode_name, o->conns, SEG_BYTES, (unsigned long long)total_segs, median,
		       cycles[0], cycles[o->rounds - 1], (unsigned long long)plat_cycles_hz(),
		       SEG_BYTES * 8e-9 * (double)plat_cycles_hz() / median);
	else
		printf("proxy_inproc %-5s %3u connections: %7.1f cycles/segment (%.1f..%.1f), "
		       "%.1f Gbit/s on one core without I/O; %llu segments\n",
		       o->mode_name, o->conns, median, cycles[0], cycles[o->rounds - 1],
		       SEG_BYTES * 8e-9 * (double)plat_cycles_hz() / median,
		       (unsigned long long)total_segs);
}

static void measure(const struct options *o)
{
	static struct world w;
	double *cycles = calloc(o->rounds, sizeof(*cycles));
	uint64_t first;

	if (!cycles)
		die("memory", ENOMEM);
	w.now_ns = 1000000000;
	w.n_conns = o->conns;
	build(&w, o->mode);
	connect_all(&w);
	run_until(&w, (uint64_t)SEG_BYTES * 20000);
	CALLGRIND_ZERO_STATS;
	first = w.delivered;
	for (unsigned i = 0; i < o->rounds; i++) {
		uint64_t from = w.delivered;

		w.proxy_cycles = 0;
		run_until(&w, from + o->segs * SEG_BYTES);
		cycles[i] = (double)w.proxy_cycles * SEG_BYTES / (double)(w.delivered - from);
	}
	CALLGRIND_DUMP_STATS;
	report(o, cycles, (w.delivered - first) / SEG_BYTES);
	free(cycles);
}

static void usage(FILE *f)
{
	fputs("usage: bench_proxy_inproc [--mode nic|plain|super] [--connections N] [--rounds N]\n"
	      "                          [--segments N] [--json]\n"
	      "Cycles of the proxy's side per proxied 1448-byte segment, no I/O.\n"
	      "  --mode         nic: checksum offload (default); plain: none; super: superpackets\n"
	      "  --connections  1 to 512, default 10\n"
	      "  --rounds       measured in so many rounds, median printed; default 9\n"
	      "  --segments     of each round, default 200000\n",
	      f);
}

static enum benchwire_mode parse_mode(const char *text)
{
	static const char *const names[] = {"nic", "plain", "super"};

	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], text) == 0)
			return (enum benchwire_mode)i;
	usage(stderr);
	exit(2);
}

static unsigned long parse_number(const char *text, unsigned long lo, unsigned long hi)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (*end == '\0' && end != text && v >= lo && v <= hi)
		return v;
	fprintf(stderr, "bench_proxy_inproc: '%s' is not in %lu..%lu\n", text, lo, hi);
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"mode", required_argument, NULL, 'm'},
		{"connections", required_argument, NULL, 'c'},
		{"rounds", required_argument, NULL, 'r'},
		{"segments", required_argument, NULL, 's'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct options o = {.mode_name = "nic", .conns = 10, .rounds = 9, .segs = 200000};
	struct plat_eal_conf eal = {.huge = PLAT_HUGE_AUTO, .mem_mb = 512};
	char err[256];
	int c;

	while ((c = getopt_long(argc, argv, "m:c:r:s:jh", longs, NULL)) != -1) {
		switch (c) {
		case 'm':
			o.mode = parse_mode(optarg);
			o.mode_name = optarg;
			break;
		case 'c':
			o.conns = (unsigned)parse_number(optarg, 1, MAX_CONNS);
			break;
		case 'r':
			o.rounds = (unsigned)parse_number(optarg, 1, 1000);
			break;
		case 's':
			o.segs = parse_number(optarg, 100, 100000000);
			break;
		case 'j':
			o.json = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (plat_eal_init(&eal, err, sizeof(err)) < 0) {
		fprintf(stderr, "bench_proxy_inproc: %s\n", err);
		return 1;
	}
	measure(&o);
	return 0;
}
