/* SPDX-License-Identifier: BSD-2-Clause */
/* Large memory of this process alone, in huge pages where the kernel gives them. */
#ifndef LEAT_PLAT_MEM_H
#define LEAT_PLAT_MEM_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

#define PLAT_HUGE_BYTES ((size_t)2 << 20)

/*
 * Zeroed memory, aligned to PLAT_HUGE_BYTES, of at least len bytes; NULL when there is none.
 * reserved: in huge pages of those that the administrator has set aside (vm.nr_hugepages), all
 * taken at once, when there are as many. Otherwise the kernel is asked for transparent ones; pages
 * are then taken when first touched, near the processor that touches them.
 */
NODISCARD void *plat_mem_map(size_t len, bool reserved);

/* len as given to plat_mem_map(). Harmless for NULL. */
void plat_mem_unmap(void *p, size_t len);

#endif
