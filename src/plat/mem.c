/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Anonymous mappings: of reserved huge pages, or with MADV_HUGEPAGE. Transparent ones the kernel
 * puts under aligned ranges of 2 MB only, so map one more and give back what sticks out. Called at
 * start-up.
 */
#include "plat/mem.h"

#include "base/bits.h"

#include <errno.h>
#include <stdint.h>

#include <linux/mman.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE /* Linux 5.14 */
#define MADV_POPULATE_WRITE 23
#endif

/*
 * The kernel promises the pages with the mapping, but for the limit of a control group, which shows
 * only when they are touched, as SIGBUS: so have them touched where that is an error. An older
 * kernel does not know how (EINVAL).
 */
static void *map_reserved(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (madvise(p, len, MADV_POPULATE_WRITE) == 0 || errno == EINVAL)
		return p;
	(void)munmap(p, len);
	return NULL;
}

static void *map_transparent(size_t want)
{
	size_t total = want + PLAT_HUGE_BYTES;
	size_t before;
	uint8_t *p;

	p = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	before = align_up((uintptr_t)p, PLAT_HUGE_BYTES) - (uintptr_t)p;
	if (before > 0)
		(void)munmap(p, before);
	if (before < PLAT_HUGE_BYTES)
		(void)munmap(p + before + want, PLAT_HUGE_BYTES - before);
	/* A kernel without transparent huge pages refuses; ordinary pages do as well, slower. */
	(void)madvise(p + before, want, MADV_HUGEPAGE);
	return p + before;
}

void *plat_mem_map(size_t len, bool reserved)
{
	size_t want = align_up(len, PLAT_HUGE_BYTES);
	void *p = NULL;

	if (len == 0 || want < len || want > SIZE_MAX - PLAT_HUGE_BYTES)
		return NULL;
	if (reserved)
		p = map_reserved(want);
	return p != NULL ? p : map_transparent(want);
}

void plat_mem_unmap(void *p, size_t len)
{
	if (p != NULL)
		(void)munmap(p, align_up(len, PLAT_HUGE_BYTES));
}
