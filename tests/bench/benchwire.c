/* SPDX-License-Identifier: BSD-2-Clause */
/* The zero-cost wire: a ring of pointers for each direction. */
#include "benchwire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define RING 4096u

struct ring {
	struct mbuf *slot[RING];
	uint32_t head, tail;
};

struct end {
	struct port port;
	struct wire *wire;
	struct ring *in, *out;
	bool claims_csum; /* the "hardware" has checked what comes in */
};

struct wire {
	struct ring ring[2];
	struct end end[2];
	unsigned open;
};

static uint16_t wire_rx(struct port *p, struct mbuf **pkts, uint16_t max)
{
	struct end *e = CONTAINER_OF(p, struct end, port);
	uint16_t n = 0;

	while (n < max && e->in->head != e->in->tail) {
		struct mbuf *m = e->in->slot[e->in->head++ % RING];

		if (m->meta.csum != MBUF_CSUM_PARTIAL)
			m->meta.csum = e->claims_csum ? MBUF_CSUM_GOOD : MBUF_CSUM_NONE;
		else if (m->meta.gso_size == 0 && e->claims_csum)
			m->meta.csum = MBUF_CSUM_GOOD;
		m->meta.l2_flags = 0;
		m->meta.next_pkt = NULL;
		mbuf_mark(m, MBUF_RX);
		pkts[n++] = m;
	}
	p->cnt.rx_frames += n;
	return n;
}

static uint16_t wire_tx(struct port *p, struct mbuf **pkts, uint16_t n)
{
	struct end *e = CONTAINER_OF(p, struct end, port);
	uint16_t i = 0;

	while (i < n && e->out->tail - e->out->head < RING) {
		mbuf_mark(pkts[i], MBUF_WIRE);
		e->out->slot[e->out->tail++ % RING] = pkts[i++];
	}
	p->cnt.tx_frames += i;
	return i;
}

static int wire_fd(struct port *p)
{
	(void)p;
	return -1;
}

static bool wire_up(struct port *p)
{
	(void)p;
	return true;
}

static void wire_destroy(struct port *p)
{
	struct end *e = CONTAINER_OF(p, struct end, port);
	struct wire *w = e->wire;

	while (e->in->head != e->in->tail)
		mbuf_drop_own(mbuf_own_of(e->in->slot[e->in->head++ % RING]), DROP_PORT_DOWN);
	if (--w->open == 0)
		free(w);
}

static const struct port_ops ops = {
	.name = "bench",
	.rx = wire_rx,
	.tx = wire_tx,
	.wait_fd = wire_fd,
	.tx_wait_fd = wire_fd,
	.link_up = wire_up,
	.destroy = wire_destroy,
};

static uint32_t caps_of(enum benchwire_mode mode)
{
	switch (mode) {
	case BENCHWIRE_NIC:
		return PORT_CAP_TX_CSUM | PORT_CAP_RX_CSUM | PORT_CAP_SG;
	case BENCHWIRE_PLAIN:
		return PORT_CAP_SG;
	case BENCHWIRE_SUPER:
		return PORT_CAP_TX_CSUM | PORT_CAP_RX_CSUM | PORT_CAP_SG | PORT_CAP_TSO |
		       PORT_CAP_RX_SUPER;
	}
	return 0;
}

int benchwire_create(enum benchwire_mode mode, struct mbuf_pool *pool_a, struct mbuf_pool *pool_b,
		     unsigned number, struct port **a, struct port **b)
{
	struct wire *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->open = 2;
	for (unsigned i = 0; i < 2; i++) {
		struct end *e = &w->end[i];

		e->wire = w;
		e->in = &w->ring[i];
		e->out = &w->ring[1 - i];
		e->claims_csum = mode != BENCHWIRE_PLAIN;
		e->port = (struct port){.ops = &ops,
					.mtu = 1500,
					.pool = i == 0 ? pool_a : pool_b,
					.caps = caps_of(mode)};
		e->port.mac = (struct ethaddr){{2, 0, 0, 1, (uint8_t)number, (uint8_t)i}};
		e->port.max_gso_bytes = mode == BENCHWIRE_SUPER ? 65535 : 0;
		mbufq_init(&e->port.held, MBUF_TXQ);
		(void)snprintf(e->port.name, sizeof(e->port.name), "bench%u.%u", number, i);
	}
	*a = &w->end[0].port;
	*b = &w->end[1].port;
	return 0;
}
