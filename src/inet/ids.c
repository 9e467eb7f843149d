/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Identifications of packets that are or may be fragmented: a keyed hash of the addresses plus a
 * counter of the hash's row (RFC 7739 5.3), so that nobody learns from the numbers he gets what
 * others get, and numbers of one pair do not repeat soon.
 *
 * Called by output on the worker's thread.
 */
#include "inet/state.h"

void ids_init(struct stack *s)
{
	s->env.random(s->env.ctx, s->inet->id_counters, sizeof(s->inet->id_counters));
}

uint32_t ids_next(struct stack *s, const struct ipaddr *src, const struct ipaddr *dst,
		  uint8_t proto)
{
	struct {
		struct ipaddr src, dst;
		uint32_t proto;
		char use[4]; /* the secret has other uses */
	} key = {*src, *dst, proto, {'i', 'd', '4', '6'}};
	uint64_t h = stack_keyed_hash(s, &key, sizeof(key));
	uint32_t *counter = &s->inet->id_counters[(h >> 32) % INET_ID_COUNTERS];

	return (uint32_t)h + (*counter)++;
}
