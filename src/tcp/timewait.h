/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TIME-WAIT (RFC 9293 3.3.2, 3.6.1) as small entries: enough to acknowledge a FIN that comes again
 * and to judge a new SYN (RFC 6191, RFC 1337). All live equally long, so they sit in one list.
 */
#ifndef LEAT_TCP_TIMEWAIT_H
#define LEAT_TCP_TIMEWAIT_H

#include "base/list.h"
#include "base/wheel.h"
#include "tcp/flow.h"

struct tcp_pcb;
struct tcp_seg;

struct tcp_timewait {
	struct tcp_flow flow;
	uint8_t has_ts;
	uint8_t tos;
	uint16_t wnd; /* as offered, scaled down */
	struct list link;
	uint64_t until_ns;
	uint64_t since_ns;
	uint64_t acked_ns; /* last answer: rate limit */
	uint32_t rcv_nxt, snd_nxt;
	uint32_t rcv_wnd;
	uint32_t ts_recent, ts_off;
};

struct tcp_timewaitq {
	struct list oldest_first;
	struct wheel_timer timer;
};

void tcp_timewait_init(struct stack *s);
void tcp_timewait_fini(struct stack *s);
/* Take the flow over from the pcb. Without memory the oldest entry gives way. */
void tcp_timewait_enter(struct stack *s, struct tcp_pcb *pcb);
/* A segment for the entry. Consumes the packet. */
void tcp_timewait_input(struct stack *s, struct tcp_timewait *tw, struct tcp_seg *seg, mbuf_own in);
/* May an active open take the pair? Then the entry is gone, and *min_iss is what the new connection
 * must begin above (RFC 6191 2). */
bool tcp_timewait_reuse(struct stack *s, struct tcp_timewait *tw, uint32_t *min_iss);
void tcp_timewait_free(struct stack *s, struct tcp_timewait *tw);

#endif
