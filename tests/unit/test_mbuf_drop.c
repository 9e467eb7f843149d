/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of drop reasons and holders: every row complete, no name twice. */
#include "testutil.h"

#include <ctype.h>
#include <string.h>

static void check_name(const char *name, const char *text)
{
	assert_non_null(name);
	assert_non_null(text);
	assert_true(strlen(name) > 0 && strlen(text) > 0);
	for (const char *c = name; *c != '\0'; c++)
		assert_true(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '-');
}

static void test_drop_rows(void **state)
{
	(void)state;
	assert_int_equal(DROP_UNSPEC, 0);
	assert_string_equal(drop_rows[DROP_UNSPEC].name, "unspec");
	assert_string_equal(drop_rows[DROP_SIM_LOSS].name, "sim-loss");
	for (unsigned i = 0; i < DROP_COUNT; i++) {
		check_name(drop_rows[i].name, drop_rows[i].text);
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(drop_rows[i].name, drop_rows[k].name);
	}
}

static void test_holder_rows(void **state)
{
	(void)state;
	assert_int_equal(MBUF_FREE, 0);
	assert_string_equal(mbuf_holder_rows[MBUF_TCP_SND].name, "tcp-send");
	for (unsigned i = 0; i < MBUF_HOLDER_COUNT; i++) {
		check_name(mbuf_holder_rows[i].name, mbuf_holder_rows[i].text);
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(mbuf_holder_rows[i].name, mbuf_holder_rows[k].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drop_rows),
		cmocka_unit_test(test_holder_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
