/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Anonymous mappings with MADV_HUGEPAGE. The kernel only backs aligned 2 MB ranges by huge pages,
 * so map one more and give back what sticks out.
 */
#include "plat/mem.h"

#include "base/bits.h"

#include <stdint.h>

#include <sys/mman.h>

void *plat_mem_map(size_t len)
{
	size_t want = align_up(len, PLAT_HUGE_BYTES);
	size_t total = want + PLAT_HUGE_BYTES;
	size_t before;
	uint8_t *p;

	if (len == 0 || total < len)
		return NULL;
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

void plat_mem_unmap(void *p, size_t len)
{
	if (p != NULL)
		(void)munmap(p, align_up(len, PLAT_HUGE_BYTES));
}
