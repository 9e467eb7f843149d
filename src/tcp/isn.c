/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Initial sequence numbers (RFC 6528), timestamp offsets (RFC 7323 5.4), port offsets (RFC 6056
 * 3.3.3) and SYN cookies (RFC 4987 3.6). All are SipHash values under the secret of the stack,
 * which survives a restart, plus a clock that does: the peer's TIME-WAIT state then never sees us
 * go back.
 */
#include "tcp/isn.h"

#include "tcp/flow.h"
#include "tcp/pcb.h"

#include <string.h>

/* One number per 64 ns, as Linux: RFC 9293 3.4.1 speaks of 4 us, but a connection may send faster
 * than 250 kB/s, and its successor has to begin above it. */
#define ISN_TICK_SHIFT 6u

enum key_use {
	KEY_ISN = 1,
	KEY_TS,
	KEY_PORT,
	KEY_COOKIE,
	KEY_FASTOPEN,
};

/* What is hashed: no padding, so that equal values are equal bytes. */
struct key {
	struct ipaddr local, remote;
	uint16_t lport, rport;
	uint32_t use;
	uint32_t a, b;
};

static_assert(sizeof(struct key) == 48, "hashed as bytes: no holes");

static uint64_t keyed(const struct stack *s, const struct key *k)
{
	return stack_keyed_hash(s, k, sizeof(*k));
}

static struct key key_of_flow(const struct tcp_flow *f, enum key_use use)
{
	return (struct key){.local = f->local,
			    .remote = f->remote,
			    .lport = f->lport,
			    .rport = f->rport,
			    .use = use};
}

void tcp_isn_init(struct stack *s, struct tcp_isn *isn)
{
	isn->wall_off_ns = s->env.wall_ns(s->env.ctx) - s->now_ns;
}

static uint64_t wall_ns(const struct stack *s)
{
	return s->now_ns + s->tcp->isn.wall_off_ns;
}

uint32_t tcp_isn_make(const struct stack *s, const struct tcp_flow *f)
{
	struct key k = key_of_flow(f, KEY_ISN);

	return (uint32_t)(wall_ns(s) >> ISN_TICK_SHIFT) + (uint32_t)keyed(s, &k);
}

uint32_t tcp_ts_clock(const struct stack *s)
{
	return (uint32_t)(wall_ns(s) / 1000000);
}

uint32_t tcp_ts_offset(const struct stack *s, const struct ipaddr *local,
		       const struct ipaddr *remote)
{
	struct key k = {.local = *local, .remote = *remote, .use = KEY_TS};

	return (uint32_t)keyed(s, &k);
}

uint32_t tcp_port_offset(const struct stack *s, const struct ipaddr *local,
			 const struct ipaddr *remote, uint16_t rport)
{
	struct key k = {.local = *local, .remote = *remote, .rport = rport, .use = KEY_PORT};

	return (uint32_t)keyed(s, &k);
}

uint64_t tcp_fastopen_hash(const struct stack *s, const struct ipaddr *server,
			   const struct ipaddr *client, uint64_t period)
{
	struct key k = {.local = *server,
			.remote = *client,
			.use = KEY_FASTOPEN,
			.a = (uint32_t)(period >> 32),
			.b = (uint32_t)period};

	return keyed(s, &k);
}

/* ---- SYN cookies ----
 * 32 bits: 5 of the period, 3 for the MSS, 24 of the hash over the flow, the peer's ISN, the period
 * and the MSS class. */

#define COOKIE_PERIODS 32u

static const uint16_t cookie_mss[8] = {216, 536, 1220, 1300, 1360, 1440, 1460, 8940};

static uint32_t period_of(const struct stack *s)
{
	return (uint32_t)(wall_ns(s) / TCP_COOKIE_PERIOD_NS);
}

static uint32_t cookie_value(const struct stack *s, const struct tcp_flow *f, uint32_t irs,
			     uint32_t period, uint32_t cls)
{
	struct key k = key_of_flow(f, KEY_COOKIE);

	k.a = irs;
	k.b = period << 3 | cls;
	return (period % COOKIE_PERIODS) << 27 | cls << 24 | ((uint32_t)keyed(s, &k) & 0xffffff);
}

uint32_t tcp_cookie_make(const struct stack *s, const struct tcp_flow *f, uint32_t irs,
			 uint16_t mss)
{
	uint32_t cls = ARRAY_LEN(cookie_mss) - 1;

	while (cls > 0 && cookie_mss[cls] > mss)
		cls--;
	return cookie_value(s, f, irs, period_of(s), cls);
}

/* Low bits of the timestamp: scale 0..14 (15: none), SACK, ECN. */
#define COOKIE_TS_BITS  6u
#define COOKIE_TS_MASK  ((1u << COOKIE_TS_BITS) - 1)
#define COOKIE_NO_SCALE 15u

uint32_t tcp_cookie_ts(uint32_t clock, uint32_t off, const struct tcp_cookie *c)
{
	uint32_t bits = (c->has_wscale ? c->wscale : COOKIE_NO_SCALE) | (c->sack ? 16u : 0u) |
			(c->ecn ? 32u : 0u);
	uint32_t now = clock + off;
	uint32_t ts = (now & ~COOKIE_TS_MASK) | bits;

	/* Later segments carry the true clock and must not look older (PAWS). */
	if (seq_gt(ts, now))
		ts -= COOKIE_TS_MASK + 1;
	return ts;
}

bool tcp_cookie_check(const struct stack *s, const struct tcp_flow *f, uint32_t irs, uint32_t iss,
		      bool has_ts, uint32_t ts_opts, struct tcp_cookie *c)
{
	uint32_t cls = iss >> 24 & 7;
	uint32_t now = period_of(s);
	uint32_t age = (now - (iss >> 27)) % COOKIE_PERIODS;

	if (age > 1 || cookie_value(s, f, irs, now - age, cls) != iss)
		return false;
	*c = (struct tcp_cookie){.mss = cookie_mss[cls], .ts = has_ts};
	if (has_ts) {
		c->has_wscale = (ts_opts & 15) != COOKIE_NO_SCALE;
		c->wscale = c->has_wscale ? (uint8_t)(ts_opts & 15) : 0;
		c->sack = (ts_opts & 16) != 0;
		c->ecn = (ts_opts & 32) != 0;
	}
	return true;
}
