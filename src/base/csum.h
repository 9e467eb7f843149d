/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Internet checksum (RFC 1071, RFC 1624).
 *
 * Byte order: a sum is a 32-bit accumulator of 16-bit words *as the processor loads them* from
 * the packet. The one's complement sum does not care about the order of bytes (RFC 1071 2.B), so
 * nothing is swapped: the folded result goes into the packet with store_native16() or as
 * be16_from_raw(), never through be16_make(). A number in host order enters a sum with
 * csum_add_u16() or csum_add_u32(), which swap it.
 *
 * To fill: field = 0, sum over everything, store csum_fold(). To check: sum over everything
 * with the field in it; csum_fold() is then 0. UDP writes 0xffff where the fold gives 0
 * (RFC 768): csum_fold_nonzero().
 */
#ifndef LEAT_BASE_CSUM_H
#define LEAT_BASE_CSUM_H

#include <stddef.h>
#include <stdint.h>

#include "base/endian.h"
#include "base/ip.h"

/* Sum over len bytes, any alignment; an odd last byte counts as if a zero followed it. */
uint32_t csum_partial(const void *p, size_t len, uint32_t sum);

/* The same while copying src to dst, which must not overlap. */
uint32_t csum_copy(void *dst, const void *src, size_t len, uint32_t sum);

/* What the two do on a processor without vector units, callable on every one for tests. */
uint32_t csum_partial_portable(const void *p, size_t len, uint32_t sum);
uint32_t csum_copy_portable(void *dst, const void *src, size_t len, uint32_t sum);

/* One's complement addition: the carry comes back in below. */
static inline uint32_t csum_add(uint32_t a, uint32_t b)
{
	uint32_t r = a + b;

	return r + (r < a);
}

static inline uint32_t csum_sub(uint32_t a, uint32_t b)
{
	return csum_add(a, ~b);
}

/* v in host order, counted as two bytes of the packet in network order. */
static inline uint32_t csum_add_u16(uint32_t sum, uint16_t v)
{
	return csum_add(sum, LEAT_BE16(v));
}

/* v in host order, counted as four bytes of the packet in network order. */
static inline uint32_t csum_add_u32(uint32_t sum, uint32_t v)
{
	return csum_add(sum, LEAT_BE32(v));
}

/* Two 16-bit halves added into one, not complemented. */
static inline uint16_t csum_reduce(uint32_t sum)
{
	sum = (sum >> 16) + (sum & 0xffff);
	sum += sum >> 16;
	return (uint16_t)sum;
}

/* The finished checksum, for the packet as it is (see the byte order above). */
static inline uint16_t csum_fold(uint32_t sum)
{
	return (uint16_t)~csum_reduce(sum);
}

/* For UDP, where 0 in the field means "no checksum". */
static inline uint16_t csum_fold_nonzero(uint32_t sum)
{
	uint16_t c = csum_fold(sum);

	return c == 0 ? 0xffff : c;
}

/* The sum of a block as it counts when it starts at an odd place: its bytes change sides. */
static inline uint32_t csum_shift(uint32_t sum, size_t offset)
{
	return (offset & 1) != 0 ? (sum << 8) | (sum >> 24) : sum;
}

/* sum of what lies before offset, plus sum2 of a block that starts there. */
static inline uint32_t csum_block_add(uint32_t sum, uint32_t sum2, size_t offset)
{
	return csum_add(sum, csum_shift(sum2, offset));
}

static inline uint32_t csum_block_sub(uint32_t sum, uint32_t sum2, size_t offset)
{
	return csum_sub(sum, csum_shift(sum2, offset));
}

/*
 * A stored checksum after a 16-bit word under it changed from from to to, all three as they lie
 * in the packet. RFC 1624 equation 3; unlike RFC 1141 it never turns a right sum into 0xffff.
 */
static inline uint16_t csum_update16(uint16_t csum, uint16_t from, uint16_t to)
{
	return csum_fold((uint32_t)(uint16_t)~csum + (uint16_t)~from + to);
}

/* The same for a 32-bit word at an even offset. */
static inline uint16_t csum_update32(uint16_t csum, uint32_t from, uint32_t to)
{
	return csum_fold(csum_add(csum_add((uint16_t)~csum, ~from), to));
}

/*
 * Pseudo-header of TCP, UDP and ICMPv6 (RFC 9293 3.1, RFC 8200 8.1), IPv4 or IPv6. len: upper-layer
 * header and data. A mapped address needs no case of its own: its 0xffff is zero in this
 * arithmetic.
 */
static inline uint32_t csum_pseudo(const struct ipaddr *src, const struct ipaddr *dst,
				   uint8_t proto, uint32_t len)
{
	uint32_t sum = csum_add_u32(csum_add_u32(0, len), proto);

	for (unsigned i = 0; i < 4; i++)
		sum = csum_add(csum_add(sum, src->w[i]), dst->w[i]);
	return sum;
}

#endif
