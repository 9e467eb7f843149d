/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transport checksums over both families' pseudo header (RFC 9293 3.1, RFC 768, RFC 8200 8.1).
 * Sums are as in base/csum.h: native order, unfolded.
 */
#ifndef LEAT_WIRE_PSEUDO_H
#define LEAT_WIRE_PSEUDO_H

#include "base/csum.h"
#include "base/ip.h"
#include "base/view.h"

#include <stdbool.h>
#include <stdint.h>

/* len: transport header and data. */
static inline uint32_t pseudo_sum(const struct ipaddr *src, const struct ipaddr *dst, uint8_t proto,
				  uint32_t len)
{
	return csum_pseudo(src, dst, proto, len);
}

/*
 * What the checksum field holds while the checksum is unfinished (virtio-net's NEEDS_CSUM, the
 * NIC's offload): the folded sum, not complemented. Store with store_native16(). len: for a
 * superpacket virtio-net wants the whole length, DPDK's TCP segmentation wants 0 instead.
 */
static inline uint16_t pseudo_partial(const struct ipaddr *src, const struct ipaddr *dst,
				      uint8_t proto, uint32_t len)
{
	return csum_reduce(pseudo_sum(src, dst, proto, len));
}

/* Finish a checksum field that holds a partial value: data sums over all from the header on. */
static inline uint16_t pseudo_finish(uint32_t data_sum)
{
	return csum_fold(data_sum);
}

/* Is the checksum in v (transport header and data) right? */
static inline bool pseudo_ok(struct view v, const struct ipaddr *src, const struct ipaddr *dst,
			     uint8_t proto)
{
	return csum_fold(csum_partial(v.p, v.len, pseudo_sum(src, dst, proto, (uint32_t)v.len))) ==
	       0;
}

#endif
