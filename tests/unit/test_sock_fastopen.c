/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP Fast Open from the program's side, through all layers and over the loopback interface. */
#include "sockhost.h"

#include "base/endian.h"

#include <leat/sysctl.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

struct env {
	struct sockhost h;
	int family, l;
	struct sockaddr_storage addr;
	socklen_t len;
};

static void listen_at(struct env *e)
{
	struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in any4 = {.sin_family = AF_INET};

	store_be32(&any4.sin_addr, INADDR_LOOPBACK);
	e->len = e->family == AF_INET ? sizeof(any4) : sizeof(any6);
	if (e->family == AF_INET)
		memcpy(&e->addr, &any4, sizeof(any4));
	else
		memcpy(&e->addr, &any6, sizeof(any6));
	e->l = leat_socket(e->family, SOCK_STREAM, 0);
	assert_true(e->l >= 0);
	assert_int_equal(leat_bind(e->l, (const struct sockaddr *)&e->addr, e->len), 0);
	assert_int_equal(leat_listen(e->l, 8), 0);
	assert_int_equal(leat_getsockname(e->l, (struct sockaddr *)&e->addr, &e->len), 0);
}

static int setup(void **state, int family)
{
	static struct env e;
	int on = 16;

	memset(&e, 0, sizeof(e));
	sockhost_create(&e.h, &(struct sockhost_conf){.real = true});
	assert_int_equal(leat_sysctl_set("net.ipv4.tcp_fastopen", "3"), 0);
	e.family = family;
	listen_at(&e);
	assert_int_equal(leat_setsockopt(e.l, IPPROTO_TCP, TCP_FASTOPEN, &on, sizeof(on)), 0);
	*state = &e;
	return 0;
}

static int setup4(void **state)
{
	return setup(state, AF_INET);
}

static int setup6(void **state)
{
	return setup(state, AF_INET6);
}

static int teardown(void **state)
{
	struct env *e = *state;

	sockhost_destroy(&e->h);
	return 0;
}

static int client(const struct env *e)
{
	int fd = leat_socket(e->family, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	return fd;
}

static void set_connect(int fd)
{
	int on = 1;

	assert_int_equal(leat_setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on)),
			 0);
}

static int dial(const struct env *e, int fd)
{
	return leat_connect(fd, (const struct sockaddr *)&e->addr, e->len);
}

static bool text_on_syn(int fd)
{
	struct tcp_info ti;
	socklen_t len = sizeof(ti);

	assert_int_equal(leat_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len), 0);
	return (ti.tcpi_options & TCPI_OPT_SYN_DATA) != 0;
}

/* The next connection brings this text; it is answered, and the answer arrives. */
static void serve(const struct env *e, int c, const char *text, bool fast)
{
	int s = leat_accept(e->l, NULL, NULL);
	char buf[64];
	ssize_t n = (ssize_t)strlen(text);

	assert_true(s >= 0);
	assert_int_equal(leat_recv(s, buf, sizeof(buf), 0), n);
	assert_memory_equal(buf, text, (size_t)n);
	assert_int_equal(text_on_syn(s), fast);
	assert_int_equal(leat_send(s, "answer", 6, 0), 6);
	assert_int_equal(leat_recv(c, buf, sizeof(buf), 0), 6);
	assert_int_equal(text_on_syn(c), fast);
	assert_int_equal(leat_close(s), 0);
	assert_int_equal(leat_close(c), 0);
}

/* The first connection has no cookie yet. */
static void learn(const struct env *e)
{
	int c = client(e);

	set_connect(c);
	assert_int_equal(dial(e, c), 0);
	assert_int_equal(leat_send(c, "first", 5, 0), 5);
	serve(e, c, "first", false);
}

static void connect_then_write(void **state)
{
	const struct env *e = *state;
	int c;

	learn(e);
	c = client(e);
	set_connect(c);
	assert_int_equal(dial(e, c), 0);
	/* As far as the program sees: connected, writable. */
	assert_int_equal(leat_send(c, "second", 6, 0), 6);
	serve(e, c, "second", true);
}

static void send_to(void **state)
{
	const struct env *e = *state;
	const struct sockaddr *to = (const struct sockaddr *)&e->addr;
	int c = client(e);

	/* Without a cookie it connects first. */
	assert_int_equal(leat_sendto(c, "one", 3, MSG_FASTOPEN, to, e->len), 3);
	serve(e, c, "one", false);
	c = client(e);
	assert_int_equal(leat_sendto(c, "two", 3, MSG_FASTOPEN, to, e->len), 3);
	assert_int_equal(leat_sendto(c, "x", 1, MSG_FASTOPEN, to, e->len), -1);
	assert_true(errno == EISCONN || errno == EALREADY);
	serve(e, c, "two", true);
	c = client(e);
	assert_int_equal(leat_send(c, "x", 1, MSG_FASTOPEN), -1);
	assert_int_equal(errno, EDESTADDRREQ);
	assert_int_equal(leat_close(c), 0);
}

/* Who reads before writing gets a connection all the same. */
static void read_first(void **state)
{
	const struct env *e = *state;
	int c, s;
	char byte;

	learn(e);
	c = client(e);
	set_connect(c);
	assert_int_equal(dial(e, c), 0);
	assert_int_equal(leat_recv(c, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	s = leat_accept(e->l, NULL, NULL);
	assert_true(s >= 0);
	assert_int_equal(leat_send(s, "!", 1, 0), 1);
	assert_int_equal(leat_recv(c, &byte, 1, 0), 1);
	assert_int_equal(leat_close(s), 0);
	assert_int_equal(leat_close(c), 0);
}

static void settings(void **state)
{
	char text[LEAT_SYSCTL_MAX];

	(void)state;
	assert_int_equal(leat_sysctl_get("tcp_fastopen", text, sizeof(text)), 0);
	assert_string_equal(text, "3");
	assert_int_equal(leat_sysctl_get("tcp_nothing", text, sizeof(text)), -1);
	assert_int_equal(errno, ENOENT);
	assert_non_null(strstr(leat_strerror(), "tcp_nothing"));
	assert_int_equal(leat_sysctl_set("tcp_fastopen", "x"), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(leat_sysctl_set("tcp_fastopen", NULL), -1);
	assert_int_equal(errno, EINVAL);
}

#define BOTH(fn) \
	cmocka_unit_test_setup_teardown(fn, setup4, teardown), \
		cmocka_unit_test_setup_teardown(fn, setup6, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(connect_then_write),
		BOTH(send_to),
		BOTH(read_first),
		BOTH(settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
