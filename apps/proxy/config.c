/* SPDX-License-Identifier: BSD-2-Clause */
/* The proxy's configuration keys: one table, read by the file and by the options alike. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "platform.h"

#define SECOND 1000000000ull
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define KIB    (1ull << 10)
#define MIB    (1ull << 20)
#define GIB    (1ull << 30)

static const char *const source_names[] = {"client", "address", "own", NULL};
static const char *const level_names[] = {"error", "warning", "info", "debug", NULL};
static const char *const format_names[] = {"table", "json", NULL};

static int read_listener(const char *text, void *field)
{
	struct listener_list *list = field;

	if (list->count == CONFIG_LISTENERS_MAX)
		return -ENOSPC;
	if (addr_parse(&list->addr[list->count], text) < 0)
		return -1;
	list->count++;
	return 0;
}

#define FIELD(name) .offset = offsetof(struct config, name), .size = sizeof(uint64_t)
#define NUMBER(name, field, low, high, what) \
	{ \
		.key = name, .type = CONF_NUMBER, FIELD(field), .min = low, .max = high, \
		.arg = "N", .help = what \
	}
#define TIME(name, field, low, high, what) \
	{ \
		.key = name, .type = CONF_TIME, FIELD(field), .min = low, .max = high, \
		.arg = "TIME", .help = what \
	}
#define SIZE(name, field, low, high, what) \
	{ \
		.key = name, .type = CONF_SIZE, FIELD(field), .min = low, .max = high, \
		.arg = "SIZE", .help = what \
	}
#define CHOICE(name, field, words, word, what) \
	{ \
		.key = name, .type = CONF_CHOICE, FIELD(field), .names = words, .arg = word, \
		.help = what \
	}

static const struct conf_row config_rows[] = {
	{.key = "listen",
	 .type = CONF_TEXT,
	 .list = true,
	 .text = read_listener,
	 .offset = offsetof(struct config, listeners),
	 .size = sizeof(struct listener_list),
	 .allowed = "address:port or [address]:port, at most 16",
	 .arg = "ADDRESS:PORT",
	 .help = "where intercepted connections arrive; several: give it again\n"
		 "(0.0.0.0:8080 and [::]:8080)"},
	NUMBER("backlog", backlog, 1, 65535, "connections that may wait for being accepted"),
	NUMBER("max_connections", max_connections, 1, 4000000,
	       "connections at a time, further ones wait in the backlog"),
	NUMBER("max_per_client", max_per_client, 0, 4000000,
	       "connections at a time of one IPv4 address or IPv6 /64,\n"
	       "further ones are reset; 0: no limit"),
	TIME("connect_timeout", connect_ns, SECOND / 10, HOUR, "for the server to answer"),
	TIME("idle_timeout", idle_ns, 0, 24 * HOUR,
	     "without a byte in either direction, then reset"),
	TIME("half_close_timeout", half_close_ns, 0, 24 * HOUR,
	     "the same once one side has finished sending"),
	TIME("drain_timeout", drain_ns, 0, 24 * HOUR, "for open connections to end after SIGTERM"),
	SIZE("buffer_size", buffer_bytes, 4 * KIB, 4 * MIB,
	     "read at once, and held while the receiver is slow"),
	SIZE("buffer_total", buffers_bytes, MIB, 64 * GIB, "held for all connections together"),
	CHOICE("source", source, source_names, "WHICH",
	       "what the server sees: the client's address and port (client),\n"
	       "its address (address), or this machine (own)"),
	CHOICE("log_level", log_level, level_names, "LEVEL",
	       "error, warning, info, or debug (a line per connection)"),
	CHOICE("statistics", stats_format, format_names, "FORMAT",
	       "table or json, on SIGUSR1 and at the end"),
	NUMBER("core", core, 0, 1023, "run on this processor only"),
};

void config_tables(struct config *config, struct conf_table tables[CONFIG_TABLES])
{
	tables[0] = (struct conf_table){config_rows, sizeof(config_rows) / sizeof(config_rows[0]),
					config};
	platform_conf_table(config->platform, &tables[1]);
}

void config_defaults(struct config *config)
{
	struct platform_conf *platform = config->platform;

	*config = (struct config){
		.backlog = 4096,
		.max_connections = 100000,
		.connect_ns = 30 * SECOND,
		.idle_ns = 10 * MINUTE,
		.half_close_ns = 2 * MINUTE,
		.drain_ns = 30 * SECOND,
		.buffer_bytes = 64 * KIB,
		.buffers_bytes = 256 * MIB,
		.log_level = LOG_INFO,
		.core = CONFIG_NO_CORE,
		.platform = platform,
	};
}

int config_read_file(struct config *config, const char *path, char *error, size_t len)
{
	struct conf_table tables[CONFIG_TABLES];
	struct conf conf;
	FILE *in;
	int rc;

	in = fopen(path, "re");
	if (!in) {
		snprintf(error, len, "%s: %s", path, strerror(errno));
		return -1;
	}
	config_tables(config, tables);
	rc = conf_read(&conf, in, path, tables, CONFIG_TABLES);
	if (rc < 0)
		snprintf(error, len, "%s", conf.error);
	fclose(in);
	return rc;
}

static void default_listeners(struct config *config)
{
	config->listeners.count = 2;
	addr_parse(&config->listeners.addr[0], "0.0.0.0:8080");
	addr_parse(&config->listeners.addr[1], "[::]:8080");
}

int config_check(struct config *config, char *error, size_t len)
{
	if (config->listeners.count == 0)
		default_listeners(config);
	if (config->buffers_bytes < 2 * config->buffer_bytes) {
		snprintf(error, len,
			 "buffer_total: %llu bytes is less than two buffers of buffer_size (%llu)",
			 (unsigned long long)config->buffers_bytes,
			 (unsigned long long)config->buffer_bytes);
		return -1;
	}
	return platform_conf_check(config, error, len);
}
