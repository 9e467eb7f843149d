/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program's life on the sockets API (stack made, listen, an epoll set and a kqueue, connect and
 * accept over the loopback interface, both ways, half-close, a datagram, dup, close, stack gone)
 * again and again, with the Nth allocation failing: N = 1, 2, 3 ... until a life needs fewer. A
 * call may fail; the life must end, and neither memory nor a packet buffer may be left.
 */
#include "simnet.h"

#include "base/memfail.h"
#include "plat/eal.h"
#include "sock/sock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PORT      7000u
#define BYTES     60000u
#define UNTIL_NS  (UINT64_C(600) * 1000000000)
#define MAX_STEPS 100000u
#define N_MAX     100000u
#define CHUNK     5000u

enum what { FAIL_MEMORY, FAIL_BUFFER, FAIL_KINDS };

static const char *const what_names[FAIL_KINDS] = {"memory", "buffers"};

struct end {
	int fd;
	uint32_t sent, got;
	bool shut, eof;
};

struct life {
	struct simnet net;
	struct memfail mem;
	struct stack *s;
	struct sockaddr_storage to;
	socklen_t to_len;
	int ep, kq, listener, udp[2];
	struct end end[2]; /* connecting, accepted */
	bool timer_fired, datagram;
	bool gave_up; /* a call failed: the program ends */
	const char *why;
};

static uint8_t byte_at(uint32_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

/* An error ends the program; returns rc. */
static int must(struct life *l, int rc)
{
	if (rc < 0)
		l->gave_up = true;
	return rc;
}

static void watch(struct life *l, int op, int fd, uint32_t events, uint32_t which)
{
	struct epoll_event ev = {.events = events, .data.u32 = which};

	(void)must(l, sock_epoll_ctl(l->s, l->ep, op, fd, &ev));
}

/* ---- the program ---- */

static void address(struct life *l, bool v6)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)&l->to;
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&l->to;

	if (v6) {
		*sin6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
		sin6->sin6_addr.s6_addr[15] = 1;
		l->to_len = sizeof(*sin6);
		return;
	}
	*sin = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(PORT)};
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	l->to_len = sizeof(*sin);
}

static int open_socket(struct life *l, int type)
{
	return must(l, sock_socket(l->s, l->to.ss_family, type | SOCK_NONBLOCK, 0));
}

static void open_sets(struct life *l)
{
	struct kevent kev[2];

	EV_SET(&kev[0], 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 10, NULL);
	l->ep = must(l, sock_epoll_create(l->s));
	l->kq = must(l, sock_kqueue(l->s));
	if (l->gave_up)
		return;
	EV_SET(&kev[1], (uintptr_t)l->listener, EVFILT_READ, EV_ADD, 0, 0, NULL);
	(void)must(l, sock_kevent(l->s, l->kq, kev, 2, NULL, 0, 0));
	watch(l, EPOLL_CTL_ADD, l->listener, EPOLLIN, 2);
	watch(l, EPOLL_CTL_ADD, l->kq, EPOLLIN, 3);
}

static void open_udp(struct life *l)
{
	for (unsigned i = 0; i < 2; i++)
		l->udp[i] = open_socket(l, SOCK_DGRAM);
	if (l->gave_up)
		return;
	(void)must(l, sock_bind(l->s, l->udp[1], (struct sockaddr *)&l->to, l->to_len));
	(void)must(l, sock_connect(l->s, l->udp[0], (struct sockaddr *)&l->to, l->to_len));
}

static void start(struct life *l, bool v6)
{
	int rc;

	address(l, v6);
	l->listener = open_socket(l, SOCK_STREAM);
	if (l->gave_up)
		return;
	(void)must(l, sock_bind(l->s, l->listener, (struct sockaddr *)&l->to, l->to_len));
	(void)must(l, sock_listen(l->s, l->listener, 4));
	open_udp(l);
	open_sets(l);
	l->end[0].fd = open_socket(l, SOCK_STREAM);
	if (l->gave_up)
		return;
	rc = sock_connect(l->s, l->end[0].fd, (struct sockaddr *)&l->to, l->to_len);
	if (rc != -EINPROGRESS)
		(void)must(l, rc);
	watch(l, EPOLL_CTL_ADD, l->end[0].fd, EPOLLIN | EPOLLOUT, 0);
}

static void send_some(struct life *l, struct end *e, uint32_t which)
{
	uint8_t buf[CHUNK];
	uint32_t n = min_u32(BYTES - e->sent, CHUNK);
	ssize_t r;

	for (uint32_t i = 0; i < n; i++)
		buf[i] = byte_at(e->sent + i + which);
	r = n > 0 ? sock_write(l->s, e->fd, buf, n) : 0;
	if (r > 0)
		e->sent += (uint32_t)r;
	else if (r < 0 && r != -EAGAIN)
		(void)must(l, (int)r);
	if (e->sent < BYTES || e->shut)
		return;
	e->shut = true;
	(void)must(l, sock_shutdown(l->s, e->fd, SHUT_WR));
	watch(l, EPOLL_CTL_MOD, e->fd, EPOLLIN, which);
}

static void receive_some(struct life *l, struct end *e, uint32_t which)
{
	uint8_t buf[CHUNK];
	ssize_t r = sock_read(l->s, e->fd, buf, sizeof(buf));

	for (ssize_t i = 0; i < r; i++)
		if (buf[i] != byte_at(e->got + (uint32_t)i + !which))
			l->why = "a byte was wrong";
	if (r > 0)
		e->got += (uint32_t)r;
	else if (r == 0 && !e->eof) {
		e->eof = true;
		if (e->got != BYTES)
			l->why = "the end came early";
		watch(l, EPOLL_CTL_DEL, e->fd, 0, 0);
	} else if (r < 0 && r != -EAGAIN)
		(void)must(l, (int)r);
}

static void take(struct life *l)
{
	int fd = sock_accept(l->s, l->listener, NULL, NULL, SOCK_NONBLOCK), other;

	/* Short of memory: the connection stays in the queue, or is gone. */
	if (fd < 0) {
		if (fd != -EAGAIN)
			(void)must(l, fd);
		return;
	}
	other = sock_dup(l->s, fd, 0);
	if (other >= 0) {
		(void)must(l, sock_close(l->s, fd));
		fd = other;
	}
	l->end[1].fd = fd;
	watch(l, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLOUT, 1);
}

static void look_at_kqueue(struct life *l)
{
	struct kevent out[4];
	int n = must(l, sock_kevent(l->s, l->kq, NULL, 0, out, 4, 0));

	for (int i = 0; i < n; i++)
		if (out[i].filter == EVFILT_TIMER)
			l->timer_fired = true;
}

/* Datagrams may be lost when buffers are short: sent until one has come. */
static void datagram(struct life *l)
{
	char b[8];
	ssize_t r = sock_read(l->s, l->udp[1], b, sizeof(b));

	if (r == 4 && memcmp(b, "ping", 4) == 0)
		l->datagram = true;
	if (!l->datagram)
		(void)sock_write(l->s, l->udp[0], "ping", 4);
}

static bool step(void *ctx)
{
	struct life *l = ctx;
	struct epoll_event out[8];
	uint32_t before = l->end[0].sent + l->end[0].got + l->end[1].sent + l->end[1].got;
	int n;

	if (l->gave_up)
		return false;
	n = must(l, sock_epoll_wait(l->s, l->ep, out, 8, 0, NULL));
	for (int i = 0; i < n && !l->gave_up; i++) {
		uint32_t which = out[i].data.u32;

		if (which == 3)
			look_at_kqueue(l);
		else if (which == 2)
			take(l);
		else {
			send_some(l, &l->end[which], which);
			if (!l->gave_up)
				receive_some(l, &l->end[which], which);
		}
	}
	if (!l->datagram && !l->gave_up)
		datagram(l);
	return l->end[0].sent + l->end[0].got + l->end[1].sent + l->end[1].got != before;
}

static bool done(void *ctx)
{
	struct life *l = ctx;

	return l->gave_up || (l->end[0].eof && l->end[1].eof && l->end[0].shut && l->end[1].shut &&
			      l->timer_fired && l->datagram);
}

/* ---- one life ---- */

static void talk(struct life *l, bool v6, bool must_end)
{
	struct simnet_prog prog = {
		.step = step, .done = done, .ctx = l, .until_ns = UNTIL_NS, .max_steps = MAX_STEPS};
	struct sock_numbers numbers;
	struct sock_conf sc = {.numbers = &numbers, .spin_ns = 1};

	if (sock_numbers_plain(memfail_mem(&l->mem), &numbers) < 0)
		return;
	if (sock_init(l->s, &sc) < 0)
		return;
	start(l, v6);
	if (!simnet_run(&l->net, &prog) && must_end)
		l->why = "did not end";
	/* Half of the lives close what they have opened, the others leave it to the end. */
	for (int fd = 0; fd < 32 && l->end[0].sent % 2 == 0; fd++)
		if (sock_owns(l->s, fd))
			(void)sock_close(l->s, fd);
	sock_fini(l->s);
}

static uint64_t buffer_failures(const struct mbuf_pool *pool)
{
	struct mbuf_pool_stats st;
	uint64_t sum = 0;

	mbuf_pool_stats(pool, &st);
	for (unsigned c = 0; c < MBUF_CLASSES; c++)
		for (unsigned p = 0; p < MBUF_PRIOS; p++)
			sum += st.alloc_fail[c][p];
	return sum;
}

static void check(struct life *l, struct mbuf_pool *pool)
{
	mbuf_pool_fail(pool, -1, false);
	if (!mbuf_pool_full(pool))
		l->why = "packet buffers are missing";
	if (pool->stats.drops[DROP_UNSPEC] != 0)
		l->why = "a packet was dropped without a reason";
	if (memfail_outstanding(&l->mem) != 0)
		l->why = "memory was not given back";
}

/* Returns whether the failure was met, that is, whether a larger N makes sense. */
static bool live(struct mbuf_pool *pool, enum what what, uint64_t n, bool for_good, bool *ok)
{
	static struct life l;
	uint64_t before = buffer_failures(pool);
	bool v6 = n % 2 == 0;

	memset(&l, 0, sizeof(l));
	memfail_init(&l.mem, mem_libc());
	simnet_init(&l.net, 1, memfail_mem(&l.mem));
	if (what == FAIL_MEMORY)
		memfail_arm(&l.mem, n, for_good);
	else
		mbuf_pool_fail(pool, (int64_t)n - 1, for_good);
	if (simnet_host(&l.net, "host", &pool) == 0) {
		l.s = l.net.host[0].stack;
		talk(&l, v6, what == FAIL_MEMORY || !for_good);
	}
	simnet_fini(&l.net);
	check(&l, pool);
	if (l.why)
		fprintf(stderr, "%s, allocation %llu%s, %s: %s\n", what_names[what],
			(unsigned long long)n, for_good ? " and all later" : "",
			v6 ? "IPv6" : "IPv4", l.why);
	*ok = !l.why;
	return what == FAIL_MEMORY ? memfail_hit(&l.mem) : buffer_failures(pool) > before;
}

static unsigned series(struct mbuf_pool *pool, enum what what, bool for_good)
{
	unsigned bad = 0;
	uint64_t n = 1;
	bool ok = true;

	while (bad < 10 && n < N_MAX && live(pool, what, n, for_good, &ok)) {
		bad += !ok;
		n++;
	}
	printf("%s%s: %llu allocations failed in turn\n", what_names[what],
	       for_good ? ", for good" : "", (unsigned long long)n - 1);
	/* So few: the injection does not work. */
	return bad + !ok + (n < 5);
}

int main(void)
{
	struct plat_eal_conf eal = {.huge = PLAT_HUGE_NEVER, .mem_mb = 64};
	struct mbuf_pool_conf pc = {.name = "host", .count = {2048, 128}, .reserve = {128, 8}};
	struct mbuf_pool *pool;
	unsigned bad = 0;
	char err[256];

	if (plat_eal_init(&eal, err, sizeof(err)) < 0 || mbuf_pool_create(&pc, &pool) < 0) {
		fprintf(stderr, "test_sim_sock_nth: cannot start: %s\n", err);
		return 1;
	}
	for (unsigned what = 0; what < FAIL_KINDS; what++)
		for (unsigned for_good = 0; for_good < 2; for_good++)
			bad += series(pool, (enum what)what, for_good);
	mbuf_pool_destroy(pool);
	printf("%u lives failed\n", bad);
	return bad != 0;
}
