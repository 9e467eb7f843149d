/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration keys of the Leat platform. The syntax is checked here, where the place in the
 * file is known; what depends on the machine (does the interface exist?) is said by Leat when the
 * port is opened.
 */
#include "leat_conf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const bool_names[] = {"false", "true", NULL};

static const char name_chars[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

static int copy_text(char *field, size_t size, const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len >= size)
		return -1;
	memcpy(field, text, len + 1);
	return 0;
}

static int read_name(const char *text, void *field)
{
	if (text[strspn(text, name_chars)] != '\0')
		return -1;
	return copy_text(field, LEAT_CONF_NAME, text);
}

static int read_instance(const char *text, void *field)
{
	if (text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")] != '\0')
		return -1;
	return copy_text(field, sizeof(((struct platform_conf *)0)->instance), text);
}

static int read_long_text(const char *text, void *field)
{
	return copy_text(field, LEAT_CONF_TEXT, text);
}

static int read_device(const char *text, void *field)
{
	static const char *const kinds[] = {"af_packet:", "tap:", "dpdk:"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t len = strlen(kinds[i]);

		if (strncmp(text, kinds[i], len) == 0 && text[len] != '\0')
			return copy_text(field, LEAT_CONF_TEXT, text);
	}
	return -1;
}

static int read_mac(const char *text, void *field)
{
	if (strlen(text) != 17)
		return -1;
	for (size_t i = 0; i < 17; i++) {
		if (i % 3 == 2 ? text[i] != ':' : !strchr("0123456789abcdefABCDEF", text[i]))
			return -1;
	}
	return copy_text(field, sizeof(((struct leat_conf_port *)0)->mac), text);
}

/* Bits of an address of this text's family; -1: it is no address. */
static int address_bits(const char *text)
{
	unsigned char bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1)
		return 32;
	return inet_pton(AF_INET6, text, bytes) == 1 ? 128 : -1;
}

static int read_address(const char *text, void *field)
{
	return address_bits(text) < 0 ? -1 : copy_text(field, LEAT_CONF_PREFIX, text);
}

static int read_prefix(const char *text, void *field)
{
	const char *slash = strchr(text, '/');
	char address[LEAT_CONF_PREFIX];
	char *end;
	long bits;

	if (!slash || slash - text >= (ptrdiff_t)sizeof(address) || slash[1] < '0' ||
	    slash[1] > '9')
		return -1;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	bits = strtol(slash + 1, &end, 10);
	if (*end != '\0' || bits > address_bits(address))
		return -1;
	return copy_text(field, LEAT_CONF_PREFIX, text);
}

static int add_address(const char *text, void *field)
{
	struct leat_conf_addrs *addrs = field;

	if (addrs->count == LEAT_CONF_ADDRS)
		return -ENOSPC;
	if (read_prefix(text, addrs->text[addrs->count]) < 0)
		return -1;
	addrs->count++;
	return 0;
}

static int add_eal_argument(const char *text, void *field)
{
	struct leat_conf_eal *eal = field;

	if (eal->count == LEAT_CONF_EAL)
		return -ENOSPC;
	if (copy_text(eal->text[eal->count], LEAT_CONF_TEXT, text) < 0)
		return -1;
	eal->count++;
	return 0;
}

static int parse_port_number(const char *text, char **end, uint16_t *port)
{
	unsigned long value;

	if (text[0] < '0' || text[0] > '9')
		return -1;
	value = strtoul(text, end, 10);
	*port = (uint16_t)value;
	return value == 0 || value > UINT16_MAX ? -1 : 0;
}

/* "443" or "8000-8999" */
static int read_range(const char *text, void *field)
{
	struct leat_conf_range *range = field;
	char *end;

	if (parse_port_number(text, &end, &range->low) < 0)
		return -1;
	range->high = range->low;
	if (*end == '-' && parse_port_number(end + 1, &end, &range->high) < 0)
		return -1;
	return *end == '\0' && range->low <= range->high ? 0 : -1;
}

#define TEXT(name, type_, field, read, want) \
	{ \
		.key = name, .type = CONF_TEXT, .offset = offsetof(type_, field), .text = read, \
		.allowed = want \
	}
#define PREFIX_WANT  "a prefix such as 192.0.2.0/24 or 2001:db8::/32"
#define NAME_WANT    "1 to 15 of letters, digits, _ . and -"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct conf_row port_rows[] = {
	TEXT("name", struct leat_conf_port, name, read_name, NAME_WANT),
	TEXT("device", struct leat_conf_port, device, read_device,
	     "af_packet:IFNAME, tap:IFNAME[,netns=NAME] or dpdk:DEVARGS"),
	TEXT("mac", struct leat_conf_port, mac, read_mac, "an address such as 02:00:00:00:00:01"),
	{.key = "mtu",
	 .type = CONF_NUMBER,
	 .offset = offsetof(struct leat_conf_port, mtu),
	 .min = 68,
	 .max = 65535},
	{.key = "offload",
	 .type = CONF_CHOICE,
	 .offset = offsetof(struct leat_conf_port, offload),
	 .names = bool_names},
	{.key = "addresses",
	 .type = CONF_TEXT,
	 .list = true,
	 .offset = offsetof(struct leat_conf_port, addrs),
	 .text = add_address,
	 .allowed = "an address with its length such as 192.0.2.1/24 or 2001:db8::1/64"},
};

static const struct conf_row route_rows[] = {
	TEXT("to", struct leat_conf_route, to, read_prefix, PREFIX_WANT),
	TEXT("via", struct leat_conf_route, via, read_address, "a gateway's address"),
	TEXT("port", struct leat_conf_route, port, read_name, NAME_WANT),
};

static const struct conf_row rule_rows[] = {
	TEXT("from", struct leat_conf_rule, from, read_prefix, PREFIX_WANT),
	TEXT("to", struct leat_conf_rule, to, read_prefix, PREFIX_WANT),
	TEXT("in", struct leat_conf_rule, in, read_name, NAME_WANT),
	TEXT("ports", struct leat_conf_rule, dports, read_range,
	     "a port from 1 to 65535, or two with - between them"),
};

static int check_room(struct conf *conf, const struct conf_row *row, const yaml_node_t *node,
		      size_t used, size_t max)
{
	return used == max ? conf_fail(conf, node, row->key, "more than %zu", max) : 0;
}

typedef int entry_fn(struct conf *conf, const struct conf_row *row, yaml_node_t *node,
		     struct platform_conf *p);

static int read_entries(struct conf *conf, const struct conf_row *row, yaml_node_t *node,
			struct platform_conf *p, entry_fn *entry)
{
	char want[256];

	if (node->type != YAML_SEQUENCE_NODE)
		return conf_fail(conf, node, row->key, "want %s",
				 conf_allowed(row, want, sizeof(want)));
	for (yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++) {
		if (entry(conf, row, yaml_document_get_node(&conf->doc, *item), p) < 0)
			return -1;
	}
	return 0;
}

static int read_port(struct conf *conf, const struct conf_row *row, yaml_node_t *node,
		     struct platform_conf *p)
{
	struct leat_conf_port *port;

	if (check_room(conf, row, node, p->nports, LEAT_CONF_PORTS) < 0)
		return -1;
	port = &p->ports[p->nports];
	port->place = conf_place_of(conf, node);
	port->offload = 1;
	if (conf_mapping(conf, row->key, node,
			 &(struct conf_table){port_rows, COUNT(port_rows), port}, 1) < 0)
		return -1;
	if (!port->name[0] || !port->device[0])
		return conf_fail(conf, node, row->key, "a port needs \"name\" and \"device\"");
	for (size_t i = 0; i < p->nports; i++) {
		if (strcmp(p->ports[i].name, port->name) == 0)
			return conf_fail(conf, node, row->key, "two ports are named \"%s\"",
					 port->name);
	}
	p->nports++;
	return 0;
}

static int read_route(struct conf *conf, const struct conf_row *row, yaml_node_t *node,
		      struct platform_conf *p)
{
	struct leat_conf_route *route;

	if (check_room(conf, row, node, p->nroutes, LEAT_CONF_ROUTES) < 0)
		return -1;
	route = &p->routes[p->nroutes];
	route->place = conf_place_of(conf, node);
	if (conf_mapping(conf, row->key, node,
			 &(struct conf_table){route_rows, COUNT(route_rows), route}, 1) < 0)
		return -1;
	if (!route->to[0] || (!route->via[0] && !route->port[0]))
		return conf_fail(conf, node, row->key,
				 "a route needs \"to\", and \"via\" or \"port\"");
	p->nroutes++;
	return 0;
}

static int read_rule(struct conf *conf, const struct conf_row *row, yaml_node_t *node,
		     struct platform_conf *p)
{
	struct leat_conf_rule *rule;

	if (check_room(conf, row, node, p->nrules, LEAT_CONF_RULES) < 0)
		return -1;
	rule = &p->rules[p->nrules];
	rule->place = conf_place_of(conf, node);
	if (conf_mapping(conf, row->key, node,
			 &(struct conf_table){rule_rows, COUNT(rule_rows), rule}, 1) < 0)
		return -1;
	if (rule->from[0] && rule->to[0] && !strchr(rule->from, ':') != !strchr(rule->to, ':'))
		return conf_fail(conf, node, row->key, "\"from\" and \"to\" are of two families");
	p->nrules++;
	return 0;
}

static int read_ports(struct conf *conf, const struct conf_row *row, yaml_node_t *node, void *base)
{
	return read_entries(conf, row, node, base, read_port);
}

static int read_routes(struct conf *conf, const struct conf_row *row, yaml_node_t *node, void *base)
{
	return read_entries(conf, row, node, base, read_route);
}

static int read_rules(struct conf *conf, const struct conf_row *row, yaml_node_t *node, void *base)
{
	return read_entries(conf, row, node, base, read_rule);
}

#define NUMBER(name, field, low, high, what) \
	{ \
		.key = name, .type = CONF_NUMBER, .offset = offsetof(struct platform_conf, field), \
		.min = low, .max = high, .arg = "N", .help = what \
	}
#define NODE(name, read, want) \
	{ \
		.key = name, .type = CONF_NODE, .node = read, .allowed = want \
	}

static const struct conf_row rows[] = {
	NODE("ports", read_ports, "a list of ports, each with \"name\" and \"device\""),
	NODE("routes", read_routes, "a list of routes, each with \"to\", and \"via\" or \"port\""),
	NODE("intercept", read_rules, "a list of rules with \"from\", \"to\", \"ports\", \"in\""),
	{.key = "forward",
	 .type = CONF_CHOICE,
	 .offset = offsetof(struct platform_conf, forward),
	 .names = bool_names,
	 .arg = "BOOL",
	 .help = "forward what is not intercepted, between the ports"},
	{.key = "connect_first",
	 .type = CONF_CHOICE,
	 .offset = offsetof(struct platform_conf, connect_first),
	 .names = bool_names,
	 .arg = "BOOL",
	 .help = "answer the client when the server has answered:\n"
		 "a refusal is a refusal, silence is silence"},
	NUMBER("buffers_small", buffers_small, 512, 16777216, "packet buffers of 2 KB"),
	NUMBER("buffers_big", buffers_big, 512, 16777216, "packet buffers of 16 KB"),
	NUMBER("memory_mb", memory_mb, 16, 1048576, "megabytes for DPDK"),
	NUMBER("max_sockets", max_sockets, 16, 16777216, "sockets"),
	NUMBER("max_neighbours", max_neighbours, 16, 1048576, "entries of ARP and ND"),
	NUMBER("spin_us", spin_us, 1, 1000000, "microseconds to poll before sleeping"),
	{.key = "instance",
	 .type = CONF_TEXT,
	 .offset = offsetof(struct platform_conf, instance),
	 .text = read_instance,
	 .allowed = "1 to 12 of a-z, 0-9 and -",
	 .arg = "NAME",
	 .help = "to tell several stacks of one machine apart (leat)"},
	{.key = "secret_file",
	 .type = CONF_TEXT,
	 .offset = offsetof(struct platform_conf, secret),
	 .text = read_long_text,
	 .allowed = "a path of at most 127 characters",
	 .arg = "FILE",
	 .help = "keeps the secret of sequence numbers over a restart;\n"
		 "made when it is missing"},
	{.key = "eal",
	 .type = CONF_TEXT,
	 .list = true,
	 .offset = offsetof(struct platform_conf, eal),
	 .size = sizeof(struct leat_conf_eal),
	 .text = add_eal_argument,
	 .allowed = "arguments for DPDK's EAL, at most 32 of at most 127 characters",
	 .arg = "ARGUMENT",
	 .help = "one argument for DPDK's EAL; several: give it again"},
};

void leat_conf_table(struct platform_conf *conf, struct conf_table *table)
{
	*table = (struct conf_table){rows, COUNT(rows), conf};
}

/* ---- what entries say together ---- */

static bool is_ip6(const char *prefix)
{
	return strchr(prefix, ':') != NULL;
}

static const char *family_name(bool ip6)
{
	return ip6 ? "IPv6" : "IPv4";
}

static int check_port(const struct leat_conf_port *port, char *error, size_t len)
{
	/* RFC 8200 5 */
	for (size_t i = 0; port->mtu != 0 && port->mtu < 1280 && i < port->addrs.count; i++)
		if (is_ip6(port->addrs.text[i]))
			return conf_fail_at(&port->place, error, len,
					    "ports: %s: mtu %llu: want at least 1280 for IPv6 (%s)",
					    port->name, (unsigned long long)port->mtu,
					    port->addrs.text[i]);
	return 0;
}

static int check_name(const struct platform_conf *conf, const struct conf_place *place,
		      const char *key, const char *name, char *error, size_t len)
{
	char known[LEAT_CONF_PORTS * (LEAT_CONF_NAME + 2)] = "";
	size_t used = 0;

	if (name[0] == '\0')
		return 0;
	for (size_t i = 0; i < conf->nports; i++) {
		if (strcmp(conf->ports[i].name, name) == 0)
			return 0;
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
					 i > 0 ? ", " : "", conf->ports[i].name);
	}
	return conf_fail_at(place, error, len, "%s: no port is named \"%s\": want one of %s", key,
			    name, known);
}

static int check_route(const struct platform_conf *conf, const struct leat_conf_route *r,
		       char *error, size_t len)
{
	if (r->via[0] && is_ip6(r->to) != is_ip6(r->via))
		return conf_fail_at(&r->place, error, len,
				    "routes: to %s via %s: want two of one family", r->to, r->via);
	return check_name(conf, &r->place, "routes: port", r->port, error, len);
}

static int check_rule(const struct platform_conf *conf, const struct leat_conf_rule *r, bool ip4,
		      bool ip6, char *error, size_t len)
{
	const char *prefix = r->to[0] ? r->to : r->from;

	if (prefix[0] && !(is_ip6(prefix) ? ip6 : ip4))
		return conf_fail_at(&r->place, error, len,
				    "intercept: a rule for %s, but \"listen\" has no address of %s",
				    prefix, family_name(is_ip6(prefix)));
	return check_name(conf, &r->place, "intercept: in", r->in, error, len);
}

int leat_conf_check(const struct platform_conf *conf, bool ip4, bool ip6, char *error, size_t len)
{
	int rc = 0;

	if (conf->nports == 0) {
		snprintf(error, len,
			 "ports: none is given; want at least one, with name and device");
		return -1;
	}
	for (size_t i = 0; rc == 0 && i < conf->nports; i++)
		rc = check_port(&conf->ports[i], error, len);
	for (size_t i = 0; rc == 0 && i < conf->nroutes; i++)
		rc = check_route(conf, &conf->routes[i], error, len);
	for (size_t i = 0; rc == 0 && i < conf->nrules; i++)
		rc = check_rule(conf, &conf->rules[i], ip4, ip6, error, len);
	return rc;
}
