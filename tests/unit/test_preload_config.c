/* SPDX-License-Identifier: BSD-2-Clause */
/* The text in LEAT_PRELOAD: what it says, and what is refused with which words. */
#include "preload/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct preload_config *parsed(const char *text, char error[256])
{
	struct preload_config *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	error[0] = '\0';
	if (config_parse(c, text, error, 256) == 0)
		return c;
	free(c->text);
	free(c);
	return NULL;
}

static void release(struct preload_config *c)
{
	free(c->text);
	free(c);
}

static void test_all(void **state)
{
	char error[256];
	struct preload_config *c = parsed(
		"port eth0 af_packet:veth0 mtu=9000 mac=02:00:00:00:00:01 offload=false;"
		"port eth1 tap:t1;address eth0 192.0.2.1/24;address eth0 2001:db8::1/64;"
		"route 0.0.0.0/0 via=192.0.2.254;route ::/0 via=fe80::1 port=eth0;"
		"leat 127.0.0.2/32;kernel 10.0.0.0/8;set buffers_small 1024;set instance a-b;"
		"set secret_file /var/lib/leat/secret;eal --log-level=8;one-port-each; ;verbose",
		error);

	(void)state;
	if (!c)
		fail_msg("%s", error);
	assert_int_equal(c->n_ports, 2);
	assert_string_equal(c->ports[0].name, "eth0");
	assert_string_equal(c->ports[0].spec, "af_packet:veth0");
	assert_string_equal(c->ports[0].mac, "02:00:00:00:00:01");
	assert_int_equal(c->ports[0].mtu, 9000);
	assert_true(c->ports[0].no_offload);
	assert_false(c->ports[1].no_offload);
	assert_int_equal(c->n_addrs, 2);
	assert_string_equal(c->addrs[1].addr, "2001:db8::1/64");
	assert_int_equal(c->n_routes, 2);
	assert_null(c->routes[0].port);
	assert_string_equal(c->routes[1].via, "fe80::1");
	assert_string_equal(c->routes[1].port, "eth0");
	assert_int_equal(c->rules.n, 6);
	assert_int_equal(c->leat.buffers_small, 1024);
	assert_string_equal(c->leat.name, "a-b");
	assert_string_equal(c->leat.secret_path, "/var/lib/leat/secret");
	assert_string_equal(c->leat.eal_args[0], "--log-level=8");
	assert_null(c->leat.eal_args[1]);
	assert_true(c->one_port_each);
	assert_true(c->verbose);
	release(c);
}

static void test_empty(void **state)
{
	char error[256];
	struct preload_config *c = parsed(" ; ;", error);

	(void)state;
	assert_non_null(c);
	assert_int_equal(c->n_ports, 0);
	assert_false(c->verbose);
	release(c);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"prot eth0 tap:t", "unknown statement \"prot\""},
		{"port eth0", "port: want 2 to 5 words"},
		{"port eth0 tap:t mtu=x", "mtu"},
		{"port eth0 tap:t mtu=4294967296", "4294967295"},
		{"port eth0 tap:t speed=1", "\"speed=1\""},
		{"port a b c d e f g h i", "too many words"},
		{"address eth0", "address: want"},
		{"route 0.0.0.0/0 192.0.2.1", "want via=ADDRESS"},
		{"leat 10.0.0.0", "is no prefix"},
		{"kernel 10.0.0.0/33", "is no prefix"},
		{"set colour red", "unknown key \"colour\""},
		{"set buffers_big -1", "not a whole number"},
		{"verbose very", "verbose: want"},
	};
	char error[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (parsed(rows[i].text, error))
			fail_msg("\"%s\" is taken", rows[i].text);
		if (!strstr(error, rows[i].says))
			fail_msg("\"%s\": %s", rows[i].text, error);
	}
}

static void test_too_many(void **state)
{
	static const struct {
		const char *statement, *says;
		unsigned max;
	} rows[] = {
		{"port p tap:t;", "port: more than 16", CONFIG_PORTS},
		{"address p 10.0.0.1/8;", "address: more than 128", CONFIG_ADDRS},
		{"route 10.0.0.0/8 port=p;", "route: more than 256", CONFIG_ROUTES},
		{"eal x;", "eal: more than 32", CONFIG_EAL},
		{"leat 10.0.0.0/8;", "leat: more than 256", RULES_MAX},
	};
	char error[256], text[16384];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		text[0] = '\0';
		for (unsigned n = 0; n < rows[i].max + 1; n++)
			strcat(text, rows[i].statement);
		assert_null(parsed(text, error));
		if (!strstr(error, rows[i].says))
			fail_msg("\"%s\": %s", rows[i].statement, error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
