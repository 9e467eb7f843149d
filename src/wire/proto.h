/* SPDX-License-Identifier: BSD-2-Clause */
/* Protocol and next-header numbers (IANA); not <netinet/in.h>, whose macros differ by system. */
#ifndef LEAT_WIRE_PROTO_H
#define LEAT_WIRE_PROTO_H

enum wire_proto {
	PROTO_HOPOPTS = 0,
	PROTO_ICMP4 = 1,
	PROTO_IGMP = 2,
	PROTO_IP4 = 4,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_IP6 = 41,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_ESP = 50,
	PROTO_AH = 51,
	PROTO_ICMP6 = 58,
	PROTO_NONE = 59,
	PROTO_DSTOPTS = 60,
};

#endif
