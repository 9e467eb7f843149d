/* SPDX-License-Identifier: BSD-2-Clause */
/* The transparent proxy's program: options, platform, proxy, statistics. One source for the kernel
 * and for Leat. */
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "descriptors.h"
#include "options.h"
#include "platform.h"
#include "proxy.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static int pin(const struct config *config, const struct log *log)
{
	cpu_set_t set;

	if (config->core == CONFIG_NO_CORE)
		return 0;
	CPU_ZERO(&set);
	CPU_SET(config->core, &set);
	if (sched_setaffinity(0, sizeof(set), &set) == 0)
		return 0;
	log_msg(log, LOG_ERROR, "core: %llu is not a processor that we may use: %s",
		(unsigned long long)config->core, strerror(errno));
	return -1;
}

/* As many as are wanted, and as there are sockets and descriptors for. */
static uint64_t max_open(const struct config *config, const struct log *log)
{
	uint64_t by_files = descriptors_raise(config->max_connections, log);
	uint64_t by_sockets = descriptors_enough_for(platform_sockets(config));

	if (by_sockets < config->max_connections)
		log_msg(log, LOG_INFO, "sockets are limited: at most %llu connections",
			(unsigned long long)by_sockets);
	return by_files < by_sockets ? by_files : by_sockets;
}

static int serve(const struct config *config, uint64_t limit, const struct log *log)
{
	struct proxy proxy;
	int rc;

	if (proxy_init(&proxy, config, limit, log) < 0) {
		proxy_fini(&proxy);
		return -1;
	}
	log_msg(log, LOG_INFO, "ready");
	rc = proxy_run(&proxy);
	proxy_fini(&proxy);
	proxy_report(&proxy);
	return rc;
}

static int run(const struct config *config, const struct log *log)
{
	uint64_t limit = max_open(config, log);
	int rc;

	if (pin(config, log) < 0 || platform_init(config, log) < 0)
		return EXIT_FAILED;
	rc = serve(config, limit, log);
	if (platform_fini(log) < 0)
		rc = -1;
	return rc < 0 ? EXIT_FAILED : EXIT_DONE;
}

int main(int argc, char **argv)
{
	struct log log = {.out = stderr, .program = platform_program, .level = LOG_INFO};
	struct config config = {.platform = platform_conf_create()};
	int rc = EXIT_USAGE;

	setvbuf(stderr, NULL, _IOLBF, 0);
	if (!config.platform) {
		log_msg(&log, LOG_ERROR, "out of memory");
		return EXIT_FAILED;
	}
	config_defaults(&config);
	switch (options_read(&config, argc, argv)) {
	case OPTIONS_RUN:
		log.level = (enum log_level)config.log_level;
		rc = run(&config, &log);
		break;
	case OPTIONS_CHECKED:
		rc = EXIT_DONE;
		break;
	case OPTIONS_BAD:
		break;
	}
	platform_conf_destroy(config.platform);
	return rc;
}
