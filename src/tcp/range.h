/* SPDX-License-Identifier: BSD-2-Clause */
/* A range of sequence numbers, [seq, end); empty when they are equal. */
#ifndef LEAT_TCP_RANGE_H
#define LEAT_TCP_RANGE_H

#include <stdint.h>

struct tcp_range {
	uint32_t seq;
	uint32_t end;
};

static inline uint32_t tcp_range_len(struct tcp_range r)
{
	return r.end - r.seq;
}

#endif
