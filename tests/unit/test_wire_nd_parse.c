/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Neighbour discovery, received: messages as scapy writes them, and one row for each thing that RFC
 * 4861 6.1, 7.1 and 8.1 and RFC 6980 say to discard.
 */
#include "wire/nd.h"

#include "test_wire_util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LL(n)  "fe 80 00 00 00 00 00 00 00 00 00 00 00 00 00 " n " "
#define MAPPED "00 00 00 00 00 00 00 00 00 00 ff ff 0a 00 00 01 "
#define GROUP  "ff 02 00 00 00 00 00 00 00 00 00 00 00 00 00 01 "
#define GLOBAL "20 01 0d b8 00 01 00 00 00 00 00 00 00 00 00 02 "
#define SLLA   "01 01 02 00 00 00 00 01 "
#define TLLA   "02 01 02 00 00 00 00 02 "
#define NONCE  "0e 01 11 22 33 44 55 66 "

#define RS     "85 00 7a 2c 00 00 00 00 "
#define RA     "86 00 00 e0 40 48 07 08 00 00 75 30 00 00 03 e8 "
#define PREFIX \
	"03 04 40 c0 ff ff ff ff 00 09 3a 80 00 00 00 00 " \
	"20 01 0d b8 00 05 00 00 00 00 00 00 00 00 00 00 "
#define NS(a)              "87 00 7a 97 00 00 00 00 " a
#define NA(f, a)           "88 00 18 1a " f " 00 00 00 " a
#define REDIR(target, dst) "89 00 d2 1c 00 00 00 00 " target dst

#define SOLICITED          "ff02::1:ff00:2"

static const struct row {
	const char *what;
	const char *hex;
	const char *src, *dst;
	int err;
} rows[] = {
	{"RS", RS SLLA, "fe80::1", "ff02::2", 0},
	{"RS, no address yet", RS, "::", "ff02::2", 0},
	{"RA", RA SLLA "05 01 00 00 00 00 05 78 " PREFIX, "fe80::99", "ff02::1", 0},
	{"NS", NS(LL("02")) SLLA, "fe80::1", SOLICITED, 0},
	{"NS, unicast probe", NS(LL("02")), "fe80::1", "fe80::2", 0},
	{"NS, duplicate address detection", NS(LL("02")) NONCE, "::", SOLICITED, 0},
	{"NA", NA("60", LL("02")) TLLA, "fe80::2", "fe80::1", 0},
	{"NA, unsolicited", NA("20", LL("02")) TLLA, "fe80::2", "ff02::1", 0},
	{"NA, no option", NA("60", LL("02")), "fe80::2", "fe80::1", 0},
	{"Redirect", REDIR(LL("98"), GLOBAL) TLLA, "fe80::99", "fe80::1", 0},
	{"Redirect to the destination", REDIR(GLOBAL, GLOBAL), "fe80::99", "fe80::1", 0},
	{"unknown option", NS(LL("02")) "fd 02 00 00 00 00 00 00 00 00 00 00 00 00 00 00 " SLLA,
	 "fe80::1", SOLICITED, 0},
	{"TLLA in NS means nothing", NS(LL("02")) "02 02 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
	 "::", SOLICITED, 0},

	{"option length 0", NS(LL("02")) "01 00 02 00 00 00 00 01", "fe80::1", SOLICITED,
	 ND_EOPTLEN},
	{"unknown option, length 0", NS(LL("02")) "fd 00 02 00 00 00 00 01", "fe80::1", SOLICITED,
	 ND_EOPTLEN},
	{"option past the end", NS(LL("02")) "fd 02 02 00 00 00 00 01", "fe80::1", SOLICITED,
	 ND_EOPTLEN},
	{"option of one byte", NS(LL("02")) SLLA "01", "fe80::1", SOLICITED, ND_EOPTLEN},
	{"option of 7 bytes", NS(LL("02")) "01 01 02 00 00 00 00", "fe80::1", SOLICITED,
	 ND_EOPTLEN},
	{"link address of 16 bytes", NS(LL("02")) "01 02 02 00 00 00 00 01 00 00 00 00 00 00 00 00",
	 "fe80::1", SOLICITED, ND_EOPTLEN},
	{"MTU of 16 bytes", RA "05 02 00 00 00 00 05 78 00 00 00 00 00 00 00 00", "fe80::99",
	 "ff02::1", ND_EOPTLEN},
	{"prefix of 8 bytes", RA "03 01 40 c0 00 00 00 00", "fe80::99", "ff02::1", ND_EOPTLEN},
	{"link address is a group", NA("60", LL("02")) "02 01 01 00 5e 00 00 01", "fe80::2",
	 "fe80::1", ND_ELLADDR},
	{"link address is broadcast", NS(LL("02")) "01 01 ff ff ff ff ff ff", "fe80::1", SOLICITED,
	 ND_ELLADDR},
	{"link address is zero", NS(LL("02")) "01 01 00 00 00 00 00 00", "fe80::1", SOLICITED,
	 ND_ELLADDR},

	{"RS from nowhere with a link address", RS SLLA, "::", "ff02::2", ND_ESRC},
	{"RA from a global address", RA, "2001:db8::1", "ff02::1", ND_ESRC},
	{"RA from nowhere", RA, "::", "ff02::1", ND_ESRC},
	{"NS from nowhere with a link address", NS(LL("02")) SLLA, "::", SOLICITED, ND_ESRC},
	{"NS from nowhere to unicast", NS(LL("02")), "::", "fe80::2", ND_EDST},
	{"NS from nowhere to all nodes", NS(LL("02")), "::", "ff02::1", ND_EDST},
	{"NS for a group", NS(GROUP), "fe80::1", SOLICITED, ND_ETARGET},
	{"NS for a mapped address", NS(MAPPED), "fe80::1", SOLICITED, ND_ETARGET},
	{"NA for a group", NA("60", GROUP) TLLA, "fe80::2", "fe80::1", ND_ETARGET},
	{"NA for a mapped address", NA("60", MAPPED) TLLA, "fe80::2", "fe80::1", ND_ETARGET},
	{"NA to a group, solicited", NA("60", LL("02")) TLLA, "fe80::2", "ff02::1", ND_EFLAGS},
	{"Redirect from a global address", REDIR(LL("98"), GLOBAL), "2001:db8::1", "fe80::1",
	 ND_ESRC},
	{"Redirect of a group", REDIR(LL("98"), GROUP), "fe80::99", "fe80::1", ND_ETARGET},
	{"Redirect of a mapped address", REDIR(LL("98"), MAPPED), "fe80::99", "fe80::1",
	 ND_ETARGET},
	{"Redirect to a mapped address", REDIR(MAPPED, MAPPED), "fe80::99", "fe80::1", ND_ETARGET},
	{"Redirect to a stranger", REDIR(GLOBAL, LL("03")), "fe80::99", "fe80::1", ND_ETARGET},
	{"Redirect to a group", REDIR(GROUP, GROUP), "fe80::99", "fe80::1", ND_ETARGET},

	{"code 1", "87 01 7a 97 00 00 00 00 " LL("02"), "fe80::1", SOLICITED, ND_ECODE},
	{"echo request", "80 00 12 36 12 34 00 07", "fe80::1", "fe80::2", ND_ETYPE},
	{"type 138", "8a 00 12 36 12 34 00 07", "fe80::1", "fe80::2", ND_ETYPE},
};

static struct ip6 header_of(const struct row *row)
{
	struct ip6 h = {.next_header = PROTO_ICMP6, .hop_limit = 255};

	assert_int_equal(ipaddr_parse(row->src, &h.src), 0);
	assert_int_equal(ipaddr_parse(row->dst, &h.dst), 0);
	return h;
}

static void try_row(struct view v, void *ctx)
{
	const struct row *row = ctx;
	struct ip6 h = header_of(row);
	struct nd n;
	int err = nd_parse(&n, v, &h, false);

	if (err != row->err)
		fail_msg("%s: %s", row->what, wire_err_name(err));
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pkt p = pkt_hex(rows[i].hex);
		struct row row = rows[i];

		wire_try_exact(pkt_view(&p), try_row, &row);
	}
}

/* What goes for all types: hop limit 255 (RFC 4861 3.1), no fragments (RFC 6980 5), code 0. */
static void test_common(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows) && rows[i].err == 0; i++) {
		struct pkt p = pkt_hex(rows[i].hex);
		struct ip6 h = header_of(&rows[i]);
		struct nd n;

		assert_int_equal(nd_parse(&n, pkt_view(&p), &h, true), ND_EFRAG);
		h.hop_limit = 254;
		assert_int_equal(nd_parse(&n, pkt_view(&p), &h, false), ND_EHOPS);
		h.hop_limit = 255;
		p.b[1] = 1;
		assert_int_equal(nd_parse(&n, pkt_view(&p), &h, false), ND_ECODE);
	}
}

static struct nd parsed(const struct row *row)
{
	struct pkt p = pkt_hex(row->hex);
	struct ip6 h = header_of(row);
	struct nd n;

	assert_int_equal(nd_parse(&n, pkt_view(&p), &h, false), 0);
	n.redirected = (struct view){0}; /* p is gone */
	return n;
}

static void test_fields_ns_na(void **state)
{
	struct nd n = parsed(&rows[3]);
	struct ipaddr want;

	(void)state;
	assert_int_equal(ipaddr_parse("fe80::2", &want), 0);
	assert_int_equal(n.type, ICMP6_NS);
	assert_true(ipaddr_eq(&n.target, &want));
	assert_true(n.has_slla && !n.has_tlla && !n.has_nonce);
	assert_memory_equal(n.slla.b, "\x02\0\0\0\0\x01", 6);
	n = parsed(&rows[5]);
	assert_true(n.has_nonce && !n.has_slla);
	assert_memory_equal(n.nonce, "\x11\x22\x33\x44\x55\x66", 6);
	n = parsed(&rows[6]);
	assert_int_equal(n.type, ICMP6_NA);
	assert_true(!n.router && n.solicited && n.override);
	assert_true(n.has_tlla && ipaddr_eq(&n.target, &want));
	assert_memory_equal(n.tlla.b, "\x02\0\0\0\0\x02", 6);
}

static void test_fields_ra(void **state)
{
	struct nd n = parsed(&rows[2]);
	struct ipaddr want;

	(void)state;
	assert_int_equal(ipaddr_parse("2001:db8:5::", &want), 0);
	assert_int_equal(n.ra.hop_limit, 64);
	assert_true(!n.ra.managed && n.ra.other);
	assert_int_equal(n.ra.lifetime_s, 1800);
	assert_int_equal(n.ra.reachable_ms, 30000);
	assert_int_equal(n.ra.retrans_ms, 1000);
	assert_true(n.has_slla && n.has_mtu);
	assert_int_equal(n.mtu, 1400);
	assert_int_equal(n.n_prefixes, 1);
	assert_int_equal(n.n_prefixes_skipped, 0);
	assert_int_equal(n.prefix[0].len, 64);
	assert_true(n.prefix[0].onlink && n.prefix[0].autonomous);
	assert_int_equal(n.prefix[0].valid_s, UINT32_MAX);
	assert_int_equal(n.prefix[0].preferred_s, 604800);
	assert_true(ipaddr_eq(&n.prefix[0].addr, &want));
}

/* Too many, too long, or mapped: the others count. Host bits are cleared. */
static void test_prefixes(void **state)
{
	struct row row = {"", RA, "fe80::99", "ff02::1", 0};
	struct ip6 h = header_of(&row);
	struct pkt p = pkt_hex(RA);
	struct ipaddr want;
	struct nd n;

	(void)state;
	for (unsigned i = 0; i < ND_MAX_PREFIXES + 4; i++)
		pkt_add(&p, PREFIX);
	p.b[16 + 2] = 129;
	p.b[48 + 2] = 47;
	memset(p.b + 80 + 16, 0, 10);
	memset(p.b + 80 + 26, 0xff, 2);
	assert_int_equal(nd_parse(&n, pkt_view(&p), &h, false), 0);
	assert_int_equal(n.n_prefixes, ND_MAX_PREFIXES);
	assert_int_equal(n.n_prefixes_skipped, 4);
	assert_int_equal(ipaddr_parse("2001:db8:4::", &want), 0);
	assert_int_equal(n.prefix[0].len, 47);
	assert_true(ipaddr_eq(&n.prefix[0].addr, &want));
}

static void test_fields_redirect(void **state)
{
	struct row row = {
		"", REDIR(LL("98"), GLOBAL) TLLA "04 02 00 00 00 00 00 00 61 62 63 64 65 66 67 68",
		"fe80::99", "fe80::1", 0};
	struct pkt p = pkt_hex(row.hex);
	struct ip6 h = header_of(&row);
	struct ipaddr target, dst;
	struct nd n;

	(void)state;
	assert_int_equal(nd_parse(&n, pkt_view(&p), &h, false), 0);
	assert_int_equal(ipaddr_parse("fe80::98", &target), 0);
	assert_int_equal(ipaddr_parse("2001:db8:1::2", &dst), 0);
	assert_true(ipaddr_eq(&n.target, &target) && ipaddr_eq(&n.dst, &dst));
	assert_true(n.has_tlla);
	assert_int_equal(n.redirected.len, 8);
	assert_memory_equal(n.redirected.p, "abcdefgh", 8);
}

struct any {
	struct ip6 h;
	size_t fixed;
};

static void try_cut(struct view v, void *ctx)
{
	const struct any *a = ctx;
	struct nd n;
	int err = nd_parse(&n, v, &a->h, false);

	if (v.len < a->fixed)
		assert_int_equal(err, ND_ESHORT);
}

static void try_damaged(struct view v, void *ctx)
{
	const struct any *a = ctx;
	struct nd n;

	if (nd_parse(&n, v, &a->h, false) != 0)
		return;
	assert_true(icmp6_is_nd(n.type));
	assert_true(wire_within(v, n.redirected));
	assert_true(n.n_prefixes <= ND_MAX_PREFIXES);
	assert_false(n.type >= ICMP6_NS && ipaddr_is_multicast(&n.target));
	assert_false(n.type >= ICMP6_NS && ipaddr_is_v4(&n.target));
	for (unsigned i = 0; i < n.n_prefixes; i++)
		assert_true(n.prefix[i].len <= 128);
}

static void test_cut_and_damaged(void **state)
{
	static const size_t fixed[] = {8, 16, 24, 24, 40};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows) && rows[i].err == 0; i++) {
		struct pkt p = pkt_hex(rows[i].hex);
		struct any a = {header_of(&rows[i]), fixed[p.b[0] - ICMP6_RS]};

		wire_try_cuts(pkt_view(&p), try_cut, &a);
		wire_try_damaged(pkt_view(&p), 10000, try_damaged, &a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_common),
		cmocka_unit_test(test_fields_ns_na),
		cmocka_unit_test(test_fields_ra),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_fields_redirect),
		cmocka_unit_test(test_cut_and_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
