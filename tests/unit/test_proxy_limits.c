/* SPDX-License-Identifier: BSD-2-Clause */
/* Deadlines and the count of connections per client. */
#include "clients.h"
#include "deadline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

static void test_order(void **state)
{
	struct deadline_queue q;
	struct deadline d[3] = {0};

	(void)state;
	deadline_queue_init(&q, 100);
	assert_true(deadline_next(&q) == UINT64_MAX);
	for (int i = 0; i < 3; i++)
		deadline_start(&d[i], &q, (uint64_t)(10 * i));
	assert_int_equal(deadline_next(&q), 100);
	/* Started anew: it is the last one now. */
	deadline_start(&d[0], &q, 50);
	assert_int_equal(deadline_next(&q), 110);
	assert_null(deadline_expired(&q, 109));
	assert_ptr_equal(deadline_expired(&q, 1000), &d[1]);
	deadline_stop(&d[2]);
	deadline_stop(&d[2]);
	assert_ptr_equal(deadline_expired(&q, 1000), &d[0]);
	assert_null(deadline_expired(&q, 1000));
	assert_true(deadline_next(&q) == UINT64_MAX);
}

static void test_queues(void **state)
{
	struct deadline_queue fast, slow, never;
	struct deadline d = {0};

	(void)state;
	deadline_queue_init(&fast, 10);
	deadline_queue_init(&slow, 1000);
	deadline_queue_init(&never, 0);
	deadline_start(&d, &fast, 0);
	deadline_start(&d, &slow, 0);
	assert_null(deadline_expired(&fast, 5000));
	assert_ptr_equal(deadline_expired(&slow, 1000), &d);
	deadline_start(&d, &slow, 0);
	deadline_start(&d, &never, 0);
	assert_null(deadline_expired(&slow, UINT64_MAX));
	assert_true(deadline_next(&never) == UINT64_MAX);
	deadline_stop(&d);
}

static const unsigned char secret[16] = "0123456789abcde";

static union addr address(const char *text)
{
	union addr a;

	assert_int_equal(addr_parse(&a, text), 0);
	return a;
}

static void test_clients(void **state)
{
	union addr v4 = address("10.0.0.1:1"), other4 = address("10.0.0.2:1");
	union addr v6 = address("[2001:db8::1]:1"), same6 = address("[2001:db8::ffff:1]:9"),
		   other6 = address("[2001:db8:0:1::1]:1");
	struct client *c[8];
	struct clients t;

	(void)state;
	assert_int_equal(clients_init(&t, 2, 100, secret), 0);
	assert_int_equal(clients_get(&t, &v4, &c[0]), 0);
	assert_int_equal(clients_get(&t, &v4, &c[1]), 0);
	assert_int_equal(clients_get(&t, &v4, &c[7]), -EMFILE);
	assert_null(c[7]);
	assert_int_equal(clients_get(&t, &other4, &c[2]), 0);
	/* A client's /64 counts as one, whatever the rest of the address. */
	assert_int_equal(clients_get(&t, &v6, &c[3]), 0);
	assert_int_equal(clients_get(&t, &same6, &c[4]), 0);
	assert_int_equal(clients_get(&t, &v6, &c[7]), -EMFILE);
	assert_int_equal(clients_get(&t, &other6, &c[5]), 0);
	clients_put(&t, c[0]);
	assert_int_equal(clients_get(&t, &v4, &c[0]), 0);
	for (int i = 0; i < 6; i++)
		clients_put(&t, c[i]);
	for (size_t i = 0; i <= t.mask; i++)
		assert_null(t.buckets[i]);
	clients_fini(&t);
}

/* The first 8 bytes of an IPv6 address may look like an IPv4 address. */
static void test_families_apart(void **state)
{
	union addr v4 = address("32.1.13.184:1"), v6 = address("[2001:db8::]:1");
	struct client *c[3];
	struct clients t;

	(void)state;
	memset(&v6.in6.sin6_addr.s6_addr[4], 0, 12);
	assert_int_equal(clients_init(&t, 1, 100, secret), 0);
	assert_int_equal(clients_get(&t, &v4, &c[0]), 0);
	assert_int_equal(clients_get(&t, &v6, &c[1]), 0);
	clients_put(&t, c[0]);
	clients_put(&t, c[1]);
	clients_fini(&t);
}

static void test_many(void **state)
{
	struct client **c = calloc(5000, sizeof(struct client *));
	union addr a = address("10.0.0.0:1");
	struct clients t;

	(void)state;
	assert_non_null(c);
	assert_int_equal(clients_init(&t, 1, 1000, secret), 0);
	for (uint32_t i = 0; i < 5000; i++) {
		a.in.sin_addr.s_addr = i;
		assert_int_equal(clients_get(&t, &a, &c[i]), 0);
	}
	for (uint32_t i = 0; i < 5000; i++)
		clients_put(&t, c[i * 7 % 5000]);
	for (size_t i = 0; i <= t.mask; i++)
		assert_null(t.buckets[i]);
	clients_fini(&t);
	free(c);
}

static void test_no_limit(void **state)
{
	union addr a = address("10.0.0.1:1");
	struct clients t;
	struct client *c;

	(void)state;
	assert_int_equal(clients_init(&t, 0, 100, secret), 0);
	assert_int_equal(clients_get(&t, &a, &c), 0);
	assert_null(c);
	clients_put(&t, c);
	clients_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),   cmocka_unit_test(test_queues),
		cmocka_unit_test(test_clients), cmocka_unit_test(test_families_apart),
		cmocka_unit_test(test_many),    cmocka_unit_test(test_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
