/* SPDX-License-Identifier: BSD-2-Clause */
/* IGMP messages: versions by length, times, sources, and what must not be believed. */
#include "wire/igmp.h"

#include "base/csum.h"
#include "base/endian.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static const struct {
	const char *what;
	uint8_t bytes[24];
	unsigned len;
	int rc;
	uint8_t version, robustness;
	uint32_t max_ms;
	uint16_t n_sources;
} rows[] = {
	{"version 1", {0x11}, 8, 0, 1, 0, 10000, 0},
	{"version 2", {0x11, 100}, 8, 0, 2, 0, 10000, 0},
	{"version 2, much", {0x11, 255}, 8, 0, 2, 0, 25500, 0},
	{"between the versions", {0x11, 100}, 9, -1, 0, 0, 0, 0},
	{"between the versions", {0x11, 100}, 11, -1, 0, 0, 0, 0},
	{"version 3", {0x11, 100, [8] = 2, [9] = 125}, 12, 0, 3, 2, 10000, 0},
	{"version 3, code 127", {0x11, 127}, 12, 0, 3, 0, 12700, 0},
	{"version 3, exponent", {0x11, 128}, 12, 0, 3, 0, 12800, 0},
	{"version 3, most", {0x11, 255, [8] = 15}, 12, 0, 3, 7, 3174400, 0},
	{"two sources", {0x11, 1, [11] = 2}, 20, 0, 3, 0, 100, 2},
	{"more bytes than sources", {0x11, 1, [11] = 1}, 24, 0, 3, 0, 100, 1},
	{"more sources than bytes", {0x11, 1, [11] = 2}, 19, -1, 0, 0, 0, 0},
	{"far more", {0x11, 1, [10] = 0xff, [11] = 0xff}, 20, -1, 0, 0, 0, 0},
	{"report", {0x16}, 8, 0, 0, 0, 0, 0},
	{"unknown", {0x99}, 8, 0, 0, 0, 0, 0},
};

static void test_rows(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t p[24];
		struct igmp h;

		memcpy(p, rows[i].bytes, sizeof(p));
		store_be32(p + 4, 0xef010203);
		store_native16(p + 2, csum_fold(csum_partial(p, rows[i].len, 0)));
		if (igmp_parse(&h, view_make(p, rows[i].len)) != rows[i].rc)
			fail_msg("%s", rows[i].what);
		if (rows[i].rc < 0)
			continue;
		if (h.version != rows[i].version || h.robustness != rows[i].robustness ||
		    h.max_ms != rows[i].max_ms || h.n_sources != rows[i].n_sources)
			fail_msg("%s: version %u robustness %u time %u sources %u", rows[i].what,
				 h.version, h.robustness, h.max_ms, h.n_sources);
		assert_int_equal(ipaddr_to_v4(&h.group), 0xef010203);
		p[3] ^= 4;
		assert_int_equal(igmp_parse(&h, view_make(p, rows[i].len)), -1);
	}
}

/* Every length that is too short, and no byte beyond the end is read (the sanitizer looks). */
static void test_cut(void **state)
{
	(void)state;
	for (size_t len = 0; len < 20; len++) {
		uint8_t *p = test_malloc(len + 1);
		struct igmp h;

		memset(p, 0, len + 1);
		if (len > 0)
			p[0] = IGMP_QUERY;
		if (len >= 4)
			store_native16(p + 2, csum_fold(csum_partial(p, len, 0)));
		assert_int_equal(igmp_parse(&h, view_make(p, len)) == 0, len == 8 || len >= 12);
		test_free(p);
	}
}

static void test_emit(void **state)
{
	struct ipaddr g = ipaddr_v4(0xe1020304);
	uint8_t p[IGMP_HLEN];
	struct igmp h;

	(void)state;
	igmp_emit_older(p, IGMP_V2_LEAVE, &g);
	assert_int_equal(igmp_parse(&h, view_make(p, sizeof(p))), 0);
	assert_int_equal(h.type, IGMP_V2_LEAVE);
	assert_true(ipaddr_eq(&h.group, &g));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_emit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
