/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CUBIC, RFC 9438, in integers. Windows are bytes, times nanoseconds; the cubic is computed in
 * units of 1/1024 s, whose cube over the longest useful stage (TIME_MAX) fits 64 bits. The ops row
 * is called by cc.c only.
 */
#include "tcp/cc_ops.h"

#include "base/compiler.h"

/* RFC 9438 4.6 and 4.1.2: beta 0.7, C 0.4; alpha of the Reno-friendly region 3(1-beta)/(1+beta) =
 * 9/17. */
#define BETA_NUM   7u
#define BETA_DEN   10u
#define C_NUM      4u
#define C_DEN      10u
#define ALPHA_NUM  9u
#define ALPHA_DEN  17u

#define TIME_SHIFT 10                  /* 1/1024 s */
#define TIME_MAX   (UINT64_C(1) << 20) /* 1024 s: (2^20)^3 = 2^60 */

static uint64_t to_units(uint64_t ns)
{
	/* ns * 1024 / 10^9 without overflow for any ns. */
	return (ns / 1000000000) * 1024 + ((ns % 1000000000) << TIME_SHIFT) / 1000000000;
}

/* Integer cube root, by Newton's method from above. */
static uint64_t cube_root(uint64_t v)
{
	uint64_t x;

	if (v < 8)
		return v > 0;
	x = UINT64_C(1) << ((64 - (unsigned)__builtin_clzll(v) + 2) / 3);
	for (int i = 0; i < 64; i++) {
		uint64_t next = (2 * x + v / (x * x)) / 3;

		if (next >= x)
			break;
		x = next;
	}
	return x;
}

/* K = cbrt((origin - cwnd) / C) seconds, windows in segments (RFC 9438 4.2 equation 2). */
static uint64_t compute_k_ns(uint32_t gap_bytes, uint32_t mss)
{
	/* In 1/1024 s: cbrt(gap/mss * DEN/NUM * 2^30). gap <= 2^30, so gap * 10 / 4 << 30
	 * overflows: keep two bits of fraction less. */
	__extension__ unsigned __int128 v = (unsigned __int128)gap_bytes * C_DEN << 30;

	v /= (uint64_t)C_NUM * mss;
	if (v > UINT64_MAX)
		v = UINT64_MAX;
	return cube_root((uint64_t)v) * 1000000000 >> TIME_SHIFT;
}

static void start_epoch(struct tcp_cc *cc, uint64_t now_ns)
{
	struct tcp_cc_cubic *c = &cc->u.cubic;

	c->epoch_ns = now_ns;
	c->w_est_bytes = cc->cwnd;
	c->est_frac = 0;
	c->frac_bytes = 0;
	if (cc->cwnd < c->w_max_bytes) {
		c->origin_bytes = c->w_max_bytes;
		c->k_ns = compute_k_ns(c->w_max_bytes - cc->cwnd, cc->mss);
	} else {
		c->origin_bytes = cc->cwnd;
		c->k_ns = 0;
	}
}

/* W_cubic(t) = C (t - K)^3 + origin, in bytes (RFC 9438 4.2 equation 1). */
static uint64_t w_cubic(const struct tcp_cc *cc, uint64_t t_ns)
{
	const struct tcp_cc_cubic *c = &cc->u.cubic;
	bool below = t_ns < c->k_ns;
	uint64_t d = min_u64(to_units(below ? c->k_ns - t_ns : t_ns - c->k_ns), TIME_MAX);
	__extension__ unsigned __int128 bytes =
		(unsigned __int128)(d * d * d) * C_NUM * cc->mss / C_DEN;

	bytes >>= 3 * TIME_SHIFT;
	if (below)
		return bytes >= c->origin_bytes ? 0 : c->origin_bytes - (uint64_t)bytes;
	return bytes > TCP_CC_CWND_MAX ? TCP_CC_CWND_MAX : c->origin_bytes + (uint64_t)bytes;
}

/* 4.3: what Reno would have by now; alpha becomes 1 once the window before the reduction is passed.
 * What is less than a byte waits for the next acknowledgement: of large windows it is all. */
static void grow_reno_estimate(struct tcp_cc *cc, uint32_t bytes)
{
	struct tcp_cc_cubic *c = &cc->u.cubic;
	uint64_t alpha = c->w_est_bytes < c->prior_bytes ? ALPHA_NUM : ALPHA_DEN;
	uint64_t unit = (uint64_t)cc->cwnd * ALPHA_DEN;
	uint64_t owed = (uint64_t)min_u32(bytes, TCP_CC_CWND_MAX) * cc->mss * alpha +
			min_u64(c->est_frac, unit);

	c->est_frac = owed % unit;
	c->w_est_bytes = (uint32_t)min_u64(c->w_est_bytes + owed / unit, TCP_CC_CWND_MAX);
}

/* Grow so that cwnd reaches target within one window of acknowledged bytes. */
static void approach(struct tcp_cc *cc, uint64_t target, uint32_t bytes)
{
	struct tcp_cc_cubic *c = &cc->u.cubic;
	uint64_t owed;

	if (target <= cc->cwnd)
		return;
	owed = (target - cc->cwnd) * bytes + c->frac_bytes;
	c->frac_bytes = (uint32_t)(owed % cc->cwnd);
	tcp_cc_grow(cc, (uint32_t)min_u64(owed / cc->cwnd, bytes));
}

static void cubic_avoid(struct tcp_cc *cc, const struct tcp_cc_ack *ack, uint32_t bytes)
{
	struct tcp_cc_cubic *c = &cc->u.cubic;
	uint64_t t, target;

	if (c->epoch_ns == 0)
		start_epoch(cc, ack->now_ns);
	c->last_ns = ack->now_ns;
	t = ack->now_ns - c->epoch_ns;
	grow_reno_estimate(cc, bytes);
	if (w_cubic(cc, t) < c->w_est_bytes) {
		if (c->w_est_bytes > cc->cwnd)
			tcp_cc_grow(cc, c->w_est_bytes - cc->cwnd);
		return;
	}
	/* 4.4, 4.5: the target of one RTT ahead, at least cwnd, at most half as much again. */
	target = w_cubic(cc, t + ack->srtt_ns);
	approach(cc, min_u64(target, (uint64_t)cc->cwnd + cc->cwnd / 2), bytes);
}

static uint32_t cubic_ssthresh(struct tcp_cc *cc, uint32_t flight_bytes, uint64_t now_ns)
{
	struct tcp_cc_cubic *c = &cc->u.cubic;
	uint32_t w = cc->cwnd;

	(void)now_ns;
	c->prior_bytes = w;
	/* 4.7 fast convergence: leave room for a flow that has just come. */
	if (w < c->w_max_bytes)
		c->w_max_bytes = (uint32_t)((uint64_t)w * (BETA_DEN + BETA_NUM) / (2 * BETA_DEN));
	else
		c->w_max_bytes = w;
	c->epoch_ns = 0;
	/* 4.6 uses flight_size; cwnd that was not used must not count. */
	return (uint32_t)((uint64_t)min_u32(w, max_u32(flight_bytes, cc->mss)) * BETA_NUM /
			  BETA_DEN);
}

/* 4.8: the stage after a timeout begins with K = 0 and W_max the window that it begins with. */
static void cubic_timeout(struct tcp_cc *cc)
{
	cc->u.cubic.epoch_ns = 0;
	cc->u.cubic.w_max_bytes = 0;
}

/* 5.8: the stage stands still as long as the program does not use the window. */
static void cubic_unused(struct tcp_cc *cc, uint64_t now_ns)
{
	struct tcp_cc_cubic *c = &cc->u.cubic;

	if (c->epoch_ns == 0)
		return;
	c->epoch_ns += now_ns - c->last_ns;
	c->last_ns = now_ns;
}

/* 4.2: time without sending must not count as growth: begin a new stage. */
static void cubic_idle(struct tcp_cc *cc, uint64_t now_ns)
{
	(void)now_ns;
	cc->u.cubic.epoch_ns = 0;
}

const struct tcp_cc_ops tcp_cc_cubic_ops = {
	.avoid = cubic_avoid,
	.ssthresh = cubic_ssthresh,
	.idle = cubic_idle,
	.unused = cubic_unused,
	.timeout = cubic_timeout,
	.hystart = true,
};
