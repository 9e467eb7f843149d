/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets must never take the whole packet pool: reception would end, with it the acknowledgements
 * that give buffers back, and nothing would ever move again. As free buffers (beside the reserve)
 * become few, TCP sheds in this order: windows stay small, then out-of-order data goes and writes
 * fall short (a socket with nothing queued may write a piece, so that what was read can leave), at
 * last data for programs that do not read is dropped, and when the reserve itself is being used up
 * all data; the peer sends it again.
 */
#ifndef LEAT_TCP_PRESSURE_H
#define LEAT_TCP_PRESSURE_H

#include "core/stack.h"
#include "mbuf/pool.h"

/* Free shares of a pool at which each begins: 1/8, 1/16, 1/32. */
#define TCP_SHED_WINDOW 8u
#define TCP_SHED_OOO    16u
#define TCP_SHED_WRITE  16u
#define TCP_SHED_TEXT   32u

/* SMALL buffers stand in for BIG ones, and nothing for SMALL ones: these are what counts. */
static inline bool tcp_pool_below(const struct stack *s, uint32_t share)
{
	return mbuf_pool_below(s->pool, MBUF_SMALL, share);
}

/* Half of the reserve is gone: short frames may take it, and text comes in short frames too. */
static inline bool tcp_pool_in_reserve(const struct stack *s)
{
	return mbuf_pool_avail(s->pool, MBUF_SMALL) < s->pool->reserve[MBUF_SMALL] / 2;
}

#endif
