/* SPDX-License-Identifier: BSD-2-Clause */
/* The loop: order of phases, deferred work, transmit queues under back-pressure, profile, sleep. */
#include "core/stack.h"

#include "fakeport.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)

static struct fakehost host;
static unsigned order[16], n_order;
static struct wheel_timer timer;
static struct stack_work work[8];

static void swallow(struct stack *s, unsigned port, struct mbuf **pkts, uint16_t n)
{
	(void)s;
	(void)port;
	order[n_order++] = 1;
	for (uint16_t i = 0; i < n; i++)
		mbuf_done(&pkts[i]);
}

static int setup(void **state)
{
	(void)state;
	fakehost_create(&host, &(struct fakehost_conf){.n_ports = 2, .caps = PORT_CAP_TX_CSUM});
	host.s->link_input = swallow;
	n_order = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fakehost_destroy(&host);
	return 0;
}

static mbuf_own frame(uint32_t len)
{
	mbuf_own o = mbuf_alloc(host.pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_TX);
	uint8_t *p;

	assert_non_null(o.m);
	p = mbuf_append(o.m, len);
	assert_non_null(p);
	memset(p, 0x55, len);
	return o;
}

static void on_timer(void *ctx, struct wheel_timer *t)
{
	(void)t;
	order[n_order++] = 2;
	stack_defer(ctx, &work[0]);
}

static void on_work(struct stack *s, struct stack_work *w)
{
	(void)w;
	order[n_order++] = 3;
	stack_tx(s, 0, frame(60));
}

static void on_round_end(struct stack *s)
{
	(void)s;
	order[n_order++] = 4;
}

/* Input, timers, deferred work, the end of the round, and what they sent left in the same round. */
static void test_order(void **state)
{
	uint8_t bytes[60] = {0};

	(void)state;
	wheel_timer_init(&timer, on_timer);
	wheel_arm(&host.s->wheel, &timer, host.now_ns);
	stack_work_init(&work[0], on_work);
	stack_round_end_add(host.s, on_round_end);
	fakeport_feed(host.port[0], bytes, sizeof(bytes));
	host.now_ns += MS;
	assert_int_equal(stack_poll(host.s), 4); /* a frame, a timer, a work item, a frame */
	assert_int_equal(n_order, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(order[i], i + 1);
	assert_int_equal(host.port[0]->n_tx, 1);
	assert_int_equal(host.s->now_ns, host.now_ns);
	stack_round_end_del(host.s, on_round_end);
	assert_int_equal(stack_poll(host.s), 0);
	fakeport_forget(host.port[0]);
}

static void again(struct stack *s, struct stack_work *w)
{
	n_order++;
	stack_defer(s, w);
}

static void count(struct stack *s, struct stack_work *w)
{
	(void)s;
	(void)w;
	n_order++;
}

/* Work that defers itself for ever takes its passes and no more; linked at most once; cancelled. */
static void test_work(void **state)
{
	(void)state;
	stack_work_init(&work[0], again);
	stack_work_init(&work[1], count);
	stack_work_init(&work[2], count);
	stack_defer(host.s, &work[1]);
	stack_defer(host.s, &work[1]);
	stack_defer(host.s, &work[2]);
	stack_work_cancel(&work[2]);
	assert_int_equal(stack_next_ns(host.s), host.s->now_ns);
	assert_int_equal(stack_poll(host.s), 1);
	assert_int_equal(n_order, 1);
	assert_int_equal(stack_next_ns(host.s), UINT64_MAX);
	n_order = 0;
	stack_defer(host.s, &work[0]);
	stack_flush(host.s);
	assert_in_range(n_order, 1, 4);
	stack_work_cancel(&work[0]);
	n_order = 0;
	assert_int_equal(stack_poll(host.s), 0);
}

/* A port that takes nothing: frames wait, the surplus is dropped and counted, nothing is lost else.
 */
static void test_tx_full(void **state)
{
	(void)state;
	host.port[1]->full = true;
	for (unsigned i = 0; i < STACK_TXQ_LEN + 10; i++)
		stack_tx(host.s, 1, frame(60));
	assert_true(stack_tx_pending(host.s, 1));
	assert_int_equal(stack_next_ns(host.s), host.s->now_ns);
	assert_int_equal(fakehost_drops(&host, DROP_PORT_TX_FULL), 10);
	assert_int_equal(host.s->ports[1]->cnt.tx_full, 10);
	(void)stack_poll(host.s);
	assert_int_equal(host.port[1]->n_tx, 0);
	host.port[1]->full = false;
	(void)stack_poll(host.s);
	assert_int_equal(host.port[1]->n_tx, STACK_TXQ_LEN);
	assert_false(stack_tx_pending(host.s, 1));
	fakeport_forget(host.port[1]);
}

/* Frames still queued when the stack goes are dropped with a reason: teardown finds the pool full.
 */
static void test_fini(void **state)
{
	(void)state;
	host.port[0]->full = true;
	stack_tx(host.s, 0, frame(60));
	(void)stack_poll(host.s);
	assert_true(stack_tx_pending(host.s, 0));
}

/* Empty rounds are idle polling, whatever they cost; a round with work is not. */
static void test_profile(void **state)
{
	const struct stack_profile *p = &host.s->prof;
	uint8_t bytes[60] = {0};
	uint64_t poll;

	(void)state;
	for (int i = 0; i < 100; i++)
		(void)stack_poll(host.s);
	assert_int_equal(p->rounds, 100);
	assert_int_equal(p->idle_rounds, 100);
	assert_true(p->cycles[STACK_PHASE_POLL] > 0);
	for (int i = 0; i < STACK_PHASE_APP; i++)
		assert_int_equal(p->cycles[i], 0);
	poll = p->cycles[STACK_PHASE_POLL];
	fakeport_feed(host.port[0], bytes, sizeof(bytes));
	(void)stack_poll(host.s);
	assert_int_equal(p->idle_rounds, 100);
	assert_true(p->cycles[STACK_PHASE_INPUT] > 0);
	assert_int_equal(p->cycles[STACK_PHASE_POLL], poll);
}

/* Due timers and waiting work end a sleep before it begins. */
static void test_sleep_not(void **state)
{
	(void)state;
	assert_int_equal(stack_sleep(host.s, host.now_ns, -1, NULL), 0);
	wheel_timer_init(&timer, on_timer);
	wheel_arm(&host.s->wheel, &timer, host.now_ns);
	assert_int_equal(stack_sleep(host.s, UINT64_MAX, -1, NULL), 0);
	assert_int_equal(host.s->prof.sleeps, 0);
	wheel_disarm(&host.s->wheel, &timer);
}

static bool asked_fd;

/* Arming its interrupt, the port finds a frame. */
static int find_frame(struct port *p)
{
	(void)p;
	asked_fd = true;
	return -1;
}

static uint64_t found_ns(struct port *p)
{
	(void)p;
	return asked_fd ? 0 : UINT64_MAX;
}

/* What a port finds while the sleep is prepared does not wait for the end of it. */
static void test_sleep_not_on_frames(void **state)
{
	const struct port_ops *ops = host.s->ports[1]->ops;
	struct port_ops finds = *ops;

	(void)state;
	asked_fd = false;
	finds.wait_fd = find_frame;
	finds.next_ns = found_ns;
	host.s->ports[1]->ops = &finds;
	host.s->ports[1]->caps |= PORT_CAP_WAIT_FD;
	assert_int_equal(stack_sleep(host.s, UINT64_MAX, -1, NULL), 0);
	assert_true(asked_fd);
	assert_int_equal(host.s->prof.sleeps, 0);
	host.s->ports[1]->ops = ops;
}

/* The last port goes, with what waited for it. */
static void test_port_del(void **state)
{
	(void)state;
	stack_tx(host.s, 1, frame(60));
	stack_port_del(host.s);
	host.n_ports = 1;
	assert_int_equal(host.s->n_ports, 1);
	assert_true(mbuf_pool_full(host.pool));
	assert_int_equal(fakehost_drops(&host, DROP_STACK_FINI), 1);
}

static void test_ports_max(void **state)
{
	struct port extra = {0};

	(void)state;
	host.s->n_ports = STACK_MAX_PORTS;
	assert_int_equal(stack_port_add(host.s, &extra), -ENOSPC);
	host.s->n_ports = 2;
}

/* Numbers that must not be guessed depend on the secret. */
static void test_keyed(void **state)
{
	uint64_t a = stack_keyed_hash(host.s, "abc", 3);

	(void)state;
	assert_true(a == stack_keyed_hash(host.s, "abc", 3));
	assert_true(a != stack_keyed_hash(host.s, "abd", 3));
	host.s->env.secret[0] ^= 1;
	assert_true(a != stack_keyed_hash(host.s, "abc", 3));
}

static void test_no_memory(void **state)
{
	struct stack_conf sc = {.env = host.s->env, .pool = host.pool};
	struct stack *s;

	(void)state;
	memfail_arm(&host.mem, 1, false);
	assert_int_equal(stack_create(&sc, &s), -ENOMEM);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order),
		TEST(test_work),
		TEST(test_tx_full),
		TEST(test_fini),
		TEST(test_profile),
		TEST(test_sleep_not),
		TEST(test_sleep_not_on_frames),
		TEST(test_port_del),
		TEST(test_ports_max),
		TEST(test_keyed),
		TEST(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
