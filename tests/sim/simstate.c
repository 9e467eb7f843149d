/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * State transitions as they happen. The linker sends the calls of tcp_set_state() and
 * tcp_timewait_enter() through here (--wrap; tests/sim/meson.build), so that no two of one round
 * can hide each other. Calls inside tcp/pcb.c itself, where both are, only lead to CLOSED and
 * TIME-WAIT: the second is seen by tcp_timewait_enter(), the first by simmodel_step().
 */
#include "simmodel.h"
#include "tcp/pcb.h"

static struct simmodel *watching;

void __real_tcp_set_state(struct tcp_pcb *pcb, enum tcp_state state);
void __real_tcp_timewait_enter(struct stack *s, struct tcp_pcb *pcb);
void __wrap_tcp_set_state(struct tcp_pcb *pcb, enum tcp_state state);
void __wrap_tcp_timewait_enter(struct stack *s, struct tcp_pcb *pcb);

#define TO(state) (1u << TCPS_##state)

/* RFC 9293 figure 5 and 3.10. A passive connection's control block begins where LISTEN ends. */
static const uint16_t legal[TCP_STATE_COUNT] = {
	[TCPS_CLOSED] = TO(SYN_SENT) | TO(SYN_RECEIVED),
	[TCPS_SYN_SENT] = TO(SYN_RECEIVED) | TO(ESTABLISHED) | TO(CLOSED),
	[TCPS_SYN_RECEIVED] = TO(ESTABLISHED) | TO(FIN_WAIT_1) | TO(CLOSED),
	[TCPS_ESTABLISHED] = TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(CLOSED),
	[TCPS_CLOSE_WAIT] = TO(LAST_ACK) | TO(CLOSED),
	[TCPS_FIN_WAIT_1] = TO(FIN_WAIT_2) | TO(CLOSING) | TO(TIME_WAIT) | TO(CLOSED),
	[TCPS_CLOSING] = TO(TIME_WAIT) | TO(CLOSED),
	[TCPS_LAST_ACK] = TO(CLOSED),
	[TCPS_FIN_WAIT_2] = TO(TIME_WAIT) | TO(CLOSED),
	[TCPS_TIME_WAIT] = TO(CLOSED),
};

static void check(const struct tcp_pcb *pcb, enum tcp_state to)
{
	/* The same state again: an orphan's timers. */
	if (watching && to != pcb->state && !(legal[pcb->state] & 1u << to))
		simmodel_break(watching, SIMRULE_STATE, "ports %u %u: from %u to %u",
			       pcb->flow.lport, pcb->flow.rport, pcb->state, to);
}

void __wrap_tcp_set_state(struct tcp_pcb *pcb, enum tcp_state state)
{
	check(pcb, state);
	__real_tcp_set_state(pcb, state);
}

void __wrap_tcp_timewait_enter(struct stack *s, struct tcp_pcb *pcb)
{
	check(pcb, TCPS_TIME_WAIT);
	__real_tcp_timewait_enter(s, pcb);
}

void simstate_watch(struct simmodel *m)
{
	watching = m;
}
