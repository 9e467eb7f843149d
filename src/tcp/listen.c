/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listeners and accept queues (RFC 9293 3.9.1.1, passive OPEN). The socket layer owns a listener
 * from tcp_listen() to tcp_unlisten(); the connections in its queue are TCP's until tcp_accept().
 */
#include "tcp/listen.h"

#include "tcp/input.h"
#include "tcp/output.h"

#include <assert.h>
#include <errno.h>

int tcp_listeners_init(struct stack *s)
{
	struct tcp_listeners *ls = mem_zalloc(s->env.mem, sizeof(*ls));
	int err;

	if (!ls)
		return -ENOMEM;
	list_init(&ls->all);
	err = htab_init(&ls->by_addr, s->env.mem, 4);
	if (err < 0) {
		mem_free(s->env.mem, ls, sizeof(*ls));
		return err;
	}
	s->tcp->listeners = ls;
	return 0;
}

void tcp_listeners_fini(struct stack *s)
{
	struct tcp_listeners *ls = s->tcp->listeners;
	struct list *l;

	while ((l = list_first(&ls->all)) != NULL)
		tcp_unlisten(CONTAINER_OF(l, struct tcp_listener, link));
	htab_fini(&ls->by_addr);
	mem_free(s->env.mem, ls, sizeof(*ls));
}

/* ---- look-up ---- */

static struct tcp_listener *find_at(const struct stack *s, const struct ipaddr *addr, uint16_t port,
				    bool v4_on_v6, uint32_t pick)
{
	uint32_t hash = hash_addr_u32(&s->hash_key, addr, port);
	struct tcp_listener *found = NULL;
	struct htab_iter it;
	uint32_t n = 0;

	/* Several with REUSEPORT: each flow stays with one of them. */
	for (struct tcp_listener *l = htab_first(&s->tcp->listeners->by_addr, hash, &it); l != NULL;
	     l = htab_next(&it)) {
		if (l->port != port || !ipaddr_eq(&l->addr, addr) ||
		    (v4_on_v6 && (l->flags & TCP_BIND_V6ONLY)))
			continue;
		n++;
		if (!found || pick % n == 0)
			found = l;
	}
	return found;
}

static struct tcp_listener *find_local(const struct stack *s, const struct inet_in *in,
				       uint16_t sport, uint16_t dport)
{
	const struct ipaddr any4 = ipaddr_any4(), any6 = ipaddr_any6();
	uint32_t pick = hash_addr_u32(&s->hash_key, &in->src, sport);
	struct tcp_listener *l = find_at(s, &in->dst, dport, false, pick);

	if (!l && ipaddr_is_v4(&in->dst))
		l = find_at(s, &any4, dport, false, pick);
	if (!l)
		l = find_at(s, &any6, dport, ipaddr_is_v4(&in->dst), pick);
	return l;
}

struct tcp_listener *tcp_listener_find(const struct stack *s, const struct inet_in *in,
				       uint16_t sport, uint16_t dport)
{
	if (in->foreign)
		return tcp_rules_match(s, in, dport);
	return find_local(s, in, sport, dport);
}

bool tcp_listener_conflict(const struct stack *s, const struct ipaddr *addr, uint16_t port,
			   unsigned flags)
{
	struct list *pos;

	LIST_FOR_EACH (pos, &s->tcp->listeners->all) {
		const struct tcp_listener *l = CONTAINER_OF(pos, struct tcp_listener, link);
		bool any = ipaddr_is_unspecified(addr) || ipaddr_is_unspecified(&l->addr);
		bool same = ipaddr_eq(addr, &l->addr);

		if (l->port != port || (!any && !same))
			continue;
		/* Different families meet only at a v6 wildcard that takes v4. */
		if (ipaddr_is_v4(addr) != ipaddr_is_v4(&l->addr) &&
		    ((flags | l->flags) & TCP_BIND_V6ONLY))
			continue;
		if (flags & l->flags & TCP_BIND_REUSEPORT)
			continue;
		/* REUSEADDR: beside a listener on another, more or less specific address. */
		if (!same && (flags & l->flags & TCP_BIND_REUSEADDR))
			continue;
		return true;
	}
	return false;
}

/* ---- life ---- */

static struct tcp_listener *create(struct stack *s, const struct tcp_listener_conf *conf)
{
	struct tcp_listener *l = mem_zalloc(s->env.mem, sizeof(*l));

	if (!l)
		return NULL;
	l->stack = s;
	l->addr = conf->addr;
	l->port = conf->port;
	l->flags = conf->flags;
	l->backlog = max_u32(conf->backlog, 1);
	list_init(&l->link);
	list_init(&l->queue);
	return l;
}

static int default_prefs(struct stack *s, const struct tcp_pcb *like, struct tcp_prefs *out)
{
	struct tcp_pcb *tmp;

	if (like) {
		tcp_prefs_get(like, out);
		return 0;
	}
	tmp = tcp_pcb_create(s);
	if (!tmp)
		return -ENOMEM;
	tcp_prefs_get(tmp, out);
	tcp_cc_fini(&tmp->cc, s->env.mem);
	slab_put(&s->tcp->pcbs, tmp);
	return 0;
}

int tcp_listen(struct stack *s, const struct tcp_listener_conf *conf, void *so,
	       struct tcp_listener **out)
{
	struct tcp_listeners *ls = s->tcp->listeners;
	struct tcp_listener *l;
	int err = -EADDRINUSE;

	if (!ipaddr_is_unspecified(&conf->addr) && !(conf->flags & TCP_BIND_FOREIGN) &&
	    !inet_addr_is_local(s, &conf->addr))
		return -EADDRNOTAVAIL;
	if (conf->port != 0 && tcp_listener_conflict(s, &conf->addr, conf->port, conf->flags))
		return -EADDRINUSE;
	l = create(s, conf);
	if (!l)
		return -ENOMEM;
	l->so = so;
	err = default_prefs(s, conf->like, &l->prefs);
	if (err == 0 && l->port == 0)
		err = tcp_port_any(s, &l->addr, 0, &l->port);
	l->hash = hash_addr_u32(&s->hash_key, &l->addr, l->port);
	if (err == 0)
		err = htab_insert(&ls->by_addr, l->hash, l);
	if (err < 0) {
		mem_free(s->env.mem, l, sizeof(*l));
		return err;
	}
	list_add_tail(&ls->all, &l->link);
	*out = l;
	return 0;
}

void tcp_listener_local(const struct tcp_listener *l, struct ipaddr *addr, uint16_t *port)
{
	*addr = l->addr;
	*port = l->port;
}

void tcp_listener_backlog(struct tcp_listener *l, uint32_t backlog)
{
	l->backlog = max_u32(backlog, 1);
}

void tcp_unlisten(struct tcp_listener *l)
{
	struct stack *s = l->stack;
	struct list *pos;

	tcp_enter(s);
	tcp_intercept_flush(s, l);
	tcp_synq_forget(s, l);
	while ((pos = list_first(&l->queue)) != NULL)
		tcp_abort(CONTAINER_OF(pos, struct tcp_pcb, link));
	assert(l->n_embryo == 0 && l->n_half == 0);
	MUST(htab_remove(&s->tcp->listeners->by_addr, l->hash, l));
	list_del(&l->link);
	mem_free(s->env.mem, l, sizeof(*l));
	tcp_leave(s);
}

/* ---- accept queue ---- */

bool tcp_listener_full(const struct tcp_listener *l)
{
	return l->n_queued + l->n_embryo >= l->backlog;
}

void tcp_listener_ready(struct tcp_pcb *pcb)
{
	struct tcp_listener *l = pcb->listener;
	struct stack *s = pcb->stack;

	l->n_embryo--;
	l->n_queued++;
	pcb->flags |= PCBF_QUEUED;
	list_add_tail(&l->queue, &pcb->link);
	s->tcp->cnt.passive_opens++;
	pcb->events |= TCP_EV_ACCEPTABLE;
}

void tcp_listener_forget(struct tcp_pcb *pcb)
{
	struct tcp_listener *l = pcb->listener;

	if (pcb->flags & PCBF_QUEUED) {
		list_del(&pcb->link);
		l->n_queued--;
	} else {
		l->n_embryo--;
	}
	pcb->flags &= ~(PCBF_QUEUED | PCBF_EMBRYO);
	pcb->listener = NULL;
}

struct tcp_pcb *tcp_accept(struct tcp_listener *l)
{
	struct list *first = list_first(&l->queue);
	struct tcp_pcb *pcb;

	if (!first)
		return NULL;
	pcb = CONTAINER_OF(first, struct tcp_pcb, link);
	tcp_listener_forget(pcb);
	return pcb;
}

uint32_t tcp_accept_len(const struct tcp_listener *l)
{
	return l->n_queued;
}
