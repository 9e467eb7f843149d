/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Look-up by 4-tuple. Called for every segment and by whoever opens or ends a flow, on the thread
 * of the stack. The table does not own the entries.
 */
#include "tcp/flow.h"

#include "tcp/pcb.h"

#include <errno.h>

void tcp_flow_init(const struct stack *s, struct tcp_flow *f, const struct ipaddr *local,
		   uint16_t lport, const struct ipaddr *remote, uint16_t rport)
{
	f->local = *local;
	f->remote = *remote;
	f->lport = lport;
	f->rport = rport;
	f->hash = hash_tuple(&s->hash_key, local, lport, remote, rport, INET_PROTO_TCP);
	f->kind = TCP_FLOW_NONE;
	f->zone = 0;
}

int tcp_flow_insert(struct stack *s, struct tcp_flow *f, enum tcp_flow_kind kind)
{
	int err = htab_insert(&s->tcp->flows, f->hash, f);

	if (err < 0)
		return err;
	f->kind = (uint8_t)kind;
	return 0;
}

void tcp_flow_remove(struct stack *s, struct tcp_flow *f)
{
	if (f->kind == TCP_FLOW_NONE)
		return;
	MUST(htab_remove(&s->tcp->flows, f->hash, f));
	f->kind = TCP_FLOW_NONE;
}

struct tcp_flow *tcp_flow_lookup(const struct stack *s, const struct ipaddr *local, uint16_t lport,
				 const struct ipaddr *remote, uint16_t rport)
{
	uint32_t hash = hash_tuple(&s->hash_key, local, lport, remote, rport, INET_PROTO_TCP);
	struct htab_iter it;

	for (struct tcp_flow *f = htab_first(&s->tcp->flows, hash, &it); f != NULL;
	     f = htab_next(&it))
		if (tcp_flow_is(f, local, lport, remote, rport))
			return f;
	return NULL;
}
