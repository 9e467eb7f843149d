/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interface table and the Ethernet input: a burst from a port is stripped of its link
 * headers, merged (gro.c) and handed up by ethertype, in order. Frames for others, of unknown type
 * or of a VLAN without an interface are dropped and counted.
 *
 * Called by the worker's loop through stack->link_input; consumes every frame.
 */
#include "link/link.h"

#include "link/arp.h"
#include "link/gro.h"
#include "link/neigh.h"

#include <errno.h>

/* Headers of the packet so many places ahead are fetched while one is worked on. */
#define PREFETCH_AHEAD 4u

static struct iface *vlan_find(struct link *l, unsigned port, uint16_t vid)
{
	for (unsigned i = STACK_MAX_PORTS; i < LINK_MAX_IFACES; i++) {
		struct iface *ifc = &l->ifaces[i];

		if (ifc->used && ifc->port == port && ifc->vid == vid)
			return ifc;
	}
	return NULL;
}

/* The interface that a frame belongs to; NULL with the reason to drop it. */
static struct iface *iface_of(struct link *l, unsigned port, const struct eth *h,
			      enum drop_reason *why)
{
	struct iface *ifc = NULL;

	*why = DROP_ETH_VLAN;
	if (h->has_vlan2)
		return NULL;
	/* VLAN id 0 is a priority tag: the frame is untagged (IEEE 802.1Q 6.9.1). */
	if (h->has_vlan && (h->vlan_tci & ETH_VID_MASK) != 0) {
		if (h->vlan_tpid == ETHERTYPE_VLAN)
			ifc = vlan_find(l, port, h->vlan_tci & ETH_VID_MASK);
		return ifc;
	}
	*why = DROP_ETH_NO_IFACE;
	ifc = &l->ifaces[port];
	return ifc->used ? ifc : NULL;
}

/* Is it for us? Notes how it was addressed. */
static bool eth_accept(const struct iface *ifc, const struct eth *h, struct mbuf *m,
		       enum drop_reason *why)
{
	m->meta.l2_flags = 0;
	if (ethaddr_is_multicast(&h->src)) {
		*why = DROP_ETH_BAD_SRC;
		return false;
	}
	if (LIKELY(ethaddr_eq(&h->dst, &ifc->mac)))
		return true;
	if (ethaddr_is_broadcast(&h->dst))
		m->meta.l2_flags = MBUF_L2_BROADCAST;
	else if (ethaddr_is_multicast(&h->dst))
		m->meta.l2_flags = MBUF_L2_MULTICAST;
	*why = DROP_ETH_NOTFORUS;
	return m->meta.l2_flags != 0;
}

static void strip(struct mbuf *m, uint32_t hlen)
{
	m->meta.l2_off = mbuf_here(m);
	mbuf_trim_head(m, hlen);
	m->meta.l3_off = mbuf_here(m);
}

/* What nearly every frame is: untagged, whole, to the port's own address. False: look closer. */
static bool eth_input_plain(struct link *l, unsigned port, struct mbuf *m, struct link_pkt *p)
{
	const struct iface *ifc = &l->ifaces[port];
	const uint8_t *d = mbuf_data(m);
	uint16_t type;

	if (mbuf_seg_len(m) < ETH_HLEN || !ifc->used)
		return false;
	type = load_be16(d + 2 * ETH_ALEN);
	if (load_native32(d) != load_native32(ifc->mac.b) ||
	    load_native16(d + 4) != load_native16(ifc->mac.b + 4) || (d[ETH_ALEN] & 1) != 0 ||
	    type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ)
		return false;
	m->meta.l2_flags = 0;
	strip(m, ETH_HLEN);
	*p = (struct link_pkt){.m = m, .type = type, .iface = (uint8_t)port};
	return true;
}

/* Strip the link header of *mp into p; false: dropped. */
static bool eth_input(struct link *l, unsigned port, struct mbuf **mp, struct link_pkt *p)
{
	enum drop_reason why = DROP_ETH_SHORT;
	struct mbuf *m = *mp;
	struct iface *ifc;
	struct eth h;

	if (LIKELY(eth_input_plain(l, port, m, p)))
		return true;
	/* A header spread over several buffers is rare: make it one. */
	if (UNLIKELY(mbuf_seg_len(m) < ETH_HLEN_MAX && mbuf_len(m) > mbuf_seg_len(m)) &&
	    mbuf_pull(m, min_u32(mbuf_len(m), ETH_HLEN_MAX)) < 0)
		goto drop;
	if (UNLIKELY(eth_parse(&h, mbuf_view(m)) < 0))
		goto drop;
	ifc = iface_of(l, port, &h, &why);
	if (UNLIKELY(!ifc) || UNLIKELY(!eth_accept(ifc, &h, m, &why)))
		goto drop;
	strip(m, h.hlen);
	*p = (struct link_pkt){.m = m, .type = h.type, .iface = (uint8_t)(ifc - l->ifaces)};
	return true;
drop:
	mbuf_drop(mp, why);
	return false;
}

static void dispatch(struct stack *s, struct link_pkt *p)
{
	const struct link *l = s->link;

	for (unsigned i = 0; i < LINK_MAX_PROTOS && l->protos[i].input; i++) {
		if (l->protos[i].type == p->type) {
			l->protos[i].input(s, p->iface, mbuf_move(&p->m));
			return;
		}
	}
	mbuf_drop(&p->m, DROP_ETH_TYPE);
}

static void link_input(struct stack *s, unsigned port, struct mbuf **pkts, uint16_t n)
{
	struct link_pkt burst[PORT_BURST];
	unsigned k = 0;

	for (unsigned i = 0; i < n && i < PREFETCH_AHEAD; i++)
		PREFETCH(mbuf_data(pkts[i]));
	for (unsigned i = 0; i < n; i++) {
		if (i + PREFETCH_AHEAD < n)
			PREFETCH(mbuf_data(pkts[i + PREFETCH_AHEAD]));
		if (eth_input(s->link, port, &pkts[i], &burst[k]))
			k++;
	}
	if (s->link->gro && k > 1)
		gro_burst(&s->link->cnt, burst, k);
	for (unsigned i = 0; i < k; i++) {
		if (burst[i].m)
			dispatch(s, &burst[i]);
	}
}

size_t link_header_emit(const struct iface *ifc, const struct ethaddr *dst, uint16_t type,
			uint8_t *buf)
{
	struct eth h = {.dst = *dst, .src = ifc->mac, .type = type};

	if (ifc->vid != 0) {
		h.has_vlan = true;
		h.vlan_tpid = ETHERTYPE_VLAN;
		h.vlan_tci = ifc->vid;
	}
	return eth_emit(buf, &h);
}

void link_output(struct stack *s, unsigned iface, const struct ethaddr *dst, uint16_t type,
		 mbuf_own in)
{
	const struct iface *ifc = link_iface(s, iface);
	uint8_t hdr[ETH_HLEN_MAX];
	MBUF(m, in);
	uint8_t *to;
	size_t len;

	if (!ifc) {
		mbuf_drop(&m, DROP_PORT_DOWN);
		return;
	}
	len = link_header_emit(ifc, dst, type, hdr);
	m->meta.l3_off = mbuf_here(m);
	to = mbuf_prepend(m, (uint32_t)len);
	if (!to) {
		mbuf_drop(&m, DROP_NOBUF);
		return;
	}
	memcpy(to, hdr, len);
	m->meta.l2_off = mbuf_here(m);
	stack_tx(s, ifc->port, mbuf_move(&m));
}

void link_proto_register(struct stack *s, uint16_t type, link_input_fn input)
{
	for (unsigned i = 0; i < LINK_MAX_PROTOS; i++) {
		struct link_proto *p = &s->link->protos[i];

		if (!p->input || p->type == type) {
			*p = (struct link_proto){type, input};
			return;
		}
	}
	MUST(false); /* a layer was added: LINK_MAX_PROTOS is too small */
}

static void iface_fill(struct stack *s, unsigned number, unsigned port, uint16_t vid)
{
	const struct port *p = s->ports[port];

	s->link->ifaces[number] = (struct iface){
		.used = true,
		.port = (uint8_t)port,
		.vid = vid,
		.mac = p->mac,
		.mtu = p->mtu,
		.caps = p->caps,
		.max_gso_bytes = p->max_gso_bytes,
	};
}

int link_iface_add(struct stack *s, unsigned port)
{
	if (port >= s->n_ports)
		return -EINVAL;
	if (s->link->ifaces[port].used)
		return -EEXIST;
	iface_fill(s, port, port, 0);
	return 0;
}

int link_vlan_add(struct stack *s, unsigned port, uint16_t vid)
{
	if (port >= s->n_ports || vid == 0 || vid >= ETH_VID_MASK)
		return -EINVAL;
	if (vlan_find(s->link, port, vid))
		return -EEXIST;
	for (unsigned i = STACK_MAX_PORTS; i < LINK_MAX_IFACES; i++) {
		if (!s->link->ifaces[i].used) {
			iface_fill(s, i, port, vid);
			return (int)i;
		}
	}
	return -ENOSPC;
}

void link_iface_del(struct stack *s, unsigned number)
{
	s->link->ifaces[number].used = false;
}

void link_gro_set(struct stack *s, bool on)
{
	s->link->gro = on;
}

int link_init(struct stack *s, const struct link_upper *upper)
{
	struct link *l = mem_zalloc_aligned(s->env.mem, sizeof(*l), CACHE_LINE);
	int err;

	if (!l)
		return -ENOMEM;
	s->link = l;
	l->upper = upper;
	l->gro = true;
	err = neigh_init(s);
	if (err < 0)
		goto free_link;
	link_proto_register(s, ETHERTYPE_ARP, arp_input);
	s->link_input = link_input;
	return 0;
free_link:
	s->link = NULL;
	mem_free(s->env.mem, l, sizeof(*l));
	return err;
}

void link_fini(struct stack *s)
{
	neigh_fini(s);
	mem_free(s->env.mem, s->link, sizeof(*s->link));
	s->link = NULL;
	s->link_input = NULL;
}
