/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The timers of a connection: one wheel timer, several deadlines. The wheel timer is never later
 * than the earliest deadline; a deadline that moves away, what every ACK causes, is one store, and
 * the wheel fires once too early per timeout at most.
 */
#ifndef LEAT_TCP_TIMER_H
#define LEAT_TCP_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_pcb;
struct wheel_timer;

#define TCP_TIMER_TABLE(X) \
	X(REORDER, "something in flight may be lost by now (RFC 8985 6.2)") \
	X(PROBE, "tail loss probe (RFC 8985 7)") /* due with REXMIT, it goes first */ \
	X(REXMIT, "retransmission, SYN and FIN included") \
	X(PERSIST, "zero-window probe and held-back small segment") \
	X(DELACK, "delayed acknowledgement") \
	X(KEEP, "keepalive") \
	X(LINGER, "end of an orphan or of FIN-WAIT-2") \
	X(RETRY, "output again after a lack of buffers") \
	X(PACE, "the next packet of a paced connection")

enum tcp_timer_id {
#define X(id, text) TCP_TIMER_##id,
	TCP_TIMER_TABLE(X)
#undef X
		TCP_TIMER_COUNT
};

#define TCP_TIMER_OFF         UINT64_MAX

#define TCP_DELACK_NS         UINT64_C(40000000)
#define TCP_PERSIST_MAX_NS    UINT64_C(60000000000)
#define TCP_NO_ROUTE_NS       UINT64_C(500000000)
#define TCP_RETRY_NS          UINT64_C(5000000)
#define TCP_ORPHAN_REXMIT_MAX 8u
/* Text that is acknowledged at once in a row: the sender is in slow start. */
#define TCP_QUICKACKS 16u

void tcp_timers_init(struct tcp_pcb *pcb);
void tcp_timers_stop(struct tcp_pcb *pcb);
void tcp_timer_set(struct tcp_pcb *pcb, enum tcp_timer_id id, uint64_t at_ns);
void tcp_timer_stop(struct tcp_pcb *pcb, enum tcp_timer_id id);
bool tcp_timer_on(const struct tcp_pcb *pcb, enum tcp_timer_id id);
/* The retransmission timer from now on, by the present estimate. */
void tcp_timer_rexmit(struct tcp_pcb *pcb);
/* Nothing in flight, data to send, no window: probe. */
void tcp_timer_persist(struct tcp_pcb *pcb);
/* How long FIN-WAIT-2 may last when nobody holds the connection. */
uint64_t tcp_fin_timeout_ns(const struct tcp_pcb *pcb);
/* After activity, or when the option changed. */
void tcp_timer_keep(struct tcp_pcb *pcb);

#endif
