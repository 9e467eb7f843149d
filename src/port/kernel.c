/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of TAP and AF_PACKET ports that does not depend on which: slots, virtio-net header
 * (virtio 1.2, 5.1.6) to and from packet metadata, errors of transmission, link state. Called by
 * tap.c and af_packet.c in the worker's thread.
 */
#include "port/kernel.h"

#include "plat/clock.h"
#include "port/gso.h"
#include "port/rxcsum.h"
#include "port/rxprio.h"
#include "wire/tcp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LINK_FRESH_NS (20 * UINT64_C(1000000))

/* ---- slots ---- */

static enum mbuf_class seg_class(unsigned i)
{
	return i == 0 ? MBUF_SMALL : MBUF_BIG;
}

static uint32_t seg_room(unsigned i)
{
	return i == 0 ? MBUF_SMALL_ROOM : MBUF_BIG_ROOM;
}

static void release(struct mbuf **segs, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		mbuf_done(&segs[i]);
}

/* Take the buffers of the first n segments of a slot. */
static bool take_buffers(struct mbuf_pool *pool, struct mbuf **segs, unsigned n,
			 enum mbuf_prio prio)
{
	for (unsigned i = 0; i < n; i++) {
		segs[i] = mbuf_alloc(pool, seg_class(i), prio, MBUF_RXSLOT).m;
		if (!segs[i]) {
			release(segs, i);
			return false;
		}
	}
	return true;
}

int kernel_slot_init(struct kernel_slot *s, struct mbuf_pool *pool)
{
	return take_buffers(pool, s->seg, KERNEL_SEGS, MBUF_PRIO_CTL) ? 0 : -ENOBUFS;
}

void kernel_slot_fini(struct kernel_slot *s)
{
	release(s->seg, KERNEL_SEGS);
}

void kernel_slot_iov(struct kernel_slot *s, struct iovec *iov)
{
	iov[0] = (struct iovec){s->vnet, sizeof(s->vnet)};
	for (unsigned i = 0; i < KERNEL_SEGS; i++)
		iov[1 + i] = (struct iovec){mbuf_data(s->seg[i]), seg_room(i)};
}

static unsigned segs_for(uint32_t len)
{
	if (len <= MBUF_SMALL_ROOM)
		return 1;
	return 1 + (len - MBUF_SMALL_ROOM + MBUF_BIG_ROOM - 1) / MBUF_BIG_ROOM;
}

/* Chain the first n segments over len bytes. */
static struct mbuf *chain(struct mbuf **segs, unsigned n, uint32_t len)
{
	struct mbuf *m = segs[0];
	uint32_t left = len;

	for (unsigned i = 0; i < n; i++) {
		uint32_t part = min_u32(left, seg_room(i));

		segs[i]->rte.data_len = (uint16_t)part;
		segs[i]->rte.next = i + 1 < n ? &segs[i + 1]->rte : NULL;
		left -= part;
	}
	m->rte.pkt_len = len;
	m->rte.nb_segs = (uint16_t)n;
	mbuf_mark(m, MBUF_RX);
	return m;
}

/* BIG buffers are short: SMALL ones hold it too, at the price of a copy. */
static struct mbuf *copy_out(struct kernel_port *k, struct kernel_slot *s, uint32_t len,
			     enum mbuf_prio prio)
{
	struct mbuf *m = mbuf_alloc(k->port.pool, MBUF_SMALL, prio, MBUF_RX).m;
	uint32_t left = len;

	for (unsigned i = 0; m && left > 0; i++) {
		uint32_t part = min_u32(left, seg_room(i));

		/* Not a frame yet: the caller counts it. */
		if (mbuf_append_bytes(m, mbuf_data(s->seg[i]), part, prio) < 0)
			mbuf_done(&m);
		left -= part;
	}
	return m;
}

/* The filled buffers as a packet, new ones in their place; NULL: no buffers. */
static struct mbuf *swap_buffers(struct kernel_port *k, struct kernel_slot *s, uint32_t len)
{
	struct mbuf *fresh[KERNEL_SEGS];
	unsigned n = segs_for(len);
	struct view head = view_make(mbuf_data(s->seg[0]), min_u32(len, MBUF_SMALL_ROOM));
	enum mbuf_prio prio = rxprio(k->port.pool, head, len);
	struct mbuf *m;

	if (UNLIKELY(!take_buffers(k->port.pool, fresh, n, prio))) {
		m = n > 1 ? copy_out(k, s, len, prio) : NULL;
		if (m)
			return m;
		k->port.cnt.rx_nobuf++;
		mbuf_pool_count_drop(k->port.pool, DROP_NOBUF);
		return NULL;
	}
	m = chain(s->seg, n, len);
	memcpy(s->seg, fresh, n * sizeof(fresh[0]));
	return m;
}

/* ---- receive ---- */

/* Metadata from the header. False: it makes no sense for this frame. */
static bool apply_vnet(struct mbuf *m, const struct vnet *vn)
{
	m->meta.l2_off = mbuf_here(m);
	if (vn->needs_csum) {
		if (vn->csum_offset > UINT8_MAX ||
		    (uint32_t)vn->csum_start + vn->csum_offset + 2 > mbuf_seg_len(m))
			return false;
		m->meta.csum = MBUF_CSUM_PARTIAL;
		m->meta.l4_off = (uint16_t)(mbuf_here(m) + vn->csum_start);
		m->meta.csum_field = (uint8_t)vn->csum_offset;
	} else if (vn->data_valid) {
		m->meta.csum = MBUF_CSUM_GOOD;
	}
	if (vn->gso == VNET_GSO_NONE)
		return true;
	m->meta.gso_size = vn->gso_size;
	m->meta.gso_ecn = vn->ecn;
	if (vn->gso == VNET_GSO_UDP_L4)
		return vn->needs_csum;
	m->meta.gso_type = vn->gso == VNET_GSO_TCP4 ? MBUF_GSO_TCP4 : MBUF_GSO_TCP6;
	/* Verified instead of unfinished (LRO): the checksum in the header belongs to no segment.
	 */
	return vn->needs_csum || rxcsum_unfinish(m);
}

/* The kernel keeps a tag beside the frame; put it back. */
static bool restore_tag(struct mbuf *m, const struct kernel_frame *f)
{
	uint8_t *p = mbuf_prepend(m, ETH_TAG_LEN);

	if (!p)
		return false;
	memmove(p, p + ETH_TAG_LEN, 2 * ETH_ALEN);
	store_be16(p + 2 * ETH_ALEN, f->vlan_tpid);
	store_be16(p + 2 * ETH_ALEN + 2, f->vlan_tci);
	m->meta.l2_off = mbuf_here(m);
	return true;
}

static struct mbuf *refuse(struct kernel_port *k, enum drop_reason why)
{
	k->port.cnt.rx_errors++;
	mbuf_pool_count_drop(k->port.pool, why);
	return NULL;
}

struct mbuf *kernel_receive(struct kernel_port *k, struct kernel_slot *s,
			    const struct kernel_frame *f)
{
	struct vnet vn;
	struct mbuf *m;

	/* A slot filled to the brim means that the frame was longer. */
	if (f->len >= KERNEL_ROOM)
		return refuse(k, DROP_PORT_RX_TOOBIG);
	if (f->len < ETH_HLEN || vnet_parse(&vn, view_make(s->vnet, sizeof(s->vnet)), f->len) < 0)
		return refuse(k, DROP_PORT_RX_MALFORMED);
	m = swap_buffers(k, s, f->len);
	if (!m)
		return NULL;
	if (!apply_vnet(m, &vn) || (f->has_vlan && !restore_tag(m, f))) {
		k->port.cnt.rx_errors++;
		mbuf_drop(&m, DROP_PORT_RX_MALFORMED);
		return NULL;
	}
	if (vn.gso == VNET_GSO_UDP_L4) {
		/* Nobody above knows such a thing. */
		(void)gso_cut(k->port.pool, mbuf_own_of(m), GSO_UDP, true, &k->cut);
		return NULL;
	}
	port_count_rx(&k->port, m);
	return m;
}

uint16_t kernel_take_cut(struct kernel_port *k, struct mbuf **pkts, uint16_t max)
{
	uint16_t n = 0;

	for (; n < max && k->cut.count > 0; n++) {
		pkts[n] = mbufq_pop(&k->cut).m;
		mbuf_mark(pkts[n], MBUF_RX);
		port_count_rx(&k->port, pkts[n]);
	}
	return n;
}

/* ---- transmit ---- */

static void describe(const struct mbuf *m, struct vnet *vn)
{
	uint32_t l4 = (uint32_t)m->meta.l4_off - mbuf_here(m);

	*vn = (struct vnet){.gso = VNET_GSO_NONE};
	if (m->meta.csum == MBUF_CSUM_PARTIAL) {
		vn->needs_csum = true;
		vn->csum_start = (uint16_t)l4;
		vn->csum_offset = m->meta.csum_field;
	}
	if (m->meta.gso_size == 0)
		return;
	vn->gso = m->meta.gso_type == MBUF_GSO_TCP4 ? VNET_GSO_TCP4 : VNET_GSO_TCP6;
	vn->gso_size = m->meta.gso_size;
	vn->ecn = m->meta.gso_ecn;
	/* How much the kernel keeps contiguous; more than the headers would cost it a copy. */
	if (l4 + TCP_HLEN <= mbuf_seg_len(m))
		vn->hdr_len = (uint16_t)(l4 + (mbuf_data(m)[l4 + TCP_OFF_DOFF] >> 4) * 4u);
}

unsigned kernel_tx_iov(const struct mbuf *m, uint8_t vnet[VNET_HLEN], struct iovec *iov)
{
	struct vnet vn;
	unsigned n = 1;

	if (m->rte.nb_segs >= KERNEL_TX_IOV)
		return 0;
	describe(m, &vn);
	iov[0] = (struct iovec){vnet, vnet_emit(vnet, &vn, VNET_HLEN)};
	for (const struct mbuf *seg = m; seg; seg = mbuf_seg_next(seg))
		iov[n++] = (struct iovec){mbuf_data(seg), mbuf_seg_len(seg)};
	return n;
}

mbuf_own kernel_compact(struct port *p, mbuf_own in)
{
	MBUF(m, in);
	mbuf_own copy = mbuf_copy(p->pool, m, 0, mbuf_len(m), MBUF_PRIO_BULK);

	if (copy.m)
		mbuf_done(&m);
	else
		mbuf_drop(&m, DROP_NOBUF);
	return copy;
}

bool kernel_tx_refused(struct kernel_port *k, struct mbuf *m, int err)
{
	struct port *p = &k->port;

	k->tx_blocked = err == EAGAIN;
	switch (err) {
	case EAGAIN:
	case EINTR:
		return true;
	case ENOBUFS: /* a queue below was full; with the link down it is never going to drain */
	case ENOMEM:
		if (kernel_link_up(p))
			return true;
		port_tx_drop(p, m, DROP_PORT_DOWN);
		return false;
	case EMSGSIZE:
		port_tx_drop(p, m, DROP_PORT_TX_TOOBIG);
		return false;
	case EIO: /* a TAP that is down */
	case EBADFD:
	case ENETDOWN:
	case ENXIO:
	case ENODEV:
		k->link = false;
		port_tx_drop(p, m, DROP_PORT_DOWN);
		return false;
	default:
		port_tx_drop(p, m, DROP_PORT_TX_ERROR);
		return false;
	}
}

/* ---- link ---- */

uint64_t kernel_now(const struct port *p)
{
	return p->now_ns ? *p->now_ns : plat_mono_ns();
}

bool kernel_link_up(struct port *p)
{
	struct kernel_port *k = CONTAINER_OF(p, struct kernel_port, port);
	uint64_t now = kernel_now(p);
	struct ifreq ifr = {.ifr_flags = 0};

	if (k->link_seen_ns != 0 && now - k->link_seen_ns < LINK_FRESH_NS)
		return k->link;
	memcpy(ifr.ifr_name, k->ifname, sizeof(ifr.ifr_name));
	k->link = ioctl(k->ctl_fd, SIOCGIFFLAGS, &ifr) == 0 && (ifr.ifr_flags & IFF_UP) != 0 &&
		  (ifr.ifr_flags & IFF_RUNNING) != 0;
	k->link_seen_ns = now;
	return k->link;
}

int kernel_wait_fd(struct port *p)
{
	struct kernel_port *k = CONTAINER_OF(p, struct kernel_port, port);

	return k->gone ? -1 : k->fd;
}

int kernel_tx_wait_fd(struct port *p)
{
	struct kernel_port *k = CONTAINER_OF(p, struct kernel_port, port);

	return k->tx_blocked ? k->fd : -1;
}

void kernel_close_fds(struct kernel_port *k)
{
	if (k->fd >= 0)
		(void)close(k->fd);
	if (k->ctl_fd >= 0)
		(void)close(k->ctl_fd);
}

int kernel_ifname(struct kernel_port *k, const struct port_opening *o, const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n >= sizeof(k->ifname) || strchr(name, '/'))
		return port_fail(o, -EINVAL, "interface name must have 1 to %zu characters",
				 sizeof(k->ifname) - 1);
	memcpy(k->ifname, name, n + 1);
	return 0;
}
