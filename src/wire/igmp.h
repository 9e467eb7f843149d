/* SPDX-License-Identifier: BSD-2-Clause */
/* IGMP messages that a host reads and writes (RFC 1112, RFC 2236, RFC 3376). */
#ifndef LEAT_WIRE_IGMP_H
#define LEAT_WIRE_IGMP_H

#include "base/compiler.h"
#include "base/ip.h"
#include "base/view.h"

#include <stdint.h>

#define IGMP_HLEN 8u

enum igmp_type {
	IGMP_QUERY = 0x11,
	IGMP_V1_REPORT = 0x12,
	IGMP_V2_REPORT = 0x16,
	IGMP_V2_LEAVE = 0x17,
	IGMP_V3_REPORT = 0x22,
};

struct igmp {
	uint8_t type;
	uint8_t version; /* of a query: 1, 2, 3 */
	uint8_t robustness;
	uint32_t max_ms; /* a query: answer within */
	struct ipaddr group;
	uint16_t n_sources;
	const uint8_t *sources; /* 4 bytes each, into the parsed bytes */
};

/*
 * Parse a message with its checksum (over all of v). 0, or -1: shorter than 8 bytes, a wrong
 * checksum, a query of 9 to 11 bytes (RFC 3376 7.1), more sources than there are bytes for.
 */
NODISCARD int igmp_parse(struct igmp *h, struct view v);

/* A report or leave of version 1 or 2: IGMP_HLEN bytes, with checksum. */
void igmp_emit_older(uint8_t *buf, enum igmp_type type, const struct ipaddr *group);

/* RFC 3376 4.1.1 and 4.1.7: from 128 on a mantissa and an exponent. */
static inline uint32_t igmp_code_value(uint8_t code)
{
	return code < 128 ? code : (uint32_t)((code & 0x0f) | 0x10) << (((code >> 4) & 7) + 3);
}

#endif
