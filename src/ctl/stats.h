/* SPDX-License-Identifier: BSD-2-Clause */
/* Every counter of a stack as rows of group, name, text and value. Thread: the worker. */
#ifndef LEAT_CTL_STATS_H
#define LEAT_CTL_STATS_H

#include "core/stack.h"

#include <leat/stats.h>

/* Call fn for each; the strings of ports live as long as the port. */
void stats_each(const struct stack *s, void (*fn)(void *ctx, const struct leat_counter *c),
		void *ctx);
void stats_cpu(const struct stack *s, struct leat_cpu *out);
void stats_buffers(struct stack *s, struct leat_buffers *out,
		   void (*fn)(void *ctx, const char *holder, uint32_t count, uint32_t oldest_ms),
		   void *ctx);

#endif
