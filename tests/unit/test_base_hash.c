/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hashes as a table sees them: tuples such as real traffic has must spread like random
 * numbers, every input bit must matter, and another key must give another order.
 */
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "test_base_util.h"

#define BUCKETS 4096

static struct hash_key make_key(uint64_t seed)
{
	struct prng r = {seed};
	uint8_t bytes[HASH_KEY_BYTES];
	struct hash_key key;

	prng_fill(&r, bytes, sizeof(bytes));
	hash_key_init(&key, bytes);
	return key;
}

static struct ipaddr nth_addr(bool v4, uint32_t n)
{
	struct ipaddr a = ipaddr_v4(0x0a000000 + n);

	if (!v4) {
		a = (struct ipaddr){.b = {0x20, 0x01, 0x0d, 0xb8}};
		store_be32(&a.b[12], n);
	}
	return a;
}

/*
 * Chi-squared over the buckets, as a share of its expected value: with 4095 degrees of freedom the
 * standard deviation is 2.2 %, and 11 % is five of them.
 */
static void assert_spread(const unsigned *count, unsigned total)
{
	double expected = (double)total / BUCKETS, chi = 0;

	for (unsigned i = 0; i < BUCKETS; i++)
		chi += ((double)count[i] - expected) * ((double)count[i] - expected) / expected;
	if (chi > 1.11 * (BUCKETS - 1))
		fail_msg("chi-squared %.0f for %d degrees of freedom", chi, BUCKETS - 1);
}

/* shift 0: the bits a table uses; shift 20: the highest ones. */
static void spread_of_tuples(uint64_t seed, bool v4, unsigned clients, unsigned ports,
			     unsigned shift)
{
	static unsigned count[BUCKETS];
	struct hash_key key = make_key(seed);
	struct ipaddr server = nth_addr(v4, 0x00ffff01);

	memset(count, 0, sizeof(count));
	for (unsigned c = 0; c < clients; c++) {
		struct ipaddr client = nth_addr(v4, c);

		for (unsigned p = 0; p < ports; p++) {
			uint32_t h =
				hash_tuple(&key, &client, (uint16_t)(1024 + p), &server, 443, 6);

			count[(h >> shift) % BUCKETS]++;
		}
	}
	assert_spread(count, clients * ports);
}

static void test_spread_of_tuples(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 40; seed++) {
		bool v4 = seed % 2 != 0;
		unsigned shift = seed % 4 < 2 ? 0 : 20;

		spread_of_tuples(seed, v4, 1, 60000, shift);
		spread_of_tuples(seed, v4, 60000, 1, shift);
		spread_of_tuples(seed, v4, 256, 256, shift);
	}
}

static void spread_of_addresses(uint64_t seed, bool v4, unsigned per_addr)
{
	static unsigned count[BUCKETS], count_u32[BUCKETS];
	struct hash_key key = make_key(seed);

	memset(count, 0, sizeof(count));
	memset(count_u32, 0, sizeof(count_u32));
	for (uint32_t i = 0; i < 65536; i++) {
		struct ipaddr a = nth_addr(v4, i), b = nth_addr(v4, i / per_addr);

		count[hash_addr(&key, &a) % BUCKETS]++;
		count_u32[hash_addr_u32(&key, &b, i % per_addr) % BUCKETS]++;
	}
	assert_spread(count, 65536);
	assert_spread(count_u32, 65536);
}

static void test_spread_of_addresses(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 40; seed++)
		spread_of_addresses(seed, seed % 2 != 0, seed % 4 < 2 ? 256 : 65536);
}

struct tuple {
	struct ipaddr a, b;
	uint8_t ports_proto[5];
};

static uint32_t hash_of(const struct hash_key *key, const struct tuple *t)
{
	return hash_tuple(key, &t->a, load_be16(t->ports_proto), &t->b,
			  load_be16(t->ports_proto + 2), t->ports_proto[4]);
}

/* Each of the 296 input bits flips about half of the output bits. */
static void test_every_bit_matters(void **state)
{
	enum { SAMPLES = 400 };
	struct prng r = {12};

	(void)state;
	for (unsigned bit = 0; bit < (32 + 5) * 8; bit++) {
		unsigned flipped = 0, same = 0;

		for (unsigned i = 0; i < SAMPLES; i++) {
			struct hash_key key = make_key(prng_u64(&r));
			struct tuple t;
			uint8_t *bytes = bit < 128 ? t.a.b : bit < 256 ? t.b.b : t.ports_proto;
			uint32_t before, after;

			prng_fill(&r, t.a.b, 16);
			prng_fill(&r, t.b.b, 16);
			prng_fill(&r, t.ports_proto, 5);
			before = hash_of(&key, &t);
			bytes[bit % 128 / 8] ^= (uint8_t)(1u << (bit % 8));
			after = hash_of(&key, &t);
			flipped += (unsigned)__builtin_popcount(before ^ after);
			same += before == after;
		}
		assert_true(same <= 1);
		assert_in_range(flipped, SAMPLES * 14, SAMPLES * 18);
	}
}

static void test_directed_and_keyed(void **state)
{
	struct hash_key k1 = make_key(1), k2 = make_key(2);
	struct ipaddr a = nth_addr(true, 1), b = nth_addr(true, 2);
	uint32_t h = hash_tuple(&k1, &a, 1000, &b, 80, 6);

	(void)state;
	assert_int_equal(h, hash_tuple(&k1, &a, 1000, &b, 80, 6));
	assert_int_not_equal(h, hash_tuple(&k1, &b, 80, &a, 1000, 6));
	assert_int_not_equal(h, hash_tuple(&k1, &a, 80, &b, 1000, 6));
	assert_int_not_equal(h, hash_tuple(&k2, &a, 1000, &b, 80, 6));
	assert_int_not_equal(h, hash_tuple(&k1, &a, 1000, &b, 80, 17));
	/* Equal addresses and ports must not cancel out. */
	assert_int_not_equal(hash_tuple(&k1, &a, 5, &a, 5, 6), hash_tuple(&k1, &b, 5, &b, 5, 6));
}

/* Tuples that fall together under one key must not fall together under another. */
static void test_collisions_do_not_carry_over(void **state)
{
	struct hash_key k1 = make_key(1), k2 = make_key(2);
	struct ipaddr server = nth_addr(true, 0x00ffff01);
	unsigned found = 0, again = 0;

	(void)state;
	for (uint32_t i = 0; i < 4000000; i++) {
		struct ipaddr c = nth_addr(true, i);

		if (hash_tuple(&k1, &c, 1024, &server, 80, 6) % BUCKETS != 0)
			continue;
		found++;
		again += hash_tuple(&k2, &c, 1024, &server, 80, 6) % BUCKETS == 0;
	}
	assert_in_range(found, 800, 1150);
	assert_true(again <= 6);
}

/* Lengths 0 to 100, each with a changed byte, a moved start and an appended zero. */
static void test_bytes(void **state)
{
	struct hash_key key = make_key(3), other = make_key(4);
	uint8_t buf[128], copy[136];
	struct prng r = {13};

	(void)state;
	prng_fill(&r, buf, sizeof(buf));
	for (size_t len = 0; len <= 100; len++) {
		uint32_t h = hash_bytes(&key, buf, len);

		memcpy(copy + 3, buf, len);
		copy[3 + len] = 0;
		assert_int_equal(hash_bytes(&key, copy + 3, len), h);
		assert_int_not_equal(hash_bytes(&other, buf, len), h);
		assert_int_not_equal(hash_bytes(&key, copy + 3, len + 1), h);
		for (size_t i = 0; i < len; i++) {
			copy[3 + i] ^= 1;
			assert_int_not_equal(hash_bytes(&key, copy + 3, len), h);
			copy[3 + i] ^= 1;
		}
	}
}

static void test_spread_of_bytes(void **state)
{
	static unsigned count[BUCKETS];
	struct hash_key key = make_key(6);

	(void)state;
	for (size_t len = 4; len <= 40; len += 9) {
		uint8_t buf[40] = {0};

		memset(count, 0, sizeof(count));
		for (uint32_t i = 0; i < 65536; i++) {
			store_native32(buf + len - 4, i);
			count[hash_bytes(&key, buf, len) % BUCKETS]++;
		}
		assert_spread(count, 65536);
	}
}

/* A random source that only gives zeros must not give a key that maps everything to 0. */
static void test_key_from_zeros(void **state)
{
	static const uint8_t zeros[HASH_KEY_BYTES];
	struct ipaddr a = nth_addr(true, 1), b = nth_addr(true, 2);
	struct hash_key key;

	(void)state;
	hash_key_init(&key, zeros);
	assert_int_not_equal(hash_addr(&key, &a), hash_addr(&key, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spread_of_tuples),
		cmocka_unit_test(test_spread_of_addresses),
		cmocka_unit_test(test_every_bit_matters),
		cmocka_unit_test(test_directed_and_keyed),
		cmocka_unit_test(test_collisions_do_not_carry_over),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_spread_of_bytes),
		cmocka_unit_test(test_key_from_zeros),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
