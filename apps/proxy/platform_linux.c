/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's sockets. Addresses, routes and the TPROXY rules are the operator's, see
 * leat-proxy(1); what is left is the limit of open descriptors.
 */
#include "platform.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

const char platform_program[] = "leat-proxy-linux";
const char platform_about[] = "Transparent TCP proxy on the kernel's sockets (TPROXY).";

/* There are no keys of this platform. */
struct platform_conf {
	char none;
};

struct platform_conf *platform_conf_create(void)
{
	return calloc(1, sizeof(struct platform_conf));
}

void platform_conf_destroy(struct platform_conf *conf)
{
	free(conf);
}

void platform_conf_table(struct platform_conf *conf, struct conf_table *table)
{
	*table = (struct conf_table){.base = conf};
}

int platform_conf_check(const struct config *config, char *error, size_t len)
{
	(void)config;
	(void)error;
	(void)len;
	return 0;
}

int platform_init(const struct config *config, const struct log *log)
{
	(void)config;
	(void)log;
	return 0;
}

/* The TPROXY rules bring connections to the listener. */
int platform_intercept(const struct config *config, const struct log *log, int fd,
		       const union addr *local)
{
	(void)config;
	(void)log;
	(void)fd;
	(void)local;
	return 0;
}

/* The kernel answers before accept(2) returns. */
void platform_answer(int fd)
{
	(void)fd;
}

void platform_be_silent(int fd)
{
	(void)fd;
}

uint64_t platform_sockets(const struct config *config)
{
	(void)config;
	return UINT64_MAX;
}

/* The kernel goes on delivering after we are gone. */
bool platform_settle(void)
{
	return false;
}

void platform_stats(struct stats_report *report)
{
	(void)report;
}

int platform_fini(const struct log *log)
{
	(void)log;
	return 0;
}
