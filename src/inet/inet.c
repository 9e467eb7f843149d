/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Life of the internet layer of a stack: state, the link layer under it with what that asks back,
 * registration of transports. Called by configuration on the worker's thread.
 */
#include "inet/state.h"

#include "inet/group.h"
#include "inet/reass.h"

#include <errno.h>

static void upper_unreachable(struct stack *s, unsigned iface, struct mbuf *m)
{
	icmp_unreachable_local(s, iface, m);
}

static const struct link_upper upper = {
	.is_own = addr_is_own_on,
	.is_onlink = addr_is_onlink,
	.source_for = addr_source_for,
	.solicit6 = nd_solicit,
	.unreachable = upper_unreachable,
};

void inet_proto_register(struct stack *s, uint8_t proto, const struct inet_proto *ops)
{
	s->inet->protos[proto] = ops;
}

void inet_forwarding_set(struct stack *s, bool v4, bool v6)
{
	bool was = s->inet->forward6;

	s->inet->forward4 = v4;
	s->inet->forward6 = v6;
	/* The router flag of our advertisements changed (RFC 4861 7.2.6), and one group. */
	for (unsigned i = 0; v6 != was && i < LINK_MAX_IFACES; i++) {
		const struct inet_iface *ii = &s->inet->ifaces[i];

		if (ii->used)
			addr_router_groups(s, i, v6);
		for (unsigned k = 0; k < ii->n_addrs; k++)
			if (!ipaddr_is_v4(&ii->addrs[k]->addr) && addr_usable(ii->addrs[k]))
				nd_announce(s, i, &ii->addrs[k]->addr);
	}
}

const struct inet_counters *inet_counters(const struct stack *s, bool v6)
{
	return &s->inet->cnt[v6 ? 1 : 0];
}

static int tables_init(struct stack *s)
{
	int err = addr_init(s);

	if (err < 0)
		return err;
	err = pmtu_init(s);
	if (err < 0)
		goto fini_addr;
	err = reass_create(s, &s->inet->reass);
	if (err < 0)
		goto fini_pmtu;
	err = group_init(s);
	if (err < 0)
		goto destroy_reass;
	return 0;
destroy_reass:
	reass_destroy(s->inet->reass);
fini_pmtu:
	pmtu_fini(s);
fini_addr:
	addr_fini(s);
	return err;
}

static void shed(struct stack *s)
{
	reass_shed(s->inet->reass);
}

int inet_init(struct stack *s)
{
	struct inet *in = mem_zalloc_aligned(s->env.mem, sizeof(*in), CACHE_LINE);
	int err;

	if (!in)
		return -ENOMEM;
	s->inet = in;
	in->gen = 1;
	fib_init(&in->fib, s->env.mem);
	ids_init(s);
	loop_init(s);
	err = tables_init(s);
	if (err < 0)
		goto free_inet;
	err = link_init(s, &upper);
	if (err < 0)
		goto fini_tables;
	link_proto_register(s, ETHERTYPE_IP4, ip4_input);
	link_proto_register(s, ETHERTYPE_IP6, ip6_input);
	stack_round_end_add(s, shed);
	return 0;
fini_tables:
	group_fini(s);
	reass_destroy(in->reass);
	pmtu_fini(s);
	addr_fini(s);
free_inet:
	s->inet = NULL;
	mem_free(s->env.mem, in, sizeof(*in));
	return err;
}

void inet_fini(struct stack *s)
{
	struct inet *in = s->inet;

	stack_round_end_del(s, shed);
	loop_fini(s);
	reass_destroy(in->reass);
	pmtu_fini(s);
	addr_fini(s);
	group_fini(s);
	fib_fini(&in->fib);
	link_fini(s);
	s->inet = NULL;
	mem_free(s->env.mem, in, sizeof(*in));
}
