/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP header (RFC 768, RFC 8200 8.1). Sums are as in base/csum.h. */
#ifndef LEAT_WIRE_UDP_H
#define LEAT_WIRE_UDP_H

#include "base/compiler.h"
#include "base/ip.h"
#include "base/view.h"
#include "wire/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UDP_HLEN     8
#define UDP_OFF_CSUM 6

struct udphdr {
	uint16_t sport, dport;
	uint16_t len;  /* header and data; what the IP payload holds beyond it is ignored */
	uint16_t csum; /* as it lies in the packet (store_native16); 0: none was sent */
};

/*
 * Parse the header at the start of first; payload_len: of the whole IP payload, which may go on in
 * other buffers. UDP_ESHORT, UDP_ELEN; UDP_ECSUM when v6 and no checksum (RFC 8200 8.1; the tunnels
 * of RFC 6935 are not ours).
 */
NODISCARD int udp_parse_first(struct udphdr *h, struct view first, size_t payload_len, bool v6);

NODISCARD static inline int udp_parse(struct udphdr *h, struct view v, bool v6)
{
	return udp_parse_first(h, v, v.len, v6);
}

/* Is the checksum right? v holds h->len bytes at least. An IPv4 packet without one is right. */
bool udp_csum_ok(const struct udphdr *h, struct view v, const struct ipaddr *src,
		 const struct ipaddr *dst);

/*
 * Writes UDP_HLEN bytes; csum is stored as it is: 0, a pseudo_partial() or udp_csum(). Returns
 * UDP_HLEN.
 */
size_t udp_emit(uint8_t *buf, const struct udphdr *h);

/* The checksum to store for h and data that sums up to data_sum; never 0 (RFC 768). */
uint16_t udp_csum(const struct udphdr *h, uint32_t data_sum, const struct ipaddr *src,
		  const struct ipaddr *dst);

#endif
