/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loopback interface: packets to addresses of our own, 127.0.0.0/8 and ::1 among them, and our
 * copies of multicast that we send (RFC 1112 6.4). They wait in a queue, bounded in packets and in
 * bytes, and come back in through the input in the output phase, so that no transport is called
 * from inside its own output. Nothing is cut or summed on this way: superpackets stay whole.
 *
 * Called by output.c on the worker's thread.
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
		unsigned iface = m->meta.cb32[0];

		m->meta.l3_off = mbuf_here(m);
		m->meta.l2_flags = 0;
		if ((mbuf_data(m)[0] >> 4) == 4)
			ip4_input_looped(s, iface, mbuf_own_of(m));
		else
			ip6_input_looped(s, iface, mbuf_own_of(m));
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

void loop_output(struct stack *s, unsigned iface, mbuf_own in)
{
	struct mbufq *q = &s->inet->loop;

	if (q->count >= INET_LOOP_MAX || q->bytes + mbuf_len(in.m) > INET_LOOP_BYTES) {
		mbuf_drop_own(in, DROP_IP_LOOP_FULL);
		return;
	}
	in.m->meta.cb32[0] = iface;
	mbufq_push(q, in);
	stack_defer(s, &s->inet->loop_work);
}
