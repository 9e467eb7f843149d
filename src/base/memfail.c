/* SPDX-License-Identifier: BSD-2-Clause */
/* The failing allocator of tests; see the header. One thread. */
#include "base/memfail.h"

#include <assert.h>

static bool must_fail(const struct memfail *mf)
{
	if (mf->fail_at == 0 || mf->calls < mf->fail_at)
		return false;
	return mf->fail_later || mf->calls == mf->fail_at;
}

static void *fail_alloc(void *ctx, size_t size, size_t align)
{
	struct memfail *mf = ctx;
	void *p;

	mf->calls++;
	if (must_fail(mf)) {
		mf->failed++;
		return NULL;
	}
	p = mem_alloc_aligned(mf->under, size, align);
	if (p == NULL)
		return NULL;
	mf->live_blocks++;
	mf->live_bytes += size;
	return p;
}

/* A wrong size or a second free shows here, because the byte count would go below zero. */
static void fail_free(void *ctx, void *p, size_t size)
{
	struct memfail *mf = ctx;

	assert(mf->live_blocks > 0 && mf->live_bytes >= size);
	mf->live_blocks--;
	mf->live_bytes -= size;
	assert(mf->live_blocks > 0 || mf->live_bytes == 0);
	mem_free(mf->under, p, size);
}

void memfail_init(struct memfail *mf, const struct mem *under)
{
	*mf = (struct memfail){
		.mem = {.alloc = fail_alloc, .free = fail_free, .ctx = mf},
		.under = under,
	};
}

void memfail_arm(struct memfail *mf, uint64_t nth, bool every_later)
{
	mf->fail_at = nth == 0 ? 0 : mf->calls + nth;
	mf->fail_later = every_later;
}
