/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading LEAT_PRELOAD; see config.h. Called once, before the program's main(). Values that only
 * Leat understands (devices, addresses) are checked when it gets them.
 */
#include "preload/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 8 };

struct parse {
	struct preload_config *c;
	char *words[WORDS_MAX];
	unsigned n;
	char *error;
	size_t len;
};

static int refuse(struct parse *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int refuse(struct parse *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(p->error, p->len, fmt, ap);
	va_end(ap);
	return -1;
}

static int need_words(struct parse *p, unsigned low, unsigned high)
{
	if (p->n >= low && p->n <= high)
		return 0;
	return refuse(p, "%s: want %u to %u words after it, not %u", p->words[0], low - 1, high - 1,
		      p->n - 1);
}

/* The value of "key=value", or NULL. */
static const char *value_of(const char *word, const char *key)
{
	size_t n = strlen(key);

	return strncmp(word, key, n) == 0 && word[n] == '=' ? word + n + 1 : NULL;
}

static int read_number(struct parse *p, const char *key, const char *text, uint32_t *out)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || v > UINT32_MAX)
		return refuse(p, "%s: \"%s\" is not a whole number up to 4294967295", key, text);
	*out = (uint32_t)v;
	return 0;
}

static int read_port(struct parse *p)
{
	struct preload_config *c = p->c;
	struct leat_port *port = &c->ports[c->n_ports];

	if (need_words(p, 3, 6) < 0)
		return -1;
	if (c->n_ports == CONFIG_PORTS)
		return refuse(p, "port: more than %d", CONFIG_PORTS);
	port->name = p->words[1];
	port->spec = p->words[2];
	for (unsigned i = 3; i < p->n; i++) {
		const char *mtu = value_of(p->words[i], "mtu");
		const char *mac = value_of(p->words[i], "mac");

		if (mtu && read_number(p, "port: mtu", mtu, &port->mtu) < 0)
			return -1;
		if (mac)
			port->mac = mac;
		else if (strcmp(p->words[i], "offload=false") == 0)
			port->no_offload = true;
		else if (!mtu)
			return refuse(p, "port: \"%s\": want mtu=N, mac=MAC or offload=false",
				      p->words[i]);
	}
	c->n_ports++;
	return 0;
}

static int read_address(struct parse *p)
{
	struct preload_config *c = p->c;

	if (need_words(p, 3, 3) < 0)
		return -1;
	if (c->n_addrs == CONFIG_ADDRS)
		return refuse(p, "address: more than %d", CONFIG_ADDRS);
	c->addrs[c->n_addrs++] = (struct config_addr){p->words[1], p->words[2]};
	return 0;
}

static int read_route(struct parse *p)
{
	struct preload_config *c = p->c;
	struct config_route *r = &c->routes[c->n_routes];

	if (need_words(p, 3, 4) < 0)
		return -1;
	if (c->n_routes == CONFIG_ROUTES)
		return refuse(p, "route: more than %d", CONFIG_ROUTES);
	r->to = p->words[1];
	for (unsigned i = 2; i < p->n; i++) {
		const char *via = value_of(p->words[i], "via");
		const char *port = value_of(p->words[i], "port");

		if (!via && !port)
			return refuse(p, "route: \"%s\": want via=ADDRESS or port=PORT",
				      p->words[i]);
		r->via = via ? via : r->via;
		r->port = port ? port : r->port;
	}
	c->n_routes++;
	return 0;
}

static int read_rule(struct parse *p)
{
	enum rules_way way = p->words[0][0] == 'l' ? RULES_LEAT : RULES_KERNEL;

	if (need_words(p, 2, 2) < 0)
		return -1;
	switch (rules_add(&p->c->rules, p->words[1], way)) {
	case 0:
		return 0;
	case -ENOSPC:
		return refuse(p, "%s: more than %d prefixes", p->words[0], RULES_MAX);
	default:
		return refuse(p, "%s: \"%s\" is no prefix such as 10.0.0.0/8 or 2001:db8::/32",
			      p->words[0], p->words[1]);
	}
}

static int read_set(struct parse *p)
{
	struct leat_config *l = &p->c->leat;
	const struct {
		const char *key;
		uint32_t *field;
	} numbers[] = {
		{"buffers_small", &l->buffers_small},
		{"buffers_big", &l->buffers_big},
		{"memory_mb", &l->memory_mb},
		{"max_sockets", &l->max_sockets},
		{"spin_us", &l->spin_us},
		{"max_neighbours", &l->max_neighbours},
	};

	if (need_words(p, 3, 3) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strcmp(p->words[1], numbers[i].key) == 0)
			return read_number(p, p->words[1], p->words[2], numbers[i].field);
	if (strcmp(p->words[1], "instance") == 0)
		l->name = p->words[2];
	else if (strcmp(p->words[1], "secret_file") == 0)
		l->secret_path = p->words[2];
	else
		return refuse(p, "set: unknown key \"%s\"", p->words[1]);
	return 0;
}

static int read_eal(struct parse *p)
{
	struct preload_config *c = p->c;

	if (need_words(p, 2, 2) < 0)
		return -1;
	if (c->n_eal == CONFIG_EAL)
		return refuse(p, "eal: more than %d", CONFIG_EAL);
	c->eal[c->n_eal++] = p->words[1];
	c->leat.eal_args = c->eal;
	return 0;
}

static int read_flag(struct parse *p)
{
	if (need_words(p, 1, 1) < 0)
		return -1;
	if (p->words[0][0] == 'v')
		p->c->verbose = true;
	else
		p->c->one_port_each = true;
	return 0;
}

static const struct {
	const char *word;
	int (*read)(struct parse *p);
} statements[] = {
	{"port", read_port},    {"address", read_address},    {"route", read_route},
	{"leat", read_rule},    {"kernel", read_rule},        {"set", read_set},
	{"verbose", read_flag}, {"one-port-each", read_flag}, {"eal", read_eal},
};

static int read_statement(struct parse *p, char *text)
{
	char *save;

	p->n = 0;
	for (char *w = strtok_r(text, " \t\n", &save); w; w = strtok_r(NULL, " \t\n", &save)) {
		if (p->n == WORDS_MAX)
			return refuse(p, "%s: too many words", p->words[0]);
		p->words[p->n++] = w;
	}
	if (p->n == 0)
		return 0;
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
		if (strcmp(p->words[0], statements[i].word) == 0)
			return statements[i].read(p);
	return refuse(p, "unknown statement \"%s\"", p->words[0]);
}

int config_parse(struct preload_config *c, const char *text, char *error, size_t len)
{
	struct parse p = {.c = c, .error = error, .len = len};
	char *save;

	rules_init(&c->rules);
	c->text = strdup(text);
	if (!c->text)
		return refuse(&p, "out of memory");
	for (char *s = strtok_r(c->text, ";", &save); s; s = strtok_r(NULL, ";", &save))
		if (read_statement(&p, s) < 0)
			return -1;
	return 0;
}
