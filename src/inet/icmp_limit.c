/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many ICMP errors may go where (RFC 1812 4.3.2.8, RFC 4443 2.4 f). Each destination has tokens
 * of its own, so one is never slowed because of another, and the number at hand is drawn at random:
 * with a count that is shared or known, an outsider learns from his own answers whether a packet
 * with a forged source got one (SAD DNS, CVE-2020-25705). The table is bounded; its rows are chosen
 * by a keyed hash, and who is put out of a full row is drawn too. A flood from forged sources
 * meets a budget over all, for a window of random length and of random size.
 *
 * Called by icmp_error.c on the worker's thread.
 */
#include "inet/state.h"

/* A token each 100 ms, 6 to 13 at hand after a rest. */
#define TOKEN_US   100000u
#define TOKENS_MIN 6u
#define TOKENS_VAR 8u
/* Over all: 128 to 383 in 25 to 50 ms, some 7,000 a second. */
#define WINDOW_MIN_NS (25 * UINT64_C(1000000))
#define BUDGET_MIN    128u
#define BUDGET_VAR    256u

static bool take_budget(struct stack *s)
{
	struct icmp_limit *l = &s->inet->limit;

	if (s->now_ns >= l->window_end_ns) {
		uint32_t r = stack_random_u32(s);

		l->window_end_ns =
			s->now_ns + WINDOW_MIN_NS + (r >> 8) * WINDOW_MIN_NS / (1u << 24);
		l->window_left = BUDGET_MIN + r % BUDGET_VAR;
	}
	if (l->window_left == 0)
		return false;
	l->window_left--;
	return true;
}

static uint32_t draw_credit(struct stack *s)
{
	return (TOKENS_MIN + stack_random_u32(s) % TOKENS_VAR) * TOKEN_US;
}

/* The bucket of dst: its own, a free one, or one taken from another. */
static struct icmp_bucket *bucket_of(struct stack *s, const struct ipaddr *dst)
{
	uint32_t row = hash_addr_u32(&s->hash_key, dst, 0x1c3b) % ICMP_LIMIT_SETS;
	struct icmp_bucket *set = s->inet->limit.buckets[row], *b;

	for (unsigned i = 0; i < ICMP_LIMIT_WAYS; i++)
		if (set[i].last_ns != 0 && ipaddr_eq(&set[i].addr, dst))
			return &set[i];
	b = &set[stack_random_u32(s) % ICMP_LIMIT_WAYS];
	for (unsigned i = 0; i < ICMP_LIMIT_WAYS; i++)
		if (set[i].last_ns < b->last_ns && set[i].last_ns + 1000000000u < s->now_ns)
			b = &set[i];
	b->addr = *dst;
	b->last_ns = s->now_ns;
	b->credit_us = draw_credit(s);
	return b;
}

bool icmp_limit_allow(struct stack *s, const struct ipaddr *dst)
{
	struct icmp_bucket *b = bucket_of(s, dst);
	uint64_t elapsed_us = (s->now_ns - b->last_ns) / 1000;
	uint64_t credit = b->credit_us + elapsed_us;

	if (elapsed_us > 0) {
		b->last_ns = s->now_ns;
		/* Full again: how much that is, is drawn each time. */
		b->credit_us =
			credit > TOKENS_MIN * TOKEN_US
				? min_u32((uint32_t)min_u64(credit, UINT32_MAX), draw_credit(s))
				: (uint32_t)credit;
	}
	if (b->credit_us < TOKEN_US || !take_budget(s))
		return false;
	b->credit_us -= TOKEN_US;
	return true;
}
