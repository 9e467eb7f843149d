/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading the file of leat exec. Syntax and places in the file are conf.c's and leat_conf.c's,
 * which leat-proxy reads its own with; the result is the text that the library reads.
 */
#include "exec_conf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "leat_conf.h"

enum { PREFIXES_MAX = 120 };

struct prefixes {
	size_t count;
	char text[PREFIXES_MAX][LEAT_CONF_PREFIX];
};

struct exec_conf {
	struct platform_conf stack;
	struct prefixes leat, kernel;
	uint64_t one_port_each, verbose;
};

static const char *const bool_names[] = {"false", "true", NULL};

static int add_prefix(const char *text, void *field)
{
	struct prefixes *p = field;
	const char *slash = strchr(text, '/');
	char addr[LEAT_CONF_PREFIX];
	unsigned char bytes[16];

	if (p->count == PREFIXES_MAX)
		return -ENOSPC;
	if (!slash || strlen(text) >= sizeof(addr) || slash[1] < '0' || slash[1] > '9')
		return -1;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	if (inet_pton(AF_INET, addr, bytes) != 1 && inet_pton(AF_INET6, addr, bytes) != 1)
		return -1;
	memcpy(p->text[p->count++], text, strlen(text) + 1);
	return 0;
}

#define PREFIXES(name, field, what) \
	{ \
		.key = name, .type = CONF_TEXT, .list = true, \
		.offset = offsetof(struct exec_conf, field), .text = add_prefix, \
		.allowed = "prefixes such as 192.0.2.0/24 or 2001:db8::/32, at most 120", \
		.arg = "PREFIX", .help = what \
	}
#define FLAG(name, field, what) \
	{ \
		.key = name, .type = CONF_CHOICE, .offset = offsetof(struct exec_conf, field), \
		.names = bool_names, .arg = "BOOL", .help = what \
	}

static const struct conf_row rows[] = {
	PREFIXES("leat", leat, "addresses that go to Leat"),
	PREFIXES("kernel", kernel, "addresses that stay with the kernel"),
	FLAG("one_port_each", one_port_each, "each process takes one port, the first that is free"),
	FLAG("verbose", verbose, "say on standard error what goes where"),
};

/* ---- statements ---- */

static void write_port(struct statements *s, const struct leat_conf_port *port)
{
	char mtu[32] = "", mac[32] = "";
	const char *extra[4] = {NULL};
	unsigned n = 0;

	(void)snprintf(mtu, sizeof(mtu), "mtu=%" PRIu64, port->mtu);
	(void)snprintf(mac, sizeof(mac), "mac=%s", port->mac);
	if (port->mtu)
		extra[n++] = mtu;
	if (port->mac[0])
		extra[n++] = mac;
	if (!port->offload)
		extra[n++] = "offload=false";
	statements_add(s, "port", port->name, port->device, extra[0], extra[1], extra[2], NULL);
	for (size_t i = 0; i < port->addrs.count; i++)
		statements_add(s, "address", port->name, port->addrs.text[i], NULL);
}

static void write_route(struct statements *s, const struct leat_conf_route *r)
{
	char via[LEAT_CONF_PREFIX + 8], port[LEAT_CONF_NAME + 8];

	(void)snprintf(via, sizeof(via), "via=%s", r->via);
	(void)snprintf(port, sizeof(port), "port=%s", r->port);
	if (r->via[0])
		statements_add(s, "route", r->to, via, r->port[0] ? port : NULL, NULL);
	else
		statements_add(s, "route", r->to, port, NULL);
}

static void write_numbers(struct statements *s, const struct platform_conf *c)
{
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {
		{"buffers_small", c->buffers_small},
		{"buffers_big", c->buffers_big},
		{"memory_mb", c->memory_mb},
		{"max_sockets", c->max_sockets},
		{"spin_us", c->spin_us},
		{"max_neighbours", c->max_neighbours},
	};
	char text[24];

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		(void)snprintf(text, sizeof(text), "%" PRIu64, numbers[i].value);
		if (numbers[i].value)
			statements_add(s, "set", numbers[i].key, text, NULL);
	}
}

static void write_all(struct statements *s, const struct exec_conf *c)
{
	for (size_t i = 0; i < c->stack.nports; i++)
		write_port(s, &c->stack.ports[i]);
	for (size_t i = 0; i < c->stack.nroutes; i++)
		write_route(s, &c->stack.routes[i]);
	write_numbers(s, &c->stack);
	if (c->stack.instance[0])
		statements_add(s, "set", "instance", c->stack.instance, NULL);
	if (c->stack.secret[0])
		statements_add(s, "set", "secret_file", c->stack.secret, NULL);
	for (size_t i = 0; i < c->stack.eal.count; i++)
		statements_add(s, "eal", c->stack.eal.text[i], NULL);
	for (size_t i = 0; i < c->leat.count; i++)
		statements_add(s, "leat", c->leat.text[i], NULL);
	for (size_t i = 0; i < c->kernel.count; i++)
		statements_add(s, "kernel", c->kernel.text[i], NULL);
	if (c->one_port_each)
		statements_add(s, "one-port-each", NULL);
	if (c->verbose)
		statements_add(s, "verbose", NULL);
}

/* ---- the file ---- */

static int check(const char *path, const struct exec_conf *c, char *error, size_t len)
{
	if (c->stack.nrules > 0 || c->stack.forward || c->stack.connect_first) {
		(void)snprintf(error, len,
			       "%s: intercept, forward and connect_first are leat-proxy's; a "
			       "program's sockets have no use for them",
			       path);
		return -1;
	}
	return leat_conf_check(&c->stack, true, true, error, len);
}

static int read_into(struct exec_conf *c, const char *path, char *error, size_t len)
{
	struct conf_table tables[2] = {[1] = {rows, sizeof(rows) / sizeof(rows[0]), c}};
	struct conf conf;
	FILE *in = fopen(path, "re");
	int rc;

	if (!in) {
		(void)snprintf(error, len, "%s: %s", path, strerror(errno));
		return -1;
	}
	leat_conf_table(&c->stack, &tables[0]);
	rc = conf_read(&conf, in, path, tables, 2);
	if (rc < 0)
		(void)snprintf(error, len, "%s", conf.error);
	(void)fclose(in);
	return rc < 0 ? rc : check(path, c, error, len);
}

int exec_conf_read(const char *path, struct statements *s, char *error, size_t len)
{
	struct exec_conf *c = calloc(1, sizeof(*c));
	int rc;

	if (!c) {
		(void)snprintf(error, len, "out of memory");
		return -1;
	}
	rc = read_into(c, path, error, len);
	if (rc == 0)
		write_all(s, c);
	free(c);
	return rc;
}

void exec_conf_help(FILE *out)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		fprintf(out, "  %-14s %s\n", rows[i].key, rows[i].help);
}
