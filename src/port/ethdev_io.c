/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets to and from a DPDK queue pair: metadata to offload flags and back, interrupts around
 * a sleep. Drivers allocate received buffers from our pools and set DPDK's fields only, so our line
 * is written here. Worker's thread.
 */
#include "port/ethdev.h"

#include "plat/clock.h"
#include "port/rxcsum.h"
#include "port/txcsum.h"
#include "wire/eth.h"
#include "wire/tcp.h"
#include "wire/udp.h"

#include <sys/epoll.h>

#include <rte_net.h>

/* Drivers give at most so many a call, however many are asked for. */
#define DRIVER_BURST     32u
#define TX_CHUNK         64u
#define LINK_FRESH_NS    (20 * UINT64_C(1000000))
#define RECLAIM_EVERY_NS (1 * UINT64_C(1000000))

/* Widths of the fields of rte_mbuf.tx_offload. */
#define L2_LEN_MAX 127u
#define L3_LEN_MAX 511u

static_assert(ETH_HLEN_MAX <= L2_LEN_MAX, "any link header can be told");

/* Flags that say what kind of buffer it is, not what is in it. */
#define BUFFER_FLAGS (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL)

static uint64_t now_ns(const struct port *p)
{
	return p->now_ns ? *p->now_ns : plat_mono_ns();
}

/* ---- receive ---- */

static bool rx_meta(struct mbuf *m)
{
	uint64_t flags = m->rte.ol_flags;

	m->meta = (struct mbuf_meta){.pool = m->meta.pool, .l2_off = mbuf_here(m)};
	mbuf_mark(m, MBUF_RX);
	m->rte.ol_flags = flags & BUFFER_FLAGS;
	if (LIKELY((flags & (RTE_MBUF_F_RX_L4_CKSUM_MASK | RTE_MBUF_F_RX_LRO)) == 0))
		return true;
	if ((flags & RTE_MBUF_F_RX_LRO) != 0)
		m->meta.gso_size = m->rte.tso_segsz;
	if (m->meta.gso_size != 0 ||
	    (flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_NONE)
		return rxcsum_unfinish(m);
	if ((flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD)
		m->meta.csum = MBUF_CSUM_GOOD;
	return true; /* BAD: whoever is the destination looks again and counts it */
}

/* Write our line; drops what cannot be described. Returns how many are left. */
static uint16_t rx_finish(struct port *p, struct mbuf **pkts, uint16_t n)
{
	uint16_t k = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (i + 4 < n)
			PREFETCH_WRITE(&pkts[i + 4]->meta);
		if (UNLIKELY(!rx_meta(pkts[i]))) {
			p->cnt.rx_errors++;
			mbuf_drop(&pkts[i], DROP_PORT_RX_MALFORMED);
			continue;
		}
		port_count_rx(p, pkts[i]);
		pkts[k++] = pkts[i];
	}
	return k;
}

static uint16_t burst(const struct ethdev *e, struct mbuf **pkts, uint16_t max)
{
	/* struct mbuf begins with its rte_mbuf. */
	return rte_eth_rx_burst(e->id, e->queue, (struct rte_mbuf **)(void *)pkts, max);
}

static void disarm(struct ethdev *e)
{
	struct epoll_event ev;

	e->armed = false;
	(void)rte_eth_dev_rx_intr_disable(e->id, e->queue);
	(void)epoll_wait(e->edge_fd, &ev, 1, 0); /* takes the edge */
}

static uint16_t take_stash(struct ethdev *e, struct mbuf **pkts, uint16_t max)
{
	uint16_t n = e->n_stash < max ? e->n_stash : max;

	for (uint16_t i = 0; i < n; i++)
		pkts[i] = e->stash[i];
	for (uint16_t i = n; i < e->n_stash; i++)
		e->stash[i - n] = e->stash[i];
	e->n_stash = (uint16_t)(e->n_stash - n);
	return n;
}

uint16_t ethdev_rx(struct port *p, struct mbuf **pkts, uint16_t max)
{
	struct ethdev *e = ethdev_of(p);
	uint16_t n = 0;
	uint16_t k;

	if (UNLIKELY(!e->settled)) {
		if (!e->shared->started)
			return 0;
		ethdev_settle(e);
	}
	if (UNLIKELY(e->armed))
		disarm(e);
	if (UNLIKELY(e->n_stash > 0))
		n = take_stash(e, pkts, max);
	do {
		k = burst(e, pkts + n, (uint16_t)(max - n));
		n = (uint16_t)(n + k);
	} while (k >= DRIVER_BURST && n < max);
	return rx_finish(p, pkts, n);
}

int ethdev_wait_fd(struct port *p)
{
	struct ethdev *e = ethdev_of(p);

	if (!e->settled || e->intr_fd < 0)
		return -1;
	if (e->edge_fd < 0)
		return e->intr_fd;
	if (!e->armed && rte_eth_dev_rx_intr_enable(e->id, e->queue) < 0)
		return -1;
	e->armed = true;
	/* What came before the interrupt was on raises none. */
	if (e->n_stash == 0)
		e->n_stash = burst(e, e->stash, ETHDEV_STASH);
	return e->n_stash == 0 ? e->edge_fd : -1;
}

uint64_t ethdev_next_ns(struct port *p)
{
	return ethdev_of(p)->n_stash > 0 ? 0 : UINT64_MAX;
}

/* ---- transmit ---- */

/* Lengths of the headers for the offloads. False: the device cannot be told of this packet. */
static bool describe(struct mbuf *m, uint64_t *flags)
{
	uint32_t l4 = (uint32_t)m->meta.l4_off - mbuf_here(m);
	struct eth eh;

	if (eth_parse(&eh, mbuf_view(m)) < 0 || l4 <= eh.hlen || l4 - eh.hlen > L3_LEN_MAX)
		return false;
	if (m->meta.csum_field == TCP_OFF_CSUM)
		*flags |= RTE_MBUF_F_TX_TCP_CKSUM;
	else if (m->meta.csum_field == UDP_OFF_CSUM)
		*flags |= RTE_MBUF_F_TX_UDP_CKSUM;
	else
		return false;
	*flags |= eh.type == ETHERTYPE_IP4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;
	m->rte.tx_offload = 0;
	m->rte.l2_len = eh.hlen & L2_LEN_MAX;
	m->rte.l3_len = (l4 - eh.hlen) & L3_LEN_MAX;
	return true;
}

/* A superpacket: DPDK wants the pseudo header's sum without the length, and IPv4's at zero. */
static bool describe_tso(const struct ethdev *e, struct mbuf *m, uint64_t flags)
{
	uint32_t l4 = (uint32_t)m->meta.l4_off - mbuf_here(m);
	uint32_t doff;

	if (l4 + TCP_HLEN > mbuf_seg_len(m))
		return false;
	doff = (uint32_t)(mbuf_data(m)[l4 + TCP_OFF_DOFF] >> 4) * 4;
	m->rte.l4_len = doff & 0xffu;
	m->rte.tso_segsz = m->meta.gso_size;
	m->rte.ol_flags |= flags | RTE_MBUF_F_TX_TCP_SEG;
	if ((flags & RTE_MBUF_F_TX_IPV4) != 0 && e->tx_ip4_csum)
		m->rte.ol_flags |= RTE_MBUF_F_TX_IP_CKSUM;
	return rte_net_intel_cksum_prepare(&m->rte) == 0;
}

/* Flags of one packet; writes nothing twice, for it may be called again for a packet that the
 * driver did not take. Consumes in; .m NULL: dropped. */
static mbuf_own prepare_offload(struct ethdev *e, mbuf_own in)
{
	MBUF(m, in);
	uint64_t flags = 0;

	if (!describe(m, &flags)) {
		if (m->meta.gso_size == 0)
			return txcsum_finish(e->port.pool, mbuf_move(&m));
		port_tx_drop(&e->port, mbuf_move(&m).m, DROP_PORT_TX_ERROR);
		return MBUF_NULL;
	}
	/* The driver may write to the headers. */
	m = txcsum_own_head(e->port.pool, mbuf_move(&m)).m;
	if (!m)
		return MBUF_NULL;
	if (m->meta.gso_size == 0) {
		m->rte.ol_flags |= flags;
	} else if (!describe_tso(e, m, flags)) {
		port_tx_drop(&e->port, mbuf_move(&m).m, DROP_PORT_TX_ERROR);
		return MBUF_NULL;
	}
	return mbuf_move(&m);
}

/* A driver frees segments one by one as they are sent. */
static void mark(struct mbuf *m, enum mbuf_holder holder)
{
	if (LIKELY(m->rte.nb_segs == 1))
		mbuf_mark(m, holder);
	else
		mbuf_mark_all(m, holder);
}

static struct mbuf *prepare(struct ethdev *e, struct mbuf *m)
{
	m->rte.ol_flags &= BUFFER_FLAGS;
	if (UNLIKELY(m->rte.nb_segs > e->max_segs)) {
		mbuf_own copy = mbuf_copy(e->port.pool, m, 0, mbuf_len(m), MBUF_PRIO_BULK);

		if (!copy.m) {
			mbuf_drop(&m, DROP_NOBUF);
			return NULL;
		}
		mbuf_done(&m);
		m = copy.m;
	}
	if (m->meta.csum == MBUF_CSUM_PARTIAL)
		m = prepare_offload(e, mbuf_own_of(m)).m;
	if (m)
		mark(m, MBUF_DRIVER);
	return m;
}

/* A refusal that will not pass: the link is down, nothing is ever going to drain. */
static bool drop_when_down(struct ethdev *e, struct mbuf **pkts, uint16_t n)
{
	if (n == 0 || ethdev_link_up(&e->port))
		return false;
	for (uint16_t i = 0; i < n; i++)
		port_tx_drop(&e->port, pkts[i], DROP_PORT_DOWN);
	return true;
}

/* Send a prepared chunk; returns how many are gone. */
static uint16_t send_chunk(struct ethdev *e, struct mbuf **pkts, uint16_t n)
{
	struct rte_mbuf **rte = (struct rte_mbuf **)(void *)pkts;
	uint64_t bytes[TX_CHUNK];
	uint16_t k, sent;

	k = rte_eth_tx_prepare(e->id, e->queue, rte, n);
	for (uint16_t i = 0; i < k; i++)
		bytes[i] = mbuf_len(pkts[i]) | (uint64_t)(pkts[i]->meta.gso_size != 0) << 32;
	sent = rte_eth_tx_burst(e->id, e->queue, rte, k);
	for (uint16_t i = 0; i < sent; i++) {
		e->port.cnt.tx_bytes += (uint32_t)bytes[i];
		e->port.cnt.tx_super += bytes[i] >> 32;
	}
	e->port.cnt.tx_frames += sent;
	if (sent == k && k < n) { /* the device refuses this one */
		port_tx_drop(&e->port, pkts[k], DROP_PORT_TX_ERROR);
		return (uint16_t)(k + 1);
	}
	return drop_when_down(e, pkts + sent, (uint16_t)(n - sent)) ? n : sent;
}

uint16_t ethdev_tx(struct port *p, struct mbuf **pkts, uint16_t n)
{
	struct ethdev *e = ethdev_of(p);
	uint16_t done = 0;

	if (UNLIKELY(!e->shared->started))
		return 0;
	while (done < n) {
		struct mbuf *chunk[TX_CHUNK];
		uint16_t end = (uint16_t)min_uint(n, done + TX_CHUNK);
		uint16_t k = 0;
		uint16_t gone;

		for (uint16_t i = done; i < end; i++) {
			chunk[k] = prepare(e, pkts[i]);
			k = (uint16_t)(k + (chunk[k] != NULL));
		}
		gone = 0;
		while (gone < k) {
			uint16_t sent = send_chunk(e, chunk + gone, (uint16_t)(k - gone));

			if (sent == 0)
				break;
			gone = (uint16_t)(gone + sent);
		}
		/* Those not taken go back to the caller, right before the ones not looked at. */
		done = (uint16_t)(end - (k - gone));
		for (uint16_t i = done; i < end; i++) {
			pkts[i] = chunk[gone + i - done];
			mark(pkts[i], MBUF_TXQ);
		}
		if (gone < k)
			return done;
	}
	return n;
}

/* ---- the rest ---- */

void ethdev_reclaim(struct port *p)
{
	struct ethdev *e = ethdev_of(p);
	uint64_t now = now_ns(p);

	if (!e->can_reclaim || now - e->reclaimed_ns < RECLAIM_EVERY_NS)
		return;
	e->reclaimed_ns = now;
	(void)rte_eth_tx_done_cleanup(e->id, e->queue, 0);
}

/* A device counts for all its queues: the first one's port shows it. Without buffers the driver
 * lets frames lie or loses them; either way they are missing here. */
void ethdev_refresh(struct port *p)
{
	struct ethdev *e = ethdev_of(p);
	struct rte_eth_stats st;

	if (e->queue == 0 && rte_eth_stats_get(e->id, &st) == 0)
		p->cnt.rx_missed = st.imissed + st.rx_nombuf;
}

bool ethdev_link_up(struct port *p)
{
	struct ethdev *e = ethdev_of(p);
	uint64_t now = now_ns(p);
	struct rte_eth_link link;

	if (e->link_seen_ns != 0 && now - e->link_seen_ns < LINK_FRESH_NS)
		return e->link;
	e->link = rte_eth_link_get_nowait(e->id, &link) == 0 && link.link_status != 0;
	e->link_seen_ns = now;
	return e->link;
}
