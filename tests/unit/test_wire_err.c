/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of reasons: every row negative, no number or name twice, names and texts found. */
#include "wire/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static const struct {
	int number;
	const char *name;
	const char *text;
} rows[] = {
#define X(id, number, name, text) {id, name, text},
	WIRE_ERR_TABLE(X)
#undef X
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ROWS; i++) {
		assert_true(rows[i].number < 0);
		assert_string_equal(wire_err_name(rows[i].number), rows[i].name);
		assert_string_equal(wire_err_text(rows[i].number), rows[i].text);
		for (size_t j = 0; j < i; j++) {
			assert_int_not_equal(rows[i].number, rows[j].number);
			assert_string_not_equal(rows[i].name, rows[j].name);
		}
	}
}

static void test_unknown(void **state)
{
	(void)state;
	assert_string_equal(wire_err_name(0), "?");
	assert_string_equal(wire_err_name(-9999), "?");
	assert_true(strlen(wire_err_text(-9999)) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
