/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TCP without packets for tests of the socket layer: it implements tcp/tcp.h in memory, listeners
 * and connections of one stack meeting each other by port. What a call causes at the other end
 * happens in the stack's next round. Link it before the real one.
 */
#ifndef LEAT_TESTS_FAKETCP_H
#define LEAT_TESTS_FAKETCP_H

#include "tcp/tcp.h"

/* Connects to a port without listener fail with this at once in the next round; 0: ECONNREFUSED;
 * -1: never answered. */
void faketcp_connect_fails(struct stack *s, int err);
/* Both directions stand still (nothing is acknowledged) until told otherwise. */
void faketcp_hold(struct stack *s, bool hold);
/* The connection of so ends by a reset or time-out. */
void faketcp_reset(struct tcp_pcb *pcb, int err);
/* pcbs and listeners that exist. */
unsigned faketcp_count(const struct stack *s);

#endif
