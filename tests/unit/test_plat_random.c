/* SPDX-License-Identifier: BSD-2-Clause */
/* Random bytes fill what was asked for and no more; SipHash gives the published values. */
#include "plat/random.h"

#include "base/compiler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_random_fills(void **state)
{
	static const size_t lens[] = {0, 1, 7, 256, 257, 5000};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		static uint8_t seen[5001];

		/* Every byte changes in one of 64 draws (an error: 1 in 2^500) but the one behind.
		 */
		memset(seen, 0, sizeof(seen));
		for (int draw = 0; draw < 64; draw++) {
			uint8_t buf[5001];

			memset(buf, 0, sizeof(buf));
			plat_random(buf, lens[i]);
			for (size_t k = 0; k < sizeof(buf); k++)
				seen[k] |= buf[k];
		}
		for (size_t k = 0; k < lens[i]; k++)
			assert_int_not_equal(seen[k], 0);
		for (size_t k = lens[i]; k < sizeof(seen); k++)
			assert_int_equal(seen[k], 0);
	}
}

static void test_random_differs(void **state)
{
	uint8_t a[32], b[32];

	(void)state;
	plat_random(a, sizeof(a));
	plat_random(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
}

static void test_siphash_vectors(void **state)
{
	/* Aumasson and Bernstein, "SipHash", appendix A, and the vectors of their reference code:
	 * key 00..0f, input 00, 01, 02 ... */
	static const struct {
		size_t len;
		uint64_t want;
	} rows[] = {
		{0, UINT64_C(0x726fdb47dd0e0e31)},  {1, UINT64_C(0x74f839c593dc67fd)},
		{2, UINT64_C(0x0d6c8009d9a94f5a)},  {7, UINT64_C(0xab0200f58b01d137)},
		{8, UINT64_C(0x93f5f5799a932462)},  {15, UINT64_C(0xa129ca6149be45e5)},
		{63, UINT64_C(0x958a324ceb064572)},
	};
	uint8_t key[PLAT_SIPHASH_KEY_BYTES], in[64];

	(void)state;
	for (uint8_t i = 0; i < sizeof(key); i++)
		key[i] = i;
	for (uint8_t i = 0; i < sizeof(in); i++)
		in[i] = i;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(plat_siphash(key, in, rows[i].len), rows[i].want);
	key[15] ^= 1;
	assert_int_not_equal(plat_siphash(key, in, 15), rows[5].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_fills),
		cmocka_unit_test(test_random_differs),
		cmocka_unit_test(test_siphash_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
