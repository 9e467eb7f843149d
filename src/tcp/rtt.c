/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RFC 6298 estimator in nanoseconds, with the gains of RFC 7323 appendix G, and the windowed
 * minimum (best, second and third best of the last ten seconds, so that the minimum can rise when
 * the path changes). Pure: state is the caller's, time an argument.
 */
#include "tcp/rtt.h"

#include "base/compiler.h"

#define RTT_US_MAX    UINT32_C(0xffffffff)
#define BACKOFF_MAX   16u
#define SAMPLE_MAX_NS TCP_RTO_MAX_NS

static const struct tcp_rtt_min none = {.rtt_us = RTT_US_MAX};

void tcp_rtt_init(struct tcp_rtt *r)
{
	*r = (struct tcp_rtt){.rto_ns = TCP_RTO_INIT_NS, .min = {none, none, none}};
}

static uint64_t clamp_rto(uint64_t ns)
{
	return min_u64(max_u64(ns, TCP_RTO_MIN_NS), TCP_RTO_MAX_NS);
}

static void min_restart(struct tcp_rtt *r, struct tcp_rtt_min m)
{
	r->min[0] = r->min[1] = r->min[2] = m;
}

/* Has the best sample been the best for a whole window? Then the next ones move up. */
static void min_age(struct tcp_rtt *r, struct tcp_rtt_min m)
{
	const uint32_t window_ms = (uint32_t)(TCP_RTT_MIN_WINDOW_NS / 1000000);
	uint32_t age = m.at_ms - r->min[0].at_ms;

	if (age > window_ms) {
		r->min[0] = r->min[1];
		r->min[1] = r->min[2];
		r->min[2] = m;
		if (m.at_ms - r->min[0].at_ms > window_ms) {
			r->min[0] = r->min[1];
			r->min[1] = r->min[2];
		}
	} else if (r->min[1].at_ms == r->min[0].at_ms && age > window_ms / 4) {
		/* A quarter has passed without a second choice: begin one from now. */
		r->min[1] = r->min[2] = m;
	} else if (r->min[2].at_ms == r->min[1].at_ms && age > window_ms / 2) {
		r->min[2] = m;
	}
}

void tcp_rtt_min_sample(struct tcp_rtt *r, uint64_t rtt_ns, uint64_t now_ns)
{
	struct tcp_rtt_min m = {
		.rtt_us = (uint32_t)min_u64((rtt_ns + 999) / 1000, RTT_US_MAX - 1),
		.at_ms = (uint32_t)(now_ns / 1000000),
	};

	if (m.rtt_us <= r->min[0].rtt_us ||
	    m.at_ms - r->min[2].at_ms > (uint32_t)(TCP_RTT_MIN_WINDOW_NS / 1000000)) {
		min_restart(r, m);
		return;
	}
	if (m.rtt_us <= r->min[1].rtt_us)
		r->min[1] = r->min[2] = m;
	else if (m.rtt_us <= r->min[2].rtt_us)
		r->min[2] = m;
	min_age(r, m);
}

/* RFC 6298 2.3; with n samples expected each RTT the gains are divided by n (RFC 7323 G). */
static void smooth(struct tcp_rtt *r, uint64_t rtt_ns, uint32_t flight_segs)
{
	uint64_t n = max_u64(1, ((uint64_t)flight_segs + 1) / 2);
	uint64_t diff = r->srtt_ns > rtt_ns ? r->srtt_ns - rtt_ns : rtt_ns - r->srtt_ns;

	if (diff > r->rttvar_ns)
		r->rttvar_ns += (diff - r->rttvar_ns) / (4 * n);
	else
		r->rttvar_ns -= (r->rttvar_ns - diff) / (4 * n);
	if (rtt_ns > r->srtt_ns)
		r->srtt_ns += diff / (8 * n);
	else
		r->srtt_ns -= diff / (8 * n);
}

static void set_rto(struct tcp_rtt *r)
{
	r->rto_ns = clamp_rto(r->srtt_ns + max_u64(TCP_RTT_CLOCK_NS, 4 * r->rttvar_ns));
}

void tcp_rtt_sample(struct tcp_rtt *r, uint64_t rtt_ns, uint32_t flight_segs, uint64_t now_ns)
{
	rtt_ns = min_u64(max_u64(rtt_ns, 1), SAMPLE_MAX_NS);
	if (r->srtt_ns == 0) {
		/* RFC 6298 2.2 */
		r->srtt_ns = rtt_ns;
		r->rttvar_ns = rtt_ns / 2;
	} else {
		smooth(r, rtt_ns, flight_segs);
	}
	set_rto(r);
	r->backoff = 0;
	tcp_rtt_min_sample(r, rtt_ns, now_ns);
}

void tcp_rtt_on_spurious(struct tcp_rtt *r, uint64_t rtt_ns)
{
	rtt_ns = min_u64(max_u64(rtt_ns, 1), SAMPLE_MAX_NS);
	r->srtt_ns = max_u64(r->srtt_ns, rtt_ns);
	r->rttvar_ns = max_u64(r->rttvar_ns, rtt_ns / 2);
	set_rto(r);
}

void tcp_rtt_backoff(struct tcp_rtt *r)
{
	if (r->backoff < BACKOFF_MAX && tcp_rtt_rto_ns(r) < TCP_RTO_MAX_NS)
		r->backoff++;
}

void tcp_rtt_backoff_end(struct tcp_rtt *r)
{
	r->backoff = 0;
}

void tcp_rtt_syn_lost(struct tcp_rtt *r)
{
	r->backoff = 0;
	if (r->srtt_ns == 0)
		r->rto_ns = TCP_RTO_SYN_LOST_NS;
}

uint64_t tcp_rtt_rto_ns(const struct tcp_rtt *r)
{
	return min_u64(r->rto_ns << r->backoff, TCP_RTO_MAX_NS);
}

uint64_t tcp_rtt_min_ns(const struct tcp_rtt *r, uint64_t now_ns)
{
	uint32_t now_ms = (uint32_t)(now_ns / 1000000);
	const struct tcp_rtt_min *m = &r->min[0];

	/* Without new samples for a window the newest of the three is the best that is known. */
	if (now_ms - m->at_ms > (uint32_t)(TCP_RTT_MIN_WINDOW_NS / 1000000))
		m = &r->min[2];
	return m->rtt_us == RTT_US_MAX ? 0 : (uint64_t)m->rtt_us * 1000;
}
