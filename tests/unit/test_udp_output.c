/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP: binding as Linux allows it, and what goes out. */
#include "fakeinet.h"
#include "fakeport.h"
#include "udp/pcb.h"
#include "wire/pseudo.h"
#include "wire/udp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

static void on_readable(struct stack *s, void *so)
{
	(void)s;
	(void)so;
}

static void on_error(struct stack *s, void *so, int err)
{
	(void)s;
	(void)so;
	(void)err;
}

static const struct udp_events events = {.readable = on_readable, .error = on_error};

static int setup(void **state)
{
	struct fakehost *h = test_calloc(1, sizeof(*h));

	fakehost_create(h, &(struct fakehost_conf){0});
	fakeinet_init(h->s);
	assert_int_equal(udp_init(h->s, &events), 0);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	struct fakehost *h = *state;

	udp_fini(h->s);
	fakeinet_fini(h->s);
	fakehost_destroy(h);
	test_free(h);
	return 0;
}

static ssize_t send_to(struct udp_pcb *p, const struct iovec *iov, int n, const struct ipaddr *a,
		       uint16_t port)
{
	struct udp_to to = {
		.addr = a, .port = port, .ttl = -1, .tos = -1, .dontfrag = -1, .gso_size = -1};

	return udp_send(p, iov, n, &to);
}

static const struct ipaddr *addr(const char *text)
{
	static struct ipaddr a[4];
	static unsigned next;

	next = (next + 1) % 4;
	assert_int_equal(ipaddr_parse(text, &a[next]), 0);
	return &a[next];
}

/* Two sockets on one port: first bound, then what the second may. */
static void test_conflicts(void **state)
{
	static const struct {
		const char *a;
		unsigned a_flags;
		const char *b;
		unsigned b_flags;
		int rc;
	} rows[] = {
		{"0.0.0.0", 0, "0.0.0.0", 0, -EADDRINUSE},
		{"0.0.0.0", 0, "10.0.0.1", 0, -EADDRINUSE},
		{"10.0.0.1", 0, "0.0.0.0", 0, -EADDRINUSE},
		{"10.0.0.1", 0, "127.0.0.1", 0, 0},
		{"10.0.0.1", 0, "10.0.0.1", UDP_BIND_REUSEADDR, -EADDRINUSE},
		{"10.0.0.1", UDP_BIND_REUSEADDR, "10.0.0.1", UDP_BIND_REUSEADDR, 0},
		{"10.0.0.1", UDP_BIND_REUSEPORT, "10.0.0.1", UDP_BIND_REUSEPORT, 0},
		{"10.0.0.1", UDP_BIND_REUSEPORT, "10.0.0.1", UDP_BIND_REUSEADDR, -EADDRINUSE},
		{"::", 0, "0.0.0.0", 0, -EADDRINUSE},
		{"::", UDP_BIND_V6ONLY, "0.0.0.0", 0, 0},
		{"0.0.0.0", 0, "::", 0, -EADDRINUSE},
		{"0.0.0.0", 0, "::", UDP_BIND_V6ONLY, 0},
		{"::", 0, "10.0.0.1", 0, -EADDRINUSE},
		{"10.0.0.1", 0, "::", UDP_BIND_V6ONLY, 0},
		{"::", 0, "2001:db8::1", 0, -EADDRINUSE},
		{"2001:db8::1", 0, "::1", 0, 0},
		{"2001:db8::1", 0, "10.0.0.1", 0, 0},
	};
	struct fakehost *h = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct udp_pcb *a = udp_create(h->s, true, NULL);
		struct udp_pcb *b = udp_create(h->s, true, NULL);
		int rc;

		assert_int_equal(udp_bind(a, addr(rows[i].a), 53, rows[i].a_flags), 0);
		rc = udp_bind(b, addr(rows[i].b), 53, rows[i].b_flags);
		if (rc != rows[i].rc)
			print_error("row %zu: %d\n", i, rc);
		assert_int_equal(rc, rows[i].rc);
		udp_close(a);
		/* What was in the way is gone. */
		if (rc < 0)
			assert_int_equal(udp_bind(b, addr(rows[i].b), 53, rows[i].b_flags), 0);
		udp_close(b);
	}
}

static void test_addresses(void **state)
{
	struct fakehost *h = *state;
	struct udp_pcb *p = udp_create(h->s, false, NULL);
	struct ipaddr a;
	uint16_t port;

	assert_int_equal(udp_bind(p, addr("192.0.2.7"), 53, 0), -EADDRNOTAVAIL);
	assert_int_equal(udp_bind(p, addr("192.0.2.7"), 53, UDP_BIND_FOREIGN), 0);
	assert_int_equal(udp_bind(p, addr("10.0.0.1"), 54, 0), -EINVAL);
	udp_close(p);
	p = udp_create(h->s, false, NULL);
	assert_int_equal(udp_bind(p, addr("0.0.0.0"), 0, 0), 0);
	udp_local(p, &a, &port);
	assert_in_range(port, 32768, 60999);
	udp_close(p);
}

static struct mbuf *sent(struct fakehost *h, struct inet_out *o, struct udphdr *u)
{
	struct mbuf *m = fakeinet_sent(h->s, o);

	assert_non_null(m);
	assert_int_equal(udp_parse_first(u, mbuf_view(m), mbuf_len(m), false), 0);
	return m;
}

static void send_one(struct fakehost *h, const char *to, const char *from)
{
	struct udp_pcb *p = udp_create(h->s, !ipaddr_is_v4(addr(to)), NULL);
	struct iovec iov[2] = {{(char[]){"hello "}, 6}, {(char[]){"world"}, 5}};
	struct inet_out o;
	struct udphdr u;
	struct mbuf *m;
	char got[11];

	udp_opts(p)->tos = 0x28;
	udp_opts(p)->ttl = 9;
	assert_int_equal(send_to(p, iov, 2, NULL, 0), -EDESTADDRREQ);
	assert_int_equal(send_to(p, iov, 2, addr(to), 53), 11);
	m = sent(h, &o, &u);
	assert_true(ipaddr_eq(&o.src, addr(from)) && ipaddr_eq(&o.dst, addr(to)));
	assert_int_equal(o.tos, 0x28);
	assert_int_equal(o.ttl, 9);
	assert_int_equal(u.dport, 53);
	assert_int_equal(u.len, 19);
	/* The port is to finish the checksum. */
	assert_int_equal(m->meta.csum, MBUF_CSUM_PARTIAL);
	assert_int_equal(m->meta.csum_field, UDP_OFF_CSUM);
	assert_int_equal(u.csum, pseudo_partial(&o.src, &o.dst, INET_PROTO_UDP, 19));
	assert_int_equal(mbuf_copy_out(m, 8, got, 11), 11);
	assert_memory_equal(got, "hello world", 11);
	udp_close(p);
}

static void test_send(void **state)
{
	send_one(*state, "192.0.2.9", "10.0.0.1");
	send_one(*state, "2001:db8:9::9", "2001:db8::1");
}

/* What will be cut into fragments goes out with its checksum complete. */
static void send_long(struct fakehost *h, const char *to, uint32_t most)
{
	struct udp_pcb *p = udp_create(h->s, !ipaddr_is_v4(addr(to)), NULL);
	static char big[70000];
	struct iovec iov = {big, 5000};
	struct inet_out o;
	struct udphdr u;
	struct mbuf *m;

	memset(big, 'x', sizeof(big));
	assert_int_equal(send_to(p, &iov, 1, addr(to), 53), 5000);
	m = sent(h, &o, &u);
	assert_int_equal(m->meta.csum, MBUF_CSUM_NONE);
	assert_int_equal(
		csum_fold(mbuf_csum(m, 0, mbuf_len(m),
				    pseudo_sum(&o.src, &o.dst, INET_PROTO_UDP, mbuf_len(m)))),
		0);
	iov.iov_len = most + 1;
	assert_int_equal(send_to(p, &iov, 1, addr(to), 53), -EMSGSIZE);
	iov.iov_len = most;
	assert_int_equal(send_to(p, &iov, 1, addr(to), 53), most);
	udp_close(p);
}

static void test_send_long(void **state)
{
	send_long(*state, "192.0.2.9", 65507);
	send_long(*state, "2001:db8:9::9", 65527);
}

static void test_connected(void **state)
{
	struct fakehost *h = *state;
	struct udp_pcb *p = udp_create(h->s, false, NULL);
	struct iovec iov = {(char[]){"x"}, 1};
	struct inet_out o;
	struct udphdr u;
	struct ipaddr a;
	uint16_t port, port2;

	assert_int_equal(udp_connect(p, addr("203.0.113.1"), 53, 0), -ENETUNREACH);
	assert_int_equal(udp_connect(p, addr("192.0.2.9"), 53, 0), 0);
	udp_local(p, &a, &port);
	assert_true(ipaddr_eq(&a, addr("10.0.0.1")));
	assert_int_equal(send_to(p, &iov, 1, NULL, 0), 1);
	(void)sent(h, &o, &u);
	assert_int_equal(u.dport, 53);
	assert_int_equal(u.sport, port);
	/* Elsewhere for once, and connected anew. */
	assert_int_equal(send_to(p, &iov, 1, addr("192.0.2.8"), 54), 1);
	(void)sent(h, &o, &u);
	assert_int_equal(u.dport, 54);
	assert_int_equal(udp_connect(p, addr("192.0.2.8"), 55, 0), 0);
	udp_peer(p, &a, &port2);
	assert_int_equal(port2, 55);
	udp_disconnect(p);
	udp_local(p, &a, &port2);
	assert_true(ipaddr_is_unspecified(&a));
	assert_int_equal(port2, port);
	assert_int_equal(send_to(p, &iov, 1, NULL, 0), -EDESTADDRREQ);
	udp_close(p);
}

/* No buffers: an error for the caller, nothing lost or leaked; and memory for the tables. */
static void test_out_of_memory(void **state)
{
	struct fakehost *h = *state;
	struct udp_pcb *p = udp_create(h->s, false, NULL);
	static char big[20000];
	struct iovec iov = {big, sizeof(big)};

	for (int64_t n = 0; n < 3; n++) {
		mbuf_pool_fail(h->pool, n, true);
		if (send_to(p, &iov, 1, addr("192.0.2.9"), 53) >= 0)
			break;
		assert_true(n < 2);
	}
	mbuf_pool_fail(h->pool, -1, false);
	assert_int_equal(send_to(p, &iov, 1, addr("192.0.2.9"), 53), sizeof(big));
	udp_close(p);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_conflicts), TEST(test_addresses), TEST(test_send),
		TEST(test_send_long), TEST(test_connected), TEST(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
