/* SPDX-License-Identifier: BSD-2-Clause */
/* Quoted packets of ICMP errors: flows of both families, little quoted, lies, fragments. */
#include "wire/quote.h"

#include "base/endian.h"
#include "wire/icmp4.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/proto.h"
#include "test_wire_util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define IP4_OF(proto) "45 00 05 dc 00 01 40 00 40 " proto " 48 e4 c0 00 02 01 c6 33 64 02 "
#define IP6_OF(next) \
	"60 00 00 00 05 b4 " next " 40 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01 " \
	"20 01 0d b8 00 01 00 00 00 00 00 00 00 00 00 02 "
#define TCP8 "9c 40 00 50 11 22 33 44 "
#define UDP8 "14 e9 00 35 00 08 00 00 "

enum has {
	NOTHING = 0,
	PORTS = 1,
	SEQ = 2,
	ECHO = 4,
	SPI = 8,
	FRAGMENT = 16,
};

static const struct row {
	const char *hex;
	bool v6;
	uint8_t proto;
	unsigned has;
	uint16_t upper_off;
} rows[] = {
	{IP4_OF("06") TCP8, false, PROTO_TCP, PORTS | SEQ, 20},
	{IP6_OF("06") TCP8, true, PROTO_TCP, PORTS | SEQ, 40},
	{IP4_OF("06") "9c 40 00 50 11 22 33", false, PROTO_TCP, PORTS, 20},
	{IP6_OF("06") "9c 40 00 50 11 22 33", true, PROTO_TCP, PORTS, 40},
	{IP4_OF("06") "9c 40 00", false, PROTO_TCP, NOTHING, 20},
	{IP6_OF("06") "9c 40 00", true, PROTO_TCP, NOTHING, 40},
	{IP4_OF("06"), false, PROTO_TCP, NOTHING, 20},
	{IP6_OF("06"), true, PROTO_TCP, NOTHING, 40},
	{IP4_OF("11") UDP8, false, PROTO_UDP, PORTS, 20},
	{IP6_OF("11") UDP8, true, PROTO_UDP, PORTS, 40},
	{IP4_OF("01") "08 00 00 00 12 34 00 07", false, PROTO_ICMP4, ECHO, 20},
	{IP6_OF("3a") "80 00 00 00 12 34 00 07", true, PROTO_ICMP6, ECHO, 40},
	/* an error about an error: no echo */
	{IP4_OF("01") "03 00 00 00 12 34 00 07", false, PROTO_ICMP4, NOTHING, 20},
	{IP6_OF("3a") "01 00 00 00 12 34 00 07", true, PROTO_ICMP6, NOTHING, 40},
	{IP4_OF("32") "00 00 10 01 00 00 00 01", false, PROTO_ESP, SPI, 20},
	{IP6_OF("32") "00 00 10 01 00 00 00 01", true, PROTO_ESP, SPI, 40},
	{IP4_OF("c8") TCP8, false, 200, NOTHING, 20},
	{IP6_OF("c8") TCP8, true, 200, NOTHING, 40},
	/* options */
	{"46 00 05 dc 00 01 40 00 40 06 48 e4 c0 00 02 01 c6 33 64 02 94 04 00 00 " TCP8, false,
	 PROTO_TCP, PORTS | SEQ, 24},
	{IP6_OF("00") "2c 00 05 02 00 00 01 00 3c 00 00 01 de ad be ef 06 00 01 04 00 00 00 "
		      "00 " TCP8,
	 true, PROTO_TCP, PORTS | SEQ, 64},
	/* options that a host would refuse do not matter here */
	{IP6_OF("3c") "06 00 de 04 00 00 00 00 " TCP8, true, PROTO_TCP, PORTS | SEQ, 48},
	/* later fragments */
	{"45 00 05 dc 00 01 20 b9 40 06 48 e4 c0 00 02 01 c6 33 64 02 " TCP8, false, PROTO_TCP,
	 FRAGMENT, 20},
	{IP6_OF("2c") "06 00 00 10 de ad be ef " TCP8, true, PROTO_TCP, FRAGMENT, 48},
	/* a chain that is cut or lies ends at what is not understood */
	{IP6_OF("3c") "06 ff 01 04 00 00 00 00 " TCP8, true, PROTO_DSTOPTS, NOTHING, 40},
	{IP6_OF("3c") "06 00 01", true, PROTO_DSTOPTS, NOTHING, 40},
	/* the total length says that nothing of TCP was in the packet: the rest is RFC 4884's */
	{"45 00 00 14 00 01 40 00 40 06 48 e4 c0 00 02 01 c6 33 64 02 " TCP8, false, PROTO_TCP,
	 NOTHING, 20},
	{"60 00 00 00 00 00 06 40 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01 "
	 "20 01 0d b8 00 01 00 00 00 00 00 00 00 00 00 02 " TCP8,
	 true, PROTO_TCP, NOTHING, 40},
};

static int parse(struct quote *q, struct view v, bool v6)
{
	return v6 ? quote_parse6(q, v) : quote_parse4(q, v);
}

static void try_row(struct view v, void *ctx)
{
	const struct row *row = ctx;
	struct quote q;

	assert_int_equal(parse(&q, v, row->v6), 0);
	assert_int_equal(ipaddr_is_v4(&q.src), !row->v6);
	assert_int_equal(q.src.b[15], 1);
	assert_int_equal(q.dst.b[15], 2);
	assert_int_equal(q.proto, row->proto);
	assert_int_equal(q.upper_off, row->upper_off);
	assert_int_equal(q.has_ports, (row->has & PORTS) != 0);
	assert_int_equal(q.has_tcp_seq, (row->has & SEQ) != 0);
	assert_int_equal(q.has_echo, (row->has & ECHO) != 0);
	assert_int_equal(q.has_spi, (row->has & SPI) != 0);
	assert_int_equal(q.fragment, (row->has & FRAGMENT) != 0);
	if (q.has_ports)
		assert_int_equal(q.sport, row->proto == PROTO_TCP ? 40000 : 5353);
	if (q.has_ports)
		assert_int_equal(q.dport, row->proto == PROTO_TCP ? 80 : 53);
	if (q.has_tcp_seq)
		assert_int_equal(q.tcp_seq, 0x11223344);
	if (q.has_echo)
		assert_true(q.echo_id == 0x1234 && q.echo_seq == 7);
	if (q.has_spi)
		assert_int_equal(q.spi, 0x1001);
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

static void test_packet_len(void **state)
{
	struct pkt p4 = pkt_hex(rows[0].hex), p6 = pkt_hex(rows[1].hex);
	struct quote q;

	(void)state;
	assert_int_equal(quote_parse4(&q, pkt_view(&p4)), 0);
	assert_int_equal(q.packet_len, 1500);
	assert_int_equal(quote_parse6(&q, pkt_view(&p6)), 0);
	assert_int_equal(q.packet_len, 1500);
}

/* No IP header of that version, or not the whole of it. */
static void test_refused(void **state)
{
	struct pkt p4 = pkt_hex(rows[0].hex), p6 = pkt_hex(rows[1].hex);
	struct quote q;

	(void)state;
	assert_int_equal(quote_parse4(&q, pkt_view(&p6)), ICMP_EQUOTE);
	assert_int_equal(quote_parse6(&q, pkt_view(&p4)), ICMP_EQUOTE);
	p4.b[0] = 0x4f;
	assert_int_equal(quote_parse4(&q, pkt_view(&p4)), ICMP_EQUOTE);
	p4.b[0] = 0x44;
	assert_int_equal(quote_parse4(&q, pkt_view(&p4)), ICMP_EQUOTE);
}

static void try_any(struct view v, void *ctx)
{
	const struct row *row = ctx;
	struct quote q;
	int err = parse(&q, v, row->v6);

	if (v.len < (row->v6 ? IP6_HLEN : IP4_HLEN))
		assert_int_equal(err, ICMP_EQUOTE);
	if (err != 0)
		return;
	assert_true(q.upper_off <= v.len);
	assert_true(!q.has_tcp_seq || q.has_ports);
	assert_true(!q.fragment || !(q.has_ports || q.has_echo || q.has_spi));
}

static void test_cut_and_damaged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pkt p = pkt_hex(rows[i].hex);
		struct row row = rows[i];

		wire_try_cuts(pkt_view(&p), try_any, &row);
		wire_try_damaged(pkt_view(&p), 10000, try_any, &row);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_packet_len),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cut_and_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
