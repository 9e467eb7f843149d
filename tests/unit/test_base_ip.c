/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses and prefixes: text both ways, classes, masks. Every IPv4 row has an IPv6 one. */
#include "base/ip.h"

#include <errno.h>
#include <string.h>

#include "test_base_util.h"

static struct ipaddr addr(const char *text)
{
	struct ipaddr a;

	assert_int_equal(ipaddr_parse(text, &a), 0);
	return a;
}

static void test_text_both_ways(void **state)
{
	static const char *const texts[] = {
		"0.0.0.0",
		"10.1.2.3",
		"255.255.255.255",
		"::",
		"::1",
		"2001:db8::8:800:200c:417a",
		"fe80::1",
		"ff02::1:ff00:1",
		"1:2:3:4:5:6:7:8",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	};
	char buf[IPADDR_STRLEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct ipaddr a = addr(texts[i]);

		assert_string_equal(ipaddr_format(&a, buf, sizeof(buf)), texts[i]);
	}
}

static void test_bad_text(void **state)
{
	static const char *const texts[] = {
		"",          " ",
		"1.2.3",     "1.2.3.4.5",
		"256.1.1.1", "1.2.3.4 ",
		"01.2.3.4/", ":",
		":::",       "1::2::3",
		"12345::",   "fe80::1%eth0",
		"g::",       "1:2:3:4:5:6:7",
		"1.2.3",     "0x1.2.3.4",
		"::1/128",
	};
	struct ipaddr a = ipaddr_v4(42), before = a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(ipaddr_parse(texts[i], &a), -EINVAL);
		assert_true(ipaddr_eq(&a, &before));
	}
}

static void test_format_cuts_off(void **state)
{
	struct ipaddr a = addr("192.0.2.123");
	char buf[8];

	(void)state;
	memset(buf, 'x', sizeof(buf));
	assert_string_equal(ipaddr_format(&a, buf, 5), "192.");
	assert_int_equal(buf[5], 'x');
}

static void test_v4_is_mapped(void **state)
{
	struct ipaddr v4 = ipaddr_v4(0xc0000201), text = addr("192.0.2.1");
	struct ipaddr mapped = addr("::ffff:192.0.2.1"), compat = addr("::192.0.2.1");

	(void)state;
	assert_true(ipaddr_eq(&v4, &text));
	assert_true(ipaddr_eq(&v4, &mapped));
	assert_true(ipaddr_is_v4(&v4));
	assert_int_equal(ipaddr_to_v4(&v4), 0xc0000201);
	assert_false(ipaddr_is_v4(&compat));
	assert_false(ipaddr_eq(&v4, &compat));
	assert_true(ipaddr_cmp(&compat, &v4) < 0);
	text = ipaddr_v6(v4.b);
	assert_int_equal(ipaddr_cmp(&text, &v4), 0);
}

enum { UNSPEC = 1, LOOP = 2, MCAST = 4, LINK = 8, BCAST = 16, BAD = 32 };

static const struct {
	const char *text;
	unsigned is;
} class_rows[] = {
	{"0.0.0.0", UNSPEC},
	{"::", UNSPEC},
	{"0.0.0.1", BAD},
	{"0.255.255.255", BAD},
	{"1.0.0.0", 0},
	{"126.255.255.255", 0},
	{"127.0.0.1", LOOP | BAD},
	{"127.255.255.255", LOOP | BAD},
	{"128.0.0.0", 0},
	{"::1", LOOP | BAD},
	{"::2", 0},
	{"0:0:0:1::1", 0},
	{"169.253.255.255", 0},
	{"169.254.0.1", LINK},
	{"169.255.0.0", 0},
	{"fe80::1", LINK},
	{"febf:ffff::", LINK},
	{"fec0::1", 0},
	{"fe7f::1", 0},
	{"223.255.255.255", 0},
	{"224.0.0.1", MCAST | BAD},
	{"239.255.255.255", MCAST | BAD},
	{"240.0.0.1", BAD},
	{"255.255.255.254", BAD},
	{"255.255.255.255", BCAST | BAD},
	{"ff02::1", MCAST | BAD},
	{"ff00::", MCAST | BAD},
	{"feff::1", 0},
	{"2001:db8::1", 0},
	{"::127.0.0.1", 0},
};

static void test_classes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(class_rows); i++) {
		struct ipaddr a = addr(class_rows[i].text);
		unsigned is = 0;

		is |= ipaddr_is_unspecified(&a) ? UNSPEC : 0;
		is |= ipaddr_is_loopback(&a) ? LOOP : 0;
		is |= ipaddr_is_multicast(&a) ? MCAST : 0;
		is |= ipaddr_is_link_local(&a) ? LINK : 0;
		is |= ipaddr_is_v4_broadcast(&a) ? BCAST : 0;
		is |= ipaddr_is_bad_source(&a) ? BAD : 0;
		if (is != class_rows[i].is)
			fail_msg("%s: classes %#x, not %#x", class_rows[i].text, is,
				 class_rows[i].is);
	}
}

static void test_named_addresses(void **state)
{
	struct ipaddr a[] = {ipaddr_any4(), ipaddr_any6(), ipaddr_loopback4(), ipaddr_loopback6()};
	struct ipaddr t[] = {addr("0.0.0.0"), addr("::"), addr("127.0.0.1"), addr("::1")};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		assert_true(ipaddr_eq(&a[i], &t[i]));
}

static void test_mask_every_length(void **state)
{
	struct prng r = {7};

	(void)state;
	for (unsigned len = 0; len <= 128; len++) {
		struct ipaddr a, m;

		prng_fill(&r, a.b, sizeof(a.b));
		m = ipaddr_mask(&a, len);
		for (unsigned bit = 0; bit < 128; bit++) {
			uint8_t at = (uint8_t)(0x80 >> (bit % 8));

			assert_int_equal(m.b[bit / 8] & at, bit < len ? a.b[bit / 8] & at : 0);
		}
	}
}

static void test_prefix_text(void **state)
{
	static const struct {
		const char *text;
		unsigned len;
		const char *out; /* NULL: as text */
	} rows[] = {
		{"10.0.0.0/8", 104, NULL},
		{"0.0.0.0/0", 96, NULL},
		{"192.0.2.1/32", 128, NULL},
		{"192.0.2.1", 128, "192.0.2.1/32"},
		{"::ffff:10.0.0.0/104", 104, "10.0.0.0/8"},
		{"2001:db8::/32", 32, NULL},
		{"::/0", 0, NULL},
		{"::1/128", 128, NULL},
		{"::1", 128, "::1/128"},
		{"::/96", 96, NULL},
		{"fe80::/10", 10, NULL},
	};
	char buf[IPPREFIX_STRLEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ipprefix p;

		assert_int_equal(ipprefix_parse(rows[i].text, &p), 0);
		assert_int_equal(p.len, rows[i].len);
		assert_string_equal(ipprefix_format(&p, buf, sizeof(buf)),
				    rows[i].out != NULL ? rows[i].out : rows[i].text);
	}
}

static void test_prefix_bad_text(void **state)
{
	static const char *const texts[] = {
		"10.0.0.0/33",
		"10.0.0.0/-1",
		"10.0.0.0/",
		"10.0.0.0/8 ",
		"10.0.0.0/08",
		"10.0.0.0/+8",
		"10.0.0.1/8",
		"2001:db8::/129",
		"2001:db8::1/32",
		"/8",
		"10.0.0/8",
		"10.0.0.0/8/8",
		"10.0.0.0/0008",
		"",
		"::/1000",
		"10.0.0.0/4294967304",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa/128",
	};
	struct ipprefix p = {ipaddr_any4(), 96};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(ipprefix_parse(texts[i], &p), -EINVAL);
		assert_int_equal(p.len, 96);
	}
}

static void test_prefix_match(void **state)
{
	static const struct {
		const char *prefix, *in, *out;
	} rows[] = {
		{"10.0.0.0/8", "10.255.0.1", "11.0.0.0"},
		{"0.0.0.0/0", "203.0.113.9", "2001:db8::1"},
		{"192.0.2.128/25", "192.0.2.255", "192.0.2.127"},
		{"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
		{"fe80::/10", "febf::1", "fec0::1"},
		{"2001:db8::1", "2001:db8::1", "2001:db8::2"},
		{"2001:db8::/65", "2001:db8::7fff:0:0:1", "2001:db8::8000:0:0:1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ipaddr in = addr(rows[i].in), out = addr(rows[i].out);
		struct ipprefix p;

		assert_int_equal(ipprefix_parse(rows[i].prefix, &p), 0);
		assert_true(ipprefix_match(&p, &in));
		assert_false(ipprefix_match(&p, &out));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_both_ways),    cmocka_unit_test(test_bad_text),
		cmocka_unit_test(test_format_cuts_off),   cmocka_unit_test(test_v4_is_mapped),
		cmocka_unit_test(test_classes),           cmocka_unit_test(test_named_addresses),
		cmocka_unit_test(test_mask_every_length), cmocka_unit_test(test_prefix_text),
		cmocka_unit_test(test_prefix_bad_text),   cmocka_unit_test(test_prefix_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
