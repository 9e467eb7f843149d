/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One address type for IPv4 and IPv6: 16 bytes in network order, IPv4 as the v4-mapped address
 * ::ffff:a.b.c.d (RFC 4291 2.5.5.2). Tables, hashes and comparisons need no family beside it.
 * Prefix lengths count in the 128-bit form: an IPv4 /24 is 120. A mapped address never comes from
 * an IPv6 header: the IPv6 input drops it there.
 */
#ifndef LEAT_BASE_IP_H
#define LEAT_BASE_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/compiler.h"
#include "base/endian.h"

struct ipaddr {
	union {
		uint8_t b[16];
		uint32_t w[4]; /* network order: compare and hash only */
		uint64_t d[2]; /* network order: compare and hash only */
	};
};

struct ipprefix {
	struct ipaddr addr; /* host bits are zero */
	uint8_t len;        /* 0..128, an IPv4 prefix is at least 96 */
};

#define IPADDR_STRLEN    46 /* with the final NUL, as INET6_ADDRSTRLEN */
#define IPPREFIX_STRLEN  50 /* with "/128" */
#define IPPREFIX_V4_BITS 96 /* 128-bit length of the mapped form's fixed part */

/* v4 in host order. */
static inline struct ipaddr ipaddr_v4(uint32_t v4)
{
	struct ipaddr a = {.b = {[10] = 0xff, [11] = 0xff}};

	store_be32(&a.b[12], v4);
	return a;
}

static inline struct ipaddr ipaddr_v6(const uint8_t b[16])
{
	struct ipaddr a;

	memcpy(a.b, b, sizeof(a.b));
	return a;
}

/* 0.0.0.0 */
static inline struct ipaddr ipaddr_any4(void)
{
	return ipaddr_v4(0);
}

/* :: */
static inline struct ipaddr ipaddr_any6(void)
{
	return (struct ipaddr){.d = {0, 0}};
}

/* 127.0.0.1 */
static inline struct ipaddr ipaddr_loopback4(void)
{
	return ipaddr_v4(0x7f000001);
}

/* ::1 */
static inline struct ipaddr ipaddr_loopback6(void)
{
	return (struct ipaddr){.b = {[15] = 1}};
}

static inline bool ipaddr_is_v4(const struct ipaddr *a)
{
	return a->d[0] == 0 && load_be32(&a->b[8]) == 0xffff;
}

/* In host order; only for an address that is v4. */
static inline uint32_t ipaddr_to_v4(const struct ipaddr *a)
{
	return load_be32(&a->b[12]);
}

static inline bool ipaddr_eq(const struct ipaddr *a, const struct ipaddr *b)
{
	return ((a->d[0] ^ b->d[0]) | (a->d[1] ^ b->d[1])) == 0;
}

/* Byte order, as memcmp. */
static inline int ipaddr_cmp(const struct ipaddr *a, const struct ipaddr *b)
{
	return memcmp(a->b, b->b, sizeof(a->b));
}

/* 0.0.0.0 or :: */
static inline bool ipaddr_is_unspecified(const struct ipaddr *a)
{
	return (a->d[0] == 0 && a->d[1] == 0) || (ipaddr_is_v4(a) && ipaddr_to_v4(a) == 0);
}

/* 127.0.0.0/8 or ::1 */
static inline bool ipaddr_is_loopback(const struct ipaddr *a)
{
	if (ipaddr_is_v4(a))
		return a->b[12] == 127;
	return a->d[0] == 0 && load_be64(&a->b[8]) == 1;
}

/* 224.0.0.0/4 or ff00::/8 */
static inline bool ipaddr_is_multicast(const struct ipaddr *a)
{
	return ipaddr_is_v4(a) ? (a->b[12] & 0xf0) == 0xe0 : a->b[0] == 0xff;
}

/* Unicast: 169.254.0.0/16 or fe80::/10 */
static inline bool ipaddr_is_link_local(const struct ipaddr *a)
{
	if (ipaddr_is_v4(a))
		return load_be16(&a->b[12]) == 0xa9fe;
	return (load_be16(a->b) & 0xffc0) == 0xfe80;
}

/* 255.255.255.255. A subnet's own broadcast address is known to its interface only. */
static inline bool ipaddr_is_v4_broadcast(const struct ipaddr *a)
{
	return ipaddr_is_v4(a) && ipaddr_to_v4(a) == UINT32_MAX;
}

/*
 * May a packet from the wire never carry this source? RFC 1122 3.2.1.3, RFC 4291 2.5.3 and 2.7:
 * multicast, 240/4 with the broadcast address, loopback, 0/8 and what else cannot be a host.
 * The unspecified address is not bad by itself, DHCP and duplicate address detection send from it:
 * who wants to answer checks ipaddr_is_unspecified() too. Addresses of our own (LAND) and subnet
 * broadcasts are the caller's to refuse.
 */
static inline bool ipaddr_is_bad_source(const struct ipaddr *a)
{
	if (!ipaddr_is_v4(a))
		return ipaddr_is_multicast(a) || ipaddr_is_loopback(a);
	if (ipaddr_to_v4(a) == 0)
		return false;
	return a->b[12] == 0 || a->b[12] == 127 || a->b[12] >= 224;
}

/* The first len bits of a (0..128), the others zero. */
static inline struct ipaddr ipaddr_mask(const struct ipaddr *a, unsigned len)
{
	uint64_t hi = len == 0 ? 0 : len >= 64 ? UINT64_MAX : ~(UINT64_MAX >> len);
	uint64_t lo = len <= 64 ? 0 : len >= 128 ? UINT64_MAX : ~(UINT64_MAX >> (len - 64));
	struct ipaddr r;

	r.d[0] = a->d[0] & LEAT_BE64(hi);
	r.d[1] = a->d[1] & LEAT_BE64(lo);
	return r;
}

static inline bool ipprefix_match(const struct ipprefix *p, const struct ipaddr *a)
{
	struct ipaddr m = ipaddr_mask(a, p->len);

	return ipaddr_eq(&m, &p->addr);
}

static inline bool ipprefix_is_v4(const struct ipprefix *p)
{
	return p->len >= IPPREFIX_V4_BITS && ipaddr_is_v4(&p->addr);
}

/* len in the 128-bit form, at most 128; host bits of addr are cleared. */
static inline struct ipprefix ipprefix_make(const struct ipaddr *addr, unsigned len)
{
	return (struct ipprefix){ipaddr_mask(addr, len), (uint8_t)len};
}

/* "10.0.0.1" or "2001:db8::1". 0 or -EINVAL; *out is then unchanged. */
int ipaddr_parse(const char *text, struct ipaddr *out) NODISCARD;

/* Writes at most size bytes with the NUL, cut off if needed (IPADDR_STRLEN is enough); returns buf.
 */
const char *ipaddr_format(const struct ipaddr *a, char *buf, size_t size);

/* "10.0.0.0/8", "2001:db8::/32"; a bare address is a host. Bits behind the length must be zero. */
int ipprefix_parse(const char *text, struct ipprefix *out) NODISCARD;

/* IPPREFIX_STRLEN is enough. An IPv4 prefix is written with its own length, 0..32. */
const char *ipprefix_format(const struct ipprefix *p, char *buf, size_t size);

#endif
