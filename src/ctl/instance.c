/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Create and destroy an instance: EAL, pool, stack, internet layer. Called by leat_init() and
 * leat_fini() in the worker's thread; the instance owns all it makes.
 */
#include "ctl/instance.h"

#include "inet/inet.h"
#include "plat/clock.h"
#include "plat/cpu.h"
#include "plat/eal.h"
#include "plat/random.h"
#include "plat/secret.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_SMALL 16384u
#define DEFAULT_BIG   4096u
#define MIN_BUFFERS   512u
#define MAX_BUFFERS   (1u << 24)
/* The slice of each pool that bulk data cannot take: one in so many. */
#define RESERVE_SHARE 16u
/* What an mbuf costs beyond its room, and what the EAL itself takes. */
#define MBUF_OVERHEAD_BYTES 512u
#define EAL_MB              48u

static uint64_t env_mono(void *ctx)
{
	(void)ctx;
	return plat_mono_ns();
}

static uint64_t env_wall(void *ctx)
{
	(void)ctx;
	return plat_wall_ns();
}

static void env_random(void *ctx, void *buf, size_t len)
{
	(void)ctx;
	plat_random(buf, len);
}

int instance_fail(struct instance *in, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(in->err, sizeof(in->err), fmt, ap);
	va_end(ap);
	return code;
}

static int check_count(struct instance *in, const char *key, uint32_t v)
{
	if (v >= MIN_BUFFERS && v <= MAX_BUFFERS)
		return 0;
	return instance_fail(in, -EINVAL, "%s: %u is not in %u..%u", key, v, MIN_BUFFERS,
			     MAX_BUFFERS);
}

static int check_name(struct instance *in, const char *name)
{
	size_t n = strlen(name);

	if (n > 0 && n <= 12 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n)
		return instance_fail(in, 0, "%s", "");
	return instance_fail(in, -EINVAL, "name: '%s' is not 1 to 12 of [a-z0-9-]", name);
}

static uint32_t memory_mb(const struct leat_config *conf, uint32_t small, uint32_t big)
{
	uint64_t bytes = (uint64_t)small * (MBUF_SMALL_ROOM + MBUF_HEADROOM + MBUF_OVERHEAD_BYTES) +
			 (uint64_t)big * (MBUF_BIG_ROOM + MBUF_HEADROOM + MBUF_OVERHEAD_BYTES);

	return conf->memory_mb ? conf->memory_mb : (uint32_t)(bytes >> 20) + EAL_MB;
}

static int start_platform(struct instance *in, const struct leat_config *conf, uint32_t small,
			  uint32_t big)
{
	struct plat_eal_conf eal = {
		.mem_mb = memory_mb(conf, small, big),
		.pci = conf->pci,
		.share_memory = conf->share_memory,
		.extra_args = conf->eal_args,
	};
	int rc;

	rc = plat_eal_init(&eal, in->err, sizeof(in->err));
	if (rc < 0)
		return rc;
	/* The EAL knows the thread that started it; this one may be another. */
	rc = plat_thread_register();
	if (rc < 0)
		return instance_fail(in, rc, "cannot register the thread with DPDK: %s",
				     strerror(-rc));
	/* Only now: threads that the EAL starts stay where the caller is. */
	if (conf->core <= 0)
		return 0;
	rc = plat_cpu_pin((unsigned)conf->core - 1);
	if (rc == 0)
		return 0;
	plat_thread_unregister();
	return instance_fail(in, rc, "core: cannot run on core %d: %s", conf->core - 1,
			     strerror(-rc));
}

static int make_pool(struct instance *in, uint8_t core, uint32_t small, uint32_t big)
{
	struct mbuf_pool_conf pc = {
		.name = in->name,
		.count = {small, big},
		.reserve = {small / RESERVE_SHARE, big / RESERVE_SHARE},
		.core = core,
	};
	int rc = mbuf_pool_create(&pc, &in->pool);

	if (rc < 0)
		return instance_fail(in, rc,
				     "packet buffers: cannot make %u small and %u big ones: %s",
				     small, big, strerror(-rc));
	return 0;
}

static int make_stack(struct instance *in, const struct leat_config *conf, uint8_t core)
{
	struct stack_conf sc = {
		.env = {.mono_ns = env_mono,
			.wall_ns = env_wall,
			.random = env_random,
			.mem = mem_libc()},
		.pool = in->pool,
		.core = core,
		.max_sockets = conf->max_sockets,
		.max_neighbours = conf->max_neighbours,
	};
	int rc;

	if (conf->secret_path) {
		rc = plat_secret_load(conf->secret_path, sc.env.secret, in->err, sizeof(in->err));
		if (rc < 0)
			return rc;
	} else {
		plat_random(sc.env.secret, sizeof(sc.env.secret));
	}
	rc = stack_create(&sc, &in->stack);
	if (rc < 0)
		return instance_fail(in, rc, "stack: %s", strerror(-rc));
	rc = inet_init(in->stack);
	if (rc < 0) {
		stack_destroy(in->stack);
		in->stack = NULL;
		return instance_fail(in, rc, "internet layer: %s", strerror(-rc));
	}
	return 0;
}

static int build(struct instance *in, const struct leat_config *conf)
{
	uint32_t small = conf->buffers_small ? conf->buffers_small : DEFAULT_SMALL;
	uint32_t big = conf->buffers_big ? conf->buffers_big : DEFAULT_BIG;
	uint8_t core = conf->core > 0 ? (uint8_t)(conf->core - 1) : 0;
	int rc;

	rc = check_name(in, conf->name ? conf->name : "leat");
	if (rc == 0)
		rc = check_count(in, "buffers_small", small);
	if (rc == 0)
		rc = check_count(in, "buffers_big", big);
	if (rc < 0)
		return rc;
	(void)snprintf(in->name, sizeof(in->name), "%s", conf->name ? conf->name : "leat");
	rc = start_platform(in, conf, small, big);
	if (rc < 0)
		return rc;
	rc = make_pool(in, core, small, big);
	if (rc < 0)
		goto unregister;
	rc = make_stack(in, conf, core);
	if (rc < 0)
		goto destroy_pool;
	return 0;

destroy_pool:
	(void)mbuf_pool_destroy(in->pool);
	in->pool = NULL;
unregister:
	plat_thread_unregister();
	return rc;
}

int instance_create(const struct leat_config *conf, struct instance **out,
		    char err[INSTANCE_ERR_LEN])
{
	struct instance *in = calloc(1, sizeof(*in));
	int rc;

	if (!in) {
		(void)snprintf(err, INSTANCE_ERR_LEN, "out of memory");
		return -ENOMEM;
	}
	rc = build(in, conf);
	if (rc < 0) {
		memcpy(err, in->err, INSTANCE_ERR_LEN);
		free(in);
		return rc;
	}
	*out = in;
	return 0;
}

unsigned instance_destroy(struct instance *in)
{
	unsigned lost;

	inet_fini(in->stack);
	stack_destroy(in->stack);
	lost = mbuf_pool_destroy(in->pool);
	plat_thread_unregister();
	free(in);
	return lost;
}
