/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A socket's memberships in multicast groups: what the internet layer is told of them, and which
 * datagrams they let in (RFC 3376 2 and 3.1, RFC 3810 4.1; Linux's IP_MULTICAST_ALL for sockets
 * that are no members). Worker thread.
 */
#include "udp/pcb.h"

#include "base/mem.h"

#include <errno.h>

static struct udp_group *find(const struct udp_pcb *pcb, unsigned iface, const struct ipaddr *group)
{
	struct list *l;

	LIST_FOR_EACH (l, &pcb->groups) {
		struct udp_group *g = CONTAINER_OF(l, struct udp_group, link);

		if (g->iface == iface && ipaddr_eq(&g->group, group))
			return g;
	}
	return NULL;
}

const struct inet_filter *udp_group_get(const struct udp_pcb *pcb, unsigned iface,
					const struct ipaddr *group)
{
	const struct udp_group *g = find(pcb, iface, group);

	return g ? &g->filter : NULL;
}

int udp_group_iface(const struct udp_pcb *pcb, const struct ipaddr *group)
{
	struct list *l;

	LIST_FOR_EACH (l, &pcb->groups) {
		const struct udp_group *g = CONTAINER_OF(l, struct udp_group, link);

		if (ipaddr_eq(&g->group, group))
			return (int)g->iface;
	}
	return -1;
}

static int join(struct udp_pcb *pcb, unsigned iface, const struct ipaddr *group,
		const struct inet_filter *filter)
{
	struct stack *s = pcb->stack;
	struct udp_group *g;
	int rc;

	if (pcb->n_groups == UDP_MAX_GROUPS)
		return -ENOBUFS;
	g = mem_zalloc(s->env.mem, sizeof(*g));
	if (!g)
		return -ENOMEM;
	g->iface = iface;
	g->group = *group;
	g->filter = *filter;
	rc = inet_group_change(s, iface, group, NULL, filter);
	if (rc < 0) {
		mem_free(s->env.mem, g, sizeof(*g));
		return rc;
	}
	list_add_tail(&pcb->groups, &g->link);
	pcb->n_groups++;
	return 0;
}

static void leave(struct udp_pcb *pcb, struct udp_group *g)
{
	struct stack *s = pcb->stack;

	/* To want less never fails. */
	MUST(inet_group_change(s, g->iface, &g->group, &g->filter, NULL) == 0);
	list_del(&g->link);
	pcb->n_groups--;
	mem_free(s->env.mem, g, sizeof(*g));
}

int udp_group_set(struct udp_pcb *pcb, unsigned iface, const struct ipaddr *group,
		  const struct inet_filter *filter)
{
	struct udp_group *g = find(pcb, iface, group);
	int rc;

	if (!g)
		return filter ? join(pcb, iface, group, filter) : 0;
	if (!filter) {
		leave(pcb, g);
		return 0;
	}
	rc = inet_group_change(pcb->stack, iface, group, &g->filter, filter);
	if (rc == 0)
		g->filter = *filter;
	return rc;
}

bool udp_group_takes(const struct udp_pcb *pcb, const struct inet_in *in)
{
	bool v6 = !ipaddr_is_v4(&in->dst);
	const struct udp_group *g;

	if (!ipaddr_is_multicast(&in->dst))
		return true;
	g = find(pcb, in->iface, &in->dst);
	if (!g)
		return pcb->opts.mc_all[v6];
	if (inet_filter_passes(&g->filter, &in->src))
		return true;
	pcb->stack->udp->cnt.filtered++;
	return false;
}

void udp_groups_leave(struct udp_pcb *pcb)
{
	while (!list_empty(&pcb->groups))
		leave(pcb, CONTAINER_OF(list_first(&pcb->groups), struct udp_group, link));
}
