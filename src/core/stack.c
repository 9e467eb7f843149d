/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Life of a stack instance: creation, ports, teardown, and the keyed hashes and random numbers
 * that the layers take from it. The loop is in loop.c. Called by the worker's thread; the stack
 * owns its ports, its memory comes from env.mem.
 */
#include "core/stack.h"

#include "plat/random.h"

#include <errno.h>
#include <string.h>

#define DEFAULT_MAX_SOCKETS    65536u
#define DEFAULT_MAX_NEIGHBOURS 4096u

int stack_create(const struct stack_conf *conf, struct stack **out)
{
	const struct mem *mem = conf->env.mem;
	uint8_t key[HASH_KEY_BYTES];
	struct stack *s;

	s = mem_zalloc_aligned(mem, sizeof(*s), CACHE_LINE);
	if (!s)
		return -ENOMEM;
	s->env = conf->env;
	s->pool = conf->pool;
	s->core = conf->core;
	s->wake_fd = -1;
	s->max_sockets = conf->max_sockets ? conf->max_sockets : DEFAULT_MAX_SOCKETS;
	s->max_neighbours = conf->max_neighbours ? conf->max_neighbours : DEFAULT_MAX_NEIGHBOURS;
	s->now_ns = s->env.mono_ns(s->env.ctx);
	s->env.random(s->env.ctx, key, sizeof(key));
	hash_key_init(&s->hash_key, key);
	wheel_init(&s->wheel, s->now_ns);
	list_init(&s->work);
	mbuf_pool_tick(s->pool, s->now_ns);
	*out = s;
	return 0;
}

static void purge_txq(struct stack_txq *q)
{
	for (uint32_t i = 0; i < q->count; i++)
		mbuf_drop(&q->pkts[i], DROP_STACK_FINI);
	q->count = 0;
}

void stack_port_del(struct stack *s)
{
	s->n_ports--;
	purge_txq(&s->txq[s->n_ports]);
	port_close(s->ports[s->n_ports]);
	s->ports[s->n_ports] = NULL;
}

void stack_destroy(struct stack *s)
{
	while (s->n_ports > 0)
		stack_port_del(s);
	mem_free(s->env.mem, s, sizeof(*s));
}

int stack_port_add(struct stack *s, struct port *p)
{
	if (s->n_ports == STACK_MAX_PORTS)
		return -ENOSPC;
	p->now_ns = &s->now_ns;
	s->ports[s->n_ports] = p;
	return (int)s->n_ports++;
}

void stack_round_end_add(struct stack *s, void (*fn)(struct stack *s))
{
	for (unsigned i = 0; i < ARRAY_LEN(s->round_end); i++) {
		if (!s->round_end[i]) {
			s->round_end[i] = fn;
			return;
		}
	}
	UNREACHABLE();
}

void stack_round_end_del(struct stack *s, void (*fn)(struct stack *s))
{
	unsigned k = 0;

	for (unsigned i = 0; i < ARRAY_LEN(s->round_end); i++)
		if (s->round_end[i] != fn)
			s->round_end[k++] = s->round_end[i];
	for (; k < ARRAY_LEN(s->round_end); k++)
		s->round_end[k] = NULL;
}

uint64_t stack_keyed_hash(const struct stack *s, const void *data, size_t len)
{
	return plat_siphash(s->env.secret, data, len);
}

uint32_t stack_random_u32(struct stack *s)
{
	uint32_t v;

	s->env.random(s->env.ctx, &v, sizeof(v));
	return v;
}
