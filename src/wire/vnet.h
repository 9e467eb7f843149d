/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio-net header (virtio 1.2, 5.1.6) that goes before each frame on TAP and AF_PACKET: says
 * what is unfinished in a superpacket. 10 bytes, or 12 with the number of buffers. Integers are in
 * the processor's order, as these two have them unless told otherwise.
 */
#ifndef LEAT_WIRE_VNET_H
#define LEAT_WIRE_VNET_H

#include "base/compiler.h"
#include "base/view.h"
#include "wire/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VNET_HLEN     10
#define VNET_HLEN_MRG 12

enum vnet_gso {
	VNET_GSO_NONE,
	VNET_GSO_TCP4,
	VNET_GSO_TCP6,
	VNET_GSO_UDP_L4,
};

struct vnet {
	enum vnet_gso gso;
	bool ecn;          /* TCP: CWR is set and belongs to the first segment only */
	bool needs_csum;   /* sum from csum_start on, store at csum_start + csum_offset */
	bool data_valid;   /* somebody has verified the checksum */
	uint16_t hdr_len;  /* link, IP and transport header: a hint, may be 0 or too long but not
			      past the frame */
	uint16_t gso_size; /* payload bytes of each segment */
	uint16_t csum_start;
	uint16_t csum_offset;
};

/*
 * hdr: VNET_HLEN or VNET_HLEN_MRG bytes. frame_len: bytes of the frame behind it. Errors:
 * VNET_ESHORT (hdr of another length), VNET_EGSOTYPE, VNET_EGSO (no segment size, ECN without TCP,
 * a superpacket whose checksum is neither unfinished nor verified), VNET_ECSUM (not within the
 * frame).
 */
NODISCARD int vnet_parse(struct vnet *n, struct view hdr, size_t frame_len);
/* hlen: VNET_HLEN or VNET_HLEN_MRG, one buffer. Returns hlen. */
size_t vnet_emit(uint8_t *buf, const struct vnet *n, size_t hlen);

#endif
