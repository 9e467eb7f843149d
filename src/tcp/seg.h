/* SPDX-License-Identifier: BSD-2-Clause */
/* A received segment, parsed and checked: host order, lengths counted. */
#ifndef LEAT_TCP_SEG_H
#define LEAT_TCP_SEG_H

#include "inet/inet.h"
#include "wire/tcp.h"

struct tcp_seg {
	const struct inet_in *in;
	struct tcphdr h;
	struct tcpopts o;
	uint32_t len;    /* payload bytes */
	uint32_t n_segs; /* segments on the wire: more than one in a superpacket */
};

/* SEG.LEN of RFC 9293: payload, SYN and FIN. */
static inline uint32_t tcp_seg_len(const struct tcp_seg *seg)
{
	return seg->len + ((seg->h.flags & TCP_SYN) != 0) + ((seg->h.flags & TCP_FIN) != 0);
}

static inline bool tcp_seg_has_ts(const struct tcp_seg *seg)
{
	return (seg->o.present & TCPOPTS_TS) != 0;
}

#endif
