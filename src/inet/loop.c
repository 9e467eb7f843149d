/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets to addresses of our own: they wait in a queue and come back in through the input in the
 * output phase, so that no transport is called from inside its own output.
 */
#include "inet/state.h"

static void loop_run(struct stack *s, struct stack_work *w)
{
	struct mbufq q;
	struct mbuf *m;

	(void)w;
	mbufq_init(&q, MBUF_RX);
	mbufq_splice(&q, &s->inet->loop);
	while ((m = mbufq_pop(&q).m) != NULL) {
		m->meta.l3_off = mbuf_here(m);
		m->meta.l2_flags = 0;
		if ((mbuf_data(m)[0] >> 4) == 4)
			ip4_input(s, INET_IFACE_LOOPBACK, mbuf_own_of(m));
		else
			ip6_input(s, INET_IFACE_LOOPBACK, mbuf_own_of(m));
	}
}

void loop_init(struct stack *s)
{
	mbufq_init(&s->inet->loop, MBUF_RX);
	stack_work_init(&s->inet->loop_work, loop_run);
}

void loop_fini(struct stack *s)
{
	stack_work_cancel(&s->inet->loop_work);
	mbufq_purge(&s->inet->loop, DROP_STACK_FINI);
}

void loop_output(struct stack *s, mbuf_own in)
{
	struct mbufq *q = &s->inet->loop;

	if (q->count >= INET_LOOP_MAX) {
		mbuf_drop_own(in, DROP_IP_LOOP_FULL);
		return;
	}
	mbufq_push(q, in);
	stack_defer(s, &s->inet->loop_work);
}
