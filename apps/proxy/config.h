/* SPDX-License-Identifier: BSD-2-Clause */
/* What the proxy can be told, by file and by options; the platform adds keys of its own. */
#ifndef PROXY_CONFIG_H
#define PROXY_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "conf.h"

enum { CONFIG_LISTENERS_MAX = 16 };

/* Which local address and port the upstream socket binds. */
enum upstream_source {
	SOURCE_CLIENT,  /* the client's address and port: transparent both ways */
	SOURCE_ADDRESS, /* the client's address, a port of our choice */
	SOURCE_OWN,     /* an address of this machine */
};

enum stats_format { STATS_TABLE, STATS_JSON };

struct listener_list {
	size_t count;
	union addr addr[CONFIG_LISTENERS_MAX];
};

struct config {
	struct listener_list listeners;
	uint64_t backlog;
	uint64_t max_connections;
	uint64_t max_per_client; /* 0: no limit */
	uint64_t connect_ns, idle_ns, half_close_ns, drain_ns;
	uint64_t buffer_bytes, buffers_bytes;
	uint64_t source; /* enum upstream_source */
	uint64_t log_level, stats_format;
	uint64_t core; /* CONFIG_NO_CORE: wherever the system puts us */
	struct platform_conf *platform;
};

#define CONFIG_NO_CORE UINT64_MAX

/* The proxy's own rows and the platform's; config->platform must exist. */
enum { CONFIG_TABLES = 2 };
void config_tables(struct config *config, struct conf_table tables[CONFIG_TABLES]);

void config_defaults(struct config *config);

/* Read a file on top of what is set. Returns 0, or -1 with one line in error. */
int config_read_file(struct config *config, const char *path, char *error, size_t len);

/* What one key alone cannot tell. Fills in the default listeners. Returns 0, or -1 with a line in
 * error. */
int config_check(struct config *config, char *error, size_t len);

#endif
