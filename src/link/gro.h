/* SPDX-License-Identifier: BSD-2-Clause */
/* Software GRO: segments of one TCP flow within a burst become one superpacket. */
#ifndef LEAT_LINK_GRO_H
#define LEAT_LINK_GRO_H

#include "link/counters.h"
#include "mbuf/mbuf.h"

/* A frame of a burst, stripped of its link header (meta.l3_off). */
struct link_pkt {
	struct mbuf *m; /* NULL: merged into one before it */
	uint16_t type;  /* ethertype */
	uint8_t iface;
};

/*
 * Merge in place. A packet that was merged leaves m == NULL; the order of the others, and of the
 * bytes of each flow, stays. A merged packet has meta.gso_size and gso_type set, its lengths
 * rewritten, and its TCP checksum PARTIAL: every checksum under it has been verified.
 */
void gro_burst(struct link_counters *cnt, struct link_pkt *pkts, unsigned n);

#endif
