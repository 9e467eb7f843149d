/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keyed hashes for tables that strangers fill. The key comes from a random source at start-up and
 * is never shown; without it, an attacker cannot choose flows that fall into one place. A key must
 * have been through hash_key_init(): a key of zeros maps everything to 0.
 *
 * The mixing step is the folded 64x64 multiply of wyhash and rapidhash. It is not a cryptographic
 * MAC: good for placing flows, not for sequence numbers, cookies or ports (RFC 6528 wants a real
 * one for these).
 */
#ifndef LEAT_BASE_HASH_H
#define LEAT_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/endian.h"
#include "base/ip.h"

#define HASH_KEY_BYTES 32

struct hash_key {
	uint64_t k[4];
};

/* random: HASH_KEY_BYTES bytes from a good source. */
void hash_key_init(struct hash_key *key, const uint8_t random[HASH_KEY_BYTES]);

/* Any bytes, any alignment; for keys that are not flows. */
uint32_t hash_bytes(const struct hash_key *key, const void *p, size_t len);

static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
	__extension__ typedef unsigned __int128 uint128;
	uint128 r = (uint128)a * b;

	return (uint64_t)r ^ (uint64_t)(r >> 64);
}

static inline uint64_t hash_addr64(uint64_t k0, uint64_t k1, const struct ipaddr *a)
{
	return hash_mix(a->d[0] ^ k0, a->d[1] ^ k1);
}

/* The upper half of the product depends on all bits of both factors, so no further mixing. */
static inline uint32_t hash_finish(uint64_t h)
{
	return (uint32_t)(h ^ (h >> 32));
}

static inline uint32_t hash_addr(const struct hash_key *key, const struct ipaddr *a)
{
	return hash_finish(hash_mix(hash_addr64(key->k[0], key->k[1], a) ^ key->k[2], key->k[3]));
}

/* Address and 32 further bits: a neighbour on an interface, a listener's address and port. */
static inline uint32_t hash_addr_u32(const struct hash_key *key, const struct ipaddr *a, uint32_t v)
{
	uint64_t ha = hash_addr64(key->k[0], key->k[1], a);
	uint64_t hv = hash_mix(v ^ key->k[1], key->k[2]);

	return hash_finish(hash_mix(ha ^ hv, hv ^ key->k[3]));
}

/*
 * A flow, directed: swapping a and b gives another value. Three products side by side, then one of
 * all: each input is multiplied twice, because once leaves ports that count up in a visible
 * pattern. Every factor contains a secret, so no input can be chosen to make one of them zero.
 */
static inline uint32_t hash_tuple(const struct hash_key *key, const struct ipaddr *a,
				  uint16_t aport, const struct ipaddr *b, uint16_t bport,
				  uint8_t proto)
{
	uint64_t ports = (uint64_t)aport << 32 | (uint64_t)bport << 16 | proto;
	uint64_t ha = hash_addr64(key->k[0], key->k[1], a);
	uint64_t hb = hash_addr64(key->k[2], key->k[3], b);
	uint64_t hp = hash_mix(ports ^ key->k[1], key->k[2]);

	return hash_finish(hash_mix(ha ^ hp, hb ^ key->k[3]));
}

#endif
