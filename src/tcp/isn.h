/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers that outsiders must not guess and that must not go back over a restart: initial sequence
 * numbers (RFC 6528), timestamps (RFC 7323 5.4, one offset for each pair of addresses) and SYN
 * cookies (RFC 4987 3.6). All hang on the secret of the stack and on the wall clock, read once at
 * start; from then on the monotonic clock carries it.
 */
#ifndef LEAT_TCP_ISN_H
#define LEAT_TCP_ISN_H

#include "core/stack.h"

struct tcp_flow;

struct tcp_isn {
	uint64_t wall_off_ns; /* wall clock minus stack clock */
};

void tcp_isn_init(struct stack *s, struct tcp_isn *isn);
uint32_t tcp_isn_make(const struct stack *s, const struct tcp_flow *f);
/* The clock of our timestamps in milliseconds, without offset. */
uint32_t tcp_ts_clock(const struct stack *s);
uint32_t tcp_ts_offset(const struct stack *s, const struct ipaddr *local,
		       const struct ipaddr *remote);
/* RFC 6056 algorithm 3: where the search for a free port begins. */
uint32_t tcp_port_offset(const struct stack *s, const struct ipaddr *local,
			 const struct ipaddr *remote, uint16_t rport);

/* A server's Fast Open cookie (RFC 7413 5) for the client, in that period of time. */
uint64_t tcp_fastopen_hash(const struct stack *s, const struct ipaddr *server,
			   const struct ipaddr *client, uint64_t period);

/* ---- SYN cookies ---- */

/* What a cookie carries of the SYN. */
struct tcp_cookie {
	uint16_t mss;
	uint8_t wscale; /* 0..14 with has_wscale */
	bool has_wscale;
	bool sack;
	bool ecn;
	bool ts;
};

#define TCP_COOKIE_PERIOD_NS UINT64_C(32000000000) /* a cookie lives one to two periods */

/* Our initial sequence number for the SYN-ACK. */
uint32_t tcp_cookie_make(const struct stack *s, const struct tcp_flow *f, uint32_t irs,
			 uint16_t mss);
/* tsval for the SYN-ACK: carries the options in its low bits, never ahead of the clock. ts_now is
 * clock plus offset. */
uint32_t tcp_cookie_ts(uint32_t clock, uint32_t off, const struct tcp_cookie *c);
/* Is iss a cookie of ours, young enough? tsecr counts with has_ts. Fills c. */
bool tcp_cookie_check(const struct stack *s, const struct tcp_flow *f, uint32_t irs, uint32_t iss,
		      bool has_ts, uint32_t ts_opts, struct tcp_cookie *c);

#endif
