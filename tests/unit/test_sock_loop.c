/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loopback interface under real sockets: a stream in superpackets, any address of 127.0.0.0/8,
 * refusals, floods, and what must not leave the host. The port's own address works the same way.
 */
#include "sockhost.h"

#include "inet/counters.h"
#include "inet/inet.h"
#include "inet/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

union name {
	struct sockaddr sa;
	struct sockaddr_in sin;
	struct sockaddr_in6 sin6;
};

static socklen_t name_of(union name *n, const struct ipaddr *a, uint16_t port)
{
	memset(n, 0, sizeof(*n));
	if (ipaddr_is_v4(a)) {
		n->sin.sin_family = AF_INET;
		n->sin.sin_port = htons(port);
		store_be32(&n->sin.sin_addr, ipaddr_to_v4(a));
		return sizeof(n->sin);
	}
	n->sin6.sin6_family = AF_INET6;
	n->sin6.sin6_port = htons(port);
	memcpy(&n->sin6.sin6_addr, a->b, 16);
	return sizeof(n->sin6);
}

static int open_socket(struct sockhost *h, const struct ipaddr *a, int type)
{
	int fd = sock_socket(h->s, ipaddr_is_v4(a) ? AF_INET : AF_INET6, type | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	return fd;
}

/* A connected pair through listen on a:port. */
static void stream_pair(struct sockhost *h, const struct ipaddr *a, int fd[2])
{
	union name n;
	socklen_t len = name_of(&n, a, 7000);
	int l = open_socket(h, a, SOCK_STREAM);

	assert_int_equal(sock_bind(h->s, l, &n.sa, len), 0);
	assert_int_equal(sock_listen(h->s, l, 4), 0);
	fd[0] = open_socket(h, a, SOCK_STREAM);
	assert_int_equal(sock_connect(h->s, fd[0], &n.sa, len), -EINPROGRESS);
	sockhost_run(h);
	fd[1] = sock_accept(h->s, l, NULL, NULL, SOCK_NONBLOCK);
	assert_true(fd[1] >= 0);
	assert_int_equal(sock_close(h->s, l), 0);
}

#define STREAM_BYTES (4u << 20)

static uint8_t byte_at(uint32_t off)
{
	return (uint8_t)(off * 2654435761u >> 13);
}

static uint32_t push(struct sockhost *h, int fd, uint32_t off, uint8_t *buf, uint32_t n)
{
	ssize_t r;

	n = min_u32(n, STREAM_BYTES - off);
	for (uint32_t i = 0; i < n; i++)
		buf[i] = byte_at(off + i);
	r = sock_write(h->s, fd, buf, n);
	return r < 0 ? 0 : (uint32_t)r;
}

static uint32_t pull(struct sockhost *h, int fd, uint32_t off, uint8_t *buf, uint32_t n)
{
	ssize_t r = sock_read(h->s, fd, buf, n);

	for (ssize_t i = 0; i < r; i++)
		assert_int_equal(buf[i], byte_at(off + (uint32_t)i));
	return r < 0 ? 0 : (uint32_t)r;
}

static void check_stream(const struct ipaddr *a)
{
	static uint8_t buf[65536];
	const struct inet_counters *c;
	uint32_t sent = 0, got = 0;
	uint64_t packets;
	struct sockhost h;
	int fd[2];

	sockhost_create(&h, &(struct sockhost_conf){.real = true});
	c = inet_counters(h.s, !ipaddr_is_v4(a));
	stream_pair(&h, a, fd);
	packets = c->in;
	for (unsigned i = 0; got < STREAM_BYTES; i++) {
		assert_true(i < 100000);
		sent += push(&h, fd[0], sent, buf, sizeof(buf));
		(void)stack_poll(h.s);
		got += pull(&h, fd[1], got, buf, sizeof(buf));
	}
	/* Superpackets pass whole: data and acknowledgements come to far fewer than in segments. */
	assert_true(c->in - packets < STREAM_BYTES / 1448 / 4);
	assert_true(c->looped > 0);
	assert_int_equal(h.host.port[0]->total_tx - h.host.port[0]->n_tx, 0);
	assert_int_equal(sock_close(h.s, fd[0]), 0);
	sockhost_run(&h);
	assert_int_equal(sock_read(h.s, fd[1], buf, 1), 0);
	assert_int_equal(sock_close(h.s, fd[1]), 0);
	sockhost_run(&h);
	sockhost_destroy(&h);
}

/* Over 127.0.0.1 and ::1, an address of the port, and one that nobody configured. */
static void test_stream(void **state)
{
	struct ipaddr a[] = {ipaddr_loopback4(), ipaddr_loopback6(), realhost_addr(false),
			     realhost_addr(true), ipaddr_v4(0x7f010203)};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(a); i++)
		check_stream(&a[i]);
}

/* A datagram to a, from a socket bound to from; it arrives with that source. */
static void check_datagram(const struct ipaddr *a, const struct ipaddr *from)
{
	struct sockhost h;
	union name to, src, got;
	socklen_t to_len = name_of(&to, a, 7001), src_len = name_of(&src, from, 7002);
	struct iovec iov = {(char[]){"ping"}, 4};
	struct msghdr msg = {.msg_name = &to, .msg_iov = &iov, .msg_iovlen = 1};
	char buf[8];
	int r, c;

	sockhost_create(&h, &(struct sockhost_conf){.real = true});
	r = open_socket(&h, a, SOCK_DGRAM);
	c = open_socket(&h, a, SOCK_DGRAM);
	assert_int_equal(sock_bind(h.s, r, &to.sa, to_len), 0);
	assert_int_equal(sock_bind(h.s, c, &src.sa, src_len), 0);
	msg.msg_namelen = to_len;
	assert_int_equal(sock_sendmsg(h.s, c, &msg, 0), 4);
	/* Never from inside the sender's call. */
	iov = (struct iovec){buf, sizeof(buf)};
	msg.msg_name = &got;
	msg.msg_namelen = sizeof(got);
	assert_int_equal(sock_recvmsg(h.s, r, &msg, 0), -EAGAIN);
	sockhost_run(&h);
	msg.msg_namelen = sizeof(got);
	assert_int_equal(sock_recvmsg(h.s, r, &msg, 0), 4);
	assert_memory_equal(buf, "ping", 4);
	assert_memory_equal(&got, &src, src_len);
	sockhost_destroy(&h);
}

static void test_datagram(void **state)
{
	struct ipaddr lo4 = ipaddr_loopback4(), lo6 = ipaddr_loopback6(), x = ipaddr_v4(0x7f000009);
	struct ipaddr own4 = realhost_addr(false), own6 = realhost_addr(true);

	(void)state;
	check_datagram(&lo4, &lo4);
	check_datagram(&lo6, &lo6);
	check_datagram(&lo4, &x);
	check_datagram(&x, &lo4);
	check_datagram(&own4, &lo4);
	check_datagram(&lo4, &own4);
	check_datagram(&own6, &lo6);
	check_datagram(&lo6, &own6);
}

static void check_refused(const struct ipaddr *a)
{
	union name n;
	socklen_t len = name_of(&n, a, 9), elen = sizeof(int);
	struct sockhost h;
	int t, u, err = 0;

	sockhost_create(&h, &(struct sockhost_conf){.real = true});
	t = open_socket(&h, a, SOCK_STREAM);
	u = open_socket(&h, a, SOCK_DGRAM);
	assert_int_equal(sock_connect(h.s, t, &n.sa, len), -EINPROGRESS);
	assert_int_equal(sock_connect(h.s, u, &n.sa, len), 0);
	/* Errors to ourselves are not limited: each of many is told. */
	for (unsigned i = 0; i < 50; i++) {
		assert_int_equal(sock_write(h.s, u, "x", 1), 1);
		sockhost_run(&h);
		assert_int_equal(sock_write(h.s, u, "x", 1), -ECONNREFUSED);
	}
	assert_int_equal(sock_getsockopt(h.s, t, SOL_SOCKET, SO_ERROR, &err, &elen), 0);
	assert_int_equal(err, ECONNREFUSED);
	sockhost_destroy(&h);
}

static void test_refused(void **state)
{
	struct ipaddr a[] = {ipaddr_loopback4(), ipaddr_loopback6(), ipaddr_v4(0x7fffff01)};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(a); i++)
		check_refused(&a[i]);
}

/* A program that only sends is bounded, and everything it sent beyond is counted. */
static void check_flood(bool v6)
{
	struct ipaddr a = sockhost_addr(v6);
	union name n;
	socklen_t len = name_of(&n, &a, 7001);
	struct sockhost h;
	int fd;

	sockhost_create(&h, &(struct sockhost_conf){.real = true});
	fd = open_socket(&h, &a, SOCK_DGRAM);
	assert_int_equal(sock_connect(h.s, fd, &n.sa, len), 0);
	/* The calls flush now and then; what waits at any time is what is bounded. */
	for (unsigned i = 0; i < 3 * INET_LOOP_MAX; i++) {
		struct inet_out o = {.src = a, .dst = a, .proto = INET_PROTO_UDP};
		mbuf_own m = mbuf_alloc(h.host.pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_TX);

		assert_non_null(m.m);
		memset(mbuf_append(m.m, 8), 0, 8);
		assert_int_equal(inet_output(h.s, m, &o, NULL), 0);
		assert_true(h.s->inet->loop.count <= INET_LOOP_MAX);
	}
	assert_int_equal(fakehost_drops(&h.host, DROP_IP_LOOP_FULL), 2 * INET_LOOP_MAX);
	sockhost_destroy(&h);
}

static void test_flood(void **state)
{
	(void)state;
	check_flood(false);
	check_flood(true);
}

/* RFC 1122 3.2.1.3 g: bound to loopback, the wire is out of reach. */
static void check_stays_home(bool v6)
{
	static const uint8_t far6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 9};
	struct ipaddr a = sockhost_addr(v6), far = v6 ? ipaddr_v6(far6) : ipaddr_v4(0x0a090009);
	union name n;
	struct sockhost h;
	int fd;

	sockhost_create(&h, &(struct sockhost_conf){.real = true});
	sockhost_run(&h);
	(void)fakeport_forget(h.host.port[0]);
	fd = open_socket(&h, &a, SOCK_DGRAM);
	assert_int_equal(sock_bind(h.s, fd, &n.sa, name_of(&n, &a, 0)), 0);
	assert_int_equal(sock_connect(h.s, fd, &n.sa, name_of(&n, &far, 9)), 0);
	assert_int_equal(sock_write(h.s, fd, "x", 1), -EINVAL);
	sockhost_run(&h);
	assert_int_equal(h.host.port[0]->n_tx, 0);
	assert_int_equal(fakehost_drops(&h.host, DROP_IP_BAD_SRC), 1);
	sockhost_destroy(&h);
}

static void test_stays_home(void **state)
{
	(void)state;
	check_stays_home(false);
	check_stays_home(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stream),     cmocka_unit_test(test_datagram),
		cmocka_unit_test(test_refused),    cmocka_unit_test(test_flood),
		cmocka_unit_test(test_stays_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
