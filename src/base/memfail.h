/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An allocator that fails on purpose, for tests: run the code with the 1st, 2nd, 3rd ... allocation
 * failing until a run passes without a failure, and check after each that nothing is outstanding.
 *
 *	for (uint64_t n = 1;; n++) {
 *		memfail_init(&mf, mem_libc());
 *		memfail_arm(&mf, n, false);
 *		run(memfail_mem(&mf));
 *		assert_int_equal(memfail_outstanding(&mf), 0);
 *		if (!memfail_hit(&mf))
 *			break;
 *	}
 */
#ifndef LEAT_BASE_MEMFAIL_H
#define LEAT_BASE_MEMFAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct memfail {
	struct mem mem;
	const struct mem *under;
	uint64_t calls;     /* allocations asked for */
	uint64_t failed;    /* of these, refused by us */
	uint64_t fail_at;   /* refuse the call with this number, from 1; 0: none */
	bool fail_later;    /* and every one after it */
	size_t live_blocks; /* allocated and not freed */
	size_t live_bytes;
};

/* Starts with no failure armed. mf must stay in place while the allocator is in use. */
void memfail_init(struct memfail *mf, const struct mem *under);

/* Fail the nth allocation from now (1: the next one), and with every_later all after it; 0: none.
 */
void memfail_arm(struct memfail *mf, uint64_t nth, bool every_later);

static inline const struct mem *memfail_mem(const struct memfail *mf)
{
	return &mf->mem;
}

/* Has an allocation been refused since memfail_init()? */
static inline bool memfail_hit(const struct memfail *mf)
{
	return mf->failed != 0;
}

static inline size_t memfail_outstanding(const struct memfail *mf)
{
	return mf->live_blocks;
}

#endif
