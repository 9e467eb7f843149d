/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packet that an ICMP error quotes: which flow it belonged to (RFC 1122 3.2.2, RFC 4443 2.4,
 * RFC 5927). The quote is cut off and comes from a stranger: its lengths are not believed, its
 * checksums not checked (routers on the way have changed it).
 */
#ifndef LEAT_WIRE_QUOTE_H
#define LEAT_WIRE_QUOTE_H

#include "base/compiler.h"
#include "base/ip.h"
#include "base/view.h"

#include <stdbool.h>
#include <stdint.h>

struct quote {
	struct ipaddr src, dst; /* of the quoted packet: src is the side that sent it */
	uint8_t proto;
	bool fragment;  /* not the first one: nothing of the transport header is there */
	bool has_ports; /* TCP, UDP */
	bool has_tcp_seq;
	bool has_echo; /* ICMP echo request or reply */
	bool has_spi;  /* ESP */
	uint16_t sport, dport;
	uint16_t echo_id, echo_seq;
	uint32_t tcp_seq;
	uint32_t spi;
	uint32_t packet_len; /* what the quoted IP header says, unchecked */
	uint16_t upper_off;  /* of the transport header in the quote */
};

/* v: body of the error. ICMP_EQUOTE when it does not hold a whole IP header of that version. */
NODISCARD int quote_parse4(struct quote *q, struct view v);
/* Also when its extension headers are cut off or malformed. */
NODISCARD int quote_parse6(struct quote *q, struct view v);

#endif
