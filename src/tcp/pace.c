/* SPDX-License-Identifier: BSD-2-Clause */
/* When the next packet of a paced connection may leave: see pace.h. */
#include "tcp/pace.h"

#define S_NS UINT64_C(1000000000)

void tcp_pace_on_send(struct tcp_pcb *pcb, uint32_t bytes)
{
	uint64_t now = pcb->stack->now_ns, least;

	if (pcb->cc.pacing_rate == 0)
		return;
	least = now > TCP_PACE_SLACK_NS ? now - TCP_PACE_SLACK_NS : 0;
	pcb->pace_next_ns = max_u64(pcb->pace_next_ns, least) + bytes * S_NS / pcb->cc.pacing_rate;
}
