/* SPDX-License-Identifier: BSD-2-Clause */
/* What the link layer counts: one row = field and meaning. Drops are counted by reason
 * (mbuf/drop.h). */
#ifndef LEAT_LINK_COUNTERS_H
#define LEAT_LINK_COUNTERS_H

#include <stdint.h>

#define LINK_COUNTER_TABLE(X) \
	X(gro_merged, "packets merged into the superpacket before them") \
	X(gro_super, "superpackets that came out of merging") \
	X(arp_request_in, "ARP requests received") \
	X(arp_request_out, "ARP requests sent") \
	X(arp_reply_in, "ARP replies received") \
	X(arp_reply_out, "ARP replies sent") \
	X(arp_announce, "ARP announcements of our own addresses sent") \
	X(arp_conflict, "ARP packets of others that claim an address of ours") \
	X(neigh_created, "neighbours entered into the table") \
	X(neigh_resolved, "neighbours whose link address became known") \
	X(neigh_failed, "neighbours that did not answer") \
	X(neigh_changed, "neighbours whose link address changed") \
	X(neigh_evicted, "neighbours put out to make room") \
	X(neigh_throttled, "requests by multicast put off for a second by the rate limit") \
	X(neigh_queued, "packets that waited for a neighbour")

struct link_counters {
#define X(name, text) uint64_t name;
	LINK_COUNTER_TABLE(X)
#undef X
};

#endif
