/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Leat's sockets: the program brings up the stack that its waits run. Ports, addresses and routes
 * come from the configuration; at the end every packet buffer must be back.
 */
#include "platform.h"

#include <leat/intercept.h>
#include <leat/leat.h>
#include <leat/stats.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "descriptors.h"
#include "leat_conf.h"

/* While the last bytes leave, look so often whether they are gone: it walks all buffers. */
#define SETTLE_STEP_NS 5000000

const char platform_program[] = "leat-proxy";
const char platform_about[] = "Transparent TCP proxy on Leat, a user-space TCP/IP stack.";

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
	leat_conf_table(conf, table);
}

static bool is_ip6(const char *prefix)
{
	return strchr(prefix, ':') != NULL;
}

static bool has_listener(const struct config *config, bool ip6)
{
	for (size_t i = 0; i < config->listeners.count; i++) {
		if ((config->listeners.addr[i].sa.sa_family == AF_INET6) == ip6)
			return true;
	}
	return false;
}

int platform_conf_check(const struct config *config, char *error, size_t len)
{
	return leat_conf_check(config->platform, has_listener(config, false),
			       has_listener(config, true), error, len);
}

static int fail(const struct log *log, const char *what)
{
	log_msg(log, LOG_ERROR, "%s%s%s", what, what[0] ? ": " : "", leat_strerror());
	return -1;
}

/* What the stack refused stands there in the file. */
static int fail_at(const struct log *log, const struct conf_place *place, const char *what)
{
	log_msg(log, LOG_ERROR, "%s:%zu:%zu: %s: %s", place->file, place->line, place->column, what,
		leat_strerror());
	return -1;
}

static const char *or_null(const char *text)
{
	return text[0] ? text : NULL;
}

static bool any_device(const struct platform_conf *conf, bool (*is)(const char *args))
{
	for (size_t i = 0; i < conf->nports; i++)
		if (strncmp(conf->ports[i].device, "dpdk:", 5) == 0 &&
		    is(conf->ports[i].device + 5))
			return true;
	return false;
}

/* "0000:03:00.0" or "03:00.0" */
static bool is_pci(const char *args)
{
	return strspn(args, "0123456789abcdefABCDEF") > 0 &&
	       args[strspn(args, "0123456789abcdefABCDEF")] == ':';
}

static bool maps_buffers(const char *args)
{
	return strncmp(args, "net_vhost", 9) == 0 || strncmp(args, "net_virtio_user", 15) == 0;
}

/* Both fail for a connection that is not held, and that is well. */
void platform_answer(int fd)
{
	(void)leat_answer(fd, LEAT_ANSWER_SYNACK);
}

void platform_be_silent(int fd)
{
	(void)leat_answer(fd, LEAT_ANSWER_NONE);
}

uint64_t platform_sockets(const struct config *config)
{
	uint64_t own = config->platform->max_sockets;

	return own ? own : descriptors_for(config->max_connections);
}

static int start_stack(const struct config *config, const struct log *log)
{
	const struct platform_conf *conf = config->platform;
	const char *eal[LEAT_CONF_EAL + 1] = {NULL};
	struct leat_config leat = {
		.name = or_null(conf->instance),
		.buffers_small = (uint32_t)conf->buffers_small,
		.buffers_big = (uint32_t)conf->buffers_big,
		.memory_mb = (uint32_t)conf->memory_mb,
		.max_sockets = (uint32_t)platform_sockets(config),
		.max_neighbours = (uint32_t)conf->max_neighbours,
		.spin_us = (uint32_t)conf->spin_us,
		.secret_path = or_null(conf->secret),
		.pci = any_device(conf, is_pci),
		.share_memory = any_device(conf, maps_buffers),
		.core = config->core == CONFIG_NO_CORE ? 0 : (int)config->core + 1,
	};

	for (size_t i = 0; i < conf->eal.count; i++)
		eal[i] = conf->eal.text[i];
	if (conf->eal.count > 0)
		leat.eal_args = eal;
	return leat_init(&leat) < 0 ? fail(log, "") : 0;
}

static int add_port(const struct leat_conf_port *conf, const struct log *log)
{
	struct leat_port port = {
		.name = conf->name,
		.spec = conf->device,
		.mtu = (uint32_t)conf->mtu,
		.no_offload = !conf->offload,
		.mac = or_null(conf->mac),
	};

	if (leat_port_add(&port) < 0)
		return fail_at(log, &conf->place, "ports");
	for (size_t i = 0; i < conf->addrs.count; i++) {
		if (leat_addr_add(conf->name, conf->addrs.text[i]) < 0)
			return fail_at(log, &conf->place, "ports");
	}
	return 0;
}

int platform_init(const struct config *config, const struct log *log)
{
	const struct platform_conf *conf = config->platform;

	if (start_stack(config, log) < 0)
		return -1;
	for (size_t i = 0; i < conf->nports; i++) {
		if (add_port(&conf->ports[i], log) < 0)
			goto fini;
	}
	for (size_t i = 0; i < conf->nroutes; i++) {
		const struct leat_conf_route *r = &conf->routes[i];

		if (leat_route_add(r->to, or_null(r->via), or_null(r->port)) < 0) {
			fail_at(log, &r->place, "routes");
			goto fini;
		}
	}
	if (!conf->forward || leat_forwarding_set(true, true) == 0)
		return 0;
	fail(log, "forward");
fini:
	leat_fini();
	return -1;
}

/* Rules go to the first listener of their family. */
static bool is_first(const struct config *config, const union addr *local)
{
	for (size_t i = 0; i < config->listeners.count; i++) {
		const union addr *other = &config->listeners.addr[i];

		if (other->sa.sa_family == local->sa.sa_family)
			return memcmp(other, local, sizeof(*local)) == 0;
	}
	return false;
}

static int add_rule(const struct leat_conf_rule *conf, int fd, bool ip6, const struct log *log)
{
	struct leat_rule rule = {
		.src = or_null(conf->from),
		.dst = or_null(conf->to),
		.dport_lo = conf->dports.low,
		.dport_hi = conf->dports.high,
		.port = or_null(conf->in),
	};

	if (rule.src && is_ip6(rule.src) != ip6)
		return 0;
	if (rule.dst && is_ip6(rule.dst) != ip6)
		return 0;
	/* Without any prefix the rule would be for both families, and the listener is of one. */
	if (!rule.src && !rule.dst)
		rule.dst = ip6 ? "::/0" : "0.0.0.0/0";
	if (leat_intercept_add(fd, &rule) == 0)
		return 0;
	return conf->place.file ? fail_at(log, &conf->place, "intercept") : fail(log, "intercept");
}

int platform_intercept(const struct config *config, const struct log *log, int fd,
		       const union addr *local)
{
	const struct leat_conf_rule everything = {.from = ""};
	const struct platform_conf *conf = config->platform;
	bool ip6 = local->sa.sa_family == AF_INET6;

	if (leat_hold(fd, conf->connect_first) < 0)
		return fail(log, "connect_first");
	if (!is_first(config, local))
		return 0;
	if (conf->nrules == 0)
		return add_rule(&everything, fd, ip6, log);
	for (size_t i = 0; i < conf->nrules; i++) {
		if (add_rule(&conf->rules[i], fd, ip6, log) < 0)
			return -1;
	}
	return 0;
}

/* Bytes that were written and not yet acknowledged, or not yet sent. */
static void count_unsent(void *ctx, const char *holder, uint32_t count, uint32_t oldest_ms)
{
	static const char *const holders[] = {"tcp-send", "tx", "tx-queue"};
	uint32_t *unsent = ctx;

	(void)oldest_ms;
	for (size_t i = 0; i < sizeof(holders) / sizeof(holders[0]); i++) {
		if (strcmp(holder, holders[i]) == 0)
			*unsent += count;
	}
}

/* The stack ends with the program: what closed connections still have to deliver must leave before.
 */
bool platform_settle(void)
{
	struct leat_buffers buffers;
	uint32_t unsent = 0;

	leat_poll_once(SETTLE_STEP_NS);
	return leat_buffers_get(&buffers, count_unsent, &unsent) == 0 && unsent > 0;
}

static void report_counter(void *ctx, const struct leat_counter *c)
{
	char name[96];

	snprintf(name, sizeof(name), "%s.%s", c->group, c->name);
	stats_detail(ctx, name, c->text, c->value);
}

void platform_stats(struct stats_report *report)
{
	struct leat_buffers b;
	struct leat_cpu cpu;

	if (leat_cpu_get(&cpu) == 0 && cpu.cycles_total > 0) {
		double total = (double)cpu.cycles_total;

		stats_ratio(report, "share_program", "of the time: the proxy",
			    (double)cpu.cycles_app / total);
		stats_ratio(report, "share_stack", "of the time: the stack",
			    (double)cpu.cycles_stack / total);
		stats_ratio(report, "share_idle", "of the time: idle",
			    (double)cpu.cycles_idle / total);
		stats_value(report, "cycles", "cycles since the start", cpu.cycles_total);
		stats_value(report, "cycles_idle", "cycles idle", cpu.cycles_idle);
	}
	if (leat_buffers_get(&b, NULL, NULL) == 0) {
		stats_value(report, "packet_buffers", "packet buffers", b.size);
		stats_value(report, "packet_buffers_free", "packet buffers free", b.free);
		stats_value(report, "packet_buffers_held", "packet buffers in use", b.held);
		stats_value(report, "packet_buffers_missing", "packet buffers that nobody has",
			    b.unaccounted);
	}
	leat_stats_each(report_counter, report);
}

int platform_fini(const struct log *log)
{
	unsigned missing = leat_fini();

	if (missing == 0) {
		log_msg(log, LOG_INFO, "every packet buffer is back");
		return 0;
	}
	log_msg(log, LOG_ERROR, "%u packet buffers are not back", missing);
	return -1;
}
