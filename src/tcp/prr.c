/* SPDX-License-Identifier: BSD-2-Clause */
/* Proportional rate reduction, RFC 9937 6: see prr.h. */
#include "tcp/prr.h"

#include "base/compiler.h"

void tcp_prr_start(struct tcp_prr *p, uint32_t recover_fs)
{
	*p = (struct tcp_prr){.recover_fs = max_u32(recover_fs, 1)};
}

/* What has arrived, in the proportion of the new window to the old, less what has left. */
static uint32_t proportional(const struct tcp_prr *p, uint32_t ssthresh)
{
	uint64_t due = ((uint64_t)p->delivered * ssthresh + p->recover_fs - 1) / p->recover_fs;

	return due > p->out ? (uint32_t)min_u64(due - p->out, UINT32_MAX) : 0;
}

/* PRR-CRB: no more than has arrived; PRR-SSRB: one segment more while all goes well. */
static uint32_t rebuild(const struct tcp_prr *p, const struct tcp_prr_ack *a)
{
	uint32_t n = max_u32(p->delivered > p->out ? p->delivered - p->out : 0, a->delivered);

	if (a->safe)
		n += a->mss;
	return min_u32(n, a->ssthresh - a->pipe);
}

uint32_t tcp_prr_cwnd(struct tcp_prr *p, const struct tcp_prr_ack *a)
{
	uint32_t n;

	p->delivered += a->delivered;
	n = a->pipe > a->ssthresh ? proportional(p, a->ssthresh) : rebuild(p, a);
	/* The retransmission that recovery begins with. */
	if (n == 0 && p->out == 0)
		n = a->mss;
	/* Counted in bytes, an ACK of less than a segment with nothing under way would let nothing
	 * out, and what is lost would wait for the timeout (RFC 5681 3.1: at least one segment). */
	return max_u32(a->pipe + n, a->mss);
}
