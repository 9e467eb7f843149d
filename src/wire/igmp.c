/* SPDX-License-Identifier: BSD-2-Clause */
/* See igmp.h. Stateless. */
#include "wire/igmp.h"

#include "base/csum.h"
#include "base/endian.h"

#include <string.h>

#define QUERY_V3_HLEN 12u
#define UNIT_MS       100u   /* of the response time */
#define V1_MAX_MS     10000u /* RFC 1112: D, ten seconds */

/* RFC 3376 7.1: by length, and by whether there is a response time. */
static int parse_query(struct igmp *h, struct view v)
{
	uint8_t code = v.p[1];

	if (v.len == IGMP_HLEN) {
		h->version = code == 0 ? 1 : 2;
		h->max_ms = code == 0 ? V1_MAX_MS : (uint32_t)code * UNIT_MS;
		return 0;
	}
	if (v.len < QUERY_V3_HLEN)
		return -1;
	h->version = 3;
	h->max_ms = igmp_code_value(code) * UNIT_MS;
	h->robustness = v.p[8] & 7;
	h->n_sources = load_be16(v.p + 10);
	h->sources = v.p + QUERY_V3_HLEN;
	return (size_t)h->n_sources * 4 <= v.len - QUERY_V3_HLEN ? 0 : -1;
}

int igmp_parse(struct igmp *h, struct view v)
{
	if (v.len < IGMP_HLEN || csum_fold(csum_partial(v.p, v.len, 0)) != 0)
		return -1;
	*h = (struct igmp){.type = v.p[0], .group = ipaddr_v4(load_be32(v.p + 4))};
	return h->type == IGMP_QUERY ? parse_query(h, v) : 0;
}

void igmp_emit_older(uint8_t *buf, enum igmp_type type, const struct ipaddr *group)
{
	memset(buf, 0, IGMP_HLEN);
	buf[0] = (uint8_t)type;
	store_be32(buf + 4, ipaddr_to_v4(group));
	store_native16(buf + 2, csum_fold(csum_partial(buf, IGMP_HLEN, 0)));
}
