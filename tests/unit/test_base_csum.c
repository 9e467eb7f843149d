/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checksums against the definition: 16-bit words in network order added one by one (RFC 1071).
 * Every property holds for the wide and for the portable variant.
 */
#include "base/csum.h"

#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "test_base_util.h"

#define SMALL_MAX 300
#define LARGE_MAX ((size_t)2 << 20)

static const struct {
	const char *name;
	uint32_t (*partial)(const void *p, size_t len, uint32_t sum);
	uint32_t (*copy)(void *dst, const void *src, size_t len, uint32_t sum);
} variants[] = {
	{"wide", csum_partial, csum_copy},
	{"portable", csum_partial_portable, csum_copy_portable},
};

/* The checksum field's value, host order. */
static uint16_t naive(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += (i & 1) != 0 ? p[i] : (uint64_t)p[i] << 8;
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* The fold as the number that a reader of the packet sees. */
static uint16_t seen(uint32_t sum)
{
	return be16_get(be16_from_raw(csum_fold(sum)));
}

static void test_every_length_and_alignment(void **state)
{
	static _Alignas(64) uint8_t buf[SMALL_MAX + 64];
	struct prng r = {1};

	(void)state;
	prng_fill(&r, buf, sizeof(buf));
	for (size_t v = 0; v < ARRAY_LEN(variants); v++) {
		for (size_t off = 0; off < 33; off++) {
			for (size_t len = 0; len <= SMALL_MAX; len++)
				assert_int_equal(seen(variants[v].partial(buf + off, len, 0)),
						 naive(buf + off, len));
		}
	}
}

static void test_copy_every_length_and_alignment(void **state)
{
	static _Alignas(64) uint8_t src[SMALL_MAX + 64], dst[SMALL_MAX + 64], want[SMALL_MAX + 64];
	struct prng r = {2};

	(void)state;
	prng_fill(&r, src, sizeof(src));
	for (size_t v = 0; v < ARRAY_LEN(variants); v++) {
		for (size_t len = 0; len <= SMALL_MAX; len++) {
			size_t from = prng_below(&r, 33), to = prng_below(&r, 33);
			uint32_t sum;

			memset(dst, 0xa5, sizeof(dst));
			memset(want, 0xa5, sizeof(want));
			memcpy(want + to, src + from, len);
			sum = variants[v].copy(dst + to, src + from, len, 0);
			assert_int_equal(seen(sum), naive(src + from, len));
			assert_memory_equal(dst, want, sizeof(dst)); /* and nothing beside it */
		}
	}
}

/* All ones and all zeros are where lanes overflow and biases cancel. */
static void test_extreme_bytes(void **state)
{
	static const uint8_t fills[] = {0x00, 0x7f, 0x80, 0xff};
	uint8_t *buf = malloc(LARGE_MAX), *dst = malloc(LARGE_MAX);
	size_t lens[] = {64, 96, 128, 1448, 65535, (size_t)512 << 10, LARGE_MAX - 3, LARGE_MAX};

	(void)state;
	assert_non_null(buf);
	assert_non_null(dst);
	for (size_t f = 0; f < ARRAY_LEN(fills); f++) {
		memset(buf, fills[f], LARGE_MAX);
		for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
			for (size_t v = 0; v < ARRAY_LEN(variants); v++) {
				assert_int_equal(seen(variants[v].partial(buf, lens[i], 0)),
						 naive(buf, lens[i]));
				assert_int_equal(seen(variants[v].copy(dst, buf, lens[i], 0)),
						 naive(buf, lens[i]));
			}
		}
	}
	free(buf);
	free(dst);
}

static void test_large_random(void **state)
{
	uint8_t *buf = malloc(LARGE_MAX), *dst = malloc(LARGE_MAX);
	struct prng r = {3};

	(void)state;
	assert_non_null(buf);
	assert_non_null(dst);
	prng_fill(&r, buf, LARGE_MAX);
	for (unsigned i = 0; i < 60; i++) {
		size_t off = prng_below(&r, 64);
		size_t len = prng_below(&r, i < 50 ? 70000 : LARGE_MAX - 64);

		for (size_t v = 0; v < ARRAY_LEN(variants); v++) {
			assert_int_equal(seen(variants[v].partial(buf + off, len, 0)),
					 naive(buf + off, len));
			assert_int_equal(seen(variants[v].copy(dst + 1, buf + off, len, 0)),
					 naive(buf + off, len));
			assert_memory_equal(dst + 1, buf + off, len);
		}
	}
	free(buf);
	free(dst);
}

/* A sum goes on from a start value as large as it can be. */
static void test_start_value(void **state)
{
	uint8_t buf[200];
	struct prng r = {4};

	(void)state;
	prng_fill(&r, buf, sizeof(buf));
	for (size_t v = 0; v < ARRAY_LEN(variants); v++) {
		uint32_t sum = variants[v].partial(buf, sizeof(buf), UINT32_MAX);

		/* 0xffffffff is the other zero of one's complement. */
		assert_int_equal(seen(sum), naive(buf, sizeof(buf)));
	}
}

static void test_blocks_in_parts(void **state)
{
	uint8_t buf[700];
	struct prng r = {5};

	(void)state;
	prng_fill(&r, buf, sizeof(buf));
	for (unsigned i = 0; i < 3000; i++) {
		size_t len = prng_below(&r, sizeof(buf) + 1);
		size_t cut = prng_below(&r, (unsigned)len + 1);
		uint32_t head = csum_partial(buf, cut, 0);
		uint32_t tail = csum_partial(buf + cut, len - cut, 0);
		uint32_t all = csum_block_add(head, tail, cut);

		assert_int_equal(seen(all), naive(buf, len));
		/* Taking the tail away again leaves the head; 0 and 0xffff are the same sum. */
		assert_int_equal(csum_reduce(csum_block_sub(all, tail, cut)) % 0xffff,
				 csum_reduce(head) % 0xffff);
	}
}

static void test_stored_checksum_verifies(void **state)
{
	/* RFC 1071 section 3's numbers, and a real IPv4 header. */
	static const uint8_t example[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
	uint8_t ip[20] = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
			  0x00, 0x00, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};

	(void)state;
	assert_int_equal(seen(csum_partial(example, sizeof(example), 0)), 0xffff - 0xddf2);
	store_native16(&ip[10], csum_fold(csum_partial(ip, sizeof(ip), 0)));
	assert_int_equal(load_be16(&ip[10]), 0xb861);
	assert_int_equal(csum_fold(csum_partial(ip, sizeof(ip), 0)), 0);
	ip[15] ^= 1;
	assert_int_not_equal(csum_fold(csum_partial(ip, sizeof(ip), 0)), 0);
}

static void test_fold_nonzero(void **state)
{
	(void)state;
	assert_int_equal(csum_fold(0xffff), 0);
	assert_int_equal(csum_fold_nonzero(0xffff), 0xffff);
	assert_int_equal(csum_fold(UINT32_MAX), 0);
	assert_int_equal(csum_fold_nonzero(0x1234), csum_fold(0x1234));
}

static void test_host_order_numbers(void **state)
{
	static const uint8_t bytes[] = {0x12, 0x34, 0x89, 0xab, 0xcd, 0xef};
	uint32_t sum = csum_add_u32(csum_add_u16(0, 0x1234), 0x89abcdef);

	(void)state;
	assert_int_equal(seen(sum), naive(bytes, sizeof(bytes)));
}

/* Equation 3 against computing anew, for words that are anything and for the corner values. */
static void test_incremental_update(void **state)
{
	static const uint16_t corner[] = {0x0000, 0xffff, 0x0001, 0xfffe, 0x5555};
	uint8_t buf[40];
	struct prng r = {6};

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		size_t at = 2 + 2 * (size_t)prng_below(&r, 17);
		bool wide = prng_below(&r, 2) != 0;
		uint16_t csum;
		uint32_t from, to = prng_u32(&r);

		prng_fill(&r, buf, sizeof(buf));
		store_native16(buf, 0);
		if (i % 3 == 0) {
			store_native16(buf + at, corner[prng_below(&r, ARRAY_LEN(corner))]);
			to = corner[prng_below(&r, ARRAY_LEN(corner))];
		}
		store_native16(buf, csum_fold(csum_partial(buf, sizeof(buf), 0)));
		csum = load_native16(buf);
		from = wide ? load_native32(buf + at) : load_native16(buf + at);
		if (wide) {
			store_native32(buf + at, to);
			csum = csum_update32(csum, from, to);
		} else {
			store_native16(buf + at, (uint16_t)to);
			csum = csum_update16(csum, (uint16_t)from, (uint16_t)to);
		}
		store_native16(buf, csum);
		assert_int_equal(csum_fold(csum_partial(buf, sizeof(buf), 0)), 0);
	}
}

/* RFC 1624 section 4: the case that RFC 1141's formula gets wrong. */
static void test_rfc1624_example(void **state)
{
	uint16_t csum = be16_make(0xdd2f).raw;

	(void)state;
	csum = csum_update16(csum, be16_make(0x5555).raw, be16_make(0x3285).raw);
	assert_int_equal(be16_get(be16_from_raw(csum)), 0x0000);
}

static void check_pseudo(const char *src_text, const char *dst_text, size_t addr_len)
{
	static const uint32_t lens[] = {0, 8, 1480, 65535, 70000};
	struct ipaddr src, dst;

	assert_int_equal(ipaddr_parse(src_text, &src), 0);
	assert_int_equal(ipaddr_parse(dst_text, &dst), 0);
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		uint8_t ph[40] = {0};

		memcpy(ph, src.b + 16 - addr_len, addr_len);
		memcpy(ph + addr_len, dst.b + 16 - addr_len, addr_len);
		store_be32(ph + 2 * addr_len, lens[i]);
		ph[2 * addr_len + 7] = 17;
		assert_int_equal(seen(csum_pseudo(&src, &dst, 17, lens[i])),
				 naive(ph, 2 * addr_len + 8));
	}
}

static void test_pseudo_header(void **state)
{
	(void)state;
	check_pseudo("192.0.2.1", "198.51.100.77", 4);
	check_pseudo("0.0.0.0", "255.255.255.255", 4);
	check_pseudo("2001:db8::1", "2001:db8:ffff::fffe", 16);
	check_pseudo("::", "ff02::1:ff00:1", 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_length_and_alignment),
		cmocka_unit_test(test_copy_every_length_and_alignment),
		cmocka_unit_test(test_extreme_bytes),
		cmocka_unit_test(test_large_random),
		cmocka_unit_test(test_start_value),
		cmocka_unit_test(test_blocks_in_parts),
		cmocka_unit_test(test_stored_checksum_verifies),
		cmocka_unit_test(test_fold_nonzero),
		cmocka_unit_test(test_host_order_numbers),
		cmocka_unit_test(test_incremental_update),
		cmocka_unit_test(test_rfc1624_example),
		cmocka_unit_test(test_pseudo_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
