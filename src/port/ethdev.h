/* SPDX-License-Identifier: BSD-2-Clause */
/* A queue pair of a DPDK ethdev; seen only by ethdev.c (set-up) and ethdev_io.c (packets). */
#ifndef LEAT_PORT_ETHDEV_H
#define LEAT_PORT_ETHDEV_H

#include "port/driver.h"

#include <rte_ethdev.h>

#define ETHDEV_STASH 32u

/* Shared by the queues of a device; lies in a memzone, found by name. */
struct ethdev_shared {
	uint16_t n_queues;
	uint16_t opened;
	bool started; /* when the last queue was opened */
	bool rx_intr;
};

struct ethdev {
	struct port port;
	struct ethdev_shared *shared;
	uint16_t id;
	uint16_t queue;
	uint16_t max_segs; /* of a frame to transmit */
	bool tx_ip4_csum;  /* the device makes IPv4's header checksums */
	bool settled;      /* the device runs and was asked for what follows */
	bool can_reclaim;
	/*
	 * Receive interrupts; -1: polled. intr_fd is the driver's. If that is an event to be
	 * switched on and off, edge_fd is an epoll set that has it edge-triggered: what lies behind
	 * (an eventfd, with vhost an epoll set of its own) differs and need not be read to become
	 * quiet.
	 */
	int intr_fd, edge_fd;
	bool armed; /* it is on */
	bool link;
	uint64_t link_seen_ns;
	uint64_t reclaimed_ns;
	/* Came while the interrupt was armed: first in the next receive. */
	struct mbuf *stash[ETHDEV_STASH];
	uint16_t n_stash;
};

static inline struct ethdev *ethdev_of(struct port *p)
{
	return CONTAINER_OF(p, struct ethdev, port);
}

uint16_t ethdev_rx(struct port *p, struct mbuf **pkts, uint16_t max);
uint16_t ethdev_tx(struct port *p, struct mbuf **pkts, uint16_t n);
int ethdev_wait_fd(struct port *p);
uint64_t ethdev_next_ns(struct port *p);
void ethdev_reclaim(struct port *p);
void ethdev_refresh(struct port *p);
bool ethdev_link_up(struct port *p);
/* What can be asked of a started device only. */
void ethdev_settle(struct ethdev *e);

#endif
