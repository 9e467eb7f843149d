/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the internet layer counts, once for each family: one row = field and meaning. Packets that
 * were lost are counted by reason (mbuf/drop.h), not here.
 */
#ifndef LEAT_INET_COUNTERS_H
#define LEAT_INET_COUNTERS_H

#include <stdint.h>

#define INET_COUNTER_TABLE(X) \
	X(in, "packets received; a superpacket counts one") \
	X(in_bytes, "bytes of these, IP headers included") \
	X(delivered, "packets given to a transport") \
	X(claimed, "packets to foreign addresses taken by interception") \
	X(forwarded, "packets forwarded") \
	X(out, "packets sent by ourselves") \
	X(looped, "packets sent to an address of our own") \
	X(frag_in, "fragments received for reassembly") \
	X(reass_ok, "datagrams put together") \
	X(reass_failed, "datagrams given up: time, limits, overlap") \
	X(frag_ok, "packets sent in fragments") \
	X(frag_out, "fragments sent") \
	X(echo_in, "echo requests received") \
	X(echo_out, "echo replies sent") \
	X(err_in, "ICMP errors received, checked and given to a transport") \
	X(err_out, "ICMP errors sent") \
	X(err_limited, "ICMP errors not sent: rate limit") \
	X(err_never, "ICMP errors not sent: the packet must not be answered") \
	X(err_no_way, "ICMP errors not sent: no way back, or no address to send from") \
	X(redirect_in, "redirects received") \
	X(pmtu_lowered, "path MTUs lowered") \
	X(pmtu_expired, "path MTUs forgotten after ten minutes") \
	X(nd_solicit_in, "neighbour solicitations for us") \
	X(nd_solicit_out, "neighbour solicitations sent") \
	X(nd_advert_in, "neighbour advertisements used") \
	X(nd_advert_out, "neighbour advertisements sent") \
	X(nd_conflict, "neighbour advertisements of others that claim an address of ours") \
	X(mld_report_out, "multicast listener reports sent (IGMP, MLD)") \
	X(group_refused, "memberships or routes of our own that found no memory") \
	X(rs_out, "router solicitations sent") \
	X(ra_in, "router advertisements used") \
	X(redirect_used, "redirects followed") \
	X(autoconf_addr, "addresses made from routers' prefixes") \
	X(dad_duplicate, "addresses of ours that others turned out to have")

struct inet_counters {
#define X(name, text) uint64_t name;
	INET_COUNTER_TABLE(X)
#undef X
};

#endif
