/* SPDX-License-Identifier: BSD-2-Clause */
/* See sockhost.h. Asserts where a test could not go on. */
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

#include <string.h>

static uint64_t real_ns(void *ctx)
{
	(void)ctx;
	return plat_mono_ns();
}

/* A time of day that stands still: absolute timers count from it. */
static uint64_t wall_ns(void *ctx)
{
	(void)ctx;
	return UINT64_C(1700000000) * 1000000000;
}

void sockhost_create(struct sockhost *h, const struct sockhost_conf *conf)
{
	struct sock_numbers plain;
	struct sock_conf sc = {.spin_ns = 1, .worker = 1};

	fakehost_create(&h->host, &(struct fakehost_conf){.n_ports = 0});
	h->s = h->host.s;
	if (conf->real) {
		h->s->env.mono_ns = real_ns;
		h->s->now_ns = plat_mono_ns();
		wheel_init(&h->s->wheel, h->s->now_ns);
		current.stack = h->s;
		sc.owners = &process.owners;
		assert_int_equal(worker_enter(&current.id), 0);
		sc.worker = current.id;
	} else {
		assert_int_equal(sock_numbers_plain(h->s->env.mem, &plain), 0);
		sc.numbers = &plain;
	}
	h->s->env.wall_ns = wall_ns;
	fakeinet_init(h->s);
	assert_int_equal(sock_init(h->s, &sc), 0);
}

void sockhost_destroy(struct sockhost *h)
{
	if (current.stack == h->s)
		worker_leave(current.id);
	sock_fini(h->s);
	fakeinet_fini(h->s);
	if (current.stack == h->s)
		current.stack = NULL;
	current.id = 0;
	fakehost_destroy(&h->host);
}

struct ipaddr sockhost_addr(bool v6)
{
	return v6 ? ipaddr_loopback6() : ipaddr_loopback4();
}

void sockhost_run(struct sockhost *h)
{
	while (stack_poll(h->s) > 0)
		;
}

struct socket *sockhost_socket(struct sockhost *h, int fd)
{
	struct socket *so;

	assert_int_equal(sock_find(h->s, fd, &so), 0);
	return so;
}

int sockhost_listen(struct sockhost *h, int family, struct sockaddr_storage *addr, socklen_t *len)
{
	int fd = sock_socket(h->s, family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(sock_listen(h->s, fd, 16), 0);
	*len = sizeof(*addr);
	assert_int_equal(sock_getsockname(h->s, fd, (struct sockaddr *)addr, len), 0);
	if (family == AF_INET)
		((struct sockaddr_in *)addr)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		((struct sockaddr_in6 *)addr)->sin6_addr = in6addr_loopback;
	return fd;
}

void sockhost_pair(struct sockhost *h, int *client, int *server)
{
	struct sockaddr_storage addr;
	socklen_t len;
	int l = sockhost_listen(h, AF_INET, &addr, &len);

	*client = sock_socket(h->s, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(sock_connect(h->s, *client, (struct sockaddr *)&addr, len), -EINPROGRESS);
	sockhost_run(h);
	*server = sock_accept(h->s, l, NULL, NULL, SOCK_NONBLOCK);
	assert_true(*server >= 0);
	assert_int_equal(sock_connect(h->s, *client, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(sock_close(h->s, l), 0);
	sockhost_run(h);
}
