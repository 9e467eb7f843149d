/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The free buffers of one class: a plain stack behind DPDK's mempool interface. A pool has one
 * thread, so nothing here is atomic, the last buffer freed (warm in the cache) is the next one
 * taken, the number of free buffers is exact at any time, and the audit can look at them. Private
 * to mbuf; drivers reach it through the mempool's ops.
 */
#ifndef LEAT_MBUF_LIFO_H
#define LEAT_MBUF_LIFO_H

#include "base/compiler.h"
#include "mbuf/mbuf.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#if defined(__SANITIZE_ADDRESS__)
#define MBUF_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MBUF_ASAN 1
#endif
#endif
#ifdef MBUF_ASAN
#include <sanitizer/asan_interface.h>
#endif

struct mbuf_lifo {
	uint32_t count;
	uint32_t size;
	uint32_t keep; /* free buffers that drivers leave: they cannot tell an ACK from data */
	uint32_t elt_size;
	bool guard; /* make free buffers unreadable in a sanitizer build */
	struct mbuf *obj[];
};

extern const char mbuf_lifo_ops_name[];

/* In a sanitizer build whoever touches a packet in the pool is told so: all but our line, which
 * the audit reads. */
static inline void mbuf_lifo_guard(const struct mbuf_lifo *l, struct mbuf *m)
{
#ifdef MBUF_ASAN
	if (l->guard) {
		__asan_poison_memory_region(&m->rte, sizeof(m->rte));
		__asan_poison_memory_region(m + 1, l->elt_size - sizeof(*m));
	}
#else
	(void)l;
	(void)m;
#endif
}

static inline void mbuf_lifo_unguard(const struct mbuf_lifo *l, struct mbuf *m)
{
#ifdef MBUF_ASAN
	__asan_unpoison_memory_region(m, l->elt_size);
#else
	(void)l;
	(void)m;
#endif
}

static inline void mbuf_lifo_push(struct mbuf_lifo *l, struct mbuf *m)
{
	assert(l->count < l->size);
	mbuf_lifo_guard(l, m);
	l->obj[l->count++] = m;
}

/* The caller has seen that count is not 0. */
static inline struct mbuf *mbuf_lifo_pop(struct mbuf_lifo *l)
{
	struct mbuf *m = l->obj[--l->count];

	mbuf_lifo_unguard(l, m);
	return m;
}

#endif
