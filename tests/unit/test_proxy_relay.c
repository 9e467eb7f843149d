/* SPDX-License-Identifier: BSD-2-Clause */
/* One direction of a connection over real sockets: order, back-pressure, ends, errors, buffers. */
#include "relay.h"
#include "stats.h"

#include <leat/posix.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CHUNK = 4096 };

/* source[0] -> source[1] = from: relay: to = sink[0] -> sink[1] */
struct set {
	int source[2], sink[2];
	struct relay relay;
	struct relay_end from, to;
	struct bufpool pool;
	struct stats stats;
};

static void open_set(struct set *s, size_t limit)
{
	int small = 2048;

	memset(s, 0, sizeof(*s));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s->source), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s->sink), 0);
	assert_int_equal(setsockopt(s->sink[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	s->from = (struct relay_end){.fd = s->source[1], .readable = true, .writable = true};
	s->to = (struct relay_end){.fd = s->sink[0], .readable = true, .writable = true};
	assert_int_equal(bufpool_init(&s->pool, CHUNK, limit), 0);
}

static void close_set(struct set *s)
{
	relay_drop(&s->relay, &s->pool);
	assert_int_equal(s->pool.used, 0);
	bufpool_fini(&s->pool);
	for (int i = 0; i < 2; i++) {
		if (s->source[i] >= 0)
			close(s->source[i]);
		if (s->sink[i] >= 0)
			close(s->sink[i]);
	}
}

static enum relay_result run(struct set *s)
{
	return relay_run(&s->relay, &s->from, &s->to, &s->pool, &s->stats);
}

static unsigned char byte_at(uint64_t n)
{
	return (unsigned char)(n * 31 + (n >> 8));
}

/* Returns how many of len bytes were taken. */
static size_t feed(struct set *s, uint64_t at, size_t len)
{
	unsigned char bytes[1 << 16];
	ssize_t n;

	for (size_t i = 0; i < len; i++)
		bytes[i] = byte_at(at + i);
	n = send(s->source[0], bytes, len, MSG_DONTWAIT);
	s->from.readable = true;
	return n < 0 ? 0 : (size_t)n;
}

static size_t drain(struct set *s, uint64_t at, size_t max)
{
	unsigned char bytes[1 << 16];
	ssize_t n =
		recv(s->sink[1], bytes, max < sizeof(bytes) ? max : sizeof(bytes), MSG_DONTWAIT);

	for (ssize_t i = 0; i < n; i++)
		assert_int_equal(bytes[i], byte_at(at + (uint64_t)i));
	s->to.writable = true;
	return n < 0 ? 0 : (size_t)n;
}

static void test_nothing(void **state)
{
	struct set s;

	(void)state;
	open_set(&s, 4);
	assert_int_equal(run(&s), RELAY_BLOCKED);
	assert_false(s.from.readable);
	assert_null(s.relay.chunk);
	assert_int_equal(s.stats.reads, 1);
	/* Nothing to hope for: no call at all. */
	assert_int_equal(run(&s), RELAY_BLOCKED);
	assert_int_equal(s.stats.reads, 1);
	close_set(&s);
}

/* A short read says that the queue is empty: no second read that would only say so again. */
static void test_short_read(void **state)
{
	struct set s;

	(void)state;
	open_set(&s, 4);
	assert_int_equal(feed(&s, 0, 100), 100);
	assert_int_equal(run(&s), RELAY_BLOCKED);
	assert_int_equal(s.stats.reads, 1);
	assert_int_equal(drain(&s, 0, 1000), 100);
	assert_int_equal(s.pool.used, 0);
	close_set(&s);
}

/* Random amounts in and out: every byte in order, a chunk held only while the sink is full. */
static void test_random(void **state)
{
	uint64_t in = 0, out = 0;
	bool held = false;
	struct set s;

	(void)state;
	open_set(&s, 4);
	srand(1);
	for (int i = 0; i < 20000; i++) {
		if (rand() % 2)
			in += feed(&s, in, 1 + (size_t)rand() % 20000);
		if (rand() % 3 == 0)
			out += drain(&s, out, 1 + (size_t)rand() % 20000);
		run(&s);
		assert_true(s.pool.used <= 1);
		assert_int_equal(s.pool.used == 1, s.relay.len > 0);
		held |= s.relay.len > 0;
	}
	assert_true(held && in > 1 << 20);
	assert_int_equal(shutdown(s.source[0], SHUT_WR), 0);
	s.from.readable = s.from.ended = true;
	while (run(&s) != RELAY_DONE)
		out += drain(&s, out, 65536);
	while (out < in)
		out += drain(&s, out, 65536);
	assert_int_equal(s.relay.bytes, in);
	assert_int_equal(recv(s.sink[1], &held, 1, MSG_DONTWAIT), 0);
	close_set(&s);
}

/* A sink that is full holds one chunk; what comes later stays in the source's queue. */
static void test_back_pressure(void **state)
{
	uint64_t in = 0;
	struct set s;

	(void)state;
	open_set(&s, 4);
	for (int i = 0; i < 100; i++) {
		in += feed(&s, in, 4096);
		run(&s);
	}
	assert_false(s.to.writable);
	assert_true(s.relay.len > 0 && s.relay.len <= CHUNK);
	assert_true(in - s.relay.bytes >= s.relay.len);
	close_set(&s);
}

/* The end comes after the last byte, also when that had to wait; it is told once. */
static void test_end(void **state)
{
	uint64_t in = 0, out = 0;
	enum relay_result rc;
	struct set s;

	(void)state;
	open_set(&s, 4);
	while (s.to.writable) {
		in += feed(&s, in, 4096);
		run(&s);
	}
	assert_int_equal(shutdown(s.source[0], SHUT_WR), 0);
	s.from.readable = s.from.ended = true;
	assert_int_equal(run(&s), RELAY_BLOCKED);
	assert_false(s.relay.done);
	do {
		out += drain(&s, out, 1000);
		rc = run(&s);
		assert_int_equal(s.relay.done, rc == RELAY_DONE);
	} while (rc != RELAY_DONE);
	while (out < in)
		out += drain(&s, out, 65536);
	assert_int_equal(recv(s.sink[1], &out, 1, MSG_DONTWAIT), 0);
	assert_int_equal(run(&s), RELAY_DONE);
	close_set(&s);
}

/* One turn is bounded, however much there is to read. */
static void test_turn(void **state)
{
	int large = 1 << 20;
	struct set s;

	(void)state;
	open_set(&s, 4);
	assert_int_equal(setsockopt(s.sink[0], SOL_SOCKET, SO_SNDBUF, &large, sizeof(large)), 0);
	assert_true(feed(&s, 0, 65536) > 8 * CHUNK);
	assert_int_equal(run(&s), RELAY_AGAIN);
	assert_true(s.relay.bytes <= 4 * CHUNK);
	assert_int_equal(s.pool.used, 0);
	close_set(&s);
}

/* Others hold all chunks: bytes pass unheld, in order, and what the receiver does not take stays
 * with the sender. */
static void test_no_buffer(void **state)
{
	struct chunk *other;
	uint64_t in, out = 0;
	struct set s;

	(void)state;
	open_set(&s, 1);
	other = bufpool_get(&s.pool);
	assert_non_null(other);
	in = feed(&s, 0, 10);
	assert_int_equal(run(&s), RELAY_BLOCKED);
	assert_false(s.from.readable);
	out += drain(&s, out, 100);
	assert_int_equal(out, 10);
	in += feed(&s, in, 60000);
	for (int i = 0; i < 10000 && out < in; i++) {
		enum relay_result rc;

		s.from.readable = s.to.writable = true;
		rc = run(&s);
		assert_true(rc == RELAY_BLOCKED || rc == RELAY_AGAIN);
		assert_null(s.relay.chunk);
		out += drain(&s, out, 65536);
	}
	assert_int_equal(out, in);
	assert_int_equal(s.relay.bytes, in);
	assert_true(s.stats.unbuffered > 2);
	shutdown(s.source[0], SHUT_WR);
	s.from.readable = s.to.writable = true;
	assert_int_equal(run(&s), RELAY_DONE);
	bufpool_put(&s.pool, other);
	close_set(&s);
}

static void test_errors(void **state)
{
	struct set s;

	(void)state;
	open_set(&s, 4);
	feed(&s, 0, 10);
	close(s.sink[1]);
	s.sink[1] = -1;
	assert_int_equal(run(&s), RELAY_WRITE_ERROR);
	assert_int_equal(errno, EPIPE);
	close_set(&s);

	open_set(&s, 4);
	assert_int_equal(send(s.source[1], "unread", 6, 0), 6);
	close(s.source[0]);
	s.source[0] = -1;
	/* On a local socket, unread data at close() is a reset for the peer. */
	assert_int_equal(run(&s), RELAY_READ_ERROR);
	assert_int_equal(errno, ECONNRESET);
	close_set(&s);
}

/* A socket whose error was taken reads as ended: that is not to be passed on as an end of the
 * stream. */
static void test_failed(void **state)
{
	unsigned char byte;
	struct set s;

	(void)state;
	open_set(&s, 4);
	feed(&s, 0, 10);
	assert_int_equal(shutdown(s.source[0], SHUT_WR), 0);
	s.from.ended = s.from.failed = true;
	assert_int_equal(run(&s), RELAY_READ_ERROR);
	assert_int_equal(errno, ECONNRESET);
	assert_false(s.relay.done);
	assert_int_equal(drain(&s, 0, 100), 10);
	assert_int_equal(recv(s.sink[1], &byte, 1, MSG_DONTWAIT), -1);
	close_set(&s);
}

/* What is used is counted, the spare ones are bounded, the last one back is the next one out. */
static void test_pool(void **state)
{
	struct chunk *chunks[100];
	struct bufpool pool;

	(void)state;
	assert_int_equal(bufpool_init(&pool, 64, 100), 0);
	for (int i = 0; i < 100; i++)
		assert_non_null(chunks[i] = bufpool_get(&pool));
	assert_null(bufpool_get(&pool));
	assert_int_equal(pool.used, 100);
	for (int i = 0; i < 100; i++)
		bufpool_put(&pool, chunks[i]);
	assert_int_equal(pool.used, 0);
	assert_int_equal(pool.used_max, 100);
	assert_true(pool.nfree < 100);
	chunks[0] = bufpool_get(&pool);
	bufpool_put(&pool, chunks[0]);
	chunks[1] = bufpool_get(&pool);
	assert_ptr_equal(chunks[0], chunks[1]);
	bufpool_put(&pool, chunks[1]);
	bufpool_fini(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),   cmocka_unit_test(test_short_read),
		cmocka_unit_test(test_random),    cmocka_unit_test(test_back_pressure),
		cmocka_unit_test(test_end),       cmocka_unit_test(test_turn),
		cmocka_unit_test(test_no_buffer), cmocka_unit_test(test_errors),
		cmocka_unit_test(test_failed),    cmocka_unit_test(test_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
