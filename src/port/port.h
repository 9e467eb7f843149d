/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port: one queue pair of something that carries Ethernet frames. The stack sees only this
 * header; drivers live behind the ops table. A port belongs to one worker thread.
 *
 * Frames are packets that begin with the Ethernet header. Superpackets (up to 64 KB of one TCP
 * flow, meta.gso_size/gso_type) and unfinished transport checksums (meta.csum PARTIAL with l4_off
 * and csum_field) pass in both directions; port_tx() does in software what the driver's caps lack.
 */
#ifndef LEAT_PORT_PORT_H
#define LEAT_PORT_PORT_H

#include "mbuf/mbuf.h"
#include "wire/eth.h"

#define PORT_BURST        256u
#define PORT_NAME_LEN     32u

#define PORT_CAP_TX_CSUM  0x01u /* finishes PARTIAL checksums */
#define PORT_CAP_TSO      0x02u /* takes TCP superpackets up to max_gso_bytes */
#define PORT_CAP_RX_CSUM  0x04u /* says so when a checksum was verified */
#define PORT_CAP_RX_SUPER 0x08u /* may deliver superpackets */
#define PORT_CAP_WAIT_FD  0x10u /* wait_fd() becomes readable when frames arrive */
#define PORT_CAP_SG       0x20u /* takes frames of several segments */

struct port;

struct port_counters {
	uint64_t rx_frames, rx_bytes, rx_nobuf, rx_errors;
	uint64_t tx_frames, tx_bytes, tx_full, tx_errors;
	uint64_t rx_super, tx_super, sw_gso, sw_csum;
	uint64_t rx_missed; /* lost below us because we were slow; as of port_refresh() */
};

struct port_ops {
	const char *name;
	/* Receive up to max frames; the caller owns them. Never blocks. */
	uint16_t (*rx)(struct port *p, struct mbuf **pkts, uint16_t max);
	/* Transmit; takes the first k and returns k, the rest stay with the caller. Consumes what
	 * it cannot ever send (counted drop). Never blocks. */
	uint16_t (*tx)(struct port *p, struct mbuf **pkts, uint16_t n);
	/* Descriptor to poll for input before a sleep, -1: this port must be polled. Asked before
	 * next_ns(), which then says when frames are there already. */
	int (*wait_fd)(struct port *p);
	/* Descriptor to poll for output space after tx took fewer than given, -1: just retry. */
	int (*tx_wait_fd)(struct port *p);
	/* A driver that completes transmission later gives buffers back here; may be NULL. */
	void (*reclaim)(struct port *p);
	/* Earliest time (ns, the stack's clock) at which rx() may find something without an fd
	 * event (simulated wire, 0: it has found something); UINT64_MAX none. NULL: no such time.
	 */
	uint64_t (*next_ns)(struct port *p);
	bool (*link_up)(struct port *p);
	/* Close; gives back every buffer it holds. */
	void (*destroy)(struct port *p);
	/* Bring counters that somebody else keeps up to date; may be NULL. */
	void (*refresh)(struct port *p);
};

struct port {
	const struct port_ops *ops;
	char name[PORT_NAME_LEN];
	struct ethaddr mac;
	uint32_t mtu;           /* IP bytes per wire frame */
	uint32_t max_gso_bytes; /* largest superpacket (IP bytes), 0 without TSO */
	uint32_t caps;
	struct mbuf_pool *pool; /* where received frames come from */
	const uint64_t *now_ns; /* the stack's clock, read once a round; NULL before it has one */
	struct mbufq held;      /* taken by port_tx() and cut or finished, not yet by the driver */
	struct port_counters cnt;
};

/* What port_open() is given. err gets one clear line on failure. */
struct port_conf {
	const char *name; /* name of the interface in the stack, e.g. "in0" */
	const char *spec; /* "tap:IFNAME", "af_packet:IFNAME", "dpdk:DEVARGS", ... */
	struct mbuf_pool *pool;
	uint16_t queue, n_queues;
	uint32_t mtu;              /* 0: what the device has */
	bool no_offload;           /* MTU frames only: no superpackets, no unfinished checksums */
	const struct ethaddr *mac; /* NULL: the device's own, or a random local one */
};

/*
 * Open a port. Returns 0, or -errno with err filled ("port in0: af_packet:eth9: no such
 * interface"). Specs:
 *   tap:NAME[,netns=PATH]   a TAP device of our own (created, removed with the port); the kernel's
 *                           end is NAME
 *   af_packet:IFNAME        an existing Linux interface, virtio-net header
 *   dpdk:DEVARGS            any DPDK ethdev, e.g. dpdk:net_memif0,role=server,... or a PCI address
 */
NODISCARD int port_open(const struct port_conf *conf, struct port **out, char *err,
			size_t err_size);
void port_close(struct port *p);

/* Before the counters are shown: some are the kernel's or the device's and must be asked for. */
static inline void port_refresh(struct port *p)
{
	if (p->ops->refresh)
		p->ops->refresh(p);
}

/* Offer the held frames to the driver again. */
void port_flush(struct port *p);

static inline uint16_t port_rx(struct port *p, struct mbuf **pkts, uint16_t max)
{
	if (UNLIKELY(p->held.count > 0))
		port_flush(p);
	return p->ops->rx(p, pkts, max);
}

/*
 * Transmit n frames, doing checksums and segmentation in software where caps lack them.
 * Consumes all it returns as taken; the rest stay with the caller. With software GSO a
 * superpacket is taken whole or not at all: frames of it that the driver has no room for wait in
 * p->held (some 64 and those of one superpacket at most) and go out first, with the next port_tx(),
 * also of n = 0, or port_rx(). While held.count > 0 there is something to wait for: tx_wait_fd().
 */
uint16_t port_tx(struct port *p, struct mbuf **pkts, uint16_t n);

#endif
