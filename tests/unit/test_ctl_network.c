/* SPDX-License-Identifier: BSD-2-Clause */
/* An instance with real ports that need no privilege (DPDK's null device): what configuration text
 * is refused, with which words, and what a failure half-way leaves behind. */
#include "ctl/instance.h"

#include "base/compiler.h"
#include "inet/inet.h"
#include "link/link.h"
#include "port/port.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_lcore.h>

#include <cmocka.h>

static struct instance *start(const char *name)
{
	const struct leat_config conf = {.name = name, .buffers_small = 2048, .buffers_big = 512};
	char err[INSTANCE_ERR_LEN] = "";
	struct instance *in;

	if (instance_create(&conf, &in, err) < 0)
		fail_msg("%s", err);
	return in;
}

static void add_port(struct instance *in, const char *name, const char *spec)
{
	const struct leat_port p = {.name = name, .spec = spec};

	if (instance_port_add(in, &p) < 0)
		fail_msg("%s", in->err);
}

static struct instance *start_with_ports(const char *name)
{
	struct instance *in = start(name);

	add_port(in, "a", "dpdk:net_null0");
	add_port(in, "b", "dpdk:net_null1");
	assert_int_equal(instance_addr_add(in, "a", "192.0.2.1/24"), 0);
	assert_int_equal(instance_addr_add(in, "b", "198.51.100.1/24"), 0);
	assert_int_equal(instance_addr_add(in, "a", "2001:db8:a::1/64"), 0);
	assert_int_equal(instance_addr_add(in, "b", "2001:db8:b::1/64"), 0);
	assert_int_equal(instance_addr_add(in, "b", "fe80::1/64"), 0);
	return in;
}

static void test_addr_text(void **state)
{
	static const struct {
		const char *text;
		int want;
	} rows[] = {
		{"192.0.2.2", -EINVAL},        {"192.0.2.2/33", -EINVAL},
		{"192.0.2.2/024", -EINVAL},    {"192.0.2.2/00", -EINVAL},
		{"192.0.2.2/+4", -EINVAL},     {"192.0.2.2/24x", -EINVAL},
		{"192.0.2.2/", -EINVAL},       {"/24", -EINVAL},
		{"192.0.2.1/24", -EEXIST},     {"192.0.2.2/24", 0},
		{"2001:db8::1", -EINVAL},      {"2001:db8::1/129", -EINVAL},
		{"2001:db8::1/064", -EINVAL},  {"2001:db8::1/6 4", -EINVAL},
		{"2001:db8:a::1/64", -EEXIST}, {"2001:db8:a::2/64", 0},
	};
	struct instance *in = start_with_ports("addr");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		in->err[0] = '\0';
		assert_int_equal(instance_addr_add(in, "a", rows[i].text), rows[i].want);
		if (rows[i].want < 0)
			assert_non_null(strstr(in->err, rows[i].text));
	}
	assert_int_equal(instance_destroy(in), 0);
}

static void test_route_text(void **state)
{
	static const struct {
		const char *dst, *gateway, *port;
		int want;
		const char *says;
	} rows[] = {
		{"10.0.0.0", NULL, NULL, -EINVAL, "needs a gateway or a port"},
		{"10.0.0.1/8", "192.0.2.2", NULL, -EINVAL, "not PREFIX/LENGTH"},
		{"10.0.0.0/8", "192.0.2", NULL, -EINVAL, "'192.0.2': no address such as 192.0.2.1"},
		{"10.0.0.0/8", "2001:db8:a::2", NULL, -EINVAL, "not IPv4 as the route"},
		{"10.0.0.0/8", "0.0.0.0", "a", -EINVAL, "that a host may have"},
		{"10.0.0.0/8", "224.0.0.5", "a", -EINVAL, "that a host may have"},
		{"10.0.0.0/8", "192.0.2.1", NULL, -EINVAL, "an address of our own"},
		{"10.0.0.0/8", "198.51.100.1", "a", -EINVAL, "an address of our own"},
		{"10.0.0.0/8", "203.0.113.1", NULL, -ENETUNREACH, "on no port's network"},
		{"10.0.0.0/8", "203.0.113.1", "c", -ENODEV, "no such port"},
		{"10.0.0.0/8", "198.51.100.2", NULL, 0, NULL},
		{"10.0.0.0/8", "198.51.100.2", NULL, -EEXIST, "exists already"},
		{"2001:db8:1::", NULL, NULL, -EINVAL, "needs a gateway or a port"},
		{"2001:db8:1::1/48", "2001:db8:a::2", NULL, -EINVAL, "not PREFIX/LENGTH"},
		{"2001:db8:1::/48", "2001::db8::", NULL, -EINVAL, "no address such as 2001:db8::1"},
		{"2001:db8:1::/48", "192.0.2.2", NULL, -EINVAL, "not IPv6 as the route"},
		{"2001:db8:1::/48", "::", "a", -EINVAL, "that a host may have"},
		{"2001:db8:1::/48", "ff02::2", "a", -EINVAL, "that a host may have"},
		{"2001:db8:1::/48", "2001:db8:a::1", NULL, -EINVAL, "an address of our own"},
		{"2001:db8:1::/48", "fe80::1", "b", -EINVAL, "an address of our own"},
		{"2001:db8:1::/48", "fe80::2", NULL, -EINVAL, "name the port"},
		{"2001:db8:1::/48", "2001:db8:c::2", NULL, -ENETUNREACH, "on no port's network"},
		{"2001:db8:1::/48", "fe80::2", "b", 0, NULL},
		{"2001:db8:2::/48", "2001:db8:b::2", NULL, 0, NULL},
	};
	struct instance *in = start_with_ports("route");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		in->err[0] = '\0';
		assert_int_equal(instance_route_add(in, rows[i].dst, rows[i].gateway, rows[i].port),
				 rows[i].want);
		if (rows[i].want < 0 && !strstr(in->err, rows[i].says))
			fail_msg("row %zu says: %s", i, in->err);
	}
	assert_int_equal(instance_destroy(in), 0);
}

/* The port with the link-local gateway is the one that was named. */
static void test_route_link_local(void **state)
{
	struct instance *in = start_with_ports("linklocal");
	struct ipaddr dst;
	struct inet_dst d;

	(void)state;
	assert_int_equal(ipaddr_parse("2001:db8:1::1", &dst), 0);
	assert_int_equal(instance_route_add(in, "2001:db8:1::/48", "fe80::2", "b"), 0);
	assert_int_equal(inet_dst_lookup(in->stack, &dst, &d), 0);
	assert_int_equal(d.iface, 1);
	assert_int_equal(instance_destroy(in), 0);
}

/* A port whose interface cannot be made does not stay: its name and device are free again. */
static void test_port_unwinds(void **state)
{
	const struct leat_port p = {.name = "a", .spec = "dpdk:net_null0"};
	struct instance *in = start("unwind");

	(void)state;
	in->stack->link->ifaces[0].used = true;
	assert_int_equal(instance_port_add(in, &p), -EEXIST);
	assert_int_equal(in->stack->n_ports, 0);
	in->stack->link->ifaces[0].used = false;
	assert_int_equal(instance_port_add(in, &p), 0);
	assert_int_equal(in->stack->n_ports, 1);
	assert_int_equal(instance_destroy(in), 0);
}

static void *work(void *arg)
{
	struct instance *in = start("thread");
	unsigned *ids = arg;

	ids[0] = rte_lcore_id();
	if (instance_destroy(in) != 0)
		ids[0] = LCORE_ID_ANY;
	ids[1] = rte_lcore_id();
	return NULL;
}

/* A worker is not always the thread that started the EAL. */
static void test_thread_is_registered(void **state)
{
	unsigned ids[2] = {LCORE_ID_ANY, 0};
	pthread_t t;

	(void)state;
	assert_int_equal(instance_destroy(start("first")), 0);
	assert_int_equal(pthread_create(&t, NULL, work, ids), 0);
	assert_int_equal(pthread_join(t, NULL), 0);
	assert_int_not_equal(ids[0], LCORE_ID_ANY);
	assert_int_equal(ids[1], LCORE_ID_ANY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addr_text),
		cmocka_unit_test(test_route_text),
		cmocka_unit_test(test_route_link_local),
		cmocka_unit_test(test_port_unwinds),
		cmocka_unit_test(test_thread_is_registered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
