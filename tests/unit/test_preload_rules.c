/* SPDX-License-Identifier: BSD-2-Clause */
/* Which addresses go to Leat: prefixes, the longest of which decides. */
#include "preload/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static enum rules_way find(const struct rules *r, const char *text)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		return rules_find(r, (struct sockaddr *)&in, sizeof(in));
	assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	return rules_find(r, (struct sockaddr *)&in6, sizeof(in6));
}

static void test_default(void **state)
{
	static const struct {
		const char *addr;
		enum rules_way way;
	} rows[] = {
		{"10.0.0.1", RULES_LEAT},
		{"127.0.0.1", RULES_KERNEL},
		{"127.255.0.3", RULES_KERNEL},
		{"126.255.255.255", RULES_LEAT},
		{"128.0.0.0", RULES_LEAT},
		{"0.0.0.0", RULES_LEAT},
		{"::", RULES_LEAT},
		{"::1", RULES_KERNEL},
		{"::2", RULES_LEAT},
		{"2001:db8::1", RULES_LEAT},
		{"::ffff:127.0.0.1", RULES_KERNEL},
		{"::ffff:10.0.0.1", RULES_LEAT},
	};
	struct rules r;

	(void)state;
	rules_init(&r);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (find(&r, rows[i].addr) != rows[i].way)
			fail_msg("%s", rows[i].addr);
}

static void test_longest(void **state)
{
	struct rules r;

	(void)state;
	rules_init(&r);
	assert_int_equal(rules_add(&r, "0.0.0.0/0", RULES_KERNEL), 0);
	assert_int_equal(rules_add(&r, "10.1.0.0/16", RULES_LEAT), 0);
	assert_int_equal(rules_add(&r, "10.1.2.128/25", RULES_KERNEL), 0);
	assert_int_equal(rules_add(&r, "2001:db8::/33", RULES_KERNEL), 0);
	assert_int_equal(rules_add(&r, "127.0.0.0/8", RULES_LEAT), 0);
	assert_int_equal(find(&r, "10.0.0.1"), RULES_KERNEL);
	assert_int_equal(find(&r, "10.1.2.127"), RULES_LEAT);
	assert_int_equal(find(&r, "10.1.2.128"), RULES_KERNEL);
	assert_int_equal(find(&r, "2001:db8:7fff::"), RULES_KERNEL);
	assert_int_equal(find(&r, "2001:db8:8000::"), RULES_LEAT);
	/* The later one of the same prefix. */
	assert_int_equal(find(&r, "127.0.0.1"), RULES_LEAT);
}

static void test_other_addresses(void **state)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct rules r;

	(void)state;
	rules_init(&r);
	in.sin_addr.s_addr = htonl(0x0a000001);
	assert_int_equal(rules_find(&r, (struct sockaddr *)&un, sizeof(un)), RULES_KERNEL);
	assert_int_equal(rules_find(&r, (struct sockaddr *)&in, 8), RULES_KERNEL);
	assert_int_equal(rules_find(&r, (struct sockaddr *)&in, 1), RULES_KERNEL);
	assert_int_equal(rules_find(&r, NULL, sizeof(in)), RULES_KERNEL);
	assert_int_equal(rules_find(&r, (struct sockaddr *)&in, sizeof(in)), RULES_LEAT);
}

static void test_refused(void **state)
{
	static const char *const bad[] = {"",         "10.0.0.0",   "10.0.0.0/", "10.0.0.0/33",
					  "10.0.0/8", "::/129",     "::/x",      "10.0.0.0/8x",
					  "/8",       "10.0.0.0/-1"};
	struct rules r;

	(void)state;
	rules_init(&r);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (rules_add(&r, bad[i], RULES_LEAT) != -EINVAL)
			fail_msg("\"%s\" is taken", bad[i]);
	while (r.n < RULES_MAX)
		assert_int_equal(rules_add(&r, "10.0.0.0/8", RULES_LEAT), 0);
	assert_int_equal(rules_add(&r, "10.0.0.0/8", RULES_LEAT), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_other_addresses),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
