/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The run-to-completion loop of a worker: one round receives from every port, runs the timers
 * that are due, the work that input and timers put off (TCP output), and transmits. The program's
 * own wait calls run it. Cycles are charged to the phase they were spent in; those of a round that
 * found nothing to do are idle polling, so that a profile never mistakes idling for work.
 */
#include "core/stack.h"

#include "plat/clock.h"

#include <string.h>

/* Work items that defer further work: so many passes a round, the rest waits for the next. */
#define WORK_PASSES 4u
/* A queue of this length is handed to the port without waiting for the end of the round. */
#define TXQ_FLUSH 64u

struct round {
	uint64_t cycles[STACK_PHASE_COUNT];
	uint64_t last;
};

static void charge(struct round *r, enum stack_phase phase)
{
	uint64_t now = plat_cycles();

	r->cycles[phase] += now - r->last;
	r->last = now;
}

static void txq_flush(struct stack *s, unsigned port)
{
	struct stack_txq *q = &s->txq[port];
	uint32_t done = 0;

	if (q->count == 0)
		port_flush(s->ports[port]);
	while (done < q->count) {
		uint32_t n = min_u32(q->count - done, PORT_BURST);
		uint16_t k = port_tx(s->ports[port], q->pkts + done, (uint16_t)n);

		done += k;
		if (k < n)
			break;
	}
	q->count -= done;
	if (q->count > 0 && done > 0)
		memmove(q->pkts, q->pkts + done, q->count * sizeof(q->pkts[0]));
}

void stack_tx(struct stack *s, unsigned port, mbuf_own in)
{
	struct stack_txq *q = &s->txq[port];

	if (q->count == STACK_TXQ_LEN) {
		txq_flush(s, port);
		if (q->count == STACK_TXQ_LEN) {
			s->ports[port]->cnt.tx_full++;
			mbuf_drop_own(in, DROP_PORT_TX_FULL);
			return;
		}
	}
	mbuf_mark(in.m, MBUF_TXQ);
	q->pkts[q->count++] = in.m;
	if (q->count % TXQ_FLUSH == 0)
		txq_flush(s, port);
}

static unsigned run_rx(struct stack *s, struct round *r)
{
	struct mbuf *pkts[PORT_BURST];
	unsigned total = 0;

	for (unsigned i = 0; i < s->n_ports; i++) {
		struct port *p = s->ports[i];
		uint16_t n;

		if (p->ops->reclaim)
			p->ops->reclaim(p);
		n = port_rx(p, pkts, PORT_BURST);
		charge(r, STACK_PHASE_RX);
		if (n == 0)
			continue;
		total += n;
		s->idle_naps = 0;
		s->link_input(s, i, pkts, n);
		charge(r, STACK_PHASE_INPUT);
	}
	return total;
}

static unsigned run_work(struct stack *s)
{
	unsigned total = 0;

	for (unsigned pass = 0; pass < WORK_PASSES && !list_empty(&s->work); pass++) {
		struct list todo;

		list_init(&todo);
		list_splice_tail(&todo, &s->work);
		while (!list_empty(&todo)) {
			struct stack_work *w =
				CONTAINER_OF(list_first(&todo), struct stack_work, link);

			list_del(&w->link);
			w->fn(s, w);
			total++;
		}
	}
	return total;
}

static unsigned run_tx(struct stack *s)
{
	unsigned total = 0;

	for (unsigned i = 0; i < ARRAY_LEN(s->round_end) && s->round_end[i]; i++)
		s->round_end[i](s);
	for (unsigned i = 0; i < s->n_ports; i++) {
		total += s->txq[i].count;
		if (stack_tx_pending(s, i))
			txq_flush(s, i);
	}
	return total;
}

static void round_open(struct stack *s, struct round *r)
{
	memset(r->cycles, 0, sizeof(r->cycles));
	r->last = s->last_cycles ? s->last_cycles : plat_cycles();
	charge(r, STACK_PHASE_APP);
}

static void round_close(struct stack *s, struct round *r, unsigned did)
{
	uint64_t stack_cycles = 0;

	s->last_cycles = r->last;
	s->prof.rounds++;
	s->prof.cycles[STACK_PHASE_APP] += r->cycles[STACK_PHASE_APP];
	for (int i = 0; i < STACK_PHASE_APP; i++) {
		stack_cycles += r->cycles[i];
		if (did > 0)
			s->prof.cycles[i] += r->cycles[i];
	}
	if (did == 0) {
		s->prof.idle_rounds++;
		s->prof.cycles[STACK_PHASE_POLL] += stack_cycles;
	}
}

void stack_tick(struct stack *s)
{
	s->now_ns = s->env.mono_ns(s->env.ctx);
	mbuf_pool_tick(s->pool, s->now_ns);
}

unsigned stack_poll(struct stack *s)
{
	struct round r;
	unsigned did;

	round_open(s, &r);
	stack_tick(s);
	did = run_rx(s, &r);
	did += wheel_advance(&s->wheel, s->now_ns, s);
	charge(&r, STACK_PHASE_TIMER);
	did += run_work(s);
	charge(&r, STACK_PHASE_OUTPUT);
	did += run_tx(s);
	charge(&r, STACK_PHASE_TX);
	round_close(s, &r, did);
	return did;
}

void stack_flush(struct stack *s)
{
	struct round r;
	unsigned did;

	round_open(s, &r);
	/* The program may have computed for long since the last round: timers count from now. */
	stack_tick(s);
	did = run_work(s);
	charge(&r, STACK_PHASE_OUTPUT);
	did += run_tx(s);
	charge(&r, STACK_PHASE_TX);
	round_close(s, &r, did);
}

void stack_charge(struct stack *s, enum stack_phase phase)
{
	uint64_t now = plat_cycles();

	if (s->last_cycles)
		s->prof.cycles[phase] += now - s->last_cycles;
	s->last_cycles = now;
}

uint64_t stack_next_ns(const struct stack *s)
{
	uint64_t next = list_empty(&s->work) ? wheel_next_ns(&s->wheel) : s->now_ns;

	for (unsigned i = 0; i < s->n_ports; i++) {
		struct port *p = s->ports[i];

		if (stack_tx_pending(s, i))
			return s->now_ns;
		if (p->ops->next_ns)
			next = min_u64(next, p->ops->next_ns(p));
	}
	return next;
}
