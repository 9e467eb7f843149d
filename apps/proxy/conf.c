/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration as data, see conf.h. The YAML text comes from an operator: libyaml turns it into
 * nodes that know their place, the tables decide what is allowed. Used at start only, by the
 * options and the file.
 */
#include "conf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

/* Largest first: conf_allowed() prints a limit in the biggest unit that divides it. */
static const struct unit time_units[] = {
	{"h", 3600000000000u}, {"m", 60000000000u}, {"s", 1000000000u}, {"ms", 1000000u}, {NULL, 0},
};
static const struct unit no_units[] = {{"", 1}, {NULL, 0}};
static const struct unit size_units[] = {
	{"GiB", 1u << 30}, {"MiB", 1u << 20}, {"KiB", 1u << 10}, {"", 1}, {NULL, 0},
};

static const struct unit *units_of(enum conf_type type)
{
	if (type == CONF_TIME)
		return time_units;
	return type == CONF_SIZE ? size_units : no_units;
}

int conf_fail(struct conf *conf, const yaml_node_t *node, const char *key, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(conf->error, sizeof(conf->error), "%s:%zu:%zu: %s%s%s", conf->name,
		 node->start_mark.line + 1, node->start_mark.column + 1, key ? key : "",
		 key ? ": " : "", text);
	return -1;
}

struct conf_place conf_place_of(const struct conf *conf, const yaml_node_t *node)
{
	return (struct conf_place){conf->name, node->start_mark.line + 1,
				   node->start_mark.column + 1};
}

int conf_fail_at(const struct conf_place *place, char *error, size_t len, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(error, len, "%s:%zu:%zu: %s", place->file, place->line, place->column, text);
	return -1;
}

const char *conf_scalar(const yaml_node_t *node)
{
	const char *text;

	if (node->type != YAML_SCALAR_NODE)
		return NULL;
	text = (const char *)node->data.scalar.value;
	return strlen(text) == node->data.scalar.length ? text : NULL;
}

/* A whole decimal number and then one of the units. */
static int parse_quantity(const char *text, const struct unit *units, uint64_t *value)
{
	char *end;
	uint64_t number;

	if (text[0] < '0' || text[0] > '9')
		return -1;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno != 0)
		return -1;
	for (const struct unit *u = units; u->name; u++) {
		if (strcmp(end, u->name) == 0)
			return __builtin_mul_overflow(number, u->factor, value) ? -1 : 0;
	}
	return -1;
}

static int parse_choice(const char *text, const char *const *names, uint64_t *value)
{
	for (uint64_t i = 0; names[i]; i++) {
		if (strcmp(text, names[i]) == 0) {
			*value = i;
			return 0;
		}
	}
	return -1;
}

static int parse_value(const struct conf_row *row, const char *text, uint64_t *value)
{
	if (row->type == CONF_CHOICE)
		return parse_choice(text, row->names, value);
	if (row->type == CONF_TIME && row->min == 0 && strcmp(text, "none") == 0) {
		*value = 0;
		return 0;
	}
	if (parse_quantity(text, units_of(row->type), value) < 0)
		return -1;
	return *value >= row->min && *value <= row->max ? 0 : -1;
}

int conf_text(const struct conf_row *row, const char *text, void *base)
{
	void *field = (char *)base + row->offset;
	uint64_t value;

	if (row->type == CONF_TEXT)
		return row->text(text, field);
	if (parse_value(row, text, &value) < 0)
		return -1;
	memcpy(field, &value, sizeof(value));
	return 0;
}

static void print_quantity(char *buf, size_t len, const struct unit *units, uint64_t value)
{
	const struct unit *u = units;

	while (u[1].name && (value == 0 || value % u->factor != 0))
		u++;
	snprintf(buf, len, "%" PRIu64 "%s", value / u->factor, u->name);
}

static void print_choices(char *buf, size_t len, const char *const *names)
{
	size_t used = 0;

	for (size_t i = 0; names[i] && used < len; i++)
		used += (size_t)snprintf(buf + used, len - used, "%s%s", i > 0 ? ", " : "one of ",
					 names[i]);
}

const char *conf_allowed(const struct conf_row *row, char *buf, size_t len)
{
	char low[32], high[32];

	switch (row->type) {
	case CONF_NUMBER:
		snprintf(buf, len, "a whole number from %" PRIu64 " to %" PRIu64, row->min,
			 row->max);
		break;
	case CONF_TIME:
		print_quantity(low, sizeof(low), time_units, row->min);
		print_quantity(high, sizeof(high), time_units, row->max);
		snprintf(buf, len, "a time in ms, s, m or h from %s to %s%s",
			 row->min == 0 ? "1ms" : low, high, row->min == 0 ? ", or none" : "");
		break;
	case CONF_SIZE:
		print_quantity(low, sizeof(low), size_units, row->min);
		print_quantity(high, sizeof(high), size_units, row->max);
		snprintf(buf, len, "a size in bytes, KiB, MiB or GiB from %s to %s", low, high);
		break;
	case CONF_CHOICE:
		print_choices(buf, len, row->names);
		break;
	case CONF_TEXT:
	case CONF_NODE:
		snprintf(buf, len, "%s", row->allowed);
		break;
	}
	return buf;
}

const char *conf_value(const struct conf_row *row, const void *base, char *buf, size_t len)
{
	uint64_t value;

	buf[0] = '\0';
	if (row->type == CONF_TEXT || row->type == CONF_NODE)
		return buf;
	memcpy(&value, (const char *)base + row->offset, sizeof(value));
	if (row->type == CONF_CHOICE)
		snprintf(buf, len, "%s", row->names[value]);
	else if (row->type == CONF_TIME && value == 0)
		snprintf(buf, len, "none");
	else if (value >= row->min && value <= row->max)
		print_quantity(buf, len, units_of(row->type), value);
	return buf;
}

const struct conf_row *conf_find(const struct conf_table *tables, size_t ntables, const char *key,
				 void **base)
{
	for (size_t t = 0; t < ntables; t++) {
		for (size_t i = 0; i < tables[t].count; i++) {
			if (strcmp(tables[t].rows[i].key, key) == 0) {
				*base = tables[t].base;
				return &tables[t].rows[i];
			}
		}
	}
	return NULL;
}

static int read_text(struct conf *conf, const struct conf_row *row, yaml_node_t *node, void *base)
{
	const char *text = conf_scalar(node);
	char allowed[256];

	if (!text)
		return conf_fail(conf, node, row->key, "want %s",
				 conf_allowed(row, allowed, sizeof(allowed)));
	switch (conf_text(row, text, base)) {
	case 0:
		return 0;
	case -ENOSPC:
		return conf_fail(conf, node, row->key, "one too many: \"%.100s\"", text);
	default:
		return conf_fail(conf, node, row->key, "\"%.100s\" is not allowed: want %s", text,
				 conf_allowed(row, allowed, sizeof(allowed)));
	}
}

static int read_row(struct conf *conf, const struct conf_row *row, yaml_node_t *node, void *base)
{
	if (row->type == CONF_NODE)
		return row->node(conf, row, node, base);
	if (!row->list || node->type != YAML_SEQUENCE_NODE)
		return read_text(conf, row, node, base);
	for (yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++) {
		yaml_node_t *one = yaml_document_get_node(&conf->doc, *item);

		if (read_text(conf, row, one, base) < 0)
			return -1;
	}
	return 0;
}

static void print_keys(char *buf, size_t len, const struct conf_table *tables, size_t ntables)
{
	size_t used = 0;

	for (size_t t = 0; t < ntables; t++) {
		for (size_t i = 0; i < tables[t].count && used < len; i++)
			used += (size_t)snprintf(buf + used, len - used, "%s%s",
						 used > 0 ? ", " : "", tables[t].rows[i].key);
	}
}

/* The same key further up in this mapping? Quadratic; a mapping has at most a few dozen keys that
 * are known. */
static bool is_repeated(struct conf *conf, yaml_node_t *map, yaml_node_pair_t *pair)
{
	const char *key = conf_scalar(yaml_document_get_node(&conf->doc, pair->key));

	for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < pair; p++) {
		const char *other = conf_scalar(yaml_document_get_node(&conf->doc, p->key));

		if (other && strcmp(other, key) == 0)
			return true;
	}
	return false;
}

static int read_pair(struct conf *conf, yaml_node_t *map, yaml_node_pair_t *pair,
		     const struct conf_table *tables, size_t ntables)
{
	yaml_node_t *key_node = yaml_document_get_node(&conf->doc, pair->key);
	yaml_node_t *value = yaml_document_get_node(&conf->doc, pair->value);
	const char *key = conf_scalar(key_node);
	const struct conf_row *row;
	char keys[320] = "";
	void *base;

	if (!key)
		return conf_fail(conf, key_node, NULL, "a key must be plain text");
	row = conf_find(tables, ntables, key, &base);
	if (!row) {
		print_keys(keys, sizeof(keys), tables, ntables);
		return conf_fail(conf, key_node, NULL, "unknown key \"%.60s\": want one of %s", key,
				 keys);
	}
	if (is_repeated(conf, map, pair))
		return conf_fail(conf, key_node, key, "given twice; want each key once");
	return read_row(conf, row, value, base);
}

int conf_mapping(struct conf *conf, const char *what, yaml_node_t *node,
		 const struct conf_table *tables, size_t ntables)
{
	if (node->type != YAML_MAPPING_NODE)
		return conf_fail(conf, node, what, "want \"key: value\" lines");
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		if (read_pair(conf, node, pair, tables, ntables) < 0)
			return -1;
	}
	return 0;
}

static int fail_yaml(struct conf *conf, const yaml_parser_t *parser)
{
	snprintf(conf->error, sizeof(conf->error), "%s:%zu:%zu: not YAML: %s", conf->name,
		 parser->problem_mark.line + 1, parser->problem_mark.column + 1,
		 parser->problem ? parser->problem : "out of memory");
	return -1;
}

/* Exactly one document: what comes after a "---" would be silently unread. */
static int check_single(struct conf *conf, yaml_parser_t *parser)
{
	yaml_document_t next;
	yaml_node_t *root;
	int rc = 0;

	if (!yaml_parser_load(parser, &next))
		return fail_yaml(conf, parser);
	root = yaml_document_get_root_node(&next);
	if (root)
		rc = conf_fail(conf, root, NULL, "a second document; want one");
	yaml_document_delete(&next);
	return rc;
}

int conf_read(struct conf *conf, FILE *in, const char *name, const struct conf_table *tables,
	      size_t ntables)
{
	yaml_parser_t parser;
	yaml_node_t *root;
	int rc = -1;

	*conf = (struct conf){.name = name};
	if (!yaml_parser_initialize(&parser)) {
		snprintf(conf->error, sizeof(conf->error), "%s: out of memory", name);
		return -1;
	}
	yaml_parser_set_input_file(&parser, in);
	if (!yaml_parser_load(&parser, &conf->doc)) {
		fail_yaml(conf, &parser);
		goto out_parser;
	}
	root = yaml_document_get_root_node(&conf->doc);
	if (!root) /* an empty file: every key has its default */
		rc = 0;
	else if (conf_mapping(conf, NULL, root, tables, ntables) == 0)
		rc = check_single(conf, &parser);
	yaml_document_delete(&conf->doc);
out_parser:
	yaml_parser_delete(&parser);
	return rc;
}
