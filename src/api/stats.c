/* SPDX-License-Identifier: BSD-2-Clause */
/* stats.h: argument checks and errno; the work is ctl's. */
#include "api/current.h"

#include "ctl/stats.h"

#include <errno.h>
#include <stdio.h>

static int check(const void *arg)
{
	if (current.stack && arg)
		return 0;
	(void)snprintf(current.err, sizeof(current.err), "%s",
		       arg ? "this thread has no stack: call leat_init() first"
			   : "an argument is NULL");
	errno = arg ? ENOTCONN : EINVAL;
	return -1;
}

int leat_stats_each(void (*fn)(void *ctx, const struct leat_counter *c), void *ctx)
{
	if (!fn)
		return check(NULL);
	if (check(&current) < 0)
		return -1;
	stats_each(current.stack, fn, ctx);
	return 0;
}

int leat_cpu_get(struct leat_cpu *out)
{
	if (check(out) < 0)
		return -1;
	stack_charge(current.stack, STACK_PHASE_APP);
	stats_cpu(current.stack, out);
	return 0;
}

int leat_buffers_get(struct leat_buffers *out,
		     void (*fn)(void *ctx, const char *holder, uint32_t count, uint32_t oldest_ms),
		     void *ctx)
{
	if (check(out) < 0)
		return -1;
	stats_buffers(current.stack, out, fn, ctx);
	return 0;
}
