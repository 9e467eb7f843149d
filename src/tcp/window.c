/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The receive window (RFC 9293 3.8.6): how far the peer may send. The right edge never moves left;
 * it moves right in steps worth a segment (silly window avoidance, 3.8.6.2.2), no further than the
 * buffer has room: the connection's limit, its share of the packet pool, its true memory.
 */
#include "tcp/output.h"
#include "tcp/pcb.h"
#include "tcp/pressure.h"

#define WINDOW_FIELD_MAX 65535u
/* True memory allowed for each byte of buffer limit: packets are half empty at worst. */
#define MEM_FACTOR 2u
/* What a connection may always hold; at the least so many segments (as Linux). */
#define POOL_LOW_WINDOW   8192u
#define POOL_LOW_SEGMENTS 4u

uint8_t tcp_window_scale(uint32_t rcvbuf_max)
{
	uint8_t scale = 0;

	while (scale < 14 && (WINDOW_FIELD_MAX << scale) < rcvbuf_max)
		scale++;
	return scale;
}

/*
 * More than the steps by which the edge moves: the pool may be short because of what waits to
 * be sent to this very socket, and nobody would ever give anything back.
 */
static uint32_t low_window(const struct tcp_pcb *pcb)
{
	return max_u32(POOL_LOW_WINDOW, POOL_LOW_SEGMENTS * pcb->rcv_mss);
}

/* What the connection may hold at the moment. */
static uint32_t limit_now(const struct tcp_pcb *pcb)
{
	const struct stack *s = pcb->stack;
	uint64_t share = mbuf_pool_share(s->pool);

	if (LIKELY(share >= pcb->rcv.limit))
		return pcb->rcv.limit;
	if (tcp_pool_below(s, TCP_SHED_WINDOW))
		share = 0;
	return min_u32(pcb->rcv.limit, (uint32_t)max_u64(share, low_window(pcb)));
}

static uint32_t room(const struct tcp_pcb *pcb)
{
	uint32_t limit = limit_now(pcb);
	uint32_t used = tcp_rcvbuf_bytes(&pcb->rcv);
	uint64_t mem = (uint64_t)pcb->rcv.mem_bytes + pcb->ooo.mem_bytes;

	if (used >= limit || mem >= (uint64_t)MEM_FACTOR * limit)
		return 0;
	limit -= used;
	if (UNLIKELY(pcb->prefs.window_clamp != 0))
		limit = min_u32(limit, pcb->prefs.window_clamp);
	return min_u32(limit, WINDOW_FIELD_MAX << pcb->rcv_scale);
}

uint32_t tcp_window_edge(const struct tcp_pcb *pcb)
{
	uint32_t edge = pcb->rcv_nxt + room(pcb);
	uint32_t step = min_u32(pcb->rcv.limit / 2, pcb->rcv_mss);

	if (seq_lt(edge, pcb->rcv_adv + step))
		return pcb->rcv_adv;
	return edge;
}

void tcp_window_opened(struct tcp_pcb *pcb)
{
	uint32_t gain = tcp_window_edge(pcb) - pcb->rcv_adv;
	uint32_t step = min_u32(pcb->rcv.limit / 2, 2u * pcb->rcv_mss);

	/* A closed window opens as soon as one segment fits: nobody else wakes the peer. */
	if (gain >= step || (gain > 0 && pcb->rcv_adv == pcb->rcv_nxt))
		tcp_ack_now(pcb);
}
