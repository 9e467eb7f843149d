/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An internet layer for tests of the transports: it implements the part of inet/inet.h that UDP
 * uses. Packets to an address of fakeinet_is_local come back in at once; others are kept. Link it
 * before the real one.
 */
#ifndef LEAT_TESTS_FAKEINET_H
#define LEAT_TESTS_FAKEINET_H

#include "inet/inet.h"

/* Local: 127.0.0.0/8, ::1, 10.0.0.1, 2001:db8::1; everything else has a route but 203.0.113.0/24.
 */
void fakeinet_init(struct stack *s);
/* Drops what was kept. */
void fakeinet_fini(struct stack *s);

/* The last packet that left, at its transport header, and how it was to be sent. NULL: none. */
struct mbuf *fakeinet_sent(struct stack *s, struct inet_out *how);
/* A packet comes in. Consumes own. */
void fakeinet_input(struct stack *s, const struct inet_in *in, mbuf_own own);
void fakeinet_error(struct stack *s, const struct inet_err *e);
/* ICMP errors that were asked for, and the path MTU that was set last. */
unsigned fakeinet_errors_out(struct stack *s);
uint32_t fakeinet_pmtu(struct stack *s);
/* Of every way; 1500 at first. */
void fakeinet_mtu_set(struct stack *s, uint32_t mtu);

#endif
