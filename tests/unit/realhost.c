/* SPDX-License-Identifier: BSD-2-Clause */
/* See sockhost.h: the real TCP, UDP and internet layer, talking to themselves. */
#include "sockhost.h"

#include "api/current.h"
#include "api/remote.h"
#include "plat/clock.h"
#include "sock/socket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static uint64_t real_ns(void *ctx)
{
	(void)ctx;
	return plat_mono_ns();
}

static uint64_t wall_ns(void *ctx)
{
	(void)ctx;
	return plat_wall_ns();
}

/* Of the port; sockhost_addr() is a loopback address (loopaddr.c). */
struct ipaddr realhost_addr(bool v6)
{
	static const uint8_t a[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};

	return v6 ? ipaddr_v6(a) : ipaddr_v4(0x0a090001);
}

void sockhost_create(struct sockhost *h, const struct sockhost_conf *conf)
{
	struct ipaddr a4 = realhost_addr(false), a6 = realhost_addr(true);
	struct sock_conf sc = {
		.spin_ns = 1,
		.owners = &process.owners,
	};

	assert_true(conf->real);
	assert_int_equal(worker_enter(&current.id), 0);
	sc.worker = current.id;
	fakehost_create(&h->host, &(struct fakehost_conf){.n_ports = 1});
	h->s = h->host.s;
	h->s->env.mono_ns = real_ns;
	h->s->env.wall_ns = wall_ns;
	h->s->now_ns = plat_mono_ns();
	wheel_init(&h->s->wheel, h->s->now_ns);
	assert_int_equal(inet_init(h->s), 0);
	assert_int_equal(inet_iface_add(h->s, 0), 0);
	assert_int_equal(inet_addr_add(h->s, 0, &a4, 24), 0);
	assert_int_equal(inet_addr_add(h->s, 0, &a6, 64), 0);
	assert_int_equal(sock_init(h->s, &sc), 0);
	current.stack = h->s;
	worker_ready(current.id, h->s);
}

void sockhost_destroy(struct sockhost *h)
{
	worker_close(current.id);
	sock_fini(h->s);
	worker_leave(current.id);
	current.id = 0;
	inet_fini(h->s);
	current.stack = NULL;
	(void)fakeport_forget(h->host.port[0]);
	fakehost_destroy(&h->host);
}

/* Everything happens at once here, but for what a timer of a few ticks is to do. */
#define SETTLE_NS (3 * PLAT_NS_PER_MS)

void sockhost_run(struct sockhost *h)
{
	uint64_t until = plat_mono_ns() + SETTLE_NS;

	while (stack_poll(h->s) > 0 || h->s->now_ns < until)
		(void)stack_sleep(h->s, until, -1, NULL);
}
