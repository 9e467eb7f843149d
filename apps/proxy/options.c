/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line: a few options of its own, and one long option per configuration key that takes
 * a text (the key's name with dashes). Options override the file; a list given by options replaces
 * the file's list.
 */
#include "options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "platform.h"

enum { KEY_BASE = 256, ROWS_MAX = 64, NAME_MAX_BYTES = 40, HELP_COLUMN = 25 };

static const char version[] = LEAT_VERSION;

/* The options built from the configuration tables. */
struct options {
	struct conf_table tables[CONFIG_TABLES];
	size_t count;
	const struct conf_row *row[ROWS_MAX];
	void *base[ROWS_MAX];
	bool seen[ROWS_MAX];
	char name[ROWS_MAX][NAME_MAX_BYTES];
	struct option list[ROWS_MAX + 8];
};

static const struct option own_options[] = {
	{"config", required_argument, NULL, 'c'}, {"test", no_argument, NULL, 't'},
	{"json", no_argument, NULL, 'j'},         {"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
};
enum { OWN_COUNT = sizeof(own_options) / sizeof(own_options[0]) };

static const char own_help[] =
	"  -c, --config FILE              read this configuration file; options override it\n"
	"  -t, --test                     check the file and the options, and exit\n"
	"      --json                     short for --statistics json\n"
	"  -h, --help                     print this and exit\n"
	"  -V, --version                  print the version and exit\n";

static void add_row(struct options *o, const struct conf_row *row, void *base)
{
	size_t i = o->count;

	if (row->type == CONF_NODE || i == ROWS_MAX)
		return;
	snprintf(o->name[i], NAME_MAX_BYTES, "%s", row->key);
	for (char *c = o->name[i]; *c; c++)
		*c = *c == '_' ? '-' : *c;
	o->row[i] = row;
	o->base[i] = base;
	o->list[OWN_COUNT + i] =
		(struct option){o->name[i], required_argument, NULL, KEY_BASE + (int)i};
	o->count++;
}

static void build(struct options *o, struct config *config)
{
	memset(o, 0, sizeof(*o));
	memcpy(o->list, own_options, sizeof(own_options));
	config_tables(config, o->tables);
	for (size_t t = 0; t < CONFIG_TABLES; t++) {
		for (size_t i = 0; i < o->tables[t].count; i++)
			add_row(o, &o->tables[t].rows[i], o->tables[t].base);
	}
}

/* A help text may have several lines; all start in the same column. The default follows the last
 * one. */
static void print_row(const struct conf_row *row, const char *name, const void *base)
{
	char left[64], value[32];

	snprintf(left, sizeof(left), "--%s %s", name, row->arg);
	printf("      %-*s  ", HELP_COLUMN, left);
	for (const char *c = row->help; *c; c++) {
		putchar(*c);
		if (*c == '\n')
			printf("%*s", HELP_COLUMN + 8, "");
	}
	if (conf_value(row, base, value, sizeof(value))[0])
		printf(" (%s)", value);
	putchar('\n');
}

static void print_help(const struct options *o)
{
	printf("Usage: %s [OPTION]...\n%s\n\n%s\n", platform_program, platform_about, own_help);
	printf("Configuration keys as options, with their defaults:\n");
	for (size_t i = 0; i < o->count; i++)
		print_row(o->row[i], o->name[i], o->base[i]);
	printf("\nTIME: 500ms, 30s, 5m, 1h, or none. SIZE: 4096, 64KiB, 1MiB, 1GiB.\n"
	       "SIGTERM and SIGINT stop (a second one at once), SIGUSR1 prints statistics.\n"
	       "%s(1) has the rest.\n",
	       platform_program);
}

static int bad_value(const struct options *o, size_t i, const char *text)
{
	char allowed[256];

	fprintf(stderr, "%s: --%s: \"%s\" is not allowed: want %s\n", platform_program, o->name[i],
		text, conf_allowed(o->row[i], allowed, sizeof(allowed)));
	return -1;
}

static int set_row(struct options *o, size_t i, const char *text)
{
	const struct conf_row *row = o->row[i];

	if (row->list && !o->seen[i])
		memset((char *)o->base[i] + row->offset, 0, row->size);
	else if (o->seen[i] && !row->list) {
		fprintf(stderr, "%s: --%s: given twice\n", platform_program, o->name[i]);
		return -1;
	}
	o->seen[i] = true;
	return conf_text(row, text, o->base[i]) < 0 ? bad_value(o, i, text) : 0;
}

static int set_options(struct options *o, struct config *config, int argc, char **argv)
{
	int opt;

	optind = 1;
	while ((opt = getopt_long(argc, argv, "c:thV", o->list, NULL)) != -1) {
		if (opt == 'j')
			config->stats_format = STATS_JSON;
		else if (opt >= KEY_BASE && set_row(o, (size_t)(opt - KEY_BASE), optarg) < 0)
			return -1;
	}
	return 0;
}

/* What has to be known before the file is read. */
struct early {
	const char *file;
	bool help, version, test;
};

static int read_early(const struct options *o, struct early *early, int argc, char **argv)
{
	int opt;

	while ((opt = getopt_long(argc, argv, "c:thV", o->list, NULL)) != -1) {
		if (opt == 'c')
			early->file = optarg;
		early->help |= opt == 'h';
		early->version |= opt == 'V';
		early->test |= opt == 't';
		if (opt == '?') {
			fprintf(stderr, "%s: see --help\n", platform_program);
			return -1;
		}
	}
	if (optind == argc)
		return 0;
	fprintf(stderr, "%s: \"%s\": no argument is expected, see --help\n", platform_program,
		argv[optind]);
	return -1;
}

enum options_result options_read(struct config *config, int argc, char **argv)
{
	struct early early = {0};
	struct options o;
	char error[600];

	build(&o, config);
	if (read_early(&o, &early, argc, argv) < 0)
		return OPTIONS_BAD;
	if (early.help) {
		print_help(&o);
		return OPTIONS_CHECKED;
	}
	if (early.version) {
		printf("%s %s\n", platform_program, version);
		return OPTIONS_CHECKED;
	}
	if (early.file && config_read_file(config, early.file, error, sizeof(error)) < 0) {
		fprintf(stderr, "%s: %s\n", platform_program, error);
		return OPTIONS_BAD;
	}
	if (set_options(&o, config, argc, argv) < 0)
		return OPTIONS_BAD;
	if (config_check(config, error, sizeof(error)) < 0) {
		bool told = !early.file || strncmp(error, early.file, strlen(early.file)) == 0;

		fprintf(stderr, "%s: %s%s%s\n", platform_program, told ? "" : early.file,
			told ? "" : ": ", error);
		return OPTIONS_BAD;
	}
	return early.test ? OPTIONS_CHECKED : OPTIONS_RUN;
}
