/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration reader: values, and the exact line for everything that is not allowed. */
#include "config.h"
#include "leat_conf.h"
#include "platform.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct row {
	const char *text;
	const char *error; /* NULL: it is allowed */
};

/* Both tables, as leat-proxy has them. */
static int read_text(const char *text, struct config *config, struct platform_conf *leat,
		     char *error)
{
	struct conf_table tables[CONFIG_TABLES];
	struct conf conf;
	FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	int rc;

	assert_non_null(in);
	memset(config, 0, sizeof(*config));
	memset(leat, 0, sizeof(*leat));
	config->platform = platform_conf_create();
	assert_non_null(config->platform);
	config_defaults(config);
	config_tables(config, tables);
	leat_conf_table(leat, &tables[1]);
	rc = conf_read(&conf, in, "f", tables, CONFIG_TABLES);
	snprintf(error, sizeof(conf.error), "%s", rc < 0 ? conf.error : "");
	fclose(in);
	platform_conf_destroy(config->platform);
	return rc;
}

static void check_rows(const struct row *rows, size_t n)
{
	struct platform_conf *leat = malloc(sizeof(*leat));
	struct config config;
	char error[512];

	assert_non_null(leat);
	for (size_t i = 0; i < n; i++) {
		int rc = read_text(rows[i].text, &config, leat, error);

		if (rc != (rows[i].error ? -1 : 0) ||
		    strncmp(error, rows[i].error ? rows[i].error : "",
			    strlen(rows[i].error ? rows[i].error : "")) != 0)
			fail_msg("\"%s\":\n got: %s\nwant: %s", rows[i].text, error, rows[i].error);
	}
	free(leat);
}
#define CHECK(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

static void test_refusals(void **state)
{
	static const struct row rows[] = {
		{"listn: 1\n", "f:1:1: unknown key \"listn\": want one of listen, backlog, "},
		{"backlog: 5\nbacklog: 6\n", "f:2:1: backlog: given twice; want each key once"},
		{"backlog: 0\n",
		 "f:1:10: backlog: \"0\" is not allowed: want a whole number from 1 to 65535"},
		{"backlog: 65536\n", "f:1:10: backlog: \"65536\" is not"},
		{"backlog: -1\n", "f:1:10: backlog: \"-1\" is not"},
		{"backlog: 1x\n", "f:1:10: backlog: \"1x\" is not"},
		{"backlog: ' 1'\n", "f:1:10: backlog: \" 1\" is not"},
		{"backlog: 99999999999999999999\n",
		 "f:1:10: backlog: \"99999999999999999999\" is not"},
		{"backlog:\n", "f:1:9: backlog: \"\" is not"},
		{"backlog: [1]\n", "f:1:10: backlog: want a whole number"},
		{"backlog: {a: 1}\n", "f:1:10: backlog: want a whole number"},
		{"\n  idle_timeout: fast\n", "f:2:17: idle_timeout: \"fast\" is not allowed: want "
					     "a time in ms, s, m or h from 1ms to 24h, or none"},
		{"idle_timeout: 5\n", "f:1:15: idle_timeout: \"5\" is not"},
		{"idle_timeout: 25h\n", "f:1:15: idle_timeout: \"25h\" is not"},
		{"idle_timeout: 18446744073709551615h\n",
		 "f:1:15: idle_timeout: \"18446744073709551615h\" is not"},
		{"connect_timeout: none\n", "f:1:18: connect_timeout: \"none\" is not allowed: "
					    "want a time in ms, s, m or h from 100ms to 1h"},
		{"buffer_size: 1KiB\n", "f:1:14: buffer_size: \"1KiB\" is not allowed: want a size "
					"in bytes, KiB, MiB or GiB from 4KiB to 4MiB"},
		{"buffer_size: 64kb\n", "f:1:14: buffer_size: \"64kb\" is not"},
		{"source: me\n",
		 "f:1:9: source: \"me\" is not allowed: want one of client, address, own"},
		{"listen: 8080\n",
		 "f:1:9: listen: \"8080\" is not allowed: want address:port or [address]:port"},
		{"listen: [1.2.3.4:80, '::1:80']\n", "f:1:22: listen: \"::1:80\" is not"},
		{"listen: '[::1]:0'\n", "f:1:9: listen: \"[::1]:0\" is not"},
		{"listen: 1.2.3.4:65536\n", "f:1:9: listen: \"1.2.3.4:65536\" is not"},
		{"listen: [[a]]\n", "f:1:10: listen: want address:port"},
		{"listen: "
		 "[1.1.1.1:1,1.1.1.1:1,1.1.1.1:1,1.1.1.1:1,1.1.1.1:1,1.1.1.1:1,1.1.1.1:1,1.1.1.1:1,"
		 "1.1.1.1:1,1.1.1.1:1,1.1.1.1:1,1.1.1.1:1,1.1.1.1:1,1.1.1.1:1,1.1.1.1:1,1.1.1.1:1,"
		 "1.1.1.1:1]\n",
		 "f:1:170: listen: one too many: \"1.1.1.1:1\""},
		{"- a\n", "f:1:1: want \"key: value\" lines"},
		{"text\n", "f:1:1: want \"key: value\" lines"},
		{"[1]: 2\n", "f:1:1: a key must be plain text"},
		{"\"back\\0log\": 2\n", "f:1:1: a key must be plain text"},
		{"backlog: \"5\\0\"\n", "f:1:10: backlog: want a whole number"},
		{"a: b\n\tc: d\n", "f:2:1: not YAML: "},
		{"backlog: 3\n---\nbacklog: 4\n", "f:3:1: a second document; want one"},
		{"backlog: 3\n--- [\n", "f:3:1: not YAML: "},
		{"a: *b\n", "f:1:4: not YAML: found undefined alias"},
		{"\xff\xfe\xfd", "f:1:1: not YAML: "},
	};

	(void)state;
	CHECK(rows);
}

static void test_leat_refusals(void **state)
{
	static const struct row rows[] = {
		{"ports: x\n", "f:1:8: ports: want a list of ports"},
		{"ports: [x]\n", "f:1:9: ports: want \"key: value\" lines"},
		{"ports: [{name: a}]\n", "f:1:9: ports: a port needs \"name\" and \"device\""},
		{"ports: [{name: a, device: 'eth:x'}]\n",
		 "f:1:27: device: \"eth:x\" is not allowed: want af_packet:IFNAME, tap:IFNAME"},
		{"ports: [{name: a, device: 'tap:'}]\n", "f:1:27: device: \"tap:\" is not"},
		{"ports: [{name: 'a b', device: 'tap:x'}]\n",
		 "f:1:16: name: \"a b\" is not allowed: want 1 to 15"},
		{"ports: [{name: a123456789012345, device: 'tap:x'}]\n",
		 "f:1:16: name: \"a123456789012345\" is not"},
		{"ports: [{name: a, device: 'tap:x', mtu: 67}]\n", "f:1:41: mtu: \"67\" is not"},
		{"ports: [{name: a, device: 'tap:x', mac: '02:00:00:00:00:0'}]\n", "f:1:41: mac: "},
		{"ports: [{name: a, device: 'tap:x', mac: '02-00-00-00-00-01'}]\n",
		 "f:1:41: mac: "},
		{"ports: [{name: a, device: 'tap:x', offload: maybe}]\n",
		 "f:1:45: offload: \"maybe\" is not allowed: want one of false, true"},
		{"ports: [{name: a, device: 'tap:x', colour: red}]\n",
		 "f:1:36: unknown key \"colour\": want one of name, device, mac, mtu, offload, "
		 "addresses"},
		{"ports: [{name: a, device: 'tap:x', name: b}]\n", "f:1:36: name: given twice"},
		{"ports: [{name: a, device: 'tap:x'}, {name: a, device: 'tap:y'}]\n",
		 "f:1:37: ports: two ports are named \"a\""},
		{"ports: [{name: a, device: 'tap:x', addresses: [1.2.3.4]}]\n",
		 "f:1:48: addresses: \"1.2.3.4\" is not"},
		{"ports: [{name: a, device: 'tap:x', addresses: [1.2.3.4/33]}]\n",
		 "f:1:48: addresses: \"1.2.3.4/33\""},
		{"ports: [{name: a, device: 'tap:x', addresses: ['fd00::1/129']}]\n",
		 "f:1:48: addresses: "},
		{"routes: [{to: 0.0.0.0/0}]\n",
		 "f:1:10: routes: a route needs \"to\", and \"via\" or \"port\""},
		{"routes: [{via: 1.2.3.4}]\n", "f:1:10: routes: a route needs"},
		{"routes: [{to: 0.0.0.0, via: 1.2.3.4}]\n",
		 "f:1:15: to: \"0.0.0.0\" is not allowed: want a prefix"},
		{"routes: [{to: 0.0.0.0/0, via: 1.2.3}]\n",
		 "f:1:31: via: \"1.2.3\" is not allowed: want a gateway"},
		{"intercept: [{ports: 0}]\n",
		 "f:1:21: ports: \"0\" is not allowed: want a port from 1 to 65535"},
		{"intercept: [{ports: 80-}]\n", "f:1:21: ports: \"80-\" is not"},
		{"intercept: [{ports: 90-80}]\n", "f:1:21: ports: \"90-80\" is not"},
		{"intercept: [{ports: 80-65536}]\n", "f:1:21: ports: \"80-65536\" is not"},
		{"intercept: [{from: 10.0.0.0/8, to: 'fd00::/8'}]\n",
		 "f:1:13: intercept: \"from\" and \"to\" are of two families"},
		{"buffers_small: 511\n", "f:1:16: buffers_small: \"511\" is not"},
		{"instance: Leat\n",
		 "f:1:11: instance: \"Leat\" is not allowed: want 1 to 12 of a-z"},
		{"instance: a123456789012\n", "f:1:11: instance: "},
	};

	(void)state;
	CHECK(rows);
}

static void test_too_many(void **state)
{
	static const struct {
		const char *key, *entry, *error;
		int n;
	} rows[] = {
		{"ports", "{name: p%d, device: 'tap:x'}", "ports: more than 16", 17},
		{"routes", "{to: 'fd00:%d::/32', via: 'fd00::1'}", "routes: more than 256", 257},
		{"intercept", "{ports: %d}", "intercept: more than 256", 257},
	};
	struct platform_conf *leat = malloc(sizeof(*leat));
	struct config config;
	char error[512], line[64];

	(void)state;
	assert_non_null(leat);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = calloc(1, 20000);

		assert_non_null(text);
		sprintf(text, "%s:\n", rows[i].key);
		for (int k = 1; k <= rows[i].n; k++) {
			const char *rest = strchr(rows[i].entry, '%') + 2;

			snprintf(line, sizeof(line), " - %.*s%d%s\n",
				 (int)(strchr(rows[i].entry, '%') - rows[i].entry), rows[i].entry,
				 k, rest);
			strcat(text, line);
		}
		assert_int_equal(read_text(text, &config, leat, error), -1);
		assert_non_null(strstr(error, rows[i].error));
		/* One less is allowed. */
		*strrchr(text, '-') = '#';
		assert_int_equal(read_text(text, &config, leat, error), 0);
		free(text);
	}
	free(leat);
}

static void test_values(void **state)
{
	static const char text[] =
		"listen: [0.0.0.0:1, '[2001:db8::1]:65535']\n"
		"backlog: 7\nidle_timeout: none\nconnect_timeout: 1500ms\n"
		"half_close_timeout: 2m\ndrain_timeout: 1h\nbuffer_size: 8KiB\nbuffer_total: 1GiB\n"
		"source: address\nlog_level: debug\nstatistics: json\ncore: 3\n";
	struct platform_conf *leat = malloc(sizeof(*leat));
	struct config c;
	char error[512], addr[ADDR_TEXT];

	(void)state;
	assert_non_null(leat);
	assert_int_equal(read_text(text, &c, leat, error), 0);
	assert_int_equal(c.listeners.count, 2);
	assert_string_equal(addr_format(&c.listeners.addr[0], addr), "0.0.0.0:1");
	assert_string_equal(addr_format(&c.listeners.addr[1], addr), "[2001:db8::1]:65535");
	assert_int_equal(c.backlog, 7);
	assert_int_equal(c.idle_ns, 0);
	assert_int_equal(c.connect_ns, 1500000000);
	assert_int_equal(c.half_close_ns, 120000000000);
	assert_int_equal(c.drain_ns, 3600000000000);
	assert_int_equal(c.buffer_bytes, 8192);
	assert_int_equal(c.buffers_bytes, 1 << 30);
	assert_int_equal(c.source, SOURCE_ADDRESS);
	assert_int_equal(c.stats_format, STATS_JSON);
	assert_int_equal(c.core, 3);
	assert_int_equal(c.max_connections, 100000);
	free(leat);
}

static void test_leat_values(void **state)
{
	static const char text[] =
		"ports:\n - name: in0\n   device: tap:leat0,netns=a\n   addresses: [10.1.0.1/24, "
		"'fd00:1::1/64']\n"
		"   mtu: 9000\n   offload: false\n   mac: 02:00:00:00:00:01\n"
		" - {name: out0, device: af_packet:eth1, addresses: 10.2.0.1/24}\n"
		"routes: [{to: '::/0', via: 'fd00:2::fe', port: out0}]\n"
		"intercept: [{from: 10.0.0.0/8, ports: 80-89, in: in0}, {}]\nforward: true\neal: "
		"[-a, '0000:01:00.0']\n";
	struct platform_conf *leat = malloc(sizeof(*leat));
	struct config c;
	char error[512];

	(void)state;
	assert_non_null(leat);
	assert_int_equal(read_text(text, &c, leat, error), 0);
	assert_int_equal(leat->nports, 2);
	assert_string_equal(leat->ports[0].device, "tap:leat0,netns=a");
	assert_int_equal(leat->ports[0].addrs.count, 2);
	assert_string_equal(leat->ports[0].addrs.text[1], "fd00:1::1/64");
	assert_int_equal(leat->ports[0].mtu, 9000);
	assert_int_equal(leat->ports[0].offload, 0);
	assert_string_equal(leat->ports[0].mac, "02:00:00:00:00:01");
	assert_int_equal(leat->ports[1].offload, 1);
	assert_string_equal(leat->ports[1].addrs.text[0], "10.2.0.1/24");
	assert_int_equal(leat->nroutes, 1);
	assert_string_equal(leat->routes[0].via, "fd00:2::fe");
	assert_int_equal(leat->nrules, 2);
	assert_int_equal(leat->rules[0].dports.low, 80);
	assert_int_equal(leat->rules[0].dports.high, 89);
	assert_string_equal(leat->rules[1].to, "");
	assert_int_equal(leat->forward, 1);
	assert_int_equal(leat->eal.count, 2);
	free(leat);
}

/* What --help prints as a default is read as the same value. */
static void test_defaults_round_trip(void **state)
{
	struct config config = {.platform = platform_conf_create()}, again;
	struct conf_table tables[CONFIG_TABLES];
	char text[32];

	(void)state;
	assert_non_null(config.platform);
	config_defaults(&config);
	again = config;
	config_tables(&config, tables);
	for (size_t i = 0; i < tables[0].count; i++) {
		const struct conf_row *row = &tables[0].rows[i];

		if (conf_value(row, &config, text, sizeof(text))[0] == '\0')
			continue;
		memset((char *)&again + row->offset, 0x55, sizeof(uint64_t));
		assert_int_equal(conf_text(row, text, &again), 0);
		assert_memory_equal((char *)&again + row->offset, (char *)&config + row->offset,
				    sizeof(uint64_t));
	}
	platform_conf_destroy(config.platform);
}

static void test_empty_file(void **state)
{
	static const struct row rows[] = {{"# nothing\n", NULL}, {"{}\n", NULL}};

	(void)state;
	CHECK(rows);
}

static void test_check(void **state)
{
	struct config config = {.platform = platform_conf_create()};
	char error[256] = "";

	(void)state;
	config_defaults(&config);
	assert_int_equal(config_check(&config, error, sizeof(error)), 0);
	assert_int_equal(config.listeners.count, 2);
	config.buffer_bytes = config.buffers_bytes;
	assert_int_equal(config_check(&config, error, sizeof(error)), -1);
	assert_non_null(strstr(error, "buffer_total: "));
	platform_conf_destroy(config.platform);
}

#define PORT "ports: [{name: a, device: 'tap:x'}]\n"

/* What entries say together; both families have a listener but for the last row. */
static void test_leat_check(void **state)
{
	static const struct row rows[] = {
		{"forward: true\n", "ports: none is given"},
		{PORT "routes: [{to: 10.0.0.0/8, port: b}]\n",
		 "f:2:10: routes: port: no port is named \"b\": want one of a"},
		{PORT "routes: [{to: 10.0.0.0/8, via: 'fd00::1'}]\n",
		 "f:2:10: routes: to 10.0.0.0/8 via fd00::1: want two of one family"},
		{PORT "intercept: [{ports: 80}, {in: b}]\n",
		 "f:2:26: intercept: in: no port is named \"b\""},
		{"ports: [{name: a, device: 'tap:x', mtu: 600, addresses: ['fd00::1/64']}]\n",
		 "f:1:9: ports: a: mtu 600: want at least 1280 for IPv6 (fd00::1/64)"},
		{PORT "intercept: [{in: a}]\nroutes: [{to: '::/0', via: 'fe80::1', port: a}]\n",
		 NULL},
		{PORT "intercept: [{to: 'fd00::/8'}]\n", "f:2:13: intercept: a rule for fd00::/8"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool ip6 = i + 1 < sizeof(rows) / sizeof(rows[0]);
		struct platform_conf *p = calloc(1, sizeof(*p));
		struct conf_table table;
		struct conf conf;
		char error[600] = "";
		FILE *in = fmemopen((void *)(uintptr_t)rows[i].text, strlen(rows[i].text), "r");
		int rc;

		assert_non_null(p);
		leat_conf_table(p, &table);
		assert_int_equal(conf_read(&conf, in, "f", &table, 1), 0);
		(void)fclose(in);
		rc = leat_conf_check(p, true, ip6, error, sizeof(error));
		assert_int_equal(rc, rows[i].error ? -1 : 0);
		if (rows[i].error && strncmp(error, rows[i].error, strlen(rows[i].error)) != 0)
			fail_msg("row %zu: %s", i, error);
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),    cmocka_unit_test(test_leat_refusals),
		cmocka_unit_test(test_too_many),    cmocka_unit_test(test_values),
		cmocka_unit_test(test_leat_values), cmocka_unit_test(test_defaults_round_trip),
		cmocka_unit_test(test_empty_file),  cmocka_unit_test(test_check),
		cmocka_unit_test(test_leat_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
