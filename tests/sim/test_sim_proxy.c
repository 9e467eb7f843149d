/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A transparent proxy between two simulated hosts, on the socket layer: interception, the client's
 * address on the way out, epoll, half-close and reset carried over, back-pressure through small
 * buffers. Paths on both sides lose, delay and reorder by seed. The ends check every byte and that
 * they see each other's own addresses; at the end every buffer is back.
 *
 *	client 10.9.1.2 / fd09:1::2 ==== proxy ==== server 10.9.2.2 / fd09:2::2
 *
 * A seed that fails prints the command that repeats it.
 */
#include "simapp.h"
#include "simnet.h"

#include "base/memfail.h"
#include "plat/eal.h"
#include "sock/sock.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVER_PORT 7000u
#define MS          UINT64_C(1000000)
#define UNTIL_NS    (UINT64_C(6) * 3600 * 1000000000)
#define MAX_STEPS   20000000u
#define MAX_RELAYS  16u
#define BUF_BYTES   8192u

struct relay {
	int fd[2];
	bool used;
	bool eof[2];  /* read from this side */
	bool shut[2]; /* passed on to the other */
	size_t len[2], off[2];
	uint8_t buf[2][BUF_BYTES];
};

struct run {
	struct simnet net;
	struct simapp client, server;
	struct memfail mem;
	struct stack *proxy;
	int ep, listener;
	struct relay relay[MAX_RELAYS];
	bool v6, moved;
	unsigned n_conns;
	const char *why;
};

static struct sim_path draw_path(struct simnet *n)
{
	struct sim_path p = {.delay_ns = simnet_range(n, 10000, 20 * MS)};

	p.jitter_ns = simnet_range(n, 0, p.delay_ns);
	p.keep_order = simnet_chance(n, 2);
	if (simnet_chance(n, 2))
		p.loss_ppm = (uint32_t)simnet_range(n, 0, 30000);
	if (simnet_chance(n, 4))
		p.dup_ppm = 10000;
	if (simnet_chance(n, 4))
		p.corrupt_ppm = 10000;
	return p;
}

static int join(struct run *r, unsigned a, unsigned b, unsigned number, const char *addr_a,
		const char *addr_b)
{
	struct simnet *n = &r->net;
	struct sim_wire_conf wire = {
		.seed = simnet_random(n),
		.mtu = simnet_chance(n, 3) ? (uint32_t)simnet_range(n, 1280, 9000) : 1500,
		.number = number,
		.ab = draw_path(n),
		.ba = draw_path(n),
		.offload = simnet_chance(n, 2),
	};
	unsigned ia, ib;
	int rc = simnet_wire(n, a, b, &wire, &ia, &ib);

	if (rc == 0)
		rc = simnet_addr(n, a, ia, addr_a);
	return rc < 0 ? rc : simnet_addr(n, b, ib, addr_b);
}

static int build(struct run *r, struct mbuf_pool **pools)
{
	static const char *const names[] = {"client", "proxy", "server"};
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < 3; i++)
		rc = simnet_host(&r->net, names[i], &pools[i]);
	if (rc == 0)
		rc = join(r, 0, 1, 1, r->v6 ? "fd09:1::2/64" : "10.9.1.2/24",
			  r->v6 ? "fd09:1::1/64" : "10.9.1.1/24");
	if (rc == 0)
		rc = join(r, 1, 2, 2, r->v6 ? "fd09:2::1/64" : "10.9.2.1/24",
			  r->v6 ? "fd09:2::2/64" : "10.9.2.2/24");
	if (rc == 0)
		rc = simnet_route(&r->net, 0, r->v6 ? "::/0" : "0.0.0.0/0",
				  r->v6 ? "fd09:1::1" : "10.9.1.1", 0);
	if (rc == 0)
		rc = simnet_route(&r->net, 2, r->v6 ? "::/0" : "0.0.0.0/0",
				  r->v6 ? "fd09:2::1" : "10.9.2.1", 0);
	r->proxy = r->net.host[1].stack;
	inet_forwarding_set(r->proxy, true, true);
	return rc;
}

/* ---- the proxy ---- */

static int transparent(struct run *r, int fd)
{
	int one = 1;

	return r->v6 ? sock_setsockopt(r->proxy, fd, SOL_IPV6, IPV6_TRANSPARENT, &one, sizeof(one))
		     : sock_setsockopt(r->proxy, fd, SOL_IP, IP_TRANSPARENT, &one, sizeof(one));
}

static int watch(struct run *r, int fd, uint64_t data)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u64 = data};

	return sock_epoll_ctl(r->proxy, r->ep, EPOLL_CTL_ADD, fd, &ev);
}

static int intercept(struct run *r)
{
	struct tcp_intercept rule = {.dport_hi = UINT16_MAX, .iface = -1};
	struct tcp_listener *l;
	int rc = ipprefix_parse(r->v6 ? "::/0" : "0.0.0.0/0", &rule.src);

	rule.dst = rule.src;
	if (rc == 0)
		rc = sock_listener(r->proxy, r->listener, &l);
	return rc < 0 ? rc : tcp_intercept_add(r->proxy, &rule, l);
}

static int start_proxy(struct run *r)
{
	struct sock_numbers numbers;
	struct sock_conf conf = {.numbers = &numbers};
	union {
		struct sockaddr sa;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} any = {.sa = {.sa_family = r->v6 ? AF_INET6 : AF_INET}};
	int rc = sock_numbers_plain(r->net.mem, &numbers);

	if (rc == 0)
		rc = sock_init(r->proxy, &conf);
	if (rc < 0)
		return rc;
	r->ep = sock_epoll_create(r->proxy);
	r->listener = sock_socket(r->proxy, any.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (r->ep < 0 || r->listener < 0)
		return -ENOMEM;
	any.v4.sin_port = 0x0100; /* some port: interception does not need it */
	rc = sock_bind(r->proxy, r->listener, &any.sa, r->v6 ? sizeof(any.v6) : sizeof(any.v4));
	if (rc == 0)
		rc = sock_listen(r->proxy, r->listener, 64);
	if (rc == 0)
		rc = watch(r, r->listener, UINT64_MAX);
	return rc < 0 ? rc : intercept(r);
}

static void open_relay(struct run *r, int fd)
{
	struct sockaddr_storage client, server;
	socklen_t cl = sizeof(client), sl = sizeof(server);
	struct relay *p = r->relay;
	int up = sock_socket(r->proxy, r->v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	int rc;

	while (p < r->relay + MAX_RELAYS && p->used)
		p++;
	if (p == r->relay + MAX_RELAYS || up < 0 || transparent(r, up) < 0 ||
	    sock_getpeername(r->proxy, fd, (struct sockaddr *)&client, &cl) < 0 ||
	    sock_getsockname(r->proxy, fd, (struct sockaddr *)&server, &sl) < 0 ||
	    sock_bind(r->proxy, up, (struct sockaddr *)&client, cl) < 0) {
		r->why = "the proxy cannot open its second leg";
		return;
	}
	rc = sock_connect(r->proxy, up, (struct sockaddr *)&server, sl);
	if (rc < 0 && rc != -EINPROGRESS) {
		r->why = strerror(-rc);
		return;
	}
	memset(p, 0, sizeof(*p));
	p->used = true;
	p->fd[0] = fd;
	p->fd[1] = up;
	if (watch(r, fd, 2 * (uint64_t)(p - r->relay)) < 0 ||
	    watch(r, up, 2 * (uint64_t)(p - r->relay) + 1) < 0)
		r->why = "epoll_ctl failed";
}

/* Read when the buffer is empty, write what it holds; false: nothing moved. */
static bool pump_once(struct run *r, struct relay *p, unsigned from)
{
	ssize_t n;

	if (p->off[from] < p->len[from]) {
		n = sock_write(r->proxy, p->fd[1 - from], p->buf[from] + p->off[from],
			       p->len[from] - p->off[from]);
		if (n <= 0)
			return false;
		p->off[from] += (size_t)n;
		return true;
	}
	if (p->eof[from]) {
		if (p->shut[from] || sock_shutdown(r->proxy, p->fd[1 - from], SHUT_WR) < 0)
			return false;
		p->shut[from] = true;
		return true;
	}
	n = sock_read(r->proxy, p->fd[from], p->buf[from], BUF_BYTES);
	if (n < 0)
		return false;
	p->eof[from] = n == 0;
	p->len[from] = (size_t)n;
	p->off[from] = 0;
	return true;
}

static void pump(struct run *r, struct relay *p)
{
	for (unsigned from = 0; from < 2; from++)
		while (pump_once(r, p, from))
			r->moved = true;
	if (p->shut[0] && p->shut[1]) {
		(void)sock_close(r->proxy, p->fd[0]);
		(void)sock_close(r->proxy, p->fd[1]);
		p->used = false;
		r->moved = true;
	}
}

static void proxy_step(struct run *r)
{
	struct epoll_event ev[8];
	int n = sock_epoll_wait(r->proxy, r->ep, ev, 8, 0, NULL);

	for (int i = 0; i < n; i++) {
		int fd;

		r->moved = true;
		if (ev[i].data.u64 != UINT64_MAX) {
			struct relay *p = &r->relay[ev[i].data.u64 / 2];

			if (p->used)
				pump(r, p);
			continue;
		}
		while ((fd = sock_accept(r->proxy, r->listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
			open_relay(r, fd);
	}
}

/* ---- the run ---- */

static bool step(void *ctx)
{
	struct run *r = ctx;
	bool any;

	r->moved = false;
	proxy_step(r);
	any = simapp_step(&r->client);
	return simapp_step(&r->server) || any || r->moved;
}

static bool done(void *ctx)
{
	struct run *r = ctx;

	return r->why || (simapp_done(&r->client) && simapp_done(&r->server));
}

static int start(struct run *r)
{
	struct simnet *n = &r->net;
	struct ipaddr to;
	int rc = ipaddr_parse(r->v6 ? "fd09:2::2" : "10.9.2.2", &to);

	r->client.n_ends = r->server.n_ends = r->n_conns;
	for (unsigned i = 0; i < r->n_conns; i++) {
		struct simend *c = &r->client.end[i], *s = &r->server.end[i];

		c->pattern_out = s->pattern_in = simnet_random(n);
		c->pattern_in = s->pattern_out = simnet_random(n);
		c->to_send = s->to_recv = simnet_range(n, 0, simnet_chance(n, 2) ? 300000 : 2000);
		c->to_recv = s->to_send = simnet_range(n, 0, simnet_chance(n, 2) ? 300000 : 2000);
	}
	if (rc == 0)
		rc = simapp_listen(&r->server, r->v6, SERVER_PORT);
	/* The server's app finds its end by the client's port: it sees the client's own. */
	for (unsigned i = 0; rc == 0 && i < r->n_conns; i++)
		rc = simapp_connect(&r->client, i, &to, SERVER_PORT);
	return rc;
}

static void check(struct run *r)
{
	struct ipaddr want;

	if (ipaddr_parse(r->v6 ? "fd09:1::2" : "10.9.1.2", &want) < 0)
		r->why = "the client's address does not parse";
	for (unsigned i = 0; i < r->n_conns; i++) {
		const struct simend *c = &r->client.end[i], *s = &r->server.end[i];

		if (c->wrong || s->wrong)
			r->why = "a byte was wrong";
		else if (c->err || s->err)
			r->why = strerror(c->err ? c->err : s->err);
		else if (c->received != c->to_recv || s->received != s->to_recv)
			r->why = "bytes are missing";
		else if (!ipaddr_eq(&s->peer, &want))
			r->why = "the server saw another address than the client's";
	}
	if (tcp_counters(r->proxy)->intercepted != r->n_conns)
		r->why = "not every connection was intercepted";
}

static void play(struct run *r)
{
	struct simnet_prog prog = {
		.step = step, .done = done, .ctx = r, .until_ns = UNTIL_NS, .max_steps = MAX_STEPS};

	if (!simnet_run(&r->net, &prog))
		r->why = "not done in time";
	if (!r->why)
		check(r);
}

static int run_all(struct run *r, struct mbuf_pool **pools)
{
	int rc = build(r, pools);

	if (rc < 0)
		return rc;
	rc = simapp_init(&r->client, r->net.host[0].stack);
	if (rc < 0)
		return rc;
	rc = simapp_init(&r->server, r->net.host[2].stack);
	if (rc == 0)
		rc = start_proxy(r);
	if (rc == 0)
		rc = start(r);
	if (rc == 0)
		play(r);
	sock_fini(r->proxy);
	simapp_fini(&r->client);
	simapp_fini(&r->server);
	return rc;
}

static bool run_seed(uint64_t seed, struct mbuf_pool **pools)
{
	static struct run r;
	int rc;

	memset(&r, 0, sizeof(r));
	memfail_init(&r.mem, mem_libc());
	simnet_init(&r.net, seed, memfail_mem(&r.mem));
	r.v6 = simnet_chance(&r.net, 2);
	r.n_conns = (unsigned)simnet_range(&r.net, 1, 6);
	rc = run_all(&r, pools);
	if (rc < 0)
		r.why = strerror(-rc);
	simnet_fini(&r.net);
	for (unsigned i = 0; i < 3; i++) {
		if (pools[i] && !mbuf_pool_full(pools[i]))
			r.why = "packet buffers are missing";
		if (pools[i] && pools[i]->stats.drops[DROP_UNSPEC] != 0)
			r.why = "a packet was dropped without a reason";
	}
	if (memfail_outstanding(&r.mem) != 0)
		r.why = "memory was not given back";
	if (r.why)
		fprintf(stderr,
			"seed %llu: %s (%u connections, %s, virtual time %.3f s)\n"
			"  repeat: test_sim_proxy --first %llu --seeds 1\n",
			(unsigned long long)seed, r.why, r.n_conns, r.v6 ? "IPv6" : "IPv4",
			(double)r.net.now_ns / 1e9, (unsigned long long)seed);
	return !r.why;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"first", required_argument, NULL, 'f'},
		{"seeds", required_argument, NULL, 'n'},
		{NULL, 0, NULL, 0},
	};
	struct plat_eal_conf eal = {.huge = PLAT_HUGE_NEVER, .mem_mb = 128};
	struct mbuf_pool *pools[3] = {NULL};
	uint64_t first = 1, seeds = 300, bad = 0;
	char err[256];
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == '?') {
			fputs("usage: test_sim_proxy [--first N] [--seeds N]\n", stderr);
			return 2;
		}
		*(c == 'f' ? &first : &seeds) = strtoull(optarg, NULL, 10);
	}
	if (plat_eal_init(&eal, err, sizeof(err)) < 0) {
		fprintf(stderr, "%s\n", err);
		return 1;
	}
	for (uint64_t seed = first; seed < first + seeds && bad < 10; seed++)
		bad += !run_seed(seed, pools);
	printf("%llu seeds, %llu failed\n", (unsigned long long)seeds, (unsigned long long)bad);
	for (unsigned i = 0; i < 3; i++)
		bad += pools[i] ? mbuf_pool_destroy(pools[i]) : 0;
	return bad ? 1 : 0;
}
