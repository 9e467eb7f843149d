/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Round-trip time and retransmission timeout: RFC 6298 with a nanosecond clock, samples per RTT as
 * RFC 7323 appendix G, and the minimum over a sliding window of ten seconds.
 */
#ifndef LEAT_TCP_RTT_H
#define LEAT_TCP_RTT_H

#include <stdbool.h>
#include <stdint.h>

#define TCP_RTO_INIT_NS       UINT64_C(1000000000) /* RFC 6298 2.1 */
#define TCP_RTO_MIN_NS        UINT64_C(200000000)  /* not 1 s (2.4): as all hosts do that we meet */
#define TCP_RTO_MAX_NS        UINT64_C(120000000000) /* 2.5 */
#define TCP_RTO_SYN_LOST_NS   UINT64_C(3000000000)   /* 5.7 */
#define TCP_RTT_MIN_WINDOW_NS UINT64_C(10000000000)
#define TCP_RTT_CLOCK_NS      UINT64_C(1000000) /* G in 2.3: floor of the variance term */

struct tcp_rtt_min {
	uint32_t rtt_us;
	uint32_t at_ms; /* when it was measured; wraps */
};

struct tcp_rtt {
	uint64_t srtt_ns; /* 0: no sample yet */
	uint64_t rttvar_ns;
	uint64_t rto_ns;           /* without backoff, within min and max */
	struct tcp_rtt_min min[3]; /* best, second best, third best of the window */
	uint8_t backoff;           /* doublings */
};

void tcp_rtt_init(struct tcp_rtt *r);
/*
 * A sample. flight_segs: segments in flight when it was taken: weights the gains so that many
 * samples per RTT do not shorten the memory (RFC 7323 appendix G). Ends the backoff (RFC 6298 5.7
 * discussion: Karn's algorithm is the caller's: no sample of a segment sent twice without
 * timestamps).
 */
void tcp_rtt_sample(struct tcp_rtt *r, uint64_t rtt_ns, uint32_t flight_segs, uint64_t now_ns);
/* A round trip for the minimum alone: of a segment of which the acknowledgement is unambiguous. */
void tcp_rtt_min_sample(struct tcp_rtt *r, uint64_t rtt_ns, uint64_t now_ns);
/* A timeout was spurious: the round trip that it mistook (RFC 4015 3.2 step 9). */
void tcp_rtt_on_spurious(struct tcp_rtt *r, uint64_t rtt_ns);
/* A timeout: double, at most to TCP_RTO_MAX_NS. */
void tcp_rtt_backoff(struct tcp_rtt *r);
/* New data was acknowledged. */
void tcp_rtt_backoff_end(struct tcp_rtt *r);
/* The SYN or SYN-ACK was sent more than once: RFC 6298 5.7, when no sample exists. */
void tcp_rtt_syn_lost(struct tcp_rtt *r);
/* The timeout to arm now. */
uint64_t tcp_rtt_rto_ns(const struct tcp_rtt *r);
/* 0: unknown. */
uint64_t tcp_rtt_min_ns(const struct tcp_rtt *r, uint64_t now_ns);

#endif
