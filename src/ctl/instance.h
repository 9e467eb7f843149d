/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A running instance: the EAL, one worker's buffer pool and stack, its ports and addresses. What
 * the public leat.h calls do, with errors as one clear line.
 *
 * Thread: the worker's. Every call returns 0 or -errno with in->err (or err) filled.
 */
#ifndef LEAT_CTL_INSTANCE_H
#define LEAT_CTL_INSTANCE_H

#include "core/stack.h"

#include <leat/leat.h>

#define INSTANCE_ERR_LEN 256u

struct instance {
	struct stack *stack;
	struct mbuf_pool *pool;
	char err[INSTANCE_ERR_LEN];
	char name[16];
};

NODISCARD int instance_create(const struct leat_config *conf, struct instance **out,
			      char err[INSTANCE_ERR_LEN]);
/* The layers above the internet layer are gone by now. Returns the buffers that were not back. */
unsigned instance_destroy(struct instance *in);

NODISCARD int instance_port_add(struct instance *in, const struct leat_port *conf);
NODISCARD int instance_addr_add(struct instance *in, const char *port, const char *addr);
NODISCARD int instance_route_add(struct instance *in, const char *dst, const char *gateway,
				 const char *port);
/* Index of the port with that name, or -ENODEV with err filled. */
NODISCARD int instance_port_find(struct instance *in, const char *name);
/* Fill err and return code: `return instance_fail(in, -EINVAL, "...", ...)`. */
int instance_fail(struct instance *in, int code, const char *fmt, ...) PRINTF_FMT(3, 4);

#endif
