/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-net header (virtio 1.2, 5.1.6.2 to 5.1.6.4). Called by the kernel-attached ports for every
 * frame. The kernel forwards what guests and tunnels made, so nothing in it is believed.
 */
#include "wire/vnet.h"

#include "base/endian.h"

#include <assert.h>

#define FLAG_NEEDS_CSUM 0x01u
#define FLAG_DATA_VALID 0x02u

#define TYPE_NONE       0
#define TYPE_TCP4       1
#define TYPE_TCP6       4
#define TYPE_UDP_L4     5
#define TYPE_ECN        0x80u

#define TCP_CSUM_OFFSET 16
#define UDP_CSUM_OFFSET 6

enum {
	OFF_FLAGS = 0,
	OFF_GSO_TYPE = 1,
	OFF_HDR_LEN = 2,
	OFF_GSO_SIZE = 4,
	OFF_CSUM_START = 6,
	OFF_CSUM_OFFSET = 8,
	OFF_NUM_BUFFERS = 10,
};

static int parse_gso_type(struct vnet *n, uint8_t type)
{
	n->ecn = (type & TYPE_ECN) != 0;
	switch (type & (uint8_t)~TYPE_ECN) {
	case TYPE_NONE:
		n->gso = VNET_GSO_NONE;
		return 0;
	case TYPE_TCP4:
		n->gso = VNET_GSO_TCP4;
		return 0;
	case TYPE_TCP6:
		n->gso = VNET_GSO_TCP6;
		return 0;
	case TYPE_UDP_L4:
		n->gso = VNET_GSO_UDP_L4;
		return 0;
	default:
		return VNET_EGSOTYPE;
	}
}

static bool is_tcp(const struct vnet *n)
{
	return n->gso == VNET_GSO_TCP4 || n->gso == VNET_GSO_TCP6;
}

static int check_gso(const struct vnet *n)
{
	if (n->ecn && !is_tcp(n))
		return VNET_EGSO;
	if (n->gso == VNET_GSO_NONE)
		return 0;
	/* Segments get new checksums: the old one is unfinished, or was right. */
	if (n->gso_size == 0 || (!n->needs_csum && !n->data_valid))
		return VNET_EGSO;
	return 0;
}

static int check_csum(const struct vnet *n, size_t frame_len)
{
	if (!n->needs_csum)
		return 0;
	if ((size_t)n->csum_start + n->csum_offset + 2 > frame_len)
		return VNET_ECSUM;
	if (is_tcp(n) && n->csum_offset != TCP_CSUM_OFFSET)
		return VNET_ECSUM;
	if (n->gso == VNET_GSO_UDP_L4 && n->csum_offset != UDP_CSUM_OFFSET)
		return VNET_ECSUM;
	return 0;
}

int vnet_parse(struct vnet *n, struct view hdr, size_t frame_len)
{
	uint16_t hdr_len;
	int err;

	if (hdr.len != VNET_HLEN && hdr.len != VNET_HLEN_MRG)
		return VNET_ESHORT;
	err = parse_gso_type(n, hdr.p[OFF_GSO_TYPE]);
	if (err != 0)
		return err;
	hdr_len = load_native16(hdr.p + OFF_HDR_LEN);
	n->hdr_len = hdr_len < frame_len ? hdr_len : (uint16_t)frame_len;
	n->needs_csum = (hdr.p[OFF_FLAGS] & FLAG_NEEDS_CSUM) != 0;
	n->data_valid = (hdr.p[OFF_FLAGS] & FLAG_DATA_VALID) != 0;
	n->gso_size = load_native16(hdr.p + OFF_GSO_SIZE);
	n->csum_start = load_native16(hdr.p + OFF_CSUM_START);
	n->csum_offset = load_native16(hdr.p + OFF_CSUM_OFFSET);
	err = check_gso(n);
	return err != 0 ? err : check_csum(n, frame_len);
}

static uint8_t gso_type(const struct vnet *n)
{
	switch (n->gso) {
	case VNET_GSO_NONE:
		return TYPE_NONE;
	case VNET_GSO_TCP4:
		return TYPE_TCP4;
	case VNET_GSO_TCP6:
		return TYPE_TCP6;
	case VNET_GSO_UDP_L4:
		return TYPE_UDP_L4;
	}
	UNREACHABLE();
}

size_t vnet_emit(uint8_t *buf, const struct vnet *n, size_t hlen)
{
	unsigned flags =
		(n->needs_csum ? FLAG_NEEDS_CSUM : 0) | (n->data_valid ? FLAG_DATA_VALID : 0);

	assert(hlen == VNET_HLEN || hlen == VNET_HLEN_MRG);
	buf[OFF_FLAGS] = (uint8_t)flags;
	buf[OFF_GSO_TYPE] = (uint8_t)(gso_type(n) | (n->ecn ? TYPE_ECN : 0));
	store_native16(buf + OFF_HDR_LEN, n->hdr_len);
	store_native16(buf + OFF_GSO_SIZE, n->gso_size);
	store_native16(buf + OFF_CSUM_START, n->csum_start);
	store_native16(buf + OFF_CSUM_OFFSET, n->csum_offset);
	if (hlen == VNET_HLEN_MRG)
		store_native16(buf + OFF_NUM_BUFFERS, 1);
	return hlen;
}
