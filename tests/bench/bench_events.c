/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the event calls cost beyond the rounds of the stack that they run: cycles of an empty
 * epoll_wait and kevent, and of one event, level and edge: activation, harvest, the clearing that
 * the program's read would do, and the empty call after it. A stack without ports; each figure is
 *the median of many runs of a batch.
 *
 *	bench_events [--json] [--quick]
 */
#include "inet/inet.h"
#include "plat/clock.h"
#include "plat/eal.h"
#include "plat/random.h"
#include "sock/set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH    256u
#define RUNS_MAX 20001u

/* No network: the bench raises readiness itself. */
struct bench {
	struct stack *s;
	struct mbuf_pool *pool;
	int fd;
	struct evsrc *src;
	int epoll[2]; /* level, edge */
	int kq[2];
	unsigned runs;
};

static uint64_t mono_ns(void *ctx)
{
	(void)ctx;
	return plat_mono_ns();
}

static void random_bytes(void *ctx, void *buf, size_t len)
{
	(void)ctx;
	plat_random(buf, len);
}

static void check(int rc, const char *what)
{
	if (rc >= 0)
		return;
	(void)fprintf(stderr, "bench_events: %s: %s\n", what, strerror(-rc));
	exit(1);
}

static void make_stack(struct bench *b)
{
	static const char *const no_args[] = {NULL};
	struct plat_eal_conf eal = {.mem_mb = 64, .extra_args = no_args};
	struct mbuf_pool_conf pc = {.name = "bench", .count = {512, 64}, .reserve = {16, 4}};
	struct stack_conf sc = {
		.env = {.mono_ns = mono_ns,
			.wall_ns = mono_ns,
			.random = random_bytes,
			.mem = mem_libc()},
	};
	char err[256];

	check(plat_eal_init(&eal, err, sizeof(err)), "EAL");
	check(mbuf_pool_create(&pc, &b->pool), "buffers");
	sc.pool = b->pool;
	check(stack_create(&sc, &b->s), "stack");
	check(inet_init(b->s), "internet layer");
	check(sock_init(b->s, NULL), "sockets");
}

static void make_sets(struct bench *b)
{
	for (int edge = 0; edge < 2; edge++) {
		b->epoll[edge] = sock_epoll_create(b->s);
		check(b->epoll[edge], "epoll set");
		b->kq[edge] = sock_kqueue(b->s);
		check(b->kq[edge], "kqueue");
	}
}

/* Of the four sets only one at a time has the socket, as in a program. */
static void join(struct bench *b, int fd, bool kq, bool edge, bool in)
{
	struct epoll_event ev = {.events = EPOLLIN | (edge ? EPOLLET : 0u)};
	struct kevent ch;

	EV_SET(&ch, b->fd, EVFILT_READ, (in ? EV_ADD : EV_DELETE) | (edge ? EV_CLEAR : 0), 0, 0,
	       NULL);
	if (kq)
		check(sock_kevent(b->s, fd, &ch, 1, NULL, 0, 0), "kevent");
	else
		check(sock_epoll_ctl(b->s, fd, in ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, b->fd, &ev),
		      "epoll_ctl");
}

/* ---- what is measured: BATCH times each ---- */

typedef void (*batch_fn)(struct bench *b, int set);

static void run_rounds(struct bench *b, int set)
{
	(void)set;
	for (unsigned i = 0; i < BATCH; i++)
		(void)stack_poll(b->s);
}

static void run_epoll(struct bench *b, int set)
{
	struct epoll_event out[64];

	for (unsigned i = 0; i < BATCH; i++)
		(void)sock_epoll_wait(b->s, set, out, 64, 0, NULL);
}

/* An event's whole life: raised, delivered, used up; a level leaves the row in the next, empty
 * call. */
static void run_epoll_event(struct bench *b, int set)
{
	struct epoll_event out[64];

	for (unsigned i = 0; i < BATCH; i++) {
		ev_activate(b->src, RDY_READABLE);
		if (sock_epoll_wait(b->s, set, out, 64, 0, NULL) != 1)
			abort();
		ev_clear(b->src, RDY_READABLE);
		if (sock_epoll_wait(b->s, set, out, 64, 0, NULL) != 0)
			abort();
	}
}

static void run_kevent(struct bench *b, int set)
{
	struct kevent out[64];

	for (unsigned i = 0; i < BATCH; i++)
		(void)sock_kevent(b->s, set, NULL, 0, out, 64, 0);
}

static void run_kevent_event(struct bench *b, int set)
{
	struct kevent out[64];

	for (unsigned i = 0; i < BATCH; i++) {
		ev_activate(b->src, RDY_READABLE);
		if (sock_kevent(b->s, set, NULL, 0, out, 64, 0) != 1)
			abort();
		ev_clear(b->src, RDY_READABLE);
		if (sock_kevent(b->s, set, NULL, 0, out, 64, 0) != 0)
			abort();
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double cycles_of(struct bench *b, batch_fn fn, int set)
{
	uint64_t start = plat_cycles();

	fn(b, set);
	return (double)(plat_cycles() - start) / BATCH;
}

/*
 * Median of the difference to bare rounds, measured in turn so that the machine's moods hit both
 * alike.
 */
static double median_beyond_round(struct bench *b, batch_fn fn, int set, int rounds)
{
	static double diff[RUNS_MAX];

	for (unsigned i = 0; i < b->runs; i++) {
		double bare = cycles_of(b, run_rounds, 0);

		diff[i] = cycles_of(b, fn, set) - rounds * bare;
	}
	qsort(diff, b->runs, sizeof(diff[0]), by_value);
	return diff[b->runs / 2];
}

static double median_round(struct bench *b)
{
	static double v[RUNS_MAX];

	for (unsigned i = 0; i < b->runs; i++)
		v[i] = cycles_of(b, run_rounds, 0);
	qsort(v, b->runs, sizeof(v[0]), by_value);
	return v[b->runs / 2];
}

static void report(bool json, const char *what, double cycles)
{
	if (json)
		printf("{\"bench\":\"events\",\"case\":\"%s\",\"cycles\":%.1f,\"ns\":%.2f}\n", what,
		       cycles, cycles * 1e9 / (double)plat_cycles_hz());
	else
		printf("  %-28s %7.1f cycles %8.2f ns\n", what, cycles,
		       cycles * 1e9 / (double)plat_cycles_hz());
}

static void measure(struct bench *b, bool json)
{
	static const struct {
		const char *what;
		batch_fn fn;
		bool kq, edge;
		int rounds; /* of the stack in one turn */
	} rows[] = {
		{"epoll_wait-empty", run_epoll, false, false, 1},
		{"epoll_wait-one-level", run_epoll_event, false, false, 2},
		{"epoll_wait-one-edge", run_epoll_event, false, true, 2},
		{"kevent-empty", run_kevent, true, false, 1},
		{"kevent-one-level", run_kevent_event, true, false, 2},
		{"kevent-one-clear", run_kevent_event, true, true, 2},
	};

	if (!json)
		printf("cycles beyond a round of the stack, median of %u runs of %u calls\n",
		       b->runs, BATCH);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int set = rows[i].kq ? b->kq[rows[i].edge] : b->epoll[rows[i].edge];

		join(b, set, rows[i].kq, rows[i].edge, true);
		report(json, rows[i].what, median_beyond_round(b, rows[i].fn, set, rows[i].rounds));
		join(b, set, rows[i].kq, rows[i].edge, false);
	}
	report(json, "round-without-ports", median_round(b));
}

int main(int argc, char **argv)
{
	struct bench b = {.runs = RUNS_MAX};
	bool json = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			json = true;
		} else if (strcmp(argv[i], "--quick") == 0) {
			b.runs = RUNS_MAX / 10;
		} else {
			(void)fprintf(stderr, "usage: bench_events [--json] [--quick]\n");
			return 2;
		}
	}
	make_stack(&b);
	b.fd = sock_socket(b.s, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	check(b.fd, "socket");
	b.src = &fdtab_get(&b.s->sock->fds, b.fd)->src;
	ev_clear(b.src, ~0u);
	make_sets(&b);
	measure(&b, json);
	sock_fini(b.s);
	inet_fini(b.s);
	stack_destroy(b.s);
	return (int)mbuf_pool_destroy(b.pool);
}
