/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors that Leat itself opens: ports, DPDK's. close_range(2) must not take them. */
#ifndef LEAT_API_INTERNAL_H
#define LEAT_API_INTERNAL_H

#include <stdint.h>

#define INTERNAL_SEEN_MAX 4096u

/* Which numbers were in use before a call that opens some. */
struct internal_mark {
	uint64_t seen[INTERNAL_SEEN_MAX / 64];
};

void internal_begin(struct internal_mark *m);
/* Those that are new since then are Leat's. One that another thread opened meanwhile is taken for
 * such, which matters to close_range() alone. */
void internal_end(const struct internal_mark *m);

#endif
