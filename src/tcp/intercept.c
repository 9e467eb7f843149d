/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interception rules: which SYNs to foreign addresses go to which listener. Asked once for each new
 * connection. The rules lie sorted, so the first match is the best: longest destination prefix,
 * then longest source prefix, then the oldest.
 */
#include "tcp/listen.h"

#include "base/bits.h"

#include <errno.h>
#include <string.h>

#define RULES_MIN 8u
#define RULES_MAX 4096u /* a power of two */

struct rule {
	struct tcp_intercept match;
	struct tcp_listener *listener;
};

struct tcp_rules {
	struct rule *rules;
	uint32_t n, cap;
};

int tcp_rules_init(struct stack *s)
{
	s->tcp->rules = mem_zalloc(s->env.mem, sizeof(*s->tcp->rules));
	return s->tcp->rules ? 0 : -ENOMEM;
}

void tcp_rules_fini(struct stack *s)
{
	struct tcp_rules *t = s->tcp->rules;

	mem_free(s->env.mem, t->rules, t->cap * sizeof(*t->rules));
	mem_free(s->env.mem, t, sizeof(*t));
}

/* Does a belong before b? */
static bool better(const struct tcp_intercept *a, const struct tcp_intercept *b)
{
	if (a->dst.len != b->dst.len)
		return a->dst.len > b->dst.len;
	return a->src.len > b->src.len;
}

int tcp_intercept_reserve(struct stack *s, uint32_t n)
{
	struct tcp_rules *t = s->tcp->rules;
	uint32_t cap = max_u32((uint32_t)round_up_pow2(t->n + n), RULES_MIN);
	struct rule *rules;

	if (t->n + n <= t->cap)
		return 0;
	if (t->n + n > RULES_MAX)
		return -ENOSPC;
	rules = mem_alloc(s->env.mem, cap * sizeof(*rules));
	if (!rules)
		return -ENOMEM;
	if (t->n)
		memcpy(rules, t->rules, t->n * sizeof(*rules));
	mem_free(s->env.mem, t->rules, t->cap * sizeof(*rules));
	t->rules = rules;
	t->cap = cap;
	return 0;
}

int tcp_intercept_add(struct stack *s, const struct tcp_intercept *rule, struct tcp_listener *l)
{
	struct tcp_rules *t = s->tcp->rules;
	uint32_t at = 0;
	int err;

	if (rule->dport_lo > rule->dport_hi || rule->src.len > 128 || rule->dst.len > 128)
		return -EINVAL;
	err = tcp_intercept_reserve(s, 1);
	if (err < 0)
		return err;
	while (at < t->n && !better(rule, &t->rules[at].match))
		at++;
	memmove(t->rules + at + 1, t->rules + at, (t->n - at) * sizeof(*t->rules));
	t->rules[at] = (struct rule){*rule, l};
	t->n++;
	return 0;
}

void tcp_intercept_flush(struct stack *s, struct tcp_listener *l)
{
	struct tcp_rules *t = s->tcp->rules;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < t->n; i++)
		if (t->rules[i].listener != l)
			t->rules[kept++] = t->rules[i];
	t->n = kept;
}

/* Within a family: ::/0 is any IPv6 address and no IPv4 one, which has a mapped form below it. */
static bool covers(const struct ipprefix *p, const struct ipaddr *a)
{
	return ipprefix_is_v4(p) == ipaddr_is_v4(a) && ipprefix_match(p, a);
}

static bool matches(const struct tcp_intercept *r, const struct inet_in *in, uint16_t dport)
{
	if (r->iface >= 0 && (unsigned)r->iface != in->iface)
		return false;
	if (dport < r->dport_lo || dport > r->dport_hi)
		return false;
	return covers(&r->dst, &in->dst) && covers(&r->src, &in->src);
}

struct tcp_listener *tcp_rules_match(const struct stack *s, const struct inet_in *in,
				     uint16_t dport)
{
	const struct tcp_rules *t = s->tcp->rules;

	for (uint32_t i = 0; i < t->n; i++)
		if (matches(&t->rules[i].match, in, dport))
			return t->rules[i].listener;
	return NULL;
}
