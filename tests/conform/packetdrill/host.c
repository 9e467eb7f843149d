/* SPDX-License-Identifier: BSD-2-Clause */
/* See host.h. */
#include "host.h"

#include "api/current.h"
#include "inet/inet.h"
#include "plat/eal.h"
#include "sock/socket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define US_NS       UINT64_C(1000)
#define MS_NS       UINT64_C(1000000)
#define S_NS        UINT64_C(1000000000)
#define START_NS    S_NS
#define WALL_NS     (UINT64_C(1700000000) * S_NS)
#define MAX_SOCKETS 1024u
/* Rounds at one instant: more is an endless loop. */
#define ROUNDS_MAX 100000u
/* While a call is blocked its own time limit is not known here: look this often. */
#define GUEST_STEP_NS MS_NS
#define STUCK_NS      (3600 * S_NS)

static uint64_t mono_ns(void *ctx)
{
	return ((struct host *)ctx)->now_ns;
}

static uint64_t wall_ns(void *ctx)
{
	return WALL_NS + ((struct host *)ctx)->now_ns;
}

/* splitmix64: the same numbers in every run. */
static void random_bytes(void *ctx, void *buf, size_t len)
{
	struct host *h = ctx;
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++) {
		uint64_t z = h->rng += UINT64_C(0x9e3779b97f4a7c15);

		z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
		p[i] = (uint8_t)(z ^ (z >> 31));
	}
}

bool host_is_mover(const struct host *h)
{
	return pthread_equal(h->mover, pthread_self());
}

/* A call of the mover waits: nobody else makes time pass. */
static void pass_time(struct host *h)
{
	uint64_t next = min_u64(stack_next_ns(h->s), h->now_ns + GUEST_STEP_NS);

	h->now_ns = max_u64(next, h->now_ns + US_NS);
	h->patience_ns += GUEST_STEP_NS;
	if (h->patience_ns > STUCK_NS) {
		fprintf(stderr, "leat: a call waits for what never happens\n");
		exit(1);
	}
}

/* The stack is about to sleep: ipport's wait_fd. */
static int on_sleep(void *ctx)
{
	struct host *h = ctx;

	if (host_is_mover(h)) {
		pass_time(h);
		return h->ready_fd;
	}
	h->guest = HOST_GUEST_BLOCKED;
	pthread_cond_signal(&h->settled);
	while (!h->woken)
		pthread_cond_wait(&h->moved, &h->lock);
	h->woken = false;
	h->guest = HOST_GUEST_RUNNING;
	return h->ready_fd;
}

/* Let a blocked call look at what has changed, until it blocks again or is over. */
static void settle(struct host *h)
{
	if (h->guest != HOST_GUEST_BLOCKED || !host_is_mover(h))
		return;
	h->woken = true;
	pthread_cond_signal(&h->moved);
	while (h->woken || h->guest == HOST_GUEST_RUNNING)
		pthread_cond_wait(&h->settled, &h->lock);
}

static void rounds(struct host *h)
{
	for (unsigned n = 0; stack_poll(h->s) > 0; n++) {
		if (n == ROUNDS_MAX) {
			fprintf(stderr, "leat: busy for ever at %.6f s\n",
				(double)h->now_ns / (double)S_NS);
			abort();
		}
	}
}

static void run(struct host *h)
{
	rounds(h);
	settle(h);
	rounds(h);
}

static uint64_t next_ns(const struct host *h)
{
	uint64_t next = stack_next_ns(h->s);

	return h->guest == HOST_GUEST_BLOCKED ? min_u64(next, h->now_ns + GUEST_STEP_NS) : next;
}

static void step(struct host *h, uint64_t to_ns)
{
	/* The wheel answers with a time not after the next expiry: always go on. */
	h->now_ns = max_u64(to_ns, h->now_ns + 1);
	run(h);
}

static void advance(struct host *h, uint64_t ns)
{
	uint64_t end = h->now_ns + ns;

	for (;;) {
		uint64_t next = next_ns(h);

		if (next >= end)
			break;
		step(h, next);
	}
	h->now_ns = end;
	run(h);
}

void host_advance(struct host *h, uint64_t ns)
{
	pthread_mutex_lock(&h->lock);
	advance(h, ns);
	pthread_mutex_unlock(&h->lock);
}

uint64_t host_time(struct host *h)
{
	uint64_t ns;

	pthread_mutex_lock(&h->lock);
	ns = h->guest_done_ns;
	if (host_is_mover(h) || ns == 0) {
		advance(h, US_NS);
		ns = h->now_ns;
	} else {
		h->guest_done_ns = 0;
	}
	pthread_mutex_unlock(&h->lock);
	return ns;
}

struct ippkt *host_wait_packet(struct host *h, uint64_t limit_ns)
{
	uint64_t end = h->now_ns + limit_ns;

	for (;;) {
		struct ippkt *k = ipport_sent(h->port);
		uint64_t next = next_ns(h);

		if (k)
			return k;
		if (next >= end)
			return NULL;
		step(h, next);
	}
}

void host_enter(struct host *h)
{
	pthread_mutex_lock(&h->lock);
	current.stack = h->s;
	h->patience_ns = 0;
	if (!host_is_mover(h))
		h->guest = HOST_GUEST_RUNNING;
}

void host_leave(struct host *h)
{
	int err = errno;

	rounds(h);
	if (host_is_mover(h)) {
		run(h);
	} else {
		h->guest = HOST_GUEST_AWAY;
		h->guest_done_ns = h->now_ns;
		pthread_cond_signal(&h->settled);
	}
	pthread_mutex_unlock(&h->lock);
	errno = err;
}

/* ---- set-up ---- */

static int add_addr(struct host *h, const char *text)
{
	char addr[64];
	const char *slash = strchr(text, '/');
	struct ipaddr a;

	if (!slash || (size_t)(slash - text) >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	if (ipaddr_parse(addr, &a) < 0)
		return -EINVAL;
	return inet_addr_add(h->s, 0, &a, (uint8_t)strtoul(slash + 1, NULL, 10));
}

/* Everybody is a neighbour. */
static int add_route(struct host *h, const char *prefix)
{
	struct ipprefix p;
	int rc = ipprefix_parse(prefix, &p);

	return rc < 0 ? rc : inet_route_add(h->s, &p, NULL, 0, 0);
}

static int add_port(struct host *h, const struct host_conf *conf)
{
	int rc;

	h->port = ipport_create(h->pool, conf->mtu, on_sleep, h);
	rc = stack_port_add(h->s, ipport_port(h->port));
	if (rc < 0)
		return rc;
	rc = inet_init(h->s);
	if (rc < 0)
		return rc;
	rc = inet_iface_add(h->s, 0);
	if (rc == 0)
		rc = add_addr(h, conf->addr4);
	if (rc == 0)
		rc = add_addr(h, conf->addr6);
	if (rc == 0)
		rc = add_route(h, "0.0.0.0/0");
	return rc < 0 ? rc : add_route(h, "::/0");
}

static int add_stack(struct host *h)
{
	struct mbuf_pool_conf pc = {
		.name = "packetdrill", .count = {8192, 1024}, .reserve = {256, 32}};
	struct stack_conf sc = {
		.env = {.mono_ns = mono_ns,
			.wall_ns = wall_ns,
			.random = random_bytes,
			.ctx = h,
			.mem = mem_libc()},
		.max_sockets = MAX_SOCKETS,
	};
	int rc = mbuf_pool_create(&pc, &h->pool);

	if (rc < 0)
		return rc;
	random_bytes(h, sc.env.secret, sizeof(sc.env.secret));
	sc.pool = h->pool;
	return stack_create(&sc, &h->s);
}

int host_init(struct host *h, const struct host_conf *conf)
{
	static const struct plat_eal_conf eal = {.huge = PLAT_HUGE_NEVER, .mem_mb = 64};
	struct sock_conf sock = {.spin_ns = 1};
	char err[256] = "";
	int rc;

	*h = (struct host){.now_ns = START_NS, .mover = pthread_self()};
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->moved, NULL);
	pthread_cond_init(&h->settled, NULL);
	h->ready_fd = eventfd(1, EFD_CLOEXEC);
	rc = plat_eal_init(&eal, err, sizeof(err));
	if (rc == 0)
		rc = add_stack(h);
	if (rc == 0)
		rc = add_port(h, conf);
	if (rc == 0)
		rc = sock_init(h->s, &sock);
	if (rc < 0) {
		fprintf(stderr, "leat: %s%s\n",
			err[0] ? err : "set-up: ", err[0] ? "" : strerror(-rc));
		return rc;
	}
	/* Polling does not make this clock go on: sleep at once. */
	h->s->sock->spin_ns = 0;
	rounds(h);
	return 0;
}

void host_fini(struct host *h)
{
	struct ippkt *k;

	current.stack = h->s;
	sock_fini(h->s);
	inet_fini(h->s);
	while ((k = ipport_sent(h->port)) != NULL)
		free(k);
	stack_destroy(h->s);
	(void)mbuf_pool_destroy(h->pool);
	close(h->ready_fd);
}
