/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Duplicate address detection (RFC 4862 5.4): a tentative address is asked for; when nobody answers
 * it is ours. Our own question that comes back over a looped wire is known by its nonce (RFC 7527).
 * A duplicate of an address that we made gets another identifier, three times (RFC 7217 6).
 *
 * Called by addr.c, nd.c and timers, on the worker's thread.
 */
#include "inet/host.h"

#define IDGEN_RETRIES 3u

static uint64_t random_below(struct stack *s, uint64_t ns)
{
	return stack_random_u32(s) * (ns >> 16) >> 16;
}

void dad_start(struct stack *s, struct inet_addr *ia)
{
	ia->state = ADDR_TENTATIVE;
	ia->announcements = HOST_DAD_PROBES;
	wheel_timer_init(&ia->timer, dad_timer);
	/* RFC 4862 5.4.2: hosts that start together must not speak together. */
	wheel_arm(&s->wheel, &ia->timer, s->now_ns + random_below(s, HOST_RS_DELAY_NS));
}

void dad_timer(void *ctx, struct wheel_timer *t)
{
	struct inet_addr *ia = CONTAINER_OF(t, struct inet_addr, timer);
	struct stack *s = ctx;

	if (ia->announcements > 0) {
		ia->announcements--;
		s->env.random(s->env.ctx, ia->nonce, sizeof(ia->nonce));
		nd_probe(s, ia);
		wheel_arm(&s->wheel, t, s->now_ns + HOST_DAD_NS);
		return;
	}
	if (addr_publish(s, ia) < 0) { /* no memory: later */
		wheel_arm(&s->wheel, t, s->now_ns + HOST_DAD_NS);
		return;
	}
	host_on_addr(s, ia);
}

void dad_conflict(struct stack *s, struct inet_addr *ia)
{
	struct inet_addr old = *ia, *again;
	struct ipaddr next;

	s->inet->cnt[1].dad_duplicate++;
	wheel_disarm(&s->wheel, &ia->timer);
	ia->state = ADDR_DUPLICATE;
	if (old.attempt + 1u >= IDGEN_RETRIES)
		return;
	next = addr_stable_make(s, old.iface, &old.addr, old.attempt + 1u);
	/* Without room the duplicate stays, and tells what happened. */
	if (addr_add(s, old.iface, &next, old.len, true, &again) < 0)
		return;
	again->attempt = (uint8_t)(old.attempt + 1);
	again->autoconf = old.autoconf;
	again->router = old.router;
	again->valid_until_ns = old.valid_until_ns;
	again->preferred_until_ns = old.preferred_until_ns;
	addr_remove(s, ia);
}
