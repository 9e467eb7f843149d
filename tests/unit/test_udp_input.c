/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP: what comes in, from well-formed to hostile, and who gets it. */
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

struct env {
	struct fakehost h;
	unsigned readable, errors;
	int last_err;
	void *last_so;
};

static struct env *env_of(struct stack *s)
{
	/* The test keeps the stack in its host. */
	static struct env *e;

	if (s)
		return e;
	e = test_calloc(1, sizeof(*e));
	return e;
}

static void on_readable(struct stack *s, void *so)
{
	env_of(s)->readable++;
	env_of(s)->last_so = so;
}

static void on_error(struct stack *s, void *so, int err)
{
	env_of(s)->errors++;
	env_of(s)->last_err = err;
	env_of(s)->last_so = so;
}

static const struct udp_events events = {.readable = on_readable, .error = on_error};

static int setup(void **state)
{
	struct env *e = env_of(NULL);

	fakehost_create(&e->h, &(struct fakehost_conf){0});
	fakeinet_init(e->h.s);
	assert_int_equal(udp_init(e->h.s, &events), 0);
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct env *e = *state;

	udp_fini(e->h.s);
	fakeinet_fini(e->h.s);
	fakehost_destroy(&e->h);
	test_free(e);
	return 0;
}

static struct ipaddr own(bool v6)
{
	static const uint8_t a[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};

	return v6 ? ipaddr_v6(a) : ipaddr_v4(0x0a000001);
}

static struct ipaddr far(bool v6, uint8_t last)
{
	uint8_t a[16] = {0x20, 0x01, 0x0d, 0xb8, 0xff, [15] = last};

	return v6 ? ipaddr_v6(a) : ipaddr_v4(0xc0000200u + last);
}

/* A datagram, with its parts to be spoiled before it goes in. */
struct dgram {
	struct inet_in in;
	struct udphdr h;
	const char *data;
	uint32_t len; /* of the IP payload when not header and data */
	bool bad_csum, no_csum;
	enum mbuf_csum state;
};

static struct dgram dgram(bool v6, uint16_t sport, uint16_t dport, const char *data)
{
	return (struct dgram){
		.in = {.src = far(v6, 9),
		       .dst = own(v6),
		       .proto = INET_PROTO_UDP,
		       .ttl = 7,
		       .tos = 3},
		.h = {.sport = sport, .dport = dport, .len = (uint16_t)(8 + strlen(data))},
		.data = data,
	};
}

static void feed(struct env *e, struct dgram *d)
{
	mbuf_own own_m = mbuf_alloc(e->h.pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_TEST);
	uint32_t n = (uint32_t)strlen(d->data);
	uint8_t *p = mbuf_append(own_m.m, 8 + n);

	memcpy(p + 8, d->data, n);
	if (!d->no_csum)
		d->h.csum = udp_csum(&d->h, csum_partial(d->data, n, 0), &d->in.src, &d->in.dst);
	if (d->bad_csum)
		d->h.csum ^= 0x0101;
	(void)udp_emit(p, &d->h);
	if (d->len)
		mbuf_trim_to(own_m.m, d->len);
	own_m.m->meta.csum = (uint8_t)d->state;
	fakeinet_input(e->h.s, &d->in, own_m);
}

static struct udp_pcb *bound(struct env *e, bool v6, const struct ipaddr *a, uint16_t port,
			     unsigned flags)
{
	struct ipaddr any = v6 ? ipaddr_any6() : ipaddr_any4();
	struct udp_pcb *p = udp_create(e->h.s, v6, NULL);

	p->so = p;
	assert_int_equal(udp_bind(p, a ? a : &any, port, flags), 0);
	return p;
}

static void expect_data(struct udp_pcb *p, const char *data)
{
	struct udp_from from;
	char buf[2048];
	struct iovec iov = {buf, sizeof(buf)};
	size_t full;

	assert_int_equal(udp_recv(p, &iov, 1, &from, &full, false), strlen(data));
	assert_memory_equal(buf, data, strlen(data));
	assert_int_equal(full, strlen(data));
}

static void deliver(struct env *e, bool v6)
{
	struct udp_pcb *p = bound(e, v6, NULL, 53, 0);
	struct dgram d = dgram(v6, 1000, 53, "question");
	struct udp_from from;
	char a[4], b[2];
	struct iovec iov[2] = {{a, 4}, {b, 2}};
	size_t full;

	feed(e, &d);
	assert_int_equal(e->readable, 1);
	assert_int_equal(udp_rcv_next(p), 8);
	assert_int_equal(udp_rcv_bytes(p), 8);
	assert_int_equal(udp_rcv_count(p), 1);
	assert_int_equal(udp_recv(p, iov, 2, &from, &full, true), 6);
	assert_int_equal(full, 8);
	assert_memory_equal(a, "ques", 4);
	assert_memory_equal(b, "ti", 2);
	assert_int_equal(from.sport, 1000);
	assert_int_equal(from.ttl, 7);
	assert_int_equal(from.tos, 3);
	assert_true(ipaddr_eq(&from.src, &d.in.src) && ipaddr_eq(&from.dst, &d.in.dst));
	expect_data(p, "question");
	assert_int_equal(udp_recv(p, iov, 2, &from, &full, false), -EAGAIN);
	d = dgram(v6, 1000, 53, "");
	feed(e, &d);
	assert_int_equal(udp_rcv_count(p), 1);
	expect_data(p, "");
}

/* Every state of the checksum: who may be believed, and what is dropped. */
static void checksums(struct env *e, bool v6)
{
	struct udp_pcb *p = bound(e, v6, NULL, 53, 0);
	struct dgram d = dgram(v6, 1, 53, "abc");

	d.bad_csum = true;
	feed(e, &d);
	assert_int_equal(fakehost_drops(&e->h, DROP_UDP_CSUM), 1);
	d.state = MBUF_CSUM_GOOD;
	feed(e, &d);
	d.state = MBUF_CSUM_PARTIAL;
	feed(e, &d);
	assert_int_equal(udp_rcv_count(p), 2);
	d = dgram(v6, 1, 53, "abc");
	d.no_csum = true;
	feed(e, &d);
	/* RFC 768 lets IPv4 do without; RFC 8200 8.1 does not let IPv6. */
	assert_int_equal(udp_rcv_count(p), v6 ? 2 : 3);
	assert_int_equal(fakehost_drops(&e->h, DROP_UDP_MALFORMED), v6 ? 1 : 0);
	assert_int_equal(udp_counters(e->h.s)->errors, v6 ? 2 : 1);
}

static void lengths(struct env *e, bool v6)
{
	struct udp_pcb *p = bound(e, v6, NULL, 53, 0);
	struct dgram d = dgram(v6, 1, 53, "abcdef");

	/* Shorter than a header; a length below 8; one beyond the packet. */
	d.len = 7;
	feed(e, &d);
	d = dgram(v6, 1, 53, "abcdef");
	d.h.len = 7;
	feed(e, &d);
	d = dgram(v6, 1, 53, "abcdef");
	d.h.len = 15;
	feed(e, &d);
	assert_int_equal(fakehost_drops(&e->h, DROP_UDP_MALFORMED), 3);
	assert_int_equal(udp_rcv_count(p), 0);
	/* Bytes behind the datagram are ignored. */
	d = dgram(v6, 1, 53, "abcdef");
	d.h.len = 11;
	d.state = MBUF_CSUM_GOOD;
	feed(e, &d);
	expect_data(p, "abc");
}

static void no_port(struct env *e, bool v6)
{
	struct dgram d = dgram(v6, 1, 54, "abc");

	feed(e, &d);
	assert_int_equal(fakeinet_errors_out(e->h.s), 1);
	d.in.multicast = true;
	feed(e, &d);
	assert_int_equal(fakeinet_errors_out(e->h.s), 1);
	assert_int_equal(fakehost_drops(&e->h, DROP_UDP_NO_PORT), 2);
	assert_int_equal(udp_counters(e->h.s)->no_port, 2);
}

/* The receive buffer bounds memory, not payload; a read makes room again. */
static void rcvbuf(struct env *e, bool v6)
{
	struct udp_pcb *p = bound(e, v6, NULL, 53, 0);
	struct dgram d = dgram(v6, 1, 53, "x");
	unsigned n;

	assert_int_equal(udp_rcvbuf_set(p, 16384), 16384);
	for (n = 0; n < 100; n++)
		feed(e, &d);
	n = udp_rcv_count(p);
	assert_true(n >= 1 && n <= 16384 / MBUF_SMALL_ROOM);
	assert_int_equal(fakehost_drops(&e->h, DROP_UDP_RCVBUF), 100 - n);
	assert_int_equal(udp_counters(e->h.s)->rcvbuf_full, 100 - n);
	expect_data(p, "x");
	feed(e, &d);
	assert_int_equal(udp_rcv_count(p), n);
}

/* Short datagrams come in on the reserve: sockets that nobody reads take neither that nor what TCP
 * and forwarding live on. */
static void pool_is_kept(struct env *e, bool v6)
{
	uint32_t size = mbuf_pool_size(e->h.pool, MBUF_SMALL);
	uint32_t keep = e->h.pool->reserve[MBUF_SMALL] + size / 4;
	struct udp_pcb *p[8];
	unsigned held = 0;

	for (uint16_t i = 0; i < 8; i++) {
		p[i] = bound(e, v6, NULL, (uint16_t)(53 + i), 0);
		/* No more than a part of the pool for one socket, whatever it asks for. */
		assert_true(udp_rcvbuf_set(p[i], UINT32_MAX) <= mbuf_pool_bytes(e->h.pool) / 4);
	}
	for (unsigned i = 0; i < 4 * size; i++) {
		struct dgram d = dgram(v6, 1, (uint16_t)(53 + i % 7), "x");

		feed(e, &d);
	}
	for (unsigned i = 0; i < 7; i++)
		held += udp_rcv_count(p[i]);
	assert_true(mbuf_pool_avail(e->h.pool, MBUF_SMALL) >= keep - 1);
	assert_true(held > size / 2);
	assert_int_equal(udp_counters(e->h.s)->pool_low + udp_counters(e->h.s)->rcvbuf_full,
			 4 * size - held);
	assert_true(udp_counters(e->h.s)->pool_low > 0);
	/* A socket that reads still gets its datagrams, one at a time. */
	for (unsigned i = 0; i < 10; i++) {
		struct dgram d = dgram(v6, 1, 53 + 7, "y");

		feed(e, &d);
		expect_data(p[7], "y");
	}
}

/* When others have taken nearly all, not even the first: the reserve is not for data. */
static void reserve_is_kept(struct env *e, bool v6)
{
	struct udp_pcb *p = bound(e, v6, NULL, 53, 0);
	struct dgram d = dgram(v6, 1, 53, "x");
	struct mbufq q;
	mbuf_own m;

	mbufq_init(&q, MBUF_TEST);
	while (mbuf_pool_avail(e->h.pool, MBUF_SMALL) > e->h.pool->reserve[MBUF_SMALL] + 4 &&
	       (m = mbuf_alloc(e->h.pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_TEST)).m)
		mbufq_push(&q, m);
	feed(e, &d);
	assert_int_equal(udp_rcv_count(p), 0);
	assert_int_equal(fakehost_drops(&e->h, DROP_NOBUF), 1);
	mbufq_purge(&q, DROP_STACK_FINI);
	feed(e, &d);
	expect_data(p, "x");
}

/* Connected before bound before any; a peer that is not the connected one is not heard. */
static void who_gets_it(struct env *e, bool v6)
{
	struct ipaddr mine = own(v6), peer = far(v6, 9);
	struct udp_pcb *any = bound(e, v6, NULL, 53, UDP_BIND_REUSEADDR);
	struct udp_pcb *exact = bound(e, v6, &mine, 53, UDP_BIND_REUSEADDR);
	struct udp_pcb *conn = bound(e, v6, &mine, 53, UDP_BIND_REUSEADDR);
	struct dgram d = dgram(v6, 1000, 53, "abc");

	assert_int_equal(udp_connect(conn, &peer, 1000, 0), 0);
	feed(e, &d);
	assert_int_equal(udp_rcv_count(conn), 1);
	d = dgram(v6, 1001, 53, "abc");
	feed(e, &d);
	assert_int_equal(udp_rcv_count(exact), 1);
	udp_close(exact);
	feed(e, &d);
	assert_int_equal(udp_rcv_count(any), 1);
	udp_disconnect(conn);
	feed(e, &d);
	assert_int_equal(udp_rcv_count(conn), 2);
	assert_int_equal(udp_rcv_count(any), 1);
	/* By multicast all of the port get a copy. */
	d.in.multicast = true;
	d.in.dst = v6 ? ipaddr_v6((uint8_t[16]){0xff, 2, [15] = 1}) : ipaddr_v4(0xe0000001);
	feed(e, &d);
	assert_int_equal(udp_rcv_count(any), 2);
	assert_int_equal(udp_rcv_count(conn), 2);
	d.in.dst = mine;
	feed(e, &d);
	assert_int_equal(udp_rcv_count(any), 3);
	assert_int_equal(udp_rcv_count(conn), 3);
}

/* Sockets that share a port: each flow meets one and always the same. */
static void reuseport(struct env *e, bool v6)
{
	struct udp_pcb *p[4];
	unsigned hit = 0;

	for (int i = 0; i < 4; i++)
		p[i] = bound(e, v6, NULL, 53, UDP_BIND_REUSEPORT);
	for (uint16_t port = 1000; port < 1040; port++) {
		struct dgram d = dgram(v6, port, 53, "x");
		void *first;

		feed(e, &d);
		first = e->last_so;
		feed(e, &d);
		assert_ptr_equal(e->last_so, first);
	}
	for (int i = 0; i < 4; i++)
		hit += udp_rcv_count(p[i]) > 0;
	assert_int_equal(hit, 4);
}

/* Who hears of which error, as Linux has it. */
static void icmp_errors(struct env *e, bool v6)
{
	struct ipaddr mine = own(v6), peer = far(v6, 9);
	struct udp_pcb *p = bound(e, v6, &mine, 53, 0);
	struct inet_err err = {.kind = INET_ERR_PORT,
			       .err = ECONNREFUSED,
			       .hard = true,
			       .src = mine,
			       .dst = peer,
			       .sport = 53,
			       .dport = 1000};

	/* Not connected: it could not tell which datagram is meant. */
	fakeinet_error(e->h.s, &err);
	assert_int_equal(e->errors, 0);
	assert_int_equal(udp_connect(p, &peer, 1000, 0), 0);
	fakeinet_error(e->h.s, &err);
	assert_int_equal(e->errors, 1);
	assert_int_equal(e->last_err, ECONNREFUSED);
	err.kind = INET_ERR_UNREACHABLE;
	err.err = EHOSTUNREACH;
	err.hard = false;
	fakeinet_error(e->h.s, &err);
	assert_int_equal(e->errors, 1);
	/* With IP_RECVERR of soft ones too. */
	udp_opts(p)->recverr[v6] = true;
	fakeinet_error(e->h.s, &err);
	assert_int_equal(e->errors, 2);
	assert_int_equal(e->last_err, EHOSTUNREACH);
	assert_int_equal(udp_err_count(p), 1);
	udp_opts(p)->recverr[v6] = false;
	/* Too big: the path's MTU is noted, and told unless the program does not care. */
	err.kind = INET_ERR_TOO_BIG;
	err.err = EMSGSIZE;
	err.mtu = 1300;
	fakeinet_error(e->h.s, &err);
	assert_int_equal(fakeinet_pmtu(e->h.s), 1300);
	assert_int_equal(e->last_err, EMSGSIZE);
	assert_int_equal(e->errors, 3);
	udp_opts(p)->pmtudisc[v6] = UDP_PMTUDISC_DONT;
	fakeinet_error(e->h.s, &err);
	assert_int_equal(e->errors, 3);
	/* About a socket that is not there: forged. */
	err.sport = 99;
	err.mtu = 600;
	fakeinet_error(e->h.s, &err);
	assert_int_equal(fakeinet_pmtu(e->h.s), 1300);
}

/* The error queue holds what a flood of forged errors may use, no more; the oldest stay. */
static void error_queue(struct env *e, bool v6)
{
	struct ipaddr mine = own(v6), peer = far(v6, 9);
	struct udp_pcb *p = bound(e, v6, &mine, 53, 0);
	uint8_t quoted[12] = {0, 53, 3, 232, 0, 12, 0, 0, 'a', 'b', 'c', 'd'}, buf[8];
	struct inet_err err = {.kind = INET_ERR_PARAM,
			       .err = EPROTO,
			       .hard = true,
			       .src = mine,
			       .dst = peer,
			       .sport = 53,
			       .dport = 1000,
			       .from = far(v6, 7),
			       .ptr = 5,
			       .type = 12,
			       .code = 1,
			       .quoted = view_make(quoted, sizeof(quoted))};
	struct iovec iov = {buf, 3};
	struct udp_err q;
	size_t full;

	udp_rcvbuf_set(p, 20000);
	udp_opts(p)->recverr[v6] = true;
	for (int i = 0; i < 100; i++) {
		err.code = (uint8_t)i;
		fakeinet_error(e->h.s, &err);
	}
	assert_true(udp_err_count(p) > 2);
	assert_true(p->rcv_true <= 20000);
	assert_int_equal(udp_err_count(p) + fakehost_drops(&e->h, DROP_UDP_RCVBUF), 100);
	assert_int_equal(udp_err_pending(p), EPROTO);
	assert_int_equal(udp_err_recv(p, &iov, 1, &q, &full, true), 3);
	assert_int_equal(full, 4);
	assert_memory_equal(buf, "abc", 3);
	assert_int_equal(q.code, 0);
	assert_int_equal(q.info, 5);
	assert_true(ipaddr_eq(&q.from, &err.from));
	assert_true(ipaddr_eq(&q.dst, &peer));
	assert_int_equal(udp_err_recv(p, &iov, 1, &q, &full, false), 3);
	assert_int_equal(udp_err_recv(p, &iov, 1, &q, &full, false), 3);
	assert_int_equal(q.code, 1);
	/* An error that quotes less than a UDP header quotes nothing. */
	err.quoted.len = 3;
	fakeinet_error(e->h.s, &err);
	while (udp_err_count(p) > 0)
		assert_true(udp_err_recv(p, &iov, 1, &q, &full, false) >= 0);
	assert_int_equal(full, 0);
	assert_int_equal(p->rcv_true, 0);
}

/* UDP_GRO joins what one flow sends in one round, until a shorter one ends it. */
static void joined(struct env *e, bool v6)
{
	static const char *const data[] = {"aaaa", "bbbb", "cc", "dddd", "eeeee"};
	struct udp_pcb *p = bound(e, v6, NULL, 53, 0);
	struct udp_from from;
	char buf[64];
	struct iovec iov = {buf, sizeof(buf)};
	size_t full;

	udp_opts(p)->gro = true;
	for (unsigned i = 0; i < ARRAY_LEN(data); i++) {
		struct dgram d = dgram(v6, 1000, 53, data[i]);

		feed(e, &d);
	}
	/* A longer one begins anew, and so does another flow. */
	struct dgram other = dgram(v6, 1001, 53, "f");
	feed(e, &other);
	assert_int_equal(udp_rcv_count(p), 4);
	assert_int_equal(udp_rcv_bytes(p), 4 + 4 + 2 + 4 + 5 + 1);
	assert_int_equal(udp_recv(p, &iov, 1, &from, &full, false), 10);
	assert_memory_equal(buf, "aaaabbbbcc", 10);
	assert_int_equal(from.seg_bytes, 4);
	assert_int_equal(from.n_segs, 3);
	assert_int_equal(udp_recv(p, &iov, 1, &from, &full, false), 4);
	assert_int_equal(from.n_segs, 1);
	assert_int_equal(udp_recv(p, &iov, 1, &from, &full, false), 5);
	assert_int_equal(udp_recv(p, &iov, 1, &from, &full, false), 1);
	assert_int_equal(p->rcv_true, 0);
	/* In another round: not joined. */
	for (unsigned i = 0; i < 2; i++) {
		struct dgram d = dgram(v6, 1000, 53, data[i]);

		feed(e, &d);
		fakehost_advance(&e->h, 1000000);
	}
	assert_int_equal(udp_rcv_count(p), 2);
}

/* Small data in a large buffer is copied out, or a queue would hold much more than it counts. */
static void large_buffers(struct env *e, bool v6)
{
	struct udp_pcb *p = bound(e, v6, NULL, 53, 0);
	struct dgram d = dgram(v6, 1, 53, "abc");
	/* Verified by the port, which is all that counts; 0 would mean none. */
	struct udphdr h = {.sport = 1, .dport = 53, .len = 11, .csum = 1};
	mbuf_own big = mbuf_alloc(e->h.pool, MBUF_BIG, MBUF_PRIO_BULK, MBUF_TEST);
	uint32_t free_big = mbuf_pool_avail(e->h.pool, MBUF_BIG);
	uint8_t *at = mbuf_append(big.m, 11);

	(void)udp_emit(at, &h);
	memcpy(at + 8, "abc", 3);
	big.m->meta.csum = MBUF_CSUM_GOOD;
	fakeinet_input(e->h.s, &d.in, big);
	assert_int_equal(mbuf_pool_avail(e->h.pool, MBUF_BIG), free_big + 1);
	expect_data(p, "abc");
	/* Without a buffer for the copy: a counted loss. */
	mbuf_pool_fail(e->h.pool, 1, false);
	big = mbuf_alloc(e->h.pool, MBUF_BIG, MBUF_PRIO_BULK, MBUF_TEST);
	at = mbuf_append(big.m, 11);
	(void)udp_emit(at, &h);
	big.m->meta.csum = MBUF_CSUM_GOOD;
	fakeinet_input(e->h.s, &d.in, big);
	assert_int_equal(fakehost_drops(&e->h, DROP_NOBUF), 1);
	mbuf_pool_fail(e->h.pool, -1, false);
}

#define CASES(X) \
	X(deliver) \
	X(checksums) \
	X(lengths) \
	X(no_port) \
	X(rcvbuf) \
	X(pool_is_kept) \
	X(reserve_is_kept) \
	X(who_gets_it) \
	X(reuseport) \
	X(icmp_errors) \
	X(error_queue) \
	X(joined) \
	X(large_buffers)

#define X(name) \
	static void test_##name##4(void **state) \
	{ \
		name(*state, false); \
	} \
	static void test_##name##6(void **state) \
	{ \
		name(*state, true); \
	}
CASES(X)
#undef X

int main(void)
{
	const struct CMUnitTest tests[] = {
#define X(name) \
	cmocka_unit_test_setup_teardown(test_##name##4, setup, teardown), \
		cmocka_unit_test_setup_teardown(test_##name##6, setup, teardown),
		CASES(X)
#undef X
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
