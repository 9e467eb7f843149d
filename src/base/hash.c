/* SPDX-License-Identifier: BSD-2-Clause */
/* Key set-up and the hash of plain bytes; the hashes of flows are in the header. Any thread. */
#include "base/hash.h"

/* Odd and with balanced bits (wyhash's constants): even a bad random source gives a usable key. */
static const uint64_t key_base[4] = {
	UINT64_C(0xa0761d6478bd642f),
	UINT64_C(0xe7037ed1a0b428db),
	UINT64_C(0x8ebc6af09c88c6e3),
	UINT64_C(0x589965cc75374cc3),
};

void hash_key_init(struct hash_key *key, const uint8_t random[HASH_KEY_BYTES])
{
	for (unsigned i = 0; i < 4; i++)
		key->k[i] = load_le64(random + 8 * (size_t)i) ^ key_base[i];
}

/* The last 0 to 16 bytes as two words; the length enters elsewhere, so overlap is no collision. */
static void load_tail(const uint8_t *p, size_t len, uint64_t *a, uint64_t *b)
{
	*a = 0;
	*b = 0;
	if (len >= 8) {
		*a = load_native64(p);
		*b = load_native64(p + len - 8);
	} else if (len >= 4) {
		*a = load_native32(p);
		*b = load_native32(p + len - 4);
	} else if (len > 0) {
		*a = (uint64_t)p[0] << 16 | (uint64_t)p[len / 2] << 8 | p[len - 1];
	}
}

uint32_t hash_bytes(const struct hash_key *key, const void *p, size_t len)
{
	const uint8_t *b = p;
	uint64_t h = key->k[0];
	size_t left = len;
	uint64_t x, y;

	for (; left > 16; left -= 16, b += 16)
		h = hash_mix(load_native64(b) ^ key->k[1], load_native64(b + 8) ^ h);
	load_tail(b, left, &x, &y);
	h = hash_mix(x ^ key->k[1], y ^ h);
	return hash_finish(hash_mix(h ^ key->k[2], len ^ key->k[3]));
}
